//! Microsoft Entra ID's traffic (non-gallery app), with and without
//! `?aadOptscim062020`.

use nameplate_tests::Idp;
use nameplate_tests::client::encoded;
use nameplate_tests::names::{ENTERPRISE, GROUP, USER};
use serde_json::{Value, json};

const MANAGER: &str = "0191aaaa-0000-7000-8000-000000000000";

fn joy() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": "jyoung",
        "userName": "jyoung@example.com",
        "active": true,
        "displayName": "Joy Young",
        "emails": [{"type": "work", "value": "jyoung@example.com", "primary": true}],
        "name": {"formatted": "Joy Young", "familyName": "Young", "givenName": "Joy"},
        ENTERPRISE: {"department": "IT", "manager": MANAGER},
        "meta": {"resourceType": "User"},
    })
}

fn eng() -> Value {
    json!({
        "schemas": [GROUP,
            "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
        "displayName": "Eng",
        "meta": {"resourceType": "Group"},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_test_finds_nobody_and_is_no_error() {
    let entra = Idp::start().await;
    let _ = entra.user("somebody@example.com").await;
    let filter = encoded("userName eq \"8f0d2b0a-1b5c-4e3f-9d5e-6c7b8a9d0e1f\"");
    for target in [
        format!("/Users?filter={filter}"),
        format!("/Users?aadOptscim062020&filter={filter}"),
        format!("/Users?filter={filter}&aadOptscim062020="),
    ] {
        let answer = entra.get(&target).await.expect(200);
        assert_eq!(answer.total(), 0, "{target}");
        assert_eq!(answer["Resources"], json!([]), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_created_user_is_matched_by_each_attribute_and_by_nothing_else() {
    let entra = Idp::start().await;
    let created = entra
        .post("/Users?aadOptscim062020", &joy())
        .await
        .expect(201);
    let id = created.id();
    assert_eq!(created["schemas"], json!([USER, ENTERPRISE]));
    assert_eq!(created[ENTERPRISE]["department"], "IT");
    assert_eq!(created[ENTERPRISE]["manager"]["value"], MANAGER);
    assert_eq!(created["externalId"], "jyoung");
    let _ = entra.user("other@example.com").await;
    for filter in [
        "userName eq \"jyoung@example.com\"",
        "userName eq \"JYoung@Example.COM\"",
        "externalId eq \"jyoung\"",
        "emails[type eq \"work\"].value eq \"jyoung@example.com\"",
        "USERNAME EQ \"jyoung@example.com\"",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"jyoung@example.com\"",
    ] {
        let found = entra.find("/Users", filter).await.expect(200);
        assert_eq!(found.ids(), [id.as_str()], "{filter}");
        assert_eq!(found["Resources"][0]["userName"], "jyoung@example.com");
    }
    for filter in [
        "externalId eq \"JYOUNG\"",
        "emails[type eq \"home\"].value eq \"jyoung@example.com\"",
        "emails[type eq \"work\"].value eq \"young@example.com\"",
        "userName eq \"jyoung\"",
    ] {
        let found = entra.find("/Users", filter).await.expect(200);
        assert_eq!(found["Resources"], json!([]), "{filter}");
    }
    let _ = entra
        .post("/Users", &joy())
        .await
        .refused(409, "uniqueness");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_update_by_path_in_either_case_of_the_operation() {
    let entra = Idp::start().await;
    let plain = json!({"schemas": [USER], "userName": "jyoung@example.com"});
    for (replace, add) in [("Replace", "Add"), ("replace", "add"), ("REPLACE", "ADD")] {
        let id = entra.post("/Users", &plain).await.expect(201).id();
        let target = format!("/Users/{id}?aadOptscim062020");
        let operations = json!([
            // There is no e-mail yet.
            {"op": replace, "path": "emails[type eq \"work\"].value", "value": "b@example.com"},
            {"op": add, "path": format!("{ENTERPRISE}:department"), "value": "IT"},
            {"op": add, "path": format!("{ENTERPRISE}:manager"), "value": MANAGER},
            {"op": add, "path": "name.givenName", "value": "Joy"},
            {"op": replace, "path": "displayName", "value": "Joy Y."},
        ]);
        let answer = entra.patch(&target, &operations).await.expect(200);
        let expected = json!([{"type": "work", "value": "b@example.com"}]);
        assert_eq!(answer["emails"], expected);
        assert_eq!(answer[ENTERPRISE]["department"], "IT");
        assert_eq!(answer[ENTERPRISE]["manager"]["value"], MANAGER);
        assert_eq!(answer["name"], json!({"givenName": "Joy"}));
        assert_eq!(answer["displayName"], "Joy Y.");
        assert_eq!(answer["schemas"], json!([USER, ENTERPRISE]));
        let filter = "emails[type eq \"work\"].value eq \"b@example.com\"";
        let found = entra.find("/Users", filter).await.expect(200);
        assert_eq!(found.ids(), [id.as_str()]);
        let _ = entra.delete(&format!("/Users/{id}")).await.expect(204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_without_a_path_has_dotted_and_bracketed_keys() {
    let entra = Idp::start().await;
    let id = entra.post("/Users", &joy()).await.expect(201).id();
    let target = format!("/Users/{id}");
    let operations = json!([{"op": "Replace", "value": {
        "displayName": "J",
        "name.givenName": "J",
        "emails[type eq \"work\"].value": "c@example.com",
        format!("{ENTERPRISE}:department"): "HR",
    }}]);
    let answer = entra.patch(&target, &operations).await.expect(200);
    assert_eq!(answer["displayName"], "J");
    assert_eq!(answer["name"]["givenName"], "J");
    assert_eq!(answer["name"]["familyName"], "Young");
    let emails = json!([{"type": "work", "value": "c@example.com", "primary": true}]);
    assert_eq!(answer["emails"], emails);
    assert_eq!(answer[ENTERPRISE]["department"], "HR");
    assert_eq!(answer[ENTERPRISE]["manager"]["value"], MANAGER, "untouched");
    assert_eq!(entra.get(&target).await.expect(200).json, answer.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soft_delete_in_every_dialect_and_the_delete_thirty_days_later() {
    let entra = Idp::start().await;
    let id = entra.post("/Users", &joy()).await.expect(201).id();
    let target = format!("/Users/{id}");
    let on = json!([{"op": "Replace", "path": "active", "value": true}]);
    for off in [
        json!([{"op": "Replace", "path": "active", "value": false}]),
        json!([{"op": "Replace", "path": "active", "value": "False"}]),
        json!([{"op": "replace", "value": {"active": "False"}}]),
        json!([{"op": "Add", "path": "active", "value": "false"}]),
    ] {
        let answer = entra.patch(&target, &off).await.expect(200);
        assert_eq!(answer["active"], json!(false), "{off}: a real boolean");
        let found = entra.find("/Users", "externalId eq \"jyoung\"").await;
        assert_eq!(found.expect(200).ids(), [id.as_str()], "still found");
        let answer = entra.patch(&target, &on).await.expect(200);
        assert_eq!(answer["active"], json!(true));
    }
    for wrong in [json!("yes"), json!(1), json!("0"), json!([false])] {
        let operations = json!([{"op": "Replace", "path": "active", "value": wrong}]);
        let answer = entra.patch(&target, &operations).await;
        answer.refused(400, "invalidValue").names("`active`");
    }
    assert_eq!(entra.get(&target).await.expect(200)["active"], true);
    let _ = entra.delete(&target).await.expect(204);
    let _ = entra.get(&target).await.refused(404, "");
    let _ = entra.delete(&target).await.refused(404, "");
    let found = entra.find("/Users", "externalId eq \"jyoung\"").await;
    assert_eq!(found.expect(200).total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_may_be_empty_or_json_inside_a_string() {
    let entra = Idp::start().await;
    let mut body = joy();
    body["roles"] = json!([]);
    let created = entra.post("/Users", &body).await.expect(201);
    assert_eq!(created.get("roles"), None);
    let target = format!("/Users/{}", created.id());
    let role = json!({"id": "1", "value": "1", "displayName": "Admin"}).to_string();
    let operations = json!([{"op": "Add", "path": "roles", "value": [{"value": role}]}]);
    let answer = entra.patch(&target, &operations).await.expect(200);
    assert!(answer["roles"].is_array(), "{answer}");
    let empty = json!([{"op": "Replace", "path": "roles", "value": []}]);
    let answer = entra.patch(&target, &empty).await.expect(200);
    assert_eq!(answer.get("roles"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_created_with_a_foreign_schema_and_matched_without_members() {
    let entra = Idp::start().await;
    let created = entra.post("/Groups", &eng()).await.expect(201);
    let id = created.id();
    assert_eq!(created["schemas"], json!([GROUP]), "what we know");
    assert_eq!(created["externalId"], eng()["externalId"]);
    assert_eq!(created.get("members"), None);
    let joy = entra.post("/Users", &joy()).await.expect(201).id();
    let target = format!("/Groups/{id}");
    let add = json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": joy}]}]);
    let _ = entra.patch(&target, &add).await.expect(200);

    let filter = encoded("displayName eq \"Eng\"");
    for query in [
        format!("excludedAttributes=members&filter={filter}"),
        format!("filter={filter}&excludedAttributes=members&aadOptscim062020"),
    ] {
        let found = entra.get(&format!("/Groups?{query}")).await.expect(200);
        assert_eq!(found.ids(), [id.as_str()]);
        assert_eq!(found["Resources"][0].get("members"), None);
        assert_eq!(found["Resources"][0]["displayName"], "Eng");
    }
    let read = entra
        .get(&format!("{target}?excludedAttributes=members"))
        .await;
    let read = read.expect(200);
    assert_eq!(
        (read.get("members"), &read["displayName"]),
        (None, &json!("Eng"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_membership_probe_answers_with_ids_alone() {
    let entra = Idp::start().await;
    let (joy, eva) = (
        entra.user("joy@example.com").await,
        entra.user("eva@example.com").await,
    );
    let group = entra.group("Eng", &[&joy]).await;
    let probe = |user: &str| {
        let filter = encoded(&format!("id eq \"{group}\" and members eq \"{user}\""));
        format!("/Groups?filter={filter}&attributes=id")
    };
    let found = entra.get(&probe(&joy)).await.expect(200);
    assert_eq!(found.ids(), [group.as_str()]);
    let resource = found["Resources"][0].as_object().unwrap();
    let names: Vec<&String> = resource.keys().collect();
    assert_eq!(
        names,
        ["id", "schemas"],
        "what was asked for and what is always told"
    );
    assert_eq!(entra.get(&probe(&eva)).await.expect(200).total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_added_and_removed_in_both_styles_one_by_one() {
    let entra = Idp::start().await;
    let mut users = Vec::new();
    for n in 0..4 {
        users.push(entra.user(&format!("user{n}@example.com")).await);
    }
    users.sort();
    let id = entra.post("/Groups", &eng()).await.expect(201).id();
    let target = format!("/Groups/{id}");
    for user in &users {
        let add = json!([{"op": "Add", "path": "members",
            "value": [{"$ref": null, "value": user}]}]);
        let _ = entra.patch(&target, &add).await.expect(200);
    }
    assert_eq!(entra.get(&target).await.expect(200).members(), users);
    let by_filter = json!([{"op": "Remove",
        "path": format!("members[value eq \"{}\"]", users[0])}]);
    let answer = entra.patch(&target, &by_filter).await.expect(200);
    assert_eq!(answer.members(), users[1..]);
    // The legacy style must remove that one and never empty the group.
    let by_list = json!([{"op": "Remove", "path": "members", "value": [{"value": users[1]}]}]);
    let answer = entra.patch(&target, &by_list).await.expect(200);
    assert_eq!(answer.members(), users[2..]);
    let nobody = json!([{"op": "Remove", "path": "members", "value": []}]);
    let answer = entra.patch(&target, &nobody).await.expect(200);
    assert_eq!(answer.members(), users[2..], "an empty list names nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_group_of_the_name_is_refused_so_that_it_is_adopted() {
    let entra = Idp::start().await;
    let id = entra.post("/Groups", &eng()).await.expect(201).id();
    let _ = entra
        .post("/Groups", &eng())
        .await
        .refused(409, "uniqueness");
    let found = entra.find("/Groups", "displayName eq \"eng\"").await;
    assert_eq!(found.expect(200).ids(), [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_headers_as_entra_labels_them() {
    let entra = Idp::start().await;
    for (n, kind) in [
        "application/scim+json; charset=utf-8",
        "application/json",
        "application/json; charset=utf-8",
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"schemas": [USER], "userName": format!("user{n}@example.com")});
        let answer = entra
            .send(
                "POST",
                "/Users?aadOptscim062020",
                &[("content-type", kind), ("accept", "application/scim+json")],
                body.to_string().as_bytes(),
            )
            .await;
        assert_eq!(answer.expect(201)["userName"], body["userName"]);
    }
}
