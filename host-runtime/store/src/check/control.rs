//! Arguments of the control tables: tenants, connections, tokens and the two logs.

use super::{at_most, invalid, number};
use crate::{
    AuditEntry, ConnectionEdit, Recorded, RequestEntry, StoreError, TenantChange, Token, TokenScope,
};

/// A name of a tenant or a connection, in bytes.
const NAME: usize = 63;
/// A path in the request log, in bytes.
const PATH: usize = 1024;
/// A detail in the request log, in characters.
const DETAIL: usize = 255;
/// The name of a request, in bytes.
const REQUEST_ID: usize = 64;
/// Remarks of one request, and bytes of the text and the code of each.
const NOTES: usize = 64;
const NOTE: usize = 1024;
const NOTE_CODE: usize = 128;
/// What a client calls itself, in bytes.
const USER_AGENT: usize = 200;
/// What is kept of a request for a replay, in bytes.
const QUERY: usize = 8192;
const CONTENT_TYPE: usize = 256;
const BODY: usize = 1 << 20;
/// A line of the audit log: each of its words, and its detail, in bytes.
const AUDIT_WORD: usize = 255;
const AUDIT_DETAIL: usize = 16 << 10;
/// A host name by which a tenant is reached, in bytes (RFC 1035 2.3.4), and how many.
const HOST_NAME: usize = 253;
const HOST_NAMES: usize = 64;
/// An issuer of access tokens, in bytes.
const ISSUER: usize = 512;
/// The note of a token, in characters.
const TOKEN_NOTE: usize = 100;
/// Lines of the audit log kept of a tenant: years of an administrator's work.
pub const AUDIT: u64 = 100_000;
/// Lines of the request log forgotten at a time.
pub const TRIMMED: u32 = 1000;

/// Checks the name of a tenant or a connection: `[a-z0-9-]`, 1 to 63 bytes.
///
/// # Errors
/// [`StoreError::Invalid`] for anything else.
pub fn name(name: &str) -> Result<(), StoreError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > NAME || !name.bytes().all(fits) {
        return Err(invalid(format!(
            "`{name}` is no name: 1 to {NAME} of a-z, 0-9 and -"
        )));
    }
    Ok(())
}

/// Checks dialect and settings of a connection.
///
/// # Errors
/// [`StoreError::Invalid`] unless the settings are a JSON object.
pub fn connection(dialect: &str, settings: &str) -> Result<(), StoreError> {
    name(dialect)?;
    self::settings(settings)
}

/// Checks settings of a tenant or a connection.
///
/// # Errors
/// [`StoreError::Invalid`] unless they are a JSON object.
pub fn settings(settings: &str) -> Result<(), StoreError> {
    object("settings", settings)
}

fn object(what: &str, json: &str) -> Result<(), StoreError> {
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json)
        .map(|_| ())
        .map_err(|error| invalid(format!("{what} are no json object: {error}")))
}

/// Checks what is to be changed of a tenant.
///
/// # Errors
/// [`StoreError::Invalid`] for texts that are no JSON objects, what is no host name in
/// lower case, one that is named twice, or too many.
pub fn tenant_change(change: &TenantChange) -> Result<(), StoreError> {
    let TenantChange {
        settings,
        host_names,
        limits,
        plugin: _,
        suspended: _,
    } = change;
    settings.as_deref().map_or(Ok(()), self::settings)?;
    let limits = limits.as_deref();
    limits.map_or(Ok(()), |limits| object("limits", limits))?;
    let names = host_names.as_deref().unwrap_or_default();
    at_most("host names", names.len(), HOST_NAMES)?;
    for (at, name) in names.iter().enumerate() {
        let fits = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
        };
        if name.is_empty() || name.len() > HOST_NAME || !name.bytes().all(fits) {
            return Err(invalid(format!(
                "`{name}` is no host name: 1 to {HOST_NAME} of a-z, 0-9, - and ."
            )));
        }
        if names.iter().take(at).any(|earlier| earlier == name) {
            return Err(invalid(format!("the host name `{name}` is given twice")));
        }
    }
    Ok(())
}

/// Checks what is to be changed of a connection.
///
/// # Errors
/// [`StoreError::Invalid`] for a bad dialect, texts that are no JSON objects, or anything
/// over its limit.
pub fn connection_edit(edit: &ConnectionEdit) -> Result<(), StoreError> {
    let ConnectionEdit {
        dialect,
        reactivate_inactive: _,
        settings,
        auth,
        issuer,
        record_until,
    } = edit;
    dialect.as_deref().map_or(Ok(()), name)?;
    settings.as_deref().map_or(Ok(()), self::settings)?;
    let auth = auth.as_deref();
    auth.map_or(Ok(()), |auth| object("sign-in settings", auth))?;
    at_most(
        "issuer in bytes",
        issuer.as_ref().map_or(0, String::len),
        ISSUER,
    )?;
    record_until.flatten().map_or(Ok(()), number)
}

/// Checks that a token names a connection just when its scope needs one, its note and
/// its times.
///
/// # Errors
/// [`StoreError::Invalid`] otherwise.
pub fn token(token: &Token) -> Result<(), StoreError> {
    if token.id.is_empty() || (token.scope == TokenScope::Scim) != token.connection.is_some() {
        return Err(invalid(
            "a scim token has a connection, an admin token none, and both an id",
        ));
    }
    at_most("note in characters", token.note.chars().count(), TOKEN_NOTE)?;
    number(token.created)?;
    token.expires.map_or(Ok(()), number)
}

/// Checks a line of the request log.
///
/// # Errors
/// [`StoreError::Invalid`] for anything over its limit.
pub fn request(entry: &RequestEntry) -> Result<(), StoreError> {
    let RequestEntry {
        id: _,
        request_id,
        tenant: _,
        connection: _,
        at,
        method: _,
        path,
        status: _,
        micros: _,
        guest_micros: _,
        detail,
        notes,
        caller: _,
        user_agent,
        from_idp: _,
        recorded,
    } = entry;
    at_most("request id in bytes", request_id.len(), REQUEST_ID)?;
    at_most("path in bytes", path.len(), PATH)?;
    at_most("detail in characters", detail.chars().count(), DETAIL)?;
    at_most("user agent in bytes", user_agent.len(), USER_AGENT)?;
    at_most("notes", notes.len(), NOTES)?;
    for note in notes {
        at_most("code of a note in bytes", note.code.len(), NOTE_CODE)?;
        at_most("note in bytes", note.text.len(), NOTE)?;
    }
    if let Some(recorded) = recorded {
        let Recorded {
            query,
            content_type,
            body,
        } = recorded;
        at_most("query in bytes", query.len(), QUERY)?;
        at_most("content type in bytes", content_type.len(), CONTENT_TYPE)?;
        at_most("body in bytes", body.len(), BODY)?;
    }
    number(*at)
}

/// Checks a line of the audit log.
///
/// # Errors
/// [`StoreError::Invalid`] for anything over its limit, or a detail that is no JSON
/// object.
pub fn audit(entry: &AuditEntry) -> Result<(), StoreError> {
    let AuditEntry {
        id: _,
        tenant: _,
        at,
        actor,
        action,
        subject,
        detail,
    } = entry;
    for (what, word) in [("actor", actor), ("action", action), ("subject", subject)] {
        at_most(&format!("{what} in bytes"), word.len(), AUDIT_WORD)?;
    }
    at_most("detail in bytes", detail.len(), AUDIT_DETAIL)?;
    object("details", detail)?;
    number(*at)
}
