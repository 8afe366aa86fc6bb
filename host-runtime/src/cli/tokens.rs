//! `nameplate token`: who may call.

use anyhow::{Result, bail};
use clap::{Subcommand, ValueEnum};
use nameplate_store::{ControlStore, Tenant, TokenScope};

use super::connections::connection_named;
use super::tenants::tenant_named;
use super::{Workplace, table};
use crate::http::rfc3339;
use crate::setup;

const DAY_MS: u64 = 24 * 3600 * 1000;

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
