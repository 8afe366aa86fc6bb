//! `nameplate requests`: what the identity provider asked for, and what became of it.

use anyhow::Result;
use clap::Args;
use nameplate_store::{ControlStore, RequestQuery};

use super::tenants::tenant_named;
use super::{Workplace, table};
use crate::http::rfc3339;
use crate::request_log::words;

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
        let mut entries = place
            .store
            .requests(tenant.id, &RequestQuery::newest(self.limit))
            .await?;
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
                    .chain(entry.notes.iter().map(words))
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
