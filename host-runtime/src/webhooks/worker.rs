//! Deliveries to one webhook: its events in order, one at a time, at least once.
//!
//! How far a webhook has come is a number in its row, moved by compare-and-set: whoever
//! moved it first was right, everybody else looks again. So nothing is passed over that
//! was not delivered, whatever crashes and however many servers share a database. That
//! two of them do not deliver everything twice is seen to by the row's `next_try`:
//! who works writes a moment a little ahead there, and others wait for it.

mod again;
mod row;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use nameplate_store::{DeadLetter, Event, TenantId, Timestamp, Webhook, WebhookStore};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use self::row::{Place, progress};
use super::WebhookLimits;
use super::backoff::retry_after;
use super::message::Letter;
use super::post::{Answer, Postman};
use super::secret::Secret;
use crate::Runtime;
use crate::events::{EventPage, EventsError, Tail, Types};
use crate::metrics::Delivery;

/// How often the clock is asked whether it is time: it may be set, and machines sleep.
const CLOCK: Duration = Duration::from_millis(500);
/// After trouble with the store or the plugin.
const TROUBLE: Duration = Duration::from_secs(1);

/// Delivers to one webhook until it is removed.
pub struct Worker {
    runtime: Runtime,
    postman: Postman,
    tenant: TenantId,
    id: String,
    /// Somebody touched the row.
    hint: Arc<Notify>,
    /// The server is about to stop.
    draining: watch::Receiver<bool>,
    tail: Option<Tail>,
    place: Place,
    queue: Queue,
}

/// Events read and not yet delivered.
#[derive(Default)]
struct Queue {
    letters: VecDeque<(u64, Letter)>,
    /// The log was looked at up to here.
    end: u64,
    /// For which types of events.
    types: Vec<String>,
}

/// What to do after a step.
enum Then {
    /// The next step.
    Go,
    /// Wait for an event.
    ForEvent,
    /// Wait until this moment.
    Until(Timestamp),
    /// Wait until somebody touches the webhook.
    ForHint,
    /// It is removed.
    End,
}

impl Worker {
    /// For a webhook of a tenant; `hint` is rung when its row was touched.
    pub fn new(
        runtime: Runtime,
        postman: Postman,
        tenant: TenantId,
        id: String,
        hint: Arc<Notify>,
    ) -> Self {
        Self {
            draining: runtime.draining(),
            runtime,
            postman,
            tenant,
            id,
            hint,
            tail: None,
            place: Place::default(),
            queue: Queue::default(),
        }
    }

    /// Works until the webhook is removed or the server is about to stop; then writes
    /// down how far it has come.
    pub async fn run(mut self) {
        let mut draining = self.draining.clone();
        tokio::select! {
            () = self.work() => return,
            // The message on its way is given up: it comes again, as after a crash.
            _ = draining.wait_for(|draining| *draining) => {}
        }
        if self.place.behind.is_some()
            && let Err(error) = self.write(0, "", self.runtime.now()).await
        {
            tracing::warn!(tenant = self.tenant.0, %error, "cannot write a webhook's progress");
        }
    }

    async fn work(&mut self) {
        loop {
            match self.step().await {
                Ok(Then::Go) => {}
                Ok(Then::ForEvent) => self.for_event().await,
                Ok(Then::Until(at)) => self.until(at).await,
                Ok(Then::ForHint) => self.hint.notified().await,
                Ok(Then::End) => return,
                Err(error) => {
                    tracing::warn!(
                        tenant = self.tenant.0,
                        webhook = self.id,
                        %error,
                        "cannot deliver for the moment"
                    );
                    sleep(TROUBLE).await;
                }
            }
        }
    }

    /// One message, with the row as it is now.
    async fn step(&mut self) -> Result<Then, EventsError> {
        let Some(row) = self.store().webhook(self.tenant, &self.id).await? else {
            return Ok(Then::End);
        };
        let touched = self.place.seen.as_ref() != Some(&progress(&row));
        if touched || self.queue.types != row.events {
            // What we did not write down may be wanted again.
            self.adopt(&row);
        }
        if row.paused {
            if self.place.behind.is_some() {
                self.write(row.failures, &row.last_error, row.next_try)
                    .await?;
            }
            return Ok(Then::ForHint);
        }
        let ours = row.failures == 0 && row.next_try == self.place.lease;
        if row.next_try > self.runtime.now() && !ours {
            return Ok(Then::Until(row.next_try));
        }
        if touched {
            self.place.seen = Some(progress(&row));
            self.revived(&row).await?;
        }
        if self.queue.letters.is_empty()
            && let Some(then) = self.refill(&row).await?
        {
            return Ok(then);
        }
        self.deliver(&row).await
    }

    /// Takes over where somebody else left the row.
    fn adopt(&mut self, row: &Webhook) {
        self.place = Place {
            base: row.position,
            position: row.position,
            delivered: row.last_delivered,
            behind: None,
            // If only the types differ, the row may be as we left it.
            seen: self.place.seen.take(),
            lease: self.place.lease,
        };
        self.queue = Queue {
            letters: VecDeque::new(),
            end: row.position,
            types: row.events.clone(),
        };
    }

    /// Reads what comes next. None if there is something to deliver.
    async fn refill(&mut self, row: &Webhook) -> Result<Option<Then>, EventsError> {
        let types = Types::stored(row.events.clone());
        let after = Some(self.place.position);
        let batch = self.limits().batch;
        let page = match self.runtime.events(self.tenant, after, batch, &types).await {
            Ok(page) => page,
            Err(EventsError::Forgotten { oldest, .. }) => {
                self.passed_over(oldest.saturating_sub(1)).await?;
                return Ok(Some(Then::Go));
            }
            Err(EventsError::Ahead { newest, .. }) => {
                tracing::warn!(
                    tenant = self.tenant.0,
                    webhook = self.id,
                    newest,
                    "a webhook is ahead of the event log, as after a restore; it goes on from here"
                );
                self.place.moved(newest, 0);
                self.write(0, "", self.lease()).await?;
                return Ok(Some(Then::Go));
            }
            Err(error) => return Err(error),
        };
        let EventPage {
            events,
            next,
            newest,
        } = page;
        self.queue.end = next;
        if events.is_empty() {
            if next > self.place.position {
                self.place.moved(next, 0);
            }
            let more = next < newest;
            return Ok(Some(if more { Then::Go } else { Then::ForEvent }));
        }
        for (event, letter) in self.letters(row, &events).await? {
            self.queue.letters.push_back((event, letter));
        }
        Ok(None)
    }

    async fn letters(
        &self,
        row: &Webhook,
        events: &[Event],
    ) -> Result<Vec<(u64, Letter)>, EventsError> {
        let told = self.runtime.told(self.tenant, events).await?;
        let bytes = self.limits().body;
        let letters = events.iter().zip(told).map(|(event, shape)| {
            let seq = event.seq;
            (seq, Letter::new(row, seq, shape, bytes))
        });
        Ok(letters.collect())
    }

    /// Tries the next message once. It stays in the queue until it is done with, so that
    /// no trouble on the way makes it be passed over.
    async fn deliver(&mut self, row: &Webhook) -> Result<Then, EventsError> {
        let Some((seq, letter)) = self.queue.letters.front().cloned() else {
            return Ok(Then::Go);
        };
        match self.send(row, &letter, row.failures).await? {
            // Somebody else works on it: look again from the beginning.
            None => {}
            Some(Answer::Taken) => {
                self.count(Delivery::Taken);
                self.done_with(seq);
                self.place.delivered = Some(self.runtime.now());
                if row.failures > 0 || !row.last_error.is_empty() || self.due() {
                    self.write(0, "", self.lease()).await?;
                }
            }
            Some(Answer::Gone) => {
                self.count(Delivery::Failed);
                self.gone(row).await?;
            }
            Some(Answer::Failed { why, headers }) => {
                self.count(Delivery::Failed);
                let failures = row.failures.saturating_add(1);
                if failures < self.limits().tries {
                    let asked = retry_after(&headers, self.runtime.now());
                    self.put_off(seq, failures, &why, asked).await?;
                } else {
                    self.bury(seq, failures, &why).await?;
                    self.done_with(seq);
                    self.write(0, &why, self.lease()).await?;
                }
            }
        }
        Ok(Then::Go)
    }

    fn done_with(&mut self, seq: u64) {
        self.queue.letters.pop_front();
        let last = self.queue.letters.is_empty();
        self.place.moved(if last { self.queue.end } else { seq }, 1);
    }

    /// The next try is later.
    async fn put_off(
        &mut self,
        seq: u64,
        failures: u32,
        why: &str,
        asked: Option<u64>,
    ) -> Result<(), EventsError> {
        let wait = self.limits().wait(failures, asked, self.chance());
        tracing::info!(
            tenant = self.tenant.0,
            webhook = self.id,
            seq,
            failures,
            wait_ms = wait,
            why,
            "a webhook could not be delivered"
        );
        let at = self.runtime.now().saturating_add(wait);
        self.write(failures, why, at).await?;
        // That is no lease: whoever is first then may try.
        self.place.lease = 0;
        Ok(())
    }

    /// Sends a message, keeping others away meanwhile. None if somebody else has taken
    /// over.
    async fn send(
        &mut self,
        row: &Webhook,
        letter: &Letter,
        failures: u32,
    ) -> Result<Option<Answer>, EventsError> {
        let Ok(to) = row.url.parse::<Uri>() else {
            let why = "the url is none; change it".to_owned();
            let headers = http::HeaderMap::new();
            return Ok(Some(Answer::Failed { why, headers }));
        };
        if !self.claim(failures, &row.last_error).await? {
            return Ok(None);
        }
        let secret = Secret::from_bytes(&row.secret);
        let message = letter.signed(&secret, self.runtime.now());
        let postman = self.postman.clone();
        let mut sending = std::pin::pin!(postman.send(&to, &message));
        let renew = Duration::from_millis((self.limits().lease_ms / 2).max(1));
        loop {
            tokio::select! {
                answer = &mut sending => return Ok(Some(answer)),
                () = sleep(renew) => {
                    if !self.write(failures, &row.last_error, self.lease()).await? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// The receiver wants no more.
    async fn gone(&mut self, row: &Webhook) -> Result<(), EventsError> {
        tracing::warn!(
            tenant = self.tenant.0,
            webhook = self.id,
            "a receiver answered 410; its webhook is paused"
        );
        let store = self.store();
        store
            .change_webhook(self.tenant, &self.id, &row.url, &row.events, true)
            .await?;
        let why = "answered 410: it wants no more events; set `paused` to false to go on";
        self.write(0, why, self.runtime.now()).await?;
        Ok(())
    }

    /// Keeps an event as given up.
    async fn bury(&self, seq: u64, attempts: u32, why: &str) -> Result<(), EventsError> {
        self.count(Delivery::Dead);
        tracing::warn!(
            tenant = self.tenant.0,
            webhook = self.id,
            seq,
            attempts,
            why,
            "an event could not be delivered and is given up"
        );
        let letter = DeadLetter {
            seq,
            at: self.runtime.now(),
            attempts,
            error: why.to_owned(),
        };
        self.store()
            .add_dead_letter(self.tenant, &self.id, letter)
            .await?;
        Ok(())
    }

    /// Events up to `last` are forgotten; it says so and goes on behind them.
    async fn passed_over(&mut self, last: u64) -> Result<(), EventsError> {
        let first = self.place.position + 1;
        let why = format!("events {first} to {last} were forgotten before they were delivered");
        self.bury(last, 1, &why).await?;
        self.place.moved(last, 0);
        self.write(0, &why, self.lease()).await?;
        Ok(())
    }

    /// Waits for an event; writes progress down when it is time.
    async fn for_event(&mut self) {
        let position = self.place.position;
        let (runtime, tenant) = (self.runtime.clone(), self.tenant);
        let flush = Duration::from_millis(self.limits().flush_ms);
        let left = self
            .place
            .behind
            .map(|(since, _)| flush.saturating_sub(since.elapsed()));
        if self.tail.is_none() {
            self.tail = runtime.follow(tenant);
        }
        let Some(tail) = &mut self.tail else {
            // Too many follow already: look now and then.
            sleep(TROUBLE).await;
            return;
        };
        tokio::select! {
            more = tail.beyond(position) => if !more {
                self.tail = None;
            },
            () = self.hint.notified() => {}
            () = sleep(left.unwrap_or_default()), if left.is_some() => {
                if let Err(error) = self.write(0, "", self.lease()).await {
                    tracing::warn!(tenant = self.tenant.0, %error, "cannot write a webhook's progress");
                    sleep(TROUBLE).await;
                }
            }
        }
    }

    /// Waits until a moment by the runtime's clock, or until somebody touches the row.
    async fn until(&self, at: Timestamp) {
        loop {
            let left = at.saturating_sub(self.runtime.now());
            if left == 0 || self.hinted(CLOCK.min(Duration::from_millis(left))).await {
                return;
            }
        }
    }

    async fn hinted(&self, within: Duration) -> bool {
        timeout(within, self.hint.notified()).await.is_ok()
    }

    fn count(&self, outcome: Delivery) {
        self.runtime.metrics().webhooks.delivered(outcome);
    }

    fn limits(&self) -> &WebhookLimits {
        &self.runtime.limits().webhooks
    }

    fn store(&self) -> &dyn WebhookStore {
        &*self.runtime.stores().webhooks
    }
}
