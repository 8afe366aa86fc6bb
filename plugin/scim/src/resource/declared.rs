//! Does a stored document hold what the schemas declare and nothing else: told from its
//! text in one pass, without a tree.

use crate::schema::{Attribute, ResourceType};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The URNs of the extensions a stored document has, if it holds nothing but what the
/// schemas declare and what is stored at all.
pub(crate) fn extensions_if_declared<'r>(
    json: &[u8],
    rt: &'r ResourceType,
) -> Option<Vec<&'r str>> {
    let mut found = vec![false; rt.extensions.len()];
    let mut reader = serde_json::Deserializer::from_slice(json);
    let document = Document {
        rt,
        found: &mut found,
    };
    reader.deserialize_map(document).ok()?;
    reader.end().ok()?;
    let urns = rt.extensions.iter().zip(found);
    Some(
        urns.filter(|(_, found)| *found)
            .map(|(schema, _)| schema.id.as_str())
            .collect(),
    )
}

/// Undeclared; what it is nobody asks.
fn undeclared<E: Error>() -> E {
    E::custom("undeclared")
}

struct Document<'r, 'f> {
    rt: &'r ResourceType,
    /// Which extensions there are.
    found: &'f mut [bool],
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let rt = self.rt;
        let stored = |name: &str| {
            // The server's own, which are no part of what is stored.
            if matches!(name, "schemas" | "id" | "meta") {
                return None;
            }
            if let Some(attribute) = rt.attribute(name) {
                return Some(Member::Attribute(attribute));
            }
            let mut urns = rt.extensions.iter();
            let place = urns.position(|schema| schema.id.eq_ignore_ascii_case(name))?;
            Some(Member::Extension(place))
        };
        while let Some(member) = map.next_key_seed(Name(stored))? {
            match member {
                Member::Attribute(attribute) => map.next_value_seed(Known(attribute))?,
                Member::Extension(place) => {
                    let schema = rt.extensions.get(place).ok_or_else(undeclared)?;
                    let found = self.found.get_mut(place).ok_or_else(undeclared)?;
                    *found = true;
                    map.next_value_seed(Object(|name: &str| schema.attribute(name)))?;
                }
            }
        }
        Ok(())
    }
}

enum Member<'r> {
    Attribute(&'r Attribute),
    Extension(usize),
}

/// A name, looked up where it is read.
struct Name<F>(F);

impl<'de, T, F: Fn(&str) -> Option<T>> DeserializeSeed<'de> for Name<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T, F: Fn(&str) -> Option<T>> Visitor<'_> for Name<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<T, E> {
        (self.0)(name).ok_or_else(undeclared)
    }
}

/// The value of a declared attribute.
struct Known<'r>(&'r Attribute);

impl<'de> DeserializeSeed<'de> for Known<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match (self.0.is_complex(), self.0.multi_valued) {
            (false, _) => deserializer.deserialize_any(IgnoredAny).map(|_| ()),
            (true, true) => deserializer.deserialize_seq(self),
            (true, false) => Object(|name: &str| self.0.sub(name)).deserialize(deserializer),
        }
    }
}

impl<'de> Visitor<'de> for Known<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list
            .next_element_seed(Object(|name: &str| self.0.sub(name)))?
            .is_some()
        {}
        Ok(())
    }
}

/// An object of declared attributes.
struct Object<F>(F);

impl<'de, 'r, F: Fn(&str) -> Option<&'r Attribute>> DeserializeSeed<'de> for Object<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, 'r, F: Fn(&str) -> Option<&'r Attribute>> Visitor<'de> for Object<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(attribute) = map.next_key_seed(Name(&self.0))? {
            map.next_value_seed(Known(attribute))?;
        }
        Ok(())
    }
}
