//! Tenants by path and by host name: the token has to be theirs.

use nameplate_runtime::OperatorChange;
use nameplate_runtime::auth::NewToken;
use nameplate_runtime::clock::SystemRandom;
use nameplate_runtime::http::Settings;
use nameplate_runtime::store::TokenScope;
use nameplate_tests::{App, Client};
use serde_json::json;

fn hosts(names: &[&str]) -> OperatorChange {
    OperatorChange {
        host_names: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..OperatorChange::default()
    }
}

/// A token of the right form that nobody has.
fn unknown(scope: TokenScope) -> String {
    NewToken::draw(scope, &SystemRandom).unwrap().reveal()
}

/// `stranger` is told the very words that somebody with a made-up token is told.
async fn as_good_as_unknown(stranger: &Client, nobody: &Client, target: &str) {
    let answer = stranger.get(target).await.expect(401);
    let expected = nobody.get(target).await.expect(401);
    assert_eq!(answer.json, expected.json, "{target}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_takes_the_tokens_of_its_tenant_alone() {
    let app = App::start().await;
    let made = app.init("acme", "okta").await;
    let at = |prefix: &str, token: &str| app.client(&format!("{prefix}/scim/v2"), token);
    let acme = at("/t/acme", &made.scim_token);
    // Every answer is checked to name the mount it was asked at.
    let user = acme.user("ana@example.com").await;
    let read = acme.get(&format!("/Users/{user}")).await.expect(200);
    let location = format!("http://{}/t/acme/scim/v2/Users/{user}", app.address());
    assert_eq!(read["meta"]["location"], location);

    let ours = &app.tokens().scim_token;
    let nobody = unknown(TokenScope::Scim);
    as_good_as_unknown(&at("/t/acme", ours), &at("/t/acme", &nobody), "/Users").await;
    for prefix in ["/t/default", "/t/nowhere", "/t/ACME", "/t/acm%65"] {
        let answer = at(prefix, &made.scim_token).get("/Users").await;
        answer.refused(401, "").names("not known here");
    }
    let list = at("", ours).get("/Users").await.expect(200);
    assert_eq!(list.total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn administration_and_the_page_are_bound_by_the_path_too() {
    let app = App::start().await;
    let made = app.init("acme", "okta").await;
    let acme = app.client("/t/acme", &made.admin_token);
    let host = json!({"id": "1", "display_name": "Laptop 1"});
    let _ = acme.post("/api/v1/hosts", &host).await.expect(201);
    let stranger = app.client("/t/acme", &app.tokens().admin_token);
    let nobody = app.client("/t/acme", &unknown(TokenScope::Admin));
    for target in [
        "/api/v1/hosts",
        "/api/v1/fleet/scim/details",
        "/settings/integrations/identity-provider",
    ] {
        as_good_as_unknown(&stranger, &nobody, target).await;
        let _ = acme.get(target).await.expect(200);
    }
    let _ = stranger.delete("/api/v1/hosts/1").await.expect(401);
    let _ = acme.get("/api/v1/hosts/1").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_name_takes_the_tokens_of_its_tenant_alone() {
    let app = App::start().await;
    let made = app.init("acme", "okta").await;
    app.operator("acme", hosts(&["acme.example.com"])).await;
    let acme = app.client("/scim/v2", &made.scim_token);
    for host in [
        "acme.example.com",
        "ACME.example.com.",
        "acme.example.com:8443",
    ] {
        let found = acme.at_host(host).get("/Users").await.expect(200);
        assert_eq!(found.total(), 0, "{host}");
        let stranger = app.scim().at_host(host);
        let nobody = app.client("/scim/v2", &unknown(TokenScope::Scim));
        as_good_as_unknown(&stranger, &nobody.at_host(host), "/Users").await;
    }
    // Other names say nothing.
    let _ = acme
        .at_host("mdm.example.com")
        .get("/Users")
        .await
        .expect(200);
    let _ = app.scim().get("/Users").await.expect(200);
    // Who may not speak for the client may not choose its host.
    let headers = [("x-forwarded-host", "acme.example.com")];
    let answer = app.scim().send("GET", "/Users", &headers, b"").await;
    let _ = answer.expect(200);

    app.operator("acme", hosts(&[])).await;
    let _ = app
        .scim()
        .at_host("acme.example.com")
        .get("/Users")
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_at_a_host_name_of_a_tenant_name_it() {
    let settings = Settings {
        public_url: Some("https://mdm.example.com/np".parse().unwrap()),
        ..Settings::default()
    };
    let app = App::builder().settings(settings).start().await;
    app.operator("default", hosts(&["acme.example.com"])).await;
    let at = app.scim().at_host("acme.example.com");
    let config = at.get("/ServiceProviderConfig").await;
    let location = "https://acme.example.com/scim/v2/ServiceProviderConfig";
    assert!(config.text().contains(location), "{}", config.text());
    let config = app.scim().get("/ServiceProviderConfig").await;
    let location = "https://mdm.example.com/np/scim/v2/ServiceProviderConfig";
    assert!(config.text().contains(location), "{}", config.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_and_a_host_name_of_two_tenants_take_no_token() {
    let app = App::start().await;
    let made = app.init("acme", "okta").await;
    app.operator("acme", hosts(&["acme.example.com"])).await;
    for token in [&made.scim_token, &app.tokens().scim_token] {
        let client = app.client("/t/default/scim/v2", token);
        let _ = client
            .at_host("acme.example.com")
            .get("/Users")
            .await
            .refused(401, "");
    }
    let both = app.client("/t/acme/scim/v2", &made.scim_token);
    let _ = both
        .at_host("acme.example.com")
        .get("/Users")
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_name_is_of_one_tenant_and_has_to_be_one() {
    let app = App::start().await;
    let _ = app.init("acme", "okta").await;
    app.operator("acme", hosts(&["acme.example.com"])).await;
    let other = app.tenant("default").await;
    for name in [
        "acme.example.com",
        "https://a.example.com",
        "a.example.com:80",
        "*.example.com",
        "a..b",
        "",
        "ä.example.com",
    ] {
        let refused = app.runtime.set_tenant(other, hosts(&[name])).await;
        assert!(refused.is_err(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_tenant_is_refused_until_it_is_resumed_and_its_neighbour_never() {
    let app = App::start().await;
    let (neighbour, _) = app.clients("acme", "okta").await;
    let user = app.scim().user("ana@example.com").await;
    let suspend = |suspended| OperatorChange {
        suspended: Some(suspended),
        ..OperatorChange::default()
    };
    app.operator("default", suspend(true)).await;
    let answer = app.scim().delete(&format!("/Users/{user}")).await;
    answer.refused(403, "").names("suspended");
    let answer = app.admin().get("/api/v1/hosts").await.expect(403);
    answer.names("suspended");
    let _ = neighbour.get("/Users").await.expect(200);
    app.operator("default", suspend(false)).await;
    let _ = app.scim().get(&format!("/Users/{user}")).await.expect(200);
}
