//! Requests explained, changes told and people forgotten at the command line.

use nameplate_tests::process::Place;

use crate::place;

#[track_caller]
fn printed(place: &Place, args: &[&str]) -> String {
    let output = place.run(args).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_error_is_listed_with_its_fix_and_explained_by_its_id() {
    let place = place();
    let token = place.init().unwrap().scim;
    let server = place.serve().unwrap();
    let mut client = server.client(&token).unwrap();
    assert_eq!(client.get("/scim/v2/Users").unwrap().status, 200);
    assert_eq!(client.get("/scim/v2/Users/none").unwrap().status, 404);
    assert!(server.stop().unwrap().success());
    let listed = printed(&place, &["requests", "--errors", "--connection", "okta"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let line = listed.lines().last().unwrap();
    assert!(line.contains("fix: for a person, remove them in"), "{line}");
    let id = line.split_whitespace().nth(1).unwrap();
    let explained = printed(&place, &["explain", id]);
    for part in ["GET /scim/v2/Users/none", "404", "meaning", "fix"] {
        assert!(explained.contains(part), "{part} is not in: {explained}");
    }
    let replayed = printed(&place, &["requests", "replay", id]);
    assert!(replayed.contains("404"), "{replayed}");
}

#[test]
fn each_changing_command_is_in_the_audit_log_without_a_secret() {
    let place = place();
    place.init().unwrap();
    let create = ["token", "create", "--scope", "admin"];
    let token = printed(&place, &create);
    let id = token.split('_').nth(2).unwrap();
    let _ = printed(&place, &["token", "revoke", id]);
    let _ = printed(&place, &["tenant", "add", "acme"]);
    let told = printed(&place, &["audit"]);
    for part in ["token.create", "token.revoke", "tenant.add", id] {
        assert!(told.contains(part), "{part} is not in: {told}");
    }
    let secret = token.split('_').nth(3).unwrap();
    assert!(!told.contains(secret), "a token is in the audit log");
    let own = printed(&place, &["audit", "--tenant", "acme"]);
    assert!(!own.contains("token.create"), "{own}");
}

#[test]
fn nobody_is_erased_without_being_asked_twice() {
    let place = place();
    place.init().unwrap();
    let output = place.run(&["person", "erase", "ana@example.com"]).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--yes"), "{said}");
}
