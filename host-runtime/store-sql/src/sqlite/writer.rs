//! The one thread that writes.
//!
//! It takes what is waiting as one group: one transaction, each job under its own
//! savepoint, one sync for all. Nobody is answered, not even with a refusal,
//! before the group is on disk: a refusal may rest on what the group wrote.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use nameplate_store::StoreError;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::errors::{Fault, store_error};
use super::timing::{Timing, Work};

/// Jobs that may wait: beyond it callers wait before they hand theirs over.
const QUEUE: usize = 1024;

/// Something to write, and whom to tell.
trait Job: Send {
    /// Does it under a savepoint and keeps the result. May be called again, when
    /// the transaction was lost.
    fn run(&mut self, connection: &Connection);
    /// Tells the result, or `trouble` if the group did not reach the disk.
    fn answer(self: Box<Self>, trouble: Option<StoreError>);
}

struct Typed<T, F> {
    work: F,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    /// Its place in the queue, given back when it is answered.
    _place: Option<OwnedSemaphorePermit>,
}

impl<T, F> Job for Typed<T, F>
where
    T: Send,
    F: FnMut(&Connection) -> Result<T, Fault> + Send,
{
    fn run(&mut self, connection: &Connection) {
        let work = &mut self.work;
        let survived = |connection: &Connection| {
            // A bug in one job must not take every later write with it. Half of
            // what it wrote goes with its savepoint, and its own state with it.
            catch_unwind(AssertUnwindSafe(|| work(connection))).unwrap_or_else(|_| {
                tracing::error!("a write panicked and was taken back");
                Err(StoreError::Other("a bug ended the write".to_owned()).into())
            })
        };
        self.result = Some(saved(connection, "job", survived).map_err(|fault| fault.0));
    }

    fn answer(self: Box<Self>, trouble: Option<StoreError>) {
        let unanswered = || Err(StoreError::Other("the write was not tried".to_owned()));
        let result = match trouble {
            Some(trouble) => Err(trouble),
            None => self.result.unwrap_or_else(unanswered),
        };
        // The caller may have given up; what is written stays written.
        _ = self.reply.send(result);
    }
}

/// Does `work` under a savepoint: kept if it is `Ok`, taken back if not.
pub fn saved<T, E: From<rusqlite::Error>>(
    connection: &Connection,
    name: &str,
    work: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    let run = |statement: String| connection.prepare_cached(&statement)?.execute([]);
    run(format!("SAVEPOINT {name}"))?;
    let result = work(connection);
    if connection.is_autocommit() {
        return result; // the whole transaction is gone, and the savepoint with it
    }
    let kept = match &result {
        Ok(_) => run(format!("RELEASE {name}")),
        Err(_) => run(format!("ROLLBACK TO {name}")).and_then(|_| run(format!("RELEASE {name}"))),
    };
    if let Err(error) = kept {
        // Half a job must not stay: give up the transaction, the others run again.
        _ = connection.execute_batch("ROLLBACK");
        return Err(error.into());
    }
    result
}

/// The thread and the way to it.
#[derive(Debug)]
pub struct Writer {
    /// Used under the lock and never cloned, so that taking it ends the thread.
    queue: Mutex<Option<mpsc::UnboundedSender<Box<dyn Job>>>>,
    /// What bounds the queue.
    places: Arc<Semaphore>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for dyn Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Job")
    }
}

impl Writer {
    /// Starts the thread; [`Self::close`] ends it.
    pub fn start(connection: Connection, group: usize, timing: Timing) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let thread = thread::Builder::new()
            .name("nameplate-sqlite".to_owned())
            .spawn(move || serve(&connection, receiver, group.max(1), &timing))
            .map_err(|error| StoreError::Other(format!("the writer cannot start: {error}")))?;
        let places = Arc::new(Semaphore::new(QUEUE));
        Ok(Self {
            queue: Mutex::new(Some(sender)),
            places,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Hands over a job and waits until its group is on disk. `work` may run more
    /// than once, each time from a clean state.
    pub async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let stopped = || StoreError::Unavailable("the store is closed".to_owned());
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|_| stopped())?;
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Typed {
            work,
            result: None,
            reply,
            _place: Some(place),
        });
        self.queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .ok_or_else(stopped)?
            .send(job)
            .map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Writes what waits, then ends the thread.
    pub fn close(&self) {
        drop(
            self.queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the sqlite writer had panicked");
        }
    }
}

fn serve(
    connection: &Connection,
    mut queue: mpsc::UnboundedReceiver<Box<dyn Job>>,
    group: usize,
    timing: &Timing,
) {
    while let Some(first) = queue.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < group
            && let Ok(job) = queue.try_recv()
        {
            jobs.push(job);
        }
        let _running = timing.begin(Work::Group);
        run_group(connection, jobs);
    }
    // Leaves one file behind. Failing is harmless: the log is read at next start.
    if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::warn!(error = %store_error(&error), "the log was not folded into the database");
    }
}

enum Attempt {
    OnDisk,
    /// This job lost the transaction.
    Lost(usize),
    Failed(rusqlite::Error),
}

fn run_group(connection: &Connection, mut jobs: Vec<Box<dyn Job>>) {
    while !jobs.is_empty() {
        match attempt(connection, &mut jobs) {
            Attempt::OnDisk => return jobs.into_iter().for_each(|job| job.answer(None)),
            // One job fewer each time, so this ends.
            Attempt::Lost(at) => jobs.remove(at).answer(None),
            Attempt::Failed(error) => {
                return jobs
                    .into_iter()
                    .for_each(|job| job.answer(Some(store_error(&error))));
            }
        }
    }
}

fn attempt(connection: &Connection, jobs: &mut [Box<dyn Job>]) -> Attempt {
    let run = |statement: &str| connection.prepare_cached(statement)?.execute([]);
    if let Err(error) = run("BEGIN IMMEDIATE") {
        return Attempt::Failed(error);
    }
    for (at, job) in jobs.iter_mut().enumerate() {
        job.run(connection);
        // A full disk, a failed read, memory: SQLite may take back everything.
        if connection.is_autocommit() {
            return Attempt::Lost(at);
        }
    }
    match run("COMMIT") {
        Ok(_) => Attempt::OnDisk,
        Err(error) => {
            if !connection.is_autocommit() {
                _ = connection.execute_batch("ROLLBACK");
            }
            Attempt::Failed(error)
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use super::*;

    type Answer = oneshot::Receiver<Result<usize, StoreError>>;

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        let schema = "PRAGMA foreign_keys = ON; CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);";
        connection.execute_batch(schema).unwrap();
        connection
    }

    fn job(statements: &'static str) -> (Box<dyn Job>, Answer) {
        let (reply, answer) = oneshot::channel();
        let work = move |connection: &Connection| {
            connection.execute_batch(statements)?;
            Ok(
                connection.query_row("SELECT count(*) FROM parent", [], |row| {
                    row.get::<_, i64>(0)
                })? as usize,
            )
        };
        (
            Box::new(Typed {
                work,
                result: None,
                reply,
                _place: None,
            }),
            answer,
        )
    }

    fn count(connection: &Connection) -> i64 {
        connection
            .query_row("SELECT count(*) FROM parent", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn a_failed_job_takes_back_itself_alone() {
        let connection = database();
        let (one, mut first) = job("INSERT INTO parent VALUES (1)");
        let (two, mut second) = job("INSERT INTO parent VALUES (2); INSERT INTO parent VALUES (1)");
        let (three, mut third) = job("INSERT INTO parent VALUES (3)");
        run_group(&connection, vec![one, two, three]);
        assert_eq!(first.try_recv().unwrap().unwrap(), 1);
        assert!(second.try_recv().unwrap().is_err());
        assert_eq!(third.try_recv().unwrap().unwrap(), 2);
        assert_eq!(count(&connection), 2);
    }

    #[test]
    fn when_a_job_loses_the_transaction_the_others_run_again() {
        let connection = database();
        let (one, mut first) = job("INSERT INTO parent VALUES (1)");
        let (two, mut second) = job("ROLLBACK; nonsense");
        let (three, mut third) = job("INSERT INTO parent VALUES (3)");
        run_group(&connection, vec![one, two, three]);
        assert_eq!(first.try_recv().unwrap().unwrap(), 1);
        assert!(second.try_recv().unwrap().is_err());
        assert_eq!(third.try_recv().unwrap().unwrap(), 2);
        assert_eq!(count(&connection), 2);
        assert!(connection.is_autocommit());
    }

    #[test]
    fn when_the_commit_fails_nobody_is_answered_ok() {
        let connection = database();
        let (one, mut first) = job("INSERT INTO parent VALUES (1)");
        let (two, mut second) = job("INSERT INTO child VALUES (1, 99)");
        run_group(&connection, vec![one, two]);
        assert!(first.try_recv().unwrap().is_err());
        assert!(second.try_recv().unwrap().is_err());
        assert_eq!(count(&connection), 0);
        assert!(connection.is_autocommit());
    }

    /// A job that writes, under a savepoint of its own as a unit does, and panics
    /// over an open statement.
    fn panicking() -> (Box<dyn Job>, Answer) {
        let (reply, answer) = oneshot::channel();
        let work = |connection: &Connection| {
            connection.execute_batch("INSERT INTO parent VALUES (7)")?;
            saved(connection, "unit", |connection| {
                let mut statement =
                    connection.prepare_cached("INSERT INTO parent VALUES (8), (9) RETURNING id")?;
                let mut rows = statement.query([])?;
                match rows.next()? {
                    Some(_) => panic!("a bug"),
                    None => Ok(0_usize),
                }
            })
        };
        let job = Typed {
            work,
            result: None,
            reply,
            _place: None,
        };
        (Box::new(job), answer)
    }

    #[test]
    fn a_panic_takes_back_its_job_alone_and_the_writer_goes_on() {
        let connection = database();
        let (one, mut first) = job("INSERT INTO parent VALUES (1)");
        let (two, mut second) = panicking();
        let (three, mut third) = job("INSERT INTO parent VALUES (3)");
        run_group(&connection, vec![one, two, three]);
        assert_eq!(first.try_recv().unwrap().unwrap(), 1);
        assert_eq!(
            second.try_recv().unwrap().unwrap_err().to_string(),
            "a bug ended the write"
        );
        assert_eq!(third.try_recv().unwrap().unwrap(), 2);
        assert_eq!(count(&connection), 2);
        assert!(connection.is_autocommit());
    }
}
