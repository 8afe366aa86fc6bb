//! Text of strangers in what people read: the request log, the page, tables. What goes
//! to the terminal and to the log of the process is tried by `process::attacks`.

use nameplate_tests::names::{ENTERPRISE, USER};
use nameplate_tests::{App, Client};
use serde_json::{Value, json};

use super::wire::exchange;

/// What a browser would run, if it were not escaped.
const SCRIPTS: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "</td></tr></table><iframe src=javascript:alert(1)>",
    "<!--",
    "]]>",
    "&lt;script&gt;",
    "{{7*7}}{% raw %}",
    "\u{202e}<b>",
];

const PAGE: &str = "/settings/integrations/identity-provider";

/// The request log as text, one line a request.
async fn lines(app: &App) -> Vec<Value> {
    let mut lines = app.requests().await;
    lines.reverse();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn line_breaks_and_control_characters_make_no_lines_of_their_own() {
    let app = App::start().await;
    let okta = app.scim();
    let forged = "\r\n{\"status\":200,\"path\":\"/forged\"}\n\u{1b}[31mred\u{7}";
    let body = json!({"schemas": [USER], "userName": forged, "displayName": forged});
    let _ = okta.post("/Users", &body).await;
    let operations = json!([{"op": "replace", "path": forged, "value": forged}]);
    let _ = okta.patch("/Users/1", &operations).await;
    let _ = okta.find("/Users", forged).await;
    let escaped = "/Users/%0d%0a%7b%22status%22:200,%22path%22:%22/forged%22%7d%1b%5b31m";
    let _ = okta.get(escaped).await;
    let count = app.requests().await.len();
    let _ = okta.get("/Users").await;
    let lines = lines(&app).await;
    assert_eq!(lines.len(), count + 1, "a line a request");
    for line in &lines {
        assert_ne!(line["path"], "/forged");
        let words = line["detail"].as_str().unwrap_or_default();
        assert!(!words.chars().any(char::is_control), "{line}");
        let notes = line["notes"].as_array().unwrap();
        for note in notes {
            assert!(!note.to_string().contains("\\u001b"), "{line}");
            assert!(!note.to_string().contains("\\n"), "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_bodies_and_tokens_in_paths_stay_out_of_the_log() {
    let app = App::start().await;
    let okta = app.scim();
    let secret = app.tokens().scim_token.clone();
    let _ = okta.get(&format!("/Users?token={secret}&x=hidden")).await;
    let _ = okta
        .find("/Users", "userName eq \"hidden@example.com\"")
        .await;
    let headers = [
        ("x-hidden", "hidden"),
        ("referer", "https://hidden.example/"),
    ];
    let _ = okta.send("GET", "/Users", &headers, b"").await;
    let body = json!({"schemas": [USER], "userName": "x", "nickName": "hidden"});
    let _ = okta.post("/Users", &body).await;
    let log = json!(app.requests().await).to_string();
    assert!(!log.contains("hidden"), "{log}");
    let secret = secret.split('_').nth(3).unwrap();
    assert!(!log.contains(secret), "{log}");
}

/// Sends a script by every way that leads to the page.
async fn provoke(okta: &Client, script: &str) {
    let body = json!({"schemas": [USER], "userName": script, "displayName": script});
    let _ = okta.post("/Users", &body).await;
    let _ = okta.post("/Users", &body).await;
    let wrong = json!({"schemas": [USER], "userName": "x", script: script, "active": script});
    let _ = okta.post("/Users", &wrong).await;
    let _ = okta.group(script, &[]).await;
    let operations = json!([{"op": "replace", "path": script, "value": script}]);
    let _ = okta.patch("/Users/1", &operations).await;
    let _ = okta.find("/Users", script).await;
    let headers = [("user-agent", "<script>agent</script>")];
    let target = format!("/Users/{}", nameplate_tests::client::encoded(script));
    let _ = okta.send("GET", &target, &headers, b"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_script_gets_onto_the_page() {
    let app = App::start().await;
    let (okta, admin) = (app.scim(), app.admin());
    for script in SCRIPTS {
        provoke(&okta, script).await;
        let page = admin.get(PAGE).await;
        assert_eq!(page.status, 200);
        let text = page.text();
        for raw in [
            "<script",
            "<img",
            "<svg",
            "<iframe",
            "onerror=alert(1)>",
            "<!--\"",
            "<b>",
        ] {
            assert!(!text.contains(raw), "{script}: {raw}");
        }
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
    // A path of raw bytes, which no browser would send.
    let request = format!(
        "GET /scim/v2/Users/<script>alert(1)</script> HTTP/1.1\r\nHost: a\r\n\
         Authorization: Bearer {}\r\nConnection: close\r\n\r\n",
        app.tokens().scim_token
    );
    let seen = exchange(&app, request.as_bytes()).await;
    assert!(matches!(seen[0].status, 400 | 404), "{seen:?}");
    assert!(!admin.get(PAGE).await.text().contains("<script"));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_answers_are_never_taken_for_pages() {
    let app = App::start().await;
    let script = "<script>alert(1)</script>";
    let target = format!("/Users/{}", nameplate_tests::client::encoded(script));
    for answer in [
        app.scim().get(&target).await,
        app.scim().find("/Users", script).await,
        app.admin().get("/api/v1/hosts/%3Cscript%3E").await,
        app.admin().get("/%3Cscript%3E").await,
        app.admin().get("/api/v1/export").await,
        app.admin().authorized(None).get("/api/v1/hosts").await,
    ] {
        let kind = answer.header("content-type").unwrap();
        assert!(!kind.contains("html"), "{kind}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cell_of_an_export_is_a_formula() {
    let app = App::start().await;
    let okta = app.scim();
    let formulas = [
        "=1+1",
        "+1",
        "-1",
        "@sum(a1)",
        "\t=1",
        "\r=1",
        "=cmd|' /C calc'!A0",
        " =1",
    ];
    for (number, formula) in formulas.into_iter().enumerate() {
        let login = format!("ana{number}@example.com");
        let body = json!({"schemas": [USER, ENTERPRISE], "userName": login,
            "displayName": formula, "title": formula,
            "name": {"givenName": formula, "familyName": formula},
            ENTERPRISE: {"department": formula, "costCenter": formula}});
        let id = okta.post("/Users", &body).await.expect(201).id();
        let _ = okta.group(formula, &[&id]).await;
        let host = json!({"id": number, "display_name": formula, "platform": formula});
        let made = app.admin().post("/api/v1/hosts", &host).await;
        let _ = made.expect(201);
        let _ = app.enroll(&number.to_string(), &login).await;
    }
    let table = app.admin().get("/api/v1/export").await;
    assert_eq!(table.status, 200);
    let text = table.text();
    assert!(text.contains("'=1+1"), "{text}");
    for cell in cells(&text) {
        let first = cell.trim_start_matches([' ']).chars().next();
        assert!(
            !first.is_some_and(|first| "=+-@\t\r".contains(first)),
            "`{cell}` in {text}"
        );
    }
    let kind = table.header("content-type").unwrap();
    assert!(kind.starts_with("text/csv"), "{kind}");
}

/// The cells of a table (RFC 4180).
fn cells(text: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' | '\r' | '\n' if !quoted => cells.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    cells
}
