//! Minutes of mixed load on a store that fails, and what it leaves: nothing lost, nothing
//! grown.
//!
//! Run with `cargo bench -p nameplate-tests --bench soak -- --minutes 10`. The server is a
//! child process (this program again), so that its memory is its own.

#![expect(clippy::panic, reason = "a bench fails loudly")]

use std::io::BufRead;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nameplate_runtime::limits::Limits;
use nameplate_runtime::wasm::EMBEDDED;
use nameplate_store_sql::{SqliteOptions, SqliteStore};
use nameplate_tests::component;
use nameplate_tests::faulty::Faults;
use nameplate_tests::process::Server;
use nameplate_tests::soak::{self, Plan, Serving, Tally};

/// The first argument of a process that serves.
const MODE: &str = "serve-the-soak";
const SEED: u64 = 11;
/// SQLite's page cache: full within the first minute, so that what grows afterwards is
/// not the cache.
const CACHE: u64 = 4 << 20;
/// Between two looks at the server's memory.
const LOOK: Duration = Duration::from_secs(2);
/// Memory at the end against its level once warm. Caches and the allocator's free lists
/// still move by a few per cent; a leak of 1 KiB a request would be over it by far.
const MEMORY: f64 = 1.10;
/// Files open at the end beyond those open once warm: connections come and go.
const FILES: f64 = 8.0;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.as_slice() {
        [mode, database] if mode == MODE => serve(Path::new(database)).map(|()| true),
        args => minutes(args).and_then(soak),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Half a minute unless told: enough to see that it runs.
fn minutes(args: &[String]) -> Result<f64> {
    let at = args.iter().position(|arg| arg == "--minutes");
    match at.map(|at| args.get(at + 1)) {
        None => Ok(0.5),
        Some(Some(minutes)) => minutes.parse().context("`--minutes` takes a number"),
        Some(None) => bail!("`--minutes` takes a number"),
    }
}

fn soak(minutes: f64) -> Result<bool> {
    let folder = tempfile::TempDir::new()?;
    let database = folder.path().join("nameplate.db");
    let plan = Plan {
        tenants: 4,
        lasts: Duration::from_secs_f64(minutes * 60.0),
        pause: Duration::from_millis(20),
        longest_wait: Duration::from_millis(500),
        seed: SEED,
    };
    let tenants = {
        let store = SqliteStore::open(&database, SqliteOptions::default())?;
        let tenants = tokio::runtime::Runtime::new()?
            .block_on(async { soak::tenants(&store, plan.tenants).await });
        store.close();
        tenants
    };
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(MODE).arg(&database).stdin(Stdio::piped());
    let mut server = Server::start(command)?;
    let (address, pid) = (server.address(), server.pid());
    let stop = Arc::new(AtomicBool::new(false));
    let watching = std::thread::spawn({
        let stop = stop.clone();
        move || watch(pid, &stop)
    });
    println!("{minutes} minutes, {} tenants, seed {SEED} …", plan.tenants);
    let mut failed = String::new();
    let tally = soak::run(address, &tenants, &plan, |on| {
        let answer = server.order(if on { "storm" } else { "calm" });
        failed = answer.unwrap_or_else(|error| panic!("the server is gone: {error}"));
        stop.store(!on, Ordering::Relaxed);
    });
    let left = server.order("reconcile")?;
    let samples = watching.join().unwrap_or_default();
    print_requests(&tally);
    println!("\nfaults: {failed}");
    println!("hosts that a look at all of them found wrong: {left}");
    let flat = print_samples(&samples, plan.lasts);
    let violations = tally.violations();
    for violation in &violations {
        println!("WRONG: {violation}");
    }
    println!("\n{} wrong", violations.len());
    server.stop()?;
    Ok(violations.is_empty() && left == "0" && flat)
}

/// The server: orders come on standard input, answers go to standard output.
fn serve(database: &Path) -> Result<()> {
    let plugin = Arc::new(component(EMBEDDED, &Limits::default())?);
    let runtime = tokio::runtime::Runtime::new()?;
    let options = SqliteOptions {
        cache_bytes: CACHE,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(database, options)?;
    let serving = runtime.block_on(Serving::start(store, plugin, SEED));
    println!("http://{}", serving.address);
    for order in std::io::stdin().lock().lines() {
        match order?.as_str() {
            "storm" => {
                serving.store.switch(Some(Faults::bad()));
                println!("on");
            }
            "calm" => {
                serving.store.switch(None);
                println!("{:?}", serving.store.failed());
            }
            "reconcile" => match runtime.block_on(serving.reconcile()) {
                Ok(changed) => println!("{changed}"),
                Err(error) => println!("{error}"),
            },
            other => bail!("`{other}` is no order"),
        }
    }
    Ok(())
}

/// What a process uses at one time.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    /// MiB.
    memory: f64,
    files: f64,
}

fn watch(pid: u32, stop: &AtomicBool) -> Vec<Sample> {
    let began = Instant::now();
    let mut samples = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK);
        if let Some((memory, files)) = used(pid) {
            samples.push(Sample {
                at: began.elapsed(),
                memory,
                files,
            });
        }
    }
    samples
}

/// Resident memory in MiB and open files.
fn used(pid: u32) -> Option<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some((kib / 1024.0, files as f64))
}

fn print_requests(tally: &Tally) {
    println!(
        "\n  {:<16}{:>9}{:>9}{:>8}{:>8}{:>8}{:>8}{:>10}{:>10}",
        "", "asked", "2xx", "4xx", "503", "5xx", "broken", "p50", "p99"
    );
    for (kind, line) in tally.lines() {
        println!(
            "  {kind:<16}{:>9}{:>9}{:>8}{:>8}{:>8}{:>8}{:>7.1} ms{:>7.1} ms",
            line.count(0..1000),
            line.count(200..300),
            line.count(400..500),
            line.count(503..504),
            line.count(500..600) - line.count(503..504),
            line.count(0..1),
            line.quantile(0.5),
            line.quantile(0.99),
        );
    }
}

/// Memory and files by tenths of the time; are they flat.
fn print_samples(samples: &[Sample], lasts: Duration) -> bool {
    println!("\n  {:<16}{:>12}{:>12}", "", "memory", "open files");
    let within = |from: f64, to: f64| -> Vec<Sample> {
        let inside = |sample: &&Sample| {
            let share = sample.at.as_secs_f64() / lasts.as_secs_f64();
            (from..to).contains(&share)
        };
        samples.iter().filter(inside).copied().collect()
    };
    for tenth in 0..10 {
        let from = f64::from(tenth) / 10.0;
        let some = within(from, from + 0.1);
        println!(
            "  {:<16}{:>8.1} MiB{:>12.1}",
            format!("{:.1} min", lasts.as_secs_f64() / 60.0 * (from + 0.1)),
            mean(&some, |sample| sample.memory),
            mean(&some, |sample| sample.files),
        );
    }
    let (warm, end) = (within(0.2, 0.5), within(0.7, 1.1));
    let (before, after) = (mean(&warm, |s| s.memory), mean(&end, |s| s.memory));
    let (few, many) = (mean(&warm, |s| s.files), mean(&end, |s| s.files));
    println!(
        "  memory {before:.1} -> {after:.1} MiB ({:.3}), slope in the second half {:.3} MiB a \
         minute; files {few:.1} -> {many:.1}",
        after / before,
        slope(&within(0.5, 1.1)),
    );
    after / before < MEMORY && many < few + FILES
}

fn mean(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    samples.iter().map(of).sum::<f64>() / samples.len() as f64
}

/// MiB a minute, by least squares.
fn slope(samples: &[Sample]) -> f64 {
    let minutes = |sample: &Sample| sample.at.as_secs_f64() / 60.0;
    let (x, y) = (
        mean(samples, minutes),
        mean(samples, |sample| sample.memory),
    );
    let (mut above, mut below) = (0.0, 0.0);
    for sample in samples {
        let distance = minutes(sample) - x;
        above += distance * (sample.memory - y);
        below += distance * distance;
    }
    above / below
}
