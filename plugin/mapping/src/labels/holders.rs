//! The hosts that have a label: from people to hosts, page by page.
//!
//! People are walked in the order of their ids: those below a group, or those an index
//! has under a value, connection by connection. Where the index does not hold everybody
//! yet, all people are looked at instead, so nobody is missed. A page costs what it looks
//! at, never what is before or behind it.

use nameplate_scim::derived::{index_of, is_complete, key_of};
use nameplate_scim::directory::{Detail, Direction, Find, KeyRange, Kind, Page};

use super::listing::after_name;
use super::{Labelled, MAX_PAGE, OF_GROUP, cursor, no_cursor, refused};
use crate::attributes::Names;
use crate::person::{content, username_in};
use crate::rules::Selector;
use crate::service::{Mapping, MappingError};
use crate::text::quoted;

/// People looked at for one page, whether they are meant or not.
const MAX_PEOPLE: usize = 1000;
/// People read at once where few hosts are asked for: many have none.
const FEWEST_AT_ONCE: u32 = 100;
/// Documents read at once; one can be as large as a request.
const DOCUMENTS_AT_ONCE: u32 = 100;

/// How far a walk is.
#[derive(Default)]
struct Place {
    /// The connection, for a walk by attribute.
    connection: String,
    /// Whether the connection's index holds everybody: `y`, `n`, or not asked yet.
    indexed: String,
    /// Where the store's page began (empty: at the start).
    page: Vec<u8>,
    /// The last person looked at.
    person: String,
    /// Their last host, if they have more.
    host: String,
}

impl Place {
    fn write(&self) -> String {
        let Self {
            connection,
            indexed,
            page,
            person,
            host,
        } = self;
        cursor::write(&[
            connection.as_bytes(),
            indexed.as_bytes(),
            page,
            person.as_bytes(),
            host.as_bytes(),
        ])
    }

    fn read(text: &str) -> Option<Self> {
        let [connection, indexed, page, person, host] = cursor::read::<5>(text)?;
        Some(Self {
            connection: cursor::text(connection)?,
            indexed: cursor::text(indexed)?,
            page,
            person: cursor::text(person)?,
            host: cursor::text(host)?,
        })
    }

    fn of_connection(connection: String) -> Self {
        Self {
            connection,
            ..Self::default()
        }
    }
}

/// Some people, and where to go on after them.
#[derive(Default)]
struct People {
    /// Those who are meant.
    ids: Vec<String>,
    /// How many were looked at.
    seen: usize,
    next: Option<Place>,
}

impl Mapping<'_> {
    /// Hosts whose person has this label, at most `limit` (1 to 1000; clamped). `after` is
    /// an earlier page's `next`. What is assigned is read as it stands; changes of the
    /// directory that are being applied show once they are.
    ///
    /// # Errors
    /// [`MappingError::Invalid`] if there is no such label, or for an `after` that no page
    /// ended with.
    pub fn labelled(
        &mut self,
        label: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Labelled, MappingError> {
        let selector = self.selector(label).filter(|_| label.len() <= MAX_LABEL);
        let selector = selector.ok_or_else(|| no_label(label))?;
        if let Some(group) = label.strip_prefix(OF_GROUP)
            && self.directory.get(Kind::Group, group)?.is_none()
        {
            return Err(no_label(label));
        }
        let limit = usize::try_from(limit.clamp(1, MAX_PAGE)).unwrap_or(1);
        let mut place = match after {
            None => Place::default(),
            Some(after) => Place::read(after).ok_or_else(no_cursor)?,
        };
        let mut hosts = Vec::new();
        let mut looked_at = 0;
        if !place.host.is_empty() {
            self.hosts_of(&mut place, limit, &mut hosts)?;
        }
        loop {
            if hosts.len() >= limit || looked_at >= MAX_PEOPLE {
                break;
            }
            let at_once = u32::try_from(limit).unwrap_or(MAX_PAGE);
            let at_once = at_once.clamp(FEWEST_AT_ONCE, MAX_PAGE);
            let (people, at) = self.people(&selector, place, at_once)?;
            place = at;
            looked_at += people.seen.max(1);
            for person in people.ids {
                place.person = person;
                self.hosts_of(&mut place, limit, &mut hosts)?;
                if hosts.len() >= limit {
                    return Ok(Labelled {
                        hosts,
                        next: Some(place.write()),
                    });
                }
            }
            match people.next {
                Some(next) => place = next,
                None => return Ok(Labelled { hosts, next: None }),
            }
        }
        Ok(Labelled {
            hosts,
            next: Some(place.write()),
        })
    }

    /// Adds the hosts of the person at the place, as many as there is room for.
    fn hosts_of(
        &mut self,
        place: &mut Place,
        limit: usize,
        hosts: &mut Vec<String>,
    ) -> Result<(), MappingError> {
        let room = u32::try_from(limit.saturating_sub(hosts.len())).unwrap_or(MAX_PAGE);
        let after = (!place.host.is_empty()).then_some(place.host.as_str());
        let page = self.hosts.assigned_to(&place.person, after, room.max(1))?;
        hosts.extend(page.hosts);
        place.host = page.next.unwrap_or_default();
        Ok(())
    }

    /// The next people who are meant, and the place with what was found out about it.
    fn people(
        &mut self,
        selector: &Selector,
        place: Place,
        at_once: u32,
    ) -> Result<(People, Place), MappingError> {
        match selector {
            Selector::Group(group) => {
                let after = (!place.person.is_empty()).then_some(place.person.as_str());
                let ids = self.directory.users_of(group, after, at_once)?;
                let full = ids.len() >= usize::try_from(at_once).unwrap_or(usize::MAX);
                let last = ids.last().filter(|_| full);
                let next = last.map(|last| Place {
                    person: last.clone(),
                    ..Place::default()
                });
                let seen = ids.len();
                Ok((People { ids, seen, next }, place))
            }
            Selector::Attribute(name, value) => self.with_value(name, value, place, at_once),
        }
    }

    fn with_value(
        &mut self,
        name: &str,
        value: &str,
        place: Place,
        at_once: u32,
    ) -> Result<(People, Place), MappingError> {
        let Some(here) = self.connection_from(&place.connection) else {
            return Ok((People::default(), place));
        };
        let mut place = match here == place.connection {
            true => place,
            false => Place::of_connection(here.clone()),
        };
        if place.indexed.is_empty() {
            let version = self.rules.index_version();
            let mut find = |find: &Find| self.directory.find_in(&here, find);
            let ready = is_complete(&version, &mut find)?;
            place.indexed = if ready { "y" } else { "n" }.to_owned();
        }
        let key = key_of(value);
        let (index, range, limit, want) = match place.indexed.as_str() {
            "y" => (
                index_of(name),
                KeyRange::Equal(key.clone()),
                at_once,
                Detail::Ids,
            ),
            _ => (
                String::new(),
                KeyRange::All,
                DOCUMENTS_AT_ONCE,
                Detail::Documents,
            ),
        };
        let page = self.directory.find_in(
            &here,
            &Find {
                kind: Kind::User,
                index,
                range,
                direction: Direction::Ascending,
                skip: 0,
                after: (!place.page.is_empty()).then(|| place.page.clone()),
                limit,
                want,
            },
        );
        let page = page.map_err(refused)?;
        let next = match page.next.clone() {
            Some(next) => Place {
                connection: here,
                indexed: place.indexed.clone(),
                page: next,
                ..Place::default()
            },
            None => Place::of_connection(after_name(&here)),
        };
        let seen = page.hits.len();
        let mut ids = self.having(page, name, &key);
        // The store's page may begin before the person that was looked at last.
        ids.retain(|id| *id > place.person);
        let next = Some(next);
        Ok((People { ids, seen, next }, place))
    }

    /// The people of a page, of whole documents those alone whose value has the key.
    fn having(&self, page: Page, name: &str, key: &[u8]) -> Vec<String> {
        let nobody = Names::new();
        let meant = |hit: &nameplate_scim::directory::Hit| match &hit.document {
            None => true,
            Some(document) => {
                let user = content(&document.json);
                let username = username_in(&user, "");
                let value = self.rules.attributes.value(name, &user, username, &nobody);
                !value.is_empty() && key_of(&value) == key
            }
        };
        let meant = page.hits.into_iter().filter(meant);
        meant.map(|hit| hit.id).collect()
    }
}

/// The most bytes of a label's id: a prefix and the longest value.
const MAX_LABEL: usize = 8192;

fn no_label(label: &str) -> MappingError {
    MappingError::Invalid(format!("there is no label {}", quoted(label)))
}
