//! Bulk (RFC 7644 3.7).

use std::time::Instant;

use nameplate_tests::names::{GROUP, USER};
use nameplate_tests::{Answer, Client, Idp};
use serde_json::{Value, json};

async fn bulk(client: &Client, operations: &[Value]) -> Answer {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    });
    client.post("/Bulk", &body).await
}

fn user(bulk_id: &str, name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id,
        "data": {"schemas": [USER], "userName": name, "active": true}})
}

fn group(bulk_id: &str, name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id,
        "data": {"schemas": [GROUP], "displayName": name, "members": members}})
}

#[track_caller]
fn statuses(done: &Value) -> Vec<String> {
    // RFC 7644 3.7.3: the status is a text.
    let operations = done["Operations"].as_array().unwrap();
    let status = |done: &'_ Value| done["status"].as_str().map(str::to_owned);
    operations
        .iter()
        .map(|done| status(done).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_refer_to_what_others_create_in_whatever_order() {
    let idp = Idp::start().await;
    let done = bulk(
        &idp,
        &[
            group("eng", "Engineering", &["bulkId:ana", "bulkId:core"]),
            group("core", "Core", &["bulkId:eng"]),
            user("ana", "ana@example.com"),
            user("twice", "ANA@example.com"),
            json!({"method": "PATCH", "path": "/Users/bulkId:ana", "data": {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "path": "title", "value": "Engineer"}]}}),
        ],
    )
    .await
    .expect(200);
    assert_eq!(statuses(&done), ["201", "201", "201", "409", "200"]);
    assert_eq!(
        done["Operations"][3]["response"]["scimType"], "uniqueness",
        "{done}"
    );
    let found = idp.find("/Users", "userName eq \"ana@example.com\"").await;
    let found = found.expect(200);
    assert_eq!(found["Resources"][0]["title"], "Engineer");
    let location = done["Operations"][2]["location"].as_str().unwrap();
    assert!(location.ends_with(&found.ids()[0]), "{location}");
    // The circle of the two groups is closed.
    let groups = found["Resources"][0]["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 2, "{groups:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_so_many_errors_nothing_more_is_tried() {
    let idp = Idp::start().await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "failOnErrors": 1,
        "Operations": [user("1", "ana@example.com"), user("2", "ana@example.com"),
            user("3", "bo@example.com")],
    });
    let done = idp.post("/Bulk", &body).await.expect(200);
    assert_eq!(statuses(&done), ["201", "409"]);
    assert_eq!(idp.get("/Users").await.expect(200).total(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_users_and_their_group_are_one_request() {
    let idp = Idp::start().await;
    let config = idp.get("/ServiceProviderConfig").await.expect(200);
    let most = config["bulk"]["maxOperations"].as_u64().unwrap() as usize;
    let ids: Vec<String> = (1..most).map(|n| format!("bulkId:{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut operations = vec![group("all", "Everybody", &ids)];
    operations.extend((1..most).map(|n| user(&n.to_string(), &format!("user{n}@example.com"))));
    let began = Instant::now();
    let done = bulk(&idp, &operations).await.expect(200);
    eprintln!("{most} operations took {:?}", began.elapsed());
    assert_eq!(statuses(&done), vec!["201"; most]);
    let location = done["Operations"][0]["location"].as_str().unwrap();
    let id = location.rsplit('/').next().unwrap();
    let group = idp.get(&format!("/Groups/{id}")).await.expect(200);
    assert_eq!(group.members().len(), most - 1);
}
