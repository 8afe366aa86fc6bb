//! The body of `POST /.search` (RFC 7644 3.4.3): a query's parameters as JSON.
//!
//! This module must not know what they are used for.

use serde_json::Value;

use crate::config::Dialect;
use crate::error::{ScimError, quoted};
use crate::patch::read_object;
use crate::request::{self, MOST_TEXT, Query, too_long};
use crate::resource::value::is_absent;
use crate::resource::{Notes, Rule};

const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// What is understood.
const NAMES: [&str; 9] = [
    "schemas",
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
    "attributes",
    "excludedAttributes",
];

/// Reads a SearchRequest. Names are compared without case; unknown ones and null are
/// ignored.
///
/// # Errors
/// `invalidSyntax` for what is no JSON object or says to be something else,
/// `invalidValue` naming the parameter whose value cannot be read, `invalidCount`
/// (RFC 9865 2.1).
pub(super) fn read(body: &[u8], dialect: Dialect, notes: &mut Notes) -> Result<Query, ScimError> {
    let mut query = Query::default();
    let mut schemas = None;
    let mut count = None;
    for (name, raw) in read_object(body)?.0 {
        let Some(&name) = NAMES.iter().find(|known| known.eq_ignore_ascii_case(&name)) else {
            continue;
        };
        let raw = raw.get();
        // A list of texts is many times as large once it is read.
        if raw.len() > MOST_TEXT {
            return Err(too_long(name));
        }
        let value: Value = serde_json::from_str(raw)
            .map_err(|_| ScimError::invalid_syntax(format!("{} is no JSON", quoted(name))))?;
        if value.is_null() {
            continue;
        }
        match name {
            "schemas" if is_absent(&value) => {}
            "schemas" => schemas = Some(names_search(&value)),
            "filter" => query.filter = unless_blank(text(name, value)?),
            "sortBy" => query.sort_by = unless_blank(text(name, value)?),
            "sortOrder" => query.sort_order = unless_blank(text(name, value)?),
            "cursor" => query.cursor = Some(text(name, value)?),
            "attributes" => query.attributes = names(name, value, dialect, notes)?,
            "excludedAttributes" => query.excluded = names(name, value, dialect, notes)?,
            "startIndex" => {
                let start = request::integer(name, Some(raw.to_owned()))?;
                query.start_index = start.map(|start| start.max(1));
            }
            _ => count = Some(raw.to_owned()),
        }
    }
    query.count = request::count(count, query.cursor.is_some())?;
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

fn unless_blank(text: String) -> Option<String> {
    (!text.trim().is_empty()).then_some(text)
}
