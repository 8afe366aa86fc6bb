//! Walks over an index or over a whole kind.
//!
//! Every walk starts at its mark or its near bound and reads as many entries as
//! the page takes; only `contains` and `skip` cost more than they return. What is
//! skipped or counted is passed over on the index alone, and no document is read for
//! it, but for an attribute of which some document has several values: its hits are
//! looked up in key sets to show each document once, and they are not counted.

mod query;

use nameplate_store::reserved::Reserved;
use nameplate_store::walk::{self, Mark};
use nameplate_store::{
    ConnectionId, Detail, Document, Find, Hit, KeyRange, Page, TenantId, limits,
};
use rusqlite::{Connection, Row, params, params_from_iter};

use super::codec::{K, U, unpack_keys};
use super::errors::Fault;
use super::rows::document;
use query::{Entries, Search};

/// A walk within one connection.
pub struct Walk<'a> {
    pub tenant: TenantId,
    pub connection: ConnectionId,
    pub find: &'a Find,
    pub after: Option<Mark>,
}

struct Found {
    mark: Mark,
    document: Option<Document>,
}

impl Walk<'_> {
    /// One page, in one snapshot.
    pub fn page(&self, connection: &Connection) -> Result<Page, Fault> {
        let snapshot = connection.unchecked_transaction()?;
        let entries = self.entries(&snapshot)?;
        let mut page = Page::default();
        let Some(search) = Search::new(self, entries) else {
            page.total = self.after.is_none().then_some(0);
            return Ok(page);
        };
        let end = self.find.limit > 0 && self.fill(&snapshot, &search, &mut page)?;
        page.total = self.total(&snapshot, &search, &page, end)?;
        Ok(page)
    }

    fn entries(&self, connection: &Connection) -> Result<Entries, Fault> {
        Ok(match (&self.find.range, Reserved::of(self.find)) {
            (KeyRange::All, _) | (_, Some(Reserved::Id)) => Entries::Ids,
            (_, Some(Reserved::Modified)) => Entries::Moments,
            (KeyRange::Equal(_), None) => Entries::Keys { once: true },
            _ => Entries::Keys {
                once: !self.surplus(connection)?,
            },
        })
    }

    /// Has a document several values of the attribute.
    fn surplus(&self, connection: &Connection) -> Result<bool, Fault> {
        let mut statement = connection.prepare_cached(
            "SELECT 1 FROM surplus WHERE tenant = ?1 AND connection = ?2 AND kind = ?3 AND attribute = ?4",
        )?;
        let Find { kind, index, .. } = self.find;
        let place = params![self.tenant.0, self.connection.0, K(*kind), index];
        Ok(statement.exists(place)?)
    }

    /// Fills the page; false if there is more.
    fn fill(
        &self,
        connection: &Connection,
        search: &Search<'_>,
        page: &mut Page,
    ) -> Result<bool, Fault> {
        let find = self.find;
        let start = match find.skip {
            0 => self.after.clone(),
            _ => match self.skipped(connection, search)? {
                None => return Ok(true),
                last => last,
            },
        };
        let query = search.hits(start.as_ref(), find.want)?;
        let mut statement = connection.prepare_cached(&query.text)?;
        let mut rows = statement.query(params_from_iter(query.bound))?;
        let (mut bytes, mut last) = (0, None);
        while let Some(row) = rows.next()? {
            let Some(found) = self.found(row, search.entries, find.want)? else {
                continue;
            };
            if page.hits.len() >= usize::try_from(find.limit).unwrap_or(usize::MAX)
                || bytes >= limits::PAGE_BYTES
            {
                page.next = last.map(|mark: Mark| mark.encode(self.connection, find));
                return Ok(false);
            }
            bytes += found
                .document
                .as_ref()
                .map_or(0, |document| document.json.len());
            let keyed = find.want == Detail::Keys && find.range != KeyRange::All;
            let key = keyed.then(|| found.mark.value.clone());
            page.hits.push(Hit {
                id: found.mark.id.clone(),
                key,
                document: found.document,
            });
            last = Some(found.mark);
        }
        Ok(true)
    }

    /// The last hit to pass over; none if there are not more than those.
    fn skipped(&self, connection: &Connection, search: &Search<'_>) -> Result<Option<Mark>, Fault> {
        let before = i64::try_from(self.find.skip - 1).unwrap_or(i64::MAX);
        let mut query = search.hits(self.after.as_ref(), Detail::Ids)?;
        let each_once = search.entries.each_once();
        if each_once {
            // SQLite counts entries of a covering index faster than we could.
            query.offset(&before)?;
        }
        let mut statement = connection.prepare_cached(&query.text)?;
        let mut rows = statement.query(params_from_iter(query.bound))?;
        let mut left = if each_once { 0 } else { before };
        while let Some(row) = rows.next()? {
            let Some(found) = self.found(row, search.entries, Detail::Ids)? else {
                continue;
            };
            if left == 0 {
                return Ok(Some(found.mark));
            }
            left -= 1;
        }
        Ok(None)
    }

    /// The hit of a row; none if the walk shows the document under another key.
    fn found(&self, row: &Row<'_>, entries: Entries, want: Detail) -> Result<Option<Found>, Fault> {
        let id: String = row.get(1)?;
        let value = match entries {
            Entries::Ids if self.find.range == KeyRange::All => Vec::new(),
            Entries::Ids => id.clone().into_bytes(),
            Entries::Moments => row.get::<_, U>(0)?.0.to_be_bytes().to_vec(),
            Entries::Keys { .. } => row.get(0)?,
        };
        let mark = Mark { value, id };
        if !entries.each_once() {
            let keys: Vec<u8> = row.get(2)?;
            if !walk::met_first(self.find, &unpack_keys(&keys)?, &mark.value) {
                return Ok(None);
            }
        }
        let document = match want {
            Detail::Documents => Some(document(row, 3)?),
            Detail::Ids | Detail::Keys => None,
        };
        Ok(Some(Found { mark, document }))
    }

    fn total(
        &self,
        connection: &Connection,
        search: &Search<'_>,
        page: &Page,
        end: bool,
    ) -> Result<Option<u64>, Fault> {
        if self.whole() {
            return self.counted(connection).map(Some);
        }
        // The first page has told; each later one would cost as much again.
        if self.after.is_some() {
            return Ok(None);
        }
        // The common case, a few hits: the page tells.
        if end && self.find.skip == 0 {
            return Ok(u64::try_from(page.hits.len()).ok());
        }
        if !search.entries.each_once() {
            return Ok(None);
        }
        let query = search.count()?;
        let mut statement = connection.prepare_cached(&query.text)?;
        let U(total) = statement.query_row(params_from_iter(query.bound), |row| row.get(0))?;
        Ok(Some(total))
    }

    /// Does the range hold every document of the kind.
    fn whole(&self) -> bool {
        match &self.find.range {
            KeyRange::All => true,
            KeyRange::Between(None, None) => Reserved::of(self.find).is_some(),
            _ => false,
        }
    }

    /// How many documents of the kind there are.
    fn counted(&self, connection: &Connection) -> Result<u64, Fault> {
        let mut statement = connection.prepare_cached(
            "SELECT coalesce(sum(count), 0) FROM counters WHERE tenant = ?1 AND connection = ?2 AND kind = ?3",
        )?;
        let place = params![self.tenant.0, self.connection.0, K(self.find.kind)];
        let U(total) = statement.query_row(place, |row| row.get(0))?;
        Ok(total)
    }
}
