//! What the tests of this module share.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{apply, parse};
use crate::config::{Config, Dialect};
use crate::directory::Kind;
use crate::error::{ScimError, ScimType};
use crate::resource::Notes;
use crate::schema::ENTERPRISE_USER;
use serde_json::{Value, json};

/// A user with something of every kind.
pub(super) fn ana() -> Value {
    json!({
        "userName": "ana", "title": "Dr", "active": true,
        "name": {"givenName": "Ana", "familyName": "Díaz"},
        "emails": [{"value": "w@x.y", "type": "work", "primary": true},
                   {"value": "h@x.y", "type": "home"}],
        ENTERPRISE_USER: {"department": "IT", "manager": {"value": "1"}}})
}

/// A user after operations of a client of this dialect, and what was noted.
pub(super) fn patched(
    dialect: Dialect,
    document: Value,
    operations: Value,
) -> Result<(Value, Notes), ScimError> {
    let config = Config {
        dialect,
        ..Config::default()
    };
    patched_under(&config, document, operations)
}

/// The same under a whole configuration.
pub(super) fn patched_under(
    config: &Config,
    document: Value,
    operations: Value,
) -> Result<(Value, Notes), ScimError> {
    let body = json!({"schemas": [super::PATCH_URN], "Operations": operations}).to_string();
    let mut notes = Notes::new();
    let operations = parse(body.as_bytes(), config, &mut notes)?;
    let rt = config.registry.resource_type(Kind::User);
    let document = document.as_object().unwrap().clone();
    let patched = apply(&operations, document, rt, config, &mut notes)?;
    assert_eq!(patched.members, None, "a user has no members");
    Ok((Value::Object(patched.document), notes))
}

/// Ana after one operation.
#[track_caller]
pub(super) fn after(operation: Value) -> Value {
    patched(Dialect::Auto, ana(), json!([operation])).unwrap().0
}

/// Why one operation on Ana is refused.
#[track_caller]
pub(super) fn refused(dialect: Dialect, operation: Value) -> ScimType {
    let error = patched(dialect, ana(), json!([operation])).unwrap_err();
    assert_eq!(error.status, 400);
    error.scim_type.unwrap()
}

/// Ana with one top-level attribute different, or gone if null.
pub(super) fn ana_with(name: &str, value: Value) -> Value {
    let mut ana = ana();
    if value.is_null() {
        ana.as_object_mut().unwrap().remove(name);
    } else {
        ana[name] = value;
    }
    ana
}
