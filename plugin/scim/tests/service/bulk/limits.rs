//! The limits of Bulk (RFC 7644 3.7.4), and what it costs.

use nameplate_scim::config::Config;
use serde_json::json;

use super::{delete, group, patch, post, user};
use crate::client::Client;

#[test]
fn more_operations_than_allowed_are_refused_as_a_whole() {
    let mut client = Client::with(Config {
        bulk_max_operations: 2,
        ..Config::default()
    });
    let some = [
        post("/Users", "a", user("ana")),
        post("/Users", "b", user("bob")),
        delete("/Users/1"),
    ];
    let answer = client.bulk_answer(&some).expect(413);
    let _ = answer.names("`maxOperations` (2)");
    assert_eq!(client.get("/Users").total(), 0);
    let _ = client.bulk(&some[..2]).expect([201, 201]);
}

#[test]
fn a_larger_request_than_allowed_is_refused_as_a_whole() {
    let some = [post("/Users", "a", user("ana"))];
    let body = json!({"schemas": [super::REQUEST], "Operations": some}).to_string();
    let with = |limit: u64| {
        Client::with(Config {
            large_body_limit: limit,
            ..Config::default()
        })
    };
    let mut client = with(body.len() as u64 - 1);
    let answer = client.request("POST", "/Bulk", &[], body.as_bytes());
    let expected = format!("`maxPayloadSize` ({} bytes)", body.len() - 1);
    let _ = answer.expect(413).names(&expected);
    assert_eq!(client.get("/Users").total(), 0);
    let mut client = with(body.len() as u64);
    let _ = client
        .request("POST", "/Bulk", &[], body.as_bytes())
        .expect(200);
}

#[test]
fn an_operation_may_be_as_large_as_alone() {
    let mut client = Client::with(Config {
        body_limit: 200,
        large_body_limit: 2000,
        ..Config::default()
    });
    let long = "x".repeat(200);
    let mut ana = user("ana");
    ana["title"] = json!(long);
    let mut eng = group("Eng", &[]);
    eng["externalId"] = json!(long);
    let _ = client
        .bulk(&[
            post("/Users", "a", ana),
            post("/Groups", "b", eng),
            post("/Users", "c", user("bob")),
        ])
        .expect([413, 201, 201]);
}

#[test]
fn ids_in_place_of_references_count_as_what_is_sent() {
    let mut client = Client::with(Config {
        large_body_limit: 2500,
        ..Config::default()
    });
    let members = ["bulkId:a"; 60];
    let _ = client
        .bulk(&[
            post("/Users", "a", user("ana")),
            post("/Groups", "b", group("Eng", &members)),
            post("/Groups", "c", group("Ops", &members[..20])),
        ])
        .expect([201, 413, 201]);
}

#[test]
fn discovery_tells_the_limits() {
    let mut client = Client::with(Config {
        bulk_max_operations: 7,
        large_body_limit: 5000,
        ..Config::default()
    });
    let answer = client.get("/ServiceProviderConfig").expect(200);
    let expected = json!({"supported": true, "maxOperations": 7, "maxPayloadSize": 5000});
    assert_eq!(answer.body["bulk"], expected);
}

#[test]
fn a_thousand_creates_are_one_commit() {
    let mut client = Client::new();
    let mut operations: Vec<_> = (0..999)
        .map(|n| post("/Users", &n.to_string(), user(&format!("user{n}"))))
        .collect();
    let members: Vec<String> = (0..999).map(|n| format!("bulkId:{n}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    operations.push(post("/Groups", "all", group("All", &members)));
    let results = client.bulk(&operations);
    assert!(results.statuses().iter().all(|status| *status == "201"));
    assert_eq!(client.world.notes.len(), 64, "what a host takes");
    let calls = client.directory.calls;
    assert_eq!((calls.commit, calls.get, calls.find), (1, 0, 0));
    let all = client.get(&results.path(999)).expect(200);
    assert_eq!(all.members().len(), 999);
}

#[test]
fn many_bytes_are_committed_in_parts() {
    let mut client = Client::new();
    let long = "x".repeat(900_000);
    let operations: Vec<_> = (0..12)
        .map(|n| {
            let mut user = user(&format!("user{n}"));
            user["title"] = json!(long);
            post("/Users", &n.to_string(), user)
        })
        .collect();
    let results = client.bulk(&operations);
    assert!(results.statuses().iter().all(|status| *status == "201"));
    assert_eq!(client.directory.calls.commit, 3, "of some 4 MiB each");
}

#[test]
fn what_fails_costs_no_more_than_a_few_commits_each() {
    let mut client = Client::new();
    for n in 0..20 {
        client.user(&format!("user{n}"));
    }
    let before = client.directory.calls.commit;
    let operations: Vec<_> = (0..40)
        .map(|n| post("/Users", &n.to_string(), user(&format!("user{n}"))))
        .collect();
    let results = client.bulk(&operations);
    let conflicts = results
        .statuses()
        .iter()
        .filter(|status| **status == "409")
        .count();
    assert_eq!(conflicts, 20);
    let commits = client.directory.calls.commit - before;
    assert!(commits <= 26, "{commits}");
}

#[test]
fn changes_of_others_go_into_one_commit() {
    let mut client = Client::new();
    let ids: Vec<String> = (0..5).map(|n| client.user(&format!("user{n}"))).collect();
    let eng = client.group("Eng", &[]);
    let before = client.directory.calls.commit;
    let mut operations: Vec<_> = ids
        .iter()
        .map(|id| {
            let change = json!([{"op": "add", "path": "title", "value": "x"}]);
            patch(&format!("/Users/{id}"), change)
        })
        .collect();
    operations.extend(ids.iter().map(|id| {
        let add = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
        patch(&format!("/Groups/{eng}"), add)
    }));
    let results = client.bulk(&operations);
    assert!(results.statuses().iter().all(|status| *status == "200"));
    assert_eq!(client.directory.calls.commit - before, 1);
    let group = client.get(&format!("/Groups/{eng}")).expect(200);
    assert_eq!(group.members().len(), 5);
    assert_eq!(results.0[9]["version"], group.version());
}
