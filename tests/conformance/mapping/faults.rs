//! The faults and wishes that users of a well-known product reported, each as a test
//! that it does not happen here, named after its number in that product's tracker.

mod groups;
mod links;
mod people;

use nameplate_tests::{Answer, App};
use serde_json::{Value, json};

/// An administrator says whose a host is.
async fn choose(app: &App, host: &str, login: &str) -> Answer {
    let target = format!("/api/v1/fleet/hosts/{host}/device_mapping");
    let body = json!({"email": login, "source": "idp"});
    app.admin().put(&target, &body).await
}

async fn assignment(app: &App, host: &str) -> Value {
    app.mapping(host).await["assignment"].clone()
}

async fn user_of(app: &App, host: &str) -> String {
    let assignment = assignment(app, host).await;
    assert_eq!(assignment["outcome"], "linked", "{assignment}");
    assignment["user_id"].as_str().unwrap().to_owned()
}

async fn explained(app: &App, host: &str) -> String {
    let target = format!("/api/v1/hosts/{host}/explain");
    let answer = app.admin().get(&target).await.expect(200);
    answer["lines"].to_string()
}

async fn set_tenant(app: &App, settings: &Value) {
    let body = json!({"settings": settings});
    let answer = app
        .admin()
        .with_json("PATCH", "/api/v1/tenant", &body)
        .await;
    let _ = answer.expect(200);
}
