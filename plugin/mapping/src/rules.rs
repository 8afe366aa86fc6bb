//! What a tenant can choose about mapping, as the host hands it over (JSON).

mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nameplate_scim::config::SETTINGS;
use nameplate_scim::derived::Derived;
use nameplate_scim::hex::hex;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::attributes::{AttributeMap, DEPARTMENT};
use crate::person::attributes_of;
use crate::render::Missing;
use crate::spelling::{did_you_mean, nearest};
use crate::text::{one_line, quoted};

pub use read::{LabelRule, Selector};

/// The names of the settings that are read here.
pub(crate) const OURS: [&str; 9] = [
    "attributes",
    "connection_order",
    "connections",
    "deactivated",
    "labels",
    "missing_variables",
    "profiles",
    "sticky_manual",
    "tables",
];

/// What becomes of the hosts of people who are deactivated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deactivated {
    /// Nothing: they are shown as if they were active.
    Keep,
    /// They stay linked and are shown as inactive.
    #[default]
    Mark,
    /// They are passed over as if they were deleted, until they are active again.
    Clear,
}

impl Deactivated {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "keep" => Some(Self::Keep),
            "mark" => Some(Self::Mark),
            "clear" => Some(Self::Clear),
            _ => None,
        }
    }
}

/// What a tenant can choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Keep a manual claim even if somebody else enrols the host later.
    pub sticky_manual: bool,
    /// What becomes of the hosts of people who are deactivated.
    pub deactivated: Deactivated,
    /// Connections by name, the most trusted first: those of `connection_order`, then
    /// the others as the host names them. Those not named come last, together.
    pub connections: Vec<String>,
    /// How the tenant words what a host shows.
    pub attributes: Arc<AttributeMap>,
    /// Labels that the tenant defines, by id.
    pub labels: Arc<BTreeMap<String, LabelRule>>,
    /// The variables that each profile uses, without `$`, by the profile's name.
    pub profiles: Arc<BTreeMap<String, BTreeSet<String>>>,
    /// What to do with a variable that has no value, where the caller does not say.
    pub missing_variables: Missing,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            sticky_manual: false,
            deactivated: Deactivated::default(),
            connections: Vec::new(),
            attributes: Arc::clone(AttributeMap::standard()),
            labels: Arc::default(),
            profiles: Arc::default(),
            missing_variables: Missing::default(),
        }
    }
}

impl Rules {
    /// Reads what can be used of the settings, and says what cannot: one line that
    /// names the place. Settings that are not known are ignored, for they may be somebody
    /// else's, unless they look like a slip in one of ours.
    pub fn usable(json: &[u8]) -> (Self, Option<String>) {
        let settings: Map<String, Value> = serde_json::from_slice(json).unwrap_or_default();
        let mut wrong = Vec::new();
        let (attributes, unusable) = AttributeMap::read(&settings);
        let mut rules = Self {
            attributes,
            ..Self::default()
        };
        wrong.extend(unusable);
        if let Some(labels) = settings.get("labels") {
            rules.labels = Arc::new(read::labels(labels, &rules.attributes, &mut wrong));
        }
        if let Some(profiles) = settings.get("profiles") {
            rules.profiles = Arc::new(read::profiles(profiles, &rules.attributes, &mut wrong));
        }
        wrong.extend(rules.read_choices(&settings).err());
        wrong.extend(rules.read_connections(&settings).err());
        wrong.extend(misspelt(&settings));
        (rules, wrong.into_iter().next())
    }

    /// The settings that are one of several words; the first that is not is named.
    fn read_choices(&mut self, settings: &Map<String, Value>) -> Result<(), String> {
        let mut wrong = None;
        let mut refuse = |what: &str| wrong = wrong.take().or_else(|| Some(what.to_owned()));
        match settings.get("sticky_manual") {
            None => {}
            Some(Value::Bool(sticky)) => self.sticky_manual = *sticky,
            Some(_) => refuse("sticky_manual: has to be `true` or `false`"),
        }
        match settings.get("deactivated") {
            None => {}
            Some(value) => match value.as_str().and_then(Deactivated::from_name) {
                Some(deactivated) => self.deactivated = deactivated,
                None => refuse("deactivated: has to be `keep`, `mark` or `clear`"),
            },
        }
        match settings.get("missing_variables").map(Value::as_str) {
            None => {}
            Some(Some("empty")) => self.missing_variables = Missing::Empty,
            Some(Some("fail")) => self.missing_variables = Missing::Fail,
            Some(_) => refuse("missing_variables: has to be `empty` or `fail`"),
        }
        wrong.map_or(Ok(()), Err)
    }

    /// The connections there are, those of `connection_order` first.
    fn read_connections(&mut self, settings: &Map<String, Value>) -> Result<(), String> {
        let (all, order) = (
            names(settings.get("connections")),
            names(settings.get("connection_order")),
        );
        let known = all.clone().unwrap_or_default();
        let first = order.clone().unwrap_or_default();
        // A host that does not say which there are leaves nothing to compare with.
        let strange = first
            .iter()
            .find(|name| !known.is_empty() && !known.contains(name));
        let there = first
            .iter()
            .filter(|name| known.is_empty() || known.contains(name));
        self.rank(there.copied().collect());
        self.rank(known.clone());
        if all.is_none() {
            return Err("connections: has to be a list of names".to_owned());
        }
        if order.is_none() {
            return Err("connection_order: has to be a list of connections by name".to_owned());
        }
        match strange {
            None => Ok(()),
            Some(name) => Err(format!(
                "connection_order: there is no connection {}{}",
                quoted(name),
                did_you_mean(name, known)
            )),
        }
    }

    /// The attributes by which hosts are found: the department, and those of labels.
    /// None whose value depends on other people.
    pub(crate) fn indexed(&self) -> BTreeSet<&str> {
        let labels = self.labels.values().filter_map(|label| match &label.of {
            Selector::Group(_) => None,
            Selector::Attribute(name, _) => Some(name.as_str()),
        });
        std::iter::once(DEPARTMENT)
            .chain(labels)
            .filter(|name| !self.attributes.names_people(name))
            .collect()
    }

    /// Names the values of [`Rules::indexed`] attributes: another text wherever one of
    /// any document could be another.
    pub(crate) fn index_version(&self) -> String {
        /// Bytes of the digest that are shown: enough that no two rules meet by chance.
        const SHOWN: usize = 16;
        let mut digest = Sha256::new();
        for name in self.indexed() {
            digest.update(self.attributes.rules_of(name));
        }
        let mut digits = hex(&digest.finalize());
        digits.truncate(2 * SHOWN);
        digits
    }

    /// What each user's document is found by besides its schema's indexes.
    pub fn derived(&self) -> Derived {
        let map = Arc::clone(&self.attributes);
        let indexed: Vec<String> = self.indexed().into_iter().map(str::to_owned).collect();
        Derived::new(
            self.index_version(),
            Arc::new(move |user| attributes_of(user, &indexed, &map)),
        )
    }

    /// Connections after those ranked so far, each at its first place.
    fn rank(&mut self, names: Vec<&str>) {
        let mut seen: BTreeSet<String> = self.connections.iter().cloned().collect();
        for name in names {
            if seen.insert(name.to_owned()) {
                self.connections.push(name.to_owned());
            }
        }
    }
}

/// The first setting that is none but looks like a slip in one.
fn misspelt(settings: &Map<String, Value>) -> Option<String> {
    let known = || OURS.into_iter().chain(SETTINGS);
    let strange = |name: &&String| !known().any(|known| known == name.as_str());
    settings.keys().filter(strange).find_map(|name| {
        let meant = nearest(name, known())?;
        Some(format!(
            "{}: there is no such setting: did you mean `{meant}`",
            one_line(name, name.len())
        ))
    })
}

/// A list of texts; none is empty.
fn names(value: Option<&Value>) -> Option<Vec<&str>> {
    match value {
        None => Some(Vec::new()),
        Some(value) => value.as_array()?.iter().map(Value::as_str).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_used_is_named_and_leaves_the_default() {
        let (rules, wrong) =
            Rules::usable(br#"{"sticky_manual": true, "connections": ["a", "b"]}"#);
        assert_eq!((rules.sticky_manual, wrong), (true, None));
        assert_eq!(rules.connections, ["a", "b"]);
        let (rules, wrong) = Rules::usable(br#"{"sticky_manual": "yes", "other": 1}"#);
        assert_eq!(rules, Rules::default());
        assert!(wrong.is_some_and(|wrong| wrong.contains("sticky_manual")));
        assert_eq!(Rules::usable(b"[").0, Rules::default());
    }

    #[test]
    fn the_order_of_connections_comes_before_those_handed_over() {
        let (rules, wrong) = Rules::usable(
            br#"{"connection_order": ["entra", "okta"], "connections": ["a", "okta", "entra"]}"#,
        );
        assert_eq!(rules.connections, ["entra", "okta", "a"]);
        assert_eq!(wrong, None);
        let (rules, wrong) =
            Rules::usable(br#"{"connection_order": "okta", "connections": ["a"]}"#);
        assert_eq!(rules.connections, ["a"], "the rest is used");
        assert!(wrong.is_some_and(|wrong| wrong.starts_with("connection_order: ")));
    }

    #[test]
    fn a_connection_that_is_not_there_is_named_and_has_no_rank() {
        let json = br#"{"connection_order": ["entr", "okta"], "connections": ["entra", "okta"]}"#;
        let (rules, wrong) = Rules::usable(json);
        assert_eq!(rules.connections, ["okta", "entra"]);
        assert_eq!(
            wrong.as_deref(),
            Some("connection_order: there is no connection `entr`: did you mean `entra`")
        );
        let (rules, wrong) = Rules::usable(br#"{"connection_order": ["entra"]}"#);
        assert_eq!(
            (rules.connections.as_slice(), wrong),
            (&["entra".to_owned()][..], None)
        );
    }

    #[test]
    fn a_slip_in_the_name_of_a_setting_is_told_and_another_name_is_not_ours() {
        let wrong = |json: &[u8]| Rules::usable(json).1;
        assert_eq!(
            wrong(br#"{"lables": {}}"#).as_deref(),
            Some("lables: there is no such setting: did you mean `labels`")
        );
        assert!(wrong(br#"{"dialekt": "okta"}"#).is_some_and(|wrong| wrong.contains("`dialect`")));
        let broken = wrong(b"{\"label\\ns\": {}}");
        assert!(broken.is_some_and(|wrong| wrong.starts_with("label s: ")));
        assert_eq!(wrong(br#"{"dialect": "okta", "colour": 1, "mf": 1}"#), None);
    }

    #[test]
    fn one_slip_undoes_no_other_setting() {
        let (rules, wrong) = Rules::usable(
            br#"{"attributes": {"title": "lower(title", "team": "title"}, "sticky_manual": true,
            "labels": {"a": {"name": "A", "attribute": "team", "value": "x"}, "b": {}},
            "profiles": {"p": ["NAMEPLATE_TEAM"]}, "missing_variables": "fail"}"#,
        );
        assert!(rules.sticky_manual && rules.attributes.has("team"));
        assert_eq!((rules.labels.len(), rules.profiles.len()), (1, 1));
        assert_eq!(rules.missing_variables, Missing::Fail);
        assert_eq!(
            wrong.as_deref(),
            Some("attributes.`title`: the expression ends where `)` should follow, at column 11")
        );
    }

    #[test]
    fn people_who_are_deactivated_are_marked_unless_a_tenant_says_otherwise() {
        let of = |json: &[u8]| {
            let (rules, wrong) = Rules::usable(json);
            (rules.deactivated, wrong)
        };
        assert_eq!(of(b"{}"), (Deactivated::Mark, None));
        assert_eq!(of(br#"{"deactivated": "keep"}"#), (Deactivated::Keep, None));
        assert_eq!(
            of(br#"{"deactivated": "clear"}"#),
            (Deactivated::Clear, None)
        );
        let (deactivated, wrong) = of(br#"{"deactivated": "delete"}"#);
        assert_eq!(deactivated, Deactivated::Mark);
        assert!(wrong.is_some_and(|wrong| wrong.starts_with("deactivated: ")));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            Just(Value::from("lower(title")),
            Just(Value::from("NAMEPLATE_TITLE")),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let name = prop_oneof!["name|group|attribute|value|title", "\\PC{0,8}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_settings_are_read_or_refused_in_one_line(
            name in prop::sample::select(OURS.to_vec()), value in json(),
        ) {
            let settings = serde_json::json!({name: value}).to_string();
            if let (_, Some(wrong)) = Rules::usable(settings.as_bytes()) {
                prop_assert!(wrong.starts_with(name), "{wrong}");
                prop_assert!(!wrong.contains(char::is_control), "{wrong:?}");
            }
        }
    }
}
