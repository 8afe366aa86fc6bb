//! Instances of the component: made, kept warm for their tenant, retired.
//!
//! An instance serves one tenant for its whole life. What a request leaves in its
//! memory is therefore never seen by another tenant, and the next request of the
//! same tenant saves making a new one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nameplate_store::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::Store;

use super::bindings::{Plugin, PluginPre};
use super::engine::Engine;
use super::state::GuestState;
use crate::limits::Limits;
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

struct Idle {
    tenant: TenantId,
    since: Instant,
    instance: Instance,
}

/// All instances of one component.
pub(super) struct Instances {
    engine: Engine,
    pre: PluginPre<GuestState>,
    limits: Limits,
    isolation: Isolation,
    /// Idle ones, the longest idle first. At most `limits.instances`, so a walk is short.
    idle: Mutex<VecDeque<Idle>>,
    /// One permit for each slot of the engine's pool that a call may use.
    slots: Arc<Semaphore>,
    tenants: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// The right to use an instance; given back when dropped.
pub(super) struct Turn {
    _tenant: OwnedSemaphorePermit,
    _slot: OwnedSemaphorePermit,
}

impl Instances {
    pub(super) fn new(
        engine: Engine,
        pre: PluginPre<GuestState>,
        limits: Limits,
        isolation: Isolation,
    ) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(limits.instances as usize)),
            engine,
            pre,
            limits,
            isolation,
            idle: Mutex::default(),
            tenants: Mutex::default(),
        }
    }

    /// Waits for the tenant's turn. A tenant that already keeps a full queue waiting
    /// is told to come back, so that one tenant's burst stays its own.
    pub(super) async fn turn(&self, tenant: TenantId) -> Result<Turn, PluginError> {
        let semaphore = self.tenant(tenant)?;
        let closed = |_| PluginError::Busy;
        Ok(Turn {
            _tenant: semaphore.acquire_owned().await.map_err(closed)?,
            _slot: Arc::clone(&self.slots)
                .acquire_owned()
                .await
                .map_err(closed)?,
        })
    }

    fn tenant(&self, tenant: TenantId) -> Result<Arc<Semaphore>, PluginError> {
        let mut tenants = lock(&self.tenants);
        let semaphore = tenants
            .entry(tenant)
            .or_insert_with(|| Arc::new(Semaphore::new(self.limits.instances_per_tenant as usize)));
        // Each waiter and each running call holds a clone.
        let most = (self.limits.queue_per_tenant + self.limits.instances_per_tenant) as usize;
        if Arc::strong_count(semaphore) > most {
            return Err(PluginError::Busy);
        }
        Ok(Arc::clone(semaphore))
    }

    /// A warm instance of the tenant, or a new one.
    pub(super) async fn take(
        &self,
        tenant: TenantId,
        limits: &Limits,
    ) -> Result<Instance, PluginError> {
        if let Some(instance) = self.take_idle(tenant)
            // Memory never shrinks, and the tenant may have been given less since.
            && instance.store.data().memory.used <= limits.memory
        {
            return Ok(instance);
        }
        // Idle instances hold slots of the pool too: the longest idle makes room.
        let evicted = {
            let mut idle = lock(&self.idle);
            let running = self.limits.instances as usize - self.slots.available_permits();
            if idle.len() + running > self.limits.instances as usize {
                idle.pop_front()
            } else {
                None
            }
        };
        drop(evicted);
        self.make(limits).await
    }

    fn take_idle(&self, tenant: TenantId) -> Option<Instance> {
        let mut idle = lock(&self.idle);
        // The most recently used one has the warmest memory.
        let at = idle.iter().rposition(|idle| idle.tenant == tenant)?;
        idle.remove(at).map(|idle| idle.instance)
    }

    async fn make(&self, limits: &Limits) -> Result<Instance, PluginError> {
        let mut store = Store::new(self.engine.wasmtime(), GuestState::new(limits));
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_callback(|mut store| store.data_mut().tick());
        store.set_epoch_deadline(1);
        let exports = self
            .pre
            .instantiate_async(&mut store)
            .await
            .map_err(|error| {
                let exceeded = store.data().exceeded();
                exceeded.unwrap_or_else(|| PluginError::Load(format!("{error:#}")))
            })?;
        Ok(Instance {
            store,
            exports,
            served: 0,
        })
    }

    /// Gives back an instance whose call ended well. After a trap or a time-out it
    /// must be dropped instead.
    pub(super) fn give_back(&self, tenant: TenantId, mut instance: Instance) {
        instance.served += 1;
        let spent = instance.served >= MAX_SERVED
            || instance.store.data().memory.used > MAX_KEPT_MEMORY
            || self.isolation == Isolation::Request;
        if spent {
            return;
        }
        lock(&self.idle).push_back(Idle {
            tenant,
            since: Instant::now(),
            instance,
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
            }
        }
        // Dropped outside the lock: unmapping takes a while.
        drop(expired);
        lock(&self.tenants).retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
    }
}

/// The guarded values are whole between statements, so a panic elsewhere leaves
/// them usable.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
