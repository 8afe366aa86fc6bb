//! Values as trees, none of whose objects names an attribute twice.

use std::fmt::{self, Display};

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::ScimError;

/// Reads a value that is JSON; `attribute` is what it is for.
///
/// # Errors
/// `invalidSyntax` if an object in it names something twice (RFC 8259 4: readers differ
/// about which one counts, so the client may have meant the other), or if it is nested
/// too deeply.
pub(crate) fn read_tree(raw: &RawValue, attribute: &dyn Display) -> Result<Value, ScimError> {
    match serde_json::from_str(raw.get()) {
        Ok(Tree(value)) => Ok(value),
        Err(error) if error.is_data() => Err(ScimError::invalid_syntax(format!(
            "{attribute} holds an object that names an attribute twice; send one of them"
        ))),
        Err(_) => Err(ScimError::invalid_syntax(format!(
            "{attribute} is nested too deeply to be read"
        ))),
    }
}

struct Tree(Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Build).map(Self)
    }
}

struct Build;

impl<'de> Visitor<'de> for Build {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Tree(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some((name, Tree(value))) = object.next_entry::<String, Tree>()? {
            if values.insert(name, value).is_some() {
                return Err(A::Error::custom("a name is given twice"));
            }
        }
        Ok(values.into())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::error::{ScimType, quoted};
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Value, ScimError> {
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        read_tree(raw, &quoted("x"))
    }

    #[test]
    fn a_name_given_twice_is_found_wherever_it_is() {
        for text in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": 1, "\u0061": 2}"#,
            r#"[{"b": {"a": 1, "c": 2, "a": null}}]"#,
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
            assert!(error.detail.contains("twice"), "{}", error.detail);
        }
        assert!(read(r#"{"a": {"a": 1}, "A": [{"a": 1}, {"a": 1}]}"#).is_ok());
    }

    proptest! {
        #[test]
        fn every_number_and_text_is_what_it_is_to_serde(number: i64, real: f64, text: String) {
            let value = serde_json::json!([number, real, text, { "a": text }, null, true]);
            prop_assert_eq!(read(&value.to_string()).unwrap(), value);
        }
    }
}
