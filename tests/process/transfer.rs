//! `nameplate import`, `export` and `reconcile`: cut off and resumed, beside a running
//! server, and with nothing written where that was asked.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use nameplate_store::{ControlStore, HostRecord, HostStore, Promise, TenantId, UserStore};
use nameplate_store_sql::{SqliteOptions, SqliteStore};
use nameplate_tests::process::{Answer, Client, Place};
use serde_json::{Value, json};

use crate::place;

/// Rows of the table that is cut off in the middle.
const ROWS: usize = 5000;
/// Lines of the journal after which it is: some hundred rows are done.
const KILLED_AFTER: usize = 8;

#[track_caller]
fn stdout(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn failure(place: &Place, args: &[&str]) -> String {
    let output = place.run(args).unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

fn table(place: &Place, rows: usize) -> PathBuf {
    let mut text = "serial,username,full_name\n".to_owned();
    for n in 0..rows {
        writeln!(text, "C{n:05},user{n}@example.com,User {n}").unwrap();
    }
    let path = place.folder().join("people.csv");
    std::fs::write(&path, text).unwrap();
    path
}

fn journal(place: &Place) -> PathBuf {
    place.folder().join("people.csv.nameplate-import")
}

/// What is promised, and the numbers of events there are.
fn stored(place: &Place) -> (Vec<Promise>, (u64, u64)) {
    in_store(place, async |store, tenant| {
        let mut promises: Vec<Promise> = Vec::new();
        loop {
            let after = promises.last().map(|last| last.name.clone());
            let page = store.promises(tenant, after.as_ref(), 1000).await.unwrap();
            if page.is_empty() {
                break;
            }
            promises.extend(page);
        }
        (promises, store.event_range(tenant).await.unwrap())
    })
}

/// Something done in the database itself, beside the command.
fn in_store<T>(place: &Place, work: impl AsyncFnOnce(&SqliteStore, TenantId) -> T) -> T {
    let options = SqliteOptions::default();
    let store = SqliteStore::open(&place.database(), options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let done = runtime.unwrap().block_on(async {
        let tenant = store.tenants().await.unwrap()[0].id;
        work(&store, tenant).await
    });
    store.close();
    done
}

/// The numbers of `N rows: N recorded, N known already, N passed over`.
fn counts(printed: &str) -> Vec<usize> {
    let line = printed.lines().last().unwrap();
    line.split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok())
        .collect()
}

fn post(client: &mut Client, target: &str, body: &Value) -> Answer {
    client.ask("POST", target, &body.to_string()).unwrap()
}

#[test]
fn an_import_that_is_killed_goes_on_and_counts_every_row_once() {
    let place = place();
    place.init().unwrap();
    table(&place, ROWS);
    let mut child = place
        .command(&["import", "people.csv"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let lines = || {
        let text = std::fs::read_to_string(journal(&place)).unwrap_or_default();
        text.lines().count()
    };
    while lines() < KILLED_AFTER {
        assert!(child.try_wait().unwrap().is_none(), "done before the kill");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (before, _) = stored(&place);
    assert!((1..ROWS).contains(&before.len()), "{}", before.len());

    let error = failure(&place, &["import", "people.csv"]);
    assert!(error.contains("--resume"), "{error}");
    let error = failure(
        &place,
        &["import", "--resume", "--as", "manual", "people.csv"],
    );
    assert!(error.contains("another import"), "{error}");

    let done = stdout(&place.run(&["import", "--resume", "people.csv"]).unwrap());
    let counts = counts(&done);
    assert_eq!(counts.len(), 4, "{done}");
    assert_eq!((counts[0], counts[3]), (ROWS, 0), "{done}");
    assert_eq!(counts[1] + counts[2], ROWS, "{done}");
    // Known already are at most those that were being written at the kill.
    assert!(counts[2] <= 64, "{done}");
    assert_eq!(stored(&place).0.len(), ROWS);
    assert!(!journal(&place).exists());
    let error = failure(&place, &["import", "--resume", "people.csv"]);
    assert!(error.contains("nothing to resume"), "{error}");
}

#[test]
fn a_dry_run_shows_every_row_and_writes_nothing() {
    let place = place();
    place.init().unwrap();
    let path = table(&place, 3);
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("C00001,twice@example.com,\n,nobody@example.com,\n");
    std::fs::write(&path, text).unwrap();
    let before = stored(&place);
    let shown = stdout(&place.run(&["import", "--dry-run", "people.csv"]).unwrap());
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("LINE  HOST"), "{shown}");
    assert!(
        lines[1].starts_with("2     serial C00000  user0@example.com"),
        "{shown}"
    );
    assert!(lines[1].ends_with("waits for its host"), "{shown}");
    assert!(lines[4].contains("is named in line 3 already"), "{shown}");
    assert!(lines[5].contains("names no host"), "{shown}");
    assert!(shown.contains("5 rows: 3 recorded, 0 known already, 2 passed over"));
    assert_eq!(stored(&place), before);
    assert!(!journal(&place).exists());
}

#[test]
fn an_import_beside_a_running_server_is_seen_at_once_and_exported() {
    let place = place();
    let tokens = place.init().unwrap();
    let server = place.serve().unwrap();
    let mut admin = server.client(&tokens.admin).unwrap();
    let mut scim = server.client(&tokens.scim).unwrap();
    let host = json!({"id": "1", "display_name": "Laptop 1", "serial": "c00001"});
    assert_eq!(post(&mut admin, "/api/v1/hosts", &host).status, 201);
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "user1@example.com"});
    assert_eq!(post(&mut scim, "/scim/v2/Users", &user).status, 201);
    table(&place, 20);
    let done = stdout(&place.run(&["import", "people.csv"]).unwrap());
    assert_eq!(counts(&done), [20, 20, 0, 0]);
    let shown = admin.get("/api/v1/hosts/1").unwrap().json();
    assert_eq!(shown["host"]["assignment"]["outcome"], "linked", "{shown}");
    let host = json!({"id": "2", "display_name": "Laptop 2", "serial": "C00002"});
    let made = post(&mut admin, "/api/v1/hosts", &host).json();
    assert_eq!(made["host"]["assignment"]["username"], "user2@example.com");

    let args = ["export", "--format", "csv", "--output", "hosts.csv"];
    stdout(&place.run(&args).unwrap());
    let csv = std::fs::read_to_string(place.folder().join("hosts.csv")).unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    let lines = stdout(&place.run(&["export", "--format", "ndjson"]).unwrap());
    let outcomes: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["linked", "pending"]);
    let said = stdout(&place.run(&["reconcile"]).unwrap());
    assert!(said.starts_with("2 hosts seen, 0 changed"), "{said}");
}

#[test]
fn reconcile_keeps_what_is_promised_of_a_host_that_came_by_another_way() {
    let place = place();
    place.init().unwrap();
    table(&place, 2);
    stdout(&place.run(&["import", "people.csv"]).unwrap());
    in_store(&place, async |store, tenant| {
        let record = HostRecord {
            id: "1".to_owned(),
            serial: "C00001".to_owned(),
            ..HostRecord::default()
        };
        assert!(store.put_host(tenant, 1, record).await.unwrap());
    });
    let said = stdout(&place.run(&["reconcile"]).unwrap());
    assert!(said.starts_with("1 hosts seen"), "{said}");
    let line = stdout(&place.run(&["export", "--format", "ndjson"]).unwrap());
    let host: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(host["username"], "user1@example.com", "{host}");
}
