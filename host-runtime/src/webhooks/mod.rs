//! Webhooks: events of a tenant, posted to a receiver of its administrator's choice.
//!
//! Deliveries follow the Standard Webhooks specification: one event a message, signed
//! with a secret of the webhook's own. They come in the order of the event log, one at
//! a time, at least once.

pub mod address;
pub mod backoff;
mod connect;
pub mod post;
pub mod secret;

pub use address::Reach;
pub use backoff::WebhookLimits;
pub use secret::verify;
