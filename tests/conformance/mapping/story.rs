//! The main job, end to end: hosts are enrolled, the identity provider pushes, the
//! hosts show the person, and follow every change.

use nameplate_tests::names::{ENTERPRISE, USER};
use nameplate_tests::shape::{Shape, redact};
use nameplate_tests::{App, Client};
use serde_json::{Value, json};

const LOGIN: &str = "ana.diaz@example.com";
const HOSTS: [&str; 3] = ["1", "2", "C02XL0"];

fn ana() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": LOGIN,
        "externalId": "00u1abcd",
        "name": {"givenName": "Ana", "familyName": "Díaz"},
        "emails": [{"primary": true, "value": LOGIN, "type": "work"}],
        "active": true,
        ENTERPRISE: {"department": "Investigación"},
    })
}

fn pending() -> Value {
    json!([{"idp_username": LOGIN, "idp_info_updated_at": null}])
}

/// `end_users` with the time asserted and taken out.
async fn shown(app: &App, host: &str) -> Value {
    let mut shown = app.end_users(host).await;
    redact(&mut shown, "/0/idp_info_updated_at", Shape::Time);
    shown
}

fn linked(groups: &[&str]) -> Value {
    let mut item = json!({
        "idp_id": "00u1abcd",
        "idp_username": LOGIN,
        "idp_full_name": "Ana Díaz",
        "idp_department": "Investigación",
        "idp_info_updated_at": "[time]",
    });
    if !groups.is_empty() {
        item["idp_groups"] = json!(groups);
    }
    json!([item])
}

async fn outcome(app: &App, host: &str) -> String {
    let mapping = app.mapping(host).await;
    mapping["assignment"]["outcome"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Three hosts, enrolled before anybody is known, and the person.
async fn three_hosts() -> (App, Client, String) {
    let app = App::start().await;
    for host in HOSTS {
        let enrolled = app.enrolled(host, LOGIN).await;
        assert_eq!(enrolled["assignment"]["outcome"], "pending");
        assert_eq!(app.end_users(host).await, pending());
    }
    let okta = app.scim();
    let id = okta.post("/Users", &ana()).await.expect(201).id();
    (app, okta, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hosts_show_the_person_from_the_post_on_and_the_groups_after_the_push() {
    let (app, okta, id) = three_hosts().await;
    for host in HOSTS {
        assert_eq!(shown(&app, host).await, linked(&[]), "{host}");
    }
    let eng = okta.group("Engineering", &[&id]).await;
    for host in HOSTS {
        assert_eq!(shown(&app, host).await, linked(&["Engineering"]), "{host}");
    }
    // A group that holds the group counts as well, and names are sorted.
    let all = okta.group("All staff", &[&eng]).await;
    for host in HOSTS {
        let groups = ["All staff", "Engineering"];
        assert_eq!(shown(&app, host).await, linked(&groups), "{host}");
    }
    let rename = json!([{"op": "replace", "value": {"id": all, "displayName": "Zürich"}}]);
    let _ = okta
        .patch(&format!("/Groups/{all}"), &rename)
        .await
        .expect(200);
    assert_eq!(shown(&app, "1").await, linked(&["Engineering", "Zürich"]));
    let remove = json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}]);
    let _ = okta
        .patch(&format!("/Groups/{eng}"), &remove)
        .await
        .expect(200);
    for host in HOSTS {
        assert_eq!(shown(&app, host).await, linked(&[]), "{host}");
    }
    // A fourth host, enrolled after all that.
    let enrolled = app.enrolled("4", "Ana.Diaz@Example.com").await;
    assert_eq!(enrolled["assignment"]["outcome"], "linked");
    assert_eq!(enrolled["assignment"]["user_id"], id);
    assert_eq!(shown(&app, "4").await, linked(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_group_moves_the_time_of_the_information() {
    let (app, okta, id) = three_hosts().await;
    let time = async || {
        let shown = app.end_users("1").await;
        shown[0]["idp_info_updated_at"].as_str().unwrap().to_owned()
    };
    let first = time().await;
    assert_eq!(time().await, first, "reading changes nothing");
    app.clock.advance(60_000);
    let eng = okta.group("Engineering", &[&id]).await;
    let joined = time().await;
    assert!(joined > first, "{first} {joined}");
    app.clock.advance(60_000);
    let _ = okta.delete(&format!("/Groups/{eng}")).await.expect(204);
    let left = time().await;
    assert!(left > joined, "{joined} {left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_keeps_every_host_under_the_new_name() {
    let (app, okta, id) = three_hosts().await;
    let _ = okta.group("Engineering", &[&id]).await;
    let rename = json!([{"op": "replace", "value": {"userName": "ana.vivar@example.com",
        "name": {"givenName": "Ana", "familyName": "de Vivar"}}}]);
    let answer = okta
        .patch(&format!("/Users/{id}"), &rename)
        .await
        .expect(200);
    assert_eq!(answer["userName"], "ana.vivar@example.com");
    for host in HOSTS {
        let mut expected = linked(&["Engineering"]);
        expected[0]["idp_username"] = json!("ana.vivar@example.com");
        expected[0]["idp_full_name"] = json!("Ana de Vivar");
        assert_eq!(shown(&app, host).await, expected, "{host}");
        let mapping = app.mapping(host).await;
        assert_eq!(mapping["assignment"]["username"], "ana.vivar@example.com");
        assert_eq!(mapping["assignment"]["user_id"], id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deactivated_person_stays_linked_and_is_marked() {
    let (app, okta, id) = three_hosts().await;
    let target = format!("/Users/{id}");
    for active in [false, true] {
        let operations = json!([{"op": "replace", "value": {"active": active}}]);
        let _ = okta.patch(&target, &operations).await.expect(200);
        for host in HOSTS {
            assert_eq!(shown(&app, host).await, linked(&[]), "{host}");
            let ours = app
                .admin()
                .get(&format!("/api/v1/hosts/{host}"))
                .await
                .expect(200);
            assert_eq!(ours["host"]["assignment"]["active"], active, "{host}");
            assert_eq!(ours["host"]["assignment"]["outcome"], "linked", "{host}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_person_leaves_nothing_behind_and_is_linked_again_on_return() {
    let (app, okta, id) = three_hosts().await;
    let eng = okta.group("Engineering", &[&id]).await;
    let _ = okta.delete(&format!("/Users/{id}")).await.expect(204);
    for host in HOSTS {
        assert_eq!(app.end_users(host).await, pending(), "{host}");
        assert_eq!(outcome(&app, host).await, "pending");
    }
    // Nothing of the person is left in any answer about hosts.
    for target in HOSTS
        .iter()
        .flat_map(|host| {
            [
                format!("/api/v1/hosts/{host}"),
                format!("/api/v1/fleet/hosts/{host}"),
                format!("/api/v1/fleet/hosts/{host}/device_mapping"),
                format!("/api/v1/hosts/{host}/explain"),
            ]
        })
        .chain(["/api/v1/hosts".to_owned(), "/api/v1/users".to_owned()])
    {
        let answer = app.admin().get(&target).await.expect(200).to_string();
        for stale in ["Díaz", "Engineering", "Investigación"] {
            assert!(
                !answer.contains(stale),
                "{target} tells `{stale}`: {answer}"
            );
        }
    }
    let group = okta.get(&format!("/Groups/{eng}")).await.expect(200);
    assert_eq!(group.get("members"), None);

    let again = okta.post("/Users", &ana()).await.expect(201).id();
    assert_ne!(again, id, "a new record");
    for host in HOSTS {
        assert_eq!(shown(&app, host).await, linked(&[]), "{host}: no old group");
        assert_eq!(app.mapping(host).await["assignment"]["user_id"], again);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_full_name_follows_when_only_the_given_name_changes() {
    let app = App::start().await;
    let entra = app.scim();
    let joy = json!({"schemas": [USER], "userName": "jyoung@example.com",
        "displayName": "Joy Young",
        "name": {"formatted": "Joy Young", "familyName": "Young", "givenName": "Joy"}});
    let id = entra.post("/Users", &joy).await.expect(201).id();
    let _ = app.enrolled("1", "jyoung@example.com").await;
    assert_eq!(app.end_users("1").await[0]["idp_full_name"], "Joy Young");
    let target = format!("/Users/{id}");
    for (name, operation) in [
        (
            "Joyce Young",
            json!({"op": "Replace", "path": "name.givenName", "value": "Joyce"}),
        ),
        (
            "Zoë Young",
            json!({"op": "Replace", "value": {"name.givenName": "Zoë"}}),
        ),
        ("Young", json!({"op": "Remove", "path": "name.givenName"})),
    ] {
        let _ = entra.patch(&target, &json!([operation])).await.expect(200);
        assert_eq!(app.end_users("1").await[0]["idp_full_name"], name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_name_is_found_wherever_the_provider_put_it() {
    let app = App::start().await;
    let okta = app.scim();
    for (n, (body, expected)) in [
        (
            json!({"name": {"givenName": "Ana", "familyName": "Díaz", "formatted": "X"}}),
            "Ana Díaz",
        ),
        (json!({"name": {"givenName": "Ana"}}), "Ana"),
        (json!({"name": {"familyName": "Díaz"}}), "Díaz"),
        (
            json!({"name": {"formatted": "Dr Ana Díaz"}, "displayName": "X"}),
            "Dr Ana Díaz",
        ),
        (
            json!({"name": {"givenName": "", "familyName": " "}, "displayName": "Ana D"}),
            "Ana D",
        ),
        (json!({}), "user5@example.com"),
    ]
    .into_iter()
    .enumerate()
    {
        let login = format!("user{n}@example.com");
        let mut user = body.clone();
        user["schemas"] = json!([USER]);
        user["userName"] = json!(login);
        let _ = okta.post("/Users", &user).await.expect(201);
        let _ = app.enrolled(&n.to_string(), &login).await;
        let shown = app.end_users(&n.to_string()).await;
        assert_eq!(shown[0]["idp_full_name"], expected, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_by_work_address_where_the_login_is_another() {
    let app = App::start().await;
    let okta = app.scim();
    let _ = app.enrolled("1", "ana@example.com").await;
    let body = json!({"schemas": [USER], "userName": "adiaz", "displayName": "Ana Díaz",
        "emails": [{"type": "work", "value": "Ana@example.com"}]});
    let id = okta.post("/Users", &body).await.expect(201).id();
    assert_eq!(app.end_users("1").await[0]["idp_full_name"], "Ana Díaz");
    // Somebody else of the same address: nobody can tell who is meant.
    let other = json!({"schemas": [USER], "userName": "adiaz2", "displayName": "Ana Durán",
        "emails": [{"type": "work", "value": "ana@example.com"}]});
    let twin = okta.post("/Users", &other).await.expect(201).id();
    let _ = app.enrolled("2", "ana@example.com").await;
    let ambiguous = app.mapping("2").await;
    assert_eq!(ambiguous["assignment"]["outcome"], "ambiguous");
    assert_eq!(
        ambiguous["assignment"]["candidates"],
        json!(["adiaz", "adiaz2"])
    );
    assert_eq!(ambiguous["assignment"]["user_id"], Value::Null);
    let expected = json!([{"idp_username": "ana@example.com", "idp_info_updated_at": null}]);
    assert_eq!(app.end_users("2").await, expected);
    let _ = okta.delete(&format!("/Users/{twin}")).await.expect(204);
    assert_eq!(app.mapping("2").await["assignment"]["user_id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolments_may_be_repeated_and_a_later_one_by_somebody_else_counts() {
    let app = App::start().await;
    let okta = app.scim();
    let (ana, ben) = (
        okta.user("ana@example.com").await,
        okta.user("ben@example.com").await,
    );
    app.host("1").await;
    let enroll = async |id: &str, email: &str, at: &str| {
        let body = json!({"enrollment_id": id, "email": email, "enrolled_at": at});
        let target = "/api/v1/hosts/1/enrollments";
        app.admin().post(target, &body).await
    };
    let first = enroll("e1", "ana@example.com", "2026-02-01T10:00:00Z")
        .await
        .expect(201);
    let mut whole = first.json.clone();
    redact(&mut whole, "/assignment/reason", Shape::Line);
    let expected = json!({"host_id": "1", "recorded": true, "assignment": {
        "outcome": "linked", "username": "ana@example.com", "user_id": ana, "active": true,
        "reason": "[line]"}});
    assert_eq!(whole, expected);
    let again = enroll("e1", "ana@example.com", "2026-02-01T10:00:00Z")
        .await
        .expect(200);
    assert_eq!(again["recorded"], false);
    let later = enroll("e2", "ben@example.com", "2026-02-02T10:00:00Z")
        .await
        .expect(201);
    assert_eq!(later["assignment"]["user_id"], ben);
    // One that is told late does not overrule what happened after it.
    let late = enroll("e3", "ana@example.com", "2026-02-01T12:00:00Z")
        .await
        .expect(201);
    assert_eq!(late["assignment"]["user_id"], ben);
    let claims = app.admin().get("/api/v1/hosts/1").await.expect(200);
    assert_eq!(claims["host"]["claims"].as_array().unwrap().len(), 3);
}
