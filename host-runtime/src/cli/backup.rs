//! `nameplate backup` and `nameplate restore`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use nameplate_store_sql::sqlite;

use super::Workplace;
use super::progress::Progress;
use crate::config::{Config, Database};

const BACKUP: &str = "\
Examples:
  nameplate backup /var/backups/nameplate-$(date +%F).db
      beside a running server; what it holds is one moment of the database

Whoever has the file has people's names and the secrets of webhooks. Tokens are in it as
digests alone.";

/// A copy of the database, made while the server runs.
#[derive(Args)]
#[command(after_help = BACKUP)]
pub(super) struct Backup {
    /// Where to; a file that is there is replaced once the copy is whole
    #[arg(value_name = "FILE")]
    to: PathBuf,
}

const RESTORE: &str = "\
Examples:
  systemctl stop nameplate
  nameplate restore /var/backups/nameplate-2026-01-31.db
  systemctl start nameplate

Identity providers do not know that time went back: let them provision everybody again.";

/// A backup in the place of the database.
#[derive(Args)]
#[command(after_help = RESTORE)]
pub(super) struct Restore {
    /// The backup; it is looked through before anything is replaced
    #[arg(value_name = "FILE")]
    from: PathBuf,
}

impl Backup {
    pub(super) async fn run(&self, place: &Workplace) -> Result<()> {
        let (store, to) = (place.store.clone(), self.to.clone());
        let copying = tokio::task::spawn_blocking(move || {
            let mut progress: Option<Progress> = None;
            let copied = store.backup(&to, &mut |done, total| {
                let bar = progress.get_or_insert_with(|| Progress::of(total, "pages"));
                bar.at(done);
            });
            if let Some(progress) = progress {
                progress.done();
            }
            copied
        });
        copying
            .await
            .context("the thread that copies ended")?
            .with_context(|| format!("cannot back up to `{}`", self.to.display()))?;
        println!("backed up to {}", self.to.display());
        Ok(())
    }
}

impl Restore {
    /// The database is not opened for it: nobody may have it open.
    pub(super) fn run(&self, config: &Config) -> Result<()> {
        let Database::Sqlite(to) = config.database();
        sqlite::restore(&self.from, &to)
            .with_context(|| format!("cannot restore `{}`", self.from.display()))?;
        println!("{} is now what the backup holds", to.display());
        Ok(())
    }
}
