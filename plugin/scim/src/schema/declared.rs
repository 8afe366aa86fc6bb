//! Schemas that the configuration declares: read strictly, for a slip here would be
//! felt by an identity provider much later.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::index::{Form, Index, MAX_PATH};
use super::model::{Attribute, Attributes, Returned, Schema, Type, Uniqueness};
use super::registry::{Registry, SchemaError};
use crate::directory::Kind;
use crate::error::quoted;
use crate::resource::AttrPath;
use crate::resource::coerce::is_stored;

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
            check_id(&entry, &registry, &format!("{place}.schema.id"))?;
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
    if !is_urn(&schema.id) {
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

/// Is it a URN (RFC 8141 2) that can stand in a path: the characters of its last part are
/// fewer here.
fn is_urn(id: &str) -> bool {
    let mut parts = id.splitn(3, ':');
    let (Some(urn), Some(nid), Some(nss)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let of = |text: &str, more: &[u8]| {
        let clean = |byte: u8| byte.is_ascii_alphanumeric() || more.contains(&byte);
        text.bytes().all(clean)
    };
    urn.eq_ignore_ascii_case("urn")
        && (2..=32).contains(&nid.len())
        && of(nid, b"-")
        && of(nss, b":.-_")
        && !nss.is_empty()
        && !nss.ends_with(':')
        && id.len() <= MAX_URN
}

/// What RFC 7643 10.3 and RFC 7644 8.2 register; none of them is an extension.
const STANDARD: [&str; 2] = [
    "urn:ietf:params:scim:schemas:core:",
    "urn:ietf:params:scim:api:",
];

/// One URN has one meaning: no schema is declared again, or differently for the other
/// resource type, and none has a name that is an attribute's path.
fn check_id(entry: &Declared, registry: &Registry, place: &str) -> Result<(), Misconfigured> {
    let id = &entry.schema.id;
    let lower = id.to_ascii_lowercase();
    if STANDARD.iter().any(|prefix| lower.starts_with(prefix))
        || Registry::standard().schema(id).is_some()
    {
        return Err(wrong(place, format!("{} is a standard schema", quoted(id))));
    }
    if registry
        .schema(id)
        .is_some_and(|known| *known != entry.schema)
    {
        return Err(wrong(
            place,
            format!(
                "the schema {} is declared in another way before",
                quoted(id)
            ),
        ));
    }
    for known in registry.schemas() {
        if is_path(&entry.schema, &known.id) || is_path(known, id) {
            return Err(wrong(
                place,
                format!(
                    "{} and {}: one is the path of an attribute of the other",
                    quoted(id),
                    quoted(&known.id)
                ),
            ));
        }
    }
    Ok(())
}

/// Is the text the path of an attribute of the schema.
fn is_path(schema: &Schema, text: &str) -> bool {
    let rest = text
        .get(..schema.id.len())
        .filter(|start| start.eq_ignore_ascii_case(&schema.id))
        .and_then(|_| text.get(schema.id.len()..)?.strip_prefix(':'));
    let attribute = rest.map(|rest| rest.split('.').next().unwrap_or(rest));
    attribute.is_some_and(|name| schema.attribute(name).is_some())
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
    let reason = match Form::of(attribute) {
        None | Some(Form::Flag(_)) => {
            format!("type `{}` cannot be unique", attribute.kind.as_str())
        }
        Some(_) if !is_stored(attribute) => NOT_STORED.to_owned(),
        Some(_) => return Ok(()),
    };
    Err(wrong(place, reason))
}

/// RFC 7643 7: a writeOnly value is never returned, so none is kept; a readOnly one is
/// never taken.
const NOT_STORED: &str = "a value that is `writeOnly` or `readOnly` is not stored here";

/// The indexes of one entry: those that are listed, and one for each unique attribute.
fn indexes_of(entry: &Declared, place: &str) -> Result<Vec<Index>, Misconfigured> {
    let schema = &entry.schema;
    let mut indexes = Vec::new();
    for (n, attribute) in schema.attributes.iter().enumerate() {
        let place = format!("{place}.schema.attributes[{n}]");
        if attribute.uniqueness != Uniqueness::None {
            add(
                &mut indexes,
                schema,
                (attribute, None),
                &format!("{place}.uniqueness"),
            )?;
        }
        for (m, sub) in attribute.sub_attributes.iter().enumerate() {
            if sub.uniqueness != Uniqueness::None {
                let place = format!("{place}.subAttributes[{m}].uniqueness");
                add(&mut indexes, schema, (attribute, Some(sub)), &place)?;
            }
        }
    }
    for (n, text) in entry.indexed.iter().enumerate() {
        let place = format!("{place}.indexed[{n}]");
        let Some((attribute, sub)) = named(schema, text) else {
            return Err(wrong(
                place,
                format!("{} is no attribute of `{}`", quoted(text), schema.id),
            ));
        };
        let hidden = [Some(attribute), sub]
            .into_iter()
            .flatten()
            .any(|part| part.returned == Returned::Never);
        if hidden {
            return Err(wrong(place, "nobody may read it, so nobody can ask for it"));
        }
        add(&mut indexes, schema, (attribute, sub), &place)?;
    }
    Ok(indexes)
}

/// The attribute that an entry of `indexed` names, with or without the URN.
fn named<'s>(schema: &'s Schema, text: &str) -> Option<(&'s Attribute, Option<&'s Attribute>)> {
    let path = AttrPath::parse(text).ok()?;
    let own = path
        .schema
        .as_deref()
        .is_none_or(|urn| urn.eq_ignore_ascii_case(&schema.id));
    let attribute = schema.attribute(&path.attr).filter(|_| own)?;
    match path.sub.as_deref() {
        Some(sub) => Some((attribute, Some(attribute.sub(sub)?))),
        None => Some((attribute, None)),
    }
}

/// Adds an index of an attribute or of a part of one, if it is not there yet.
fn add(
    indexes: &mut Vec<Index>,
    schema: &Schema,
    (attribute, sub): (&Attribute, Option<&Attribute>),
    place: &str,
) -> Result<(), Misconfigured> {
    let tested = sub.unwrap_or(attribute);
    let Some(form) = Form::of(tested) else {
        let kind = tested.kind.as_str();
        return Err(wrong(
            place,
            format!("type `{kind}` cannot be indexed; name a part of an object such as `a.b`"),
        ));
    };
    if !is_stored(attribute) || !is_stored(tested) {
        return Err(wrong(place, NOT_STORED));
    }
    let index = Index::extension(
        &schema.id,
        &attribute.name,
        sub.map(|sub| sub.name.as_str()),
        form,
        tested.uniqueness != Uniqueness::None,
    );
    if index.name.len() > MAX_PATH {
        return Err(wrong(
            place,
            format!(
                "the path {} is longer than the {MAX_PATH} bytes an index can have",
                quoted(&index.name)
            ),
        ));
    }
    if !indexes.contains(&index) {
        indexes.push(index);
    }
    Ok(())
}

#[cfg(test)]
#[path = "declared_tests.rs"]
mod tests;
