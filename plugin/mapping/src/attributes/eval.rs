//! The value of an expression for one person.
//!
//! This module must not know where names of other people come from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::expression::Expression;
use super::tables::Tables;

/// The most bytes of a value, and of each part of one: longer ones are cut. Names and
/// titles are far shorter; a document that is all one text must not be copied by every
/// path of every expression.
const MAX_VALUE: usize = 4096;

/// Full names of people by the id or login they were asked for by.
pub type Names = BTreeMap<String, String>;

/// What an expression is evaluated in.
pub(super) struct Scope<'a> {
    pub(super) user: &'a Map<String, Value>,
    pub(super) tables: &'a Tables,
    pub(super) names: &'a Names,
}

impl Scope<'_> {
    /// The value, trimmed; empty if there is none. Recursion is bounded by the parser.
    pub(super) fn value(&self, expression: &Expression) -> String {
        let value = match expression {
            Expression::Text(text) => text.clone(),
            Expression::Path(path) => path
                .first(self.user)
                .map_or_else(String::new, |text| cut(&text).to_owned()),
            Expression::Lower(inner) => self.value(inner).to_lowercase(),
            Expression::BeforeAt(inner) => before_at(&self.value(inner)).to_owned(),
            Expression::First(parts) => parts
                .iter()
                .map(|part| self.value(part))
                .find(|value| !value.is_empty())
                .unwrap_or_default(),
            Expression::Join(separator, parts) => self.join(separator, parts),
            Expression::Lookup {
                key,
                table,
                default,
            } => match (self.tables.look_up(table, &self.value(key)), default) {
                (Some(found), _) => found.to_owned(),
                (None, Some(default)) => self.value(default),
                (None, None) => String::new(),
            },
            Expression::Person(inner) => self
                .names
                .get(&self.value(inner))
                .cloned()
                .unwrap_or_default(),
        };
        match expression {
            // What stands between two texts is often a blank.
            Expression::Text(_) => value,
            _ => cut(value.trim()).to_owned(),
        }
    }

    fn join(&self, separator: &Expression, parts: &[Expression]) -> String {
        let separator = self.value(separator);
        let mut joined = String::new();
        for part in parts {
            let value = self.value(part);
            if joined.len() >= MAX_VALUE {
                break;
            }
            if !value.is_empty() {
                if !joined.is_empty() {
                    joined.push_str(&separator);
                }
                joined.push_str(&value);
            }
        }
        joined
    }

    /// Whom the expression asks the name of.
    pub(super) fn people(&self, expression: &Expression, people: &mut BTreeSet<String>) {
        if let Expression::Person(inner) = expression {
            people.insert(self.value(inner));
        }
        for part in expression.parts() {
            self.people(part, people);
        }
    }

    /// The values of all paths of the expression, in their order.
    pub(super) fn inputs(&self, expression: &Expression, inputs: &mut Vec<String>) {
        if let Expression::Path(_) = expression {
            inputs.push(self.value(expression));
        }
        for part in expression.parts() {
            self.inputs(part, inputs);
        }
    }
}

/// What stands before the last `@`, or the whole: no domain holds one.
pub(crate) fn before_at(text: &str) -> &str {
    text.rsplit_once('@').map_or(text, |(local, _)| local)
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_VALUE))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value(expression: &str) -> String {
        let tables = json!({"teams": {"ENG": "Engineering"}});
        let tables = Tables::read(&tables, &mut Vec::new());
        let user = json!({"userName": "Ana@X", "title": "eng", "nickName": " ",
            "name": {"givenName": "Ana", "familyName": "Díaz"},
            "manager": {"value": "m1"}, "long": "é".repeat(MAX_VALUE)});
        let names = Names::from([("m1".to_owned(), "Max Boss".to_owned())]);
        let scope = Scope {
            user: user.as_object().unwrap(),
            tables: &tables,
            names: &names,
        };
        scope.value(&Expression::parse(expression, &tables).unwrap())
    }

    #[test]
    fn functions_do_what_they_are_called() {
        for (expression, expected) in [
            ("' a '", " a "),
            ("lower(userName)", "ana@x"),
            ("before_at(userName)", "Ana"),
            ("before_at('a@b@c')", "a@b"),
            ("before_at(title)", "eng"),
            ("first(nickName, locale, title)", "eng"),
            ("first(nickName, locale)", ""),
            (
                "join(' ', name.givenName, nickName, name.familyName)",
                "Ana Díaz",
            ),
            ("join(', ', locale, title)", "eng"),
            ("join(', ', locale, nickName)", ""),
            ("lookup(title, teams)", "Engineering"),
            ("lookup(userName, teams)", ""),
            ("lookup(userName, teams, 'Other')", "Other"),
            ("lookup(locale, teams, title)", "eng"),
            ("person(manager.value)", "Max Boss"),
            ("person(title)", ""),
        ] {
            assert_eq!(value(expression), expected, "{expression}");
        }
    }

    #[test]
    fn a_value_is_cut_between_characters() {
        assert_eq!(value("long").len(), MAX_VALUE);
        assert!(value("join('', 'a', long, long)").len() <= MAX_VALUE);
        assert!(value("join('', 'a', long, long)").len() > MAX_VALUE - 4);
    }

    proptest! {
        #[test]
        fn first_is_never_empty_where_any_part_is_not(parts in prop::collection::vec("[ab ]{0,3}", 1..6)) {
            let quoted: Vec<String> = parts.iter().map(|part| format!("lower('{part}')")).collect();
            let any = parts.iter().any(|part| !part.trim().is_empty());
            prop_assert_eq!(!value(&format!("first({})", quoted.join(","))).is_empty(), any);
        }
    }
}
