//! What an event looks like in answers and messages.

use nameplate_store::Event;
use serde_json::{Map, Value, json};

use crate::http::rfc3339;
use crate::plugin::Effect;

/// An event with what it means for profiles. `connection` is its connection's name;
/// `effect` is none where that could not be found out, and the event then says `null`.
pub fn shape(
    event: &Event,
    connection: Option<&str>,
    effect: Option<&Effect>,
) -> Map<String, Value> {
    let Event {
        seq,
        connection: _,
        at,
        name,
        subject_kind,
        subject,
        before,
        after,
        added,
        removed,
        logins: _,
        settled: _,
    } = event;
    let fields = [
        ("seq", json!(seq)),
        ("type", json!(name)),
        ("at", json!(rfc3339(*at))),
        ("connection", json!(connection)),
        (
            "subject",
            json!({ "kind": subject_kind.as_str(), "id": subject }),
        ),
        ("before", document(before.as_deref())),
        ("after", document(after.as_deref())),
        ("members", json!({ "added": added, "removed": removed })),
        ("variables", json!(effect.map(|effect| &effect.variables))),
        ("profiles", json!(effect.map(|effect| &effect.profiles))),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Leaves out of an event what makes it larger than `bytes`: first the object before
/// and after, then the members. True if something was; the event then says
/// `"truncated": true`.
pub fn cut(event: &mut Map<String, Value>, bytes: usize) -> bool {
    let mut truncated = false;
    for parts in [["before", "after"].as_slice(), &["members"]] {
        if size(event) <= bytes {
            break;
        }
        for part in parts {
            event.insert((*part).to_owned(), Value::Null);
        }
        truncated = true;
        event.insert("truncated".to_owned(), Value::Bool(true));
    }
    truncated
}

fn size(event: &Map<String, Value>) -> usize {
    // Writing to a counter cannot fail.
    let mut counter = Counter(0);
    let _ = serde_json::to_writer(&mut counter, event);
    counter.0
}

struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Stores keep JSON that the plugin wrote; what is none is shown as nothing.
fn document(bytes: Option<&[u8]>) -> Value {
    bytes
        .and_then(|bytes| serde_json::from_slice(bytes).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use nameplate_store::{ConnectionId, Subject};

    use super::*;

    fn event(json: &str, members: usize) -> Event {
        Event {
            seq: 7,
            connection: Some(ConnectionId(1)),
            at: 1_772_357_400_000,
            name: "group.updated".to_owned(),
            subject_kind: Subject::Group,
            subject: "g1".to_owned(),
            before: None,
            after: Some(json.as_bytes().to_vec()),
            added: (0..members).map(|n| format!("u{n:09}")).collect(),
            removed: Vec::new(),
            logins: vec![b"secret".to_vec()],
            settled: true,
        }
    }

    #[test]
    fn an_event_has_its_shape_and_tells_no_keys() {
        let effect = Effect {
            variables: vec!["NAMEPLATE_GROUPS".to_owned()],
            profiles: vec!["wifi".to_owned()],
        };
        let shown = shape(&event(r#"{"a":1}"#, 1), Some("okta"), Some(&effect));
        let expected = json!({
            "seq": 7,
            "type": "group.updated",
            "at": "2026-03-01T09:30:00Z",
            "connection": "okta",
            "subject": {"kind": "group", "id": "g1"},
            "before": null,
            "after": {"a": 1},
            "members": {"added": ["u000000000"], "removed": []},
            "variables": ["NAMEPLATE_GROUPS"],
            "profiles": ["wifi"],
        });
        assert_eq!(Value::Object(shown), expected);
    }

    #[test]
    fn what_is_not_known_is_null() {
        let shown = shape(&event("no json", 0), None, None);
        for name in ["connection", "before", "after", "variables", "profiles"] {
            assert_eq!(shown.get(name), Some(&Value::Null), "{name}");
        }
    }

    #[test]
    fn a_large_object_is_left_out_and_then_many_members_too() {
        let mut small = shape(&event("{}", 3), None, None);
        assert!(!cut(&mut small, 1000));
        assert_eq!(small.get("truncated"), None);

        let long = format!("\"{}\"", "x".repeat(1000));
        let mut large = shape(&event(&long, 3), None, None);
        assert!(cut(&mut large, 1000));
        assert_eq!(large.get("truncated"), Some(&Value::Bool(true)));
        assert_eq!(large.get("after"), Some(&Value::Null));
        assert_ne!(large.get("members"), Some(&Value::Null));

        let mut crowd = shape(&event("{}", 1000), None, None);
        assert!(cut(&mut crowd, 1000));
        assert_eq!(crowd.get("members"), Some(&Value::Null));
        assert!(size(&crowd) <= 1000);
    }
}
