//! Paths that name a tenant: they bind a token, and give nothing away.

use std::collections::BTreeSet;

use nameplate_tests::{App, Client};

const PAGE: &str = "/settings/integrations/identity-provider";

/// `{"alg":"RS256"}`, `{"iss":"https://a","aud":"b","exp":9999999999}` and no signature.
const SIGNED: &str = "eyJhbGciOiJSUzI1NiJ9.\
    eyJpc3MiOiJodHRwczovL2EiLCJhdWQiOiJiIiwiZXhwIjo5OTk5OTk5OTk5fQ.c2ln";

/// What a caller who is not let in is told.
async fn told(client: &Client, path: &str) -> String {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 401, "{path}: {}", answer.text());
    answer.text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_another_tenant_is_refused_in_the_words_of_one_that_does_not_exist() {
    let app = App::start().await;
    let _ = app.clients("other", "okta").await;
    for (client, path) in [
        (app.scim().mounted(""), "/scim/v2/Users"),
        (app.scim().mounted(""), "/api/v1/fleet/scim/Users"),
        (app.admin(), "/api/v1/hosts"),
        (app.admin(), "/api/v1/tenant"),
        (app.admin(), PAGE),
    ] {
        let mut words = BTreeSet::new();
        for tenant in ["other", "nobody", "DEFAULT", "default%20", "%64efault", "."] {
            words.insert(told(&client, &format!("/t/{tenant}{path}")).await);
        }
        assert_eq!(words.len(), 1, "{path} tells tenants apart: {words:?}");
        // Nor does any other bearer find out.
        for bearer in [None, Some("x"), Some(SIGNED), Some("np_scim_a_b_c")] {
            let stranger =
                client.authorized(bearer.map(|text| format!("Bearer {text}")).as_deref());
            let mut words = BTreeSet::new();
            for tenant in ["default", "other", "nobody"] {
                words.insert(told(&stranger, &format!("/t/{tenant}{path}")).await);
            }
            assert_eq!(words.len(), 1, "{bearer:?}: {words:?}");
        }
        let own = client.get(&format!("/t/default{path}")).await;
        assert_eq!(own.status, 200, "{path}: {}", own.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_is_read_once_and_as_it_stands() {
    let app = App::start().await;
    let (_, thief) = app.clients("other", "okta").await;
    let _ = app.enrolled("1", "amber@example.com").await;
    for path in [
        "/t/other/t/default/api/v1/hosts",
        "/t/other/../default/api/v1/hosts",
        "/t/other%2f..%2fdefault/api/v1/hosts",
        "/t/default/api/v1/hosts",
        "/t//api/v1/hosts",
        "//t/default/api/v1/hosts",
        "/T/other/api/v1/hosts",
        "/t/other//api/v1/hosts",
        "/t/other;/api/v1/hosts",
        "/t/other",
        "/t/",
    ] {
        let answer = thief.get(path).await;
        assert!(
            matches!(answer.status, 401 | 404),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.text().contains("amber"), "{path}");
    }
    let own = thief.get("/t/other/api/v1/hosts").await.expect(200);
    assert_eq!(own["hosts"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_request_id_is_not_taken_over() {
    let app = App::start().await;
    let okta = app.scim();
    let mut seen = BTreeSet::new();
    for given in ["forged", "../../etc/passwd", "<script>", &"a".repeat(5000)] {
        let answer = okta
            .send("GET", "/Users", &[("x-request-id", given)], b"")
            .await;
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(id.len(), 26, "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        assert!(seen.insert(id), "each has its own");
    }
    let log = serde_json::json!(app.requests().await).to_string();
    assert!(!log.contains("forged") && !log.contains("passwd"), "{log}");
}
