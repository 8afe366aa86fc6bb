//! `nameplate init`: a tenant and a connection with their tokens in one step.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use super::Workplace;
use crate::setup;

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
