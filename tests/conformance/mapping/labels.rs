//! What a device-management server makes of people: attributes by configuration,
//! variables in profiles, labels, hosts that many use.

use nameplate_tests::names::{ENTERPRISE, USER};
use nameplate_tests::{App, Client};
use serde_json::{Value, json};

async fn settings(app: &App, settings: &Value) {
    let change = json!({ "settings": settings });
    let admin = app.admin();
    let changed = admin.with_json("PATCH", "/api/v1/tenant", &change).await;
    assert_eq!(changed.expect(200)["settings"], *settings);
}

async fn person(okta: &Client, login: &str, department: &str) -> String {
    let body = json!({
        "schemas": [USER, ENTERPRISE],
        "userName": login,
        "title": "R&D <lead>",
        "name": {"givenName": "Ana", "familyName": "Díaz"},
        "emails": [{"type": "work", "value": login, "primary": true}],
        ENTERPRISE: {"department": department, "employeeNumber": "0007"},
    });
    okta.post("/Users", &body).await.expect(201).id()
}

async fn labelled(app: &App, label: &str) -> Vec<String> {
    let label = nameplate_tests::client::encoded(label);
    let mut hosts: Vec<String> = Vec::new();
    let mut after = String::new();
    loop {
        let target = format!("/api/v1/labels/{label}/hosts?limit=2{after}");
        let page = app.admin().get(&target).await.expect(200);
        let page_hosts = page["hosts"].as_array().unwrap();
        hosts.extend(page_hosts.iter().map(|id| id.as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            None => break,
            Some(next) => after = format!("&after={}", nameplate_tests::client::encoded(next)),
        }
    }
    hosts.sort_unstable();
    hosts
}

async fn labels_of(app: &App, host: &str) -> Vec<String> {
    let host = app.admin().get(&format!("/api/v1/hosts/{host}")).await;
    let host = host.expect(200);
    let labels = host["host"]["labels"].as_array().unwrap();
    let mut ids: Vec<String> = labels
        .iter()
        .map(|label| label["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort_unstable();
    ids
}

async fn render(app: &App, host: &str, body: &Value) -> Value {
    let target = format!("/api/v1/hosts/{host}/render");
    app.admin().post(&target, body).await.expect(200).json
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_filled_with_what_is_known_of_the_person() {
    let app = App::start().await;
    let okta = app.scim();
    let id = person(&okta, "ana@example.com", "Research & Development").await;
    let _ = okta.group("Engineering", &[&id]).await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let text = "<u>$NAMEPLATE_USERNAME_LOCAL_PART</u> ${NAMEPLATE_FULL_NAME}: \
                $FLEET_VAR_HOST_END_USER_IDP_DEPARTMENT, \
                $FLEET_VAR_HOST_END_USER_IDP_GROUPS, ${NAMEPLATE_TITLE} $HOME";
    let rendered = render(&app, "1", &json!({"text": text, "missing": "fail"})).await;
    assert_eq!(
        rendered["text"],
        "<u>ana</u> Ana Díaz: Research &amp; Development, Engineering, R&amp;D &lt;lead&gt; $HOME"
    );
    assert_eq!(
        rendered["variables"],
        json!([
            "FLEET_VAR_HOST_END_USER_IDP_DEPARTMENT",
            "FLEET_VAR_HOST_END_USER_IDP_GROUPS",
            "NAMEPLATE_FULL_NAME",
            "NAMEPLATE_TITLE",
            "NAMEPLATE_USERNAME_LOCAL_PART",
        ])
    );
    assert_eq!(rendered["missing"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_value_is_empty_or_a_reason_as_the_caller_or_the_tenant_says() {
    let app = App::start().await;
    app.host("1").await;
    let body =
        |missing: Option<&str>| json!({"text": "[$NAMEPLATE_DEPARTMENT]", "missing": missing});
    let rendered = render(&app, "1", &body(None)).await;
    assert_eq!(rendered["text"], "[]");
    assert_eq!(rendered["missing"][0]["variable"], "NAMEPLATE_DEPARTMENT");
    let rendered = render(&app, "1", &body(Some("fail"))).await;
    assert_eq!(rendered["text"], Value::Null);
    assert!(rendered["missing"][0]["reason"].as_str().unwrap().len() > 10);
    settings(&app, &json!({"missing_variables": "fail"})).await;
    let rendered = render(&app, "1", &body(None)).await;
    assert_eq!(rendered["text"], Value::Null);
    let target = "/api/v1/hosts/1/render";
    let wrong = json!({"text": "x", "missing": "sometimes"});
    let refused = app.admin().post(target, &wrong).await.expect(400);
    refused.names("`empty` or `fail`");
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_are_mapped_by_configuration_and_follow_it_at_once() {
    let app = App::start().await;
    let okta = app.scim();
    let boss = person(&okta, "boss@example.com", "ENG").await;
    let body = json!({
        "schemas": [USER, ENTERPRISE], "userName": "bo@example.com", "displayName": "Bo",
        ENTERPRISE: {"department": "ENG", "manager": {"value": boss}},
    });
    let _ = okta.post("/Users", &body).await.expect(201);
    let _ = app.enrolled("1", "bo@example.com").await;
    let host = app.admin().get("/api/v1/hosts/1").await.expect(200);
    let shown = &host["host"]["end_user"];
    assert_eq!(
        shown["full_name"], "Bo",
        "no name is no reason to refuse anybody"
    );
    assert_eq!(shown["attributes"]["manager"], "Ana Díaz");
    let changed = json!({
        "attributes": {
            "department": format!("lookup({ENTERPRISE}:department, teams)"),
            "team_mail": "join('', lower(displayName), '@teams.example.com')",
        },
        "tables": {"teams": {"ENG": "Engineering"}},
    });
    settings(&app, &changed).await;
    let host = app.admin().get("/api/v1/hosts/1").await.expect(200);
    let shown = &host["host"]["end_user"];
    assert_eq!(shown["department"], "Engineering");
    assert_eq!(shown["attributes"]["team_mail"], "bo@teams.example.com");
    assert_eq!(app.end_users("1").await[0]["idp_department"], "Engineering");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_with_a_slip_are_refused_with_its_place() {
    let app = App::start().await;
    let admin = app.admin();
    let wrong = [
        (
            json!({"attributes": {"full_name": "lowr(userName)"}}),
            "lowr",
        ),
        (
            json!({"attributes": {"full_name": "lower(userName"}}),
            "full_name",
        ),
        (json!({"deactivated": "hide"}), "deactivated"),
        (json!({"labels": {"x": {"name": "X"}}}), "labels"),
    ];
    for (settings, part) in wrong {
        let change = json!({ "settings": settings });
        let refused = admin.with_json("PATCH", "/api/v1/tenant", &change).await;
        refused.expect(422).names(part);
    }
    let shown = admin.get("/api/v1/tenant").await.expect(200);
    assert_eq!(shown["settings"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_by_group_department_and_attribute_are_live() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = person(&okta, "ana@example.com", "IT").await;
    let bo = person(&okta, "bo@example.com", "Sales").await;
    for (host, login) in [("1", "ana"), ("2", "ana"), ("3", "ana"), ("4", "bo")] {
        let _ = app.enrolled(host, &format!("{login}@example.com")).await;
    }
    let inner = okta.group("Inner", &[&ana]).await;
    let outer = okta.group("Outer", &[&inner, &bo]).await;
    settings(
        &app,
        &json!({"labels": {
            "outer": {"name": "Everybody outside", "group": outer},
            "it": {"name": "IT", "department": "it"},
            "leads": {"name": "Leads", "attribute": "title", "value": "R&D <lead>"},
        }}),
    )
    .await;
    for label in ["outer", "leads", &format!("group:{outer}")] {
        assert_eq!(labelled(&app, label).await, ["1", "2", "3", "4"], "{label}");
    }
    for label in ["it", "department:IT", &format!("group:{inner}")] {
        assert_eq!(labelled(&app, label).await, ["1", "2", "3"], "{label}");
    }
    let had = labels_of(&app, "4").await;
    assert!(had.contains(&"outer".to_owned()) && had.contains(&"leads".to_owned()));
    assert!(!had.contains(&"it".to_owned()), "{had:?}");

    // A rename of the group keeps it, a change of department moves its person.
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Renamed"}]);
    let _ = okta
        .patch(&format!("/Groups/{outer}"), &rename)
        .await
        .expect(200);
    assert_eq!(labelled(&app, "outer").await, ["1", "2", "3", "4"]);
    let moved =
        json!([{"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "IT"}]);
    let _ = okta
        .patch(&format!("/Users/{bo}"), &moved)
        .await
        .expect(200);
    assert_eq!(labelled(&app, "it").await, ["1", "2", "3", "4"]);
    assert!(labels_of(&app, "4").await.contains(&"it".to_owned()));

    let list = app.admin().get("/api/v1/labels").await.expect(200);
    let labels = list["labels"].as_array().unwrap();
    let named = |id: &str| labels.iter().find(|label| label["id"] == *id);
    assert_eq!(named("it").unwrap()["automatic"], false);
    assert_eq!(named(&format!("group:{outer}")).unwrap()["name"], "Renamed");
    let absent = app
        .admin()
        .get("/api/v1/labels/none/hosts")
        .await
        .expect(400);
    absent.names("none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_host_is_nobodys_until_it_is_taken_back() {
    let app = App::start().await;
    let okta = app.scim();
    let _ = person(&okta, "ana@example.com", "IT").await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let admin = app.admin();
    let path = "/api/v1/hosts/1/shared";
    let shared = admin.put(path, &json!({})).await.expect(200);
    assert_eq!(shared["assignment"]["outcome"], "shared");
    assert_eq!(app.end_users("1").await, json!([]));
    let again = app.enroll("1", "bo@example.com").await;
    assert_eq!(
        again["assignment"]["outcome"], "shared",
        "whoever enrols it"
    );
    let back = admin.delete(path).await.expect(200);
    assert_eq!(back["assignment"]["outcome"], "pending");
    assert_eq!(back["assignment"]["username"], "bo@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_enrolment_without_sign_in_takes_the_former_owner_off() {
    let app = App::start().await;
    let okta = app.scim();
    let _ = person(&okta, "ana@example.com", "IT").await;
    let _ = app.enrolled("1", "ana@example.com").await;
    app.clock.advance(60_000);
    let admin = app.admin();
    let path = "/api/v1/hosts/1/enrollments";
    let refused = admin.post(path, &json!({})).await.expect(400);
    refused.names("signed_in");
    let body = json!({"signed_in": false});
    let enrolled = admin.post(path, &body).await.expect(201);
    assert_eq!(enrolled["assignment"]["outcome"], "unassigned");
    assert_eq!(app.end_users("1").await, json!([]));
    let host = admin.get("/api/v1/hosts/1").await.expect(200);
    let past = &host["host"]["history"][0];
    assert_eq!(past["username"], "ana@example.com");
    assert_eq!(past["outcome"], "linked");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_change_mapping_are_followed_by_hosts_that_nobody_reads() {
    let app = App::start().await;
    let okta = app.scim();
    let body = json!({"schemas": [USER], "userName": "ana@example.com", "active": false});
    let _ = okta.post("/Users", &body).await.expect(201);
    let _ = app.enrolled("1", "ana@example.com").await;
    let _background = app.runtime.start_background();
    settings(&app, &json!({"deactivated": "clear"})).await;
    // A list shows what is stored: it settles nothing.
    let listed = async || {
        let target = "/api/v1/hosts?assignment=pending";
        let list = app.admin().get(target).await.expect(200);
        list["hosts"].as_array().unwrap().len()
    };
    let followed = async {
        while listed().await == 0 {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(30);
    tokio::time::timeout(patience, followed).await.unwrap();
}
