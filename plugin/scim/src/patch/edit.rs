//! One operation on one attribute: what `add`, `replace` and `remove` do to a
//! singular value, a complex one and a whole list (RFC 7644 sections 3.5.2.1 to
//! 3.5.2.3). Elements chosen by a filter are in `elements`.

use super::apply::with_object;
use super::elements::{Elements, append, identities};
use super::parse::{Op, is_null};
use super::path::AttributePath;
use crate::error::{ScimError, ScimType, quoted};
use crate::resource::coerce::check_length;
use crate::resource::tree::read_tree;
use crate::resource::{Checker, Rule, Trail};
use crate::schema::Attribute;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Applies an operation to an attribute of `container`: the document, or an extension
/// in it.
pub(super) fn edit(
    checker: &mut Checker<'_>,
    container: &mut Map<String, Value>,
    op: Op,
    path: &AttributePath<'_>,
    value: Option<&RawValue>,
) -> Result<(), ScimError> {
    let attribute = path.attribute;
    let value: Option<Value> = match value.filter(|raw| !is_null(raw)) {
        None => None,
        Some(raw) => {
            let name = quoted(&attribute.name);
            checker.room.take(raw.get().len(), &name)?;
            Some(read_tree(raw, &name)?)
        }
    };
    let urn = path.extension.map(|schema| Trail::urn(&schema.id));
    let trail = match &urn {
        Some(urn) => urn.name(&attribute.name),
        None => Trail::root(&attribute.name),
    };
    if op == Op::Remove {
        check_removable(path, value.is_some())?;
    }
    // Several clients unset an attribute by `null` (RFC 7643 2.5: null is absent).
    let change = match (op, value) {
        (Op::Remove, value) => Change::Remove(value),
        (Op::Add | Op::Replace, None) => Change::Remove(None),
        (Op::Add, Some(value)) => Change::Add(value),
        (Op::Replace, Some(value)) => Change::Replace(value),
    };
    let mut editor = Editor {
        checker,
        attribute,
        trail,
    };
    if attribute.multi_valued {
        let had_some = container.contains_key(&attribute.name);
        editor.list(container, path, change)?;
        // RFC 7644 3.5.2.2: the same if it becomes unassigned.
        if op == Op::Remove
            && attribute.required
            && had_some
            && !container.contains_key(&attribute.name)
        {
            return Err(is_required(attribute));
        }
        return Ok(());
    }
    match path.sub {
        None => editor.singular(container, change),
        Some(sub) => with_object(container, &attribute.name, |object| {
            editor.part(object, sub, change)
        }),
    }
}

/// An operation with its value read.
pub(super) enum Change {
    /// Everything, or what the value says.
    Remove(Option<Value>),
    Add(Value),
    Replace(Value),
}

pub(super) struct Editor<'e, 'n> {
    pub(super) checker: &'e mut Checker<'n>,
    pub(super) attribute: &'e Attribute,
    pub(super) trail: Trail<'e>,
}

impl Editor<'_, '_> {
    fn singular(
        &mut self,
        container: &mut Map<String, Value>,
        change: Change,
    ) -> Result<(), ScimError> {
        let name = &self.attribute.name;
        let (value, clears) = match change {
            Change::Remove(_) => {
                container.remove(name);
                return Ok(());
            }
            Change::Add(value) => (value, false),
            Change::Replace(value) => (value, true),
        };
        if let (true, Value::Object(sent)) = (self.attribute.is_complex(), &value) {
            let cleared = if clears {
                self.cleared(sent)
            } else {
                Vec::new()
            };
            let new = self.checker.single(self.attribute, value, &self.trail)?;
            // RFC 7644 3.5.2.3: sub-attributes that are not specified stay.
            with_object(container, name, |object| {
                cleared.iter().for_each(|sub| {
                    object.remove(sub);
                });
                if let Some(Value::Object(new)) = new {
                    object.extend(new);
                }
            });
            return Ok(());
        }
        match self.checker.single(self.attribute, value, &self.trail)? {
            Some(value) => container.insert(name.clone(), value),
            None => container.remove(name),
        };
        Ok(())
    }

    /// Sub-attributes that are sent as null.
    fn cleared(&self, sent: &Map<String, Value>) -> Vec<String> {
        sent.iter()
            .filter(|(_, value)| value.is_null())
            .filter_map(|(name, _)| self.attribute.sub(name))
            .map(|sub| sub.name.clone())
            .collect()
    }

    /// One sub-attribute of a complex value or of an element.
    pub(super) fn part(
        &mut self,
        object: &mut Map<String, Value>,
        sub: &Attribute,
        change: Change,
    ) -> Result<(), ScimError> {
        let value = match change {
            Change::Remove(_) => None,
            Change::Add(value) | Change::Replace(value) => {
                let trail = self.trail.name(&sub.name);
                self.checker.value(sub, value, &trail)?
            }
        };
        match value {
            Some(value) => object.insert(sub.name.clone(), value),
            None => object.remove(&sub.name),
        };
        Ok(())
    }

    fn list(
        &mut self,
        container: &mut Map<String, Value>,
        path: &AttributePath<'_>,
        change: Change,
    ) -> Result<(), ScimError> {
        let name = &self.attribute.name;
        let mut list = match container.remove(name) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        if path.filter.is_some() || path.sub.is_some() {
            let elements = Elements::new(path, self.checker.dialect)?;
            elements.edit(self, &mut list, change)?;
        } else {
            self.whole_list(&mut list, change)?;
        }
        check_length(list.len(), &self.trail)?;
        if !list.is_empty() {
            container.insert(name.clone(), Value::Array(list));
        }
        Ok(())
    }

    fn whole_list(&mut self, list: &mut Vec<Value>, change: Change) -> Result<(), ScimError> {
        match change {
            Change::Remove(None) => list.clear(),
            Change::Remove(Some(value)) => {
                let trail = self.trail;
                if !self.checker.accepts(Rule::RemoveByValue, || {
                    format!("`remove` of `{trail}` named elements in its value")
                }) {
                    return Err(ScimError::invalid_value(format!(
                        "`remove` takes no value; choose elements as in `{trail}[value eq \"…\"]`"
                    )));
                }
                let gone = self.elements(value)?;
                let gone = identities(self.attribute, &gone);
                list.retain(|element| !gone.names(self.attribute, element));
            }
            Change::Replace(value) => *list = self.elements(value)?,
            Change::Add(value) => {
                let new = self.elements(value)?;
                append(self.attribute, list, new);
            }
        }
        Ok(())
    }

    /// One element; a list of one is as good.
    pub(super) fn element(&mut self, value: Value) -> Result<Option<Value>, ScimError> {
        let value = match value {
            Value::Array(mut list) if list.len() == 1 => list.pop().unwrap_or_default(),
            other => other,
        };
        self.checker.single(self.attribute, value, &self.trail)
    }

    fn elements(&mut self, value: Value) -> Result<Vec<Value>, ScimError> {
        Ok(
            match self.checker.value(self.attribute, value, &self.trail)? {
                Some(Value::Array(list)) => list,
                _ => Vec::new(),
            },
        )
    }
}

fn check_removable(path: &AttributePath<'_>, by_value: bool) -> Result<(), ScimError> {
    let target = path.sub.unwrap_or(path.attribute);
    // What is left of a list is looked at afterwards.
    let some_only =
        path.sub.is_none() && (path.filter.is_some() || by_value && path.attribute.multi_valued);
    if target.required && !some_only {
        // RFC 7644 3.5.2.2: removing a required attribute is a mutability error.
        return Err(is_required(target));
    }
    Ok(())
}

fn is_required(attribute: &Attribute) -> ScimError {
    ScimError::bad_request(
        ScimType::Mutability,
        format!("`{}` is required and cannot be removed", attribute.name),
    )
}
