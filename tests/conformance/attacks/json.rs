//! JSON that parsers differ about, or that costs more than it weighs.
//!
//! What is no JSON, nests too deep or names an attribute twice is in `rfc7644::errors`.

use nameplate_tests::names::{GROUP, PATCH, USER};
use nameplate_tests::{Answer, App};
use serde_json::{Value, json};

/// Refused as the client's mistake; nobody's trouble, and not half done.
#[track_caller]
fn blamed(answer: Answer, what: &str) {
    assert!(
        matches!(answer.status, 400 | 413 | 422),
        "{what:.200}: {} {:.500}",
        answer.status,
        answer.text()
    );
    let status = answer.status;
    let _ = answer.expect(status);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_given_twice_is_refused_on_every_level() {
    let app = App::start().await;
    let (okta, admin) = (app.scim(), app.admin());
    let ana = okta.user("ana@example.com").await;
    let before = okta.everything().await;
    for body in [
        r#""userName":"a","name":{"givenName":"a","givenName":"b"}"#,
        r#""userName":"a","name":{"givenName":"a","GIVENNAME":"b"}"#,
        r#""userName":"a","emails":[{"value":"a@example.com","value":"b@example.com"}]"#,
        r#""userName":"a","active":true,"active":false"#,
        r#""userName":"a","userName":"b""#,
        r#""userName":"a","userN\u0061me":"b""#,
    ] {
        let body = format!(r#"{{"schemas":["{USER}"],{body}}}"#);
        blamed(okta.raw("POST", "/Users", body.as_bytes()).await, &body);
        let target = format!("/Users/{ana}");
        blamed(okta.raw("PUT", &target, body.as_bytes()).await, &body);
    }
    for operations in [
        r#"{"op":"replace","path":"title","path":"active","value":false}"#,
        r#"{"op":"replace","op":"remove","path":"title","value":"x"}"#,
        r#"{"op":"replace","path":"title","value":"x","value":"y"}"#,
        r#"{"op":"replace","value":{"active":true,"active":false}}"#,
    ] {
        let body = format!(r#"{{"schemas":["{PATCH}"],"Operations":[{operations}]}}"#);
        let target = format!("/Users/{ana}");
        blamed(okta.raw("PATCH", &target, body.as_bytes()).await, &body);
    }
    assert_eq!(okta.everything().await, before);
    for body in [
        r#"{"id":"1","id":"2","display_name":"x"}"#,
        r#"{"id":"1","display_name":"x","display_name":"y"}"#,
    ] {
        blamed(
            admin.raw("POST", "/api/v1/hosts", body.as_bytes()).await,
            body,
        );
    }
    let hosts = admin.get("/api/v1/hosts").await.expect(200);
    assert_eq!(hosts["hosts"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_beyond_all_measure_are_refused_or_kept_as_they_are() {
    let app = App::start().await;
    let (okta, admin) = (app.scim(), app.admin());
    let long = "9".repeat(400);
    let longer = "9".repeat(500_000);
    let numbers = [
        "1e999",
        "-1e999",
        "1E400",
        "1e-400",
        "-0",
        "1e+30",
        &long,
        &longer,
        "1e99999999999",
        "18446744073709551616",
        "0.1e1000000",
    ];
    for number in numbers {
        for body in [
            format!(r#"{{"schemas":["{USER}"],"userName":{number}}}"#),
            format!(r#"{{"schemas":["{USER}"],"userName":"a","active":{number}}}"#),
            format!(r#"{{"schemas":["{USER}"],"userName":"a","displayName":{number}}}"#),
            format!(r#"{{"schemas":["{USER}"],"userName":"a","name":{{"givenName":{number}}}}}"#),
            format!(r#"{{"schemas":{number},"userName":"a"}}"#),
        ] {
            blamed(okta.raw("POST", "/Users", body.as_bytes()).await, &body);
        }
        let body = format!(r#"{{"id":"1","display_name":{number}}}"#);
        blamed(
            admin.raw("POST", "/api/v1/hosts", body.as_bytes()).await,
            number,
        );
    }
    for query in [
        "count=99999999999999999999",
        "count=-99999999999999999999",
        "startIndex=99999999999999999999",
        "startIndex=18446744073709551615&count=18446744073709551615",
        "startIndex=9223372036854775807",
        "count=0x10",
        "count=1e3",
    ] {
        let answer = okta.get(&format!("/Users?{query}")).await;
        assert!(
            matches!(answer.status, 200 | 400),
            "{query}: {}",
            answer.text()
        );
        let status = answer.status;
        let _ = answer.expect(status);
    }
    assert_eq!(okta.everything().await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_that_steer_are_refused_or_come_back_as_they_were_sent() {
    let app = App::start().await;
    let okta = app.scim();
    for (number, text) in [
        "\u{0}",
        "a\u{0}b",
        "\u{7}\u{8}\u{1b}[2J",
        "\u{7f}",
        "\u{85}\u{2028}\u{2029}",
        "\u{202e}moc.live",
        "\u{feff}",
        "\u{fffe}\u{ffff}",
        "\u{10ffff}",
        "a\u{301}\u{301}\u{301}",
        "İıſK",
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"schemas": [USER], "userName": format!("u{number}"),
            "displayName": text, "title": text});
        let answer = okta.post("/Users", &body).await;
        if answer.status != 201 {
            blamed(answer, text);
            continue;
        }
        let id = answer.expect(201).id();
        let read = okta.get(&format!("/Users/{id}")).await.expect(200);
        assert_eq!(
            (&read["displayName"], &read["title"]),
            (&json!(text), &json!(text))
        );
        let found = okta
            .find("/Users", &format!("title eq {}", json!(text)))
            .await;
        assert_eq!(found.expect(200).ids(), [id], "{text:?}");
    }
    // A mark of byte order is no part of JSON (RFC 8259 8.1).
    let user = json!({"schemas": [USER], "userName": "bom"}).to_string();
    let marked = format!("\u{feff}{user}");
    let answer = okta.raw("POST", "/Users", marked.as_bytes()).await;
    assert!(matches!(answer.status, 201 | 400), "{}", answer.text());
    // Half a character, as UTF-16 writes it and as bytes.
    for body in [
        &br#"{"userName":"\ud800"}"#[..],
        br#"{"userName":"\udc00\ud800"}"#,
        b"{\"userName\":\"\xed\xa0\x80\"}",
        b"{\"userName\":\"\xc0\x80\"}",
        b"{\"userName\":\"\xf8\x88\x80\x80\x80\"}",
        b"{\"userName\":\"a\0b\"}",
        b"{\"userName\":\"a\nb\"}",
        b"\0{\"userName\":\"a\"}",
        b"{\"userName\":\"a\"}\0",
        b"{\"userName\":\"a\"}{\"userName\":\"b\"}",
    ] {
        let answer = okta.raw("POST", "/Users", body).await;
        let _ = answer.refused(400, "invalidSyntax");
    }
}

/// A hundred thousand names, of one length and alike but for their ends: what puts a
/// poor hash into one bucket, and a list that is searched from the front to its knees.
fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("{}{number:06}", "a".repeat(64)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_names_cost_no_more_than_their_length() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let group = okta.group("Sales", &[&ana]).await;
    // Ordinary bodies are too small for that many; a group's are not.
    let mut wide = json!({"schemas": [GROUP], "displayName": "Wide"});
    for name in names(100_000) {
        wide[name] = json!(1);
    }
    // Within its time: the guest has ten seconds, and 503 would say that it ran out.
    let answer = okta.post("/Groups", &wide).await;
    assert!(matches!(answer.status, 201 | 400), "{:.300}", answer.text());
    let value: Value = names(100_000).map(|name| (name, json!(1))).collect();
    let operations = json!([{"op": "add", "value": value}]);
    let answer = okta.patch(&format!("/Groups/{group}"), &operations).await;
    assert!(matches!(answer.status, 200 | 400), "{:.300}", answer.text());
    let twice: String = names(10_000).map(|name| format!("\"{name}\":1,")).collect();
    let body = format!("{{{twice}{twice}\"userName\":\"a\"}}");
    blamed(okta.raw("POST", "/Users", body.as_bytes()).await, "twice");
    let host = {
        let mut host = json!({"id": "1", "display_name": "x"});
        for name in names(3000) {
            host[name] = json!(1);
        }
        app.admin().post("/api/v1/hosts", &host).await
    };
    let _ = host.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_lists_are_answered_within_their_limits() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let target = format!("/Users/{ana}");
    let many = |value: &Value, count: usize| Value::Array(vec![value.clone(); count]);
    for (name, list) in [
        ("schemas", many(&json!("urn:x"), 100_000)),
        ("emails", many(&json!({}), 100_000)),
        ("emails", many(&json!({"value": "a@example.com"}), 30_000)),
        ("unknown", many(&json!(1), 400_000)),
        ("unknown", many(&json!([]), 300_000)),
    ] {
        let mut body = json!({"schemas": [USER], "userName": "wide@example.com"});
        body[name] = list;
        let answer = okta.put(&target, &body).await;
        assert!(
            matches!(answer.status, 200 | 400 | 413 | 503),
            "{name}: {}",
            answer.status
        );
        if answer.status == 200 {
            let _ = answer.expect(200);
            let ana = json!({"schemas": [USER], "userName": "ana@example.com"});
            let _ = okta.put(&target, &ana).await.expect(200);
        }
    }
    let rename = json!({"op": "replace", "path": "title", "value": "x"});
    let search = json!({"op": "replace", "path": "emails[type eq \"work\"].value",
        "value": "b@example.com"});
    for operations in [many(&rename, 10_000), many(&search, 8000)] {
        let answer = okta.patch(&target, &operations).await;
        assert!(
            matches!(answer.status, 200 | 400 | 413),
            "{}: {:.300}",
            answer.status,
            answer.text()
        );
    }
    let delete = json!({"method": "DELETE", "path": format!("/Users/{ana}")});
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": many(&delete, 10_000)});
    let answer = okta.post("/Bulk", &bulk).await;
    let _ = answer.expect(413);
    let _ = okta.get(&target).await.expect(200);
}
