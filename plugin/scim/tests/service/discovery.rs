//! What discovery says is what the service does.

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
    assert_eq!(body["bulk"]["supported"], json!(false));
    assert_eq!(body["authenticationSchemes"][0]["type"], "oauthbearertoken");
    assert_eq!(
        body["meta"]["location"],
        json!(format!("{BASE}/ServiceProviderConfig"))
    );
    let _ = client.post("/Bulk", &json!({})).expect(501);
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
    assert_eq!(ids, [GROUP, USER, ENTERPRISE]);
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
