//! What an operation costs does not depend on how much is stored.
//!
//! Counted in steps of SQLite's virtual machine, so the answer is the same on
//! every machine: a scan or a count shows as steps in proportion to the rows.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use nameplate_store::{
    Change, ConnectionId, Delete, Detail, Direction, Find, IfMissing, Key, KeyRange, Kind,
    MemberDelta, NewMember, Outcome, Precondition, Put, Scope, TenantId, Unit,
};
use rusqlite::Connection;
use tempfile::TempDir;

use super::find::Walk;
use super::unit::Batch;
use super::{SqliteOptions, rows, schema};

/// The larger directory; the smaller has a hundredth.
const LARGE: usize = 10_000;

const TENANT: TenantId = TenantId(1);
const OKTA: ConnectionId = ConnectionId(1);

/// Steps so far. One per process is enough: the handler needs `'static`.
static STEPS: AtomicU64 = AtomicU64::new(0);

type Operation = Box<dyn Fn(&Directory)>;

struct Directory {
    connection: Connection,
    commits: Cell<u64>,
    _folder: TempDir,
}

fn id(number: usize) -> String {
    format!("u{number:06}")
}

fn user(number: usize) -> Put {
    let key = |attribute: &str, value: String, unique| Key {
        attribute: attribute.to_owned(),
        value: value.into_bytes(),
        unique,
        tracked: unique,
    };
    Put {
        kind: Kind::User,
        id: id(number),
        condition: Precondition::Absent,
        label: id(number),
        json: b"{}".to_vec(),
        keys: vec![
            key("userName", format!("{}@example.com", id(number)), true),
            key("active", "true".to_owned(), false),
        ],
        index_version: "v1".to_owned(),
    }
}

fn members(numbers: impl IntoIterator<Item = usize>) -> MemberDelta {
    let member = |number| NewMember {
        id: id(number),
        display: None,
        login: None,
    };
    MemberDelta {
        group: "g1".to_owned(),
        condition: Precondition::Exists,
        replace: false,
        add: numbers.into_iter().map(member).collect(),
        remove: Vec::new(),
        if_missing: IfMissing::Hold,
    }
}

impl Directory {
    /// So many users, all but the last ten in one group.
    fn of(users: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection =
            schema::open_writer(&folder.path().join("a.db"), &SqliteOptions::default()).unwrap();
        connection
            .execute_batch("INSERT INTO tenants (name, created) VALUES ('t', 1); INSERT INTO connections (tenant, name, created) VALUES (1, 'okta', 1)")
            .unwrap();
        let directory = Self {
            connection,
            commits: Cell::new(0),
            _folder: folder,
        };
        let mut changes: Vec<Change> = (0..users).map(|number| Change::Put(user(number))).collect();
        changes.push(Change::Put(Put {
            kind: Kind::Group,
            id: "g1".to_owned(),
            keys: Vec::new(),
            ..user(0)
        }));
        changes.push(Change::Members(members(0..users - 10)));
        directory.commit(changes);
        directory
    }

    fn commit(&self, changes: Vec<Change>) {
        self.commits.set(self.commits.get() + 1);
        let batch = Batch {
            tenant: TENANT,
            connection: OKTA,
            now: 1,
            commit_id: u128::from(self.commits.get()).to_be_bytes(),
            units: vec![Unit {
                changes,
                event: None,
            }],
            stop_after: None,
        };
        let transaction = self.connection.unchecked_transaction().unwrap();
        let outcomes = batch.commit(&transaction).unwrap();
        transaction.commit().unwrap();
        assert!(matches!(outcomes.as_slice(), [Outcome::Committed { .. }]));
    }

    fn find(&self, index: &str, range: KeyRange) {
        let find = Find {
            kind: Kind::User,
            index: index.to_owned(),
            range,
            direction: Direction::Ascending,
            skip: 0,
            after: None,
            limit: 10,
            want: Detail::Documents,
        };
        let walk = Walk {
            tenant: TENANT,
            connection: OKTA,
            find: &find,
            after: None,
        };
        let page = walk.page(&self.connection).unwrap();
        assert!(!page.hits.is_empty());
        if let Some(after) = page.next {
            let find = Find {
                after: Some(after.clone()),
                ..find.clone()
            };
            let after = Some(nameplate_store::walk::Mark::decode(&find, &after).unwrap());
            let walk = Walk {
                tenant: TENANT,
                connection: OKTA,
                find: &find,
                after,
            };
            assert!(!walk.page(&self.connection).unwrap().hits.is_empty());
        }
    }

    /// Does each operation once and returns its name and steps.
    fn costs(&mut self, users: usize) -> Vec<(&'static str, u64)> {
        self.connection
            .progress_handler(
                1,
                Some(|| STEPS.fetch_add(1, Ordering::Relaxed) == u64::MAX),
            )
            .unwrap();
        let scope = Scope {
            tenant: TENANT,
            connection: Some(OKTA),
        };
        let last = users - 1;
        let removal = MemberDelta {
            remove: vec![id(0)],
            ..members([])
        };
        let rename = Put {
            condition: Precondition::Exists,
            label: "new".to_owned(),
            ..user(last - 1)
        };
        let gone = Delete {
            kind: Kind::User,
            id: id(last - 2),
            condition: Precondition::Exists,
        };
        let operations: Vec<(&'static str, Operation)> = vec![
            (
                "get",
                Box::new(move |at| {
                    assert!(
                        rows::load(&at.connection, scope, &id(last))
                            .unwrap()
                            .is_some()
                    )
                }),
            ),
            (
                "find by name",
                Box::new(move |at| {
                    at.find("userName", KeyRange::Equal(user(last).keys.remove(0).value))
                }),
            ),
            (
                "find by prefix",
                Box::new(|at| at.find("userName", KeyRange::Prefix(b"u".to_vec()))),
            ),
            ("list with total", Box::new(|at| at.find("", KeyRange::All))),
            (
                "create",
                Box::new(move |at| at.commit(vec![Change::Put(user(users))])),
            ),
            (
                "update",
                Box::new(move |at| at.commit(vec![Change::Put(rename.clone())])),
            ),
            (
                "delete",
                Box::new(move |at| at.commit(vec![Change::Delete(gone.clone())])),
            ),
            (
                "add a member",
                Box::new(move |at| at.commit(vec![Change::Members(members([last]))])),
            ),
            (
                "remove a member",
                Box::new(move |at| at.commit(vec![Change::Members(removal.clone())])),
            ),
        ];
        let costs = operations
            .into_iter()
            .map(|(name, operation)| {
                let before = STEPS.load(Ordering::Relaxed);
                operation(self);
                (name, STEPS.load(Ordering::Relaxed) - before)
            })
            .collect();
        self.connection
            .progress_handler(0, None::<fn() -> bool>)
            .unwrap();
        costs
    }
}

#[test]
fn no_operation_costs_more_in_a_large_directory() {
    let small = Directory::of(LARGE / 100).costs(LARGE / 100);
    let large = Directory::of(LARGE).costs(LARGE);
    for ((name, few), (_, many)) in small.into_iter().zip(large) {
        assert!(few > 0, "{name} was not counted");
        assert!(
            many * 10 <= few * 11,
            "{name}: {few} steps in a small directory, {many} in a large one"
        );
    }
}
