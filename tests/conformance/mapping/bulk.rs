//! People who come many at once.

use nameplate_tests::App;
use nameplate_tests::names::{GROUP, USER};
use serde_json::{Value, json};

fn create(endpoint: &str, bulk_id: &str, data: Value) -> Value {
    json!({"method": "POST", "path": endpoint, "bulkId": bulk_id, "data": data})
}

fn user(bulk_id: &str, name: &str) -> Value {
    let data = json!({"schemas": [USER], "userName": name, "active": true});
    create("/Users", bulk_id, data)
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_waited_are_linked_within_the_bulk_request() {
    let app = App::start().await;
    for (id, email) in [("1", "ana@example.com"), ("2", "bo@example.com")] {
        let _ = app.enrolled(id, email).await;
    }
    let group = json!({"schemas": [GROUP], "displayName": "Engineering",
        "members": [{"value": "bulkId:bo"}]});
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            user("ana", "ana@example.com"),
            user("bo", "bo@example.com"),
            create("/Groups", "eng", group),
        ],
    });
    let done = app.scim().post("/Bulk", &body).await.expect(200);
    let all = done["Operations"].as_array().unwrap();
    assert!(all.iter().all(|one| one["status"] == "201"), "{done}");
    assert_eq!(
        app.end_users("1").await[0]["idp_username"],
        "ana@example.com"
    );
    assert_eq!(
        app.end_users("2").await[0]["idp_groups"],
        json!(["Engineering"])
    );
}
