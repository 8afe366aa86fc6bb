//! Opening a database file: settings of a connection, and migrations.

use std::fs::OpenOptions;
use std::path::Path;

use nameplate_store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::SqliteOptions;
use super::errors::Fault;

/// "NPLT": tells our files from others.
const APPLICATION_ID: i64 = 0x4e50_4c54;

/// Every migration in order; its place, from 1, is the version it leads to.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_initial.sql"),
    include_str!("../../migrations/sqlite/0002_holding_state.sql"),
    include_str!("../../migrations/sqlite/0003_settled_events.sql"),
    include_str!("../../migrations/sqlite/0004_reserved_indexes.sql"),
    include_str!("../../migrations/sqlite/0005_tenant_settings.sql"),
    include_str!("../../migrations/sqlite/0006_hosts_and_events.sql"),
    include_str!("../../migrations/sqlite/0007_tenancy_and_logs.sql"),
];

/// Statements kept prepared on each connection: all that this backend has, so
/// that none is ever parsed twice.
const STATEMENTS: usize = 200;

/// The connection that writes, with the schema up to date.
pub fn open_writer(path: &Path, options: &SqliteOptions) -> Result<Connection, Fault> {
    create(path);
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(options.busy_timeout)?;
    recognise(&connection, path)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault(StoreError::Other(
            "the file system of the database cannot hold a write-ahead log".to_owned(),
        )));
    }
    // FULL: the log is synced before COMMIT returns. NORMAL would lose answered
    // writes when the power fails.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // After a checkpoint the log shrinks to this many bytes.
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    // Half of the cache: the writer works on the pages every request needs.
    prepare(&connection, options, options.cache_bytes / 2)?;
    migrate(&mut connection, path)?;
    Ok(connection)
}

/// Makes an absent file that its owner alone may read, for it holds people and
/// the hashes of tokens. SQLite gives its log and shared memory the same mode. A
/// file that exists keeps the mode somebody chose for it.
fn create(path: &Path) {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // It exists, or SQLite meets the same trouble next and names it.
    _ = options.open(path);
}

/// A connection that reads.
pub fn open_reader(path: &Path, options: &SqliteOptions) -> Result<Connection, Fault> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(options.busy_timeout)?;
    let share = u64::try_from(options.readers.max(1)).unwrap_or(1);
    prepare(&connection, options, options.cache_bytes / 2 / share)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn prepare(
    connection: &Connection,
    options: &SqliteOptions,
    cache_bytes: u64,
) -> Result<(), Fault> {
    connection.busy_timeout(options.busy_timeout)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A damaged or foreign schema must not run functions of its own.
    connection.pragma_update(None, "trusted_schema", false)?;
    // Plans must not look at bound values: where they do (`LIMIT ?`, the condition of
    // a partial index), each binding makes SQLite parse the statement again. It was a
    // third of the processor time of a GET.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let kibibytes = i64::try_from(cache_bytes / 1024)
        .unwrap_or(i64::MAX)
        .max(64);
    // Negative: kibibytes and not pages.
    connection.pragma_update(None, "cache_size", -kibibytes)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

pub fn number(connection: &Connection, pragma: &str) -> Result<i64, Fault> {
    Ok(connection.pragma_query_value(None, pragma, |row| row.get(0))?)
}

/// Refuses a file that is not ours before anything is written to it.
pub fn recognise(connection: &Connection, path: &Path) -> Result<(), Fault> {
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if objects > 0 && number(connection, "application_id")? != APPLICATION_ID {
        let text = format!("`{}` is a database of another program", path.display());
        return Err(Fault(StoreError::Invalid(text)));
    }
    Ok(())
}

/// The newest schema version this program knows.
pub fn known() -> u64 {
    u64::try_from(MIGRATIONS.len()).unwrap_or(u64::MAX)
}

/// Was this file made by this program? An empty one was made by nobody.
pub fn ours(connection: &Connection) -> Result<bool, Fault> {
    Ok(number(connection, "application_id")? == APPLICATION_ID)
}

/// The schema version of a file that this program can use as it is or migrate.
pub fn usable(connection: &Connection, path: &Path) -> Result<i64, Fault> {
    recognise(connection, path)?;
    let version = number(connection, "user_version")?;
    if u64::try_from(version).is_ok_and(|version| version > known()) {
        let (path, known) = (path.display(), known());
        let text = format!(
            "`{path}` has schema version {version}, this program knows {known}: use a newer program"
        );
        return Err(Fault(StoreError::Invalid(text)));
    }
    Ok(version)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Fault> {
    // Immediate: of two programs that start at once, one migrates.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = usize::try_from(usable(&transaction, path)?)
        .map_err(|_| Fault::corrupt("the schema version is negative"))?;
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(
        None,
        "user_version",
        i64::try_from(known()).unwrap_or(i64::MAX),
    )?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn pragma(connection: &Connection, name: &str) -> String {
        connection
            .pragma_query_value(None, name, |row| {
                row.get::<_, String>(0)
                    .or_else(|_| row.get::<_, i64>(0).map(|number| number.to_string()))
            })
            .unwrap()
    }

    #[test]
    fn the_writer_syncs_its_log_before_a_commit_returns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let writer = open_writer(&path, &SqliteOptions::default()).unwrap();
        // 2 is FULL: in WAL mode the log is synced by every commit.
        assert_eq!(pragma(&writer, "synchronous"), "2");
        assert_eq!(pragma(&writer, "journal_mode"), "wal");
        assert_eq!(pragma(&writer, "foreign_keys"), "1");
        assert_eq!(
            pragma(&writer, "application_id"),
            APPLICATION_ID.to_string()
        );
        assert_eq!(
            pragma(&writer, "user_version"),
            MIGRATIONS.len().to_string()
        );
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let _writer = open_writer(&path, &SqliteOptions::default()).unwrap();
        let reader = open_reader(&path, &SqliteOptions::default()).unwrap();
        assert_eq!(pragma(&reader, "query_only"), "1");
        assert!(
            reader
                .execute_batch("INSERT INTO tenants (name, created) VALUES ('a', 1)")
                .is_err()
        );
    }

    #[test]
    fn the_cache_is_as_large_as_it_was_set() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let options = SqliteOptions {
            cache_bytes: 8 << 20,
            readers: 4,
            ..SqliteOptions::default()
        };
        let writer = open_writer(&path, &options).unwrap();
        let reader = open_reader(&path, &options).unwrap();
        assert_eq!(
            (pragma(&writer, "cache_size"), pragma(&reader, "cache_size")),
            ("-4096".into(), "-1024".into())
        );
    }

    /// A file as an older program left it, with one user and what `rows` adds.
    fn older(path: &Path, version: u8, rows: &str) {
        let old = Connection::open(path).unwrap();
        for migration in MIGRATIONS.iter().take(usize::from(version)) {
            old.execute_batch(migration).unwrap();
        }
        old.execute_batch(
            "INSERT INTO tenants (name, created) VALUES ('t', 1);
             INSERT INTO connections (tenant, name, created) VALUES (1, 'okta', 1);
             INSERT INTO documents (tenant, connection, kind, id, version, created, modified, member_count, index_version, label, keys, json)
                 VALUES (1, 1, 0, 'u1', 1, 1, 1, 0, 'v1', '', x'', x'');",
        )
        .unwrap();
        old.execute_batch(rows).unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID)
            .unwrap();
        old.pragma_update(None, "user_version", version).unwrap();
    }

    #[test]
    fn spans_of_an_older_schema_get_their_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        older(
            &path,
            1,
            "INSERT INTO holdings (tenant, connection, attribute, value, document, since, until)
                 VALUES (1, 1, 'a', x'01', 'u1', 1, NULL), (1, 1, 'a', x'01', 'u1', 1, 2), (1, 1, 'a', x'01', 'u2', 1, 2);",
        );
        let writer = open_writer(&path, &SqliteOptions::default()).unwrap();
        let states: String = writer
            .query_row(
                "SELECT group_concat(state) FROM (SELECT state FROM holdings ORDER BY span)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(states, "0,1,2");
    }

    #[test]
    fn keys_of_an_older_schema_get_their_surplus() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        older(
            &path,
            3,
            "INSERT INTO keys (tenant, connection, kind, attribute, value, id, is_unique) VALUES
                 (1, 1, 0, 'a', x'01', 'u1', 0), (1, 1, 0, 'a', x'02', 'u1', 0), (1, 1, 0, 'a', x'03', 'u1', 0),
                 (1, 1, 0, 'a', x'01', 'u2', 0), (1, 1, 0, 'a', x'02', 'u2', 0), (1, 1, 0, 'a', x'01', 'u3', 0),
                 (1, 1, 0, 'b', x'01', 'u1', 0), (1, 1, 0, 'b', x'01', 'u2', 0), (1, 1, 1, 'a', x'01', 'g1', 0);",
        );
        let writer = open_writer(&path, &SqliteOptions::default()).unwrap();
        let surplus: String = writer
            .query_row(
                "SELECT group_concat(kind || attribute || count) FROM surplus",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(surplus, "0a3");
    }

    /// The one value a query has.
    fn value(connection: &Connection, query: &str) -> String {
        connection
            .query_row(query, [], |row| row.get(0))
            .unwrap_or_default()
    }

    #[test]
    fn hosts_of_an_older_schema_get_names_times_and_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        older(
            &path,
            5,
            "INSERT INTO hosts (tenant, id, display_name, platform, serial, uuid, created, version, outcome, login, reason) VALUES
                 (1, 'h1', ' Ana''s Mac' || char(9), '', 'C02xY' || char(10), '', 5, 4, 'pending', 'c', ''),
                 (1, 'h2', 'ÄB', '', '', '', 7, 1, 'unassigned', '', '');
             INSERT INTO host_history (tenant, host, until, outcome, login, reason, replaced_because) VALUES
                 (1, 'h1', 10, 'pending', 'a', '', ''), (1, 'h1', 20, 'pending', 'b', '', '');",
        );
        let writer = open_writer(&path, &SqliteOptions::default()).unwrap();
        let all = |columns: &str, table: &str| {
            let query = format!(
                "SELECT group_concat(line, ';') FROM (SELECT {columns} AS line FROM {table} ORDER BY 1)"
            );
            value(&writer, &query)
        };
        assert_eq!(
            all(
                "id || '|' || serial_key || '|' || name_key || '|' || assigned",
                "hosts"
            ),
            "h1|c02xy|ana's mac|20;h2||Äb|7"
        );
        assert_eq!(all("began || '-' || until", "host_history"), "10-20;5-10");
        assert_eq!(all("host_count || ''", "tenants"), "2");
    }

    #[test]
    fn edges_of_an_older_schema_know_groups() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        older(
            &path,
            5,
            "INSERT INTO documents (tenant, connection, kind, id, version, created, modified, member_count, index_version, label, keys, json)
                 VALUES (1, 1, 1, 'g1', 1, 1, 1, 0, 'v1', '', x'', x''), (1, 1, 1, 'g2', 1, 1, 1, 0, 'v1', '', x'', x'');
             INSERT INTO edges (tenant, group_id, member_id, connection, since)
                 VALUES (1, 'g1', 'g2', 1, 1), (1, 'g1', 'u1', 1, 1), (1, 'g2', 'u1', 1, 1);
             INSERT INTO departures (tenant, member_id, at) VALUES (1, 'u1', 9);",
        );
        let writer = open_writer(&path, &SqliteOptions::default()).unwrap();
        let nested =
            "SELECT group_concat(group_id || '>' || member_id) FROM edges WHERE nested = 1";
        assert_eq!(value(&writer, nested), "g1>g2");
        let removals = "SELECT group_concat(member_id || at) FROM removals";
        assert_eq!(value(&writer, removals), "u19");
        assert_eq!(value(&writer, "SELECT count(*) || '' FROM departures"), "0");
    }

    #[test]
    fn a_log_of_an_older_schema_knows_from_where_it_is_whole() {
        let forgotten = |events: &[u64], last: u64| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.db");
            let insert = |seq: &u64| {
                format!(
                    "INSERT INTO events (tenant, seq, connection, at, name, subject_kind, subject, settled, logins, added, removed)
                         VALUES (1, {seq}, 1, 1, 'a', 0, 'u1', 1, x'', x'', x'');"
                )
            };
            let rows: String = events.iter().map(insert).collect();
            older(
                &path,
                5,
                &format!("{rows} UPDATE tenants SET event_seq = {last};"),
            );
            let writer = open_writer(&path, &SqliteOptions::default()).unwrap();
            value(&writer, "SELECT events_forgotten || '' FROM tenants")
        };
        assert_eq!(forgotten(&[], 0), "0");
        assert_eq!(forgotten(&[], 7), "7");
        assert_eq!(forgotten(&[1, 2, 3], 3), "0");
        assert_eq!(forgotten(&[4, 5], 5), "3");
        assert_eq!(forgotten(&[1, 4, 7, 8], 8), "6");
    }
}
