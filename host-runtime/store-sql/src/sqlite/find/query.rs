//! The statements of a walk: which index is read, between which ends, in which order.
//!
//! It writes SQL and reads no row.

use std::borrow::Cow;

use nameplate_store::reserved;
use nameplate_store::walk::{self, Bounds, Mark};
use nameplate_store::{Detail, Direction, KeyRange};
use rusqlite::Error;
use rusqlite::types::{ToSql, ToSqlOutput};

use super::Walk;
use crate::sqlite::codec::K;
use crate::sqlite::rows::DOCUMENT;

/// What a walk reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entries {
    /// The documents by id, for `all` and `@id`.
    Ids,
    /// The documents by the time of their last change, for `@modified`.
    Moments,
    /// The keys of an attribute.
    Keys {
        /// No document has two of them in the range.
        once: bool,
    },
}

impl Entries {
    /// Is an entry the only one of its document.
    pub fn each_once(self) -> bool {
        !matches!(self, Self::Keys { once: false })
    }

    /// The column that holds the values, and the one of ids.
    fn columns(self) -> (&'static str, &'static str) {
        match self {
            Self::Ids => ("d.id", "d.id"),
            Self::Moments => ("d.modified", "d.id"),
            Self::Keys { .. } => ("k.value", "k.id"),
        }
    }

    /// The value a page ended with, as its column holds it.
    fn marked(self, mark: &Mark) -> rusqlite::Result<ToSqlOutput<'_>> {
        let Self::Moments = self else {
            return Ok(mark.value.as_slice().into());
        };
        let moment = <[u8; 8]>::try_from(mark.value.as_slice())
            .map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))?;
        let moment = i64::try_from(u64::from_be_bytes(moment))
            .map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(moment.into())
    }

    /// Tables to read for hits with this detail.
    fn source(self, want: Detail) -> &'static str {
        match (self, want) {
            (Self::Ids, _) => "documents d INDEXED BY documents_walk",
            (Self::Moments, _) => "documents d INDEXED BY documents_modified",
            // An entry of its own document alone: the index answers.
            (Self::Keys { once: true }, Detail::Ids | Detail::Keys) => "keys k",
            (Self::Keys { .. }, _) => {
                "keys k CROSS JOIN documents d ON d.tenant = k.tenant AND d.id = k.id"
            }
        }
    }
}

/// A statement and what it is bound to.
pub struct Query<'a> {
    pub text: String,
    pub bound: Vec<ToSqlOutput<'a>>,
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

    fn end(
        &mut self,
        column: &str,
        compared: &str,
        end: Option<&'a End<'_>>,
    ) -> rusqlite::Result<()> {
        let Some(end) = end else {
            return Ok(());
        };
        let place = self.bind(end)?;
        self.text.push_str(&match end {
            End::Text(_) => format!(" AND {column} {compared} CAST({place} AS TEXT)"),
            End::Bytes(_) | End::Number(_) => format!(" AND {column} {compared} {place}"),
        });
        Ok(())
    }

    /// Passes over the first rows and ends with the next.
    pub fn offset(&mut self, rows: &'a i64) -> rusqlite::Result<()> {
        let place = self.bind(rows)?;
        self.text.push_str(&format!(" LIMIT 1 OFFSET {place}"));
        Ok(())
    }
}

/// One end of a range, as the column it limits is compared.
enum End<'a> {
    Bytes(Cow<'a, [u8]>),
    /// Ids are text, and SQLite sorts every text before every blob.
    Text(Cow<'a, [u8]>),
    Number(i64),
}

impl ToSql for End<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Bytes(bytes) | Self::Text(bytes) => ToSqlOutput::from(&**bytes),
            Self::Number(number) => ToSqlOutput::from(*number),
        })
    }
}

/// The entries of a walk between the ends of its range.
pub struct Search<'w> {
    walk: &'w Walk<'w>,
    pub entries: Entries,
    kind: K,
    from: Option<End<'w>>,
    to: Option<End<'w>>,
    below: Option<End<'w>>,
    needle: Option<&'w [u8]>,
}

impl<'w> Search<'w> {
    /// None if nothing can be in the range.
    pub fn new(walk: &'w Walk<'_>, entries: Entries) -> Option<Self> {
        let range = &walk.find.range;
        let mut search = Self {
            walk,
            entries,
            kind: K(walk.find.kind),
            from: None,
            to: None,
            below: None,
            needle: None,
        };
        if entries == Entries::Moments {
            let moments = reserved::moments(range)?;
            // Later ones cannot be stored.
            let last = i64::try_from(*moments.end()).unwrap_or(i64::MAX);
            search.from = Some(End::Number(i64::try_from(*moments.start()).ok()?));
            search.to = Some(End::Number(last));
            return Some(search);
        }
        let end = match entries {
            Entries::Ids => End::Text,
            Entries::Moments | Entries::Keys { .. } => End::Bytes,
        };
        let Bounds { from, to, below } = walk::bounds(range);
        search.from = from.map(Cow::Borrowed).map(end);
        search.to = to.map(Cow::Borrowed).map(end);
        search.below = below.map(end);
        if let KeyRange::Contains(needle) = range {
            search.needle = Some(needle);
        }
        Some(search)
    }

    /// The hits after `start`, which is one of them, in the order of the walk: value,
    /// id, key set, and the document where it is wanted.
    pub fn hits<'q>(
        &'q self,
        start: Option<&'q Mark>,
        want: Detail,
    ) -> rusqlite::Result<Query<'q>> {
        let (value, id) = self.entries.columns();
        let keys = if self.entries.each_once() {
            "NULL"
        } else {
            "d.keys"
        };
        let wanted = match want {
            Detail::Documents => DOCUMENT,
            Detail::Ids | Detail::Keys => "NULL",
        };
        let columns = format!("{value}, {id}, {keys}, {wanted}");
        let mut query = self.select(&columns, want, start.is_some())?;
        let (beyond, order) = match self.walk.find.direction {
            Direction::Ascending => (">", "ASC"),
            Direction::Descending => ("<", "DESC"),
        };
        let by_id = value == id || self.equal();
        match start {
            Some(mark) if by_id => query.condition(&format!("{id} {beyond}"), &mark.id)?,
            Some(mark) => {
                query.bound.push(self.entries.marked(mark)?);
                let (value_at, id_at) = (query.bound.len(), query.bind(&mark.id)?);
                query.text.push_str(&format!(
                    " AND ({value}, {id}) {beyond} (?{value_at}, {id_at})"
                ));
            }
            None => {}
        }
        query.text.push_str(&match by_id {
            true => format!(" ORDER BY {id} {order}"),
            false => format!(" ORDER BY {value} {order}, {id} {order}"),
        });
        Ok(query)
    }

    /// How many entries there are, from the index alone.
    pub fn count(&self) -> rusqlite::Result<Query<'_>> {
        self.select("count(*)", Detail::Ids, false)
    }

    fn equal(&self) -> bool {
        matches!(self.walk.find.range, KeyRange::Equal(_))
    }

    fn select<'q>(
        &'q self,
        columns: &str,
        want: Detail,
        marked: bool,
    ) -> rusqlite::Result<Query<'q>> {
        let (source, (value, id)) = (self.entries.source(want), self.entries.columns());
        let table = id.trim_end_matches("id");
        let mut query = Query {
            text: format!("SELECT {columns} FROM {source} WHERE 1"),
            bound: Vec::new(),
        };
        query.condition(&format!("{table}tenant ="), &self.walk.tenant.0)?;
        query.condition(&format!("{table}connection ="), &self.walk.connection.0)?;
        query.condition(&format!("{table}kind ="), &self.kind)?;
        if matches!(self.entries, Entries::Keys { .. }) {
            query.condition("k.attribute =", &self.walk.find.index)?;
        }
        if self.equal() {
            query.end(value, "=", self.from.as_ref())?;
            return Ok(query);
        }
        // The mark lies in the range: it takes the place of the near end, so that
        // the walk starts there and does not pass over what was shown.
        let ascending = self.walk.find.direction == Direction::Ascending;
        if !marked || !ascending {
            query.end(value, ">=", self.from.as_ref())?;
        }
        if !marked || ascending {
            query.end(value, "<=", self.to.as_ref())?;
            query.end(value, "<", self.below.as_ref())?;
        }
        if let Some(needle) = &self.needle {
            let place = query.bind(needle)?;
            query
                .text
                .push_str(&format!(" AND instr(k.value, {place}) > 0"));
        }
        Ok(query)
    }
}
