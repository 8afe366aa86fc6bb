//! Who uses a host: links that were lost, made too late, or to one host of several.

use nameplate_tests::names::USER;
use nameplate_tests::{Answer, App};
use serde_json::{Value, json};

use super::{assignment, choose, explained, user_of};

#[tokio::test(flavor = "multi_thread")]
async fn fleet_53083_reenrolment_keeps_what_an_administrator_set() {
    let app = App::start().await;
    let okta = app.scim();
    let (ana, ben) = (
        okta.user("ana@example.com").await,
        okta.user("ben@example.com").await,
    );
    let _ = okta.group("Engineering", &[&ben]).await;
    let enrolled = app.enrolled("1", "ana@example.com").await;
    assert_eq!(enrolled["assignment"]["user_id"], ana);
    app.clock.advance(1000);
    let _ = choose(&app, "1", "ben@example.com").await.expect(200);
    let body = json!({"id": "1", "display_name": "Laptop 1", "serial": "C021"});
    let enrollments = "/api/v1/hosts/1/enrollments";
    let steps = [
        ("the agent checks in again", "/api/v1/hosts", body),
        (
            "re-authentication by the same login",
            enrollments,
            json!({"email": "ben@example.com"}),
        ),
        (
            "re-enrolment without sign-in",
            enrollments,
            json!({"signed_in": false}),
        ),
        (
            "a renewed certificate",
            enrollments,
            json!({"signed_in": false, "enrollment_id": "scep-2"}),
        ),
    ];
    for (step, target, body) in steps {
        app.clock.advance(60_000);
        let answer = app.admin().post(target, &body).await;
        assert!([200, 201].contains(&answer.status), "{step}");
        assert_eq!(user_of(&app, "1").await, ben, "{step}");
        assert_eq!(
            app.end_users("1").await[0]["idp_groups"],
            json!(["Engineering"]),
            "{step}"
        );
    }
    let lines = explained(&app, "1").await;
    for told in [
        "enrolment without sign-in",
        "so the administrator's choice stays",
    ] {
        assert!(lines.contains(told), "{lines}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_53264_an_unknown_username_waits_is_told_and_destroys_nothing() {
    let app = App::start().await;
    let ana = app.scim().user("ana.diaz@example.com").await;
    let _ = app.enrolled("1", "ana.diaz@example.com").await;
    app.clock.advance(1000);
    let set = choose(&app, "1", "ana.dias@example.com").await.expect(200);
    assert_eq!(set["assignment"]["outcome"], "pending");
    let reason = set["assignment"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("nobody in the directory has login `ana.dias@example.com`"),
        "{reason}"
    );
    assert_eq!(
        set["assignment"]["near"],
        json!(["ana.diaz@example.com"]),
        "who was meant"
    );
    let lines = explained(&app, "1").await;
    assert!(
        lines.contains("did you mean `ana.diaz@example.com`?"),
        "{lines}"
    );
    let waiting = app.admin().get("/api/v1/hosts?assignment=pending").await;
    assert_eq!(waiting.expect(200)["hosts"][0]["id"], "1", "it is listed");
    let idp = "/api/v1/fleet/hosts/1/device_mapping/idp";
    let _ = app.admin().delete(idp).await.expect(204);
    assert_eq!(
        user_of(&app, "1").await,
        ana,
        "the enrolment is still known"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_46624_an_administrators_choice_moves_the_host_at_once() {
    let app = App::start().await;
    let okta = app.scim();
    let ids = [
        okta.user("ana@example.com").await,
        okta.user("ben@example.com").await,
    ];
    let _ = app.enrolled("1", "ana@example.com").await;
    for (login, id) in [("ben@example.com", &ids[1]), ("ana@example.com", &ids[0])] {
        app.clock.advance(1000);
        let set = choose(&app, "1", login).await.expect(200);
        assert_eq!(set["assignment"]["user_id"], **id);
        assert_eq!(app.end_users("1").await[0]["idp_username"], login);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_34667_a_username_set_before_the_user_is_pushed_is_linked_when_they_come() {
    let app = App::start().await;
    app.host("1").await;
    let set = choose(&app, "1", "ana@example.com").await.expect(200);
    assert_eq!(set["assignment"]["outcome"], "pending");
    let ana = app.scim().user("ana@example.com").await;
    assert_eq!(user_of(&app, "1").await, ana);
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_33145_a_host_enrolled_before_the_user_is_pushed_shows_them_when_they_come() {
    let app = App::start().await;
    let _ = app.enrolled("1", "ana@example.com").await;
    assert_eq!(assignment(&app, "1").await["outcome"], "pending");
    let body = json!({"schemas": [USER], "userName": "ana@example.com",
        "name": {"givenName": "Ana", "familyName": "Díaz"}});
    let ana = app.scim().post("/Users", &body).await.expect(201).id();
    assert_eq!(user_of(&app, "1").await, ana);
    assert_eq!(app.end_users("1").await[0]["idp_full_name"], "Ana Díaz");
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_48378_every_host_of_a_person_is_linked_and_not_only_the_first() {
    let app = App::start().await;
    let hosts = ["1", "2", "3", "4"];
    for host in hosts {
        let _ = app.enrolled(host, "ana@example.com").await;
    }
    let ana = app.scim().user("ana@example.com").await;
    for host in hosts {
        assert_eq!(user_of(&app, host).await, ana, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_44275_a_user_can_be_created_whose_host_is_somebody_elses() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana@example.com").await;
    let _ = app.enrolled("1", "ben@example.com").await;
    app.clock.advance(1000);
    let _ = choose(&app, "1", "ana@example.com").await.expect(200);
    let ben = okta.user("ben@example.com").await;
    assert_eq!(user_of(&app, "1").await, ana, "and the choice stays");
    let _ = okta.group("Engineering", &[&ana, &ben]).await;
}

/// All that says whose a host is.
async fn told(app: &App, host: &str) -> Vec<(&'static str, Value)> {
    let admin = app.admin();
    let listed = admin.get("/api/v1/hosts").await.expect(200);
    let ours = admin.get(&format!("/api/v1/hosts/{host}")).await;
    let ours = ours.expect(200);
    let mapping = app.mapping(host).await;
    vec![
        (
            "the list",
            listed["hosts"][0]["assignment"]["username"].clone(),
        ),
        ("the host", ours["host"]["assignment"]["username"].clone()),
        (
            "its end user",
            ours["host"]["end_users"][0]["idp_username"].clone(),
        ),
        (
            "Fleet's host",
            app.end_users(host).await[0]["idp_username"].clone(),
        ),
        (
            "the device mapping",
            mapping["device_mapping"][0]["email"].clone(),
        ),
        ("what it means", mapping["assignment"]["username"].clone()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_52008_a_rename_leaves_one_name_in_lists_and_details() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = okta.user("ana.diaz@example.com").await;
    let _ = app.enrolled("1", "ana.diaz@example.com").await;
    app.clock.advance(1000);
    let rename = json!([{"op": "replace", "value": {"userName": "ana.vivar@example.com",
        "emails": [{"type": "work", "value": "ana.vivar@example.com", "primary": true}]}}]);
    let answer = okta.patch(&format!("/Users/{ana}"), &rename).await;
    let _ = answer.expect(200);
    for (place, name) in told(&app, "1").await {
        assert_eq!(name, "ana.vivar@example.com", "{place}");
    }
    assert_eq!(user_of(&app, "1").await, ana);
}

#[tokio::test(flavor = "multi_thread")]
async fn fleet_53446_an_email_without_a_value_keeps_nobody_from_their_host() {
    let app = App::start().await;
    let okta = app.scim();
    let _ = app.enrolled("1", "ana@example.com").await;
    let body = json!({"schemas": [USER], "userName": "adiaz", "active": true,
        "emails": [{"type": "home"}, {"type": "other", "value": ""}, {},
            {"type": "work", "value": "ana@example.com", "primary": true}]});
    let ana = okta.post("/Users", &body).await.expect(201).id();
    assert_eq!(user_of(&app, "1").await, ana);
    // Provisioned once more.
    let again: Answer = okta.put(&format!("/Users/{ana}"), &body).await;
    let _ = again.expect(200);
    assert_eq!(user_of(&app, "1").await, ana);
}
