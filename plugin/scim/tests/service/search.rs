//! `POST /.search` (RFC 7644 3.4.3).

use serde_json::{Value, json};

use crate::client::{Client, GROUP};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

fn request(more: Value) -> Value {
    let mut body = json!({"schemas": [SEARCH]});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

#[test]
fn a_search_answers_as_the_same_query_does() {
    let mut client = Client::new();
    for n in 0..5 {
        let _ = client.user(&format!("u{n}"));
    }
    let found = client
        .post(
            "/Users/.search",
            &request(json!({"FILTER": "userName sw \"u\"", "sortBy": "userName",
                "sortOrder": "descending", "startIndex": 2, "count": 2,
                "attributes": ["userName"], "unknown": 1, "cursor": null})),
        )
        .expect(200);
    let asked = client
        .get(
            "/Users?filter=userName%20sw%20%22u%22&sortBy=userName&sortOrder=descending\
             &startIndex=2&count=2&attributes=userName",
        )
        .expect(200);
    assert_eq!(found.body, asked.body);
    assert_eq!(found.total(), 5);
}

#[test]
fn the_root_finds_users_and_groups() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let eng = client.group("ana's friends", &[&ana]);
    let mut find = |filter: &str| client.post("/.search", &request(json!({"filter": filter})));
    // What one type alone declares is absent in the other.
    let cases = [
        ("displayName pr", vec![eng.clone()]),
        ("userName eq \"ana\"", vec![ana.clone()]),
        (
            "userName eq \"ana\" or displayName sw \"ana\"",
            vec![ana.clone(), eng.clone()],
        ),
        ("not (userName pr)", vec![eng.clone()]),
        ("userName ne \"ana\"", vec![eng.clone()]),
        ("userName eq null", vec![eng.clone()]),
        ("userName ne null", vec![ana.clone()]),
        ("meta.resourceType eq \"Group\"", vec![eng.clone()]),
        ("emails[type eq \"work\"]", vec![]),
        ("emails[type eq \"work\"].value eq \"x\"", vec![]),
        (
            "emails[type eq \"work\"].value ne \"x\"",
            vec![ana.clone(), eng.clone()],
        ),
    ];
    for (filter, expected) in cases {
        let answer = find(filter).expect(200);
        assert_eq!(answer.ids(), expected, "{filter}");
        assert_eq!(answer.total(), expected.len() as u64, "{filter}");
    }
    for neither in ["shoeSize eq 3", "shoes[size eq 3]"] {
        let _ = find(neither).refused(400, "invalidFilter");
    }
}

#[test]
fn the_root_can_be_asked_by_get_as_well() {
    let mut client = Client::new();
    let ids = [client.user("ana"), client.group("eng", &[])];
    for target in ["", "/"] {
        assert_eq!(client.get(target).expect(200).ids(), ids);
    }
    let filter = "filter=displayName%20eq%20%22eng%22";
    assert_eq!(
        client.get(&format!("/?{filter}")).expect(200).ids(),
        ids[1..]
    );
    assert_eq!(
        client.post("/", &json!({})).expect(405).header("allow"),
        Some("GET")
    );
}

#[test]
fn pages_at_the_root_go_from_users_to_groups() {
    let mut client = Client::new();
    let mut ids: Vec<String> = (0..3).map(|n| client.user(&format!("u{n}"))).collect();
    ids.extend((0..3).map(|n| client.group(&format!("g{n}"), &[])));
    for start in 1..=7 {
        let page = client
            .post(
                "/.search",
                &request(json!({"startIndex": start, "count": 2})),
            )
            .expect(200);
        let expected: Vec<String> = ids.iter().skip(start - 1).take(2).cloned().collect();
        assert_eq!((page.ids(), page.total()), (expected, 6), "{start}");
    }
    for count in 1..=7 {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let body = request(json!({"cursor": cursor, "count": count}));
            let page = client.post("/.search", &body).expect(200);
            seen.extend(page.ids());
            match page.body["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, ids, "{count}");
    }
    let sorted = request(json!({"sortBy": "displayName", "sortOrder": "descending", "count": 4}));
    let page = client.post("/.search", &sorted).expect(200);
    let expected: Vec<String> = [2, 1, 0, 5].iter().map(|n| ids[*n].clone()).collect();
    assert_eq!(page.ids(), expected, "users have none, which comes first");
}

#[test]
fn the_root_is_sorted_by_type_as_well() {
    let mut client = Client::new();
    let user = client.user("ana");
    let group = client.group("eng", &[]);
    let mut by = |order: &str| {
        let body = json!({"sortBy": "meta.resourceType", "sortOrder": order});
        client.post("/.search", &request(body)).expect(200).ids()
    };
    assert_eq!(by("ascending"), [group.clone(), user.clone()]);
    assert_eq!(by("descending"), [user, group]);
}

#[test]
fn a_parameter_that_is_much_too_long_is_named() {
    let mut client = Client::new();
    let list = vec!["a"; 20_000];
    for (name, value) in [
        ("attributes", json!(list)),
        ("excludedAttributes", json!("a,".repeat(40_000))),
        ("filter", json!(" ".repeat(70_000))),
        ("schemas", json!(list)),
    ] {
        let _ = client
            .post("/Users/.search", &json!({ name: value }))
            .refused(400, "invalidValue")
            .names(name);
    }
    // What is not understood may be as long as it likes.
    let body = request(json!({"other": vec![1; 100_000]}));
    let _ = client.post("/Users/.search", &body).expect(200);
    let _ = client
        .get(&format!("/Users?attributes={}", "a,".repeat(40_000)))
        .refused(400, "invalidValue")
        .names("attributes");
}

#[test]
fn a_count_larger_than_any_number_is_clamped() {
    let mut client = Client::new();
    let _ = client.user("ana");
    let body = format!(
        "{{\"schemas\": [\"{SEARCH}\"], \"count\": {}}}",
        "9".repeat(30)
    );
    let answer = client.request("POST", "/Users/.search", &[], body.as_bytes());
    assert_eq!(answer.expect(200).ids().len(), 1);
}

#[test]
fn a_search_of_the_wrong_form_names_the_parameter() {
    let mut client = Client::new();
    for (body, name) in [
        (json!({"filter": 1}), "filter"),
        (json!({"count": "many"}), "count"),
        (json!({"startIndex": 1.5}), "startIndex"),
        (json!({"attributes": [1]}), "attributes"),
        (json!({"sortBy": {}}), "sortBy"),
        (
            json!({"attributes": ["a"], "excludedAttributes": ["b"]}),
            "attributes",
        ),
    ] {
        let _ = client
            .post("/.search", &request(body))
            .refused(400, "invalidValue")
            .names(name);
    }
    let _ = client
        .post("/.search", &json!([]))
        .refused(400, "invalidSyntax");
    assert_eq!(
        client.get("/.search").expect(405).header("allow"),
        Some("POST")
    );
}

#[test]
fn a_search_may_lack_its_schema_but_not_have_another() {
    let mut client = Client::new();
    for body in [json!({}), json!({"schemas": []}), json!({"schemas": null})] {
        let _ = client.post("/Users/.search", &body).expect(200);
        assert!(client.noted("missing-schemas"), "{body}");
    }
    let other = json!({"schemas": [GROUP]});
    let _ = client
        .post("/Users/.search", &other)
        .refused(400, "invalidSyntax");
}
