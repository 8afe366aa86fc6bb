//! Operations on a document (RFC 7644 section 3.5.2): which attribute each of them
//! means and whether it may be changed. How values change is in `edit`.

use super::edit::edit;
use super::members::{MemberChange, MemberDraft};
use super::parse::{Members, Op, Operation, is_null};
use super::path::{AttributePath, PatchPath};
use super::undeclared::Undeclared;
use crate::config::Config;
use crate::error::{ScimError, ScimType, quoted};
use crate::filter::loose::check_element_booleans;
use crate::resource::notes::named;
use crate::resource::validate::{check_immutable, has_immutable, is_edges};
use crate::resource::{AttrPath, Checker, Notes, Rule};
use crate::schema::{Mutability, ResourceType, Schema};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Undeclared names of one request: each is looked for among all that are there.
const MOST_UNDECLARED: usize = 256;

/// What a PATCH leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Patched {
    /// The document.
    pub document: Map<String, Value>,
    /// What becomes of a group's members, if the request names them.
    pub members: Option<MemberChange>,
}

/// Applies all operations in order, or fails and changes nothing. May be called again
/// with the same operations and a newer document. The result is checked like the body
/// of a POST.
pub fn apply(
    operations: &[Operation<'_>],
    document: Map<String, Value>,
    rt: &ResourceType,
    config: &Config,
    notes: &mut Notes,
) -> Result<Patched, ScimError> {
    let before = has_immutable(rt).then(|| document.clone());
    let mut patcher = Patcher {
        rt,
        checker: Checker::new(config.dialect, notes),
        document,
        members: MemberDraft::default(),
        undeclared: 0,
    };
    for (n, operation) in operations.iter().enumerate() {
        patcher.operation(operation).map_err(|error| ScimError {
            detail: format!("`Operations[{n}]`: {}", error.detail),
            ..error
        })?;
    }
    let Patcher {
        mut checker,
        mut document,
        members,
        ..
    } = patcher;
    checker.finish(&mut document, rt)?;
    if let Some(before) = before {
        check_immutable(&before, &document, rt)?;
    }
    Ok(Patched {
        document,
        members: members.finish(),
    })
}

/// The most bytes of a list of schemas that is read.
const MAX_SCHEMAS: usize = 64 << 10;

/// Where a name was written, which decides what happens if it may not be changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The operation's path.
    Path,
    /// A member of the value of an operation without a path.
    Value,
}

struct Patcher<'a, 'n> {
    rt: &'a ResourceType,
    checker: Checker<'n>,
    document: Map<String, Value>,
    members: MemberDraft,
    /// How often something undeclared was named.
    undeclared: usize,
}

impl<'a> Patcher<'a, '_> {
    fn operation(&mut self, operation: &Operation<'_>) -> Result<(), ScimError> {
        match operation.path.as_deref() {
            None => self.resource(operation.op, operation.value),
            Some(path) => self.at(operation.op, path, operation.value, Origin::Path),
        }
    }

    /// No path: the value's members are attributes, whose names may be whole paths
    /// (Entra sends `name.givenName` and `emails[type eq "work"].value`).
    fn resource(&mut self, op: Op, value: Option<&RawValue>) -> Result<(), ScimError> {
        if op == Op::Remove {
            // RFC 7644 3.5.2.2: if path is unspecified, the operation fails with noTarget.
            return Err(ScimError::bad_request(
                ScimType::NoTarget,
                "`remove` needs a `path`",
            ));
        }
        for (name, raw) in read_attributes(value)? {
            self.check_name(&name, &name)?;
            self.at(op, &name, Some(raw), Origin::Value)?;
        }
        Ok(())
    }

    /// RFC 7644 3.5.2.1 and 3.5.2.3: without a path the value holds attributes, not
    /// paths to their parts. `path` is the name with what it stands in.
    fn check_name(&mut self, name: &str, path: &str) -> Result<(), ScimError> {
        let is_path = name.contains(['.', '[', ':'])
            && matches!(
                PatchPath::read(path, self.rt, self.checker.dialect),
                Ok(PatchPath::Attribute(_))
            );
        if !is_path
            || self.checker.accepts(Rule::PathsAsNames, || {
                format!("{} is a path and stands among the values", named(path))
            })
        {
            return Ok(());
        }
        Err(ScimError::invalid_path(format!(
            "{} is a path: give it as `path` of an operation of its own",
            quoted(name)
        )))
    }

    fn at(
        &mut self,
        op: Op,
        text: &str,
        value: Option<&RawValue>,
        origin: Origin,
    ) -> Result<(), ScimError> {
        // A key of a value may be any name that POST takes, such as `favourite colour`.
        let any_name = origin == Origin::Value && !text.contains('[');
        let path = match PatchPath::read(text, self.rt, self.checker.dialect) {
            _ if any_name && text.trim() != text => PatchPath::Undeclared(None),
            Err(_) if any_name => PatchPath::Undeclared(None),
            other => other?,
        };
        match path {
            // Inside a value it would nest without end.
            PatchPath::Resource if origin == Origin::Path => self.resource(op, value),
            PatchPath::Extension(schema) => self.extension(op, schema, value),
            PatchPath::Attribute(path) => self.attribute(op, text, &path, value, origin),
            PatchPath::Undeclared(path) if path.is_some() || any_name => {
                self.undeclared(op, text, path.as_ref(), value)
            }
            PatchPath::Undeclared(_) | PatchPath::Resource => {
                self.accept_undeclared(text)?;
                self.note_undeclared(text, false);
                Ok(())
            }
        }
    }

    /// What no schema declares, changed like POST would have kept it.
    fn undeclared(
        &mut self,
        op: Op,
        text: &str,
        path: Option<&AttrPath>,
        value: Option<&RawValue>,
    ) -> Result<(), ScimError> {
        self.accept_undeclared(text)?;
        self.undeclared += 1;
        if self.undeclared > MOST_UNDECLARED {
            return Err(ScimError::invalid_value(format!(
                "a PATCH can change {MOST_UNDECLARED} attributes that are in no schema of \
                 this resource: send fewer"
            )));
        }
        let operation = Undeclared::read(&mut self.checker, op, text, value)?;
        let kept = operation.edit(&mut self.checker, &mut self.document, path, self.rt)?;
        self.note_undeclared(text, kept);
        Ok(())
    }

    fn accept_undeclared(&self, text: &str) -> Result<(), ScimError> {
        if Rule::IgnoreUndeclared.accepted(self.checker.dialect) {
            return Ok(());
        }
        Err(ScimError::invalid_path(format!(
            "{} is in no schema of this resource",
            quoted(text)
        )))
    }

    fn note_undeclared(&mut self, text: &str, kept: bool) {
        let notes = &mut self.checker.notes;
        if kept {
            notes.received_unused(text);
        } else {
            let text = format!(
                "{} is in no schema of this resource; passed over",
                named(text)
            );
            notes.quirk(Rule::IgnoreUndeclared.code(), text);
        }
    }

    /// A whole extension: its value's members are its attributes.
    fn extension(
        &mut self,
        op: Op,
        schema: &Schema,
        value: Option<&RawValue>,
    ) -> Result<(), ScimError> {
        let value = value.filter(|raw| !is_null(raw));
        match (op, value) {
            (Op::Remove, Some(_)) => Err(ScimError::invalid_value(format!(
                "`remove` of `{}` takes no value; name its attributes in the path",
                schema.id
            ))),
            (_, None) => {
                self.document.remove(&schema.id);
                Ok(())
            }
            (_, Some(_)) => {
                for (name, raw) in read_attributes(value)? {
                    let path = format!("{}:{name}", schema.id);
                    self.check_name(&name, &path)?;
                    self.at(op, &path, Some(raw), Origin::Value)?;
                }
                Ok(())
            }
        }
    }

    /// RFC 7644 3.5.2: a client may say of which schemas a resource is. What it has is
    /// told by its attributes, so there is nothing to keep.
    fn names_own_schemas(
        &self,
        op: Op,
        path: &AttributePath<'_>,
        value: Option<&RawValue>,
    ) -> bool {
        let urns = value.filter(|raw| raw.get().len() <= MAX_SCHEMAS);
        let urns = urns.and_then(|raw| serde_json::from_str::<Vec<String>>(raw.get()).ok());
        path.extension.is_none()
            && path.attribute.name == "schemas"
            && op != Op::Remove
            && urns.is_some_and(|urns| urns.iter().all(|urn| self.rt.schema(urn).is_some()))
    }

    fn attribute(
        &mut self,
        op: Op,
        text: &str,
        path: &AttributePath<'a>,
        value: Option<&RawValue>,
        origin: Origin,
    ) -> Result<(), ScimError> {
        let mutability = |mutability| {
            path.attribute.mutability == mutability
                || path.sub.is_some_and(|sub| sub.mutability == mutability)
        };
        if let Some(filter) = &path.filter {
            let Checker { dialect, notes, .. } = &mut self.checker;
            check_element_booleans(text, filter, path.attribute, *dialect, notes)
                .map_err(|error| ScimError::invalid_path(error.detail))?;
        }
        if is_edges(self.rt, path.attribute) {
            return self.members.operation(op, path, value, &mut self.checker);
        }
        if mutability(Mutability::ReadOnly) {
            if self.names_own_schemas(op, path, value) {
                return Ok(());
            }
            // Okta repeats the group's `id` beside its new name.
            if origin == Origin::Value
                && self.checker.accepts(Rule::IgnoreReadOnly, || {
                    format!("{} is set by the server; passed over", named(text))
                })
            {
                return Ok(());
            }
            return Err(ScimError::bad_request(
                ScimType::Mutability,
                format!(
                    "{} is set by the server and cannot be changed",
                    quoted(text)
                ),
            ));
        }
        if mutability(Mutability::WriteOnly) {
            // A password is accepted and never kept.
            return Ok(());
        }
        let Self {
            checker, document, ..
        } = self;
        match path.extension {
            None => edit(checker, document, op, path, value),
            Some(schema) => with_object(document, &schema.id, |extension| {
                edit(checker, extension, op, path, value)
            }),
        }
    }
}

/// Changes the object under a name, made if it is not there, and left out if it ends
/// up empty.
pub(super) fn with_object<R>(
    map: &mut Map<String, Value>,
    name: &str,
    change: impl FnOnce(&mut Map<String, Value>) -> R,
) -> R {
    let mut object = match map.remove(name) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    };
    let result = change(&mut object);
    if !object.is_empty() {
        map.insert(name.to_owned(), Value::Object(object));
    }
    result
}

fn read_attributes(value: Option<&RawValue>) -> Result<Vec<(Cow<'_, str>, &RawValue)>, ScimError> {
    let attributes: Option<Members<'_>> =
        value.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let attributes = attributes.ok_or_else(|| {
        ScimError::invalid_value("without a `path` the `value` must be an object of attributes")
    })?;
    Ok(attributes.unique()?.0)
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
