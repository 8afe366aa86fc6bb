//! Putting a [`Runtime`] together.

use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Sources;
use crate::limits::Limits;
use crate::plugin::{Plugin, PluginError};
use crate::wasm::{EMBEDDED, Isolation, WasmOptions, WasmPlugin};
use crate::{Runtime, Stores};

/// What a [`Runtime`] is made of. Only the stores have no default.
#[must_use]
pub struct RuntimeBuilder {
    stores: Stores,
    plugin: Option<Arc<dyn Plugin>>,
    limits: Limits,
    isolation: Isolation,
    cache: Option<PathBuf>,
    sources: Sources,
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
            sources: Sources::default(),
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

    /// Where compiled code is kept between starts; whoever can write there can run
    /// code as this process. Without it each start compiles, which takes a second.
    pub fn plugin_cache(mut self, folder: Option<PathBuf>) -> Self {
        self.cache = folder;
        self
    }

    /// Time and chance other than the operating system's.
    pub fn sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// A plugin other than the component this runtime was built with; isolation and
    /// cache then do not count.
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
        let plugin = match self.plugin {
            Some(plugin) => plugin,
            None => Arc::new(WasmPlugin::load(
                EMBEDDED,
                WasmOptions {
                    limits: self.limits.clone(),
                    isolation: self.isolation,
                    cache: self.cache,
                },
            )?),
        };
        Ok(Runtime::new(plugin, self.stores, self.limits, self.sources))
    }
}
