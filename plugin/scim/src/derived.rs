//! Index keys that somebody else derives from users' documents.
//!
//! The mapping crate gives people attributes that the tenant words; so that hosts are
//! found by them, each user's document has a key for them, beside those of its schema.
//! This module must not know what the values mean.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::directory::Key;
use crate::fold::{fold, key_bytes};

/// What the names of derived indexes begin with.
const PREFIX: &str = "map:";

/// The most bytes of a version: with the other parts of the index version it has to stay
/// within 64 (`wit/user-store.wit`).
pub const MAX_VERSION: usize = 16;

/// Names and values derived from one document. Each name is at most 64 bytes and there
/// once.
pub type Derive = dyn Fn(&Map<String, Value>) -> Vec<(String, String)> + Send + Sync;

/// A rule by which values are derived.
#[derive(Clone)]
pub struct Derived {
    version: String,
    derive: Arc<Derive>,
}

impl Derived {
    /// `version` names the rule: another one wherever any document could have other
    /// values. At most [`MAX_VERSION`] bytes, cut if it is longer.
    pub fn new(version: &str, derive: Arc<Derive>) -> Self {
        let end = version.floor_char_boundary(MAX_VERSION);
        Self {
            version: version.get(..end).unwrap_or_default().to_owned(),
            derive,
        }
    }

    /// Names the rule.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The keys of one document; with them one that says by which rule they were made,
    /// so that whether all are there can be counted.
    pub(crate) fn keys(&self, document: &Map<String, Value>) -> impl Iterator<Item = Key> {
        let plain = |attribute: String, value: Vec<u8>| Key {
            attribute,
            value,
            unique: false,
            tracked: false,
        };
        let values = (self.derive)(document).into_iter();
        let keys = values.map(move |(name, value)| plain(index_of(&name), key_of(&value)));
        keys.chain([plain(index_of(""), self.version.clone().into_bytes())])
    }
}

/// Two rules are equal if their names are.
impl PartialEq for Derived {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version
    }
}

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Derived").field(&self.version).finish()
    }
}

/// The index of a derived name. That of no name holds each user under the
/// [version](Derived::version) its keys were made by.
pub fn index_of(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// The key of a derived value: without case, and without white space around it.
pub fn key_of(value: &str) -> Vec<u8> {
    key_bytes(&fold(value.trim()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::directory::Kind;
    use crate::filter::{index_version, keys_of};

    fn config(version: &str) -> Config {
        Config {
            derived: Some(Derived::new(
                version,
                Arc::new(|user| {
                    let title = user.get("title").and_then(Value::as_str);
                    let title = title.map(|title| ("team".to_owned(), title.to_owned()));
                    title.into_iter().collect()
                }),
            )),
            ..Config::default()
        }
    }

    #[test]
    fn a_user_has_keys_of_what_is_derived_and_of_the_rule() {
        let config = config("v1");
        let keys = |kind: Kind, document: Value| -> Vec<(String, Vec<u8>)> {
            let rt = config.registry.resource_type(kind);
            let keys = keys_of(rt, document.as_object().unwrap(), &config);
            assert!(
                keys.iter()
                    .all(|key| !key.unique && !key.tracked || key.attribute == "userName")
            );
            let keys = keys
                .into_iter()
                .filter(|key| key.attribute.starts_with(PREFIX));
            keys.map(|key| (key.attribute, key.value)).collect()
        };
        let rule = ("map:".to_owned(), b"v1".to_vec());
        let team = ("map:team".to_owned(), b"chief".to_vec());
        let user = json!({"userName": "ana", "title": " CHIEF "});
        assert_eq!(keys(Kind::User, user), [rule.clone(), team]);
        assert_eq!(keys(Kind::User, json!({"userName": "ana"})), [rule]);
        assert_eq!(keys(Kind::Group, json!({"title": "x"})), []);
    }

    #[test]
    fn another_rule_is_another_index_version_that_fits() {
        let none = index_version(&Config::default());
        let (one, two) = (index_version(&config("v1")), index_version(&config("v2")));
        assert!(none != one && one != two);
        let declared = json!({"duplicate_group_names": false, "schemas": [{"resource": "User",
            "schema": {"id": "urn:example:x", "name": "X", "attributes": [{"name": "no"}]},
            "indexed": ["no"]}]});
        let mut longest = Config::from_json(declared.to_string().as_bytes()).unwrap();
        longest.derived = config(&"v".repeat(100)).derived;
        assert!(
            index_version(&longest).len() <= 64,
            "{}",
            index_version(&longest)
        );
    }
}
