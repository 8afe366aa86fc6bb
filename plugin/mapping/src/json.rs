//! Reading a user's document: names without case, texts trimmed.
//!
//! This module must not know which attributes matter.

use serde_json::{Map, Value};

/// A member by name. RFC 7643 2.1: attribute names are case insensitive.
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// A text, trimmed; empty if it is absent or something else.
pub(crate) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> &'a str {
    member(object, name)
        .and_then(Value::as_str)
        .map_or("", str::trim)
}
