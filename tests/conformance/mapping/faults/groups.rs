//! What groups mean for hosts.

use nameplate_tests::App;
use nameplate_tests::names::GROUP;
use serde_json::{Value, json};

async fn groups(app: &App, host: &str) -> Value {
    let shown = app.end_users(host).await;
    shown[0].get("idp_groups").cloned().unwrap_or(json!([]))
}

/// Three people with a host each, by the order of their hosts.
async fn people(app: &App) -> [String; 3] {
    let mut ids = Vec::new();
    for (host, login) in [
        ("1", "ana@x.example"),
        ("2", "ben@x.example"),
        ("3", "cho@x.example"),
    ] {
        ids.push(app.scim().user(login).await);
        let _ = app.enrolled(host, login).await;
    }
    ids.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_50724_a_change_of_some_members_takes_no_other_off_their_hosts() {
    let app = App::start().await;
    let okta = app.scim();
    let [ana, ben, cho] = people(&app).await;
    let group = okta.group("Engineering", &[&ana, &ben]).await;
    let target = format!("/Groups/{group}");
    // Writers that know nothing of each other.
    let (one, two) = (okta.clone(), okta.clone());
    let add = json!([{"op": "add", "path": "members", "value": [{"value": cho}]}]);
    let remove = json!([{"op": "remove", "path": format!("members[value eq \"{ben}\"]")}]);
    let (added, removed) = tokio::join!(one.patch(&target, &add), two.patch(&target, &remove));
    let _ = (added.expect(200), removed.expect(200));
    for (host, expected) in [
        ("1", json!(["Engineering"])),
        ("2", json!([])),
        ("3", json!(["Engineering"])),
    ] {
        assert_eq!(groups(&app, host).await, expected, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_52600_known_members_show_on_hosts_while_unknown_ones_are_waited_for() {
    let app = App::start().await;
    let okta = app.scim();
    let [ana, ..] = people(&app).await;
    let body = json!({"schemas": [GROUP], "displayName": "Engineering",
        "members": [{"value": ana}, {"value": "dora@x.example"}, {"value": "no-such-id"}]});
    let group = okta.post("/Groups", &body).await.expect(201).id();
    assert_eq!(groups(&app, "1").await, json!(["Engineering"]));
    let _ = app.enrolled("4", "dora@x.example").await;
    let _ = okta.user("dora@x.example").await;
    assert_eq!(
        groups(&app, "4").await,
        json!(["Engineering"]),
        "she was waited for"
    );
    let add = json!([{"op": "add", "path": "members", "value": [{"value": "nor-this"}]}]);
    let _ = okta
        .patch(&format!("/Groups/{group}"), &add)
        .await
        .expect(200);
    assert_eq!(groups(&app, "1").await, json!(["Engineering"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_52593_ids_of_a_database_that_is_gone_are_no_server_error() {
    let app = App::start().await;
    let okta = app.scim();
    let [ana, ..] = people(&app).await;
    let group = okta.group("Engineering", &[&ana]).await;
    let body = json!({"schemas": [GROUP], "displayName": "Engineering",
        "members": [{"value": "17"}, {"value": "group-62"}, {"value": ana}]});
    let answer = okta
        .put(&format!("/Groups/{group}"), &body)
        .await
        .expect(200);
    assert_eq!(answer.members(), [ana]);
    assert_eq!(groups(&app, "1").await, json!(["Engineering"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_30086_a_member_named_twice_is_a_member_once() {
    let app = App::start().await;
    let okta = app.scim();
    let [ana, ..] = people(&app).await;
    let group = okta.group("Engineering", &[&ana, &ana]).await;
    let add = json!([{"op": "add", "path": "members", "value": [{"value": ana}, {"value": ana}]}]);
    let answer = okta
        .patch(&format!("/Groups/{group}"), &add)
        .await
        .expect(200);
    assert_eq!(answer.members(), [ana]);
    assert_eq!(groups(&app, "1").await, json!(["Engineering"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_52501_lists_and_details_name_the_same_nested_members() {
    let app = App::start().await;
    let okta = app.scim();
    let [ana, ..] = people(&app).await;
    let inner = okta.group("Backend", &[&ana]).await;
    let outer = okta.group("Engineering", &[&inner]).await;
    let one = okta.get(&format!("/Groups/{outer}")).await.expect(200);
    let listed = okta.find("/Groups", "displayName eq \"Engineering\"").await;
    let listed = listed.expect(200);
    assert_eq!(listed["Resources"][0]["members"], one["members"]);
    assert_eq!(one.members(), [inner]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_48886_people_of_nested_groups_have_the_groups_above() {
    let app = App::start().await;
    let okta = app.scim();
    let [ana, ben, cho] = people(&app).await;
    let inner = okta.group("Backend", &[&ana]).await;
    let middle = okta.group("Engineering", &[&inner, &ben]).await;
    let outer = okta.group("Everybody", &[&middle, &cho]).await;
    let all = json!(["Backend", "Engineering", "Everybody"]);
    assert_eq!(groups(&app, "1").await, all);
    assert_eq!(groups(&app, "2").await, json!(["Engineering", "Everybody"]));
    assert_eq!(groups(&app, "3").await, json!(["Everybody"]));
    // A cycle is harmless.
    let add = json!([{"op": "add", "path": "members", "value": [{"value": outer}]}]);
    let _ = okta
        .patch(&format!("/Groups/{inner}"), &add)
        .await
        .expect(200);
    assert_eq!(groups(&app, "3").await, all);
    let _ = okta.delete(&format!("/Groups/{middle}")).await.expect(204);
    assert_eq!(groups(&app, "1").await, json!(["Backend"]));
    assert_eq!(groups(&app, "2").await, json!([]));
}
