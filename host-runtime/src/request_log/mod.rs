//! The request log: what came in and what became of it, in words.
//!
//! Lines are kept in memory for a moment and written together, so that a read costs
//! no disk write of its own. The log must not hold a token, a body or a query: what can
//! be added is a [`LogLine`], whose texts are looked through as they are made. What a
//! client sent is kept beside a line where an operator asked for it ([`record`]).

pub mod advice;
mod line;
pub mod record;
mod strangers;
pub mod text;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use nameplate_store::{
    ConnectionId, ControlStore, LogNote, NoteLevel, RequestEntry, RequestQuery, Retention,
    StoreError, TenantId, Timestamp,
};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::auth::Authenticator;
use crate::clock::Clock;
pub use line::{LogCaller, LogLine, LogRemark};
use strangers::{Place, Strangers};
pub use text::cut_chars;

/// How much of the log of a tenant is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Lines: some weeks of a quiet connection, minutes of a first synchronisation.
    pub lines: u64,
    /// For so long.
    pub age: Duration,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            lines: 10_000,
            age: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

/// Written at the latest after this. What a crash may lose is about reading, not
/// about the directory.
const DELAY: Duration = Duration::from_millis(250);
/// Written at once when this many wait.
const BATCH: usize = 256;
/// Beyond this the database is not keeping up, and the oldest lines are dropped:
/// about 2 MiB.
const MAX_WAITING: usize = 8192;
/// How often a reader who waits looks for lines that other processes have written.
const LOOK: Duration = Duration::from_millis(500);
/// Readers of one tenant that may wait at the same time.
const WAITERS: usize = 8;
/// How often the tenants are gone through for lines that are too old.
const TIDY: Duration = Duration::from_secs(3600);

/// What requests gave reason to remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Which connection's requests.
    pub connection: Option<ConnectionId>,
    /// One line.
    pub text: String,
    /// How many of the requests looked at.
    pub requests: u32,
    /// When last.
    pub last: Timestamp,
}

/// Buffers and writes the log, and the last use of tokens along with it.
pub struct RequestLog {
    control: Arc<dyn ControlStore>,
    auth: Arc<Authenticator>,
    clock: Arc<dyn Clock>,
    keep: Keep,
    /// How many lines were dropped.
    lost: Counter,
    waiting: Mutex<Waiting>,
    strangers: Strangers,
    /// Rung with every line.
    arrived: Notify,
    readers: Mutex<HashMap<TenantId, usize>>,
    aging: Mutex<Aging>,
    /// Held while writing, so that a flush returns only after an earlier one has.
    writer: tokio::sync::Mutex<()>,
    this: Weak<Self>,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<RequestEntry>,
    dropped: u64,
    scheduled: bool,
    urgent: bool,
}

/// Whose old lines are looked for next.
#[derive(Default)]
struct Aging {
    tenants: Vec<TenantId>,
    began: Option<Instant>,
}

/// Too many wait for lines of this tenant already.
#[derive(Debug, PartialEq, Eq)]
pub struct Crowd;

impl RequestLog {
    /// Over the control tables; lines that are dropped are counted in `lost`.
    pub fn new(
        control: Arc<dyn ControlStore>,
        auth: Arc<Authenticator>,
        clock: Arc<dyn Clock>,
        keep: Keep,
        lost: Counter,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            control,
            auth,
            clock,
            keep,
            lost,
            waiting: Mutex::default(),
            strangers: Strangers::default(),
            arrived: Notify::new(),
            readers: Mutex::default(),
            aging: Mutex::default(),
            writer: tokio::sync::Mutex::default(),
            this: this.clone(),
        })
    }

    /// Adds a line. MUST be called within a Tokio runtime, on which the line is written a
    /// moment later.
    ///
    /// Of those who are not let in or come too fast some get a line a minute, the others
    /// a count at its end: strangers must not wash out what is worth reading.
    pub fn add(&self, line: LogLine) {
        let (tenant, at) = (line.tenant, line.at);
        if matches!(line.status, 401 | 429) {
            match self.strangers.place(tenant) {
                Place::Listed => {}
                Place::Counted => return,
                Place::FirstCounted(end) => return self.tell_later(tenant, at, end),
            }
        }
        self.push(line.entry());
    }

    /// Tells how many had no line, once their minute is over.
    fn tell_later(&self, tenant: TenantId, at: Timestamp, end: Instant) {
        let Some(this) = self.this.upgrade() else {
            return;
        };
        tokio::spawn(async move {
            tokio::time::sleep_until(end).await;
            let count = this.strangers.counted(tenant);
            this.push(line::counted(tenant, at, count).entry());
        });
    }

    fn push(&self, entry: RequestEntry) {
        let (schedule, urgent) = {
            let mut waiting = self.waiting();
            if waiting.lines.len() >= MAX_WAITING {
                waiting.lines.pop_front();
                waiting.dropped += 1;
            }
            waiting.lines.push_back(entry);
            let urgent = waiting.lines.len() >= BATCH && !waiting.urgent;
            let schedule = !waiting.scheduled;
            waiting.scheduled = true;
            waiting.urgent |= urgent;
            (schedule, urgent)
        };
        self.arrived.notify_waiters();
        if urgent {
            self.spawn_flush(Duration::ZERO);
        } else if schedule {
            self.spawn_flush(DELAY);
        }
    }

    /// Sees to it that a token's use is written soon, even if no line comes.
    pub fn nudge(&self) {
        let schedule = self.auth.has_uses() && {
            let mut waiting = self.waiting();
            !std::mem::replace(&mut waiting.scheduled, true)
        };
        if schedule {
            self.spawn_flush(DELAY);
        }
    }

    fn spawn_flush(&self, delay: Duration) {
        let Some(this) = self.this.upgrade() else {
            return;
        };
        tokio::spawn(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            this.flush().await;
        });
    }

    /// Writes what waits. What cannot be written is lost with a warning: a log must
    /// not stop the work it tells of.
    pub async fn flush(&self) {
        let _writing = self.writer.lock().await;
        let (lines, dropped) = {
            let mut waiting = self.waiting();
            waiting.scheduled = false;
            waiting.urgent = false;
            (
                std::mem::take(&mut waiting.lines),
                std::mem::take(&mut waiting.dropped),
            )
        };
        if dropped > 0 {
            self.lost.inc_by(dropped);
            tracing::warn!(
                dropped,
                "the database is slow; lines of the request log are lost"
            );
        }
        if !lines.is_empty() {
            let count = lines.len();
            if let Err(error) = self
                .control
                .log_requests(lines.into(), &self.retention())
                .await
            {
                tracing::warn!(count, %error, "cannot write the request log");
            }
        }
        let uses = self.auth.take_uses();
        if !uses.is_empty()
            && let Err(error) = self.control.touch_tokens(&uses).await
        {
            tracing::warn!(%error, "cannot note the last use of tokens");
        }
    }

    /// What is kept, as things stand now.
    fn retention(&self) -> Retention {
        let age = u64::try_from(self.keep.age.as_millis()).unwrap_or(u64::MAX);
        Retention {
            lines: self.keep.lines,
            since: self.clock.now().saturating_sub(age),
        }
    }

    /// Reads lines, without what was recorded.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn read(
        &self,
        tenant: TenantId,
        query: &RequestQuery,
    ) -> Result<Vec<RequestEntry>, StoreError> {
        self.flush().await;
        self.control.requests(tenant, query).await
    }

    /// Reads lines like [`Self::read`]; if there are none, waits until there are, at most
    /// `most` long. [`Crowd`] if too many wait already.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn wait(
        &self,
        tenant: TenantId,
        query: &RequestQuery,
        most: Duration,
    ) -> Result<Result<Vec<RequestEntry>, Crowd>, StoreError> {
        let Some(_reader) = Reader::of(self, tenant) else {
            return Ok(Err(Crowd));
        };
        let end = Instant::now() + most;
        loop {
            let arrived = self.arrived.notified();
            let found = self.read(tenant, query).await?;
            let left = end.saturating_duration_since(Instant::now());
            if !found.is_empty() || left.is_zero() {
                return Ok(Ok(found));
            }
            tokio::select! {
                () = arrived => {}
                () = tokio::time::sleep(left.min(LOOK)) => {}
            }
        }
    }

    /// The newest line of this name, in one tenant or in all, with what was recorded.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn find(
        &self,
        tenant: TenantId,
        request_id: &str,
    ) -> Result<Option<RequestEntry>, StoreError> {
        self.flush().await;
        self.control.request(Some(tenant), request_id).await
    }

    /// The newest line that counts as "the last request of the identity provider".
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn last_idp_request(
        &self,
        tenant: TenantId,
    ) -> Result<Option<RequestEntry>, StoreError> {
        self.flush().await;
        self.control.last_idp_request(tenant).await
    }

    /// What the newest `lines` requests gave reason to remark: each deviation that was
    /// accepted and each warning once, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn remarks(&self, tenant: TenantId, lines: u32) -> Result<Vec<Remark>, StoreError> {
        let mut remarks: Vec<Remark> = Vec::new();
        let mut known: HashMap<(Option<ConnectionId>, String), usize> = HashMap::new();
        for entry in self.read(tenant, &RequestQuery::newest(lines)).await? {
            let (connection, at) = (entry.connection, entry.at);
            let notes = entry.notes.into_iter();
            for note in notes.filter(|note| note.level != NoteLevel::Action) {
                let text = words(&note);
                let place = *known
                    .entry((connection, text.clone()))
                    .or_insert(remarks.len());
                match remarks.get_mut(place) {
                    Some(remark) => remark.requests += 1,
                    None => remarks.push(Remark {
                        connection,
                        text,
                        requests: 1,
                        last: at,
                    }),
                }
            }
        }
        Ok(remarks)
    }

    /// Forgets old lines of one tenant, another with each call: lines of a tenant that
    /// nobody speaks to any more grow old too. All have their turn once an hour.
    ///
    /// # Errors
    /// If the store cannot be read or written.
    pub async fn age(&self) -> Result<(), StoreError> {
        let next = lock(&self.aging).tenants.pop();
        if let Some(tenant) = next {
            let forgotten = self
                .control
                .trim_requests(tenant, &self.retention())
                .await?;
            if forgotten > 0 {
                // There may be more.
                lock(&self.aging).tenants.push(tenant);
            }
            return Ok(());
        }
        let rest = |began: Instant| began.elapsed() < TIDY;
        if lock(&self.aging).began.is_some_and(rest) {
            return Ok(());
        }
        let tenants = self.control.tenants().await?;
        let mut aging = lock(&self.aging);
        aging.began = Some(Instant::now());
        aging.tenants = tenants.into_iter().map(|tenant| tenant.id).collect();
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

/// Somebody who waits for lines.
struct Reader<'a>(&'a RequestLog, TenantId);

impl<'a> Reader<'a> {
    fn of(log: &'a RequestLog, tenant: TenantId) -> Option<Self> {
        let mut readers = lock(&log.readers);
        let count = readers.entry(tenant).or_default();
        if *count >= WAITERS {
            return None;
        }
        *count += 1;
        Some(Self(log, tenant))
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut readers = lock(&self.0.readers);
        if let Some(count) = readers.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                readers.remove(&self.1);
            }
        }
    }
}

/// What is guarded is whole at every moment, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A remark as people read it. What was accepted or has to be looked at begins with its
/// code, so that lines of one kind can be found.
pub fn words(note: &LogNote) -> String {
    let LogNote { level, code, text } = note;
    match level {
        NoteLevel::Action => text.clone(),
        NoteLevel::Quirk => format!("accepted with {code}: {text}"),
        NoteLevel::Warning => format!("warning {code}: {text}"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
