//! OAuth access tokens: issuer, audience, key and time have to fit one connection.

use nameplate_runtime::ConnectionChange;
use nameplate_runtime::auth::Files;
use nameplate_tests::issuer::{AUDIENCE, ISSUER, Issuer};
use nameplate_tests::{App, Client};
use serde_json::{Value, json};

const OKTA: &str = "/api/v1/connections/okta";
const SAME_WORDS: &str = "issuer, audience, key and signature";

async fn taking(app: &App, auth: &Value) {
    let change = json!({ "auth": auth });
    let _ = app
        .admin()
        .with_json("PATCH", OKTA, &change)
        .await
        .expect(200);
}

fn with(app: &App, token: &str) -> Client {
    app.client("/t/default/scim/v2", token)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_issuer_speaks_for_its_connection() {
    let app = App::start().await;
    let issuer = Issuer::new("k1");
    taking(&app, &issuer.auth()).await;
    let client = with(&app, &issuer.token(&json!({})));
    let id = client.user("ana@example.com").await;
    let _ = app.scim().get(&format!("/Users/{id}")).await.expect(200);
    let shown = app.admin().get(OKTA).await.expect(200);
    assert_eq!(shown["auth"]["issuer"], ISSUER);
    assert_eq!(shown["auth"]["keys"]["kids"], json!(["k1"]));
    let several = issuer.token(&json!({"aud": ["other", AUDIENCE]}));
    let _ = with(&app, &several).get("/Users").await.expect(200);
    // It is for SCIM alone.
    let admin = client.mounted("/t/default");
    let _ = admin.get("/api/v1/hosts").await.expect(403);
    // And no more once the connection takes none.
    taking(&app, &json!({})).await;
    client
        .get("/Users")
        .await
        .refused(401, "")
        .names(SAME_WORDS);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_in_the_same_words() {
    let app = App::start().await;
    let (issuer, attacker) = (Issuer::new("k1"), Issuer::new("k1"));
    taking(&app, &issuer.auth()).await;
    let es = |kid: &str| json!({"alg": "ES256", "kid": kid});
    let claims = Issuer::claims();
    for token in [
        issuer.token(&json!({"iss": "https://evil.example"})),
        issuer.token(&json!({"aud": "another service"})),
        issuer.signed(&es("../../k1"), &claims),
        attacker.token(&json!({})),
        attacker.token(&json!({"iss": "https://evil.example"})),
    ] {
        let answer = with(&app, &token).get("/Users").await;
        answer.refused(401, "").names(SAME_WORDS);
    }
    for algorithm in ["none", "HS256"] {
        let token = issuer.signed(&json!({"alg": algorithm, "kid": "k1"}), &claims);
        let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
        for token in [token, unsigned] {
            let answer = with(&app, &token).get("/Users").await;
            answer.refused(401, "").names("algorithm");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_in_its_time_alone() {
    let app = App::start().await;
    let issuer = Issuer::new("k1");
    taking(&app, &issuer.auth()).await;
    let now = app.clock.peek() / 1000;
    let early = with(&app, &issuer.token(&json!({"nbf": now + 600})));
    early
        .get("/Users")
        .await
        .refused(401, "")
        .names("not valid yet");
    let client = with(&app, &issuer.token(&json!({"exp": now + 60})));
    let _ = client.get("/Users").await.expect(200);
    app.clock.advance(121_000);
    client.get("/Users").await.refused(401, "").names("expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn subjects_and_access_are_the_connections_choice() {
    let app = App::start().await;
    let issuer = Issuer::new("k1");
    let mut auth = issuer.auth();
    auth["subjects"] = json!(["okta-client"]);
    auth["access"] = json!("read");
    taking(&app, &auth).await;
    let other = with(&app, &issuer.token(&json!({"sub": "somebody"})));
    other.get("/Users").await.refused(401, "").names("subject");
    let client = with(&app, &issuer.token(&json!({})));
    let _ = client.get("/Users").await.expect(200);
    let body = json!({"userName": "ana@example.com"});
    let _ = client.post("/Users", &body).await.refused(403, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_tenants_that_claim_a_token_the_path_decides_and_neither_stops_the_other() {
    let app = App::start().await;
    let issuer = Issuer::new("k1");
    taking(&app, &issuer.auth()).await;
    let (_, other) = app.clients("acme", "okta").await;
    let token = issuer.token(&json!({}));
    let _ = with(&app, &token).get("/Users").await.expect(200);
    let acme = app.client("/t/acme/scim/v2", &token);
    acme.get("/Users").await.refused(401, "").names(SAME_WORDS);

    let change = json!({"auth": issuer.auth()});
    let _ = other.with_json("PATCH", OKTA, &change).await.expect(200);
    let _ = acme.user("ana@example.com").await;
    let ours = with(&app, &token);
    assert_eq!(ours.get("/Users").await.expect(200).total(), 0);
    // Where no tenant is named, what an administrator claims counts for nobody.
    let nowhere = app.client("/scim/v2", &token).get("/Users").await;
    nowhere.refused(401, "").names(SAME_WORDS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_names_no_file_and_sees_none() {
    let app = App::start().await;
    let issuer = Issuer::new("k1");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, issuer.jwks().to_string()).unwrap();
    let auth = json!({"issuer": ISSUER, "audience": AUDIENCE, "jwks_file": file});
    let change = json!({ "auth": auth });
    let refused = app
        .admin()
        .with_json("PATCH", OKTA, &change)
        .await
        .expect(422);
    refused.names("`auth.jwks`");
    let add = json!({"name": "entra", "auth": auth});
    let _ = app
        .admin()
        .post("/api/v1/connections", &add)
        .await
        .expect(422);
    let list = app.admin().get("/api/v1/connections").await.expect(200);
    assert_eq!(
        list["connections"].as_array().unwrap().len(),
        1,
        "nothing was added"
    );

    let (tenant, _) = app.scope().await;
    let change = ConnectionChange {
        auth: auth.as_object().cloned(),
        ..ConnectionChange::default()
    };
    let changed = app
        .runtime
        .change_connection(tenant, "okta", change, Files::Allowed);
    changed.await.unwrap();
    // An operator's word counts at every address.
    let unbound = app.client("/scim/v2", &issuer.token(&json!({})));
    let _ = unbound.get("/Users").await.expect(200);
    // Another tenant that claims the same, keys and all, stops nothing.
    let (_, other) = app.clients("acme", "okta").await;
    let change = json!({"auth": issuer.auth()});
    let _ = other.with_json("PATCH", OKTA, &change).await.expect(200);
    let _ = unbound.get("/Users").await.expect(200);
    let shown = app.admin().get(OKTA).await.expect(200).to_string();
    assert!(
        shown.contains(ISSUER) && !shown.contains("keys.json"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_added_whole_or_not_at_all() {
    let app = App::start().await;
    let issuer = Issuer::new("k1");
    let add = async |body: Value| app.admin().post("/api/v1/connections", &body).await;
    let made = add(json!({"name": "entra", "dialect": "entra", "auth": issuer.auth()})).await;
    let made = made.expect(201);
    assert_eq!(
        (&made["name"], &made["dialect"]),
        (&json!("entra"), &json!("entra"))
    );
    let client = with(&app, &issuer.token(&json!({})));
    let _ = client.get("/Users").await.expect(200);
    let _ = add(json!({"name": "entra"})).await.expect(409);
    let _ = add(json!({"name": "Not A Name"})).await.expect(422);
    let _ = add(json!({"name": "x", "settings": {"unknown_members": "perhaps"}}))
        .await
        .expect(422);
    let _ = add(json!({"name": "x", "auth": {"issuer": "i"}}))
        .await
        .expect(422);
    let list = app.admin().get("/api/v1/connections").await.expect(200);
    assert_eq!(list["connections"].as_array().unwrap().len(), 2);
}
