//! The server of a soak: the real runtime, component and HTTP over a store that fails.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nameplate_runtime::clock::Sources;
use nameplate_runtime::http::{Front, Settings};
use nameplate_runtime::limits::Limits;
use nameplate_runtime::plugin::{MappingError, Plugin};
use nameplate_runtime::server::{Running, Server, ServerOptions};
use nameplate_runtime::{Background, Runtime, Stores};
use nameplate_store_sql::SqliteStore;

use super::PATIENCE;
use crate::faulty::FaultyStore;

/// Hosts looked at in one call.
const PAGE: u32 = 100;

/// A server that runs.
pub struct Serving {
    /// Its store, to be switched.
    pub store: FaultyStore,
    /// Where it listens.
    pub address: SocketAddr,
    runtime: Runtime,
    running: Running,
    background: Background,
}

impl Serving {
    /// Starts it, without faults yet.
    pub async fn start(store: SqliteStore, plugin: Arc<dyn Plugin>, seed: u64) -> Self {
        let store = FaultyStore::new(store, seed);
        let mut limits = Limits::default();
        limits.webhooks.reach.private = true;
        // These clients are faster than any that mean it.
        limits.rate = None;
        let stores = Stores::one(store.clone());
        let runtime = Runtime::new(plugin, stores, limits, Sources::default());
        let options = ServerOptions {
            address: "127.0.0.1:0".to_owned(),
            ..ServerOptions::default()
        };
        let server = Server::bind(&options).await.expect("a socket");
        let address = server.local_addr();
        let background = runtime.start_background();
        let running = server.spawn(Front::new(runtime.clone(), Settings::default()));
        Self {
            store,
            address,
            runtime,
            running,
            background,
        }
    }

    /// Waits until the runner has worked everything in, then looks at every host of every
    /// tenant again; how many were not as they should be.
    ///
    /// # Errors
    /// If something fails, which nothing should by then.
    pub async fn reconcile(&self) -> Result<u32, MappingError> {
        let began = Instant::now();
        let users = &self.runtime.stores().users;
        while !users.unsettled(None, 1).await?.is_empty() {
            assert!(began.elapsed() < PATIENCE, "the runner does not catch up");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mut changed = 0;
        for tenant in self.runtime.stores().control.tenants().await? {
            let mut after = None;
            loop {
                let step = self.runtime.reconcile(tenant.id, after, PAGE).await?;
                changed += step.changed;
                match step.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(changed)
    }

    /// Ends it.
    pub async fn stop(self) {
        drop(self.background);
        self.running.shutdown().await;
    }
}
