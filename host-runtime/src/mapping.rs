//! Whose a host is, as the library answers it and is told of it.
//!
//! Which claim counts and whom it means is the plugin's business.

use nameplate_store::{Source, TenantId};

use crate::Runtime;
use crate::plugin::{ClaimDraft, EndUser, MappingError, MappingEvent, Progress};

impl Runtime {
    /// Works an event in, at most `limit` hosts.
    ///
    /// # Errors
    /// See [`MappingError`]; nothing is lost, the call may be repeated.
    pub async fn apply(
        &self,
        tenant: TenantId,
        event: MappingEvent,
        after: Option<String>,
        limit: u32,
    ) -> Result<Progress, MappingError> {
        let call = self.mapping_call(tenant).await?;
        let progress = self.plugin().apply(call, event, after, limit).await?;
        Ok(self.told_of(tenant, progress))
    }

    /// Records a claim on a host and looks at the host again.
    ///
    /// # Errors
    /// [`MappingError::NoHost`], [`MappingError::Invalid`], or trouble.
    pub async fn claim(
        &self,
        tenant: TenantId,
        host: &str,
        draft: ClaimDraft,
    ) -> Result<Progress, MappingError> {
        self.apply(
            tenant,
            MappingEvent::Claimed(host.to_owned(), draft),
            None,
            1,
        )
        .await
    }

    /// Takes back a host's claims of one source; `recorded` is false if it had none.
    ///
    /// # Errors
    /// [`MappingError::NoHost`] or trouble.
    pub async fn withdraw(
        &self,
        tenant: TenantId,
        host: &str,
        source: Source,
    ) -> Result<Progress, MappingError> {
        self.apply(
            tenant,
            MappingEvent::Withdrawn(host.to_owned(), source),
            None,
            1,
        )
        .await
    }

    /// Who uses a host; never older than the directory.
    ///
    /// # Errors
    /// [`MappingError::NoHost`] or trouble.
    pub async fn end_user(&self, tenant: TenantId, host: &str) -> Result<EndUser, MappingError> {
        let call = self.mapping_call(tenant).await?;
        self.plugin().end_user(call, host.to_owned()).await
    }

    /// Why a host has the user it has, one line each.
    ///
    /// # Errors
    /// [`MappingError::NoHost`] or trouble.
    pub async fn explain(&self, tenant: TenantId, host: &str) -> Result<Vec<String>, MappingError> {
        let call = self.mapping_call(tenant).await?;
        self.plugin().explain(call, host.to_owned()).await
    }

    /// Looks at hosts again, by id.
    ///
    /// # Errors
    /// Trouble; go on with the same `after`.
    pub async fn reconcile(
        &self,
        tenant: TenantId,
        after: Option<String>,
        limit: u32,
    ) -> Result<Progress, MappingError> {
        let call = self.mapping_call(tenant).await?;
        let progress = self.plugin().reconcile(call, after, limit).await?;
        Ok(self.told_of(tenant, progress))
    }

    /// Changed hosts are events that somebody may be waiting for.
    fn told_of(&self, tenant: TenantId, progress: Progress) -> Progress {
        if progress.changed > 0 {
            self.tails().wake(tenant);
        }
        progress
    }
}
