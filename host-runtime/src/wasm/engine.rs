//! One wasmtime engine, configured once, and the thread that makes time pass in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits::Limits;
use crate::plugin::PluginError;

/// How often a computing guest gives its thread back. At 2 ms a guest that never
/// ends costs its neighbours on the same thread no more than that at a time.
pub(super) const TICK: Duration = Duration::from_millis(2);

/// Memory of a slot that stays mapped between uses, in bytes: rewriting is cheaper
/// than giving pages back and faulting them in again. Measured best between 256 KiB
/// and 8 MiB where the kernel can tell which pages were touched.
const KEEP_RESIDENT: usize = 512 << 10;

/// The guest's native stack. The deepest guest recursion is a filter of depth 32.
const ASYNC_STACK: usize = 1 << 20;

/// Choices that cost memory.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Instances alive at one time.
    pub instances: u32,
    /// The most linear memory any tenant may be given, in bytes.
    pub memory: usize,
}

impl From<&Limits> for EngineOptions {
    fn from(limits: &Limits) -> Self {
        Self {
            instances: limits.instances,
            memory: limits.memory,
        }
    }
}

/// A wasmtime engine whose clock ticks until this is dropped.
#[derive(Clone)]
pub struct Engine {
    wasmtime: wasmtime::Engine,
    _ticker: Arc<Ticker>,
}

impl Engine {
    /// An engine with pools for `options.instances` instances.
    ///
    /// # Errors
    /// If the machine cannot reserve the address space.
    pub fn new(options: &EngineOptions) -> Result<Self, PluginError> {
        let wasmtime = wasmtime::Engine::new(&config(options)).map_err(|error| {
            PluginError::Load(format!("cannot set up the WebAssembly engine: {error:#}"))
        })?;
        let ticker = Arc::new(Ticker::start(wasmtime.weak())?);
        Ok(Self {
            wasmtime,
            _ticker: ticker,
        })
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }
}

fn config(options: &EngineOptions) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(options.instances)
        .total_core_instances(options.instances.saturating_mul(CORE_INSTANCES))
        .total_memories(options.instances)
        .total_tables(options.instances.saturating_mul(TABLES))
        .total_stacks(options.instances)
        .max_memories_per_component(1)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_tables_per_component(TABLES)
        .max_memory_size(options.memory)
        .table_elements(20_000)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10)
        .max_unused_warm_slots(options.instances)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .async_stack_size(ASYNC_STACK)
        .max_wasm_stack(ASYNC_STACK / 2)
        .memory_init_cow(true)
        .parallel_compilation(true)
        // A trap's place is told by the guest's own panic hook; wasm frames would
        // only add to the log.
        .wasm_backtrace_max_frames(None)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Core instances in one component: the module and the adapters the encoder adds.
const CORE_INSTANCES: u32 = 8;

/// Tables in one component: the module's own and the encoder's shim.
const TABLES: u32 = 4;

/// A thread that moves the engine's epoch on.
struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: wasmtime::EngineWeak) -> Result<Self, PluginError> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("nameplate-epoch".into())
            .spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    std::thread::sleep(TICK);
                    let Some(engine) = engine.upgrade() else {
                        return;
                    };
                    engine.increment_epoch();
                }
            })
            .map_err(|error| PluginError::Load(format!("cannot start a thread: {error}")))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends within one tick; a panic in it has nothing to tell us.
            drop(thread.join());
        }
    }
}
