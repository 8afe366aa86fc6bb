//! What an operation costs does not depend on how much is stored.
//!
//! Counted in steps of SQLite's virtual machine, so the answer is the same on
//! every machine: a scan or a count shows as steps in proportion to the rows.

#![expect(clippy::unwrap_used, reason = "tests")]

mod control;
mod hosts;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use nameplate_store::walk::Mark;
use nameplate_store::{
    Change, ConnectionId, Delete, Detail, Direction, EventDraft, Find, IfMissing, Key, KeyRange,
    Kind, MemberDelta, NewMember, Outcome, Page, Precondition, Put, Rekey, Scope, TenantId, Unit,
};
use rusqlite::Connection;
use tempfile::TempDir;

use super::events::Keep;
use super::find::Walk;
use super::unit::Batch;
use super::{SqliteOptions, rows, schema, users};

/// The larger directory; the smaller has a hundredth.
const LARGE: usize = 10_000;

const TENANT: TenantId = TenantId(1);
const OKTA: ConnectionId = ConnectionId(1);

type Operation = Box<dyn Fn(&Directory)>;

struct Directory {
    connection: Connection,
    commits: Cell<u64>,
    /// So far, while they are counted.
    steps: Arc<AtomicU64>,
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

/// A walk over users for ten documents.
fn walk(index: &str, range: KeyRange) -> Find {
    Find {
        kind: Kind::User,
        index: index.to_owned(),
        range,
        direction: Direction::Ascending,
        skip: 0,
        after: None,
        limit: 10,
        want: Detail::Documents,
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
            steps: Arc::default(),
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
        self.commit_unit(Unit {
            quota: Default::default(),
            changes,
            event: None,
        });
    }

    fn commit_about(&self, changes: Vec<Change>, event: &EventDraft) {
        self.commit_unit(Unit {
            quota: Default::default(),
            changes,
            event: Some(event.clone()),
        });
    }

    fn commit_unit(&self, unit: Unit) {
        self.commits.set(self.commits.get() + 1);
        let batch = Batch {
            tenant: TENANT,
            connection: OKTA,
            now: 1,
            units: vec![unit],
            stop_after: None,
            keep: Keep {
                events: 100,
                waiting: 1000,
            },
        };
        let transaction = self.connection.unchecked_transaction().unwrap();
        let commit_id = u128::from(self.commits.get()).to_be_bytes();
        let outcomes = batch.commit(&transaction, commit_id).unwrap();
        transaction.commit().unwrap();
        assert!(matches!(outcomes.as_slice(), [Outcome::Committed { .. }]));
    }

    fn page(&self, find: &Find) -> Page {
        let after = find.after.as_deref();
        let walk = Walk {
            tenant: TENANT,
            connection: OKTA,
            find,
            after: after.map(|after| Mark::decode(OKTA, find, after).unwrap()),
        };
        walk.page(&self.connection).unwrap()
    }

    /// The first page of a walk, and the next if there is one.
    fn find(&self, index: &str, range: KeyRange) {
        let find = walk(index, range);
        let page = self.page(&find);
        assert!(!page.hits.is_empty());
        if page.next.is_some() {
            let after = page.next;
            assert!(!self.page(&Find { after, ..find }).hits.is_empty());
        }
    }

    /// Counts steps from here on.
    fn count(&mut self) {
        let steps = Arc::clone(&self.steps);
        let step = move || steps.fetch_add(1, Ordering::Relaxed) == u64::MAX;
        self.connection.progress_handler(1, Some(step)).unwrap();
    }

    fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Does each operation once and returns its name and steps.
    fn costs(&mut self, users: usize) -> Vec<(&'static str, u64)> {
        self.count();
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
                Box::new(|at| at.find("userName", KeyRange::Prefix(b"u00009".to_vec()))),
            ),
            (
                "find by id",
                Box::new(|at| at.find("@id", KeyRange::Prefix(b"u00009".to_vec()))),
            ),
            (
                "list by id",
                Box::new(|at| at.find("@id", KeyRange::Between(None, None))),
            ),
            (
                "list by modified",
                Box::new(|at| at.find("@modified", KeyRange::Between(None, None))),
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
                let before = self.steps();
                operation(self);
                (name, self.steps() - before)
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

#[test]
fn dead_spans_beyond_an_answer_cost_nothing() {
    let steps = |dead: usize| {
        let mut directory = Directory::of(20);
        let spans = format!(
            "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < {dead})
             INSERT INTO holdings (tenant, connection, attribute, value, document, since, until, state)
             SELECT 1, 1, 'userName', CAST('{}@example.com' AS BLOB), 'x' || n, n, n, 2 FROM n",
            id(1)
        );
        directory.connection.execute_batch(&spans).unwrap();
        directory.count();
        let before = directory.steps();
        let login = user(1).keys.remove(0).value;
        let found = users::holders(&directory.connection, TENANT, &[login]).unwrap();
        assert_eq!(
            (found.len(), found.iter().filter(|span| span.alive).count()),
            (1000, 1)
        );
        directory.steps() - before
    };
    let (few, many) = (steps(2_000), steps(40_000));
    assert!(few > 0, "nothing was counted");
    assert!(
        many * 10 <= few * 11,
        "{few} steps past 2,000 dead spans, {many} past 40,000"
    );
}

#[test]
fn spans_that_nobody_is_shown_are_forgotten() {
    let directory = Directory::of(20);
    let login = format!("{}@example.com", id(30));
    // 2 are open, 5 ended, the others dead: 1 to 5 are older than what is shown.
    let spans = format!(
        "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 1007)
         INSERT INTO holdings (tenant, connection, attribute, value, document, since, until, state)
         SELECT 1, 1, 'userName', CAST('{login}' AS BLOB), 'x' || n, n, n,
             CASE WHEN n < 3 THEN 0 WHEN n < 8 THEN 1 ELSE 2 END FROM n"
    );
    directory.connection.execute_batch(&spans).unwrap();
    let kept = || -> (i64, i64, i64) {
        let query = "SELECT sum(state = 0), sum(state = 1), min(CASE state WHEN 2 THEN since END)
             FROM holdings WHERE value = CAST(?1 AS BLOB)";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        directory
            .connection
            .query_row(query, [&login], row)
            .unwrap()
    };
    assert_eq!(kept(), (2, 5, 8));
    directory.commit(vec![Change::Put(user(30))]);
    assert_eq!(kept(), (3, 5, 13), "1,000 that ended are kept");
}

#[test]
fn what_is_skipped_is_not_read() {
    let mut directory = Directory::of(LARGE);
    let skip = LARGE - 20;
    let all = Find {
        skip: u64::try_from(skip).unwrap(),
        ..walk("active", KeyRange::All)
    };
    let with = |index: &str, range| Find {
        index: index.to_owned(),
        range,
        ..all.clone()
    };
    let walks = [
        all.clone(),
        with("active", KeyRange::Equal(b"true".to_vec())),
        with("userName", KeyRange::Between(None, None)),
        with("@id", KeyRange::Between(None, None)),
        with("@modified", KeyRange::Between(None, None)),
    ];
    directory.count();
    for find in walks {
        let (before, start) = (directory.steps(), Instant::now());
        let page = directory.page(&find);
        let ids: Vec<&str> = page.hits.iter().map(|hit| hit.id.as_str()).collect();
        let expected: Vec<String> = (skip..skip + 10).map(id).collect();
        assert_eq!(ids, expected);
        let steps = directory.steps() - before;
        println!("{skip} passed over in {steps} steps, {:?}", start.elapsed());
        // An entry that is passed over takes 3 steps and 3 if it is counted as well, a
        // row that is read 13 or more.
        let few = 7 * u64::try_from(skip).unwrap();
        assert!(steps < few, "{find:?}: {steps} steps");
    }
}

/// Walks with more hits than a page, each document under one value.
fn long_walks() -> Vec<Find> {
    let between = |from: &[u8]| KeyRange::Between(Some(from.to_vec()), None);
    vec![
        walk("active", KeyRange::Equal(b"true".to_vec())),
        walk("userName", KeyRange::Prefix(b"u".to_vec())),
        walk("userName", between(b"u")),
        walk("userName", KeyRange::Contains(b"@example".to_vec())),
        walk("@id", KeyRange::Prefix(b"u".to_vec())),
        walk("@modified", between(&[0])),
    ]
}

#[test]
fn a_later_page_counts_nothing() {
    let costs = |users: usize| -> Vec<u64> {
        let mut directory = Directory::of(users);
        directory.count();
        let walks = long_walks().into_iter().map(|find| {
            let after = directory.page(&find).next;
            let before = directory.steps();
            let page = directory.page(&Find { after, ..find });
            assert_eq!((page.hits.len(), page.total), (10, None));
            directory.steps() - before
        });
        walks.collect()
    };
    let (small, large) = (costs(LARGE / 100), costs(LARGE));
    for ((few, many), find) in small.into_iter().zip(large).zip(long_walks()) {
        assert!(few > 0 && many * 10 <= few * 11, "{few}, {many}: {find:?}");
    }
}

#[test]
fn a_total_is_counted_on_an_index_alone() {
    let mut directory = Directory::of(LARGE);
    directory.count();
    for find in long_walks() {
        let before = directory.steps();
        let page = directory.page(&Find {
            limit: 0,
            ..find.clone()
        });
        let users = u64::try_from(LARGE).unwrap();
        assert_eq!(page.total, Some(users), "{find:?}");
        // 3 an entry, for `contains` 6; a key set that is read takes 13 or more.
        let steps = directory.steps() - before;
        assert!(steps < 7 * users, "{find:?}: {steps} steps");
    }
}

#[test]
fn no_total_where_a_document_has_several_values() {
    let directory = Directory::of(20);
    let total = |index: &str| {
        let find = walk(index, KeyRange::Between(None, None));
        directory.page(&find).total
    };
    let active = |value: &str| Key {
        attribute: "active".to_owned(),
        value: value.into(),
        unique: false,
        tracked: false,
    };
    let several = |number: usize| {
        let mut put = user(number);
        put.condition = Precondition::Exists;
        put.keys.extend([active("b"), active("c")]);
        put
    };
    let plain = |number: usize| Put {
        condition: Precondition::Exists,
        ..user(number)
    };
    let rekey = |put: Put| {
        let Put {
            kind,
            id,
            keys,
            index_version,
            ..
        } = put;
        let version = 1;
        Change::Rekey(Rekey {
            kind,
            id,
            version,
            keys,
            index_version,
        })
    };
    let gone = Delete {
        kind: Kind::User,
        id: id(2),
        condition: Precondition::Exists,
    };
    assert_eq!(total("active"), Some(20));
    let steps: [(Change, Option<u64>); 7] = [
        (Change::Put(several(1)), None),
        (Change::Put(several(2)), None),
        (Change::Put(plain(1)), None),
        (rekey(several(3)), None),
        (Change::Delete(gone), None),
        (Change::Put(several(3)), None),
        (rekey(user(3)), Some(19)),
    ];
    for (change, expected) in steps {
        directory.commit(vec![change.clone()]);
        assert_eq!(total("active"), expected, "{change:?}");
        assert!(total("userName").is_some(), "another attribute: {change:?}");
    }
    // A page that shows the whole range tells by itself.
    directory.commit(vec![Change::Put(several(1))]);
    let few = walk(
        "active",
        KeyRange::Between(Some(b"b".to_vec()), Some(b"c".to_vec())),
    );
    assert_eq!(directory.page(&few).total, Some(1));
}
