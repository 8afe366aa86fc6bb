//! Which keys a document has: what the store finds it by.
//!
//! This module must not know how a filter is planned.

use serde_json::{Map, Value};

use crate::config::Config;
use crate::directory::{Key, Kind};
use crate::schema::index::{Form, Index, Keyed, cut_key, flag_key};
use crate::schema::{LOGINS, ResourceType};

/// Names the standard indexes and the forms of keys: changes when they do.
const RULES: &str = "4";

/// Names the rules [`keys_of`] makes keys by, but for derived ones; at most 64 bytes.
pub fn index_version(config: &Config) -> String {
    let groups = if config.duplicate_group_names {
        "free"
    } else {
        "unique"
    };
    let declared = config.registry.index_digest();
    let dash = if declared.is_empty() { "" } else { "-" };
    format!("{RULES}-{groups}{dash}{declared}")
}

/// Is the value a login: compared as its key is, without the white space around it.
pub(crate) fn is_login(extension: Option<&str>, attribute: &str, sub: Option<&str>) -> bool {
    extension.is_none() && LOGINS.contains(&(attribute, sub))
}

/// What an absent boolean of this name counts as, if it counts as anything.
pub(crate) fn absent_flag(rt: &ResourceType, attribute: &str) -> Option<bool> {
    let mut core = rt.indexes.iter().filter(|index| index.extension.is_none());
    match core.find(|index| index.attribute == attribute)?.form {
        Form::Flag(absent) => absent,
        _ => None,
    }
}

/// The whole key set of a document, each key once.
pub fn keys_of(rt: &ResourceType, document: &Map<String, Value>, config: &Config) -> Vec<Key> {
    let mut keys = Vec::new();
    for index in &rt.indexes {
        let mut any = false;
        each_value(index, document, &mut |value| {
            if let Some(keyed) = index.form.keyed(value) {
                any = true;
                add(&mut keys, index, keyed, rt, config);
            }
        });
        if let (false, Form::Flag(Some(absent))) = (any, index.form) {
            keys.push(plain(index.name.clone(), flag_key(absent)));
        }
    }
    if let (Kind::User, Some(derived)) = (rt.kind, &config.derived) {
        keys.extend(derived.keys(document));
    }
    keys.sort();
    keys.dedup();
    keys
}

/// The keys of one value.
fn add(keys: &mut Vec<Key>, index: &Index, keyed: Keyed, rt: &ResourceType, config: &Config) {
    if keyed.cut {
        keys.push(plain(index.cut_name(), cut_key()));
    }
    let mut key = plain(index.name.clone(), keyed.key);
    key.tracked = index.form == Form::Login;
    // An empty text is how some clients send what they have not.
    if index.unique && !key.value.is_empty() {
        if index.extension.is_none() {
            key.unique = rt.kind == Kind::User || !config.duplicate_group_names;
        } else {
            keys.push(Key {
                unique: true,
                ..plain(index.unique_name(), Index::unique_key(&key.value))
            });
        }
    }
    keys.push(key);
}

fn plain(attribute: String, value: Vec<u8>) -> Key {
    Key {
        attribute,
        value,
        unique: false,
        tracked: false,
    }
}

/// Each value of the indexed attribute, those of a list on their own.
fn each_value(index: &Index, document: &Map<String, Value>, add: &mut dyn FnMut(&Value)) {
    let map = match &index.extension {
        None => Some(document),
        Some(urn) => document.get(urn).and_then(Value::as_object),
    };
    let Some(value) = map.and_then(|map| map.get(&index.attribute)) else {
        return;
    };
    let mut each = |value: &Value| match value {
        Value::Null => {}
        Value::Array(list) => list.iter().for_each(&mut *add),
        value => add(value),
    };
    match (&index.sub, value) {
        (None, value) => each(value),
        (Some(sub), Value::Array(list)) => {
            for element in list {
                if let Some(value) = element.get(sub) {
                    each(value);
                }
            }
        }
        (Some(sub), value) => {
            if let Some(value) = value.get(sub) {
                each(value);
            }
        }
    }
}
