//! A preview shows what a store shows that did the same, and the store it stands on
//! shows what it showed before.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use nameplate_store::memory::MemoryStore;
use nameplate_store::{
    Assignment, AssignmentOutcome, Change, Claim, ControlStore, Delete, Detail, Direction, Edge,
    EventDraft, Find, HostRecord, HostStore, IfMissing, Key, KeyRange, Kind, MemberDelta,
    NewMember, Precondition, Put, Scope, Source, StoreError, Unit, UserStore,
};
use proptest::prelude::*;
use tokio::runtime;

use super::*;

const USERS: [&str; 5] = ["u0", "u1", "u2", "u3", "u4"];
const GROUPS: [&str; 3] = ["g0", "g1", "g2"];
const VALUES: [&str; 4] = ["ana", "ana@x", "bo", "zoë"];
const NOW: u64 = 100;

fn kind(id: &str) -> Kind {
    match id.starts_with('u') {
        true => Kind::User,
        false => Kind::Group,
    }
}

fn put(id: &'static str, condition: Precondition, login: usize, mail: usize, json: u8) -> Change {
    let key = |attribute: &str, value: usize, unique| Key {
        attribute: attribute.to_owned(),
        value: VALUES[value].into(),
        unique,
        tracked: kind(id) == Kind::User,
    };
    Change::Put(Put {
        kind: kind(id),
        id: id.to_owned(),
        condition,
        label: format!("{id} {json}"),
        json: vec![b'0' + json],
        keys: vec![key("login", login, true), key("mail", mail, false)],
        index_version: "v1".to_owned(),
    })
}

fn any_id() -> impl Strategy<Value = &'static str> {
    prop::sample::select([&USERS[..], &GROUPS[..]].concat())
}

fn change() -> impl Strategy<Value = Change> {
    let condition = prop_oneof![
        3 => Just(Precondition::Absent),
        3 => Just(Precondition::Exists),
        1 => (1..4_u64).prop_map(Precondition::Version),
    ];
    let puts = (any_id(), condition, 0..4_usize, 0..4_usize, 0..3_u8)
        .prop_map(|(id, condition, login, mail, json)| put(id, condition, login, mail, json));
    let deletes = any_id().prop_map(|id| {
        Change::Delete(Delete {
            kind: kind(id),
            id: id.to_owned(),
            condition: Precondition::Exists,
        })
    });
    let member = (any_id(), prop::option::of(0..4_usize)).prop_map(|(id, login)| NewMember {
        id: id.to_owned(),
        display: None,
        login: login.map(|login| VALUES[login].into()),
    });
    let if_missing = prop_oneof![
        Just(IfMissing::Hold),
        Just(IfMissing::Skip),
        Just(IfMissing::Fail),
    ];
    let deltas = (
        prop::sample::select(&GROUPS[..]),
        any::<bool>(),
        prop::collection::vec(member, 0..4),
        prop::collection::vec(any_id().prop_map(str::to_owned), 0..3),
        if_missing,
    )
        .prop_map(|(group, replace, add, remove, if_missing)| {
            Change::Members(MemberDelta {
                group: group.to_owned(),
                condition: Precondition::Exists,
                replace,
                add,
                remove,
                if_missing,
            })
        });
    prop_oneof![4 => puts, 1 => deletes, 3 => deltas]
}

fn unit() -> impl Strategy<Value = Unit> {
    prop::collection::vec(change(), 1..3).prop_map(|changes| {
        let subject = match &changes[0] {
            Change::Put(put) => put.id.clone(),
            Change::Delete(delete) => delete.id.clone(),
            Change::Members(delta) => delta.group.clone(),
            Change::Rekey(rekey) => rekey.id.clone(),
        };
        let event = EventDraft {
            name: "changed".to_owned(),
            subject_kind: kind(&subject),
            subject,
            logins: vec![b"ana".to_vec()],
        };
        Unit {
            quota: Default::default(),
            changes,
            event: Some(event),
        }
    })
}

fn commits() -> impl Strategy<Value = Vec<Vec<Unit>>> {
    prop::collection::vec(prop::collection::vec(unit(), 1..4), 0..6)
}

async fn seeded(before: &[Vec<Unit>]) -> (MemoryStore, Scope) {
    let store = MemoryStore::new();
    let tenant = store.add_tenant(1, "acme").await.unwrap().unwrap().id;
    let added = store.add_connection(1, tenant, "okta", "auto").await;
    let scope = Scope {
        tenant,
        connection: Some(added.unwrap().unwrap().id),
    };
    commit(&store, scope, 1, before).await;
    (store, scope)
}

/// Every commit a little later than the one before; in a preview all are at one moment.
async fn commit(store: &dyn UserStore, scope: Scope, from: u64, commits: &[Vec<Unit>]) -> String {
    let mut outcomes = Vec::new();
    for (at, units) in (from..).zip(commits) {
        let now = at.min(NOW);
        let id = u128::from(at).to_be_bytes();
        let done = store.commit(scope, now, id, units.clone(), Some(2)).await;
        outcomes.push(done.unwrap());
    }
    format!("{outcomes:?}")
}

fn walks() -> Vec<Find> {
    let value = |at: usize| VALUES[at].as_bytes().to_vec();
    let ranges = [
        ("login", KeyRange::Equal(value(0))),
        ("login", KeyRange::Equal(value(3))),
        ("mail", KeyRange::Equal(value(2))),
        ("mail", KeyRange::Prefix(b"ana".to_vec())),
        ("login", KeyRange::Between(None, Some(value(2)))),
        ("mail", KeyRange::Contains(b"a".to_vec())),
        ("", KeyRange::All),
        ("@id", KeyRange::Prefix(b"u".to_vec())),
        ("@modified", KeyRange::Between(None, None)),
    ];
    let mut walks = Vec::new();
    for (index, range) in ranges {
        for (kind, direction, want) in [
            (Kind::User, Direction::Ascending, Detail::Documents),
            (Kind::User, Direction::Descending, Detail::Keys),
            (Kind::Group, Direction::Ascending, Detail::Keys),
        ] {
            walks.push(Find {
                kind,
                index: index.to_owned(),
                range: range.clone(),
                direction,
                skip: u64::from(want == Detail::Keys),
                after: None,
                limit: 2,
                want,
            });
        }
    }
    walks
}

/// All that a reader can see, a line each.
async fn seen(store: &dyn UserStore, scope: Scope) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |what: String| lines.push(what);
    let whole = Scope {
        connection: None,
        ..scope
    };
    let ids: Vec<String> = [&USERS[..], &GROUPS[..]]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect();
    for id in &ids {
        line(format!("{id} {:?}", store.get(scope, kind(id), id).await));
        for transitive in [false, true] {
            let groups = store.groups_of(whole, id, transitive).await;
            line(format!("{id} in {groups:?}"));
        }
    }
    line(format!("{:?}", store.get_many(whole, &ids).await));
    for group in GROUPS {
        let mut after: Option<String> = None;
        loop {
            let page = store.members(scope, group, after.as_deref(), 2).await;
            line(format!("{group} has {page:?}"));
            match page.unwrap().next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let people = store.users_of(whole, group, Some("u0"), 3).await;
        line(format!("below {group} {people:?}"));
        let edges: Vec<Edge> = ids
            .iter()
            .map(|member| Edge {
                group: group.to_owned(),
                member: member.clone(),
            })
            .collect();
        line(format!("{:?}", store.has_edges(scope, &edges).await));
    }
    for walk in walks() {
        let mut find = walk;
        loop {
            let mut page = store.find(scope, &find).await.unwrap();
            // A later page may do without; where a walk ends is its backend's own form.
            page.total = page.total.filter(|_| find.after.is_none());
            let next = page.next.take();
            let first = find.after.take().is_none();
            line(format!("{find:?} {first} {page:?} {}", next.is_some()));
            (find.after, find.skip) = (next, 0);
            if find.after.is_none() {
                break;
            }
        }
    }
    let values: Vec<Vec<u8>> = VALUES
        .iter()
        .map(|value| value.as_bytes().to_vec())
        .collect();
    for value in &values {
        let spans = store.holders(whole, std::slice::from_ref(value)).await;
        line(format!("{value:?} {spans:?}"));
    }
    line(format!("{:?}", store.holders(whole, &values).await));
    line(format!("{:?}", store.index_ready(scope, "v1").await));
    lines
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_preview_of_the_directory_shows_what_a_commit_would_leave(
        before in commits(),
        after in commits(),
    ) {
        block_on(async {
            let (base, scope) = seeded(&before).await;
            let (real, _) = seeded(&before).await;
            let untouched = seen(&base, scope).await;
            let known = base.events(scope.tenant, 0, 1000).await.unwrap().len() as u64;
            let store = Arc::new(base.clone());
            let preview = DirectoryPreview::new(store, scope, NOW).unwrap();
            prop_assert_eq!(
                commit(&preview, scope, NOW, &after).await,
                commit(&real, scope, NOW, &after).await
            );
            for (ours, theirs) in seen(&preview, scope).await.iter().zip(seen(&real, scope).await) {
                prop_assert_eq!(ours, &theirs);
            }
            prop_assert_eq!(
                preview.changed().events.clone(),
                real.events(scope.tenant, known, 1000).await.unwrap()
            );
            prop_assert_eq!(seen(&base, scope).await, untouched);
            let still = base.events(scope.tenant, known, 1).await.unwrap();
            prop_assert_eq!(still, []);
            Ok(())
        })?;
    }

    #[test]
    fn a_preview_of_hosts_shows_what_the_writes_would_leave(
        before in prop::collection::vec(write(), 0..12),
        after in prop::collection::vec(write(), 0..12),
    ) {
        block_on(async {
            let (base, scope) = seeded(&[]).await;
            let (real, _) = seeded(&[]).await;
            for store in [&base, &real] {
                for id in HOST_IDS {
                    let record = HostRecord { id: id.to_owned(), ..HostRecord::default() };
                    store.put_host(scope.tenant, 1, record).await.unwrap();
                }
                write_all(store, scope.tenant, &before).await;
            }
            let untouched = hosts_seen(&base, scope.tenant).await;
            let preview = HostPreview::new(Arc::new(base.clone()));
            prop_assert_eq!(
                write_all(&preview, scope.tenant, &after).await,
                write_all(&real, scope.tenant, &after).await
            );
            prop_assert_eq!(
                hosts_seen(&preview, scope.tenant).await,
                hosts_seen(&real, scope.tenant).await
            );
            prop_assert_eq!(hosts_seen(&base, scope.tenant).await, untouched);
            Ok(())
        })?;
    }
}

const HOST_IDS: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Clone, Debug)]
enum Write {
    Claim(&'static str, u8, usize),
    Withdraw(&'static str, u64),
    Assign(&'static str, bool, usize, usize),
}

fn write() -> impl Strategy<Value = Write> {
    // One host that there is not.
    let host = || prop::sample::select(vec!["a", "b", "c", "d", "nowhere"]);
    prop_oneof![
        (host(), 0..4_u8, 0..4_usize).prop_map(|(host, id, login)| Write::Claim(host, id, login)),
        (host(), 0..6_u64).prop_map(|(host, at)| Write::Withdraw(host, at)),
        (host(), any::<bool>(), 0..5_usize, 0..3_usize)
            .prop_map(|(host, stale, outcome, user)| Write::Assign(host, stale, outcome, user)),
    ]
}

async fn write_all(store: &dyn HostStore, tenant: TenantId, writes: &[Write]) -> Vec<String> {
    let mut outcomes = Vec::new();
    for write in writes.iter().cloned() {
        let outcome = match write {
            Write::Claim(host, id, login) => {
                let claim = Claim {
                    id: format!("c{id}"),
                    source: Source::Manual,
                    username: VALUES[login].to_owned(),
                    email: String::new(),
                    full_name: String::new(),
                    logins: vec![VALUES[login].into()],
                    since: u64::from(id),
                    withdrawn: None,
                };
                store.put_claim(tenant, 5, host, claim).await
            }
            Write::Withdraw(host, at) => store.withdraw(tenant, host, &Source::Manual, at).await,
            Write::Assign(host, stale, outcome, user) => {
                let known = store.host(tenant, host).await.unwrap();
                let version = known.map_or(1, |host| host.version);
                let assignment = Assignment {
                    outcome: AssignmentOutcome::ALL[outcome],
                    user: USERS
                        .get(user)
                        .filter(|_| outcome == 0)
                        .map(|id| (*id).to_owned()),
                    login: String::new(),
                    reason: "because".to_owned(),
                };
                let expected = version + u64::from(stale);
                store
                    .put_assignment(tenant, NOW, host, expected, assignment)
                    .await
            }
        };
        outcomes.push(format!("{outcome:?}"));
    }
    outcomes
}

async fn hosts_seen(store: &dyn HostStore, tenant: TenantId) -> Vec<String> {
    let mut lines = Vec::new();
    for id in HOST_IDS {
        lines.push(format!("{:?}", store.host(tenant, id).await));
        lines.push(format!("{:?}", store.history(tenant, id, 3).await));
    }
    for outcome in AssignmentOutcome::ALL.map(Some).into_iter().chain([None]) {
        let mut after: Option<String> = None;
        loop {
            let page = store.hosts(tenant, outcome, after.as_deref(), 2).await;
            lines.push(format!("{outcome:?} {page:?}"));
            match page.unwrap().pop() {
                Some(last) => after = Some(last.record.id),
                None => break,
            }
        }
    }
    for user in USERS {
        let hosts = store.assigned_to(tenant, user, Some("a"), 2).await;
        lines.push(format!("{user} {hosts:?}"));
    }
    for login in VALUES {
        let logins = [login.as_bytes().to_vec()];
        let hosts = store.claimed_by(tenant, &logins, None, 3).await;
        lines.push(format!("{login} {hosts:?}"));
    }
    let users: Vec<String> = USERS.iter().map(|user| (*user).to_owned()).collect();
    lines.push(format!("{:?}", store.with_host(tenant, &users).await));
    lines
}

#[test]
fn a_preview_refuses_what_it_would_have_to_write() {
    block_on(async {
        let (base, scope) = seeded(&[]).await;
        let store = Arc::new(base);
        let preview = DirectoryPreview::new(store.clone(), scope, NOW).unwrap();
        let settled = preview.settle(scope.tenant, &[1]).await;
        assert!(matches!(settled, Err(StoreError::Denied(_))));
        let hosts = HostPreview::new(store);
        let deleted = hosts.delete_host(scope.tenant, NOW, "a").await;
        assert!(matches!(deleted, Err(StoreError::Denied(_))));
    });
}

#[test]
fn a_commit_that_is_repeated_is_done_once() {
    block_on(async {
        let (base, scope) = seeded(&[]).await;
        let preview = DirectoryPreview::new(Arc::new(base), scope, NOW).unwrap();
        let unit = Unit {
            quota: Default::default(),
            changes: vec![put("u0", Precondition::Absent, 0, 0, 0)],
            event: None,
        };
        let first = preview.commit(scope, NOW, [1; 16], vec![unit.clone()], None);
        let first = first.await.unwrap();
        let again = preview.commit(scope, NOW, [1; 16], vec![unit], None);
        assert_eq!(again.await.unwrap(), first);
    });
}
