//! One PATCH replaces 50,000 members.

use std::time::Instant;

use nameplate_runtime::store::ControlStore;
use nameplate_runtime::plugin::PluginRequest;
use nameplate_runtime::store::{ConnectionId, TenantId};
use nameplate_tests::App;
use nameplate_tests::names::{PATCH, USER};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const MEMBERS: usize = 50_000;
/// Creates in flight at once: they share the syncs of the database.
const AT_ONCE: usize = 16;

/// Adds users through the runtime, without sockets in between.
async fn seed(app: &App, count: usize) -> Vec<String> {
    let tenant = app.store.tenants().await.unwrap().remove(0).id;
    let connection = app.store.connections(tenant).await.unwrap().remove(0).id;
    let mut tasks = JoinSet::new();
    for lane in 0..AT_ONCE {
        let runtime = app.runtime.clone();
        tasks.spawn(async move {
            let mut ids = Vec::new();
            for n in (lane..count).step_by(AT_ONCE) {
                ids.push(create(&runtime, tenant, connection, n).await);
            }
            ids
        });
    }
    let mut all: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
    all.sort();
    all
}

async fn create(
    runtime: &nameplate_runtime::Runtime,
    tenant: TenantId,
    connection: ConnectionId,
    n: usize,
) -> String {
    let body = json!({"schemas": [USER], "userName": format!("user{n}@example.com")});
    let request = PluginRequest {
        method: "POST".to_owned(),
        path: "/Users".to_owned(),
        body: body.to_string().into_bytes().into(),
        base_url: "http://localhost/scim/v2".to_owned(),
        ..PluginRequest::default()
    };
    let answer = runtime.scim(tenant, connection, request).await.unwrap();
    let response = answer.response.unwrap();
    assert_eq!(response.status, 201);
    let created: Value = serde_json::from_slice(&response.body).unwrap();
    created["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_patch_replaces_fifty_thousand_members() {
    let app = App::start().await;
    let okta = app.scim();
    let started = Instant::now();
    let users = seed(&app, MEMBERS).await;
    eprintln!("{MEMBERS} users created in {:?}", started.elapsed());
    assert_eq!(okta.get("/Users?count=0").await.expect(200).total(), MEMBERS as u64);
    let old = okta.user("old@example.com").await;
    let group = okta.group("Everybody", &[&old]).await;
    let target = format!("/Groups/{group}");
    let members: Vec<Value> = users
        .iter()
        .map(|id| json!({"value": id, "display": "somebody@example.com"}))
        .collect();
    let body = json!({"schemas": [PATCH],
        "Operations": [{"op": "replace", "path": "members", "value": members}]});
    let body = body.to_string().into_bytes();
    assert!(body.len() > 4_000_000, "{} bytes", body.len());
    let started = Instant::now();
    let answer = okta.raw("PATCH", &target, &body).await.expect(204);
    eprintln!("{MEMBERS} members replaced in {:?}", started.elapsed());
    assert!(answer.header("etag").starts_with("W/\""));
    let whole = okta.get(&target).await.expect(200);
    assert!(whole.members() == users, "exactly the new members");
    let left = okta.get(&format!("/Users/{old}")).await.expect(200);
    assert_eq!(left.get("groups"), None);
    let list = okta.get("/Groups").await.expect(200);
    assert_eq!(list["Resources"][0].get("members"), None, "too many for a list");
    // The same again changes nothing.
    let version = whole["meta"]["version"].clone();
    let again = okta.raw("PATCH", &target, &body).await.expect(204);
    assert_eq!(again.header("etag"), version);
    // A host of one of them shows the group.
    let _ = app.enrolled("1", "user777@example.com").await;
    assert_eq!(app.end_users("1").await[0]["idp_groups"], json!(["Everybody"]));
    let operations = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", users[0])}]);
    let _ = okta.patch(&target, &operations).await.expect(204);
    let brief = okta.get(&format!("{target}?excludedAttributes=members")).await.expect(200);
    assert_eq!(brief["displayName"], "Everybody");
}
