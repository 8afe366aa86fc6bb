//! The storage contract of Nameplate.
//!
//! What the runtime asks of a database: the directory ([`UserStore`]), hosts and
//! their claims ([`HostStore`]), who is told of changes ([`WebhookStore`]), and the
//! tables an operator sees ([`ControlStore`]). A vendor implements these traits to keep Nameplate's data
//! in a database of their own and runs `contract` (feature `testing`) to find
//! out whether it behaves.
//!
//! This crate knows neither wasm nor SQL nor SCIM. Values are bytes that the
//! plugin has folded; a backend compares bytes.

mod audit;
pub mod check;
mod commit;
#[cfg(feature = "testing")]
pub mod contract;
mod control;
pub mod departures;
pub mod erasure;
mod error;
mod events;
mod hosts;
pub mod keyset;
pub mod memory;
mod names;
mod rehearsal;
mod requests;
pub mod reserved;
pub mod spans;
mod tokens;
mod users;
pub mod walk;
mod webhooks;

pub use audit::*;
pub use commit::*;
pub use control::*;
pub use departures::Departure;
pub use erasure::{Erased, HostsErased, Traces};
pub use error::StoreError;
pub use events::*;
pub use hosts::*;
pub use names::*;
pub use rehearsal::{Rehearsal, Trace};
pub use requests::*;
pub use tokens::*;
pub use users::*;
pub use webhooks::*;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Timestamp = u64;

/// A tenant, by the number its row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(pub i64);

/// A connection of a tenant, by the number its row has; unique across tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub i64);

/// What one call may touch. Bound by the runtime; the guest cannot name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The tenant; every statement of a backend MUST be bound to it.
    pub tenant: TenantId,
    /// The connection, or `None` where a call reads all of the tenant's.
    pub connection: Option<ConnectionId>,
}

impl Scope {
    /// All connections of a tenant.
    pub fn whole(tenant: TenantId) -> Self {
        Self {
            tenant,
            connection: None,
        }
    }
}
