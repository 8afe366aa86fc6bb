//! Keeps assignments true while hosts and the directory change.
//!
//! # Why this is safe without a transaction over both stores
//!
//! The directory and the hosts may lie in different databases. Three rules replace
//! the transaction:
//!
//! 1. **Facts first.** A claim is stored before facts are read; a directory change is
//!    committed before the hosts it may touch are looked up (by claims and by
//!    assignment). So when a claim and a change meet, one of the two sees the other:
//!    if the claim's reader missed the change, the change was committed after that
//!    read, hence looks hosts up after the claim was stored.
//! 2. **Compare and set.** A host is read with its version, then the facts; what was
//!    found is written only if the host still has that version. `stale` starts over.
//! 3. **Done means nothing to write.** After a write the host and the facts are read
//!    again, until what is found is what is stored. Without this, a slow mapper could
//!    write what it found in old facts *after* a faster one had looked at the new
//!    facts and found the host to be right already (so no version went up to stop it).
//!
//! If a process dies between a commit and the mapping, nothing is lost: the event is
//! in the log, and a host that is read is settled first.
//!
//! This module must not know how a person is found (that is [`crate::resolve`]).

use std::collections::BTreeSet;

use nameplate_scim::directory::{DirectoryError, Holding, Kind};
use nameplate_scim::env::{Env, Level};
use thiserror::Error;

use crate::claim::{ClaimDraft, from_draft};
use crate::directory::TenantDirectory;
use crate::hosts::{
    AssignmentWrite, Host, HostPage, Hosts, HostsError, Outcome, Source, WriteOutcome,
};
use crate::person::{Person, active, username};
use crate::resolve::{Activity, Resolution, relevant_logins, resolve, rivals};
use crate::rules::Rules;

/// How often a host is tried before [`MappingError::Busy`]: each further try means
/// that somebody else got a write through.
const TRIES: usize = 8;

/// Values per `holders` call, and spans it may cut at; see `wit/user-store.wit`.
const HOLDERS_VALUES: usize = 16;
const HOLDERS_SPANS: usize = 1000;

/// Logins per [`Hosts::claimed_by`] call; see `wit/host-store.wit`.
const CLAIMED_BY_LOGINS: usize = 64;

/// Hosts of one call, whatever is asked for: bounds the work between two answers.
const MAX_HOSTS: u32 = 1000;

/// Documents read at once to tell rivals apart; only their activity is kept.
const RIVALS_AT_ONCE: usize = 100;

/// Candidates shown to people; see `wit/mapping.wit`.
const SHOWN_CANDIDATES: usize = 10;

/// A change of the directory, from the event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryChange {
    /// Its number.
    pub seq: u64,
    /// E.g. `user.updated`.
    pub name: String,
    /// Of the subject.
    pub subject_kind: Kind,
    /// The document it is about.
    pub subject: String,
    /// Logins whose holder may have changed: those the subject holds or held, before
    /// and after. Logins given up long ago count too when somebody is deleted, or
    /// becomes active or inactive: they may be one of several candidates by such a
    /// login, and no host is assigned to a candidate. If they are left out, such a
    /// host is put right when it is read.
    pub logins: Vec<Vec<u8>>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// People changed: hosts that claim one of the logins, or are assigned to the
    /// subject, are looked at again.
    Directory(DirectoryChange),
    /// A host got a claim.
    Claimed(String, ClaimDraft),
    /// Claims of this source were taken back.
    Withdrawn(String, Source),
    /// A host appeared or has to be looked at again.
    Host(String),
}

/// What a call did. `next` is present if hosts are left: call again with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Hosts looked at.
    pub seen: u32,
    /// Hosts whose assignment changed.
    pub changed: u32,
    /// The claim or withdrawal did something (false for a repeat).
    pub recorded: bool,
    /// Where to go on.
    pub next: Option<String>,
}

/// Why mapping did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MappingError {
    /// There is no such host.
    #[error("there is no such host")]
    NoHost,
    /// The draft says nothing usable; the text says what to change.
    #[error("{0}")]
    Invalid(String),
    /// The directory failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The host store failed.
    #[error(transparent)]
    Hosts(#[from] HostsError),
    /// Lost the race too often; nothing is lost, call again.
    #[error("the host is changing too fast: try again")]
    Busy,
}

/// Who uses a host. Mirrors `wit/mapping.wit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndUser {
    /// What was found.
    pub outcome: Outcome,
    /// The login claimed, as given; empty if unassigned.
    pub login: String,
    /// One line for people.
    pub reason: String,
    /// Present if linked.
    pub person: Option<Person>,
    /// If ambiguous, who could be meant, by username, at most 10.
    pub candidates: Vec<String>,
    /// If pending, usernames that are probably meant, the likeliest first, at most 3.
    pub near: Vec<String>,
}

/// A host whose stored assignment is what its facts say.
pub(crate) struct Settled {
    pub(crate) host: Host,
    pub(crate) holdings: Vec<Holding>,
    pub(crate) resolution: Resolution,
    changed: bool,
}

impl Settled {
    /// What is to be written, if another assignment was found than is stored.
    fn write(&self) -> Option<AssignmentWrite> {
        let assignment = self.resolution.assignment();
        (assignment != self.host.assignment).then(|| AssignmentWrite {
            host: self.host.id.clone(),
            expected: self.host.version,
            assignment,
        })
    }
}

/// Mapping over the stores of one tenant.
pub struct Mapping<'a> {
    /// All connections of the tenant.
    pub directory: &'a mut dyn TenantDirectory,
    /// The tenant's hosts.
    pub hosts: &'a mut dyn Hosts,
    /// Time and the journal.
    pub env: &'a mut dyn Env,
    /// What the tenant chose.
    pub rules: Rules,
}

impl Mapping<'_> {
    /// Records what happened and settles the hosts it touches, at most `limit` (1 to
    /// 1000; clamped). Repeats are harmless. For [`Event::Directory`], `after` is an
    /// earlier call's `next`; hosts deleted meanwhile are passed over.
    pub fn apply(
        &mut self,
        event: &Event,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Progress, MappingError> {
        match event {
            Event::Directory(change) => {
                let page = self.touched(change, after, limit.clamp(1, MAX_HOSTS))?;
                self.settle_page(page)
            }
            Event::Claimed(host, draft) => {
                let recorded = self.claim(host, draft)?;
                self.settle_one(host, recorded)
            }
            Event::Withdrawn(host, source) => {
                let recorded = self.withdraw(host, source)?;
                self.settle_one(host, recorded)
            }
            Event::Host(host) => self.settle_one(host, false),
        }
    }

    /// Who uses this host. Settles it first, so the answer is never older than the
    /// directory was when the call began.
    pub fn end_user_of(&mut self, host: &str) -> Result<EndUser, MappingError> {
        let (settled, mut user) = self.settled_user(host)?;
        user.near = self.near_misses(&settled)?;
        Ok(user)
    }

    /// The same without a hint at who is meant, which takes a search.
    pub(crate) fn settled_user(&mut self, host: &str) -> Result<(Settled, EndUser), MappingError> {
        // The person is read after the assignment; if they are deleted in between,
        // the host has somebody else or nobody now.
        for _ in 0..TRIES {
            let settled = self.settle(host)?;
            let resolution = &settled.resolution;
            let person = match &resolution.user {
                None => None,
                Some(user) => match self.known(user)? {
                    None => continue,
                    Some((person, _)) => Some(person),
                },
            };
            let user = EndUser {
                outcome: resolution.outcome,
                person,
                candidates: self.usernames(&resolution.candidates)?,
                near: Vec::new(),
                login: resolution.login.clone(),
                reason: resolution.reason.clone(),
            };
            return Ok((settled, user));
        }
        Err(MappingError::Busy)
    }

    /// Settles hosts in the order of their ids, at most `limit` (1 to 1000; clamped).
    pub fn reconcile(&mut self, after: Option<&str>, limit: u32) -> Result<Progress, MappingError> {
        let page = self.hosts.all(after, limit.clamp(1, MAX_HOSTS))?;
        self.settle_page(page)
    }

    /// Stores a claim; true if it is news.
    fn claim(&mut self, host: &str, draft: &ClaimDraft) -> Result<bool, MappingError> {
        let known = self.hosts.get(host)?.ok_or(MappingError::NoHost)?.claims;
        let now = self.env.now();
        let drafted = from_draft(draft, &known, now).map_err(MappingError::Invalid)?;
        if drafted.clamped {
            self.env.note(
                Level::Quirk,
                "claim-from-the-future",
                "the time given lies in the future; it counts from now",
            );
        }
        recorded(self.hosts.put_claim(host, &drafted.claim)?)
    }

    /// Takes claims back; true if there were any.
    fn withdraw(&mut self, host: &str, source: &Source) -> Result<bool, MappingError> {
        let known = self.hosts.get(host)?.ok_or(MappingError::NoHost)?.claims;
        // All that are known: their times may lie a little ahead of this clock.
        let at = known
            .iter()
            .filter(|claim| claim.source == *source)
            .map(|claim| claim.since)
            .fold(self.env.now(), u64::max);
        recorded(self.hosts.withdraw(host, source, at)?)
    }

    /// The hosts a change may touch, in the order of their ids.
    fn touched(
        &mut self,
        change: &DirectoryChange,
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, MappingError> {
        let logins: BTreeSet<&Vec<u8>> = change.logins.iter().collect();
        let logins: Vec<Vec<u8>> = logins.into_iter().cloned().collect();
        let mut pages = Vec::new();
        for chunk in logins.chunks(CLAIMED_BY_LOGINS) {
            pages.push(self.hosts.claimed_by(chunk, after, limit)?);
        }
        if change.subject_kind == Kind::User {
            pages.push(self.hosts.assigned_to(&change.subject, after, limit)?);
        }
        Ok(merge(pages, limit))
    }

    fn settle_page(&mut self, page: HostPage) -> Result<Progress, MappingError> {
        let mut progress = Progress {
            next: page.next,
            ..Progress::default()
        };
        progress.seen = u32::try_from(page.hosts.len()).unwrap_or(u32::MAX);
        progress.changed = self.settle_all(page.hosts)?;
        if progress.changed > 0 {
            let text = format!(
                "{} of {} hosts changed hands",
                progress.changed, progress.seen
            );
            self.env.note(Level::Action, "hosts-mapped", &text);
        }
        Ok(progress)
    }

    fn settle_one(&mut self, host: &str, recorded: bool) -> Result<Progress, MappingError> {
        let settled = self.settle(host)?;
        Ok(Progress {
            seen: 1,
            changed: u32::from(settled.changed),
            recorded,
            next: None,
        })
    }

    /// Brings the assignments of hosts up to date, by the rules above, and says how many
    /// changed. They are written together: a store waits for its disk once.
    fn settle_all(&mut self, mut left: Vec<String>) -> Result<u32, MappingError> {
        let mut changed = BTreeSet::new();
        for _ in 0..=TRIES {
            let mut writes = Vec::new();
            for id in left {
                // Deleted since it was found: nothing to settle.
                if let Some(found) = self.look(&id)? {
                    writes.extend(found.write());
                }
            }
            if writes.is_empty() {
                return Ok(u32::try_from(changed.len()).unwrap_or(u32::MAX));
            }
            let outcomes = self.hosts.put_assignments(&writes)?;
            let unanswered = std::iter::repeat(WriteOutcome::Stale(0));
            let outcomes = outcomes.into_iter().chain(unanswered);
            left = Vec::new();
            for (write, outcome) in writes.into_iter().zip(outcomes) {
                match outcome {
                    WriteOutcome::Written(_) => {
                        changed.insert(write.host.clone());
                        left.push(write.host);
                    }
                    WriteOutcome::Stale(_) => left.push(write.host),
                    WriteOutcome::Unchanged(_) | WriteOutcome::NoHost => {}
                }
            }
        }
        Err(MappingError::Busy)
    }

    /// Brings one host's assignment up to date, by the rules above.
    pub(crate) fn settle(&mut self, id: &str) -> Result<Settled, MappingError> {
        let mut changed = false;
        for _ in 0..=TRIES {
            let mut found = self.look(id)?.ok_or(MappingError::NoHost)?;
            found.changed = changed;
            let Some(write) = found.write() else {
                return Ok(found);
            };
            match self.hosts.put_assignments(&[write])?.first() {
                Some(WriteOutcome::Unchanged(_)) => return Ok(found),
                Some(WriteOutcome::Written(_)) => changed = true,
                Some(WriteOutcome::Stale(_)) | None => {}
                Some(WriteOutcome::NoHost) => return Err(MappingError::NoHost),
            }
        }
        Err(MappingError::Busy)
    }

    /// Reads a host and finds whose it is; none if there is no such host.
    fn look(&mut self, id: &str) -> Result<Option<Settled>, MappingError> {
        let Some(host) = self.hosts.get(id)? else {
            return Ok(None);
        };
        let holdings = self.holdings(&relevant_logins(&host.claims))?;
        let activity = self.activity(&rivals(&host.claims, &holdings, &self.rules))?;
        let resolution = resolve(&host.claims, &holdings, &activity, &self.rules);
        Ok(Some(Settled {
            host,
            holdings,
            resolution,
            changed: false,
        }))
    }

    pub(crate) fn holdings(&mut self, logins: &[Vec<u8>]) -> Result<Vec<Holding>, MappingError> {
        let mut holdings = Vec::new();
        let mut queue: Vec<&[Vec<u8>]> = logins.chunks(HOLDERS_VALUES).collect();
        while let Some(values) = queue.pop() {
            let spans = self.directory.holders(values)?;
            if spans.len() >= HOLDERS_SPANS && values.len() > 1 {
                // It may have been cut: ask for less at a time.
                let (left, right) = values.split_at(values.len() / 2);
                queue.extend([left, right]);
            } else {
                holdings.extend(spans);
            }
        }
        Ok(holdings)
    }

    fn activity(&mut self, people: &[String]) -> Result<Activity, MappingError> {
        let mut activity = Activity::new();
        for chunk in people.chunks(RIVALS_AT_ONCE) {
            for document in self.directory.get_many(chunk)? {
                activity.insert(document.id.clone(), active(&document));
            }
        }
        Ok(activity)
    }

    /// Where nobody has the login claimed: the usernames that are probably meant.
    pub(crate) fn near_misses(&mut self, settled: &Settled) -> Result<Vec<String>, MappingError> {
        let resolution = &settled.resolution;
        if resolution.outcome != Outcome::Pending || !resolution.inactive.is_empty() {
            return Ok(Vec::new());
        }
        let mut claims = settled.host.claims.iter();
        let claim = claims.find(|claim| Some(&claim.id) == resolution.claim.as_ref());
        claim.map_or_else(|| Ok(Vec::new()), |claim| self.near(claim))
    }

    /// The usernames of the first few documents, in their order.
    pub(crate) fn usernames(&mut self, people: &[String]) -> Result<Vec<String>, MappingError> {
        let shown: Vec<String> = people.iter().take(SHOWN_CANDIDATES).cloned().collect();
        if shown.is_empty() {
            return Ok(Vec::new());
        }
        let place = |id: &str| shown.iter().position(|shown| shown == id);
        let mut documents = self.directory.get_many(&shown)?;
        documents.sort_by_key(|document| place(&document.id));
        Ok(documents.iter().map(username).collect())
    }
}

fn recorded(outcome: WriteOutcome) -> Result<bool, MappingError> {
    match outcome {
        WriteOutcome::Written(_) => Ok(true),
        WriteOutcome::Unchanged(_) => Ok(false),
        WriteOutcome::Stale(_) => Err(MappingError::Busy),
        WriteOutcome::NoHost => Err(MappingError::NoHost),
    }
}

/// Several pages as one. Beyond the `next` of any page its hosts are not known, so
/// the whole is only complete up to the smallest of them.
fn merge(pages: Vec<HostPage>, limit: u32) -> HostPage {
    let known_to = pages.iter().filter_map(|page| page.next.clone()).min();
    let mut hosts: BTreeSet<String> = pages.into_iter().flat_map(|page| page.hosts).collect();
    let mut next = None;
    if let Some(known_to) = known_to {
        hosts.retain(|host| *host <= known_to);
        next = Some(known_to);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = hosts.len() > limit;
    let hosts: Vec<String> = hosts.into_iter().take(limit).collect();
    if more {
        next = hosts.last().cloned();
    }
    HostPage { hosts, next }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
