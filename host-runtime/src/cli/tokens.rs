//! `nameplate token`: who may call.

use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use nameplate_store::{Access, ControlStore, Tenant, Timestamp, Token};

use super::connections::connection_named;
use super::tenants::tenant_named;
use super::{Workplace, noted, table};
use crate::auth::ENDS_SOON_MS;
use crate::http::rfc3339;
use crate::tokens::{TokenWish, add_token, rotate_token};

const HOUR_MS: u64 = 3600 * 1000;
const DAY_MS: u64 = 24 * HOUR_MS;

const EXAMPLES: &str = "\
Examples:
  nameplate token create --scope scim --connection okta --days 365
  nameplate token create --scope admin --access read --note 'dashboard'
  nameplate token rotate 3kq9w1zm5x7d
      prints the new token; the old one works for 24 hours more";

/// Which token.
#[derive(Clone, Copy, ValueEnum)]
pub enum Scope {
    /// For an identity provider: speaks SCIM on one connection
    Scim,
    /// For the device-management server: administers one tenant
    Admin,
}

/// How far a token reaches.
#[derive(Clone, Copy, ValueEnum)]
pub enum Reach {
    /// Looks
    Read,
    /// Looks and changes
    Write,
}

impl From<Reach> for Access {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Read => Self::Read,
            Reach::Write => Self::Write,
        }
    }
}

/// Make, list, rotate and revoke tokens.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum TokenCommand {
    /// Make a token and print it, once
    ///
    /// At most two tokens of a connection are accepted at one time, and twenty admin
    /// tokens of a tenant.
    Create(Create),
    /// Replace a token: print a new one and let the old one end
    Rotate {
        /// Whose token
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
        /// Hours for which the old token is still accepted
        #[arg(long, default_value_t = 24, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=2160))]
        overlap_hours: u64,
        /// Days until the new one ends [default: as many as the old one had]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=36500))]
        days: Option<u64>,
        /// The token's id, as `list` shows it
        id: String,
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

/// Make a token.
#[derive(Args)]
pub struct Create {
    /// Whose token
    #[arg(long, default_value = "default", value_name = "NAME")]
    tenant: String,
    /// The connection of a SCIM token [default: the tenant's only one]
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// What it is for
    #[arg(long)]
    scope: Scope,
    /// What it may do there
    #[arg(long, default_value = "write")]
    access: Reach,
    /// What people call it, e.g. who has it
    #[arg(long, default_value = "", value_name = "TEXT")]
    note: String,
    /// Days until it ends by itself [default: never]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=36500))]
    days: Option<u64>,
}

impl Create {
    async fn run(self, place: &Workplace) -> Result<()> {
        let tenant = tenant_named(place, &self.tenant).await?;
        let connection = match (self.scope, self.connection) {
            (Scope::Admin, None) => None,
            (Scope::Admin, Some(_)) => {
                bail!("an admin token is for a whole tenant; leave `--connection` out")
            }
            (Scope::Scim, name) => {
                Some(connection_named(place, &tenant, name.as_deref()).await?.id)
            }
        };
        let wish = TokenWish {
            tenant: tenant.id,
            connection,
            access: self.access.into(),
            note: self.note,
            expires: ends(place, self.days),
        };
        let made = add_token(&place.store, &place.sources, wish).await?;
        println!("{}", made.text);
        noted(place, tenant.id, "token.create", id_of(&made.text)).await
    }
}

impl TokenCommand {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        match self {
            Self::Create(command) => command.run(place).await?,
            Self::Rotate {
                tenant,
                overlap_hours,
                days,
                id,
            } => {
                let tenant = tenant_named(place, &tenant).await?.id;
                let (store, sources) = (&place.store, &place.sources);
                let overlap = overlap_hours.saturating_mul(HOUR_MS);
                let ends = ends(place, days);
                let made = rotate_token(store, sources, tenant, id_of(&id), overlap, ends).await?;
                println!("{}", made.text);
                noted(place, tenant, "token.rotate", id_of(&id)).await?;
            }
            Self::List { tenant } => {
                let tenant = tenant_named(place, &tenant).await?;
                list_tokens(place, &tenant).await?;
            }
            Self::Revoke { tenant, id } => {
                let tenant = tenant_named(place, &tenant).await?;
                let now = place.sources.clock.now();
                let id = id_of(&id);
                if !place.store.revoke_token(tenant.id, id, now).await? {
                    bail!(
                        "tenant `{}` has no token `{id}` that is not revoked; see `nameplate token \
                         list`",
                        tenant.name
                    );
                }
                println!("revoked {id}");
                noted(place, tenant.id, "token.revoke", id).await?;
            }
        }
        Ok(())
    }
}

/// A whole token is accepted as its id: it is what people have at hand.
fn id_of(text: &str) -> &str {
    text.split('_').nth(2).unwrap_or(text)
}

fn ends(place: &Workplace, days: Option<u64>) -> Option<Timestamp> {
    let now = place.sources.clock.now();
    days.map(|days| now.saturating_add(days * DAY_MS))
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
            let state = state(&token, now);
            vec![
                token.id,
                token.scope.as_str().to_owned(),
                token.access.as_str().to_owned(),
                name.to_owned(),
                rfc3339(token.created),
                token.last_used.map_or_else(|| "never".to_owned(), rfc3339),
                state,
                token.note,
            ]
        })
        .collect();
    let heads = [
        "ID",
        "SCOPE",
        "ACCESS",
        "CONNECTION",
        "CREATED",
        "LAST USED",
        "STATE",
        "NOTE",
    ];
    table::print(&heads, &rows);
    Ok(())
}

fn state(token: &Token, now: Timestamp) -> String {
    match (token.revoked, token.expires) {
        (Some(at), _) => format!("revoked {}", rfc3339(at)),
        (None, Some(at)) if at <= now => format!("expired {}", rfc3339(at)),
        (None, Some(at)) if at <= now.saturating_add(ENDS_SOON_MS) => {
            format!("until {}, soon", rfc3339(at))
        }
        (None, Some(at)) => format!("until {}", rfc3339(at)),
        (None, None) => "valid".to_owned(),
    }
}
