//! `nameplate inspect`: what a component says of itself.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use crate::config::Config;
use crate::hex::hex;
use crate::plugins::{Found, Shelf};
use crate::wasm::{Form, Inspection, Sandbox, WasmOptions};

const EXAMPLES: &str = "\
Examples:
  nameplate inspect plugin.wasm
  nameplate inspect plugin.wasm --json";

/// Say what a component is, and whether this runtime takes it
///
/// Reads the file, and `FILE.minisig` beside it, and runs nothing. The exit code is 1 if
/// this runtime would refuse the component.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Inspect {
    /// The component
    file: PathBuf,
    /// For programs
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn run(self, config: &Config) -> Result<()> {
        // Without a cache: looking at a file leaves nothing behind.
        let sandbox = Sandbox::new(WasmOptions::default())?;
        let shelf = Shelf::new(config.plugin_folder(), config.plugin_keys());
        let found = shelf.look_at(&self.file)?;
        let inspection = sandbox.inspect(&found.component);
        let untrusted = shelf.trusted(&found).err().map(|error| error.to_string());
        let refused = inspection.refused.clone().or(untrusted);
        if self.json {
            print_json(&found, &inspection, refused.as_deref());
        } else {
            print_text(&found, &inspection);
        }
        match refused {
            None => {
                if !self.json {
                    println!("this runtime takes it");
                }
                Ok(())
            }
            Some(why) => bail!(
                "this runtime does not take `{}`: {why}",
                self.file.display()
            ),
        }
    }
}

fn form(form: Form) -> &'static str {
    match form {
        Form::Component => "component",
        Form::Module => "core module",
        Form::Other => "no WebAssembly",
    }
}

/// The contract's name with the version the component speaks; none if it speaks none.
fn world(inspection: &Inspection) -> Option<String> {
    let versions = &inspection.versions;
    (!versions.is_empty()).then(|| format!("nameplate:scim/plugin@{}", versions.join(" and ")))
}

fn print_json(found: &Found, inspection: &Inspection, refused: Option<&str>) {
    let shown = json!({
        "form": form(inspection.form),
        "world": world(inspection),
        "imports": inspection.imports,
        "exports": inspection.exports,
        "bytes": found.component.len(),
        "sha256": hex(&found.pin),
        "signature": found.signature.as_str(),
        "accepted": refused.is_none(),
        "refused": refused,
    });
    println!("{shown:#}");
}

fn print_text(found: &Found, inspection: &Inspection) {
    println!("form       {}", form(inspection.form));
    println!("world      {}", world(inspection).as_deref().unwrap_or("-"));
    println!("bytes      {}", found.component.len());
    println!("sha256     {}", hex(&found.pin));
    println!("signature  {}", found.signature.as_str());
    for (title, names) in [
        ("imports", &inspection.imports),
        ("exports", &inspection.exports),
    ] {
        println!("{title}");
        for name in names {
            // A component names things as it likes, and must not steer the terminal.
            println!("  {}", name.replace(char::is_control, " "));
        }
    }
}
