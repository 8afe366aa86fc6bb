//! Is an identity provider connected, and does it work: `scim/details` and the page.

use nameplate_runtime::limits::Limits;
use nameplate_tests::App;
use nameplate_tests::names::USER;
use nameplate_tests::shape::{Shape, redact};
use serde_json::{Value, json};

const PAGE: &str = "/settings/integrations/identity-provider";

async fn details(app: &App) -> Value {
    let admin = app.admin();
    let answer = admin
        .get("/api/v1/fleet/scim/details")
        .await
        .expect(200)
        .json;
    let other = admin
        .get("/api/latest/fleet/scim/details")
        .await
        .expect(200)
        .json;
    assert_eq!(other, answer, "both paths");
    answer
}

async fn page(app: &App) -> String {
    let answer = app.admin().get(PAGE).await;
    let text = answer.text();
    let good = answer.expect(200);
    assert!(good.header("content-type").starts_with("text/html"));
    assert!(
        good.header("content-security-policy")
            .contains("default-src 'none'")
    );
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_success_and_failure_are_told() {
    let app = App::start().await;
    assert_eq!(details(&app).await, json!({"last_request": null}));
    assert!(page(&app).await.contains("No IdP connected"));

    let okta = app.scim();
    let _ = okta.user("ana@example.com").await;
    let mut fine = details(&app).await;
    redact(&mut fine, "/last_request/requested_at", Shape::Time);
    let expected = json!({"last_request": {"requested_at": "[time]", "status": "success",
        "details": ""}});
    assert_eq!(fine, expected);
    let shown = page(&app).await;
    assert!(
        shown.contains("Received information from your IdP"),
        "{shown}"
    );

    let body = json!({"schemas": [USER], "userName": "ana@example.com"});
    let _ = okta.post("/Users", &body).await.refused(409, "uniqueness");
    let mut failed = details(&app).await;
    redact(&mut failed, "/last_request/requested_at", Shape::Time);
    redact(&mut failed, "/last_request/details", Shape::Line);
    let expected = json!({"last_request": {"requested_at": "[time]", "status": "error",
        "details": "[line]"}});
    assert_eq!(failed, expected);
    let shown = page(&app).await;
    assert!(
        shown.contains("Failed to receive information from your IdP"),
        "{shown}"
    );
    assert!(shown.contains("userName"), "why: {shown}");
    assert!(!shown.contains("<script"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_too_large_is_told_and_strangers_are_not() {
    let limits = Limits {
        body: 1000,
        ..Limits::default()
    };
    let app = App::builder().limits(limits).start().await;
    let okta = app.scim();
    let large = json!({"schemas": [USER], "userName": "a".repeat(1000)});
    let _ = okta.post("/Users", &large).await.refused(413, "");
    let told = details(&app).await;
    assert_eq!(told["last_request"]["status"], "error");
    assert!(
        told["last_request"]["details"]
            .as_str()
            .unwrap()
            .contains("1000"),
        "{told}"
    );
    let stranger = okta.authorized(Some("Bearer np_scim_x_y_z"));
    let _ = stranger.get("/Users").await.refused(401, "");
    let admin = app.client("/scim/v2", &app.tokens().admin_token);
    let _ = admin.get("/Users").await.refused(403, "");
    assert_eq!(
        details(&app).await,
        told,
        "401 and 403 say nothing of the provider"
    );
    let _ = okta.get("/Users").await.expect(200);
    assert_eq!(details(&app).await["last_request"]["status"], "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_failure_is_cut_to_what_fleets_field_holds() {
    let app = App::start().await;
    let attribute = "é".repeat(400);
    let filter = format!("{attribute} eq \"x\"");
    let _ = app
        .scim()
        .find("/Users", &filter)
        .await
        .refused(400, "invalidFilter");
    let told = details(&app).await;
    let text = told["last_request"]["details"].as_str().unwrap();
    assert!(!text.is_empty() && text.chars().count() <= 255, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_of_all_connections_counts_and_administration_does_not() {
    let app = App::start().await;
    let (entra, _) = app.clients("default", "entra").await;
    let _ = entra.get("/Users/nobody").await.refused(404, "");
    assert_eq!(details(&app).await["last_request"]["status"], "error");
    let _ = app.scim().get("/Users").await.expect(200);
    let fine = details(&app).await;
    assert_eq!(fine["last_request"]["status"], "success");
    app.host("1").await;
    let _ = app.admin().delete("/api/v1/hosts/nobody").await.expect(404);
    assert_eq!(details(&app).await, fine);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_is_for_the_admin_token_alone() {
    let app = App::start().await;
    for (header, status) in [
        (None, 401),
        (Some("Bearer wrong".to_owned()), 401),
        (Some(format!("Bearer {}", app.tokens().scim_token)), 403),
    ] {
        for target in [
            "/api/v1/fleet/scim/details",
            "/api/v1/hosts",
            "/api/v1/requests",
            PAGE,
        ] {
            let client = app.admin().authorized(header.as_deref());
            let answer = client.get(target).await.expect(status);
            if status == 401 {
                assert!(
                    answer.header("www-authenticate").starts_with("Bearer"),
                    "{target}"
                );
            }
        }
    }
}
