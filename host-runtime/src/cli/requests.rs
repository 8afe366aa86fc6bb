//! `nameplate requests`: what the identity provider asked for, and what became of it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use nameplate_store::{Connection, ControlStore, RequestEntry, RequestQuery, Tenant};

use super::connections::connection_named;
use super::tenants::tenant_named;
use super::{Workplace, audited, serve, table};
use crate::http::{
    MOST_MINUTES, explained, not_kept, of_entry, preview_shape, record_until, recording, replayed,
    rfc3339,
};
use crate::request_log::words;

/// How often a tail looks for new lines.
const LOOK: Duration = Duration::from_millis(500);
/// Lines of a tail read at a time.
const PAGE: u32 = 500;

const EXAMPLES: &str = "\
Examples:
  nameplate requests --errors
      what went wrong, and what to do about it
  nameplate requests tail
      follow what comes in
  nameplate requests record --connection okta --minutes 30
      keep what Okta sends for half an hour
  nameplate requests replay 01k7a3b9v5d2m8s4
      what a request that was kept would come to now; nothing is written";

/// Show the newest requests.
#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Requests {
    #[command(flatten)]
    list: List,
    #[command(subcommand)]
    command: Option<RequestsCommand>,
}

/// Which requests.
#[derive(Args)]
pub struct Which {
    /// Whose requests
    #[arg(long, default_value = "default", value_name = "NAME")]
    tenant: String,
    /// Only those of this connection
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Only those that failed
    #[arg(long)]
    errors: bool,
}

/// Which requests, and how many.
#[derive(Args)]
pub struct List {
    #[command(flatten)]
    which: Which,
    /// How many
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// Other things to do with requests.
#[derive(Subcommand)]
pub enum RequestsCommand {
    /// Follow the requests as they come in, until interrupted
    Tail {
        #[command(flatten)]
        which: Which,
    },
    /// Keep what the clients of a connection send for a while, for a replay
    ///
    /// Off by default. Bodies are kept up to 64 KiB, without passwords and whatever else is
    /// named like a secret; they hold names and addresses of people (docs/privacy.md).
    Record {
        /// Whose connection
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
        /// Which connection [default: the tenant's only one]
        #[arg(long, value_name = "NAME")]
        connection: Option<String>,
        /// For how long; 0 ends it
        #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=MOST_MINUTES))]
        minutes: u64,
    },
    /// Say what a request would come to now; nothing is written
    Replay {
        /// Whose request
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
        /// The id in `X-Request-Id`
        request_id: String,
    },
}

impl Requests {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        match self.command {
            None => {
                let List { which, limit } = self.list;
                let log = Log::open(place, which).await?;
                let query = RequestQuery {
                    limit,
                    ..log.query.clone()
                };
                let mut entries = log.place.store.requests(log.tenant.id, &query).await?;
                // The newest last, next to the prompt.
                entries.reverse();
                table::print(&HEAD, &log.rows(&entries));
                Ok(())
            }
            Some(RequestsCommand::Tail { which }) => Log::open(place, which).await?.tail().await,
            Some(RequestsCommand::Record {
                tenant,
                connection,
                minutes,
            }) => record(place, &tenant, connection.as_deref(), minutes).await,
            Some(RequestsCommand::Replay { tenant, request_id }) => {
                replay(place, &tenant, &request_id).await
            }
        }
    }
}

const HEAD: [&str; 7] = [
    "TIME",
    "ID",
    "CONNECTION",
    "STATUS",
    "TOOK",
    "REQUEST",
    "WHAT HAPPENED",
];

/// The log of one tenant.
struct Log<'a> {
    place: &'a Workplace,
    tenant: Tenant,
    connections: Vec<Connection>,
    query: RequestQuery,
}

impl<'a> Log<'a> {
    async fn open(place: &'a Workplace, which: Which) -> Result<Self> {
        let tenant = tenant_named(place, &which.tenant).await?;
        let connection = match which.connection.as_deref() {
            None => None,
            name => Some(connection_named(place, &tenant, name).await?.id),
        };
        Ok(Self {
            place,
            connections: place.store.connections(tenant.id).await?,
            tenant,
            query: RequestQuery {
                connection,
                errors_only: which.errors,
                ..RequestQuery::newest(PAGE)
            },
        })
    }

    fn rows(&self, entries: &[RequestEntry]) -> Vec<Vec<String>> {
        let row = |entry: &RequestEntry| {
            let connection = of_entry(entry, &self.connections);
            let mut told = vec![entry.detail.clone()];
            told.extend(entry.notes.iter().map(words));
            told.extend(explained(entry, connection).map(|advice| format!("fix: {}", advice.fix)));
            told.retain(|text| !text.is_empty());
            vec![
                rfc3339(entry.at),
                entry.request_id.clone(),
                connection.map_or("-", |known| &known.name).to_owned(),
                entry.status.to_string(),
                format!("{} ms", entry.micros / 1000),
                format!("{} {}", entry.method, entry.path),
                told.join("; "),
            ]
        };
        entries.iter().map(row).collect()
    }

    /// Prints lines as they are written, until the process ends.
    async fn tail(mut self) -> Result<()> {
        let store = &self.place.store;
        let newest = store
            .requests(self.tenant.id, &RequestQuery::newest(1))
            .await?;
        self.query.after = Some(newest.first().map_or(0, |entry| entry.id));
        loop {
            let entries = store.requests(self.tenant.id, &self.query).await?;
            if let Some(last) = entries.last() {
                self.query.after = Some(last.id);
                for row in self.rows(&entries) {
                    table::print_line(&row);
                }
            } else {
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

async fn record(
    place: &Workplace,
    tenant: &str,
    connection: Option<&str>,
    minutes: u64,
) -> Result<()> {
    let tenant = tenant_named(place, tenant).await?;
    let connection = connection_named(place, &tenant, connection).await?;
    let until = record_until(place.sources.clock.now(), minutes);
    place
        .store
        .change_connection(connection.id, recording(until))
        .await?;
    let detail = serde_json::json!({ "minutes": minutes });
    audited(
        place,
        Some(tenant.id),
        "requests.record",
        &connection.name,
        &detail,
    )
    .await?;
    match until {
        Some(until) => println!(
            "what the clients of {} send is kept until {}; running servers follow within five \
             seconds",
            connection.name,
            rfc3339(until)
        ),
        None => println!("what the clients of {} send is not kept", connection.name),
    }
    Ok(())
}

/// The newest request of that id.
pub(super) async fn request_named(
    place: &Workplace,
    tenant: &Tenant,
    request_id: &str,
) -> Result<RequestEntry> {
    let found = place.store.request(Some(tenant.id), request_id).await?;
    found.with_context(|| {
        format!(
            "tenant `{}` has no request `{request_id}` in its log; see `nameplate requests`",
            tenant.name
        )
    })
}

async fn replay(place: &Workplace, tenant: &str, request_id: &str) -> Result<()> {
    let tenant = tenant_named(place, tenant).await?;
    let entry = request_named(place, &tenant, request_id).await?;
    let (Some(connection), Some(request)) = (entry.connection, replayed(&entry)) else {
        bail!(not_kept(&entry));
    };
    let runtime = serve::build(serve::runtime(place)?).await?;
    let preview = runtime
        .preview_request(tenant.id, connection, request)
        .await?;
    println!("{:#}", preview_shape(&preview));
    Ok(())
}
