//! Walks over an index or over a whole kind.
//!
//! Every walk starts at its mark or its near bound and reads as many entries as
//! the page takes; only `contains` and `skip` cost more than they return. What is
//! skipped is passed over on the index alone, and no document is read for it
//! (of a range, its key set, to count it once).

use nameplate_store::walk::{self, Mark};
use nameplate_store::{
    ConnectionId, Detail, Direction, Document, Find, Hit, KeyRange, Page, TenantId, limits,
};
use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{Connection, Row, params, params_from_iter};

use super::codec::{K, U, unpack_keys};
use super::errors::Fault;
use super::rows::{DOCUMENT, document};

/// A walk within one connection.
pub struct Walk<'a> {
    pub tenant: TenantId,
    pub connection: ConnectionId,
    pub find: &'a Find,
    pub after: Option<Mark>,
}

/// A statement and what it is bound to.
struct Query<'a> {
    text: String,
    bound: Vec<ToSqlOutput<'a>>,
}

impl<'a> Query<'a> {
    /// Binds a value and returns its place.
    fn bind(&mut self, value: &'a dyn ToSql) -> rusqlite::Result<String> {
        self.bound.push(value.to_sql()?);
        Ok(format!("?{}", self.bound.len()))
    }

    fn condition(&mut self, before: &str, value: &'a dyn ToSql) -> rusqlite::Result<()> {
        let place = self.bind(value)?;
        self.text.push_str(&format!(" AND {before} {place}"));
        Ok(())
    }
}

/// What an index walk is limited by besides its mark.
struct Ends<'a> {
    from: Option<&'a [u8]>,
    to: Option<&'a [u8]>,
    below: Option<&'a [u8]>,
    needle: Option<&'a [u8]>,
}

struct Found {
    mark: Mark,
    document: Option<Document>,
}

impl Walk<'_> {
    /// One page, in one snapshot.
    pub fn page(&self, connection: &Connection) -> Result<Page, Fault> {
        let snapshot = connection.unchecked_transaction()?;
        let mut page = Page::default();
        let mut end = true;
        if self.find.limit > 0 {
            end = self.fill(&snapshot, &mut page)?;
        }
        page.total = self.total(&snapshot, &page, end)?;
        Ok(page)
    }

    /// Fills the page; false if there is more.
    fn fill(&self, connection: &Connection, page: &mut Page) -> Result<bool, Fault> {
        let find = self.find;
        let kind = K(find.kind);
        let bounds = walk::bounds(&find.range);
        let needle = match &find.range {
            KeyRange::Contains(needle) => Some(needle.as_slice()),
            _ => None,
        };
        let ends = Ends {
            from: bounds.from,
            to: bounds.to,
            below: bounds.below.as_deref(),
            needle,
        };
        let start = match find.skip {
            0 => self.after.clone(),
            _ => match self.skipped(connection, &kind, &ends)? {
                None => return Ok(true),
                last => last,
            },
        };
        let query = self.query(&kind, &ends, start.as_ref(), find.want)?;
        let mut statement = connection.prepare_cached(&query.text)?;
        let mut rows = statement.query(params_from_iter(query.bound))?;
        let (mut bytes, mut last) = (0, None);
        while let Some(row) = rows.next()? {
            let Some(found) = self.found(row, find.want)? else {
                continue;
            };
            if page.hits.len() >= usize::try_from(find.limit).unwrap_or(usize::MAX)
                || bytes >= limits::PAGE_BYTES
            {
                page.next = last.map(|mark: Mark| mark.encode(find));
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
    fn skipped(
        &self,
        connection: &Connection,
        kind: &K,
        ends: &Ends<'_>,
    ) -> Result<Option<Mark>, Fault> {
        let before = i64::try_from(self.find.skip - 1).unwrap_or(i64::MAX);
        let mut query = self.query(kind, ends, self.after.as_ref(), Detail::Ids)?;
        let each_once = matches!(self.find.range, KeyRange::All | KeyRange::Equal(_));
        if each_once {
            // SQLite counts entries of a covering index faster than we could.
            let place = query.bind(&before)?;
            query.text.push_str(&format!(" LIMIT 1 OFFSET {place}"));
        }
        let mut statement = connection.prepare_cached(&query.text)?;
        let mut rows = statement.query(params_from_iter(query.bound))?;
        let mut left = if each_once { 0 } else { before };
        while let Some(row) = rows.next()? {
            let Some(found) = self.found(row, Detail::Ids)? else {
                continue;
            };
            if left == 0 {
                return Ok(Some(found.mark));
            }
            left -= 1;
        }
        Ok(None)
    }

    /// The walk after `start`, which is a hit of it.
    fn query<'q>(
        &'q self,
        kind: &'q K,
        ends: &'q Ends<'q>,
        start: Option<&'q Mark>,
        want: Detail,
    ) -> rusqlite::Result<Query<'q>> {
        let mut query = Query {
            text: String::new(),
            bound: Vec::new(),
        };
        match self.find.range {
            KeyRange::All => self.all(&mut query, kind, start, want)?,
            _ => self.index(&mut query, kind, start, ends, want)?,
        }
        Ok(query)
    }

    fn order(&self) -> (&'static str, &'static str) {
        match self.find.direction {
            Direction::Ascending => (">", "ASC"),
            Direction::Descending => ("<", "DESC"),
        }
    }

    fn all<'q>(
        &'q self,
        query: &mut Query<'q>,
        kind: &'q K,
        start: Option<&'q Mark>,
        want: Detail,
    ) -> rusqlite::Result<()> {
        let (beyond, order) = self.order();
        let wanted = wanted(want);
        query.text = format!(
            "SELECT x'', d.id, NULL, {wanted} FROM documents d INDEXED BY documents_walk WHERE 1"
        );
        query.condition("d.tenant =", &self.tenant.0)?;
        query.condition("d.connection =", &self.connection.0)?;
        query.condition("d.kind =", kind)?;
        if let Some(mark) = start {
            query.condition(&format!("d.id {beyond}"), &mark.id)?;
        }
        query.text.push_str(&format!(" ORDER BY d.id {order}"));
        Ok(())
    }

    fn index<'q>(
        &'q self,
        query: &mut Query<'q>,
        kind: &'q K,
        start: Option<&'q Mark>,
        ends: &'q Ends<'q>,
        want: Detail,
    ) -> rusqlite::Result<()> {
        let Ends {
            from,
            to,
            below,
            needle,
        } = ends;
        let (beyond, order) = self.order();
        let equal = matches!(self.find.range, KeyRange::Equal(_));
        query.text = match (equal, want) {
            // An entry of one value is met once: the index alone answers.
            (true, Detail::Ids | Detail::Keys) => {
                "SELECT k.value, k.id, NULL, NULL FROM keys k WHERE 1".to_owned()
            }
            _ => format!(
                "SELECT k.value, k.id, d.keys, {} FROM keys k CROSS JOIN documents d ON d.tenant = k.tenant AND d.id = k.id WHERE 1",
                wanted(want)
            ),
        };
        query.condition("k.tenant =", &self.tenant.0)?;
        query.condition("k.connection =", &self.connection.0)?;
        query.condition("k.kind =", kind)?;
        query.condition("k.attribute =", &self.find.index)?;
        let (ascending, marked) = (self.find.direction == Direction::Ascending, start.is_some());
        // The mark lies in the range: it takes the place of the near bound, so
        // that the walk starts there and does not pass over what was shown.
        match (equal, from) {
            (true, from) => query.condition("k.value =", from)?,
            (false, Some(_)) if !(ascending && marked) => query.condition("k.value >=", from)?,
            _ => {}
        }
        if !equal && (ascending || !marked) {
            if to.is_some() {
                query.condition("k.value <=", to)?;
            }
            if below.is_some() {
                query.condition("k.value <", below)?;
            }
        }
        if needle.is_some() {
            let place = query.bind(needle)?;
            query
                .text
                .push_str(&format!(" AND instr(k.value, {place}) > 0"));
        }
        match start {
            Some(mark) if equal => query.condition(&format!("k.id {beyond}"), &mark.id)?,
            Some(mark) => {
                let (value, id) = (query.bind(&mark.value)?, query.bind(&mark.id)?);
                query
                    .text
                    .push_str(&format!(" AND (k.value, k.id) {beyond} ({value}, {id})"));
            }
            None => {}
        }
        let order = if equal {
            format!("k.id {order}")
        } else {
            format!("k.value {order}, k.id {order}")
        };
        query.text.push_str(&format!(" ORDER BY {order}"));
        Ok(())
    }

    /// The hit of a row; none if the walk shows the document under another key.
    fn found(&self, row: &Row<'_>, want: Detail) -> Result<Option<Found>, Fault> {
        let mark = Mark {
            value: row.get(0)?,
            id: row.get(1)?,
        };
        if !matches!(self.find.range, KeyRange::All | KeyRange::Equal(_)) {
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

    fn total(&self, connection: &Connection, page: &Page, end: bool) -> Result<Option<u64>, Fault> {
        let (tenant, at, kind) = (self.tenant.0, self.connection.0, K(self.find.kind));
        match &self.find.range {
            KeyRange::All => {
                let mut statement = connection.prepare_cached(
                    "SELECT coalesce(sum(count), 0) FROM counters WHERE tenant = ?1 AND connection = ?2 AND kind = ?3",
                )?;
                Ok(Some(
                    statement
                        .query_row(params![tenant, at, kind], |row| row.get::<_, U>(0))?
                        .0,
                ))
            }
            KeyRange::Equal(value) => {
                let hits = u64::try_from(page.hits.len()).unwrap_or(u64::MAX);
                // The common case, one value of a unique key: the page tells.
                if end && self.after.is_none() && self.find.skip == 0 && self.find.limit > 0 {
                    return Ok(Some(hits));
                }
                let mut statement = connection.prepare_cached(
                    "SELECT count(*) FROM keys WHERE tenant = ?1 AND connection = ?2 AND kind = ?3 AND attribute = ?4 AND value = ?5",
                )?;
                let found = params![tenant, at, kind, self.find.index, value];
                Ok(Some(
                    statement.query_row(found, |row| row.get::<_, U>(0))?.0,
                ))
            }
            KeyRange::Prefix(_) | KeyRange::Between(..) | KeyRange::Contains(_) => Ok(None),
        }
    }
}

/// The documents' columns, if wanted, behind two others and the key set.
fn wanted(want: Detail) -> &'static str {
    match want {
        Detail::Documents => DOCUMENT,
        Detail::Ids | Detail::Keys => "NULL",
    }
}
