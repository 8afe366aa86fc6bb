//! `nameplate connection`: the identity providers of a tenant.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::Subcommand;
use nameplate_store::{Connection, ConnectionEdit, ControlStore, Tenant};

use super::tenants::tenant_named;
use super::{Workplace, serve, settings, table};
use crate::ConnectionChange;
use crate::http::rfc3339;
use crate::setup;

/// Dialects the plugin knows; `auto` fits nearly every client.
const DIALECTS: [&str; 8] = [
    "auto",
    "okta",
    "entra",
    "onelogin",
    "jumpcloud",
    "authentik",
    "generic",
    "strict",
];

/// Add and list connections.
#[derive(Subcommand)]
pub enum ConnectionCommand {
    /// Add a connection, one for each identity provider
    Add {
        /// Whose connection
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
        /// Whose habits to expect
        #[arg(long, default_value = "auto", value_parser = DIALECTS)]
        dialect: String,
        /// May a POST with `active: true` revive an inactive user of the same login
        #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false")]
        reactivate: bool,
        /// 1 to 63 lower-case letters, digits and hyphens
        name: String,
    },
    /// Change a connection; what is not named stays as it is
    ///
    /// The settings are a file with a JSON object that replaces all former settings,
    /// e.g. `{"unknown_members": "reject", "schemas": [...]}`. The plugin is asked
    /// whether it can use them; if not, nothing is changed.
    Set {
        /// Whose connection
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
        /// Whose habits to expect
        #[arg(long, value_parser = DIALECTS)]
        dialect: Option<String>,
        /// May a POST with `active: true` revive an inactive user of the same login
        #[arg(long, value_name = "true|false")]
        reactivate: Option<bool>,
        /// File with the settings; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        /// Which connection
        name: String,
    },
    /// Show the settings of a connection
    Show {
        /// Whose connection
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
        /// Which connection
        name: String,
    },
    /// List connections in order of precedence
    List {
        /// Whose connections
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
    },
}

impl ConnectionCommand {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        match self {
            Self::Add {
                tenant,
                dialect,
                reactivate,
                name,
            } => {
                let tenant = tenant_named(place, &tenant).await?;
                let store = &place.store;
                let added =
                    setup::add_connection(store, &place.sources, tenant.id, &name, &dialect)
                        .await?;
                if added.reactivate_inactive != reactivate {
                    let edit = ConnectionEdit {
                        reactivate_inactive: Some(reactivate),
                        ..ConnectionEdit::default()
                    };
                    store.change_connection(added.id, edit).await?;
                }
                println!(
                    "added connection {name}; next: `nameplate token create --tenant {} \
                     --connection {name} --scope scim`",
                    tenant.name
                );
            }
            Self::Set {
                tenant,
                dialect,
                reactivate,
                settings,
                name,
            } => {
                let tenant = tenant_named(place, &tenant).await?;
                let change = ConnectionChange {
                    dialect,
                    reactivate_inactive: reactivate,
                    settings: settings.as_deref().map(settings::read).transpose()?,
                };
                if change == ConnectionChange::default() {
                    bail!("nothing to change; give `--dialect`, `--reactivate` or `--settings`");
                }
                let runtime = serve::build(serve::runtime(place)).await?;
                runtime.change_connection(tenant.id, &name, change).await?;
                println!("changed connection {name}; running servers follow within five seconds");
            }
            Self::Show { tenant, name } => {
                let tenant = tenant_named(place, &tenant).await?;
                let found = connection_named(place, &tenant, Some(&name)).await?;
                settings::print(&found.settings)?;
            }
            Self::List { tenant } => {
                let tenant = tenant_named(place, &tenant).await?;
                let connections = place.store.connections(tenant.id).await?;
                let rows: Vec<_> = connections
                    .into_iter()
                    .map(|connection| {
                        vec![
                            connection.name,
                            connection.dialect,
                            connection.reactivate_inactive.to_string(),
                            rfc3339(connection.created),
                        ]
                    })
                    .collect();
                table::print(&["CONNECTION", "DIALECT", "REACTIVATE", "CREATED"], &rows);
            }
        }
        Ok(())
    }
}

/// The connection of that name, or the tenant's only one.
pub(super) async fn connection_named(
    place: &Workplace,
    tenant: &Tenant,
    name: Option<&str>,
) -> Result<Connection> {
    let connections = place
        .store
        .connections(tenant.id)
        .await
        .context("cannot read the connections")?;
    let names: Vec<String> = connections.iter().map(|known| known.name.clone()).collect();
    let found = match (name, connections.len()) {
        (None, 1) => connections.into_iter().next(),
        (None, 0) => None,
        (None, _) => bail!(
            "which connection? give `--connection` with one of {}",
            names.join(", ")
        ),
        (Some(name), _) => connections.into_iter().find(|known| known.name == name),
    };
    found.ok_or_else(|| match name {
        Some(name) if !names.is_empty() => anyhow!(
            "tenant `{}` has no connection `{name}`; it has {}",
            tenant.name,
            names.join(", ")
        ),
        _ => anyhow!(
            "tenant `{}` has no connection; add one with `nameplate connection add`",
            tenant.name
        ),
    })
}
