//! Key sets in files that an operator names: read again when they have changed.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::keys::{KeySet, MAX_SET};

/// A file is looked at this often, however many requests need it.
const LOOK: Duration = Duration::from_secs(1);
/// Files remembered. Their number is the operator's doing.
const CAPACITY: usize = 4096;

/// When a file was written and how long it is.
type Stamp = Option<(SystemTime, u64)>;

struct Known {
    looked: Instant,
    stamp: Stamp,
    /// The last usable content.
    keys: Option<Arc<KeySet>>,
}

/// The key sets of all connections whose operator gave a file.
#[derive(Default)]
pub struct KeyFiles {
    known: Mutex<HashMap<PathBuf, Known>>,
}

impl KeyFiles {
    /// The keys in a file; none if it never had any that can be used. Keys that were
    /// read stay in use while the file is broken or gone: it may be half written. To
    /// take keys away, write the file without them.
    pub async fn read(&self, path: &Path) -> Option<Arc<KeySet>> {
        let (before, old) = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            match known.get_mut(path) {
                Some(found) if found.looked.elapsed() < LOOK => return found.keys.clone(),
                Some(found) => {
                    // Others need not look too while we do.
                    found.looked = Instant::now();
                    (Some(found.stamp), found.keys.clone())
                }
                None => (None, None),
            }
        };
        let file = path.to_owned();
        let looked = tokio::task::spawn_blocking(move || look(&file, before)).await;
        let (stamp, keys) = match looked {
            // The stamp has changed, or this is the first look.
            Ok(Some((stamp, Ok(keys)))) => (stamp, Some(Arc::new(keys))),
            Ok(Some((stamp, Err(cause)))) => {
                tracing::warn!(file = %path.display(), cause, "a key set cannot be used");
                (stamp, old)
            }
            Ok(None) | Err(_) => return old,
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CAPACITY {
            known.clear();
        }
        let fresh = Known {
            looked: Instant::now(),
            stamp,
            keys: keys.clone(),
        };
        known.insert(path.to_owned(), fresh);
        keys
    }
}

/// What is new in a file: its stamp and content.
fn look(path: &Path, before: Option<Stamp>) -> Option<(Stamp, Result<KeySet, String>)> {
    let about = std::fs::metadata(path);
    let stamp = about
        .as_ref()
        .ok()
        .and_then(|about| Some((about.modified().ok()?, about.len())));
    if before == Some(stamp) {
        return None;
    }
    Some((stamp, read_file(path)))
}

/// Reads a key set from a file.
///
/// # Errors
/// One line that says what is wrong.
pub fn read_file(path: &Path) -> Result<KeySet, String> {
    let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
    // Reading a pipe would wait for ever.
    if !about.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let most = u64::try_from(MAX_SET).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    file.take(most.saturating_add(1))
        .read_to_end(&mut text)
        .map_err(|error| error.to_string())?;
    KeySet::parse(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn set(names: &[&str]) -> String {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let keys: Vec<_> = names
            .iter()
            .map(|kid| serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid}))
            .collect();
        serde_json::json!({ "keys": keys }).to_string()
    }

    async fn names(files: &KeyFiles, path: &Path) -> Vec<String> {
        let keys = files.read(path).await;
        let names = keys.iter().flat_map(|keys| keys.names());
        names.map(str::to_owned).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_file_counts_after_a_second_and_a_broken_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let files = KeyFiles::default();
        assert!(names(&files, &path).await.is_empty());
        std::fs::write(&path, set(&["a"])).unwrap();
        assert!(names(&files, &path).await.is_empty(), "looked at just now");
        tokio::time::advance(LOOK).await;
        assert_eq!(names(&files, &path).await, ["a"]);
        std::fs::write(&path, set(&["a", "b"])).unwrap();
        tokio::time::advance(LOOK).await;
        assert_eq!(names(&files, &path).await, ["a", "b"]);
        std::fs::write(&path, "{").unwrap();
        tokio::time::advance(LOOK).await;
        assert_eq!(names(&files, &path).await, ["a", "b"]);
        std::fs::remove_file(&path).unwrap();
        tokio::time::advance(LOOK).await;
        assert_eq!(names(&files, &path).await, ["a", "b"]);
    }

    #[test]
    fn a_folder_or_a_device_is_no_key_set() {
        assert!(read_file(Path::new("/")).is_err());
        assert!(read_file(Path::new("/dev/zero")).is_err());
        assert!(read_file(Path::new("/nowhere")).is_err());
    }
}
