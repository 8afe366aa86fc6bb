//! Fills the index after its rules have changed: walks documents and writes the
//! keys that today's rules give them. Content and versions stay as they are.
//!
//! This module must not know how keys are made.

use serde_json::{Map, Value};

use crate::config::Config;
use crate::directory::{
    Change, Detail, Direction, Directory, DirectoryError, Find, KeyRange, Kind, Outcome, Rekey,
    Unit,
};
use crate::env::Env;
use crate::filter::{index_version, keys_of};

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
    if directory.index_ready(&version)? {
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
    let mut units = Vec::with_capacity(page.hits.len());
    let mut seen = 0;
    for document in page.hits.into_iter().filter_map(|hit| hit.document) {
        seen += 1;
        // What cannot be read has no keys; it must not keep the others waiting.
        let content: Map<String, Value> =
            serde_json::from_slice(&document.json).unwrap_or_default();
        units.push(Unit {
            changes: vec![Change::Rekey(Rekey {
                kind,
                keys: keys_of(rt, &content, config),
                id: document.id,
                version: document.version,
                index_version: version.clone(),
            })],
            event: None,
        });
    }
    let written = write(directory, env, units)?;
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

fn write(
    directory: &mut dyn Directory,
    env: &mut dyn Env,
    units: Vec<Unit>,
) -> Result<u32, DirectoryError> {
    if units.is_empty() {
        return Ok(0);
    }
    let outcomes = directory.commit(env.random(), units, None)?;
    let written = outcomes.iter().filter(|outcome| {
        matches!(outcome, Outcome::Committed { results, .. } if results.iter().any(|r| r.changed))
    });
    Ok(u32::try_from(written.count()).unwrap_or(u32::MAX))
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
