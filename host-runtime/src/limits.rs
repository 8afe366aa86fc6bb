//! What one tenant may use. Every number says what it bounds and why.

use nameplate_store::Quota;

use crate::webhooks::WebhookLimits;

/// Limits of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A request body, in bytes. A user with every attribute filled is under 64 KiB.
    pub body: usize,
    /// A body for /Groups and Bulk: 50,000 members as Okta writes them are about 4 MiB.
    pub large_body: usize,
    /// Bodies of one tenant in memory at one time, in bytes: four of the largest, or
    /// hundreds of ordinary ones.
    pub bodies: usize,
    /// Computing time of the guest for one call, in milliseconds; waiting for the
    /// store does not count. 50,000 members take some hundred.
    pub guest_time_ms: u64,
    /// A call as a whole, waiting included, in milliseconds. Identity providers give
    /// up after 60 s or so; an answer before that keeps their log readable.
    pub call_time_ms: u64,
    /// Linear memory of one instance, in bytes: the largest body, parsed, with room.
    pub memory: usize,
    /// Calls from the guest to the host within one call. A scan of 20,000 documents
    /// and 1,000 mapped hosts stay far below.
    pub host_calls: u64,
    /// The body of a response, in bytes: a group of 250,000 members,
    /// each with its id, its URL and its name, is about 50 MiB.
    pub response: usize,
    /// How often a tenant may ask; none: as often as it likes.
    pub rate: Option<Rate>,
    /// People of the tenant, all connections together.
    pub users: u64,
    /// Groups of the tenant, all connections together.
    pub groups: u64,
    /// Members of one group: the largest that identity providers push have 150,000.
    pub members: u64,
    /// Refused requests that get a line of a tenant's request log in a minute; of the
    /// others only their number, so that strangers cannot write the log full.
    pub strangers: u32,
    /// Instances alive at one time, all tenants together.
    pub instances: u32,
    /// Instances one tenant may use at one time.
    pub instances_per_tenant: u32,
    /// Requests that may wait for an instance of their tenant before the next gets 503.
    pub queue_per_tenant: u32,
    /// How events are delivered.
    pub webhooks: WebhookLimits,
}

/// How often a tenant may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second that pass for ever.
    pub per_second: u32,
    /// Requests that pass at once after a while of silence.
    pub burst: u32,
}

impl Default for Rate {
    /// Four times what Entra sends in a first sync, and the burst of its parallel
    /// requests after a pause.
    fn default() -> Self {
        Self {
            per_second: 100,
            burst: 1000,
        }
    }
}

impl Limits {
    /// What a commit of the tenant may lead to.
    pub fn quota(&self) -> Quota {
        Quota {
            users: self.users,
            groups: self.groups,
            members: self.members,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            large_body: 16 << 20,
            bodies: 64 << 20,
            guest_time_ms: 10_000,
            call_time_ms: 30_000,
            memory: 256 << 20,
            host_calls: 50_000,
            response: 64 << 20,
            rate: Some(Rate::default()),
            users: 1_000_000,
            groups: 100_000,
            members: 250_000,
            strangers: 60,
            instances: 128,
            instances_per_tenant: 16,
            queue_per_tenant: 256,
            webhooks: WebhookLimits::default(),
        }
    }
}
