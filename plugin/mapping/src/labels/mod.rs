//! Labels: sets of hosts by what their people are.
//!
//! The tenant defines some ([`crate::rules::LabelRule`]); for each group and each
//! department there is one by itself. Nothing of it is stored: who has a label is found
//! on reading, from people to hosts (`holders`) or from a host to its person.
//!
//! This module must not know how a person is found for a host.

mod cursor;
mod holders;
mod listing;

use nameplate_scim::derived::key_of;
use nameplate_scim::directory::{DirectoryError, Memberships};

use crate::attributes::DEPARTMENT;
use crate::person::Person;
use crate::rules::Selector;
use crate::service::{Mapping, MappingError};

/// What the id of a group's label begins with; the group's document follows.
const OF_GROUP: &str = "group:";
/// What the id of a department's label begins with; its name without case follows.
const OF_DEPARTMENT: &str = "department:";

/// The most labels or hosts of one page.
const MAX_PAGE: u32 = 1000;

/// A label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Stays the same when a group is renamed.
    pub id: String,
    /// For people.
    pub name: String,
    /// Is it there by itself, for a group or department.
    pub automatic: bool,
}

/// A page of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelPage {
    /// Defined ones first, by id; then those of groups, then those of departments. A page
    /// may hold fewer than asked for.
    pub labels: Vec<Label>,
    /// Pass as `after` to go on; none at the end.
    pub next: Option<String>,
}

/// A page of hosts that have a label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labelled {
    /// Each host once over all pages, in no order to rely on. A page may hold fewer than
    /// asked for, none even.
    pub hosts: Vec<String>,
    /// Pass as `after` to go on; none at the end.
    pub next: Option<String>,
}

impl Mapping<'_> {
    /// The labels of one host, in the order of [`LabelPage::labels`]. Settles the host
    /// first, as [`end_user_of`](Mapping::end_user_of) does; one without a person has none.
    pub fn labels_of(&mut self, host: &str) -> Result<Vec<Label>, MappingError> {
        let Some(user) = self.settle(host)?.resolution.user else {
            return Ok(Vec::new());
        };
        let Some((person, memberships)) = self.known(&user)? else {
            return Ok(Vec::new());
        };
        let defined = self.rules.labels.iter();
        let mut labels: Vec<Label> = defined
            .filter(|(_, label)| label.of.holds(&person, &memberships))
            .map(|(id, label)| Label {
                id: id.clone(),
                name: label.name.clone(),
                automatic: false,
            })
            .collect();
        labels.extend(
            memberships
                .groups
                .iter()
                .map(|one| of_group(&one.group, &one.label)),
        );
        if !person.department.is_empty() && self.indexed(DEPARTMENT) {
            labels.push(of_department(&person.department));
        }
        Ok(labels)
    }

    /// Are people found by this attribute.
    fn indexed(&self, attribute: &str) -> bool {
        self.rules.indexed().contains(attribute)
    }

    /// What a label is of; none if there is no such label. Of automatic ones only the
    /// form is looked at.
    fn selector(&self, label: &str) -> Option<Selector> {
        if let Some(group) = label.strip_prefix(OF_GROUP) {
            return Some(Selector::Group(group.to_owned()));
        }
        match label.strip_prefix(OF_DEPARTMENT) {
            Some(value) if !value.trim().is_empty() && self.indexed(DEPARTMENT) => {
                Some(Selector::Attribute(DEPARTMENT.to_owned(), value.to_owned()))
            }
            Some(_) => None,
            None => self.rules.labels.get(label).map(|label| label.of.clone()),
        }
    }
}

impl Selector {
    /// Is this person meant.
    fn holds(&self, person: &Person, memberships: &Memberships) -> bool {
        match self {
            Self::Group(id) => memberships.groups.iter().any(|one| one.group == *id),
            Self::Attribute(name, value) => {
                let found = person.attribute(name);
                !found.is_empty() && key_of(found) == key_of(value)
            }
        }
    }
}

fn of_group(group: &str, name: &str) -> Label {
    Label {
        id: format!("{OF_GROUP}{group}"),
        name: name.to_owned(),
        automatic: true,
    }
}

fn of_department(name: &str) -> Label {
    Label {
        id: format!("{OF_DEPARTMENT}{}", nameplate_scim::fold::fold(name.trim())),
        name: name.to_owned(),
        automatic: true,
    }
}

/// What to answer to a cursor that no page ended with.
fn no_cursor() -> MappingError {
    MappingError::Invalid("no page ended at this `after`: start again without it".to_owned())
}

/// The store may find out too that a cursor was made up.
fn refused(error: DirectoryError) -> MappingError {
    match error {
        DirectoryError::Refused(_) => no_cursor(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests;
