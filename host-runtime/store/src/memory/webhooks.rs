//! Webhooks and their dead letters.

use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;

use super::{MemoryStore, count};
use crate::{DeadLetter, StoreError, TenantId, Webhook, WebhookProgress, WebhookStore, check};

/// The webhooks of one tenant, by id.
pub type Webhooks = BTreeMap<String, Row>;

/// A webhook with what it was not told.
#[derive(Debug)]
pub struct Row {
    webhook: Webhook,
    letters: BTreeMap<u64, DeadLetter>,
}

impl MemoryStore {
    /// What `write` makes of a webhook; the default of its answer if there is none.
    fn with_webhook<T: Default>(
        &self,
        tenant: TenantId,
        id: &str,
        write: impl FnOnce(&mut Row) -> T,
    ) -> T {
        let mut state = self.lock();
        let hooks = state.webhooks.get_mut(&tenant);
        let row = hooks.and_then(|hooks| hooks.get_mut(id));
        row.map(write).unwrap_or_default()
    }
}

#[async_trait]
impl WebhookStore for MemoryStore {
    async fn add_webhook(&self, webhook: Webhook) -> Result<bool, StoreError> {
        check::webhook(&webhook)?;
        let mut state = self.lock();
        state.known(webhook.tenant)?;
        let hooks = state.webhooks.entry(webhook.tenant).or_default();
        if hooks.contains_key(&webhook.id) {
            return Ok(false);
        }
        check::at_most("webhooks", hooks.len() + 1, check::WEBHOOKS)?;
        let row = Row {
            webhook,
            letters: BTreeMap::new(),
        };
        hooks.insert(row.webhook.id.clone(), row);
        Ok(true)
    }

    async fn webhooks(&self, tenant: Option<TenantId>) -> Result<Vec<Webhook>, StoreError> {
        let state = self.lock();
        let tenants = state.webhooks.iter();
        let wanted = tenants.filter(|(id, _)| tenant.is_none_or(|tenant| tenant == **id));
        let rows = wanted.flat_map(|(_, hooks)| hooks.values());
        let mut found: Vec<Webhook> = rows.map(|row| row.webhook.clone()).collect();
        found.sort_by(|one, other| {
            let place = |hook: &Webhook| (hook.tenant, hook.created);
            place(one)
                .cmp(&place(other))
                .then_with(|| one.id.cmp(&other.id))
        });
        Ok(found)
    }

    async fn webhook(&self, tenant: TenantId, id: &str) -> Result<Option<Webhook>, StoreError> {
        Ok(self.with_webhook(tenant, id, |row| Some(row.webhook.clone())))
    }

    async fn change_webhook(
        &self,
        tenant: TenantId,
        id: &str,
        url: &str,
        events: &[String],
        paused: bool,
    ) -> Result<bool, StoreError> {
        check::webhook_settings(url, events)?;
        Ok(self.with_webhook(tenant, id, |row| {
            url.clone_into(&mut row.webhook.url);
            events.clone_into(&mut row.webhook.events);
            row.webhook.paused = paused;
            true
        }))
    }

    async fn set_webhook_secret(
        &self,
        tenant: TenantId,
        id: &str,
        secret: &[u8],
    ) -> Result<bool, StoreError> {
        check::webhook_secret(secret)?;
        Ok(self.with_webhook(tenant, id, |row| {
            row.webhook.secret = secret.to_vec();
            true
        }))
    }

    async fn remove_webhook(&self, tenant: TenantId, id: &str) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let hooks = state.webhooks.get_mut(&tenant);
        Ok(hooks.and_then(|hooks| hooks.remove(id)).is_some())
    }

    async fn webhook_progress(
        &self,
        tenant: TenantId,
        id: &str,
        expected: u64,
        progress: WebhookProgress,
    ) -> Result<bool, StoreError> {
        check::webhook_progress(&progress)?;
        Ok(self.with_webhook(tenant, id, |row| {
            if row.webhook.position != expected {
                return false;
            }
            let WebhookProgress {
                position,
                failures,
                next_try,
                last_error,
                last_delivered,
            } = progress;
            row.webhook = Webhook {
                position,
                failures,
                next_try,
                last_error,
                last_delivered,
                ..row.webhook.clone()
            };
            true
        }))
    }

    async fn add_dead_letter(
        &self,
        tenant: TenantId,
        webhook: &str,
        letter: DeadLetter,
    ) -> Result<bool, StoreError> {
        check::dead_letter(&letter)?;
        Ok(self.with_webhook(tenant, webhook, |row| {
            row.letters.insert(letter.seq, letter);
            if row.letters.len() > check::DEAD_LETTERS {
                row.letters.pop_first();
            }
            true
        }))
    }

    async fn dead_letters(
        &self,
        tenant: TenantId,
        webhook: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        check::rows(limit)?;
        Ok(self.with_webhook(tenant, webhook, |row| {
            let letters = row
                .letters
                .range((Bound::Excluded(after), Bound::Unbounded));
            letters
                .take(count(limit))
                .map(|(_, letter)| letter.clone())
                .collect()
        }))
    }

    async fn remove_dead_letters(
        &self,
        tenant: TenantId,
        webhook: &str,
        seqs: &[u64],
    ) -> Result<u64, StoreError> {
        check::at_most("dead letters", seqs.len(), check::page())?;
        Ok(self.with_webhook(tenant, webhook, |row| {
            let gone = seqs
                .iter()
                .filter(|seq| row.letters.remove(*seq).is_some())
                .count();
            u64::try_from(gone).unwrap_or(u64::MAX)
        }))
    }
}
