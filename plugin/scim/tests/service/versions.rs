//! Versions: what changes them, what is conditional on them, what happens in races.

use serde_json::{Value, json};

use crate::client::{Client, ENTERPRISE, USER};

fn rename(to: &str) -> Value {
    json!([{"op": "replace", "path": "displayName", "value": to}])
}

#[test]
fn what_changes_nothing_changes_no_version() {
    let mut client = Client::new();
    let body = json!({"schemas": [USER], "userName": "ana", "displayName": "Ana", "active": true});
    let created = client.post("/Users", &body).expect(201);
    let target = format!("/Users/{}", created.id());
    let events = client.directory.events.len();
    assert_eq!(client.put(&target, &body).expect(200).body, created.body);
    assert_eq!(
        client.patch(&target, &rename("Ana")).expect(200).body,
        created.body
    );
    assert!(client.noted("user-unchanged"));
    let absent = json!([{"op": "remove", "path": "title"}]);
    assert_eq!(
        client.patch(&target, &absent).expect(200).body,
        created.body
    );
    assert_eq!(client.directory.events.len(), events, "and makes no event");
}

#[test]
fn order_case_and_whitespace_make_no_difference() {
    let mut client = Client::new();
    let body = json!({"schemas": [USER, ENTERPRISE], "userName": "ana", "displayName": "Ana",
        "name": {"givenName": "Ana", "familyName": "Díaz"}, "active": true,
        ENTERPRISE: {"department": "IT"}});
    let created = client.post("/Users", &body).expect(201);
    let target = format!("/Users/{}", created.id());
    let same = format!(
        "\n{{ \"ACTIVE\" : true,\t\"{}\":{{\"DEPARTMENT\":\"IT\"}}, \"Name\":{{\"familyname\":\"D\\u00edaz\",\
         \"GivenName\":\"Ana\"}}, \"DISPLAYNAME\":\"Ana\",\"username\":\"ana\", \"title\": null,
         \"Schemas\":[\"{USER}\"] }}\r\n",
        ENTERPRISE.to_uppercase(),
    );
    let answer = client
        .request("PUT", &target, &[], same.as_bytes())
        .expect(200);
    assert_eq!(answer.body, created.body);
}

#[test]
fn a_known_version_is_not_sent_again() {
    let mut client = Client::new();
    for target in [
        format!("/Users/{}?excludedAttributes=groups", client.user("ana")),
        format!("/Groups/{}", client.group("Eng", &[])),
    ] {
        let fresh = client
            .request("GET", &target, &[("if-none-match", "W/\"1\"")], b"")
            .expect(304);
        assert_eq!(
            (fresh.header("etag"), fresh.text.len()),
            (Some("W/\"1\""), 0)
        );
        let other = client.request("GET", &target, &[("if-none-match", "W/\"2\"")], b"");
        let _ = other.expect(200);
    }
}

#[test]
fn a_known_version_says_nothing_about_the_groups_of_a_user() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let group = client.group("Eng", &[&ana]);
    let known = [("if-none-match", "W/\"1\"")];
    let answer = client.request("GET", &format!("/Users/{ana}"), &known, b"");
    let answer = answer.expect(200);
    assert_eq!(answer.version(), "W/\"1\"");
    assert_eq!(answer.body["groups"][0]["value"], json!(group));
}

#[test]
fn a_change_on_another_version_is_refused() {
    let mut client = Client::new();
    let patch =
        json!({"Operations": rename("changed"), "schemas": [crate::client::PATCH_OP]}).to_string();
    for target in [
        format!("/Users/{}", client.user("ana")),
        format!("/Groups/{}", client.group("Eng", &[])),
    ] {
        let stale = [("if-match", "W/\"7\"")];
        let put = match target.starts_with("/Users") {
            true => json!({"schemas": [USER], "userName": "ana", "displayName": "x"}),
            false => json!({"schemas": [crate::client::GROUP], "displayName": "x"}),
        }
        .to_string();
        let _ = client
            .request("PATCH", &target, &stale, patch.as_bytes())
            .expect(412);
        let _ = client
            .request("PUT", &target, &stale, put.as_bytes())
            .expect(412);
        let _ = client.request("DELETE", &target, &stale, b"").expect(412);
        assert_eq!(client.get(&target).expect(200).version(), "W/\"1\"");
        let known = [("if-match", "W/\"1\"")];
        let answer = client
            .request("PATCH", &target, &known, patch.as_bytes())
            .expect(200);
        assert_eq!(answer.version(), "W/\"2\"");
        let any = [("if-match", "*")];
        let _ = client.request("DELETE", &target, &any, b"").expect(204);
    }
}

#[test]
fn a_lost_race_is_run_again_on_what_the_other_left() {
    let mut client = Client::new();
    let id = client.user("ana");
    let raced = id.clone();
    client.directory.races.push_back(Box::new(move |state| {
        state.edit(&raced, |user| user["title"] = json!("Boss"));
    }));
    let answer = client
        .patch(&format!("/Users/{id}"), &rename("Ana"))
        .expect(200);
    assert_eq!(answer.body["title"], "Boss");
    assert_eq!(answer.body["displayName"], "Ana");
    assert_eq!(answer.version(), "W/\"3\"");
}

#[test]
fn a_race_lost_for_good_is_unavailable_and_with_if_match_a_failed_precondition() {
    let mut client = Client::new();
    let id = client.user("ana");
    let target = format!("/Users/{id}");
    for _ in 0..5 {
        let raced = id.clone();
        client
            .directory
            .races
            .push_back(Box::new(move |state| state.touch(&raced)));
    }
    let _ = client.patch(&target, &rename("Ana")).expect(503);
    let version = client.get(&target).version().to_owned();
    let raced = id.clone();
    client
        .directory
        .races
        .push_back(Box::new(move |state| state.touch(&raced)));
    let patch =
        json!({"Operations": rename("Ana"), "schemas": [crate::client::PATCH_OP]}).to_string();
    let _ = client
        .request(
            "PATCH",
            &target,
            &[("if-match", &version)],
            patch.as_bytes(),
        )
        .expect(412);
}

#[test]
fn a_user_deleted_in_between_is_not_found() {
    let mut client = Client::new();
    for delete in [false, true] {
        let id = client.user("ana");
        let raced = id.clone();
        client
            .directory
            .races
            .push_back(Box::new(move |state| state.delete(&raced)));
        let target = format!("/Users/{id}");
        let answer = match delete {
            true => client.delete(&target),
            false => client.patch(&target, &rename("Ana")),
        };
        let _ = answer.expect(404);
    }
}

#[test]
fn the_events_of_a_rename_name_both_logins() {
    let mut client = Client::new();
    let target = format!("/Users/{}", client.user("ana@example.com"));
    let operations =
        json!([{"op": "replace", "path": "userName", "value": "Ana.Diaz@example.com"}]);
    let _ = client.patch(&target, &operations).expect(200);
    let mut logins = client.directory.events.last().unwrap().logins.clone();
    logins.sort();
    assert_eq!(
        logins,
        [
            b"ana.diaz@example.com".to_vec(),
            b"ana@example.com".to_vec()
        ]
    );
    let _ = client.user("ana@example.com");
}

#[test]
fn a_login_that_goes_from_an_email_to_the_user_name_has_moved() {
    let mut client = Client::new();
    let body = json!({"schemas": [USER], "userName": "ana",
        "emails": [{"value": "boss@example.com"}, {"value": "ana@example.com"}]});
    let target = format!("/Users/{}", client.post("/Users", &body).expect(201).id());
    let swap = json!([
        {"op": "replace", "path": "userName", "value": "boss@example.com"},
        {"op": "replace", "path": "emails",
         "value": [{"value": "ana"}, {"value": "ana@example.com"}]}]);
    let _ = client.patch(&target, &swap).expect(200);
    let logins = &client.directory.events.last().unwrap().logins;
    assert_eq!(logins, &[b"ana".to_vec(), b"boss@example.com".to_vec()]);
}

#[test]
fn a_deleted_or_deactivated_user_may_move_each_of_its_logins() {
    let mut client = Client::new();
    let body = json!({"schemas": [USER], "userName": "ana", "active": true,
        "emails": [{"value": "old@example.com"}]});
    let target = format!("/Users/{}", client.post("/Users", &body).expect(201).id());
    let off = json!([
        {"op": "replace", "path": "active", "value": false},
        {"op": "replace", "path": "emails", "value": [{"value": "new@example.com"}]}]);
    let _ = client.patch(&target, &off).expect(200);
    let all = [
        b"ana".to_vec(),
        b"new@example.com".to_vec(),
        b"old@example.com".to_vec(),
    ];
    assert_eq!(client.directory.events.last().unwrap().logins, all);
    let _ = client.delete(&target).expect(204);
    assert_eq!(client.directory.events.last().unwrap().logins, all[..2]);
}

#[test]
fn a_user_without_active_shows_none_and_counts_as_active() {
    let mut client = Client::new();
    let created = client
        .post("/Users", &json!({"schemas": [USER], "userName": "ana"}))
        .expect(201);
    assert_eq!(created.body.get("active"), None);
    let target = format!("/Users/{}", created.id());
    let on = json!([{"op": "add", "path": "active", "value": true}]);
    let _ = client.patch(&target, &on).expect(200);
    let event = client.directory.events.last().unwrap();
    assert!(event.logins.is_empty(), "active before and after");
}
