//! Components on the command line, beside a server that runs.

use nameplate_tests::hostile;
use nameplate_tests::process::Place;
use serde_json::Value;

use crate::place;

fn run(place: &Place, args: &[&str]) -> (Option<i32>, String, String) {
    let output = place.run(args).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[track_caller]
fn done(place: &Place, args: &[&str]) -> String {
    let (code, stdout, stderr) = run(place, args);
    assert_eq!(code, Some(0), "{stderr}");
    stdout
}

#[track_caller]
fn refused(place: &Place, args: &[&str]) -> String {
    let (code, _, stderr) = run(place, args);
    assert_eq!(code, Some(1), "{args:?}");
    // Compiling says so first, in a line of its own.
    let last = stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("error: "), "{stderr}");
    last.to_owned()
}

/// The sha256 that `plugin add` prints.
fn added(place: &Place, file: &str) -> String {
    let said = done(place, &["plugin", "add", file]);
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix("sha256     "));
    line.unwrap().to_owned()
}

#[test]
fn a_component_is_inspected_without_leaving_a_trace() {
    let place = place();
    std::fs::write(place.folder().join("good.wasm"), hostile::component()).unwrap();
    let said = done(&place, &["inspect", "good.wasm", "--json"]);
    let json: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(json["accepted"], true);
    assert_eq!(json["world"], "nameplate:scim/plugin@0.1.0");
    assert_eq!(json["signature"], "none");
    assert_eq!(json["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(
        json["bytes"].as_u64().unwrap(),
        hostile::component().len() as u64
    );
    let names = |list: &str| json[list].to_string();
    assert!(names("imports").contains("nameplate:scim/user-store@0.1.0#index-ready"));
    assert!(names("exports").contains("nameplate:scim/http-handler@0.1.0#handle"));
    let evil = hostile::with_an_import();
    std::fs::write(place.folder().join("evil.wasm"), evil).unwrap();
    let why = refused(&place, &["inspect", "evil.wasm"]);
    assert!(why.contains("imports `evil:x/net`"), "{why}");
    let later = hostile::of_version("0.2.0");
    std::fs::write(place.folder().join("later.wasm"), later).unwrap();
    let (code, said, _) = run(&place, &["inspect", "later.wasm", "--json"]);
    let json: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &json["accepted"]), (Some(1), &Value::Bool(false)));
    assert_eq!(json["world"], "nameplate:scim/plugin@0.2.0");
    let files = std::fs::read_dir(place.folder()).unwrap();
    assert_eq!(files.count(), 3, "no database is made");
}

#[test]
fn a_running_server_follows_use_and_rollback() {
    let place = place();
    let tokens = place.init().unwrap();
    std::fs::write(place.folder().join("plugin.wasm"), hostile::component()).unwrap();
    let sha256 = added(&place, "plugin.wasm");
    let server = place.serve().unwrap();
    let mut client = server.client(&tokens.scim).unwrap();
    let mut is_own = move || {
        loop {
            let answer = client.get("/scim/v2/ServiceProviderConfig").unwrap();
            // Whoever asks without pause is told to wait; no request fails.
            if answer.status != 429 {
                assert_eq!(answer.status, 200);
                return answer.json() != serde_json::json!({});
            }
        }
    };
    assert!(is_own());
    let said = done(&place, &["plugin", "use", &sha256[..12]]);
    assert!(said.contains("within five seconds"), "{said}");
    while is_own() {}
    let list = done(&place, &["plugin", "list"]);
    let line = list.lines().find(|line| line.starts_with(&sha256[..12]));
    assert!(line.unwrap().ends_with("default"), "{list}");
    let why = refused(&place, &["plugin", "remove", &sha256]);
    assert!(why.contains("tenant `default` runs it"), "{why}");
    done(&place, &["plugin", "rollback"]);
    while !is_own() {}
    let why = refused(&place, &["plugin", "remove", &sha256]);
    assert!(why.contains("could go back to it"), "{why}");
    done(&place, &["plugin", "remove", "--force", &sha256]);
    let why = refused(&place, &["plugin", "rollback"]);
    assert!(
        why.contains("still runs built-in") && why.contains("plugin add"),
        "{why}"
    );
}

#[test]
fn a_component_that_does_not_work_is_not_chosen() {
    let place = place();
    place.init().unwrap();
    let file = place.folder().join("plugin.wasm");
    std::fs::write(&file, b"garbage").unwrap();
    let why = refused(&place, &["plugin", "add", "plugin.wasm"]);
    assert!(why.contains("no WebAssembly component"), "{why}");
    std::fs::write(&file, hostile::that_traps()).unwrap();
    let sha256 = added(&place, "plugin.wasm");
    let why = refused(&place, &["plugin", "use", &sha256]);
    assert!(
        why.contains("tenant `default` still runs built-in"),
        "{why}"
    );
    let why = refused(&place, &["plugin", "use", "0000"]);
    assert!(why.contains("nameplate plugin add FILE"), "{why}");
}
