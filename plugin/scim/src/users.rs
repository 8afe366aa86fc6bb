//! Users: create, read, replace, change, delete (RFC 7644 3.3 to 3.6). A create is
//! one commit without a read before it; a change is a read and a commit on the
//! version that was read.
//!
//! This module must not know how attributes are validated, matched or changed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::config::Config;
use crate::directory::{Change, Delete, Document, EventDraft, Key, Kind, Outcome, Precondition};
use crate::filter::keys_of;
use crate::http::Response;
use crate::patch::{self, Operation};
use crate::render::{Renderer, stored};
use crate::resource::Rule;
use crate::resource::validate::replacement;
use crate::response::Failure;
use crate::schema::{ResourceType, USER_NAME};
use crate::service::{Call, taken};
use crate::write::{
    Answer, Draft, Step, Verb, Wish, Write, Written, base, blank, logins, moved_logins, refusal,
    text,
};

type Content = Map<String, Value>;

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

/// Reads a write from its request.
pub(crate) fn read_write<'a>(
    call: &mut Call<'a>,
    wish: &Wish<'_>,
) -> Result<Box<dyn Write + 'a>, Failure> {
    let id = wish.id.to_owned();
    let rt = call.resource_type(Kind::User);
    Ok(match wish.verb {
        Verb::Create => {
            let sent = call.body()?;
            let content = wish.body(call, sent, rt)?.document;
            let json = text(rt, &content)?;
            Box::new(Create {
                id,
                content,
                json,
                taken: None,
            })
        }
        Verb::Replace | Verb::Complete => {
            let sent = call.body()?;
            let to = To::Content(wish.body(call, sent, rt)?.document);
            Box::new(Update { id, to })
        }
        Verb::Patch => {
            let sent = call.body()?;
            let operations = patch::parse(sent, call.config, &mut call.notes)?;
            let to = To::Patched(operations);
            Box::new(Update { id, to })
        }
        Verb::Delete => Box::new(Remove { id }),
    })
}

/// `POST /Users` (RFC 7644 3.3).
struct Create {
    id: String,
    content: Content,
    json: Vec<u8>,
    /// The index of the value somebody has already who may be back.
    taken: Option<String>,
}

impl Write for Create {
    fn prepare(&mut self, call: &mut Call<'_>, failed: Option<Outcome>) -> Result<Step, Failure> {
        match (failed, &self.taken) {
            (None, _) => Ok(self.create(call)),
            (
                Some(Outcome::KeyTaken {
                    attribute, owner, ..
                }),
                None,
            ) if self.may_revive(call.config) => {
                self.taken = Some(attribute);
                let owner = call.directory.get(Kind::User, &owner)?;
                self.revive(call, owner)
            }
            (Some(Outcome::Stale { current, .. }), Some(_)) => self.revive(call, current),
            // A new id that somebody has already does not happen twice.
            (Some(failed), _) => Err(refusal(failed).into()),
        }
    }
}

impl Create {
    fn create(&self, call: &Call<'_>) -> Step {
        let Self {
            id, content, json, ..
        } = self;
        let rt = call.resource_type(Kind::User);
        let draft = Draft::new(rt, call.config, content, json.clone());
        let name = match is_active(content) {
            true => "user.created",
            false => "user.created.inactive",
        };
        let event = event(name, id, logins(&draft.keys));
        let put = draft.put(Kind::User, id, Precondition::Absent, call.config);
        let remark = ("user-created", format!("created user {id}"));
        let written = Written {
            document: blank(Kind::User, id),
            json: json.clone(),
            linked: false,
            answer: Answer::Created,
        };
        Step::commit(vec![Change::Put(put)], event, written, Some(remark))
    }

    fn may_revive(&self, config: &Config) -> bool {
        config.reactivate_inactive
            && Rule::ReviveByPost.accepted(config.dialect)
            && self.content.get("active") == Some(&Value::Bool(true))
    }

    /// A POST with `active: true` for somebody who is inactive means that they are back
    /// (Okta, row 8 of its traffic): their record is replaced under the old id. It is
    /// theirs if it has the same userName. Only an explicit `false` counts as inactive.
    ///
    /// # Errors
    /// 409 if that is not the case.
    fn revive(&self, call: &mut Call<'_>, owner: Option<Document>) -> Result<Step, Failure> {
        let taken = || taken(self.taken.as_deref().unwrap_or_default());
        let document = owner.ok_or_else(taken)?;
        let rt = call.resource_type(Kind::User);
        let before = Standing::of(&stored(&document)?, rt, call.config);
        let draft = Draft::new(rt, call.config, &self.content, self.json.clone());
        // Who has another unique value of theirs may be somebody else.
        if before.active || user_name(&before.keys) != user_name(&draft.keys) {
            return Err(taken().into());
        }
        call.notes.quirk(
            Rule::ReviveByPost.code(),
            "a POST of a user who was there and inactive",
        );
        let remark = format!(
            "reactivated user {} instead of creating another one",
            document.id
        );
        let remark = ("user-reactivated", remark);
        let (change, event) = put(call, &document, &before, true, draft, "user.reactivated");
        let written = Written {
            document,
            json: self.json.clone(),
            linked: true,
            answer: Answer::Created,
        };
        Ok(Step::commit(vec![change], event, written, Some(remark)))
    }
}

/// `PUT /Users/{id}` (RFC 7644 3.5.1): what is absent in the body is absent after; and
/// `PATCH /Users/{id}` (RFC 7644 3.5.2).
struct Update<'r> {
    id: String,
    to: To<'r>,
}

enum To<'r> {
    Content(Content),
    Patched(Vec<Operation<'r>>),
}

impl Write for Update<'_> {
    fn prepare(&mut self, call: &mut Call<'_>, failed: Option<Outcome>) -> Result<Step, Failure> {
        let id = &self.id;
        let document = base(call, Kind::User, id, failed)?;
        let rt = call.resource_type(Kind::User);
        let old = stored(&document)?;
        let before = Standing::of(&old, rt, call.config);
        let new = match &self.to {
            To::Content(content) => replacement(&old, content.clone(), rt)?,
            To::Patched(operations) => {
                patch::apply(operations, old, rt, call.config, &mut call.notes)?.document
            }
        };
        let json = text(rt, &new)?;
        // Always with the user: several clients refuse 204.
        let written = |document, json| Written {
            document,
            json,
            linked: true,
            answer: Answer::Changed,
        };
        if json == document.json {
            return Ok(Step::nothing(call, written(document, json)));
        }
        let draft = Draft::new(rt, call.config, &new, json.clone());
        let active = is_active(&new);
        let (name, remark) = updated(id, before.active, active);
        let (change, event) = put(call, &document, &before, active, draft, name);
        let remark = ("user-updated", remark);
        let written = written(document, json);
        Ok(Step::commit(vec![change], event, written, Some(remark)))
    }
}

/// `DELETE /Users/{id}` (RFC 7644 3.6).
struct Remove {
    id: String,
}

impl Write for Remove {
    fn prepare(&mut self, call: &mut Call<'_>, failed: Option<Outcome>) -> Result<Step, Failure> {
        let id = &self.id;
        let document = base(call, Kind::User, id, failed)?;
        let rt = call.resource_type(Kind::User);
        let keys = keys_of(rt, &stored(&document)?, call.config);
        let delete = Change::Delete(Delete {
            kind: Kind::User,
            id: id.clone(),
            condition: Precondition::Version(document.version),
        });
        let event = event("user.deleted", id, logins(&keys));
        let remark = ("user-deleted", format!("deleted user {id}"));
        let written = Written {
            document: blank(Kind::User, id),
            json: Vec::new(),
            linked: false,
            answer: Answer::Gone,
        };
        Ok(Step::commit(vec![delete], event, written, Some(remark)))
    }
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
fn put(
    call: &Call<'_>,
    document: &Document,
    before: &Standing,
    active: bool,
    draft: Draft,
    name: &str,
) -> (Change, EventDraft) {
    // Whether somebody is active decides ties between holders of a login, so then
    // each of them may have moved.
    let moved = if before.active == active {
        moved_logins(&before.keys, &draft.keys)
    } else {
        logins(before.keys.iter().chain(&draft.keys))
    };
    let condition = Precondition::Version(document.version);
    let put = draft.put(Kind::User, &document.id, condition, call.config);
    (Change::Put(put), event(name, &document.id, moved))
}

/// RFC 7643 4.1.1 leaves open what an absent `active` means. We take the stance that
/// it is active: OneLogin never sends it.
fn is_active(content: &Content) -> bool {
    content.get("active") != Some(&Value::Bool(false))
}

/// The name of the event and a remark for the log. Coming and going are events of their
/// own, whatever else the same write changes: who keeps accounts, licences or hosts by
/// them need not compare documents.
fn updated(id: &str, before: bool, now: bool) -> (&'static str, String) {
    match (before, now) {
        (true, false) => (
            "user.deactivated",
            format!("updated user {id}, now inactive"),
        ),
        (false, true) => ("user.reactivated", format!("updated user {id}, now active")),
        _ => ("user.updated", format!("updated user {id}")),
    }
}

/// The answer to a write.
pub(crate) fn answer(
    call: &mut Call<'_>,
    renderer: &Renderer<'_>,
    written: &Written,
) -> Result<Response, Failure> {
    let status = written.status(call.config, renderer.links.is_some());
    let Written { document, json, .. } = written;
    show(call, renderer, status, document, json, written.linked)
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

fn event(name: &str, id: &str, logins: BTreeSet<Vec<u8>>) -> EventDraft {
    EventDraft {
        name: name.to_owned(),
        subject_kind: Kind::User,
        subject: id.to_owned(),
        logins: logins.into_iter().collect(),
    }
}
