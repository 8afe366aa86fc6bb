//! Groups: create, read, replace, change, delete. Members are edges of the
//! directory and never part of the document, so adding one to a group of 100,000
//! touches one edge.
//!
//! This module must not know how attributes are validated, matched or changed.

use serde_json::{Map, Value};

use crate::config::UnknownMembers;
use crate::directory::{
    Change, ChangeResult, Delete, Document, EventDraft, IfMissing, Kind, MemberDelta, Outcome,
    Precondition, Unit,
};
use crate::error::{ScimError, quoted};
use crate::http::Response;
use crate::members_by_login;
use crate::patch::{self, MemberChange, Operation};
use crate::render::{Links, MAX_ANSWER, Renderer, stored};
use crate::request::Tags;
use crate::resource::validate::replacement;
use crate::resource::{Body, Rule};
use crate::response::{self, Failure};
use crate::schema::ResourceType;
use crate::service::{Call, busy, no_such, taken};
use crate::write::{ATTEMPTS, Draft, after, commit, created, new_id, text};

type Content = Map<String, Value>;

/// The most members of one read (`wit/user-store.wit`).
pub(crate) const MEMBER_PAGE: u32 = 10_000;

/// The most bytes of a member's id as it is sent (`wit/user-store.wit`).
const MAX_MEMBER_ID: usize = 512;

/// Unknown members a refusal names: enough to see what went wrong, and a bound on
/// its length.
const NAMED: usize = 10;

/// `POST /Groups` (RFC 7644 3.3): the group and its members in one unit.
pub(crate) fn create(call: &mut Call<'_>) -> Result<Response, Failure> {
    let query = call.query()?;
    let rt = call.resource_type(Kind::Group);
    let body = call.body()?;
    let body = Body::read(body, rt, call.config, &mut call.notes)?;
    let members = MemberChange {
        add: body.members.unwrap_or_default(),
        ..MemberChange::default()
    };
    let renderer = Renderer::new(rt, &call.request.base_url, &query);
    let id = new_id(call);
    let json = text(rt, &body.document)?;
    let draft = Draft::new(rt, call.config, &body.document, json.clone());
    let put = draft.put(Kind::Group, &id, Precondition::Absent, call.config);
    let mut changes = vec![Change::Put(put)];
    if !members.is_empty() {
        let delta = delta(call, &id, Precondition::Exists, members)?;
        changes.push(Change::Members(delta));
    }
    match commit(call, unit(changes, "group.created", &id))? {
        Outcome::Committed { results, .. } => {
            call.action("group-created", format!("created group {id}"));
            note_members(call, &id, &results);
            let document = created(Kind::Group, id, &results);
            show(call, &renderer, 201, &document, &json)
        }
        Outcome::KeyTaken { attribute, .. } => Err(taken(&attribute).into()),
        Outcome::Missing(ids) => Err(unknown_members(&ids).into()),
        // A new id that somebody has already does not happen twice.
        Outcome::Stale { .. } | Outcome::NotTried => Err(busy().into()),
    }
}

/// `GET /Groups/{id}` (RFC 7644 3.4.1), with all members unless they are left out.
pub(crate) fn read(call: &mut Call<'_>, id: &str) -> Result<Response, Failure> {
    let query = call.query()?;
    let document = call.find(Kind::Group, id)?;
    if let Some(answer) = call.not_modified(document.version) {
        return Ok(answer);
    }
    let rt = call.resource_type(Kind::Group);
    let renderer = Renderer::new(rt, &call.request.base_url, &query);
    let mut links = renderer.no_links().filter(|_| document.member_count > 0);
    if let Some(links) = &mut links
        && !read_members(call, id, u64::MAX, links)?
    {
        return Err(ScimError::too_many(
            "the group has more members than fit into one answer: \
             ask with `excludedAttributes=members`",
        )
        .into());
    }
    let body = renderer.show(&document, &document.json, links.as_ref())?;
    Ok(renderer.answer(200, &document, body))
}

/// `PUT /Groups/{id}` (RFC 7644 3.5.1): absent members are no members.
pub(crate) fn replace(call: &mut Call<'_>, id: &str) -> Result<Response, Failure> {
    let sent = call.body()?;
    let rt = call.resource_type(Kind::Group);
    // Read anew for each attempt: rarely more than one, and a copy of 50,000 members
    // kept for the next one would cost each request.
    update(call, id, Answer::Group, |call, old| {
        let body = Body::read(sent, rt, call.config, &mut call.notes)?;
        let members = MemberChange {
            replace: true,
            add: body.members.unwrap_or_default(),
            ..MemberChange::default()
        };
        Ok((replacement(&old, body.document, rt)?, Some(members)))
    })
}

/// `PATCH /Groups/{id}` (RFC 7644 3.5.2): 200 with the group, or 204 if it has many
/// members, for an answer with all of them would undo the delta.
pub(crate) fn patch(call: &mut Call<'_>, id: &str) -> Result<Response, Failure> {
    let body = call.body()?;
    let rt = call.resource_type(Kind::Group);
    let operations = patch::parse(body, call.config, &mut call.notes)?;
    update(call, id, Answer::GroupOrNothing, |call, old| {
        patched(call, rt, &operations, old)
    })
}

fn patched(
    call: &mut Call<'_>,
    rt: &ResourceType,
    operations: &[Operation<'_>],
    old: Content,
) -> Result<(Content, Option<MemberChange>), ScimError> {
    let patched = patch::apply(operations, old, rt, call.config, &mut call.notes)?;
    Ok((patched.document, patched.members))
}

/// `DELETE /Groups/{id}` (RFC 7644 3.6). Read first only if `If-Match` asks for it.
pub(crate) fn delete(call: &mut Call<'_>, id: &str) -> Result<Response, Failure> {
    let conditional = Tags::of(call.request, "if-match").is_some();
    for _ in 0..ATTEMPTS {
        let condition = if conditional {
            let document = call.find(Kind::Group, id)?;
            call.check_match(document.version)?;
            Precondition::Version(document.version)
        } else if crate::service::is_id(id) {
            Precondition::Exists
        } else {
            break;
        };
        let delete = Change::Delete(Delete {
            kind: Kind::Group,
            id: id.to_owned(),
            condition,
        });
        match commit(call, unit(vec![delete], "group.deleted", id))? {
            Outcome::Committed { .. } => {
                call.action("group-deleted", format!("deleted group {id}"));
                return Ok(response::empty(204));
            }
            Outcome::Stale { .. } if conditional => {}
            Outcome::Stale { .. } => return Err(no_such(Kind::Group, id).into()),
            _ => return Err(busy().into()),
        }
    }
    if conditional {
        return Err(busy().into());
    }
    Err(no_such(Kind::Group, id).into())
}

/// What a change is answered with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// The group; members are left out if there are many.
    Group,
    /// The group; nothing if it has many members.
    GroupOrNothing,
}

/// Writes what `change` makes of the group as it is, again if another writer was
/// faster.
fn update<F>(call: &mut Call<'_>, id: &str, answer: Answer, change: F) -> Result<Response, Failure>
where
    F: Fn(&mut Call<'_>, Content) -> Result<(Content, Option<MemberChange>), ScimError>,
{
    let query = call.query()?;
    let rt = call.resource_type(Kind::Group);
    let renderer = Renderer::new(rt, &call.request.base_url, &query);
    let mut current = Some(call.find(Kind::Group, id)?);
    for _ in 0..ATTEMPTS {
        let document = current.ok_or_else(|| no_such(Kind::Group, id))?;
        call.check_match(document.version)?;
        let old = stored(&document)?;
        let (new, members) = change(call, old)?;
        let json = text(rt, &new)?;
        let edited = json != document.json;
        let draft = edited.then(|| Draft::new(rt, call.config, &new, json.clone()));
        let changes = changes(call, &document, draft, members)?;
        if changes.is_empty() {
            note_unchanged(call, id);
            return finish(call, &renderer, answer, &document, &json);
        }
        match commit(call, unit(changes, "group.updated", id))? {
            Outcome::Committed { results, .. } => {
                note_update(call, id, edited, &results);
                let document = after(document, &results);
                return finish(call, &renderer, answer, &document, &json);
            }
            Outcome::Stale { current: now, .. } => current = now,
            Outcome::KeyTaken { attribute, .. } => return Err(taken(&attribute).into()),
            Outcome::Missing(ids) => return Err(unknown_members(&ids).into()),
            Outcome::NotTried => break,
        }
    }
    Err(busy().into())
}

/// The changes of one unit; none if nothing is to be changed.
///
/// Member deltas alone apply to whatever version there is, so that eight writers
/// on one group do not starve each other. All that rests on what was read applies
/// to that version alone: a new document, a whole list of members, members chosen
/// by a filter, and whatever `If-Match` guards.
fn changes(
    call: &mut Call<'_>,
    document: &Document,
    draft: Option<Draft>,
    members: Option<MemberChange>,
) -> Result<Vec<Change>, Failure> {
    let version = Precondition::Version(document.version);
    let mut changes = Vec::new();
    if let Some(draft) = draft {
        let put = draft.put(Kind::Group, &document.id, version, call.config);
        changes.push(Change::Put(put));
    }
    let Some(mut members) = members else {
        return Ok(changes);
    };
    let guarded = members.replace
        || !members.remove_matching.is_empty()
        || Tags::of(call.request, "if-match").is_some();
    expand(call, &document.id, &mut members)?;
    members_by_login::resolve(call, &mut members)?;
    if !members.is_empty() {
        // After a put in the same unit the version is another one, and checked.
        let condition = match guarded && changes.is_empty() {
            true => version,
            false => Precondition::Exists,
        };
        let delta = delta(call, &document.id, condition, members)?;
        changes.push(Change::Members(delta));
    }
    Ok(changes)
}

/// Finds the members that a filter other than by id removes.
fn expand(call: &mut Call<'_>, id: &str, members: &mut MemberChange) -> Result<(), Failure> {
    if members.remove_matching.is_empty() {
        return Ok(());
    }
    let mut next = None;
    loop {
        let page = call.directory.members(id, next.as_deref(), MEMBER_PAGE)?;
        members.expand(&page.members);
        match page.next {
            Some(after) => next = Some(after),
            None => break,
        }
    }
    members.remove_matching.clear();
    Ok(())
}

/// The change of members as the store takes it.
///
/// # Errors
/// `invalidValue` for an id to add that is longer than any store keeps. To remove
/// one does nothing, for it cannot be there.
fn delta(
    call: &Call<'_>,
    id: &str,
    condition: Precondition,
    members: MemberChange,
) -> Result<MemberDelta, ScimError> {
    let MemberChange {
        replace,
        add,
        mut remove,
        remove_matching: _,
    } = members;
    if let Some(member) = add.iter().find(|member| member.id.len() > MAX_MEMBER_ID) {
        return Err(ScimError::invalid_value(format!(
            "`members` has an id of more than {MAX_MEMBER_ID} bytes: {}",
            quoted(&member.id)
        )));
    }
    remove.retain(|id| id.len() <= MAX_MEMBER_ID);
    Ok(MemberDelta {
        group: id.to_owned(),
        condition,
        replace,
        add,
        remove,
        if_missing: match call.config.unknown_members {
            UnknownMembers::Hold => IfMissing::Hold,
            UnknownMembers::Reject => IfMissing::Fail,
        },
    })
}

fn finish(
    call: &mut Call<'_>,
    renderer: &Renderer<'_>,
    answer: Answer,
    document: &Document,
    json: &[u8],
) -> Result<Response, Failure> {
    let many = document.member_count > call.config.max_members_inline;
    let without_body = Rule::GroupWithoutBody.accepted(call.config.dialect);
    if answer == Answer::GroupOrNothing && (many && renderer.links.is_some() || without_body) {
        let mut nothing = response::empty(204);
        response::header(&mut nothing, "etag", &response::tag(document.version));
        return Ok(nothing);
    }
    show(call, renderer, 200, document, json)
}

/// An answer with the group. Its members are left out if they are many: the client
/// has just sent them, or can read them.
fn show(
    call: &mut Call<'_>,
    renderer: &Renderer<'_>,
    status: u16,
    document: &Document,
    json: &[u8],
) -> Result<Response, Failure> {
    let mut links = renderer.no_links().filter(|_| document.member_count > 0);
    if let Some(read) = &mut links
        && !read_members(call, &document.id, call.config.max_members_inline, read)?
    {
        links = None;
    }
    let body = renderer.show(document, json, links.as_ref())?;
    Ok(renderer.answer(status, document, body))
}

/// Reads the members of a group; false if there are more than `most`, or more than
/// an answer holds.
pub(crate) fn read_members(
    call: &mut Call<'_>,
    id: &str,
    most: u64,
    links: &mut Links<'_>,
) -> Result<bool, Failure> {
    let mut read: u64 = 0;
    let mut next: Option<String> = None;
    loop {
        // One more than wanted tells whether there are more.
        let left = most.saturating_sub(read).saturating_add(1);
        let limit = u32::try_from(left).unwrap_or(MEMBER_PAGE).min(MEMBER_PAGE);
        let page = call.directory.members(id, next.as_deref(), limit)?;
        read = read.saturating_add(page.members.len() as u64);
        page.members.iter().for_each(|member| links.member(member));
        if read > most || links.len() > MAX_ANSWER {
            return Ok(false);
        }
        match page.next {
            Some(after) => next = Some(after),
            None => return Ok(true),
        }
    }
}

/// 400 naming the unknown members, and only those.
fn unknown_members(ids: &[String]) -> ScimError {
    let named: Vec<String> = ids.iter().take(NAMED).map(|id| quoted(id)).collect();
    let more = if ids.len() > NAMED { " and others" } else { "" };
    ScimError::invalid_value(format!(
        "`members` names what is not in this directory: {}{more}",
        named.join(", ")
    ))
}

fn note_unchanged(call: &mut Call<'_>, id: &str) {
    call.action("group-unchanged", format!("group {id} is as it was"));
}

fn note_update(call: &mut Call<'_>, id: &str, document: bool, results: &[ChangeResult]) {
    if document {
        call.action("group-updated", format!("updated group {id}"));
    } else if !results.iter().any(|result| result.changed) {
        note_unchanged(call, id);
    }
    note_members(call, id, results);
}

/// `1 member`, `3 members`.
fn members(count: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} member{plural}")
}

fn note_members(call: &mut Call<'_>, id: &str, results: &[ChangeResult]) {
    let added: u64 = results.iter().map(|r| r.members_added).sum();
    let removed: u64 = results.iter().map(|r| r.members_removed).sum();
    let held: usize = results.iter().map(|r| r.absent_members.len()).sum();
    if added > 0 {
        call.action(
            "members-added",
            format!("added {} to group {id}", members(added)),
        );
    }
    if removed > 0 {
        call.action(
            "members-removed",
            format!("removed {} from group {id}", members(removed)),
        );
    }
    if held > 0 {
        // The store names 100 at most.
        let at_least = if held >= 100 { "at least " } else { "" };
        call.notes.warning(
            "members-held",
            format!(
                "{at_least}{held} members of group {id} are unknown and held until they arrive"
            ),
        );
    }
    let attached: usize = results.iter().map(|r| r.attached_to.len()).sum();
    if attached > 0 {
        call.action(
            "held-member-attached",
            format!("group {id} was waited for and is a member of {attached} more groups now"),
        );
    }
}

fn unit(changes: Vec<Change>, name: &str, id: &str) -> Unit {
    Unit {
        changes,
        event: Some(EventDraft {
            name: name.to_owned(),
            subject_kind: Kind::Group,
            subject: id.to_owned(),
            logins: Vec::new(),
        }),
    }
}
