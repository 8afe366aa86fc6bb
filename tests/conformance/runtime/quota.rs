//! How many users, groups and members a tenant may have: one more is refused in words,
//! and what is there stays usable.

use nameplate_runtime::limits::Limits;
use nameplate_tests::names::{GROUP, USER};
use nameplate_tests::{Answer, App};
use serde_json::{Value, json};

async fn app() -> App {
    let limits = Limits {
        users: 2,
        groups: 1,
        members: 1,
        ..Limits::default()
    };
    App::builder().limits(limits).start().await
}

fn user(name: &str) -> Value {
    json!({"schemas": [USER], "userName": name})
}

fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"schemas": [GROUP], "displayName": name, "members": members})
}

#[track_caller]
fn no_room(answer: Answer, words: &str) {
    let answer = answer.refused(507, "");
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!(seconds >= 60, "somebody has to make room first");
    let detail = answer.json["detail"].as_str().unwrap();
    assert!(detail.starts_with(words), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_more_than_the_tenant_may_have_is_refused_until_one_goes() {
    let app = app().await;
    let scim = app.scim();
    let first = scim.post("/Users", &user("ana")).await.expect(201);
    let id = first.json["id"].as_str().unwrap().to_owned();
    scim.post("/Users", &user("bo")).await.expect(201);
    no_room(scim.post("/Users", &user("cy")).await, "2 users");
    // What is there can be changed all the same.
    scim.put(&format!("/Users/{id}"), &user("anna"))
        .await
        .expect(200);
    scim.delete(&format!("/Users/{id}")).await.expect(204);
    scim.post("/Users", &user("cy")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_group_and_one_member_more_are_refused_and_nothing_of_them_is_left() {
    let app = app().await;
    let scim = app.scim();
    let mut ids = Vec::new();
    for name in ["ana", "bo"] {
        let made = scim.post("/Users", &user(name)).await.expect(201);
        ids.push(made.json["id"].as_str().unwrap().to_owned());
    }
    let both = group("Sales", &[&ids[0], &ids[1]]);
    no_room(scim.post("/Groups", &both).await, "1 members");
    let found = scim.get("/Groups").await.expect(200);
    assert_eq!(found.json["totalResults"], 0);
    scim.post("/Groups", &group("Sales", &[&ids[0]]))
        .await
        .expect(201);
    no_room(scim.post("/Groups", &group("Legal", &[])).await, "1 groups");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_tenant_is_told_of_on_the_page_and_takes_nothing_from_its_neighbour() {
    let app = app().await;
    let scim = app.scim();
    let (other, _) = app.clients("other", "okta").await;
    for name in ["ana", "bo"] {
        scim.post("/Users", &user(name)).await.expect(201);
    }
    no_room(scim.post("/Users", &user("cy")).await, "2 users");
    other.post("/Users", &user("cy")).await.expect(201);
    let details = app
        .admin()
        .get("/api/v1/fleet/scim/details")
        .await
        .expect(200);
    let last = &details.json["last_request"];
    assert_eq!(last["status"], "error", "{last}");
    assert!(
        last["details"].as_str().unwrap().contains("2 users"),
        "{last}"
    );
}
