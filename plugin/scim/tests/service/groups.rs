//! Groups: names, members that are held or refused, large ones, races.

use nameplate_scim::config::{Config, UnknownMembers};
use nameplate_scim::directory::Directory;
use serde_json::{Value, json};

use crate::client::{BASE, Client, GROUP, USER};

fn add(ids: &[&str]) -> Value {
    let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
    json!([{"op": "add", "path": "members", "value": members}])
}

#[test]
fn a_second_group_of_the_same_name_is_a_conflict() {
    let mut client = Client::new();
    let _ = client.group("Eng", &[]);
    let other = format!("/Groups/{}", client.group("Ops", &[]));
    let body = json!({"schemas": [GROUP], "displayName": "ENG"});
    let _ = client
        .post("/Groups", &body)
        .refused(409, "uniqueness")
        .names("`displayName`");
    let _ = client.put(&other, &body).refused(409, "uniqueness");
    let rename = json!([{"op": "replace", "path": "displayName", "value": "eng"}]);
    let _ = client.patch(&other, &rename).refused(409, "uniqueness");
    assert_eq!(client.get(&other).body["displayName"], "Ops");
}

#[test]
fn group_names_may_repeat_where_the_connection_allows_it() {
    let mut client = Client::with(Config {
        duplicate_group_names: true,
        ..Config::default()
    });
    let ids = [client.group("Eng", &[]), client.group("Eng", &[])];
    assert_eq!(
        client
            .filter("/Groups", "displayName eq \"eng\"")
            .expect(200)
            .ids(),
        ids
    );
}

#[test]
fn put_replaces_the_members_and_absent_members_are_none() {
    let mut client = Client::new();
    let (ana, ben) = (client.user("ana"), client.user("ben"));
    let target = format!("/Groups/{}", client.group("Eng", &[&ana]));
    let body = json!({"schemas": [GROUP], "displayName": "Eng", "members": [{"value": ben}]});
    let answer = client.put(&target, &body).expect(200);
    assert_eq!((answer.members(), answer.version()), (vec![ben], "W/\"2\""));
    let again = client.put(&target, &body).expect(200);
    assert_eq!(again.version(), "W/\"2\"");
    let bare = json!({"schemas": [GROUP], "displayName": "Eng"});
    let answer = client.put(&target, &bare).expect(200);
    assert_eq!(answer.body.get("members"), None);
}

#[test]
fn an_unknown_member_is_held_and_attached_when_it_arrives() {
    let mut client = Client::new();
    let ana = client.user("ana@example.com");
    let group = client.group("Eng", &[&ana, "ben@example.com"]);
    let target = format!("/Groups/{group}");
    assert!(client.noted("members-held"));
    assert_eq!(client.get(&target).members(), [ana.clone()]);
    let created = client
        .post(
            "/Users",
            &json!({"schemas": [USER], "userName": "Ben@Example.com"}),
        )
        .expect(201);
    assert!(client.noted("held-member-attached"));
    assert_eq!(created.body["groups"][0]["value"], json!(group));
    assert_eq!(client.get(&target).members(), [ana, created.id()]);
    assert_eq!(client.directory.held_members(&group, None, 10).unwrap(), []);
}

#[test]
fn unknown_members_are_refused_by_name_where_the_connection_says_so() {
    let mut client = Client::with(Config {
        unknown_members: UnknownMembers::Reject,
        ..Config::default()
    });
    let ana = client.user("ana");
    let target = format!("/Groups/{}", client.group("Eng", &[]));
    let answer = client
        .patch(&target, &add(&[&ana, "ghost"]))
        .refused(400, "invalidValue")
        .names("`ghost`");
    assert!(
        !answer.body["detail"].as_str().unwrap().contains(&ana),
        "the known one is not named"
    );
    assert_eq!(
        client.get(&target).body.get("members"),
        None,
        "nothing of it was applied"
    );
    let body = json!({"schemas": [GROUP], "displayName": "Ops", "members": [{"value": "ghost"}]});
    let _ = client.post("/Groups", &body).refused(400, "invalidValue");
    let _ = client.put(&target, &body).refused(400, "invalidValue");
    assert_eq!(client.get("/Groups").total(), 1);
}

#[test]
fn members_are_users_and_groups() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let inner = client.group("Inner", &[&ana]);
    let outer = client.group("Outer", &[&inner]);
    let answer = client.get(&format!("/Groups/{outer}")).expect(200);
    let member = json!({"value": inner, "$ref": format!("{BASE}/Groups/{inner}"), "display": "Inner", "type": "Group"});
    assert_eq!(answer.body["members"], json!([member]));
    let _ = client
        .patch(&format!("/Groups/{inner}"), &add(&[&outer]))
        .expect(200);
    let _ = client.get(&format!("/Users/{ana}")).expect(200);
}

#[test]
fn a_large_group_answers_a_patch_with_nothing_and_leaves_members_out_of_lists() {
    let mut client = Client::with(Config {
        max_members_inline: 2,
        ..Config::default()
    });
    let users: Vec<String> = (0..4).map(|n| client.user(&format!("u{n}"))).collect();
    let group = client.group("Eng", &[&users[0], &users[1]]);
    let target = format!("/Groups/{group}");
    assert_eq!(
        client.get("/Groups").body["Resources"][0]["members"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let answer = client.patch(&target, &add(&[&users[2]])).expect(204);
    assert_eq!(answer.header("etag"), Some("W/\"2\""));
    assert_eq!(
        client.get("/Groups").body["Resources"][0].get("members"),
        None
    );
    assert_eq!(client.get(&target).expect(200).members(), &users[..3]);
    let again = client.patch(&target, &add(&[&users[2]])).expect(204);
    assert_eq!(again.header("etag"), Some("W/\"2\""), "nothing changed");
    let without = format!("{target}?excludedAttributes=members");
    assert_eq!(
        client.patch(&without, &add(&[&users[3]])).expect(200).id(),
        group
    );
    let body = json!({"schemas": [GROUP], "displayName": "Eng",
        "members": users.iter().map(|id| json!({"value": id})).collect::<Vec<_>>()});
    assert_eq!(
        client.put(&target, &body).expect(200).body.get("members"),
        None
    );
}

#[test]
fn adding_a_member_reads_no_other_and_survives_other_writers() {
    let mut client = Client::with(Config {
        max_members_inline: 0,
        ..Config::default()
    });
    let users: Vec<String> = (0..3).map(|n| client.user(&format!("u{n}"))).collect();
    let group = client.group("Eng", &[&users[0]]);
    let target = format!("/Groups/{group}");
    let raced = group.clone();
    client
        .directory
        .races
        .push_back(Box::new(move |state| state.touch(&raced)));
    let before = client.directory.calls;
    let answer = client.patch(&target, &add(&[&users[1]])).expect(204);
    let after = client.directory.calls;
    assert_eq!(
        (after.get - before.get, after.commit - before.commit),
        (1, 1)
    );
    assert_eq!(after.members, before.members);
    assert_eq!(answer.header("etag"), Some("W/\"3\""));
}

#[test]
fn a_replaced_list_is_applied_to_the_version_that_was_read() {
    let mut client = Client::new();
    let (ana, ben) = (client.user("ana"), client.user("ben"));
    let group = client.group("Eng", &[&ana]);
    let raced = group.clone();
    client
        .directory
        .races
        .push_back(Box::new(move |state| state.touch(&raced)));
    let operations = json!([{"op": "replace", "path": "members", "value": [{"value": ben}]}]);
    let before = client.directory.calls.commit;
    let answer = client
        .patch(&format!("/Groups/{group}"), &operations)
        .expect(200);
    assert_eq!(answer.members(), [ben]);
    assert_eq!(client.directory.calls.commit - before, 2, "once in vain");
}

#[test]
fn members_are_removed_by_any_filter() {
    let mut client = Client::new();
    let (ana, ben) = (client.user("ana"), client.user("ben"));
    let inner = client.group("Inner", &[]);
    let target = format!("/Groups/{}", client.group("Eng", &[&ana, &ben, &inner]));
    let operations = json!([{"op": "remove", "path": "members[type eq \"Group\"]"}]);
    assert_eq!(
        client.patch(&target, &operations).expect(200).members(),
        [ana.clone(), ben.clone()]
    );
    let either = format!("members[value eq \"{ana}\" or value eq \"nobody\"]");
    let operations = json!([{"op": "remove", "path": either}]);
    assert_eq!(
        client.patch(&target, &operations).expect(200).members(),
        [ben]
    );
}

#[test]
fn deleting_a_user_takes_it_out_of_its_groups() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let target = format!("/Groups/{}", client.group("Eng", &[&ana]));
    let _ = client.delete(&format!("/Users/{ana}")).expect(204);
    let answer = client.get(&target).expect(200);
    assert_eq!(
        (answer.body.get("members"), answer.version()),
        (None, "W/\"2\"")
    );
}

#[test]
fn a_group_event_names_no_logins() {
    let mut client = Client::new();
    let ana = client.user("ana");
    let target = format!("/Groups/{}", client.group("Eng", &[]));
    let _ = client.patch(&target, &add(&[&ana])).expect(200);
    let events = &client.directory.events;
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["user.created", "group.created", "group.updated"]);
    assert!(events[1..].iter().all(|event| event.logins.is_empty()));
}

#[test]
fn a_member_added_by_login_is_removed_by_login() {
    let by_path = json!([{"op": "remove", "path": "members[value eq \"U3@Example.com\"]"}]);
    let by_value =
        json!([{"op": "remove", "path": "members", "value": [{"value": "u3@example.com"}]}]);
    for remove in [by_path, by_value] {
        let mut client = Client::new();
        let ana = client.user("ana");
        let target = format!("/Groups/{}", client.group("Eng", &[&ana, "u3@example.com"]));
        let u3 = client.user("u3@example.com");
        assert_eq!(client.get(&target).members(), [ana.clone(), u3]);
        let answer = client.patch(&target, &remove).expect(200);
        assert_eq!(answer.members(), [ana]);
        assert!(client.noted("members-removed"));
    }
}

#[test]
fn a_held_member_is_removed_by_what_was_sent() {
    let mut client = Client::new();
    let group = client.group("Eng", &["ghost@example.com"]);
    let remove = json!([{"op": "remove", "path": "members[value eq \"ghost@example.com\"]"}]);
    let _ = client
        .patch(&format!("/Groups/{group}"), &remove)
        .expect(200);
    assert_eq!(client.directory.held_members(&group, None, 10).unwrap(), []);
}

#[test]
fn removal_by_login_is_bounded_and_waits_for_the_index() {
    let mut client = Client::new();
    let target = format!("/Groups/{}", client.group("Eng", &["u3"]));
    let remove = |most: usize| {
        let members: Vec<Value> = (0..most)
            .map(|n| json!({"value": format!("u{n}")}))
            .collect();
        json!([{"op": "remove", "path": "members", "value": members}])
    };
    let finds = client.directory.calls.find;
    let _ = client
        .patch(&target, &remove(1001))
        .refused(400, "invalidValue")
        .names("send the ids");
    assert_eq!(client.directory.calls.find, finds);
    let _ = client.patch(&target, &remove(1000)).expect(200);
    client.directory.state.forget_keys("older-rules");
    let _ = client.patch(&target, &remove(4)).expect(503);
}
