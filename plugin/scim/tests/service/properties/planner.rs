//! What a plan finds is what is there.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::cases;
use crate::client::{Client, USER};

/// Few values, so that filters hit; awkward ones, so that folding matters.
fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "ana", "ANA", "Ben", "josé", "JOSÉ", "x y", "straße", "STRASSE",
    ])
    .prop_map(str::to_owned)
}

fn comparison() -> impl Strategy<Value = String> {
    let attribute = prop::sample::select(vec![
        "userName",
        "displayName",
        "externalId",
        "emails.value",
        "title",
        "emails",
    ]);
    (attribute, word())
        .prop_map(|(attribute, word)| format!("{attribute} eq {}", Value::from(word)))
}

fn filter() -> impl Strategy<Value = String> {
    comparison().prop_recursive(3, 8, 2, |inner| {
        (
            inner.clone(),
            prop::sample::select(vec!["and", "or"]),
            inner,
        )
            .prop_map(|(a, join, b)| format!("({a}) {join} ({b})"))
    })
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn an_index_finds_what_a_scan_finds(
        people in prop::collection::vec((word(), word(), word(), word()), 1..8),
        filters in prop::collection::vec(filter(), 1..6),
    ) {
        let mut client = Client::new();
        for (name, display, external, email) in people {
            let body = json!({"schemas": [USER], "userName": name, "displayName": display,
                "externalId": external, "title": name, "emails": [{"value": email}]});
            let answer = client.post("/Users", &body);
            prop_assert!(matches!(answer.status, 201 | 409), "{}", answer.body);
        }
        let planned: Vec<Vec<String>> =
            filters.iter().map(|f| client.filter("/Users", f).expect(200).ids()).collect();
        // From here on only a scan can find anything.
        client.directory.state.forget_keys("other-rules");
        for (filter, planned) in filters.iter().zip(planned) {
            let scanned = client.filter("/Users", filter).expect(200);
            prop_assert_eq!(scanned.ids(), planned, "{}", filter);
        }
    }
}
