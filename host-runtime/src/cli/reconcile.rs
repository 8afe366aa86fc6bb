//! `nameplate reconcile`.

use std::time::Instant;

use anyhow::Result;
use clap::Args;
use nameplate_store::TenantId;

use super::progress::Progress;
use super::tenants::tenant_named;
use super::{Workplace, serve};
use crate::Runtime;

/// Hosts looked at in one call into the plugin.
const PAGE: u32 = 500;

/// Look at every host again
///
/// Keeps what is promised and finds everybody anew. It is never needed for a change to
/// count; it helps after a database was restored, or written to by other programs.
#[derive(Args)]
pub struct Reconcile {
    /// Whose hosts
    #[arg(long, default_value = "default", value_name = "NAME")]
    tenant: String,
}

impl Reconcile {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        let tenant = tenant_named(place, &self.tenant).await?;
        let runtime = serve::build(serve::runtime(place)?).await?;
        look_at_all(&runtime, tenant.id).await
    }
}

/// Looks at every host of a tenant, and prints how many changed.
pub(super) async fn look_at_all(runtime: &Runtime, tenant: TenantId) -> Result<()> {
    let store = &runtime.stores().hosts;
    let total = store.host_count(tenant).await?;
    let promised = !store.promises(tenant, None, 1).await?.is_empty();
    let started = Instant::now();
    let mut progress = Progress::of(total, "hosts");
    let (mut after, mut seen, mut changed) = (None, 0_u64, 0_u64);
    loop {
        if promised {
            let hosts = store.hosts(tenant, None, after.as_deref(), PAGE).await?;
            for host in hosts {
                runtime
                    .keep_promises(tenant, &host.record.id)
                    .await
                    .or_else(gone)?;
            }
        }
        let step = runtime.reconcile(tenant, after, PAGE).await?;
        seen += u64::from(step.seen);
        changed += u64::from(step.changed);
        progress.at(seen);
        match step.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    progress.done();
    let seconds = started.elapsed().as_secs_f64();
    let rate = seen as f64 / seconds.max(0.001);
    println!("{seen} hosts seen, {changed} changed, {seconds:.1} s, {rate:.0} hosts a second");
    Ok(())
}

/// A host that was deleted meanwhile needs nothing.
fn gone(error: crate::plugin::MappingError) -> Result<bool, crate::plugin::MappingError> {
    match error {
        crate::plugin::MappingError::NoHost => Ok(false),
        error => Err(error),
    }
}
