//! What a tenant can choose about mapping, as the host hands it over (JSON).

use std::collections::BTreeSet;

use serde_json::Value;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Keep a manual claim even if somebody else enrols the host later.
    pub sticky_manual: bool,
    /// What becomes of the hosts of people who are deactivated.
    pub deactivated: Deactivated,
    /// Connections by name, the most trusted first: those of `connection_order`, then
    /// the others as the host names them. Those not named come last, together.
    pub connections: Vec<String>,
}

impl Rules {
    /// Reads what can be used of the settings, and says what cannot: one line that
    /// names the place. Settings that are not known are ignored: they may be somebody
    /// else's.
    pub fn usable(json: &[u8]) -> (Self, Option<String>) {
        let settings: Value = serde_json::from_slice(json).unwrap_or_default();
        let mut rules = Self::default();
        let mut wrong = Vec::new();
        match settings.get("sticky_manual") {
            None => {}
            Some(Value::Bool(sticky)) => rules.sticky_manual = *sticky,
            Some(_) => wrong.push("sticky_manual: has to be `true` or `false`"),
        }
        match settings.get("deactivated") {
            None => {}
            Some(value) => match value.as_str().and_then(Deactivated::from_name) {
                Some(deactivated) => rules.deactivated = deactivated,
                None => wrong.push("deactivated: has to be `keep`, `mark` or `clear`"),
            },
        }
        for (setting, error) in [
            (
                "connection_order",
                "connection_order: has to be a list of connections by name",
            ),
            ("connections", "connections: has to be a list of names"),
        ] {
            match names(settings.get(setting)) {
                Some(names) => rules.rank(names),
                None => wrong.push(error),
            }
        }
        (rules, wrong.first().map(|wrong| (*wrong).to_owned()))
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

/// A list of texts; none is empty.
fn names(value: Option<&Value>) -> Option<Vec<&str>> {
    match value {
        None => Some(Vec::new()),
        Some(value) => value.as_array()?.iter().map(Value::as_str).collect(),
    }
}

#[cfg(test)]
mod tests {
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
}
