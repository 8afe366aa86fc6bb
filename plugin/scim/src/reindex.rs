//! Fills the index after its rules have changed: walks documents and writes the
//! keys that today's rules give them. Content and versions stay as they are.
//!
//! This module must not know how keys are made.

use serde_json::{Map, Value};

use crate::config::Config;
use crate::derived::is_complete;
use crate::directory::{
    Change, Detail, Direction, Directory, DirectoryError, Find, KeyRange, Kind, Outcome, Rekey,
    Unit,
};
use crate::env::{Env, Level};
use crate::filter::{index_version, keys_of};
use crate::schema::Index;

/// The most documents of one step (`wit/reindex.wit`).
const MAX_STEP: u32 = 1000;

/// What one step did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Documents looked at.
    pub seen: u32,
    /// Documents whose keys were written.
    pub written: u32,
    /// Where to go on; none when the walk is complete.
    pub next: Option<Vec<u8>>,
}

/// Walks up to `limit` documents (at most 1000), users first, then groups. A
/// document that somebody changes meanwhile has the new keys already and is passed
/// over. If the index is ready there is nothing to do. A cursor that cannot be read
/// starts over, which costs time and harms nothing.
///
/// # Errors
/// The directory's; the step may be repeated.
pub fn reindex_step(
    config: &Config,
    directory: &mut dyn Directory,
    env: &mut dyn Env,
    cursor: Option<&[u8]>,
    limit: u32,
) -> Result<Progress, DirectoryError> {
    let version = index_version(config);
    if directory.index_ready(&version)? && derived_complete(config, directory)? {
        return Ok(Progress::default());
    }
    let (kind, after) = cursor.and_then(read_cursor).unwrap_or((Kind::User, None));
    let page = directory.find(&Find {
        kind,
        index: String::new(),
        range: KeyRange::All,
        direction: Direction::Ascending,
        skip: 0,
        after,
        limit: limit.clamp(1, MAX_STEP),
        want: Detail::Documents,
    })?;
    let rt = config.registry.resource_type(kind);
    let mut rekeys = Vec::with_capacity(page.hits.len());
    for document in page.hits.into_iter().filter_map(|hit| hit.document) {
        // What cannot be read has no keys; it must not keep the others waiting.
        let content: Map<String, Value> =
            serde_json::from_slice(&document.json).unwrap_or_default();
        rekeys.push(Rekey {
            kind,
            keys: keys_of(rt, &content, config),
            id: document.id,
            version: document.version,
            index_version: version.clone(),
        });
    }
    let seen = u32::try_from(rekeys.len()).unwrap_or(u32::MAX);
    let written = write(directory, env, rekeys)?;
    let next = match (page.next, kind) {
        (Some(after), kind) => Some(cursor_of(kind, &after)),
        (None, Kind::User) => Some(cursor_of(Kind::Group, &[])),
        (None, Kind::Group) => None,
    };
    Ok(Progress {
        seen,
        written,
        next,
    })
}

fn derived_complete(
    config: &Config,
    directory: &mut dyn Directory,
) -> Result<bool, DirectoryError> {
    match &config.derived {
        None => Ok(true),
        Some(derived) => is_complete(derived.version(), &mut |find| directory.find(find)),
    }
}

/// Writes keys; the number of documents whose keys were others.
///
/// Documents made before an attribute was unique may have the same value. A document
/// whose value another one holds keeps it, found by all but not held against others, and
/// is named in a warning: one that is never indexed would keep the index from being
/// ready for ever.
fn write(
    directory: &mut dyn Directory,
    env: &mut dyn Env,
    mut rekeys: Vec<Rekey>,
) -> Result<u32, DirectoryError> {
    let mut written = 0;
    while !rekeys.is_empty() {
        let units = rekeys.iter().cloned().map(unit).collect();
        let outcomes = directory.commit(env.random(), units, None)?;
        let mut again = Vec::new();
        for (mut rekey, outcome) in rekeys.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Committed { results, .. } => {
                    written += u32::from(results.iter().any(|result| result.changed));
                }
                Outcome::KeyTaken { attribute, .. } if yield_key(&mut rekey, &attribute) => {
                    env.note(
                        Level::Warning,
                        "duplicate-value",
                        &format!(
                            "{} has a `{}` that another resource has too; \
                             change one of them",
                            rekey.id,
                            Index::attribute_of(&attribute)
                        ),
                    );
                    again.push(rekey);
                }
                // Somebody changed or deleted it: its keys are of today's rules.
                _ => {}
            }
        }
        rekeys = again;
    }
    Ok(written)
}

/// Makes the keys of an index no longer unique; false if none was.
fn yield_key(rekey: &mut Rekey, attribute: &str) -> bool {
    let mut yielded = false;
    for key in &mut rekey.keys {
        yielded |= key.unique && key.attribute == attribute;
        key.unique &= key.attribute != attribute;
    }
    yielded
}

fn unit(rekey: Rekey) -> Unit {
    Unit {
        changes: vec![Change::Rekey(rekey)],
        event: None,
    }
}

/// `u` or `g`, then where the store said to go on; nothing for the beginning.
fn cursor_of(kind: Kind, after: &[u8]) -> Vec<u8> {
    let mut cursor = vec![match kind {
        Kind::User => b'u',
        Kind::Group => b'g',
    }];
    cursor.extend_from_slice(after);
    cursor
}

fn read_cursor(cursor: &[u8]) -> Option<(Kind, Option<Vec<u8>>)> {
    let (kind, after) = cursor.split_first()?;
    let kind = match kind {
        b'u' => Kind::User,
        b'g' => Kind::Group,
        _ => return None,
    };
    Some((kind, (!after.is_empty()).then(|| after.to_vec())))
}
