//! `POST /api/v1/mapping/preview`: which hosts a request or other settings would change.

use nameplate_runtime::setup;
use nameplate_store::{Claim, HostRecord, HostStore, Source, UserStore};
use nameplate_tests::App;
use nameplate_tests::names::{GROUP, PATCH, USER};
use serde_json::{Value, json};
use tokio::task::JoinSet;

async fn preview(app: &App, body: &Value) -> Value {
    let answer = app.admin().post("/api/v1/mapping/preview", body).await;
    answer.expect(200).json
}

/// The hosts of a preview: id, username before and username after.
fn moves(preview: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let hosts = preview["hosts"].as_array().unwrap();
    hosts
        .iter()
        .map(|host| {
            let name = |when: &str| text(&host[when]["username"]);
            (text(&host["id"]), name("before"), name("after"))
        })
        .collect()
}

fn triple(host: &str, before: &str, after: &str) -> (String, String, String) {
    (host.to_owned(), before.to_owned(), after.to_owned())
}

/// Ana and Ben with two hosts, Sales with Ana in it, somebody who is awaited.
async fn office() -> (App, String, String, String) {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let ben = okta.user("ben@example.com").await;
    let body = json!({"schemas": [GROUP], "displayName": "Sales", "members": [{"value": ana}]});
    let sales = okta.post("/Groups", &body).await.expect(201).id();
    let _ = app.enrolled("1", "ana@example.com").await;
    let _ = app.enrolled("2", "ben@example.com").await;
    let _ = app.enrolled("3", "late@example.com").await;
    (app, ana, ben, sales)
}

/// All that somebody could read: the event log, hosts, documents.
async fn everything(app: &App) -> Vec<Value> {
    let (okta, admin) = (app.scim(), app.admin());
    let tenant = setup::find_tenant(&app.store, "default").await.unwrap();
    let tenant = tenant.unwrap().id;
    let mut all = vec![json!(app.store.event_range(tenant).await.unwrap())];
    all.push(admin.get("/api/v1/hosts").await.expect(200).json);
    for host in ["1", "2", "3"] {
        let target = format!("/api/v1/hosts/{host}");
        all.push(admin.get(&target).await.expect(200).json);
    }
    all.push(okta.get("/Users").await.expect(200).json);
    all.push(okta.get("/Groups").await.expect(200).json);
    all
}

/// The log of requests, and which one was the identity provider's last.
async fn requests_of(app: &App) -> (Vec<Value>, Value) {
    let details = app.admin().get("/api/v1/fleet/scim/details").await;
    (app.requests().await, details.expect(200).json)
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_created_is_previewed_on_the_host_that_waits() {
    let (app, ..) = office().await;
    let body = json!({"connection": "okta", "method": "POST", "path": "/Users", "body": {
        "schemas": [USER], "userName": "late@example.com", "displayName": "Late Comer"}});
    let seen = preview(&app, &body).await;
    assert_eq!(seen["status"], 201);
    assert_eq!(seen["scim"]["userName"], "late@example.com");
    let expected = [triple("3", "late@example.com", "late@example.com")];
    assert_eq!(moves(&seen), expected);
    assert_eq!(seen["hosts"][0]["before"]["outcome"], "pending");
    let after = &seen["hosts"][0]["after"];
    assert_eq!(after["outcome"], "linked");
    assert_eq!(after["end_user"]["full_name"], "Late Comer");
    assert_eq!(seen["more_hosts"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_what_the_same_request_does_afterwards() {
    let (app, ana, _, sales) = office().await;
    let rename = |value: &str| {
        json!({"schemas": [PATCH], "Operations": [
            {"op": "replace", "path": "displayName", "value": value}]})
    };
    let cases = [
        ("PATCH", format!("/Groups/{sales}"), rename("Field")),
        ("PATCH", format!("/Users/{ana}"), rename("Ana Maria")),
        ("DELETE", format!("/Groups/{sales}"), Value::Null),
        ("DELETE", format!("/Users/{ana}"), Value::Null),
    ];
    for (method, path, body) in cases {
        let asked = json!({"connection": "okta", "method": method, "path": path, "body": body});
        let seen = preview(&app, &asked).await;
        let hosts = seen["hosts"].as_array().unwrap();
        assert_eq!(hosts.len(), 1, "{method} {path}: {seen}");
        assert_eq!(hosts[0]["id"], "1");
        let done = match method {
            "DELETE" => app.scim().delete(&path).await,
            _ => app.scim().with_json(method, &path, &body).await,
        };
        assert_eq!(done.status, seen["status"], "{method} {path}");
        let mut after = hosts[0]["after"].clone();
        let mut shown = app.admin().get("/api/v1/hosts/1").await.expect(200).json;
        let mut person = after["end_user"].take();
        let mut real = shown["host"]["end_user"].take();
        // When the request was made is the one difference there may be.
        for person in [&mut person, &mut real] {
            if let Some(fields) = person.as_object_mut() {
                fields.remove("updated");
            }
        }
        assert_eq!(person, real, "{method} {path}");
        let mut assignment = shown["host"]["assignment"].take();
        assignment["end_user"] = Value::Null;
        assert_eq!(after, assignment, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_writes_nothing_and_is_no_request_of_the_identity_provider() {
    let (app, ana, ben, sales) = office().await;
    let before = everything(&app).await;
    let log = requests_of(&app).await;
    let requests = [
        json!({"method": "POST", "path": "/Users", "body": {
            "schemas": [USER], "userName": "late@example.com"}}),
        json!({"method": "PUT", "path": format!("/Users/{ana}"), "body": {
            "schemas": [USER], "userName": "anna@example.com", "active": false}}),
        json!({"method": "DELETE", "path": format!("/Users/{ben}")}),
        json!({"method": "PATCH", "path": format!("/Groups/{sales}"), "body": {
            "schemas": [PATCH], "Operations": [
                {"op": "replace", "path": "members", "value": [{"value": ben}]}]}}),
        json!({"method": "DELETE", "path": format!("/Groups/{sales}")}),
        json!({"method": "POST", "path": "/Users", "body": {"schemas": [USER]}}),
        json!({"settings": {"sticky_manual": true}}),
    ];
    for request in &requests {
        let _ = preview(&app, request).await;
    }
    assert_eq!(requests_of(&app).await, log);
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_is_previewed_with_its_reason_and_no_host() {
    let (app, ..) = office().await;
    let body = json!({"method": "POST", "path": "/Users", "body": {
        "schemas": [USER], "userName": "ANA@example.com"}});
    let seen = preview(&app, &body).await;
    assert_eq!(seen["status"], 409);
    assert_eq!(seen["scim"]["scimType"], "uniqueness");
    assert_eq!(seen["hosts"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_is_previewed_as_a_whole() {
    let (app, ana, ..) = office().await;
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
    "Operations": [
        {"method": "DELETE", "path": format!("/Users/{ana}")},
        {"method": "POST", "path": "/Users", "bulkId": "late",
            "data": {"schemas": [USER], "userName": "late@example.com"}},
        {"method": "POST", "path": "/Groups", "bulkId": "new", "data": {"schemas": [GROUP],
            "displayName": "New", "members": [{"value": "bulkId:late"}]}},
    ]});
    let body = json!({"method": "POST", "path": "/Bulk", "body": bulk});
    let seen = preview(&app, &body).await;
    assert_eq!(seen["status"], 200, "{seen}");
    let ids: Vec<&Value> = seen["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|host| &host["id"])
        .collect();
    assert_eq!(ids, ["1", "3"]);
    assert_eq!(seen["hosts"][0]["after"]["outcome"], "pending");
    assert_eq!(
        seen["hosts"][1]["after"]["end_user"]["groups"],
        json!(["New"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_hosts_than_a_preview_looks_at_are_told_of() {
    let app = App::start().await;
    let tenant = setup::find_tenant(&app.store, "default").await.unwrap();
    let tenant = tenant.unwrap().id;
    let mut writes = JoinSet::new();
    for n in 0..1001 {
        let store = app.store.clone();
        writes.spawn(async move {
            let id = format!("{n:04}");
            let record = HostRecord {
                id: id.clone(),
                ..HostRecord::default()
            };
            store.put_host(tenant, 1, record).await.unwrap();
            let claim = Claim {
                id: "c".to_owned(),
                source: Source::Enrollment,
                username: "late@example.com".to_owned(),
                email: String::new(),
                full_name: String::new(),
                logins: vec![b"late@example.com".to_vec()],
                since: 1,
                withdrawn: None,
            };
            store.put_claim(tenant, 1, &id, claim).await.unwrap();
        });
    }
    writes.join_all().await;
    let body = json!({"method": "POST", "path": "/Users", "body": {
        "schemas": [USER], "userName": "late@example.com"}});
    let seen = preview(&app, &body).await;
    assert_eq!(seen["more_hosts"], true);
    assert_eq!(seen["hosts"].as_array().unwrap().len(), 1000);
    let line = seen["remark"].as_str().unwrap();
    assert!(line.contains("more than 1000 hosts"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_settings_are_previewed_page_by_page() {
    let (app, ana, ..) = office().await;
    // Set by hand, then enrolled by somebody else: the tenant's rule decides.
    let target = "/api/v1/fleet/hosts/1/device_mapping";
    let set = json!({"email": "ben@example.com", "source": "idp"});
    let _ = app.admin().put(target, &set).await.expect(200);
    app.clock.advance(1000);
    let body = json!({"email": "ana@example.com", "enrollment_id": "again"});
    let target = "/api/v1/hosts/1/enrollments";
    let _ = app.admin().post(target, &body).await.expect(201);
    assert_eq!(app.mapping("1").await["assignment"]["user_id"], ana);
    let sticky = json!({"settings": {"sticky_manual": true}});
    let seen = preview(&app, &sticky).await;
    let expected = [triple("1", "ana@example.com", "ben@example.com")];
    assert_eq!(moves(&seen), expected);
    assert_eq!(seen["next"], Value::Null);
    let mut after = String::new();
    let mut found = Vec::new();
    loop {
        let target = format!("/api/v1/mapping/preview?limit=1&after={after}");
        let page = app.admin().post(&target, &sticky).await.expect(200);
        found.extend(moves(&page));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found, expected);
    assert_eq!(app.mapping("1").await["assignment"]["user_id"], ana);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_attribute_map_is_previewed_on_the_hosts_that_show_it() {
    let (app, ana, ..) = office().await;
    let title = json!([{"op": "add", "path": "title", "value": "Chief"}]);
    let target = format!("/Users/{ana}");
    let _ = app.scim().patch(&target, &title).await.expect(200);
    let settings = json!({"settings": {"attributes": {"department": "title"}}});
    let seen = preview(&app, &settings).await;
    let hosts = seen["hosts"].as_array().unwrap();
    assert_eq!(hosts.len(), 1, "{seen}");
    assert_eq!(hosts[0]["id"], "1");
    assert_eq!(hosts[0]["before"]["end_user"]["department"], "");
    assert_eq!(hosts[0]["after"]["end_user"]["department"], "Chief");
    let wrong = json!({"settings": {"attributes": {"department": "lower(title"}}});
    let refused = app.admin().post("/api/v1/mapping/preview", &wrong).await;
    refused.expect(400).names("department");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_previewed_is_refused_with_its_place() {
    let (app, ..) = office().await;
    let refused = async |body: Value| {
        let answer = app.admin().post("/api/v1/mapping/preview", &body).await;
        answer.expect(400)
    };
    let unusable = refused(json!({"settings": {"sticky_manual": "perhaps"}})).await;
    unusable.names("sticky_manual");
    refused(json!({"method": "GET", "path": "/Users"}))
        .await
        .names("`method`");
    refused(json!({"method": "POST", "path": "Users"}))
        .await
        .names("`path`");
    let body = json!({"connection": "none", "method": "POST", "path": "/Users"});
    let unknown = app.admin().post("/api/v1/mapping/preview", &body).await;
    unknown.expect(404).names("no such connection");
}
