//! The database file: opening, refusing, closing, many writers at once.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::path::Path;

use common::{put, scope};
use nameplate_store::{
    Change, IfMissing, Kind, MemberDelta, NewMember, Outcome, Precondition, StoreError, Unit,
    UserStore,
};
use nameplate_store_sql::{SqliteOptions, SqliteStore};
use rusqlite::Connection;

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, SqliteOptions::default())
}

fn delta(add: impl IntoIterator<Item = String>, replace: bool) -> Change {
    let member = |id| NewMember {
        id,
        display: None,
        login: None,
    };
    Change::Members(MemberDelta {
        group: "g1".to_owned(),
        condition: Precondition::Exists,
        replace,
        add: add.into_iter().map(member).collect(),
        remove: Vec::new(),
        if_missing: IfMissing::Fail,
    })
}

fn unit(changes: Vec<Change>) -> Vec<Unit> {
    vec![Unit {
        quota: Default::default(),
        changes,
        event: None,
    }]
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).unwrap();
    let scope = scope(&store).await;
    let id = [9; 16];
    let first = store
        .commit(scope, 1, id, unit(vec![put(Kind::User, "u1")]), None)
        .await
        .unwrap();
    drop(store);
    assert!(
        !folder.path().join("a.db-wal").exists(),
        "the log is folded into the file"
    );
    let store = open(&path).unwrap();
    assert!(store.get(scope, Kind::User, "u1").await.unwrap().is_some());
    let again = store
        .commit(scope, 2, id, unit(vec![put(Kind::User, "u1")]), None)
        .await
        .unwrap();
    assert_eq!(again, first, "a commit-id is known after a restart");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_database_is_read_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let mode = |name: &str| {
        let found = std::fs::metadata(folder.path().join(name)).unwrap();
        found.permissions().mode() & 0o777
    };
    let store = open(&folder.path().join("a.db")).unwrap();
    scope(&store).await;
    for name in ["a.db", "a.db-wal", "a.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    drop(store);
    let chosen = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(folder.path().join("a.db"), chosen).unwrap();
    drop(open(&folder.path().join("a.db")).unwrap());
    assert_eq!(mode("a.db"), 0o640, "a mode that somebody chose stays");
}

#[tokio::test]
async fn a_closed_store_writes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("a.db")).unwrap();
    let scope = scope(&store).await;
    store.clone().close();
    let late = store
        .commit(scope, 1, [1; 16], unit(vec![put(Kind::User, "u1")]), None)
        .await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))));
}

#[test]
fn a_newer_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(open(&path).unwrap());
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 4711)
        .unwrap();
    let Err(StoreError::Invalid(text)) = open(&path) else {
        unreachable!("it was opened")
    };
    assert!(
        text.contains("4711") && text.contains("newer program"),
        "{text}"
    );
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (a)")
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    let Err(StoreError::Invalid(text)) = open(&path) else {
        unreachable!("it was opened")
    };
    assert!(text.contains("another program"), "{text}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    std::fs::write(&path, "x".repeat(8192)).unwrap();
    assert!(matches!(open(&path), Err(StoreError::Corrupt(_))));
    assert!(matches!(
        open(&folder.path().join("no/such/folder.db")),
        Err(StoreError::Unavailable(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_share_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (one, two) = (open(&path).unwrap(), open(&path).unwrap());
    let scope = scope(&one).await;
    for number in 0..20_u8 {
        let store = if number % 2 == 0 { &one } else { &two };
        let units = unit(vec![put(Kind::User, &format!("u{number}"))]);
        let outcomes = store
            .commit(scope, 1, [number; 16], units, None)
            .await
            .unwrap();
        assert!(matches!(outcomes[0], Outcome::Committed { .. }));
        assert!(
            one.get(scope, Kind::User, &format!("u{number}"))
                .await
                .unwrap()
                .is_some()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_writers_on_one_group_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("a.db")).unwrap();
    let scope = scope(&store).await;
    let users = (0..400).map(|number| put(Kind::User, &format!("u{number}")));
    let changes = users.chain([put(Kind::Group, "g1")]).collect();
    store
        .commit(scope, 1, [255; 16], unit(changes), None)
        .await
        .unwrap();
    let writers = (0..8_u128).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..50 {
                let (id, member) = (writer * 1000 + number, format!("u{}", writer * 50 + number));
                let units = unit(vec![delta([member], false)]);
                let outcomes = store
                    .commit(scope, 2, id.to_be_bytes(), units, None)
                    .await
                    .unwrap();
                assert!(matches!(outcomes[0], Outcome::Committed { .. }));
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let group = store.get(scope, Kind::Group, "g1").await.unwrap().unwrap();
    assert_eq!((group.member_count, group.version), (400, 401));
    assert_eq!(
        store
            .members(scope, "g1", None, 1000)
            .await
            .unwrap()
            .members
            .len(),
        400
    );
}

#[tokio::test]
async fn fifty_thousand_members_are_replaced_in_one_unit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("a.db")).unwrap();
    let scope = scope(&store).await;
    let ids = |from: usize| {
        (from..from + 50_000).map(|number| format!("user-with-a-long-id-{number:06}"))
    };
    let users = ids(0).chain(ids(50_000)).map(|id| put(Kind::User, &id));
    let changes = users
        .chain([put(Kind::Group, "g1"), delta(ids(0), false)])
        .collect();
    store
        .commit(scope, 1, [1; 16], unit(changes), None)
        .await
        .unwrap();
    let start = std::time::Instant::now();
    let outcomes = store
        .commit(
            scope,
            2,
            [2; 16],
            unit(vec![delta(ids(50_000), true)]),
            None,
        )
        .await
        .unwrap();
    println!("replaced 50,000 of 50,000 members in {:?}", start.elapsed());
    let Outcome::Committed { results, .. } = &outcomes[0] else {
        unreachable!("{outcomes:?}")
    };
    assert_eq!(
        (results[0].members_added, results[0].members_removed),
        (50_000, 50_000)
    );
    assert_eq!(
        store
            .get(scope, Kind::Group, "g1")
            .await
            .unwrap()
            .unwrap()
            .member_count,
        50_000
    );
    let page = store.members(scope, "g1", None, 1).await.unwrap();
    assert_eq!(page.members[0].id, "user-with-a-long-id-050000");
}
