//! Pages by cursor (RFC 9865) beside pages by index, and both beside a plain list.

use nameplate_scim::config::Config;
use serde_json::json;

use crate::client::{Client, USER, encoded};
use crate::directory::Race;
use crate::state::State;

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// Walks a list by cursor, `between` each two pages something else happens; the ids.
#[track_caller]
pub fn walked(
    client: &mut Client,
    endpoint: &str,
    query: &str,
    count: usize,
    mut between: impl FnMut(&mut Client),
) -> Vec<String> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..500 {
        let target = format!("{endpoint}?{query}&count={count}&cursor={cursor}");
        let page = client.get(&target).expect(200);
        assert!(page.ids().len() <= count);
        seen.extend(page.ids());
        match page.body["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return seen,
        }
        between(client);
    }
    panic!("a walk without an end: {query}");
}

/// Goes through a list by index; the ids.
#[track_caller]
pub fn indexed(client: &mut Client, endpoint: &str, query: &str, count: usize) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let target = format!(
            "{endpoint}?{query}&count={count}&startIndex={}",
            seen.len() + 1
        );
        let page = client.get(&target).expect(200);
        seen.extend(page.ids());
        if page.ids().is_empty() || seen.len() as u64 >= page.total() {
            assert_eq!(seen.len() as u64, page.total(), "{query}");
            return seen;
        }
    }
}

#[test]
fn the_first_page_says_how_many_there_are_and_the_last_has_no_next() {
    let mut client = Client::new();
    let ids: Vec<String> = (0..5).map(|n| client.user(&format!("u{n}"))).collect();
    let first = client.get("/Users?cursor&count=3").expect(200);
    assert_eq!((first.ids(), first.total()), (ids[..3].to_vec(), 5));
    assert_eq!(first.body.get("startIndex"), None);
    let next = first.body["nextCursor"].as_str().unwrap();
    let last = client
        .get(&format!("/Users?cursor={next}&count=3"))
        .expect(200);
    assert_eq!(last.ids(), ids[3..]);
    assert_eq!(last.body.get("nextCursor"), None);
    // Exactly full is the last as well.
    let full = client.get("/Users?cursor=&count=5").expect(200);
    assert_eq!((full.ids().len(), full.body.get("nextCursor")), (5, None));
}

#[test]
fn a_count_of_nothing_asks_for_the_total_alone() {
    let mut client = Client::new();
    let _ = (client.user("a"), client.user("b"));
    for query in [
        "count=0",
        "count=-1",
        "count=0&filter=not%20(title%20pr)",
        "count=0&sortBy=title",
    ] {
        let page = client.get(&format!("/Users?cursor&{query}")).expect(200);
        assert_eq!((page.ids().len(), page.total()), (0, 2), "{query}");
        assert_eq!(page.body.get("nextCursor"), None);
    }
}

#[test]
fn without_a_cursor_pages_go_by_index() {
    let mut client = Client::new();
    let _ = client.user("u");
    let page = client.get("/Users?count=1").expect(200);
    assert_eq!(
        (&page.body["startIndex"], page.body.get("nextCursor")),
        (&json!(1), None)
    );
}

#[test]
fn a_cursor_of_another_query_is_invalid() {
    let mut client = Client::new();
    for n in 0..3 {
        let _ = client.user(&format!("u{n}"));
    }
    let first = client
        .get("/Users?cursor&count=1&sortBy=userName")
        .expect(200);
    let next = first.body["nextCursor"].as_str().unwrap();
    for query in [
        "count=1",
        "count=1&sortBy=userName&sortOrder=descending",
        "count=1&sortBy=id",
        "count=1&sortBy=userName&filter=active%20eq%20true",
    ] {
        let _ = client
            .get(&format!("/Users?{query}&cursor={next}"))
            .refused(400, "invalidCursor");
    }
    let _ = client
        .get(&format!("/Groups?count=1&sortBy=userName&cursor={next}"))
        .expect(400);
    // A different count is no different query.
    let _ = client
        .get(&format!("/Users?count=2&sortBy=userName&cursor={next}"))
        .expect(200);
}

#[test]
fn what_is_no_cursor_is_named() {
    let mut client = Client::new();
    for cursor in ["x", "AQ", "%00", "null", &"A".repeat(10_000)] {
        let _ = client
            .get(&format!("/Users?cursor={cursor}"))
            .refused(400, "invalidCursor");
    }
    let _ = client
        .get("/Users?cursor&startIndex=1")
        .refused(400, "invalidValue")
        .names("startIndex");
}

#[test]
fn by_cursor_a_filter_without_an_index_goes_on_where_the_budget_ended() {
    let mut client = Client::with(Config {
        scan_budget: 3,
        ..Config::default()
    });
    let ids: Vec<String> = (0..10).map(|n| client.user(&format!("u{n}"))).collect();
    for filter in [
        "not (title pr)",
        "userName sw \"u\" or not (title pr) or title pr",
        "userName co \"U\"",
    ] {
        let query = format!("filter={}", encoded(filter));
        let _ = client
            .get(&format!("/Users?{query}"))
            .refused(400, "tooMany");
        for count in [1, 2, 5, 20] {
            let seen = walked(&mut client, "/Users", &query, count, |_| {});
            assert_eq!(seen, ids, "{filter} by {count}");
        }
    }
}

#[test]
fn pages_by_cursor_are_sorted() {
    let mut client = Client::new();
    let mut ids: Vec<String> = (0..7).map(|n| client.user(&format!("u{n}"))).collect();
    ids.reverse();
    for path in ["userName", "displayName", "meta.created", "active"] {
        let query = format!("sortBy={path}&sortOrder=descending");
        let by_index = client.get(&format!("/Users?{query}")).expect(200).ids();
        for count in 1..8 {
            let seen = walked(&mut client, "/Users", &query, count, |_| {});
            assert_eq!(seen, by_index, "{path} by {count}");
        }
    }
    let query = "sortBy=userName&sortOrder=descending";
    let seen = walked(&mut client, "/Users", query, 2, |_| {});
    assert_eq!(seen, ids);
}

/// Seven users, and a page of two that is cut out of a larger batch while `other` is at
/// work between the two calls that takes; the ids, and those of the pages.
fn cut_while(other: impl FnOnce(&mut State, &[String]) + 'static) -> (Vec<String>, Vec<String>) {
    let mut client = Client::new();
    let ids: Vec<String> = (0..7).map(|n| client.user(&format!("u{n}"))).collect();
    let known = ids.clone();
    client.directory.turns.push_back(Box::new(|_| {}));
    let turn: Race = Box::new(move |state| other(state, &known));
    client.directory.turns.push_back(turn);
    let query = format!("filter={}", encoded("not (title pr)"));
    let seen = walked(&mut client, "/Users", &query, 2, |_| {});
    assert!(client.directory.turns.is_empty());
    (ids, seen)
}

#[test]
fn who_is_new_while_a_page_is_cut_makes_nobody_come_twice() {
    let (ids, seen) = cut_while(|state, _| {
        state.seed_user("0", "new");
        state.seed_user("00", "newer");
    });
    assert_eq!(seen, ids);
}

#[test]
fn who_goes_while_a_page_is_cut_takes_nobody_along() {
    let (ids, seen) = cut_while(|state, ids| state.delete(&ids[0]));
    assert_eq!(seen, ids);
    let (ids, seen) = cut_while(|state, ids| {
        state.delete(&ids[0]);
        state.delete(&ids[1]);
        state.delete(&ids[2]);
    });
    assert_eq!(seen, [&ids[..2], &ids[3..]].concat());
    let (ids, seen) = cut_while(|state, ids| ids[2..].iter().for_each(|id| state.delete(id)));
    assert_eq!(seen, ids[..2]);
}

#[test]
fn a_walk_in_another_order_shows_matches_alone() {
    let mut client = Client::new();
    let mut found = Vec::new();
    for n in 0..9 {
        let body = json!({"schemas": [USER], "userName": format!("u{n}"), "active": n % 3 > 0,
            "externalId": format!("e{n}")});
        let id = client.post("/Users", &body).expect(201).id();
        found.extend((n % 3 > 0).then_some(id));
    }
    client.config.scan_budget = 3;
    for (filter, order) in [
        ("active eq true", "sortBy=userName"),
        ("active eq true", "sortBy=id"),
        // No single index has them.
        ("active eq true or externalId eq \"e1\"", ""),
    ] {
        let query = format!("filter={}&{order}", encoded(filter));
        let seen = walked(&mut client, "/Users", &query, 2, |_| {});
        assert_eq!(seen, found, "{query}");
    }
}

#[test]
fn a_sorted_page_by_index_that_grows_too_large_has_no_cursor() {
    let mut client = Client::new();
    let long = "x".repeat(900_000);
    for n in 0..6 {
        let body = json!({"schemas": [USER], "userName": format!("u{n}"), "title": long});
        let _ = client.post("/Users", &body).expect(201);
    }
    for order in ["", "&sortBy=userName", "&sortBy=title"] {
        let page = client.get(&format!("/Users?startIndex=1{order}"));
        assert_eq!(page.expect(200).ids().len(), 4, "{order}");
        let query = order.trim_start_matches('&');
        let seen = walked(&mut client, "/Users", query, 5, |_| {});
        assert_eq!(seen.len(), 6, "{order}");
    }
}

#[test]
fn what_is_no_cursor_is_named_by_a_count_of_nothing_as_well() {
    let mut client = Client::new();
    let _ = client
        .get("/Users?cursor=x&count=0")
        .refused(400, "invalidCursor");
}

#[test]
fn a_count_that_is_no_number_is_an_invalid_count_by_cursor() {
    let mut client = Client::new();
    for count in ["x", "", "1.5"] {
        let target = format!("/Users?count={count}&cursor");
        let _ = client.get(&target).refused(400, "invalidCount");
        let target = format!("/Users?count={count}");
        let _ = client.get(&target).refused(400, "invalidValue");
    }
    for count in [json!("1"), json!(1.5), json!([1])] {
        let body = json!({"schemas": [SEARCH], "count": count, "cursor": ""});
        let _ = client
            .post("/Users/.search", &body)
            .refused(400, "invalidCount");
    }
}

#[test]
fn a_budget_or_a_page_of_nothing_is_no_walk_without_an_end() {
    let mut client = Client::new();
    let _ = client.user("ana");
    client.config.scan_budget = 0;
    let _ = client
        .get("/Users?cursor&filter=not%20(title%20pr)")
        .refused(400, "tooMany");
    client.config.max_results = 0;
    let page = client.get("/Users?cursor").expect(200);
    assert_eq!((page.total(), page.body.get("nextCursor")), (1, None));
}

#[test]
fn by_cursor_memberships_that_are_many_are_asked_for_in_parts() {
    let mut client = Client::with(Config {
        scan_budget: 10,
        ..Config::default()
    });
    let ids: Vec<String> = (0..7)
        .map(|n| client.group(&format!("g{n}"), &[]))
        .collect();
    let atoms: Vec<String> = (0..30)
        .map(|n| format!("members.value eq \"{n}\""))
        .collect();
    let filter = format!("not ({})", atoms.join(" or "));
    let query = format!("filter={}", encoded(&filter));
    assert_eq!(walked(&mut client, "/Groups", &query, 9, |_| {}), ids);
}
