//! Hosts, claims and assignments. Mirrors `wit/host-store.wit`.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{HostName, HostsErased, Promise, StoreError, TenantId, Timestamp};

/// A host as the device-management server describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostRecord {
    /// 1 to 255 bytes.
    pub id: String,
    /// At most 255 bytes each.
    pub display_name: String,
    /// E.g. `darwin`, `windows`.
    pub platform: String,
    /// The hardware serial.
    pub serial: String,
    /// The hardware uuid.
    pub uuid: String,
}

/// Where a claim comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// An administrator said so.
    Manual,
    /// The end user signed in while the host enrolled.
    Enrollment,
    /// A browser profile seen on the host.
    ChromeProfile,
    /// An address noted by another system.
    Custom,
    /// Promised to a serial number.
    Serial,
    /// Anything later.
    Other(String),
}

impl Source {
    /// Its name in storage and in answers.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Manual => "manual",
            Self::Enrollment => "enrollment",
            Self::ChromeProfile => "chrome-profile",
            Self::Custom => "custom",
            Self::Serial => "serial",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Source {
    fn from(name: &str) -> Self {
        match name {
            "manual" => Self::Manual,
            "enrollment" => Self::Enrollment,
            "chrome-profile" => Self::ChromeProfile,
            "custom" => Self::Custom,
            "serial" => Self::Serial,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// "This host is used by this login."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Unique per host; 1 to 128 bytes.
    pub id: String,
    /// Where it comes from.
    pub source: Source,
    /// As given; at most 1024 bytes, as the next two.
    pub username: String,
    /// As given.
    pub email: String,
    /// As given.
    pub full_name: String,
    /// As compared; at most 8 of at most 512 bytes.
    pub logins: Vec<Vec<u8>>,
    /// When it became true.
    pub since: Timestamp,
    /// When it was taken back.
    pub withdrawn: Option<Timestamp>,
}

/// What was found for a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssignmentOutcome {
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

impl AssignmentOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Linked,
        Self::Pending,
        Self::Ambiguous,
        Self::Unassigned,
        Self::Shared,
    ];

    /// Its name in storage and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Pending => "pending",
            Self::Ambiguous => "ambiguous",
            Self::Unassigned => "unassigned",
            Self::Shared => "shared",
        }
    }

    /// The outcome of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == name)
    }
}

/// Who uses a host: an id and a reason, nothing that can go stale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// What was found.
    pub outcome: AssignmentOutcome,
    /// The person, if linked.
    pub user: Option<String>,
    /// The login claimed, as given; at most 1024 bytes.
    pub login: String,
    /// Why, in one line for people.
    pub reason: String,
}

impl Assignment {
    /// As a host has it from the start: nobody has looked at it yet.
    pub fn never_found(&self) -> bool {
        *self == Self::default()
    }

    /// As events have it: a JSON object of `outcome`, `user` (or null), `login` and
    /// `reason`.
    pub fn json(&self) -> Vec<u8> {
        let Self {
            outcome,
            user,
            login,
            reason,
        } = self;
        let json = serde_json::json!({
            "outcome": outcome.as_str(),
            "user": user,
            "login": login,
            "reason": reason,
        });
        json.to_string().into_bytes()
    }
}

/// A host with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The description.
    pub record: HostRecord,
    /// When it was first told of.
    pub created: Timestamp,
    /// Up with every claim, withdrawal and change of assignment.
    pub version: u64,
    /// At most 256: the newest `since` first, then by id.
    pub claims: Vec<Claim>,
    /// Who uses it.
    pub assignment: Assignment,
    /// Since when the assignment is what it is; `created` until one was found.
    pub assigned: Timestamp,
}

/// A host in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSummary {
    /// The description.
    pub record: HostRecord,
    /// Who uses it.
    pub assignment: Assignment,
}

/// A line of a host's history: an assignment that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastAssignment {
    /// When it began.
    pub from: Timestamp,
    /// When it was replaced.
    pub until: Timestamp,
    /// What it was.
    pub assignment: Assignment,
    /// Why the next one took its place.
    pub replaced_because: String,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostWrite {
    /// Written; the new version.
    Written(u64),
    /// It was like that already.
    Unchanged(u64),
    /// The host has another version.
    Stale(u64),
    /// There is no such host.
    NoHost,
}

/// The hosts of all tenants. Ids are compared as bytes.
#[async_trait]
pub trait HostStore: Send + Sync {
    /// Creates a host or changes its description (claims and assignment stay).
    /// True if it was created.
    async fn put_host(
        &self,
        tenant: TenantId,
        now: Timestamp,
        host: HostRecord,
    ) -> Result<bool, StoreError>;

    /// Deletes a host with its claims, assignment and history, and appends the event
    /// `host.deleted` ([`Event::of_host`](crate::Event::of_host)) in the same
    /// transaction. False if unknown.
    async fn delete_host(
        &self,
        tenant: TenantId,
        now: Timestamp,
        host: &str,
    ) -> Result<bool, StoreError>;

    /// Reads one host.
    async fn host(&self, tenant: TenantId, host: &str) -> Result<Option<Host>, StoreError>;

    /// Lists hosts by id, all or those with this outcome (found by index).
    async fn hosts(
        &self,
        tenant: TenantId,
        outcome: Option<AssignmentOutcome>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HostSummary>, StoreError>;

    /// How many hosts the tenant has. MUST NOT cost a walk: keep a counter.
    async fn host_count(&self, tenant: TenantId) -> Result<u64, StoreError>;

    /// Ids of hosts of this serial or display name (found by index), by id, at most
    /// 1000; none for an empty name.
    async fn hosts_named(
        &self,
        tenant: TenantId,
        name: &HostName,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError>;

    /// Ids of hosts with a claim, not withdrawn, on any of these logins (found by index).
    async fn claimed_by(
        &self,
        tenant: TenantId,
        logins: &[Vec<u8>],
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError>;

    /// Ids of hosts assigned to this person (found by index).
    async fn assigned_to(
        &self,
        tenant: TenantId,
        user: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError>;

    /// Those of these people (at most 1000) that have a host.
    async fn with_host(
        &self,
        tenant: TenantId,
        users: &[String],
    ) -> Result<Vec<String>, StoreError>;

    /// Adds a claim; one with the same id stays as it is.
    async fn put_claim(
        &self,
        tenant: TenantId,
        now: Timestamp,
        host: &str,
        claim: Claim,
    ) -> Result<HostWrite, StoreError>;

    /// Takes back every claim of this source made up to `at`.
    async fn withdraw(
        &self,
        tenant: TenantId,
        host: &str,
        source: &Source,
        at: Timestamp,
    ) -> Result<HostWrite, StoreError>;

    /// Writes an assignment if the host still has version `expected`; the one it
    /// replaces becomes a line of the history, unless it was
    /// [never found](Assignment::never_found) but only what a host starts with.
    ///
    /// What is written and the event `assignment.changed`
    /// ([`Event::of_host`](crate::Event::of_host)) MUST be there together or not at all;
    /// the event has its number in one order with those of the directory.
    async fn put_assignment(
        &self,
        tenant: TenantId,
        now: Timestamp,
        host: &str,
        expected: u64,
        assignment: Assignment,
    ) -> Result<HostWrite, StoreError>;

    /// Forgets one person among hosts, and is harmless to repeat: claims, promises and
    /// lines of histories that name the document or one of the logins, as
    /// [`erasure::Person`](crate::erasure::Person) tells them. An assignment that does is
    /// as a host starts with, at the next version and without a line of the history; the
    /// event that says so names nobody, and events that do MUST lose both sides.
    ///
    /// `logins` are as given, in any case of ASCII letters: those that nobody else holds.
    /// It may look at every host and event of the tenant, in pieces that nobody waits for.
    async fn erase(
        &self,
        tenant: TenantId,
        now: Timestamp,
        user: &str,
        logins: &[String],
    ) -> Result<HostsErased, StoreError>;

    /// Past assignments, the newest first, at most `limit`. A backend keeps the newest
    /// [`check::HISTORY`](crate::check::HISTORY) of each host.
    async fn history(
        &self,
        tenant: TenantId,
        host: &str,
        limit: u32,
    ) -> Result<Vec<PastAssignment>, StoreError>;

    /// Keeps a promise, in place of an older one to the same host name. True if it was
    /// news: one that [repeats](Promise::repeats) what is there changes nothing, so
    /// that a list can be read in again.
    async fn put_promise(&self, tenant: TenantId, promise: Promise) -> Result<bool, StoreError>;

    /// Drops the promise to a host name; false if there is none.
    async fn drop_promise(&self, tenant: TenantId, name: &HostName) -> Result<bool, StoreError>;

    /// Promises, those to serials first, each in the order of the
    /// [folded](HostName::folded) names, at most 1000. `after` may be spelt in any way.
    async fn promises(
        &self,
        tenant: TenantId,
        after: Option<&HostName>,
        limit: u32,
    ) -> Result<Vec<Promise>, StoreError>;

    /// What is promised to a host of this serial and display name (found by index): to
    /// the serial first; none to an empty name.
    async fn promises_for(
        &self,
        tenant: TenantId,
        serial: &str,
        display_name: &str,
    ) -> Result<Vec<Promise>, StoreError>;
}
