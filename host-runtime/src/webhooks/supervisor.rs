//! One worker for each webhook there is, whoever made it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use nameplate_store::{StoreError, TenantId, Webhook};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

use super::post::Postman;
use super::worker::Worker;
use crate::Runtime;

/// How often webhooks are listed: the command line and other servers change them too.
const PERIOD: Duration = Duration::from_secs(1);

/// A worker and what its webhook looked like.
struct Employed {
    row: Webhook,
    hint: Arc<Notify>,
    task: AbortHandle,
}

/// Runs deliveries of all tenants; they end when this is dropped.
pub async fn run(runtime: Runtime) {
    let limits = &runtime.limits().webhooks;
    let timeout = Duration::from_millis(limits.timeout_ms);
    let postman = match Postman::new(limits.reach, timeout) {
        Ok(postman) => postman,
        Err(error) => {
            tracing::error!(%error, "webhooks are not delivered: tls cannot be set up");
            return;
        }
    };
    let mut tasks = JoinSet::new();
    let mut employed = HashMap::new();
    let mut draining = runtime.draining();
    while !*draining.borrow() {
        if let Err(error) = look(&runtime, &postman, &mut employed, &mut tasks).await {
            tracing::warn!(%error, "cannot list the webhooks");
        }
        // Ended ones are let go; who panicked is employed anew at the next look.
        while tasks.try_join_next().is_some() {}
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = runtime.webhooks_touched().notified() => {}
            _ = draining.changed() => {}
        }
    }
    // Each ends by itself once it has written down how far it has come.
    while tasks.join_next().await.is_some() {}
}

async fn look(
    runtime: &Runtime,
    postman: &Postman,
    employed: &mut HashMap<(TenantId, String), Employed>,
    tasks: &mut JoinSet<()>,
) -> Result<(), StoreError> {
    let rows = runtime.stores().webhooks.webhooks(None).await?;
    let failing = rows.iter().filter(|row| row.failures > 0).count();
    let failing = i64::try_from(failing).unwrap_or(i64::MAX);
    runtime.metrics().webhooks.failing.set(failing);
    let mut before = std::mem::take(employed);
    for row in rows {
        let key = (row.tenant, row.id.clone());
        let worker = match before.remove(&key) {
            Some(worker) if !worker.task.is_finished() => {
                if worker.row != row {
                    worker.hint.notify_one();
                }
                Employed { row, ..worker }
            }
            _ => {
                let hint = Arc::new(Notify::new());
                let (tenant, id) = key.clone();
                let worker =
                    Worker::new(runtime.clone(), postman.clone(), tenant, id, hint.clone());
                Employed {
                    row,
                    hint,
                    task: tasks.spawn(worker.run()),
                }
            }
        };
        employed.insert(key, worker);
    }
    // Those that are left are removed; they see it themselves.
    before.values().for_each(|worker| worker.hint.notify_one());
    Ok(())
}
