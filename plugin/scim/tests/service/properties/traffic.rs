//! A directory with content, and valid requests in the words of real clients.

use nameplate_scim::config::Config;
use nameplate_scim::http::Request;
use serde_json::{Value, json};

use crate::client::{BASE, Client, ENTERPRISE, GROUP, PATCH_OP, USER};

/// An id nobody has.
pub const NOBODY: &str = "0191aaaa-0000-7000-8000-000000000000";

/// An extension of users, as a configuration declares it: what the standard schemas
/// have none of.
pub const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:1.0:User";

/// A configuration in this dialect that declares [`BADGE`].
pub fn config(dialect: &str) -> Config {
    let badge = json!({"resource": "User", "indexed": ["number", "issued"], "schema": {
        "id": BADGE, "name": "Badge", "attributes": [
            {"name": "serial", "mutability": "immutable", "caseExact": true},
            {"name": "number", "type": "integer"},
            {"name": "issued", "type": "dateTime"},
            {"name": "doors", "multiValued": true},
            {"name": "locks", "type": "complex", "multiValued": true, "required": true,
             "subAttributes": [{"name": "value", "required": true}, {"name": "type"}]},
        ],
    }});
    let settings = json!({"dialect": dialect, "schemas": [badge]});
    Config::from_json(settings.to_string().as_bytes()).unwrap()
}

/// The ids of what a directory holds.
#[derive(Clone, Debug)]
pub struct Directory {
    pub ana: String,
    pub joy: String,
    pub inner: String,
    pub outer: String,
}

/// Two users, a group in a group, a member that has not arrived.
pub fn populated(config: Config) -> (Client, Directory) {
    let mut client = Client::with(config);
    let ana = client.post("/Users", &ana()).expect(201).id();
    let joy = client.post("/Users", &joy()).expect(201).id();
    let inner = client.group("Eng", &[&ana, NOBODY]);
    let outer = client.group("All", &[&inner, &joy]);
    let directory = Directory {
        ana,
        joy,
        inner,
        outer,
    };
    (client, directory)
}

fn ana() -> Value {
    json!({"schemas": [USER, BADGE], "userName": "ana.diaz@example.com",
        "name": {"givenName": "Ana", "familyName": "Díaz"}, "displayName": "Ana Díaz",
        "emails": [{"primary": true, "value": "ana.diaz@example.com", "type": "work"},
                   {"value": "ana@home.example", "type": "home"}],
        "locale": "en-US", "externalId": "00u1abcd", "groups": [], "active": true,
        BADGE: {"serial": "A-1", "number": 7, "issued": "2026-01-31T08:00:00Z",
                "doors": ["north", "south"], "locks": [{"value": "l1"}]}})
}

fn joy() -> Value {
    json!({"schemas": [USER, ENTERPRISE], "externalId": "jyoung",
        "userName": "jyoung@example.com", "active": true, "displayName": "Joy Young",
        "emails": [{"type": "work", "value": "jyoung@example.com", "primary": true}],
        "name": {"formatted": "Joy Young", "familyName": "Young", "givenName": "Joy"},
        "roles": [], "addresses": [{"type": "work", "locality": "Bern", "country": "CH"}],
        ENTERPRISE: {"department": "IT", "manager": {"value": "m-1"}},
        "meta": {"resourceType": "User"}})
}

/// A request with a JSON body.
pub fn request(method: &str, path: &str, body: &Value) -> Request {
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: vec![(
            "content-type".to_owned(),
            b"application/scim+json; charset=utf-8".to_vec(),
        )],
        body: body.to_string().into_bytes(),
        base_url: BASE.to_owned(),
        ..Request::default()
    }
}

/// Valid requests with a body, to any endpoint that takes one.
pub fn writes(at: &Directory) -> Vec<Request> {
    let Directory {
        ana,
        joy: joy_id,
        inner,
        outer,
    } = at;
    let patch = |path: String, operations: Value| {
        let body = json!({"schemas": [PATCH_OP], "Operations": operations});
        request("PATCH", &path, &body)
    };
    let department = format!("{ENTERPRISE}:department");
    let mut new = ana_renamed("new@example.com");
    new["password"] = json!("s3cret-word");
    vec![
        request("POST", "/Users", &new),
        request(
            "PUT",
            &format!("/Users/{ana}"),
            &ana_renamed("ana@example.com"),
        ),
        request("PUT", &format!("/Users/{joy_id}"), &joy()),
        patch(
            format!("/Users/{ana}"),
            json!([{"op": "replace", "value": {"active": false}}]),
        ),
        patch(
            format!("/Users/{joy_id}"),
            json!([{"op": "Replace", "path": "emails[type eq \"work\"].value",
                    "value": "b@example.com"},
                   {"op": "Add", "path": department, "value": "HR"},
                   {"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": "m-2"},
                   {"op": "Remove", "path": "addresses[type eq \"work\" and country eq \"CH\"]"}]),
        ),
        patch(
            format!("/Users/{joy_id}"),
            json!([{"op": "Replace", "value": {"displayName": "J", "name.givenName": "J",
                    "emails[type eq \"home\"].value": "c@example.com", department: "Sales"}}]),
        ),
        patch(
            format!("/Users/{ana}"),
            json!([{"op": "add", "path": format!("{BADGE}:locks"), "value": [{"value": "l2"}]},
                   {"op": "remove", "path": format!("{BADGE}:doors[value eq \"north\"]")}]),
        ),
        request(
            "POST",
            "/Groups",
            &json!({"schemas": [GROUP], "displayName": "Fleet_SCIM", "externalId": "g-1",
                    "members": [{"value": ana, "display": "ana.diaz@example.com"}]}),
        ),
        request(
            "PUT",
            &format!("/Groups/{inner}"),
            &json!({"schemas": [GROUP], "displayName": "Eng", "members": [{"value": joy_id}]}),
        ),
        patch(
            format!("/Groups/{outer}"),
            json!([{"op": "remove", "path": format!("members[value eq \"{joy_id}\"]")},
                   {"op": "add", "path": "members", "value": [{"$ref": null, "value": ana}]}]),
        ),
        patch(
            format!("/Groups/{outer}"),
            json!([{"op": "Remove", "path": "members", "value": [{"value": joy_id}]},
                   {"op": "replace", "value": {"id": outer, "displayName": "Everybody"}}]),
        ),
        request(
            "POST",
            "/Users/.search",
            &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                    "filter": "userName sw \"a\" or emails[type eq \"work\"]",
                    "attributes": ["userName"], "sortBy": "userName", "startIndex": 1,
                    "count": 5}),
        ),
        request(
            "POST",
            "/Bulk",
            &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                    "failOnErrors": 1, "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "u",
                 "data": ana_renamed("bulk@example.com")},
                {"method": "PATCH", "path": format!("/Groups/{outer}"), "data": {
                    "schemas": [PATCH_OP], "Operations": [
                        {"op": "add", "path": "members", "value": [{"value": "bulkId:u"}]}]}},
                {"method": "DELETE", "path": format!("/Groups/{inner}")}]}),
        ),
    ]
}

fn ana_renamed(user_name: &str) -> Value {
    let mut user = ana();
    user["userName"] = json!(user_name);
    user
}

/// Filters that are valid for users, for groups, or for both.
pub const FILTERS: &[&str] = &[
    "userName eq \"ana.diaz@example.com\"",
    "emails[type eq \"work\" and value ew \"example.com\"].value sw \"j\"",
    "not (active eq false) and (name.familyName co \"í\" or title pr)",
    "meta.lastModified gt \"2026-01-31T08:00:00Z\" or id ge \"0\"",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq \"m-1\"",
    "urn:example:params:scim:schemas:extension:badge:1.0:User:number le 7",
    "urn:example:params:scim:schemas:extension:badge:1.0:User:issued lt \"2027-01-01T00:00:00Z\"",
    "displayName ne null and externalId eq \"00u1abcd\"",
    "members[value eq \"x\"] or displayName sw \"e\"",
    "not (groups.value eq \"x\")",
];
