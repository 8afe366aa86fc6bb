//! Users: create, read, replace, change, delete (RFC 7644 3.3 to 3.6). A create is
//! one commit without a read before it; a change is a read and a commit on the
//! version that was read.
//!
//! This module must not know how attributes are validated, matched or changed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::config::Config;
use crate::directory::{
    Change, ChangeResult, Delete, Document, EventDraft, Key, Kind, Outcome, Precondition, Unit,
};
use crate::error::ScimError;
use crate::filter::keys_of;
use crate::http::Response;
use crate::patch;
use crate::render::{Renderer, stored};
use crate::resource::validate::replacement;
use crate::resource::{Body, Rule};
use crate::response::{self, Failure};
use crate::schema::{ResourceType, USER_NAME};
use crate::service::{Call, busy, no_such, taken};
use crate::write::{ATTEMPTS, Draft, after, commit, created, logins, moved_logins, new_id, text};

type Content = Map<String, Value>;

/// `POST /Users` (RFC 7644 3.3).
pub(crate) fn create(call: &mut Call<'_>) -> Result<Response, Failure> {
    let query = call.query()?;
    let rt = call.resource_type(Kind::User);
    let body = call.body()?;
    let content = Body::read(body, rt, call.config, &mut call.notes)?.document;
    let renderer = Renderer::new(rt, &call.request.base_url, &query);
    let id = new_id(call);
    let json = text(rt, &content)?;
    let draft = Draft::new(rt, call.config, &content, json.clone());
    let event = event("user.created", &id, logins(&draft.keys));
    let put = draft.put(Kind::User, &id, Precondition::Absent, call.config);
    match commit(call, unit(Change::Put(put), event))? {
        Outcome::Committed { results, .. } => {
            call.action("user-created", format!("created user {id}"));
            note_attached(call, &id, &results);
            // A user nobody waited for is in no group yet: no need to look.
            let attached = results.iter().any(|r| !r.attached_to.is_empty());
            let document = created(Kind::User, id, &results);
            show(call, &renderer, 201, &document, &json, attached)
        }
        Outcome::KeyTaken {
            attribute, owner, ..
        } => match reactivate(call, &renderer, &owner, &content)? {
            Some(response) => Ok(response),
            None => Err(taken(&attribute).into()),
        },
        // A new id that somebody has already does not happen twice.
        Outcome::Stale { .. } | Outcome::Missing(_) | Outcome::NotTried => Err(busy().into()),
    }
}

/// A POST with `active: true` for somebody who is inactive means that they are back
/// (Okta, row 8 of its traffic): their record is replaced under the old id. It is theirs
/// if it has the same userName. Only an explicit `false` counts as inactive. None if
/// that is not the case.
fn reactivate(
    call: &mut Call<'_>,
    renderer: &Renderer<'_>,
    owner: &str,
    content: &Content,
) -> Result<Option<Response>, Failure> {
    let may = call.config.reactivate_inactive && Rule::ReviveByPost.accepted(call.config.dialect);
    if !may || content.get("active") != Some(&Value::Bool(true)) {
        return Ok(None);
    }
    let rt = call.resource_type(Kind::User);
    let json = text(rt, content)?;
    let mut current = call.directory.get(Kind::User, owner)?;
    for _ in 0..ATTEMPTS {
        let Some(document) = current else {
            return Ok(None);
        };
        let before = Standing::of(&stored(&document)?, rt, call.config);
        let draft = Draft::new(rt, call.config, content, json.clone());
        // Who has another unique value of theirs may be somebody else.
        if before.active || user_name(&before.keys) != user_name(&draft.keys) {
            return Ok(None);
        }
        match write(call, &document, &before, true, draft, "user.reactivated")? {
            Outcome::Committed { results, .. } => {
                call.notes.quirk(
                    Rule::ReviveByPost.code(),
                    "a POST of a user who was there and inactive",
                );
                call.action(
                    "user-reactivated",
                    format!("reactivated user {owner} instead of creating another one"),
                );
                note_attached(call, owner, &results);
                let document = after(document, &results);
                return show(call, renderer, 201, &document, &json, true).map(Some);
            }
            Outcome::Stale { current: now, .. } => current = now,
            Outcome::KeyTaken { attribute, .. } => return Err(taken(&attribute).into()),
            Outcome::Missing(_) | Outcome::NotTried => return Err(busy().into()),
        }
    }
    Err(busy().into())
}

/// `GET /Users/{id}` (RFC 7644 3.4.1).
pub(crate) fn read(call: &mut Call<'_>, id: &str) -> Result<Response, Failure> {
    let query = call.query()?;
    let document = call.find(Kind::User, id)?;
    let rt = call.resource_type(Kind::User);
    let renderer = Renderer::new(rt, &call.request.base_url, &query);
    // Memberships are no part of the version, so what the client has may be out of
    // date as long as `groups` is shown.
    if renderer.links.is_none()
        && let Some(answer) = call.not_modified(document.version)
    {
        return Ok(answer);
    }
    show(call, &renderer, 200, &document, &document.json, true)
}

/// `PUT /Users/{id}` (RFC 7644 3.5.1): what is absent in the body is absent after.
pub(crate) fn replace(call: &mut Call<'_>, id: &str) -> Result<Response, Failure> {
    let body = call.body()?;
    let rt = call.resource_type(Kind::User);
    let content = Body::read(body, rt, call.config, &mut call.notes)?.document;
    update(call, id, |_, old| replacement(&old, content.clone(), rt))
}

/// `PATCH /Users/{id}` (RFC 7644 3.5.2). Always 200 with the user: several clients
/// refuse 204.
pub(crate) fn patch(call: &mut Call<'_>, id: &str) -> Result<Response, Failure> {
    let body = call.body()?;
    let rt = call.resource_type(Kind::User);
    let operations = patch::parse(body, call.config, &mut call.notes)?;
    update(call, id, |call, old| {
        let patched = patch::apply(&operations, old, rt, call.config, &mut call.notes)?;
        Ok(patched.document)
    })
}

/// `DELETE /Users/{id}` (RFC 7644 3.6).
pub(crate) fn delete(call: &mut Call<'_>, id: &str) -> Result<Response, Failure> {
    let rt = call.resource_type(Kind::User);
    let mut current = Some(call.find(Kind::User, id)?);
    for _ in 0..ATTEMPTS {
        let document = current.ok_or_else(|| no_such(Kind::User, id))?;
        call.check_match(document.version)?;
        let keys = keys_of(rt, &stored(&document)?, call.config);
        let delete = Change::Delete(Delete {
            kind: Kind::User,
            id: id.to_owned(),
            condition: Precondition::Version(document.version),
        });
        match commit(call, unit(delete, event("user.deleted", id, logins(&keys))))? {
            Outcome::Committed { .. } => {
                call.action("user-deleted", format!("deleted user {id}"));
                return Ok(response::empty(204));
            }
            Outcome::Stale { current: now, .. } => current = now,
            _ => return Err(busy().into()),
        }
    }
    Err(busy().into())
}

/// Writes what `change` makes of the user as it is, again if another writer was
/// faster.
fn update<F>(call: &mut Call<'_>, id: &str, change: F) -> Result<Response, Failure>
where
    F: Fn(&mut Call<'_>, Content) -> Result<Content, ScimError>,
{
    let query = call.query()?;
    let rt = call.resource_type(Kind::User);
    let renderer = Renderer::new(rt, &call.request.base_url, &query);
    let mut current = Some(call.find(Kind::User, id)?);
    for _ in 0..ATTEMPTS {
        let document = current.ok_or_else(|| no_such(Kind::User, id))?;
        call.check_match(document.version)?;
        let old = stored(&document)?;
        let before = Standing::of(&old, rt, call.config);
        let new = change(call, old)?;
        let json = text(rt, &new)?;
        if json == document.json {
            call.action("user-unchanged", format!("user {id} is as it was"));
            return show(call, &renderer, 200, &document, &json, true);
        }
        let draft = Draft::new(rt, call.config, &new, json.clone());
        let active = is_active(&new);
        match write(call, &document, &before, active, draft, "user.updated")? {
            Outcome::Committed { results, .. } => {
                call.action("user-updated", updated(id, before.active, active));
                note_attached(call, id, &results);
                let document = after(document, &results);
                return show(call, &renderer, 200, &document, &json, true);
            }
            Outcome::Stale { current: now, .. } => current = now,
            Outcome::KeyTaken { attribute, .. } => return Err(taken(&attribute).into()),
            Outcome::Missing(_) | Outcome::NotTried => return Err(busy().into()),
        }
    }
    Err(busy().into())
}

/// What the logins of a user are worth before a change.
struct Standing {
    keys: Vec<Key>,
    active: bool,
}

impl Standing {
    fn of(content: &Content, rt: &ResourceType, config: &Config) -> Self {
        Self {
            keys: keys_of(rt, content, config),
            active: is_active(content),
        }
    }
}

fn user_name(keys: &[Key]) -> Option<&Key> {
    keys.iter().find(|key| key.attribute == USER_NAME)
}

/// Replaces a user's content, if the user still has the version at hand.
fn write(
    call: &mut Call<'_>,
    document: &Document,
    before: &Standing,
    active: bool,
    draft: Draft,
    name: &str,
) -> Result<Outcome, Failure> {
    // Whether somebody is active decides ties between holders of a login, so then
    // each of them may have moved.
    let moved = if before.active == active {
        moved_logins(&before.keys, &draft.keys)
    } else {
        logins(before.keys.iter().chain(&draft.keys))
    };
    let condition = Precondition::Version(document.version);
    let put = draft.put(Kind::User, &document.id, condition, call.config);
    commit(
        call,
        unit(Change::Put(put), event(name, &document.id, moved)),
    )
}

/// RFC 7643 4.1.1 leaves open what an absent `active` means. We take the stance that
/// it is active: OneLogin never sends it.
fn is_active(content: &Content) -> bool {
    content.get("active") != Some(&Value::Bool(false))
}

fn updated(id: &str, before: bool, now: bool) -> String {
    match (before, now) {
        (true, false) => format!("updated user {id}, now inactive"),
        (false, true) => format!("updated user {id}, now active"),
        _ => format!("updated user {id}"),
    }
}

/// An answer with the user, with the groups it is in if they are asked for.
fn show(
    call: &mut Call<'_>,
    renderer: &Renderer<'_>,
    status: u16,
    document: &Document,
    json: &[u8],
    in_groups: bool,
) -> Result<Response, Failure> {
    let mut links = renderer.no_links().filter(|_| in_groups);
    if let Some(links) = &mut links {
        let memberships = call.directory.groups_of(&document.id, true)?;
        memberships.groups.iter().for_each(|m| links.membership(m));
    }
    let body = renderer.show(document, json, links.as_ref())?;
    Ok(renderer.answer(status, document, body))
}

fn note_attached(call: &mut Call<'_>, id: &str, results: &[ChangeResult]) {
    let groups: usize = results.iter().map(|r| r.attached_to.len()).sum();
    if groups > 0 {
        call.action(
            "held-member-attached",
            format!("user {id} was waited for and is a member of {groups} more groups now"),
        );
    }
}

fn event(name: &str, id: &str, logins: BTreeSet<Vec<u8>>) -> EventDraft {
    EventDraft {
        name: name.to_owned(),
        subject_kind: Kind::User,
        subject: id.to_owned(),
        logins: logins.into_iter().collect(),
    }
}

fn unit(change: Change, event: EventDraft) -> Unit {
    Unit {
        changes: vec![change],
        event: Some(event),
    }
}
