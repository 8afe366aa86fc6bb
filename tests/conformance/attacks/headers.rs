//! Two readers of one message must not differ: framing, doubled and broken headers,
//! hosts of the sender's choosing.

use nameplate_runtime::http::Settings;
use nameplate_tests::App;
use serde_json::json;

use super::wire::{LAST, Seen, adding, exchange, shown, user};

const SMUGGLED: &str = "smuggled@example.com";

/// Sends a request whose body, or what a careless reader would take for another
/// request, adds a user; then one more, which is answered only if the connection is
/// still good. Nothing may have been added.
async fn smuggle(app: &App, framing: &str, before: &str, after: &str) -> Vec<Seen> {
    let request = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/scim+json\r\n{framing}\r\n{before}{}{after}{LAST}",
        app.tokens().scim_token,
        adding(app, SMUGGLED)
    );
    let seen = exchange(app, request.as_bytes()).await;
    let added = app.scim().get("/Users").await.expect(200);
    assert_eq!(added.total(), 0, "{}: {added}", shown(framing.as_bytes()));
    seen
}

/// One refusal and the end: nothing that follows is read.
#[track_caller]
fn refused_and_closed(seen: &[Seen], what: &str) {
    let statuses: Vec<u16> = seen.iter().map(|answer| answer.status).collect();
    // 431 is said of a length that no machine can count.
    let fine = matches!(statuses[..], [400 | 431]);
    assert!(fine, "{}: {statuses:?}", shown(what.as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_and_chunks_at_once_end_the_connection_after_one_answer() {
    let app = App::start().await;
    let length = adding(&app, SMUGGLED).len() + 5;
    for framing in [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n".to_owned(),
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n".to_owned(),
    ] {
        // By chunks the body ends here; by its length the next request is part of it.
        // RFC 9112 6.3: the chunks count, and the connection is closed.
        let seen = smuggle(&app, &framing, "0\r\n\r\n", "").await;
        refused_and_closed(&seen, &framing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_differ_or_are_none_are_refused() {
    let app = App::start().await;
    for framing in [
        "Content-Length: 0\r\nContent-Length: 400\r\n",
        "Content-Length: 400\r\nContent-Length: 0\r\n",
        "Content-Length: 0, 400\r\n",
        "Content-Length: +0\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x0\r\n",
        "Content-Length: 0 0\r\n",
        "Content-Length: \r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length: 18446744073709551615\r\n",
        "Content-Length: 0\u{b}\r\n",
        "Content-Length: 0\0\r\n",
    ] {
        let seen = smuggle(&app, framing, "", "").await;
        refused_and_closed(&seen, framing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn obscured_transfer_encodings_are_refused() {
    let app = App::start().await;
    for framing in [
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked\u{b}\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "X: a\r\n Transfer-Encoding: chunked\r\n",
        "X: a\r\n\tb\r\n",
        "X: a\rTransfer-Encoding: chunked\r\n",
        "X: a\0b\r\n",
        "X\0: a\r\n",
        "X: a\r\n: b\r\n",
        "no header at all\r\n",
    ] {
        let seen = smuggle(&app, framing, "", "").await;
        refused_and_closed(&seen, framing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_chunks_are_refused_and_what_follows_is_not_read() {
    let app = App::start().await;
    for chunks in [
        "zz\r\n",
        "-1\r\n",
        "0x5\r\n",
        "5 5\r\n",
        "FFFFFFFFFFFFFFFFF\r\n",
        "1\r\nab\r\n",
        "1\r\na0\r\n\r\n",
        "\r\n",
    ] {
        let framing = "Transfer-Encoding: chunked\r\n";
        let seen = smuggle(&app, framing, chunks, "").await;
        refused_and_closed(&seen, chunks);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_never_read_as_the_next_request() {
    let app = App::start().await;
    let inner = adding(&app, SMUGGLED);
    let length = inner.len();
    let admin = &app.tokens().admin_token;
    let wrong = format!("{}x", app.tokens().scim_token);
    let scim = &app.tokens().scim_token;
    for (line, token) in [
        // Refused before the body is read.
        ("POST /scim/v2/Users", &wrong),
        ("POST /scim/v2/Users", admin),
        ("POST /api/v1/hosts", scim),
        ("POST /nothing", admin),
        ("DELETE /healthz", admin),
        // Answered without it.
        ("GET /healthz", admin),
        ("GET /assets/nameplate.css", admin),
        ("GET /api/v1/hosts", admin),
        ("GET /scim/v2/Users", scim),
        ("DELETE /scim/v2/Users/1", scim),
    ] {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {length}\r\n\r\n{inner}{LAST}"
        );
        let seen = exchange(&app, request.as_bytes()).await;
        assert!((1..=2).contains(&seen.len()), "{line}: {seen:?}");
        if let Some(last) = seen.get(1) {
            assert_eq!((last.status, &*last.body), (200, "ok\n"), "{line}");
        }
        let added = app.scim().get("/Users").await.expect(200);
        assert_eq!(added.total(), 0, "{line}: {added}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doubled_credentials_and_hosts_are_not_chosen_from() {
    let app = App::start().await;
    let _ = app.scim().user("ana@example.com").await;
    let (scim, admin) = (&app.tokens().scim_token, &app.tokens().admin_token);
    let get = |headers: &str| {
        format!("GET /scim/v2/Users HTTP/1.1\r\n{headers}Connection: close\r\n\r\n")
    };
    for headers in [
        format!("Host: a\r\nAuthorization: Bearer {scim}\r\nAuthorization: Bearer {admin}\r\n"),
        format!("Host: a\r\nAuthorization: Bearer x\r\nAuthorization: Bearer {scim}\r\n"),
        format!("Host: a\r\nAuthorization: Bearer {scim}, Bearer {scim}\r\n"),
        format!("Host: a\r\nX-Authorization: Bearer {scim}\r\n"),
        format!("Host: a\r\nProxy-Authorization: Bearer {scim}\r\n"),
        format!("Host: a\r\nX-Forwarded-Authorization: Bearer {scim}\r\n"),
        format!("Host: a\r\nCookie: token={scim}; Authorization=Bearer {scim}\r\n"),
    ] {
        let seen = exchange(&app, get(&headers).as_bytes()).await;
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].status, 401, "{headers}");
        assert!(!seen[0].body.contains("ana"), "{headers}");
    }
    for hosts in [
        "",
        "Host: \r\n",
        "Host: a/b\r\n",
        "Host: u@a\r\n",
        "Host: a b\r\n",
        "Host: a?b\r\n",
        "Host: <script>\r\n",
        "Host: a\r\nHost: b\r\n",
        "Host: a, b\r\n",
    ] {
        let headers = format!("{hosts}Authorization: Bearer {scim}\r\n");
        let seen = exchange(&app, get(&headers).as_bytes()).await;
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].status, 400, "{hosts}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_public_url_no_header_gets_into_a_url_of_an_answer() {
    let settings = Settings {
        public_url: Some("https://mdm.example.com".parse().unwrap()),
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
    };
    let app = App::builder().settings(settings).start().await;
    let scim = &app.tokens().scim_token;
    let body = user("ana@example.com");
    for (number, (target, headers)) in [
        ("/scim/v2/Users", "Host: evil.example\r\n"),
        ("http://evil.example/scim/v2/Users", "Host: a\r\n"),
        (
            "/scim/v2/Users",
            "Host: a\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: javascript\r\n",
        ),
        (
            "/scim/v2/Users",
            "Host: a\r\nForwarded: host=evil.example;proto=https\r\nX-Host: evil.example\r\n",
        ),
        (
            "/scim/v2/Users",
            "Host: a\r\nX-Original-URL: http://evil.example/\r\nX-Rewrite-URL: /evil.example\r\n",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let body = body.replace("ana", &format!("ana{number}"));
        let request = format!(
            "POST {target} HTTP/1.1\r\n{headers}Authorization: Bearer {scim}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let seen = exchange(&app, request.as_bytes()).await;
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].status, 201, "{seen:?}");
        assert!(!format!("{seen:?}").contains("evil"), "{seen:?}");
        let location = &seen[0].json()["meta"]["location"];
        let location = location.as_str().unwrap();
        assert!(location.starts_with("https://mdm.example.com/scim/v2/Users/"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_claim_another_method_or_path_change_nothing() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let before = okta.everything().await;
    for (name, value) in [
        ("x-http-method-override", "DELETE"),
        ("x-http-method", "DELETE"),
        ("x-method-override", "DELETE"),
        ("x-original-url", "/api/v1/hosts"),
        ("x-rewrite-url", "/api/v1/hosts"),
        ("x-tenant", "other"),
        ("x-nameplate-tenant", "other"),
    ] {
        let target = format!("/Users/{ana}");
        let answer = okta.send("GET", &target, &[(name, value)], b"").await;
        assert_eq!(answer.expect(200)["id"], json!(ana), "{name}");
    }
    assert_eq!(okta.everything().await, before);
}
