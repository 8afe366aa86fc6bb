//! Index keys that somebody else derives from users' documents.
//!
//! The mapping crate gives people attributes that the tenant words; so that hosts are
//! found by them, each user's document has a key for them, beside those of its schema.
//!
//! They are no part of the index version: while they are filled after their rule has
//! changed, the indexes of the schemas answer requests as ever. Whether they are complete
//! is counted instead, see [`is_complete`].
//!
//! This module must not know what the values mean.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::directory::{Detail, Direction, DirectoryError, Find, Key, KeyRange, Kind, Page};
use crate::fold::{fold, key_bytes};

/// What the names of derived indexes begin with.
const PREFIX: &str = "map:";

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
    /// values.
    pub fn new(version: String, derive: Arc<Derive>) -> Self {
        Self { version, derive }
    }

    /// Names the rule.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The keys of one document; with them one that says by which rule they were made.
    pub(crate) fn keys(&self, document: &Map<String, Value>) -> impl Iterator<Item = Key> {
        let plain = |attribute: String, value: Vec<u8>| Key {
            attribute,
            value,
            unique: false,
            tracked: false,
        };
        let values = (self.derive)(document).into_iter();
        let keys = values.map(move |(name, value)| plain(index_of(&name), key_of(&value)));
        keys.chain([plain(index_of(""), key_of(&self.version))])
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

/// Has every user of a connection keys by the rule of this version. `find` walks that
/// connection. All are counted twice, for somebody may come in between.
pub fn is_complete(
    version: &str,
    find: &mut dyn FnMut(&Find) -> Result<Page, DirectoryError>,
) -> Result<bool, DirectoryError> {
    let mut count = |index: String, range: KeyRange| {
        let page = find(&Find {
            kind: Kind::User,
            index,
            range,
            direction: Direction::Ascending,
            skip: 0,
            after: None,
            limit: 0,
            want: Detail::Ids,
        })?;
        Ok(page.total)
    };
    let before = count(String::new(), KeyRange::All)?;
    let keyed = count(index_of(""), KeyRange::Equal(key_of(version)))?;
    let after = count(String::new(), KeyRange::All)?;
    Ok(keyed.is_some() && before == keyed && keyed == after)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::filter::{index_version, keys_of};

    fn config(version: &str) -> Config {
        Config {
            derived: Some(Derived::new(
                version.to_owned(),
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
    fn the_index_version_is_that_of_the_schemas_whatever_is_derived() {
        let none = index_version(&Config::default());
        assert_eq!(index_version(&config("v1")), none);
    }

    #[test]
    fn an_index_is_complete_once_all_are_counted_by_its_rule() {
        let complete = |totals: [Option<u64>; 3]| {
            let mut totals = totals.into_iter();
            let mut find = |_: &Find| {
                let total = totals.next().unwrap();
                Ok(Page {
                    total,
                    ..Page::default()
                })
            };
            is_complete("v1", &mut find).unwrap()
        };
        assert!(complete([Some(2), Some(2), Some(2)]));
        assert!(complete([Some(0), Some(0), Some(0)]));
        for totals in [[2, 1, 2], [1, 1, 2], [2, 1, 1]] {
            assert!(!complete(totals.map(Some)), "{totals:?}");
        }
        assert!(!complete([Some(0), None, Some(0)]));
    }
}
