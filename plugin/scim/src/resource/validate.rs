//! Whole bodies: what POST and PUT may send, and what every stored document keeps
//! to, whichever way it came about.

use super::coerce::{Checker, Trail, check_duplicates, is_stored};
use super::notes::Notes;
use super::rules::Rule;
use super::value::{is_absent, kind_name};
use crate::config::Config;
use crate::directory::Kind;
use crate::error::{ScimError, ScimType, quoted};
use crate::patch::join_equal;
use crate::schema::{Attribute, Attributes, Mutability, ResourceType};
use serde_json::{Map, Value};

/// Group members are edges of the directory and never part of a document.
pub(crate) const MEMBERS: &str = "members";
/// The one list whose elements are useless without a value.
const EMAILS: &str = "emails";

/// Is this the attribute that is kept as edges.
pub(crate) fn is_edges(rt: &ResourceType, attribute: &Attribute) -> bool {
    rt.kind == Kind::Group && attribute.name == MEMBERS
}

/// A body as the document that is stored: canonical names, checked types, without
/// `schemas` and what the server alone sets. What no schema declares is kept as it
/// was sent and noted. A group's `members`, which [`Body::read`](super::Body::read) takes
/// out before, stay as they are, under that name.
///
/// Fails with `invalidSyntax` if the body is no object, names an attribute twice or
/// has the wrong `schemas`, and with `invalidValue` if a value does not suit its
/// attribute or a required one is missing.
pub fn normalize(
    body: Value,
    rt: &ResourceType,
    config: &Config,
    notes: &mut Notes,
) -> Result<Map<String, Value>, ScimError> {
    let Value::Object(map) = body else {
        return Err(ScimError::invalid_syntax(format!(
            "the body must be a JSON object, not {}",
            kind_name(&body)
        )));
    };
    check_duplicates(&map, None)?;
    let mut checker = Checker::new(config.dialect, notes);
    let mut document = Map::new();
    let mut schemas = Value::Null;
    for (name, value) in map {
        if name.eq_ignore_ascii_case("schemas") {
            schemas = value;
        } else {
            checker.attribute(&mut document, name, value, rt)?;
        }
    }
    checker.schemas(&schemas, rt)?;
    checker.finish(&mut document, rt)?;
    Ok(document)
}

/// Is there anything that may be set only once: saves a copy of the document.
pub(crate) fn has_immutable(rt: &ResourceType) -> bool {
    fn any(attributes: &Attributes) -> bool {
        attributes.iter().any(|attribute| {
            attribute.mutability == Mutability::Immutable
                || is_object(attribute) && any(&attribute.sub_attributes)
        })
    }
    any(&rt.core.attributes) || rt.extensions.iter().any(|schema| any(&schema.attributes))
}

/// Is it one object, whose parts are set one by one. Of a list of objects nobody can
/// tell whether an element was changed, or removed and another one added, which may be.
fn is_object(attribute: &Attribute) -> bool {
    attribute.is_complex() && !attribute.multi_valued
}

/// Refuses a change of what may be set only once (RFC 7643 section 7, `immutable`).
pub fn check_immutable(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    rt: &ResourceType,
) -> Result<(), ScimError> {
    unchanged(&rt.core.attributes, before, Some(after), None)?;
    for schema in &rt.extensions {
        if let Some(before) = before.get(&schema.id).and_then(Value::as_object) {
            let after = after.get(&schema.id).and_then(Value::as_object);
            let trail = Trail::urn(&schema.id);
            unchanged(&schema.attributes, before, after, Some(&trail))?;
        }
    }
    Ok(())
}

fn unchanged(
    declared: &Attributes,
    before: &Map<String, Value>,
    after: Option<&Map<String, Value>>,
    trail: Option<&Trail<'_>>,
) -> Result<(), ScimError> {
    for attribute in declared.iter() {
        let Some(old) = before.get(&attribute.name) else {
            continue;
        };
        let new = after.and_then(|map| map.get(&attribute.name));
        let here = Trail::below(trail, &attribute.name);
        if attribute.mutability == Mutability::Immutable {
            if new != Some(old) {
                return Err(ScimError::bad_request(
                    ScimType::Mutability,
                    format!("`{here}` can be set only once"),
                ));
            }
        } else if let (true, Some(old)) = (is_object(attribute), old.as_object()) {
            let new = new.and_then(Value::as_object);
            unchanged(&attribute.sub_attributes, old, new, Some(&here))?;
        }
    }
    Ok(())
}

/// The document that a PUT makes of another. What may be set only once stays where the
/// client leaves it out, for it cannot be taken away and a client need not know it.
///
/// Fails with `mutability` if the client sends another value of it (RFC 7644 3.5.1).
pub(crate) fn replacement(
    before: &Map<String, Value>,
    mut after: Map<String, Value>,
    rt: &ResourceType,
) -> Result<Map<String, Value>, ScimError> {
    if !has_immutable(rt) {
        return Ok(after);
    }
    keep_immutable(&rt.core.attributes, before, &mut after);
    for schema in &rt.extensions {
        keep_below(&schema.id, &schema.attributes, before, &mut after);
    }
    check_immutable(before, &after, rt)?;
    Ok(after)
}

fn keep_immutable(
    declared: &Attributes,
    before: &Map<String, Value>,
    after: &mut Map<String, Value>,
) {
    for attribute in declared.iter() {
        if attribute.mutability == Mutability::Immutable {
            if let (Some(old), false) = (
                before.get(&attribute.name),
                after.contains_key(&attribute.name),
            ) {
                after.insert(attribute.name.clone(), old.clone());
            }
        } else if is_object(attribute) {
            keep_below(&attribute.name, &attribute.sub_attributes, before, after);
        }
    }
}

/// The same in an extension or a part that is an object.
fn keep_below(
    name: &str,
    declared: &Attributes,
    before: &Map<String, Value>,
    after: &mut Map<String, Value>,
) {
    let Some(Value::Object(before)) = before.get(name) else {
        return;
    };
    match after.get_mut(name) {
        Some(Value::Object(after)) => keep_immutable(declared, before, after),
        Some(_) => {}
        None => {
            let mut kept = Map::new();
            keep_immutable(declared, before, &mut kept);
            if !kept.is_empty() {
                // What stays has to be whole, or no later change would be accepted.
                for required in declared.iter().filter(|attribute| attribute.required) {
                    if let Some(old) = before.get(&required.name) {
                        kept.insert(required.name.clone(), old.clone());
                    }
                }
                after.insert(name.to_owned(), Value::Object(kept));
            }
        }
    }
}

impl Checker<'_> {
    /// One top-level member of a body.
    fn attribute(
        &mut self,
        document: &mut Map<String, Value>,
        name: String,
        value: Value,
        rt: &ResourceType,
    ) -> Result<(), ScimError> {
        if let Some(schema) = rt.extension(&name) {
            let trail = Trail::urn(&schema.id);
            let map = match value {
                Value::Null => return Ok(()),
                Value::Object(map) => map,
                other => {
                    return Err(ScimError::invalid_value(format!(
                        "`{trail}` must be an object, not {}",
                        kind_name(&other)
                    )));
                }
            };
            let kept = self.object(&schema.attributes, map, &trail)?;
            if !kept.is_empty() {
                document.insert(schema.id.clone(), Value::Object(kept));
            }
            return Ok(());
        }
        let Some(attribute) = rt.attribute(&name) else {
            self.keep_undeclared(document, name, value, None);
            return Ok(());
        };
        if is_edges(rt, attribute) {
            document.insert(attribute.name.clone(), value);
            return Ok(());
        }
        // RFC 7644 3.3: what is readOnly is ignored. A password is never kept.
        if !is_stored(attribute) {
            return Ok(());
        }
        if let Some(value) = self.value(attribute, value, &Trail::root(&attribute.name))? {
            document.insert(attribute.name.clone(), value);
        }
        Ok(())
    }

    /// `schemas` of a body.
    fn schemas(&mut self, sent: &Value, rt: &ResourceType) -> Result<(), ScimError> {
        let core = &rt.core.id;
        let missing =
            || ScimError::invalid_syntax(format!("`schemas` must be a list that holds `{core}`"));
        if is_absent(sent) {
            // RFC 7643 3: schemas is required. Many hand-made clients leave it out,
            // and the endpoint says what is meant.
            return if self.accepts(Rule::MissingSchemas, || "`schemas` was not sent".to_owned()) {
                Ok(())
            } else {
                Err(missing())
            };
        }
        let list = sent.as_array().ok_or_else(missing)?;
        let mut found = false;
        for urn in list {
            let urn = urn.as_str().ok_or_else(missing)?;
            if core.eq_ignore_ascii_case(urn) {
                found = true;
            } else if rt.extension(urn).is_none()
                && !self.accepts(Rule::UnknownSchema, || {
                    format!("{} is no schema of this resource", quoted(urn))
                })
            {
                return Err(ScimError::invalid_value(format!(
                    "`schemas` holds {}, which is no schema of this resource; `/Schemas` lists \
                     those that exist",
                    quoted(urn)
                )));
            }
        }
        if found { Ok(()) } else { Err(missing()) }
    }

    /// What every document keeps to: required attributes have a value, lists have
    /// one primary, e-mails have an address.
    pub(crate) fn finish(
        &mut self,
        document: &mut Map<String, Value>,
        rt: &ResourceType,
    ) -> Result<(), ScimError> {
        self.finish_object(&rt.core.attributes, document, None)?;
        for schema in &rt.extensions {
            if let Some(Value::Object(map)) = document.get_mut(&schema.id) {
                self.finish_object(&schema.attributes, map, Some(&Trail::urn(&schema.id)))?;
                if map.is_empty() {
                    document.remove(&schema.id);
                }
            }
        }
        Ok(())
    }

    fn finish_object(
        &mut self,
        declared: &Attributes,
        map: &mut Map<String, Value>,
        trail: Option<&Trail<'_>>,
    ) -> Result<(), ScimError> {
        for attribute in declared.iter() {
            let here = Trail::below(trail, &attribute.name);
            if attribute.is_complex() {
                match map.get_mut(&attribute.name) {
                    Some(Value::Array(list)) if attribute.multi_valued => {
                        self.finish_list(attribute, list, &here)?;
                        if list.is_empty() {
                            map.remove(&attribute.name);
                        }
                    }
                    Some(Value::Object(value)) => {
                        check_required(&attribute.sub_attributes, value, &here)?;
                        if value.is_empty() {
                            map.remove(&attribute.name);
                        }
                    }
                    _ => {}
                }
            }
            if attribute.required && is_stored(attribute) && is_blank(map.get(&attribute.name)) {
                return Err(missing_value(&here));
            }
        }
        Ok(())
    }

    fn finish_list(
        &mut self,
        attribute: &Attribute,
        list: &mut Vec<Value>,
        trail: &Trail<'_>,
    ) -> Result<(), ScimError> {
        list.retain(|element| !is_absent(element));
        if attribute.name == EMAILS {
            let before = list.len();
            list.retain(|element| !is_blank(element.get("value")));
            if list.len() < before
                && !self.accepts(Rule::DropEmptyEmail, || {
                    format!("`{trail}` held entries without an address; left out")
                })
            {
                return Err(ScimError::invalid_value(format!(
                    "every entry of `{trail}` must have a `value`"
                )));
            }
        }
        for element in list.iter() {
            if let Value::Object(element) = element {
                check_required(&attribute.sub_attributes, element, trail)?;
            }
        }
        // RFC 7643 2.4: the same type and value SHOULD NOT be returned more than once.
        join_equal(attribute, list);
        if attribute.sub("primary").is_some() {
            self.one_primary(list, trail)?;
        }
        Ok(())
    }

    /// RFC 7643 2.4: the primary value true MUST appear no more than once.
    fn one_primary(&mut self, list: &mut [Value], trail: &Trail<'_>) -> Result<(), ScimError> {
        let primaries = list.iter().filter(|element| is_primary(element)).count();
        if primaries < 2 {
            return Ok(());
        }
        if !self.accepts(Rule::SeveralPrimaries, || {
            format!("`{trail}` has several primary values; the last one counts")
        }) {
            return Err(ScimError::invalid_value(format!(
                "`{trail}` has {primaries} values with `primary` true; at most one may be"
            )));
        }
        let mut seen = false;
        for element in list.iter_mut().rev() {
            if is_primary(element) {
                if seen {
                    set_primary(element, false);
                }
                seen = true;
            }
        }
        Ok(())
    }
}

/// Is the element the primary one.
pub(crate) fn is_primary(element: &Value) -> bool {
    element.get("primary").and_then(Value::as_bool) == Some(true)
}

/// Makes an element the primary one, or no longer.
pub(crate) fn set_primary(element: &mut Value, primary: bool) {
    if let Value::Object(map) = element {
        map.insert("primary".to_owned(), Value::Bool(primary));
    }
}

/// Missing, or text without a visible character.
fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(value) => is_absent(value),
    }
}

fn check_required(
    declared: &Attributes,
    map: &Map<String, Value>,
    trail: &Trail<'_>,
) -> Result<(), ScimError> {
    let missing = declared
        .iter()
        .find(|sub| sub.required && is_stored(sub) && is_blank(map.get(&sub.name)));
    match missing {
        Some(sub) => Err(missing_value(&trail.name(&sub.name))),
        None => Ok(()),
    }
}

fn missing_value(trail: &Trail<'_>) -> ScimError {
    ScimError::invalid_value(format!("`{trail}` is required and must not be blank"))
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
