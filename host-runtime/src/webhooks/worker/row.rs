//! Where deliveries are, as the webhook's row says it, and who may work on it.

use std::time::Duration;

use nameplate_store::{Timestamp, Webhook, WebhookProgress};
use tokio::time::Instant;

use super::Worker;
use crate::events::EventsError;

/// Where deliveries are, and what of it the row says.
#[derive(Default)]
pub(super) struct Place {
    /// The position that the row has.
    pub(super) base: u64,
    /// Done up to here.
    pub(super) position: u64,
    pub(super) delivered: Option<Timestamp>,
    /// Since when, and how many messages, the row lags behind.
    pub(super) behind: Option<(Instant, u32)>,
    /// The row as we last saw or wrote it; if it is another, somebody touched it.
    pub(super) seen: Option<WebhookProgress>,
    /// Until when others keep away because we wrote so.
    pub(super) lease: Timestamp,
}

impl Place {
    pub(super) fn moved(&mut self, to: u64, messages: u32) {
        self.position = to;
        let (since, count) = self.behind.unwrap_or_else(|| (Instant::now(), 0));
        self.behind = Some((since, count + messages));
    }
}

impl Worker {
    /// Keeps other servers away for a while; false if another one was faster.
    pub(super) async fn claim(
        &mut self,
        failures: u32,
        last_error: &str,
    ) -> Result<bool, EventsError> {
        let held = self.lease_left();
        if held >= self.limits().lease_ms / 2 {
            return Ok(true);
        }
        if !self.write(failures, last_error, self.lease()).await? {
            return Ok(false);
        }
        if held > 0 {
            return Ok(true);
        }
        // Two that claim at once both get here; the later one is in the row.
        let row = self.store().webhook(self.tenant, &self.id).await?;
        let ours = row.is_some_and(|row| self.place.seen.as_ref() == Some(&progress(&row)));
        if !ours {
            self.place.lease = 0;
        }
        Ok(ours)
    }

    /// Writes where deliveries are; false if somebody else moved the webhook.
    pub(super) async fn write(
        &mut self,
        failures: u32,
        last_error: &str,
        next_try: Timestamp,
    ) -> Result<bool, EventsError> {
        let progress = WebhookProgress {
            position: self.place.position,
            failures,
            next_try,
            last_error: last_error.to_owned(),
            last_delivered: self.place.delivered,
        };
        let written = self
            .store()
            .webhook_progress(self.tenant, &self.id, self.place.base, progress.clone())
            .await?;
        if written {
            self.place.base = self.place.position;
            self.place.behind = None;
            self.place.lease = progress.next_try;
            self.place.seen = Some(progress);
        } else {
            self.place.lease = 0;
            self.place.seen = None;
        }
        Ok(written)
    }

    /// Is it time to write progress down.
    pub(super) fn due(&self) -> bool {
        let limits = self.limits();
        self.place.behind.is_some_and(|(since, count)| {
            count >= limits.batch || since.elapsed() >= Duration::from_millis(limits.flush_ms)
        })
    }

    /// Until when others keep away if it is written now. Chance tells two that write at
    /// once apart.
    pub(super) fn lease(&self) -> Timestamp {
        let until = self.runtime.now().saturating_add(self.limits().lease_ms);
        until.saturating_add(u64::from(self.chance()))
    }

    fn lease_left(&self) -> u64 {
        self.place.lease.saturating_sub(self.runtime.now())
    }

    pub(super) fn chance(&self) -> u8 {
        let mut byte = [0];
        // Without chance all is well too, only less spread.
        let _ = self.runtime.sources().random.fill(&mut byte);
        byte.first().copied().unwrap_or_default()
    }
}

pub(super) fn progress(row: &Webhook) -> WebhookProgress {
    WebhookProgress {
        position: row.position,
        failures: row.failures,
        next_try: row.next_try,
        last_error: row.last_error.clone(),
        last_delivered: row.last_delivered,
    }
}
