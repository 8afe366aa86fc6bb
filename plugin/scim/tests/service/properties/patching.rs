//! PATCH does what the model says, whatever the user, the operations and the dialect.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::cases;
use super::changes::{UNDECLARED, few, operation, user};
use super::model::{Model, Operation, Tree};
use super::traffic::{BADGE, config};
use crate::client::{Answer, Client, ENTERPRISE, USER};

/// What is kept of a user, checked against what is shown of it.
fn kept(client: &Client, shown: &Answer) -> Tree {
    let stored = &client.directory.state.stored[&shown.id()];
    let kept: Tree = serde_json::from_slice(&stored.document.json).unwrap();
    let mut expected = kept.clone();
    expected.remove(UNDECLARED);
    expected.insert("schemas".to_owned(), schemas(&kept));
    expected.insert("id".to_owned(), shown.body["id"].clone());
    expected.insert("meta".to_owned(), shown.body["meta"].clone());
    assert_eq!(shown.body, Value::Object(expected));
    kept
}

/// The schemas a user of this content has to name.
fn schemas(tree: &Tree) -> Value {
    let of = |urn: &&str| *urn == USER || tree.contains_key(*urn);
    [USER, ENTERPRISE, BADGE].into_iter().filter(of).collect()
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn a_patch_does_what_the_model_says(
        dialect in select(vec!["auto", "entra", "okta", "generic", "strict"]),
        (user, requests) in few().prop_flat_map(|few| {
            let request = prop::collection::vec(operation(&few), 1..4);
            (user(&few), prop::collection::vec(request, 1..5))
        }),
    ) {
        let model = Model { dialect };
        let mut client = Client::with(config(dialect));
        let mut created = client.post("/Users", &user);
        if created.status != 201 {
            created = client.post("/Users", &json!({"schemas": [USER], "userName": "ana"}));
        }
        let place = format!("/Users/{}", created.id());
        let mut before = client.get(&place).expect(200);
        for operations in requests {
            let old = kept(&client, &before);
            let expected = model.patch(&old, &operations);
            let sent: Value = operations.iter().map(Operation::to_json).collect();
            let answer = client.patch(&place, &sent);
            let after = client.get(&place).expect(200);
            let new = kept(&client, &after);
            match expected {
                Ok(expected) => {
                    prop_assert_eq!(answer.status, 200, "{}: {}", sent, answer.body);
                    prop_assert_eq!(&new, &expected, "{} on {}", sent, before.body);
                    prop_assert_eq!(&answer.body, &after.body);
                }
                Err(scim_type) => {
                    prop_assert_eq!(answer.status, 400, "{} is to be {}", sent, scim_type);
                    prop_assert_eq!(&answer.body["scimType"], scim_type, "{}: {}", sent, answer.body);
                    prop_assert_eq!(&new, &old, "{}", sent);
                }
            }
            // RFC 7644 3.5.2.1: what changes nothing changes no time of change.
            prop_assert_eq!(after.body["meta"] == before.body["meta"], new == old, "{}", sent);
            before = after;
        }
    }
}

#[test]
fn a_required_list_does_not_lose_its_last_element_to_a_remove() {
    let mut client = Client::with(config("auto"));
    let user = json!({"schemas": [USER], "userName": "ana",
        BADGE: {"locks": [{"value": "a"}, {"value": "b"}]}});
    let place = format!("/Users/{}", client.post("/Users", &user).expect(201).id());
    let remove = |id: &str| {
        let path = format!("{BADGE}:locks[value eq \"{id}\"]");
        json!([{"op": "remove", "path": path}])
    };
    let _ = client.patch(&place, &remove("a")).expect(200);
    let _ = client.patch(&place, &remove("c")).expect(200);
    // RFC 7644 3.5.2.2: what becomes unassigned and is required is a mutability error.
    let _ = client
        .patch(&place, &remove("b"))
        .refused(400, "mutability");
    let part = json!([{"op": "remove", "path": format!("{BADGE}:locks[value eq \"b\"].value")}]);
    let _ = client.patch(&place, &part).refused(400, "mutability");
}
