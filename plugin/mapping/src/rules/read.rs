//! The larger settings of a tenant: labels and profiles.
//!
//! This module must not know which hosts have a label.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::attributes::{AttributeMap, DEPARTMENT};
use crate::spelling::did_you_mean;
use crate::text::quoted;
use crate::variables::{Variable, unknown};

/// Labels of one tenant: all are looked at for a host.
const MAX_LABELS: usize = 1000;
/// Bytes of a label's id; ids of automatic ones are longer.
const MAX_ID: usize = 128;
/// Bytes of a label's name or value, and of a profile's name.
const MAX_TEXT: usize = 255;
/// Profiles, and variables of one.
const MAX_PROFILES: usize = 1000;
const MAX_VARIABLES: usize = 200;

/// A label that the tenant defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelRule {
    /// For people.
    pub name: String,
    /// Which hosts have it.
    pub of: Selector,
}

/// Which people's hosts are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Those below this group, by the id of its document.
    Group(String),
    /// Those whose attribute has this value, compared without case.
    Attribute(String, String),
}

/// Reads the setting `labels`; what cannot be used is left out and named.
pub(super) fn labels(
    setting: &Value,
    map: &AttributeMap,
    wrong: &mut Vec<String>,
) -> BTreeMap<String, LabelRule> {
    each(setting, "labels", MAX_LABELS, wrong, |id, value| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || id.len() > MAX_ID || !id.chars().all(allowed) {
            return Err(format!(
                "an id has letters, digits, `-`, `_` and `.`, at most {MAX_ID}"
            ));
        }
        let label = value.as_object().ok_or("has to be an object")?;
        Ok(LabelRule {
            name: text(label, "name")?,
            of: selector(label, map)?,
        })
    })
}

fn selector(label: &Map<String, Value>, map: &AttributeMap) -> Result<Selector, String> {
    const NAMES: [&str; 5] = ["attribute", "department", "group", "name", "value"];
    if let Some(other) = label.keys().find(|name| !NAMES.contains(&name.as_str())) {
        let meant = did_you_mean(other, NAMES);
        return Err(format!("{} means nothing here{meant}", quoted(other)));
    }
    let of = ["group", "department", "attribute"];
    let mut given = of.into_iter().filter(|name| label.contains_key(*name));
    let (attribute, value) = match (given.next(), given.next()) {
        (Some("group"), None) => return Ok(Selector::Group(text(label, "group")?)),
        (Some("department"), None) => (DEPARTMENT.to_owned(), text(label, "department")?),
        (Some(_), None) => (text(label, "attribute")?, text(label, "value")?),
        _ => return Err("one of `group`, `department`, `attribute` says whose hosts".to_owned()),
    };
    if !map.has(&attribute) {
        let meant = did_you_mean(&attribute, map.names());
        return Err(format!(
            "there is no attribute {}{meant}",
            quoted(&attribute)
        ));
    }
    if map.names_people(&attribute) {
        return Err(format!(
            "hosts cannot be found by {}, for its value depends on other people: \
             use an attribute without `person`",
            quoted(&attribute)
        ));
    }
    Ok(Selector::Attribute(attribute, value))
}

/// Reads the setting `profiles`: the names of variables each uses, without `$`.
pub(super) fn profiles(
    setting: &Value,
    map: &AttributeMap,
    wrong: &mut Vec<String>,
) -> BTreeMap<String, BTreeSet<String>> {
    each(setting, "profiles", MAX_PROFILES, wrong, |name, value| {
        let variables = value.as_array().ok_or("has to be a list of variables")?;
        if name.is_empty() || name.len() > MAX_TEXT {
            return Err(format!("a name has 1 to {MAX_TEXT} bytes"));
        }
        if variables.len() > MAX_VARIABLES {
            return Err(format!("at most {MAX_VARIABLES} variables are allowed"));
        }
        let variable = |value: &Value| {
            let name = value.as_str().ok_or("has to be a list of variables")?;
            let name = name.strip_prefix('$').unwrap_or(name);
            match Variable::named(name, map) {
                Some(_) => Ok(name.to_owned()),
                None => Err(unknown(name, map)),
            }
        };
        variables.iter().map(variable).collect()
    })
}

/// Reads each entry of an object of at most `most`.
fn each<T>(
    setting: &Value,
    place: &str,
    most: usize,
    wrong: &mut Vec<String>,
    read: impl Fn(&str, &Value) -> Result<T, String>,
) -> BTreeMap<String, T> {
    let mut entries = BTreeMap::new();
    match setting.as_object() {
        None => wrong.push(format!("{place}: has to be an object")),
        Some(all) if all.len() > most => {
            wrong.push(format!("{place}: at most {most} are allowed"));
        }
        Some(all) => {
            for (name, value) in all {
                match read(name, value) {
                    Ok(entry) => {
                        entries.insert(name.clone(), entry);
                    }
                    Err(what) => wrong.push(format!("{place}.{}: {what}", quoted(name))),
                }
            }
        }
    }
    entries
}

fn text(object: &Map<String, Value>, name: &str) -> Result<String, String> {
    let text = object.get(name).and_then(Value::as_str).map(str::trim);
    match text {
        Some(text) if !text.is_empty() && text.len() <= MAX_TEXT => Ok(text.to_owned()),
        _ => Err(format!(
            "`{name}` has to be a text of 1 to {MAX_TEXT} bytes"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_labels(setting: &Value) -> (BTreeMap<String, LabelRule>, Vec<String>) {
        let mut wrong = Vec::new();
        let read = labels(setting, AttributeMap::standard(), &mut wrong);
        (read, wrong)
    }

    #[test]
    fn labels_are_of_a_group_a_department_or_an_attribute() {
        let (read, wrong) = read_labels(&json!({
            "a": {"name": "Ops", "group": "g1"},
            "b": {"name": "IT", "department": " IT "},
            "c": {"name": "Chiefs", "attribute": "title", "value": "Chief"},
        }));
        assert_eq!(wrong, [""; 0]);
        let of: Vec<Selector> = read.into_values().map(|label| label.of).collect();
        let attribute =
            |name: &str, value: &str| Selector::Attribute(name.to_owned(), value.to_owned());
        let expected = [
            Selector::Group("g1".to_owned()),
            attribute("department", "IT"),
            attribute("title", "Chief"),
        ];
        assert_eq!(of, expected);
    }

    #[test]
    fn a_label_that_cannot_be_used_is_named_with_what_to_change() {
        let (read, wrong) = read_labels(&json!({
            "group:x": {"name": "a", "group": "g"},
            "list": [],
            "many": {"name": "a", "group": "g", "department": "d"},
            "none": {"name": "a"},
            "person": {"name": "a", "attribute": "manager", "value": "m"},
            "slip": {"name": "a", "gruop": "g"},
            "title": {"name": "a", "attribute": "titel", "value": "m"},
            "value": {"name": "a", "attribute": "title"},
        }));
        assert!(read.is_empty());
        let expected = [
            "labels.`group:x`: an id has",
            "labels.`list`: has to be an object",
            "labels.`many`: one of `group`",
            "labels.`none`: one of `group`",
            "labels.`person`: hosts cannot be found by `manager`",
            "labels.`slip`: `gruop` means nothing here: did you mean `group`",
            "labels.`title`: there is no attribute `titel`: did you mean `title`",
            "labels.`value`: `value` has to be a text",
        ];
        assert_eq!(wrong.len(), expected.len(), "{wrong:?}");
        for (wrong, expected) in wrong.iter().zip(expected) {
            assert!(wrong.starts_with(expected), "{wrong}");
        }
    }

    #[test]
    fn profiles_name_variables_with_or_without_the_dollar() {
        let mut wrong = Vec::new();
        let setting = json!({
            "mail": ["$NAMEPLATE_EMAIL", "FLEET_VAR_HOST_END_USER_EMAIL_IDP"],
            "slip": ["NAMEPLATE_EMIAL"],
            "text": "NAMEPLATE_EMAIL",
        });
        let read = profiles(&setting, AttributeMap::standard(), &mut wrong);
        let mail = ["FLEET_VAR_HOST_END_USER_EMAIL_IDP", "NAMEPLATE_EMAIL"];
        let mail: BTreeSet<String> = mail.map(str::to_owned).into();
        assert_eq!(read, BTreeMap::from([("mail".to_owned(), mail)]));
        let expected = [
            "profiles.`slip`: there is no variable `NAMEPLATE_EMIAL`: did you mean `NAMEPLATE_EMAIL`",
            "profiles.`text`: has to be a list of variables",
        ];
        assert_eq!(wrong, expected);
    }

    #[test]
    fn more_than_allowed_are_none() {
        let many = |most: usize, value: Value| -> Value {
            let all: Map<String, Value> =
                (0..=most).map(|n| (n.to_string(), value.clone())).collect();
            Value::Object(all)
        };
        let (read, wrong) = read_labels(&many(MAX_LABELS, json!({"name": "a", "group": "g"})));
        assert!(read.is_empty());
        assert_eq!(wrong, ["labels: at most 1000 are allowed"]);
        let mut wrong = Vec::new();
        let map = AttributeMap::standard();
        assert!(profiles(&many(MAX_PROFILES, json!([])), map, &mut wrong).is_empty());
        let variables = vec!["NAMEPLATE_EMAIL"; MAX_VARIABLES + 1];
        assert!(profiles(&json!({"a": variables}), map, &mut wrong).is_empty());
        assert_eq!(wrong.len(), 2, "{wrong:?}");
    }
}
