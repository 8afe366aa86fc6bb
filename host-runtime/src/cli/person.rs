//! `nameplate person`: what is kept of one person, and forgetting it.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use super::tenants::tenant_named;
use super::{Workplace, noted, serve};
use crate::http::erased_shape;

/// Who.
#[derive(Args)]
pub struct Who {
    /// Whose directory
    #[arg(long, default_value = "default", value_name = "NAME")]
    tenant: String,
    /// The person's id, or a login that only they have or had
    #[arg(value_name = "ID|LOGIN")]
    person: String,
}

/// Export and erase what is kept of one person.
#[derive(Subcommand)]
#[command(
    after_help = "Examples:\n  nameplate person export ana@example.com > ana.json\n  \
                        nameplate person erase ana@example.com --yes"
)]
pub enum PersonCommand {
    /// Print all that is kept of one person, as JSON
    Export {
        #[command(flatten)]
        who: Who,
    },
    /// Forget one person, also one who was deleted long ago
    ///
    /// Documents, logins, events, claims, histories, promises and lines of the request log
    /// go; hosts are mapped again. That somebody was erased stays in the audit log, by id.
    Erase {
        #[command(flatten)]
        who: Who,
        /// Really do it: there is no way back
        #[arg(long)]
        yes: bool,
    },
}

impl PersonCommand {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        match self {
            Self::Export { who } => {
                let tenant = tenant_named(place, &who.tenant).await?;
                let runtime = serve::build(serve::runtime(place)?).await?;
                println!("{:#}", runtime.personal_data(tenant.id, &who.person).await?);
            }
            Self::Erase { who, yes } => {
                if !yes {
                    bail!(
                        "erasing cannot be undone; look with `nameplate person export` first, then \
                         add `--yes`"
                    );
                }
                let tenant = tenant_named(place, &who.tenant).await?;
                let runtime = serve::build(serve::runtime(place)?).await?;
                let forgotten = runtime.forget_person(tenant.id, &who.person).await?;
                noted(place, tenant.id, "person.erase", &forgotten.id).await?;
                println!("{:#}", erased_shape(&forgotten));
            }
        }
        Ok(())
    }
}
