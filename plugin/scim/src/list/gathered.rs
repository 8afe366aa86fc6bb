//! Lists whose resources are found first and put in order then: those of several index
//! ranges, and those sorted by what no index holds.
//!
//! This module must not know how candidates are found.

use crate::directory::Direction;
use crate::error::ScimError;
use crate::response::Failure;
use crate::service::Call;

use super::candidates::{Budget, Part, Search};
use super::cursor::{At, Position, invalid};
use super::page::Page;

/// Documents read at a time.
const BATCH: usize = 100;

/// One resource of a sorted list.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Ranked {
    pub key: Vec<u8>,
    pub id: String,
    /// Which part it is of.
    pub part: usize,
}

/// Adds candidates, in the order of their ids, to a page. Those of one part.
pub(super) fn by_id(
    ids: Vec<String>,
    part: u8,
    at: Option<&At>,
    search: &mut Search<'_, '_>,
    page: &mut Page,
) -> Result<(), Failure> {
    let mut left = match at {
        None | Some(At::Start) => ids.as_slice(),
        Some(At::After { id, .. }) => {
            let before = ids.partition_point(|known| known <= id);
            ids.get(before..).unwrap_or_default()
        }
        Some(At::Token(_)) => return Err(invalid().into()),
    };
    // What was looked at last, where the next page may begin.
    let mut last: Option<String> = None;
    while !left.is_empty() {
        let (batch, rest) = left.split_at(left.len().min(BATCH));
        let documents = search.read(batch)?;
        let exact = search.part.planned.exact;
        for document in search.judge(documents, exact)?.into_iter().flatten() {
            if at.is_none() {
                page.hit(search.call, &search.part.renderer, &document)?;
            } else if !page.show(search.call, &search.part.renderer, &document)? {
                page.next = Some(after(part, Vec::new(), last));
                return Ok(());
            }
            last = Some(document.id);
        }
        left = rest;
    }
    Ok(())
}

fn after(part: u8, key: Vec<u8>, id: Option<String>) -> Position {
    Position {
        part,
        at: id.map_or(At::Start, |id| At::After { key, id }),
    }
}

/// Adds resources to a page in the order of their keys, the same keys in the order of
/// their ids; descending is the very reverse, as it is in the walks of a store.
pub(super) fn by_key(
    mut ranked: Vec<Ranked>,
    direction: Direction,
    at: Option<&At>,
    call: &mut Call<'_>,
    parts: &[Part<'_>],
    page: &mut Page,
) -> Result<(), Failure> {
    let order = |a_key: &[u8], a_id: &str, b: &Ranked| {
        let ascending = (a_key, a_id).cmp(&(&b.key, &b.id));
        match direction {
            Direction::Ascending => ascending,
            Direction::Descending => ascending.reverse(),
        }
    };
    ranked.sort_by(|a, b| order(&a.key, &a.id, b));
    let total = ranked.len() as u64;
    let start = match at {
        None => {
            let skip = page.to_skip();
            page.add_total(total);
            usize::try_from(skip).unwrap_or(usize::MAX)
        }
        Some(at) => {
            page.total = Some(total);
            match at {
                At::Start => 0,
                At::After { key, id } => {
                    ranked.partition_point(|known| order(key, id, known).is_ge())
                }
                At::Token(_) => return Err(invalid().into()),
            }
        }
    };
    let mut last = None;
    for one in ranked.get(start.min(ranked.len())..).unwrap_or_default() {
        let part = parts.get(one.part).ok_or_else(no_part)?;
        if page.left() > 0 {
            // Gone meanwhile: left out, as it would be on a later page.
            let document = call.directory.get(part.kind, &one.id)?;
            let shown = match document {
                Some(document) => page.show(call, &part.renderer, &document)?,
                None => true,
            };
            if shown {
                last = Some(one);
                continue;
            }
        }
        if page.by_cursor() {
            page.next = last.map(next);
        }
        return Ok(());
    }
    Ok(())
}

fn next(last: &Ranked) -> Position {
    after(0, last.key.clone(), Some(last.id.clone()))
}

/// A resource is only ever ranked within a part.
fn no_part() -> ScimError {
    ScimError::internal("a resource of no type was listed")
}

/// What is left of the budget is shared by all parts.
pub(super) fn search<'s, 'c>(
    call: &'s mut Call<'c>,
    part: &'s Part<'s>,
    budget: &'s mut Budget,
) -> Search<'s, 'c> {
    Search { call, part, budget }
}
