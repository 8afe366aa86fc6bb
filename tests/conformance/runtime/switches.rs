//! Switches of a connection.

use nameplate_runtime::store::{ConnectionEdit, ControlStore};
use nameplate_tests::App;
use nameplate_tests::names::{GROUP, USER};
use serde_json::json;

/// Sets the switches of connection `okta`.
async fn set(app: &App, reactivate_inactive: bool, settings: &str) {
    let tenant = app.store.tenants().await.unwrap().remove(0).id;
    let connection = app.store.connections(tenant).await.unwrap().remove(0).id;
    let edit = ConnectionEdit {
        dialect: Some("okta".to_owned()),
        reactivate_inactive: Some(reactivate_inactive),
        settings: Some(settings.to_owned()),
        ..ConnectionEdit::default()
    };
    let set = app.store.change_connection(connection, edit);
    assert!(set.await.unwrap());
    app.runtime.forget(tenant);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_reactivation_a_post_for_an_inactive_user_is_a_conflict() {
    let app = App::start().await;
    let okta = app.scim();
    let body = json!({"schemas": [USER], "userName": "ana@example.com", "active": true});
    let id = okta.post("/Users", &body).await.expect(201).id();
    let off = json!([{"op": "replace", "value": {"active": false}}]);
    let _ = okta.patch(&format!("/Users/{id}"), &off).await.expect(200);
    let before = okta.everything().await;
    set(&app, false, "{}").await;
    let _ = okta.post("/Users", &body).await.refused(409, "uniqueness");
    assert_eq!(okta.everything().await, before);
    set(&app, true, "{}").await;
    assert_eq!(okta.post("/Users", &body).await.expect(201).id(), id);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_members_can_be_refused_and_only_they_are_named() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    set(&app, true, "{\"unknown_members\":\"reject\"}").await;
    let body = json!({"schemas": [GROUP], "displayName": "Engineering",
        "members": [{"value": ana}, {"value": "from-an-old-database"}]});
    let refused = okta
        .post("/Groups", &body)
        .await
        .refused(400, "invalidValue");
    refused.names("`from-an-old-database`");
    assert!(!refused.to_string().contains(&ana), "{refused}");
    assert_eq!(okta.get("/Groups").await.expect(200).total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_one_name_can_be_allowed() {
    let app = App::start().await;
    let okta = app.scim();
    let first = okta.group("Engineering", &[]).await;
    set(&app, true, "{\"duplicate_group_names\":true}").await;
    let second = okta.group("engineering", &[]).await;
    assert_ne!(first, second);
}
