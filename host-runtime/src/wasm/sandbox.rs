//! [`Sandbox`]: an engine and what loads components into it.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, HasSelf, Linker};

use super::bindings::{Plugin as Exports, PluginPre};
use super::cache::{self, CodeCache};
use super::engine::{Engine, EngineOptions};
use super::inspect::{self, Form, Inspection};
use super::instances::{Instances, Isolation, Loaded};
use super::plugin::WasmPlugin;
use super::state::GuestState;
use crate::limits::Limits;
use crate::metrics::{Pool, Success};
use crate::plugin::PluginError;

/// How components are loaded.
#[derive(Clone, Debug, Default)]
pub struct WasmOptions {
    /// Of these `instances`, and the most `memory` that any tenant may be given.
    pub limits: Limits,
    /// When instances are used again.
    pub isolation: Isolation,
    /// Where compiled code is kept between starts; none: compiled each time.
    pub cache: Option<CodeCache>,
    /// Where instances and loads are counted.
    pub pool: Pool,
}

/// Where components run: one engine, whose slots all components share.
#[derive(Clone)]
pub struct Sandbox {
    engine: Engine,
    instances: Arc<Instances>,
    cache: Option<CodeCache>,
}

impl Sandbox {
    /// A sandbox with an engine of its own.
    ///
    /// # Errors
    /// If the machine cannot reserve the address space.
    pub fn new(options: WasmOptions) -> Result<Self, PluginError> {
        let engine = Engine::new(&EngineOptions::from(&options.limits))?;
        Ok(Self::within(engine, options))
    }

    /// The same in an engine that exists: tests share one.
    pub fn within(engine: Engine, options: WasmOptions) -> Self {
        let WasmOptions {
            limits,
            isolation,
            cache,
            pool,
        } = options;
        let instances = Instances::new(engine.clone(), limits.instances, isolation, pool);
        Self {
            engine,
            instances: Arc::new(instances),
            cache,
        }
    }

    /// Loads a component: compiles it (or takes the compiled code from the cache) and
    /// links it to what the runtime offers, and to nothing else. Takes a second of all
    /// cores if it has to be compiled: call it where blocking is allowed.
    ///
    /// # Errors
    /// If it is no component, speaks another version, imports what is not offered, or
    /// lacks an export: with what to do.
    pub fn load(&self, component: &[u8]) -> Result<WasmPlugin, PluginError> {
        let loaded = self.linked(component);
        let outcome = loaded.as_ref().map_or(Success::Error, |_| Success::Ok);
        self.instances.pool().loaded(outcome);
        loaded
    }

    fn linked(&self, component: &[u8]) -> Result<WasmPlugin, PluginError> {
        let sha256 = Sha256::digest(component).into();
        let compiled = self.compile(component, &sha256)?;
        let pre = self.link(&compiled).map_err(PluginError::Load)?;
        let loaded = Loaded::new(pre);
        Ok(WasmPlugin::new(self.instances.clone(), loaded, sha256))
    }

    /// What a component says of itself, and whether [`Self::load`] would take it.
    pub fn inspect(&self, component: &[u8]) -> Inspection {
        match self.compile(component, &Sha256::digest(component).into()) {
            Ok(compiled) => {
                let refused = self.link(&compiled).err();
                Inspection::of(&self.engine, &compiled, refused)
            }
            Err(error) => Inspection::of_none(Form::of(component), error.to_string()),
        }
    }

    /// Gives up what has been idle for long.
    pub fn tidy(&self) {
        self.instances.sweep();
    }

    fn compile(&self, component: &[u8], sha256: &[u8; 32]) -> Result<Component, PluginError> {
        // Text would be taken for a component too, if wasmtime were built to.
        if let Some(why) = Form::of(component).misfit() {
            return Err(PluginError::Load(why.to_owned()));
        }
        cache::compile(&self.engine, component, sha256, self.cache.as_ref())
    }

    /// Everything a component may import is offered; see `wit/world.wit`.
    fn link(&self, compiled: &Component) -> Result<PluginPre<GuestState>, String> {
        if let Some(why) = inspect::misfit(&self.engine, compiled) {
            return Err(why);
        }
        let told = |error: wasmtime::Error| format!("{error:#}");
        let mut linker = Linker::new(self.engine.wasmtime());
        Exports::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(told)?;
        let pre = linker.instantiate_pre(compiled).map_err(told)?;
        PluginPre::new(pre).map_err(told)
    }
}
