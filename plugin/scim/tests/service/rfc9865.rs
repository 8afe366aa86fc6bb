//! Requirements of RFC 9865 that no other test is about, one test each.

use serde_json::{Value, json};

use crate::client::Client;

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

fn crowd(many: usize) -> (Client, Vec<String>) {
    let mut client = Client::new();
    let ids = (0..many).map(|n| client.user(&format!("u{n}"))).collect();
    (client, ids)
}

fn next(page: &Value) -> String {
    page["nextCursor"].as_str().unwrap().to_owned()
}

#[test]
fn a_cursor_needs_no_encoding_in_a_url() {
    let (mut client, _) = crowd(3);
    for query in [
        "",
        "&sortBy=title",
        "&sortBy=userName",
        "&filter=active%20eq%20true",
    ] {
        let page = client
            .get(&format!("/Users?cursor&count=1{query}"))
            .expect(200);
        let cursor = next(&page.body);
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        assert!(
            !cursor.is_empty() && cursor.bytes().all(unreserved),
            "{cursor}"
        );
    }
}

#[test]
fn the_first_page_has_none_before_it() {
    let (mut client, ids) = crowd(3);
    let page = client.get("/Users?cursor&count=2").expect(200);
    assert_eq!(page.ids(), ids[..2]);
    assert_eq!(page.body.get("previousCursor"), None);
}

#[test]
fn a_search_by_post_pages_by_cursor() {
    let (mut client, ids) = crowd(3);
    let search = |cursor: &str| json!({"schemas": [SEARCH], "cursor": cursor, "count": 2});
    let first = client.post("/Users/.search", &search("")).expect(200);
    assert_eq!(first.ids(), ids[..2]);
    let last = client.post("/Users/.search", &search(&next(&first.body)));
    let last = last.expect(200);
    assert_eq!(
        (last.ids(), last.body.get("nextCursor")),
        (ids[2..].to_vec(), None)
    );
}

#[test]
fn a_cursor_from_elsewhere_shows_nothing_of_elsewhere() {
    let (mut theirs, _) = crowd(5);
    let mut mine = Client::new();
    let ana = mine.user("ana");
    for query in ["", "&sortBy=title", "&filter=active%20eq%20true"] {
        let page = theirs
            .get(&format!("/Users?cursor&count=1{query}"))
            .expect(200);
        let answer = mine.get(&format!("/Users?cursor={}{query}", next(&page.body)));
        match answer.status {
            200 => assert!(answer.ids().iter().all(|id| *id == ana), "{query}"),
            _ => drop(answer.refused(400, "invalidCursor")),
        }
    }
}

#[test]
fn every_cursor_that_is_none_gets_the_same_answer() {
    let (mut client, _) = crowd(3);
    let page = client.get("/Users?cursor&count=1").expect(200);
    let real = next(&page.body);
    let (head, tail) = real.split_at(real.len() / 2);
    let forged = [
        "x".to_owned(),
        format!("{head}A{tail}"),
        head.to_owned(),
        real.to_uppercase() + "_",
    ];
    let mut answers = Vec::new();
    for cursor in forged {
        let answer = client.get(&format!("/Users?count=1&cursor={cursor}"));
        answers.push(answer.refused(400, "invalidCursor").body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[test]
fn the_configuration_tells_of_both_ways_of_paging() {
    let (mut client, ids) = crowd(3);
    let told = client.get("/ServiceProviderConfig").expect(200).body["pagination"].clone();
    assert_eq!(
        (&told["cursor"], &told["index"]),
        (&json!(true), &json!(true))
    );
    // Whoever asks for neither gets the default, and no error.
    assert_eq!(told["defaultPaginationMethod"], "index");
    let plain = client.get("/Users?count=2").expect(200);
    assert_eq!(plain.ids(), ids[..2]);
    assert_eq!(plain.body["startIndex"], json!(1));
    for size in ["defaultPageSize", "maxPageSize"] {
        assert!(told[size].as_u64().is_some_and(|size| size > 0), "{size}");
    }
}

#[test]
fn a_count_of_nothing_tells_the_total_alone() {
    let (mut client, _) = crowd(3);
    for count in ["0", "-7"] {
        let page = client
            .get(&format!("/Users?cursor&count={count}"))
            .expect(200);
        assert_eq!((page.ids().len(), page.total()), (0, 3), "{count}");
        let body =
            json!({"schemas": [SEARCH], "cursor": "", "count": count.parse::<i64>().unwrap()});
        let page = client.post("/Users/.search", &body).expect(200);
        assert_eq!((page.ids().len(), page.total()), (0, 3), "{count}");
    }
}
