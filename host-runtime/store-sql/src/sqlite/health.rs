//! How a database file is, for those who look after it.

use std::path::Path;

use nameplate_store::{StoreError, Timestamp};
use rusqlite::OptionalExtension;

use super::backup::{open_existing, problems};
use super::errors::Fault;
use super::schema;

/// How a database file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The version its schema has.
    pub schema_version: u64,
    /// The newest this program knows.
    pub known_version: u64,
    /// What is wrong with it, at most ten lines; empty if it is sound.
    pub integrity: Vec<String>,
    /// The size of the file, in bytes.
    pub bytes: u64,
    /// The size of the log beside it, in bytes.
    pub wal_bytes: u64,
    /// Who may read and write it, as in `chmod`; none where files have no such mode.
    pub mode: Option<u32>,
    /// When a backup of it was last finished.
    pub last_backup: Option<Timestamp>,
}

/// Looks at a database file, which may be in use. Reads all of it, and writes nothing.
///
/// # Errors
/// [`StoreError::Invalid`] if there is no such file or it is another program's,
/// [`StoreError::Corrupt`] if it is no database, [`StoreError::Unavailable`] where it
/// cannot be read.
pub fn health(path: &Path) -> Result<Health, StoreError> {
    let connection = open_existing(path)?;
    let look = || -> Result<Health, Fault> {
        schema::recognise(&connection, path)?;
        let version = schema::number(&connection, "user_version")?;
        let last_backup = connection
            .prepare("SELECT last_backup FROM installation")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
            // An older schema has no such table.
            .unwrap_or_default()
            .flatten();
        let mut wal = path.as_os_str().to_owned();
        wal.push("-wal");
        Ok(Health {
            schema_version: u64::try_from(version).unwrap_or_default(),
            known_version: schema::known(),
            integrity: problems(&connection)?,
            bytes: size(path),
            wal_bytes: size(Path::new(&wal)),
            mode: mode(path),
            last_backup: last_backup.and_then(|at: i64| u64::try_from(at).ok()),
        })
    };
    look().map_err(|fault| fault.0)
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;

    let file = std::fs::metadata(path).ok()?;
    Some(file.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}
