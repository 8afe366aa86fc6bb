//! What an import has done so far, beside its file: so that one that is cut off goes on
//! where it was.
//!
//! The first line names the file's content and what is made of it; each further line is
//! the count after some more rows. A line that is not whole was being written when the
//! end came, and the rows it tells of are done again, which does nothing.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::transfer::Counts;

/// What is imported. Another file or another purpose has another journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Purpose {
    /// Of the whole file, in hex.
    pub sha256: String,
    /// The tenant's name.
    pub tenant: String,
    /// What the rows are.
    #[serde(rename = "as")]
    pub kind: String,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    recorded: u64,
    repeated: u64,
    mistakes: u64,
}

/// An open journal.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Where the journal of a file lies.
    pub fn beside(input: &Path) -> PathBuf {
        let mut name = input.as_os_str().to_owned();
        name.push(".nameplate-import");
        PathBuf::from(name)
    }

    /// Opens the journal of `input`, and says what an earlier import has done.
    ///
    /// # Errors
    /// If there is one and `resume` is not wanted, or none and it is; or if it tells of
    /// something else.
    pub fn open(input: &Path, purpose: &Purpose, resume: bool) -> Result<(Self, Counts)> {
        let path = Self::beside(input);
        let shown = path.display();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read `{shown}`")),
        };
        // A first line that is not whole was cut off before any row was done.
        let first = text.as_deref().and_then(|text| text.split_once('\n'));
        let done = match (first, resume) {
            (None, true) => {
                bail!("there is nothing to resume: `{shown}` does not exist; leave `--resume` out")
            }
            (None, false) => Counts::default(),
            (Some(_), false) => bail!(
                "an import of this file was cut off; go on with `--resume`, or delete `{shown}` \
                 to begin anew"
            ),
            (Some((first, rest)), true) => {
                if serde_json::from_str(first).ok().as_ref() != Some(purpose) {
                    bail!(
                        "`{shown}` is of another import: the file, `--tenant` or `--as` has \
                         changed since; delete it to begin anew"
                    );
                }
                last(rest)
            }
        };
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        let mut file = options
            .open(&path)
            .with_context(|| format!("cannot write `{shown}`"))?;
        if first.is_none() {
            file.set_len(0)?;
            write(&mut file, purpose).with_context(|| format!("cannot write `{shown}`"))?;
        } else if !text.is_some_and(|text| text.ends_with('\n')) {
            // Ends a line that was cut off, so that the next one is whole.
            file.write_all(b"\n")?;
        }
        Ok((Self { path, file }, done))
    }

    /// Notes how far the import is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn note(&mut self, counts: Counts) -> Result<()> {
        let Counts {
            recorded,
            repeated,
            mistakes,
        } = counts;
        let entry = Entry {
            recorded,
            repeated,
            mistakes,
        };
        write(&mut self.file, &entry)
            .with_context(|| format!("cannot write `{}`", self.path.display()))
    }

    /// The import is done.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(self) -> Result<()> {
        std::fs::remove_file(&self.path)
            .with_context(|| format!("cannot remove `{}`", self.path.display()))
    }
}

/// A line at once, and on disk.
fn write(file: &mut File, line: &impl Serialize) -> Result<()> {
    let line = format!("{}\n", serde_json::to_string(line)?);
    file.write_all(line.as_bytes())?;
    Ok(file.sync_data()?)
}

/// The last whole line.
fn last(lines: &str) -> Counts {
    let whole = lines.rsplit('\n').find_map(|line| {
        let entry: Entry = serde_json::from_str(line).ok()?;
        Some(Counts {
            recorded: entry.recorded,
            repeated: entry.repeated,
            mistakes: entry.mistakes,
        })
    });
    whole.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn purpose() -> Purpose {
        Purpose {
            sha256: "ab".to_owned(),
            tenant: "default".to_owned(),
            kind: "promise".to_owned(),
        }
    }

    fn counts(recorded: u64) -> Counts {
        Counts {
            recorded,
            ..Counts::default()
        }
    }

    #[test]
    fn an_import_goes_on_at_the_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("people.csv");
        let (mut journal, done) = Journal::open(&input, &purpose(), false).unwrap();
        assert_eq!(done, Counts::default());
        journal.note(counts(64)).unwrap();
        journal.note(counts(128)).unwrap();
        drop(journal);
        let path = Journal::beside(&input);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"recorded\":19");
        std::fs::write(&path, text).unwrap();
        let (mut journal, done) = Journal::open(&input, &purpose(), true).unwrap();
        assert_eq!(done, counts(128));
        journal.note(counts(192)).unwrap();
        let (journal, done) = Journal::open(&input, &purpose(), true).unwrap();
        assert_eq!(done, counts(192));
        journal.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_journal_is_neither_passed_over_nor_invented() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("people.csv");
        let error = |resume, purpose: &Purpose| {
            let opened = Journal::open(&input, purpose, resume);
            opened.err().unwrap().to_string()
        };
        assert!(error(true, &purpose()).contains("nothing to resume"));
        drop(Journal::open(&input, &purpose(), false).unwrap());
        assert!(error(false, &purpose()).contains("--resume"));
        let other = Purpose {
            sha256: "cd".to_owned(),
            ..purpose()
        };
        assert!(error(true, &other).contains("of another import"));
    }
}
