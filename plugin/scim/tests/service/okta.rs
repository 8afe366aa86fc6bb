//! Okta's traffic, row by row.

use serde_json::{Value, json};

use crate::client::{BASE, Client, GROUP, USER};

fn ana() -> Value {
    json!({
        "schemas": [USER],
        "userName": "ana.diaz@example.com",
        "name": {"givenName": "Ana", "familyName": "Díaz"},
        "emails": [{"primary": true, "value": "ana.diaz@example.com", "type": "work"}],
        "displayName": "Ana Díaz",
        "locale": "en-US",
        "externalId": "00u1abcd",
        "groups": [],
        "password": "1mz050nq",
        "active": true,
    })
}

#[test]
fn row_1_the_connector_test_finds_empty_lists() {
    let mut okta = Client::new();
    for target in [
        "/Users?startIndex=1&count=2",
        "/Users?startIndex=1&count=1",
        "/Groups?startIndex=1&count=100",
    ] {
        let answer = okta.get(target).expect(200);
        let expected = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [],
        });
        assert_eq!(answer.body, expected);
    }
    let _ = okta.get("/ServiceProviderConfig").expect(200);
}

#[test]
fn row_2_a_plus_survives_the_lookup() {
    let mut okta = Client::new();
    let lookup =
        "/Users?filter=userName%20eq%20%22ana.diaz%2Beu%40example.com%22&startIndex=1&count=100";
    assert_eq!(okta.get(lookup).expect(200).total(), 0);
    let id = okta.user("ana.diaz+eu@example.com");
    let _ = okta.user("ana.diaz eu@example.com");
    let found = okta.get(lookup).expect(200);
    assert_eq!(found.ids(), [id]);
    assert_eq!(
        found.body["Resources"][0]["userName"],
        "ana.diaz+eu@example.com"
    );
}

#[test]
fn row_3_a_created_user_comes_back_whole_without_the_password() {
    let mut okta = Client::new();
    let answer = okta.post("/Users", &ana()).expect(201);
    let id = answer.id();
    let location = format!("{BASE}/Users/{id}");
    assert_eq!(answer.header("location"), Some(location.as_str()));
    assert_eq!(answer.header("etag"), Some("W/\"1\""));
    let expected = json!({
        "schemas": [USER],
        "id": id,
        "userName": "ana.diaz@example.com",
        "name": {"givenName": "Ana", "familyName": "Díaz"},
        "emails": [{"primary": true, "value": "ana.diaz@example.com", "type": "work"}],
        "displayName": "Ana Díaz",
        "locale": "en-US",
        "externalId": "00u1abcd",
        "active": true,
        "meta": {
            "resourceType": "User",
            "created": "2025-11-24T16:00:01.000Z",
            "lastModified": "2025-11-24T16:00:01.000Z",
            "location": location,
            "version": "W/\"1\"",
        },
    });
    assert_eq!(answer.body, expected);
    let stored = okta.directory.state.documents().next().unwrap();
    assert!(
        !String::from_utf8_lossy(&stored.json).contains("1mz050nq"),
        "the password is stored"
    );
    assert_eq!(okta.directory.calls.commit, 1);
    assert_eq!(okta.directory.calls.get, 0, "a create needs no read");
    assert_eq!(okta.directory.events[0].name, "user.created");
    assert_eq!(
        okta.directory.events[0].logins,
        [b"ana.diaz@example.com".to_vec()]
    );
    assert!(okta.noted("user-created"));
}

#[test]
fn row_4_a_duplicate_is_a_conflict_whatever_its_case() {
    let mut okta = Client::new();
    let _ = okta.post("/Users", &ana()).expect(201);
    let _ = okta
        .post("/Users", &ana())
        .refused(409, "uniqueness")
        .names("`userName`");
    let mut shouting = ana();
    shouting["userName"] = json!("ANA.DIAZ@EXAMPLE.COM");
    let _ = okta.post("/Users", &shouting).refused(409, "uniqueness");
    assert_eq!(okta.get("/Users").total(), 1);
}

#[test]
fn row_5_the_created_user_can_be_read() {
    let mut okta = Client::new();
    let created = okta.post("/Users", &ana()).expect(201);
    let read = okta.get(&format!("/Users/{}", created.id())).expect(200);
    assert_eq!(read.body, created.body);
}

#[test]
fn row_6_put_replaces_the_whole_profile() {
    let mut okta = Client::new();
    let created = okta.post("/Users", &ana()).expect(201);
    let id = created.id();
    let mut profile = ana();
    profile["id"] = json!(id);
    profile["meta"] = json!({"resourceType": "User", "version": "W/\"9\""});
    profile["displayName"] = json!("Ana María Díaz");
    profile.as_object_mut().unwrap().remove("locale");
    let answer = okta.put(&format!("/Users/{id}"), &profile).expect(200);
    assert_eq!(answer.id(), id);
    assert_eq!(answer.body["displayName"], "Ana María Díaz");
    assert_eq!(answer.body.get("locale"), None);
    assert_eq!(answer.version(), "W/\"2\"");
    assert_eq!(
        answer.body["meta"]["created"],
        created.body["meta"]["created"]
    );
    assert_eq!(okta.directory.events[1].name, "user.updated");
    assert_eq!(okta.directory.events[1].logins, Vec::<Vec<u8>>::new());
}

#[test]
fn row_7_a_user_is_deactivated_by_put_and_by_patch() {
    let mut okta = Client::new();
    for by_put in [true, false] {
        let name = format!("user-{by_put}@example.com");
        let id = okta.user(&name);
        let target = format!("/Users/{id}");
        let answer = if by_put {
            okta.put(
                &target,
                &json!({"schemas": [USER], "userName": name, "active": false}),
            )
        } else {
            okta.patch(
                &target,
                &json!([{"op": "replace", "value": {"active": false}}]),
            )
        };
        assert_eq!(answer.expect(200).body["active"], json!(false));
        let event = okta.directory.events.last().unwrap();
        assert_eq!(event.name, "user.deactivated");
        assert_eq!(
            event.logins,
            [name.into_bytes()],
            "whoever is inactive may lose a tie"
        );
    }
}

#[test]
fn row_8_an_inactive_user_is_found_and_activated_again() {
    let mut okta = Client::new();
    let id = okta.user("ana.diaz@example.com");
    let target = format!("/Users/{id}");
    let off = json!([{"op": "replace", "value": {"active": false}}]);
    let _ = okta.patch(&target, &off).expect(200);
    assert_eq!(
        okta.filter("/Users", "userName eq \"ana.diaz@example.com\"")
            .ids(),
        [id.clone()]
    );
    let on = json!([{"op": "replace", "value": {"active": true}}]);
    assert_eq!(
        okta.patch(&target, &on).expect(200).body["active"],
        json!(true)
    );
    let names: Vec<&str> = okta.directory.events.iter().map(|e| &*e.name).collect();
    assert_eq!(
        names,
        ["user.created", "user.deactivated", "user.reactivated"]
    );
    // What is absent counts as active, so nothing changes about that.
    let absent = json!([{"op": "remove", "path": "active"}]);
    let _ = okta.patch(&target, &absent).expect(200);
    assert_eq!(okta.directory.events.last().unwrap().name, "user.updated");
    // Who comes inactive has not left, but is told apart.
    let body = json!({"schemas": [USER], "userName": "bo@example.com", "active": false});
    let _ = okta.post("/Users", &body).expect(201);
    assert_eq!(
        okta.directory.events.last().unwrap().name,
        "user.created.inactive"
    );
}

#[test]
fn a_rename_in_the_write_that_deactivates_keeps_all_logins_in_the_event() {
    let mut okta = Client::new();
    let id = okta.user("ana@example.com");
    let target = format!("/Users/{id}");
    let operations = json!([{"op": "replace", "value": {"active": false,
        "userName": "ana.old@example.com"}}]);
    let _ = okta.patch(&target, &operations).expect(200);
    let event = okta.directory.events.last().unwrap();
    assert_eq!(event.name, "user.deactivated");
    let logins = [b"ana.old@example.com".to_vec(), b"ana@example.com".to_vec()];
    assert_eq!(event.logins, logins);
    let back = json!({"schemas": [USER], "userName": "ana@example.com", "active": true});
    let _ = okta.put(&target, &back).expect(200);
    let event = okta.directory.events.last().unwrap();
    assert_eq!(event.name, "user.reactivated");
    assert_eq!(event.logins, logins);
}

#[test]
fn row_8_a_post_brings_an_inactive_user_back_under_the_old_id() {
    let mut okta = Client::new();
    let id = okta.post("/Users", &ana()).expect(201).id();
    let group = okta.group("Fleet_SCIM", &[&id]);
    let off = json!([{"op": "replace", "value": {"active": false}}]);
    let _ = okta.patch(&format!("/Users/{id}"), &off).expect(200);
    let mut again = ana();
    again["displayName"] = json!("Ana Díaz de Vivar");
    let answer = okta.post("/Users", &again).expect(201);
    assert_eq!(answer.id(), id);
    let location = format!("{BASE}/Users/{id}");
    assert_eq!(answer.header("location"), Some(location.as_str()));
    assert_eq!(answer.body["displayName"], "Ana Díaz de Vivar");
    assert_eq!(answer.version(), "W/\"3\"");
    assert_eq!(
        answer.body["groups"][0]["value"],
        json!(group),
        "memberships stay"
    );
    assert!(okta.noted("user-reactivated"));
    let event = okta.directory.events.last().unwrap();
    assert_eq!(event.name, "user.reactivated");
    assert_eq!(event.logins, [b"ana.diaz@example.com".to_vec()]);
}

#[test]
fn row_8_only_an_inactive_user_is_brought_back_and_only_by_an_active_one() {
    let mut okta = Client::new();
    let id = okta.post("/Users", &ana()).expect(201).id();
    let _ = okta.post("/Users", &ana()).refused(409, "uniqueness");
    let remove = json!([{"op": "remove", "path": "active"}]);
    let _ = okta.patch(&format!("/Users/{id}"), &remove).expect(200);
    let _ = okta.post("/Users", &ana()).refused(409, "uniqueness");
    let off = json!([{"op": "replace", "value": {"active": false}}]);
    let _ = okta.patch(&format!("/Users/{id}"), &off).expect(200);
    let mut silent = ana();
    silent.as_object_mut().unwrap().remove("active");
    let _ = okta.post("/Users", &silent).refused(409, "uniqueness");
    okta.config.reactivate_inactive = false;
    let _ = okta.post("/Users", &ana()).refused(409, "uniqueness");
    assert_eq!(okta.get("/Users").total(), 1);
}

#[test]
fn row_8_reactivation_survives_a_change_in_between() {
    let mut okta = Client::new();
    let id = okta.post("/Users", &ana()).expect(201).id();
    let off = json!([{"op": "replace", "value": {"active": false}}]);
    let _ = okta.patch(&format!("/Users/{id}"), &off).expect(200);
    let raced = id.clone();
    okta.directory.races.push_back(Box::new(|_| {}));
    okta.directory
        .races
        .push_back(Box::new(move |state| state.touch(&raced)));
    assert_eq!(okta.post("/Users", &ana()).expect(201).id(), id);
}

#[test]
fn row_9_a_group_is_looked_up_and_pushed() {
    let mut okta = Client::new();
    let user = okta.user("ana.diaz@example.com");
    let lookup = "/Groups?filter=displayName%20eq%20%22Fleet_SCIM%22&startIndex=1&count=100";
    assert_eq!(okta.get(lookup).expect(200).total(), 0);
    let body = json!({"schemas": [GROUP], "displayName": "Fleet_SCIM",
        "members": [{"value": user, "display": "ana.diaz@example.com"}]});
    let answer = okta.post("/Groups", &body).expect(201);
    let id = answer.id();
    assert_eq!(
        answer.header("location"),
        Some(format!("{BASE}/Groups/{id}").as_str())
    );
    let member = json!({"value": user, "$ref": format!("{BASE}/Users/{user}"),
        "display": "ana.diaz@example.com", "type": "User"});
    assert_eq!(answer.body["members"], json!([member]));
    assert_eq!(okta.get(lookup).ids(), [id.clone()]);
    let in_groups = okta.get(&format!("/Users/{user}")).expect(200);
    let group = json!({"value": id, "$ref": format!("{BASE}/Groups/{id}"),
        "display": "Fleet_SCIM", "type": "direct"});
    assert_eq!(in_groups.body["groups"], json!([group]));
}

#[test]
fn row_10_members_are_removed_and_added_in_one_patch() {
    let mut okta = Client::new();
    let (ana, ben) = (okta.user("ana@example.com"), okta.user("ben@example.com"));
    let id = okta.group("Fleet_SCIM", &[&ana]);
    let answer = okta
        .patch(&format!("/Groups/{id}"), &json!([
            {"op": "remove", "path": format!("members[value eq \"{ana}\"]")},
            {"op": "add", "path": "members", "value": [{"value": ben, "display": "ben@example.com"}]},
        ]))
        .expect(200);
    assert_eq!(answer.members(), [ben]);
    assert_eq!(answer.version(), "W/\"2\"");
    assert!(okta.noted("members-added") && okta.noted("members-removed"));
}

#[test]
fn row_10_one_patch_replaces_fifty_thousand_members() {
    let mut okta = Client::new();
    let old = okta.user("old@example.com");
    let id = okta.group("Everybody", &[&old]);
    let users: Vec<String> = (0..50_000)
        .map(|n| format!("{n:08x}-0000-7000-8000-000000000000"))
        .collect();
    for (n, user) in users.iter().enumerate() {
        okta.directory
            .state
            .seed_user(user, &format!("user{n}@example.com"));
    }
    let members: Vec<Value> = users
        .iter()
        .map(|id| json!({"value": id, "display": "somebody@example.com"}))
        .collect();
    let operations = json!([{"op": "replace", "path": "members", "value": members}]);
    let answer = okta
        .patch(&format!("/Groups/{id}"), &operations)
        .expect(204);
    assert_eq!(answer.header("etag"), Some("W/\"2\""));
    assert_eq!(okta.directory.state.members(&id), users);
    let whole = okta.get(&format!("/Groups/{id}")).expect(200);
    assert_eq!(whole.members(), users);
    let list = okta.get("/Groups").expect(200);
    assert_eq!(
        list.body["Resources"][0].get("members"),
        None,
        "too many for a list"
    );
}

#[test]
fn row_11_a_rename_with_a_stray_id_renames() {
    let mut okta = Client::new();
    let user = okta.user("ana@example.com");
    let id = okta.group("Fleet_SCIM", &[&user]);
    let operations = json!([{"op": "replace", "value": {"id": id, "displayName": "New name"}}]);
    let answer = okta
        .patch(&format!("/Groups/{id}"), &operations)
        .expect(200);
    assert_eq!(answer.body["displayName"], "New name");
    assert_eq!(
        answer.members(),
        [user],
        "a rename leaves the members alone"
    );
    assert_eq!(
        okta.filter("/Groups", "displayName eq \"fleet_scim\"")
            .total(),
        0
    );
    assert_eq!(
        okta.filter("/Groups", "displayName eq \"NEW NAME\"").ids(),
        [id]
    );
}

#[test]
fn row_12_an_unlinked_group_is_gone_and_so_are_its_memberships() {
    let mut okta = Client::new();
    let user = okta.user("ana@example.com");
    let id = okta.group("Fleet_SCIM", &[&user]);
    let _ = okta.delete(&format!("/Groups/{id}")).expect(204);
    let _ = okta.get(&format!("/Groups/{id}")).expect(404);
    let _ = okta.delete(&format!("/Groups/{id}")).expect(404);
    assert_eq!(okta.get(&format!("/Users/{user}")).body.get("groups"), None);
    assert_eq!(okta.directory.events.last().unwrap().name, "group.deleted");
}

#[test]
fn ids_from_before_a_rebuilt_database_are_held_until_the_user_arrives() {
    let mut okta = Client::new();
    let ana = okta.user("ana@example.com");
    let id = okta.group(
        "Fleet_SCIM",
        &[&ana, "0191aaaa-0000-7000-8000-000000000000"],
    );
    assert!(okta.noted("members-held"));
    assert_eq!(okta.get(&format!("/Groups/{id}")).members(), [ana]);
}
