//! What tenants cost each other: the neighbours of a hostile component, and a thousand
//! idle tenants in one process.
//!
//! Run with `cargo bench -p nameplate-tests --bench tenants`, with `neighbours` or `many`
//! behind `--` for one of the two. Servers are child processes (this program again), so
//! that their memory is their own. Nothing fails by a time: the tables are for people.

mod many;
mod neighbours;
mod serving;

use anyhow::Result;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, folder] = args.as_slice()
        && mode == serving::MODE
    {
        return serving::serve(folder.as_ref());
    }
    let wanted = |name: &str| {
        let others = ["many", "neighbours"]
            .iter()
            .filter(|other| **other != name);
        !others
            .clone()
            .any(|other| args.iter().any(|arg| arg == other))
            || args.iter().any(|arg| arg == name)
    };
    if wanted("neighbours") {
        neighbours::run()?;
    }
    if wanted("many") {
        many::run()?;
    }
    Ok(())
}

/// The value below which this share of them lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    let last = sorted.len().saturating_sub(1);
    sorted.get(at.min(last)).copied().unwrap_or(f64::NAN)
}
