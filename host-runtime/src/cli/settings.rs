//! Settings on the command line: JSON objects in files.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

/// Settings with some schemas are a few kilobytes.
const MAX_SETTINGS: u64 = 256 << 10;

/// Shows stored settings to people.
pub(super) fn print(settings: &str) -> Result<()> {
    let settings: Value =
        serde_json::from_str(settings).context("the stored settings are not json")?;
    println!("{settings:#}");
    Ok(())
}

/// Settings as people write them down: a JSON object.
pub(super) fn read(path: &Path) -> Result<Map<String, Value>> {
    let name = path.display();
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .take(MAX_SETTINGS)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_SETTINGS).read_to_string(&mut text))
    };
    read.with_context(|| format!("cannot read the settings in `{name}`"))?;
    serde_json::from_str(&text).with_context(|| format!("`{name}` is no json object"))
}
