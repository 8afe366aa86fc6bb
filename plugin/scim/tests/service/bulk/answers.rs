//! What Bulk answers (RFC 7644 3.7.3).

use nameplate_scim::config::Config;
use serde_json::json;

use super::{RESPONSE, delete, group, patch, post, put, user};
use crate::client::{BASE, Client};

#[test]
fn each_operation_is_told_like_a_request_of_its_own() {
    let mut client = Client::new();
    let bob = client.user("bob");
    let joy = client.user("joy");
    let target = |id: &str| format!("/Users/{id}");
    let replaced = json!({"schemas": [crate::client::USER], "userName": "bob", "title": "x"});
    let answer = client.bulk_answer(&[
        post("/Users", "qwerty", user("alice")),
        put(&target(&bob), replaced),
        patch(
            &target(&joy),
            json!([{"op": "add", "path": "title", "value": "y"}]),
        ),
        delete(&target(&joy)),
    ]);
    let answer = answer.expect(200);
    let alice = client
        .filter("/Users", "userName eq \"alice\"")
        .ids()
        .remove(0);
    assert_eq!(
        answer.body,
        json!({"schemas": [RESPONSE], "Operations": [
            {"method": "POST", "bulkId": "qwerty", "version": "W/\"1\"", "status": "201",
             "location": format!("{BASE}/Users/{alice}")},
            {"method": "PUT", "version": "W/\"2\"", "status": "200",
             "location": format!("{BASE}/Users/{bob}")},
            {"method": "PATCH", "version": "W/\"2\"", "status": "200",
             "location": format!("{BASE}/Users/{joy}")},
            {"method": "DELETE", "status": "204", "location": format!("{BASE}/Users/{joy}")},
        ]})
    );
    assert_eq!(client.get(&target(&alice)).expect(200).version(), "W/\"1\"");
    let _ = client.get(&target(&joy)).expect(404);
}

#[test]
fn what_fails_says_why_and_the_rest_is_done() {
    let mut client = Client::new();
    client.user("taken");
    let results = client
        .bulk(&[
            post("/Users", "a", user("taken")),
            post("/Users", "b", json!({"schemas": [crate::client::USER]})),
            put("/Users/nobody", user("x")),
            delete("/Groups/no body"),
            json!({"method": "GET", "path": "/Users/1"}),
            post("/Users", "c", user("new")),
        ])
        .expect([409, 400, 404, 404, 400, 201]);
    assert_eq!(results.scim_type(0), Some("uniqueness"));
    assert_eq!(results.scim_type(1), Some("invalidValue"));
    assert_eq!(results.0[0].get("location"), None, "a failed POST has none");
    assert_eq!(results.0[0]["bulkId"], "a");
    assert_eq!(results.path(2), "/Users/nobody");
    assert_eq!(results.path(3), "/Groups/no%20body");
    assert_eq!(results.0[4].get("method"), None);
    assert_eq!(client.get("/Users").total(), 2);
}

#[test]
fn an_endless_id_is_not_repeated() {
    let mut client = Client::new();
    let endless = "%".repeat(1000);
    let results = client.bulk(&[
        delete(&format!("/Users/{}", endless.replace('%', "%25"))),
        post("/Users", &endless.repeat(2), user("ana")),
    ]);
    let results = results.expect([404, 400]);
    assert_eq!(results.0[0].get("location"), None);
    assert_eq!(results.0[1].get("bulkId"), None);
}

#[test]
fn so_many_errors_end_the_request() {
    let mut client = Client::new();
    client.user("taken");
    let taken = || post("/Users", "t", user("taken"));
    let other = |bulk_id: &str| {
        let mut operation = taken();
        operation["bulkId"] = json!(bulk_id);
        operation
    };
    let operations = [
        post("/Users", "a", user("ana")),
        taken(),
        delete("/Users/nobody"),
        post("/Users", "b", user("bob")),
        other("t2"),
    ];
    let results = client.bulk_until(2, &operations).expect([201, 409, 404]);
    assert_eq!(results.0[2]["method"], "DELETE");
    let _ = client.bulk_until(1, &operations[1..]).expect([409]);
    assert_eq!(client.get("/Users").total(), 2, "bob was not created");
    let _ = client
        .bulk_until(3, &operations[1..])
        .expect([409, 404, 201, 409]);
}

#[test]
fn a_version_is_compared_as_if_match_is() {
    let mut client = Client::new();
    let (ana, eng) = (client.user("ana"), client.group("Eng", &[]));
    let rename = |to: &str| json!([{"op": "replace", "path": "displayName", "value": to}]);
    for path in [format!("/Users/{ana}"), format!("/Groups/{eng}")] {
        let with = |version: &str, mut operation: serde_json::Value| {
            operation["version"] = json!(version);
            operation
        };
        let results = client
            .bulk(&[
                with("W/\"7\"", patch(&path, rename("a"))),
                with("W/\"1\"", patch(&path, rename("b"))),
                with("W/\"1\"", patch(&path, rename("c"))),
                with("", patch(&path, rename("d"))),
                with("W/\"2\"", delete(&path)),
                with("W/\"3\"", delete(&path)),
            ])
            .expect([412, 200, 412, 200, 412, 204]);
        assert_eq!(results.path(0), path);
        assert_eq!(results.0[3]["version"], "W/\"3\"");
    }
}

#[test]
fn a_group_with_many_members_is_answered_without_a_body_here_too() {
    let mut client = Client::with(Config {
        max_members_inline: 1,
        ..Config::default()
    });
    let (ana, bob) = (client.user("ana"), client.user("bob"));
    let eng = client.group("Eng", &[&ana]);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": bob}]}]);
    let results = client.bulk(&[patch(&format!("/Groups/{eng}"), add)]);
    assert_eq!(results.expect([204]).0[0]["version"], "W/\"2\"");
}

#[test]
fn what_changes_nothing_is_carried_out_and_no_error() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let results = client.bulk(&[
        post("/Groups", "g", group("Eng", &[])),
        put(&format!("/Users/{ana}"), user("ana")),
    ]);
    assert_eq!(results.expect([201, 200]).0[1]["version"], "W/\"1\"");
}

#[test]
fn the_log_tells_of_the_whole_first() {
    let mut client = Client::new();
    let _ = client
        .bulk(&[post("/Users", "a", user("ana")), delete("/Users/nobody")])
        .expect([201, 404]);
    let (_, code, text) = &client.world.notes[0];
    assert_eq!(code, "bulk");
    assert_eq!(text, "1 of 2 operations were carried out, 1 failed");
    assert!(client.noted("user-created"));
}

#[test]
fn bulk_is_posted_and_nothing_else() {
    let mut client = Client::new();
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
        let answer = client.request(method, "/Bulk", &[], b"").expect(405);
        assert_eq!(answer.header("allow"), Some("POST"));
    }
}
