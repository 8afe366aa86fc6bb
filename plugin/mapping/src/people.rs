//! People as hosts show them, read from the directory with what they ask of others.
//!
//! This module must not know who uses which host.

use std::collections::{BTreeMap, BTreeSet};

use nameplate_scim::directory::{
    Detail, Direction, Document, Find, Holding, KeyRange, Kind, Memberships,
};
use nameplate_scim::fold::{key_bytes, login_key};

use crate::attributes::{FULL_NAME, Names};
use crate::person::{Person, content, username_in};
use crate::resolve::{EMAIL, USER_NAME};
use crate::rules::Deactivated;
use crate::service::{Mapping, MappingError};

/// The index of `externalId`; its values count by case.
const EXTERNAL_ID: &str = "externalId";

/// The most bytes of a document's id; see `wit/types.wit`.
const MAX_ID: usize = 64;

/// People whose names one person may ask for. A person has one manager, perhaps two.
const MAX_NAMES: usize = 16;

impl Mapping<'_> {
    /// A person with what they are a member of; none if there is no such document.
    pub(crate) fn known(
        &mut self,
        user: &str,
    ) -> Result<Option<(Person, Memberships)>, MappingError> {
        let Some(document) = self.directory.get(Kind::User, user)? else {
            return Ok(None);
        };
        let memberships = self.directory.groups_of(user, true)?;
        let names = self.names_for(&document)?;
        let mut person = Person::new(&document, &memberships, &self.rules.attributes, &names);
        person.active |= self.rules.deactivated == Deactivated::Keep;
        Ok(Some((person, memberships)))
    }

    /// The full names that a person's attributes ask for. Each is looked for by document
    /// id, then by userName or e-mail, then by externalId; who cannot be told has none.
    fn names_for(&mut self, document: &Document) -> Result<Names, MappingError> {
        let mut asked = self.rules.attributes.people(&content(&document.json));
        while asked.len() > MAX_NAMES {
            asked.pop_last();
        }
        let mut names = Names::new();
        if asked.is_empty() {
            return Ok(names);
        }
        let ids: Vec<String> = asked.iter().filter(|text| is_id(text)).cloned().collect();
        for found in self.directory.get_many(&ids)? {
            if let Some(name) = self.full_name(&found) {
                names.insert(found.id, name);
            }
        }
        asked.retain(|text| !names.contains_key(text));
        let mut people = self.by_login(&asked, &document.connection)?;
        for text in asked
            .iter()
            .filter(|text| !people.contains_key(*text))
            .cloned()
            .collect::<Vec<_>>()
        {
            if let Some(id) = self.by_external_id(&text, &document.connection)? {
                people.insert(text, id);
            }
        }
        let ids: BTreeSet<String> = people.values().cloned().collect();
        let mut found = BTreeMap::new();
        for one in self.directory.get_many(&Vec::from_iter(ids))? {
            if let Some(name) = self.full_name(&one) {
                found.insert(one.id, name);
            }
        }
        let told = people
            .into_iter()
            .filter_map(|(text, id)| Some((text, found.get(&id)?.clone())));
        names.extend(told);
        Ok(names)
    }

    /// Who holds each of these logins now, of the connection first; nobody where several
    /// do.
    fn by_login(
        &mut self,
        logins: &BTreeSet<String>,
        connection: &str,
    ) -> Result<BTreeMap<String, String>, MappingError> {
        let keys: BTreeSet<Vec<u8>> = logins
            .iter()
            .map(|login| login_key(login))
            .filter(|key| !key.is_empty())
            .collect();
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let holdings = self.holdings(&Vec::from_iter(keys))?;
        let now: Vec<&Holding> = holdings
            .iter()
            .filter(|one| one.alive && one.until.is_none())
            .collect();
        Ok(logins
            .iter()
            .filter_map(|login| Some((login.clone(), holder(&login_key(login), &now, connection)?)))
            .collect())
    }

    fn by_external_id(
        &mut self,
        external_id: &str,
        connection: &str,
    ) -> Result<Option<String>, MappingError> {
        let page = self.directory.find_in(
            connection,
            &Find {
                kind: Kind::User,
                index: EXTERNAL_ID.to_owned(),
                range: KeyRange::Equal(key_bytes(external_id)),
                direction: Direction::Ascending,
                skip: 0,
                after: None,
                // Two are enough to see that it is not one.
                limit: 2,
                want: Detail::Ids,
            },
        )?;
        let mut hits = page.hits.into_iter().map(|hit| hit.id);
        Ok(match (hits.next(), hits.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        })
    }

    /// The full name of a user; it depends on nobody else.
    fn full_name(&self, document: &Document) -> Option<String> {
        let user = content(&document.json);
        let username = username_in(&user, &document.label);
        let map = &self.rules.attributes;
        (document.kind == Kind::User).then(|| map.value(FULL_NAME, &user, username, &Names::new()))
    }
}

/// Could it be the id of a document.
fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
}

/// The one who holds a login: by userName before e-mail, of the connection before others.
fn holder(key: &[u8], holdings: &[&Holding], connection: &str) -> Option<String> {
    let rank = |one: &&&Holding| {
        let by_mail = match one.attribute.as_str() {
            USER_NAME => false,
            EMAIL => true,
            _ => return None,
        };
        (one.value == key).then_some((one.connection != connection, by_mail))
    };
    let best = holdings.iter().filter_map(|one| rank(&one)).min()?;
    let people: BTreeSet<&str> = holdings
        .iter()
        .filter(|one| rank(one) == Some(best))
        .map(|one| one.document.as_str())
        .collect();
    match (people.len(), people.first()) {
        (1, Some(only)) => Some((*only).to_owned()),
        _ => None,
    }
}
