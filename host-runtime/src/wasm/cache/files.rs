//! Files that only this user can have written: read once, written beside and renamed.
//!
//! Must not know what is in them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes of a key.
const KEY: usize = 32;

/// The key in a file, drawn and written if there is none.
///
/// # Errors
/// If others can read it, or it is none.
pub(super) fn key(path: &Path) -> Result<[u8; KEY], String> {
    let found = match read_key(path)? {
        Some(found) => found,
        None => {
            make_key(path)?;
            // Another process may have been the first: what is there counts.
            read_key(path)?.ok_or_else(|| format!("`{}` is gone again", path.display()))?
        }
    };
    <[u8; KEY]>::try_from(found).map_err(|_| {
        format!(
            "`{}` is no key of {KEY} bytes; remove it, a new one is made",
            path.display()
        )
    })
}

fn read_key(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let Some((mut file, about)) = open(path)? else {
        return Ok(None);
    };
    private(path, &about)?;
    bytes(&mut file, KEY as u64 + 1, path).map(Some)
}

fn make_key(path: &Path) -> Result<(), String> {
    let mut key = [0; KEY];
    getrandom::fill(&mut key).map_err(|error| format!("no random bytes: {error}"))?;
    if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
        std::fs::create_dir_all(folder).map_err(|error| told(folder, &error))?;
    }
    let beside = beside(path);
    // A link instead of a renaming, so that the first of two processes wins.
    let made = write_private(&beside, &[&key]).and_then(|()| std::fs::hard_link(&beside, path));
    let _ = std::fs::remove_file(&beside);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(told(path, &error)),
        _ => Ok(()),
    }
}

/// All of a file of ours, at most `most` bytes; none if it is not there.
///
/// # Errors
/// If the folder or the file is not ours alone to write.
pub(super) fn read(folder: &Path, path: &Path, most: u64) -> Result<Option<Vec<u8>>, String> {
    let Some((mut file, about)) = open(path)? else {
        return Ok(None);
    };
    ours(path, &about)?;
    let about = std::fs::symlink_metadata(folder).map_err(|error| told(folder, &error))?;
    ours(folder, &about)?;
    bytes(&mut file, most, path).map(Some)
}

/// Written beside and renamed, so that a reader sees all of it or nothing.
///
/// # Errors
/// If it cannot be written, or the folder is not ours alone.
pub(super) fn write(folder: &Path, path: &Path, parts: &[&[u8]]) -> Result<(), String> {
    make_folder(folder).map_err(|error| told(folder, &error))?;
    let about = std::fs::symlink_metadata(folder).map_err(|error| told(folder, &error))?;
    ours(folder, &about)?;
    let beside = beside(path);
    let written = write_private(&beside, parts).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        told(path, &error)
    })
}

fn told(path: &Path, error: &std::io::Error) -> String {
    format!("`{}`: {error}", path.display())
}

/// A name that no other process or thread uses.
fn beside(path: &Path) -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id());
    let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
    path.with_extension(format!("{}-{thread}.tmp", std::process::id()))
}

fn bytes(file: &mut File, most: u64, path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = file.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| told(path, &error))?;
    if bytes.len() as u64 > most {
        return Err(format!("`{}` is larger than {most} bytes", path.display()));
    }
    Ok(bytes)
}

/// The file and what is known of it: of what was opened, not of what has the name now.
fn open(path: &Path) -> Result<Option<(File, std::fs::Metadata)>, String> {
    match File::open(path) {
        Ok(file) => {
            let about = file.metadata().map_err(|error| told(path, &error))?;
            Ok(Some((file, about)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(told(path, &error)),
    }
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(unix)]
fn write_private(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    // Renamed before it is on disk, a torn file could get the trusted name.
    file.sync_all()
}

/// Belongs to this user, and nobody else may write it.
#[cfg(unix)]
fn ours(path: &Path, about: &std::fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    if about.is_symlink() {
        return Err(format!("`{}` is a link", path.display()));
    }
    // The owner of /proc/self is this process's effective user.
    let me = std::fs::metadata("/proc/self").map(|me| me.uid()).ok();
    if me.is_some_and(|me| me != about.uid()) {
        return Err(format!("`{}` belongs to another user", path.display()));
    }
    if about.mode() & 0o022 != 0 {
        return Err(format!("`{}` can be written by others", path.display()));
    }
    Ok(())
}

/// Belongs to this user, and nobody else may read it.
#[cfg(unix)]
fn private(path: &Path, about: &std::fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    ours(path, about)?;
    if about.mode() & 0o077 != 0 {
        return Err(format!(
            "`{}` can be read by others; remove it, a new one is made",
            path.display()
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

#[cfg(not(unix))]
fn write_private(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    std::fs::write(path, parts.concat())
}

/// Without Unix permissions we cannot tell: the cache stays unused.
#[cfg(not(unix))]
fn ours(_path: &Path, _about: &std::fs::Metadata) -> Result<(), String> {
    Err("this system's permissions are not understood".into())
}

#[cfg(not(unix))]
fn private(path: &Path, about: &std::fs::Metadata) -> Result<(), String> {
    ours(path, about)
}
