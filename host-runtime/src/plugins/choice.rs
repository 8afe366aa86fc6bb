//! Which component a tenant runs: tried before it is chosen, and given up again.

use bytes::Bytes;
use nameplate_store::{StoreError, Tenant, TenantChange, TenantChanged, TenantId};
use thiserror::Error;

use super::Pin;
use crate::Runtime;
use crate::plugin::{Call, PluginError, PluginRequest};

/// A request that every SCIM server answers, whatever is in it (RFC 7644 section 4).
const TRIAL: &str = "/ServiceProviderConfig";

/// Why a tenant does not get another component; it goes on with the one it has.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChoiceError {
    /// There is no such tenant.
    #[error("there is no such tenant")]
    UnknownTenant,
    /// It has run nothing else.
    #[error("the tenant has run no other component to go back to")]
    NothingBefore,
    /// The component cannot use what the tenant has set.
    #[error("the component cannot use the settings of {of}: {why}")]
    Settings {
        /// Whose settings.
        of: String,
        /// What the component says.
        why: String,
    },
    /// It did not get through a trial request.
    #[error("the component answered a trial request with status {0}; have it mended")]
    Trial(u16),
    /// It does not load, or fails at work.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Runtime {
    /// Lets a tenant run a component, or (none) the installation's own, once it has shown
    /// on the tenant's settings and on a trial request that it works. This runtime
    /// follows with the next request and others within five seconds; requests in flight
    /// end in the component they began in.
    ///
    /// # Errors
    /// See [`ChoiceError`]; then nothing is changed.
    pub async fn use_plugin(
        &self,
        tenant: TenantId,
        plugin: Option<Pin>,
    ) -> Result<Tenant, ChoiceError> {
        self.forget(tenant);
        self.plugin().look_again();
        self.try_out(tenant, plugin).await?;
        let change = TenantChange {
            plugin: Some(plugin),
            ..TenantChange::default()
        };
        let control = &self.stores().control;
        match control.change_tenant(tenant, change).await? {
            TenantChanged::Changed => {}
            TenantChanged::Unknown | TenantChanged::HostTaken(_) => {
                return Err(ChoiceError::UnknownTenant);
            }
        }
        self.forget(tenant);
        // Another component may index and map by other rules.
        self.wake_indexing();
        self.reconcile_soon(tenant);
        let found = control.tenant(tenant).await?;
        found.ok_or(ChoiceError::UnknownTenant)
    }

    /// Lets a tenant run again what it ran before; a second time undoes it.
    ///
    /// # Errors
    /// See [`ChoiceError`]; then nothing is changed.
    pub async fn roll_back_plugin(&self, tenant: TenantId) -> Result<Tenant, ChoiceError> {
        let found = self.stores().control.tenant(tenant).await?;
        let found = found.ok_or(ChoiceError::UnknownTenant)?;
        if found.plugin == found.previous_plugin {
            return Err(ChoiceError::NothingBefore);
        }
        self.use_plugin(tenant, found.previous_plugin).await
    }

    /// Starts the component, shows it the settings of tenant and connections, and has it
    /// answer a request on each.
    async fn try_out(&self, tenant: TenantId, plugin: Option<Pin>) -> Result<(), ChoiceError> {
        let mapping = self.mapping_call(tenant).await?;
        let mut trials = vec![("the tenant".to_owned(), mapping)];
        let stores = self.stores();
        for connection in self.connections(tenant).await?.iter() {
            let (users, hosts) = (stores.users.clone(), stores.hosts.clone());
            let call = self.call_on(tenant, Some(connection.id), users, hosts);
            let of = format!("connection `{}`", connection.name);
            trials.push((of, call.await?));
        }
        for (of, call) in trials {
            let call = Call { plugin, ..call };
            let json = call.config.json.clone();
            if let Some(why) = self.plugin().check_settings(call.clone(), json).await? {
                return Err(ChoiceError::Settings { of, why });
            }
            if call.scope.connection.is_some() {
                self.answer_trial(call).await?;
            }
        }
        Ok(())
    }

    async fn answer_trial(&self, call: Call) -> Result<(), ChoiceError> {
        let request = PluginRequest {
            method: "GET".to_owned(),
            path: TRIAL.to_owned(),
            query: None,
            headers: Vec::new(),
            body: Bytes::new(),
            base_url: "https://trial.invalid/scim/v2".to_owned(),
        };
        let (answer, _report) = self.plugin().handle(call, request).await;
        match answer?.status {
            200..500 => Ok(()),
            status => Err(ChoiceError::Trial(status)),
        }
    }
}
