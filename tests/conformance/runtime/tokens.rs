//! Tokens: two at a time, rotated without a gap, read or write, shown once.

use nameplate_tests::names::USER;
use nameplate_tests::{App, Client};
use serde_json::{Value, json};

const TOKENS: &str = "/api/v1/tokens";
const DAY_MS: u64 = 24 * 3600 * 1000;

fn body(name: &str) -> Value {
    json!({"schemas": [USER], "userName": name})
}

/// Makes a token of connection `okta` and gives its row and a client that has it.
async fn made(app: &App, wish: Value) -> (Value, Client) {
    let mut wish = wish;
    wish["scope"] = json!("scim");
    wish["connection"] = json!("okta");
    let made = app.admin().post(TOKENS, &wish).await.expect(201);
    let client = app.client("/scim/v2", made["token"].as_str().unwrap());
    (made.json, client)
}

async fn listed(app: &App, id: &Value) -> Value {
    let list = app.admin().get(TOKENS).await.expect(200);
    let tokens = list["tokens"].as_array().unwrap();
    let found = tokens.iter().find(|token| token["id"] == *id);
    found.cloned().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_token_of_a_connection_is_refused_with_what_to_do() {
    let app = App::start().await;
    let (second, client) = made(&app, json!({"note": "the next one"})).await;
    let _ = client.get("/Users").await.expect(200);
    let wish = json!({"scope": "scim", "connection": "okta"});
    let refused = app.admin().post(TOKENS, &wish).await.expect(409);
    refused.names("revoke one");
    let target = format!("{TOKENS}/{}", second["id"].as_str().unwrap());
    let _ = app.admin().delete(&target).await.expect(204);
    let (_, third) = made(&app, json!({})).await;
    let _ = third.get("/Users").await.expect(200);
    // Another connection has two of its own.
    let (other, _) = app.clients("default", "entra").await;
    let _ = other.get("/Users").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_token_works_beside_its_successor_for_a_day() {
    let app = App::start().await;
    let (old, client) = made(&app, json!({"note": "okta", "access": "read"})).await;
    let first = app.admin().get(TOKENS).await.expect(200)["tokens"][0]["id"].clone();
    let revoke = format!("{TOKENS}/{}", first.as_str().unwrap());
    let _ = app.admin().delete(&revoke).await.expect(204);
    let rotate = format!("{TOKENS}/{}/rotate", old["id"].as_str().unwrap());
    let new = app
        .admin()
        .send("POST", &rotate, &[], b"")
        .await
        .expect(200);
    assert_eq!(
        (&new["note"], &new["access"]),
        (&json!("okta"), &json!("read"))
    );
    let next = app.client("/scim/v2", new["token"].as_str().unwrap());
    let _ = client.get("/Users").await.expect(200);
    let _ = next.get("/Users").await.expect(200);
    // A second successor would be a third token.
    let again = app
        .admin()
        .send("POST", &rotate, &[], b"")
        .await
        .expect(409);
    again.names("revoke one");
    app.clock.advance(DAY_MS + 1);
    client.get("/Users").await.refused(401, "").names("expired");
    let _ = next.get("/Users").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_overlap_the_old_token_ends_at_once() {
    let app = App::start().await;
    let (old, client) = made(&app, json!({})).await;
    let _ = client.get("/Users").await.expect(200);
    let rotate = format!("{TOKENS}/{}/rotate", old["id"].as_str().unwrap());
    let body = json!({"overlap_hours": 0});
    // Both of the connection's tokens are live, and the old one makes room.
    let _ = app.admin().post(&rotate, &body).await.expect(200);
    client.get("/Users").await.refused(401, "").names("expired");
    let long = json!({"overlap_hours": 100_000});
    let _ = app.admin().post(&rotate, &long).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_refused_at_once_where_it_was_revoked() {
    let app = App::start().await;
    let (token, client) = made(&app, json!({})).await;
    let _ = client.get("/Users").await.expect(200);
    let target = format!("{TOKENS}/{}", token["id"].as_str().unwrap());
    let _ = app.admin().delete(&target).await.expect(204);
    client.get("/Users").await.refused(401, "").names("revoked");
    let _ = app.admin().delete(&target).await.expect(404);
    assert_eq!(listed(&app, &token["id"]).await["live"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_token_looks_and_searches_and_changes_nothing() {
    let app = App::start().await;
    let id = app.scim().user("ana@example.com").await;
    let (_, reader) = made(&app, json!({"access": "read"})).await;
    let before = reader.everything().await;
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "userName eq \"ana@example.com\""});
    let found = reader.post("/Users/.search", &search).await.expect(200);
    assert_eq!(found.total(), 1);
    let head = reader.send("HEAD", "/Users", &[], b"").await;
    assert_eq!(head.status, 200);
    let user = format!("/Users/{id}");
    let remove = json!([{"op": "remove", "path": "displayName"}]);
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "DELETE", "path": user}]});
    for answer in [
        reader.post("/Users", &body("ben@example.com")).await,
        reader.put(&user, &body("ben@example.com")).await,
        reader.patch(&user, &remove).await,
        reader.delete(&user).await,
        reader.post("/Bulk", &bulk).await,
    ] {
        answer.refused(403, "").names("--access write");
    }
    assert_eq!(reader.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_token_that_reads_makes_neither_changes_nor_tokens() {
    let app = App::start().await;
    let wish = json!({"scope": "admin", "access": "read", "note": "dashboard"});
    let made = app.admin().post(TOKENS, &wish).await.expect(201);
    let reader = app.client("", made["token"].as_str().unwrap());
    let _ = reader.get("/api/v1/hosts").await.expect(200);
    let _ = reader.get(TOKENS).await.expect(200);
    let rotate = format!("{TOKENS}/{}/rotate", made["id"].as_str().unwrap());
    for (method, target, body) in [
        (
            "POST",
            "/api/v1/hosts",
            json!({"id": "1", "display_name": "x"}),
        ),
        ("POST", TOKENS, json!({"scope": "admin"})),
        ("POST", rotate.as_str(), json!({})),
        ("DELETE", "/api/v1/tokens/x", json!({})),
        ("PATCH", "/api/v1/tenant", json!({"settings": {}})),
        ("POST", "/api/v1/connections", json!({"name": "x"})),
    ] {
        let answer = reader.with_json(method, target, &body).await.expect(403);
        answer.names("--access write");
    }
    assert_eq!(
        app.admin().get("/api/v1/hosts").await.expect(200)["hosts"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_a_token_is_shown_once_and_stored_nowhere() {
    let app = App::start().await;
    let (token, client) = made(&app, json!({"note": "for Ana"})).await;
    let _ = client.get("/Users").await.expect(200);
    let text = token["token"].as_str().unwrap().to_owned();
    let secret = text.split('_').nth(3).unwrap().to_owned();
    let list = app.admin().get(TOKENS).await.expect(200).to_string();
    assert!(
        list.contains("for Ana") && !list.contains(&secret),
        "{list}"
    );
    let log = app.admin().get("/api/v1/requests").await.expect(200);
    assert!(!log.to_string().contains(&secret));
    let files = app.stop_and_read_files().await;
    let found = files
        .windows(secret.len())
        .any(|part| part == secret.as_bytes());
    assert!(!found, "the secret is in the database");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_another_tenant_are_out_of_reach() {
    let app = App::start().await;
    let (_, stranger) = app.clients("other", "okta").await;
    let (token, client) = made(&app, json!({})).await;
    let target = format!("{TOKENS}/{}", token["id"].as_str().unwrap());
    let _ = stranger.delete(&target).await.expect(404);
    let rotate = format!("{target}/rotate");
    let _ = stranger.post(&rotate, &json!({})).await.expect(404);
    let list = stranger.get(TOKENS).await.expect(200).to_string();
    assert!(!list.contains(token["id"].as_str().unwrap()));
    let _ = client.get("/Users").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_soon_is_said_to_once_a_day() {
    let app = App::start().await;
    let (token, client) = made(&app, json!({"expires_in_days": 40})).await;
    assert_eq!(listed(&app, &token["id"]).await["ends_soon"], false);
    app.clock.advance(11 * DAY_MS);
    assert_eq!(listed(&app, &token["id"]).await["ends_soon"], true);
    for _ in 0..3 {
        let _ = client.get("/Users").await.expect(200);
    }
    let lines = json!(app.requests().await).to_string();
    assert_eq!(
        lines.matches("nameplate token rotate").count(),
        1,
        "{lines}"
    );
    app.clock.advance(30 * DAY_MS);
    client.get("/Users").await.refused(401, "").names("expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_that_cannot_be_met_are_refused_by_name() {
    let app = App::start().await;
    for (wish, name) in [
        (json!({}), "scope"),
        (json!({"scope": "root"}), "scope"),
        (json!({"scope": "scim"}), "connection"),
        (json!({"scope": "scim", "connection": "none"}), "connection"),
        (
            json!({"scope": "admin", "connection": "okta"}),
            "connection",
        ),
        (json!({"scope": "admin", "access": "all"}), "access"),
        (json!({"scope": "admin", "note": "x".repeat(101)}), "note"),
        (json!({"scope": "admin", "expires": "tomorrow"}), "expires"),
        (
            json!({"scope": "admin", "expires": "2020-01-01T00:00:00Z"}),
            "expires",
        ),
        (
            json!({"scope": "admin", "expires_in_days": 0}),
            "expires_in_days",
        ),
    ] {
        let answer = app.admin().post(TOKENS, &wish).await.expect(400);
        assert_eq!(answer["errors"][0]["name"], name, "{wish}");
    }
}
