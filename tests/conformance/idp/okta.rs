//! Okta's traffic (SAML 2.0 app with SCIM provisioning), request by request.

use nameplate_tests::client::encoded;
use nameplate_tests::names::{GROUP, LIST, USER};
use nameplate_tests::shape::{Shape, redact};
use nameplate_tests::{Client, Idp};
use serde_json::{Value, json};

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

fn empty_list() -> Value {
    json!({"schemas": [LIST], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0,
        "Resources": []})
}

/// Switches `active` by a path-less PATCH.
async fn switch(okta: &Client, id: &str, active: bool) -> Value {
    let operations = json!([{"op": "replace", "value": {"active": active}}]);
    let answer = okta.patch(&format!("/Users/{id}"), &operations).await;
    let answer = answer.expect(200);
    assert_eq!(answer["active"], active);
    answer.json
}

async fn lookup(okta: &Client, name: &str) -> Vec<String> {
    let filter = encoded(&format!("userName eq \"{name}\""));
    let target = format!("/Users?filter={filter}&startIndex=1&count=100");
    okta.get(&target).await.expect(200).ids()
}

/// Rows 1 to 12 in the order in which Okta sends them; the set-up guide's server-side
/// steps are these.
#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_one_assignment() {
    let okta = Idp::start().await;

    // 1: Test Connector Configuration.
    for target in [
        "/Users?startIndex=1&count=2",
        "/Users?startIndex=1&count=1",
        "/Groups?startIndex=1&count=100",
    ] {
        assert_eq!(okta.get(target).await.expect(200).json, empty_list());
    }
    let config = okta.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config["patch"]["supported"], true);

    // 2 and 3: nobody of that name, so create.
    let target =
        "/Users?filter=userName%20eq%20%22ana.diaz%40example.com%22&startIndex=1&count=100";
    assert_eq!(okta.get(target).await.expect(200).json, empty_list());
    let created = okta.post("/Users", &ana()).await.expect(201);
    let id = created.id();
    let location = format!("{}/Users/{id}", okta.base());
    assert_eq!(created.header("location"), location);
    let mut whole = created.json.clone();
    redact(&mut whole, "/id", Shape::Id);
    redact(&mut whole, "/meta/created", Shape::Time);
    redact(&mut whole, "/meta/lastModified", Shape::Time);
    let expected = json!({
        "schemas": [USER],
        "id": "[id]",
        "userName": "ana.diaz@example.com",
        "name": {"givenName": "Ana", "familyName": "Díaz"},
        "emails": [{"primary": true, "value": "ana.diaz@example.com", "type": "work"}],
        "displayName": "Ana Díaz",
        "locale": "en-US",
        "externalId": "00u1abcd",
        "active": true,
        "meta": {"resourceType": "User", "created": "[time]", "lastModified": "[time]",
            "location": location, "version": "W/\"1\""},
    });
    assert_eq!(whole, expected);

    // 4: the same again.
    let again = okta.post("/Users", &ana()).await;
    again.refused(409, "uniqueness").names("`userName`");

    // 5: read it.
    let target = format!("/Users/{id}");
    let read = okta.get(&target).await.expect(200);
    assert_eq!(read.json, created.json);

    // 6: Push Profile Updates; the whole resource with its id.
    let mut profile = ana();
    profile["id"] = json!(id);
    profile["displayName"] = json!("Ana María Díaz");
    profile["name"]["givenName"] = json!("Ana María");
    profile.as_object_mut().unwrap().remove("locale");
    let updated = okta.put(&target, &profile).await.expect(200);
    assert_eq!(updated.id(), id);
    assert_eq!(updated["name"]["givenName"], "Ana María");
    assert_eq!(updated.get("locale"), None, "PUT replaces");
    assert_eq!(updated["meta"]["version"], "W/\"2\"");
    assert_eq!(updated["meta"]["created"], created["meta"]["created"]);

    // 7 and 8: unassigned, and assigned again.
    let off = switch(&okta, &id, false).await;
    assert_eq!(off["displayName"], "Ana María Díaz", "nothing else changes");
    assert_eq!(lookup(&okta, "ana.diaz@example.com").await, [id.as_str()]);
    profile["active"] = json!(true);
    let back = okta.put(&target, &profile).await.expect(200);
    assert_eq!((back.id(), &back["active"]), (id.clone(), &json!(true)));

    // 9: Push Groups.
    let target = "/Groups?filter=displayName%20eq%20%22Fleet_SCIM%22&startIndex=1&count=100";
    assert_eq!(okta.get(target).await.expect(200).json, empty_list());
    let body = json!({"schemas": [GROUP], "displayName": "Fleet_SCIM",
        "members": [{"value": id, "display": "ana.diaz@example.com"}]});
    let pushed = okta.post("/Groups", &body).await.expect(201);
    let group = pushed.id();
    let member = json!({"value": id, "$ref": format!("{}/Users/{id}", okta.base()),
        "display": "ana.diaz@example.com", "type": "User"});
    assert_eq!(pushed["members"], json!([member]));
    assert_eq!(okta.get(target).await.expect(200).ids(), [group.as_str()]);
    let member_of = okta.get(&format!("/Users/{id}")).await.expect(200);
    assert_eq!(member_of["groups"][0]["value"], group);
    assert_eq!(member_of["groups"][0]["display"], "Fleet_SCIM");

    // 10: one leaves, one comes.
    let ben = okta.user("ben@example.com").await;
    let target = format!("/Groups/{group}");
    let operations = json!([
        {"op": "remove", "path": format!("members[value eq \"{id}\"]")},
        {"op": "add", "path": "members", "value": [{"value": ben, "display": "ben@example.com"}]},
    ]);
    let changed = okta.patch(&target, &operations).await.expect(200);
    assert_eq!(changed.members(), [ben.as_str()]);

    // 11: renamed, with a stray id.
    let operations = json!([{"op": "replace", "value": {"id": group, "displayName": "New name"}}]);
    let renamed = okta.patch(&target, &operations).await.expect(200);
    assert_eq!(renamed["displayName"], "New name");
    assert_eq!(
        (renamed.id(), renamed.members()),
        (group.clone(), vec![ben])
    );
    let old = okta.find("/Groups", "displayName eq \"Fleet_SCIM\"").await;
    assert_eq!(old.expect(200).json, empty_list());

    // 12: unlinked, and deleted in the target app.
    assert_eq!(okta.delete(&target).await.expect(204).json, Value::Null);
    let _ = okta.get(&target).await.refused(404, "");
    let left = okta.get(&format!("/Users/{id}")).await.expect(200);
    assert_eq!(left.get("groups"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn lookups_find_exactly_the_name_whatever_is_in_it() {
    let okta = Idp::start().await;
    let names = [
        "ana.diaz+eu@example.com",
        "ana.diaz eu@example.com",
        "100%25@example.com",
        "100%@example.com",
        "o'neil@example.com",
        "quo\"te@example.com",
        "back\\slash@example.com",
        "ana.díaz@例え.jp",
        "amp&semi;hash#@example.com",
        "a/b?c=d@example.com",
    ];
    let mut ids = Vec::new();
    for name in names {
        ids.push(okta.user(name).await);
    }
    for (name, id) in names.iter().zip(&ids) {
        // A quote and a backslash are escaped in a filter as in JSON (RFC 7644 3.4.2.2).
        let literal = json!(name).to_string();
        let filter = format!("userName eq {literal}");
        let found = okta.find("/Users", &filter).await.expect(200);
        assert_eq!(found.ids(), [id.as_str()], "{name}");
        assert_eq!(found["Resources"][0]["userName"], *name);
        let shouted = format!("userName eq {}", literal.to_uppercase());
        let found = okta.find("/Users", &shouted).await.expect(200);
        assert_eq!(found.ids(), [id.as_str()], "{name}");
    }
    let percent_encoded = "/Users?filter=userName%20eq%20%22ana.diaz%2Beu%40example.com%22";
    assert_eq!(
        okta.get(percent_encoded).await.expect(200).ids(),
        [ids[0].as_str()]
    );
    let plus_is_a_space = "/Users?filter=userName+eq+%22ana.diaz+eu%40example.com%22";
    assert_eq!(
        okta.get(plus_is_a_space).await.expect(200).ids(),
        [ids[1].as_str()]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_does_not_confuse_letters_that_only_look_alike() {
    let okta = Idp::start().await;
    let _ = okta.user("ana.diaz@example.com").await;
    let accented = okta.user("ana.díaz@example.com").await;
    assert_eq!(
        lookup(&okta, "ana.díaz@example.com").await,
        [accented.as_str()]
    );
    assert_eq!(lookup(&okta, "ANA.DÍAZ@example.com").await, [accented]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_is_refused_in_any_case_and_changes_nothing() {
    let okta = Idp::start().await;
    let _ = okta.post("/Users", &ana()).await.expect(201);
    let before = okta.everything().await;
    for name in ["ana.diaz@example.com", "Ana.Diaz@EXAMPLE.com"] {
        let mut twin = ana();
        twin["userName"] = json!(name);
        twin["displayName"] = json!("Somebody else");
        let answer = okta.post("/Users", &twin).await;
        answer.refused(409, "uniqueness").names("`userName`");
    }
    assert_eq!(okta.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_deactivated_and_activated_by_put_and_by_patch() {
    let okta = Idp::start().await;
    let id = okta.post("/Users", &ana()).await.expect(201).id();
    let target = format!("/Users/{id}");
    for active in [false, true, false, true] {
        let mut body = ana();
        body["active"] = json!(active);
        let answer = okta.put(&target, &body).await.expect(200);
        assert_eq!(
            (answer.id(), &answer["active"]),
            (id.clone(), &json!(active))
        );
        let _ = switch(&okta, &id, !active).await;
        assert_eq!(lookup(&okta, "ana.diaz@example.com").await, [id.as_str()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_for_an_inactive_user_revives_the_old_record() {
    let okta = Idp::start().await;
    let created = okta.post("/Users", &ana()).await.expect(201);
    let id = created.id();
    let group = okta.group("Fleet_SCIM", &[&id]).await;
    let _ = switch(&okta, &id, false).await;
    let mut again = ana();
    again["displayName"] = json!("Ana Díaz de Vivar");
    again.as_object_mut().unwrap().remove("locale");
    let answer = okta.post("/Users", &again).await.expect(201);
    assert_eq!(answer.id(), id, "the old id");
    assert_eq!(answer["active"], true);
    assert_eq!(answer["displayName"], "Ana Díaz de Vivar");
    assert_eq!(
        answer.get("locale"),
        None,
        "the new record replaces the old"
    );
    assert_eq!(answer["meta"]["created"], created["meta"]["created"]);
    assert_eq!(answer["groups"][0]["value"], group, "memberships stay");
    assert_eq!(okta.get("/Users").await.expect(200).total(), 1);
    // Nobody is inactive now.
    let _ = okta.post("/Users", &ana()).await.refused(409, "uniqueness");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_active_user_revives_and_only_an_inactive_one_is_revived() {
    let okta = Idp::start().await;
    let id = okta.post("/Users", &ana()).await.expect(201).id();
    let _ = switch(&okta, &id, false).await;
    let before = okta.everything().await;
    for active in [json!(false), Value::Null] {
        let mut body = ana();
        body["active"] = active;
        let _ = okta.post("/Users", &body).await.refused(409, "uniqueness");
    }
    assert_eq!(okta.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn memberships_arrive_in_batches_and_repeats_are_harmless() {
    let okta = Idp::start().await;
    let mut users = Vec::new();
    for n in 0..12 {
        users.push(okta.user(&format!("user{n}@example.com")).await);
    }
    let group = okta.group("Fleet_SCIM", &[]).await;
    let target = format!("/Groups/{group}");
    for batch in users.chunks(5) {
        let members: Vec<Value> = batch.iter().map(|id| json!({"value": id})).collect();
        let operations = json!([{"op": "add", "path": "members", "value": members}]);
        let _ = okta.patch(&target, &operations).await.expect(200);
        let twice = okta.patch(&target, &operations).await.expect(200);
        let read = okta.get(&target).await.expect(200);
        assert_eq!(read.json, twice.json, "the second time changed nothing");
    }
    users.sort();
    assert_eq!(okta.get(&target).await.expect(200).members(), users);
    let operations = json!([
        {"op": "remove", "path": format!("members[value eq \"{}\"]", users[0])},
        {"op": "remove", "path": format!("members[value eq \"{}\"]", users[1])},
    ]);
    let answer = okta.patch(&target, &operations).await.expect(200);
    assert_eq!(answer.members(), users[2..]);
    let absent = okta.patch(&target, &operations).await.expect(200);
    assert_eq!(absent.json, answer.json, "who is no member can be removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn replacing_members_leaves_exactly_the_new_ones() {
    let okta = Idp::start().await;
    let (ana, ben, eva) = (
        okta.user("ana@example.com").await,
        okta.user("ben@example.com").await,
        okta.user("eva@example.com").await,
    );
    let group = okta.group("Fleet_SCIM", &[&ana, &ben]).await;
    let target = format!("/Groups/{group}");
    let members = json!([{"value": ben}, {"value": eva}, {"value": eva}]);
    let operations = json!([{"op": "replace", "path": "members", "value": members}]);
    let answer = okta.patch(&target, &operations).await.expect(200);
    let mut expected = vec![ben.clone(), eva.clone()];
    expected.sort();
    assert_eq!(answer.members(), expected, "each once");
    let body = json!({"schemas": [GROUP], "id": group, "displayName": "Fleet_SCIM",
        "members": [{"value": ana}]});
    let answer = okta.put(&target, &body).await.expect(200);
    assert_eq!(answer.members(), [ana]);
    let operations = json!([{"op": "replace", "path": "members", "value": []}]);
    let answer = okta.patch(&target, &operations).await.expect(200);
    assert_eq!(answer.get("members"), None, "no members are left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_a_taken_name_is_refused_on_every_way_to_it() {
    let okta = Idp::start().await;
    let _ = okta.group("Engineering", &[]).await;
    let other = okta.group("Other", &[]).await;
    let before = okta.everything().await;
    let target = format!("/Groups/{other}");
    let body = json!({"schemas": [GROUP], "displayName": "ENGINEERING"});
    let rename = json!([{"op": "replace", "value": {"displayName": "engineering"}}]);
    for answer in [
        okta.post("/Groups", &body).await,
        okta.put(&target, &body).await,
        okta.patch(&target, &rename).await,
    ] {
        answer.refused(409, "uniqueness").names("`displayName`");
    }
    assert_eq!(okta.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_from_before_a_rebuilt_database_do_not_stop_a_push() {
    let okta = Idp::start().await;
    let ana = okta.user("ana@example.com").await;
    let stale = "0191aaaa-0000-7000-8000-000000000000";
    let group = okta.group("Fleet_SCIM", &[&ana, stale]).await;
    let target = format!("/Groups/{group}");
    assert_eq!(
        okta.get(&target).await.expect(200).members(),
        [ana.as_str()]
    );
    let operations = json!([{"op": "add", "path": "members", "value": [
        {"value": stale}, {"value": "0191aaaa-0000-7000-8000-000000000001"}]}]);
    let answer = okta.patch(&target, &operations).await.expect(200);
    assert_eq!(answer.members(), [ana]);
    let probe = format!("id eq \"{group}\" and members eq \"{stale}\"");
    assert_eq!(okta.find("/Groups", &probe).await.expect(200).total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_was_waited_for_joins_when_the_user_arrives() {
    let okta = Idp::start().await;
    // Some clients push the login where an id belongs.
    let group = okta.group("Fleet_SCIM", &["late@example.com"]).await;
    let target = format!("/Groups/{group}");
    assert_eq!(okta.get(&target).await.expect(200).get("members"), None);
    let id = okta.user("late@example.com").await;
    assert_eq!(okta.get(&target).await.expect(200).members(), [id]);
}
