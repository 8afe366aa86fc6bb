//! Microsoft Entra ID's traffic.

use serde_json::{Value, json};

use crate::client::{BASE, Client, ENTERPRISE, GROUP, USER, encoded};

fn joy() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": "jyoung",
        "userName": "jyoung@example.com",
        "active": true,
        "displayName": "Joy Young",
        "emails": [{"type": "work", "value": "jyoung@example.com", "primary": true}],
        "name": {"formatted": "Joy Young", "familyName": "Young", "givenName": "Joy"},
        ENTERPRISE: {"department": "IT", "manager": "0191aaaa-0000-7000-8000-000000000000"},
        "roles": [],
        "meta": {"resourceType": "User"},
    })
}

#[test]
fn the_connection_test_finds_nobody() {
    let mut entra = Client::new();
    let filter = encoded("userName eq \"8f0d2b0a-1b5c-4e3f-9d5e-6c7b8a9d0e1f\"");
    for extra in ["", "&aadOptscim062020", "&aadOptscim062020="] {
        let answer = entra
            .get(&format!("/Users?filter={filter}{extra}"))
            .expect(200);
        assert_eq!(answer.body["totalResults"], json!(0));
        assert_eq!(answer.body["Resources"], json!([]));
    }
}

#[test]
fn a_user_is_created_and_matched_by_each_attribute() {
    let mut entra = Client::new();
    let answer = entra.post("/Users?aadOptscim062020", &joy()).expect(201);
    assert_eq!(answer.body["schemas"], json!([USER, ENTERPRISE]));
    let manager = &answer.body[ENTERPRISE]["manager"];
    assert_eq!(manager["value"], "0191aaaa-0000-7000-8000-000000000000");
    assert_eq!(answer.body.get("roles"), None);
    let _ = entra.user("other@example.com");
    for filter in [
        "userName eq \"JYoung@example.com\"",
        "externalId eq \"jyoung\"",
        "emails[type eq \"work\"].value eq \"jyoung@example.com\"",
        "emails.value eq \"JYOUNG@example.com\"",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"jyoung@example.com\"",
        "userName eq \"jyoung@example.com\" and externalId eq \"jyoung\"",
        "externalId eq \"nobody\" or userName eq \"jyoung@example.com\"",
        "USERNAME EQ \"jyoung@example.com\"",
        &format!("{ENTERPRISE}:department eq \"it\""),
        &format!("id eq \"{}\"", answer.id()),
    ] {
        let found = entra.filter("/Users", filter).expect(200);
        assert_eq!(found.ids(), [answer.id()], "{filter}");
    }
    assert_eq!(
        entra.filter("/Users", "externalId eq \"JYOUNG\"").total(),
        0,
        "caseExact"
    );
    let other_type = "emails[type eq \"home\"].value eq \"jyoung@example.com\"";
    assert_eq!(entra.filter("/Users", other_type).total(), 0);
}

#[test]
fn plus_signs_may_stand_for_spaces() {
    let mut entra = Client::new();
    let id = entra.user("jyoung@example.com");
    let answer = entra.get("/Users?filter=userName+eq+%22jyoung%40example.com%22");
    assert_eq!(answer.expect(200).ids(), [id]);
}

#[test]
fn updates_by_path_in_either_case_of_the_operation() {
    let mut entra = Client::new();
    let target = format!("/Users/{}", entra.user("jyoung@example.com"));
    let department = format!("{ENTERPRISE}:department");
    let manager = format!("{ENTERPRISE}:manager");
    let operations = json!([
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "b@example.com"},
        {"op": "Add", "path": department, "value": "IT"},
        {"op": "add", "path": manager, "value": "0191aaaa-0000-7000-8000-000000000000"},
    ]);
    let answer = entra.patch(&target, &operations).expect(200);
    assert_eq!(
        answer.body["emails"],
        json!([{"type": "work", "value": "b@example.com"}])
    );
    assert_eq!(answer.body[ENTERPRISE]["department"], "IT");
    assert_eq!(
        answer.body[ENTERPRISE]["manager"]["value"],
        "0191aaaa-0000-7000-8000-000000000000"
    );
    assert_eq!(answer.body["schemas"], json!([USER, ENTERPRISE]));
    let event = entra.directory.events.last().unwrap();
    assert_eq!(
        event.logins,
        [b"b@example.com".to_vec()],
        "the one login that came"
    );
    let found = entra.filter(
        "/Users",
        "emails[type eq \"work\"].value eq \"B@example.com\"",
    );
    assert_eq!(found.total(), 1, "the key follows the value");
}

#[test]
fn updates_without_a_path_have_dotted_and_bracketed_keys() {
    let mut entra = Client::new();
    let target = format!("/Users/{}", entra.post("/Users", &joy()).expect(201).id());
    let operations = json!([{"op": "Replace", "value": {
        "displayName": "J",
        "name.givenName": "Joyce",
        "emails[type eq \"work\"].value": "c@example.com",
        format!("{ENTERPRISE}:department"): "HR",
    }}]);
    let answer = entra.patch(&target, &operations).expect(200);
    assert_eq!(answer.body["displayName"], "J");
    assert_eq!(answer.body["name"]["givenName"], "Joyce");
    assert_eq!(answer.body["name"]["familyName"], "Young");
    assert_eq!(answer.body["emails"][0]["value"], "c@example.com");
    assert_eq!(answer.body[ENTERPRISE]["department"], "HR");
}

#[test]
fn a_user_is_disabled_in_every_dialect_then_deleted() {
    let mut entra = Client::new();
    for (n, operation) in [
        json!({"op": "Replace", "path": "active", "value": false}),
        json!({"op": "Replace", "path": "active", "value": "False"}),
        json!({"op": "replace", "value": {"active": "False"}}),
    ]
    .iter()
    .enumerate()
    {
        let target = format!("/Users/{}", entra.user(&format!("user{n}@example.com")));
        let answer = entra.patch(&target, &json!([operation])).expect(200);
        assert_eq!(answer.body["active"], json!(false), "{operation}");
        let _ = entra.delete(&target).expect(204);
        let _ = entra.get(&target).expect(404);
        let _ = entra.delete(&target).expect(404);
    }
    let event = entra.directory.events.last().unwrap();
    assert_eq!(event.name, "user.deleted");
    assert_eq!(event.logins, [b"user2@example.com".to_vec()]);
}

#[test]
fn a_group_is_created_matched_and_probed() {
    let mut entra = Client::new();
    let user = entra.user("jyoung@example.com");
    let body = json!({
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "2b1c", "displayName": "Eng", "meta": {"resourceType": "Group"},
    });
    let created = entra.post("/Groups", &body).expect(201);
    assert_eq!(created.body["schemas"], json!([GROUP]));
    assert_eq!(created.body.get("members"), None);
    let id = created.id();
    let target = format!("/Groups/{id}");
    let add = json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": user}]}]);
    let _ = entra.patch(&target, &add).expect(200);

    let lookup = format!(
        "/Groups?excludedAttributes=members&filter={}",
        encoded("displayName eq \"Eng\"")
    );
    let found = entra.get(&lookup).expect(200);
    assert_eq!(found.ids(), [id.clone()]);
    assert_eq!(found.body["Resources"][0].get("members"), None);
    let before = entra.directory.calls.members;
    let read = entra
        .get(&format!("{target}?excludedAttributes=members"))
        .expect(200);
    assert_eq!(read.body.get("members"), None);
    assert_eq!(
        entra.directory.calls.members, before,
        "excluded members are not read"
    );

    let probe = |user: &str| {
        let filter = format!("id eq \"{id}\" and members eq \"{user}\"");
        format!("/Groups?filter={}&attributes=id", encoded(&filter))
    };
    let before = entra.directory.calls;
    let hit = entra.get(&probe(&user)).expect(200);
    assert_eq!(
        hit.body["Resources"],
        json!([{"schemas": [GROUP], "id": id}])
    );
    let after = entra.directory.calls;
    assert_eq!(
        (after.get - before.get, after.has_edges - before.has_edges),
        (1, 1)
    );
    assert_eq!(
        (after.find, after.members, after.get_many),
        (before.find, before.members, before.get_many)
    );
    assert_eq!(entra.get(&probe("somebody-else")).expect(200).total(), 0);
}

#[test]
fn members_are_removed_one_at_a_time_in_either_form() {
    let mut entra = Client::new();
    let users: Vec<String> = (0..3)
        .map(|n| entra.user(&format!("u{n}@example.com")))
        .collect();
    let [a, b, c] = users.as_slice() else {
        panic!("three users")
    };
    let target = format!("/Groups/{}", entra.group("Eng", &[a, b, c]));
    let by_filter = json!([{"op": "Remove", "path": format!("members[value eq \"{a}\"]")}]);
    assert_eq!(
        entra.patch(&target, &by_filter).expect(200).members(),
        [b.clone(), c.clone()]
    );
    let by_value = json!([{"op": "Remove", "path": "members", "value": [{"value": b}]}]);
    assert_eq!(
        entra.patch(&target, &by_value).expect(200).members(),
        [c.clone()]
    );
    let nothing = json!([{"op": "Remove", "path": "members", "value": []}]);
    assert_eq!(
        entra.patch(&target, &nothing).expect(200).members(),
        [c.clone()]
    );
    assert_eq!(
        entra.get(&target).body["members"][0]["$ref"],
        json!(format!("{BASE}/Users/{c}"))
    );
    let all = json!([{"op": "Remove", "path": "members"}]);
    assert_eq!(
        entra.patch(&target, &all).expect(200).body.get("members"),
        None
    );
}
