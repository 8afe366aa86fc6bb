//! Backups of a database that is in use, restoring one, and a look at a file.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use common::{put, scope};
use nameplate_store::{ControlStore, Kind, Quota, Scope, StoreError, Unit, UserStore};
use nameplate_store_sql::sqlite::{health, restore};
use nameplate_store_sql::{SqliteOptions, SqliteStore};
use rusqlite::Connection;

/// Set for the process that is killed: the database it backs up.
const DATABASE: &str = "NAMEPLATE_TEST_BACKUP_OF";

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, SqliteOptions::default()).unwrap()
}

async fn write(store: &SqliteStore, scope: Scope, number: u64) {
    let unit = Unit {
        changes: vec![put(Kind::User, &format!("u{number}"))],
        event: None,
        quota: Quota::default(),
    };
    let id = u128::from(number).to_be_bytes();
    store.commit(scope, 1, id, vec![unit], None).await.unwrap();
}

async fn has(store: &SqliteStore, scope: Scope, number: u64) -> bool {
    let id = format!("u{number}");
    store.get(scope, Kind::User, &id).await.unwrap().is_some()
}

/// A closed database with users `u0` to `u9`.
async fn database(path: &Path) -> Scope {
    let store = open(path);
    let scope = scope(&store).await;
    for number in 0..10 {
        write(&store, scope, number).await;
    }
    scope
}

fn invalid(answer: Result<(), StoreError>, word: &str) {
    let Err(StoreError::Invalid(text)) = answer else {
        unreachable!("{answer:?}")
    };
    assert!(text.contains(word), "{text}");
}

fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_holds_all_that_was_answered_before_it_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.db"), folder.path().join("copy.db"));
    let store = open(&path);
    let scope = scope(&store).await;
    let (answered, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let writer = {
        let (store, answered, stop) = (store.clone(), answered.clone(), stop.clone());
        tokio::spawn(async move {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                write(&store, scope, number).await;
                number += 1;
                answered.store(number, Ordering::SeqCst);
            }
        })
    };
    for _ in 0..3 {
        let seen = answered.load(Ordering::SeqCst);
        while answered.load(Ordering::SeqCst) < seen + 50 {
            tokio::task::yield_now().await;
        }
        let (from, to) = (store.clone(), copy.clone());
        let before = answered.load(Ordering::SeqCst);
        let reports = tokio::task::spawn_blocking(move || {
            let mut reports = Vec::new();
            from.backup(&to, &mut |done, all| reports.push((done, all)))
                .unwrap();
            reports
        });
        let reports = reports.await.unwrap();
        let (done, all) = reports.last().unwrap();
        assert!(done == all && *all > 0, "{reports:?}");
        let looked = health(&copy).unwrap();
        assert!(looked.integrity.is_empty(), "{looked:?}");
        let whole = open(&copy);
        for number in 0..before {
            assert!(has(&whole, scope, number).await, "u{number} of {before}");
        }
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}

#[tokio::test]
async fn a_backup_is_one_file_of_its_owner_and_replaces_an_older_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.db"), folder.path().join("copy.db"));
    let scope = database(&path).await;
    std::fs::write(&copy, "an older one").unwrap();
    let store = open(&path);
    write(&store, scope, 99).await;
    store.backup(&copy, &mut |_, _| {}).unwrap();
    drop(store);
    assert_eq!(names(folder.path()), ["a.db", "copy.db"]);
    #[cfg(unix)]
    assert_eq!(health(&copy).unwrap().mode, Some(0o600));
    assert!(has(&open(&copy), scope, 99).await);
}

#[tokio::test]
async fn a_database_is_not_backed_up_over_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let scope = database(&path).await;
    let store = open(&path);
    let around = folder.path().join(".").join("a.db");
    invalid(store.backup(&around, &mut |_, _| {}), "itself");
    invalid(restore(&around, &path), "itself");
    assert!(has(&store, scope, 9).await);
}

#[tokio::test]
async fn a_backup_that_cannot_be_written_leaves_the_older_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    database(&path).await;
    let store = open(&path);
    let nowhere = folder.path().join("absent").join("copy.db");
    let answer = store.backup(&nowhere, &mut |_, _| {});
    assert!(
        matches!(answer, Err(StoreError::Unavailable(_))),
        "{answer:?}"
    );
}

/// Never ends by itself: it waits for its end in the middle of a backup.
fn back_up_half(path: PathBuf) {
    let store = open(&path);
    let copy = path.with_file_name("copy.db");
    _ = store.backup(&copy, &mut |_, _| {
        let mut out = std::io::stdout().lock();
        _ = writeln!(out, "half").and_then(|()| out.flush());
        loop {
            std::thread::park();
        }
    });
}

#[tokio::test]
async fn a_backup_that_is_killed_leaves_no_half_file_under_its_name() {
    if let Some(path) = std::env::var_os(DATABASE) {
        return back_up_half(path.into());
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.db"), folder.path().join("copy.db"));
    let scope = database(&path).await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "a_backup_that_is_killed_leaves_no_half_file_under_its_name",
        ])
        .env(DATABASE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let half = lines
        .map_while(Result::ok)
        .any(|line| line.ends_with("half"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(half, "the copy was begun");
    assert!(!copy.exists());
    assert!(
        names(folder.path())
            .iter()
            .any(|name| name.contains("partial"))
    );
    // What it left behind is in nobody's way.
    let store = open(&path);
    store.backup(&copy, &mut |_, _| {}).unwrap();
    assert!(
        !names(folder.path())
            .iter()
            .any(|name| name.contains("partial"))
    );
    assert!(has(&open(&copy), scope, 9).await);
}

#[tokio::test]
async fn a_backup_is_restored_over_an_older_state_and_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.db"), folder.path().join("copy.db"));
    let scope = database(&path).await;
    let store = open(&path);
    store.backup(&copy, &mut |_, _| {}).unwrap();
    write(&store, scope, 50).await;
    drop(store);
    restore(&copy, &path).unwrap();
    let store = open(&path);
    assert!(has(&store, scope, 9).await);
    assert!(!has(&store, scope, 50).await);
    let new = folder.path().join("new.db");
    restore(&copy, &new).unwrap();
    assert!(has(&open(&new), scope, 9).await);
    #[cfg(unix)]
    assert_eq!(health(&new).unwrap().mode, Some(0o600));
}

#[tokio::test]
async fn nothing_is_restored_while_the_database_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.db"), folder.path().join("copy.db"));
    let scope = database(&path).await;
    let store = open(&path);
    store.backup(&copy, &mut |_, _| {}).unwrap();
    write(&store, scope, 50).await;
    invalid(restore(&copy, &path), "open in another process");
    write(&store, scope, 51).await;
    assert!(has(&store, scope, 50).await);
    drop(store);
    let store = open(&path);
    assert!(has(&store, scope, 50).await && has(&store, scope, 51).await);
}

#[tokio::test]
async fn what_is_no_sound_backup_of_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let scope = database(&path).await;
    let file = |name: &str| folder.path().join(name);
    let foreign = Connection::open(file("foreign.db")).unwrap();
    foreign.execute_batch("CREATE TABLE a (b)").unwrap();
    drop(foreign);
    std::fs::write(file("empty.db"), "").unwrap();
    std::fs::write(
        file("text.db"),
        "no database at all, but longer than a header",
    )
    .unwrap();
    database(&file("newer.db")).await;
    let newer = Connection::open(file("newer.db")).unwrap();
    newer.pragma_update(None, "user_version", 4711).unwrap();
    drop(newer);
    invalid(restore(&file("foreign.db"), &path), "another program");
    invalid(restore(&file("empty.db"), &path), "empty");
    invalid(restore(&file("newer.db"), &path), "newer program");
    invalid(restore(&file("absent.db"), &path), "no file");
    let text = restore(&file("text.db"), &path);
    assert!(matches!(text, Err(StoreError::Corrupt(_))), "{text:?}");
    database(&file("damaged.db")).await;
    let mut bytes = std::fs::read(file("damaged.db")).unwrap();
    let half = bytes.len() / 2;
    for byte in bytes.iter_mut().skip(half).take(4096 * 4) {
        *byte ^= 0xff;
    }
    std::fs::write(file("damaged.db"), bytes).unwrap();
    let damaged = restore(&file("damaged.db"), &path);
    assert!(
        matches!(damaged, Err(StoreError::Corrupt(_))),
        "{damaged:?}"
    );
    // Another program's file is not written over either.
    invalid(restore(&path, &file("foreign.db")), "another program");
    assert!(has(&open(&path), scope, 9).await);
}

#[tokio::test]
async fn a_look_at_a_database_tells_how_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.db"), folder.path().join("copy.db"));
    let store = open(&path);
    scope(&store).await;
    let before = health(&path).unwrap();
    assert_eq!(before.schema_version, before.known_version);
    assert!(before.integrity.is_empty() && before.bytes > 0 && before.wal_bytes > 0);
    assert_eq!(before.last_backup, None);
    store.backup(&copy, &mut |_, _| {}).unwrap();
    assert!(health(&path).unwrap().last_backup.is_some());
    assert!(store.tenant_named("acme").await.unwrap().is_some());
    let absent = health(&folder.path().join("absent.db"));
    assert!(matches!(absent, Err(StoreError::Invalid(_))), "{absent:?}");
}
