//! The configuration of a connection as the host hands it over (JSON).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::derived::Derived;
use crate::schema::{Misconfigured, Registry, read};

/// The names of all settings that are read here.
pub const SETTINGS: [&str; 12] = [
    "body_limit",
    "bulk_max_operations",
    "dialect",
    "duplicate_group_names",
    "large_body_limit",
    "max_members_inline",
    "max_results",
    "me",
    "reactivate_inactive",
    "scan_budget",
    "schemas",
    "unknown_members",
];

/// Which client's habits are expected. Each deviation is a named rule; `strict`
/// turns all of them off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Every rule that harms no other client.
    #[default]
    Auto,
    /// Okta.
    Okta,
    /// Microsoft Entra ID.
    Entra,
    /// OneLogin.
    Onelogin,
    /// JumpCloud.
    Jumpcloud,
    /// authentik.
    Authentik,
    /// No client in particular.
    Generic,
    /// The RFC to the letter.
    Strict,
}

/// What to do with group members that do not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownMembers {
    /// Apply the known ones, remember the unknown ones.
    #[default]
    Hold,
    /// Refuse the request, naming the unknown ones.
    Reject,
}

/// The settings of one connection. Absent ones have the defaults below.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which client's habits are expected.
    pub dialect: Dialect,
    /// May a POST revive an inactive user with the same userName.
    pub reactivate_inactive: bool,
    /// What to do with group members that do not exist.
    pub unknown_members: UnknownMembers,
    /// May two groups have the same displayName.
    pub duplicate_group_names: bool,
    /// The most resources on a page; larger counts are clamped.
    pub max_results: u32,
    /// A group with more members leaves them out of lists and answers 204 to PATCH.
    pub max_members_inline: u64,
    /// Documents a filter without an index may look at before it is `tooMany`.
    pub scan_budget: u32,
    /// What the host enforces, for ServiceProviderConfig; bytes.
    pub body_limit: u64,
    /// The same for /Groups and Bulk; bytes.
    pub large_body_limit: u64,
    /// The most operations of one Bulk request.
    pub bulk_max_operations: u32,
    /// The userName of the user `/Me` stands for (RFC 7644 3.11); none: 501.
    pub me: Option<String>,
    /// The standard schemas and those that the setting `schemas` declares, see
    /// [`Registry::with_declared`].
    pub registry: Registry,
    /// Keys that somebody else derives from users' documents; not part of the settings.
    pub derived: Option<Derived>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dialect: Dialect::Auto,
            reactivate_inactive: true,
            unknown_members: UnknownMembers::Hold,
            duplicate_group_names: false,
            max_results: 200,
            max_members_inline: 1000,
            scan_budget: 20_000,
            body_limit: 1 << 20,
            large_body_limit: 16 << 20,
            bulk_max_operations: 1000,
            me: None,
            registry: Registry::standard().clone(),
            derived: None,
        }
    }
}

impl Config {
    /// Reads the settings from a JSON object. Settings that are not known are ignored:
    /// they may be somebody else's.
    ///
    /// # Errors
    /// The first setting that cannot be used, with its place.
    pub fn from_json(json: &[u8]) -> Result<Self, Misconfigured> {
        let (config, wrong) = Self::usable(json);
        match wrong.into_iter().next() {
            Some(first) => Err(first),
            None => Ok(config),
        }
    }

    /// Reads what can be used of the settings, and says what cannot: a slip in one must
    /// not undo the others.
    pub fn usable(json: &[u8]) -> (Self, Vec<Misconfigured>) {
        let mut config = Self::default();
        let mut reader = match serde_json::from_slice(json) {
            Ok(Value::Object(settings)) => Reader {
                settings,
                wrong: Vec::new(),
            },
            Ok(_) => return (config, vec![whole("the settings are no JSON object")]),
            Err(error) => return (config, vec![whole(format!("no JSON: {error}"))]),
        };
        reader.set("dialect", &mut config.dialect);
        reader.set("reactivate_inactive", &mut config.reactivate_inactive);
        reader.set("unknown_members", &mut config.unknown_members);
        reader.set("duplicate_group_names", &mut config.duplicate_group_names);
        reader.set("max_results", &mut config.max_results);
        reader.set("max_members_inline", &mut config.max_members_inline);
        reader.set("scan_budget", &mut config.scan_budget);
        reader.set("body_limit", &mut config.body_limit);
        reader.set("large_body_limit", &mut config.large_body_limit);
        reader.set("bulk_max_operations", &mut config.bulk_max_operations);
        reader.set("me", &mut config.me);
        if let Some(declared) = reader.settings.get("schemas") {
            match Registry::with_declared(declared) {
                Ok(registry) => config.registry = registry,
                Err(wrong) => reader.wrong.push(wrong),
            }
        }
        (config, reader.wrong)
    }
}

struct Reader {
    settings: Map<String, Value>,
    wrong: Vec<Misconfigured>,
}

impl Reader {
    /// Sets what is there and can be used.
    fn set<T: DeserializeOwned>(&mut self, name: &str, slot: &mut T) {
        if let Some(value) = self.settings.get(name) {
            match read(value, name) {
                Ok(read) => *slot = read,
                Err(wrong) => self.wrong.push(wrong),
            }
        }
    }
}

fn whole(reason: impl Into<String>) -> Misconfigured {
    Misconfigured {
        place: String::new(),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_cannot_be_used_is_named_and_undoes_nothing_else() {
        let json = br#"{"dialect": "entra", "max_results": "many", "schemas": [{}], "other": 1}"#;
        let (config, wrong) = Config::usable(json);
        assert_eq!(config.dialect, Dialect::Entra);
        assert_eq!(config.max_results, Config::default().max_results);
        let places: Vec<&str> = wrong.iter().map(|wrong| wrong.place.as_str()).collect();
        assert_eq!(places, ["max_results", "schemas[0]"]);
        assert_eq!(
            Config::from_json(json).unwrap_err(),
            *wrong.first().unwrap()
        );
    }

    #[test]
    fn every_setting_that_is_read_is_named() {
        // No setting is an object, so each is refused by its name.
        let all = SETTINGS.map(|name| (name.to_owned(), Value::Object(Map::new())));
        let (_, wrong) = Config::usable(
            Value::Object(all.into_iter().collect())
                .to_string()
                .as_bytes(),
        );
        let mut named: Vec<&str> = wrong.iter().map(|wrong| wrong.place.as_str()).collect();
        named.sort_unstable();
        assert_eq!(named, SETTINGS);
    }

    #[test]
    fn what_is_no_object_is_refused_and_leaves_the_defaults() {
        for json in ["", "[]", "null", "{"] {
            assert_eq!(Config::usable(json.as_bytes()).0, Config::default());
            assert!(Config::from_json(json.as_bytes()).is_err(), "{json}");
        }
        assert_eq!(Config::from_json(b"{}").unwrap(), Config::default());
    }
}
