//! What an operator sees: tenants, connections, tokens, the request log and the audit
//! log.

use async_trait::async_trait;

use crate::{
    AuditEntry, ConnectionId, RequestEntry, RequestQuery, Retention, StoreError, TenantId,
    Timestamp, Token, TokenAdded, TokenRotated,
};

/// SHA-256 of a plugin's component, by which it is named.
pub type PluginHash = [u8; 32];

/// A customer of the device-management server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The number of its row.
    pub id: TenantId,
    /// Unique; `[a-z0-9-]`, 1 to 63 bytes.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// What mapping goes by in it: a JSON object, passed to the plugin.
    pub settings: String,
    /// Names by which its requests may come in: `[a-z0-9.-]`, at most 253 bytes, without
    /// a port, each unique in the installation; in the order of the alphabet, at most 64.
    pub host_names: Vec<String>,
    /// What the operator allows it: a JSON object. The plugin never sees it.
    pub limits: String,
    /// The component it runs; none: the installation's.
    pub plugin: Option<PluginHash>,
    /// The one it ran before, to go back to.
    pub previous_plugin: Option<PluginHash>,
    /// Its requests are refused.
    pub suspended: bool,
}

/// What to change of a tenant; none: it stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantChange {
    /// See [`Tenant::settings`].
    pub settings: Option<String>,
    /// See [`Tenant::host_names`]: all of them, in any order.
    pub host_names: Option<Vec<String>>,
    /// See [`Tenant::limits`].
    pub limits: Option<String>,
    /// See [`Tenant::plugin`]. Another one than now makes this one
    /// [`Tenant::previous_plugin`].
    pub plugin: Option<Option<PluginHash>>,
    /// See [`Tenant::suspended`].
    pub suspended: Option<bool>,
}

/// What became of a change of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantChanged {
    /// It is as asked.
    Changed,
    /// There is no such tenant.
    Unknown,
    /// Nothing is changed: another tenant has this host name.
    HostTaken(String),
}

/// One identity provider of a tenant, with a directory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The number of its row.
    pub id: ConnectionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Unique in the tenant; `[a-z0-9-]`, 1 to 63 bytes.
    pub name: String,
    /// Which client's habits are expected; `auto` unless told.
    pub dialect: String,
    /// May a POST revive an inactive user of the same login.
    pub reactivate_inactive: bool,
    /// Further settings: a JSON object, passed to the plugin.
    pub settings: String,
    /// Who may speak for it besides its tokens: a JSON object. The plugin never sees it.
    pub auth: String,
    /// Whose access tokens are taken, at most 512 bytes; empty: nobody's.
    pub issuer: String,
    /// What clients send is kept until then.
    pub record_until: Option<Timestamp>,
    /// Up with every change of dialect, switch or settings.
    pub revision: u64,
    /// When it was made.
    pub created: Timestamp,
}

/// What to change of a connection; none: it stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionEdit {
    /// See [`Connection::dialect`].
    pub dialect: Option<String>,
    /// See [`Connection::reactivate_inactive`].
    pub reactivate_inactive: Option<bool>,
    /// See [`Connection::settings`].
    pub settings: Option<String>,
    /// See [`Connection::auth`].
    pub auth: Option<String>,
    /// See [`Connection::issuer`].
    pub issuer: Option<String>,
    /// See [`Connection::record_until`].
    pub record_until: Option<Option<Timestamp>>,
}

/// Tenants, connections, tokens, request log, audit log.
#[async_trait]
pub trait ControlStore: Send + Sync {
    /// Adds a tenant; none if the name is taken.
    async fn add_tenant(&self, now: Timestamp, name: &str) -> Result<Option<Tenant>, StoreError>;

    /// All tenants, by name.
    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError>;

    /// One tenant; none if unknown.
    async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>, StoreError>;

    /// The tenant of that name; none if unknown.
    async fn tenant_named(&self, name: &str) -> Result<Option<Tenant>, StoreError>;

    /// The tenant that has this [host name](Tenant::host_names), which is compared as it
    /// is given; none if nobody has. MUST be found by an index.
    async fn tenant_of_host(&self, host: &str) -> Result<Option<Tenant>, StoreError>;

    /// Changes a tenant: all of it or, unless the answer is
    /// [`TenantChanged::Changed`], nothing.
    async fn change_tenant(
        &self,
        tenant: TenantId,
        change: TenantChange,
    ) -> Result<TenantChanged, StoreError>;

    /// Adds a connection; none if the name is taken in the tenant.
    async fn add_connection(
        &self,
        now: Timestamp,
        tenant: TenantId,
        name: &str,
        dialect: &str,
    ) -> Result<Option<Connection>, StoreError>;

    /// The connections of a tenant, in order of precedence (oldest first).
    async fn connections(&self, tenant: TenantId) -> Result<Vec<Connection>, StoreError>;

    /// The connections of all tenants that take access tokens of this issuer, oldest
    /// first; none for an empty one. MUST be found by an index.
    async fn connections_of_issuer(&self, issuer: &str) -> Result<Vec<Connection>, StoreError>;

    /// Changes a connection; false if unknown. The revision goes up once if dialect,
    /// switch or settings are others than before.
    async fn change_connection(
        &self,
        connection: ConnectionId,
        edit: ConnectionEdit,
    ) -> Result<bool, StoreError>;

    /// Adds a token unless as many as `most_live` of the same tenant, connection and scope
    /// are live when it is `created`. Of many who add at once, no more than that get in.
    async fn add_token(&self, token: Token, most_live: u32) -> Result<TokenAdded, StoreError>;

    /// Adds the successor of a token that is live when the successor is `created`, and
    /// lets the old one end at `old_expires` (or when it would have ended, if that is
    /// earlier): both or neither. `new` MUST be of the same connection and scope, or the
    /// old one is [`TokenRotated::Unknown`] to it.
    ///
    /// The old one counts as live unless `old_expires` is `created` of the new one or
    /// earlier. So with `most_live` of two there is never a second successor besides.
    async fn rotate_token(
        &self,
        tenant: TenantId,
        old: &str,
        new: Token,
        old_expires: Timestamp,
        most_live: u32,
    ) -> Result<TokenRotated, StoreError>;

    /// Tokens of a tenant or of all that are live `now` and end at `until` or before,
    /// those that end first in front. MUST be found by an index.
    async fn expiring_tokens(
        &self,
        tenant: Option<TenantId>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Token>, StoreError>;

    /// Finds a token by its public part.
    async fn token(&self, id: &str) -> Result<Option<Token>, StoreError>;

    /// The tokens of a tenant, oldest first.
    async fn tokens(&self, tenant: TenantId) -> Result<Vec<Token>, StoreError>;

    /// Revokes a token; false if unknown in the tenant or revoked already.
    async fn revoke_token(
        &self,
        tenant: TenantId,
        id: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Notes uses of tokens.
    async fn touch_tokens(&self, uses: &[(String, Timestamp)]) -> Result<(), StoreError>;

    /// Appends to the request log and forgets what it is not to keep, as
    /// [`Self::trim_requests`] does for the tenants of these lines.
    async fn log_requests(
        &self,
        entries: Vec<RequestEntry>,
        retention: &Retention,
    ) -> Result<(), StoreError>;

    /// Forgets lines of a tenant, the oldest first, and what was recorded with them;
    /// returns how many. At most 1000 by number and 1000 by age, so that nobody waits
    /// long for it: ask again until it is 0.
    ///
    /// MUST keep what [`Self::last_idp_request`] answers, whatever follows: "nothing
    /// from the provider since" is the very news that such a log is read for.
    async fn trim_requests(
        &self,
        tenant: TenantId,
        retention: &Retention,
    ) -> Result<u64, StoreError>;

    /// Reads the request log, without what was recorded.
    async fn requests(
        &self,
        tenant: TenantId,
        query: &RequestQuery,
    ) -> Result<Vec<RequestEntry>, StoreError>;

    /// The newest line of this [name](RequestEntry::request_id), in a tenant or in all,
    /// with what was recorded; none for an empty name. MUST be found by an index.
    async fn request(
        &self,
        tenant: Option<TenantId>,
        request_id: &str,
    ) -> Result<Option<RequestEntry>, StoreError>;

    /// The newest line that counts as "the last request", by time, then id.
    async fn last_idp_request(&self, tenant: TenantId) -> Result<Option<RequestEntry>, StoreError>;

    /// Forgets lines of the request log that hold one of these texts
    /// ([`Needles`](crate::erasure::Needles)) in path, detail or a note, and of other lines
    /// what was recorded if it does; returns how many of both.
    async fn erase_requests(&self, tenant: TenantId, needles: &[String])
    -> Result<u64, StoreError>;

    /// Appends to the audit log. A backend keeps the newest
    /// [`check::AUDIT`](crate::check::AUDIT) lines of each tenant and of the installation.
    async fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError>;

    /// Reads the audit log of a tenant, or of all and the installation together, the
    /// newest first, below id `before`, at most [`limits::PAGE`](crate::limits::PAGE).
    async fn audit(
        &self,
        tenant: Option<TenantId>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError>;
}
