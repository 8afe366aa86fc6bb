//! A process that is killed while it writes: every answered unit is there.
//!
//! The test runs itself as a child that commits and prints each id once it is
//! answered, and kills it with SIGKILL.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nameplate_store::{
    Assignment, AssignmentOutcome, Change, ConnectionId, ControlStore, Detail, Direction, Event,
    EventDraft, Find, HostRecord, HostStore, HostWrite, IfMissing, Key, KeyRange, Kind,
    MemberDelta, NewMember, Outcome, Precondition, Put, Scope, Subject, TenantId, Unit, UserStore,
};
use nameplate_store_sql::{SqliteOptions, SqliteStore};

/// Names the database to the child.
const DATABASE: &str = "NAMEPLATE_CRASH_TEST_DATABASE";
/// Answers to wait for before the kill: several groups of commits.
const ANSWERS: usize = 300;
const WRITERS: u64 = 4;

const SCOPE: Scope = Scope {
    tenant: TenantId(1),
    connection: Some(ConnectionId(1)),
};

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, SqliteOptions::default()).unwrap()
}

fn put(kind: Kind, id: &str, keys: Vec<Key>) -> Change {
    Change::Put(Put {
        kind,
        id: id.to_owned(),
        condition: Precondition::Absent,
        label: id.to_owned(),
        json: id.into(),
        keys,
        index_version: "v1".to_owned(),
    })
}

/// A user with a key, as a member of the group, with an event: one unit.
fn unit(id: &str) -> Unit {
    let key = Key {
        attribute: "userName".to_owned(),
        value: id.into(),
        unique: true,
        tracked: true,
    };
    let member = NewMember {
        id: id.to_owned(),
        display: None,
        login: None,
    };
    let delta = MemberDelta {
        group: "g1".to_owned(),
        condition: Precondition::Exists,
        replace: false,
        add: vec![member],
        remove: Vec::new(),
        if_missing: IfMissing::Fail,
    };
    Unit {
        quota: Default::default(),
        changes: vec![put(Kind::User, id, vec![key]), Change::Members(delta)],
        event: Some(EventDraft {
            name: "user.created".to_owned(),
            subject_kind: Kind::User,
            subject: id.to_owned(),
            logins: vec![id.into()],
        }),
    }
}

fn linked(user: &str) -> Assignment {
    Assignment {
        outcome: AssignmentOutcome::Linked,
        user: Some(user.to_owned()),
        login: user.to_owned(),
        reason: "r".to_owned(),
    }
}

async fn write_for_ever(path: PathBuf) {
    let store = open(&path);
    store.add_tenant(1, "acme").await.unwrap().unwrap();
    store
        .add_connection(1, SCOPE.tenant, "okta", "auto")
        .await
        .unwrap()
        .unwrap();
    let group = Unit {
        quota: Default::default(),
        changes: vec![put(Kind::Group, "g1", Vec::new())],
        event: None,
    };
    store
        .commit(SCOPE, 1, [255; 16], vec![group], None)
        .await
        .unwrap();
    let writers = (0..WRITERS).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            let host = HostRecord {
                id: format!("h{writer}"),
                ..HostRecord::default()
            };
            store.put_host(SCOPE.tenant, 1, host).await.unwrap();
            for number in 0_u64.. {
                let id = format!("u{writer}-{number}");
                let commit = u128::from(writer << 32 | number).to_be_bytes();
                let outcomes = store
                    .commit(SCOPE, 1, commit, vec![unit(&id)], None)
                    .await
                    .unwrap();
                assert!(matches!(outcomes[0], Outcome::Committed { .. }));
                let (host, version) = (format!("h{writer}"), number + 1);
                let written = store
                    .put_assignment(SCOPE.tenant, 1, &host, version, linked(&id))
                    .await
                    .unwrap();
                assert_eq!(written, HostWrite::Written(version + 1));
                let mut out = std::io::stdout().lock();
                // The parent may have closed its end; the kill follows.
                _ = writeln!(out, "answered {id}").and_then(|()| out.flush());
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_every_answered_unit_is_there() {
    if let Some(path) = std::env::var_os(DATABASE) {
        return write_for_ever(path.into()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let answered = kill_in_the_middle(&path);
    assert!(answered.len() >= ANSWERS);

    let store = open(&path);
    let (hosts, events): (Vec<Event>, Vec<Event>) = all_events(&store)
        .await
        .into_iter()
        .partition(|event| event.subject_kind == Subject::Host);
    let members = all_members(&store).await;
    for id in &answered {
        let user = store.get(SCOPE, Kind::User, id).await.unwrap().unwrap();
        assert_eq!(user.json, id.as_bytes());
        assert_eq!(found_by_name(&store, id).await, std::slice::from_ref(id));
        assert!(members.contains(id), "{id} is no member");
        let assigned = Some(linked(id).json());
        assert!(
            hosts.iter().any(|event| event.after == assigned),
            "{id} has no host"
        );
        assert_eq!(
            events.iter().filter(|event| event.subject == *id).count(),
            1,
            "events of {id}"
        );
    }
    // A unit that was not answered is there wholly or not at all.
    assert_eq!(members.len(), events.len());
    let group = store.get(SCOPE, Kind::Group, "g1").await.unwrap().unwrap();
    assert_eq!(group.member_count, u64::try_from(members.len()).unwrap());
    for writer in 0..WRITERS {
        assignments_are_whole(&store, &format!("h{writer}"), &hosts).await;
    }
    drop(store);
    let check: String = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

/// An assignment and its event are there together or not at all.
async fn assignments_are_whole(store: &SqliteStore, id: &str, events: &[Event]) {
    let host = store.host(SCOPE.tenant, id).await.unwrap().unwrap();
    let told: Vec<&Event> = events.iter().filter(|event| event.subject == id).collect();
    assert_eq!(u64::try_from(told.len()).unwrap(), host.version - 1, "{id}");
    let (mut before, mut states) = (None, Vec::new());
    for event in told {
        assert_eq!(event.before, before, "{id} at {}", event.seq);
        before.clone_from(&event.after);
        states.extend(event.after.clone());
    }
    assert_eq!(states.pop(), Some(host.assignment.json()), "{id}");
    let past = store.history(SCOPE.tenant, id, 1000).await.unwrap();
    let past: Vec<Vec<u8>> = past.iter().map(|line| line.assignment.json()).collect();
    let newest = states.iter().rev().take(past.len());
    assert!(newest.eq(&past), "{id}");
    assert_eq!(past.len(), states.len().min(200), "{id}");
}

/// Runs the child until enough is answered, kills it, and returns all it said.
fn kill_in_the_middle(path: &Path) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "after_a_kill_every_answered_unit_is_there",
            "--nocapture",
        ])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut answered = Vec::new();
    let mut killed = false;
    // Up to the end of the pipe: what was said before the kill counts too.
    while let Some(Ok(line)) = lines.next() {
        if let Some((_, id)) = line.split_once("answered ") {
            answered.push(id.to_owned());
        }
        if answered.len() >= ANSWERS && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    assert!(killed, "the child ended by itself");
    answered
}

async fn all_events(store: &SqliteStore) -> Vec<Event> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let events = store.events(SCOPE.tenant, after, 1000).await.unwrap();
        let Some(last) = events.last() else {
            return all;
        };
        assert_eq!(
            last.seq - after,
            u64::try_from(events.len()).unwrap(),
            "no gap"
        );
        after = last.seq;
        all.extend(events);
    }
}

async fn all_members(store: &SqliteStore) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .members(SCOPE, "g1", after.as_deref(), 1000)
            .await
            .unwrap();
        ids.extend(page.members.into_iter().map(|member| member.id));
        if page.next.is_none() {
            return ids;
        }
        after = page.next;
    }
}

async fn found_by_name(store: &SqliteStore, name: &str) -> Vec<String> {
    let find = Find {
        kind: Kind::User,
        index: "userName".to_owned(),
        range: KeyRange::Equal(name.into()),
        direction: Direction::Ascending,
        skip: 0,
        after: None,
        limit: 2,
        want: Detail::Ids,
    };
    store
        .find(SCOPE, &find)
        .await
        .unwrap()
        .hits
        .into_iter()
        .map(|hit| hit.id)
        .collect()
}
