//! `bulkId:…` in the text of an operation's `data` (RFC 7644 3.7.2): where it stands,
//! and ids put in its place. Works on the text, for a tree of 50,000 members would not
//! fit into the memory of one request.
//!
//! We take the stance that a text that is a reference from its first to its last
//! character is one wherever it stands, because extensions have references too and are
//! to be treated the same (RFC 7644 3.7.2), even those no schema declares. Inside a
//! longer text it is one only where an id is a part: the last segment of a `$ref`, and
//! a text in quotes within a path of PATCH, such as `members[value eq "bulkId:a"]`.
//!
//! This module must not know which operations there are.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::too_large;
use crate::error::ScimError;

/// What a reference starts with; compared exactly, like the bulkId after it.
const PREFIX: &str = "bulkId:";

/// The bulkId a whole text refers to.
pub(super) fn referred(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)
}

/// The JSON text with each reference replaced by what `resolve` says of its bulkId.
/// Borrowed if there is none.
///
/// # Errors
/// What `resolve` says, and 413 past `most` bytes: ids are longer than references.
pub(super) fn replace<'t>(
    text: &'t str,
    most: usize,
    resolve: &mut dyn FnMut(&str) -> Result<String, ScimError>,
) -> Result<Cow<'t, str>, ScimError> {
    if !may_refer(text) {
        return Ok(Cow::Borrowed(text));
    }
    let mut new = String::new();
    let mut copied = 0;
    for token in Strings::new(text) {
        let Some(replaced) = token.replaced(resolve)? else {
            continue;
        };
        new.push_str(text.get(copied..token.start).unwrap_or_default());
        new.push_str(&replaced);
        copied = token.start + token.raw.len();
        if new.len() + (text.len() - copied) > most {
            return Err(too_large(format!(
                "with ids in place of references the `data` has more than {most} bytes"
            )));
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(text));
    }
    new.push_str(text.get(copied..).unwrap_or_default());
    Ok(Cow::Owned(new))
}

/// Calls `visit` with the bulkId of each reference.
pub(super) fn each(text: &str, visit: &mut dyn FnMut(&str)) {
    if !may_refer(text) {
        return;
    }
    for token in Strings::new(text) {
        // Fails only if what it is given does.
        let _ = token.replaced(&mut |bulk_id| {
            visit(bulk_id);
            Ok(String::new())
        });
    }
}

/// Can there be a reference in the text, as it is or behind escapes.
fn may_refer(text: &str) -> bool {
    text.contains(PREFIX) || text.contains("\\u")
}

/// A string of a JSON text.
struct Token<'t> {
    /// Where its first quote is.
    start: usize,
    /// With its quotes.
    raw: &'t str,
    role: Role<'t>,
}

enum Role<'t> {
    /// The name of a member.
    Name,
    /// The value of the member of this name, with its quotes.
    Value(&'t str),
    /// An element of a list, or all there is.
    Element,
}

impl<'t> Token<'t> {
    /// What the string says.
    fn text(&self) -> Option<Cow<'t, str>> {
        if self.raw.contains('\\') {
            return serde_json::from_str(self.raw).ok().map(Cow::Owned);
        }
        let inner = self.raw.strip_prefix('"')?.strip_suffix('"')?;
        Some(Cow::Borrowed(inner))
    }

    /// The string with its references replaced, as JSON; none if there is none.
    fn replaced(
        &self,
        resolve: &mut dyn FnMut(&str) -> Result<String, ScimError>,
    ) -> Result<Option<String>, ScimError> {
        if !may_refer(self.raw) {
            return Ok(None);
        }
        // What cannot be read is left to the reader of the whole.
        let Some(text) = self.text() else {
            return Ok(None);
        };
        let is = |name: &str| match self.role {
            Role::Value(of) => of.trim_matches('"').eq_ignore_ascii_case(name),
            Role::Name | Role::Element => false,
        };
        let new = match (&self.role, referred(&text)) {
            (Role::Value(_) | Role::Element, Some(bulk_id)) => Some(resolve(bulk_id)?),
            _ if is("$ref") => in_location(&text, resolve)?,
            // Without a path the names of a PATCH value may be paths.
            (Role::Name, _) => in_path(&text, resolve)?,
            _ if is("path") => in_path(&text, resolve)?,
            _ => None,
        };
        Ok(new.map(|new| quote(&new)))
    }
}

/// A text as JSON; such a value cannot fail.
fn quote(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// `../Users/bulkId:a`.
fn in_location(
    text: &str,
    resolve: &mut dyn FnMut(&str) -> Result<String, ScimError>,
) -> Result<Option<String>, ScimError> {
    let Some((before, last)) = text.rsplit_once('/') else {
        return Ok(None);
    };
    let last = percent_decode_str(last).decode_utf8_lossy();
    match referred(&last) {
        Some(bulk_id) => Ok(Some(format!("{before}/{}", resolve(bulk_id)?))),
        None => Ok(None),
    }
}

/// `members[value eq "bulkId:a"]`: texts within a path are JSON strings too.
fn in_path(
    text: &str,
    resolve: &mut dyn FnMut(&str) -> Result<String, ScimError>,
) -> Result<Option<String>, ScimError> {
    let mut new = String::new();
    let mut copied = 0;
    for token in Strings::new(text) {
        let inner = token.text();
        let Some(bulk_id) = inner.as_deref().and_then(referred) else {
            continue;
        };
        new.push_str(text.get(copied..token.start).unwrap_or_default());
        new.push_str(&quote(&resolve(bulk_id)?));
        copied = token.start + token.raw.len();
    }
    if copied == 0 {
        return Ok(None);
    }
    new.push_str(text.get(copied..).unwrap_or_default());
    Ok(Some(new))
}

/// The strings of a JSON text in their order; of any other text, what stands between
/// quotes.
struct Strings<'t> {
    text: &'t str,
    at: usize,
    /// The name a value may follow, and the place behind its colon.
    name: Option<(&'t str, usize)>,
}

impl<'t> Strings<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            name: None,
        }
    }
}

impl<'t> Iterator for Strings<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        let start = self.at + self.text.get(self.at..)?.find('"')?;
        let mut rest = self.text.get(start + 1..)?.bytes();
        let mut length = 1;
        loop {
            length += 1;
            match rest.next()? {
                b'"' => break,
                // What is escaped ends nothing. More hex digits hold no quote.
                b'\\' => {
                    rest.next()?;
                    length += 1;
                }
                _ => {}
            }
        }
        let raw = self.text.get(start..start + length)?;
        self.at = start + length;
        let between = self.name.take().and_then(|(name, colon)| {
            let blank = self.text.get(colon..start)?.trim_start().is_empty();
            blank.then_some(name)
        });
        let after = self.text.get(self.at..)?;
        let behind = after.trim_start();
        let role = if behind.starts_with(':') {
            let colon = self.text.len() - behind.len() + 1;
            self.name = Some((raw, colon));
            Role::Name
        } else {
            between.map_or(Role::Element, Role::Value)
        };
        Some(Token { start, raw, role })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn resolved(data: &Value) -> Value {
        let text = data.to_string();
        let new = replace(&text, 1 << 20, &mut |id| Ok(format!("<{id}>"))).unwrap();
        serde_json::from_str(&new).unwrap()
    }

    #[test]
    fn a_text_that_is_a_reference_is_one_wherever_it_stands() {
        let data = json!({"members": [{"value": "bulkId:a", "type": "User"}, "bulkId:b"],
            "urn:x": {"manager": {"value": "bulkId:a"}, "boss": "bulkId:c \"d\""}});
        let expected = json!({"members": [{"value": "<a>", "type": "User"}, "<b>"],
            "urn:x": {"manager": {"value": "<a>"}, "boss": "<c \"d\">"}});
        assert_eq!(resolved(&data), expected);
    }

    #[test]
    fn the_last_segment_of_a_ref_is_a_reference() {
        let data = json!({"$ref": "../Users/bulkId:a%2Fb", "url": "../Users/bulkId:a"});
        let expected = json!({"$ref": "../Users/<a/b>", "url": "../Users/bulkId:a"});
        assert_eq!(resolved(&data), expected);
    }

    #[test]
    fn a_text_within_a_path_is_a_reference() {
        let data = json!({"Operations": [
            {"op": "remove", "Path": "members[value eq \"bulkId:a\" or value eq \"b\"]"},
            {"op": "add", "value": {"x[value eq \"bulkId:a\"].y": "members[value eq \"bulkId:a\"]"}},
        ]});
        let expected = json!({"Operations": [
            {"op": "remove", "Path": "members[value eq \"<a>\" or value eq \"b\"]"},
            {"op": "add", "value": {"x[value eq \"<a>\"].y": "members[value eq \"bulkId:a\"]"}},
        ]});
        assert_eq!(resolved(&data), expected);
    }

    #[test]
    fn a_part_of_a_text_and_another_case_are_no_reference() {
        let data = json!({"a": "see bulkId:a", "b": "BULKID:a", "c": " bulkId:a", "bulkId:a": 1});
        assert_eq!(resolved(&data), data);
    }

    #[test]
    fn escapes_hide_no_reference() {
        let text = r#"{ "value" : "\u0062ulkId:\u00e9" , "x":"\\\"" }"#;
        let new = replace(text, 1000, &mut |id| Ok(format!("<{id}>"))).unwrap();
        assert_eq!(new, r#"{ "value" : "<é>" , "x":"\\\"" }"#);
    }

    #[test]
    fn ids_in_place_of_references_are_bounded() {
        let text = r#"["bulkId:a","bulkId:a"]"#;
        let id = "0".repeat(36);
        let mut resolve = |_: &str| Ok(id.clone());
        let length = replace(text, 1000, &mut resolve).unwrap().len();
        assert!(replace(text, length, &mut resolve).is_ok());
        let error = replace(text, length - 1, &mut resolve).unwrap_err();
        assert_eq!(error.status, 413);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_text_is_left_as_it_is_but_for_references(
            text in "[{}\\[\\],:\"\\\\ ua-z]{0,40}",
        ) {
            let new = replace(&text, 1000, &mut |_| Ok(String::new())).unwrap();
            prop_assert_eq!(new.as_ref(), text.as_str());
        }

        #[test]
        fn any_json_is_json_after(
            values in prop::collection::vec(("(bulkId:)?[\\PC]{0,3}", "(bulkId:)?[\\PC]{0,3}"), 0..6),
        ) {
            let data: Value = values.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
            let expected: Value = data.as_object().unwrap().iter().map(|(name, value)| {
                let value = value.as_str().unwrap();
                (name.clone(), Value::from(match referred(value) {
                    Some(id) => format!("<{id}>"),
                    None => value.to_owned(),
                }))
            }).collect();
            prop_assert_eq!(resolved(&data), expected);
        }
    }
}
