//! Lists: pages, totals, filters and what is left out.

use nameplate_scim::config::Config;
use nameplate_scim::reindex_step;
use serde_json::{Value, json};

use crate::client::{Client, GROUP, USER, encoded};

#[test]
fn pages_are_in_the_order_of_creation_and_totals_are_exact() {
    let mut client = Client::new();
    let ids: Vec<String> = (0..7)
        .map(|n| client.user(&format!("u{n}@example.com")))
        .collect();
    for bound in [None, Some(2)] {
        client.directory.page_bound = bound;
        for (query, start, expected) in [
            ("", 1, &ids[..]),
            ("startIndex=0&count=3", 1, &ids[..3]),
            ("startIndex=-4&count=3", 1, &ids[..3]),
            ("startIndex=6&count=3", 6, &ids[5..]),
            ("startIndex=3&count=4", 3, &ids[2..6]),
            ("startIndex=8", 8, &[]),
            ("count=0", 1, &[]),
            ("count=-1", 1, &[]),
            ("STARTINDEX=2&COUNT=1", 2, &ids[1..2]),
        ] {
            for filter in [
                "",
                "&filter=active%20eq%20true",
                "&filter=userName%20sw%20%22U%22",
            ] {
                let answer = client.get(&format!("/Users?{query}{filter}")).expect(200);
                assert_eq!(answer.ids(), expected, "{query}{filter}");
                assert_eq!(answer.total(), 7, "{query}{filter}");
                assert_eq!(answer.body["startIndex"], json!(start));
            }
        }
    }
}

#[test]
fn a_count_over_the_maximum_is_clamped() {
    let mut client = Client::with(Config {
        max_results: 3,
        ..Config::default()
    });
    for n in 0..5 {
        let _ = client.user(&format!("u{n}@example.com"));
    }
    for query in ["", "?count=1000000", "?count=99999999999999999999999"] {
        let answer = client.get(&format!("/Users{query}")).expect(200);
        assert_eq!((answer.ids().len(), answer.total()), (3, 5), "{query}");
    }
}

#[test]
fn a_page_ends_before_it_grows_too_large() {
    let mut client = Client::new();
    let long = "x".repeat(900_000);
    for n in 0..6 {
        let body = json!({"schemas": [USER], "userName": format!("u{n}"), "displayName": long});
        let _ = client.post("/Users", &body).expect(201);
    }
    for query in ["", "?filter=active+pr+or+userName+pr"] {
        let answer = client.get(&format!("/Users{query}"));
        if answer.status == 400 {
            // The operator is not there yet; never an empty list.
            let _ = answer.refused(400, "invalidFilter");
            continue;
        }
        assert_eq!((answer.ids().len(), answer.total()), (4, 6), "{query}");
        assert!(answer.text.len() < 4 << 20);
    }
    let rest = client.get("/Users?startIndex=5").expect(200);
    assert_eq!(rest.ids().len(), 2);
}

#[test]
fn filter_values_may_hold_anything() {
    let mut client = Client::new();
    for name in [
        "ana+eu@example.com",
        "50% off",
        "say \"hi\"",
        "back\\slash",
        "José Ñandú",
        "日本語",
        "a & b = c",
        "it's",
        "tab\there",
        "50%25",
    ] {
        let id = client.user(name);
        let filter = format!("userName eq {}", Value::from(name));
        assert_eq!(
            client.filter("/Users", &filter).expect(200).ids(),
            [id.clone()],
            "{name}"
        );
        let upper = format!("userName eq {}", Value::from(name.to_uppercase()));
        assert_eq!(
            client.filter("/Users", &upper).expect(200).ids(),
            [id],
            "{name}"
        );
    }
    assert_eq!(
        client
            .filter("/Users", "userName eq \"Jose Ñandú\"")
            .total(),
        0,
        "accents count"
    );
}

#[test]
fn a_lookup_by_an_indexed_value_is_one_read() {
    let mut client = Client::new();
    for n in 0..50 {
        let _ = client.user(&format!("u{n}@example.com"));
    }
    let before = client.directory.calls;
    assert_eq!(
        client
            .filter("/Users", "userName eq \"u7@example.com\"")
            .total(),
        1
    );
    let after = client.directory.calls;
    assert_eq!((after.find - before.find, after.get - before.get), (1, 0));
}

#[test]
fn a_filter_that_an_index_answers_alone_reads_no_more_than_the_page() {
    let mut client = Client::with(Config {
        scan_budget: 3,
        ..Config::default()
    });
    let ids: Vec<String> = (0..20).map(|n| client.user(&format!("u{n:02}"))).collect();
    for filter in [
        "active eq true",
        "meta.lastModified gt \"2020-01-01T00:00:00Z\"",
        "userName sw \"u\"",
        "not (active eq false)",
    ] {
        let before = client.directory.calls;
        let query = format!("/Users?count=2&startIndex=5&filter={}", encoded(filter));
        let page = client.get(&query).expect(200);
        assert_eq!(
            (page.ids(), page.total()),
            (ids[4..6].to_vec(), 20),
            "{filter}"
        );
        // A prefix has to be counted by its ids.
        let finds = client.directory.calls.find - before.find;
        assert!(finds <= 2, "{filter}: {finds}");
    }
    // Even ids are not counted without end.
    for n in 20..50 {
        let _ = client.user(&format!("u{n}"));
    }
    let _ = client
        .filter("/Users", "userName sw \"u\"")
        .refused(400, "tooMany");
}

#[test]
fn a_union_finds_each_resource_once_in_order() {
    let mut client = Client::new();
    let body = |n: u32| json!({"schemas": [USER], "userName": format!("u{n}"), "externalId": format!("e{n}")});
    let ids: Vec<String> = (0..5)
        .map(|n| client.post("/Users", &body(n)).expect(201).id())
        .collect();
    let filter = "userName eq \"u3\" or externalId eq \"e1\" or externalId eq \"e3\" or userName eq \"none\"";
    let answer = client.filter("/Users", filter).expect(200);
    assert_eq!(answer.ids(), [ids[1].clone(), ids[3].clone()]);
    assert_eq!(answer.total(), 2);
    let by_id = format!("id eq \"{}\" or id eq \"{}\"", ids[4], ids[0]);
    assert_eq!(
        client.filter("/Users", &by_id).ids(),
        [ids[0].clone(), ids[4].clone()]
    );
}

#[test]
fn a_scan_past_its_budget_is_too_many() {
    let mut client = Client::with(Config {
        scan_budget: 3,
        ..Config::default()
    });
    for n in 0..3 {
        let _ = client.user(&format!("u{n}@example.com"));
    }
    assert_eq!(
        client
            .filter("/Users", "not (title pr)")
            .expect(200)
            .total(),
        3
    );
    let _ = client.user("one-more@example.com");
    let _ = client
        .filter("/Users", "not (title pr)")
        .refused(400, "tooMany")
        .names("userName");
    assert_eq!(
        client
            .filter("/Users", "userName eq \"u1@example.com\"")
            .expect(200)
            .total(),
        1
    );
}

#[test]
fn an_index_that_is_not_filled_is_not_trusted() {
    let mut client = Client::new();
    let id = client.user("ana@example.com");
    let group = client.group("Eng", &[]);
    client.directory.state.forget_keys("older-rules");
    let lookup = "userName eq \"ana@example.com\"";
    assert_eq!(
        client.filter("/Users", lookup).expect(200).ids(),
        [id.clone()]
    );
    assert!(client.noted("index-not-ready"));

    let mut cursor = None;
    let mut written = 0;
    loop {
        let step = reindex_step(
            &client.config,
            &mut client.directory,
            &mut client.world,
            cursor.as_deref(),
            1,
        )
        .unwrap();
        written += step.written;
        cursor = step.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(written, 2);
    assert!(!client.directory.state.keys(&group).is_empty());
    assert_eq!(
        client.filter("/Users", lookup).expect(200).ids(),
        [id.clone()]
    );
    assert!(!client.noted("index-not-ready"));
    assert_eq!(
        client.get(&format!("/Users/{id}")).version(),
        "W/\"1\"",
        "content is untouched"
    );
}

#[test]
fn users_are_found_by_their_groups_direct_or_not() {
    let mut client = Client::new();
    let (ana, ben) = (client.user("ana"), client.user("ben"));
    let inner = client.group("Inner", &[&ana]);
    let outer = client.group("Outer", &[&inner, &ben]);
    let by_group = |id: &str| format!("groups.value eq \"{id}\"");
    assert_eq!(
        client.filter("/Users", &by_group(&inner)).expect(200).ids(),
        [ana.clone()]
    );
    assert_eq!(
        client.filter("/Users", &by_group(&outer)).expect(200).ids(),
        [ana.clone(), ben]
    );
    let groups = client.get(&format!("/Users/{ana}")).expect(200).body["groups"].clone();
    assert_eq!(groups[0]["type"], "direct");
    assert_eq!(groups[1]["type"], "indirect");
    let by_member = format!("members.value eq \"{ana}\"");
    assert_eq!(
        client.filter("/Groups", &by_member).expect(200).ids(),
        [inner]
    );
}

#[test]
fn only_what_is_asked_for_is_shown_and_read() {
    let mut client = Client::new();
    let user = client.user("ana@example.com");
    let group = client.group("Eng", &[&user]);
    let target = format!("/Users/{user}");
    let shown = client
        .get(&format!("{target}?attributes=USERNAME,meta.version"))
        .expect(200)
        .body;
    let expected = json!({"schemas": [USER], "id": user, "userName": "ana@example.com",
        "meta": {"version": "W/\"1\""}});
    assert_eq!(shown, expected);
    let reads = client.directory.calls.groups_of;
    let _ = client
        .get(&format!("{target}?excludedAttributes=groups"))
        .expect(200);
    let _ = client.get("/Users?attributes=userName").expect(200);
    assert_eq!(
        client.directory.calls.groups_of, reads,
        "groups nobody asks for are not read"
    );

    let target = format!("/Groups/{group}");
    let values = client
        .get(&format!("{target}?attributes=members.value"))
        .expect(200)
        .body;
    assert_eq!(
        values,
        json!({"schemas": [GROUP], "id": group, "members": [{"value": user}]})
    );
    let renamed = json!([{"op": "replace", "path": "displayName", "value": "Engineering"}]);
    let patched = client
        .patch(&format!("{target}?attributes=displayName"), &renamed)
        .expect(200);
    assert_eq!(
        patched.body,
        json!({"schemas": [GROUP], "id": group, "displayName": "Engineering"})
    );
    let created = client.post(
        "/Users?attributes=id",
        &json!({"schemas": [USER], "userName": "ben@example.com"}),
    );
    assert_eq!(created.expect(201).body.get("userName"), None);
    let both = client.get("/Users?attributes=id&excludedAttributes=name");
    let _ = both.refused(400, "invalidValue");
}

#[test]
fn a_blank_filter_is_no_filter() {
    let mut client = Client::new();
    let _ = client.user("ana");
    assert_eq!(
        client
            .get("/Users?filter=&startIndex=1")
            .expect(200)
            .total(),
        1
    );
    assert_eq!(
        client
            .get(&format!("/Users?filter={}", encoded("  ")))
            .expect(200)
            .total(),
        1
    );
}

#[test]
fn a_filter_that_waits_for_its_index_is_unavailable_and_not_too_much() {
    let mut client = Client::with(Config {
        scan_budget: 1,
        ..Config::default()
    });
    let id = client.user("ana");
    let _ = client.user("ben");
    client.directory.state.forget_keys("older-rules");
    let _ = client
        .filter("/Users", "userName eq \"ana\"")
        .expect(503)
        .names("the index is being rebuilt");
    let _ = client.filter("/Users", "title pr").refused(400, "tooMany");
    let by_id = client.filter("/Users", &format!("id eq \"{id}\""));
    assert_eq!(by_id.expect(200).ids(), [id]);
}

#[test]
fn logins_are_found_without_the_white_space_around_them_index_or_not() {
    let mut client = Client::new();
    let body = json!({"schemas": [USER], "userName": " Ana ", "displayName": " Ana ",
        "emails": [{"value": "ana@example.com ", "type": "work"}]});
    let created = client.post("/Users", &body).expect(201);
    assert_eq!(created.body["userName"], " Ana ", "returned as it was sent");
    for indexed in [true, false] {
        for (filter, found) in [
            ("userName eq \"ana\"", 1),
            ("userName eq \"ANA  \"", 1),
            ("userName sw \" an\"", 1),
            ("userName ew \"na\"", 1),
            ("userName ne \"ana\"", 0),
            ("emails.value eq \"ana@example.com\"", 1),
            ("emails eq \" ana@example.com\"", 1),
            (
                "emails[type eq \"work\" and value eq \"ana@example.com\"]",
                1,
            ),
            ("displayName eq \"ana\"", 0),
        ] {
            let answer = client.filter("/Users", filter).expect(200);
            assert_eq!(answer.total(), found, "{filter}, indexed: {indexed}");
        }
        client.directory.state.forget_keys("older-rules");
    }
}
