//! Webhooks: who is told of events, how far each was told, and what could not be
//! delivered.
//!
//! A store knows no URL and no signature; it keeps where each webhook is.

use std::fmt;

use async_trait::async_trait;

use crate::{StoreError, TenantId, Timestamp};

/// Somebody who is told of a tenant's events, one after another.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Unique in the tenant; 1 to 64 bytes of visible ASCII.
    pub id: String,
    /// Whose events.
    pub tenant: TenantId,
    /// Where to; at most 2048 bytes.
    pub url: String,
    /// What messages are signed with; at most 256 bytes.
    pub secret: Vec<u8>,
    /// Which events: beginnings of their names, at most 64 of at most 64 bytes. Empty:
    /// all.
    pub events: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// The number of the last event it is done with.
    pub position: u64,
    /// How often in a row the next event could not be delivered.
    pub failures: u32,
    /// Not to be tried before.
    pub next_try: Timestamp,
    /// What went wrong last, in one line; empty if nothing did. At most 512 bytes.
    pub last_error: String,
    /// When an event was last delivered.
    pub last_delivered: Option<Timestamp>,
    /// Not to be told for now; the log does not wait for it.
    pub paused: bool,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            tenant,
            url,
            secret: _,
            events,
            created,
            position,
            failures,
            next_try,
            last_error,
            last_delivered,
            paused,
        } = self;
        f.debug_struct("Webhook")
            .field("id", id)
            .field("tenant", tenant)
            .field("url", url)
            .field("events", events)
            .field("created", created)
            .field("position", position)
            .field("failures", failures)
            .field("next_try", next_try)
            .field("last_error", last_error)
            .field("last_delivered", last_delivered)
            .field("paused", paused)
            .finish_non_exhaustive()
    }
}

/// How far a webhook has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookProgress {
    /// See [`Webhook::position`]. It may go back: to deliver again.
    pub position: u64,
    /// See [`Webhook::failures`].
    pub failures: u32,
    /// See [`Webhook::next_try`].
    pub next_try: Timestamp,
    /// See [`Webhook::last_error`].
    pub last_error: String,
    /// See [`Webhook::last_delivered`].
    pub last_delivered: Option<Timestamp>,
}

/// An event that could not be delivered and was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event's number.
    pub seq: u64,
    /// When it was given up.
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong last, in one line; at most 512 bytes.
    pub error: String,
}

/// Webhooks of all tenants.
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Adds a webhook; false if the id is taken in the tenant.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for anything over its limit, an unknown tenant, or more
    /// than [`check::WEBHOOKS`](crate::check::WEBHOOKS) of one tenant.
    async fn add_webhook(&self, webhook: Webhook) -> Result<bool, StoreError>;

    /// The webhooks of a tenant or of all, by tenant, when they were made, and id.
    async fn webhooks(&self, tenant: Option<TenantId>) -> Result<Vec<Webhook>, StoreError>;

    /// One webhook; none if unknown in the tenant.
    async fn webhook(&self, tenant: TenantId, id: &str) -> Result<Option<Webhook>, StoreError>;

    /// Changes what an operator sets; false if unknown. How far it has come stays.
    async fn change_webhook(
        &self,
        tenant: TenantId,
        id: &str,
        url: &str,
        events: &[String],
        paused: bool,
    ) -> Result<bool, StoreError>;

    /// Replaces what messages are signed with, at most 256 bytes; false if unknown.
    async fn set_webhook_secret(
        &self,
        tenant: TenantId,
        id: &str,
        secret: &[u8],
    ) -> Result<bool, StoreError>;

    /// Removes a webhook and its dead letters; false if unknown.
    async fn remove_webhook(&self, tenant: TenantId, id: &str) -> Result<bool, StoreError>;

    /// Writes how far a webhook has come, if its position is still `expected`. False:
    /// it is another, for somebody else worked on it, or there is no such webhook;
    /// nothing is written then. Of many who expect the same position and move it, one
    /// MUST get true.
    async fn webhook_progress(
        &self,
        tenant: TenantId,
        id: &str,
        expected: u64,
        progress: WebhookProgress,
    ) -> Result<bool, StoreError>;

    /// Keeps an event that was given up, in place of an older letter of the same
    /// event; false if there is no such webhook. A webhook's newest
    /// [`check::DEAD_LETTERS`](crate::check::DEAD_LETTERS), by number, are kept.
    async fn add_dead_letter(
        &self,
        tenant: TenantId,
        webhook: &str,
        letter: DeadLetter,
    ) -> Result<bool, StoreError>;

    /// Dead letters of a webhook with a number above `after`, by number, at most 1000.
    async fn dead_letters(
        &self,
        tenant: TenantId,
        webhook: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError>;

    /// Removes the dead letters of these events, at most 1000; returns how many there
    /// were.
    async fn remove_dead_letters(
        &self,
        tenant: TenantId,
        webhook: &str,
        seqs: &[u64],
    ) -> Result<u64, StoreError>;
}
