//! `nameplate explain`: one request, what it means and what to do.

use anyhow::Result;
use clap::Args;
use nameplate_store::ControlStore;

use super::Workplace;
use super::requests::request_named;
use super::tenants::tenant_named;
use crate::http::{explained, of_entry, rfc3339};
use crate::request_log::words;

/// Explain a request.
#[derive(Args)]
#[command(after_help = "Example:\n  nameplate explain 01k7a3b9v5d2m8s4e6g1h0j7n3")]
pub struct Explain {
    /// Whose request
    #[arg(long, default_value = "default", value_name = "NAME")]
    tenant: String,
    /// The id in `X-Request-Id`, as `nameplate requests` shows it
    request_id: String,
}

impl Explain {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        let tenant = tenant_named(place, &self.tenant).await?;
        let entry = request_named(place, &tenant, &self.request_id).await?;
        let connections = place.store.connections(tenant.id).await?;
        let connection = of_entry(&entry, &connections);
        let mut lines = vec![
            ("request", format!("{} {}", entry.method, entry.path)),
            ("at", rfc3339(entry.at)),
            (
                "connection",
                connection.map_or("-", |known| &known.name).to_owned(),
            ),
            ("client", entry.user_agent.clone()),
            (
                "answered",
                format!("{} within {} ms", entry.status, entry.micros / 1000),
            ),
            ("told", entry.detail.clone()),
        ];
        lines.extend(entry.notes.iter().map(|note| ("what", words(note))));
        match explained(&entry, connection) {
            Some(advice) => {
                lines.extend([("meaning", advice.meaning.to_owned()), ("fix", advice.fix)])
            }
            None => lines.push((
                "meaning",
                "the request was answered as it should be".to_owned(),
            )),
        }
        for (name, text) in lines {
            if !text.is_empty() {
                println!("{name:<11} {}", text.replace(char::is_control, " "));
            }
        }
        Ok(())
    }
}
