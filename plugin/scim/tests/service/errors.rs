//! Bad requests get a SCIM error that says what to change, and change nothing.

use nameplate_scim::config::{Config, Dialect};
use serde_json::{Value, json};

use crate::client::{Client, GROUP, PATCH_OP, USER, encoded};

#[test]
fn unknown_paths_name_the_endpoints() {
    let mut client = Client::new();
    for target in ["/Nothing", "/Users/a/b", "/Users/%FF", "/users"] {
        let _ = client.get(target).expect(404).names("/Users, /Groups");
    }
    let _ = client.get("//Users/").expect(200);
}

#[test]
fn a_wrong_method_names_the_right_ones() {
    let mut client = Client::new();
    let id = client.user("a@example.com");
    for (method, target, allow) in [
        ("DELETE", "/Users".to_owned(), "GET, POST"),
        ("PATCH", "/Groups".to_owned(), "GET, POST"),
        ("POST", format!("/Users/{id}"), "GET, PUT, PATCH, DELETE"),
        ("POST", "/Schemas".to_owned(), "GET"),
        ("PUT", "/ServiceProviderConfig".to_owned(), "GET"),
        ("DELETE", "/ResourceTypes/User".to_owned(), "GET"),
        ("BREW", "/Users".to_owned(), "GET, POST"),
    ] {
        let answer = client.send(method, &target, &json!({})).expect(405);
        assert_eq!(answer.header("allow"), Some(allow), "{method} {target}");
    }
    assert_eq!(client.get("/Users").total(), 1);
}

#[test]
fn an_unknown_id_is_not_found_whatever_is_asked_of_it() {
    let mut client = Client::new();
    let user = json!({"schemas": [USER], "userName": "a@example.com"});
    let group = json!({"schemas": [GROUP], "displayName": "A"});
    let operations = json!([{"op": "replace", "value": {"externalId": "x"}}]);
    let long = "x".repeat(500);
    for id in [
        "0191aaaa-0000-7000-8000-000000000000",
        "42",
        "%00",
        "a%20b",
        "%C3%A9",
        long.as_str(),
    ] {
        for (endpoint, body) in [("Users", &user), ("Groups", &group)] {
            let target = format!("/{endpoint}/{id}");
            let _ = client.get(&target).expect(404);
            let _ = client.put(&target, body).expect(404);
            let _ = client.patch(&target, &operations).expect(404);
            let _ = client.delete(&target).expect(404);
        }
    }
    assert!(client.directory.events.is_empty());
}

#[test]
fn an_id_of_the_other_kind_is_not_found() {
    let mut client = Client::new();
    let user = client.user("a@example.com");
    let group = client.group("A", &[]);
    let _ = client.get(&format!("/Groups/{user}")).expect(404);
    let _ = client.get(&format!("/Users/{group}")).expect(404);
    let _ = client.delete(&format!("/Groups/{user}")).expect(404);
    assert_eq!(client.get("/Users").total(), 1);
}

#[test]
fn bodies_that_cannot_be_read_are_refused_and_change_nothing() {
    let mut client = Client::new();
    let user = format!("/Users/{}", client.user("a@example.com"));
    let group = format!("/Groups/{}", client.group("A", &[]));
    let deep = format!("{{\"userName\":{}1{}}}", "[".repeat(3000), "]".repeat(3000));
    let before = client.directory.events.len();
    for body in [
        "",
        "  ",
        "{",
        "{\"userName\": }",
        "nonsense",
        deep.as_str(),
        "\u{1}",
        "{} {}",
    ] {
        for (method, target) in [
            ("POST", "/Users"),
            ("POST", "/Groups"),
            ("PUT", user.as_str()),
            ("PUT", group.as_str()),
            ("PATCH", user.as_str()),
            ("PATCH", group.as_str()),
        ] {
            let answer = client.request(method, target, &[], body.as_bytes());
            let _ = answer.refused(400, "invalidSyntax");
        }
    }
    for body in ["[]", "null", "3", "\"x\""] {
        for (method, target) in [
            ("POST", "/Users"),
            ("PUT", group.as_str()),
            ("PATCH", user.as_str()),
        ] {
            let _ = client
                .request(method, target, &[], body.as_bytes())
                .expect(400);
        }
    }
    assert_eq!(client.directory.events.len(), before);
}

#[test]
fn a_syntax_error_is_located() {
    let mut client = Client::new();
    let answer = client.request("POST", "/Users", &[], b"{\n  \"userName\": ?}");
    let _ = answer
        .refused(400, "invalidSyntax")
        .names("line 2, column 15");
}

#[test]
fn wrong_types_and_missing_values_name_the_attribute() {
    let mut client = Client::new();
    for (body, named) in [
        (json!({"schemas": [USER]}), "userName"),
        (json!({"schemas": [USER], "userName": "  "}), "userName"),
        (json!({"schemas": [USER], "userName": 7}), "userName"),
        (
            json!({"schemas": [USER], "userName": "a", "active": "yes"}),
            "active",
        ),
        (
            json!({"schemas": [USER], "userName": "a", "active": 1}),
            "active",
        ),
        (
            json!({"schemas": [USER], "userName": "a", "name": "Ana"}),
            "name",
        ),
        (
            json!({"schemas": [USER], "userName": "a", "emails": 5}),
            "emails",
        ),
    ] {
        let _ = client
            .post("/Users", &body)
            .refused(400, "invalidValue")
            .names(named);
    }
    let nameless = json!({"schemas": [GROUP], "displayName": ""});
    let _ = client
        .post("/Groups", &nameless)
        .refused(400, "invalidValue")
        .names("displayName");
    assert!(client.directory.events.is_empty());
    assert_eq!(client.get("/Users").total(), 0);
}

#[test]
fn the_same_attribute_in_two_cases_is_refused() {
    let mut client = Client::new();
    let body = br#"{"userName": "a", "USERNAME": "b"}"#;
    let _ = client
        .request("POST", "/Users", &[], body)
        .refused(400, "invalidSyntax");
}

#[test]
fn a_media_type_that_is_not_json_is_refused() {
    let mut client = Client::new();
    let body = json!({"schemas": [USER], "userName": "a@example.com"}).to_string();
    let xml = [("content-type", "text/xml")];
    let _ = client
        .request("POST", "/Users", &xml, body.as_bytes())
        .expect(415);
    for media in [
        "application/json",
        "application/scim+json;charset=UTF-8",
        "text/plain",
    ] {
        let body = body.replace("a@", &format!("{}@", media.len()));
        let answer = client.request(
            "POST",
            "/Users",
            &[("content-type", media)],
            body.as_bytes(),
        );
        let _ = answer.expect(201);
    }
}

#[test]
fn bad_filters_are_invalid_and_never_an_empty_list() {
    let mut client = Client::new();
    let _ = client.user("a@example.com");
    for filter in [
        "userName",
        "userName eq",
        "userName eq a@example.com",
        "userName eq \"a",
        "userName equals \"a\"",
        "(userName eq \"a\"",
        "userName eq \"a\" and",
        "nosuch eq \"a\"",
        "name.nosuch eq \"a\"",
        "name eq \"a\"",
        "active eq \"perhaps\"",
        "active gt true",
        "urn:nobody:User:department eq \"x\"",
        "emails[type eq \"work\" eq \"x\"",
    ] {
        let _ = client
            .filter("/Users", filter)
            .refused(400, "invalidFilter");
    }
    let deep = format!("{}userName pr{}", "(".repeat(5000), ")".repeat(5000));
    let _ = client.filter("/Users", &deep).refused(400, "invalidFilter");
}

#[test]
fn bad_query_parameters_are_named() {
    let mut client = Client::new();
    for (query, named) in [
        ("startIndex=one", "`startIndex`"),
        ("count=1.5", "`count`"),
        ("filter=%FF", "`filter`"),
        ("filter=a%", "`filter`"),
    ] {
        let _ = client
            .get(&format!("/Users?{query}"))
            .refused(400, "invalidValue")
            .names(named);
    }
}

#[test]
fn bad_patches_are_refused_whole() {
    let mut client = Client::new();
    let target = format!("/Users/{}", client.user("a@example.com"));
    let before = client.get(&target).body;
    let good = json!({"op": "replace", "path": "displayName", "value": "changed"});
    for (bad, scim_type) in [
        (json!({"op": "copy", "path": "title", "value": "x"}), None),
        (json!({"op": "remove"}), Some("noTarget")),
        (
            json!({"op": "replace", "path": "title[", "value": "x"}),
            Some("invalidPath"),
        ),
        (
            json!({"op": "replace", "path": "active", "value": "perhaps"}),
            Some("invalidValue"),
        ),
        (
            json!({"op": "replace", "path": "id", "value": "x"}),
            Some("mutability"),
        ),
        (json!({"op": "remove", "path": "userName"}), None),
    ] {
        let answer = client.patch(&target, &json!([good, bad])).expect(400);
        if let Some(scim_type) = scim_type {
            assert_eq!(
                answer.body["scimType"],
                json!(scim_type),
                "{bad}: {}",
                answer.body
            );
        }
    }
    let none = json!({"schemas": [PATCH_OP], "Operations": []});
    let _ = client.send("PATCH", &target, &none).expect(400);
    assert_eq!(client.get(&target).body, before);
}

#[test]
fn a_directory_in_trouble_is_unavailable_and_tells_no_secrets() {
    let mut client = Client::new();
    let id = client.user("a@example.com");
    client.directory.down = true;
    let user = json!({"schemas": [USER], "userName": "b@example.com"});
    for answer in [
        client.get("/Users"),
        client.get(&format!("/Users/{id}")),
        client.filter("/Users", "userName eq \"a@example.com\""),
        client.post("/Users", &user),
        client.delete(&format!("/Users/{id}")),
    ] {
        let text = String::from_utf8_lossy(&answer.text).into_owned();
        assert!(!text.contains("secret"), "{text}");
        let _ = answer.expect(503);
    }
    assert!(client.noted("directory-error"));
}

#[test]
fn strict_refuses_what_the_other_dialects_accept() {
    let body = json!({"schemas": [USER], "userName": "a@example.com", "active": "True"});
    let mut strict = Client::with(Config {
        dialect: Dialect::Strict,
        ..Config::default()
    });
    let _ = strict.post("/Users", &body).refused(400, "invalidValue");
    assert_eq!(
        Client::new().post("/Users", &body).expect(201).body["active"],
        json!(true)
    );
}

#[test]
fn hostile_text_anywhere_never_breaks_the_service() {
    let mut client = Client::new();
    let group = client.group("A", &[]);
    let texts = [
        "\"",
        "\\",
        "\u{0}",
        "💥",
        "%",
        "'; drop table users; --",
        "\u{202e}",
        "[[[[",
    ];
    for text in texts {
        let _ = client.get(&format!("/Users/{}", encoded(text)));
        let _ = client.get(&format!("/Schemas/{}", encoded(text)));
        let _ = client.get(&format!("/Users?attributes={}", encoded(text)));
        let _ = client.filter("/Groups", text);
        let _ = client.filter("/Users", &format!("userName eq {}", Value::from(text)));
        let _ = client.post(
            "/Users",
            &json!({"schemas": [text], "userName": text, text: text}),
        );
        let operations = json!([{"op": text, "path": text, "value": {text: text}}]);
        let _ = client.patch(&format!("/Groups/{group}"), &operations);
        let operations = json!([{"op": "add", "path": "members", "value": [{"value": text}]}]);
        let _ = client.patch(&format!("/Groups/{group}"), &operations);
        let _ = client.request(
            "PATCH",
            &format!("/Groups/{group}"),
            &[("if-match", text)],
            b"{}",
        );
    }
}

#[test]
fn more_than_a_store_takes_is_refused_and_not_unavailable() {
    let mut client = Client::new();
    let user = format!("/Users/{}", client.user("a@example.com"));
    let group = format!("/Groups/{}", client.group("A", &[]));
    let long = "x".repeat(600_000);
    for (attribute, status) in [("displayName", 200), ("title", 400)] {
        let operations = json!([{"op": "add", "path": attribute, "value": long}]);
        let _ = client.patch(&user, &operations).expect(status);
    }
    let id = "m".repeat(513);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    let _ = client
        .patch(&group, &add)
        .refused(400, "invalidValue")
        .names("512 bytes");
    let remove = json!([{"op": "remove", "path": "members", "value": [{"value": id}]}]);
    let _ = client.patch(&group, &remove).expect(200);
    let _ = client
        .get("/Users?startIndex=99999999999999999999")
        .expect(200);
}

#[test]
fn a_value_larger_than_any_document_is_refused_before_it_is_read() {
    let mut client = Client::new();
    let zeros = |bytes: usize| "0,".repeat(bytes / 2);
    let text = format!("{{\"displayName\":\"zz\",\"x\":[{}0]}}", zeros(16_000_000));
    let _ = client
        .request("POST", "/Groups", &[], text.as_bytes())
        .refused(400, "invalidValue")
        .names("`x` is too large")
        .names("1048576");
    // Nor may many values that are allowed each.
    let part = format!("[{}0]", zeros(900_000));
    let text = format!("{{\"displayName\":\"zz\",\"x\":{part},\"y\":{part}}}");
    let answer = client.request("POST", "/Groups", &[], text.as_bytes());
    let _ = answer.refused(400, "invalidValue").names("`y`");
    let group = format!("/Groups/{}", client.group("Eng", &[]));
    for operation in [
        format!(
            "{{\"op\":\"add\",\"path\":\"x\",\"value\":[{}0]}}",
            zeros(16_000_000)
        ),
        format!(
            "{{\"op\":\"add\",\"path\":\"displayName\",\"value\":[{}0]}}",
            zeros(2_000_000)
        ),
    ] {
        let text = format!("{{\"Operations\":[{operation}]}}");
        let answer = client.request("PATCH", &group, &[], text.as_bytes());
        let _ = answer.refused(400, "invalidValue").names("is too large");
    }
}

#[test]
fn lists_and_names_without_end_are_refused() {
    let mut client = Client::new();
    let group = format!("/Groups/{}", client.group("Eng", &[]));
    let zeros = "0,".repeat(1_000_000);
    let text = format!("{{\"Operations\":[{zeros}0]}}");
    let _ = client
        .request("PATCH", &group, &[], text.as_bytes())
        .expect(413);
    let text = format!("{{\"displayName\":\"zz\",\"members\":[{zeros}0]}}");
    let answer = client.request("POST", "/Groups", &[], text.as_bytes());
    let _ = answer.refused(400, "invalidValue").names("400000");
    let names: String = (0..20_000).map(|n| format!("\"a{n}\":0,")).collect();
    let text = format!("{{{names}\"displayName\":\"zz\"}}");
    let answer = client.request("POST", "/Groups", &[], text.as_bytes());
    let _ = answer.refused(400, "invalidSyntax").names("10000");
}
