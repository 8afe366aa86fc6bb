//! The command line. Commands other than `serve` work on the database, beside a server that
//! runs or without one; those that change settings or hosts ask the plugin too.

mod audit;
mod backup;
mod connections;
mod doctor;
mod explain;
mod export;
mod generate;
mod import;
mod init;
mod inspect;
mod journal;
mod person;
mod plugin;
mod probe;
mod progress;
mod reconcile;
mod reload;
mod requests;
mod serve;
mod settings;
mod signals;
mod table;
mod tenants;
mod tokens;
mod webhooks;

use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::error::ContextKind;
use clap::{Parser, Subcommand};
use nameplate_store_sql::sqlite::{SqliteOptions, SqliteStore, Timing};

use audit::{audited, noted};

use crate::clock::Sources;
use crate::config::{Config, Database};
use crate::metrics::Metrics;
use crate::telemetry::Telemetry;
use reload::Origin;

const EXAMPLES: &str = "\
Examples:
  nameplate serve
      listen on 127.0.0.1:8080, keep data in nameplate.db
  nameplate serve --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem
  nameplate token create --tenant default --connection okta --scope scim
  nameplate requests
      what the identity provider asked for, and what became of it";

/// Nameplate puts a name on every managed device.
#[derive(Parser)]
#[command(name = "nameplate", version, after_help = EXAMPLES)]
struct Cli {
    /// File of settings [default: nameplate.toml, if it is there]
    #[arg(long, global = true, env = "NAMEPLATE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    settings: Config,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    ///
    /// The first start makes the tenant `default` with the connection `okta` and
    /// prints their tokens, once.
    Serve,
    /// Make a tenant and a connection with their tokens, without running a server
    Init(init::Init),
    /// Make, list and revoke tokens
    #[command(subcommand)]
    Token(tokens::TokenCommand),
    /// Add and list tenants
    #[command(subcommand)]
    Tenant(tenants::TenantCommand),
    /// Add and list connections, one for each identity provider
    #[command(subcommand)]
    Connection(connections::ConnectionCommand),
    /// Read in a table of which host is whose
    Import(import::ImportCommand),
    /// Write down all hosts and who uses them
    Export(export::ExportCommand),
    /// Look at every host again
    Reconcile(reconcile::Reconcile),
    /// Show the newest requests and what became of them
    Requests(requests::Requests),
    /// Print or erase all that is kept of one person
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// Explain one request: what became of it, what that means and what to do
    Explain(explain::Explain),
    /// Show who changed what
    Audit(audit::Audit),
    /// Tell other systems of what happens to people, groups and hosts
    #[command(subcommand)]
    Webhook(webhooks::WebhookCommand),
    /// Play an identity provider against a SCIM server and say what it would make of it
    Probe(probe::ProbeCommand),
    /// Choose which component a tenant runs
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    Inspect(inspect::Inspect),
    /// Copy the database while the server runs
    Backup(backup::Backup),
    /// Put a backup in the place of the database, while no server runs
    Restore(backup::Restore),
    /// Look at settings, certificate, database and tenants, and say what to do
    Doctor(doctor::Doctor),
    /// Write what lets a shell complete commands
    Completions(generate::Completions),
    /// Write manual pages
    Man(generate::ManPages),
}

/// What every command works with.
struct Workplace {
    config: Config,
    store: SqliteStore,
    metrics: Arc<Metrics>,
    sources: Sources,
}

/// Runs a command line, its name included. The exit code is 0, 1 for a failure (one
/// line on standard error says why) or 2 for a command line that makes no sense.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match execute(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("{error:#}").replace('\n', "; ");
            eprintln!("error: {line}");
            ExitCode::FAILURE
        }
    }
}

/// Prints what is wrong with a command line, or the help that was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let database = error
        .get(ContextKind::InvalidArg)
        .is_some_and(|argument| argument.to_string().starts_with("--database"));
    match error.source() {
        // clap would repeat the value, and a database URL may hold a password.
        Some(cause) if database => eprintln!("error: --database: {cause}"),
        // Printing fails only if nobody reads.
        _ => drop(error.print()),
    }
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

fn execute(cli: Cli) -> Result<()> {
    // These work without a database, or where the settings are broken.
    match &cli.command {
        Command::Completions(command) => return command.run(),
        Command::Man(command) => return command.run(),
        Command::Doctor(command) => {
            let findings = command.run(cli.settings.clone(), cli.config.clone());
            return one_thread()?.block_on(findings);
        }
        _ => {}
    }
    let (flags, file) = (cli.settings.clone(), cli.config.clone());
    let config = cli.settings.with_file(cli.config.as_deref())?;
    let serving = matches!(cli.command, Command::Serve);
    let telemetry = Telemetry::start(&config, if serving { "info" } else { "warn" })?;
    // It may not be open.
    if let Command::Restore(command) = &cli.command {
        return command.run(&config);
    }
    // Looking at a file needs no database.
    if let Command::Inspect(command) = cli.command {
        return command.run(&config);
    }
    let mut builder = if serving {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder
        .enable_all()
        .build()
        .context("cannot start the threads of the server")?;
    let metrics = Arc::new(Metrics::default());
    runtime.block_on(async move {
        // It may be about another server, where there is no database.
        let command = match cli.command {
            Command::Probe(command) => return command.run(config).await,
            other => other,
        };
        let context = Workplace {
            store: open(&config.database(), &metrics)?,
            config,
            metrics,
            sources: Sources::default(),
        };
        let store = context.store.clone();
        let done = match command {
            Command::Serve => {
                let origin = Origin {
                    flags,
                    file,
                    telemetry,
                };
                serve::serve(context, origin).await
            }
            Command::Init(command) => command.run(&context).await,
            Command::Token(command) => command.run(&context).await,
            Command::Tenant(command) => command.run(&context).await,
            Command::Connection(command) => command.run(&context).await,
            Command::Import(command) => command.run(&context).await,
            Command::Export(command) => command.run(&context).await,
            Command::Reconcile(command) => command.run(&context).await,
            Command::Requests(command) => command.run(&context).await,
            Command::Person(command) => command.run(&context).await,
            Command::Explain(command) => command.run(&context).await,
            Command::Audit(command) => command.run(&context).await,
            Command::Webhook(command) => command.run(&context).await,
            Command::Probe(command) => command.run(context.config).await,
            Command::Plugin(command) => command.run(&context).await,
            Command::Inspect(command) => command.run(&context.config),
            Command::Backup(command) => command.run(&context).await,
            // Done already.
            Command::Completions(_)
            | Command::Man(_)
            | Command::Doctor(_)
            | Command::Restore(_) => Ok(()),
        };
        store.close();
        done
    })
}

fn one_thread() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a thread")
}

fn open(database: &Database, metrics: &Metrics) -> Result<SqliteStore> {
    let Database::Sqlite(path) = database;
    let times = metrics.store.clone();
    let options = SqliteOptions {
        timing: Timing::new(move |work, took| times.observe(work.into(), took)),
        ..SqliteOptions::default()
    };
    SqliteStore::open(path, options)
        .with_context(|| format!("cannot open the database `{database}`"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use clap::CommandFactory;

    use super::*;

    fn parse(args: &[&str]) -> Cli {
        Cli::try_parse_from(args).unwrap()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        for args in [
            ["nameplate", "--listen", "127.0.0.1:1", "serve"],
            ["nameplate", "serve", "--listen", "127.0.0.1:1"],
        ] {
            assert_eq!(parse(&args).settings.listen.as_deref(), Some("127.0.0.1:1"));
        }
    }

    #[test]
    fn private_receivers_are_allowed_by_a_bare_flag() {
        let allowed = |args: &[&str]| parse(args).settings.reach().private;
        assert!(!allowed(&["nameplate", "serve"]));
        assert!(allowed(&["nameplate", "serve", "--webhooks-allow-private"]));
        assert!(allowed(&["nameplate", "--webhooks-allow-private", "serve"]));
        let refused = ["nameplate", "serve", "--webhooks-allow-private=false"];
        assert!(!allowed(&refused));
    }

    #[test]
    fn a_database_url_that_is_refused_is_found_by_its_argument() {
        let args = ["nameplate", "serve", "--database", "mysql://u:secret@h/d"];
        let error = Cli::try_parse_from(args).err().unwrap();
        let argument = error.get(ContextKind::InvalidArg).unwrap().to_string();
        assert!(argument.starts_with("--database"), "{argument}");
        let cause = error.source().unwrap().to_string();
        assert!(
            cause.contains("`mysql`") && !cause.contains("secret"),
            "{cause}"
        );
    }
}
