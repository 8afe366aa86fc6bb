//! A server under measurement, in a process of its own. Both kinds are the same
//! runtime, store and HTTP server; only the plugin differs.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Error, Result, bail};
use nameplate_runtime::clock::Sources;
use nameplate_runtime::http::{Front, Settings};
use nameplate_runtime::limits::Limits;
use nameplate_runtime::plugin::Plugin;
use nameplate_runtime::server::{Server as HttpServer, ServerOptions};
use nameplate_runtime::wasm::{CodeCache, EMBEDDED, Isolation, Sandbox, WasmOptions};
use nameplate_runtime::{Runtime, Stores};
use nameplate_store_sql::{SqliteOptions, SqliteStore};
use nameplate_tests::native::NativePlugin;
use nameplate_tests::process::Server;

/// The first argument of a process that serves.
pub const MODE: &str = "serve-under-measurement";

/// Which plugin answers.
#[derive(Clone, Copy)]
pub enum Which {
    /// The component in wasmtime, as `nameplate serve` runs it.
    Sandbox,
    /// The same code without it.
    Native,
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sandbox => "sandbox",
            Self::Native => "native",
        })
    }
}

impl FromStr for Which {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "sandbox" => Self::Sandbox,
            "native" => Self::Native,
            other => bail!("`{other}` is neither `sandbox` nor `native`"),
        })
    }
}

impl Which {
    /// The plugin; compiled code of the component is kept in `cache`.
    pub fn plugin(self, cache: &Path) -> Result<Arc<dyn Plugin>> {
        Ok(match self {
            Self::Native => Arc::new(NativePlugin::new()),
            Self::Sandbox => {
                let sandbox = Sandbox::new(WasmOptions {
                    limits: Limits::default(),
                    isolation: Isolation::Tenant,
                    cache: Some(CodeCache {
                        folder: cache.to_owned(),
                        key: cache.with_extension("key"),
                    }),
                    ..WasmOptions::default()
                })?;
                Arc::new(sandbox.load(EMBEDDED)?)
            }
        })
    }
}

/// Where compiled code is kept.
pub fn cache() -> &'static Path {
    Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/plugin-cache"))
}

/// Starts this program again as a server on a database.
pub fn start(which: Which, database: &Path) -> Result<Server> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args([MODE, &which.to_string()])
        .args([database, cache()]);
    Ok(Server::start(command)?)
}

/// What such a process does.
pub fn serve(which: Which, database: &Path, cache: &Path) -> Result<()> {
    let plugin = which.plugin(cache)?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let store = SqliteStore::open(database, SqliteOptions::default())?;
        // What is measured asks as fast as it is answered.
        let limits = Limits {
            rate: None,
            ..Limits::default()
        };
        let runtime = Runtime::new(plugin, Stores::one(store), limits, Sources::default());
        let server = HttpServer::bind(&ServerOptions {
            address: "127.0.0.1:0".to_owned(),
            ..ServerOptions::default()
        })
        .await?;
        println!("{}", server.url());
        let front = Front::new(runtime, Settings::default());
        // Ended from outside.
        server.run(front, std::future::pending()).await;
        Ok(())
    })
}
