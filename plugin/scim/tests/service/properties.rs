//! What holds of any request.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::client::{Client, PATCH_OP, USER, encoded};

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
    #![proptest_config(ProptestConfig::with_cases(64))]

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

    /// Every answer is checked by the client: a SCIM error, never a 500.
    #[test]
    fn any_bytes_get_an_answer(
        path in "\\PC{0,20}",
        query in "\\PC{0,40}",
        body in prop::collection::vec(any::<u8>(), 0..60),
        filter in "[a-z.\\[\\]()\"= ]{0,40}",
        value in "\\PC{0,20}",
    ) {
        let mut client = Client::new();
        let user = format!("/Users/{}", client.user("ana"));
        let group = format!("/Groups/{}", client.group("Eng", &[]));
        let _ = client.get(&format!("/{path}?{query}"));
        let _ = client.get(&format!("/Users?{query}"));
        let _ = client.get(&format!("/Groups?filter={}", encoded(&filter)));
        let operations = json!({"schemas": [PATCH_OP],
            "Operations": [{"op": "add", "path": filter, "value": value}]});
        for target in [user.as_str(), group.as_str()] {
            let _ = client.request("PATCH", target, &[], &body);
            let _ = client.request("PUT", target, &[], &body);
            let _ = client.send("PATCH", target, &operations);
        }
    }
}
