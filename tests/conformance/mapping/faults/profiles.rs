//! What profiles are filled with, and when they have to be sent again.

use nameplate_tests::App;
use nameplate_tests::names::{ENTERPRISE, USER};
use serde_json::{Value, json};

use super::{assignment, choose, set_tenant};

async fn rendered(app: &App, host: &str, text: &str) -> Value {
    let target = format!("/api/v1/hosts/{host}/render");
    let answer = app.admin().post(&target, &json!({ "text": text })).await;
    answer.expect(200)["text"].clone()
}

/// What happened after an event, in order.
async fn events_after(app: &App, seq: &Value) -> Vec<Value> {
    let target = format!("/api/v1/events?after={seq}");
    let page = app.admin().get(&target).await.expect(200);
    page["events"].as_array().unwrap().clone()
}

async fn newest(app: &App) -> Value {
    let page = app.admin().get("/api/v1/events?limit=1").await.expect(200);
    page["newest"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_42922_further_attributes_are_shown_and_are_variables() {
    let app = App::start().await;
    let okta = app.scim();
    let boss = json!({"schemas": [USER], "userName": "boss@example.com", "displayName": "Bo Ito"});
    let boss = okta.post("/Users", &boss).await.expect(201).id();
    let ana = json!({"schemas": [USER, ENTERPRISE], "userName": "ana@example.com",
        "title": "Engineer", ENTERPRISE: {"employeeNumber": "0007", "costCenter": "C-1",
        "division": "Hardware", "organization": "Example", "manager": {"value": boss}}});
    let _ = okta.post("/Users", &ana).await.expect(201);
    let _ = app.enrolled("1", "ana@example.com").await;
    let host = app.admin().get("/api/v1/hosts/1").await.expect(200);
    let shown = &host["host"]["end_user"]["attributes"];
    for (name, value) in [
        ("title", "Engineer"),
        ("employee_number", "0007"),
        ("cost_center", "C-1"),
        ("division", "Hardware"),
        ("organization", "Example"),
        ("manager", "Bo Ito"),
    ] {
        assert_eq!(shown[name], value, "{name}");
        let variable = format!("${{NAMEPLATE_{}}}", name.to_uppercase());
        assert_eq!(rendered(&app, "1", &variable).await, value, "{variable}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_51857_a_variable_without_a_value_stops_no_profile() {
    let app = App::start().await;
    let _ = app.scim().user("ana@example.com").await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let text = "<u>$FLEET_VAR_HOST_END_USER_IDP_USERNAME</u>\
                <d>$FLEET_VAR_HOST_END_USER_IDP_DEPARTMENT</d>";
    assert_eq!(
        rendered(&app, "1", text).await,
        "<u>ana@example.com</u><d></d>"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_34668_a_person_who_arrives_later_tells_which_profiles_to_send_again() {
    let app = App::start().await;
    set_tenant(
        &app,
        &json!({"profiles": {"wifi": ["NAMEPLATE_USERNAME"], "vpn": ["NAMEPLATE_DEPARTMENT"]}}),
    )
    .await;
    app.host("1").await;
    let set = choose(&app, "1", "ana@example.com").await.expect(200);
    assert_eq!(set["assignment"]["outcome"], "pending");
    let before = newest(&app).await;
    let _ = app.scim().user("ana@example.com").await;
    let events = events_after(&app, &before).await;
    let changed = events
        .iter()
        .find(|event| event["type"] == "assignment.changed");
    let changed = changed.unwrap_or_else(|| panic!("{events:#?}"));
    assert_eq!(changed["subject"], json!({"kind": "host", "id": "1"}));
    let profiles = changed["profiles"].as_array().unwrap();
    assert!(profiles.contains(&json!("wifi")), "{changed}");
    assert_eq!(
        rendered(&app, "1", "$NAMEPLATE_USERNAME").await,
        "ana@example.com"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_34958_quick_changes_are_told_in_order_and_the_last_one_is_filled_in() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let before = newest(&app).await;
    let names: Vec<String> = (0..5).map(|n| format!("ana{n}@example.com")).collect();
    for name in &names {
        let rename = json!([{"op": "replace", "path": "userName", "value": name}]);
        let answer = okta.patch(&format!("/Users/{ana}"), &rename).await;
        let _ = answer.expect(200);
    }
    let events = events_after(&app, &before).await;
    let updates = events
        .iter()
        .filter(|event| event["type"] == "user.updated");
    let told: Vec<&str> = updates
        .map(|event| event["after"]["userName"].as_str().unwrap())
        .collect();
    assert_eq!(told, names);
    // Whoever sends late sends what is true then, so the order of sending is no matter.
    let text = rendered(&app, "1", "$NAMEPLATE_USERNAME").await;
    assert_eq!(text, "ana4@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_46013_a_profile_is_filled_with_the_username_that_is_shown() {
    let app = App::start().await;
    app.host("1").await;
    let variables = [
        "$FLEET_VAR_HOST_END_USER_IDP_USERNAME",
        "${FLEET_VAR_HOST_END_USER_IDP_USERNAME}",
        "$NAMEPLATE_USERNAME",
    ];
    // Chosen before anybody is pushed, linked, and renamed.
    let _ = choose(&app, "1", "ana@example.com").await.expect(200);
    let ana = app.scim().user("ana@example.com").await;
    for name in ["ana@example.com", "ana.vivar@example.com"] {
        let rename = json!([{"op": "replace", "path": "userName", "value": name}]);
        let answer = app.scim().patch(&format!("/Users/{ana}"), &rename).await;
        let _ = answer.expect(200);
        assert_eq!(assignment(&app, "1").await["username"], name);
        for variable in variables {
            assert_eq!(rendered(&app, "1", variable).await, name, "{variable}");
        }
    }
}
