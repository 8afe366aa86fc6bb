//! Elements of a list: choosing them by the filter of a value path, making one that
//! does not exist yet, telling two apart.

use super::edit::{Change, Editor};
use super::path::AttributePath;
use crate::config::Dialect;
use crate::error::{ScimError, ScimType, quoted};
use crate::filter::ast::{CompareOp, Condition, Literal};
use crate::filter::{Expr, Filter, resolve_elements};
use crate::fold::fold;
use crate::resource::Rule;
use crate::resource::validate::{is_primary, set_primary};
use crate::schema::Attribute;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The elements a path chooses.
pub(super) struct Elements<'p> {
    filter: Option<&'p Filter>,
    expr: Option<Expr>,
    sub: Option<&'p Attribute>,
}

impl<'p> Elements<'p> {
    pub(super) fn new(path: &'p AttributePath<'p>, dialect: Dialect) -> Result<Self, ScimError> {
        let expr = match &path.filter {
            None => None,
            Some(filter) => Some(resolve_elements(
                filter,
                path.extension,
                path.attribute,
                dialect,
            )?),
        };
        Ok(Self {
            filter: path.filter.as_ref(),
            expr,
            sub: path.sub,
        })
    }

    fn chooses(&self, element: &Value) -> bool {
        self.expr
            .as_ref()
            .is_none_or(|expr| expr.matches_element(element))
    }

    /// Changes the chosen elements.
    pub(super) fn edit(
        &self,
        editor: &mut Editor<'_, '_>,
        list: &mut Vec<Value>,
        change: Change,
    ) -> Result<(), ScimError> {
        let (value, replaces) = match change {
            Change::Remove(_) => {
                self.remove(list);
                return Ok(());
            }
            Change::Add(value) => (value, false),
            Change::Replace(value) => (value, true),
        };
        // The value is checked once and then given to every chosen element.
        let Some(new) = self.new_value(editor, value)? else {
            self.remove(list);
            return Ok(());
        };
        let mut primary = None;
        let mut found = false;
        // A text kept once for each of a thousand elements would not fit into memory.
        let size = serde_json::to_vec(&new).map_or(0, |text| text.len());
        for (place, element) in list.iter_mut().enumerate() {
            if !self.chooses(element) {
                continue;
            }
            if found {
                let name = quoted(&editor.attribute.name);
                editor.checker.room.take(size, &name)?;
            }
            found = true;
            // RFC 7644 3.5.2.3: all matching record values SHALL be replaced.
            if replaces && self.sub.is_none() {
                *element = new.clone();
            } else {
                merge(element, new.clone());
            }
            if is_primary(&new) {
                primary = Some(place);
            }
        }
        if !found {
            // The new one need not match the filter, so it may be there already.
            let element = self.create(editor, new, replaces)?;
            append(editor.attribute, list, vec![element]);
            return Ok(());
        }
        keep_primary(list, primary);
        Ok(())
    }

    /// What the chosen elements get: a whole element, or one part of it. None if the
    /// value is empty.
    fn new_value(
        &self,
        editor: &mut Editor<'_, '_>,
        value: Value,
    ) -> Result<Option<Value>, ScimError> {
        let Some(sub) = self.sub else {
            return editor.element(value);
        };
        let mut part = Map::new();
        editor.part(&mut part, sub, Change::Add(value))?;
        Ok((!part.is_empty()).then_some(Value::Object(part)))
    }

    fn remove(&self, list: &mut Vec<Value>) {
        let Some(sub) = self.sub else {
            list.retain(|element| !self.chooses(element));
            return;
        };
        for element in list.iter_mut() {
            if self.chooses(element)
                && let Value::Object(map) = element
            {
                map.remove(&sub.name);
            }
        }
        list.retain(|element| element.as_object().is_none_or(|map| !map.is_empty()));
    }

    /// No element matches: makes the one the filter describes.
    fn create(
        &self,
        editor: &mut Editor<'_, '_>,
        new: Value,
        replaces: bool,
    ) -> Result<Value, ScimError> {
        let Some(filter) = self.filter else {
            return Ok(new);
        };
        let rule = if replaces {
            Rule::ReplaceThroughMissing
        } else {
            Rule::AddThroughMissing
        };
        let name = &editor.attribute.name;
        let no_target = || {
            // RFC 7644 3.5.2.3: a filter that matches nothing is noTarget.
            ScimError::bad_request(
                ScimType::NoTarget,
                format!("no element of `{name}` matches `{filter}`"),
            )
        };
        let described = self.described(editor, filter)?.ok_or_else(no_target)?;
        // Entra replaces `emails[type eq "work"].value` before there is such an
        // e-mail, and means that there should be one.
        if !editor.checker.accepts(rule, || {
            format!("no element of `{name}` matched the path; one was added")
        }) {
            return Err(no_target());
        }
        let mut element = described;
        merge(&mut element, new);
        Ok(element)
    }

    /// The element that a filter describes; none if it describes none.
    fn described(
        &self,
        editor: &mut Editor<'_, '_>,
        filter: &Filter,
    ) -> Result<Option<Value>, ScimError> {
        let Some(parts) = equalities(filter) else {
            return Ok(None);
        };
        let mut element = Map::new();
        for (name, value) in parts {
            if let Some(sub) = editor.attribute.sub(name) {
                editor.part(&mut element, sub, Change::Add(value))?;
            }
        }
        let element = Value::Object(element);
        // `type eq "work" and type eq "home"` holds of nothing. An element of a list of
        // plain values has no parts to describe.
        let holds = !editor.attribute.is_complex() || self.chooses(&element);
        Ok(holds.then_some(element))
    }
}

/// The sub-attributes and values of a filter that holds of exactly what it describes:
/// `a eq 1`, or several of these joined by `and`.
fn equalities(filter: &Filter) -> Option<Vec<(&str, Value)>> {
    match filter {
        Filter::And(list) => {
            let nested: Option<Vec<_>> = list.iter().map(equalities).collect();
            nested.map(|lists| lists.into_iter().flatten().collect())
        }
        Filter::Test(path, Condition::Compare(CompareOp::Eq, literal)) => {
            let value = match literal {
                Literal::Text(text) => Value::String(text.clone()),
                Literal::Number(number) => Value::Number(number.clone()),
                Literal::Flag(flag) => Value::Bool(*flag),
                Literal::Null => Value::Null,
            };
            Some(vec![(&path.attr, value)])
        }
        _ => None,
    }
}

/// Takes over the parts of another element; a simple element becomes the other.
fn merge(element: &mut Value, new: Value) {
    match (element, new) {
        (Value::Object(element), Value::Object(new)) => element.extend(new),
        (element, new) => *element = new,
    }
}

/// RFC 7644 3.5.2: an operation that sets `primary` true SHALL make the others false.
fn keep_primary(list: &mut [Value], primary: Option<usize>) {
    if primary.is_none() {
        return;
    }
    for (place, element) in list.iter_mut().enumerate() {
        if Some(place) != primary && is_primary(element) {
            set_primary(element, false);
        }
    }
}

/// What tells elements of a list apart: the value and, where both have one, the type;
/// without a value, everything but which one is primary, for that changes when another
/// one is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    Valued(String, Option<String>),
    Whole(String),
}

fn identity(attribute: &Attribute, element: &Value) -> Identity {
    let comparable = |attribute: &Attribute, value: &Value| match value {
        Value::String(text) if !attribute.case_exact => fold(text),
        other => other.to_string(),
    };
    let Value::Object(map) = element else {
        return Identity::Valued(comparable(attribute, element), None);
    };
    let part = |name: &str| Some(comparable(attribute.sub(name)?, map.get(name)?));
    match part("value") {
        Some(value) => Identity::Valued(value, part("type")),
        None => {
            let parts: BTreeMap<&String, &Value> =
                map.iter().filter(|(name, _)| *name != "primary").collect();
            Identity::Whole(serde_json::to_string(&parts).unwrap_or_default())
        }
    }
}

/// A set of elements that others are compared with.
pub(super) struct Identities {
    exact: BTreeSet<Identity>,
}

/// The elements of a list as a set.
pub(super) fn identities(attribute: &Attribute, list: &[Value]) -> Identities {
    Identities {
        exact: list
            .iter()
            .map(|element| identity(attribute, element))
            .collect(),
    }
}

impl Identities {
    /// Is the element named: by value alone, or by value and type.
    pub(super) fn names(&self, attribute: &Attribute, element: &Value) -> bool {
        let identity = identity(attribute, element);
        if self.exact.contains(&identity) {
            return true;
        }
        match identity {
            Identity::Valued(value, Some(_)) => self.exact.contains(&Identity::Valued(value, None)),
            Identity::Valued(_, None) | Identity::Whole(_) => false,
        }
    }
}

/// Where in a list each element is.
#[derive(Default)]
struct Places {
    exact: BTreeMap<Identity, BTreeSet<usize>>,
    /// The first one of each value: an element never changes that.
    by_value: BTreeMap<String, usize>,
}

impl Places {
    fn remember(&mut self, identity: Identity, place: usize) {
        if let Identity::Valued(value, _) = &identity {
            self.by_value.entry(value.clone()).or_insert(place);
        }
        self.exact.entry(identity).or_default().insert(place);
    }

    /// An element that is about to change.
    fn forget(&mut self, identity: &Identity, place: usize) {
        if let Some(places) = self.exact.get_mut(identity) {
            places.remove(&place);
        }
    }

    fn find(&self, identity: &Identity) -> Option<usize> {
        let exact = |identity: &Identity| self.exact.get(identity)?.first().copied();
        exact(identity).or_else(|| match identity {
            Identity::Whole(_) => None,
            Identity::Valued(value, None) => self.by_value.get(value).copied(),
            Identity::Valued(value, Some(_)) => exact(&Identity::Valued(value.clone(), None)),
        })
    }
}

/// Joins elements of one value and type. The first one takes over what later ones have.
pub(crate) fn join_equal(attribute: &Attribute, list: &mut Vec<Value>) {
    if list.len() < 2 {
        return;
    }
    let mut places = BTreeMap::new();
    let mut joined: Vec<Value> = Vec::with_capacity(list.len());
    for element in list.drain(..) {
        let place = *places
            .entry(identity(attribute, &element))
            .or_insert(joined.len());
        match joined.get_mut(place) {
            Some(known) => merge(known, element),
            None => joined.push(element),
        }
    }
    *list = joined;
}

/// Adds elements to a list. One that is there already takes over what is new (RFC
/// 7644 3.5.2.1: a value that exists is not added again).
pub(super) fn append(attribute: &Attribute, list: &mut Vec<Value>, new: Vec<Value>) {
    let mut places = Places::default();
    for (place, element) in list.iter().enumerate() {
        places.remember(identity(attribute, element), place);
    }
    let mut primary = None;
    for element in new {
        let place = places
            .find(&identity(attribute, &element))
            .unwrap_or(list.len());
        if is_primary(&element) {
            primary = Some(place);
        }
        match list.get_mut(place) {
            Some(known) => {
                // With a type it is another one from here on.
                places.forget(&identity(attribute, known), place);
                merge(known, element);
                places.remember(identity(attribute, known), place);
            }
            None => {
                places.remember(identity(attribute, &element), place);
                list.push(element);
            }
        }
    }
    keep_primary(list, primary);
}

#[cfg(test)]
#[path = "elements_tests.rs"]
mod tests;
