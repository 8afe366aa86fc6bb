//! Commands about webhooks. They only write to the database; a running server delivers.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use nameplate_store::{Webhook, limits};

use super::tenants::tenant_named;
use super::{Workplace, noted, table};
use crate::events::Types;
use crate::http::rfc3339;
use crate::webhooks::{Redelivery, WebhookChange, WebhookLimits, Webhooks};

/// Whose webhook.
#[derive(Args)]
pub struct Whose {
    /// Whose webhook
    #[arg(long, default_value = "default", value_name = "NAME")]
    tenant: String,
}

/// Tell other systems of events.
#[derive(Subcommand)]
pub enum WebhookCommand {
    /// Add a webhook and print its secret, once
    #[command(
        after_help = "Example:\n  nameplate webhook add https://mdm.example.com/hooks \
                            --events user.,assignment."
    )]
    Add {
        #[command(flatten)]
        whose: Whose,
        /// Beginnings of the names of events [default: all events]
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        events: Vec<String>,
        /// Where events are posted to
        url: String,
    },
    /// List webhooks and how deliveries go
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Change a webhook; what is not named stays as it is
    Set {
        #[command(flatten)]
        whose: Whose,
        /// Where events are posted to
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// Beginnings of the names of events; an empty one for all events
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        events: Option<Vec<String>>,
        /// Deliver nothing for now; later it goes on where it was
        #[arg(long, value_name = "true|false")]
        paused: Option<bool>,
        /// The webhook's id, as `list` shows it
        id: String,
    },
    /// Make a new secret and print it, once; the old one signs too for 24 hours
    Rotate {
        #[command(flatten)]
        whose: Whose,
        /// The webhook's id, as `list` shows it
        id: String,
    },
    /// Remove a webhook
    Remove {
        #[command(flatten)]
        whose: Whose,
        /// The webhook's id, as `list` shows it
        id: String,
    },
    /// List the events that could not be delivered and were given up
    DeadLetters {
        #[command(flatten)]
        whose: Whose,
        /// The webhook's id, as `list` shows it
        id: String,
    },
    /// Have events sent again by the running server
    Redeliver {
        #[command(flatten)]
        whose: Whose,
        /// All events from this number on
        #[arg(long, value_name = "SEQ")]
        from: Option<u64>,
        /// Those that were given up
        #[arg(long, conflicts_with = "from")]
        dead_letters: bool,
        /// The webhook's id, as `list` shows it
        id: String,
    },
}

impl WebhookCommand {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        let limits = WebhookLimits {
            reach: place.config.reach(),
            ..WebhookLimits::default()
        };
        let webhooks = async |whose: &Whose| -> Result<Webhooks<'_>> {
            Ok(Webhooks {
                store: &place.store,
                users: &place.store,
                sources: &place.sources,
                limits: &limits,
                tenant: tenant_named(place, &whose.tenant).await?.id,
            })
        };
        let told = async |whose: &Whose, action: &str, id: &str| {
            let tenant = tenant_named(place, &whose.tenant).await?.id;
            noted(place, tenant, action, id).await
        };
        match self {
            Self::Add { whose, events, url } => {
                let (made, secret) = webhooks(&whose).await?.add(&url, types(&events)?).await?;
                println!("added webhook {}", made.id);
                println!("secret {secret}");
                println!("The secret is shown this once; receivers check signatures with it.");
                told(&whose, "webhook.add", &made.id).await?;
            }
            Self::List { whose } => {
                let webhooks = webhooks(&whose).await?;
                list(&webhooks.store.webhooks(Some(webhooks.tenant)).await?);
            }
            Self::Set {
                whose,
                url,
                events,
                paused,
                id,
            } => {
                if url.is_none() && events.is_none() && paused.is_none() {
                    bail!("nothing to change; give `--url`, `--events` or `--paused`");
                }
                let change = WebhookChange {
                    url,
                    events: events.as_deref().map(types).transpose()?,
                    paused,
                };
                webhooks(&whose).await?.change(&id, change).await?;
                println!("changed webhook {id}");
                told(&whose, "webhook.change", &id).await?;
            }
            Self::Rotate { whose, id } => {
                println!("secret {}", webhooks(&whose).await?.rotate(&id).await?);
                println!("It is shown this once; the old one signs too for 24 hours.");
                told(&whose, "webhook.rotate", &id).await?;
            }
            Self::Remove { whose, id } => {
                webhooks(&whose).await?.remove(&id).await?;
                println!("removed webhook {id}");
                told(&whose, "webhook.remove", &id).await?;
            }
            Self::DeadLetters { whose, id } => list_letters(&webhooks(&whose).await?, &id).await?,
            Self::Redeliver {
                whose,
                from,
                dead_letters,
                id,
            } => {
                let which = match (from, dead_letters) {
                    (Some(from), false) => Redelivery::From(from),
                    (None, true) => Redelivery::DeadLetters,
                    _ => bail!("which events? give `--from SEQ` or `--dead-letters`"),
                };
                let events = webhooks(&whose).await?.redeliver(&id, which).await?;
                println!("{events} events are looked at again by the running server");
                told(&whose, "webhook.redeliver", &id).await?;
            }
        }
        Ok(())
    }
}

fn types(events: &[String]) -> Result<Types> {
    let types = Types::new(events.iter().map(String::as_str));
    types.map_err(anyhow::Error::msg)
}

fn list(webhooks: &[Webhook]) {
    let rows: Vec<Vec<String>> = webhooks
        .iter()
        .map(|webhook| {
            let state = match (webhook.paused, webhook.failures) {
                (true, _) => "paused".to_owned(),
                (false, 0) => "fine".to_owned(),
                (false, failures) => {
                    format!("failed {failures}, next try {}", rfc3339(webhook.next_try))
                }
            };
            vec![
                webhook.id.clone(),
                webhook.url.clone(),
                if webhook.events.is_empty() {
                    "all".to_owned()
                } else {
                    webhook.events.join(",")
                },
                webhook.position.to_string(),
                webhook
                    .last_delivered
                    .map_or_else(|| "never".to_owned(), rfc3339),
                state,
                webhook.last_error.clone(),
            ]
        })
        .collect();
    table::print(
        &[
            "ID",
            "URL",
            "EVENTS",
            "DONE UP TO",
            "LAST DELIVERED",
            "STATE",
            "LAST ERROR",
        ],
        &rows,
    );
}

async fn list_letters(webhooks: &Webhooks<'_>, id: &str) -> Result<()> {
    // An unknown one is an error and no empty list.
    webhooks.get(id).await?;
    let (mut rows, mut after) = (Vec::new(), 0);
    loop {
        let letters = webhooks
            .store
            .dead_letters(webhooks.tenant, id, after, limits::PAGE)
            .await?;
        let Some(last) = letters.last() else {
            break;
        };
        after = last.seq;
        rows.extend(letters.into_iter().map(|letter| {
            vec![
                letter.seq.to_string(),
                rfc3339(letter.at),
                letter.attempts.to_string(),
                letter.error,
            ]
        }));
    }
    table::print(&["EVENT", "GIVEN UP", "TRIES", "ERROR"], &rows);
    Ok(())
}
