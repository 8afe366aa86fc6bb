//! Look-up tables of the attribute map.

use std::collections::BTreeMap;

use nameplate_scim::fold::fold;
use serde_json::Value;

use crate::text::quoted;

/// Tables of one tenant.
const MAX_TABLES: usize = 16;
/// Entries of one table: more is a directory of its own.
const MAX_ENTRIES: usize = 10_000;
/// Bytes of a name, a key or a value.
const MAX_TEXT: usize = 1024;

/// Look-up tables by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tables(BTreeMap<String, BTreeMap<String, String>>);

impl Tables {
    /// Reads the setting `tables`; what cannot be used is left out and named.
    pub(super) fn read(setting: &Value, wrong: &mut Vec<String>) -> Self {
        let mut tables = BTreeMap::new();
        let Some(setting) = setting.as_object() else {
            wrong.push("tables: has to be an object of tables".to_owned());
            return Self::default();
        };
        if setting.len() > MAX_TABLES {
            wrong.push(format!("tables: at most {MAX_TABLES} are allowed"));
            return Self::default();
        }
        for (name, entries) in setting {
            match table(entries) {
                Ok(table) => {
                    tables.insert(name.clone(), table);
                }
                Err(what) => wrong.push(format!("tables.{}: {what}", quoted(name))),
            }
        }
        Self(tables)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What a table says of a text, compared without case.
    pub(super) fn look_up(&self, table: &str, key: &str) -> Option<&str> {
        self.0
            .get(table)?
            .get(&fold(key.trim()))
            .map(String::as_str)
    }

    /// The entries of a table by key, for a name of its content.
    pub(super) fn entries(&self, table: &str) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.0.get(table).into_iter().flatten();
        entries.map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

fn table(entries: &Value) -> Result<BTreeMap<String, String>, String> {
    let entries = entries.as_object().ok_or("has to be an object of texts")?;
    if entries.len() > MAX_ENTRIES {
        return Err(format!("at most {MAX_ENTRIES} entries are allowed"));
    }
    let mut table = BTreeMap::new();
    for (key, value) in entries {
        let Some(value) = value.as_str() else {
            return Err(format!("{} has to be a text", quoted(key)));
        };
        if key.len() > MAX_TEXT || value.len() > MAX_TEXT {
            return Err(format!(
                "{} is longer than {MAX_TEXT} bytes, or its text is",
                quoted(key)
            ));
        }
        let folded = fold(key.trim());
        if table.insert(folded, value.trim().to_owned()).is_some() {
            return Err(format!(
                "{} is there twice, for keys are compared without case",
                quoted(key)
            ));
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_that_cannot_be_used_is_named_and_leaves_the_others() {
        let many: serde_json::Map<String, Value> = (0..=MAX_ENTRIES)
            .map(|n| (n.to_string(), json!("x")))
            .collect();
        let mut wrong = Vec::new();
        let setting = json!({
            "good": {" Eng ": " Engineering "},
            "list": ["x"],
            "number": {"a": 1},
            "long": {"a": "x".repeat(MAX_TEXT + 1)},
            "twice": {"ENG": "a", "eng": "b"},
            "large": many,
        });
        let tables = Tables::read(&setting, &mut wrong);
        assert_eq!(tables.names().collect::<Vec<_>>(), ["good"]);
        assert_eq!(tables.look_up("good", "ENG"), Some("Engineering"));
        assert_eq!(tables.look_up("good", "HR"), None);
        let expected = [
            "tables.`large`: at most 10000 entries are allowed",
            "tables.`list`: has to be an object of texts",
            "tables.`long`: `a` is longer than 1024 bytes, or its text is",
            "tables.`number`: `a` has to be a text",
            "tables.`twice`: `eng` is there twice, for keys are compared without case",
        ];
        assert_eq!(wrong, expected);
    }

    #[test]
    fn more_tables_than_allowed_are_none() {
        let many: serde_json::Map<String, Value> = (0..=MAX_TABLES)
            .map(|n| (n.to_string(), json!({})))
            .collect();
        for setting in [Value::Object(many), json!([])] {
            let mut wrong = Vec::new();
            assert_eq!(Tables::read(&setting, &mut wrong), Tables::default());
            assert_eq!(wrong.len(), 1);
        }
    }
}
