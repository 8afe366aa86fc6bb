//! Sorting (RFC 7644 3.4.2.3).

use nameplate_scim::config::Config;
use serde_json::{Value, json};

use crate::client::{Client, ENTERPRISE, USER, encoded};

fn add(client: &mut Client, name: &str, more: Value) -> String {
    let mut body = json!({"schemas": [USER, ENTERPRISE], "userName": name});
    let fields = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    client.post("/Users", &body).expect(201).id()
}

#[track_caller]
fn names(client: &mut Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("/Users?{query}")).expect(200);
    let resources = answer.body["Resources"].as_array().unwrap().clone();
    resources
        .iter()
        .map(|user| user["userName"].as_str().unwrap().to_owned())
        .collect()
}

fn three() -> Client {
    let mut client = Client::new();
    let _ = add(
        &mut client,
        "b",
        json!({"title": "Zoo", "active": false, "name": {"familyName": "Ärmel"},
            "emails": [{"value": "z@x.y"}, {"value": "a@x.y", "primary": true}],
            ENTERPRISE: {"employeeNumber": "10"}}),
    );
    let _ = add(
        &mut client,
        "C",
        json!({"title": "apple", "active": true, "emails": [{"value": "m@x.y"}]}),
    );
    let _ = add(&mut client, "a", json!({"name": {"familyName": "Berg"}}));
    client
}

#[test]
fn texts_are_sorted_without_case_where_the_schema_says_so() {
    let mut client = three();
    assert_eq!(names(&mut client, "sortBy=userName"), ["a", "b", "C"]);
    assert_eq!(names(&mut client, "SORTBY=USERNAME"), ["a", "b", "C"]);
    let descending = "sortBy=userName&sortOrder=descending";
    assert_eq!(names(&mut client, descending), ["C", "b", "a"]);
}

#[test]
fn what_is_absent_comes_last_and_first_in_descending_order() {
    let mut client = three();
    assert_eq!(names(&mut client, "sortBy=title"), ["C", "b", "a"]);
    let descending = "sortBy=title&sortOrder=Descending";
    assert_eq!(names(&mut client, descending), ["a", "b", "C"]);
}

#[test]
fn of_several_values_the_primary_one_counts_or_the_first() {
    let mut client = three();
    for path in ["emails", "emails.value"] {
        assert_eq!(
            names(&mut client, &format!("sortBy={path}")),
            ["b", "C", "a"],
            "{path}"
        );
    }
}

#[test]
fn parts_extensions_and_what_the_store_keeps_can_be_sorted_by() {
    let mut client = three();
    let urn = encoded(&format!("{ENTERPRISE}:employeeNumber"));
    for (path, expected) in [
        ("active", ["b", "C", "a"]),
        ("name.familyName", ["a", "b", "C"]),
        ("id", ["b", "C", "a"]),
        ("meta.created", ["b", "C", "a"]),
        ("meta.lastModified", ["b", "C", "a"]),
        (urn.as_str(), ["b", "C", "a"]),
    ] {
        let found = names(&mut client, &format!("sortBy={path}"));
        assert_eq!(found, expected, "{path}");
    }
    let id = client.filter("/Users", "userName eq \"b\"").ids().remove(0);
    let title = json!([{"op": "replace", "path": "title", "value": "x"}]);
    let _ = client.patch(&format!("/Users/{id}"), &title).expect(200);
    let newest = "sortBy=meta.lastModified&sortOrder=descending&count=1";
    assert_eq!(names(&mut client, newest), ["b"]);
}

#[test]
fn a_filter_and_pages_go_together_with_sorting() {
    let mut client = three();
    for n in 0..5 {
        let _ = add(
            &mut client,
            &format!("x{n}"),
            json!({"title": format!("{}", 9 - n)}),
        );
    }
    let filter = encoded("userName sw \"x\"");
    let query = format!("filter={filter}&sortBy=title&startIndex=2&count=3");
    let answer = client.get(&format!("/Users?{query}")).expect(200);
    assert_eq!(answer.total(), 5);
    assert_eq!(names(&mut client, &query), ["x3", "x2", "x1"]);
    // The same index finds and sorts.
    let query =
        format!("filter={filter}&sortBy=userName&sortOrder=descending&startIndex=2&count=2");
    assert_eq!(names(&mut client, &query), ["x3", "x2"]);
}

#[test]
fn what_cannot_be_sorted_by_is_named() {
    let mut client = Client::new();
    for path in [
        "shoeSize",
        "password",
        "groups",
        "name",
        "userName.x",
        "a%20b",
        "meta",
    ] {
        let _ = client
            .get(&format!("/Users?sortBy={path}"))
            .refused(400, "invalidValue")
            .names("sortBy");
    }
    let _ = client
        .get("/Users?sortBy=userName&sortOrder=random")
        .refused(400, "invalidValue")
        .names("sortOrder");
}

#[test]
fn sorting_by_a_required_attribute_reads_no_more_than_the_page() {
    let mut client = Client::with(Config {
        scan_budget: 3,
        ..Config::default()
    });
    for n in 0..10 {
        let _ = client.user(&format!("u{n}"));
    }
    for path in ["userName", "id", "meta.lastModified"] {
        let query = format!("sortBy={path}&sortOrder=descending&startIndex=3&count=2");
        assert_eq!(names(&mut client, &query), ["u7", "u6"], "{path}");
    }
    let _ = client.get("/Users?sortBy=title").refused(400, "tooMany");
}

#[test]
fn a_sort_that_waits_for_its_index_is_unavailable_and_not_too_much() {
    let mut client = Client::with(Config {
        scan_budget: 1,
        ..Config::default()
    });
    let _ = (client.user("ana"), client.user("ben"));
    client.directory.state.forget_keys("older-rules");
    let _ = client
        .get("/Users?sortBy=userName")
        .expect(503)
        .names("the index is being rebuilt");
    let _ = client.get("/Users?sortBy=title").refused(400, "tooMany");
}

#[test]
fn an_index_and_a_list_sorted_here_have_one_order() {
    let mut client = Client::new();
    let names = [
        " b",
        "B",
        "a",
        "\u{e9}a",
        "\u{ff21}c",
        &"x".repeat(300),
        &"x".repeat(301),
    ];
    for name in names {
        let _ = client.group(name, &[]);
    }
    for direction in ["ascending", "descending"] {
        let query = format!("sortBy=displayName&sortOrder={direction}");
        let walked = client.get(&format!("/Groups?{query}")).expect(200).ids();
        // A filter that no index answers alone.
        let filter = encoded("externalId eq \"x\" or displayName pr");
        let sorted = client.get(&format!("/Groups?{query}&filter={filter}"));
        assert_eq!(sorted.expect(200).ids(), walked, "{direction}");
    }
}
