//! `nameplate tenant`: the customers of an installation and their settings.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use nameplate_store::{ControlStore, Tenant};
use serde_json::{Value, json};

use super::{Workplace, noted, reconcile, serve, settings, table};
use crate::OperatorChange;
use crate::http::rfc3339;
use crate::setup;

const EXAMPLES: &str = "\
Examples:
  nameplate tenant set acme --host-name acme.mdm.example.com
  nameplate tenant set acme --limits limits.json
  nameplate tenant set acme --suspend";

/// Add, change and list tenants.
#[derive(Subcommand)]
pub enum TenantCommand {
    /// Add a tenant
    Add {
        /// 1 to 63 lower-case letters, digits and hyphens
        name: String,
    },
    /// Change a tenant; what is not named stays as it is
    ///
    /// Settings and limits are files with a JSON object that replaces the former one,
    /// e.g. settings `{"sticky_manual": true}` and limits
    /// `{"users": 5000, "rate": {"per_second": 50, "burst": 500}}`. Both are checked; if
    /// one cannot be used, nothing is changed.
    Set(Set),
    /// Show the settings of a tenant, or what the operator says of it
    Show {
        /// Show host names, limits and whether it is suspended instead
        #[arg(long)]
        operator: bool,
        /// Which tenant
        #[arg(default_value = "default")]
        name: String,
    },
    /// List tenants
    List,
}

/// Change a tenant.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Set {
    /// File with the settings by which hosts are mapped; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// File with the limits; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    limits: Option<PathBuf>,
    /// A host name by which its requests come in, once for each; replaces the former ones
    #[arg(long, value_name = "NAME")]
    host_name: Vec<String>,
    /// Take all its host names away
    #[arg(long, conflicts_with = "host_name")]
    no_host_names: bool,
    /// Refuse its requests
    #[arg(long, conflicts_with = "resume")]
    suspend: bool,
    /// Answer its requests again
    #[arg(long)]
    resume: bool,
    /// Which tenant
    #[arg(default_value = "default")]
    name: String,
}

impl Set {
    async fn run(self, place: &Workplace) -> Result<()> {
        let tenant = tenant_named(place, &self.name).await?.id;
        let names = self.no_host_names || !self.host_name.is_empty();
        let change = OperatorChange {
            host_names: names.then_some(self.host_name),
            limits: self.limits.as_deref().map(settings::read).transpose()?,
            suspended: (self.suspend || self.resume).then_some(self.suspend),
        };
        let mapping = self.settings.as_deref().map(settings::read).transpose()?;
        if change == OperatorChange::default() && mapping.is_none() {
            bail!(
                "nothing to change; give `--settings`, `--limits`, `--host-name`, `--suspend` or \
                 `--resume`"
            );
        }
        let runtime = serve::build(serve::runtime(place)?).await?;
        runtime.set_tenant(tenant, change).await?;
        if let Some(mapping) = mapping {
            runtime.change_tenant(tenant, mapping).await?;
            reconcile::look_at_all(&runtime, tenant).await?;
        }
        println!(
            "changed tenant {}; running servers follow within five seconds",
            self.name
        );
        noted(place, tenant, "tenant.change", &self.name).await
    }
}

fn operators_view(tenant: &Tenant) -> Result<Value> {
    let limits: Value =
        serde_json::from_str(&tenant.limits).context("the stored limits are not json")?;
    Ok(json!({
        "host_names": tenant.host_names,
        "limits": limits,
        "suspended": tenant.suspended,
    }))
}

impl TenantCommand {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        match self {
            Self::Add { name } => {
                let added = setup::add_tenant(&place.store, &place.sources, &name).await?;
                noted(place, added.id, "tenant.add", &name).await?;
                println!(
                    "added tenant {name}; next: `nameplate connection add --tenant {name} okta`"
                );
            }
            Self::Set(command) => command.run(place).await?,
            Self::Show { operator, name } => {
                let tenant = tenant_named(place, &name).await?;
                if operator {
                    println!("{:#}", operators_view(&tenant)?);
                } else {
                    settings::print(&tenant.settings)?;
                }
            }
            Self::List => {
                let tenants = place.store.tenants().await?;
                let rows: Vec<_> = tenants
                    .into_iter()
                    .map(|tenant| {
                        let state = if tenant.suspended {
                            "suspended"
                        } else {
                            "active"
                        };
                        vec![
                            tenant.name,
                            rfc3339(tenant.created),
                            state.to_owned(),
                            tenant.host_names.join(", "),
                        ]
                    })
                    .collect();
                table::print(&["TENANT", "CREATED", "STATE", "HOST NAMES"], &rows);
            }
        }
        Ok(())
    }
}

/// The tenant of that name, which has to exist.
pub(super) async fn tenant_named(place: &Workplace, name: &str) -> Result<Tenant> {
    setup::find_tenant(&place.store, name)
        .await?
        .ok_or_else(|| {
            anyhow!(
                "there is no tenant `{name}` in `{}`; see `nameplate tenant list`",
                place.config.database()
            )
        })
}
