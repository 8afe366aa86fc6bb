//! The attribute map: what a host shows of a person, as the tenant words it.
//!
//! Each attribute has a name (`department`) and an expression over the person's
//! document (`expression`, read by way of `lexer`, valued by `eval`). Those that
//! the tenant does not word have the [`DEFAULTS`].
//!
//! This module must not know who uses which host.

mod eval;
mod expression;
mod lexer;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

pub use eval::Names;
use eval::Scope;
pub(crate) use eval::before_at;
use expression::Expression;
#[cfg(test)]
pub(crate) use expression::FUNCTIONS;
pub use lexer::ExpressionError;
use tables::Tables;

use crate::text::quoted;

/// The most attributes a tenant may word.
const MAX_ATTRIBUTES: usize = 64;
/// The most bytes of an attribute's name: with a prefix it names an index.
const MAX_NAME: usize = 64;

/// The attribute that is a person's full name.
pub(crate) const FULL_NAME: &str = "full_name";
/// The attribute that is a person's department.
pub(crate) const DEPARTMENT: &str = "department";

/// Names that a variable has already and no attribute can take.
const RESERVED: [&str; 3] = ["groups", "username", "username_local_part"];

/// The expressions of attributes that a tenant does not word. Of the full name, parts
/// come first because identity providers update them and leave a `formatted` they once
/// sent to rot.
pub const DEFAULTS: [(&str, &str); 11] = [
    ("cost_center", "costCenter"),
    (DEPARTMENT, "department"),
    ("division", "division"),
    (
        "email",
        "first(emails[primary eq true].value, emails[type eq \"work\"].value, emails.value)",
    ),
    ("employee_number", "employeeNumber"),
    ("family_name", "name.familyName"),
    (
        FULL_NAME,
        "first(join(\" \", name.givenName, name.familyName), name.formatted, displayName, userName)",
    ),
    ("given_name", "name.givenName"),
    ("manager", "person(manager.value)"),
    ("organization", "organization"),
    ("title", "title"),
];

#[derive(Clone, Debug)]
struct Attribute {
    source: String,
    expression: Expression,
}

/// Attributes by name, and the tables they read.
#[derive(Clone, Debug)]
pub struct AttributeMap {
    attributes: BTreeMap<String, Attribute>,
    tables: Tables,
}

/// Two maps are equal if their texts are: the rest follows from them.
impl PartialEq for AttributeMap {
    fn eq(&self, other: &Self) -> bool {
        let texts = |map: &Self| -> Vec<(String, String)> {
            let all = map.attributes.iter();
            all.map(|(name, one)| (name.clone(), one.source.clone()))
                .collect()
        };
        self.tables == other.tables && texts(self) == texts(other)
    }
}

impl Eq for AttributeMap {}

impl AttributeMap {
    /// The [`DEFAULTS`], read once.
    pub fn standard() -> &'static Arc<Self> {
        static STANDARD: OnceLock<Arc<AttributeMap>> = OnceLock::new();
        STANDARD.get_or_init(|| Arc::new(Self::worded(&Map::new()).0))
    }

    /// Reads the settings `attributes` and `tables`. What cannot be used is left at its
    /// default and named, place first.
    pub fn read(settings: &Map<String, Value>) -> (Arc<Self>, Vec<String>) {
        if ["attributes", "tables"]
            .iter()
            .all(|name| !settings.contains_key(*name))
        {
            return (Arc::clone(Self::standard()), Vec::new());
        }
        let (map, wrong) = Self::worded(settings);
        (Arc::new(map), wrong)
    }

    fn worded(settings: &Map<String, Value>) -> (Self, Vec<String>) {
        let mut wrong = Vec::new();
        let tables = match settings.get("tables") {
            None => Tables::default(),
            Some(tables) => Tables::read(tables, &mut wrong),
        };
        let mut map = Self {
            attributes: BTreeMap::new(),
            tables,
        };
        for (name, source) in DEFAULTS {
            // A test reads them all.
            wrong.extend(map.set(name, source).err());
        }
        match settings.get("attributes") {
            None => {}
            Some(Value::Object(worded)) if worded.len() <= MAX_ATTRIBUTES => {
                for (name, source) in worded {
                    let set = match source.as_str() {
                        Some(source) => map.set(name, source),
                        None => Err("has to be a text".to_owned()),
                    };
                    wrong.extend(
                        set.err()
                            .map(|what| format!("attributes.{}: {what}", quoted(name))),
                    );
                }
            }
            Some(Value::Object(_)) => {
                wrong.push(format!("attributes: at most {MAX_ATTRIBUTES} are allowed"));
            }
            Some(_) => wrong.push("attributes: has to be an object of texts".to_owned()),
        }
        (map, wrong)
    }

    fn set(&mut self, name: &str, source: &str) -> Result<(), String> {
        check_name(name)?;
        let expression =
            Expression::parse(source, &self.tables).map_err(|error| error.to_string())?;
        // The name of a person is the full name of another one.
        if name == FULL_NAME && expression.names_people() {
            return Err("`person` cannot be used here, for it gives full names".to_owned());
        }
        let attribute = Attribute {
            source: source.to_owned(),
            expression,
        };
        self.attributes.insert(name.to_owned(), attribute);
        Ok(())
    }

    /// The names of all attributes, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.attributes.keys().map(String::as_str)
    }

    /// Is there an attribute of this name.
    pub fn has(&self, name: &str) -> bool {
        self.attributes.contains_key(name)
    }

    /// Does its value depend on other people, so that no index of this one's document
    /// can hold it.
    pub fn names_people(&self, name: &str) -> bool {
        let attribute = self.attributes.get(name);
        attribute.is_some_and(|attribute| attribute.expression.names_people())
    }

    /// All values that are not empty. `username` stands in for a full name that is.
    pub fn values(
        &self,
        user: &Map<String, Value>,
        username: &str,
        names: &Names,
    ) -> BTreeMap<String, String> {
        let all = self.attributes.keys();
        all.map(|name| (name.clone(), self.value(name, user, username, names)))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// The value of one attribute; empty if there is none. See [`AttributeMap::values`].
    pub fn value(
        &self,
        name: &str,
        user: &Map<String, Value>,
        username: &str,
        names: &Names,
    ) -> String {
        let scope = self.scope(user, names);
        let value = self.attributes.get(name);
        let value = value.map_or_else(String::new, |attribute| scope.value(&attribute.expression));
        let value = value.trim();
        // A full name is never a reason to have nobody.
        let value = match name {
            FULL_NAME if value.is_empty() => username,
            _ => value,
        };
        value.to_owned()
    }

    /// Ids and logins of people whose full names the values depend on.
    pub fn people(&self, user: &Map<String, Value>) -> BTreeSet<String> {
        let none = Names::new();
        let scope = self.scope(user, &none);
        let mut people = BTreeSet::new();
        for attribute in self.attributes.values() {
            scope.people(&attribute.expression, &mut people);
        }
        people.remove("");
        people
    }

    /// The texts of the document that the value of an attribute is made of.
    pub(crate) fn inputs(&self, name: &str, user: &Map<String, Value>) -> Vec<String> {
        let none = Names::new();
        let mut inputs = Vec::new();
        if let Some(attribute) = self.attributes.get(name) {
            self.scope(user, &none)
                .inputs(&attribute.expression, &mut inputs);
        }
        inputs
    }

    /// The rules of an attribute's value in a text: another one where the value of any
    /// document could be another.
    pub(crate) fn rules_of(&self, name: &str) -> String {
        let Some(attribute) = self.attributes.get(name) else {
            return String::new();
        };
        let read = self
            .tables
            .names()
            .filter(|table| attribute.expression.reads(table));
        let tables: Vec<_> = read
            .map(|table| (table, self.tables.entries(table).collect::<Vec<_>>()))
            .collect();
        format!("{:?}", (name, &attribute.source, tables))
    }

    fn scope<'a>(&'a self, user: &'a Map<String, Value>, names: &'a Names) -> Scope<'a> {
        Scope {
            user,
            tables: &self.tables,
            names,
        }
    }
}

/// Names become variables, so they are what a variable can be in lower case.
fn check_name(name: &str) -> Result<(), String> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.chars().all(letters)
        || name.len() > MAX_NAME
    {
        return Err(format!(
            "a name has lower-case letters, digits and `_`, a letter first, at most {MAX_NAME}"
        ));
    }
    if RESERVED.contains(&name) {
        return Err("this is always there and cannot be worded".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn read(settings: &Value) -> (AttributeMap, Vec<String>) {
        AttributeMap::worded(settings.as_object().unwrap())
    }

    #[test]
    fn the_defaults_are_readable_and_sorted() {
        let (map, wrong) = read(&json!({}));
        assert_eq!(wrong, [""; 0]);
        let names: Vec<&str> = DEFAULTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(map.names().collect::<Vec<_>>(), names);
        assert!(map.names_people("manager") && !map.names_people(DEPARTMENT));
    }

    #[test]
    fn what_cannot_be_used_is_named_and_leaves_the_default() {
        let (map, wrong) = read(&json!({"attributes": {
            "Team": "title", "groups": "title", "title": 5, "badge": "urn:example:x:badge",
            "full_name": "person(userName)", "department": "lookup(title, teams",
        }, "tables": {"teams": {"a": "b"}}}));
        let places = [
            "attributes.`Team`: a name has",
            "attributes.`department`: the expression ends where `)` should follow, at column 19",
            "attributes.`full_name`: `person` cannot",
            "attributes.`groups`: this is always there",
            "attributes.`title`: has to be a text",
        ];
        assert_eq!(wrong.len(), places.len(), "{wrong:?}");
        for (wrong, place) in wrong.iter().zip(places) {
            assert!(wrong.starts_with(place), "{wrong}");
        }
        let user = json!({"department": "IT", "urn:example:x": {"badge": 7}});
        let values = map.values(user.as_object().unwrap(), "ana", &Names::new());
        let value = |name: &str| values.get(name).map(String::as_str);
        assert_eq!(value("badge"), Some("7"));
        assert_eq!(value("full_name"), Some("ana"));
        assert_eq!(value("title"), None);
    }

    #[test]
    fn more_attributes_than_allowed_are_none() {
        let many: Map<String, Value> = (0..=MAX_ATTRIBUTES)
            .map(|n| (format!("a{n}"), json!("title")))
            .collect();
        let (map, wrong) = read(&json!({"attributes": many}));
        assert_eq!(wrong, ["attributes: at most 64 are allowed"]);
        assert!(!map.has("a1") && map.has(DEPARTMENT));
    }

    #[test]
    fn the_rules_of_a_value_are_its_text_and_the_tables_it_reads() {
        let settings = |entry: &str, other: &str| {
            json!({"attributes": {"team": "lookup(title, teams)"},
                "tables": {"teams": {"a": entry}, "other": {"a": other}}})
        };
        let rules = |settings: &Value| read(settings).0.rules_of("team");
        let first = rules(&settings("x", "y"));
        assert_eq!(first, rules(&settings("x", "z")));
        assert_ne!(first, rules(&settings("z", "y")));
        assert_ne!(read(&settings("x", "y")).0, read(&settings("x", "z")).0);
    }

    #[test]
    fn people_are_asked_for_once_and_never_by_nothing() {
        let (map, wrong) = read(&json!({"attributes": {
            "boss": "lower(person(manager.value))", "mentor": "person(mentor)"}}));
        assert_eq!(wrong, [""; 0]);
        let people = |user: Value| map.people(user.as_object().unwrap());
        assert_eq!(people(json!({})), BTreeSet::new());
        let user = json!({"manager": {"value": "m1"}, "mentor": "m2"});
        assert_eq!(
            people(user),
            BTreeSet::from(["m1".to_owned(), "m2".to_owned()])
        );
    }
}
