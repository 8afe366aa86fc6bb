//! The argument checks every backend makes before it touches a row.
//!
//! One place, so that a limit is the same everywhere. It knows sizes and shapes
//! and nothing of what is stored.

mod control;

pub use control::*;

use crate::reserved::{Reserved, SIGN};
use crate::{
    Assignment, Change, Claim, ConnectionId, DeadLetter, Find, HostName, HostRecord, Key, KeyRange,
    MemberDelta, Precondition, Promise, Scope, StoreError, Unit, Webhook, WebhookProgress, limits,
};

/// An index-version or an event's name, in bytes.
const SHORT: usize = 64;
/// A host's id or a part of its description, in bytes.
const HOST: usize = 255;
/// A claim's id, in bytes.
const CLAIM: usize = 128;
/// Logins of one claim.
const CLAIM_LOGINS: usize = 8;
/// The reason of an assignment, in bytes.
const REASON: usize = 512;
/// Values of one `holders`.
const HOLDERS: usize = 16;
/// Logins of one `claimed_by`.
const CLAIMED_BY: usize = 64;
/// A webhook's address, in bytes.
const URL: usize = 2048;
/// A webhook's secret, in bytes.
const SECRET: usize = 256;
/// Beginnings of event names a webhook asks for.
const PREFIXES: usize = 64;
/// Spans one `holders` answers with.
pub const SPANS: usize = 1000;
/// Groups one `groups_of` answers with.
pub const GROUPS: usize = 10_000;
/// Claims a host is read with.
pub const CLAIMS: usize = 256;
/// Past assignments kept of a host.
pub const HISTORY: usize = 200;
/// Events shown of one person: years of changes.
pub const TRACED: u32 = 1000;
/// Webhooks of a tenant: each is another copy of every event to send.
pub const WEBHOOKS: usize = 100;
/// Dead letters kept of a webhook: more than anybody goes through by hand.
pub const DEAD_LETTERS: usize = 10_000;
/// Ids named in an outcome.
pub const NAMED: usize = 100;

fn invalid(text: impl Into<String>) -> StoreError {
    StoreError::Invalid(text.into())
}

/// Refuses more than `max` of something.
///
/// # Errors
/// [`StoreError::Invalid`] beyond the limit.
pub fn at_most(what: &str, count: usize, max: usize) -> Result<(), StoreError> {
    if count > max {
        return Err(invalid(format!("{what}: {count} is more than {max}")));
    }
    Ok(())
}

/// The connection a call is bound to.
///
/// # Errors
/// [`StoreError::Denied`] where the call sees the whole tenant.
pub fn bound(scope: Scope) -> Result<ConnectionId, StoreError> {
    scope
        .connection
        .ok_or_else(|| StoreError::Denied("the call needs a connection".to_owned()))
}

/// Checks a document id: 1 to 64 bytes of visible ASCII.
///
/// # Errors
/// [`StoreError::Invalid`] for anything else.
pub fn document_id(id: &str) -> Result<(), StoreError> {
    at_most("document id in bytes", id.len(), limits::ID)?;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid("a document id is visible ascii"));
    }
    Ok(())
}

/// Checks all that is written by one commit.
///
/// # Errors
/// [`StoreError::Invalid`] for the first thing over its limit.
pub fn units(units: &[Unit]) -> Result<(), StoreError> {
    for unit in units {
        for change in &unit.changes {
            self::change(change)?;
        }
        if let Some(event) = &unit.event {
            at_most("event name in bytes", event.name.len(), SHORT)?;
            document_id(&event.subject)?;
            logins(&event.logins)?;
        }
    }
    Ok(())
}

fn change(change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Put(put) => {
            document_id(&put.id)?;
            at_most("label in bytes", put.label.len(), limits::LABEL)?;
            at_most("json in bytes", put.json.len(), limits::JSON)?;
            keys(&put.keys, &put.index_version)
        }
        Change::Delete(delete) => {
            document_id(&delete.id)?;
            not_absent(delete.condition)
        }
        Change::Members(delta) => members(delta),
        Change::Rekey(rekey) => {
            document_id(&rekey.id)?;
            keys(&rekey.keys, &rekey.index_version)
        }
    }
}

fn members(delta: &MemberDelta) -> Result<(), StoreError> {
    document_id(&delta.group)?;
    not_absent(delta.condition)?;
    for member in &delta.add {
        if member.id.is_empty() {
            return Err(invalid("a member id is not empty"));
        }
        at_most("member id in bytes", member.id.len(), limits::MEMBER)?;
        at_most(
            "login in bytes",
            member.login.as_ref().map_or(0, Vec::len),
            limits::KEY,
        )?;
    }
    Ok(())
}

fn not_absent(condition: Precondition) -> Result<(), StoreError> {
    if condition == Precondition::Absent {
        return Err(invalid("only a put can ask for absence"));
    }
    Ok(())
}

fn keys(keys: &[Key], index_version: &str) -> Result<(), StoreError> {
    self::index_version(index_version)?;
    for key in keys {
        at_most("attribute in bytes", key.attribute.len(), limits::ATTRIBUTE)?;
        if key.attribute.starts_with(SIGN) {
            return Err(invalid("an attribute that begins with `@` is reserved"));
        }
        at_most("key in bytes", key.value.len(), limits::KEY)?;
    }
    Ok(())
}

fn logins(logins: &[Vec<u8>]) -> Result<(), StoreError> {
    logins
        .iter()
        .try_for_each(|login| at_most("login in bytes", login.len(), limits::KEY))
}

/// Checks an index-version.
///
/// # Errors
/// [`StoreError::Invalid`] over 64 bytes.
pub fn index_version(index_version: &str) -> Result<(), StoreError> {
    at_most("index-version in bytes", index_version.len(), SHORT)
}

/// Checks a walk.
///
/// # Errors
/// [`StoreError::Invalid`] for the first thing over its limit.
pub fn find(find: &Find) -> Result<(), StoreError> {
    at_most(
        "hits",
        usize::try_from(find.limit).unwrap_or(usize::MAX),
        page(),
    )?;
    at_most("attribute in bytes", find.index.len(), limits::ATTRIBUTE)?;
    if find.range != KeyRange::All && find.index.starts_with(SIGN) {
        if Reserved::of(find).is_none() {
            return Err(invalid("no such reserved index"));
        }
        if matches!(find.range, KeyRange::Contains(_)) {
            return Err(invalid(
                "a reserved index is not asked for a part of a value",
            ));
        }
    }
    let values = match &find.range {
        KeyRange::All => [None, None],
        KeyRange::Equal(value) | KeyRange::Prefix(value) | KeyRange::Contains(value) => {
            [Some(value), None]
        }
        KeyRange::Between(from, to) => [from.as_ref(), to.as_ref()],
    };
    values
        .into_iter()
        .flatten()
        .try_for_each(|value| at_most("key in bytes", value.len(), limits::KEY))
}

/// Checks how many rows a page may have.
///
/// # Errors
/// [`StoreError::Invalid`] over [`limits::PAGE`].
pub fn rows(limit: u32) -> Result<(), StoreError> {
    at_most("rows", usize::try_from(limit).unwrap_or(usize::MAX), page())
}

/// [`limits::PAGE`] as a count.
pub fn page() -> usize {
    usize::try_from(limits::PAGE).unwrap_or(usize::MAX)
}

/// Checks the values of `holders`.
///
/// # Errors
/// [`StoreError::Invalid`] over 16 values or 512 bytes.
pub fn holders(values: &[Vec<u8>]) -> Result<(), StoreError> {
    at_most("values", values.len(), HOLDERS)?;
    logins(values)
}

/// Checks the logins of `claimed_by`.
///
/// # Errors
/// [`StoreError::Invalid`] over 64 logins or 512 bytes.
pub fn claimed_by(values: &[Vec<u8>]) -> Result<(), StoreError> {
    at_most("logins", values.len(), CLAIMED_BY)?;
    logins(values)
}

/// Checks a host's description.
///
/// # Errors
/// [`StoreError::Invalid`] for an empty id or anything over 255 bytes.
pub fn host(record: &HostRecord) -> Result<(), StoreError> {
    let HostRecord {
        id,
        display_name,
        platform,
        serial,
        uuid,
    } = record;
    if id.is_empty() {
        return Err(invalid("a host id is not empty"));
    }
    for (what, value) in [
        ("host id", id),
        ("display name", display_name),
        ("platform", platform),
        ("serial", serial),
        ("uuid", uuid),
    ] {
        at_most(&format!("{what} in bytes"), value.len(), HOST)?;
    }
    Ok(())
}

/// Checks a claim.
///
/// # Errors
/// [`StoreError::Invalid`] for an empty id or anything over its limit.
pub fn claim(claim: &Claim) -> Result<(), StoreError> {
    if claim.id.is_empty() {
        return Err(invalid("a claim id is not empty"));
    }
    at_most("claim id in bytes", claim.id.len(), CLAIM)?;
    at_most("source in bytes", claim.source.as_str().len(), SHORT)?;
    at_most("logins", claim.logins.len(), CLAIM_LOGINS)?;
    logins(&claim.logins)?;
    texts(&claim.username, &claim.email, &claim.full_name)?;
    number(claim.since)?;
    claim.withdrawn.map_or(Ok(()), number)
}

/// Checks an assignment.
///
/// # Errors
/// [`StoreError::Invalid`] for a bad user id, or a login or reason over its limit.
pub fn assignment(assignment: &Assignment) -> Result<(), StoreError> {
    at_most("login in bytes", assignment.login.len(), limits::LABEL)?;
    at_most("reason in bytes", assignment.reason.len(), REASON)?;
    assignment.user.as_deref().map_or(Ok(()), document_id)
}

/// Checks a host name that is to be written: 1 to 255 bytes besides white space.
///
/// # Errors
/// [`StoreError::Invalid`] for anything else.
pub fn host_name(name: &HostName) -> Result<(), StoreError> {
    if name.value().trim_ascii().is_empty() {
        return Err(invalid("a host name is not empty"));
    }
    at_most("host name in bytes", name.value().len(), HOST)
}

/// Checks a promise.
///
/// # Errors
/// [`StoreError::Invalid`] for an empty name, nobody, or anything over its limit.
pub fn promise(promise: &Promise) -> Result<(), StoreError> {
    let Promise {
        name,
        username,
        email,
        full_name,
        since,
    } = promise;
    host_name(name)?;
    if username.is_empty() && email.is_empty() {
        return Err(invalid("a promise names a user name or an e-mail address"));
    }
    number(*since)?;
    texts(username, email, full_name)
}

/// Checks what names a person.
fn texts(username: &str, email: &str, full_name: &str) -> Result<(), StoreError> {
    for (what, value) in [
        ("user name", username),
        ("e-mail address", email),
        ("full name", full_name),
    ] {
        at_most(&format!("{what} in bytes"), value.len(), limits::LABEL)?;
    }
    Ok(())
}

/// Checks a time or a number of an event: 63 bits, as SQL has them.
fn number(number: u64) -> Result<(), StoreError> {
    match i64::try_from(number) {
        Ok(_) => Ok(()),
        Err(_) => Err(invalid("a number is larger than 63 bits")),
    }
}

/// Checks a webhook.
///
/// # Errors
/// [`StoreError::Invalid`] for a bad id or anything over its limit.
pub fn webhook(webhook: &Webhook) -> Result<(), StoreError> {
    document_id(&webhook.id)?;
    webhook_secret(&webhook.secret)?;
    at_most("error in bytes", webhook.last_error.len(), REASON)?;
    for time in [webhook.created, webhook.position, webhook.next_try] {
        number(time)?;
    }
    webhook.last_delivered.map_or(Ok(()), number)?;
    webhook_settings(&webhook.url, &webhook.events)
}

/// Checks what messages of a webhook are signed with.
///
/// # Errors
/// [`StoreError::Invalid`] for more than 256 bytes.
pub fn webhook_secret(secret: &[u8]) -> Result<(), StoreError> {
    at_most("secret in bytes", secret.len(), SECRET)
}

/// Checks what an operator sets of a webhook.
///
/// # Errors
/// [`StoreError::Invalid`] for an empty address or anything over its limit.
pub fn webhook_settings(url: &str, events: &[String]) -> Result<(), StoreError> {
    if url.is_empty() {
        return Err(invalid("a webhook has an address"));
    }
    at_most("address in bytes", url.len(), URL)?;
    at_most("events", events.len(), PREFIXES)?;
    events
        .iter()
        .try_for_each(|prefix| at_most("event in bytes", prefix.len(), SHORT))
}

/// Checks how far a webhook has come.
///
/// # Errors
/// [`StoreError::Invalid`] for an error over 512 bytes or a number over 63 bits.
pub fn webhook_progress(progress: &WebhookProgress) -> Result<(), StoreError> {
    let WebhookProgress {
        position,
        failures: _,
        next_try,
        last_error,
        last_delivered,
    } = progress;
    at_most("error in bytes", last_error.len(), REASON)?;
    number(*position)?;
    number(*next_try)?;
    last_delivered.map_or(Ok(()), number)
}

/// Checks a dead letter.
///
/// # Errors
/// [`StoreError::Invalid`] for an error over 512 bytes or a number over 63 bits.
pub fn dead_letter(letter: &DeadLetter) -> Result<(), StoreError> {
    number(letter.seq)?;
    number(letter.at)?;
    at_most("error in bytes", letter.error.len(), REASON)
}
