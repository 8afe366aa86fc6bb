//! SIGKILL in the middle of writes. What was answered is there after the restart,
//! whole; what was not answered is there whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use nameplate_store::{ControlStore, Event, TenantId, UserStore};
use nameplate_store_sql::{SqliteOptions, SqliteStore};
use nameplate_tests::process::{Client, Place, Server, encode};
use serde_json::{Value, json};

use crate::place;

/// Writers at once: several units share one sync.
const WRITERS: usize = 4;

/// Answered writes after which each round is killed: in the first group, before and
/// after the first checkpoint of the log.
const KILLED_AFTER: [usize; 5] = [1, 25, 70, 160, 400];

/// A write whose 2xx answer arrived.
enum Answered {
    Created { id: String, user_name: String },
    Joined { id: String },
}

#[test]
fn every_answered_write_survives_a_kill_with_its_keys_members_and_event() {
    let place = place().without_rates().unwrap();
    let token = place.init().unwrap().scim;
    let (mut users, mut members) = (BTreeMap::new(), BTreeSet::new());
    let mut server = place.serve().unwrap();
    let group = new_group(&mut server.client(&token).unwrap());
    for (round, killed_after) in KILLED_AFTER.into_iter().enumerate() {
        let answered = write_until_killed(server, &token, &group, round, killed_after);
        assert!(answered.len() >= killed_after, "the round was too short");
        for write in answered {
            match write {
                Answered::Created { id, user_name } => {
                    users.insert(id, user_name);
                }
                Answered::Joined { id } => {
                    members.insert(id);
                }
            }
        }
        check_files(&place);
        server = place.serve().unwrap();
        check_over_http(
            &mut server.client(&token).unwrap(),
            &group,
            &users,
            &members,
        );
    }
    server.kill().unwrap();
    check_events(&place, &group, &users, &members);
}

fn new_group(client: &mut Client) -> String {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "everybody",
    });
    let answer = client
        .ask("POST", "/scim/v2/Groups", &body.to_string())
        .unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.text("/id")
}

/// Lets the writers run, kills the server after so many answers and returns every
/// write that was answered, those after the kill was decided included.
fn write_until_killed(
    server: Server,
    token: &str,
    group: &str,
    round: usize,
    killed_after: usize,
) -> Vec<Answered> {
    let (sender, receiver) = channel();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let mut client = server.client(token).unwrap();
            let (sender, group) = (sender.clone(), group.to_owned());
            thread::spawn(move || {
                for n in 0.. {
                    let user_name = format!("r{round}w{writer}n{n}@example.com");
                    if write(&mut client, &user_name, &group, &sender).is_none() {
                        return;
                    }
                }
            })
        })
        .collect();
    drop(sender);
    let mut answered: Vec<_> = receiver.iter().take(killed_after).collect();
    server.kill().unwrap();
    for writer in writers {
        writer.join().unwrap();
    }
    answered.extend(receiver);
    answered
}

/// Creates a user and puts it into the group; none once the server is gone.
fn write(
    client: &mut Client,
    user_name: &str,
    group: &str,
    answered: &Sender<Answered>,
) -> Option<()> {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": user_name,
        "emails": [{"value": user_name, "type": "work"}],
    });
    let answer = client
        .ask("POST", "/scim/v2/Users", &body.to_string())
        .ok()?;
    assert_eq!(answer.status, 201, "{answer:?}");
    let id = answer.text("/id");
    let user_name = user_name.to_owned();
    answered
        .send(Answered::Created {
            id: id.clone(),
            user_name,
        })
        .unwrap();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "path": "members", "value": [{"value": id}]}],
    });
    let target = format!("/scim/v2/Groups/{group}");
    let answer = client.ask("PATCH", &target, &body.to_string()).ok()?;
    assert!(matches!(answer.status, 200 | 204), "{answer:?}");
    answered.send(Answered::Joined { id }).unwrap();
    Some(())
}

/// The file as the crash left it.
fn check_files(place: &Place) {
    let database = rusqlite::Connection::open(place.database()).unwrap();
    let integrity: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(integrity, "ok");
    let orphans = database
        .prepare("PRAGMA foreign_key_check")
        .unwrap()
        .exists([])
        .unwrap();
    assert!(!orphans, "a row refers to one that is not there");
}

fn check_over_http(
    client: &mut Client,
    group: &str,
    users: &BTreeMap<String, String>,
    members: &BTreeSet<String>,
) {
    for (id, user_name) in users {
        let answer = client.get(&format!("/scim/v2/Users/{id}")).unwrap();
        assert_eq!(answer.status, 200, "{user_name} was answered and is gone");
        assert_eq!(answer.text("/userName"), *user_name);
        assert_eq!(found_by_name(client, user_name), std::slice::from_ref(id));
    }
    // The other way round: whatever is listed was written whole.
    let listed = all_users(client);
    assert!(listed.len() >= users.len());
    for (id, user_name) in &listed {
        assert_eq!(found_by_name(client, user_name), std::slice::from_ref(id));
        let answer = client.get(&format!("/scim/v2/Users/{id}")).unwrap();
        assert_eq!(
            answer.status, 200,
            "{user_name} is listed and cannot be read"
        );
    }
    let answer = client.get(&format!("/scim/v2/Groups/{group}")).unwrap();
    // A group without members has no `members` at all (RFC 7643 2.5).
    let inside: BTreeSet<String> = answer.json()["members"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|member| member["value"].as_str().unwrap().to_owned())
        .collect();
    assert!(members.is_subset(&inside), "an answered member is gone");
    assert!(
        inside.iter().all(|member| listed.contains_key(member)),
        "a member without a user"
    );
}

fn found_by_name(client: &mut Client, user_name: &str) -> Vec<String> {
    let filter = encode(&format!("userName eq \"{user_name}\""));
    let answer = client
        .get(&format!("/scim/v2/Users?filter={filter}"))
        .unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    ids(&answer.json())
}

fn ids(list: &Value) -> Vec<String> {
    let resources = list["Resources"].as_array().into_iter().flatten();
    resources
        .map(|user| user["id"].as_str().unwrap().to_owned())
        .collect()
}

fn all_users(client: &mut Client) -> BTreeMap<String, String> {
    let mut users = BTreeMap::new();
    loop {
        let start = users.len() + 1;
        let target = format!("/scim/v2/Users?startIndex={start}&count=200");
        let json = client.get(&target).unwrap().json();
        let page = json["Resources"].as_array().cloned().unwrap_or_default();
        for user in &page {
            let text = |name: &str| user[name].as_str().unwrap().to_owned();
            users.insert(text("id"), text("userName"));
        }
        if page.is_empty() {
            assert_eq!(json["totalResults"], users.len());
            return users;
        }
    }
}

/// Each answered write has its event, and the log has no gaps.
fn check_events(
    place: &Place,
    group: &str,
    users: &BTreeMap<String, String>,
    members: &BTreeSet<String>,
) {
    let store = SqliteStore::open(&place.database(), SqliteOptions::default()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let events = runtime.block_on(async {
        let tenant = store.tenants().await.unwrap()[0].id;
        all_events(&store, tenant).await
    });
    let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
    let all: Vec<u64> = (1..=events.len() as u64).collect();
    assert_eq!(seqs, all, "numbers without gaps, in order");
    let created: BTreeSet<&String> = events
        .iter()
        .filter(|event| event.name == "user.created" && event.after.is_some())
        .map(|event| &event.subject)
        .collect();
    assert!(users.keys().all(|id| created.contains(id)));
    let joined: BTreeSet<&String> = events
        .iter()
        .filter(|event| event.subject == group)
        .flat_map(|event| &event.added)
        .collect();
    assert!(members.iter().all(|id| joined.contains(id)));
}

async fn all_events(store: &SqliteStore, tenant: TenantId) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.seq);
        let page = store.events(tenant, after, 1000).await.unwrap();
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}
