//! What the server counts and measures, in the form Prometheus reads.
//!
//! This knows numbers and the few words they are told apart by; it must not know
//! names, tokens or what a request said. What is counted and in which unit stands in
//! `docs/operations.md`; a test holds it to [`Metrics::text`].

mod labels;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::{Method, StatusCode};
use nameplate_store::{Outcome, StoreError, TenantId};
use nameplate_store_sql::sqlite::Work;
use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tracing::Span;

use crate::plugin::Usage;
pub use labels::{
    CommitOutcome, Delivery, Family, InstanceEnd, MethodClass, Refusal, StatusClass, StoreWork,
    Success,
};
use labels::{
    FamilyLabels, KnownTenants, OutcomeLabels, ReasonLabels, RequestLabels, StoreLabels,
    TenantLabels, TenantStatusLabels,
};

/// Histograms of one kind: made by a function, for each has the same bounds.
type Histograms<L> = prometheus_client::metrics::family::Family<L, Histogram, fn() -> Histogram>;
type Counters<L> = prometheus_client::metrics::family::Family<L, Counter>;
/// Seconds that add up.
type Seconds = Counter<f64, AtomicU64>;

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is counted. One for each [`crate::Runtime`]; counting allocates
/// nothing once a series is there.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    tenants: KnownTenants,
    requests: Counters<RequestLabels>,
    durations: Histograms<FamilyLabels>,
    by_tenant: Counters<TenantStatusLabels>,
    guest: Histogram,
    guest_by_tenant: prometheus_client::metrics::family::Family<TenantLabels, Seconds>,
    host_calls: Counter,
    /// Commits to the directory.
    pub commits: Commits,
    /// Requests being answered at this moment.
    pub in_flight: Gauge,
    /// Instances of the plugin.
    pub pool: Pool,
    /// The databases.
    pub store: StoreTimes,
    /// Connections.
    pub connections: Connections,
    /// Lines of the request log that were lost.
    pub log_lines_dropped: Counter,
    /// Age of the oldest event that mapping has not worked in, in seconds.
    pub events_oldest: Gauge,
    /// Deliveries to webhooks.
    pub webhooks: Webhooks,
    /// Tokens that end within the days a warning is given before.
    pub tokens_expiring: Gauge,
}

/// Instances of the plugin. Clones count into the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// Working on a call.
    pub in_use: Gauge,
    /// Kept warm for their tenant's next call.
    pub idle: Gauge,
    /// Calls that wait for an instance.
    pub waiting: Gauge,
    /// Calls that were refused because too many of their tenant waited.
    pub refused: Counter,
    /// Instances made.
    pub made: Counter,
    ended: Counters<ReasonLabels<InstanceEnd>>,
    loads: Counters<OutcomeLabels<Success>>,
}

/// How long the database takes. Clones count into the same numbers.
#[derive(Clone, Debug)]
pub struct StoreTimes(Histograms<StoreLabels>);

/// Commits to the directory. Clones count into the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Commits(Counters<OutcomeLabels<CommitOutcome>>);

/// Connections of clients. Clones count into the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    /// Open at this moment.
    pub open: Gauge,
    refused: Counters<ReasonLabels<Refusal>>,
}

/// Deliveries to webhooks.
#[derive(Clone, Debug, Default)]
pub struct Webhooks {
    deliveries: Counters<OutcomeLabels<Delivery>>,
    /// Webhooks whose last delivery failed.
    pub failing: Gauge,
}

/// One answered request, as far as it is counted.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// Where it went.
    pub family: Family,
    /// What it was.
    pub method: &'a Method,
    /// How it ended.
    pub status: StatusCode,
    /// Whose it was, if that is known.
    pub tenant: Option<TenantId>,
    /// From its headers until its answer was made.
    pub took: Duration,
}

impl Answered<'_> {
    /// Fills in how the request ended, and tells of it at the level `debug`: the request
    /// log, which is kept, says more.
    pub fn record(&self, span: &Span) {
        if span.is_disabled() {
            return;
        }
        let micros = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX);
        span.record("http.status", self.status.as_u16());
        span.record("micros", micros);
        if let Some(TenantId(number)) = self.tenant {
            span.record("tenant", number);
        }
        span.in_scope(|| tracing::debug!(target: "nameplate::request", "answered"));
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("nameplate"),
            tenants: KnownTenants::default(),
            requests: Counters::default(),
            durations: Histograms::new_with_constructor(|| Histogram::new(REQUEST_BOUNDS)),
            by_tenant: Counters::default(),
            guest: Histogram::new(FINE_BOUNDS),
            guest_by_tenant: prometheus_client::metrics::family::Family::default(),
            host_calls: Counter::default(),
            commits: Commits::default(),
            in_flight: Gauge::default(),
            pool: Pool::default(),
            store: StoreTimes::default(),
            connections: Connections::default(),
            log_lines_dropped: Counter::default(),
            events_oldest: Gauge::default(),
            webhooks: Webhooks::default(),
            tokens_expiring: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

/// Upper bounds in seconds. A request is a few milliseconds, a first synchronisation's
/// group some seconds, and nobody waits longer than a minute.
const REQUEST_BOUNDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// The guest and the database are measured in fractions of a millisecond.
const FINE_BOUNDS: [f64; 14] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0,
    10.0,
];

impl Default for StoreTimes {
    fn default() -> Self {
        Self(Histograms::new_with_constructor(|| {
            Histogram::new(FINE_BOUNDS)
        }))
    }
}

impl Metrics {
    fn register(&mut self) {
        self.register_requests();
        self.register_plugin();
        let registry = &mut self.registry;
        registry.register_with_unit(
            "store_duration",
            "Time the database took",
            Unit::Seconds,
            self.store.0.clone(),
        );
        registry.register(
            "commits",
            "Units of directory commits by what became of them",
            self.commits.0.clone(),
        );
        registry.register(
            "request_log_lines_dropped",
            "Lines of the request log that were lost because the database was slow",
            self.log_lines_dropped.clone(),
        );
        registry.register_with_unit(
            "events_oldest_unsettled",
            "Age of the oldest event that is not mapped yet; 0 if there is none",
            Unit::Seconds,
            self.events_oldest.clone(),
        );
        registry.register(
            "webhook_deliveries",
            "Deliveries to webhooks by what became of them",
            self.webhooks.deliveries.clone(),
        );
        registry.register(
            "webhooks_failing",
            "Webhooks whose last delivery failed",
            self.webhooks.failing.clone(),
        );
        registry.register(
            "tokens_expiring",
            "Tokens that end within 30 days",
            self.tokens_expiring.clone(),
        );
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of this server", build);
    }

    fn register_requests(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Answered requests", self.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "Time from the headers of a request until its answer was made",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register(
            "tenant_requests",
            "Answered requests by tenant; the first 200 tenants seen by their number, others together",
            self.by_tenant.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests being answered",
            self.in_flight.clone(),
        );
        registry.register(
            "connections_open",
            "Connections of clients",
            self.connections.open.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections that were closed before a request or for being too slow",
            self.connections.refused.clone(),
        );
    }

    fn register_plugin(&mut self) {
        let registry = &mut self.registry;
        registry.register_with_unit(
            "guest_duration",
            "Computing time of the plugin for one request",
            Unit::Seconds,
            self.guest.clone(),
        );
        registry.register_with_unit(
            "tenant_guest",
            "Computing time of the plugin by tenant",
            Unit::Seconds,
            self.guest_by_tenant.clone(),
        );
        registry.register(
            "host_calls",
            "Calls of the plugin to its host",
            self.host_calls.clone(),
        );
        let pool = &self.pool;
        registry.register(
            "instances_in_use",
            "Instances of the plugin that work on a call",
            pool.in_use.clone(),
        );
        registry.register(
            "instances_idle",
            "Instances of the plugin kept for the next call of their tenant",
            pool.idle.clone(),
        );
        registry.register("instances_made", "Instances made", pool.made.clone());
        registry.register(
            "instances_ended",
            "Instances that ended, by why",
            pool.ended.clone(),
        );
        registry.register(
            "calls_waiting",
            "Calls that wait for an instance",
            pool.waiting.clone(),
        );
        registry.register(
            "calls_refused",
            "Calls that were refused because too many of their tenant waited",
            pool.refused.clone(),
        );
        registry.register(
            "plugin_loads",
            "Components that were loaded, or were not",
            pool.loads.clone(),
        );
    }

    /// Everything, as Prometheus reads it.
    ///
    /// # Errors
    /// None in practice: a text has room.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Counts an answered request.
    pub fn answered(&self, request: &Answered<'_>) {
        let Answered {
            family,
            method,
            status,
            tenant,
            took,
        } = *request;
        let status = StatusClass::from(status);
        let labels = RequestLabels {
            family,
            method: method.into(),
            status,
        };
        self.requests.get_or_create(&labels).inc();
        let labels = FamilyLabels { family };
        self.durations
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
        if let Some(tenant) = tenant {
            let tenant = self.tenants.label(tenant);
            let labels = TenantStatusLabels { tenant, status };
            self.by_tenant.get_or_create(&labels).inc();
        }
    }

    /// Counts what the plugin used for one request of a tenant.
    pub fn used(&self, tenant: TenantId, usage: &Usage) {
        let seconds = usage.guest.as_secs_f64();
        self.guest.observe(seconds);
        let tenant = self.tenants.label(tenant);
        self.guest_by_tenant
            .get_or_create(&TenantLabels { tenant })
            .inc_by(seconds);
        self.host_calls.inc_by(usage.host_calls);
    }
}

impl Pool {
    /// Counts an attempt to load a component.
    pub fn loaded(&self, outcome: Success) {
        one_more(&self.loads, outcome);
    }

    /// Counts the end of an instance.
    pub fn ended(&self, reason: InstanceEnd) {
        self.ended.get_or_create(&ReasonLabels { reason }).inc();
    }
}

impl StoreTimes {
    /// Notes how long something took.
    pub fn observe(&self, operation: StoreWork, took: Duration) {
        let labels = StoreLabels { operation };
        self.0.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

impl Commits {
    /// Counts what became of the units of a commit.
    pub fn count(&self, outcomes: &Result<Vec<Outcome>, StoreError>) {
        match outcomes {
            Ok(outcomes) => {
                let outcomes = outcomes.iter().map(CommitOutcome::from);
                outcomes.for_each(|outcome| one_more(&self.0, outcome));
            }
            Err(_) => one_more(&self.0, CommitOutcome::Failed),
        }
    }
}

impl Connections {
    /// Counts a connection that was turned away.
    pub fn refused(&self, reason: Refusal) {
        self.refused.get_or_create(&ReasonLabels { reason }).inc();
    }
}

impl Webhooks {
    /// Counts an attempt to deliver.
    pub fn delivered(&self, outcome: Delivery) {
        one_more(&self.deliveries, outcome);
    }
}

fn one_more<T>(counters: &Counters<OutcomeLabels<T>>, outcome: T)
where
    T: EncodeLabelValue + Clone + Eq + std::hash::Hash,
{
    counters.get_or_create(&OutcomeLabels { outcome }).inc();
}

/// A number that is up by one until this is dropped.
#[derive(Debug)]
pub struct Raised(Gauge);

impl Raised {
    /// Up by one.
    pub fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl From<Work> for StoreWork {
    fn from(work: Work) -> Self {
        match work {
            Work::Read => Self::Read,
            Work::Write => Self::Write,
            Work::Group => Self::Group,
        }
    }
}

impl From<&Outcome> for CommitOutcome {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Committed { .. } => Self::Committed,
            Outcome::Stale { .. } => Self::Stale,
            Outcome::KeyTaken { .. } => Self::KeyTaken,
            Outcome::Missing(_) => Self::Missing,
            Outcome::Full { .. } => Self::Full,
            Outcome::NotTried => Self::Skipped,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Everything once: a family without a series is not in the text.
    fn counted() -> Metrics {
        let (metrics, tenant) = (Metrics::default(), TenantId(1));
        metrics.answered(&Answered {
            family: Family::Scim,
            method: &Method::GET,
            status: StatusCode::OK,
            tenant: Some(tenant),
            took: Duration::ZERO,
        });
        metrics.used(tenant, &Usage::default());
        metrics.commits.count(&Ok(vec![Outcome::NotTried]));
        metrics.store.observe(StoreWork::Read, Duration::ZERO);
        metrics.pool.ended(InstanceEnd::Idle);
        metrics.pool.loaded(Success::Ok);
        metrics.connections.refused(Refusal::Idle);
        metrics.webhooks.delivered(Delivery::Taken);
        metrics
    }

    #[test]
    fn every_metric_is_documented_and_every_documented_metric_is_there() {
        let text = counted().text().unwrap();
        let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let mut there: Vec<String> = kinds
            .map(|line| match line.split_once(' ').unwrap() {
                (name, "counter") => format!("{name}_total"),
                (name, "info") => format!("{name}_info"),
                (name, _) => name.to_owned(),
            })
            .collect();
        let guide = include_str!("../../docs/operations.md");
        let rows = guide.lines().filter_map(|row| row.strip_prefix("| `"));
        let names = rows.filter_map(|row| row.split_once('`').map(|(name, _)| name));
        let mut told: Vec<&str> = names
            .filter(|name| name.starts_with("nameplate_"))
            .collect();
        there.sort();
        told.sort_unstable();
        assert_eq!(there, told);
    }
}
