//! Filters that cost more than they weigh.
//!
//! Filters that are not understood are in `rfc7644::errors`; any bytes are tried by
//! `.ci/fuzz` and by `nameplate-scim`'s properties.

use nameplate_tests::{Answer, App, Client};
use serde_json::json;

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// Longer than a URL.
async fn search(client: &Client, endpoint: &str, filter: &str) -> Answer {
    let body = json!({"schemas": [SEARCH], "filter": filter});
    client.post(&format!("{endpoint}/.search"), &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_is_bounded_in_depth() {
    let app = App::start().await;
    let okta = app.scim();
    let _ = okta.user("ana@example.com").await;
    let deep = |count: usize, open: &str, close: &str| {
        format!("{}userName pr{}", open.repeat(count), close.repeat(count))
    };
    for filter in [
        deep(30_000, "(", ")"),
        deep(9000, "not (", ")"),
        deep(30_000, "(", ""),
        format!("{}userName pr{}", "emails[".repeat(8000), "]".repeat(8000)),
        format!(
            "{}value pr{}",
            "emails[value pr and ".repeat(2500),
            "]".repeat(2500)
        ),
        deep(5000, "not(not(", "))"),
    ] {
        let answer = search(&okta, "/Users", &filter).await;
        let _ = answer.refused(400, "invalidFilter");
    }
    let _ = okta.get("/Users").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_widest_filters_are_answered_or_refused_in_time() {
    let app = App::start().await;
    let okta = app.scim();
    for number in 0..20 {
        let _ = okta.user(&format!("u{number}@example.com")).await;
    }
    let terms = |join: &str, term: &dyn Fn(usize) -> String| {
        let mut filter = term(0);
        let mut number = 1;
        while filter.len() < 60_000 {
            filter.push_str(join);
            filter.push_str(&term(number));
            number += 1;
        }
        filter
    };
    let quoted = "a\\u0301".repeat(8000);
    for filter in [
        terms(" or ", &|n| format!("userName eq \"{n}\"")),
        terms(" or ", &|n| format!("userName co \"{n}\"")),
        terms(" or ", &|_| "title pr".to_owned()),
        terms(" and ", &|n| format!("userName ne \"{n}\"")),
        terms(" or ", &|n| {
            format!("emails[value sw \"{n}\" and type eq \"work\"]")
        }),
        terms(" or ", &|n| format!("groups.value eq \"{n}\"")),
        terms(" or ", &|n| format!("unknown{n} pr")),
        format!("userName co \"{quoted}\""),
        format!("userName eq \"{}\"", "a".repeat(60_000)),
        format!("userName eq \"{}\"", "a".repeat(900_000)),
        // What a backtracking search would never finish.
        format!("userName co \"{}b\"", "a".repeat(60_000)),
        format!("userName sw \"{}\"", "(a+)+$".repeat(9000)),
    ] {
        let answer = search(&okta, "/Users", &filter).await;
        assert!(
            matches!(answer.status, 200 | 400),
            "{filter:.60}: {} {:.300}",
            answer.status,
            answer.text()
        );
        let status = answer.status;
        let _ = answer.expect(status);
    }
    let _ = okta.get("/Users").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn wildcards_and_quotes_of_a_database_are_plain_characters() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    for text in [
        "%",
        "_",
        "a%",
        "*",
        "?",
        "[a-z]",
        ".*",
        "' or '1'='1",
        "'; drop table document; --",
        "\\\" or userName pr or \\\"",
        "\\\\",
        "ana@example.com\\u0000",
    ] {
        for operator in ["eq", "co", "sw", "ew"] {
            let answer = okta
                .find("/Users", &format!("userName {operator} \"{text}\""))
                .await;
            assert_eq!(answer.expect(200).total(), 0, "{operator} {text}");
        }
    }
    let found = okta.find("/Users", "userName co \"na@\"").await.expect(200);
    assert_eq!(found.ids(), [ana]);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_of_patches_are_bounded_like_filters() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let target = format!("/Users/{ana}");
    let before = okta.everything().await;
    for path in [
        format!(
            "emails[{}type pr{}]",
            "(".repeat(50_000),
            ")".repeat(50_000)
        ),
        format!("emails[{}]", "type eq \"x\" or ".repeat(30_000)),
        format!("name{}", ".name".repeat(100_000)),
        format!("{}title", "urn:".repeat(100_000)),
        "a".repeat(900_000),
        "emails[".repeat(100_000),
    ] {
        let operations = json!([{"op": "replace", "path": path, "value": "x"}]);
        let answer = okta.patch(&target, &operations).await;
        assert_eq!(answer.status, 400, "{path:.60}: {:.300}", answer.text());
        let _ = answer.expect(400);
    }
    assert_eq!(okta.everything().await, before);
}
