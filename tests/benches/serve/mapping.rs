//! What looking at every host costs, per host: the first time, when each is found its
//! person and written, and again, when all is as it should be.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nameplate_runtime::clock::Sources;
use nameplate_runtime::limits::Limits;
use nameplate_runtime::{Runtime, Stores, setup};
use nameplate_store::TenantId;
use nameplate_store_sql::{SqliteOptions, SqliteStore};

use crate::measure::{Samples, cpu_of, in_turns, micros};
use crate::print_head;
use crate::print_line;
use crate::serving::{Which, cache};

/// Hosts of one call.
const AT_ONCE: u32 = 500;

/// The hosts of one database.
struct Fleet {
    runtime: Runtime,
    store: SqliteStore,
    tenant: TenantId,
    /// Where the next slice begins.
    after: Option<String>,
}

/// Prints the table.
pub fn run(large: &Path, small: &Path) -> Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut large = tokio.block_on(Fleet::open(large))?;
    let mut small = tokio.block_on(Fleet::open(small))?;
    for (name, fleet) in [("small", &mut small), ("large", &mut large)] {
        let (hosts, changed, per_host) = tokio.block_on(fleet.all())?;
        ensure!(hosts == changed, "{changed} of {hosts} hosts were linked");
        println!("  first reconcile, {name}: {per_host:.1} µs a host, {hosts} hosts linked");
    }
    for (name, fleet) in [("small", &mut small), ("large", &mut large)] {
        let (hosts, changed, per_host) = tokio.block_on(fleet.all())?;
        ensure!(changed == 0, "{changed} of {hosts} hosts changed again");
        println!("  full reconcile, {name}: {per_host:.1} µs a host, {hosts} hosts");
    }
    let again = in_turns(
        || tokio.block_on(large.slice()),
        || tokio.block_on(small.slice()),
    )?;
    print_head("large", "small");
    print_line("reconcile, a host", &again);
    large.store.close();
    small.store.close();
    Ok(())
}

impl Fleet {
    async fn open(path: &Path) -> Result<Self> {
        let store = SqliteStore::open(path, SqliteOptions::default())?;
        let tenant = setup::find_tenant(&store, "default").await?;
        let runtime = Runtime::new(
            Which::Sandbox.plugin(cache())?,
            Stores::one(store.clone()),
            Limits::default(),
            Sources::default(),
        );
        Ok(Self {
            runtime,
            store,
            tenant: tenant.context("it was seeded")?.id,
            after: None,
        })
    }

    /// Every host once: how many, how many changed, microseconds a host.
    async fn all(&mut self) -> Result<(u32, u32, f64)> {
        let (mut after, mut seen, mut changed) = (None, 0, 0);
        let began = Instant::now();
        loop {
            let progress = self.runtime.reconcile(self.tenant, after, AT_ONCE).await?;
            seen += progress.seen;
            changed += progress.changed;
            match progress.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        Ok((seen, changed, micros(began.elapsed()) / f64::from(seen)))
    }

    /// Some hosts, going round; per host.
    async fn slice(&mut self) -> Result<Samples> {
        let pid = std::process::id();
        let (before, began) = (cpu_of(pid)?, Instant::now());
        let mut after = self.after.take();
        let progress = loop {
            let ended = after.is_none();
            let progress = self.runtime.reconcile(self.tenant, after, AT_ONCE).await?;
            // A last page may be empty.
            if progress.seen > 0 {
                break progress;
            }
            ensure!(!ended, "there are no hosts");
            after = None;
        };
        self.after = progress.next;
        let hosts = f64::from(progress.seen);
        Ok(Samples {
            latencies: vec![micros(began.elapsed()) / hosts],
            cpu: micros(cpu_of(pid)?.saturating_sub(before)) / hosts,
        })
    }
}
