//! A thousand tenants in one process: memory while they are idle, and the first request
//! after that.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nameplate_tests::process::Client;
use tempfile::TempDir;

use crate::{quantile, serving};

/// Asked first, so that the pool of instances is as full as it gets.
const FIRST: usize = 200;
/// The tenants that are counted.
const TENANTS: usize = 1000;
/// After this the sandbox of an idle tenant is gone.
const IDLE: Duration = Duration::from_secs(75);

/// Prints the figures.
pub fn run() -> Result<()> {
    let folder = TempDir::new()?;
    let names: Vec<_> = (0..FIRST + TENANTS).map(|n| format!("t{n}")).collect();
    println!("\nseeding {} tenants …", names.len());
    let tokens = serving::seed(folder.path(), &names)?;
    let (first, tokens) = tokens.split_at(FIRST);
    let server = serving::start(folder.path())?;
    let address = server.address();
    for token in first {
        ask(address, token, 1)?;
    }
    thread::sleep(IDLE);
    let before = resident(server.pid())?;
    for token in tokens {
        ask(address, token, 1)?;
    }
    let busy = resident(server.pid())?;
    thread::sleep(IDLE);
    let after = resident(server.pid())?;
    println!("{TENANTS} idle tenants, after one request each and {IDLE:?} of rest");
    println!("  resident before           {before:>9} KB");
    println!("  resident right after      {busy:>9} KB");
    println!("  resident at rest          {after:>9} KB");
    println!(
        "  per idle tenant           {:>11.1} KB",
        (after as f64 - before as f64) / TENANTS as f64
    );
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for token in tokens {
        let latencies = ask(address, token, 6)?;
        let (one, others) = latencies.split_first().context("a request")?;
        cold.push(*one);
        warm.extend_from_slice(others);
    }
    for latencies in [&mut cold, &mut warm] {
        latencies.sort_by(f64::total_cmp);
    }
    println!("  {:<26}{:>12}{:>12}{:>8}", "", "first", "warm", "ratio");
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
        let (one, other) = (quantile(&cold, share), quantile(&warm, share));
        println!(
            "  {name:<26}{one:>9.0} µs{other:>9.0} µs{:>8.2}",
            one / other
        );
    }
    Ok(())
}

/// Latencies of so many requests, in microseconds.
fn ask(address: SocketAddr, token: &str, times: usize) -> Result<Vec<f64>> {
    let mut client = Client::connect(address, token)?;
    // A connection of its own has a price too, and the same for both.
    client.get("/healthz")?;
    let mut latencies = Vec::new();
    for _ in 0..times {
        let sent = Instant::now();
        let answer = client.get("/scim/v2/Users?filter=userName%20eq%20%22ana%22")?;
        latencies.push(sent.elapsed().as_secs_f64() * 1e6);
        ensure!(answer.status == 200, "{answer:?}");
    }
    Ok(latencies)
}

/// In kilobytes.
fn resident(pid: u32) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.context("VmRSS")?.parse()?)
}
