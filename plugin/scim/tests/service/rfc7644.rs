//! Requirements of RFC 7644 that no other test is about, one test each.

use nameplate_scim::config::{Config, Dialect};
use serde_json::{Value, json};

use crate::client::{Client, ENTERPRISE, GROUP, PATCH_OP, USER, encoded};

#[test]
fn messages_have_schemas_of_their_own_that_are_not_discoverable() {
    let mut client = Client::new();
    let list = client.get("/Users").expect(200).body["schemas"].clone();
    let error = client.get("/Nothing").expect(404).body["schemas"].clone();
    let known = client.get("/Schemas").expect(200).ids();
    for urn in [&list[0], &error[0], &json!(PATCH_OP)] {
        let urn = urn.as_str().unwrap();
        assert!(urn.starts_with("urn:ietf:params:scim:api:"), "{urn}");
        assert!(!known.contains(&urn.to_owned()), "{urn}");
        let _ = client.get(&format!("/Schemas/{urn}")).expect(404);
    }
}

#[test]
fn an_answer_shows_what_is_stored_and_not_what_was_sent() {
    let mut client = Client::new();
    let body = json!({"schemas": [USER], "USERNAME": "ana", "active": "True", "title": null,
        "groups": [{"value": "x"}], "password": "secret"});
    let created = client.post("/Users", &body).expect(201);
    let target = format!("/Users/{}", created.id());
    assert_eq!(client.get(&target).expect(200).body, created.body);
    assert_eq!(created.body["userName"], "ana");
    assert_eq!(created.body["active"], json!(true));
    for absent in ["title", "groups", "password"] {
        assert_eq!(created.body.get(absent), None, "{absent}");
    }
}

#[test]
fn an_error_has_its_status_in_the_header_and_in_the_body() {
    let mut client = Client::new();
    let id = client.user("ana");
    let user = json!({"schemas": [USER], "userName": "ana"});
    for (answer, status) in [
        (client.filter("/Users", "userName"), 400),
        (client.filter("/Schemas", "id pr"), 403),
        (client.get("/Users/nobody"), 404),
        (client.delete("/Users"), 405),
        (client.post("/Users", &user), 409),
        (
            client.request(
                "DELETE",
                &format!("/Users/{id}"),
                &[("if-match", "\"9\"")],
                b"",
            ),
            412,
        ),
        (
            client.request("POST", "/Users", &[("content-type", "text/xml")], b"<a/>"),
            415,
        ),
    ] {
        assert_eq!(answer.status, status);
        assert_eq!(answer.body["status"], json!(status.to_string()));
        assert!(answer.body["detail"].is_string(), "{status}");
    }
}

#[test]
fn the_endpoint_decides_the_resource_type() {
    let mut client = Client::new();
    let meta = json!({"resourceType": "Robot"});
    let user = json!({"schemas": [USER], "userName": "ana", "meta": meta});
    let group = json!({"schemas": [GROUP], "displayName": "Eng", "meta": meta});
    for (endpoint, body, kind) in [("/Users", user, "User"), ("/Groups", group, "Group")] {
        let created = client.post(endpoint, &body).expect(201);
        assert_eq!(created.body["meta"]["resourceType"], kind);
    }
}

#[test]
fn parameters_nobody_knows_are_ignored() {
    let mut client = Client::new();
    let id = client.user("ana");
    for target in ["/Users", &format!("/Users/{id}")] {
        let plain = client.get(target).expect(200);
        let asked = client.get(&format!("{target}?color=blue&count2=%zz&=&x"));
        assert_eq!(asked.expect(200).body, plain.body);
    }
}

#[test]
fn a_part_of_a_list_says_which_part_and_of_how_many() {
    let mut client = Client::new();
    for n in 0..3 {
        let _ = client.user(&format!("u{n}"));
    }
    let page = client.get("/Users?startIndex=2&count=1").expect(200).body;
    assert_eq!(
        page["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"])
    );
    assert_eq!(page["totalResults"], json!(3));
    assert_eq!(page["startIndex"], json!(2));
    assert_eq!(page["itemsPerPage"], json!(1));
    assert_eq!(page["Resources"].as_array().unwrap().len(), 1);
}

#[test]
fn json_is_answered_to_whoever_accepts_json() {
    let mut client = Client::new();
    let target = format!("/Users/{}", client.user("ana"));
    let plain = client.get(&target).expect(200);
    for accept in [
        "application/scim+json",
        "application/json",
        "application/scim+json;charset=utf-8, application/json;q=0.5",
        "*/*",
        "",
    ] {
        let answer = client.request("GET", &target, &[("accept", accept)], b"");
        assert_eq!(answer.expect(200).body, plain.body, "{accept}");
    }
}

#[test]
fn utf_8_is_read_and_written_and_the_default() {
    let mut client = Client::new();
    let name = "Zoë 山田 😀";
    let body = json!({"schemas": [USER], "userName": name}).to_string();
    let created = client.request("POST", "/Users", &[], body.as_bytes());
    let created = created.expect(201);
    assert_eq!(created.body["userName"], name);
    let text = String::from_utf8(created.text).unwrap();
    assert!(text.contains(name), "written as it is");
    let latin = b"{\"userName\": \"Zo\xeb\"}";
    let answer = client.request("POST", "/Users", &[], latin);
    let _ = answer.refused(400, "invalidSyntax");
}

#[test]
fn what_is_deleted_is_gone_and_its_name_is_free() {
    let mut client = Client::new();
    let user = json!({"schemas": [USER], "userName": "ana"});
    let group = json!({"schemas": [GROUP], "displayName": "Eng"});
    let change = json!([{"op": "add", "path": "externalId", "value": "x"}]);
    for (endpoint, body, lookup) in [
        ("/Users", &user, "userName eq \"ana\""),
        ("/Groups", &group, "displayName eq \"Eng\""),
    ] {
        let id = client.post(endpoint, body).expect(201).id();
        let target = format!("{endpoint}/{id}");
        let gone = client.delete(&target).expect(204);
        assert!(gone.text.is_empty());
        let _ = client.get(&target).expect(404);
        let _ = client.put(&target, body).expect(404);
        let _ = client.patch(&target, &change).expect(404);
        let _ = client.delete(&target).expect(404);
        assert_eq!(client.get(endpoint).expect(200).total(), 0);
        for filter in [lookup.to_owned(), format!("id eq \"{id}\"")] {
            assert_eq!(client.filter(endpoint, &filter).expect(200).total(), 0);
        }
        assert_ne!(client.post(endpoint, body).expect(201).id(), id);
    }
}

#[test]
fn an_attribute_of_an_extension_brings_its_schema_along() {
    let mut client = Client::new();
    let target = format!("/Users/{}", client.user("ana"));
    let path = format!("{ENTERPRISE}:employeeNumber");
    let add = json!([{"op": "add", "path": path, "value": "7"}]);
    let answer = client.patch(&target, &add).expect(200);
    assert_eq!(answer.body["schemas"], json!([USER, ENTERPRISE]));
    let remove = json!([{"op": "remove", "path": path}]);
    let answer = client.patch(&target, &remove).expect(200);
    assert_eq!(answer.body["schemas"], json!([USER]));
}

#[test]
fn a_complex_attribute_takes_no_bare_value() {
    let mut client = Client::new();
    let target = format!("/Users/{}", client.user("ana"));
    for op in ["add", "replace"] {
        let op = json!([{"op": op, "path": "name", "value": "Ana"}]);
        let answer = client.patch(&target, &op).refused(400, "invalidValue");
        let _ = answer.names("`name`");
    }
}

#[test]
fn a_required_attribute_has_to_be_in_a_put() {
    let mut client = Client::new();
    let user = format!("/Users/{}", client.user("ana"));
    let group = format!("/Groups/{}", client.group("Eng", &[]));
    let _ = client
        .put(&user, &json!({"schemas": [USER], "title": "Dr"}))
        .refused(400, "invalidValue")
        .names("`userName`");
    let _ = client
        .put(&group, &json!({"schemas": [GROUP], "members": []}))
        .refused(400, "invalidValue")
        .names("`displayName`");
}

#[test]
fn a_filter_on_discovery_is_forbidden_whatever_stands_beside_it() {
    let mut client = Client::new();
    for query in [
        "filter=id+pr&startIndex=x",
        "count=x&FILTER=id+pr",
        "cursor=&startIndex=1&filter=id+pr",
        "filter=%zz",
    ] {
        let _ = client.get(&format!("/Schemas?{query}")).expect(403);
    }
    let _ = client.get("/Schemas?filter=&count=x").expect(200);
}

#[test]
fn logins_are_prepared_before_they_are_compared() {
    let mut client = Client::new();
    // RFC 7613 3.3: width, then case, then composition.
    let id = client.user("Ａｎａ.Di\u{301}az");
    for name in ["ana.díaz", "ANA.DI\u{301}AZ", "ａｎａ．ｄíaz"] {
        let body = json!({"schemas": [USER], "userName": name});
        let _ = client.post("/Users", &body).refused(409, "uniqueness");
        let filter = format!("userName eq {}", Value::from(name));
        assert_eq!(
            client.filter("/Users", &filter).expect(200).ids(),
            [id.clone()],
            "{name}"
        );
    }
    let other = json!({"schemas": [USER], "userName": "ana.diaz"});
    let _ = client.post("/Users", &other).expect(201);
}

#[test]
fn a_filter_compares_an_absent_attribute_with_nothing() {
    let mut client = Client::new();
    let _ = client.user("ana");
    for (filter, found) in [
        ("title pr", 0),
        ("title eq \"\"", 0),
        ("title eq \"x\" or nickName sw \"x\"", 0),
        ("not (title pr)", 1),
    ] {
        let list = client.get(&format!("/Users?filter={}", encoded(filter)));
        assert_eq!(list.expect(200).total(), found, "{filter}");
    }
}

#[test]
fn a_patch_that_asks_for_attributes_is_answered_with_them() {
    let mut client = Client::with(Config {
        max_members_inline: 2,
        ..Config::default()
    });
    let users: Vec<String> = (0..4).map(|n| client.user(&format!("u{n}"))).collect();
    let members: Vec<&str> = users.iter().map(String::as_str).collect();
    let group = client.group("Eng", &members[..3]);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": users[3]}]}]);
    let target = format!("/Groups/{group}?attributes=members,displayName");
    for dialect in [Dialect::Auto, Dialect::Entra] {
        client.config.dialect = dialect;
        let answer = client.patch(&target, &add).expect(200);
        assert_eq!(answer.body["displayName"], "Eng");
        assert_eq!(answer.members(), users);
        let plain = format!("/Groups/{group}");
        let _ = client.patch(&plain, &add).expect(204);
    }
}
