//! Commands about tenants, connections, tokens and the request log.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};
use nameplate_store::{Connection, ControlStore, Tenant, TokenScope};
use serde_json::{Map, Value, json};

use super::{Workplace, reconcile, serve, table};
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
/// Settings with some schemas are a few kilobytes.
const MAX_SETTINGS: u64 = 256 << 10;
const DAY_MS: u64 = 24 * 3600 * 1000;

/// Make a tenant and a connection with their tokens.
#[derive(Args)]
#[command(after_help = "Example:\n  nameplate init --tenant acme --connection entra --json")]
pub struct Init {
    /// Name of the tenant
    #[arg(long, default_value = "default", value_name = "NAME")]
    tenant: String,
    /// Name of the connection
    #[arg(long, default_value = "okta", value_name = "NAME")]
    connection: String,
    /// Print `{"scim_url","scim_token","admin_token"}`
    #[arg(long)]
    json: bool,
}

impl Init {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        let (tenant, connection) = (&self.tenant, &self.connection);
        let made = setup::init(&place.store, &place.sources, tenant, connection).await?;
        let Some(made) = made else {
            bail!(
                "tenant `{tenant}` has a connection `{connection}` already; for a further token: \
                 `nameplate token create --tenant {tenant} --connection {connection} --scope scim`"
            );
        };
        let url = place.config.scim_url();
        if self.json {
            println!(
                "{}",
                json!({
                    "scim_url": url,
                    "scim_token": made.scim_token,
                    "admin_token": made.admin_token,
                })
            );
        } else {
            println!("SCIM base URL  {url}");
            println!("SCIM token     {}", made.scim_token);
            println!("Admin token    {}", made.admin_token);
            println!("The tokens are shown this once.");
        }
        Ok(())
    }
}

/// Which token.
#[derive(Clone, Copy, ValueEnum)]
pub enum Scope {
    /// For an identity provider: speaks SCIM on one connection
    Scim,
    /// For the device-management server: administers one tenant
    Admin,
}

/// Make, list and revoke tokens.
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, once
    Create {
        /// Whose token
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
        /// The connection of a SCIM token [default: the tenant's only one]
        #[arg(long, value_name = "NAME")]
        connection: Option<String>,
        /// What it may do
        #[arg(long)]
        scope: Scope,
        /// Days until it ends by itself [default: never]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=36500))]
        days: Option<u64>,
    },
    /// List tokens; their secrets are kept nowhere
    List {
        /// Whose tokens
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
    },
    /// Revoke a token; running servers refuse it within five seconds
    Revoke {
        /// Whose token
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
        /// The token's id, as `list` shows it
        id: String,
    },
}

impl TokenCommand {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        match self {
            Self::Create {
                tenant,
                connection,
                scope,
                days,
            } => {
                let tenant = tenant_named(place, &tenant).await?;
                let connection = match (scope, connection) {
                    (Scope::Admin, None) => None,
                    (Scope::Admin, Some(_)) => {
                        bail!("an admin token is for a whole tenant; leave `--connection` out")
                    }
                    (Scope::Scim, name) => {
                        Some(connection_named(place, &tenant, name.as_deref()).await?.id)
                    }
                };
                let now = place.sources.clock.now();
                let expires = days.map(|days| now.saturating_add(days * DAY_MS));
                let store = &place.store;
                let token =
                    setup::add_token(store, &place.sources, tenant.id, connection, expires).await?;
                println!("{token}");
            }
            Self::List { tenant } => {
                let tenant = tenant_named(place, &tenant).await?;
                list_tokens(place, &tenant).await?;
            }
            Self::Revoke { tenant, id } => {
                let tenant = tenant_named(place, &tenant).await?;
                let now = place.sources.clock.now();
                // A whole token is accepted: it is what people have at hand.
                let id = id.split('_').nth(2).unwrap_or(&id).to_owned();
                if !place.store.revoke_token(tenant.id, &id, now).await? {
                    bail!(
                        "tenant `{}` has no token `{id}` that is not revoked; see `nameplate token \
                         list`",
                        tenant.name
                    );
                }
                println!("revoked {id}");
            }
        }
        Ok(())
    }
}

async fn list_tokens(place: &Workplace, tenant: &Tenant) -> Result<()> {
    let connections = place.store.connections(tenant.id).await?;
    let tokens = place.store.tokens(tenant.id).await?;
    let now = place.sources.clock.now();
    let rows: Vec<Vec<String>> = tokens
        .into_iter()
        .map(|token| {
            let name = connections
                .iter()
                .find(|connection| Some(connection.id) == token.connection)
                .map_or("-", |connection| connection.name.as_str());
            let state = match (token.revoked, token.expires) {
                (Some(at), _) => format!("revoked {}", rfc3339(at)),
                (None, Some(at)) if at <= now => format!("expired {}", rfc3339(at)),
                (None, Some(at)) => format!("until {}", rfc3339(at)),
                (None, None) => "valid".to_owned(),
            };
            vec![
                token.id,
                match token.scope {
                    TokenScope::Scim => "scim".to_owned(),
                    TokenScope::Admin => "admin".to_owned(),
                },
                name.to_owned(),
                rfc3339(token.created),
                token.last_used.map_or_else(|| "never".to_owned(), rfc3339),
                state,
            ]
        })
        .collect();
    table::print(
        &["ID", "SCOPE", "CONNECTION", "CREATED", "LAST USED", "STATE"],
        &rows,
    );
    Ok(())
}

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
                let settings = read_settings(&settings)?;
                let runtime = serve::build(serve::runtime(place)).await?;
                runtime.change_tenant(tenant.id, settings).await?;
                println!("changed tenant {name}; running servers follow within five seconds");
                reconcile::look_at_all(&runtime, tenant.id).await?;
            }
            Self::Show { name } => print_settings(&tenant_named(place, &name).await?.settings)?,
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
                    store
                        .set_connection(added.id, &dialect, reactivate, &added.settings)
                        .await?;
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
                    settings: settings.as_deref().map(read_settings).transpose()?,
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
                print_settings(&found.settings)?;
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

fn print_settings(settings: &str) -> Result<()> {
    let settings: Value =
        serde_json::from_str(settings).context("the stored settings are not json")?;
    println!("{settings:#}");
    Ok(())
}

/// Settings as people write them down: a JSON object.
fn read_settings(path: &Path) -> Result<Map<String, Value>> {
    let name = path.display();
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .take(MAX_SETTINGS)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_SETTINGS).read_to_string(&mut text))
    };
    read.with_context(|| format!("cannot read the settings in `{name}`"))?;
    serde_json::from_str(&text).with_context(|| format!("`{name}` is no json object"))
}

/// Show the newest requests.
#[derive(Args)]
pub struct Requests {
    /// Whose requests
    #[arg(long, default_value = "default", value_name = "NAME")]
    tenant: String,
    /// How many
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

impl Requests {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        let tenant = tenant_named(place, &self.tenant).await?;
        let connections = place.store.connections(tenant.id).await?;
        let mut entries = place.store.requests(tenant.id, None, self.limit).await?;
        // The newest last, next to the prompt.
        entries.reverse();
        let rows: Vec<_> = entries
            .into_iter()
            .map(|entry| {
                let name = connections
                    .iter()
                    .find(|connection| Some(connection.id) == entry.connection)
                    .map_or("-", |connection| connection.name.as_str());
                let words: Vec<String> = Some(entry.detail)
                    .filter(|detail| !detail.is_empty())
                    .into_iter()
                    .chain(entry.notes)
                    .collect();
                vec![
                    rfc3339(entry.at),
                    name.to_owned(),
                    entry.status.to_string(),
                    format!("{} ms", entry.micros / 1000),
                    format!("{} {}", entry.method, entry.path),
                    words.join("; "),
                ]
            })
            .collect();
        table::print(
            &[
                "TIME",
                "CONNECTION",
                "STATUS",
                "TOOK",
                "REQUEST",
                "WHAT HAPPENED",
            ],
            &rows,
        );
        Ok(())
    }
}

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

async fn connection_named(
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
