//! References by bulkId (RFC 7644 3.7.1 and 3.7.2).

use nameplate_scim::config::{Config, Dialect, UnknownMembers};
use serde_json::{Value, json};

use super::{delete, group, patch, post, put, user};
use crate::client::{Client, ENTERPRISE};

fn managed(name: &str, manager: &str) -> Value {
    let mut user = user(name);
    user[ENTERPRISE] = json!({"department": "IT", "manager": {"value": manager}});
    user
}

fn manager(client: &mut Client, path: &str) -> Value {
    client.get(path).expect(200).body[ENTERPRISE]["manager"]["value"].clone()
}

#[test]
fn a_new_user_becomes_a_member_of_a_new_group() {
    let mut client = Client::new();
    let results = client
        .bulk(&[
            post("/Users", "qwerty", user("Alice")),
            post(
                "/Groups",
                "ytrewq",
                group("Tour Guides", &["bulkId:qwerty"]),
            ),
        ])
        .expect([201, 201]);
    let group = client.get(&results.path(1)).expect(200);
    assert_eq!(group.members(), [results.id(0)]);
    assert_eq!(group.version(), results.0[1]["version"]);
}

#[test]
fn a_path_may_name_what_is_created() {
    let mut client = Client::new();
    let results = client
        .bulk(&[
            post("/Users", "a/b", user("ana")),
            post("/Groups", "g", group("Eng", &[])),
            put("/Groups/bulkId:g", group("Ops", &["bulkId:a/b"])),
            patch(
                "/Users/bulkId%3Aa%2Fb",
                json!([{"op": "add", "path": "title", "value": "x"}]),
            ),
            delete("/Users/bulkId:a%2Fb"),
        ])
        .expect([201, 201, 200, 200, 204]);
    assert_eq!(results.path(2), results.path(1));
    assert_eq!(results.path(4), results.path(0));
    let group = client.get(&results.path(1)).expect(200);
    assert_eq!(group.body["displayName"], "Ops");
    assert!(group.members().is_empty());
}

#[test]
fn references_are_resolved_inside_patch() {
    let mut client = Client::new();
    let (ana, bob) = (client.user("ana"), client.user("bob"));
    let eng = format!("/Groups/{}", client.group("Eng", &[&ana]));
    let manager_path = format!("{ENTERPRISE}:manager");
    let results = client
        .bulk(&[
            post("/Users", "n", user("new")),
            patch(&eng, json!([
                {"op": "add", "path": "members", "value": [{"value": "bulkId:n"}, {"value": bob}]},
                {"op": "remove", "path": format!("members[value eq \"{ana}\"]")},
            ])),
            patch(&format!("/Users/{ana}"), json!([
                {"op": "add", "value": {manager_path.clone(): {"value": "bulkId:n"}}},
            ])),
            patch(&format!("/Users/{bob}"), json!([
                {"op": "add", "path": manager_path, "value": "bulkId:n"},
            ])),
        ])
        .expect([201, 200, 200, 200]);
    let new = results.id(0);
    let mut members = vec![new.clone(), bob.clone()];
    members.sort();
    assert_eq!(client.get(&eng).expect(200).members(), members);
    assert_eq!(manager(&mut client, &format!("/Users/{ana}")), json!(new));
    assert_eq!(manager(&mut client, &format!("/Users/{bob}")), json!(new));

    let remove = json!([{"op": "remove", "path": "members[value eq \"bulkId:m\"]"}]);
    let _ = client
        .bulk(&[
            post("/Users", "m", user("more")),
            patch(
                &eng,
                json!([{"op": "add", "path": "members", "value": [{"value": "bulkId:m"}]}]),
            ),
            patch(&eng, remove),
        ])
        .expect([201, 200, 200]);
    assert_eq!(client.get(&eng).expect(200).members(), members);
}

#[test]
fn a_manager_may_be_created_beside_those_who_have_it() {
    let mut client = Client::new();
    let results = client
        .bulk(&[
            post("/Users", "qwerty", user("Alice")),
            post("/Users", "ytrewq", managed("Bob", "bulkId:qwerty")),
        ])
        .expect([201, 201]);
    assert_eq!(manager(&mut client, &results.path(1)), json!(results.id(0)));
}

#[test]
fn what_comes_later_can_be_referred_to() {
    let mut client = Client::new();
    let results = client
        .bulk(&[
            post("/Groups", "g", group("Eng", &["bulkId:a", "bulkId:h"])),
            post("/Users", "b", managed("bob", "bulkId:a")),
            patch(
                "/Groups/bulkId:h",
                json!([
                    {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]},
                ]),
            ),
            post("/Users", "a", user("ana")),
            post("/Groups", "h", group("Ops", &[])),
        ])
        .expect([201, 201, 200, 201, 201]);
    let mut members = vec![results.id(3), results.id(4)];
    members.sort();
    assert_eq!(client.get(&results.path(0)).expect(200).members(), members);
    assert_eq!(
        client.get(&results.path(4)).expect(200).members(),
        [results.id(3)]
    );
    assert_eq!(manager(&mut client, &results.path(1)), json!(results.id(3)));
    assert_eq!(
        client.directory.state.documents().map(|d| d.version).max(),
        Some(2)
    );
}

#[test]
fn groups_in_a_circle_are_members_of_each_other() {
    for unknown_members in [UnknownMembers::Hold, UnknownMembers::Reject] {
        let mut client = Client::with(Config {
            unknown_members,
            dialect: Dialect::Strict,
            ..Config::default()
        });
        let ana = client.user("ana");
        let results = client
            .bulk(&[
                post(
                    "/Groups",
                    "qwerty",
                    group("Group A", &["bulkId:ytrewq", &ana]),
                ),
                post(
                    "/Groups",
                    "ytrewq",
                    group("Group B", &["bulkId:qwerty", "bulkId:self"]),
                ),
                post("/Groups", "self", group("Group C", &["bulkId:self"])),
            ])
            .expect([201, 201, 201]);
        let mut members = vec![results.id(1), ana];
        members.sort();
        let a = client.get(&results.path(0)).expect(200);
        assert_eq!(a.members(), members);
        let b = client.get(&results.path(1)).expect(200);
        let mut members = vec![results.id(0), results.id(2)];
        members.sort();
        assert_eq!(b.members(), members);
        let c = client.get(&results.path(2)).expect(200);
        assert_eq!(c.members(), [results.id(2)]);
        for (group, result) in [&a, &b, &c].into_iter().zip(&results.0) {
            assert_eq!(group.version(), result["version"], "the last one is told");
        }
        assert!(client.directory.state.held.is_empty());
    }
}

#[test]
fn users_in_a_circle_refer_to_each_other_and_lose_nothing() {
    let mut client = Client::new();
    let results = client
        .bulk(&[
            post("/Users", "a", managed("ana", "bulkId:c")),
            post("/Users", "b", managed("bob", "bulkId:a")),
            post("/Users", "c", managed("cid", "bulkId:b")),
        ])
        .expect([201, 201, 201]);
    for (user, above) in [(0, 2), (1, 0), (2, 1)] {
        let path = results.path(user);
        assert_eq!(
            manager(&mut client, &path),
            json!(results.id(above)),
            "{user}"
        );
        let body = client.get(&path).expect(200).body;
        assert_eq!(body[ENTERPRISE]["department"], "IT");
        assert_eq!(body["meta"]["version"], results.0[user]["version"]);
    }
}

#[test]
fn one_who_is_back_can_be_in_a_circle() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    let _ = client.patch(&format!("/Users/{ana}"), &off).expect(200);
    let results = client
        .bulk(&[
            post("/Users", "a", managed("ana", "bulkId:b")),
            post("/Users", "b", managed("bob", "bulkId:a")),
        ])
        .expect([201, 201]);
    assert_eq!(results.id(0), ana);
    assert_eq!(manager(&mut client, &results.path(0)), json!(results.id(1)));
    assert_eq!(manager(&mut client, &results.path(1)), json!(ana));
}

#[test]
fn a_circle_with_one_who_cannot_be_created_is_left_open() {
    let mut client = Client::new();
    client.group("Taken", &[]);
    let results = client
        .bulk(&[
            post("/Groups", "t", group("taken", &["bulkId:e"])),
            post("/Groups", "e", group("Eng", &["bulkId:t"])),
            post("/Groups", "o", group("Ops", &["bulkId:t"])),
        ])
        .expect([409, 201, 409]);
    assert!(client.noted("bulk-reference-left-out"));
    let eng = client.get(&results.path(1)).expect(200);
    assert!(eng.members().is_empty());
    assert!(client.directory.state.held.is_empty());
    assert_eq!(results.scim_type(0), Some("uniqueness"));
    assert_eq!(results.scim_type(2), None);
}

#[test]
fn a_reference_to_what_failed_is_a_conflict() {
    let mut client = Client::new();
    let taken = client.user("taken");
    let eng = format!("/Groups/{}", client.group("Eng", &[&taken]));
    let results = client
        .bulk(&[
            post("/Users", "t", user("taken")),
            post("/Groups", "g", group("Ops", &["bulkId:t"])),
            patch(
                &eng,
                json!([{"op": "add", "path": "members", "value": [{"value": "bulkId:t"}]}]),
            ),
            delete("/Users/bulkId:t"),
            delete("/Groups/bulkId:g"),
        ])
        .expect([409, 409, 409, 409, 409]);
    assert_eq!(results.0[3].get("location"), None, "there is none");
    assert_eq!(client.get(&eng).expect(200).version(), "W/\"1\"");
    assert_eq!(client.get("/Users").total(), 1);
}

#[test]
fn a_reference_to_nothing_is_no_value() {
    let mut client = Client::new();
    let results = client
        .bulk(&[
            post("/Users", "a", user("ana")),
            post("/Groups", "g", group("Eng", &["bulkId:A"])),
            delete("/Users/bulkId:x"),
            put("/Users/bulkId:a", managed("ana", "bulkId:")),
        ])
        .expect([201, 400, 400, 400]);
    for index in 1..4 {
        assert_eq!(results.scim_type(index), Some("invalidValue"));
    }
    assert_eq!(client.get("/Groups").total(), 0);
}

#[test]
fn what_was_deleted_again_is_not_there_to_refer_to() {
    let mut client = Client::new();
    let results = client
        .bulk(&[
            post("/Users", "a", user("ana")),
            delete("/Users/bulkId:a"),
            delete("/Users/bulkId:a"),
        ])
        .expect([201, 204, 404]);
    assert_eq!(results.path(2), results.path(0));
}
