//! The audit log: who changed what.

use nameplate_tests::App;
use serde_json::{Value, json};

async fn lines(app: &App) -> Vec<Value> {
    let answer = app.admin().get("/api/v1/audit").await.expect(200);
    answer["audit"].as_array().cloned().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_with_its_actor_and_no_value() {
    let app = App::start().await;
    app.host("7").await;
    let settings = json!({"settings": {"sticky_manual": true}});
    let _ = app
        .admin()
        .with_json("PATCH", "/api/v1/tenant", &settings)
        .await
        .expect(200);
    let switch = json!({"reactivate_inactive": false});
    let target = "/api/v1/connections/okta";
    let _ = app
        .admin()
        .with_json("PATCH", target, &switch)
        .await
        .expect(200);
    let _ = app.admin().delete("/api/v1/hosts/7").await.expect(204);
    let lines = lines(&app).await;
    let told: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| {
            (
                line["action"].as_str().unwrap(),
                line["subject"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("host.delete", "7"),
        ("connection.change", "okta"),
        ("tenant.change", ""),
        ("host.add", "7"),
    ];
    assert_eq!(told, expected);
    let id = app.tokens().admin_token.split('_').nth(2).unwrap();
    for line in &lines {
        assert_eq!(line["actor"], format!("token:{id}"));
        assert!(!line.to_string().contains("sticky_manual"), "{line}");
    }
    assert_eq!(
        lines[1]["detail"],
        json!({"fields": ["reactivate_inactive"]})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_and_what_only_read_is_not_told() {
    let app = App::start().await;
    let _ = app.admin().delete("/api/v1/hosts/none").await.expect(404);
    let _ = app.admin().get("/api/v1/hosts").await.expect(200);
    let _ = app.scim().user("ana@example.com").await;
    assert!(lines(&app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_its_own_lines_alone_page_by_page() {
    let app = App::start().await;
    let (_, stranger) = app.clients("acme", "entra").await;
    for id in ["1", "2", "3"] {
        app.host(id).await;
    }
    let seen = stranger.get("/api/v1/audit").await.expect(200);
    assert_eq!(seen["audit"], json!([]));
    let first = app.admin().get("/api/v1/audit?limit=2").await.expect(200);
    let target = format!("/api/v1/audit?before={}", first["next"].as_str().unwrap());
    let rest = app.admin().get(&target).await.expect(200);
    assert_eq!(rest["audit"][0]["subject"], "1");
    assert_eq!(rest["next"], Value::Null);
}
