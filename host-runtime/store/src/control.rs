//! What an operator sees: tenants, connections, tokens and the request log.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{ConnectionId, StoreError, TenantId, Timestamp};

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
    /// Up with every change of dialect, switch or settings.
    pub revision: u64,
    /// When it was made.
    pub created: Timestamp,
}

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenScope {
    /// Speak SCIM on one connection.
    Scim,
    /// Administer one tenant.
    Admin,
}

impl TokenScope {
    /// Its name in storage and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Admin => "admin",
        }
    }
}

/// A bearer token without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its public part; unique.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// The connection, for [`TokenScope::Scim`].
    pub connection: Option<ConnectionId>,
    /// What it may do.
    pub scope: TokenScope,
    /// SHA-256 of the secret part.
    pub secret_sha256: [u8; 32],
    /// When it was made.
    pub created: Timestamp,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// Last use, to the minute or so.
    pub last_used: Option<Timestamp>,
}

/// A line of the request log. It has no room for a secret or a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestEntry {
    /// Goes up; 0 until it is stored.
    pub id: u64,
    /// Whose request it was.
    pub tenant: TenantId,
    /// The connection, if one was reached.
    pub connection: Option<ConnectionId>,
    /// When it came in.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path without the query, at most 1024 bytes.
    pub path: String,
    /// The HTTP status answered.
    pub status: u16,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// For an error, the detail the client saw; at most 255 characters.
    pub detail: String,
    /// What happened, in words, one line each.
    pub notes: Vec<String>,
    /// Counts for "the last request of the identity provider".
    pub from_idp: bool,
}

/// Tenants, connections, tokens, request log.
#[async_trait]
pub trait ControlStore: Send + Sync {
    /// Adds a tenant; none if the name is taken.
    async fn add_tenant(&self, now: Timestamp, name: &str) -> Result<Option<Tenant>, StoreError>;

    /// All tenants, by name.
    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError>;

    /// One tenant; none if unknown.
    async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>, StoreError>;

    /// Replaces the settings of a tenant; false if unknown.
    async fn set_tenant(&self, tenant: TenantId, settings: &str) -> Result<bool, StoreError>;

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

    /// Changes dialect, switch and settings of a connection; false if unknown.
    async fn set_connection(
        &self,
        connection: ConnectionId,
        dialect: &str,
        reactivate_inactive: bool,
        settings: &str,
    ) -> Result<bool, StoreError>;

    /// Adds a token; false if the id is taken.
    async fn add_token(&self, token: Token) -> Result<bool, StoreError>;

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

    /// Appends to the request log and keeps the newest `keep` lines per tenant.
    /// MUST keep besides what [`Self::last_idp_request`] answers, however many
    /// other lines follow: "nothing from the provider since" is the very news
    /// that such a log is read for.
    async fn log_requests(&self, entries: Vec<RequestEntry>, keep: u64) -> Result<(), StoreError>;

    /// Reads the request log, the newest first, below id `before`.
    async fn requests(
        &self,
        tenant: TenantId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<RequestEntry>, StoreError>;

    /// The newest line that counts as "the last request", by time, then id.
    async fn last_idp_request(&self, tenant: TenantId) -> Result<Option<RequestEntry>, StoreError>;
}
