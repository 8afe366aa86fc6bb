//! Logins change hands; hosts do not follow them.

use nameplate_tests::names::USER;
use nameplate_tests::{App, Client};
use serde_json::json;

async fn rename(okta: &Client, id: &str, name: &str) {
    let operations = json!([{"op": "replace", "path": "userName", "value": name}]);
    let answer = okta.patch(&format!("/Users/{id}"), &operations).await;
    assert_eq!(answer.expect(200)["userName"], name);
}

async fn person(okta: &Client, login: &str, name: &str) -> String {
    let body = json!({"schemas": [USER], "userName": login, "displayName": name, "active": true});
    okta.post("/Users", &body).await.expect(201).id()
}

async fn user_of(app: &App, host: &str) -> String {
    let mapping = app.mapping(host).await;
    assert_eq!(mapping["assignment"]["outcome"], "linked", "{mapping}");
    mapping["assignment"]["user_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_hire_who_inherits_a_login_does_not_get_the_laptop() {
    let app = App::start().await;
    let okta = app.scim();
    let old = person(&okta, "ana@example.com", "Ana Díaz").await;
    let _ = app.enrolled("1", "ana@example.com").await;
    app.clock.advance(60_000);
    rename(&okta, &old, "ana.vivar@example.com").await;
    assert_eq!(user_of(&app, "1").await, old);
    app.clock.advance(60_000);
    let new = person(&okta, "ana@example.com", "Ana Müller").await;
    assert_eq!(user_of(&app, "1").await, old, "the laptop stays");
    assert_eq!(app.end_users("1").await[0]["idp_full_name"], "Ana Díaz");
    let enrolled = app.enrolled("2", "ana@example.com").await;
    assert_eq!(
        enrolled["assignment"]["user_id"], new,
        "the new one is hers"
    );
    let _ = app.enrolled("3", "ana.vivar@example.com").await;
    assert_eq!(user_of(&app, "3").await, old);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_waited_goes_to_the_first_who_has_the_login() {
    let app = App::start().await;
    let okta = app.scim();
    let _ = app.enrolled("1", "ana@example.com").await;
    let first = person(&okta, "ana@example.com", "Ana Díaz").await;
    assert_eq!(user_of(&app, "1").await, first);
    rename(&okta, &first, "other@example.com").await;
    app.clock.advance(1000);
    let _ = person(&okta, "ana@example.com", "Ana Müller").await;
    assert_eq!(user_of(&app, "1").await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_swap_logins_and_keep_their_laptops() {
    let app = App::start().await;
    let okta = app.scim();
    let ana = person(&okta, "a@example.com", "Ana").await;
    let ben = person(&okta, "b@example.com", "Ben").await;
    let _ = app.enrolled("1", "a@example.com").await;
    let _ = app.enrolled("2", "b@example.com").await;
    app.clock.advance(1000);
    rename(&okta, &ana, "tmp@example.com").await;
    rename(&okta, &ben, "a@example.com").await;
    rename(&okta, &ana, "b@example.com").await;
    assert_eq!(user_of(&app, "1").await, ana);
    assert_eq!(user_of(&app, "2").await, ben);
    let shown = app.end_users("1").await;
    assert_eq!(shown[0]["idp_username"], "b@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_holders_laptop_goes_to_the_living_one() {
    let app = App::start().await;
    let okta = app.scim();
    let old = person(&okta, "ana@example.com", "Ana Díaz").await;
    let _ = app.enrolled("1", "ana@example.com").await;
    app.clock.advance(1000);
    rename(&okta, &old, "gone@example.com").await;
    app.clock.advance(1000);
    let new = person(&okta, "ana@example.com", "Ana Müller").await;
    assert_eq!(user_of(&app, "1").await, old);
    let _ = okta.delete(&format!("/Users/{old}")).await.expect(204);
    assert_eq!(user_of(&app, "1").await, new);
    let shown = app.end_users("1").await;
    assert_eq!(
        shown[0]["idp_full_name"], "Ana Müller",
        "no name of the deleted"
    );
}

/// An administrator gives host 1 to Ana, then Bo enrols it; who has it then.
async fn given_and_enrolled_by_another(app: &App) -> (String, String, String) {
    let okta = app.scim();
    let ana = person(&okta, "ana@example.com", "Ana Díaz").await;
    let bo = person(&okta, "bo@example.com", "Bo Berg").await;
    app.host("1").await;
    let target = "/api/v1/fleet/hosts/1/device_mapping";
    let given = json!({"email": "ana@example.com", "source": "idp"});
    let _ = app.admin().put(target, &given).await.expect(200);
    assert_eq!(user_of(app, "1").await, ana);
    app.clock.advance(60_000);
    let _ = app.enroll("1", "bo@example.com").await;
    (ana, bo, user_of(app, "1").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_enrols_a_host_anew_gets_it_whoever_it_was_given_to() {
    let app = App::start().await;
    let (_, bo, user) = given_and_enrolled_by_another(&app).await;
    assert_eq!(user, bo);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_sticky_manual_a_host_stays_with_whom_it_was_given_to() {
    let app = App::start().await;
    let admin = app.admin();
    let settings = json!({"settings": {"sticky_manual": true}});
    let answer = admin.with_json("PATCH", "/api/v1/tenant", &settings).await;
    assert_eq!(answer.expect(200)["settings"], settings["settings"]);
    let (ana, _, user) = given_and_enrolled_by_another(&app).await;
    assert_eq!(user, ana);
    let wrong = json!({"settings": {"sticky_manual": "yes"}});
    let answer = admin.with_json("PATCH", "/api/v1/tenant", &wrong).await;
    answer.expect(422).names("sticky_manual");
    let shown = admin.get("/api/v1/tenant").await.expect(200);
    assert_eq!(shown["settings"], settings["settings"]);
}
