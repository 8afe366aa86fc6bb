//! One value against one attribute: canonical names, types, and the deviations that
//! are accepted. Recursion goes no deeper than the schema.

use super::format::{is_base64, is_date_time};
use super::notes::Notes;
use super::room::Room;
use super::rules::Rule;
use super::value::kind_name;
use crate::config::Dialect;
use crate::error::{ScimError, quoted};
use crate::schema::{Attribute, Attributes, Mutability, Type};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt;

/// Elements of one list in a document. The fullest lists of real directories (roles,
/// entitlements) hold some hundreds; a bound keeps a PATCH of many operations linear.
/// A group's members are no part of a document and not bounded here.
const MOST_ELEMENTS: usize = 1000;

/// Where in a document a value stands, for details; costs nothing until printed. As
/// `{:#}` without the places in lists: the attribute.
#[derive(Clone, Copy)]
pub(crate) struct Trail<'a> {
    parent: Option<&'a Trail<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Urn(&'a str),
    Name(&'a str),
    Place(usize),
}

impl<'a> Trail<'a> {
    /// The start: an attribute.
    pub(crate) fn root(name: &'a str) -> Self {
        Self {
            parent: None,
            step: Step::Name(name),
        }
    }

    /// The start: an extension.
    pub(crate) fn urn(urn: &'a str) -> Self {
        Self {
            parent: None,
            step: Step::Urn(urn),
        }
    }

    /// A name below this one.
    pub(crate) fn name(&'a self, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Name(name),
        }
    }

    /// A name below a trail, or the start of one.
    pub(crate) fn below(trail: Option<&'a Trail<'a>>, name: &'a str) -> Self {
        Self {
            parent: trail,
            step: Step::Name(name),
        }
    }

    fn place(&'a self, place: usize) -> Self {
        Self {
            parent: Some(self),
            step: Step::Place(place),
        }
    }
}

impl fmt::Display for Trail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match (self.step, self.parent.map(|parent| parent.step)) {
            (Step::Place(_), _) if f.alternate() => Ok(()),
            (Step::Place(place), _) => write!(f, "[{place}]"),
            (Step::Urn(name), _) | (Step::Name(name), None) => f.write_str(name),
            (Step::Name(name), Some(Step::Urn(_))) => write!(f, ":{name}"),
            (Step::Name(name), Some(_)) => write!(f, ".{name}"),
        }
    }
}

/// Checks values under one dialect and notes what it let pass.
pub(crate) struct Checker<'n> {
    pub(crate) dialect: Dialect,
    pub(crate) notes: &'n mut Notes,
    pub(crate) room: Room,
}

impl<'n> Checker<'n> {
    pub(crate) fn new(dialect: Dialect, notes: &'n mut Notes) -> Self {
        Self {
            dialect,
            notes,
            room: Room::new(),
        }
    }

    /// Is a deviation accepted; if so it is noted.
    pub(crate) fn accepts(&mut self, rule: Rule, text: impl FnOnce() -> String) -> bool {
        self.notes.accepts(rule, self.dialect, text)
    }

    /// A value as it is stored, or none if it is unassigned.
    pub(crate) fn value(
        &mut self,
        attribute: &Attribute,
        value: Value,
        trail: &Trail<'_>,
    ) -> Result<Option<Value>, ScimError> {
        if value.is_null() {
            return Ok(None);
        }
        if !attribute.multi_valued {
            return self.single(attribute, value, trail);
        }
        let list = match value {
            Value::Array(list) => list,
            // A string in the place of a list of objects says nothing about which
            // part of them it is.
            Value::String(_) if attribute.is_complex() => {
                return Err(mismatch(trail, "a list of objects", &value));
            }
            value => {
                if !self.accepts(Rule::WrapSingle, || {
                    format!("`{trail}` is a list and one value was sent")
                }) {
                    return Err(mismatch(trail, "a list", &value));
                }
                vec![value]
            }
        };
        check_length(list.len(), trail)?;
        let mut kept = Vec::with_capacity(list.len());
        for (place, element) in list.into_iter().enumerate() {
            kept.extend(self.single(attribute, element, &trail.place(place))?);
        }
        Ok((!kept.is_empty()).then_some(Value::Array(kept)))
    }

    /// One element of a multi-valued attribute, or the value of a singular one.
    pub(crate) fn single(
        &mut self,
        attribute: &Attribute,
        value: Value,
        trail: &Trail<'_>,
    ) -> Result<Option<Value>, ScimError> {
        let expected = match (attribute.kind, &value) {
            (_, Value::Null) => return Ok(None),
            (Type::Complex, Value::Object(_)) => return self.complex(attribute, value, trail),
            (Type::Complex, Value::String(text)) if !attribute.multi_valued => {
                return self.bare(attribute, text, trail);
            }
            (Type::String | Type::Reference, Value::String(_))
            | (Type::Boolean, Value::Bool(_))
            | (Type::Decimal, Value::Number(_)) => return Ok(Some(value)),
            (Type::Boolean, Value::String(text)) => {
                if let Some(flag) = self.boolean(text, trail) {
                    return Ok(Some(Value::Bool(flag)));
                }
                "`true` or `false` without quotes"
            }
            (Type::Integer, Value::Number(number)) if !number.is_f64() => return Ok(Some(value)),
            (Type::DateTime, Value::String(text)) => {
                if is_date_time(text) {
                    return Ok(Some(value));
                }
                "an RFC 3339 date and time such as `2026-01-31T08:00:00Z`"
            }
            (Type::Binary, Value::String(text)) => {
                if self.base64(text, trail) {
                    return Ok(Some(value));
                }
                "base64 text"
            }
            (Type::Complex, _) => "an object",
            (Type::String, _) => "a string",
            (Type::Reference, _) => "a string holding a URI",
            (Type::Boolean, _) => "`true` or `false`",
            (Type::Decimal, _) => "a number",
            (Type::Integer, _) => "a number without a fraction",
            (Type::DateTime, _) => "a string holding a date and time",
            (Type::Binary, _) => "a string holding base64",
        };
        Err(mismatch(trail, expected, &value))
    }

    fn complex(
        &mut self,
        attribute: &Attribute,
        value: Value,
        trail: &Trail<'_>,
    ) -> Result<Option<Value>, ScimError> {
        let Value::Object(map) = value else {
            return Err(mismatch(trail, "an object", &value));
        };
        let kept = self.object(&attribute.sub_attributes, map, trail)?;
        Ok((!kept.is_empty()).then_some(Value::Object(kept)))
    }

    /// The members of a complex value or of an extension. Undeclared ones are kept
    /// as they are sent.
    pub(crate) fn object(
        &mut self,
        declared: &Attributes,
        map: Map<String, Value>,
        trail: &Trail<'_>,
    ) -> Result<Map<String, Value>, ScimError> {
        check_duplicates(&map, Some(trail))?;
        let mut kept = Map::new();
        for (name, value) in map {
            let Some(attribute) = declared.get(&name) else {
                self.keep_undeclared(&mut kept, name, value, Some(trail));
                continue;
            };
            if !is_stored(attribute) {
                continue;
            }
            let below = trail.name(&attribute.name);
            if let Some(value) = self.value(attribute, value, &below)? {
                kept.insert(attribute.name.clone(), value);
            }
        }
        Ok(kept)
    }

    /// Keeps what no schema declares under the name it was sent, with a note.
    pub(crate) fn keep_undeclared(
        &mut self,
        kept: &mut Map<String, Value>,
        name: String,
        value: Value,
        trail: Option<&Trail<'_>>,
    ) {
        // RFC 7643 2.5: null and the empty array are the same as absent.
        if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
            return;
        }
        let whole = format!("{:#}", Trail::below(trail, &name));
        self.notes.received_unused(&whole);
        kept.insert(name, value);
    }

    /// A bare string for a complex attribute.
    fn bare(
        &mut self,
        attribute: &Attribute,
        text: &str,
        trail: &Trail<'_>,
    ) -> Result<Option<Value>, ScimError> {
        // Entra sends `"manager": "<id>"` where RFC 7643 4.3 has an object.
        let has_value = attribute.sub("value").is_some();
        if !has_value
            || !self.accepts(Rule::BareManager, || {
                format!("`{trail}` is an object and a string was sent; taken as its `value`")
            })
        {
            return Err(mismatch(trail, "an object", &Value::String(String::new())));
        }
        if text.trim().is_empty() {
            return Ok(None);
        }
        let mut map = Map::new();
        map.insert("value".to_owned(), Value::String(text.to_owned()));
        Ok(Some(Value::Object(map)))
    }

    /// RFC 7643 2.3.6: base64, of either alphabet.
    fn base64(&mut self, text: &str, trail: &Trail<'_>) -> bool {
        let lines = text.contains(['\r', '\n']);
        is_base64(text)
            && (!lines
                || self.accepts(Rule::LineBreaks, || {
                    format!("`{trail}` is base64 that is broken into lines")
                }))
    }

    /// Exactly the words `true` and `false`, in any case.
    fn boolean(&mut self, text: &str, trail: &Trail<'_>) -> Option<bool> {
        let flag = parse_boolean(text)?;
        self.accepts(Rule::StringBoolean, || {
            format!("`{trail}` is a boolean and a string was sent")
        })
        .then_some(flag)
    }
}

/// The words `true` and `false`, in any case; nothing else.
pub(crate) fn parse_boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Does a client's value of this attribute go into the document: not what the
/// server alone sets, and not what nobody may read.
pub(crate) fn is_stored(attribute: &Attribute) -> bool {
    !matches!(
        attribute.mutability,
        Mutability::ReadOnly | Mutability::WriteOnly
    )
}

/// Refuses names that differ in case alone (RFC 7643 section 2.1: names are
/// case-insensitive, so one of the two values would be lost).
pub(crate) fn check_duplicates(
    map: &Map<String, Value>,
    trail: Option<&Trail<'_>>,
) -> Result<(), ScimError> {
    let Some((a, b)) = duplicate(map.keys().map(String::as_str)) else {
        return Ok(());
    };
    let place = trail.map_or_else(String::new, |trail| format!(" in `{trail}`"));
    Err(ScimError::invalid_syntax(format!(
        "{} and {}{place} are the same attribute; send one of them",
        quoted(a),
        quoted(b)
    )))
}

/// Two names that are the same ignoring case.
pub(crate) fn duplicate<'a>(
    names: impl ExactSizeIterator<Item = &'a str> + Clone,
) -> Option<(&'a str, &'a str)> {
    // Comparing lengths first makes pairs cheaper than a set up to about this size.
    const FEW: usize = 24;
    if names.len() <= FEW {
        let mut rest = names;
        while let Some(a) = rest.next() {
            if let Some(b) = rest.clone().find(|b| a.eq_ignore_ascii_case(b)) {
                return Some((a, b));
            }
        }
        return None;
    }
    let mut seen = BTreeSet::new();
    let twice = names
        .clone()
        .find(|name| !seen.insert(name.to_ascii_lowercase()))?;
    let first = names
        .into_iter()
        .find(|name| name.eq_ignore_ascii_case(twice))?;
    Some((first, twice))
}

/// Refuses a list that is too long to be kept in a document.
pub(crate) fn check_length(length: usize, trail: &Trail<'_>) -> Result<(), ScimError> {
    if length <= MOST_ELEMENTS {
        return Ok(());
    }
    Err(ScimError::invalid_value(format!(
        "`{trail}` holds {length} elements; {MOST_ELEMENTS} are allowed"
    )))
}

fn mismatch(trail: &Trail<'_>, expected: &str, got: &Value) -> ScimError {
    ScimError::invalid_value(format!(
        "`{trail}` must be {expected}, not {}",
        kind_name(got)
    ))
}
