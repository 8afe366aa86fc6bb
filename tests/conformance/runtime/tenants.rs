//! Tenants and connections are apart, even with the other's ids at hand.

use nameplate_tests::names::{GROUP, USER};
use nameplate_tests::{App, Client};
use serde_json::{Value, json};

/// What `mine` holds is out of reach for `theirs`, and stays as it was.
async fn apart(mine: &Client, theirs: &Client) {
    let user = mine.user("ana@example.com").await;
    let group = mine.group("Engineering", &[&user]).await;
    let before = mine.everything().await;
    // The same names are free on the other side.
    let other = theirs.user("ana@example.com").await;
    let other_group = theirs.group("Engineering", &[&other]).await;
    assert_ne!((&other, &other_group), (&user, &group));

    let user_body = json!({"schemas": [USER], "userName": "taken@example.com"});
    let group_body = json!({"schemas": [GROUP], "displayName": "Taken"});
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Taken"}]);
    for (target, body) in [
        (format!("/Users/{user}"), &user_body),
        (format!("/Groups/{group}"), &group_body),
    ] {
        let _ = theirs.get(&target).await.refused(404, "");
        let _ = theirs.put(&target, body).await.refused(404, "");
        let _ = theirs.patch(&target, &rename).await.refused(404, "");
        let _ = theirs.delete(&target).await.refused(404, "");
    }
    for (endpoint, filter) in [
        ("/Users", format!("id eq \"{user}\"")),
        ("/Groups", format!("id eq \"{group}\"")),
        ("/Groups", format!("members eq \"{user}\"")),
    ] {
        let found = theirs.find(endpoint, &filter).await.expect(200);
        assert_eq!(found.total(), 0, "{filter}");
    }
    assert_eq!(
        theirs.get("/Users").await.expect(200).ids(),
        [other.as_str()]
    );
    // A member of the other side does not attach, whatever the order.
    let operations = json!([{"op": "add", "path": "members", "value": [{"value": user}]}]);
    let target = format!("/Groups/{other_group}");
    let answer = theirs.patch(&target, &operations).await.expect(200);
    assert_eq!(answer.members(), [other]);
    assert_eq!(mine.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tenants_never_reach_each_other() {
    let app = App::start().await;
    let (other, _) = app.clients("other", "okta").await;
    apart(&app.scim(), &other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_connections_of_one_tenant_have_directories_of_their_own() {
    let app = App::start().await;
    let (entra, _) = app.clients("default", "entra").await;
    apart(&app.scim(), &entra).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_lists_and_logs_are_the_tenants_own() {
    let app = App::start().await;
    let (other_scim, other) = app.clients("other", "okta").await;
    let _ = app.scim().user("ana@example.com").await;
    let _ = app.enrolled("1", "ana@example.com").await;
    for (target, list) in [
        ("/api/v1/hosts", "hosts"),
        ("/api/v1/users", "users"),
        ("/api/v1/requests", "requests"),
    ] {
        let answer = other.get(target).await.expect(200);
        assert_eq!(answer[list], json!([]), "{target}");
    }
    let details = other.get("/api/v1/fleet/scim/details").await.expect(200);
    assert_eq!(details["last_request"], Value::Null);
    for target in [
        "/api/v1/hosts/1",
        "/api/v1/fleet/hosts/1",
        "/api/v1/fleet/hosts/1/device_mapping",
        "/api/v1/hosts/1/explain",
    ] {
        let _ = other.get(target).await.expect(404);
    }
    let _ = other.delete("/api/v1/hosts/1").await.expect(404);
    // A host of the same id, claimed by the same login, is another one.
    let body = json!({"id": "1", "display_name": "Theirs"});
    let _ = other.post("/api/v1/hosts", &body).await.expect(201);
    let claim = json!({"email": "ana@example.com"});
    let enrolled = other
        .post("/api/v1/hosts/1/enrollments", &claim)
        .await
        .expect(201);
    assert_eq!(enrolled["assignment"]["outcome"], "pending");
    let theirs = other_scim.user("ana@example.com").await;
    let mapping = other
        .get("/api/v1/fleet/hosts/1/device_mapping")
        .await
        .expect(200);
    assert_eq!(mapping["assignment"]["user_id"], theirs);
    assert_ne!(app.mapping("1").await["assignment"]["user_id"], theirs);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_either_connection_is_found_and_the_older_connection_wins() {
    let app = App::start().await;
    let (entra, _) = app.clients("default", "entra").await;
    let in_entra = entra.user("ana@example.com").await;
    let _ = app.enrolled("1", "ana@example.com").await;
    assert_eq!(app.mapping("1").await["assignment"]["user_id"], in_entra);
    let both = app.scim().user("ben@example.com").await;
    let _ = entra.user("ben@example.com").await;
    let _ = app.enrolled("2", "ben@example.com").await;
    assert_eq!(app.mapping("2").await["assignment"]["user_id"], both);
}
