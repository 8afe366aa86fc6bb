//! Labels from what the identity provider says.

use nameplate_tests::client::encoded;
use nameplate_tests::names::{ENTERPRISE, USER};
use nameplate_tests::{App, Client};
use serde_json::{Value, json};

use super::set_tenant;

async fn labelled(app: &App, label: &str) -> Value {
    let target = format!("/api/v1/labels/{}/hosts", encoded(label));
    let page = app.admin().get(&target).await.expect(200);
    page["hosts"].clone()
}

async fn labels(app: &App) -> Vec<String> {
    let page = app.admin().get("/api/v1/labels").await.expect(200);
    let labels = page["labels"].as_array().unwrap();
    let id = |label: &Value| label["id"].as_str().unwrap().to_owned();
    labels.iter().map(id).collect()
}

async fn person(okta: &Client, login: &str, department: &str) -> String {
    let body = json!({"schemas": [USER, ENTERPRISE], "userName": login, "active": true,
        ENTERPRISE: {"department": department}});
    okta.post("/Users", &body).await.expect(201).id()
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_40729_a_label_follows_every_change_at_once() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = person(&okta, "ana@example.com", "IT").await;
    let group = okta.group("Engineering", &[]).await;
    set_tenant(
        &app,
        &json!({"labels": {"eng": {"name": "Engineers", "group": group},
            "it": {"name": "IT", "department": "IT"}}}),
    )
    .await;
    let _ = app.enrolled("1", "ana@example.com").await;
    assert_eq!(labelled(&app, "eng").await, json!([]));
    assert_eq!(labelled(&app, "it").await, json!(["1"]));
    let target = format!("/Groups/{group}");
    for (op, hosts) in [("add", json!(["1"])), ("remove", json!([]))] {
        let change = match op {
            "add" => json!([{"op": op, "path": "members", "value": [{"value": ana}]}]),
            _ => json!([{"op": op, "path": format!("members[value eq \"{ana}\"]")}]),
        };
        let _ = okta.patch(&target, &change).await.expect(200);
        assert_eq!(labelled(&app, "eng").await, hosts, "{op}");
    }
    let path = format!("{ENTERPRISE}:department");
    let moved = json!([{"op": "replace", "path": path, "value": "Sales"}]);
    let answer = okta.patch(&format!("/Users/{ana}"), &moved).await;
    let _ = answer.expect(200);
    assert_eq!(labelled(&app, "it").await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_47822_a_label_outlives_the_name_of_its_group() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let group = okta.group("Engineering", &[&ana]).await;
    set_tenant(
        &app,
        &json!({"labels": {"eng": {"name": "Engineers", "group": group}}}),
    )
    .await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Research"}]);
    let answer = okta.patch(&format!("/Groups/{group}"), &rename).await;
    let _ = answer.expect(200);
    assert_eq!(labelled(&app, "eng").await, json!(["1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_51088_groups_and_departments_have_labels_that_come_and_go_with_them() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = person(&okta, "ana@example.com", "IT").await;
    let group = okta.group("Engineering", &[&ana]).await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let automatic = [format!("group:{group}"), "department:it".to_owned()];
    for label in &automatic {
        assert!(labels(&app).await.contains(label), "{label}");
        assert_eq!(labelled(&app, label).await, json!(["1"]), "{label}");
    }
    let answer = okta.delete(&format!("/Groups/{group}")).await;
    let _ = answer.expect(204);
    let answer = okta.delete(&format!("/Users/{ana}")).await;
    let _ = answer.expect(204);
    for label in &automatic {
        assert!(!labels(&app).await.contains(label), "{label} is retired");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_46869_a_label_holds_every_host_of_the_tenant() {
    let app = App::start().await;
    let (entra, _) = app.clients("default", "entra").await;
    let ana = entra.user("ana@example.com").await;
    let group = entra.group("Engineering", &[&ana]).await;
    let hosts = ["1", "2", "3"];
    for (host, platform) in hosts.iter().zip(["darwin", "windows", "ubuntu"]) {
        let body = json!({"id": host, "platform": platform});
        let answer = app.admin().post("/api/v1/hosts", &body).await;
        let _ = answer.expect(201);
        let _ = app.enroll(host, "ana@example.com").await;
    }
    let label = format!("group:{group}");
    assert_eq!(labelled(&app, &label).await, json!(hosts));
    // Another tenant neither has it nor can ask for it.
    let (_, stranger) = app.clients("other", "okta").await;
    let target = format!("/api/v1/labels/{}/hosts", encoded(&label));
    let answer = stranger.get(&target).await;
    assert!(!answer.text().contains("\"1\""), "{}", answer.text());
}
