//! Requests in turns, their latency and their servers' processor time.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nameplate_tests::process::{Client, Server};

use crate::seed::{Seeded, at};

/// Turns each side takes; the first is for warming up and does not count.
const ROUNDS: usize = 11;
/// How long one turn lasts: some hundred writes, some thousand reads.
const TURN: Duration = Duration::from_millis(300);

/// A request and the statuses it may have.
pub struct Request {
    pub method: &'static str,
    pub target: String,
    pub body: String,
    pub status: &'static [u16],
}

/// Goes up, so that requests differ from each other.
#[derive(Default)]
pub struct Counter(usize);

impl Counter {
    pub fn next(&mut self) -> usize {
        self.0 += 1;
        self.0 - 1
    }

    /// Another one each time, not neighbours.
    pub fn pick<'a>(&mut self, of: &'a [String]) -> &'a str {
        at(of, self.next().wrapping_mul(7919))
    }
}

/// A server and what is in it.
pub struct Target {
    address: SocketAddr,
    pid: u32,
    seeded: Seeded,
    counter: Counter,
}

impl Target {
    pub fn new(server: &Server, seeded: Seeded) -> Self {
        Self {
            address: server.address(),
            pid: server.pid(),
            seeded,
            counter: Counter::default(),
        }
    }

    /// One turn: latencies and the processor time of all of them, in microseconds.
    fn turn(&mut self, request: fn(&Seeded, &mut Counter) -> Request) -> Result<Samples> {
        // A server closes connections that were idle since the last turn.
        let mut client = Client::connect(self.address, &self.seeded.token)?;
        let mut latencies = Vec::new();
        let before = cpu_of(self.pid)?;
        let began = Instant::now();
        while began.elapsed() < TURN {
            let request = request(&self.seeded, &mut self.counter);
            let sent = Instant::now();
            let answer = client.ask(request.method, &request.target, &request.body)?;
            latencies.push(micros(sent.elapsed()));
            ensure!(
                request.status.contains(&answer.status),
                "{} {}: {answer:?}",
                request.method,
                request.target
            );
        }
        let cpu = cpu_of(self.pid)?.saturating_sub(before);
        Ok(Samples {
            latencies,
            cpu: micros(cpu),
        })
    }
}

/// What was measured of one side, in one turn or in all.
#[derive(Default)]
pub struct Samples {
    pub latencies: Vec<f64>,
    pub cpu: f64,
}

impl Samples {
    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.cpu += other.cpu;
    }

    fn figures(mut self) -> Figures {
        self.latencies.sort_by(f64::total_cmp);
        let count = self.latencies.len();
        Figures {
            p50: self.latencies.get(count / 2).copied().unwrap_or(f64::NAN),
            cpu: self.cpu / count as f64,
        }
    }
}

/// Microseconds per request.
pub struct Figures {
    pub p50: f64,
    pub cpu: f64,
}

pub struct Compared {
    pub left: Figures,
    pub right: Figures,
}

/// The same request on both, in turns.
pub fn compare(
    left: &mut Target,
    right: &mut Target,
    request: fn(&Seeded, &mut Counter) -> Request,
) -> Result<Compared> {
    in_turns(|| left.turn(request), || right.turn(request))
}

/// Two measurements in turns: left first in even rounds, right first in odd ones.
pub fn in_turns(
    mut left: impl FnMut() -> Result<Samples>,
    mut right: impl FnMut() -> Result<Samples>,
) -> Result<Compared> {
    let (mut all_left, mut all_right) = (Samples::default(), Samples::default());
    for round in 0..ROUNDS {
        let (one, other) = if round % 2 == 0 {
            let one = left()?;
            (one, right()?)
        } else {
            let other = right()?;
            (left()?, other)
        };
        if round > 0 {
            all_left.add(one);
            all_right.add(other);
        }
    }
    Ok(Compared {
        left: all_left.figures(),
        right: all_right.figures(),
    })
}

pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Processor time of a process so far, the sum of its threads. In nanoseconds, where
/// `/proc/<pid>/stat` would count in hundredths of a second.
pub fn cpu_of(pid: u32) -> Result<Duration> {
    let tasks = format!("/proc/{pid}/task");
    let mut nanos = 0;
    for task in fs::read_dir(&tasks).with_context(|| format!("reading {tasks}"))? {
        // A thread that ends between the two looks is left out.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let first = text.split(' ').next().and_then(|word| word.parse().ok());
        nanos += first.unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}
