//! The command line: what it prints, how it fails, where settings come from.

use std::process::Output;
use std::time::{Duration, Instant};

use nameplate_tests::process::{Place, Server};
use serde_json::Value;

use crate::place;

/// How soon a running server has to notice what another process did to its tokens.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

#[track_caller]
fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The one line of a failure.
#[track_caller]
fn failure(place: &Place, args: &[&str]) -> String {
    let output = place.run(args).unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(output.stdout.is_empty(), "a failure prints no result");
    assert_eq!(text.lines().count(), 1, "{text}");
    text.strip_prefix("error: ").unwrap().trim_end().to_owned()
}

#[test]
fn init_prints_url_and_tokens_as_json_that_work() {
    let place = place();
    let output = place.run(&[
        "init",
        "--json",
        "--tenant",
        "acme",
        "--connection",
        "entra",
    ]);
    let json: Value = serde_json::from_str(&stdout(&output.unwrap())).unwrap();
    let mut names: Vec<&String> = json.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["admin_token", "scim_token", "scim_url"]);
    assert_eq!(json["scim_url"], "http://127.0.0.1:8080/scim/v2");
    let (scim, admin) = (&json["scim_token"], &json["admin_token"]);
    assert!(scim.as_str().unwrap().starts_with("np_scim_"), "{scim}");
    assert!(admin.as_str().unwrap().starts_with("np_admin_"), "{admin}");
    let server = place.serve().unwrap();
    let mut client = server.client(scim.as_str().unwrap()).unwrap();
    assert_eq!(client.get("/scim/v2/Users").unwrap().status, 200);
    let mut client = server.client(admin.as_str().unwrap()).unwrap();
    assert_eq!(client.get("/api/v1/hosts").unwrap().status, 200);
}

#[test]
fn init_knows_the_public_url() {
    let place = place();
    let args = ["init", "--json", "--public-url", "https://mdm.example.com"];
    let json: Value = serde_json::from_str(&stdout(&place.run(&args).unwrap())).unwrap();
    assert_eq!(json["scim_url"], "https://mdm.example.com/scim/v2");
}

#[test]
fn a_second_init_changes_nothing_and_names_token_create() {
    let place = place();
    place.init().unwrap();
    let before = stdout(&place.run(&["token", "list"]).unwrap());
    let error = failure(&place, &["init", "--json"]);
    assert!(
        error.contains("nameplate token create --tenant default --connection okta --scope scim"),
        "{error}"
    );
    assert_eq!(stdout(&place.run(&["token", "list"]).unwrap()), before);
}

#[test]
fn a_token_is_created_listed_and_revoked_under_a_running_server() {
    let place = place();
    place.init().unwrap();
    let server = place.serve().unwrap();
    let create = ["token", "create", "--connection", "okta", "--scope", "scim"];
    let token = stdout(&place.run(&create).unwrap()).trim().to_owned();
    let mut client = server.client(&token).unwrap();
    assert_eq!(client.get("/scim/v2/Users").unwrap().status, 200);

    let id = token.split('_').nth(2).unwrap();
    let secret = token.split('_').nth(3).unwrap();
    let line = |place: &Place| {
        let list = stdout(&place.run(&["token", "list"]).unwrap());
        assert!(!list.contains(secret), "a secret is shown once");
        list.lines()
            .find(|line| line.starts_with(id))
            .unwrap()
            .to_owned()
    };
    assert!(line(&place).contains("valid"));
    let revoked = stdout(&place.run(&["token", "revoke", id]).unwrap());
    assert_eq!(revoked.trim(), format!("revoked {id}"));
    assert!(line(&place).contains("revoked"));

    let began = Instant::now();
    while client.get("/scim/v2/Users").unwrap().status != 401 {
        assert!(
            began.elapsed() < NOTICED_WITHIN,
            "a revoked token still works"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let again = failure(&place, &["token", "revoke", id]);
    assert!(again.contains(&format!("no token `{id}`")), "{again}");
}

#[test]
fn tenants_and_connections_are_added_and_used_without_a_restart() {
    let place = place();
    place.init().unwrap();
    let server = place.serve().unwrap();
    let added = stdout(&place.run(&["tenant", "add", "acme"]).unwrap());
    assert!(
        added.contains("nameplate connection add --tenant acme"),
        "{added}"
    );
    let add = [
        "connection",
        "add",
        "--tenant",
        "acme",
        "--dialect",
        "entra",
        "entra",
    ];
    let added = stdout(&place.run(&add).unwrap());
    assert!(
        added.contains("nameplate token create --tenant acme"),
        "{added}"
    );
    let list = stdout(
        &place
            .run(&["connection", "list", "--tenant", "acme"])
            .unwrap(),
    );
    let line = list.lines().find(|line| line.starts_with("entra")).unwrap();
    assert!(line.split_whitespace().any(|word| word == "true"), "{line}");
    let create = ["token", "create", "--tenant", "acme", "--scope", "scim"];
    let token = stdout(&place.run(&create).unwrap()).trim().to_owned();
    let mut client = server.client(&token).unwrap();
    assert_eq!(client.get("/scim/v2/Users").unwrap().status, 200);
    let taken = failure(&place, &["tenant", "add", "acme"]);
    assert_eq!(taken, "there is a tenant `acme` already");
}

#[test]
fn requests_shows_what_the_identity_provider_asked_for() {
    let place = place();
    let token = place.init().unwrap().scim;
    let server = place.serve().unwrap();
    let mut client = server.client(&token).unwrap();
    assert_eq!(client.get("/scim/v2/Users/none").unwrap().status, 404);
    assert!(server.stop().unwrap().success());
    let shown = stdout(&place.run(&["requests"]).unwrap());
    let line = shown.lines().last().unwrap();
    for part in ["okta", "404", "GET /scim/v2/Users/none", "`none`"] {
        assert!(line.contains(part), "{part} is not in: {line}");
    }
}

#[test]
fn a_command_line_that_makes_no_sense_exits_2() {
    let place = place();
    for args in [
        &["serve", "--listn", "x"][..],
        &["serv"],
        &[],
        &["token", "create"],
        &["token", "create", "--scope", "root"],
        &["requests", "--limit", "0"],
        &["serve", "--isolation", "none"],
    ] {
        let output = place.run(args).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
    assert!(!place.database().exists(), "nothing was opened");
}

#[test]
fn a_database_that_is_none_is_told_without_its_password() {
    let place = place();
    let output = place
        .run(&["tenant", "list", "--database", "postgres://u:secret@h/d"])
        .unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("`postgres`") && said.contains("sqlite:PATH"),
        "{said}"
    );

    let nowhere = ["tenant", "list", "--database", "sqlite:none/x.db"];
    let error = failure(&place, &nowhere);
    assert!(
        error.starts_with("cannot open the database `sqlite:none/x.db`: "),
        "{error}"
    );

    std::fs::write(
        place.folder().join("text.db"),
        "this is no database, ".repeat(100),
    )
    .unwrap();
    let error = failure(&place, &["tenant", "list", "--database", "sqlite:text.db"]);
    assert!(
        error.starts_with("cannot open the database `sqlite:text.db`: "),
        "{error}"
    );
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_file() {
    let place = place();
    let file = place.folder().join("nameplate.toml");
    std::fs::write(&file, "public_url = \"https://file.example\"\n").unwrap();
    let url = |connection: &str, environment: Option<&str>, flag: Option<&str>| {
        let mut command = place.command(&["init", "--json", "--connection", connection]);
        if let Some(value) = environment {
            command.env("NAMEPLATE_PUBLIC_URL", value);
        }
        if let Some(value) = flag {
            command.args(["--public-url", value]);
        }
        let json: Value = serde_json::from_str(&stdout(&command.output().unwrap())).unwrap();
        json["scim_url"].as_str().unwrap().to_owned()
    };
    let (environment, flag) = (Some("https://env.example"), Some("https://flag.example"));
    assert_eq!(url("a", None, None), "https://file.example/scim/v2");
    assert_eq!(url("b", environment, None), "https://env.example/scim/v2");
    assert_eq!(url("c", environment, flag), "https://flag.example/scim/v2");
}

#[test]
fn an_unknown_key_of_the_file_is_an_error_with_its_place() {
    let place = place();
    std::fs::write(
        place.folder().join("my.toml"),
        "\nlistn = \"127.0.0.1:1\"\n",
    )
    .unwrap();
    let error = failure(&place, &["tenant", "list", "--config", "my.toml"]);
    assert!(error.starts_with("my.toml:2:1: "), "{error}");
    assert!(error.contains("`listn`"), "{error}");
    let error = failure(&place, &["tenant", "list", "--config", "none.toml"]);
    assert!(error.contains("`none.toml`"), "{error}");
}

#[test]
fn the_first_start_prints_tokens_once_and_what_to_do_next() {
    let place = place();
    let server = place.serve().unwrap();
    let base = format!("http://{}", server.address());
    server.tell_to_stop().unwrap();
    let greeting = server.greeting().to_owned();
    let (status, rest) = server.wait().unwrap();
    assert!(status.success());
    let first = greeting + &rest;
    assert!(first.contains(&format!("{base}/scim/v2")), "{first}");
    let token = |kind: &str| {
        let found = first.split_whitespace().find(|word| word.starts_with(kind));
        found.unwrap().to_owned()
    };
    let (scim, admin) = (token("np_scim_"), token("np_admin_"));
    assert!(first.contains("curl"), "it says what to do next: {first}");

    let server = place.serve().unwrap();
    let answer = server.client(&scim).unwrap().get("/scim/v2/Users").unwrap();
    assert_eq!(answer.status, 200);
    let answer = server.client(&admin).unwrap().get("/api/v1/hosts").unwrap();
    assert_eq!(answer.status, 200);
    server.tell_to_stop().unwrap();
    let greeting = server.greeting().to_owned();
    let (_, rest) = server.wait().unwrap();
    let second = greeting + &rest;
    assert!(!second.contains("np_"), "tokens are shown once: {second}");
    assert!(second.contains("/scim/v2"), "{second}");
}

#[test]
fn an_address_in_use_is_told_before_anything_is_made() {
    let place = place();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let command = place.command(&["serve", "--listen", &address]);
    let error = Server::start(command).err().unwrap();
    assert!(error.to_string().contains("exit status: 1"), "{error}");
    let output = place
        .run(&["serve", "--listen", &address, "--log", "error"])
        .unwrap();
    let said = stderr(&output);
    assert!(
        said.starts_with(&format!("error: cannot listen on `{address}`: ")),
        "{said}"
    );
    assert_eq!(
        stdout(&place.run(&["tenant", "list"]).unwrap())
            .lines()
            .count(),
        1
    );
}
