//! Lists in the order of a walk through the store: by index with an exact total, or by
//! cursor as far as a page reaches.
//!
//! This module must not know how a walk was chosen.

use crate::directory::{Detail, DirectoryError, Document, Find};
use crate::response::Failure;

use super::BATCH;
use super::candidates::Search;
use super::cursor::{At, Position, invalid};
use super::page::Page;

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
            let judged = search.judge(documents.collect())?;
            for (document, _) in judged.into_iter().flatten() {
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
        loop {
            self.find.limit = match self.exact {
                true => limit(page.left()),
                false if search.budget.documents == 0 => {
                    page.next = self.position(self.find.after.clone());
                    return Ok(());
                }
                false => limit(search.budget.documents),
            };
            let found = match search.call.directory.find(&self.find) {
                // The token came from the client.
                Err(DirectoryError::Refused(_)) if hostile => return Err(invalid().into()),
                found => found?,
            };
            if self.exact && self.alone {
                page.total = page.total.or(found.total);
            }
            let documents = found.hits.into_iter().filter_map(|hit| hit.document);
            if let Some(shown) = self.show(documents.collect(), search, page)? {
                page.next = self.after(&shown, search)?;
                return Ok(());
            }
            match found.next {
                None => return Ok(()),
                Some(next) if page.left() == 0 => {
                    page.next = self.position(Some(next));
                    return Ok(());
                }
                Some(next) => self.find.after = Some(next),
            }
        }
    }

    /// Shows what matches of a batch. If the page is full before the batch is at its end:
    /// the ids up to the first that is left for the next page.
    fn show(
        &self,
        documents: Vec<Document>,
        search: &mut Search<'_, '_>,
        page: &mut Page,
    ) -> Result<Option<Vec<String>>, Failure> {
        let ids: Vec<String> = documents.iter().map(|d| d.id.clone()).collect();
        let matches: Vec<Option<Document>> = match self.exact {
            true => documents.into_iter().map(Some).collect(),
            false => {
                let judged = search.judge(documents)?;
                let document = |found: Option<(Document, _)>| found.map(|(document, _)| document);
                judged.into_iter().map(document).collect()
            }
        };
        for (place, document) in matches.into_iter().enumerate() {
            let Some(document) = document else { continue };
            if !page.show(search.call, &search.part.renderer, &document)? {
                return Ok(Some(ids.into_iter().take(place).collect()));
            }
        }
        Ok(None)
    }

    /// Where to go on after the last of these ids, with which the present batch began;
    /// none if nothing is left.
    fn after(
        &self,
        shown: &[String],
        search: &mut Search<'_, '_>,
    ) -> Result<Option<Position>, Failure> {
        let mut find = Find {
            limit: limit(shown.len() as u64),
            want: Detail::Ids,
            ..self.find.clone()
        };
        if shown.is_empty() {
            return Ok(self.position(find.after));
        }
        let found = search.call.directory.find(&find)?;
        // Others may have taken something out of the batch meanwhile; what moved up in
        // its place is not to be passed over.
        let last = found.hits.iter().rposition(|hit| shown.contains(&hit.id));
        let next = match last {
            Some(last) if last + 1 == found.hits.len() => found.next,
            Some(last) => {
                find.limit = limit(last as u64 + 1);
                search.call.directory.find(&find)?.next
            }
            None => return Ok(self.position(find.after)),
        };
        Ok(next.and_then(|next| self.position(Some(next))))
    }

    fn position(&self, token: Option<Vec<u8>>) -> Option<Position> {
        let at = token.map_or(At::Start, At::Token);
        Some(Position {
            part: self.part,
            at,
        })
    }
}

fn limit(wanted: u64) -> u32 {
    u32::try_from(wanted.min(BATCH as u64)).unwrap_or(u32::MAX)
}
