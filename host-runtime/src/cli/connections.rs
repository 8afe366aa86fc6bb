//! `nameplate connection`: the identity providers of a tenant.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use nameplate_store::{Access, Connection, ControlStore, Tenant};
use serde_json::{Map, Value, json};

use super::tenants::tenant_named;
use super::tokens::Reach;
use super::{Workplace, noted, serve, settings, table};
use crate::ConnectionChange;
use crate::auth::Files;
use crate::http::rfc3339;

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

/// Add, change and list connections.
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
        #[command(flatten)]
        oauth: OAuth,
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
        #[command(flatten)]
        oauth: OAuth,
        /// Take no OAuth tokens any more
        #[arg(long, conflicts_with = "oauth_issuer")]
        no_oauth: bool,
        /// Which connection
        name: String,
    },
    /// Show the settings of a connection
    Show {
        /// Whose connection
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
        /// Show whose OAuth tokens it takes instead
        #[arg(long)]
        oauth: bool,
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

/// Whose OAuth tokens a connection takes besides tokens of its own.
#[derive(Args)]
#[command(next_help_heading = "OAuth 2.0 (issuer, audience and key set go together)")]
pub struct OAuth {
    /// Take access tokens of this issuer: their `iss`, to the letter
    #[arg(long, value_name = "URL", requires_all = ["oauth_audience", "jwks"])]
    oauth_issuer: Option<String>,
    /// Their `aud`
    #[arg(long, value_name = "TEXT", requires = "oauth_issuer")]
    oauth_audience: Option<String>,
    /// File with the issuer's public keys, a JSON web key set; read again when it changes
    #[arg(long, value_name = "FILE", requires = "oauth_issuer")]
    jwks: Option<PathBuf>,
    /// A client whose tokens are taken: its `sub`, once for each [default: every one]
    #[arg(long, value_name = "TEXT", requires = "oauth_issuer")]
    oauth_subject: Vec<String>,
    /// What they may do
    #[arg(long, default_value = "write", requires = "oauth_issuer")]
    oauth_access: Reach,
}

impl OAuth {
    /// As it is stored; none if nothing was said.
    fn fields(self) -> Result<Option<Map<String, Value>>> {
        let (Some(issuer), Some(audience), Some(jwks)) =
            (self.oauth_issuer, self.oauth_audience, self.jwks)
        else {
            return Ok(None);
        };
        // The server may run in another folder.
        let jwks = std::path::absolute(&jwks)
            .with_context(|| format!("cannot find `{}`", jwks.display()))?;
        let fields = json!({
            "issuer": issuer,
            "audience": audience,
            "jwks_file": jwks.to_string_lossy(),
            "subjects": self.oauth_subject,
            "access": Access::from(self.oauth_access).as_str(),
        });
        Ok(fields.as_object().cloned())
    }
}

impl ConnectionCommand {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        match self {
            Self::Add {
                tenant,
                dialect,
                reactivate,
                oauth,
                name,
            } => {
                let tenant = tenant_named(place, &tenant).await?;
                let change = ConnectionChange {
                    dialect: Some(dialect),
                    reactivate_inactive: Some(reactivate),
                    settings: None,
                    auth: oauth.fields()?,
                };
                let runtime = serve::build(serve::runtime(place)?).await?;
                runtime
                    .add_connection(tenant.id, &name, change, Files::Allowed)
                    .await?;
                println!(
                    "added connection {name}; next: `nameplate token create --tenant {} \
                     --connection {name} --scope scim`",
                    tenant.name
                );
                noted(place, tenant.id, "connection.add", &name).await?;
            }
            Self::Set {
                tenant,
                dialect,
                reactivate,
                settings,
                oauth,
                no_oauth,
                name,
            } => {
                let tenant = tenant_named(place, &tenant).await?;
                let change = ConnectionChange {
                    dialect,
                    reactivate_inactive: reactivate,
                    settings: settings.as_deref().map(settings::read).transpose()?,
                    auth: oauth.fields()?.or_else(|| no_oauth.then(Map::new)),
                };
                if change == ConnectionChange::default() {
                    bail!(
                        "nothing to change; give `--dialect`, `--reactivate`, `--settings`, \
                         `--oauth-issuer` or `--no-oauth`"
                    );
                }
                let runtime = serve::build(serve::runtime(place)?).await?;
                runtime
                    .change_connection(tenant.id, &name, change, Files::Allowed)
                    .await?;
                println!("changed connection {name}; running servers follow within five seconds");
                noted(place, tenant.id, "connection.change", &name).await?;
            }
            Self::Show {
                tenant,
                oauth,
                name,
            } => {
                let tenant = tenant_named(place, &tenant).await?;
                let found = connection_named(place, &tenant, Some(&name)).await?;
                settings::print(if oauth { &found.auth } else { &found.settings })?;
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
