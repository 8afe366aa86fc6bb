//! `device_mapping`: who an administrator says uses a host.

use nameplate_tests::names::USER;
use nameplate_tests::shape::{Shape, redact};
use nameplate_tests::{Answer, App};
use serde_json::{Value, json};

const TARGET: &str = "/api/v1/fleet/hosts/1/device_mapping";

async fn put(app: &App, body: &Value) -> Answer {
    app.admin().put(TARGET, body).await
}

async fn ana_and_ben() -> (App, String, String) {
    let app = App::start().await;
    let okta = app.scim();
    let mut ids = Vec::new();
    for (login, name) in [
        ("ana@example.com", "Ana Díaz"),
        ("ben@example.com", "Ben Ito"),
    ] {
        let body = json!({"schemas": [USER], "userName": login, "displayName": name});
        ids.push(okta.post("/Users", &body).await.expect(201).id());
    }
    let [ana, ben] = <[String; 2]>::try_from(ids).unwrap();
    (app, ana, ben)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_a_claim_has_no_user_in_every_shape() {
    let app = App::start().await;
    app.host("1").await;
    let mut mapping = app.mapping("1").await.json;
    redact(&mut mapping, "/assignment/reason", Shape::Line);
    let expected = json!({"host_id": 1, "device_mapping": [], "assignment": {
        "outcome": "unassigned", "username": "", "user_id": null, "reason": "[line]"}});
    assert_eq!(mapping, expected);
    let mut fleet = app
        .admin()
        .get("/api/v1/fleet/hosts/1")
        .await
        .expect(200)
        .json;
    redact(&mut fleet, "/host/created_at", Shape::Time);
    let expected = json!({"host": {"id": 1, "display_name": "Laptop 1", "platform": "darwin",
        "hardware_serial": "C021", "uuid": "u-1", "created_at": "[time]", "end_users": []}});
    assert_eq!(fleet, expected);
    let mut ours = app.admin().get("/api/v1/hosts/1").await.expect(200).json;
    redact(&mut ours, "/host/created", Shape::Time);
    redact(&mut ours, "/host/assignment/reason", Shape::Line);
    let expected = json!({"host": {"id": "1", "display_name": "Laptop 1", "platform": "darwin",
        "serial": "C021", "uuid": "u-1", "created": "[time]", "end_users": [], "end_user": null,
        "labels": [], "claims": [], "history": [], "assignment": {"outcome": "unassigned", "username": "",
        "user_id": null, "reason": "[line]"}}});
    assert_eq!(ours, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrators_choice_overrides_the_enrolment_until_it_is_taken_back() {
    let (app, ana, ben) = ana_and_ben().await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let set = put(&app, &json!({"email": "ben@example.com", "source": "idp"})).await;
    let mut set = set.expect(200).json;
    redact(&mut set, "/assignment/reason", Shape::Line);
    let expected = json!({
        "host_id": 1,
        "device_mapping": [
            {"email": "ben@example.com", "source": "mdm_idp_accounts"},
            {"email": "ana@example.com", "source": "mdm_idp_accounts"},
        ],
        "assignment": {"outcome": "linked", "username": "ben@example.com", "user_id": ben,
            "active": true, "reason": "[line]"},
    });
    assert_eq!(set, expected);
    assert_eq!(app.end_users("1").await[0]["idp_full_name"], "Ben Ito");
    let dropped = app
        .admin()
        .delete(&format!("{TARGET}/idp"))
        .await
        .expect(204);
    assert_eq!(dropped.json, Value::Null);
    assert_eq!(
        app.mapping("1").await["assignment"]["user_id"],
        ana,
        "at once"
    );
    let again = app
        .admin()
        .delete(&format!("{TARGET}/idp"))
        .await
        .expect(422);
    again.names("set by hand");
    let host = app.admin().get("/api/v1/hosts/1").await.expect(200);
    let history = host["host"]["history"].as_array().unwrap();
    assert_eq!(history[0]["user_id"], ben, "newest first");
    assert_eq!(history[1]["user_id"], ana);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_username_waits_and_nothing_is_destroyed() {
    let (app, ana, _) = ana_and_ben().await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let set = put(&app, &json!({"email": "late@example.com", "source": "idp"})).await;
    let set = set.expect(200);
    assert_eq!(set["assignment"]["outcome"], "pending");
    assert_eq!(set["assignment"]["username"], "late@example.com");
    assert_eq!(set["assignment"]["user_id"], Value::Null);
    let expected = json!([{"idp_username": "late@example.com", "idp_info_updated_at": null}]);
    assert_eq!(app.end_users("1").await, expected);
    let late = app.scim().user("late@example.com").await;
    assert_eq!(app.mapping("1").await["assignment"]["user_id"], late);
    let _ = app
        .admin()
        .delete(&format!("{TARGET}/idp"))
        .await
        .expect(204);
    assert_eq!(app.mapping("1").await["assignment"]["user_id"], ana);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_no_address_can_be_chosen() {
    let app = App::start().await;
    let body = json!({"schemas": [USER], "userName": "adiaz", "displayName": "Ana Díaz"});
    let id = app.scim().post("/Users", &body).await.expect(201).id();
    app.host("1").await;
    let set = put(&app, &json!({"email": " ADiaz ", "source": "idp"}))
        .await
        .expect(200);
    assert_eq!(set["assignment"]["user_id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_survives_the_same_login_and_ends_with_another() {
    let (app, ana, ben) = ana_and_ben().await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let set = put(&app, &json!({"email": "ben@example.com", "source": "idp"})).await;
    assert_eq!(set.expect(200)["assignment"]["user_id"], ben);
    app.clock.advance(1000);
    let same = app.enroll("1", "ben@example.com").await;
    assert_eq!(same["assignment"]["user_id"], ben);
    app.clock.advance(1000);
    let other = app.enroll("1", "ana@example.com").await;
    assert_eq!(other["assignment"]["user_id"], ana);
    let host = app.admin().get("/api/v1/hosts/1").await.expect(200);
    let line = &host["host"]["history"][0];
    assert_eq!(line["user_id"], ben);
    assert!(
        line["replaced_because"]
            .as_str()
            .is_some_and(|why| !why.is_empty())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_address_shows_beside_and_decides_nothing() {
    let (app, ana, _) = ana_and_ben().await;
    let _ = app.enrolled("1", "ana@example.com").await;
    for body in [
        json!({"email": "ben@example.com"}),
        json!({"email": "ben@example.com", "source": "custom"}),
    ] {
        let set = put(&app, &body).await.expect(200);
        assert_eq!(set["assignment"]["user_id"], ana);
        let rows = json!([
            {"email": "ben@example.com", "source": "custom"},
            {"email": "ana@example.com", "source": "mdm_idp_accounts"},
        ]);
        assert_eq!(set["device_mapping"], rows, "once");
    }
    let shown = app.end_users("1").await;
    let others = json!([{"email": "ben@example.com", "source": "custom"}]);
    assert_eq!(shown[0]["other_emails"], others);
    assert_eq!(shown[0]["idp_username"], "ana@example.com");
    // Another custom address takes its place, as in Fleet.
    let set = put(&app, &json!({"email": "x@example.com"}))
        .await
        .expect(200);
    assert!(!set.to_string().contains("ben@example.com"), "{set}");
    let _ = app
        .admin()
        .delete(&format!("{TARGET}/idp"))
        .await
        .expect(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_address_on_a_host_without_a_claim_names_nobody() {
    let (app, ..) = ana_and_ben().await;
    app.host("1").await;
    let set = put(&app, &json!({"email": "ana@example.com"}))
        .await
        .expect(200);
    assert_eq!(set["assignment"]["outcome"], "unassigned");
    let shown = app.end_users("1").await;
    let expected = json!([{"idp_info_updated_at": null,
        "other_emails": [{"email": "ana@example.com", "source": "custom"}]}]);
    assert_eq!(shown, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_refused_by_name_and_change_nothing() {
    let (app, ..) = ana_and_ben().await;
    let _ = app.enrolled("1", "ana@example.com").await;
    let before = app.admin().get("/api/v1/hosts/1").await.expect(200).json;
    for (body, name) in [
        (json!({"email": "", "source": "idp"}), "`email`"),
        (json!({"source": "idp"}), "`email`"),
        (json!({"email": "   "}), "`email`"),
        (
            json!({"email": "a@example.com", "source": "okta"}),
            "`source`",
        ),
        (json!({"email": 7, "source": "idp"}), "`email`"),
        (json!(["email"]), "object"),
    ] {
        put(&app, &body).await.expect(400).names(name);
    }
    let broken = app.admin().raw("PUT", TARGET, b"{\"email\":").await;
    broken.expect(400).names("not json");
    let nobody = "/api/v1/fleet/hosts/nobody/device_mapping";
    let body = json!({"email": "ana@example.com", "source": "idp"});
    app.admin()
        .put(nobody, &body)
        .await
        .expect(404)
        .names("`nobody`");
    app.admin().get(nobody).await.expect(404).names("`nobody`");
    let _ = app
        .admin()
        .delete(&format!("{nobody}/idp"))
        .await
        .expect(404);
    let _ = app
        .admin()
        .get("/api/v1/fleet/hosts/nobody")
        .await
        .expect(404);
    let enroll = "/api/v1/hosts/nobody/enrollments";
    let _ = app.admin().post(enroll, &body).await.expect(404);
    let _ = app.admin().delete("/api/v1/hosts/nobody").await.expect(404);
    for target in [
        TARGET,
        "/api/v1/hosts",
        "/api/v1/fleet/hosts/1",
        "/api/v1/requests",
    ] {
        let answer = app.admin().with_json("PATCH", target, &json!({})).await;
        assert!(!answer.expect(405).header("allow").is_empty(), "{target}");
    }
    let after = app.admin().get("/api/v1/hosts/1").await.expect(200).json;
    assert_eq!(after, before);
}
