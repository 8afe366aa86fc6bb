//! What a host shows of its person, and which person a name means.

use nameplate_tests::names::{ENTERPRISE, USER};
use nameplate_tests::{App, Client};
use serde_json::{Value, json};

use super::{assignment, set_tenant, user_of};

async fn department(app: &App) -> Value {
    app.end_users("1").await[0]["idp_department"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_41996_a_department_is_shown_however_it_is_bundled() {
    let app = App::start().await;
    let okta = app.scim();
    let body = json!({"schemas": [USER, ENTERPRISE], "userName": "ana@example.com",
        ENTERPRISE: {"department": "Research", "costCenter": "7", "manager": {"value": "26"}}});
    let ana = okta.post("/Users", &body).await.expect(201).id();
    let _ = app.enrolled("1", "ana@example.com").await;
    assert_eq!(department(&app).await, "Research");
    let dotted = format!("{ENTERPRISE}:department");
    for (n, operation) in [
        json!({"op": "replace", "value": {ENTERPRISE: {"department": "D0", "division": "x"}}}),
        json!({"op": "Add", "path": dotted, "value": "D1"}),
        json!({"op": "replace", "value": {dotted: "D2", "title": "Engineer", "unknown": 1}}),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = okta
            .patch(&format!("/Users/{ana}"), &json!([operation]))
            .await;
        let _ = answer.expect(200);
        assert_eq!(department(&app).await, format!("D{n}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_53715_attributes_that_arrive_and_are_not_used_are_listed() {
    let app = App::start().await;
    let okta = app.scim();
    let body = json!({"schemas": [USER], "userName": "ana@example.com",
        "departmentName": "Research"});
    let _ = okta.post("/Users", &body).await.expect(201);
    let _ = app.enrolled("1", "ana@example.com").await;
    assert_eq!(department(&app).await, Value::Null, "it was not mapped");
    let shown = app.admin().get("/api/v1/connections/okta").await;
    let shown = shown.expect(200).json.to_string();
    assert!(shown.contains("departmentName"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_51016_several_directories_of_one_tenant_have_an_order() {
    let app = App::start().await;
    let okta = app.scim();
    let (entra, _) = app.clients("default", "entra").await;
    let person = async |idp: &Client, name: &str| {
        let body = json!({"schemas": [USER], "userName": "ana@example.com", "displayName": name,
            "active": true});
        idp.post("/Users", &body).await.expect(201).id()
    };
    let (bought, ours) = (
        person(&okta, "Ana of the bought company").await,
        person(&entra, "Ana").await,
    );
    set_tenant(&app, &json!({"connection_order": ["entra", "okta"]})).await;
    let _ = app.enrolled("1", "ana@example.com").await;
    assert_eq!(user_of(&app, "1").await, ours);
    assert_eq!(app.end_users("1").await[0]["idp_full_name"], "Ana");
    // Who has left the first directory is found in the second.
    let _ = entra.delete(&format!("/Users/{ours}")).await.expect(204);
    assert_eq!(user_of(&app, "1").await, bought);
    // Neither directory can be asked about the other's people.
    let _ = entra.get(&format!("/Users/{bought}")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_reading_h_names_that_differ_in_an_accent_are_two_people() {
    let app = App::start().await;
    let okta = app.scim();
    let (with, without) = (
        okta.user("josé@example.com").await,
        okta.user("jose@example.com").await,
    );
    let _ = app.enrolled("1", "josé@example.com").await;
    let _ = app.enrolled("2", "JOSE@example.com").await;
    assert_eq!(user_of(&app, "1").await, with);
    assert_eq!(user_of(&app, "2").await, without);
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_reading_k_hosts_of_inactive_people_are_as_the_tenant_chose() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let _ = okta.group("Engineering", &[&ana]).await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let active = async |active: bool| {
        let operations = json!([{"op": "replace", "value": {"active": active}}]);
        let answer = okta.patch(&format!("/Users/{ana}"), &operations).await;
        let _ = answer.expect(200);
    };
    active(false).await;
    let marked = assignment(&app, "1").await;
    assert_eq!(marked["user_id"], ana, "by default she is marked");
    assert_eq!(marked["active"], false);

    set_tenant(&app, &json!({"deactivated": "clear"})).await;
    let cleared = assignment(&app, "1").await;
    assert_eq!(cleared["outcome"], "pending");
    let reason = cleared["reason"].as_str().unwrap();
    assert!(reason.contains("deactivated"), "{reason}");
    let shown = app.end_users("1").await;
    assert_eq!(shown[0].get("idp_groups"), None, "no variable, no label");

    active(true).await;
    assert_eq!(user_of(&app, "1").await, ana, "back with her");
    active(false).await;
    assert_eq!(assignment(&app, "1").await["outcome"], "pending");

    set_tenant(&app, &json!({"deactivated": "keep"})).await;
    let kept = assignment(&app, "1").await;
    assert_eq!(kept["user_id"], ana);
    assert_eq!(kept["active"], true, "as if nothing had happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_reading_o_what_waits_is_listed_and_a_change_can_be_tried() {
    let app = App::start().await;
    let okta = app.scim();
    for login in ["ana@example.com", "ben@example.com"] {
        let _ = okta.user(login).await;
    }
    let _ = app.enrolled("1", "ana@example.com").await;
    let _ = app.enrolled("2", "zoe@example.com").await;
    let listed = async |target: &str, list: &str, name: &str| -> Vec<Value> {
        let answer = app.admin().get(target).await.expect(200);
        let items = answer[list].as_array().unwrap();
        items.iter().map(|item| item[name].clone()).collect()
    };
    let waiting = listed("/api/v1/hosts?assignment=pending", "hosts", "id").await;
    assert_eq!(waiting, ["2"]);
    let without = listed("/api/v1/users?host=none", "users", "username").await;
    assert_eq!(without, ["ben@example.com"]);

    let body = json!({"connection": "okta", "method": "POST", "path": "/Users",
        "body": {"schemas": [USER], "userName": "zoe@example.com"}});
    let tried = app.admin().post("/api/v1/mapping/preview", &body).await;
    let tried = tried.expect(200);
    assert_eq!(tried["hosts"][0]["id"], "2");
    assert_eq!(tried["hosts"][0]["after"]["outcome"], "linked");
    let waiting = listed("/api/v1/hosts?assignment=pending", "hosts", "id").await;
    assert_eq!(waiting, ["2"], "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_45371_people_who_are_deactivated_are_listed_with_the_time() {
    let app = App::start().await;
    let okta = app.scim();
    let (ana, ben, cho) = (
        okta.user("ana@example.com").await,
        okta.user("ben@example.com").await,
        okta.user("cho@example.com").await,
    );
    let switch = async |id: &str, active: bool| {
        let operations = json!([{"op": "replace", "value": {"active": active}}]);
        let answer = okta.patch(&format!("/Users/{id}"), &operations).await;
        let _ = answer.expect(200);
    };
    switch(&ana, false).await;
    switch(&ben, false).await;
    switch(&ben, true).await;
    let _ = okta.delete(&format!("/Users/{cho}")).await.expect(204);
    let gone = app.admin().get("/api/v1/users?status=deactivated").await;
    let gone = gone.expect(200);
    let mut listed: Vec<(&str, &str, bool, bool)> = Vec::new();
    for user in gone["users"].as_array().unwrap() {
        listed.push((
            user["username"].as_str().unwrap(),
            user["status"].as_str().unwrap(),
            user["deactivated_at"].is_string(),
            user["deleted_at"].is_string(),
        ));
    }
    listed.sort_unstable();
    let expected = [
        ("ana@example.com", "deactivated", true, false),
        ("cho@example.com", "deleted", false, true),
    ];
    assert_eq!(listed, expected);
}
