//! One PATCH replaces 50,000 members.

use std::time::Instant;

use nameplate_tests::App;
use nameplate_tests::names::PATCH;
use serde_json::{Value, json};

const MEMBERS: usize = 50_000;

#[tokio::test(flavor = "multi_thread")]
async fn one_patch_replaces_fifty_thousand_members() {
    let app = App::start().await;
    let okta = app.scim();
    let started = Instant::now();
    let users = app.seed_users(MEMBERS).await;
    eprintln!("{MEMBERS} users created in {:?}", started.elapsed());
    assert_eq!(
        okta.get("/Users?count=0").await.expect(200).total(),
        MEMBERS as u64
    );
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
    assert_eq!(
        list["Resources"][0].get("members"),
        None,
        "too many for a list"
    );
    // The same again changes nothing.
    let version = whole["meta"]["version"].clone();
    let again = okta.raw("PATCH", &target, &body).await.expect(204);
    assert_eq!(again.header("etag"), version);
    // A host of one of them shows the group.
    let _ = app.enrolled("1", "user777@example.com").await;
    assert_eq!(
        app.end_users("1").await[0]["idp_groups"],
        json!(["Everybody"])
    );
    let operations =
        json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", users[0])}]);
    let _ = okta.patch(&target, &operations).await.expect(204);
    let brief = okta
        .get(&format!("{target}?excludedAttributes=members"))
        .await
        .expect(200);
    assert_eq!(brief["displayName"], "Everybody");
}
