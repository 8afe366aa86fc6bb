//! Bad input gets a SCIM error and changes nothing.

use nameplate_tests::Idp;
use nameplate_tests::names::{GROUP, PATCH, USER};
use serde_json::{Value, json};

/// A directory with one user and one group, and what it shows.
struct Before {
    idp: Idp,
    user: String,
    group: String,
    all: Value,
}

impl Before {
    async fn new() -> Self {
        let idp = Idp::start().await;
        let user = idp.user("ana@example.com").await;
        let group = idp.group("Engineering", &[&user]).await;
        let all = idp.everything().await;
        Self {
            user: format!("/Users/{user}"),
            group: format!("/Groups/{group}"),
            idp,
            all,
        }
    }

    async fn unchanged(&self) {
        assert_eq!(self.idp.everything().await, self.all);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_object_is_invalid_syntax() {
    let before = Before::new().await;
    let utf16: Vec<u8> = "{\"userName\":\"x\"}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let bodies: &[&[u8]] = &[
        b"",
        b" ",
        b"{",
        b"{\"userName\":\"x\"",
        b"{\"userName\":\"x\"}}",
        b"{'userName':'x'}",
        b"{\"userName\":\"x\",}",
        b"{\"userName\":\"\xff\"}",
        b"{\"userName\":\"\\ud800\"}",
        b"{\"userName\":NaN}",
        b"userName=x",
        b"<user/>",
        &utf16,
        b"[]",
        b"null",
        b"1",
        b"\"x\"",
    ];
    for body in bodies {
        for (method, target) in [
            ("POST", "/Users"),
            ("POST", "/Groups"),
            ("PUT", &before.user),
            ("PATCH", &before.user),
            ("PUT", &before.group),
            ("PATCH", &before.group),
        ] {
            let answer = before.idp.raw(method, target, body).await;
            let _ = answer.refused(400, "invalidSyntax");
        }
    }
    before.unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_nesting_is_refused_and_the_next_request_works() {
    let before = Before::new().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        for body in [
            deep.clone(),
            format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"x\",\"name\":{deep}}}"),
            format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"x\",\"unknown\":{deep}}}"),
        ] {
            let answer = before.idp.raw("POST", "/Users", body.as_bytes()).await;
            let _ = answer.refused(400, "invalidSyntax");
            let answer = before.idp.raw("PUT", &before.user, body.as_bytes()).await;
            let _ = answer.refused(400, "invalidSyntax");
        }
        let body = format!(
            "{{\"schemas\":[\"{PATCH}\"],\"Operations\":[{{\"op\":\"add\",\"path\":\"displayName\",\"value\":{deep}}}]}}"
        );
        for target in [&before.user, &before.group] {
            let answer = before.idp.raw("PATCH", target, body.as_bytes()).await;
            let _ = answer.refused(400, "invalidSyntax");
        }
    }
    let filter = format!("{}userName pr{}", "(".repeat(2000), ")".repeat(2000));
    let answer = before.idp.find("/Users", &filter).await;
    let _ = answer.refused(400, "invalidFilter");
    before.unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_types_are_invalid_values_that_name_the_attribute() {
    let before = Before::new().await;
    for (name, value) in [
        ("userName", json!(7)),
        ("userName", json!("")),
        ("userName", json!("  ")),
        ("userName", Value::Null),
        ("userName", json!(["x"])),
        ("active", json!("yes")),
        ("active", json!(1)),
        ("active", json!({})),
        ("name", json!("Ana Díaz")),
        ("emails", json!({"value": {"x": 1}})),
        ("displayName", json!({"a": 1})),
        ("displayName", json!(["a"])),
    ] {
        let mut body = json!({"schemas": [USER], "userName": "new@example.com"});
        body[name] = value.clone();
        let answer = before.idp.post("/Users", &body).await;
        answer.refused(400, "invalidValue").names(name);
        let answer = before.idp.put(&before.user, &body).await;
        answer.refused(400, "invalidValue").names(name);
    }
    for (name, value) in [
        ("displayName", json!(7)),
        ("displayName", Value::Null),
        ("displayName", json!("")),
        ("members", json!("x")),
        ("members", json!([{"value": 7}])),
        ("members", json!([7])),
    ] {
        let mut body = json!({"schemas": [GROUP], "displayName": "New"});
        body[name] = value;
        let answer = before.idp.post("/Groups", &body).await;
        answer.refused(400, "invalidValue").names(name);
        let answer = before.idp.put(&before.group, &body).await;
        answer.refused(400, "invalidValue").names(name);
    }
    before.unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_is_done_wholly_or_not_at_all() {
    let before = Before::new().await;
    let good = json!({"op": "replace", "path": "displayName", "value": "Half done"});
    for (wrong, scim_type) in [
        (
            json!({"op": "replace", "path": "active", "value": "yes"}),
            "invalidValue",
        ),
        (
            json!({"op": "replace", "path": "emails[", "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "emails[type eq]", "value": "x"}),
            "invalidPath",
        ),
        (json!({"op": "remove"}), "noTarget"),
        (json!({"op": "remove", "path": "userName"}), "mutability"),
        (json!({"op": "move", "path": "title"}), "invalidValue"),
        (json!({"path": "title", "value": "x"}), "invalidSyntax"),
        (json!({"op": "add", "path": "title"}), "invalidValue"),
        (
            json!({"op": "add", "path": 7, "value": "x"}),
            "invalidSyntax",
        ),
        (json!("add"), "invalidSyntax"),
        (
            json!({"op": "replace", "path": "id", "value": "x"}),
            "mutability",
        ),
    ] {
        let operations = json!([good, wrong]);
        let answer = before.idp.patch(&before.user, &operations).await;
        let status = answer.status;
        assert_eq!(status, 400, "{wrong}: {}", answer.text());
        let found = answer.clone().expect(400)["scimType"].clone();
        assert_eq!(found, scim_type, "{wrong}: {}", answer.text());
        before.unchanged().await;
    }
    for body in [
        json!({"schemas": [PATCH]}),
        json!({"schemas": [PATCH], "Operations": []}),
        json!({"schemas": [PATCH], "Operations": {}}),
        json!({"schemas": [USER], "userName": "x"}),
    ] {
        let answer = before.idp.with_json("PATCH", &before.user, &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        assert!(answer.expect(400)["scimType"].is_string(), "{body}");
    }
    before.unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_is_not_understood_is_never_an_empty_list() {
    let before = Before::new().await;
    for filter in [
        "userName",
        "userName eq",
        "userName eq ana@example.com",
        "userName eq \"ana",
        "userName eq 'ana@example.com'",
        "userName == \"ana\"",
        "userName eq \"a\" and",
        "userName eq \"a\" or or userName eq \"b\"",
        "(userName eq \"a\"",
        "userName eq \"a\")",
        "not userName eq \"a\"",
        "eq \"a\"",
        "\"a\" eq userName",
        "nickname.value eq \"a\"",
        "nonsense eq \"a\"",
        "emails[type eq \"work\"",
        "emails[type eq \"work\"].nonsense eq \"a\"",
        "urn:unknown:User:userName eq \"a\"",
        "userName eq {}",
        "active gt true",
        "\u{0}",
    ] {
        let answer = before.idp.find("/Users", filter).await;
        let status = answer.status;
        assert_eq!(status, 400, "`{filter}`: {}", answer.text());
        let scim_type = answer.expect(400)["scimType"].clone();
        assert_eq!(scim_type, "invalidFilter", "`{filter}`");
    }
    let _ = before
        .idp
        .find("/Groups", "userName eq \"ana@example.com\"")
        .await
        .refused(400, "invalidFilter");
    let broken = before
        .idp
        .get("/Users?filter=userName%20eq%20%22%FF%22")
        .await;
    let _ = broken.refused(400, "invalidValue");
    let long = format!("userName eq \"{}\"", "a".repeat(3000));
    let found = before.idp.find("/Users", &long).await.expect(200);
    assert_eq!(found.total(), 0, "long, and well formed");
    before.unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_parameters_are_named() {
    let before = Before::new().await;
    for (query, name) in [
        ("count=x", "`count`"),
        ("startIndex=1.5", "`startIndex`"),
        ("count=1&count=2", "`count`"),
        ("attributes=id&excludedAttributes=name", "`attributes`"),
    ] {
        let answer = before.idp.get(&format!("/Users?{query}")).await;
        answer.refused(400, "invalidValue").names(name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_ids_and_methods() {
    let before = Before::new().await;
    let unknown = "0191aaaa-0000-7000-8000-000000000000";
    for target in [
        "/users",
        "/Nothing",
        "/Users/a/b",
        "/Users/%FF",
        "/..%2FUsers",
    ] {
        let answer = before.idp.get(target).await;
        let _ = answer.refused(404, "");
    }
    for id in [unknown, "x", "%00", "a%2Fb", &"x".repeat(5000), "%E2%80%A8"] {
        for kind in ["Users", "Groups"] {
            let target = format!("/{kind}/{id}");
            let _ = before.idp.get(&target).await.refused(404, "");
            let _ = before.idp.delete(&target).await.refused(404, "");
        }
    }
    // The id of one kind is no id of the other.
    let crossed = before.user.replace("Users", "Groups");
    let _ = before.idp.get(&crossed).await.refused(404, "");
    let _ = before.idp.delete(&crossed).await.refused(404, "");
    for (method, target, status) in [
        ("DELETE", "/Users", 405),
        ("PATCH", "/Groups", 405),
        ("POST", &*before.user, 405),
        ("POST", "/ServiceProviderConfig", 405),
        ("DELETE", "/Schemas", 405),
        ("PUT", "/ResourceTypes/User", 405),
        ("GET", "/Bulk", 405),
        ("GET", "/Me", 501),
    ] {
        let answer = before.idp.with_json(method, target, &json!({})).await;
        let answer = answer.refused(status, "");
        if status == 405 {
            assert!(!answer.header("allow").is_empty(), "{method} {target}");
        }
    }
    before.unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_token_nothing_is_told_or_done() {
    let before = Before::new().await;
    let body = json!({"schemas": [USER], "userName": "new@example.com"});
    for header in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer wrong"),
        Some("Basic YTpi"),
        Some("Bearer np_scim_abcdefghijk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_abcdef"),
        Some("Bearer \u{7f}"),
    ] {
        let stranger = before.idp.authorized(header);
        let answers = [
            stranger.get("/Users").await,
            stranger.get(&before.user).await,
            stranger.get("/ServiceProviderConfig").await,
            stranger.get("/Nothing").await,
            stranger.post("/Users", &body).await,
            stranger.put(&before.user, &body).await,
            stranger.delete(&before.user).await,
        ];
        for answer in answers {
            if header == Some("Bearer \u{7f}") && answer.status == 400 {
                continue; // A control character is no header value at all.
            }
            let answer = answer.refused(401, "");
            assert!(!answer.to_string().contains("ana@example.com"));
        }
    }
    before.unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_types_that_are_no_json_are_refused() {
    let before = Before::new().await;
    let body = json!({"schemas": [USER], "userName": "new@example.com"}).to_string();
    for kind in [
        "application/xml",
        "multipart/form-data; boundary=x",
        "image/png",
    ] {
        let headers = [("content-type", kind)];
        let answer = before
            .idp
            .send("POST", "/Users", &headers, body.as_bytes())
            .await;
        let _ = answer.refused(415, "");
    }
    before.unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_given_twice_in_another_case_is_refused() {
    let before = Before::new().await;
    for body in [
        format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"a\",\"username\":\"b\"}}"),
        format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"a\",\"userName\":\"b\"}}"),
    ] {
        let answer = before.idp.raw("POST", "/Users", body.as_bytes()).await;
        let _ = answer.refused(400, "invalidSyntax");
    }
    before.unchanged().await;
}
