//! `nameplate export`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::progress::Progress;
use super::tenants::tenant_named;
use super::{Workplace, serve};
use crate::transfer::export::{Export, Format};

/// Hosts read at a time.
const PAGE: u32 = 500;

/// Write down all hosts and who uses them
#[derive(Args)]
pub struct ExportCommand {
    /// Whose hosts
    #[arg(long, default_value = "default", value_name = "NAME")]
    tenant: String,
    /// In which form
    #[arg(long, default_value = "csv")]
    format: FormatArgument,
    /// Where to [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatArgument {
    /// For spreadsheets
    Csv,
    /// One JSON object a line
    Ndjson,
}

impl ExportCommand {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        let tenant = tenant_named(place, &self.tenant).await?;
        let format = match self.format {
            FormatArgument::Csv => Format::Csv,
            FormatArgument::Ndjson => Format::Ndjson,
        };
        let runtime = serve::build(serve::runtime(place)?).await?;
        let total = runtime.stores().hosts.host_count(tenant.id).await?;
        let export = Export::new(runtime, tenant.id, format).await?;
        let cannot = || match &self.output {
            Some(path) => format!("cannot write `{}`", path.display()),
            None => "cannot write to standard output".to_owned(),
        };
        let output: Box<dyn Write> = match &self.output {
            Some(path) => Box::new(File::create(path).with_context(cannot)?),
            None => Box::new(std::io::stdout()),
        };
        let mut output = BufWriter::new(output);
        let mut progress = Progress::of(total, "hosts");
        output.write_all(&export.head()).with_context(cannot)?;
        let (mut after, mut hosts) = (None, 0);
        loop {
            let page = export.page(after.as_deref(), PAGE).await?;
            output.write_all(&page.text).with_context(cannot)?;
            hosts += page.hosts;
            progress.at(hosts);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        output.flush().with_context(cannot)?;
        progress.done();
        if self.output.is_some() {
            eprintln!("{hosts} hosts");
        }
        Ok(())
    }
}
