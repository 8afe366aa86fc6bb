//! Webhooks: events of a tenant, posted to a receiver of its administrator's choice.
//!
//! Deliveries follow the Standard Webhooks specification: one event a message, signed
//! with a secret of the webhook's own. They come in the order of the event log, one at
//! a time, at least once.

mod address;
mod backoff;
mod connect;
mod manage;
mod message;
mod post;
mod secret;
mod supervisor;
mod worker;

use std::future::Future;

use nameplate_store::TenantId;

pub use address::Reach;
pub use backoff::WebhookLimits;
pub(crate) use connect::Connector;
pub use manage::{Redelivery, WebhookChange, WebhookError, Webhooks};
pub use secret::verify;

use crate::Runtime;

impl Runtime {
    /// The webhooks of a tenant, to make and change them.
    pub fn webhooks(&self, tenant: TenantId) -> Webhooks<'_> {
        let stores = self.stores();
        Webhooks {
            store: &*stores.webhooks,
            users: &*stores.users,
            sources: self.sources(),
            limits: &self.limits().webhooks,
            tenant,
        }
    }

    /// Delivers to all webhooks until dropped.
    pub(crate) fn deliveries(&self) -> impl Future<Output = ()> + Send + 'static {
        supervisor::run(self.clone())
    }
}
