//! Discovery (RFC 7644 4): what it says is tried.

use nameplate_tests::Idp;
use nameplate_tests::names::{ENTERPRISE, GROUP, USER};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_says_what_the_server_does() {
    let idp = Idp::start().await;
    let config = idp.get("/ServiceProviderConfig").await.expect(200);
    let location = format!("{}/ServiceProviderConfig", idp.base());
    assert_eq!(config["meta"]["location"], location);
    let user = idp.user("ana@example.com").await;
    let target = format!("/Users/{user}");

    // RFC 7643 5: each feature tells whether it is there; try it.
    assert_eq!(config["patch"]["supported"], true);
    let operations = json!([{"op": "add", "path": "title", "value": "x"}]);
    let _ = idp.patch(&target, &operations).await.expect(200);

    assert_eq!(config["filter"]["supported"], true);
    let found = idp.find("/Users", "userName eq \"ana@example.com\"").await;
    assert_eq!(found.expect(200).total(), 1);

    assert_eq!(config["bulk"]["supported"], true);
    let most = config["bulk"]["maxOperations"].as_u64().unwrap();
    let bulk = |operations: u64| {
        let operation = json!({"method": "DELETE", "path": "/Users/nobody"});
        let operations = vec![operation; usize::try_from(operations).unwrap()];
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": operations})
    };
    let _ = idp.post("/Bulk", &bulk(most)).await.expect(200);
    let _ = idp.post("/Bulk", &bulk(most + 1)).await.refused(413, "");

    assert_eq!(config["etag"]["supported"], true);
    let headers = [
        ("if-match", "W/\"999\""),
        ("content-type", "application/scim+json"),
    ];
    let body = json!({"schemas": [USER], "userName": "ana@example.com"}).to_string();
    let stale = idp.send("PUT", &target, &headers, body.as_bytes()).await;
    let _ = stale.refused(412, "");

    assert_eq!(config["changePassword"]["supported"], false);

    assert_eq!(config["sort"]["supported"], true);
    let other = idp.user("bo@example.com").await;
    let sorted = idp.get("/Users?sortBy=userName&sortOrder=descending").await;
    assert_eq!(sorted.expect(200).ids(), [other.clone(), user.clone()]);

    // RFC 9865 4.
    assert_eq!(config["pagination"]["index"], true);
    assert_eq!(config["pagination"]["cursor"], true);
    assert_eq!(config["pagination"]["defaultPaginationMethod"], "index");
    let by_index = idp.get("/Users?count=1").await.expect(200);
    assert_eq!(by_index["startIndex"], 1);
    let first = idp.get("/Users?count=1&cursor").await.expect(200);
    let next = first["nextCursor"].as_str().unwrap();
    let last = idp.get(&format!("/Users?count=1&cursor={next}")).await;
    let last = last.expect(200);
    assert_eq!(
        ([first.ids(), last.ids()].concat(), last.get("nextCursor")),
        (vec![user.clone(), other], None)
    );
    let schemes = config["authenticationSchemes"].as_array().unwrap();
    assert_eq!(schemes[0]["type"], "oauthbearertoken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_holds_at_most_what_the_configuration_says() {
    let idp = Idp::start().await;
    let config = idp.get("/ServiceProviderConfig").await.expect(200);
    let most = config["filter"]["maxResults"].as_u64().unwrap();
    for n in 0..=most {
        let _ = idp.user(&format!("user{n}@example.com")).await;
    }
    let page = idp
        .get(&format!("/Users?count={}", most * 10))
        .await
        .expect(200);
    assert_eq!((page.total(), page.ids().len() as u64), (most + 1, most));
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_and_types_are_listed_and_found_one_by_one() {
    let idp = Idp::start().await;
    let types = idp.get("/ResourceTypes").await.expect(200);
    let mut names = types.ids();
    names.sort();
    assert_eq!(names, ["Group", "User"]);
    for name in names {
        let one = idp.get(&format!("/ResourceTypes/{name}")).await.expect(200);
        let location = format!("{}/ResourceTypes/{name}", idp.base());
        assert_eq!(one["meta"]["location"], location);
        let endpoint = one["endpoint"].as_str().unwrap();
        let _ = idp.get(endpoint).await.expect(200);
        let schema = one["schema"].as_str().unwrap();
        let schema = idp.get(&format!("/Schemas/{schema}")).await.expect(200);
        assert_eq!(schema["name"], name);
    }
    let schemas = idp.get("/Schemas").await.expect(200);
    for urn in [USER, GROUP, ENTERPRISE] {
        assert!(schemas.ids().contains(&urn.to_owned()), "{urn}");
        let one = idp.get(&format!("/Schemas/{urn}")).await.expect(200);
        let listed = schemas["Resources"].as_array().unwrap();
        assert!(listed.contains(&one.json), "{urn} differs from the list");
    }
    let _ = idp.get("/Schemas/urn:nothing").await.refused(404, "");
    let _ = idp.get("/ResourceTypes/Nothing").await.refused(404, "");
    for target in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"] {
        let filtered = idp.find(target, "name eq \"User\"").await;
        let _ = filtered.refused(403, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attribute_of_the_user_schema_survives_a_round_trip() {
    let idp = Idp::start().await;
    let schema = idp.get(&format!("/Schemas/{USER}")).await.expect(200);
    let mut body = json!({"schemas": [USER]});
    for attribute in schema["attributes"].as_array().unwrap() {
        let name = attribute["name"].as_str().unwrap();
        if attribute["mutability"] != "readWrite" {
            continue;
        }
        body[name] = sample(attribute);
    }
    let answer = idp.post("/Users", &body).await.expect(201);
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&answer[name], value, "{name}");
    }
}

/// A value of the attribute's type, as RFC 7643 2.3 has them.
fn sample(attribute: &Value) -> Value {
    let one = match attribute["type"].as_str().unwrap() {
        "boolean" => json!(true),
        "integer" => json!(7),
        "decimal" => json!(1.5),
        "dateTime" => json!("2026-03-01T09:30:00Z"),
        "binary" => json!("aGVsbG8="),
        "reference" => json!("https://example.com/x"),
        "complex" => {
            let subs = attribute["subAttributes"].as_array().into_iter().flatten();
            let writable = subs.filter(|sub| sub["mutability"] != "readOnly");
            let pairs = writable.map(|sub| (sub["name"].as_str().unwrap().to_owned(), sample(sub)));
            Value::Object(pairs.collect())
        }
        _ => match attribute["canonicalValues"][0].as_str() {
            Some(known) => json!(known),
            None => json!(format!("a {}", attribute["name"].as_str().unwrap())),
        },
    };
    if attribute["multiValued"] == true {
        json!([one])
    } else {
        one
    }
}
