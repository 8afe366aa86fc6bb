//! The model of a schema, in the shape `/Schemas` shows (RFC 7643 section 7).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::ops::Deref;

/// The data types of RFC 7643 section 2.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Type {
    /// Unicode text.
    #[default]
    String,
    /// `true` or `false`.
    Boolean,
    /// A number that may have a fraction.
    Decimal,
    /// A number without a fraction.
    Integer,
    /// An RFC 3339 instant.
    DateTime,
    /// Base64 text.
    Binary,
    /// A URI, or the id of another resource.
    Reference,
    /// An object of sub-attributes.
    Complex,
}

impl Type {
    /// The keyword, as it is sent and as details name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Decimal => "decimal",
            Self::Integer => "integer",
            Self::DateTime => "dateTime",
            Self::Binary => "binary",
            Self::Reference => "reference",
            Self::Complex => "complex",
        }
    }
}

/// Who may change an attribute, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// The server alone.
    ReadOnly,
    /// Anybody at any time.
    #[default]
    ReadWrite,
    /// Anybody, once.
    Immutable,
    /// Anybody, and nobody reads it.
    WriteOnly,
}

/// When an attribute is part of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// In every answer.
    Always,
    /// In none.
    Never,
    /// Unless the request leaves it out.
    #[default]
    Default,
    /// Only where the request names it.
    Request,
}

/// Within what an attribute's value is unique.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Nothing.
    #[default]
    None,
    /// This server (here: the connection).
    Server,
    /// The world.
    Global,
}

/// One attribute or sub-attribute. A member of another name is refused: it would be a
/// slip that changes what the attribute is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attribute {
    /// In its canonical case.
    pub name: String,
    /// The data type.
    #[serde(rename = "type", default)]
    pub kind: Type,
    /// Is the value a list.
    #[serde(default)]
    pub multi_valued: bool,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Must it have a value.
    #[serde(default)]
    pub required: bool,
    /// Known values; others are allowed (RFC 7643 section 7).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// Does case count in comparisons.
    #[serde(default)]
    pub case_exact: bool,
    /// Who may change it.
    #[serde(default)]
    pub mutability: Mutability,
    /// When it is part of an answer.
    #[serde(default)]
    pub returned: Returned,
    /// Within what it is unique.
    #[serde(default)]
    pub uniqueness: Uniqueness,
    /// What a reference may point at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// The parts of a complex attribute.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub sub_attributes: Attributes,
}

impl Attribute {
    /// A sub-attribute by name, in any case.
    pub fn sub(&self, name: &str) -> Option<&Attribute> {
        self.sub_attributes.get(name)
    }

    /// May nobody read it. Then nobody may ask for it by its value either, for the answer
    /// would tell.
    pub fn is_secret(&self) -> bool {
        self.returned == Returned::Never || self.mutability == Mutability::WriteOnly
    }

    /// Is it an object of sub-attributes.
    pub fn is_complex(&self) -> bool {
        self.kind == Type::Complex
    }
}

/// Attributes in the order they are declared, found by name in any case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    list: Vec<Attribute>,
    /// Names in lower case, sorted, with their place in `list`.
    by_name: Vec<(String, usize)>,
}

impl Attributes {
    /// Fails with the name that occurs twice, ignoring case.
    pub fn new(list: Vec<Attribute>) -> Result<Self, String> {
        let mut by_name: Vec<(String, usize)> = list
            .iter()
            .enumerate()
            .map(|(place, attribute)| (attribute.name.to_ascii_lowercase(), place))
            .collect();
        by_name.sort();
        let twice = by_name
            .iter()
            .zip(by_name.iter().skip(1))
            .find(|(a, b)| a.0 == b.0);
        if let Some((name, _)) = twice {
            return Err(name.0.clone());
        }
        Ok(Self { list, by_name })
    }

    /// Finds an attribute by name, in any case (RFC 7643 section 2.1), without
    /// allocating.
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        let place = self
            .by_name
            .binary_search_by(|(folded, _)| compare_folded(folded, name))
            .ok()?;
        let (_, place) = self.by_name.get(place)?;
        self.list.get(*place)
    }

    /// Has it none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Orders a name that is in lower case against one in any case.
fn compare_folded(folded: &str, name: &str) -> Ordering {
    folded
        .bytes()
        .cmp(name.bytes().map(|byte| byte.to_ascii_lowercase()))
}

impl Deref for Attributes {
    type Target = [Attribute];

    fn deref(&self) -> &[Attribute] {
        &self.list
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.list.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::<Attribute>::deserialize(deserializer)?;
        Self::new(list).map_err(|name| {
            serde::de::Error::custom(format!("the attribute `{name}` is declared twice"))
        })
    }
}

/// One schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Its URN, in its canonical case.
    pub id: String,
    /// For people.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Its attributes.
    pub attributes: Attributes,
}

impl Schema {
    /// An attribute by name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.get(name)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    #[test]
    fn attributes_are_found_in_any_case() {
        let list: Attributes =
            serde_json::from_value(json!([{"name": "userName"}, {"name": "$ref"}])).unwrap();
        assert_eq!(list.get("USERNAME").unwrap().name, "userName");
        assert_eq!(list.get("$REF").unwrap().name, "$ref");
        assert!(list.get("userNames").is_none());
        assert!(list.get("userNam").is_none());
    }

    #[test]
    fn an_attribute_declared_twice_is_refused() {
        let error = serde_json::from_value::<Attributes>(json!([{"name": "a"}, {"name": "A"}]))
            .unwrap_err();
        assert!(error.to_string().contains("`a` is declared twice"));
    }

    #[test]
    fn an_attribute_prints_what_the_rfc_shows() {
        let attribute: Attribute = serde_json::from_value(json!({"name": "x"})).unwrap();
        assert_eq!(
            serde_json::to_value(attribute).unwrap(),
            json!({"name": "x", "type": "string", "multiValued": false, "description": "",
                   "required": false, "caseExact": false, "mutability": "readWrite",
                   "returned": "default", "uniqueness": "none"})
        );
    }
}
