//! Checks of the database file.

use std::path::Path;
use std::process::Command;

use nameplate_store_sql::sqlite::{self, Health, SqliteOptions, SqliteStore};

use super::Finding;
use crate::config::Database;

const CHECK: &str = "database";
const DAMAGED: &str = "if it is damaged, `nameplate restore` a backup";
/// Less free space than this, in bytes, is gone in a day of a first synchronisation.
const SPACE: u64 = 1 << 30;
/// A write-ahead log of this many bytes is not folded in as it should be: somebody keeps
/// reading.
const LOG: u64 = 256 << 20;

/// Looks at the file, then opens it if it is there.
pub fn check(database: &Database) -> (Vec<Finding>, Option<SqliteStore>) {
    let Database::Sqlite(path) = database;
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let says = format!("there is no `{}` yet", path.display());
            let todo = "`nameplate serve` makes it; if it should be there, give its path";
            return (vec![Finding::warn(CHECK, says, todo)], None);
        }
        Err(error) => {
            let todo = "run this as the server's user";
            let says = format!("`{}`: {error}", path.display());
            return (vec![Finding::fail(CHECK, says, todo)], None);
        }
    };
    let mut findings = Vec::new();
    findings.extend(mode(path, &about));
    findings.extend(log(path));
    findings.extend(space(path));
    let health = match sqlite::health(path) {
        Ok(health) => health,
        Err(error) => {
            findings.insert(0, Finding::fail(CHECK, error.to_string(), DAMAGED));
            return (findings, None);
        }
    };
    let (finding, opens) = judged(&health);
    findings.insert(0, finding);
    findings.extend(health.last_backup.is_none().then(|| {
        let todo = "`nameplate backup FILE` makes one while the server runs";
        Finding::warn("backup", "there was never one of this database", todo)
    }));
    if !opens {
        return (findings, None);
    }
    match SqliteStore::open(path, SqliteOptions::default()) {
        Ok(store) => (findings, Some(store)),
        Err(error) => {
            findings.push(Finding::fail(CHECK, error.to_string(), DAMAGED));
            (findings, None)
        }
    }
}

/// What is to be said of a file, and whether it may be opened: opening changes one of an
/// older version.
fn judged(health: &Health) -> (Finding, bool) {
    let (version, known) = (health.schema_version, health.known_version);
    if let Some(first) = health.integrity.first() {
        return (
            Finding::fail(CHECK, format!("it is damaged: {first}"), DAMAGED),
            false,
        );
    }
    if version > known {
        let says = format!("it is of version {version}, and this program knows {known}");
        return (Finding::fail(CHECK, says, "run a newer program"), false);
    }
    if version < known {
        let says = format!("it is of version {version}; the next start makes it {known}");
        let todo = "back it up before: there is no way back";
        return (Finding::warn(CHECK, says, todo), false);
    }
    let size = health.bytes >> 20;
    (
        Finding::ok(CHECK, format!("sound, version {version}, {size} MiB")),
        true,
    )
}

/// Who else may read it: it holds people's names and the digests of tokens.
#[cfg(unix)]
fn mode(path: &Path, about: &std::fs::Metadata) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt;
    let mode = about.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        let says = format!("others than its owner may open it (mode {mode:03o})");
        let todo = format!("`chmod 600 {}`", path.display());
        Finding::warn(CHECK, says, todo)
    })
}

#[cfg(not(unix))]
fn mode(_: &Path, _: &std::fs::Metadata) -> Option<Finding> {
    None
}

fn log(path: &Path) -> Option<Finding> {
    let mut file = path.as_os_str().to_owned();
    file.push("-wal");
    let size = std::fs::metadata(file).ok()?.len();
    (size > LOG).then(|| {
        let says = format!("its log has grown to {} MiB", size >> 20);
        let todo = "look for a program that keeps the database open for reading";
        Finding::warn(CHECK, says, todo)
    })
}

/// Room on its disk, as `df` says: the standard library does not.
fn space(path: &Path) -> Option<Finding> {
    const CHECK: &str = "disk";
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let said = Command::new("df")
        .args(["-P", "-k", "--"])
        .arg(folder.unwrap_or(Path::new(".")))
        .output()
        .ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    // POSIX: device, size, used, available.
    let free: u64 = said
        .lines()
        .nth(1)?
        .split_whitespace()
        .nth(3)?
        .parse()
        .ok()?;
    let free = free.saturating_mul(1024);
    Some(if free < SPACE {
        let says = format!("{} MiB are free beside the database", free >> 20);
        Finding::warn(CHECK, says, "make room: without it nothing can be written")
    } else {
        Finding::ok(
            CHECK,
            format!("{} GiB are free beside the database", free >> 30),
        )
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::State;
    use super::*;

    fn state(path: &Path) -> State {
        let (findings, _) = check(&Database::Sqlite(path.to_owned()));
        findings.first().unwrap().state
    }

    #[test]
    fn a_database_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nameplate.db");
        assert_eq!(state(&path), State::Warn);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_is_no_database_fails_and_one_of_ours_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nameplate.db");
        SqliteStore::open(&path, SqliteOptions::default())
            .unwrap()
            .close();
        assert_eq!(state(&path), State::Ok);
        std::fs::write(&path, "nothing of the kind, but long enough for a header").unwrap();
        assert_eq!(state(&path), State::Fail);
    }

    #[cfg(unix)]
    #[test]
    fn a_database_that_others_may_read_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nameplate.db");
        SqliteStore::open(&path, SqliteOptions::default())
            .unwrap()
            .close();
        let told = || {
            let (findings, _) = check(&Database::Sqlite(path.clone()));
            findings.iter().any(|finding| finding.says.contains("mode"))
        };
        assert!(!told());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(told());
    }
}
