//! Schemas that the configuration declares: read strictly, for a slip here would be
//! felt by an identity provider much later.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::index::{Form, Index};
use super::model::{Attribute, Attributes, Schema, Type, Uniqueness};
use super::registry::{Registry, SchemaError};
use crate::directory::Kind;
use crate::error::quoted;
use crate::resource::AttrPath;

/// Attributes and sub-attributes of all declared schemas together.
const MAX_ATTRIBUTES: usize = 1000;
/// Declared schemas.
const MAX_SCHEMAS: usize = 100;
/// Declared indexes: each costs every write.
const MAX_INDEXES: usize = 20;
/// Bytes of a URN, and of a name.
const MAX_URN: usize = 255;
const MAX_NAME: usize = 64;

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misconfigured {
    /// Where in the JSON, such as `schemas[0].schema.id`; empty for the whole.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Misconfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.reason),
            place => write!(f, "{place}: {}", self.reason),
        }
    }
}

impl std::error::Error for Misconfigured {}

fn wrong(place: impl Into<String>, reason: impl Into<String>) -> Misconfigured {
    Misconfigured {
        place: place.into(),
        reason: reason.into(),
    }
}

/// Reads a value of the configuration; an error names the place in it.
pub(crate) fn read<'de, T: Deserialize<'de>>(
    value: &'de Value,
    place: &str,
) -> Result<T, Misconfigured> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.path().to_string();
        let place = match inner.as_str() {
            "." => place.to_owned(),
            inner if inner.starts_with('[') => format!("{place}{inner}"),
            inner => format!("{place}.{inner}"),
        };
        wrong(place, error.inner().to_string())
    })
}

/// One entry of `schemas`.
#[derive(Debug, Deserialize)]
struct Declared {
    resource: Resource,
    schema: Schema,
    #[serde(default)]
    indexed: Vec<String>,
}

/// Which resource type is extended.
#[derive(Clone, Copy, Debug, Deserialize)]
enum Resource {
    User,
    Group,
}

impl Registry {
    /// The standard schemas and those that `declared` (the value of the setting
    /// `schemas`) adds: a list of `{"resource": "User" | "Group", "schema": {…},
    /// "indexed": ["attribute", "attribute.sub"]}`, the schema in the shape of
    /// `/Schemas` (RFC 7643 7). An attribute whose uniqueness is `server` is indexed
    /// by itself, and no two resources of a connection have the same value.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn with_declared(declared: &Value) -> Result<Self, Misconfigured> {
        let mut registry = Self::standard().clone();
        let Value::Array(entries) = declared else {
            return Err(wrong("schemas", "has to be a list"));
        };
        if entries.len() > MAX_SCHEMAS {
            return Err(wrong(
                "schemas",
                format!("has more than {MAX_SCHEMAS} entries"),
            ));
        }
        let (mut attributes, mut indexes) = (0, 0);
        for (n, entry) in entries.iter().enumerate() {
            let place = format!("schemas[{n}]");
            let entry: Declared = read(entry, &place)?;
            check_schema(&entry.schema, &format!("{place}.schema"))?;
            attributes += entry.schema.attributes.iter().map(count).sum::<usize>();
            if attributes > MAX_ATTRIBUTES {
                let reason = format!("there are more than {MAX_ATTRIBUTES} attributes in all");
                return Err(wrong(format!("{place}.schema"), reason));
            }
            let declared = indexes_of(&entry, &place)?;
            indexes += declared.len();
            if indexes > MAX_INDEXES {
                let reason = format!("there are more than {MAX_INDEXES} indexes in all");
                return Err(wrong(format!("{place}.indexed"), reason));
            }
            let kind = match entry.resource {
                Resource::User => Kind::User,
                Resource::Group => Kind::Group,
            };
            registry
                .extend_indexed(kind, entry.schema, declared)
                .map_err(|error| match error {
                    SchemaError::Twice(_) => wrong(format!("{place}.schema.id"), error.to_string()),
                    SchemaError::Unreadable(_) => wrong(&place, error.to_string()),
                })?;
        }
        Ok(registry)
    }
}

fn count(attribute: &Attribute) -> usize {
    1 + attribute.sub_attributes.len()
}

fn check_schema(schema: &Schema, place: &str) -> Result<(), Misconfigured> {
    let id = format!("{place}.id");
    // RFC 7643 7: the id of a schema is a URI; in paths only a URN can be told from an
    // attribute (RFC 7644 3.10).
    let parts = schema.id.splitn(3, ':').collect::<Vec<_>>();
    let is_urn = matches!(parts.as_slice(), [urn, nid, nss]
        if urn.eq_ignore_ascii_case("urn") && !nid.is_empty() && !nss.is_empty());
    let clean = |byte: u8| byte.is_ascii_alphanumeric() || b":.-_".contains(&byte);
    if !is_urn || schema.id.len() > MAX_URN || !schema.id.bytes().all(clean) {
        return Err(wrong(
            id,
            format!(
                "{} is no urn: write e.g. `urn:example:params:scim:schemas:badge:2.0:User` with \
                 letters, digits, `:`, `.`, `-` and `_`, at most {MAX_URN} bytes",
                quoted(&schema.id)
            ),
        ));
    }
    if schema.attributes.is_empty() {
        return Err(wrong(format!("{place}.attributes"), "there is none"));
    }
    check_attributes(&schema.attributes, &format!("{place}.attributes"), true)
}

fn check_attributes(attributes: &Attributes, place: &str, top: bool) -> Result<(), Misconfigured> {
    for (n, attribute) in attributes.iter().enumerate() {
        check_attribute(attribute, &format!("{place}[{n}]"), top)?;
    }
    Ok(())
}

fn check_attribute(attribute: &Attribute, place: &str, top: bool) -> Result<(), Misconfigured> {
    // RFC 7643 2.1: ATTRNAME = ALPHA *(nameChar). `$ref` is the RFC's own exception.
    let name = attribute.name.as_str();
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic()) || name == "$ref";
    let rest = bytes.all(|b| b.is_ascii_alphanumeric() || b"$-_".contains(&b));
    if !first || !rest || name.len() > MAX_NAME {
        return Err(wrong(
            format!("{place}.name"),
            format!(
                "{} is no name of an attribute: a letter, then letters, digits, `-` and `_`, at \
                 most {MAX_NAME} in all",
                quoted(name)
            ),
        ));
    }
    let complex = attribute.kind == Type::Complex;
    // RFC 7643 2.3.8: a complex attribute has no complex sub-attributes.
    if complex && !top {
        return Err(wrong(
            format!("{place}.type"),
            "a part of an object cannot be an object itself",
        ));
    }
    if complex == attribute.sub_attributes.is_empty() {
        let reason = if complex {
            "an attribute of type `complex` needs some"
        } else {
            "only an attribute of type `complex` can have some"
        };
        return Err(wrong(format!("{place}.subAttributes"), reason));
    }
    if attribute.uniqueness != Uniqueness::None {
        check_uniqueness(attribute, place)?;
    }
    check_attributes(
        &attribute.sub_attributes,
        &format!("{place}.subAttributes"),
        false,
    )
}

/// What is declared is done: `server` by a unique index, `global` by nobody here.
fn check_uniqueness(attribute: &Attribute, place: &str) -> Result<(), Misconfigured> {
    let place = format!("{place}.uniqueness");
    if attribute.uniqueness == Uniqueness::Global {
        return Err(wrong(
            place,
            "`global` cannot be promised by one server: use `server` or `none`",
        ));
    }
    if Form::of(attribute).is_none_or(|form| matches!(form, Form::Flag(_))) {
        let kind = attribute.kind.as_str();
        return Err(wrong(place, format!("type `{kind}` cannot be unique")));
    }
    Ok(())
}

/// The indexes of one entry: those that are listed, and one for each unique attribute.
fn indexes_of(entry: &Declared, place: &str) -> Result<Vec<Index>, Misconfigured> {
    let schema = &entry.schema;
    let mut indexes = Vec::new();
    let mut add = |attribute: &Attribute, sub: Option<&Attribute>| {
        let tested = sub.unwrap_or(attribute);
        let Some(form) = Form::of(tested) else {
            return false;
        };
        let index = Index::extension(
            &schema.id,
            &attribute.name,
            sub.map(|sub| sub.name.as_str()),
            form,
            tested.uniqueness != Uniqueness::None,
        );
        if !indexes.contains(&index) {
            indexes.push(index);
        }
        true
    };
    for attribute in schema.attributes.iter() {
        if attribute.uniqueness != Uniqueness::None {
            add(attribute, None);
        }
        for sub in attribute.sub_attributes.iter() {
            if sub.uniqueness != Uniqueness::None {
                add(attribute, Some(sub));
            }
        }
    }
    for (n, text) in entry.indexed.iter().enumerate() {
        let place = format!("{place}.indexed[{n}]");
        let named = AttrPath::parse(text).ok().and_then(|path| {
            let own = path
                .schema
                .as_deref()
                .is_none_or(|urn| urn.eq_ignore_ascii_case(&schema.id));
            let attribute = schema.attribute(&path.attr).filter(|_| own)?;
            let sub = match path.sub.as_deref() {
                Some(sub) => Some(attribute.sub(sub)?),
                None => None,
            };
            Some((attribute, sub))
        });
        let Some((attribute, sub)) = named else {
            return Err(wrong(
                place,
                format!("{} is no attribute of `{}`", quoted(text), schema.id),
            ));
        };
        if !add(attribute, sub) {
            let kind = sub.unwrap_or(attribute).kind.as_str();
            return Err(wrong(
                place,
                format!("type `{kind}` cannot be indexed; name a part of an object such as `a.b`"),
            ));
        }
    }
    Ok(indexes)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    const URN: &str = "urn:example:badge";

    fn place_of(declared: &Value) -> String {
        Registry::with_declared(declared).unwrap_err().place
    }

    fn with(attribute: Value) -> Value {
        json!([{"resource": "User", "schema": {"id": URN, "name": "Badge",
            "attributes": [{"name": "ok"}, attribute]}}])
    }

    #[test]
    fn a_slip_is_named_with_its_place() {
        let cases = [
            (json!({}), "schemas"),
            (json!([{"resource": "Robot"}]), "schemas[0].resource"),
            (
                json!([{"resource": "User", "schema": {"id": URN, "name": "x", "attributes": []}}]),
                "schemas[0].schema.attributes",
            ),
            (
                json!([{"resource": "User", "schema": {"id": "badge", "name": "x",
                "attributes": [{"name": "a"}]}}]),
                "schemas[0].schema.id",
            ),
            (
                with(json!({"name": "b", "type": "whole"})),
                "schemas[0].schema.attributes[1].type",
            ),
            (
                with(json!({"name": "1b"})),
                "schemas[0].schema.attributes[1].name",
            ),
            (
                with(json!({"name": "b c"})),
                "schemas[0].schema.attributes[1].name",
            ),
            (with(json!({"name": "OK"})), "schemas[0].schema.attributes"),
            (
                with(json!({"name": "b", "type": "complex"})),
                "schemas[0].schema.attributes[1].subAttributes",
            ),
            (
                with(json!({"name": "b", "subAttributes": [{"name": "c"}]})),
                "schemas[0].schema.attributes[1].subAttributes",
            ),
            (
                with(json!({"name": "b", "type": "complex", "subAttributes": [
                {"name": "c", "type": "complex", "subAttributes": [{"name": "d"}]}]})),
                "schemas[0].schema.attributes[1].subAttributes[0].type",
            ),
            (
                with(json!({"name": "b", "uniqueness": "global"})),
                "schemas[0].schema.attributes[1].uniqueness",
            ),
            (
                with(json!({"name": "b", "type": "boolean", "uniqueness": "server"})),
                "schemas[0].schema.attributes[1].uniqueness",
            ),
        ];
        for (declared, place) in cases {
            assert_eq!(place_of(&declared), place, "{declared}");
        }
    }

    #[test]
    fn a_schema_that_exists_cannot_be_declared_again() {
        let declared = json!([{"resource": "User", "schema": {
            "id": super::super::ENTERPRISE_USER.to_uppercase(), "name": "x",
            "attributes": [{"name": "a"}]}}]);
        assert_eq!(place_of(&declared), "schemas[0].schema.id");
    }

    #[test]
    fn indexes_are_those_listed_and_those_of_unique_attributes() {
        let declared = |indexed: Value| {
            json!([{"resource": "Group", "schema": {"id": URN, "name": "Badge", "attributes": [
                {"name": "number", "uniqueness": "server", "caseExact": true},
                {"name": "door", "type": "complex", "multiValued": true,
                    "subAttributes": [{"name": "code", "type": "integer"}]},
                {"name": "photo", "type": "binary"},
            ]}, "indexed": indexed}])
        };
        let registry = Registry::with_declared(&declared(json!(["DOOR.code", "number"]))).unwrap();
        let own: Vec<_> = registry
            .resource_type(Kind::Group)
            .indexes
            .iter()
            .filter(|index| index.extension.is_some())
            .map(|index| (index.name.as_str(), index.form, index.unique))
            .collect();
        assert_eq!(
            own,
            [
                ("urn:example:badge:number", Form::Exact, true),
                ("urn:example:badge:door.code", Form::Integer, false),
            ]
        );
        for wrong in [
            json!(["door"]),
            json!(["photo"]),
            json!(["window"]),
            json!(["a b"]),
        ] {
            assert_eq!(place_of(&declared(wrong)), "schemas[0].indexed[0]");
        }
    }

    #[test]
    fn more_than_any_connection_needs_is_refused() {
        let many: Vec<Value> = (0..MAX_ATTRIBUTES + 1)
            .map(|n| json!({"name": format!("a{n}")}))
            .collect();
        let declared = json!([{"resource": "User", "schema": {"id": URN, "name": "x",
            "attributes": many}}]);
        assert_eq!(place_of(&declared), "schemas[0].schema");
        let indexed: Vec<String> = (0..MAX_INDEXES + 1).map(|n| format!("a{n}")).collect();
        let some: Vec<Value> = indexed.iter().map(|name| json!({"name": name})).collect();
        let declared = json!([{"resource": "User", "schema": {"id": URN, "name": "x",
            "attributes": some}, "indexed": indexed}]);
        assert_eq!(place_of(&declared), "schemas[0].indexed");
    }
}
