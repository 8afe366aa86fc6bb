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
        // Within 8 KiB, beyond which nothing is read at all.
        deep(3500, "(", ")"),
        deep(1200, "not (", ")"),
        deep(7000, "(", ""),
        format!("{}type pr{}", "emails[".repeat(1000), "]".repeat(1000)),
        format!(
            "{}type pr{}",
            "emails[type pr and ".repeat(400),
            "]".repeat(400)
        ),
        deep(800, "not(not(", "))"),
        deep(30_000, "(", ")"),
    ] {
        let answer = search(&okta, "/Users", &filter).await;
        let _ = answer.refused(400, "invalidFilter");
    }
    let _ = okta.get("/Users").await.expect(200);
}

/// So many terms.
fn terms(join: &str, count: usize, term: &dyn Fn(usize) -> String) -> String {
    let terms: Vec<String> = (0..count).map(term).collect();
    terms.join(join)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_widest_filters_are_answered_and_wider_ones_refused_unread() {
    let app = App::start().await;
    let okta = app.scim();
    for number in 0..20 {
        let _ = okta.user(&format!("u{number}@example.com")).await;
    }
    // As many comparisons as are allowed, none of which finds anybody.
    let kinds: [(&str, &dyn Fn(usize) -> String); 5] = [
        (" or ", &|n| format!("userName eq \"{n}\"")),
        (" or ", &|n| format!("userName co \"{n}z\"")),
        (" and ", &|n| format!("userName co \"{n}z\"")),
        (" or ", &|n| format!("groups.value eq \"{n}\"")),
        (" or ", &|n| format!("title ew \"{n}\"")),
    ];
    for (join, term) in kinds {
        let found = search(&okta, "/Users", &terms(join, 200, term)).await;
        assert_eq!(found.expect(200).total(), 0, "{}", term(0));
        for count in [201, 2000, 40_000] {
            let answer = search(&okta, "/Users", &terms(join, count, term)).await;
            let status = answer.status;
            assert!(matches!(status, 400 | 413), "{count} of {}", term(0));
            let _ = answer.expect(status);
        }
    }
    // What a backtracking search would never finish.
    for text in [
        "a".repeat(8000),
        "(a+)+$".repeat(1300),
        "a\\u0301".repeat(1100),
    ] {
        for operator in ["co", "sw", "ew", "eq"] {
            let filter = format!("userName {operator} \"{text}\"");
            let found = search(&okta, "/Users", &filter).await;
            assert_eq!(found.expect(200).total(), 0, "{filter:.60}");
        }
    }
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
