//! Reading one text out of a user's document by a path that an administrator wrote:
//! `title`, `name.givenName`, `emails[type eq "work"].value`,
//! `urn:…:2.0:User:department`.
//!
//! Brackets are chosen by the evaluator of filters, so they mean what they mean there.
//! This module must not know what the text is for.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::AttrPath;
use super::coerce::is_stored;
use crate::config::Dialect;
use crate::error::quoted;
use crate::filter::lexer::SyntaxError;
use crate::filter::parser::value_path;
use crate::filter::{Expr, resolve_elements};
use crate::schema::{Attribute, ResourceType, Schema, Target};

/// A path whose first text is read.
#[derive(Clone, Debug, PartialEq)]
pub struct TextPath {
    extension: Option<String>,
    /// Was the extension left out: some clients leave it out too.
    bare: bool,
    attribute: String,
    elements: Option<Expr>,
    sub: Option<String>,
}

impl TextPath {
    /// Reads a path. One that no schema declares is taken as it stands, for clients send
    /// attributes of their own; but not with brackets, for what may stand in them is
    /// known of declared lists alone. A bare name that only an extension declares is
    /// that extension's, or where it has none, what was sent under the bare name.
    ///
    /// # Errors
    /// Malformed ones, parts that a declared attribute does not have, and what nobody may
    /// read or no document holds.
    pub fn parse(text: &str, rt: &ResourceType) -> Result<Self, SyntaxError> {
        let parsed = value_path(text)?;
        let path = AttrPath {
            sub: parsed.tail.or(parsed.path.sub),
            ..parsed.path
        };
        let wrong = |what: String| SyntaxError::at(text, 0, what);
        let Some((extension, attribute)) = declared(&path, rt) else {
            return match (&parsed.filter, of_known_schema(&path, rt)) {
                (Some(_), _) => Err(wrong(format!(
                    "{} is not declared, and only lists that a standard schema declares take brackets",
                    quoted(&path.attr)
                ))),
                (None, Some(schema)) => Err(wrong(format!(
                    "{} has no attribute {}",
                    quoted(&schema.id),
                    quoted(&path.attr)
                ))),
                (None, None) => Ok(Self {
                    extension: path.schema,
                    bare: false,
                    attribute: path.attr,
                    elements: None,
                    sub: path.sub,
                }),
            };
        };
        let sub = match path.sub.as_deref() {
            None => None,
            Some(sub) => Some(attribute.sub(sub).ok_or_else(|| {
                wrong(format!(
                    "{} has no part {}",
                    quoted(&attribute.name),
                    quoted(sub)
                ))
            })?),
        };
        let unread = |attribute: &&Attribute| attribute.is_secret() || !is_stored(attribute);
        if std::iter::once(attribute)
            .chain(sub)
            .any(|one| unread(&one))
        {
            return Err(wrong(format!(
                "{} is not part of what can be read of a user",
                quoted(&path.to_string())
            )));
        }
        let elements = match &parsed.filter {
            None => None,
            Some(_) if !attribute.multi_valued => {
                return Err(wrong(format!(
                    "{} is not a list and takes no brackets",
                    quoted(&attribute.name)
                )));
            }
            Some(filter) => Some(
                resolve_elements(filter, extension, attribute, Dialect::Auto)
                    .map_err(|error| wrong(error.detail))?,
            ),
        };
        Ok(Self {
            extension: extension.map(|schema| schema.id.clone()),
            bare: path.schema.is_none(),
            attribute: attribute.name.clone(),
            elements,
            sub: sub.map(|sub| sub.name.clone()),
        })
    }

    /// The first text that is not blank, trimmed. Numbers and booleans are texts too; of
    /// an object it is the `value` (RFC 7643 section 2.4).
    pub fn first<'a>(&self, document: &'a Map<String, Value>) -> Option<Cow<'a, str>> {
        let Some(urn) = &self.extension else {
            return self.first_in(document);
        };
        let extension = member(document, urn).and_then(Value::as_object);
        let found = extension.and_then(|extension| self.first_in(extension));
        match found {
            None if self.bare => self.first_in(document),
            found => found,
        }
    }

    fn first_in<'a>(&self, map: &'a Map<String, Value>) -> Option<Cow<'a, str>> {
        let value = member(map, &self.attribute)?;
        each(value).find_map(|element| {
            if let Some(wanted) = &self.elements
                && !wanted.matches_element(element)
            {
                return None;
            }
            match &self.sub {
                None => text_of(element),
                Some(sub) => each(member(element.as_object()?, sub)?).find_map(text_of),
            }
        })
    }
}

/// What a path names, if a schema declares the attribute.
fn declared<'a>(
    path: &AttrPath,
    rt: &'a ResourceType,
) -> Option<(Option<&'a Schema>, &'a Attribute)> {
    let whole = AttrPath {
        sub: None,
        ..path.clone()
    };
    if let Some(Target::Attribute {
        extension,
        attribute,
        ..
    }) = rt.resolve(&whole)
    {
        return Some((extension, attribute));
    }
    if path.schema.is_some() {
        return None;
    }
    let mut extensions = rt.extensions.iter();
    extensions.find_map(|schema| Some((Some(schema), schema.attribute(&path.attr)?)))
}

/// The schema that the path names, if it is declared.
fn of_known_schema<'a>(path: &AttrPath, rt: &'a ResourceType) -> Option<&'a Schema> {
    rt.schema(path.schema.as_deref()?)
}

fn member<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    // RFC 7643 2.1: attribute names are case insensitive; undeclared ones are stored in
    // the case they were sent.
    map.get(name).or_else(|| {
        let mut members = map.iter();
        members
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// The elements of a list, or the value itself.
fn each(value: &Value) -> impl Iterator<Item = &Value> {
    let (list, one) = match value {
        Value::Array(list) => (list.as_slice(), None),
        value => (&[] as &[Value], Some(value)),
    };
    list.iter().chain(one)
}

fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    let value = match value {
        Value::Object(map) => member(map, "value")?,
        value => value,
    };
    let text = match value {
        Value::String(text) => Cow::Borrowed(text.trim()),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::directory::Kind;
    use crate::schema::{ENTERPRISE_USER, Registry};
    use proptest::prelude::*;
    use serde_json::json;

    fn rt() -> &'static ResourceType {
        Registry::standard().resource_type(Kind::User)
    }

    fn document() -> Map<String, Value> {
        let user = json!({
            "userName": " ana ", "title": "", "employee": 7, "Shoe": {"Size": 42},
            "name": {"givenName": "Ana"},
            "emails": [{"value": "a@home", "type": "home"}, {"value": " ", "type": "work"},
                {"value": "a@work", "type": "WORK", "primary": true}],
            "colours": [null, "", "red", "blue"], "remote": true, "Division": "North",
            ENTERPRISE_USER: {"department": "IT", "manager": {"value": "m1"}},
            "urn:example:Badge": {"Number": "B7"},
        });
        user.as_object().unwrap().clone()
    }

    fn first(path: &str) -> Option<String> {
        let path = TextPath::parse(path, rt()).unwrap();
        path.first(&document()).map(Cow::into_owned)
    }

    #[test]
    fn the_first_text_that_is_not_blank_is_read() {
        let department = format!("{ENTERPRISE_USER}:department");
        let division = format!("{ENTERPRISE_USER}:division");
        for (path, expected) in [
            ("userName", Some("ana")),
            ("USERNAME", Some("ana")),
            ("title", None),
            ("name.givenName", Some("Ana")),
            ("name.familyName", None),
            ("name", None),
            ("emails", Some("a@home")),
            ("emails.value", Some("a@home")),
            ("emails.type", Some("home")),
            ("emails[type eq \"work\"].value", Some("a@work")),
            ("emails[primary eq true]", Some("a@work")),
            ("emails[type eq \"other\"].value", None),
            ("employee", Some("7")),
            ("remote", Some("true")),
            ("colours", Some("red")),
            ("shoe.size", Some("42")),
            ("urn:example:badge:number", Some("B7")),
            (department.as_str(), Some("IT")),
            ("department", Some("IT")),
            ("manager", Some("m1")),
            ("manager.value", Some("m1")),
            ("costCenter", None),
            ("division", Some("North")),
            (division.as_str(), None),
        ] {
            assert_eq!(first(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_a_reason() {
        let departmnt = format!("{ENTERPRISE_USER}:departmnt");
        for (path, reason) in [
            ("", "attribute name"),
            ("a b", "end of the path"),
            ("password", "not part of what can be read"),
            ("groups", "not part of what can be read"),
            ("id", "not part of what can be read"),
            ("manager.displayName", "not part of what can be read"),
            ("name.givenNam", "has no part"),
            ("title.value", "has no part"),
            (departmnt.as_str(), "has no attribute"),
            ("shoes[size eq 5]", "only lists"),
            ("name[givenName eq \"x\"]", "not a list"),
            ("emails[shoe eq 1]", "no sub-attribute"),
            ("emails[type eq work]", "double quotes"),
        ] {
            let error = TextPath::parse(path, rt()).unwrap_err();
            assert!(error.what.contains(reason), "{path}: {}", error.what);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            if let Ok(path) = TextPath::parse(&text, rt()) {
                path.first(&document());
            }
        }
    }
}
