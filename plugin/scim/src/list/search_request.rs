//! The body of `POST /.search` (RFC 7644 3.4.3): a query's parameters as JSON.
//!
//! This module must not know what they are used for.

use serde_json::Value;

use crate::config::Dialect;
use crate::error::{ScimError, quoted};
use crate::patch::read_object;
use crate::request::Query;
use crate::resource::value::is_absent;
use crate::resource::{Notes, Rule};

const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// Reads a SearchRequest. Names are compared without case; unknown ones and null are
/// ignored.
///
/// # Errors
/// `invalidSyntax` for what is no JSON object or says to be something else,
/// `invalidValue` naming the parameter whose value cannot be read.
pub(super) fn read(body: &[u8], dialect: Dialect, notes: &mut Notes) -> Result<Query, ScimError> {
    let mut query = Query::default();
    let mut schemas = None;
    for (name, raw) in read_object(body)?.0 {
        let value: Value = serde_json::from_str(raw.get())
            .map_err(|_| ScimError::invalid_syntax(format!("{} is no JSON", quoted(&name))))?;
        if value.is_null() {
            continue;
        }
        match name.to_ascii_lowercase().as_str() {
            "schemas" if is_absent(&value) => {}
            "schemas" => schemas = Some(names_search(&value)),
            "filter" => query.filter = unless_blank(text("filter", value)?),
            "sortby" => query.sort_by = unless_blank(text("sortBy", value)?),
            "sortorder" => query.sort_order = unless_blank(text("sortOrder", value)?),
            "cursor" => query.cursor = Some(text("cursor", value)?),
            "attributes" => query.attributes = names("attributes", value, dialect, notes)?,
            "excludedattributes" => {
                query.excluded = names("excludedAttributes", value, dialect, notes)?;
            }
            "startindex" => query.start_index = Some(integer("startIndex", &value)?.max(1)),
            "count" => query.count = Some(integer("count", &value)?),
            _ => {}
        }
    }
    // RFC 7644 3.4.3: identified by its schema. The endpoint says what is meant.
    let known = schemas.unwrap_or_else(|| {
        notes.accepts(Rule::MissingSchemas, dialect, || {
            "`schemas` was not sent".to_owned()
        })
    });
    if !known {
        return Err(ScimError::invalid_syntax(format!(
            "`schemas` must be a list that holds `{SEARCH_URN}`"
        )));
    }
    query.check()?;
    Ok(query)
}

fn names_search(value: &Value) -> bool {
    let is_search = |urn: &Value| {
        urn.as_str()
            .is_some_and(|urn| urn.eq_ignore_ascii_case(SEARCH_URN))
    };
    value
        .as_array()
        .is_some_and(|list| list.iter().any(is_search))
}

fn wrong(name: &str, expected: &str) -> ScimError {
    ScimError::invalid_value(format!("`{name}` has to be {expected}"))
}

fn text(name: &str, value: Value) -> Result<String, ScimError> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(wrong(name, "a string")),
    }
}

/// A list of names, or one text with commas as in a URL.
fn names(
    name: &str,
    value: Value,
    dialect: Dialect,
    notes: &mut Notes,
) -> Result<Option<String>, ScimError> {
    let expected = || wrong(name, "a list of attribute names");
    let mut single = || {
        notes.accepts(Rule::WrapSingle, dialect, || {
            format!("`{name}` is a list and one text was sent")
        })
    };
    let joined = match value {
        Value::String(text) if single() => text,
        Value::Array(list) => {
            let names: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            names.ok_or_else(expected)?.join(",")
        }
        _ => return Err(expected()),
    };
    Ok(unless_blank(joined))
}

/// A whole number, negative ones as 0, as in a URL (RFC 7644 3.4.2.4).
fn integer(name: &str, value: &Value) -> Result<u64, ScimError> {
    let number = match value {
        Value::Number(number) => number,
        _ => return Err(wrong(name, "a whole number")),
    };
    match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => Ok(number),
        (None, Some(_)) => Ok(0),
        (None, None) => Err(wrong(name, "a whole number")),
    }
}

fn unless_blank(text: String) -> Option<String> {
    (!text.trim().is_empty()).then_some(text)
}
