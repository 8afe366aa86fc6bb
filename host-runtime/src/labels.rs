//! Variables and labels, as the library answers them.
//!
//! What they mean is the plugin's business.

use nameplate_store::{StoreError, TenantId};

use crate::Runtime;
use crate::plugin::{
    Effect, Label, LabelPage, Labelled, MappingError, Missing, ObjectChange, Rendered,
};

impl Runtime {
    /// Fills in the variables of a text of at most 1 MiB for a host's person.
    ///
    /// # Errors
    /// [`MappingError::NoHost`], [`MappingError::Invalid`], or trouble.
    pub async fn render(
        &self,
        tenant: TenantId,
        host: &str,
        text: String,
        missing: Option<Missing>,
    ) -> Result<Rendered, MappingError> {
        let call = self.mapping_call(tenant).await?;
        self.plugin()
            .render(call, host.to_owned(), text, missing)
            .await
    }

    /// Which variables and profiles changes can touch, one answer each, in order.
    ///
    /// # Errors
    /// Trouble.
    pub async fn affected(
        &self,
        tenant: TenantId,
        changes: Vec<ObjectChange>,
    ) -> Result<Vec<Effect>, MappingError> {
        let call = self.mapping_call(tenant).await?;
        let wanted = changes.len();
        let effects = self.plugin().affected(call, changes).await?;
        if effects.len() == wanted {
            return Ok(effects);
        }
        // Each effect is told apart by its place alone.
        Err(StoreError::Other("the plugin left effects of changes out".to_owned()).into())
    }

    /// The labels there are.
    ///
    /// # Errors
    /// [`MappingError::Invalid`] if `after` is from elsewhere, or trouble.
    pub async fn labels(
        &self,
        tenant: TenantId,
        after: Option<String>,
        limit: u32,
    ) -> Result<LabelPage, MappingError> {
        let call = self.mapping_call(tenant).await?;
        self.plugin().labels(call, after, limit).await
    }

    /// The hosts that have a label now.
    ///
    /// # Errors
    /// [`MappingError::Invalid`] if there is no such label, or trouble.
    pub async fn labelled(
        &self,
        tenant: TenantId,
        label: &str,
        after: Option<String>,
        limit: u32,
    ) -> Result<Labelled, MappingError> {
        let call = self.mapping_call(tenant).await?;
        self.plugin()
            .labelled(call, label.to_owned(), after, limit)
            .await
    }

    /// The labels a host has now.
    ///
    /// # Errors
    /// [`MappingError::NoHost`] or trouble.
    pub async fn labels_of(
        &self,
        tenant: TenantId,
        host: &str,
    ) -> Result<Vec<Label>, MappingError> {
        let call = self.mapping_call(tenant).await?;
        self.plugin().labels_of(call, host.to_owned()).await
    }
}
