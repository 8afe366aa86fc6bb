//! `nameplate tenant`: the customers of an installation and their settings.

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use clap::Subcommand;
use nameplate_store::{ControlStore, Tenant};

use super::{Workplace, reconcile, serve, settings, table};
use crate::http::rfc3339;
use crate::setup;

/// Add and list tenants.
#[derive(Subcommand)]
pub enum TenantCommand {
    /// Add a tenant
    Add {
        /// 1 to 63 lower-case letters, digits and hyphens
        name: String,
    },
    /// Replace the settings by which hosts are mapped
    ///
    /// A file with a JSON object, e.g. `{"sticky_manual": true}`: then what an
    /// administrator set stays when somebody else enrols the host. The plugin is asked
    /// whether it can use them; if not, nothing is changed.
    Set {
        /// File with the settings; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        settings: PathBuf,
        /// Which tenant
        #[arg(default_value = "default")]
        name: String,
    },
    /// Show the settings of a tenant
    Show {
        /// Which tenant
        #[arg(default_value = "default")]
        name: String,
    },
    /// List tenants
    List,
}

impl TenantCommand {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        match self {
            Self::Add { name } => {
                setup::add_tenant(&place.store, &place.sources, &name).await?;
                println!(
                    "added tenant {name}; next: `nameplate connection add --tenant {name} okta`"
                );
            }
            Self::Set { settings, name } => {
                let tenant = tenant_named(place, &name).await?;
                let settings = settings::read(&settings)?;
                let runtime = serve::build(serve::runtime(place)).await?;
                runtime.change_tenant(tenant.id, settings).await?;
                println!("changed tenant {name}; running servers follow within five seconds");
                reconcile::look_at_all(&runtime, tenant.id).await?;
            }
            Self::Show { name } => settings::print(&tenant_named(place, &name).await?.settings)?,
            Self::List => {
                let tenants = place.store.tenants().await?;
                let rows: Vec<_> = tenants
                    .into_iter()
                    .map(|tenant| vec![tenant.name, rfc3339(tenant.created)])
                    .collect();
                table::print(&["TENANT", "CREATED"], &rows);
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
