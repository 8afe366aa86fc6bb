//! Copies of a database file while it is in use, and the way back.
//!
//! A copy is one state of the database: all that was answered before it was begun, and
//! nothing of half a write. It is made beside its final name and renamed when it is on
//! disk, so that a file of that name is whole whenever it is there.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nameplate_store::StoreError;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::SqliteStore;
use super::errors::{Fault, store_error};
use super::schema;

/// Pages copied between two reports: 4 MiB.
const PAGES: i32 = 1024;
/// How long another process that writes the target is waited for.
const BUSY: Duration = Duration::from_secs(5);

impl SqliteStore {
    /// Copies the database into a file of its own, readable by its owner alone, in place
    /// of an older one of that name. Blocks; reads and writes go on meanwhile.
    ///
    /// `progress` is told how many pages of how many are copied.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if `to` is the database itself or another backup to it is
    /// running, [`StoreError::Unavailable`] where it cannot be written.
    pub fn backup(&self, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        let from = &self.inner.path;
        if same(from, to) {
            return Err(StoreError::Invalid(format!(
                "`{}` is the database itself: name another file",
                to.display()
            )));
        }
        let partial = Partial::beside(to)?;
        let source = schema::open_reader(from, &self.inner.options).map_err(|fault| fault.0)?;
        // Held open, so that every page is of one state however much is written meanwhile.
        source
            .execute_batch("BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1;")
            .map_err(|error| store_error(&error))?;
        let mut target = Connection::open(&partial.path).map_err(|error| store_error(&error))?;
        copy(&source, &mut target, progress)?;
        whole(&target)?;
        drop((source, target));
        partial.keep(to)?;
        if let Err(fault) = note_backup(from) {
            tracing::warn!(error = %fault.0, "when the backup was made could not be noted");
        }
        Ok(())
    }
}

/// Puts a backup in the place of a database, or where none is yet. Blocks. All or nothing:
/// where it is cut off, the next opening finds the old state.
///
/// # Errors
/// [`StoreError::Invalid`] if `from` is no database of this program or of a newer one, or
/// while `to` is open elsewhere; [`StoreError::Corrupt`] if `from` or `to` is damaged;
/// [`StoreError::Unavailable`] where a file cannot be read or written.
pub fn restore(from: &Path, to: &Path) -> Result<(), StoreError> {
    if same(from, to) {
        return Err(StoreError::Invalid(format!(
            "`{}` is the database itself: name the backup",
            from.display()
        )));
    }
    let source = open_existing(from)?;
    schema::usable(&source, from).map_err(|fault| fault.0)?;
    if !schema::ours(&source).map_err(|fault| fault.0)? {
        return Err(StoreError::Invalid(format!(
            "`{}` is no backup: it is empty",
            from.display()
        )));
    }
    let trouble = problems(&source).map_err(|fault| fault.0)?;
    if let Some(first) = trouble.first() {
        return Err(StoreError::Corrupt(format!(
            "`{}` is damaged: {first}; restore an older backup",
            from.display()
        )));
    }
    if to.exists() {
        return over(&source, to);
    }
    let partial = Partial::beside(to)?;
    let mut target = Connection::open(&partial.path).map_err(|error| store_error(&error))?;
    copy(&source, &mut target, &mut |_, _| {})?;
    whole(&target)?;
    drop(target);
    partial.keep(to)
}

/// Copies over a database that nobody has open, as one transaction of its own.
fn over(source: &Connection, to: &Path) -> Result<(), StoreError> {
    let mut target = Connection::open_with_flags(
        to,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|error| store_error(&error))?;
    let path = to.display();
    let damaged = |error| match store_error(&error) {
        StoreError::Corrupt(_) => StoreError::Corrupt(format!(
            "`{path}` is damaged: move it away, then restore again"
        )),
        other => other,
    };
    schema::recognise(&target, to).map_err(|fault| fault.0)?;
    // It leaves this mode for nobody who has the file open: a server that is idle has no
    // other lock on it.
    let mode: rusqlite::Result<String> =
        target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0));
    match mode {
        Ok(mode) if mode == "delete" => {}
        Ok(_) => return Err(in_use(to)),
        Err(error) => {
            return Err(match store_error(&error) {
                StoreError::Unavailable(_) => in_use(to),
                _ => damaged(error),
            });
        }
    }
    let synced =
        target.execute_batch("PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE;");
    synced.map_err(damaged)?;
    target
        .busy_timeout(BUSY)
        .map_err(|error| store_error(&error))?;
    copy(source, &mut target, &mut |_, _| {})
}

fn in_use(path: &Path) -> StoreError {
    StoreError::Invalid(format!(
        "`{}` is open in another process: stop the server, then restore again",
        path.display()
    ))
}

/// Makes a copy one that is read without a file beside it, from any folder. Whoever
/// writes to it next gives it a log again.
fn whole(target: &Connection) -> Result<(), StoreError> {
    let set = target.query_row("PRAGMA journal_mode = DELETE", [], |row| {
        row.get::<_, String>(0)
    });
    set.map(|_| ()).map_err(|error| store_error(&error))
}

/// Copies all pages.
fn copy(
    source: &Connection,
    target: &mut Connection,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), StoreError> {
    let of = |error: rusqlite::Error| store_error(&error);
    let backup = Backup::new(source, target).map_err(of)?;
    loop {
        let step = backup.step(PAGES).map_err(of)?;
        let at = backup.progress();
        let (left, all) = (count(at.remaining), count(at.pagecount));
        progress(all.saturating_sub(left), all);
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => {
                return Err(StoreError::Unavailable(
                    "the database is locked by another process: try again".to_owned(),
                ));
            }
        }
    }
}

fn count(pages: i32) -> u64 {
    u64::try_from(pages).unwrap_or_default()
}

/// Opens a file that is there, to read.
pub fn open_existing(path: &Path) -> Result<Connection, StoreError> {
    // SQLite calls an absent file one that cannot be opened.
    if !path.is_file() {
        return Err(StoreError::Invalid(format!(
            "there is no file `{}`",
            path.display()
        )));
    }
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|error| store_error(&error))?;
    connection
        .busy_timeout(BUSY)
        .and_then(|()| connection.pragma_update(None, "trusted_schema", false))
        .map_err(|error| store_error(&error))?;
    Ok(connection)
}

/// What SQLite finds wrong with a database, at most ten lines; none if it is sound.
pub fn problems(connection: &Connection) -> Result<Vec<String>, Fault> {
    let mut statement = connection.prepare("PRAGMA integrity_check(10)")?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut lines = lines.collect::<rusqlite::Result<Vec<String>>>()?;
    lines.retain(|line| line != "ok");
    let mut orphans = connection.prepare("PRAGMA foreign_key_check")?;
    if lines.is_empty() && orphans.exists([])? {
        lines.push("rows refer to rows that are gone".to_owned());
    }
    Ok(lines)
}

/// Notes in the database when a backup of it was last finished.
fn note_backup(path: &Path) -> Result<(), Fault> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    });
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(BUSY)?;
    connection.execute("UPDATE installation SET last_backup = ?1", [now])?;
    Ok(())
}

/// Do both names mean one file?
fn same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// A file under a name of its own until it is whole; removed if it never is.
struct Partial {
    path: PathBuf,
    /// Locked while somebody writes it, so that one that was left behind is known.
    file: File,
    kept: bool,
}

impl Partial {
    fn beside(to: &Path) -> Result<Self, StoreError> {
        let mut name = to
            .file_name()
            .ok_or_else(|| StoreError::Invalid(format!("`{}` names no file", to.display())))?
            .to_owned();
        name.push(".partial");
        let path = to.with_file_name(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&path)
            .map_err(|error| trouble(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Invalid(format!(
                    "`{}` is being written by another process",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(trouble(&path, &error)),
        }
        let partial = Self {
            path,
            file,
            kept: false,
        };
        let emptied = partial.file.set_len(0);
        emptied.map_err(|error| trouble(&partial.path, &error))?;
        // Of one that was left behind: it must not be played back over ours.
        _ = std::fs::remove_file(partial.journal());
        Ok(partial)
    }

    fn journal(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push("-journal");
        name.into()
    }

    /// Gives the file its final name once it is on disk.
    fn keep(mut self, to: &Path) -> Result<(), StoreError> {
        let synced = self.file.sync_all();
        synced.map_err(|error| trouble(&self.path, &error))?;
        std::fs::rename(&self.path, to).map_err(|error| trouble(to, &error))?;
        self.kept = true;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
        // The name is on disk with the folder. Where a folder cannot be opened, as on
        // Windows, the system sees to it.
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            folder.sync_all().map_err(|error| trouble(to, &error))?;
        }
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            _ = std::fs::remove_file(&self.path);
            _ = std::fs::remove_file(self.journal());
        }
    }
}

fn trouble(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("`{}`: {error}", path.display()))
}
