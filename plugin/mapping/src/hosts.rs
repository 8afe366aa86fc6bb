//! Hosts, what is claimed of them and who was found to use them. Mirrors
//! `wit/host-store.wit`, which holds the contract; the component implements
//! [`Hosts`] over its imports.
//!
//! This module must not know how an assignment is found.

use nameplate_scim::directory::Timestamp;
use thiserror::Error;

/// Where a claim comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// An administrator said so.
    Manual,
    /// The end user signed in while the host enrolled. Without a login: the host
    /// enrolled and nobody signed in, so older enrolments no longer count.
    Enrollment,
    /// A browser profile seen on the host; never assigns.
    ChromeProfile,
    /// An address noted by another system; never assigns.
    Custom,
    /// Promised to a serial number before the host enrolled.
    Serial,
    /// The host is used by many, as an administrator says; a claim without login. Its
    /// name in `wit/host-store.wit` is `other("shared")`.
    Shared,
    /// Anything later; never assigns.
    Other(String),
}

impl Source {
    /// What [`Source::Shared`] is called where only names are known.
    pub const SHARED: &str = "shared";

    /// The source that is called `other(name)` in `wit/host-store.wit`.
    pub fn other(name: String) -> Self {
        if name == Self::SHARED {
            Self::Shared
        } else {
            Self::Other(name)
        }
    }
}

/// "This host is used by this login", or by nobody in particular. A fact: kept even if
/// nobody has that login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Unique per host; 1 to 128 bytes.
    pub id: String,
    /// Where it comes from.
    pub source: Source,
    /// As given; may be empty if `email` is not. Both are for [`Source::Shared`], and
    /// where a host enrolled and nobody signed in.
    pub username: String,
    /// As given; may be empty if `username` is not.
    pub email: String,
    /// As given; may be empty.
    pub full_name: String,
    /// `username` and `email` folded: the index of the claim.
    pub logins: Vec<Vec<u8>>,
    /// When it became true, as the caller says.
    pub since: Timestamp,
    /// When it was taken back.
    pub withdrawn: Option<Timestamp>,
    /// Room for what was not foreseen.
    pub extras: Vec<(String, String)>,
}

impl Claim {
    /// Does it name nobody?
    pub fn is_nobodys(&self) -> bool {
        self.login().trim().is_empty()
    }

    /// The login claimed, as given: the username, or the e-mail where there is none.
    pub fn login(&self) -> &str {
        if self.username.trim().is_empty() {
            &self.email
        } else {
            &self.username
        }
    }
}

/// What was found for a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// One person of the directory.
    Linked,
    /// A login is claimed that nobody has.
    Pending,
    /// Several people could be meant.
    Ambiguous,
    /// Nothing is claimed.
    #[default]
    Unassigned,
    /// Marked as used by many.
    Shared,
}

/// Who uses a host: an id and a reason, nothing that could go stale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// What was found.
    pub outcome: Outcome,
    /// The person's document, if [`Outcome::Linked`].
    pub user: Option<String>,
    /// The login claimed, as given; empty if [`Outcome::Unassigned`] or
    /// [`Outcome::Shared`].
    pub login: String,
    /// Why, in one line for people, at most 512 bytes.
    pub reason: String,
}

/// A host with all that is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Given by the device-management server; 1 to 255 bytes.
    pub id: String,
    /// Goes up with every claim, withdrawal and change of assignment.
    pub version: u64,
    /// At most 256: the newest of each source first.
    pub claims: Vec<Claim>,
    /// Who was found.
    pub assignment: Assignment,
    /// Room for what was not foreseen.
    pub extras: Vec<(String, String)>,
}

/// A page of hosts in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostPage {
    /// Their ids.
    pub hosts: Vec<String>,
    /// Pass as `after` to go on; none at the end.
    pub next: Option<String>,
}

/// What was found for a host, to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentWrite {
    /// Which host.
    pub host: String,
    /// The version it was found at.
    pub expected: u64,
    /// What was found.
    pub assignment: Assignment,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// Written; the host's new version.
    Written(u64),
    /// It was like that already; the host's version.
    Unchanged(u64),
    /// The host has another version: read again and start over.
    Stale(u64),
    /// There is no such host.
    NoHost,
}

/// Trouble with the store. Expected outcomes are values, never errors.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HostsError {
    /// The store cannot answer now; the same call may succeed later.
    #[error("the host store is not available: {0}")]
    Unavailable(String),
    /// The call broke the store's contract or its scope: a bug.
    #[error("the host store refused the call: {0}")]
    Refused(String),
    /// Anything else.
    #[error("the host store failed: {0}")]
    Other(String),
}

/// The hosts of one tenant. See `wit/host-store.wit` for each call's contract.
pub trait Hosts {
    /// Reads one host.
    fn get(&mut self, host: &str) -> Result<Option<Host>, HostsError>;
    /// Hosts with a claim, not withdrawn, on any of these logins (at most 64).
    fn claimed_by(
        &mut self,
        logins: &[Vec<u8>],
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, HostsError>;
    /// Hosts assigned to this person.
    fn assigned_to(
        &mut self,
        user: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, HostsError>;
    /// All hosts of the tenant.
    fn all(&mut self, after: Option<&str>, limit: u32) -> Result<HostPage, HostsError>;
    /// Adds a claim; one with the same id stays as it is and the answer is
    /// [`WriteOutcome::Unchanged`].
    fn put_claim(&mut self, host: &str, claim: &Claim) -> Result<WriteOutcome, HostsError>;
    /// Takes back every claim of this source made up to `at`.
    fn withdraw(
        &mut self,
        host: &str,
        source: &Source,
        at: Timestamp,
    ) -> Result<WriteOutcome, HostsError>;
    /// Writes what was found, each if its host still has the version it was found at;
    /// at most 1000, one answer for each, in order.
    fn put_assignments(
        &mut self,
        writes: &[AssignmentWrite],
    ) -> Result<Vec<WriteOutcome>, HostsError>;
}
