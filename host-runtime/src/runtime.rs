//! The library's face: tenants, the plugin and the stores put together.
//!
//! A vendor builds a [`Runtime`] over stores and asks it to answer SCIM requests
//! and to say who uses a host. HTTP, tokens and the command line are built on this
//! and are not needed for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use crate::clock::Sources;
use crate::connections::{guest_config, mapping_config};
use crate::events::Tails;
use crate::http::Desk;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::plugin::{
    Call, DirectoryChange, GuestConfig, MappingError, MappingEvent, Note, Plugin, PluginError,
    PluginRequest, PluginResponse, Progress, Usage,
};
use crate::tenancy::{Rates, stored_limits};
use crate::turns::Turns;
use nameplate_store::{
    Connection, ConnectionId, ControlStore, HostStore, PluginHash, Scope, StoreError, TenantId,
    Timestamp, UserStore, WebhookStore,
};

/// How many hosts a directory change maps before its request is answered; the
/// rest is left to the runner. A thousand take well under a second.
const HOSTS_PER_REQUEST: u32 = 1000;

/// How long what was read of a tenant counts: the command line and other nodes change
/// connections too, and a change should be felt while one still looks.
const FRESH: Duration = Duration::from_secs(5);

/// Events noted as worked in before they are written down in one go; the runner does
/// so every second anyway.
const SETTLED_AT_ONCE: usize = 256;

/// The databases of a runtime; usually one and the same.
#[derive(Clone)]
pub struct Stores {
    /// The directory.
    pub users: Arc<dyn UserStore>,
    /// Hosts and claims.
    pub hosts: Arc<dyn HostStore>,
    /// Tenants, connections, tokens, request log.
    pub control: Arc<dyn ControlStore>,
    /// Who is told of events.
    pub webhooks: Arc<dyn WebhookStore>,
}

impl Stores {
    /// One database for everything.
    pub fn one<S>(store: S) -> Self
    where
        S: UserStore + HostStore + ControlStore + WebhookStore + 'static,
    {
        let store = Arc::new(store);
        Self {
            users: store.clone(),
            hosts: store.clone(),
            control: store.clone(),
            webhooks: store,
        }
    }
}

/// The answer to a SCIM request and what happened on the way.
#[derive(Debug)]
pub struct ScimAnswer {
    /// What the client gets; an error means 503 with `Retry-After`.
    pub response: Result<PluginResponse, PluginError>,
    /// Remarks for the request log.
    pub notes: Vec<Note>,
    /// What it cost.
    pub usage: Usage,
}

/// A running Nameplate. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    plugin: Arc<dyn Plugin>,
    stores: Stores,
    sources: Sources,
    limits: Arc<Limits>,
    /// The same, as the settings say now.
    lent: RwLock<Arc<Limits>>,
    metrics: Arc<Metrics>,
    /// The server is about to stop.
    draining: watch::Sender<bool>,
    /// Tokens and the request log, for the HTTP interface.
    desk: Desk,
    /// How often each tenant may ask.
    rates: Rates,
    /// Events that are worked in and not yet written down as such.
    settled: Mutex<HashMap<TenantId, Vec<u64>>>,
    /// Who changes a document next, where several want to.
    turns: Turns,
    /// Index rules have changed since the runner last looked.
    index_soon: AtomicBool,
    /// Who waits for events.
    tails: Arc<Tails>,
    /// Rung when a webhook was made or changed here.
    webhooks_touched: Notify,
    /// Tenants whose rules of mapping have changed, and after which host the runner goes
    /// on looking.
    reconcile_soon: Mutex<HashMap<TenantId, Option<String>>>,
    /// What is known of tenants; dropped by [`Runtime::forget`].
    tenants: Mutex<HashMap<TenantId, Arc<TenantState>>>,
}

/// A tenant's connections and what the guest reads of each.
struct TenantState {
    read: Instant,
    connections: Arc<[Connection]>,
    configs: HashMap<ConnectionId, Arc<GuestConfig>>,
    mapping: Arc<GuestConfig>,
    plugin: Option<PluginHash>,
    standing: Standing,
}

/// How a tenant stands with the operator.
#[derive(Clone)]
pub(crate) struct Standing {
    /// What it may use.
    pub(crate) limits: Arc<Limits>,
    /// Its requests are refused.
    pub(crate) suspended: bool,
}

/// The state of a connection's configuration, and the component that goes by it.
pub(crate) type IndexRules = (Option<u64>, Option<PluginHash>);

impl Runtime {
    /// A runtime over a plugin and stores.
    pub fn new(plugin: Arc<dyn Plugin>, stores: Stores, limits: Limits, sources: Sources) -> Self {
        Self::counting(plugin, stores, limits, sources, Arc::default())
    }

    /// The same, counting into metrics that exist.
    pub(crate) fn counting(
        plugin: Arc<dyn Plugin>,
        stores: Stores,
        limits: Limits,
        sources: Sources,
        metrics: Arc<Metrics>,
    ) -> Self {
        let limits = Arc::new(limits);
        let lost = metrics.log_lines_dropped.clone();
        let desk = Desk::new(stores.control.clone(), sources.clock.clone(), lost);
        Self {
            inner: Arc::new(Inner {
                plugin,
                desk,
                stores,
                sources,
                lent: RwLock::new(limits.clone()),
                limits,
                metrics,
                draining: watch::Sender::new(false),
                rates: Rates::new(),
                settled: Mutex::default(),
                turns: Turns::default(),
                index_soon: AtomicBool::new(false),
                tails: Arc::default(),
                webhooks_touched: Notify::new(),
                reconcile_soon: Mutex::default(),
                tenants: Mutex::default(),
            }),
        }
    }

    /// The databases.
    pub fn stores(&self) -> &Stores {
        &self.inner.stores
    }

    /// Tokens and the request log.
    pub fn desk(&self) -> &Desk {
        &self.inner.desk
    }

    /// The limits this runtime was made with. What of them was changed since is told by
    /// the limits of each tenant.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// From now on tenants of whom nothing else is said may use this. The number of
    /// instances and how webhooks are delivered stay as they were at the start.
    pub fn set_limits(&self, limits: Limits) {
        let mut lent = self
            .inner
            .lent
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *lent = Arc::new(limits);
        drop(lent);
        self.known().clear();
    }

    /// What tenants may use of whom nothing else is said.
    fn lent(&self) -> Arc<Limits> {
        let lent = self.inner.lent.read();
        lent.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.inner.metrics
    }

    /// Says from now on that this server is not ready, and lets webhooks write down how
    /// far they have come; called when the server is told to stop.
    pub fn drain(&self) {
        self.inner.draining.send_replace(true);
    }

    /// Whether [`Self::drain`] was called, now and later.
    pub(crate) fn draining(&self) -> watch::Receiver<bool> {
        self.inner.draining.subscribe()
    }

    /// Time and chance.
    pub fn sources(&self) -> &Sources {
        &self.inner.sources
    }

    /// The present moment by the runtime's clock.
    pub fn now(&self) -> Timestamp {
        self.inner.sources.clock.now()
    }

    /// The connections of a tenant in order of precedence.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn connections(&self, tenant: TenantId) -> Result<Arc<[Connection]>, StoreError> {
        Ok(self.tenant(tenant).await?.connections.clone())
    }

    /// How a tenant stands with the operator; at most five seconds old.
    pub(crate) async fn standing(&self, tenant: TenantId) -> Result<Standing, StoreError> {
        Ok(self.tenant(tenant).await?.standing.clone())
    }

    /// How often each tenant may ask.
    pub(crate) fn rates(&self) -> &Rates {
        &self.inner.rates
    }

    /// Gives up what has not been used for a while.
    pub(crate) fn tidy(&self) {
        self.inner.plugin.tidy();
        // What is not fresh is read again anyway: a tenant at rest costs nothing here.
        self.known().retain(|_, state| state.read.elapsed() < FRESH);
    }

    /// Asks the runner to look at the indexes without waiting for its next round.
    pub(crate) fn wake_indexing(&self) {
        self.inner.index_soon.store(true, Ordering::Relaxed);
    }

    /// Who waits for events.
    pub(crate) fn tails(&self) -> &Arc<Tails> {
        &self.inner.tails
    }

    /// To be rung when a webhook was made or changed.
    pub(crate) fn webhooks_touched(&self) -> &Notify {
        &self.inner.webhooks_touched
    }

    /// Who changes something next, where several want to.
    pub(crate) fn turns(&self) -> &Turns {
        &self.inner.turns
    }

    /// Was [`Self::wake_indexing`] called since this was last asked.
    pub(crate) fn indexing_woken(&self) -> bool {
        self.inner.index_soon.swap(false, Ordering::Relaxed)
    }

    /// Asks the runner to look at all hosts of a tenant again, from the first on.
    pub(crate) fn reconcile_soon(&self, tenant: TenantId) {
        lock(&self.inner.reconcile_soon).insert(tenant, None);
    }

    /// Asks the runner to go on after a host, unless it was asked to begin anew.
    pub(crate) fn reconcile_later(&self, tenant: TenantId, after: Option<String>) {
        let mut soon = lock(&self.inner.reconcile_soon);
        soon.entry(tenant).or_insert(after);
    }

    /// What is to be looked at again; asked once.
    pub(crate) fn reconcile_due(&self) -> HashMap<TenantId, Option<String>> {
        std::mem::take(&mut *lock(&self.inner.reconcile_soon))
    }

    /// Forgets what is known of a tenant, after its connections were changed.
    pub fn forget(&self, tenant: TenantId) {
        self.known().remove(&tenant);
    }

    /// Answers one SCIM request of a connection, then brings up to date the hosts it
    /// touches.
    ///
    /// # Errors
    /// If the tenant's configuration cannot be read, or it has no such connection.
    pub async fn scim(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        request: PluginRequest,
    ) -> Result<ScimAnswer, StoreError> {
        let mut state = self.tenant(tenant).await?;
        if !state.configs.contains_key(&connection) {
            // Added by another process since we looked.
            self.forget(tenant);
            state = self.tenant(tenant).await?;
        }
        let config = state.configs.get(&connection).ok_or_else(|| {
            StoreError::Denied(format!("tenant has no connection {}", connection.0))
        })?;
        let call = self.call(tenant, Some(connection), &state, config.clone());
        let reads = matches!(request.method.as_str(), "GET" | "HEAD");
        let (response, report) = self.inner.plugin.handle(call, request).await;
        self.metrics().used(tenant, &report.usage);
        if !reads {
            self.tails().wake(tenant);
        }
        let mut hosts_left = HOSTS_PER_REQUEST;
        for change in report.changes {
            hosts_left = self.map_change(tenant, change, hosts_left).await;
        }
        Ok(ScimAnswer {
            response,
            notes: report.notes,
            usage: report.usage,
        })
    }

    /// Works one directory change in, at most `limit` hosts; returns how many of them
    /// are left. A SCIM write never fails because of device state: what goes wrong here
    /// stays in the event log and is done by the runner.
    async fn map_change(&self, tenant: TenantId, mut change: DirectoryChange, limit: u32) -> u32 {
        let seq = change.seq;
        if limit == 0 {
            return 0;
        }
        // The store knows more logins of the subject than the change itself names.
        match self.inner.stores.users.events(tenant, seq - 1, 1).await {
            Ok(events) => {
                if let Some(event) = events.into_iter().find(|event| event.seq == seq) {
                    change.logins = event.logins;
                }
            }
            Err(error) => {
                tracing::warn!(tenant = tenant.0, seq, %error, "mapping is left to the runner");
                return limit;
            }
        }
        let event = MappingEvent::Directory(change);
        match self.apply(tenant, event, None, limit).await {
            Ok(Progress {
                next: None, seen, ..
            }) => {
                self.settle_soon(tenant, seq).await;
                limit.saturating_sub(seen)
            }
            Ok(_) => {
                tracing::info!(
                    tenant = tenant.0,
                    seq,
                    "more hosts than one request maps; the runner goes on"
                );
                0
            }
            Err(error) => {
                tracing::warn!(tenant = tenant.0, seq, %error, "mapping is left to the runner");
                limit
            }
        }
    }

    /// Notes that an event is worked in, to be written with others: a sync of its own
    /// for each would double the cost of a write, and one that is lost is only worked
    /// in again.
    async fn settle_soon(&self, tenant: TenantId, seq: u64) {
        let full = {
            let mut settled = lock(&self.inner.settled);
            let seqs = settled.entry(tenant).or_default();
            seqs.push(seq);
            seqs.len() >= SETTLED_AT_ONCE
        };
        if full {
            self.settle_now().await;
        }
    }

    /// Writes down which events are worked in.
    pub(crate) async fn settle_now(&self) {
        let settled = std::mem::take(&mut *lock(&self.inner.settled));
        for (tenant, seqs) in settled {
            if let Err(error) = self.inner.stores.users.settle(tenant, &seqs).await {
                tracing::warn!(tenant = tenant.0, %error, "cannot settle events; they are mapped again");
            }
        }
    }

    /// Brings the index of a connection to the plugin's current rules.
    ///
    /// # Errors
    /// Trouble; what was written stays, call again.
    pub async fn reindex(&self, connection: &Connection) -> Result<u64, MappingError> {
        let state = self.tenant(connection.tenant).await?;
        let config = state
            .configs
            .get(&connection.id)
            .cloned()
            .unwrap_or_default();
        let (mut cursor, mut written) = (None, 0);
        loop {
            let call = self.call(
                connection.tenant,
                Some(connection.id),
                &state,
                config.clone(),
            );
            let step = self
                .inner
                .plugin
                .reindex(call, cursor, nameplate_store::limits::PAGE)
                .await?;
            written += u64::from(step.written);
            match step.next {
                Some(next) => cursor = Some(next),
                None => return Ok(written),
            }
        }
    }

    /// What the index of a connection depends on.
    ///
    /// # Errors
    /// If the tenant cannot be read.
    pub(crate) async fn index_rules(
        &self,
        connection: &Connection,
    ) -> Result<IndexRules, StoreError> {
        let state = self.tenant(connection.tenant).await?;
        let config = state.configs.get(&connection.id);
        Ok((config.map(|config| config.revision), state.plugin))
    }

    /// Can the plugin use these settings of a connection: none, or what to change.
    ///
    /// # Errors
    /// Trouble with the store or the plugin.
    pub(crate) async fn check_settings(
        &self,
        tenant: TenantId,
        json: Vec<u8>,
    ) -> Result<Option<String>, MappingError> {
        let call = self.mapping_call(tenant).await?;
        Ok(self.inner.plugin.check_settings(call, json).await?)
    }

    /// The plugin.
    pub(crate) fn plugin(&self) -> &dyn Plugin {
        &*self.inner.plugin
    }

    /// A call like any other of the tenant or of one of its connections, over other
    /// stores than those of this runtime. It stands in no line with others.
    pub(crate) async fn call_on(
        &self,
        tenant: TenantId,
        connection: Option<ConnectionId>,
        users: Arc<dyn UserStore>,
        hosts: Arc<dyn HostStore>,
    ) -> Result<Call, StoreError> {
        let state = self.tenant(tenant).await?;
        let config = match connection {
            None => state.mapping.clone(),
            Some(connection) => state.configs.get(&connection).cloned().unwrap_or_default(),
        };
        let call = Call::new(
            Scope { tenant, connection },
            state.connections.clone(),
            config,
            users,
            hosts,
            self.inner.sources.clone(),
            state.standing.limits.clone(),
        );
        Ok(Call {
            plugin: state.plugin,
            ..call
        })
    }

    pub(crate) async fn mapping_call(&self, tenant: TenantId) -> Result<Call, StoreError> {
        let state = self.tenant(tenant).await?;
        Ok(self.call(tenant, None, &state, state.mapping.clone()))
    }

    fn call(
        &self,
        tenant: TenantId,
        connection: Option<ConnectionId>,
        state: &TenantState,
        config: Arc<GuestConfig>,
    ) -> Call {
        Call {
            scope: Scope { tenant, connection },
            connections: state.connections.clone(),
            config,
            users: self.inner.stores.users.clone(),
            hosts: self.inner.stores.hosts.clone(),
            sources: self.inner.sources.clone(),
            limits: state.standing.limits.clone(),
            plugin: state.plugin,
            turn: Arc::new(self.inner.turns.turn()),
            commits: self.inner.metrics.commits.clone(),
        }
    }

    async fn tenant(&self, tenant: TenantId) -> Result<Arc<TenantState>, StoreError> {
        if let Some(state) = self.known().get(&tenant)
            && state.read.elapsed() < FRESH
        {
            return Ok(state.clone());
        }
        let control = &self.inner.stores.control;
        let connections = control.connections(tenant).await?;
        let found = control.tenant(tenant).await?;
        let plugin = found.as_ref().and_then(|found| found.plugin);
        let settings = found.as_ref().map(|found| found.settings.as_str());
        let standing = Standing {
            limits: stored_limits(found.as_ref(), &self.lent()),
            suspended: found.as_ref().is_some_and(|found| found.suspended),
        };
        let configs = connections
            .iter()
            .map(|connection| {
                (
                    connection.id,
                    Arc::new(guest_config(connection, settings, &standing.limits)),
                )
            })
            .collect();
        let state = Arc::new(TenantState {
            read: Instant::now(),
            mapping: Arc::new(mapping_config(settings, &connections)),
            connections: connections.into(),
            configs,
            plugin,
            standing,
        });
        self.known().insert(tenant, state.clone());
        Ok(state)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<TenantState>>> {
        lock(&self.inner.tenants)
    }
}

/// Only whole values are put into what is guarded, so a panic elsewhere leaves it
/// usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
