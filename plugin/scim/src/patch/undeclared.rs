//! Operations on attributes that no schema declares. POST and PUT keep them as they
//! are sent, so PATCH has to change them, or a value would stay for ever.

use super::apply::with_object;
use super::parse::{Op, is_null};
use crate::error::{ScimError, quoted};
use crate::resource::coerce::is_stored;
use crate::resource::tree::read_tree;
use crate::resource::validate::is_edges;
use crate::resource::{AttrPath, Checker};
use crate::schema::{Attribute, ResourceType};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// One operation on what a text names.
pub(super) struct Undeclared<'t> {
    op: Op,
    text: &'t str,
    value: Option<Value>,
    /// The bytes of one more copy of the value.
    size: usize,
}

impl<'t> Undeclared<'t> {
    /// Reads the value, if there is room for it.
    pub(super) fn read(
        checker: &mut Checker<'_>,
        op: Op,
        text: &'t str,
        value: Option<&RawValue>,
    ) -> Result<Self, ScimError> {
        let raw = value.filter(|raw| !is_null(raw));
        let size = raw.map_or(0, |raw| raw.get().len());
        checker.room.take(size, &quoted(text))?;
        let value = raw.map(|raw| read_tree(raw, &quoted(text))).transpose()?;
        Ok(Self {
            op,
            text,
            // RFC 7643 2.5: the empty array is the same as absent.
            value: value.filter(|value| value != &Value::Array(Vec::new())),
            size,
        })
    }

    /// Changes the document; false if it is a place where POST keeps nothing. `path`
    /// is none for a name that is no path.
    pub(super) fn edit(
        self,
        checker: &mut Checker<'_>,
        document: &mut Map<String, Value>,
        path: Option<&AttrPath>,
        rt: &ResourceType,
    ) -> Result<bool, ScimError> {
        // What is there under the very name comes first: a POST may have put it there.
        if let Some(name) = existing(document, self.text) {
            self.set(document, name);
            return Ok(true);
        }
        let Some(path) = path else {
            let (extension, name) = rt.split_urn(self.text);
            match extension {
                Some(urn) => with_object(document, urn, |map| self.set_any_case(map, name)),
                None => self.set(document, name.to_owned()),
            }
            return Ok(true);
        };
        let Some(urn) = path.schema.as_deref() else {
            return self.at(checker, document, path, rt.attribute(&path.attr), rt);
        };
        match rt.schema(urn) {
            Some(schema) if schema.id == rt.core.id => {
                self.at(checker, document, path, rt.attribute(&path.attr), rt)
            }
            Some(schema) => with_object(document, &schema.id, |map| {
                self.at(checker, map, path, schema.attribute(&path.attr), rt)
            }),
            None => self.foreign(checker, document, urn, path, rt),
        }
    }

    /// A name under a URN no schema has.
    fn foreign(
        self,
        checker: &mut Checker<'_>,
        document: &mut Map<String, Value>,
        urn: &str,
        path: &AttrPath,
        rt: &ResourceType,
    ) -> Result<bool, ScimError> {
        let known = existing(document, urn);
        // A URN alone reads like an attribute of a shorter one. An object that belongs
        // to nothing that is there is taken as a whole extension.
        if known.is_none() && path.sub.is_none() && matches!(self.value, Some(Value::Object(_))) {
            self.set(document, self.text.to_owned());
            return Ok(true);
        }
        let name = known.unwrap_or_else(|| urn.to_owned());
        if document.get(&name).is_some_and(|value| !value.is_object()) && self.op == Op::Remove {
            return Ok(true);
        }
        with_object(document, &name, |map| self.at(checker, map, path, None, rt))
    }

    /// An attribute of this object, or a part of one.
    fn at(
        self,
        checker: &mut Checker<'_>,
        map: &mut Map<String, Value>,
        path: &AttrPath,
        declared: Option<&Attribute>,
        rt: &ResourceType,
    ) -> Result<bool, ScimError> {
        let Some(sub) = &path.sub else {
            self.set_any_case(map, &path.attr);
            return Ok(true);
        };
        if let Some(attribute) = declared
            && (!attribute.is_complex() || !is_stored(attribute) || is_edges(rt, attribute))
        {
            return Ok(false);
        }
        let name = match declared {
            Some(attribute) => attribute.name.clone(),
            None => existing(map, &path.attr).unwrap_or_else(|| path.attr.clone()),
        };
        let is_list = declared.is_some_and(|attribute| attribute.multi_valued);
        match map.get_mut(&name) {
            Some(Value::Array(list)) => self.set_in_each(checker, list, sub)?,
            // There is no element to change.
            None if is_list => {}
            None | Some(Value::Object(_)) => {
                with_object(map, &name, |object| self.set_any_case(object, sub));
            }
            Some(_) if self.is_removal() => {}
            Some(_) => with_object(map, &name, |object| self.set_any_case(object, sub)),
        }
        Ok(true)
    }

    fn set_in_each(
        &self,
        checker: &mut Checker<'_>,
        list: &mut Vec<Value>,
        sub: &str,
    ) -> Result<(), ScimError> {
        for element in list.iter_mut().filter_map(Value::as_object_mut) {
            checker.room.take(self.size, &quoted(self.text))?;
            self.set_any_case(element, sub);
        }
        list.retain(|element| element.as_object().is_none_or(|map| !map.is_empty()));
        Ok(())
    }

    fn is_removal(&self) -> bool {
        self.op == Op::Remove || self.value.is_none()
    }

    fn set_any_case(&self, map: &mut Map<String, Value>, name: &str) {
        let name = existing(map, name).unwrap_or_else(|| name.to_owned());
        self.set(map, name);
    }

    /// Does the operation on the value under exactly this name.
    fn set(&self, map: &mut Map<String, Value>, name: String) {
        let Some(value) = &self.value else {
            map.remove(&name);
            return;
        };
        match (self.op, map.get_mut(&name), value) {
            (Op::Remove, Some(Value::Array(list)), value) => {
                let gone: BTreeSet<String> = as_list(value).iter().map(Value::to_string).collect();
                list.retain(|element| !gone.contains(&element.to_string()));
                if list.is_empty() {
                    map.remove(&name);
                }
            }
            (Op::Remove, _, _) => {
                map.remove(&name);
            }
            // RFC 7644 3.5.2.3: sub-attributes that are not specified stay.
            (_, Some(Value::Object(object)), Value::Object(new)) => merge(object, new),
            (Op::Add, Some(Value::Array(list)), value) => {
                let mut known: BTreeSet<String> = list.iter().map(Value::to_string).collect();
                let new = as_list(value).iter();
                list.extend(new.filter(|new| known.insert(new.to_string())).cloned());
            }
            _ => {
                map.insert(name, value.clone());
            }
        }
    }
}

/// The name in the case it is there (RFC 7643 2.1: names are case-insensitive).
fn existing(map: &Map<String, Value>, name: &str) -> Option<String> {
    if map.contains_key(name) {
        return Some(name.to_owned());
    }
    map.keys()
        .find(|known| known.eq_ignore_ascii_case(name))
        .cloned()
}

fn as_list(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        one => std::slice::from_ref(one),
    }
}

fn merge(object: &mut Map<String, Value>, new: &Map<String, Value>) {
    let known: BTreeMap<String, String> = object
        .keys()
        .map(|name| (name.to_ascii_lowercase(), name.clone()))
        .collect();
    for (name, value) in new {
        let name = known.get(&name.to_ascii_lowercase()).unwrap_or(name);
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
}

#[cfg(test)]
#[path = "undeclared_tests.rs"]
mod tests;
