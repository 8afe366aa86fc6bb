//! The embedded default: one SQLite file.
//!
//! One thread writes (`writer`), in groups, with the log synced before anybody
//! is answered. Reads run on the thread that asks, on a pool of read-only
//! connections: each is an indexed lookup or a bounded page, a few microseconds
//! to a few milliseconds, cheaper than handing it to another thread.

mod backup;
mod below;
mod codec;
mod control;
#[cfg(test)]
mod cost;
mod departures;
mod erasure;
mod errors;
mod events;
mod find;
mod health;
mod hosts;
mod rows;
mod schema;
mod timing;
mod unit;
mod users;
mod webhooks;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nameplate_store::StoreError;
use rusqlite::Connection;

use errors::Fault;
pub use timing::{Timing, Work};
use writer::Writer;

pub use backup::restore;
pub use health::{Health, health};

/// How a database file is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// Page cache of all connections together, in bytes.
    pub cache_bytes: u64,
    /// Idle connections kept for reading. More are opened while more threads
    /// read at once, and closed after.
    pub readers: usize,
    /// How long to wait for another process that writes.
    pub busy_timeout: Duration,
    /// Writes that share one sync at most: bounds how long the first one waits
    /// for the last.
    pub group: usize,
    /// Events kept per tenant: older ones are forgotten once they are settled. A
    /// reader of the log that falls behind by more misses some, so fewer than the
    /// default is for tests.
    pub events: u64,
    /// Events kept per tenant at most while a webhook that is not paused has still to
    /// pass them.
    pub events_waiting: u64,
    /// Who is told how long everything takes.
    pub timing: Timing,
}

/// What a reader of the log may fall behind: some weeks of a lively directory of
/// 10,000 people. At about 2 KiB each, 200 MB of a tenant's file at most.
const EVENTS: u64 = 100_000;

/// What a webhook may fall behind before it misses some: a weekend in which a directory
/// of 100,000 people is pushed anew. 2 GB of a tenant's file at most.
const EVENTS_WAITING: u64 = 1_000_000;

/// Old rows forgotten with each new one, of commits, of events and of spans: more than one,
/// so that a table shrinks after a burst; few, so that nobody waits for it.
const FORGET: i64 = 8;

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 32 << 20,
            readers: std::thread::available_parallelism().map_or(2, usize::from),
            busy_timeout: Duration::from_secs(5),
            group: 256,
            events: EVENTS,
            events_waiting: EVENTS_WAITING,
            timing: Timing::default(),
        }
    }
}

/// Directory, hosts and control tables in one SQLite file. Clones share it; the
/// last one closes it.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    options: SqliteOptions,
    idle: Mutex<Vec<Connection>>,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the file, creates it if absent, brings its schema up to date and
    /// starts the writer.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a file of another program or of a newer
    /// version, [`StoreError::Corrupt`] for no database,
    /// [`StoreError::Unavailable`] where it cannot be opened now.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        let connection = schema::open_writer(path, &options).map_err(|fault| fault.0)?;
        let writer = Writer::start(connection, options.group, options.timing.clone())?;
        let inner = Inner {
            path: path.to_owned(),
            options,
            idle: Mutex::default(),
            writer,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Writes what waits, folds the log into the file and closes it; blocks until
    /// done. Later writes are [`StoreError::Unavailable`]. Dropping the last clone
    /// does the same.
    pub fn close(&self) {
        self.inner.close();
    }

    /// Runs a read on a connection of the pool, here and now.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        let inner = &self.inner;
        let idle = inner
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::open_reader(&inner.path, &inner.options).map_err(|fault| fault.0)?,
        };
        let result = {
            let _running = inner.options.timing.begin(Work::Read);
            read(&connection)
        };
        let mut idle = inner.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < inner.options.readers {
            idle.push(connection);
        }
        result.map_err(|fault| fault.0)
    }

    /// How much of the event log is kept.
    fn keep(&self) -> events::Keep {
        let options = &self.inner.options;
        events::Keep {
            events: options.events,
            waiting: options.events_waiting,
        }
    }

    /// Hands a write to the writer and waits until it is on disk.
    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let _running = self.inner.options.timing.begin(Work::Write);
        self.inner.writer.run(work).await
    }
}

impl Inner {
    fn close(&self) {
        // Readers first: the log can be folded only when nobody reads it.
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.writer.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
