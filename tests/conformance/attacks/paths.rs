//! A path means what it says and nothing else: no dots are walked, nothing is decoded
//! before it is cut, and no spelling leads round a token's scope.

use nameplate_tests::App;

use super::wire::exchange;

/// Paths that another server might take for an administrative one.
const TO_ADMINISTRATION: &[&str] = &[
    "/scim/v2/../../api/v1/hosts",
    "/scim/v2/../api/v1/hosts",
    "/scim/v2/%2e%2e/%2e%2e/api/v1/hosts",
    "/scim/v2/%2E%2E%2F%2E%2E%2Fapi/v1/hosts",
    "/scim/v2/..%2f..%2fapi%2fv1%2fhosts",
    "/scim/v2/..%252f..%252fapi%252fv1%252fhosts",
    "/scim/v2/%252e%252e/%252e%252e/api/v1/hosts",
    "/scim/v2/..;/..;/api/v1/hosts",
    "/scim/v2/..\\..\\api\\v1\\hosts",
    "/scim/v2/%5c..%5c..%5capi/v1/hosts",
    "/scim/v2/%c0%ae%c0%ae/%c0%ae%c0%ae/api/v1/hosts",
    "/scim/v2/\u{ff0e}\u{ff0e}/\u{ff0e}\u{ff0e}/api/v1/hosts",
    "/scim/v2//../../api/v1/hosts",
    "/scim/v2/Users/../../../api/v1/hosts",
    "/healthz/../api/v1/hosts",
    "/healthz/api/v1/hosts",
    "/assets/nameplate.css/../../api/v1/hosts",
    "//api/v1/hosts",
    "/./api/v1/hosts",
    "/api//v1/hosts",
    "/api/./v1/hosts",
    "/API/v1/hosts",
    "/api/v1/hosts/",
    "/api/v1/hosts;a=b",
    "/api/v1;a=b/hosts",
    "/api/v1/hosts%00",
    "/api/v1/hosts%20",
    "/api/v1/hosts%2f",
    "/api/v1/%68osts",
    "/api%2fv1%2fhosts",
    "/api/v1/hosts.json",
    "/api/latest/hosts",
    "/api/v2/hosts",
];

/// The same for SCIM.
const TO_SCIM: &[&str] = &[
    "/api/v1/../../scim/v2/Users",
    "/api/v1/hosts/..%2f..%2f..%2fscim%2fv2%2fUsers",
    "/SCIM/v2/Users",
    "/scim/V2/Users",
    "/scim%2fv2/Users",
    "/scim/v2;a=b/Users",
    "/scim/v2%00/Users",
    "/scim/v2%2fUsers",
    "//scim/v2/Users",
    "/scim//v2/Users",
    "/scim/./v2/Users",
    "/scim/v2/Users/../Groups",
    "/scim/v2/Users/%2e%2e/Users",
    "/scim/v2/./Users",
    "/scim/v2/Users;a=b",
    "/scim/v2/Users%00",
    "/scim/v2/Users%2f",
    "/scim/v2/Users%0d%0a",
    "/scim/v2/\\Users",
    "/scim/v2/Users\u{200b}",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_leads_a_token_out_of_its_scope() {
    let app = App::start().await;
    let _ = app.scim().user("amber@example.com").await;
    let _ = app.enrolled("1", "amber@example.com").await;
    let (scim, admin) = (app.scim().mounted(""), app.admin());
    let nobody = admin.authorized(None);
    for path in TO_ADMINISTRATION.iter().chain(TO_SCIM) {
        for client in [&scim, &admin, &nobody] {
            for method in ["GET", "POST", "DELETE"] {
                let answer = client.send(method, path, &[], b"").await;
                assert!(
                    matches!(answer.status, 400 | 401 | 403 | 404 | 405),
                    "{method} {path}: {} {}",
                    answer.status,
                    answer.text()
                );
                assert!(!answer.text().contains("amber"), "{path}");
            }
        }
    }
    assert_eq!(app.scim().get("/Users").await.expect(200).total(), 1);
    let _ = app.mapping("1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_never_a_path() {
    let app = App::start().await;
    // Ids of hosts are the device-management server's own, whatever they look like.
    for id in [
        "..",
        "../1",
        "a/b",
        "%2e%2e",
        "1?x=y",
        "1#x",
        "a;b=c",
        "\u{202e}1",
        "'; drop table hosts; --",
        "<script>",
    ] {
        let body = serde_json::json!({"id": id, "display_name": "x"});
        let made = app.admin().post("/api/v1/hosts", &body).await.expect(201);
        assert_eq!(made["host"]["id"], id);
        let target = format!("/api/v1/hosts/{}", escaped(id));
        let read = app.admin().get(&target).await.expect(200);
        assert_eq!(read["host"]["id"], id);
        let _ = app.admin().delete(&target).await.expect(204);
        let _ = app.admin().get(&target).await.expect(404);
    }
}

fn escaped(id: &str) -> String {
    id.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_that_are_no_paths_are_refused() {
    let app = App::start().await;
    let token = &app.tokens().admin_token;
    let long = format!("/scim/v2/Users/{}", "a".repeat(70_000));
    for (line, statuses) in [
        ("OPTIONS * HTTP/1.1", &[404][..]),
        ("GET * HTTP/1.1", &[404]),
        ("CONNECT 127.0.0.1:22 HTTP/1.1", &[404]),
        ("GET 127.0.0.1:22 HTTP/1.1", &[400, 404]),
        ("GET http://127.0.0.1:22 HTTP/1.1", &[404]),
        ("GET file:///etc/passwd HTTP/1.1", &[400, 404]),
        ("GET ../../etc/passwd HTTP/1.1", &[400]),
        ("GET  HTTP/1.1", &[400]),
        ("GET /a b HTTP/1.1", &[400]),
        ("GET /a\0b HTTP/1.1", &[400]),
        ("GET /a\tb HTTP/1.1", &[400]),
        ("GET /api/v1/hosts HTTP/1.1 x", &[400]),
        ("GET /api/v1/hosts HTTP/2.0", &[400]),
        ("GET /api/v1/hosts HTTP/9.9", &[400]),
        ("G\0T /api/v1/hosts HTTP/1.1", &[400]),
        (&format!("GET {long} HTTP/1.1"), &[414, 431]),
    ] {
        let request = format!(
            "{line}\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        let seen = exchange(&app, request.as_bytes()).await;
        assert_eq!(seen.len(), 1, "{line:.80}");
        assert!(
            statuses.contains(&seen[0].status),
            "{line:.80}: {:?}",
            seen[0]
        );
    }
    let _ = app.admin().get("/api/v1/hosts").await.expect(200);
}
