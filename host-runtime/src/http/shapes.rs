//! What hosts and people look like in answers: Fleet's shapes, and ours.

use std::collections::{BTreeMap, BTreeSet};

use nameplate_store::{
    Assignment, AssignmentOutcome, Claim, Host, HostRecord, HostSummary, PastAssignment,
    RequestEntry, Source, Timestamp,
};
use serde_json::{Map, Value, json};

use super::time::rfc3339;
use crate::plugin::{EndUser, Label, Person};
use crate::request_log::cut_chars;

/// Integers up to here are exact in JavaScript.
const MAX_EXACT: u64 = 1 << 53;
/// Characters of Fleet's `details`.
const DETAILS: usize = 255;

/// A host's id as Fleet writes it: a number where the text is one.
pub fn fleet_id(id: &str) -> Value {
    let canonical = |number: &u64| *number < MAX_EXACT && number.to_string() == id;
    match id.parse::<u64>().ok().filter(canonical) {
        Some(number) => json!(number),
        None => json!(id),
    }
}

/// `GET …/fleet/hosts/{id}`.
pub fn fleet_host(host: &Host, user: &EndUser) -> Value {
    let HostRecord {
        id,
        display_name,
        platform,
        serial,
        uuid,
    } = &host.record;
    json!({ "host": {
        "id": fleet_id(id),
        "display_name": display_name,
        "platform": platform,
        "hardware_serial": serial,
        "uuid": uuid,
        "created_at": rfc3339(host.created),
        "end_users": end_users(user, &host.claims),
    }})
}

/// Fleet's `end_users`: one item, or none where nothing is claimed.
pub fn end_users(user: &EndUser, claims: &[Claim]) -> Value {
    let mut item = Map::new();
    let mut put = |name: &str, text: &str| {
        if !text.is_empty() {
            item.insert(name.to_owned(), json!(text));
        }
    };
    let mut updated = Value::Null;
    match (&user.outcome, &user.person) {
        (AssignmentOutcome::Linked, Some(person)) => {
            put("idp_id", &person.external_id);
            put("idp_username", &person.username);
            put("idp_full_name", &person.full_name);
            put("idp_department", &person.department);
            if !person.groups.is_empty() {
                item.insert("idp_groups".to_owned(), json!(person.groups));
            }
            updated = json!(rfc3339(person.updated));
        }
        (AssignmentOutcome::Unassigned | AssignmentOutcome::Shared, _) => {}
        (
            AssignmentOutcome::Linked | AssignmentOutcome::Pending | AssignmentOutcome::Ambiguous,
            _,
        ) => put("idp_username", &user.login),
    }
    let others = other_emails(user.person.as_ref(), claims);
    if !others.is_empty() {
        item.insert("other_emails".to_owned(), Value::Array(others));
    }
    if item.is_empty() {
        return json!([]);
    }
    item.insert("idp_info_updated_at".to_owned(), updated);
    json!([item])
}

/// Addresses other systems noted, without the person's own login.
fn other_emails(person: Option<&Person>, claims: &[Claim]) -> Vec<Value> {
    let own = |email: &str| {
        person.is_some_and(|person| person.username.to_lowercase() == email.to_lowercase())
    };
    rows(claims, |source| {
        matches!(source, Source::Custom | Source::ChromeProfile)
    })
    .into_iter()
    .filter(|(email, _)| !own(email))
    .map(|(email, source)| json!({ "email": email, "source": source }))
    .collect()
}

/// One row for each address and source, the newest claim first.
fn rows(claims: &[Claim], wanted: impl Fn(&Source) -> bool) -> Vec<(&str, &'static str)> {
    rows_of(claims, wanted, address)
}

fn rows_of<'a>(
    claims: &'a [Claim],
    wanted: impl Fn(&Source) -> bool,
    address: impl Fn(&'a Claim) -> &'a str,
) -> Vec<(&'a str, &'static str)> {
    let mut seen = BTreeSet::new();
    claims
        .iter()
        .filter(|claim| claim.withdrawn.is_none() && wanted(&claim.source))
        .filter_map(|claim| {
            // Fleet reports a manual idp user under the enrolment's source.
            let source = match claim.source {
                Source::Manual | Source::Enrollment => "mdm_idp_accounts",
                Source::Custom => "custom",
                Source::ChromeProfile => "google_chrome_profiles",
                // Promised to hardware or unknown to Fleet: nothing seen on the host.
                Source::Serial | Source::Other(_) => return None,
            };
            let email = address(claim);
            (!email.is_empty()).then_some((email, source))
        })
        .filter(|row| seen.insert(*row))
        .collect()
}

/// The address claimed, or the login where there is none.
fn address(claim: &Claim) -> &str {
    if claim.email.is_empty() {
        &claim.username
    } else {
        &claim.email
    }
}

/// The address of a claim that led to a person, as that person has it now: what was
/// claimed is kept, and would contradict everything else that is shown after a rename.
fn present_address<'a>(claim: &'a Claim, user: &'a EndUser) -> &'a str {
    let claimed = address(claim);
    let decided = claim.username == user.login || claim.email == user.login;
    match &user.person {
        Some(person) if decided && claimed.contains('@') && person.username.contains('@') => {
            &person.username
        }
        _ => claimed,
    }
}

/// `…/device_mapping`.
pub fn device_mapping(host: &Host, user: &EndUser) -> Value {
    let present = |claim| present_address(claim, user);
    let mapping: Vec<Value> = rows_of(&host.claims, |_| true, present)
        .into_iter()
        .map(|(email, source)| json!({ "email": email, "source": source }))
        .collect();
    json!({
        "host_id": fleet_id(&host.record.id),
        "device_mapping": mapping,
        "assignment": current(user),
    })
}

/// The assignment as it is now, joined with the directory.
pub fn current(user: &EndUser) -> Value {
    let person = user.person.as_ref();
    let mut shape = json!({
        "outcome": user.outcome.as_str(),
        "username": person.map_or(user.login.as_str(), |person| person.username.as_str()),
        "user_id": person.map(|person| person.id.as_str()),
        "reason": user.reason,
    });
    if let Some(shape) = shape.as_object_mut() {
        if let Some(person) = person {
            shape.insert("active".to_owned(), json!(person.active));
        }
        if !user.candidates.is_empty() {
            shape.insert("candidates".to_owned(), json!(user.candidates));
        }
        if !user.near.is_empty() {
            shape.insert("near".to_owned(), json!(user.near));
        }
    }
    shape
}

/// An assignment as it is stored: in lists and in the history.
fn stored(assignment: &Assignment) -> Value {
    let Assignment {
        outcome,
        user,
        login,
        reason,
    } = assignment;
    json!({
        "outcome": outcome.as_str(),
        "username": login,
        "user_id": user,
        "reason": reason,
    })
}

fn record(record: &HostRecord) -> Map<String, Value> {
    let HostRecord {
        id,
        display_name,
        platform,
        serial,
        uuid,
    } = record;
    [
        ("id", id),
        ("display_name", display_name),
        ("platform", platform),
        ("serial", serial),
        ("uuid", uuid),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), json!(value)))
    .collect()
}

/// What is shown of a host besides what its store and its plugin say.
#[derive(Debug, Default)]
pub struct Beside {
    /// Past assignments, the newest first.
    pub history: Vec<PastAssignment>,
    /// Usernames of people in the history who are known, by document.
    pub names: BTreeMap<String, String>,
    /// When the person was deactivated.
    pub deactivated: Option<Timestamp>,
    /// Labels it has.
    pub labels: Vec<Label>,
}

/// The person as we show them, with every mapped attribute.
pub fn person(person: &Person, deactivated: Option<Timestamp>) -> Value {
    let Person {
        id,
        connection,
        external_id,
        username,
        full_name,
        department,
        groups,
        active,
        updated,
        attributes,
    } = person;
    let attributes: Map<String, Value> = attributes
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let mut shape = json!({
        "id": id,
        "connection": connection,
        "external_id": external_id,
        "username": username,
        "full_name": full_name,
        "department": department,
        "groups": groups,
        "active": active,
        "updated": rfc3339(*updated),
        "attributes": attributes,
    });
    if let (false, Some(at), Some(shape)) = (*active, deactivated, shape.as_object_mut()) {
        shape.insert("deactivated_at".to_owned(), json!(rfc3339(at)));
    }
    shape
}

/// Our own view of one host, with where its user comes from.
pub fn host(host: &Host, user: &EndUser, beside: &Beside) -> Value {
    let claims: Vec<Value> = host
        .claims
        .iter()
        .map(|claim| {
            json!({
                "id": claim.id,
                "source": claim.source.as_str(),
                "username": claim.username,
                "email": claim.email,
                "full_name": claim.full_name,
                "since": rfc3339(claim.since),
                "withdrawn": claim.withdrawn.map(rfc3339),
            })
        })
        .collect();
    let history: Vec<Value> = beside
        .history
        .iter()
        .map(|past| {
            let mut line = stored(&past.assignment);
            if let Some(line) = line.as_object_mut() {
                line.insert("from".to_owned(), json!(rfc3339(past.from)));
                let known = past.assignment.user.as_ref();
                if let Some(name) = known.and_then(|user| beside.names.get(user)) {
                    line.insert("username".to_owned(), json!(name));
                }
                line.insert("until".to_owned(), json!(rfc3339(past.until)));
                line.insert("replaced_because".to_owned(), json!(past.replaced_because));
            }
            line
        })
        .collect();
    let mut shape = record(&host.record);
    shape.insert("created".to_owned(), json!(rfc3339(host.created)));
    shape.insert("end_users".to_owned(), end_users(user, &host.claims));
    shape.insert("assignment".to_owned(), current(user));
    let shown = user.person.as_ref();
    let shown = shown.map(|shown| person(shown, beside.deactivated));
    shape.insert("end_user".to_owned(), json!(shown));
    let labels: Vec<Value> = beside.labels.iter().map(super::labels::shape).collect();
    shape.insert("labels".to_owned(), json!(labels));
    shape.insert("claims".to_owned(), json!(claims));
    shape.insert("history".to_owned(), json!(history));
    json!({ "host": shape })
}

/// A host in a list.
///
/// `name` is what its person is called now, if it has one.
pub fn summary(host: &HostSummary, name: Option<&str>) -> Value {
    let mut shape = record(&host.record);
    let mut assignment = stored(&host.assignment);
    if let (Some(name), Some(assignment)) = (name, assignment.as_object_mut()) {
        assignment.insert("username".to_owned(), json!(name));
    }
    shape.insert("assignment".to_owned(), assignment);
    Value::Object(shape)
}

/// `…/scim/details`.
pub fn details(last: Option<&RequestEntry>) -> Value {
    let last = last.map(|entry| {
        json!({
            "requested_at": rfc3339(entry.at),
            "status": if entry.status < 400 { "success" } else { "error" },
            "details": failure_text(entry),
        })
    });
    json!({ "last_request": last })
}

/// Why a request failed; empty if it did not.
pub fn failure_text(entry: &RequestEntry) -> String {
    match (entry.status, entry.detail.as_str()) {
        (..400, _) => String::new(),
        (status, "") => format!("the request was answered with status {status}"),
        (_, detail) => cut_chars(detail, DETAILS),
    }
}

#[cfg(test)]
#[path = "shapes_tests.rs"]
mod tests;
