//! What the runtime asks of a plugin, in plain types.
//!
//! [`Plugin`] is implemented by [`crate::wasm::WasmPlugin`] over the component; the
//! conformance tests and the benchmark implement it natively, to tell a fault of
//! the protocol from a fault of the sandbox. Nothing here knows WIT, wasm or SCIM.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use nameplate_store::{
    AssignmentOutcome, Connection, HostStore, Kind, Scope, Source, StoreError, Timestamp, UserStore,
};
use thiserror::Error;

/// A remark for the request log.
pub use nameplate_store::LogNote as Note;
pub use nameplate_store::NoteLevel;

use crate::clock::Sources;
use crate::limits::Limits;
use crate::metrics::Commits;
use crate::turns::Turn;

/// What one call may touch. The scope is bound here and nowhere else.
#[derive(Clone)]
pub struct Call {
    /// Tenant, and the connection for a SCIM request.
    pub scope: Scope,
    /// The tenant's connections in order of precedence.
    pub connections: Arc<[Connection]>,
    /// The configuration handed to the guest.
    pub config: Arc<GuestConfig>,
    /// Where documents are.
    pub users: Arc<dyn UserStore>,
    /// Where hosts are.
    pub hosts: Arc<dyn HostStore>,
    /// Time and chance.
    pub sources: Sources,
    /// What the tenant may use.
    pub limits: Arc<Limits>,
    /// SHA-256 of the component that the tenant is pinned to; none: the installation's.
    /// A plugin that is another one MUST refuse the call.
    pub plugin: Option<[u8; 32]>,
    /// At the document it has lost a race for.
    pub(crate) turn: Arc<Turn>,
    /// Where its commits are counted.
    pub(crate) commits: Commits,
}

impl Call {
    /// A call of the installation's own plugin that stands in no line with others.
    pub fn new(
        scope: Scope,
        connections: Arc<[Connection]>,
        config: Arc<GuestConfig>,
        users: Arc<dyn UserStore>,
        hosts: Arc<dyn HostStore>,
        sources: Sources,
        limits: Arc<Limits>,
    ) -> Self {
        Self {
            scope,
            connections,
            config,
            users,
            hosts,
            sources,
            limits,
            plugin: None,
            turn: Arc::default(),
            commits: Commits::default(),
        }
    }
}

/// A connection's configuration as the guest reads it.
#[derive(Clone, Debug, Default)]
pub struct GuestConfig {
    /// Names this state of this connection.
    pub revision: u64,
    /// A JSON object.
    pub json: Vec<u8>,
}

/// One SCIM request. The caller has removed credentials and bounded the body.
#[derive(Clone, Debug, Default)]
pub struct PluginRequest {
    /// In upper case.
    pub method: String,
    /// Relative to the SCIM base, percent-encoded, starting with `/`.
    pub path: String,
    /// What follows `?`, encoded.
    pub query: Option<String>,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Bytes,
    /// The absolute URL of the SCIM base, without a trailing slash.
    pub base_url: String,
}

/// The answer to one SCIM request.
#[derive(Clone, Debug, Default)]
pub struct PluginResponse {
    /// 100 to 599.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// What a call left behind besides its answer.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Remarks, in order.
    pub notes: Vec<Note>,
    /// Directory changes it committed whose logins mapping has to look at.
    pub changes: Vec<DirectoryChange>,
    /// What it cost. Nothing for a call that was cut off as a whole.
    pub usage: Usage,
}

/// What one call used of what its tenant may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Computing time of the guest.
    pub guest: Duration,
    /// Calls from the guest to the host that are counted.
    pub host_calls: u64,
    /// Linear memory of the instance after the call, in bytes.
    pub memory: usize,
}

/// A change of the directory, for mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryChange {
    /// Its number in the tenant's event log.
    pub seq: u64,
    /// E.g. `user.updated`.
    pub name: String,
    /// Of the subject.
    pub subject_kind: Kind,
    /// The document it is about.
    pub subject: String,
    /// Logins whose holder may have changed.
    pub logins: Vec<Vec<u8>>,
}

/// A claim before the plugin has folded its logins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimDraft {
    /// Empty: derived from the content.
    pub id: String,
    /// Where it comes from.
    pub source: Source,
    /// As given.
    pub username: String,
    /// As given.
    pub email: String,
    /// As given.
    pub full_name: String,
    /// None: now.
    pub since: Option<Timestamp>,
}

/// What happened, for mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappingEvent {
    /// People changed.
    Directory(DirectoryChange),
    /// A host got a claim.
    Claimed(String, ClaimDraft),
    /// Claims of this source were taken back.
    Withdrawn(String, Source),
    /// A host has to be looked at again.
    Host(String),
}

/// What a mapping call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Hosts looked at.
    pub seen: u32,
    /// Hosts whose assignment changed.
    pub changed: u32,
    /// The claim or withdrawal did something.
    pub recorded: bool,
    /// Call again with it: hosts are left.
    pub next: Option<String>,
}

/// A person as a host shows them. Empty texts mean "not known".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The user document.
    pub id: String,
    /// Its connection, by name.
    pub connection: String,
    /// The identity provider's own id.
    pub external_id: String,
    /// The login.
    pub username: String,
    /// The full name.
    pub full_name: String,
    /// The department.
    pub department: String,
    /// Names of all groups, sorted.
    pub groups: Vec<String>,
    /// False once deactivated.
    pub active: bool,
    /// The newest change of the person or of a membership.
    pub updated: Timestamp,
    /// Further attributes by configuration.
    pub attributes: Vec<(String, String)>,
}

/// Who uses a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndUser {
    /// What was found.
    pub outcome: AssignmentOutcome,
    /// The login claimed, as given.
    pub login: String,
    /// Why.
    pub reason: String,
    /// Present if linked.
    pub person: Option<Person>,
    /// Who could be meant, if ambiguous.
    pub candidates: Vec<String>,
    /// Usernames that are probably meant, if pending; the likeliest first.
    pub near: Vec<String>,
}

/// What to do with a variable that has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Put nothing in its place.
    Empty,
    /// Give no text.
    Fail,
}

/// A text with its variables filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Empty if something is missing and that is to fail.
    pub text: String,
    /// The variables in it, without `$`, sorted.
    pub used: Vec<String>,
    /// Those without a value, and why.
    pub missing: Vec<(String, String)>,
}

/// A directory object or an assignment before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectChange {
    /// The event's name.
    pub name: String,
    /// Of the subject; of no meaning for an assignment.
    pub kind: Kind,
    /// The stored JSON; none if it was created.
    pub before: Option<Vec<u8>>,
    /// The stored JSON; none if it was deleted.
    pub after: Option<Vec<u8>>,
}

/// What a change can do to what hosts are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Variables whose value can differ, without `$`, sorted.
    pub variables: Vec<String>,
    /// Profiles that use one of them, sorted.
    pub profiles: Vec<String>,
}

/// A label hosts can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Unique in the tenant.
    pub id: String,
    /// For people.
    pub name: String,
    /// Made of a group or a department by itself.
    pub automatic: bool,
}

/// A page of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelPage {
    /// The labels.
    pub labels: Vec<Label>,
    /// Where to go on.
    pub next: Option<String>,
}

/// A page of the hosts that have a label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labelled {
    /// Their ids.
    pub hosts: Vec<String>,
    /// Where to go on.
    pub next: Option<String>,
}

/// What one step of re-indexing did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReindexProgress {
    /// Documents looked at.
    pub seen: u32,
    /// Documents whose keys were written.
    pub written: u32,
    /// Where to go on.
    pub next: Option<Vec<u8>>,
}

/// The plugin could not finish a call. The call was written wholly or not at all,
/// and this does not say which. A client may try again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The guest trapped.
    #[error("the plugin trapped: {0}")]
    Trapped(String),
    /// It computed longer than its tenant may.
    #[error("the plugin used more than {0} ms of computing time")]
    GuestTime(u64),
    /// The call as a whole, waiting included, took too long.
    #[error("the call took longer than {0} ms")]
    Timeout(u64),
    /// It asked for more memory than its tenant may.
    #[error("the plugin asked for more than {0} bytes of memory")]
    Memory(usize),
    /// It called the host more often than it may.
    #[error("the plugin called the host more than {0} times")]
    HostCalls(u64),
    /// It answered with more than its tenant may be sent.
    #[error("the plugin answered with more than {0} bytes")]
    Response(usize),
    /// It handed over more than the host takes at one time.
    #[error("the plugin handed over more than {0} bytes at one time")]
    Transfer(usize),
    /// All instances are in use.
    #[error("no free instance of the plugin")]
    Busy,
    /// The plugin does not load.
    #[error("the plugin does not load: {0}")]
    Load(String),
}

/// Why mapping did not happen.
#[derive(Debug, Error)]
pub enum MappingError {
    /// There is no such host.
    #[error("there is no such host")]
    NoHost,
    /// The draft says nothing usable.
    #[error("{0}")]
    Invalid(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Lost the race too often; nothing is lost.
    #[error("the host is being changed by others; try again")]
    Busy,
    /// The plugin failed.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

/// A plugin: SCIM and mapping.
#[async_trait]
pub trait Plugin: Send + Sync {
    /// Answers one SCIM request. The report counts even if the answer is an error.
    async fn handle(
        &self,
        call: Call,
        request: PluginRequest,
    ) -> (Result<PluginResponse, PluginError>, Report);

    /// Works an event in, at most `limit` hosts.
    async fn apply(
        &self,
        call: Call,
        event: MappingEvent,
        after: Option<String>,
        limit: u32,
    ) -> Result<Progress, MappingError>;

    /// Who uses this host.
    async fn end_user(&self, call: Call, host: String) -> Result<EndUser, MappingError>;

    /// Why, one line each.
    async fn explain(&self, call: Call, host: String) -> Result<Vec<String>, MappingError>;

    /// Looks at hosts again, by id.
    async fn reconcile(
        &self,
        call: Call,
        after: Option<String>,
        limit: u32,
    ) -> Result<Progress, MappingError>;

    /// Fills in the variables of a text for a host. Without `missing` the tenant's
    /// settings decide.
    async fn render(
        &self,
        call: Call,
        host: String,
        text: String,
        missing: Option<Missing>,
    ) -> Result<Rendered, MappingError>;

    /// Which variables changes can touch, one answer each, in order.
    async fn affected(
        &self,
        call: Call,
        changes: Vec<ObjectChange>,
    ) -> Result<Vec<Effect>, PluginError>;

    /// The labels there are.
    async fn labels(
        &self,
        call: Call,
        after: Option<String>,
        limit: u32,
    ) -> Result<LabelPage, MappingError>;

    /// The hosts that have a label now.
    async fn labelled(
        &self,
        call: Call,
        label: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Labelled, MappingError>;

    /// The labels a host has now.
    async fn labels_of(&self, call: Call, host: String) -> Result<Vec<Label>, MappingError>;

    /// Fills the index of one connection.
    async fn reindex(
        &self,
        call: Call,
        cursor: Option<Vec<u8>>,
        limit: u32,
    ) -> Result<ReindexProgress, MappingError>;

    /// Can these settings of a connection be used: none, or what to change.
    async fn check_settings(
        &self,
        call: Call,
        json: Vec<u8>,
    ) -> Result<Option<String>, PluginError>;

    /// Forgets what could not be loaded: an administrator says that it is mended.
    fn look_again(&self) {}

    /// Gives up what has not been used for a while; called about once a second.
    fn tidy(&self) {}
}
