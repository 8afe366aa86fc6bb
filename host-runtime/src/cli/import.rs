//! `nameplate import`.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use nameplate_store::HostName;
use sha2::{Digest, Sha256};

use super::journal::{Journal, Purpose};
use super::progress::Progress;
use super::tenants::tenant_named;
use super::{Workplace, serve, table};
use crate::hex::hex;
use crate::transfer::read::{Mistake, Row, Rows};
use crate::transfer::{AT_ONCE, Counts, Done, Import, Kind};

/// A hundred thousand rows are about 8 MB; a quote that is never closed makes one cell of
/// the whole file, so this bounds what is kept of it.
const MAX_FILE: u64 = 256 << 20;
/// Mistakes that are listed; the others are counted.
const SHOWN: usize = 1000;

/// Read in a table of which host is whose
#[derive(Args)]
#[command(after_help = "\
The first line names the columns, in any order: `serial` or `hostname`, `username` or `email`,
and if you like `full_name` and `since` (like `2026-03-01T09:30:00Z`). Other columns are passed
over, and so are rows with mistakes, which are listed at the end.

Examples:
  nameplate import people.csv --dry-run
      what each row would do
  nameplate import people.csv
      hosts that do not exist yet are given when they come
  nameplate import people.csv --resume
      go on after an interruption")]
pub struct ImportCommand {
    /// Whose hosts
    #[arg(long, default_value = "default", value_name = "NAME")]
    tenant: String,
    /// Only show what each row would do
    #[arg(long)]
    dry_run: bool,
    /// What a row is
    #[arg(long = "as", default_value = "promise", value_name = "WHAT")]
    kind: KindArgument,
    /// Go on with an import that was cut off
    #[arg(long, conflicts_with = "dry_run")]
    resume: bool,
    /// The table, as CSV in UTF-8
    file: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum KindArgument {
    /// A promise, which waits for its host: an enrolment is newer
    Promise,
    /// An administrator's word about a host that is there
    Manual,
}

impl ImportCommand {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        let tenant = tenant_named(place, &self.tenant).await?;
        let kind = match self.kind {
            KindArgument::Promise => Kind::Promise,
            KindArgument::Manual => Kind::Manual,
        };
        let shown = self.file.display();
        let cannot = || format!("cannot read `{shown}`");
        let mut file = File::open(&self.file).with_context(cannot)?;
        let size = file.metadata().with_context(cannot)?.len();
        if size > MAX_FILE {
            bail!("`{shown}` has {size} bytes; split it: at most {MAX_FILE} are read at a time");
        }
        let sha256 = sha256(&mut file).with_context(cannot)?;
        file.rewind().with_context(cannot)?;
        let rows = Rows::new(BufReader::new(file.take(MAX_FILE)))
            .map_err(|mistake| anyhow!("`{shown}`: {}", mistake.reason))?;
        let import = Import {
            runtime: serve::build(serve::runtime(place)?).await?,
            tenant: tenant.id,
            kind,
            dry: self.dry_run,
        };
        if self.dry_run {
            return rehearse(&import, rows).await;
        }
        let purpose = Purpose {
            sha256,
            tenant: tenant.name,
            kind: kind.as_str().to_owned(),
        };
        let (mut journal, done) = Journal::open(&self.file, &purpose, self.resume)?;
        let outcome = import_rows(&import, rows, done, size, &mut journal).await;
        let (counts, mistakes) = outcome.with_context(|| {
            format!("stopped; `nameplate import --resume {shown}` goes on where it was")
        })?;
        journal.remove()?;
        report(counts, &mistakes);
        Ok(())
    }
}

fn sha256(file: &mut File) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut piece)?;
        match piece.get(..read) {
            Some(read) if !read.is_empty() => hash.update(read),
            _ => break,
        }
    }
    Ok(hex(&hash.finalize()))
}

/// Some rows at a time, each time noted in the journal. Rows that an earlier import has
/// done are read again, for the mistakes among them, and passed over.
async fn import_rows(
    import: &Import,
    mut rows: Rows,
    done: Counts,
    size: u64,
    journal: &mut Journal,
) -> Result<(Counts, Vec<Mistake>)> {
    let mut progress = Progress::of(size, "bytes");
    let mut mistakes = Vec::new();
    for _ in 0..done.rows() {
        match rows.next() {
            Some(Err(mistake)) => keep(&mut mistakes, mistake),
            Some(Ok(_)) => {}
            None => break,
        }
    }
    let mut counts = done;
    loop {
        let some: Vec<_> = rows.by_ref().take(AT_ONCE).collect();
        if some.is_empty() {
            progress.done();
            return Ok((counts, mistakes));
        }
        for row in import.rows(some).await? {
            counts.add(&row);
            if let Err(mistake) = row {
                keep(&mut mistakes, mistake);
            }
        }
        journal.note(counts)?;
        progress.at(rows.bytes());
    }
}

fn keep(mistakes: &mut Vec<Mistake>, mistake: Mistake) {
    if mistakes.len() < SHOWN {
        mistakes.push(mistake);
    }
}

fn report(counts: Counts, mistakes: &[Mistake]) {
    for Mistake { line, reason } in mistakes {
        println!("line {line}: {}", reason.replace(char::is_control, " "));
    }
    let Counts {
        recorded,
        repeated,
        mistakes,
    } = counts;
    println!(
        "{} rows: {recorded} recorded, {repeated} known already, {mistakes} passed over",
        counts.rows()
    );
}

/// A line for each row: what it would do.
async fn rehearse(import: &Import, mut rows: Rows) -> Result<()> {
    let mut counts = Counts::default();
    let mut lines = Vec::new();
    loop {
        let some: Vec<Result<Row, Mistake>> = rows.by_ref().take(AT_ONCE).collect();
        if some.is_empty() {
            break;
        }
        for (row, done) in some.iter().zip(import.rows(some.clone()).await?) {
            counts.add(&done);
            let (host, login) = named(row);
            lines.push(vec![line_of(row).to_string(), host, login, would(&done)]);
        }
    }
    table::print(&["LINE", "HOST", "LOGIN", "WOULD"], &lines);
    report(counts, &[]);
    println!("nothing is written: this was a dry run");
    Ok(())
}

fn line_of(row: &Result<Row, Mistake>) -> u64 {
    match row {
        Ok(row) => row.line,
        Err(mistake) => mistake.line,
    }
}

fn named(row: &Result<Row, Mistake>) -> (String, String) {
    let Ok(row) = row else {
        return ("-".to_owned(), "-".to_owned());
    };
    let host = match &row.name {
        HostName::Serial(serial) => format!("serial {serial}"),
        HostName::Name(name) => name.clone(),
    };
    let login = match row.username.as_str() {
        "" => &row.email,
        username => username,
    };
    (host, login.to_owned())
}

fn would(row: &Result<Done, Mistake>) -> String {
    match row {
        Ok(done) => done.text(),
        Err(mistake) => format!("be passed over: {}", mistake.reason),
    }
}
