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
        if asked.is_empty() {
            return Ok(Names::new());
        }
        let mut names = self.full_names(asked.iter().filter(|text| is_id(text)))?;
        asked.retain(|text| !names.contains_key(text));
        let mut people = self.by_login(&asked, &document.connection)?;
        asked.retain(|text| !people.contains_key(text));
        for text in asked {
            if let Some(id) = self.by_external_id(&text, &document.connection)? {
                people.insert(text, id);
            }
        }
        let found = self.full_names(BTreeSet::from_iter(people.values()))?;
        let named = people
            .into_iter()
            .filter_map(|(text, id)| Some((text, found.get(&id)?.clone())));
        names.extend(named);
        Ok(names)
    }

    /// The full names of these users, by id. They depend on nobody else.
    fn full_names<'a>(
        &mut self,
        ids: impl IntoIterator<Item = &'a String>,
    ) -> Result<Names, MappingError> {
        let ids: Vec<String> = ids.into_iter().cloned().collect();
        if ids.is_empty() {
            return Ok(Names::new());
        }
        let (map, nobody) = (&self.rules.attributes, Names::new());
        let users = self.directory.get_many(&ids)?.into_iter();
        Ok(users
            .filter(|document| document.kind == Kind::User)
            .map(|document| {
                let user = content(&document.json);
                let username = username_in(&user, &document.label);
                let name = map.value(FULL_NAME, &user, username, &nobody);
                (document.id, name)
            })
            .collect())
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use serde_json::json;

    use super::MAX_NAMES;
    use crate::rules::Rules;
    use crate::testing::{Tenant, user};

    /// The manager of somebody of okta whose `manager.value` is this.
    fn manager(tenant: &mut Tenant, value: &str) -> String {
        let mut report = user("report", "report", &[]);
        report.more = json!({"manager": {"value": value}});
        tenant.commit(&report);
        let (person, _) = tenant.mapping().known("report").unwrap().unwrap();
        person.attribute("manager").to_owned()
    }

    fn hire(tenant: &mut Tenant, id: &str, connection: &str, emails: &[&str], given: &str) {
        let mut boss = user(id, &format!("{id}@x"), emails);
        boss.connection = connection.to_owned();
        boss.given = given.to_owned();
        boss.more = json!({"externalId": format!("ext-{id}")});
        tenant.commit(&boss);
    }

    #[test]
    fn a_manager_is_found_by_id_login_address_or_external_id() {
        let mut tenant = Tenant::default();
        hire(&mut tenant, "boss", "okta", &["max@mail"], "Max");
        for value in ["boss", "BOSS@x", " max@MAIL ", "ext-boss"] {
            assert_eq!(manager(&mut tenant, value), "Max Díaz", "{value}");
        }
        for value in ["nobody", "EXT-BOSS", "", &"x".repeat(5000)] {
            assert_eq!(manager(&mut tenant, value), "", "{value}");
        }
    }

    #[test]
    fn a_manager_of_the_same_connection_comes_first() {
        let mut tenant = Tenant::default();
        hire(&mut tenant, "a", "entra", &["max@mail"], "Other");
        assert_eq!(manager(&mut tenant, "max@mail"), "Other Díaz");
        hire(&mut tenant, "b", "okta", &["max@mail"], "Max");
        assert_eq!(manager(&mut tenant, "max@mail"), "Max Díaz");
        hire(&mut tenant, "c", "okta", &["max@mail"], "Third");
        assert_eq!(manager(&mut tenant, "max@mail"), "", "two could be meant");
    }

    #[test]
    fn a_manager_who_is_renamed_or_leaves_shows_at_once() {
        let mut tenant = Tenant::default();
        hire(&mut tenant, "boss", "okta", &[], "Max");
        hire(&mut tenant, "boss", "okta", &[], "Mia");
        assert_eq!(manager(&mut tenant, "boss"), "Mia Díaz");
        tenant.commit_delete("boss");
        for value in ["boss", "boss@x"] {
            assert_eq!(manager(&mut tenant, value), "", "{value}");
        }
    }

    #[test]
    fn a_login_that_was_given_up_leads_to_nobody() {
        let mut tenant = Tenant::default();
        let mut boss = user("boss", "max@x", &[]);
        tenant.commit(&boss);
        boss.name = "max@y".to_owned();
        tenant.commit(&boss);
        assert_eq!(manager(&mut tenant, "max@x"), "");
        assert_eq!(manager(&mut tenant, "max@y"), "Ana Díaz");
    }

    #[test]
    fn one_person_asks_for_a_bounded_number_of_names() {
        let mut tenant = Tenant::default();
        let (mut words, mut values) = (json!({}), json!({}));
        for n in 0..=MAX_NAMES {
            let name = format!("boss{n:02}");
            tenant.commit(&user(&name, &name, &[]));
            words[&name] = json!(format!("person({name})"));
            values[&name] = json!(name);
        }
        let settings = json!({ "attributes": words }).to_string();
        tenant.rules = Rules::usable(settings.as_bytes()).0;
        let mut report = user("report", "report", &[]);
        report.more = values;
        tenant.commit(&report);
        let (person, _) = tenant.mapping().known("report").unwrap().unwrap();
        let named = |(name, _): &&(String, String)| name.starts_with("boss");
        assert_eq!(person.attributes.iter().filter(named).count(), MAX_NAMES);
    }

    #[test]
    fn somebody_may_be_their_own_manager() {
        assert_eq!(manager(&mut Tenant::default(), "report"), "Ana Díaz");
    }

    #[test]
    fn who_has_no_manager_costs_no_reading_of_others() {
        let mut tenant = Tenant::default();
        tenant.commit(&user("u1", "u1", &[]));
        tenant.people.reads = 0;
        tenant.mapping().known("u1").unwrap().unwrap();
        assert_eq!((tenant.people.reads, tenant.people.walks), (1, 0));
    }
}
