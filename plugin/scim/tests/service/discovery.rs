//! What discovery says is what the service does.

use nameplate_scim::config::Config;
use serde_json::{Value, json};

use crate::client::{BASE, Client, ENTERPRISE, GROUP, USER};

#[test]
fn the_configuration_tells_what_is_built() {
    let mut client = Client::new();
    let answer = client.get("/ServiceProviderConfig").expect(200);
    let body = &answer.body;
    assert_eq!(body["patch"]["supported"], json!(true));
    assert_eq!(
        body["filter"],
        json!({"supported": true, "maxResults": 200})
    );
    assert_eq!(body["etag"]["supported"], json!(true));
    assert_eq!(body["bulk"]["supported"], json!(true));
    assert_eq!(body["authenticationSchemes"][0]["type"], "oauthbearertoken");
    assert_eq!(
        body["meta"]["location"],
        json!(format!("{BASE}/ServiceProviderConfig"))
    );
}

#[test]
fn resource_types_lead_to_endpoints_and_schemas_that_exist() {
    let mut client = Client::new();
    let list = client.get("/ResourceTypes").expect(200);
    assert_eq!(list.total(), 2);
    for rt in list.body["Resources"].as_array().unwrap() {
        let name = rt["name"].as_str().unwrap();
        let one = client.get(&format!("/ResourceTypes/{name}")).expect(200);
        assert_eq!(&one.body, rt);
        let _ = client.get(rt["endpoint"].as_str().unwrap()).expect(200);
        let extensions = rt["schemaExtensions"].as_array().unwrap();
        let urns = std::iter::once(&rt["schema"]).chain(extensions.iter().map(|e| &e["schema"]));
        for urn in urns {
            let _ = client
                .get(&format!("/Schemas/{}", urn.as_str().unwrap()))
                .expect(200);
        }
    }
    let _ = client
        .get("/ResourceTypes/Robot")
        .expect(404)
        .names("`User`");
}

#[test]
fn schemas_are_listed_and_read_by_urn() {
    let mut client = Client::new();
    let list = client.get("/Schemas").expect(200);
    let mut ids = list.ids();
    ids.sort();
    let of_discovery = ["ResourceType", "Schema", "ServiceProviderConfig"]
        .map(|name| format!("urn:ietf:params:scim:schemas:core:2.0:{name}"));
    let mut expected = vec![GROUP.to_owned(), USER.to_owned(), ENTERPRISE.to_owned()];
    expected.splice(1..1, of_discovery);
    assert_eq!(ids, expected);
    let user = client
        .get(&format!("/Schemas/{}", USER.to_uppercase()))
        .expect(200)
        .body;
    assert_eq!(
        user["meta"],
        json!({"resourceType": "Schema", "location": format!("{BASE}/Schemas/{USER}")})
    );
    let attribute = |name: &str| {
        let attributes = user["attributes"].as_array().unwrap();
        attributes
            .iter()
            .find(|a| a["name"] == name)
            .cloned()
            .unwrap_or(Value::Null)
    };
    assert_eq!(attribute("userName")["uniqueness"], "server");
    assert_eq!(attribute("password")["returned"], "never");
    assert_eq!(attribute("groups")["mutability"], "readOnly");
    let _ = client
        .get("/Schemas/urn:nobody")
        .expect(404)
        .names("/Schemas");
}

#[test]
fn a_filter_on_discovery_is_forbidden_and_other_parameters_ignored() {
    let mut client = Client::new();
    for endpoint in [
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/Schemas",
        "/ResourceTypes/User",
    ] {
        let _ = client.get(&format!("{endpoint}?filter=id+pr")).expect(403);
        let _ = client
            .get(&format!("{endpoint}?startIndex=x&count=0&aadOptscim062020"))
            .expect(200);
    }
}

#[test]
fn head_is_get_without_the_body() {
    let mut client = Client::new();
    let request = nameplate_scim::http::Request {
        method: "HEAD".into(),
        path: "/ServiceProviderConfig".into(),
        base_url: BASE.into(),
        ..Default::default()
    };
    let response = nameplate_scim::handle(
        &client.config,
        &mut client.directory,
        &mut client.world,
        &request,
    );
    assert_eq!((response.status, response.body.len()), (200, 0));
}

/// Asserts that a value is what its declaration says, with all its parts.
#[track_caller]
fn is_declared(value: &Value, attributes: &Value, place: &str) {
    let attributes = attributes.as_array().unwrap();
    let map = value.as_object().unwrap();
    for (name, value) in map {
        let place = format!("{place}.{name}");
        let found = attributes.iter().find(|known| known["name"] == json!(name));
        // A description of descriptions would have no end: it repeats from here on.
        if found.is_none() && name == "subAttributes" {
            for part in value.as_array().unwrap() {
                is_declared(part, &Value::Array(attributes.clone()), &place);
            }
            continue;
        }
        let attribute = found.unwrap_or_else(|| panic!("{place} is not declared"));
        let values = match attribute["multiValued"].as_bool().unwrap() {
            true => value
                .as_array()
                .unwrap_or_else(|| panic!("{place}: no list"))
                .clone(),
            false => vec![value.clone()],
        };
        for value in values {
            match attribute["type"].as_str().unwrap() {
                "complex" => is_declared(&value, &attribute["subAttributes"], &place),
                "boolean" => assert!(value.is_boolean(), "{place}"),
                "integer" => assert!(value.is_u64(), "{place}"),
                _ => assert!(value.is_string(), "{place}"),
            }
        }
    }
    for attribute in attributes
        .iter()
        .filter(|known| known["required"] == json!(true))
    {
        let name = attribute["name"].as_str().unwrap();
        assert!(map.contains_key(name), "{place} has no {name}");
    }
}

#[test]
fn discovery_documents_are_what_their_own_schemas_declare() {
    let mut client = Client::new();
    let schema = |client: &mut Client, name: &str| {
        let target = format!("/Schemas/urn:ietf:params:scim:schemas:core:2.0:{name}");
        client.get(&target).expect(200).body["attributes"].clone()
    };
    let mut documents = vec![(
        "ServiceProviderConfig",
        client.get("/ServiceProviderConfig").expect(200).body,
    )];
    for (target, name) in [("/ResourceTypes", "ResourceType"), ("/Schemas", "Schema")] {
        let list = client.get(target).expect(200).body;
        let resources = list["Resources"].as_array().unwrap().clone();
        documents.extend(resources.into_iter().map(|document| (name, document)));
    }
    for (name, mut document) in documents {
        let attributes = schema(&mut client, name);
        // RFC 7643 3.1: common to all resources.
        let map = document.as_object_mut().unwrap();
        assert_eq!(map.remove("meta").unwrap()["resourceType"], json!(name));
        map.remove("schemas");
        is_declared(&document, &attributes, name);
    }
}

/// Users `u0` to `u3`, as many as a page takes and one more, and what is declared.
fn declared() -> (Client, Vec<String>, Value) {
    let mut client = Client::with(Config {
        max_results: 3,
        ..Config::default()
    });
    let ids = (0..4).map(|n| client.user(&format!("u{n}"))).collect();
    let told = client.get("/ServiceProviderConfig").expect(200).body;
    (client, ids, told)
}

#[test]
fn as_many_results_as_are_declared_are_found_by_a_filter() {
    let (mut client, ids, told) = declared();
    assert_eq!(told["filter"]["supported"], json!(true));
    let most = told["filter"]["maxResults"].as_u64().unwrap();
    for filter in ["userName%20sw%20%22u%22", "not%20(title%20pr)"] {
        let page = client.get(&format!("/Users?count=1000&filter={filter}"));
        let page = page.expect(200);
        assert_eq!((page.ids().len() as u64, page.total()), (most, 4));
        let page = client.get(&format!("/Users?count=2&filter={filter}"));
        assert_eq!(page.expect(200).ids(), ids[..2]);
    }
}

#[test]
fn lists_are_sorted_if_that_is_declared() {
    let (mut client, mut ids, told) = declared();
    assert_eq!(told["sort"]["supported"], json!(true));
    ids.reverse();
    let sorted = client.get("/Users?sortBy=userName&sortOrder=descending");
    assert_eq!(sorted.expect(200).ids(), ids[..3]);
}

#[test]
fn pages_are_as_the_pagination_that_is_declared() {
    let (mut client, ids, told) = declared();
    let told = &told["pagination"];
    let known = [
        "cursor",
        "index",
        "defaultPaginationMethod",
        "defaultPageSize",
        "maxPageSize",
    ];
    let names: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert!(
        names.iter().all(|name| known.contains(&name.as_str())),
        "{names:?} are tried"
    );

    let size = |name: &str| usize::try_from(told[name].as_u64().unwrap()).unwrap();
    let plain = client.get("/Users").expect(200);
    assert_eq!(plain.ids(), ids[..size("defaultPageSize")]);
    assert_eq!(told["defaultPaginationMethod"], json!("index"));
    assert_eq!(plain.body["startIndex"], json!(1));
    let most = client.get("/Users?count=1000").expect(200);
    assert_eq!(most.ids(), ids[..size("maxPageSize")]);

    assert_eq!(told["index"], json!(true));
    assert_eq!(
        client.get("/Users?startIndex=4").expect(200).ids(),
        ids[3..]
    );
    assert_eq!(told["cursor"], json!(true));
    let first = client.get("/Users?cursor").expect(200);
    assert_eq!(first.ids(), ids[..size("defaultPageSize")]);
    let next = first.body["nextCursor"].as_str().unwrap().to_owned();
    // No `cursorTimeout` is declared: a day later it is as good.
    client
        .directory
        .now
        .set(client.directory.now.get() + 86_400_000);
    let rest = client.get(&format!("/Users?cursor={next}")).expect(200);
    assert_eq!(rest.ids(), ids[3..]);
}

#[test]
fn versions_and_changes_are_as_declared() {
    let (mut client, ids, told) = declared();
    let target = format!("/Users/{}", ids[0]);
    assert_eq!(told["patch"]["supported"], json!(true));
    let title = json!([{"op": "replace", "path": "title", "value": "x"}]);
    let changed = client.patch(&target, &title).expect(200);
    assert_eq!(changed.body["title"], json!("x"));

    assert_eq!(told["etag"]["supported"], json!(true));
    let read = client.get(&target).expect(200);
    assert_eq!(read.header("etag"), Some(read.version()));
    let current = [("if-match", read.version())];
    let _ = client
        .request("DELETE", &target, &[("if-match", "W/\"99\"")], b"")
        .expect(412);
    let _ = client.request("DELETE", &target, &current, b"").expect(204);
}
