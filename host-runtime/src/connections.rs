//! The settings of tenants and connections: what the plugin reads of them, and how they
//! are changed.
//!
//! A setting's meaning is the plugin's business: it is asked whether it can use new
//! settings before they are stored.

use nameplate_store::{
    Connection, ConnectionEdit, StoreError, Tenant, TenantChange, TenantChanged, TenantId,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::Runtime;
use crate::limits::Limits;
use crate::plugin::{GuestConfig, MappingError};

/// What is to be different about a connection; what is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionChange {
    /// Whose habits to expect.
    pub dialect: Option<String>,
    /// May a POST with `active: true` revive an inactive user of the same login.
    pub reactivate_inactive: Option<bool>,
    /// All further settings: they replace those that are stored.
    pub settings: Option<Map<String, Value>>,
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
    /// until the runner has brought the index up to date.
    ///
    /// # Errors
    /// See [`ChangeError`]; then nothing is changed.
    pub async fn change_connection(
        &self,
        tenant: TenantId,
        name: &str,
        change: ConnectionChange,
    ) -> Result<Connection, ChangeError> {
        // Others may have changed it since it was last read.
        self.forget(tenant);
        let mut connection = self.connection_named(tenant, name).await?;
        if let Some(dialect) = change.dialect {
            connection.dialect = dialect;
        }
        if let Some(reactivate) = change.reactivate_inactive {
            connection.reactivate_inactive = reactivate;
        }
        if let Some(settings) = change.settings {
            connection.settings = Value::Object(settings).to_string();
        }
        let control = &self.stores().control;
        let found = control.tenant(tenant).await?.map(|found| found.settings);
        let json = guest_config(&connection, found.as_deref(), self.limits()).json;
        if let Some(reason) = self.check_settings(tenant, json).await? {
            return Err(ChangeError::Unusable(reason));
        }
        let edit = ConnectionEdit {
            dialect: Some(connection.dialect),
            reactivate_inactive: Some(connection.reactivate_inactive),
            settings: Some(connection.settings),
            ..ConnectionEdit::default()
        };
        if !control.change_connection(connection.id, edit).await? {
            return Err(ChangeError::Unknown(name.to_owned()));
        }
        self.forget(tenant);
        self.wake_indexing();
        self.connection_named(tenant, name).await
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
        let unknown = || ChangeError::UnknownTenant;
        let control = &self.stores().control;
        let change = TenantChange {
            settings: Some(text),
            ..TenantChange::default()
        };
        if control.change_tenant(tenant, change).await? != TenantChanged::Changed {
            return Err(unknown());
        }
        self.forget(tenant);
        self.wake_indexing();
        self.reconcile_soon(tenant);
        let found = control.tenant(tenant).await?;
        found.ok_or_else(unknown)
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
