//! Lists in the order of a walk through the store: by index with an exact total, or by
//! cursor as far as a page reaches.
//!
//! This module must not know how a walk was chosen.

use std::collections::BTreeSet;

use crate::directory::{Detail, DirectoryError, Document, Find};
use crate::response::Failure;

use super::BATCH;
use super::candidates::Search;
use super::cursor::{At, Position, invalid};
use super::page::Page;

/// Documents that are looked at first for a page; twice as many each time they are too
/// few.
const SMALL_BATCH: u64 = 50;

/// How often the end of a page is looked for while others change what it is between.
const MOST_TRIES: usize = 8;

/// How the resources of one part come.
pub(super) struct Walk {
    pub find: Find,
    /// Each hit matches.
    pub exact: bool,
    /// Which part, for the cursor.
    pub part: u8,
    /// There is no other part.
    pub alone: bool,
}

impl Walk {
    /// Adds what the walk yields to a page that was asked for by index.
    pub fn by_index(mut self, search: &mut Search<'_, '_>, page: &mut Page) -> Result<(), Failure> {
        if !self.exact {
            return self.look_at_all(search, page);
        }
        self.find.skip = page.to_skip();
        let mut counted = false;
        loop {
            self.find.limit = limit(page.left());
            let found = search.call.directory.find(&self.find)?;
            if !counted {
                let total = match found.total {
                    Some(total) => total,
                    None => self.count(search)?,
                };
                page.add_total(total);
                counted = true;
            }
            for document in found.hits.into_iter().filter_map(|hit| hit.document) {
                page.show(search.call, &search.part.renderer, &document)?;
            }
            if found.next.is_none() || page.left() == 0 {
                return Ok(());
            }
            self.find.after = found.next;
            self.find.skip = 0;
        }
    }

    /// How many resources the walk holds, where the store does not say: by their ids.
    fn count(&self, search: &mut Search<'_, '_>) -> Result<u64, Failure> {
        let mut find = Find {
            skip: 0,
            after: None,
            limit: limit(u64::MAX),
            want: Detail::Ids,
            ..self.find.clone()
        };
        let mut count: u64 = 0;
        loop {
            let found = search.call.directory.find(&find)?;
            count = count.saturating_add(found.hits.len() as u64);
            // An id is a tenth of the work of a document.
            if count / 10 > search.budget.documents {
                return Err(search.too_many());
            }
            match found.next {
                Some(next) => find.after = Some(next),
                None => return Ok(count),
            }
        }
    }

    fn look_at_all(mut self, search: &mut Search<'_, '_>, page: &mut Page) -> Result<(), Failure> {
        loop {
            let found = search.call.directory.find(&self.find)?;
            let too_many = |total| total > search.budget.documents;
            if self.find.after.is_none() && found.total.is_some_and(too_many) {
                return Err(search.too_many());
            }
            let documents = found.hits.into_iter().filter_map(|hit| hit.document);
            let judged = search.judge(documents.collect(), false)?;
            for document in judged.into_iter().flatten() {
                page.hit(search.call, &search.part.renderer, &document)?;
            }
            match found.next {
                Some(next) => self.find.after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Adds what the walk yields to a page that was asked for by cursor, from `at` on.
    /// Where the page ends before the walk does, it is told where. A walk that would
    /// look at more than the budget gives what it has found so far.
    pub fn by_cursor(
        mut self,
        at: &At,
        search: &mut Search<'_, '_>,
        page: &mut Page,
    ) -> Result<(), Failure> {
        let hostile = match at {
            At::Start => false,
            At::Token(token) => {
                self.find.after = Some(token.clone());
                true
            }
            // Only a list that was gathered ends like that.
            At::After { .. } => return Err(invalid().into()),
        };
        // Most pages are full before much has been looked at in vain.
        let mut batch = page.left().max(SMALL_BATCH);
        loop {
            self.find.limit = match self.exact {
                true => limit(page.left()),
                false => match search.affordable()? {
                    0 => {
                        page.next = Some(self.position(self.find.after.clone()));
                        return Ok(());
                    }
                    affordable => limit(affordable.min(batch)),
                },
            };
            batch = batch.saturating_mul(2);
            let found = match search.call.directory.find(&self.find) {
                // The token came from the client.
                Err(DirectoryError::Refused(_)) if hostile => return Err(invalid().into()),
                found => found?,
            };
            if self.exact && self.alone {
                page.total = page.total.or(found.total);
            }
            let documents = found.hits.into_iter().filter_map(|hit| hit.document);
            if let Some((before, left)) = self.show(documents.collect(), search, page)? {
                page.next = self.between(before, &left, search)?;
                return Ok(());
            }
            match found.next {
                None => return Ok(()),
                Some(next) if page.left() == 0 => {
                    page.next = Some(self.position(Some(next)));
                    return Ok(());
                }
                Some(next) => self.find.after = Some(next),
            }
        }
    }

    /// Shows what matches of a batch. If the page is full before the batch is at its end:
    /// the ids before the first that is left for the next page, and from it on.
    fn show(
        &self,
        documents: Vec<Document>,
        search: &mut Search<'_, '_>,
        page: &mut Page,
    ) -> Result<Option<(Ids, Ids)>, Failure> {
        let ids: Vec<String> = documents.iter().map(|d| d.id.clone()).collect();
        let matches = match self.exact {
            true => documents.into_iter().map(Some).collect(),
            false => search.judge(documents, false)?,
        };
        for (place, document) in matches.into_iter().enumerate() {
            let Some(document) = document else { continue };
            if !page.show(search.call, &search.part.renderer, &document)? {
                let mut ids = ids.into_iter();
                let before = ids.by_ref().take(place).collect();
                return Ok(Some((before, ids.collect())));
            }
        }
        Ok(None)
    }

    /// The place between two parts of the present batch; none if nothing is left. A store
    /// names no place but the end of a page, so it is asked for a shorter one. Others may
    /// write between the two: what is left must not be passed over then, and what is
    /// before it not come again.
    fn between(
        &self,
        mut before: Ids,
        left: &Ids,
        search: &mut Search<'_, '_>,
    ) -> Result<Option<Position>, Failure> {
        let mut find = Find {
            want: Detail::Ids,
            ..self.find.clone()
        };
        let mut hits = before.len();
        for _ in 0..MOST_TRIES {
            if hits == 0 {
                break;
            }
            find.limit = limit(hits as u64);
            let found = search.call.directory.find(&find)?;
            match found.hits.iter().position(|hit| left.contains(&hit.id)) {
                // Something before it is gone.
                Some(place) => hits = place,
                None => {
                    let Some(next) = found.next else {
                        return Ok(None);
                    };
                    find.after = Some(next);
                    for hit in &found.hits {
                        before.remove(&hit.id);
                    }
                    // What has not come yet is gone, or others came before it.
                    hits = before.len();
                }
            }
        }
        Ok(Some(self.position(find.after)))
    }

    fn position(&self, token: Option<Vec<u8>>) -> Position {
        Position {
            part: self.part,
            at: token.map_or(At::Start, At::Token),
        }
    }
}

type Ids = BTreeSet<String>;

fn limit(wanted: u64) -> u32 {
    u32::try_from(wanted.min(BATCH as u64)).unwrap_or(u32::MAX)
}
