//! What a tenant can choose about mapping, as the host hands it over (JSON).

use serde_json::Value;

/// What a tenant can choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Keep a manual claim even if somebody else enrols the host later.
    pub sticky_manual: bool,
    /// Connections by name, the most trusted first; those not named come last,
    /// together.
    pub connections: Vec<String>,
}

impl Rules {
    /// Reads what can be used of the settings, and says what cannot: one line that
    /// names the place. Settings that are not known are ignored: they may be somebody
    /// else's.
    pub fn usable(json: &[u8]) -> (Self, Option<String>) {
        let settings: Value = serde_json::from_slice(json).unwrap_or_default();
        let names = settings.get("connections").and_then(Value::as_array);
        let connections = names
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned));
        let mut rules = Self {
            sticky_manual: false,
            connections: connections.collect(),
        };
        let wrong = match settings.get("sticky_manual") {
            None => None,
            Some(Value::Bool(sticky)) => {
                rules.sticky_manual = *sticky;
                None
            }
            Some(_) => Some("sticky_manual: has to be `true` or `false`".to_owned()),
        };
        (rules, wrong)
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
}
