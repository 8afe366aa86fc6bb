//! The settings of tenants and connections: what the plugin reads of them, and how they
//! are changed.
//!
//! A setting's meaning is the plugin's business: it is asked whether it can use new
//! settings before they are stored.

use nameplate_store::{
    Connection, ConnectionEdit, ConnectionId, StoreError, Tenant, TenantChange, TenantChanged,
    TenantId,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::Runtime;
use crate::auth::{AuthError, ConnectionAuth, Files};
use crate::limits::Limits;
use crate::plugin::{GuestConfig, MappingError};
use crate::setup::check_name;
use crate::tenancy::{LimitsError, limits_of};

/// Connections of a tenant: identity providers, a few of them being replaced. Each is
/// looked at by the background work.
const MOST_CONNECTIONS: usize = 64;

/// What is to be different about a connection; what is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionChange {
    /// Whose habits to expect.
    pub dialect: Option<String>,
    /// May a POST with `active: true` revive an inactive user of the same login.
    pub reactivate_inactive: Option<bool>,
    /// All further settings: they replace those that are stored.
    pub settings: Option<Map<String, Value>>,
    /// Whose OAuth tokens it takes ([`ConnectionAuth::parse`]); empty: nobody's.
    pub auth: Option<Map<String, Value>>,
}

impl ConnectionChange {
    /// The rows that become of it.
    fn edit(&self, auth: Option<&ConnectionAuth>) -> ConnectionEdit {
        let Self {
            dialect,
            reactivate_inactive,
            settings,
            auth: fields,
        } = self;
        let text = |fields: &Map<String, Value>| Value::Object(fields.clone()).to_string();
        ConnectionEdit {
            dialect: dialect.clone(),
            reactivate_inactive: *reactivate_inactive,
            settings: settings.as_ref().map(text),
            auth: fields.as_ref().map(text),
            issuer: fields
                .as_ref()
                .map(|_| auth.map_or_else(String::new, |auth| auth.issuer().to_owned())),
            record_until: None,
        }
    }
}

/// What an operator changes of a tenant; what is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorChange {
    /// All names by which its requests may come in.
    pub host_names: Option<Vec<String>>,
    /// All its limits ([`crate::tenancy::limits_of`]).
    pub limits: Option<Map<String, Value>>,
    /// Are its requests refused.
    pub suspended: Option<bool>,
}

/// Why a connection was not changed.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// The tenant has no connection of that name.
    #[error("there is no connection `{0}`; see `nameplate connection list`")]
    Unknown(String),
    /// There is no such tenant any more.
    #[error("there is no such tenant; see `nameplate tenant list`")]
    UnknownTenant,
    /// The plugin cannot use the settings.
    #[error("the settings cannot be used: {0}")]
    Unusable(String),
    /// There is one of that name.
    #[error("there is a connection `{0}` already; change it, or take another name")]
    Taken(String),
    /// As many as a tenant may have.
    #[error("a tenant has at most {MOST_CONNECTIONS} connections")]
    TooMany,
    /// A name that cannot be one.
    #[error("{0}")]
    Name(String),
    /// Whose OAuth tokens are taken cannot be said like this.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The limits cannot be used.
    #[error("the limits cannot be used: {0}")]
    Limits(#[from] LimitsError),
    /// A text that is no name of a host.
    #[error("`{0}` is no host name such as `acme.mdm.example.com`, without scheme and port")]
    HostName(String),
    /// Another tenant has it.
    #[error("another tenant has the host name `{0}`")]
    HostTaken(String),
    /// Trouble with the store or the plugin.
    #[error(transparent)]
    Trouble(#[from] MappingError),
}

impl From<StoreError> for ChangeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid(text) => Self::Unusable(text),
            error => Self::Trouble(error.into()),
        }
    }
}

impl Runtime {
    /// Changes a connection, if the plugin can use its new settings. Requests that are
    /// running keep the old ones. If index rules change, lists look at every resource
    /// until the runner has brought the index up to date. `files` says whether `auth` may
    /// name a file of this machine.
    ///
    /// # Errors
    /// See [`ChangeError`]; then nothing is changed.
    pub async fn change_connection(
        &self,
        tenant: TenantId,
        name: &str,
        change: ConnectionChange,
        files: Files,
    ) -> Result<Connection, ChangeError> {
        // Others may have changed it since it was last read.
        self.forget(tenant);
        let connection = self.connection_named(tenant, name).await?;
        let edit = self.checked(&connection, &change, files).await?;
        self.write_connection(&connection, edit).await
    }

    /// Adds a connection, if the plugin can use its settings.
    ///
    /// # Errors
    /// See [`ChangeError`]; then there is none.
    pub async fn add_connection(
        &self,
        tenant: TenantId,
        name: &str,
        change: ConnectionChange,
        files: Files,
    ) -> Result<Connection, ChangeError> {
        check_name("connection", name).map_err(|error| ChangeError::Name(error.to_string()))?;
        self.forget(tenant);
        let connections = self.connections(tenant).await?;
        if connections.iter().any(|known| known.name == name) {
            return Err(ChangeError::Taken(name.to_owned()));
        }
        if connections.len() >= MOST_CONNECTIONS {
            return Err(ChangeError::TooMany);
        }
        let dialect = change.dialect.as_deref().unwrap_or("auto");
        check_name("dialect", dialect).map_err(|error| ChangeError::Name(error.to_string()))?;
        let draft = Connection {
            id: ConnectionId(0),
            tenant,
            name: name.to_owned(),
            dialect: dialect.to_owned(),
            reactivate_inactive: true,
            settings: "{}".to_owned(),
            auth: "{}".to_owned(),
            issuer: String::new(),
            record_until: None,
            revision: 0,
            created: self.now(),
        };
        let edit = self.checked(&draft, &change, files).await?;
        let control = &self.stores().control;
        let added = control
            .add_connection(draft.created, tenant, name, dialect)
            .await?;
        let added = added.ok_or_else(|| ChangeError::Taken(name.to_owned()))?;
        self.write_connection(&added, edit).await
    }

    /// What is to be written of a change, if it can be used.
    async fn checked(
        &self,
        connection: &Connection,
        change: &ConnectionChange,
        files: Files,
    ) -> Result<ConnectionEdit, ChangeError> {
        let auth = change.auth.as_ref();
        let auth = auth.map(|fields| ConnectionAuth::parse(fields, files));
        let auth = auth.transpose()?.flatten();
        if let Some(auth) = &auth {
            auth.check_file()?;
        }
        let edit = change.edit(auth.as_ref());
        let mut changed = connection.clone();
        changed.dialect = edit.dialect.clone().unwrap_or(changed.dialect);
        changed.reactivate_inactive = edit
            .reactivate_inactive
            .unwrap_or(changed.reactivate_inactive);
        changed.settings = edit.settings.clone().unwrap_or(changed.settings);
        let tenant = connection.tenant;
        let found = self.stores().control.tenant(tenant).await?;
        let settings = found.as_ref().map(|found| found.settings.as_str());
        let limits = self.standing(tenant).await?.limits;
        let json = guest_config(&changed, settings, &limits).json;
        match self.check_settings(tenant, json).await? {
            Some(reason) => Err(ChangeError::Unusable(reason)),
            None => Ok(edit),
        }
    }

    async fn write_connection(
        &self,
        connection: &Connection,
        edit: ConnectionEdit,
    ) -> Result<Connection, ChangeError> {
        let control = &self.stores().control;
        if !control.change_connection(connection.id, edit).await? {
            return Err(ChangeError::Unknown(connection.name.clone()));
        }
        self.forget(connection.tenant);
        self.desk().forget_issuers();
        self.wake_indexing();
        self.connection_named(connection.tenant, &connection.name)
            .await
    }

    /// Replaces the settings of a tenant, by which hosts are mapped, if the plugin can
    /// use them. A host that is read follows at once, the others as the background work
    /// looks at them; where none is running, call [`Self::reconcile`].
    ///
    /// # Errors
    /// See [`ChangeError`]; then nothing is changed.
    pub async fn change_tenant(
        &self,
        tenant: TenantId,
        settings: Map<String, Value>,
    ) -> Result<Tenant, ChangeError> {
        let text = Value::Object(settings).to_string();
        let json = mapping_config(Some(&text), &self.connections(tenant).await?).json;
        if let Some(reason) = self.check_settings(tenant, json).await? {
            return Err(ChangeError::Unusable(reason));
        }
        let change = TenantChange {
            settings: Some(text),
            ..TenantChange::default()
        };
        let changed = self.write_tenant(tenant, change).await?;
        self.wake_indexing();
        self.reconcile_soon(tenant);
        Ok(changed)
    }

    /// Changes what an operator says of a tenant. Running servers follow within five
    /// seconds.
    ///
    /// # Errors
    /// See [`ChangeError`]; then nothing is changed.
    pub async fn set_tenant(
        &self,
        tenant: TenantId,
        change: OperatorChange,
    ) -> Result<Tenant, ChangeError> {
        let OperatorChange {
            host_names,
            limits,
            suspended,
        } = change;
        if let Some(limits) = &limits {
            limits_of(limits, self.limits())?;
        }
        let host_names = host_names
            .map(|names| names.iter().map(|name| host_name(name)).collect())
            .transpose()?;
        let change = TenantChange {
            host_names,
            limits: limits.map(|limits| Value::Object(limits).to_string()),
            suspended,
            ..TenantChange::default()
        };
        self.write_tenant(tenant, change).await
    }

    async fn write_tenant(
        &self,
        tenant: TenantId,
        change: TenantChange,
    ) -> Result<Tenant, ChangeError> {
        let control = &self.stores().control;
        match control.change_tenant(tenant, change).await? {
            TenantChanged::Changed => {}
            TenantChanged::Unknown => return Err(ChangeError::UnknownTenant),
            TenantChanged::HostTaken(name) => return Err(ChangeError::HostTaken(name)),
        }
        self.forget(tenant);
        self.desk().forget_hosts();
        let found = control.tenant(tenant).await?;
        found.ok_or(ChangeError::UnknownTenant)
    }

    /// A connection of a tenant.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`], or trouble with the store.
    pub async fn connection_named(
        &self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Connection, ChangeError> {
        let connections = self.connections(tenant).await?;
        let found = connections.iter().find(|known| known.name == name);
        found
            .cloned()
            .ok_or_else(|| ChangeError::Unknown(name.to_owned()))
    }
}

/// Stored settings. Every store refuses what is none; if there is such a thing all the
/// same, the defaults are the safest reading.
fn object(settings: &str) -> Map<String, Value> {
    match serde_json::from_str(settings) {
        Ok(Value::Object(settings)) => settings,
        _ => {
            tracing::warn!("stored settings are not a JSON object; defaults apply");
            Map::new()
        }
    }
}

/// What of a tenant's settings its connections read too: which attributes mapping
/// makes of a person, and by which of them hosts are labelled, so that those are indexed
/// as people are written.
const SHARED: [&str; 3] = ["attributes", "labels", "tables"];

/// The stored settings with what the runtime itself enforces. `tenant` are the tenant's.
pub(crate) fn guest_config(
    connection: &Connection,
    tenant: Option<&str>,
    limits: &Limits,
) -> GuestConfig {
    let mut settings = object(&connection.settings);
    let mut shared = object(tenant.unwrap_or("{}"));
    for name in SHARED {
        // The tenant alone says it: one attribute map for all its people.
        settings.remove(name);
        if let Some(value) = shared.remove(name) {
            settings.insert(name.into(), value);
        }
    }
    settings.insert("dialect".into(), json!(connection.dialect));
    settings.insert(
        "reactivate_inactive".into(),
        json!(connection.reactivate_inactive),
    );
    settings.insert("body_limit".into(), json!(limits.body));
    settings.insert("large_body_limit".into(), json!(limits.large_body));
    named(settings)
}

/// What mapping reads: the tenant's settings, and which connection is trusted most
/// where they do not say so.
pub(crate) fn mapping_config(settings: Option<&str>, connections: &[Connection]) -> GuestConfig {
    let names: Vec<&str> = connections
        .iter()
        .map(|connection| connection.name.as_str())
        .collect();
    let mut settings = object(settings.unwrap_or("{}"));
    settings.insert("connections".into(), json!(names));
    named(settings)
}

/// Settings and their name: the guest keeps what it parsed by it, so the same text has
/// the same one, whosever it is.
fn named(settings: Map<String, Value>) -> GuestConfig {
    let json = Value::Object(settings).to_string().into_bytes();
    let mut revision = [0; 8];
    revision
        .iter_mut()
        .zip(Sha256::digest(&json))
        .for_each(|(to, from)| *to = from);
    GuestConfig {
        revision: u64::from_be_bytes(revision),
        json,
    }
}

/// A host name as requests are compared with it: RFC 1123 2.1, lower case, no dot at the
/// end.
fn host_name(text: &str) -> Result<String, ChangeError> {
    let name = text.trim().trim_end_matches('.').to_ascii_lowercase();
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > 253 || !name.split('.').all(label) {
        return Err(ChangeError::HostName(text.chars().take(100).collect()));
    }
    Ok(name)
}
