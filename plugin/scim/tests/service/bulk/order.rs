//! Bulk does one operation after the other, whatever waits, fails or loses a race.

use serde_json::json;

use super::{delete, group, patch, post, put, user};
use crate::client::Client;

#[test]
fn an_operation_sees_what_the_ones_before_it_did() {
    let mut client = Client::new();
    let ana = format!("/Users/{}", client.user("ana"));
    let results = client
        .bulk(&[
            patch(&ana, json!([{"op": "add", "path": "title", "value": "a"}])),
            patch(
                &ana,
                json!([{"op": "add", "path": "nickName", "value": "b"}]),
            ),
            delete(&ana),
            patch(&ana, json!([{"op": "add", "path": "title", "value": "c"}])),
            post("/Users", "again", user("ana")),
        ])
        .expect([200, 200, 204, 404, 201]);
    assert_eq!(results.0[1]["version"], "W/\"3\"");
    assert_ne!(results.path(4), ana);
}

#[test]
fn a_name_goes_to_the_first_who_asks_for_it() {
    let mut client = Client::new();
    let results = client
        .bulk(&[
            post("/Users", "1", user("ana")),
            post("/Users", "2", user("ANA")),
            delete("/Users/bulkId:1"),
            post("/Users", "3", user("Ana")),
        ])
        .expect([201, 409, 204, 201]);
    let found = client.filter("/Users", "userName eq \"ana\"").expect(200);
    assert_eq!(found.ids(), [results.id(3)]);
}

#[test]
fn a_member_removed_by_login_is_found_among_those_just_created() {
    let mut client = Client::new();
    let _ = client
        .bulk(&[
            post("/Users", "1", user("ana")),
            post("/Groups", "g", group("Eng", &["bulkId:1"])),
            patch(
                "/Groups/bulkId:g",
                json!([{"op": "remove", "path": "members[value eq \"ana\"]"}]),
            ),
        ])
        .expect([201, 201, 200]);
    assert!(client.directory.state.edges.is_empty());
}

#[test]
fn a_version_of_a_group_is_the_one_after_its_members_changed() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let eng = format!("/Groups/{}", client.group("Eng", &[&ana]));
    let mut same = patch(
        &eng,
        json!([{"op": "replace", "path": "displayName", "value": "Eng"}]),
    );
    same["version"] = json!("W/\"1\"");
    let _ = client
        .bulk(&[delete(&format!("/Users/{ana}")), same])
        .expect([204, 412]);
}

#[test]
fn a_lost_race_is_run_again_in_its_place() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let raced = ana.clone();
    client
        .directory
        .races
        .push_back(Box::new(move |state| state.touch(&raced)));
    let path = format!("/Users/{ana}");
    let results = client
        .bulk(&[
            post("/Users", "b", user("bob")),
            patch(
                &path,
                json!([{"op": "replace", "path": "userName", "value": "eva"}]),
            ),
            post("/Users", "c", user("eva")),
            post("/Users", "d", user("ana")),
        ])
        .expect([201, 200, 409, 201]);
    assert_eq!(results.0[1]["version"], "W/\"3\"");
}

#[test]
fn a_race_lost_for_good_is_one_operations_matter() {
    let mut client = Client::new();
    let ana = client.user("ana");
    for _ in 0..10 {
        let raced = ana.clone();
        client
            .directory
            .races
            .push_back(Box::new(move |state| state.touch(&raced)));
    }
    let change = json!([{"op": "add", "path": "title", "value": "x"}]);
    let results = client.bulk(&[
        patch(&format!("/Users/{ana}"), change),
        post("/Users", "b", user("bob")),
    ]);
    let _ = results.expect([503, 201]);
}

#[test]
fn somebody_who_is_back_is_reactivated_under_the_old_id() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    let _ = client.patch(&format!("/Users/{ana}"), &off).expect(200);
    let results = client
        .bulk(&[
            post("/Users", "b", user("bob")),
            post("/Users", "a", user("Ana")),
            post("/Users", "a2", user("ana")),
            post("/Groups", "g", group("Eng", &["bulkId:a", "bulkId:b"])),
            patch(
                "/Users/bulkId:a",
                json!([{"op": "add", "path": "title", "value": "x"}]),
            ),
        ])
        .expect([201, 201, 409, 201, 200]);
    assert_eq!(results.id(1), ana);
    let mut members = vec![ana.clone(), results.id(0)];
    members.sort();
    assert_eq!(client.get(&results.path(3)).expect(200).members(), members);
    let user = client.get(&format!("/Users/{ana}")).expect(200);
    assert_eq!(
        (&user.body["active"], &user.body["title"]),
        (&json!(true), &json!("x"))
    );
    assert!(client.directory.state.held.is_empty());
}

#[test]
fn each_operation_has_its_event() {
    let mut client = Client::new();
    let ana = client.user("ana");
    client.directory.events.clear();
    let results = client
        .bulk(&[
            post("/Users", "b", user("Bob")),
            put(&format!("/Users/{ana}"), user("eva")),
            post("/Groups", "g", group("Eng", &[&ana])),
            put(&format!("/Users/{ana}"), user("eva")),
            delete(&format!("/Users/{ana}")),
        ])
        .expect([201, 200, 201, 200, 204]);
    let events: Vec<_> = client
        .directory
        .events
        .iter()
        .map(|event| {
            (
                event.name.as_str(),
                event.subject.clone(),
                event.logins.clone(),
            )
        })
        .collect();
    let logins = |names: &[&str]| -> Vec<Vec<u8>> {
        names.iter().map(|name| name.as_bytes().to_vec()).collect()
    };
    assert_eq!(
        events,
        [
            ("user.created", results.id(0), logins(&["bob"])),
            ("user.updated", ana.clone(), logins(&["ana", "eva"])),
            ("group.created", results.id(2), logins(&[])),
            ("user.deleted", ana, logins(&["eva"])),
        ]
    );
}

#[test]
fn a_directory_in_trouble_before_anything_is_done_is_unavailable() {
    let mut client = Client::new();
    client.directory.commits_left = Some(0);
    let operations = [post("/Users", "a", user("ana")), delete("/Users/1")];
    let answer = client.bulk_answer(&operations).expect(503);
    assert!(answer.header("retry-after").is_some());
    assert!(client.noted("directory-error"));
}

#[test]
fn a_directory_in_trouble_later_hides_nothing_that_is_done() {
    let mut client = Client::new();
    client.directory.commits_left = Some(1);
    let change = json!([{"op": "add", "path": "title", "value": "x"}]);
    let _ = client
        .bulk(&[
            post("/Users", "a", user("ana")),
            delete("/Users/nobody"),
            patch("/Users/bulkId:a", change),
            post("/Users", "b", user("bob")),
        ])
        .expect([201, 404, 503, 503]);
    assert!(client.noted("directory-error"));
}
