//! All labels of a tenant, page by page.
//!
//! Groups and departments are walked connection by connection, those by name. A page
//! costs what it shows, plus one count of index entries where departments are reached.

use std::ops::Bound;

use nameplate_scim::derived::{index_of, key_of};
use nameplate_scim::directory::{Detail, Direction, Document, Find, KeyRange, Kind};

use super::{Label, LabelPage, MAX_PAGE, cursor, no_cursor, of_department, of_group, refused};
use crate::attributes::{DEPARTMENT, Names};
use crate::person::content;
use crate::service::{Mapping, MappingError};

/// Index entries of departments read at once.
const KEYS_AT_ONCE: u32 = 1000;
/// Store calls of one page: bounds the work where departments have very many people.
const MAX_CALLS: usize = 16;
/// Documents read at once to name departments; only a text of each is kept.
const DOCUMENTS_AT_ONCE: usize = 100;

/// Where the next label comes from.
enum Place {
    /// Defined ones after this id.
    Defined(String),
    /// Groups of this connection, from where the store says (empty: the start).
    Groups(String, Vec<u8>),
    /// Departments of this connection after this key (empty: the start).
    Departments(String, Vec<u8>),
}

impl Place {
    fn write(&self) -> String {
        match self {
            Self::Defined(id) => cursor::write(&[b"l", id.as_bytes(), b""]),
            Self::Groups(connection, at) => cursor::write(&[b"g", connection.as_bytes(), at]),
            Self::Departments(connection, key) => {
                cursor::write(&[b"d", connection.as_bytes(), key])
            }
        }
    }

    fn read(text: &str) -> Option<Self> {
        let [kind, name, at] = cursor::read::<3>(text)?;
        let name = cursor::text(name)?;
        match kind.as_slice() {
            b"l" => Some(Self::Defined(name)),
            b"g" => Some(Self::Groups(name, at)),
            b"d" => Some(Self::Departments(name, at)),
            _ => None,
        }
    }
}

impl Mapping<'_> {
    /// The tenant's labels, at most `limit` (1 to 1000; clamped). `after` is an earlier
    /// page's `next`.
    ///
    /// While an index is filled after its rules have changed, departments of people it
    /// does not hold yet are left out.
    ///
    /// # Errors
    /// [`MappingError::Invalid`] for an `after` that no page ended with.
    pub fn labels(&mut self, after: Option<&str>, limit: u32) -> Result<LabelPage, MappingError> {
        let limit = usize::try_from(limit.clamp(1, MAX_PAGE)).unwrap_or(1);
        let mut place = match after {
            None => Some(Place::Defined(String::new())),
            Some(after) => Some(Place::read(after).ok_or_else(no_cursor)?),
        };
        let mut labels = Vec::new();
        for _ in 0..MAX_CALLS {
            let Some(from) = place else { break };
            let left = limit.saturating_sub(labels.len());
            if left == 0 {
                place = Some(from);
                break;
            }
            place = match from {
                Place::Defined(id) => Some(self.defined(&id, left, &mut labels)),
                Place::Groups(connection, at) => self.groups(connection, at, left, &mut labels)?,
                Place::Departments(connection, key) => {
                    self.departments(connection, key, left, &mut labels)?
                }
            };
        }
        Ok(LabelPage {
            labels,
            next: place.map(|place| place.write()),
        })
    }

    fn defined(&self, after: &str, left: usize, labels: &mut Vec<Label>) -> Place {
        let range = (Bound::Excluded(after), Bound::Unbounded);
        let mut rest = self.rules.labels.range::<str, _>(range);
        let before = labels.len();
        labels.extend(rest.by_ref().take(left).map(|(id, label)| Label {
            id: id.clone(),
            name: label.name.clone(),
            automatic: false,
        }));
        match (rest.next(), labels.get(before..).and_then(<[Label]>::last)) {
            (Some(_), Some(last)) => Place::Defined(last.id.clone()),
            _ => Place::Groups(String::new(), Vec::new()),
        }
    }

    /// Goes on at this connection or, where it is gone, at the next; then to departments.
    fn groups(
        &mut self,
        connection: String,
        at: Vec<u8>,
        left: usize,
        labels: &mut Vec<Label>,
    ) -> Result<Option<Place>, MappingError> {
        let Some(here) = self.connection_from(&connection) else {
            let departments = Place::Departments(String::new(), Vec::new());
            return Ok(self.indexed(DEPARTMENT).then_some(departments));
        };
        let at = if here == connection { at } else { Vec::new() };
        let page = self.directory.find_in(
            &here,
            &Find {
                kind: Kind::Group,
                index: String::new(),
                range: KeyRange::All,
                direction: Direction::Ascending,
                skip: 0,
                after: (!at.is_empty()).then_some(at),
                limit: u32::try_from(left).unwrap_or(MAX_PAGE),
                want: Detail::Documents,
            },
        );
        let page = page.map_err(refused)?;
        let documents = page.hits.into_iter().filter_map(|hit| hit.document);
        labels.extend(documents.map(|group| of_group(&group.id, &group.label)));
        Ok(Some(match page.next {
            Some(next) => Place::Groups(here, next),
            None => Place::Groups(after_name(&here), Vec::new()),
        }))
    }

    /// Departments of one stretch of the index. Where all of it is one department, the
    /// next stretch begins behind it.
    fn departments(
        &mut self,
        connection: String,
        key: Vec<u8>,
        left: usize,
        labels: &mut Vec<Label>,
    ) -> Result<Option<Place>, MappingError> {
        let Some(here) = self.connection_from(&connection) else {
            return Ok(None);
        };
        let after = if here == connection { key } else { Vec::new() };
        // No key is empty, for no value is.
        let from = [after.as_slice(), b"\0"].concat();
        let page = self.directory.find_in(
            &here,
            &Find {
                kind: Kind::User,
                index: index_of(DEPARTMENT),
                range: KeyRange::Between((!after.is_empty()).then_some(from), None),
                direction: Direction::Ascending,
                skip: 0,
                after: None,
                limit: KEYS_AT_ONCE,
                want: Detail::Keys,
            },
        )?;
        let more = page.next.is_some();
        let mut firsts: Vec<(Vec<u8>, String)> = Vec::new();
        for hit in page.hits {
            let Some(key) = hit.key else { continue };
            if firsts.last().is_none_or(|(last, _)| *last != key) {
                firsts.push((key, hit.id));
            }
        }
        let cut = firsts.len() > left;
        firsts.truncate(left);
        let last = firsts.last().map(|(key, _)| key.clone());
        for (key, name) in self.named(firsts)? {
            if !self.listed_before(&here, &key)? {
                labels.push(of_department(&name));
            }
        }
        Ok(Some(match last {
            Some(last) if more || cut => Place::Departments(here, last),
            _ => Place::Departments(after_name(&here), Vec::new()),
        }))
    }

    /// The names of departments by one person of each. An entry that its document no
    /// longer stands for is left out: the index is being filled.
    fn named(
        &mut self,
        firsts: Vec<(Vec<u8>, String)>,
    ) -> Result<Vec<(Vec<u8>, String)>, MappingError> {
        let mut named = Vec::with_capacity(firsts.len());
        for chunk in firsts.chunks(DOCUMENTS_AT_ONCE) {
            let ids: Vec<String> = chunk.iter().map(|(_, id)| id.clone()).collect();
            let documents = self.directory.get_many(&ids)?;
            for (key, id) in chunk {
                let document = documents.iter().find(|document| document.id == *id);
                let name = document.map(|document| self.department(document));
                if let Some(name) = name.filter(|name| key_of(name) == *key) {
                    named.push((key.clone(), name));
                }
            }
        }
        Ok(named)
    }

    fn department(&self, document: &Document) -> String {
        let (user, names) = (content(&document.json), Names::new());
        self.rules.attributes.value(DEPARTMENT, &user, "", &names)
    }

    /// Did a connection before this one have the department.
    fn listed_before(&mut self, connection: &str, key: &[u8]) -> Result<bool, MappingError> {
        let mut before = String::new();
        while let Some(other) = self
            .connection_from(&before)
            .filter(|other| other != connection)
        {
            let page = self.directory.find_in(
                &other,
                &Find {
                    kind: Kind::User,
                    index: index_of(DEPARTMENT),
                    range: KeyRange::Equal(key.to_vec()),
                    direction: Direction::Ascending,
                    skip: 0,
                    after: None,
                    limit: 1,
                    want: Detail::Ids,
                },
            )?;
            if !page.hits.is_empty() {
                return Ok(true);
            }
            before = after_name(&other);
        }
        Ok(false)
    }

    /// The first connection by name that is not before this one.
    pub(super) fn connection_from(&self, name: &str) -> Option<String> {
        let all = self.rules.connections.iter();
        all.filter(|known| known.as_str() >= name).min().cloned()
    }
}

/// The first name after this one.
pub(super) fn after_name(name: &str) -> String {
    format!("{name}\0")
}
