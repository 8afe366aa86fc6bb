//! `nameplate audit`: who changed what; and the line that each changing command leaves.

use anyhow::{Context, Result};
use clap::Args;
use nameplate_store::{ControlStore, TenantId};
use serde_json::Value;

use super::tenants::tenant_named;
use super::{Workplace, table};
use crate::audit::{Actor, entry};
use crate::http::rfc3339;

/// Show who changed what.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  nameplate audit\n      of all tenants and of the \
                        installation\n  nameplate audit --tenant acme --limit 10"
)]
pub struct Audit {
    /// Only what was done in this tenant
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// How many lines
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

impl Audit {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        let tenant = match &self.tenant {
            Some(name) => Some(tenant_named(place, name).await?.id),
            None => None,
        };
        let tenants = place.store.tenants().await?;
        let mut entries = place.store.audit(tenant, None, self.limit).await?;
        // The newest last, next to the prompt.
        entries.reverse();
        let rows: Vec<Vec<String>> = entries
            .into_iter()
            .map(|entry| {
                let whose = tenants.iter().find(|known| Some(known.id) == entry.tenant);
                vec![
                    rfc3339(entry.at),
                    whose.map_or("-", |known| &known.name).to_owned(),
                    entry.actor,
                    entry.action,
                    entry.subject,
                    entry.detail,
                ]
            })
            .collect();
        table::print(
            &["TIME", "TENANT", "ACTOR", "ACTION", "SUBJECT", "DETAIL"],
            &rows,
        );
        Ok(())
    }
}

/// Writes down that a command changed something.
///
/// # Errors
/// If it cannot be written: whoever changes things by hand is to know.
pub(super) async fn audited(
    place: &Workplace,
    tenant: Option<TenantId>,
    action: &str,
    subject: &str,
    detail: &Value,
) -> Result<()> {
    let now = place.sources.clock.now();
    let line = entry(tenant, now, &Actor::cli(), action, subject, detail);
    let written = place.store.append_audit(line).await;
    written.context("it is done, but cannot be written to the audit log")
}

/// The same of a command of which there is no more to tell than what it was upon.
///
/// # Errors
/// If it cannot be written.
pub(super) async fn noted(
    place: &Workplace,
    tenant: TenantId,
    action: &str,
    subject: &str,
) -> Result<()> {
    audited(place, Some(tenant), action, subject, &serde_json::json!({})).await
}
