//! The variables of profile texts: their names and what each stands for.
//!
//! This module must not know how a text is filled.

use crate::attributes::{AttributeMap, DEPARTMENT, FULL_NAME, before_at};
use crate::person::Person;
use crate::spelling::did_you_mean;
use crate::text::quoted;

/// What names of ours begin with.
pub(crate) const OURS: &str = "NAMEPLATE_";

/// The names Fleet gave some of them, so that its profiles work as they are.
const FLEET: [(&str, Variable<'static>); 6] = [
    (
        "FLEET_VAR_HOST_END_USER_EMAIL_IDP",
        Variable::Attribute("email"),
    ),
    (
        "FLEET_VAR_HOST_END_USER_IDP_DEPARTMENT",
        Variable::Attribute(DEPARTMENT),
    ),
    (
        "FLEET_VAR_HOST_END_USER_IDP_FULL_NAME",
        Variable::Attribute(FULL_NAME),
    ),
    ("FLEET_VAR_HOST_END_USER_IDP_GROUPS", Variable::Groups),
    ("FLEET_VAR_HOST_END_USER_IDP_USERNAME", Variable::Username),
    (
        "FLEET_VAR_HOST_END_USER_IDP_USERNAME_LOCAL_PART",
        Variable::LocalPart,
    ),
];

/// What a variable stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Variable<'a> {
    /// The username.
    Username,
    /// What stands before the `@` of the username.
    LocalPart,
    /// The names of all groups, with commas between them.
    Groups,
    /// An attribute of the map, by name.
    Attribute(&'a str),
}

impl<'a> Variable<'a> {
    /// The variable of a name without `$`.
    pub(crate) fn named(name: &str, map: &'a AttributeMap) -> Option<Self> {
        if let Some((_, variable)) = FLEET.iter().find(|(known, _)| *known == name) {
            return Some(*variable);
        }
        let ours = name.strip_prefix(OURS)?;
        if let Some(variable) = Self::FIXED.into_iter().find(|one| one.base() == ours) {
            return Some(variable);
        }
        let mut attributes = map.names();
        attributes
            .find(|known| ours == known.to_ascii_uppercase())
            .map(Self::Attribute)
    }

    const FIXED: [Self; 3] = [Self::Username, Self::LocalPart, Self::Groups];

    /// All there are.
    pub(crate) fn all(map: &'a AttributeMap) -> impl Iterator<Item = Self> {
        Self::FIXED
            .into_iter()
            .chain(map.names().map(Self::Attribute))
    }

    /// Our name after [`OURS`].
    fn base(self) -> String {
        match self {
            Self::Username => "USERNAME".to_owned(),
            Self::LocalPart => "USERNAME_LOCAL_PART".to_owned(),
            Self::Groups => "GROUPS".to_owned(),
            Self::Attribute(name) => name.to_ascii_uppercase(),
        }
    }

    /// All its names, ours first.
    pub(crate) fn names(self) -> impl Iterator<Item = String> {
        let others = FLEET.iter().filter(move |(_, variable)| *variable == self);
        std::iter::once(format!("{OURS}{}", self.base()))
            .chain(others.map(|(name, _)| (*name).to_owned()))
    }

    /// Its value for a person; empty if there is none.
    pub(crate) fn value(self, person: &Person) -> String {
        match self {
            Self::Username => person.username.clone(),
            Self::LocalPart => before_at(&person.username).to_owned(),
            Self::Groups => person.groups.join(","),
            Self::Attribute(name) => person.attribute(name).to_owned(),
        }
    }

    /// What it is called in a sentence.
    pub(crate) fn wording(self) -> String {
        match self {
            Self::Username | Self::LocalPart => "username".to_owned(),
            Self::Groups => "group".to_owned(),
            Self::Attribute(name) => name.replace('_', " "),
        }
    }
}

/// Why there is no variable of this name.
pub(crate) fn unknown(name: &str, map: &AttributeMap) -> String {
    let known: Vec<String> = Variable::all(map).flat_map(Variable::names).collect();
    let meant = did_you_mean(name, known.iter().map(String::as_str));
    format!("there is no variable {}{meant}", quoted(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_leads_back_to_its_variable_and_is_there_once() {
        let map = AttributeMap::standard();
        let mut names = BTreeSet::new();
        for variable in Variable::all(map) {
            for name in variable.names() {
                assert_eq!(Variable::named(&name, map), Some(variable), "{name}");
                assert!(names.insert(name));
            }
        }
        assert!(names.contains("NAMEPLATE_COST_CENTER"));
        assert_eq!(
            names
                .iter()
                .filter(|name| name.starts_with("FLEET_VAR_"))
                .count(),
            6
        );
    }

    #[test]
    fn a_name_that_is_none_is_answered_with_one_that_was_meant() {
        let map = AttributeMap::standard();
        for name in [
            "NAMEPLATE_",
            "NAMEPLATE_username",
            "FLEET_VAR_X",
            "USERNAME",
        ] {
            assert_eq!(Variable::named(name, map), None, "{name}");
        }
        assert_eq!(
            unknown("NAMEPLATE_USERNAM", map),
            "there is no variable `NAMEPLATE_USERNAM`: did you mean `NAMEPLATE_USERNAME`"
        );
    }
}
