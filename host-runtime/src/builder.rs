//! Putting a [`Runtime`] together.

use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Sources;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::plugin::{Plugin, PluginError};
use crate::plugins::{PluginKeys, Plugins, Shelf};
use crate::wasm::{CodeCache, EMBEDDED, Isolation, Sandbox, WasmOptions};
use crate::{Runtime, Stores};

/// What a [`Runtime`] is made of. Only the stores have no default.
#[must_use]
pub struct RuntimeBuilder {
    stores: Stores,
    plugin: Option<Arc<dyn Plugin>>,
    limits: Limits,
    isolation: Isolation,
    cache: Option<CodeCache>,
    folder: PathBuf,
    keys: PluginKeys,
    sources: Sources,
    metrics: Arc<Metrics>,
}

impl Runtime {
    /// Starts putting a runtime together over these databases.
    pub fn builder(stores: Stores) -> RuntimeBuilder {
        RuntimeBuilder {
            stores,
            plugin: None,
            limits: Limits::default(),
            isolation: Isolation::default(),
            cache: None,
            folder: PathBuf::from("plugins"),
            keys: PluginKeys::default(),
            sources: Sources::default(),
            metrics: Arc::default(),
        }
    }
}

impl RuntimeBuilder {
    /// What each tenant may use.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// When instances of the component are used again.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// Where compiled code is kept between starts. Without it each start compiles, which
    /// takes a second.
    pub fn plugin_cache(mut self, cache: Option<CodeCache>) -> Self {
        self.cache = cache;
        self
    }

    /// The folder of the components that tenants may be pinned to, `plugins` unless told.
    pub fn plugin_folder(mut self, folder: PathBuf) -> Self {
        self.folder = folder;
        self
    }

    /// Who has to have signed a pinned component; nobody, unless told.
    pub fn plugin_keys(mut self, keys: PluginKeys) -> Self {
        self.keys = keys;
        self
    }

    /// Time and chance other than the operating system's.
    pub fn sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// Metrics to count into, where something else counts into them too.
    pub fn metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.metrics = metrics;
        self
    }

    /// A plugin other than the component this runtime was built with, for all tenants that
    /// are pinned to none.
    pub fn plugin(mut self, plugin: Arc<dyn Plugin>) -> Self {
        self.plugin = Some(plugin);
        self
    }

    /// The runtime. Takes a second of both cores if the component has to be compiled:
    /// call it where blocking is allowed.
    ///
    /// # Errors
    /// If the component does not load.
    pub fn build(self) -> Result<Runtime, PluginError> {
        let Self {
            stores,
            plugin,
            limits,
            isolation,
            cache,
            folder,
            keys,
            sources,
            metrics,
        } = self;
        let sandbox = Sandbox::new(WasmOptions {
            limits: limits.clone(),
            isolation,
            cache,
            pool: metrics.pool.clone(),
        })?;
        let own = match plugin {
            Some(plugin) => plugin,
            None => Arc::new(sandbox.load(EMBEDDED)?),
        };
        let plugins = Plugins::new(own, sandbox, Shelf::new(folder, keys));
        let plugins = Arc::new(plugins);
        Ok(Runtime::counting(plugins, stores, limits, sources, metrics))
    }
}
