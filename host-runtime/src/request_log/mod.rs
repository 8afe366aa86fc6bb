//! The request log: what came in and what became of it, in words.
//!
//! Lines are kept in memory for a moment and written together, so that a read costs
//! no disk write of its own. The log must not hold a token, a body or a query.

pub mod advice;
pub mod text;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use nameplate_store::{
    ConnectionId, ControlStore, LogNote, NoteLevel, RequestEntry, RequestQuery, Retention,
    StoreError, TenantId, Timestamp,
};

use crate::auth::Authenticator;
use text::cut_bytes;
pub use text::cut_chars;

/// Lines kept for each tenant: some weeks of a quiet connection, minutes of a first
/// synchronisation.
const KEEP: Retention = Retention {
    lines: 10_000,
    since: 0,
};
/// Written at the latest after this. What a crash may lose is about reading, not
/// about the directory.
const DELAY: Duration = Duration::from_millis(250);
/// Written at once when this many wait.
const BATCH: usize = 256;
/// Beyond this the database is not keeping up, and the oldest lines are dropped:
/// about 2 MiB.
const MAX_WAITING: usize = 8192;
/// A path is cut here; ids are far shorter.
const PATH_BYTES: usize = 1024;
/// What Fleet's `details` field holds.
const DETAIL_CHARS: usize = 255;
/// Remarks of one request, and bytes of each.
const NOTES: usize = 64;
const NOTE_BYTES: usize = 1024;
/// Bytes of a remark's code.
const CODE_BYTES: usize = 128;

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
    waiting: Mutex<Waiting>,
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

impl RequestLog {
    /// Over the control tables.
    pub fn new(control: Arc<dyn ControlStore>, auth: Arc<Authenticator>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            control,
            auth,
            waiting: Mutex::default(),
            writer: tokio::sync::Mutex::default(),
            this: this.clone(),
        })
    }

    /// Adds a line; sizes are cut to their limits. MUST be called within a Tokio
    /// runtime, on which the line is written a moment later.
    pub fn add(&self, mut entry: RequestEntry) {
        cut_bytes(&mut entry.path, PATH_BYTES);
        entry.detail = cut_chars(&entry.detail, DETAIL_CHARS);
        entry.notes.truncate(NOTES);
        for note in &mut entry.notes {
            cut_bytes(&mut note.code, CODE_BYTES);
            cut_bytes(&mut note.text, NOTE_BYTES);
        }
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
            tracing::warn!(
                dropped,
                "the database is slow; lines of the request log are lost"
            );
        }
        if !lines.is_empty() {
            let count = lines.len();
            if let Err(error) = self.control.log_requests(lines.into(), &KEEP).await {
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

    /// Reads lines, the newest first, below id `before`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn read(
        &self,
        tenant: TenantId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<RequestEntry>, StoreError> {
        self.flush().await;
        let query = RequestQuery {
            before,
            ..RequestQuery::newest(limit)
        };
        self.control.requests(tenant, &query).await
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
        for entry in self.read(tenant, None, lines).await? {
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

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use nameplate_store::memory::MemoryStore;

    use super::*;
    use crate::clock::Sources;
    use crate::setup;

    async fn log() -> (Arc<RequestLog>, MemoryStore, TenantId) {
        let (store, sources) = (MemoryStore::new(), Sources::default());
        let tenant = setup::add_tenant(&store, &sources, "acme").await.unwrap();
        let auth = Authenticator::new(Arc::new(store.clone()), sources.clock);
        let log = RequestLog::new(Arc::new(store.clone()), Arc::new(auth));
        (log, store, tenant.id)
    }

    fn entry(tenant: TenantId, status: u16) -> RequestEntry {
        RequestEntry {
            status,
            from_idp: true,
            ..RequestEntry::of(tenant, 1)
        }
    }

    #[tokio::test]
    async fn a_read_sees_every_line_added_before_it() {
        let (log, _, tenant) = log().await;
        log.add(entry(tenant, 200));
        log.add(entry(tenant, 404));
        let read = log.read(tenant, None, 10).await.unwrap();
        let statuses: Vec<_> = read.iter().map(|entry| entry.status).collect();
        assert_eq!(statuses, [404, 200]);
        let last = log.last_idp_request(tenant).await.unwrap().unwrap();
        assert_eq!(last.status, 404);
    }

    #[tokio::test(start_paused = true)]
    async fn lines_are_written_a_moment_later_without_a_reader() {
        let (log, store, tenant) = log().await;
        log.add(entry(tenant, 200));
        assert!(
            store
                .requests(tenant, &RequestQuery::newest(10))
                .await
                .unwrap()
                .is_empty()
        );
        tokio::time::sleep(DELAY * 2).await;
        assert_eq!(
            store
                .requests(tenant, &RequestQuery::newest(10))
                .await
                .unwrap()
                .len(),
            1
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_batch_is_written_without_waiting() {
        let (log, store, tenant) = log().await;
        for _ in 0..BATCH {
            log.add(entry(tenant, 200));
        }
        tokio::time::sleep(DELAY / 10).await;
        assert_eq!(
            store
                .requests(tenant, &RequestQuery::newest(1000))
                .await
                .unwrap()
                .len(),
            BATCH
        );
    }

    #[tokio::test]
    async fn long_paths_details_and_notes_are_cut_between_characters() {
        let (log, _, tenant) = log().await;
        let note = LogNote {
            level: NoteLevel::Quirk,
            code: "é".repeat(100),
            text: "é".repeat(2000),
        };
        log.add(RequestEntry {
            path: "/é".repeat(1000),
            detail: "é".repeat(300),
            notes: vec![note; 100],
            ..entry(tenant, 400)
        });
        let read = log.read(tenant, None, 1).await.unwrap();
        let line = read.first().unwrap();
        assert!(line.path.len() <= PATH_BYTES);
        assert_eq!(line.detail.chars().count(), DETAIL_CHARS);
        assert_eq!(line.notes.len(), NOTES);
        let fits = |note: &LogNote| note.code.len() <= CODE_BYTES && note.text.len() <= NOTE_BYTES;
        assert!(line.notes.iter().all(fits));
    }
}
