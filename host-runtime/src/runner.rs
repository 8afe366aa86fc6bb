//! What goes on beside requests: events that mapping has not worked in yet, indexes
//! of older rules, instances that nobody uses any more; and deliveries to webhooks.
//!
//! A directory change is mapped within its own request; here is done what a crash,
//! a full machine or more than a thousand touched hosts left over. Everything may
//! be repeated, so several nodes on one database need no agreement.

use std::collections::HashMap;
use std::time::Duration;

use nameplate_store::{ConnectionId, Event, StoreError, TenantId};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Runtime;
use crate::http::rfc3339;
use crate::plugin::{DirectoryChange, MappingError, MappingEvent, Progress};
use crate::runtime::IndexRules;

/// How often the event log is looked at: a probe of an index that is nearly always
/// empty.
const PERIOD: Duration = Duration::from_secs(1);

/// Events younger than this are still being mapped by their own request.
const GRACE_MS: u64 = 2_000;

/// Events of one tenant taken at a time.
const BATCH: u32 = 200;

/// How often indexes are looked at: a switch that changes their rules is felt in a
/// minute, and until then scans answer.
const REINDEX_PERIOD: Duration = Duration::from_secs(60);

/// How often the log is told of tokens that end soon, after the start.
const WARN_PERIOD: Duration = Duration::from_secs(24 * 3600);

/// Tokens named on such a day; of the rest only their number.
const WARNINGS: usize = 20;

/// How long an index is believed to follow the rules it was last brought to: another node
/// of another version may have written by its own.
const BELIEVED: Duration = Duration::from_secs(600);

/// Hosts mapped in one call into the plugin: well under a second of its time, so
/// that requests of the same tenant get their turn in between.
const HOSTS_AT_ONCE: u32 = 500;

/// How long the hosts of one tenant are looked at again before others have their turn.
const RECONCILE_TIME: Duration = Duration::from_millis(500);

/// By which rules connections are indexed, and since when that is known.
type Indexed = HashMap<ConnectionId, (Instant, IndexRules)>;

/// How long webhooks are given to write down how far they have come: a few writes each.
const WRITE_DOWN: Duration = Duration::from_secs(5);

/// Work in the background; ends when dropped. What is cut off is done next time.
pub struct Background {
    runner: JoinHandle<()>,
    deliveries: JoinHandle<()>,
}

impl Background {
    /// Ends it in order, after [`Runtime::drain`]: webhooks have written down what was
    /// delivered, so that little of it comes again.
    pub async fn stop(mut self) {
        self.runner.abort();
        let ended = tokio::time::timeout(WRITE_DOWN, &mut self.deliveries).await;
        if ended.is_err() {
            tracing::warn!("webhooks could not write down how far they have come");
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.runner.abort();
        self.deliveries.abort();
    }
}

impl Runtime {
    /// Starts the background work of this runtime on the current tokio runtime.
    #[must_use = "the work ends when this is dropped"]
    pub fn start_background(&self) -> Background {
        Background {
            runner: tokio::spawn(run(self.clone())),
            deliveries: tokio::spawn(self.deliveries()),
        }
    }

    /// Maps what the event log has left over; returns how many events were settled.
    /// A tenant whose plugin or store fails keeps no other waiting, and an event that
    /// fails keeps none behind it waiting; what failed stays in the log.
    ///
    /// # Errors
    /// If the event log or the tenants cannot be read.
    pub async fn map_left_over(&self, grace_ms: u64) -> Result<u64, MappingError> {
        self.settle_now().await;
        let ripe = self.now().saturating_sub(grace_ms);
        // One probe, however many tenants there are: nearly always nothing is left over,
        // and under load the oldest event is still being mapped by its own request.
        let oldest = self.stores().users.unsettled(None, 1).await?;
        if oldest.iter().all(|(_, event)| event.at > ripe) {
            return Ok(0);
        }
        let mut settled = 0;
        for tenant in self.stores().control.tenants().await? {
            let events = self
                .stores()
                .users
                .unsettled(Some(tenant.id), BATCH)
                .await?;
            for (_, event) in events {
                // In order of time: the rest is younger still.
                if event.at > ripe {
                    break;
                }
                let seq = event.seq;
                match self.map_event(tenant.id, event).await {
                    Ok(()) => settled += 1,
                    Err(error) => {
                        tracing::warn!(tenant = tenant.name, seq, %error, "cannot map an event yet");
                    }
                }
            }
        }
        Ok(settled)
    }

    async fn map_event(&self, tenant: TenantId, event: Event) -> Result<(), MappingError> {
        let seq = event.seq;
        // An event of a host is settled from the start and never comes here.
        let Some(subject_kind) = event.subject_kind.kind() else {
            return Ok(self.stores().users.settle(tenant, &[seq]).await?);
        };
        let change = MappingEvent::Directory(DirectoryChange {
            seq,
            name: event.name,
            subject_kind,
            subject: event.subject,
            logins: event.logins,
        });
        let mut after = None;
        loop {
            let progress = self
                .apply(tenant, change.clone(), after, HOSTS_AT_ONCE)
                .await?;
            match progress.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        self.stores().users.settle(tenant, &[seq]).await?;
        Ok(())
    }

    /// Counts what only time changes: tokens that end soon.
    async fn measure_tokens(&self) {
        if let Ok(tokens) = self.expiring_tokens(None).await {
            let count = i64::try_from(tokens.len()).unwrap_or(i64::MAX);
            self.metrics().tokens_expiring.set(count);
        }
    }

    /// Measures what nobody counts while it happens.
    async fn measure(&self) {
        let oldest = match self.stores().users.unsettled(None, 1).await {
            Ok(events) => events.first().map(|(_, event)| event.at),
            // Told by whoever needs it for its work.
            Err(_) => return,
        };
        let age = oldest.map_or(0, |at| self.now().saturating_sub(at) / 1000);
        let age = i64::try_from(age).unwrap_or(i64::MAX);
        self.metrics().events_oldest.set(age);
    }

    /// Looks at the hosts of tenants whose rules have changed, each for a moment: a
    /// large fleet must not keep other work waiting. What is left is done next time.
    async fn reconcile_some(&self) {
        for (tenant, mut after) in self.reconcile_due() {
            let started = Instant::now();
            loop {
                match self.reconcile(tenant, after.clone(), HOSTS_AT_ONCE).await {
                    Ok(Progress { next: None, .. }) => {
                        tracing::info!(tenant = tenant.0, "mapped by the tenant's new settings");
                        break;
                    }
                    Ok(progress) => after = progress.next,
                    Err(error) => {
                        tracing::warn!(tenant = tenant.0, %error, "cannot look at all hosts again yet");
                        self.reconcile_later(tenant, after);
                        break;
                    }
                }
                if started.elapsed() > RECONCILE_TIME {
                    self.reconcile_later(tenant, after);
                    break;
                }
            }
        }
    }

    /// Tells the log of tokens that end within thirty days.
    async fn warn_of_ends(&self) -> Result<(), StoreError> {
        let tokens = self.expiring_tokens(None).await?;
        for token in tokens.iter().take(WARNINGS) {
            tracing::warn!(
                tenant = token.tenant.0,
                token = token.id,
                scope = token.scope.as_str(),
                ends = token.expires.map(rfc3339),
                "a token ends soon; replace it with `nameplate token rotate`"
            );
        }
        let more = tokens.len().saturating_sub(WARNINGS);
        if more > 0 {
            tracing::warn!(more, "further tokens end soon");
        }
        Ok(())
    }

    /// Brings every connection's index to the plugin's rules; one that cannot be
    /// keeps no other waiting. Asking the plugin takes an instance, which a thousand idle
    /// tenants would take from those at work: one that is known to follow is not asked.
    async fn reindex_all(&self, indexed: &mut Indexed) -> Result<(), MappingError> {
        let mut known = Indexed::new();
        for tenant in self.stores().control.tenants().await? {
            for connection in self.connections(tenant.id).await?.iter() {
                let rules = self.index_rules(connection).await?;
                let before = indexed.get(&connection.id).copied();
                if let Some((at, follows)) = before
                    && follows == rules
                    && at.elapsed() < BELIEVED
                {
                    known.insert(connection.id, (at, rules));
                    continue;
                }
                let outcome = self.reindex(connection).await;
                if outcome.is_ok() {
                    known.insert(connection.id, (Instant::now(), rules));
                }
                match outcome {
                    Ok(0) => {}
                    Ok(documents) => tracing::info!(
                        tenant = tenant.name,
                        connection = connection.name,
                        documents,
                        "indexed by the plugin's present rules"
                    ),
                    Err(error) => tracing::warn!(
                        tenant = tenant.name,
                        connection = connection.name,
                        %error,
                        "cannot bring the index up to date yet"
                    ),
                }
            }
        }
        *indexed = known;
        Ok(())
    }
}

async fn run(runtime: Runtime) {
    let mut warned: Option<Instant> = None;
    let mut looked: Option<Instant> = None;
    let mut indexed = Indexed::new();
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let woken = runtime.indexing_woken();
        if woken {
            // Somebody has changed rules: nothing is believed.
            indexed.clear();
        }
        if woken || looked.is_none_or(|at| at.elapsed() > REINDEX_PERIOD) {
            if let Err(error) = runtime.reindex_all(&mut indexed).await {
                tracing::warn!(%error, "cannot read the tenants");
            }
            looked = Some(Instant::now());
            runtime.measure_tokens().await;
        }
        if warned.is_none_or(|at| at.elapsed() > WARN_PERIOD) {
            if let Err(error) = runtime.warn_of_ends().await {
                tracing::warn!(%error, "cannot look for tokens that end soon");
            }
            warned = Some(Instant::now());
        }
        runtime.reconcile_some().await;
        if let Err(error) = runtime.map_left_over(GRACE_MS).await {
            tracing::warn!(%error, "cannot read the event log");
        }
        if let Err(error) = runtime.desk().log.age().await {
            tracing::warn!(%error, "cannot forget old lines of the request log");
        }
        runtime.tidy();
        runtime.measure().await;
    }
}
