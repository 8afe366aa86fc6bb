//! Three mounts, each with URLs of its own in the answers.

use nameplate_runtime::http::Settings;
use nameplate_tests::App;
use nameplate_tests::names::USER;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn each_mount_answers_with_its_own_absolute_urls() {
    let app = App::start().await;
    let mut seen = Vec::new();
    for mount in ["/scim/v2", "/api/v1/fleet/scim", "/api/latest/fleet/scim"] {
        for extra in ["", "/v2"] {
            let client = app.scim().mounted(&format!("{mount}{extra}"));
            let name = format!("user{}@example.com", seen.len());
            // Every answer is checked to name the mount it was asked at.
            let id = client.user(&name).await;
            let group = client.group(&name, &[&id]).await;
            let read = client.get(&format!("/Users/{id}")).await.expect(200);
            let location = format!("http://{}{mount}{extra}/Users/{id}", app.address());
            assert_eq!(read["meta"]["location"], location);
            let reference = format!("http://{}{mount}{extra}/Groups/{group}", app.address());
            assert_eq!(read["groups"][0]["$ref"], reference);
            let config = client.get("/ServiceProviderConfig").await.expect(200);
            let location = config["meta"]["location"].as_str().unwrap();
            assert_eq!(location, format!("{}/ServiceProviderConfig", client.base()));
            seen.push(id);
        }
    }
    // All of them show one directory.
    for mount in [
        "/scim/v2",
        "/api/v1/fleet/scim",
        "/api/latest/fleet/scim/v2",
    ] {
        let list = app.scim().mounted(mount).get("/Users").await.expect(200);
        assert_eq!(list.total(), seen.len() as u64);
    }
    let slash = app.scim().mounted("/scim/v2/").get("/Users").await;
    assert_eq!(
        slash.status,
        200,
        "a base URL with a slash: {}",
        slash.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_url_is_what_answers_say() {
    let settings = Settings {
        public_url: Some("https://mdm.example.com/np".parse().unwrap()),
        ..Settings::default()
    };
    let app = App::builder().settings(settings).start().await;
    let body = json!({"schemas": [USER], "userName": "ana@example.com"});
    let answer = app.scim().post("/Users", &body).await;
    assert_eq!(answer.status, 201);
    let location = answer.header("location").unwrap();
    assert!(
        location.starts_with("https://mdm.example.com/np/scim/v2/Users/"),
        "{location}"
    );
    assert!(answer.text().contains(location));
}

#[tokio::test(flavor = "multi_thread")]
async fn forwarded_headers_of_strangers_do_not_count() {
    let app = App::start().await;
    let okta = app.scim();
    let id = okta.user("ana@example.com").await;
    let headers = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
    ];
    let answer = okta
        .send("GET", &format!("/Users/{id}"), &headers, b"")
        .await;
    assert!(!answer.expect(200).to_string().contains("evil.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_the_mounts_there_is_nothing() {
    let app = App::start().await;
    for path in [
        "/",
        "/scim",
        "/scim/v1/Users",
        "/api/v1/fleet",
        "/Users",
        "/scim/v2x/Users",
    ] {
        let _ = app.admin().get(path).await.expect(404);
    }
    let health = app.admin().authorized(None).get("/healthz").await;
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
}
