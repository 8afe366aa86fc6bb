//! What changes nothing changes neither version nor time of change, and a change that
//! is made twice is made once.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::cases;
use super::changes::{Few, few, operation, user};
use super::model::{Op, Operation, Payload, Target};
use super::traffic::{BADGE, config};
use crate::client::{Client, USER};

/// An operation that finds what it looked for when it is done again: its filter asks
/// for nothing that it changes.
fn repeatable(few: &Few) -> impl Strategy<Value = Operation> + use<> {
    operation(few).prop_filter("changes what it asks for", |operation| {
        let Operation {
            op,
            target,
            payload,
        } = operation;
        let steady = |target: &Target, payload: &Payload| match target {
            Target::At(path) if *op != Op::Remove && !path.filter.is_empty() => {
                path.sub
                    .is_some_and(|sub| path.filter.iter().all(|(tested, _)| *tested != sub))
                    && payload.to_json() != Value::Null
            }
            _ => true,
        };
        match payload {
            // Parts that name one attribute get in each other's way.
            Payload::Each(parts) => {
                parts.len() < 2
                    && parts
                        .iter()
                        .all(|(target, payload)| steady(target, payload))
            }
            payload => steady(target, payload),
        }
    })
}

fn created(client: &mut Client, user: &Value) -> String {
    let mut answer = client.post("/Users", user);
    if answer.status != 201 {
        answer = client.post("/Users", &json!({"schemas": [USER], "userName": "ana"}));
    }
    format!("/Users/{}", answer.expect(201).id())
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn an_operation_twice_is_that_operation_once(
        dialect in select(vec!["auto", "strict"]),
        (user, operations) in few().prop_flat_map(|few| {
            (user(&few), prop::collection::vec(repeatable(&few), 1..4))
        }),
    ) {
        let mut client = Client::with(config(dialect));
        let place = created(&mut client, &user);
        for operation in operations {
            let sent = json!([operation.to_json()]);
            let first = client.patch(&place, &sent);
            let state = client.directory.state.clone();
            let second = client.patch(&place, &sent);
            prop_assert_eq!(first.status, second.status, "{}", sent);
            prop_assert_eq!(&first.body, &second.body, "{}", sent);
            prop_assert_eq!(&client.directory.state, &state, "{}", sent);
        }
    }

    #[test]
    fn what_was_read_can_be_sent_back_and_changes_nothing(
        dialect in select(vec!["auto", "strict"]),
        (users, requests) in few().prop_flat_map(|few| {
            let request = prop::collection::vec(operation(&few), 1..3);
            (prop::collection::vec(user(&few), 1..3), prop::collection::vec(request, 0..3))
        }),
    ) {
        let mut client = Client::with(config(dialect));
        let place = created(&mut client, &users[0]);
        for operations in requests {
            let operations: Value = operations.iter().map(Operation::to_json).collect();
            let _ = client.patch(&place, &operations);
        }
        for user in &users[1..] {
            let _ = client.put(&place, user);
        }
        // What no schema has is not shown, so it is lost by this.
        let shown = client.get(&place).expect(200).body;
        let put = client.put(&place, &shown);
        prop_assert_eq!(put.status, 200, "{}: {}", shown, put.body);
        let before = client.get(&place).expect(200);
        let state = client.directory.state.clone();
        let put = client.put(&place, &before.body);
        prop_assert_eq!(put.status, 200, "{}: {}", before.body, put.body);
        prop_assert_eq!(&put.body, &before.body);
        prop_assert_eq!(&client.directory.state, &state);
        // And whatever there is can be changed.
        let title = json!([{"op": "replace", "path": "nickName", "value": "x"}]);
        let _ = client.patch(&place, &title).expect(200);
    }
}

#[test]
fn an_element_made_through_a_filter_is_made_once() {
    let mut client = Client::with(config("auto"));
    let place = created(&mut client, &json!({"schemas": [USER], "userName": "ana"}));
    let add = |path: &str, value: Value| json!([{"op": "add", "path": path, "value": value}]);
    let home = add(
        "emails[type eq \"work\"]",
        json!({"value": "a", "type": "home"}),
    );
    let first = client.patch(&place, &home).expect(200);
    assert_eq!(client.patch(&place, &home).expect(200).body, first.body);
    // What holds of nothing describes nothing.
    let neither = add("emails[type eq \"a\" and type eq \"b\"].value", json!("c"));
    let _ = client.patch(&place, &neither).refused(400, "noTarget");
}

#[test]
fn what_a_put_leaves_of_an_extension_is_whole() {
    let mut client = Client::with(config("auto"));
    let plain = json!({"schemas": [USER], "userName": "ana"});
    let mut user = plain.clone();
    user[BADGE] = json!({"serial": "A-1", "number": 7, "locks": [{"value": "l1"}]});
    let place = created(&mut client, &user);
    // The serial can be set only once, so it stays; and what has one has locks.
    let put = client.put(&place, &plain).expect(200);
    let left = json!({"serial": "A-1", "locks": [{"value": "l1"}]});
    assert_eq!(put.body[BADGE], left);
    let _ = client.put(&place, &put.body).expect(200);
}

#[test]
fn a_number_that_is_read_and_written_again_is_the_same() {
    let mut client = Client::with(config("auto"));
    let user = format!(
        "{{\"schemas\": [\"{USER}\"], \"userName\": \"ana\", \"shoeSize\": {}}}",
        "7777770000000000000001101732413"
    );
    let answer = client.request("POST", "/Users", &[], user.as_bytes());
    let place = format!("/Users/{}", answer.expect(201).id());
    let before = client.get(&place).expect(200);
    let nothing = json!([{"op": "remove", "path": "title"}]);
    let after = client.patch(&place, &nothing).expect(200);
    assert_eq!(after.body["meta"], before.body["meta"]);
}
