//! `plugin-build encode MODULE COMPONENT`: for builds whose core module was made
//! by another compiler than rustup's (see `.ci/guest-from-debian`).

use std::path::Path;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["encode", module, component] => {
            plugin_build::encode_file(Path::new(module), Path::new(component))
        }
        _ => bail!("usage: plugin-build encode MODULE COMPONENT"),
    }
}
