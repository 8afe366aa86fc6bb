//! Which keys a document has: what the store finds it by.
//!
//! This module must not know how a filter is planned.

use serde_json::{Map, Value};

use crate::config::Config;
use crate::directory::{Key, Kind};
use crate::schema::index::{Form, Index, flag_key};
use crate::schema::{LOGINS, ResourceType};

/// Names the standard indexes and the forms of keys: changes when they do.
const RULES: &str = "2";

/// Names the rules [`keys_of`] makes keys by; at most 64 bytes.
pub fn index_version(config: &Config) -> String {
    let groups = if config.duplicate_group_names {
        "free"
    } else {
        "unique"
    };
    format!("{RULES}-{groups}{}", config.registry.index_digest())
}

/// Is the value a login: compared as its key is, without the white space around it.
pub(crate) fn is_login(attribute: &str, sub: Option<&str>) -> bool {
    LOGINS.contains(&(attribute, sub))
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
        let group_name = rt.kind == Kind::Group && index.extension.is_none();
        let unique = index.unique && !(group_name && config.duplicate_group_names);
        let key = |value: Vec<u8>| Key {
            attribute: index.name.clone(),
            value,
            unique,
            tracked: index.form == Form::Login,
        };
        let mut any = false;
        each_value(index, document, &mut |value| {
            any = true;
            keys.extend(index.form.key(value).map(key));
            if index.form.is_cut(value) {
                keys.push(Key {
                    attribute: index.cut_name(),
                    value: flag_key(true),
                    unique: false,
                    tracked: false,
                });
            }
        });
        if let (false, Form::Flag(Some(absent))) = (any, index.form) {
            keys.push(key(flag_key(absent)));
        }
    }
    keys.sort();
    keys.dedup();
    keys
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
