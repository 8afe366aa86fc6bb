//! A load like a real day's, from clients that keep account of everything they were
//! told: identity providers that retry as the real ones do, a device-management server
//! that reads and enrols, an administrator who looks around, and receivers of webhooks.
//! In the end everything is read back and held against that account.
//!
//! This must not know how faults come about; it sees a server that may answer 503.

mod idp;
mod mdm;
mod model;
mod serving;
mod tally;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nameplate_runtime::clock::Sources;
use nameplate_runtime::setup;
use nameplate_store_sql::SqliteStore;
use serde_json::{Value, json};

use crate::receiver::Receiver;
use idp::{Idp, Style};
use mdm::Mdm;
pub use serving::Serving;
pub use tally::{Line, Tally};

/// What does not become right within this is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Tenants, each with two identity providers.
    pub tenants: usize,
    /// For how long.
    pub lasts: Duration,
    /// Between two requests of one client.
    pub pause: Duration,
    /// The longest that a `Retry-After` is heeded.
    pub longest_wait: Duration,
    /// For the dice.
    pub seed: u64,
}

/// A tenant and the tokens of its clients.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its name.
    pub name: String,
    okta: String,
    entra: String,
    admin: String,
}

/// Makes the tenants of a soak in an empty database.
pub async fn tenants(store: &SqliteStore, count: usize) -> Vec<Tenant> {
    let sources = Sources::default();
    let mut tenants = Vec::new();
    for n in 0..count {
        let name = format!("tenant{n}");
        let mut made = Vec::new();
        for connection in ["okta", "entra"] {
            let new = setup::init(store, &sources, &name, connection).await;
            made.push(new.expect("a store").expect("a new connection"));
        }
        let [okta, entra] = made.try_into().unwrap_or_else(|_| panic!("two"));
        tenants.push(Tenant {
            name,
            okta: okta.scim_token,
            entra: entra.scim_token,
            admin: okta.admin_token,
        });
    }
    tenants
}

/// Prepares the tenants of a server, calls `switch` with true (from then on it may fail),
/// runs the load, calls it with false, and reads everything back. What was found wrong is
/// in the tally.
pub fn run(
    address: SocketAddr,
    tenants: &[Tenant],
    plan: &Plan,
    mut switch: impl FnMut(bool),
) -> Arc<Tally> {
    let tally = Arc::new(Tally::default());
    let mut places: Vec<Place> = tenants
        .iter()
        .enumerate()
        .map(|(n, tenant)| Place::new(address, tenant, plan, n, &tally))
        .collect();
    switch(true);
    let until = Instant::now() + plan.lasts;
    std::thread::scope(|scope| {
        for place in &mut places {
            let Place {
                okta, entra, mdm, ..
            } = place;
            scope.spawn(|| okta.work(until));
            scope.spawn(|| entra.work(until));
            scope.spawn(|| mdm.work(until));
        }
    });
    switch(false);
    for place in &mut places {
        place.verify();
    }
    tally
}

/// One tenant's clients.
struct Place {
    okta: Idp,
    entra: Idp,
    mdm: Mdm,
    receiver: Receiver,
}

impl Place {
    fn new(
        address: SocketAddr,
        tenant: &Tenant,
        plan: &Plan,
        n: usize,
        tally: &Arc<Tally>,
    ) -> Self {
        let seed = |client: u64| plan.seed ^ ((u64::try_from(n).expect("few") << 8) | client);
        let asker = |token: &str, mount| tally::Asker::new(address, token, mount, plan, tally);
        let receiver = Receiver::start();
        let mut mdm = Mdm::new(asker(&tenant.admin, ""), &tenant.name, seed(3));
        mdm.prepare(&json!({"url": receiver.url(), "events": ["assignment."]}));
        Self {
            okta: Idp::new(
                asker(&tenant.okta, "/scim/v2"),
                Style::Okta,
                &tenant.name,
                seed(1),
            ),
            entra: Idp::new(
                asker(&tenant.entra, "/scim/v2"),
                Style::Entra,
                &tenant.name,
                seed(2),
            ),
            mdm,
            receiver,
        }
    }

    fn verify(&mut self) {
        self.okta.verify();
        self.entra.verify();
        let there: BTreeSet<String> = [self.okta.stable(), self.entra.stable()]
            .into_iter()
            .flatten()
            .collect();
        self.mdm.verify(&there);
        self.verify_deliveries();
    }

    /// Every change of an assignment in the log has arrived, in order.
    fn verify_deliveries(&mut self) {
        let log = self.mdm.events("assignment.");
        let Some(newest) = log.last().copied() else {
            self.mdm
                .violation("no assignment was ever an event".to_owned());
            return;
        };
        let received = self
            .receiver
            .wait(|received| received.iter().any(|message| message.seq() == newest));
        let arrived: Vec<u64> = received.iter().map(|message| message.seq()).collect();
        let all: BTreeSet<u64> = arrived.iter().copied().collect();
        let lost: Vec<&u64> = log.iter().filter(|seq| !all.contains(seq)).collect();
        if !lost.is_empty() {
            self.mdm
                .violation(format!("events never delivered: {lost:?}"));
        }
        // A repeat may follow at any time; what is new comes in order.
        let (mut seen, mut highest) = (BTreeSet::new(), 0);
        for seq in arrived {
            if seen.insert(seq) && seq < highest {
                let line = format!("event {seq} came for the first time after {highest}");
                self.mdm.violation(line);
            }
            highest = highest.max(seq);
        }
    }
}

/// A text of JSON by pointer; empty if it is not there.
fn text<'a>(json: &'a Value, pointer: &str) -> &'a str {
    json.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
