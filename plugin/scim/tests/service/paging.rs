//! Pages by cursor (RFC 9865) beside pages by index, and both beside a plain list.

use nameplate_scim::config::Config;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::client::{Client, USER, encoded};

/// Walks a list by cursor, `between` each two pages something else happens; the ids.
#[track_caller]
fn walked(
    client: &mut Client,
    query: &str,
    count: usize,
    mut between: impl FnMut(&mut Client, &[String]),
) -> Vec<String> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..500 {
        let target = format!("/Users?{query}&count={count}&cursor={cursor}");
        let page = client.get(&target).expect(200);
        assert!(page.ids().len() <= count);
        seen.extend(page.ids());
        match page.body["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return seen,
        }
        between(client, &seen);
    }
    panic!("a walk without an end: {query}");
}

#[track_caller]
fn indexed(client: &mut Client, query: &str, count: usize) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let target = format!("/Users?{query}&count={count}&startIndex={}", seen.len() + 1);
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
            let seen = walked(&mut client, &query, count, |_, _| {});
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
            let seen = walked(&mut client, &query, count, |_, _| {});
            assert_eq!(seen, by_index, "{path} by {count}");
        }
    }
    let seen = walked(
        &mut client,
        "sortBy=userName&sortOrder=descending",
        2,
        |_, _| {},
    );
    assert_eq!(seen, ids);
}

#[derive(Clone, Debug)]
struct Person {
    name: u16,
    title: Option<String>,
    active: Option<bool>,
    mail: Option<String>,
}

fn person() -> impl Strategy<Value = Person> {
    (
        any::<u16>(),
        prop::option::of("[abAB]{1,3}"),
        any::<Option<bool>>(),
        prop::option::of("[ab]{1,2}@x\\.y"),
    )
        .prop_map(|(name, title, active, mail)| Person {
            name,
            title,
            active,
            mail,
        })
}

const FILTERS: &[&str] = &[
    "",
    "active eq true",
    "active eq false",
    "not (active eq true)",
    "title sw \"a\"",
    "title pr and active ne false",
    "userName co \"1\"",
    "userName ge \"u3\"",
    "emails.value sw \"a\" or userName sw \"u1\"",
    "emails[value eq \"aa@x.y\"]",
    "meta.lastModified ge \"2025-11-24T16:00:03Z\"",
    "not (emails pr)",
    "userName sw \"u\" and not (title co \"b\")",
];

const ORDERS: &[&str] = &[
    "",
    "sortBy=userName",
    "sortBy=userName&sortOrder=descending",
    "sortBy=title",
    "sortBy=title&sortOrder=descending",
    "sortBy=emails",
    "sortBy=active&sortOrder=descending",
    "sortBy=meta.lastModified&sortOrder=descending",
    "sortBy=id&sortOrder=descending",
];

/// What the filter finds, by looking at each user alone.
fn one_by_one(client: &mut Client, ids: &[String], filter: &str) -> Vec<String> {
    if filter.is_empty() {
        return ids.to_vec();
    }
    let mut found = Vec::new();
    for id in ids {
        let alone = format!("id eq \"{id}\" and ({filter})");
        found.extend(client.filter("/Users", &alone).expect(200).ids());
    }
    found
}

/// The value a user is sorted by, as a reader of the RFC would find it.
fn value(user: &Value, order: &str) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_lowercase);
    match order.split('&').next().unwrap() {
        "sortBy=userName" => text(&user["userName"]),
        "sortBy=title" => text(&user["title"]),
        "sortBy=emails" => text(&user["emails"][0]["value"]),
        "sortBy=active" => user["active"].as_bool().map(|flag| flag.to_string()),
        "sortBy=meta.lastModified" => text(&user["meta"]["lastModified"]),
        "sortBy=id" => text(&user["id"]),
        _ => None,
    }
}

fn people(client: &mut Client, people: &[Person]) -> Vec<String> {
    let mut ids = Vec::new();
    for (n, person) in people.iter().enumerate() {
        let mut body = json!({"schemas": [USER], "userName": format!("u{}-{n}", person.name)});
        if let Some(title) = &person.title {
            body["title"] = json!(title);
        }
        if let Some(active) = person.active {
            body["active"] = json!(active);
        }
        if let Some(mail) = &person.mail {
            body["emails"] = json!([{"value": mail}, {"value": "other@x.y"}]);
        }
        ids.push(client.post("/Users", &body).expect(201).id());
    }
    ids
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_of_either_kind_show_each_match_once_and_in_order(
        list in prop::collection::vec(person(), 1..14),
        filter in prop::sample::select(FILTERS),
        order in prop::sample::select(ORDERS),
        count in 1_usize..8,
        page_bound in prop::option::of(1_usize..5),
    ) {
        let mut client = Client::new();
        let ids = people(&mut client, &list);
        client.directory.page_bound = page_bound;
        let mut expected = one_by_one(&mut client, &ids, filter);
        let query = match filter {
            "" => order.to_owned(),
            filter => format!("filter={}&{order}", encoded(filter)),
        };
        let by_cursor = walked(&mut client, &query, count, |_, _| {});
        let by_index = indexed(&mut client, &query, count);
        prop_assert_eq!(&by_cursor, &by_index);
        let mut found = by_cursor.clone();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
        if !order.is_empty() {
            let mut values = Vec::new();
            for id in &by_cursor {
                let user = client.get(&format!("/Users/{id}")).expect(200).body;
                // An absent value is last: greater than all others.
                values.push(value(&user, order).map_or((1, String::new()), |v| (0, v)));
            }
            if order.ends_with("descending") {
                values.reverse();
            }
            prop_assert!(values.is_sorted(), "{:?}", values);
        }
    }

    #[test]
    fn what_stays_is_shown_once_while_others_come_and_go(
        list in prop::collection::vec(person(), 4..14),
        filter in prop::sample::select(FILTERS),
        order in prop::sample::select(ORDERS),
        count in 1_usize..4,
        gone in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        budget in prop::sample::select(&[4_u32, 20_000][..]),
    ) {
        let mut client = Client::new();
        let ids = people(&mut client, &list);
        let matching = one_by_one(&mut client, &ids, filter);
        let query = match filter {
            "" => order.to_owned(),
            filter => format!("filter={}&{order}", encoded(filter)),
        };
        // What is put in order in memory needs room for all; a walk does not.
        let walk = !order.contains("title") && !order.contains("emails") && !order.contains("active");
        let all = filter.is_empty() || filter.starts_with("not (") || filter.starts_with("title");
        client.config.scan_budget = if walk && all { budget } else { 20_000 };
        let mut gone = gone.into_iter();
        let mut deleted = Vec::new();
        let mut made = 0;
        let seen = walked(&mut client, &query, count, |client, _| {
            if let Some(index) = gone.next() {
                let id = index.get(&ids);
                if !deleted.contains(id) {
                    let _ = client.delete(&format!("/Users/{id}")).expect(204);
                    deleted.push(id.clone());
                }
                let name = format!("u-new{made}");
                let _ = client.user(&name);
                made += 1;
            }
        });
        for id in matching.iter().filter(|id| !deleted.contains(id)) {
            let times = seen.iter().filter(|seen| *seen == id).count();
            prop_assert_eq!(times, 1, "{} of {:?}", id, seen);
        }
    }

    #[test]
    fn any_cursor_and_any_search_is_answered(
        cursor in prop_oneof![".{0,40}", "[A-Za-z0-9_-]{0,80}"],
        name in "cursor|count|startIndex|sortBy|sortOrder|filter|attributes|excludedAttributes",
        value in prop_oneof![
            Just(json!(null)), Just(json!(-1)), Just(json!(1e300)), Just(json!([])), Just(json!({})),
            ".{0,20}".prop_map(|text| json!(text)),
        ],
    ) {
        let mut client = Client::new();
        let _ = client.user("a");
        let answer = client.get(&format!("/Users?cursor={}", encoded(&cursor)));
        prop_assert!(answer.status < 500, "{:?}", answer);
        for path in ["/.search", "/Users/.search", "/Groups/.search"] {
            let answer = client.post(path, &json!({ name.clone(): value.clone() }));
            prop_assert!(answer.status < 500, "{:?}", answer);
        }
    }
}
