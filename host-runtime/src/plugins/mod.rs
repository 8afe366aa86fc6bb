//! Many components in one runtime: each call goes to the one its tenant is pinned to.
//!
//! [`Plugins`] is a [`Plugin`] over others. What no tenant is pinned to goes to the
//! installation's own; a pinned component is taken from the [`Shelf`] when it is first
//! asked for, by one of those who want it while the others wait. If it cannot be taken
//! the call fails: no other component ever stands in for it, for the operator chose this
//! one for its reasons. A tenant that is pinned anew gets the new one with its next
//! call; calls in flight end where they began, and what nobody asks for is dropped.
//!
//! Must not know tenants, settings or SCIM.

mod choice;
mod keys;
mod shelf;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::OwnedMutexGuard;

pub use choice::ChoiceError;
pub use keys::{InvalidKey, PluginKey, PluginKeys, SignatureState};
pub use shelf::{Found, Pin, Shelf, ShelfError, parse_pin};

use crate::hex::hex;
use crate::plugin::{
    Call, Effect, EndUser, Label, LabelPage, Labelled, MappingError, MappingEvent, Missing,
    ObjectChange, Plugin, PluginError, PluginRequest, PluginResponse, Progress, ReindexProgress,
    Rendered, Report,
};
use crate::wasm::{Sandbox, WasmPlugin};

/// How long it is believed that a component cannot be loaded: long enough that a tenant
/// under load does not compile without end, short enough for whoever repairs it.
const REFUSED: Duration = Duration::from_secs(5);

/// How long a component is kept that nobody asks for. Its compiled code is some
/// megabytes, and taking it from the cache again some ten milliseconds.
const UNUSED: Duration = Duration::from_secs(600);

/// The components of one runtime.
pub struct Plugins {
    own: Arc<dyn Plugin>,
    stock: Arc<Stock>,
    places: Mutex<HashMap<Pin, Arc<Place>>>,
}

/// Where components are taken from.
struct Stock {
    sandbox: Sandbox,
    shelf: Shelf,
    /// Compiling takes all cores: one at a time, or requests would wait for several.
    compiling: tokio::sync::Mutex<()>,
}

/// One pinned component, once somebody has asked for it.
struct Place {
    asked: Mutex<Instant>,
    state: Arc<tokio::sync::Mutex<Option<Tried>>>,
}

/// How it went when it was last tried to load a component.
struct Tried {
    at: Instant,
    /// Of the keys that were in force.
    generation: u64,
    loaded: Result<Arc<WasmPlugin>, String>,
}

impl Plugins {
    /// The installation's own plugin, and pinned ones from a folder.
    pub fn new(own: Arc<dyn Plugin>, sandbox: Sandbox, shelf: Shelf) -> Self {
        Self {
            own,
            stock: Arc::new(Stock {
                sandbox,
                shelf,
                compiling: tokio::sync::Mutex::default(),
            }),
            places: Mutex::default(),
        }
    }

    /// The plugin a call goes to.
    async fn of(&self, call: &Call) -> Result<Arc<dyn Plugin>, PluginError> {
        let Some(pin) = call.plugin else {
            return Ok(self.own.clone());
        };
        let most = call.limits.call_time_ms;
        // Loading counts as part of the call: a client waits no longer for it.
        tokio::time::timeout(Duration::from_millis(most), self.pinned(pin))
            .await
            .unwrap_or(Err(PluginError::Timeout(most)))
            .map(|plugin| plugin as Arc<dyn Plugin>)
    }

    async fn pinned(&self, pin: Pin) -> Result<Arc<WasmPlugin>, PluginError> {
        let state = self.place(pin).state.clone().lock_owned().await;
        let generation = self.stock.shelf.keys().generation();
        if let Some(tried) = &*state
            && tried.generation == generation
        {
            match &tried.loaded {
                Ok(plugin) => return Ok(plugin.clone()),
                Err(why) if tried.at.elapsed() < REFUSED => {
                    return Err(PluginError::Load(why.clone()));
                }
                Err(_) => {}
            }
        }
        // In a task of its own: a client that gives up does not undo the work that the
        // next one waits for.
        let stock = self.stock.clone();
        tokio::spawn(stock.fill(pin, state, generation))
            .await
            .unwrap_or_else(|_| Err(PluginError::Load("loading it was cut off".to_owned())))
    }

    fn place(&self, pin: Pin) -> Arc<Place> {
        let mut places = lock(&self.places);
        let place = places.entry(pin).or_insert_with(|| {
            Arc::new(Place {
                asked: Mutex::new(Instant::now()),
                state: Arc::default(),
            })
        });
        *lock(&place.asked) = Instant::now();
        place.clone()
    }
}

impl Stock {
    async fn fill(
        self: Arc<Self>,
        pin: Pin,
        mut state: OwnedMutexGuard<Option<Tried>>,
        generation: u64,
    ) -> Result<Arc<WasmPlugin>, PluginError> {
        let _turn = self.compiling.lock().await;
        let stock = self.clone();
        let loaded = tokio::task::spawn_blocking(move || stock.load(&pin)).await;
        let loaded = loaded.unwrap_or_else(|_| Err("loading it failed".to_owned()));
        match &loaded {
            Ok(_) => tracing::info!(plugin = hex(&pin), "loaded a pinned component"),
            Err(why) => {
                tracing::error!(
                    plugin = hex(&pin),
                    why,
                    "tenants pinned to this component get no answer"
                );
            }
        }
        let tried = state.insert(Tried {
            at: Instant::now(),
            generation,
            loaded,
        });
        tried.loaded.clone().map_err(PluginError::Load)
    }

    fn load(&self, pin: &Pin) -> Result<Arc<WasmPlugin>, String> {
        let component = self.shelf.take(pin).map_err(|error| error.to_string())?;
        match self.sandbox.load(&component) {
            Ok(plugin) => Ok(Arc::new(plugin)),
            Err(PluginError::Load(why)) => Err(why),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Only whole values are put into what is guarded, so a panic elsewhere leaves it
/// usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Plugin for Plugins {
    async fn handle(
        &self,
        call: Call,
        request: PluginRequest,
    ) -> (Result<PluginResponse, PluginError>, Report) {
        match self.of(&call).await {
            Ok(plugin) => plugin.handle(call, request).await,
            Err(error) => (Err(error), Report::default()),
        }
    }

    async fn apply(
        &self,
        call: Call,
        event: MappingEvent,
        after: Option<String>,
        limit: u32,
    ) -> Result<Progress, MappingError> {
        self.of(&call).await?.apply(call, event, after, limit).await
    }

    async fn end_user(&self, call: Call, host: String) -> Result<EndUser, MappingError> {
        self.of(&call).await?.end_user(call, host).await
    }

    async fn explain(&self, call: Call, host: String) -> Result<Vec<String>, MappingError> {
        self.of(&call).await?.explain(call, host).await
    }

    async fn reconcile(
        &self,
        call: Call,
        after: Option<String>,
        limit: u32,
    ) -> Result<Progress, MappingError> {
        self.of(&call).await?.reconcile(call, after, limit).await
    }

    async fn render(
        &self,
        call: Call,
        host: String,
        text: String,
        missing: Option<Missing>,
    ) -> Result<Rendered, MappingError> {
        self.of(&call)
            .await?
            .render(call, host, text, missing)
            .await
    }

    async fn affected(
        &self,
        call: Call,
        changes: Vec<ObjectChange>,
    ) -> Result<Vec<Effect>, PluginError> {
        self.of(&call).await?.affected(call, changes).await
    }

    async fn labels(
        &self,
        call: Call,
        after: Option<String>,
        limit: u32,
    ) -> Result<LabelPage, MappingError> {
        self.of(&call).await?.labels(call, after, limit).await
    }

    async fn labelled(
        &self,
        call: Call,
        label: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Labelled, MappingError> {
        self.of(&call)
            .await?
            .labelled(call, label, after, limit)
            .await
    }

    async fn labels_of(&self, call: Call, host: String) -> Result<Vec<Label>, MappingError> {
        self.of(&call).await?.labels_of(call, host).await
    }

    async fn reindex(
        &self,
        call: Call,
        cursor: Option<Vec<u8>>,
        limit: u32,
    ) -> Result<ReindexProgress, MappingError> {
        self.of(&call).await?.reindex(call, cursor, limit).await
    }

    async fn check_settings(
        &self,
        call: Call,
        json: Vec<u8>,
    ) -> Result<Option<String>, PluginError> {
        self.of(&call).await?.check_settings(call, json).await
    }

    fn look_again(&self) {
        for place in lock(&self.places).values() {
            // What is being loaded just now is looked at as it is.
            if let Ok(mut state) = place.state.try_lock() {
                state.take_if(|tried| tried.loaded.is_err());
            }
        }
    }

    fn tidy(&self) {
        self.own.tidy();
        self.stock.sandbox.tidy();
        // Dropped outside the lock: unmapping code takes a while. Who still works in one
        // of them holds it too.
        let unused: Vec<_> = {
            let mut places = lock(&self.places);
            let unused = |place: &Arc<Place>| lock(&place.asked).elapsed() > UNUSED;
            places.extract_if(|_, place| unused(place)).collect()
        };
        for (pin, _) in &unused {
            tracing::debug!(plugin = hex(pin), "dropped a component that nobody uses");
        }
    }
}
