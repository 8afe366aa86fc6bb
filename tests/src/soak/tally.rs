//! Asks as clients do that mean it: again after a 429 or 503, as often as real ones; and
//! counts what came back.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Plan;
use crate::process::{Answer, Client};

/// Tries before a client leaves it for its next round.
const TRIES: usize = 8;
/// Wrong things that are kept in words; the rest is counted.
const KEPT: usize = 40;

/// What was counted, by kind of request.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Answers by status; 0 for a connection that broke.
    pub statuses: BTreeMap<u16, u64>,
    micros: Vec<u32>,
}

impl Line {
    /// The time below which this share of the answers came, in milliseconds.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut micros = self.micros.clone();
        micros.sort_unstable();
        let at = (micros.len() as f64 * share) as usize;
        let found = micros.get(at).or(micros.last());
        f64::from(found.copied().unwrap_or_default()) / 1000.0
    }

    /// Answers whose status is in a range.
    pub fn count(&self, statuses: std::ops::Range<u16>) -> u64 {
        self.statuses.range(statuses).map(|(_, count)| count).sum()
    }
}

/// Counts and complaints of all clients.
#[derive(Default)]
pub struct Tally {
    lines: Mutex<BTreeMap<&'static str, Line>>,
    violations: Mutex<Vec<String>>,
}

impl Tally {
    /// By kind of request.
    pub fn lines(&self) -> BTreeMap<&'static str, Line> {
        lock(&self.lines).clone()
    }

    /// Everything that was wrong, in words.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.violations).clone()
    }

    /// Something is wrong.
    pub fn violation(&self, what: String) {
        let mut violations = lock(&self.violations);
        if violations.len() < KEPT {
            violations.push(what);
        }
    }

    fn note(&self, kind: &'static str, status: u16, took: Duration) {
        let mut lines = lock(&self.lines);
        let line = lines.entry(kind).or_default();
        *line.statuses.entry(status).or_default() += 1;
        if status != 0 {
            let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
            line.micros.push(micros);
        }
    }
}

/// What a client knows after it has asked.
pub enum Said {
    /// This was answered. After tries without an answer it may be about what one of
    /// those did (`true`).
    Sure(Answer, bool),
    /// Nothing that counts: it may have been done or not.
    Unsure,
}

/// One client's connection.
pub struct Asker {
    address: SocketAddr,
    token: String,
    mount: &'static str,
    plan: Plan,
    /// Where it counts.
    pub tally: Arc<Tally>,
    client: Option<Client>,
}

impl Asker {
    pub fn new(
        address: SocketAddr,
        token: &str,
        mount: &'static str,
        plan: &Plan,
        tally: &Arc<Tally>,
    ) -> Self {
        Self {
            address,
            token: token.to_owned(),
            mount,
            plan: *plan,
            tally: tally.clone(),
            client: None,
        }
    }

    /// Asks until it is answered or not worth it any more.
    pub fn ask(&mut self, kind: &'static str, method: &str, target: &str, body: &str) -> Said {
        sleep(self.plan.pause);
        let mut unsure = false;
        for _ in 0..TRIES {
            let began = Instant::now();
            let target = format!("{}{target}", self.mount);
            let Some(answer) = self.once(method, &target, body) else {
                self.tally.note(kind, 0, began.elapsed());
                unsure = true;
                continue;
            };
            self.tally.note(kind, answer.status, began.elapsed());
            let later = retry_after(&answer);
            match answer.status {
                429 | 500.. => {
                    unsure |= answer.status >= 500;
                    if later.is_none() {
                        let said = String::from_utf8_lossy(&answer.body);
                        self.tally.violation(format!(
                            "{method} {target}: {} without `Retry-After`: {said}",
                            answer.status
                        ));
                    }
                    let wait = later.unwrap_or_default();
                    sleep(wait.min(self.plan.longest_wait));
                }
                _ => return Said::Sure(answer, unsure),
            }
        }
        Said::Unsure
    }

    /// Asks for what has to be there once nothing fails any more.
    pub fn must(&mut self, method: &str, target: &str, body: &str) -> Option<Answer> {
        match self.ask("check", method, target, body) {
            Said::Sure(answer, _) => Some(answer),
            Said::Unsure => {
                let line = format!("{method} {target} has no answer when nothing fails");
                self.tally.violation(line);
                None
            }
        }
    }

    fn once(&mut self, method: &str, target: &str, body: &str) -> Option<Answer> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => Client::connect(self.address, &self.token).ok()?,
        };
        let answer = client.ask(method, target, body).ok()?;
        let closes = answer
            .head
            .lines()
            .any(|line| line.eq_ignore_ascii_case("connection: close"));
        self.client = (!closes).then_some(client);
        Some(answer)
    }
}

fn retry_after(answer: &Answer) -> Option<Duration> {
    answer.head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let seconds = name
            .eq_ignore_ascii_case("retry-after")
            .then(|| value.trim().parse().ok())??;
        Some(Duration::from_secs(seconds))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
