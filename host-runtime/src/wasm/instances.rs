//! Instances of components: made, kept warm for their tenant, retired. However many
//! components there are, they share the engine's slots.
//!
//! An instance serves one tenant for its whole life. What a request leaves in its
//! memory is therefore never seen by another tenant, and the next request of the
//! same tenant saves making a new one.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nameplate_store::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::Store;

use super::bindings::{Plugin, PluginPre};
use super::engine::Engine;
use super::state::GuestState;
use crate::limits::Limits;
use crate::metrics::{InstanceEnd, Pool, Raised};
use crate::plugin::PluginError;

/// Calls an instance serves before it is retired: bounds what a slow leak or a
/// fragmented heap can cost, and is rare enough not to show.
const MAX_SERVED: u32 = 10_000;

/// Linear memory past which an instance is not kept: one 16 MiB body must not
/// pin its memory for good.
const MAX_KEPT_MEMORY: usize = 8 << 20;

/// How long an instance waits for its tenant's next request.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// When is an instance used again?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// By later requests of the same tenant.
    #[default]
    Tenant,
    /// Never: a fresh one for each call.
    Request,
}

/// One live instance.
pub(super) struct Instance {
    pub(super) store: Store<GuestState>,
    pub(super) exports: Plugin,
    served: u32,
}

/// A component that instances are made of.
pub(super) struct Loaded {
    /// Names it among those of one engine; never used again.
    id: u64,
    pre: PluginPre<GuestState>,
}

impl Loaded {
    pub(super) fn new(pre: PluginPre<GuestState>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            pre,
        }
    }
}

struct Idle {
    tenant: TenantId,
    component: u64,
    since: Instant,
    instance: Instance,
    _idle: Raised,
}

/// All instances of one engine.
pub(super) struct Instances {
    engine: Engine,
    most: usize,
    isolation: Isolation,
    pool: Pool,
    /// Idle ones, the longest idle first. At most `most`, so a walk is short.
    idle: Mutex<VecDeque<Idle>>,
    /// One permit for each slot of the engine's pool that a call may use.
    slots: Arc<Semaphore>,
    tenants: Mutex<HashMap<TenantId, Share>>,
}

/// What a tenant may have of the slots.
struct Share {
    most: u32,
    turns: Arc<Semaphore>,
}

impl Share {
    fn of(most: u32) -> Self {
        Self {
            most,
            turns: Arc::new(Semaphore::new(most as usize)),
        }
    }
}

/// The right to use an instance; given back when dropped.
pub(super) struct Turn {
    _tenant: OwnedSemaphorePermit,
    _slot: OwnedSemaphorePermit,
}

impl Instances {
    pub(super) fn new(engine: Engine, most: u32, isolation: Isolation, pool: Pool) -> Self {
        let most = most as usize;
        Self {
            slots: Arc::new(Semaphore::new(most)),
            engine,
            most,
            isolation,
            pool,
            idle: Mutex::default(),
            tenants: Mutex::default(),
        }
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Waits for the tenant's turn. A tenant that already keeps a full queue waiting
    /// is told to come back, so that one tenant's burst stays its own.
    pub(super) async fn turn(
        &self,
        tenant: TenantId,
        limits: &Limits,
    ) -> Result<Turn, PluginError> {
        let semaphore = self.tenant(tenant, limits)?;
        let closed = |_| PluginError::Busy;
        let _waiting = Raised::new(&self.pool.waiting);
        Ok(Turn {
            _tenant: semaphore.acquire_owned().await.map_err(closed)?,
            _slot: Arc::clone(&self.slots)
                .acquire_owned()
                .await
                .map_err(closed)?,
        })
    }

    fn tenant(&self, tenant: TenantId, limits: &Limits) -> Result<Arc<Semaphore>, PluginError> {
        let most = limits.instances_per_tenant;
        let mut tenants = lock(&self.tenants);
        let share = tenants.entry(tenant).or_insert_with(|| Share::of(most));
        if share.most != most {
            // Who has a turn by the old share finishes it.
            *share = Share::of(most);
        }
        // Each waiter and each running call holds a clone.
        let most = limits.queue_per_tenant.saturating_add(most) as usize;
        if Arc::strong_count(&share.turns) > most {
            return Err(PluginError::Busy);
        }
        Ok(Arc::clone(&share.turns))
    }

    /// A warm instance of the tenant, or a new one.
    pub(super) async fn take(
        &self,
        component: &Loaded,
        tenant: TenantId,
        limits: &Limits,
    ) -> Result<Instance, PluginError> {
        if let Some(instance) = self.take_idle(component, tenant)
            // Memory never shrinks, and the tenant may have been given less since.
            && instance.store.data().memory.used <= limits.memory
        {
            return Ok(instance);
        }
        // Idle instances hold slots of the pool too: the longest idle makes room.
        let evicted = {
            let mut idle = lock(&self.idle);
            let running = self.most - self.slots.available_permits();
            if idle.len() + running > self.most {
                idle.pop_front()
            } else {
                None
            }
        };
        if evicted.is_some() {
            self.pool.ended(InstanceEnd::Evicted);
        }
        drop(evicted);
        self.make(component, limits).await
    }

    fn take_idle(&self, component: &Loaded, tenant: TenantId) -> Option<Instance> {
        let mut idle = lock(&self.idle);
        // The most recently used one has the warmest memory.
        let at = idle
            .iter()
            .rposition(|idle| idle.tenant == tenant && idle.component == component.id)?;
        idle.remove(at).map(|idle| idle.instance)
    }

    async fn make(&self, component: &Loaded, limits: &Limits) -> Result<Instance, PluginError> {
        let mut store = Store::new(self.engine.wasmtime(), GuestState::new(limits));
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_callback(|mut store| store.data_mut().tick());
        store.set_epoch_deadline(1);
        let exports = component
            .pre
            .instantiate_async(&mut store)
            .await
            .map_err(|error| {
                let exceeded = store.data().exceeded();
                exceeded.unwrap_or_else(|| PluginError::Load(format!("{error:#}")))
            })?;
        self.pool.made.inc();
        Ok(Instance {
            store,
            exports,
            served: 0,
        })
    }

    /// Gives back an instance whose call ended well. After a trap or a time-out it
    /// must be dropped instead.
    pub(super) fn give_back(&self, component: &Loaded, tenant: TenantId, mut instance: Instance) {
        instance.served += 1;
        let spent = instance.served >= MAX_SERVED
            || instance.store.data().memory.used > MAX_KEPT_MEMORY
            || self.isolation == Isolation::Request;
        if spent {
            self.pool.ended(InstanceEnd::Retired);
            return;
        }
        lock(&self.idle).push_back(Idle {
            tenant,
            component: component.id,
            since: Instant::now(),
            instance,
            _idle: Raised::new(&self.pool.idle),
        });
    }

    /// Drops what has been idle too long.
    pub(super) fn sweep(&self) {
        let mut expired = Vec::new();
        {
            let mut idle = lock(&self.idle);
            while idle
                .front()
                .is_some_and(|idle| idle.since.elapsed() > MAX_IDLE)
            {
                expired.extend(idle.pop_front());
                self.pool.ended(InstanceEnd::Idle);
            }
        }
        // Dropped outside the lock: unmapping takes a while.
        drop(expired);
        lock(&self.tenants).retain(|_, share| Arc::strong_count(&share.turns) > 1);
    }

    /// Drops what is idle of a component that is used no more.
    pub(super) fn forget(&self, component: &Loaded) {
        let gone: VecDeque<Idle> = {
            let mut idle = lock(&self.idle);
            let all = std::mem::take(&mut *idle);
            let (gone, kept) = all
                .into_iter()
                .partition(|idle| idle.component == component.id);
            *idle = kept;
            gone
        };
        drop(gone);
    }
}

/// The guarded values are whole between statements, so a panic elsewhere leaves
/// them usable.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
