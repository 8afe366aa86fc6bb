//! Groups: create, read, replace, change, delete. Members are edges of the
//! directory and never part of the document, so adding one to a group of 100,000
//! touches one edge.
//!
//! This module must not know how attributes are validated, matched or changed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::config::UnknownMembers;
use crate::directory::{
    Change, ChangeResult, Delete, Document, Edge, EventDraft, IfMissing, Kind, MemberDelta,
    NewMember, Outcome, Precondition,
};
use crate::error::{ScimError, quoted};
use crate::http::Response;
use crate::members_by_login;
use crate::patch::{self, MemberChange, Operation};
use crate::render::{Links, MAX_ANSWER, Renderer, stored};
use crate::request::Tags;
use crate::resource::Body;
use crate::resource::validate::replacement;
use crate::response::{self, Failure};
use crate::schema::ResourceType;
use crate::service::{Call, is_id, no_such};
use crate::write::{
    Answer, Draft, Step, Verb, Wish, Write, Written, base, blank, read_body, refusal, text,
};

type Content = Map<String, Value>;

/// The most members of one read (`wit/user-store.wit`).
pub(crate) const MEMBER_PAGE: u32 = 10_000;

/// The most bytes of a member's id as it is sent (`wit/user-store.wit`).
const MAX_MEMBER_ID: usize = 512;

/// Unknown members a refusal names: enough to see what went wrong, and a bound on
/// its length.
const NAMED: usize = 10;

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

/// Reads a write from its request.
pub(crate) fn read_write<'a>(
    call: &mut Call<'a>,
    wish: &Wish<'_>,
) -> Result<Box<dyn Write + 'a>, Failure> {
    let id = wish.id.to_owned();
    let rt = call.resource_type(Kind::Group);
    Ok(match wish.verb {
        Verb::Create => {
            let sent = call.body()?;
            let Body { document, members } = wish.body(call, sent, rt)?;
            let members = MemberChange {
                add: members.unwrap_or_default(),
                ..MemberChange::default()
            };
            Box::new(Create {
                id,
                content: document,
                members,
            })
        }
        Verb::Replace => {
            let to = To::Sent(call.body()?);
            Box::new(Update { id, to })
        }
        Verb::Complete => {
            let sent = call.body()?;
            let Body { document, members } = wish.body(call, sent, rt)?;
            let late = wish.promises.map(|promises| promises.late_members(members));
            let to = To::Completed(document, late.unwrap_or_default());
            Box::new(Update { id, to })
        }
        Verb::Patch => {
            let sent = call.body()?;
            let to = To::Patched(patch::parse(sent, call.config, &mut call.notes)?);
            Box::new(Update { id, to })
        }
        Verb::Delete => Box::new(Remove { id }),
    })
}

/// `POST /Groups` (RFC 7644 3.3): the group and its members in one unit.
struct Create {
    id: String,
    content: Content,
    members: MemberChange,
}

impl Write for Create {
    fn prepare(&mut self, call: &mut Call<'_>, failed: Option<Outcome>) -> Result<Step, Failure> {
        if let Some(failed) = failed {
            // A new id that somebody has already does not happen twice.
            return Err(refusal(failed).into());
        }
        let id = &self.id;
        let rt = call.resource_type(Kind::Group);
        let json = text(rt, &self.content)?;
        let draft = Draft::new(rt, call.config, &self.content, json.clone());
        let put = draft.put(Kind::Group, id, Precondition::Absent, call.config);
        let mut changes = vec![Change::Put(put)];
        if !self.members.is_empty() {
            let members = std::mem::take(&mut self.members);
            let delta = delta(call, id, Precondition::Exists, members)?;
            changes.push(Change::Members(delta));
        }
        let remark = ("group-created", format!("created group {id}"));
        let written = Written {
            document: blank(Kind::Group, id),
            json,
            linked: true,
            answer: Answer::Created,
        };
        let event = event("group.created", id);
        Ok(Step::commit(changes, event, written, Some(remark)))
    }
}

/// `PUT /Groups/{id}` (RFC 7644 3.5.1): absent members are no members; and
/// `PATCH /Groups/{id}` (RFC 7644 3.5.2).
struct Update<'r> {
    id: String,
    to: To<'r>,
}

enum To<'r> {
    /// A body, read anew for each attempt: rarely more than one, and a copy of 50,000
    /// members kept for the next one would cost each request.
    Sent(&'r [u8]),
    Patched(Vec<Operation<'r>>),
    /// What a POST had to leave out: the document, and members to add.
    Completed(Content, Vec<NewMember>),
}

impl Write for Update<'_> {
    fn prepare(&mut self, call: &mut Call<'_>, failed: Option<Outcome>) -> Result<Step, Failure> {
        let id = &self.id;
        let document = base(call, Kind::Group, id, failed)?;
        let rt = call.resource_type(Kind::Group);
        let old = stored(&document)?;
        let (new, members) = self.change(call, rt, old)?;
        let json = text(rt, &new)?;
        let edited = json != document.json;
        let draft = edited.then(|| Draft::new(rt, call.config, &new, json.clone()));
        let changes = changes(call, &document, draft, members)?;
        let written = Written {
            document,
            json,
            linked: true,
            answer: match self.to {
                To::Sent(_) | To::Completed(..) => Answer::Changed,
                // All the members would undo the delta.
                To::Patched(_) => Answer::Sparing,
            },
        };
        if changes.is_empty() {
            return Ok(Step::nothing(call, written));
        }
        let remark = edited.then(|| ("group-updated", format!("updated group {id}")));
        let event = event("group.updated", id);
        Ok(Step::commit(changes, event, written, remark))
    }
}

impl Update<'_> {
    /// The group as it is going to be, and what becomes of its members.
    fn change(
        &self,
        call: &mut Call<'_>,
        rt: &ResourceType,
        old: Content,
    ) -> Result<(Content, Option<MemberChange>), ScimError> {
        match &self.to {
            To::Sent(sent) => {
                let body = read_body(call, sent, rt)?;
                let members = MemberChange {
                    replace: true,
                    add: body.members.unwrap_or_default(),
                    ..MemberChange::default()
                };
                Ok((replacement(&old, body.document, rt)?, Some(members)))
            }
            To::Patched(operations) => {
                let patched = patch::apply(operations, old, rt, call.config, &mut call.notes)?;
                Ok((patched.document, patched.members))
            }
            To::Completed(document, members) => {
                let members = MemberChange {
                    add: members.clone(),
                    ..MemberChange::default()
                };
                Ok((replacement(&old, document.clone(), rt)?, Some(members)))
            }
        }
    }
}

/// `DELETE /Groups/{id}` (RFC 7644 3.6). Read first only if `If-Match` asks for it.
struct Remove {
    id: String,
}

impl Write for Remove {
    fn prepare(&mut self, call: &mut Call<'_>, failed: Option<Outcome>) -> Result<Step, Failure> {
        let id = &self.id;
        let condition = if Tags::of(call.request, "if-match").is_some() {
            let document = base(call, Kind::Group, id, failed)?;
            Precondition::Version(document.version)
        } else if is_id(id) && failed.is_none() {
            Precondition::Exists
        } else {
            return Err(no_such(Kind::Group, id).into());
        };
        let delete = Change::Delete(Delete {
            kind: Kind::Group,
            id: id.clone(),
            condition,
        });
        let remark = ("group-deleted", format!("deleted group {id}"));
        let written = Written {
            document: blank(Kind::Group, id),
            json: Vec::new(),
            linked: false,
            answer: Answer::Gone,
        };
        let event = event("group.deleted", id);
        Ok(Step::commit(vec![delete], event, written, Some(remark)))
    }
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
        || !members.targets.is_empty()
        || Tags::of(call.request, "if-match").is_some();
    find_targets(call, &document.id, &members)?;
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

/// Looks whether what is changed through a filter by id is a member.
fn find_targets(call: &mut Call<'_>, id: &str, members: &MemberChange) -> Result<(), Failure> {
    if members.targets.is_empty() {
        return Ok(());
    }
    let edges = members.targets.keys().filter(|member| is_id(member));
    let edges = edges.map(|member| Edge {
        group: id.to_owned(),
        member: member.clone(),
    });
    let edges: Vec<Edge> = edges.collect();
    let found = call.directory.has_edges(&edges)?;
    let found = edges.iter().zip(found).filter(|(_, found)| *found);
    let found: BTreeSet<&str> = found.map(|(edge, _)| edge.member.as_str()).collect();
    for (member, rule) in &members.targets {
        if !found.contains(member.as_str()) {
            patch::check_target(*rule, call.config.dialect, &mut call.notes)?;
        }
    }
    Ok(())
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
        targets: _,
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

/// The answer to a write.
pub(crate) fn answer(
    call: &mut Call<'_>,
    renderer: &Renderer<'_>,
    written: &Written,
) -> Result<Response, Failure> {
    let Written { document, json, .. } = written;
    // RFC 7644 3.5.2: who asks for `attributes` MUST get 200.
    let status = match written.status(call.config, renderer.links.is_some()) {
        204 if renderer.chosen => 200,
        status => status,
    };
    if status == 204 {
        let mut nothing = response::empty(204);
        response::header(&mut nothing, "etag", &response::tag(document.version));
        return Ok(nothing);
    }
    show(call, renderer, status, document, json)
}

/// An answer with the group. Its members are left out if they are many and nobody asks
/// for them by name, or if they do not fit: the client has just sent them, or can read
/// them.
fn show(
    call: &mut Call<'_>,
    renderer: &Renderer<'_>,
    status: u16,
    document: &Document,
    json: &[u8],
) -> Result<Response, Failure> {
    // RFC 7644 3.9: what `attributes` names MUST be in the answer.
    let most = match renderer.chosen {
        true => u64::MAX,
        false => call.config.max_members_inline,
    };
    let mut links = renderer.no_links().filter(|_| document.member_count > 0);
    if let Some(read) = &mut links
        && !read_members(call, &document.id, most, read)?
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
pub(crate) fn unknown_members(ids: &[String]) -> ScimError {
    let named: Vec<String> = ids.iter().take(NAMED).map(|id| quoted(id)).collect();
    let more = if ids.len() > NAMED { " and others" } else { "" };
    ScimError::invalid_value(format!(
        "`members` names what is not in this directory: {}{more}",
        named.join(", ")
    ))
}

/// `1 member`, `3 members`.
fn members(count: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} member{plural}")
}

/// Says which members of a group came, went and are waited for.
pub(crate) fn note_members(call: &mut Call<'_>, id: &str, results: &[ChangeResult]) {
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
}

fn event(name: &str, id: &str) -> EventDraft {
    EventDraft {
        name: name.to_owned(),
        subject_kind: Kind::Group,
        subject: id.to_owned(),
        logins: Vec::new(),
    }
}
