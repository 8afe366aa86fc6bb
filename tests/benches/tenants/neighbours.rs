//! A neighbour at 50 requests a second, alone and beside each way to misbehave.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use nameplate_tests::hostile::{self, Misdeed};
use nameplate_tests::process::Client;
use tempfile::TempDir;

use crate::{quantile, serving};

/// Between two requests of the neighbour.
const PACE: Duration = Duration::from_millis(20);
/// Requests of one measurement: twenty seconds' worth.
const REQUESTS: u32 = 1000;
/// Connections of the hostile tenant, each of which asks without pause.
const HOSTILE: usize = 4;

/// Prints the table.
pub fn run() -> Result<()> {
    let folder = TempDir::new()?;
    let names = ["neighbour".to_owned(), "hostile".to_owned()];
    let tokens = serving::seed(folder.path(), &names)?;
    let [neighbour, evil] = <[String; 2]>::try_from(tokens).map_err(|_| anyhow!("two tokens"))?;
    serving::pin(folder.path(), "hostile", &hostile::component())?;
    let server = serving::start(folder.path())?;
    let address = server.address();
    // Warm, both of them.
    measure(address, &neighbour, 100)?;
    Client::connect(address, &evil)?.get("/scim/v2/fine")?;
    println!(
        "\na neighbour at {} requests a second, alone and beside {HOSTILE} connections of a \
         hostile component",
        1000 / PACE.as_millis()
    );
    println!(
        "  {:<12}{:>14}{:>14}{:>14}{:>14}{:>8}{:>12}",
        "beside", "alone p50", "beside p50", "alone p99", "beside p99", "ratio", "misdeeds"
    );
    for misdeed in Misdeed::ALL {
        let alone = measure(address, &neighbour, REQUESTS)?;
        let (beside, done) = beside(address, &evil, misdeed, || {
            measure(address, &neighbour, REQUESTS)
        })?;
        let [p50, p50_beside] = [&alone, &beside].map(|all| quantile(all, 0.5));
        let [p99, p99_beside] = [&alone, &beside].map(|all| quantile(all, 0.99));
        println!(
            "  {:<12}{p50:>11.2} ms{p50_beside:>11.2} ms{p99:>11.2} ms{p99_beside:>11.2} ms\
             {:>8.2}{done:>12}",
            misdeed.path(),
            p99_beside / p99
        );
    }
    Ok(())
}

/// Latencies in milliseconds, sorted, counted from when a request was due: a server that
/// stalls is not spared the requests it kept from being sent.
fn measure(address: SocketAddr, token: &str, requests: u32) -> Result<Vec<f64>> {
    let mut client = Client::connect(address, token)?;
    let mut latencies = Vec::new();
    let began = Instant::now();
    for number in 0..requests {
        let due = began + PACE * number;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let answer = client.get("/scim/v2/Users?count=1")?;
        latencies.push(due.elapsed().as_secs_f64() * 1e3);
        ensure!(answer.status == 200, "the neighbour was told {answer:?}");
    }
    latencies.sort_by(f64::total_cmp);
    Ok(latencies)
}

/// Runs `work` while the hostile tenant does its worst; and how often it did.
fn beside<T>(
    address: SocketAddr,
    token: &str,
    misdeed: Misdeed,
    work: impl FnOnce() -> Result<T>,
) -> Result<(T, u32)> {
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let hostile: Vec<_> = (0..HOSTILE)
        .map(|_| {
            let (stop, done, token) = (stop.clone(), done.clone(), token.to_owned());
            thread::spawn(move || -> Result<()> {
                let mut client = Client::connect(address, &token)?;
                while !stop.load(Ordering::Relaxed) {
                    let target = format!("/scim/v2{}", misdeed.path());
                    let answer = client.get(&target)?;
                    // Over its rate it is told to wait: it does not.
                    ensure!(
                        matches!(answer.status, 429 | 503),
                        "{misdeed:?}: {answer:?}"
                    );
                    if answer.status == 503 {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Ok(())
            })
        })
        .collect();
    let worked = work();
    stop.store(true, Ordering::Relaxed);
    for task in hostile {
        task.join().map_err(|_| anyhow!("a thread failed"))??;
    }
    Ok((worked?, done.load(Ordering::Relaxed)))
}
