//! What a client sent, kept beside its line for a replay: only while an operator has asked
//! for it, never a secret, and never more than a little.
//!
//! A body that is no JSON is not kept, for in it no secret can be found.

use nameplate_store::Recorded;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::text::{LogText, cut_bytes};

/// The most bytes of a body: a person is one or two kilobytes, a group of 500 members 64.
pub const MOST_BODY: usize = 64 << 10;
/// Bytes of a query and of a content type, as the store bounds them.
const QUERY: usize = 8192;
const CONTENT_TYPE: usize = 256;
/// Names of members that are secrets whatever they hold, in small letters.
const SECRETS: [&str; 12] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "accesskey",
    "access_key",
    "privatekey",
    "private_key",
    "credential",
    "authorization",
];

/// What may be kept of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept(Recorded);

impl Kept {
    /// What of a request may be kept; none, and why, if nothing may.
    ///
    /// # Errors
    /// In words, for the line.
    pub fn of(query: Option<&str>, content_type: &str, body: &[u8]) -> Result<Self, String> {
        let body = match body {
            [] => Vec::new(),
            body if body.len() > MOST_BODY => {
                return Err(format!("its body has more than {MOST_BODY} bytes"));
            }
            body => {
                let mut json =
                    serde_json::from_slice(body).map_err(|_| "its body is no json".to_owned())?;
                clear(&mut json);
                json.to_string().into_bytes()
            }
        };
        let parameters = query.unwrap_or_default().split('&').map(parameter);
        let mut query = parameters.collect::<Vec<_>>().join("&");
        cut_bytes(&mut query, QUERY);
        Ok(Self(Recorded {
            query,
            content_type: LogText::new(content_type, CONTENT_TYPE).into(),
            body,
        }))
    }

    pub(super) fn into_recorded(self) -> Recorded {
        self.0
    }
}

/// A parameter of a query, unless it looks like a secret or is named like one.
fn parameter(sent: &str) -> String {
    let (name, _) = sent.split_once('=').unwrap_or((sent, ""));
    let plain = percent_decode_str(sent).decode_utf8_lossy();
    let (plain_name, _) = plain.split_once('=').unwrap_or((&plain, ""));
    if is_secret(plain_name) || asks_for_secret(&plain) {
        return format!("{}=removed", String::from(LogText::new(name, CONTENT_TYPE)));
    }
    LogText::new(sent, QUERY).into()
}

/// Does a filter compare a password.
fn asks_for_secret(sent: &str) -> bool {
    let lower = sent.to_ascii_lowercase();
    ["password", "passwd"]
        .iter()
        .any(|name| lower.contains(name))
}

fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SECRETS.iter().any(|secret| lower.contains(secret))
}

/// Takes secrets out, at any depth: members that are named like one, values of PATCH
/// operations whose path is, and words that look like one.
fn clear(json: &mut Value) {
    match json {
        Value::Object(members) => {
            members.retain(|name, _| !is_secret(name));
            // RFC 7644 3.5.2: `{"path": "password", "value": …}`.
            let of_secret = members.iter().any(|(name, value)| {
                name.eq_ignore_ascii_case("path") && value.as_str().is_some_and(is_secret)
            });
            if of_secret {
                members.retain(|name, _| !name.eq_ignore_ascii_case("value"));
            }
            members.values_mut().for_each(clear);
        }
        Value::Array(items) => items.iter_mut().for_each(clear),
        Value::String(text) => {
            // Entra sends objects as text.
            let inner = text.trim_start().starts_with(['{', '[']);
            match inner.then(|| serde_json::from_str::<Value>(text)) {
                Some(Ok(mut inner)) => {
                    clear(&mut inner);
                    *text = inner.to_string();
                }
                _ => *text = LogText::new(text, MOST_BODY).into(),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn kept(body: &Value) -> Value {
        let kept = Kept::of(None, "application/scim+json", body.to_string().as_bytes());
        serde_json::from_slice(&kept.unwrap().into_recorded().body).unwrap()
    }

    #[test]
    fn members_named_like_secrets_are_dropped_at_any_depth() {
        let sent = json!({"userName": "ana", "password": "x", "Password": ["x"],
            "name": {"clientSecret": "x", "givenName": "Ana"},
            "urn:x:2.0": [{"apiKey": {"a": "x"}, "b": 1}]});
        let left = json!({"userName": "ana", "name": {"givenName": "Ana"},
            "urn:x:2.0": [{"b": 1}]});
        assert_eq!(kept(&sent), left);
    }

    #[test]
    fn a_patch_of_a_password_keeps_no_value() {
        let sent = json!({"Operations": [
            {"op": "replace", "Path": "urn:ietf:params:scim:schemas:core:2.0:User:password", "VALUE": "x"},
            {"op": "replace", "value": {"password": "x", "active": true}}]});
        let left = json!({"Operations": [
            {"op": "replace", "Path": "urn:ietf:params:scim:schemas:core:2.0:User:password"},
            {"op": "replace", "value": {"active": true}}]});
        assert_eq!(kept(&sent), left);
    }

    #[test]
    fn secrets_in_texts_that_hold_json_are_dropped_too() {
        let sent = json!({"roles": [{"value": "{\"id\":\"1\",\"password\":\"x\"}"}]});
        assert_eq!(kept(&sent), json!({"roles": [{"value": "{\"id\":\"1\"}"}]}));
    }

    #[test]
    fn what_is_no_json_or_too_large_is_not_kept() {
        assert!(
            Kept::of(None, "", b"password=x")
                .unwrap_err()
                .contains("no json")
        );
        let large = format!("\"{}\"", "a ".repeat(MOST_BODY / 2));
        assert!(
            Kept::of(None, "", large.as_bytes())
                .unwrap_err()
                .contains("65536")
        );
    }

    #[test]
    fn a_query_keeps_no_secret() {
        let query = |sent: &str| Kept::of(Some(sent), "", b"").unwrap().into_recorded().query;
        let filter = "filter=userName%20eq%20%22ana%22&startIndex=1";
        assert_eq!(query(filter), filter);
        assert_eq!(
            query("count=1&access_token=abc"),
            "count=1&access_token=removed"
        );
        assert_eq!(query("p%61ssword=abc"), "p%61ssword=removed");
        assert_eq!(query("filter=password+eq+%22hunter2%22"), "filter=removed");
    }

    proptest! {
        #[test]
        fn a_secret_is_kept_under_no_name_like_its_own(
            before in "[a-z]{0,8}", after in "[a-zA-Z]{0,8}", depth in 0_usize..5,
        ) {
            let mut sent = json!({format!("{before}PassWord{after}"): "1mz050nq-Correct"});
            for _ in 0..depth {
                sent = json!({"x": [sent]});
            }
            prop_assert!(!kept(&sent).to_string().contains("1mz050nq"));
        }
    }
}
