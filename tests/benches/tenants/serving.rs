//! A server in a process of its own, on a folder with a database and components.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use nameplate_runtime::clock::Sources;
use nameplate_runtime::http::{Front, Settings};
use nameplate_runtime::limits::Limits;
use nameplate_runtime::plugins::{Pin, PluginKeys, Shelf};
use nameplate_runtime::server::{Server as HttpServer, ServerOptions};
use nameplate_runtime::setup;
use nameplate_runtime::store::{ControlStore, TenantChange};
use nameplate_runtime::wasm::CodeCache;
use nameplate_runtime::{Runtime, Stores};
use nameplate_store_sql::{SqliteOptions, SqliteStore};
use nameplate_tests::process::Server;

/// The first argument of a process that serves.
pub const MODE: &str = "serve-tenants";

/// Computing time of a call here: a hostile one is over soon, and so more come.
const GUEST_TIME_MS: u64 = 1000;

fn database(folder: &Path) -> PathBuf {
    folder.join("nameplate.db")
}

fn shelf(folder: &Path) -> Shelf {
    Shelf::new(folder.join("plugins"), PluginKeys::default())
}

/// Tenants of these names with a connection each; their SCIM tokens.
pub fn seed(folder: &Path, names: &[String]) -> Result<Vec<String>> {
    let store = SqliteStore::open(&database(folder), SqliteOptions::default())?;
    let sources = Sources::default();
    let made = tokio::runtime::Runtime::new()?.block_on(async {
        let mut tokens = Vec::new();
        for name in names {
            let made = setup::init(&store, &sources, name, "okta").await?;
            tokens.push(made.context("a new tenant")?.scim_token);
        }
        anyhow::Ok(tokens)
    });
    store.close();
    made
}

/// Brings a component and pins a tenant to it.
pub fn pin(folder: &Path, tenant: &str, component: &[u8]) -> Result<Pin> {
    let file = folder.join("brought.wasm");
    std::fs::write(&file, component)?;
    let found = shelf(folder).look_at(&file)?;
    shelf(folder).put(&found)?;
    let store = SqliteStore::open(&database(folder), SqliteOptions::default())?;
    let change = TenantChange {
        plugin: Some(Some(found.pin)),
        ..TenantChange::default()
    };
    tokio::runtime::Runtime::new()?.block_on(async {
        let tenant = setup::find_tenant(&store, tenant)
            .await?
            .context("seeded")?;
        store.change_tenant(tenant.id, change).await?;
        anyhow::Ok(())
    })?;
    store.close();
    Ok(found.pin)
}

/// Starts this program again as a server on a folder.
pub fn start(folder: &Path) -> Result<Server> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(MODE).arg(folder);
    Ok(Server::start(command)?)
}

/// What such a process does.
pub fn serve(folder: &Path) -> Result<()> {
    let cache = Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/plugin-cache"));
    let limits = Limits {
        guest_time_ms: GUEST_TIME_MS,
        ..Limits::default()
    };
    tokio::runtime::Runtime::new()?.block_on(async {
        let store = SqliteStore::open(&database(folder), SqliteOptions::default())?;
        let runtime = Runtime::builder(Stores::one(store))
            .limits(limits)
            .plugin_cache(Some(CodeCache {
                folder: cache.to_owned(),
                key: cache.with_extension("key"),
            }))
            .plugin_folder(folder.join("plugins"))
            .build()?;
        let server = HttpServer::bind(&ServerOptions {
            address: "127.0.0.1:0".to_owned(),
            ..ServerOptions::default()
        })
        .await?;
        println!("{}", server.url());
        let _background = runtime.start_background();
        // Ended from outside.
        server
            .run(
                Front::new(runtime, Settings::default()),
                std::future::pending(),
            )
            .await;
        Ok(())
    })
}
