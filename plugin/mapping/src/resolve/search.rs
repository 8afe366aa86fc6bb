//! Whom a login means.
//!
//! Time says who could be meant, then the kind of match says who is.
//!
//! **Time.** Everybody alive who held one of the claim's logins at the claim's
//! moment; if nobody did, the tenure that began first after it, with everybody
//! alive whose tenure overlaps that one. Why so, and not "whoever has it now, else
//! the first after": a host may enrol before its user is pushed. Under the simpler
//! rule such a host would follow the *login*: when the user is renamed it would fall
//! to `pending`, and to whoever inherits the login after that. Here it goes to the
//! first holder and stays, because a tenure that has begun is never begun earlier by
//! a later event, and ending it can only keep later people out. Only deletion moves
//! the host on: the dead are passed over, so a person re-created under a new id is
//! linked again.
//!
//! **Match.** Among those: userName = username, then userName = e-mail, then the
//! e-mail address, if exactly one has it. Time comes first because the reverse
//! would hand over hosts across kinds: enrolled by e-mail address, the owner is
//! renamed, and a newcomer whose userName is the old address would take them. An
//! address that several share says nothing, so if it is all there was, people whose
//! userName fits at another moment are asked for before it is called ambiguous.
//!
//! Several left: active ones, then the first connection in the order given, then
//! `ambiguous`.
//!
//! # People who are deactivated
//!
//! They count like others, unless the tenant clears their hosts
//! ([`Deactivated::Clear`]): then they are passed over like the dead, until they are
//! active again. So what a host shows follows from the facts of now, and nothing has to
//! be remembered to link it again.
//!
//! This module must not know which claim counts.

use std::collections::{BTreeMap, BTreeSet};

use nameplate_scim::directory::Holding;
use nameplate_scim::fold::login_key;

use super::{Activity, EMAIL, Match, USER_NAME};
use crate::hosts::Claim;
use crate::rules::{Deactivated, Rules};

/// That a living person held one of a claim's logins, from when to when.
#[derive(Clone, Copy)]
struct Evidence<'a> {
    user: &'a str,
    connection: &'a str,
    from: u64,
    /// Exclusive.
    until: u64,
    matched: Match,
}

fn evidence<'a>(claim: &Claim, holdings: &'a [Holding]) -> Vec<Evidence<'a>> {
    let username = login_key(&claim.username);
    let email = login_key(&claim.email);
    let is = |value: &[u8], key: &[u8]| !key.is_empty() && value == key;
    holdings
        .iter()
        .filter(|holding| holding.alive)
        .filter_map(|holding| {
            let value = holding.value.as_slice();
            let matched = match holding.attribute.as_str() {
                USER_NAME if is(value, &username) => Match::UserName,
                USER_NAME if is(value, &email) => Match::UserNameIsEmail,
                EMAIL if is(value, &email) => Match::Email,
                // Many callers have one field, and put the address into it.
                EMAIL if username.contains(&b'@') && is(value, &username) => Match::Email,
                _ => return None,
            };
            Some(Evidence {
                user: &holding.document,
                connection: &holding.connection,
                from: holding.from,
                until: holding.until.unwrap_or(u64::MAX),
                matched,
            })
        })
        .collect()
}

fn by_user_name<'a>(evidence: &[Evidence<'a>]) -> Vec<Evidence<'a>> {
    evidence
        .iter()
        .filter(|one| one.matched != Match::Email)
        .copied()
        .collect()
}

/// The time rule of the module's description.
fn in_time<'a>(evidence: &[Evidence<'a>], at: u64) -> Vec<Evidence<'a>> {
    let having = |wanted: &dyn Fn(&Evidence<'a>) -> bool| -> Vec<Evidence<'a>> {
        evidence.iter().filter(|one| wanted(one)).copied().collect()
    };
    let held = having(&|one| one.from <= at && at < one.until);
    if !held.is_empty() {
        return held;
    }
    // Given up in the very millisecond of the claim, and nobody has it since: the
    // two cannot be told apart, and a link is better than none.
    let just_given_up = having(&|one| one.from <= at && at == one.until);
    if !just_given_up.is_empty() {
        return just_given_up;
    }
    let first = evidence
        .iter()
        .filter(|one| one.from > at)
        .min_by_key(|one| (one.from, one.until, one.user))
        .copied();
    first.map_or_else(Vec::new, |first| {
        having(&|one| one.from > at && (one.user == first.user || one.from < first.until))
    })
}

/// Who is meant by time and by the strongest match: documents and connections.
fn meant<'a>(evidence: &[Evidence<'a>], at: u64) -> Option<(Match, BTreeMap<&'a str, &'a str>)> {
    let in_time = in_time(evidence, at);
    let matched = in_time.iter().map(|one| one.matched).min()?;
    let people = in_time
        .iter()
        .filter(|one| one.matched == matched)
        .map(|one| (one.user, one.connection))
        .collect();
    Some((matched, people))
}

/// What the search for a claim's login came to.
pub(super) enum Found {
    Nobody,
    One(String, Match),
    Several(Vec<String>, Match),
    /// All who could be meant are deactivated and passed over.
    Inactive(Vec<String>),
}

impl Found {
    /// The one person meant, active or not.
    pub(super) fn person(&self) -> Option<&str> {
        match self {
            Self::One(user, _) => Some(user),
            Self::Inactive(people) => match people.as_slice() {
                [user] => Some(user),
                _ => None,
            },
            Self::Nobody | Self::Several(..) => None,
        }
    }
}

/// The people whose activity a search for this claim needs.
pub(super) fn rivals(claim: &Claim, holdings: &[Holding], rules: &Rules) -> BTreeSet<String> {
    let evidence = evidence(claim, holdings);
    if rules.deactivated == Deactivated::Clear {
        return evidence.iter().map(|one| one.user.to_owned()).collect();
    }
    let by_name = by_user_name(&evidence);
    [evidence, by_name]
        .iter()
        .filter_map(|evidence| meant(evidence, claim.since))
        .filter(|(_, people)| people.len() > 1)
        .flat_map(|(_, people)| people.into_keys().map(str::to_owned))
        .collect()
}

/// Whom a claim's login means.
pub(super) fn search(
    claim: &Claim,
    holdings: &[Holding],
    activity: &Activity,
    rules: &Rules,
) -> Found {
    let evidence = evidence(claim, holdings);
    let among = |evidence: &[Evidence<'_>]| search_in(evidence, claim.since, activity, rules);
    if rules.deactivated != Deactivated::Clear {
        return among(&evidence);
    }
    let active: Vec<_> = evidence
        .iter()
        .filter(|one| is_active(one.user, activity))
        .copied()
        .collect();
    match among(&active) {
        Found::Nobody => match among(&evidence) {
            Found::One(user, _) => Found::Inactive(vec![user]),
            Found::Several(people, _) => Found::Inactive(people),
            nobody => nobody,
        },
        found => found,
    }
}

fn search_in(evidence: &[Evidence<'_>], at: u64, activity: &Activity, rules: &Rules) -> Found {
    let decide = |evidence: &[Evidence<'_>]| match meant(evidence, at) {
        None => Found::Nobody,
        Some((matched, people)) => choose(people, matched, activity, rules),
    };
    match decide(evidence) {
        shared @ Found::Several(_, Match::Email) => match decide(&by_user_name(evidence)) {
            Found::Nobody => shared,
            better => better,
        },
        found => found,
    }
}

fn is_active(user: &str, activity: &Activity) -> bool {
    activity.get(user).copied().unwrap_or(true)
}

fn choose(
    people: BTreeMap<&str, &str>,
    matched: Match,
    activity: &Activity,
    rules: &Rules,
) -> Found {
    let rank = |user: &str, connection: &str| {
        let inactive = !is_active(user, activity);
        let place = rules
            .connections
            .iter()
            .position(|name| name == connection)
            .unwrap_or(usize::MAX);
        (inactive, place)
    };
    let best = people
        .iter()
        .map(|(user, connection)| rank(user, connection))
        .min();
    let mut left: Vec<String> = people
        .iter()
        .filter(|(user, connection)| Some(rank(user, connection)) == best)
        .map(|(user, _)| (*user).to_owned())
        .collect();
    match (left.len(), left.pop()) {
        (1, Some(user)) => Found::One(user, matched),
        _ => Found::Several(people.into_keys().map(str::to_owned).collect(), matched),
    }
}
