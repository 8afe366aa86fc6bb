//! Making and changing webhooks: the same for HTTP and the command line.

use nameplate_store::{
    DeadLetter, StoreError, TenantId, UserStore, Webhook, WebhookProgress, WebhookStore, limits,
};
use thiserror::Error;

use super::WebhookLimits;
use super::secret::Secret;
use crate::clock::{Random, Sources};
use crate::events::Types;

/// Draws before giving up: ids of 80 bits do not collide twice.
const DRAWS: usize = 3;
/// Tries to write where a delivery writes too.
const RACES: usize = 20;
/// Of an id: letters that cannot be mistaken for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const ID_LETTERS: usize = 16;

/// Why a webhook was not made or changed.
#[derive(Debug, Error)]
pub enum WebhookError {
    /// A field that cannot be used, and what to change.
    #[error("{1}")]
    Invalid(&'static str, String),
    /// The tenant has no such webhook.
    #[error(
        "there is no webhook `{0}`; `nameplate webhook list` and `GET /api/v1/webhooks` show them"
    )]
    Unknown(String),
    /// Events that are no longer kept cannot be sent again.
    #[error("events before {0} are no longer kept")]
    Forgotten(u64),
    /// Others write progress all the time.
    #[error("the webhook is being delivered to all the time; try again")]
    Busy,
    /// No random bytes.
    #[error("cannot draw a secret: {0}")]
    Random(String),
    /// Trouble with the store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is to be different about a webhook; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// Where to.
    pub url: Option<String>,
    /// Which events.
    pub events: Option<Types>,
    /// Not for now; deliveries go on where they were.
    pub paused: Option<bool>,
}

/// Which events are sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redelivery {
    /// All from this one on.
    From(u64),
    /// Those that were given up.
    DeadLetters,
}

/// Webhooks of one tenant.
pub struct Webhooks<'a> {
    /// Where they are kept.
    pub store: &'a dyn WebhookStore,
    /// Where events are.
    pub users: &'a dyn UserStore,
    /// Time and chance.
    pub sources: &'a Sources,
    /// How they are delivered.
    pub limits: &'a WebhookLimits,
    /// Whose.
    pub tenant: TenantId,
}

impl Webhooks<'_> {
    /// Makes a webhook that is told of events from now on, and its secret, which is
    /// shown this once.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn add(&self, url: &str, events: Types) -> Result<(Webhook, String), WebhookError> {
        self.check_url(url)?;
        let most = self.limits.per_tenant;
        if self.store.webhooks(Some(self.tenant)).await?.len() >= most {
            let full = format!("a tenant has at most {most} webhooks; remove one first");
            return Err(WebhookError::Invalid("url", full));
        }
        let secret = Secret::draw(&*self.sources.random).map_err(WebhookError::Random)?;
        let (_, newest) = self.users.event_range(self.tenant).await?;
        for _ in 0..DRAWS {
            let webhook = Webhook {
                id: id(&*self.sources.random).map_err(WebhookError::Random)?,
                tenant: self.tenant,
                url: url.to_owned(),
                secret: secret.to_bytes(),
                events: events.clone().into_inner(),
                created: self.sources.clock.now(),
                position: newest,
                failures: 0,
                next_try: 0,
                last_error: String::new(),
                last_delivered: None,
                paused: false,
            };
            if self.store.add_webhook(webhook.clone()).await? {
                return Ok((webhook, secret.reveal()));
            }
        }
        Err(WebhookError::Random(
            "the random source repeats itself".to_owned(),
        ))
    }

    /// One webhook.
    ///
    /// # Errors
    /// [`WebhookError::Unknown`], or trouble with the store.
    pub async fn get(&self, id: &str) -> Result<Webhook, WebhookError> {
        let found = self.store.webhook(self.tenant, id).await?;
        found.ok_or_else(|| unknown(id))
    }

    /// Changes a webhook. One that was failing is tried at once.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn change(&self, id: &str, change: WebhookChange) -> Result<Webhook, WebhookError> {
        let WebhookChange {
            url,
            events,
            paused,
        } = change;
        let old = self.get(id).await?;
        let url = url.unwrap_or(old.url);
        self.check_url(&url)?;
        let events = events.map_or(old.events, Types::into_inner);
        let paused = paused.unwrap_or(old.paused);
        let store = self.store;
        if !store
            .change_webhook(self.tenant, id, &url, &events, paused)
            .await?
        {
            return Err(unknown(id));
        }
        self.set(id, |_| {}).await
    }

    /// Gives a webhook a new secret, which is shown this once. The old one signs too for
    /// a day.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn rotate(&self, id: &str) -> Result<String, WebhookError> {
        let old = Secret::from_bytes(&self.get(id).await?.secret);
        let new = old
            .rotated(&*self.sources.random, self.sources.clock.now())
            .map_err(WebhookError::Random)?;
        let store = self.store;
        if store
            .set_webhook_secret(self.tenant, id, &new.to_bytes())
            .await?
        {
            Ok(new.reveal())
        } else {
            Err(unknown(id))
        }
    }

    /// Removes a webhook with its dead letters.
    ///
    /// # Errors
    /// [`WebhookError::Unknown`], or trouble with the store.
    pub async fn remove(&self, id: &str) -> Result<(), WebhookError> {
        if self.store.remove_webhook(self.tenant, id).await? {
            Ok(())
        } else {
            Err(unknown(id))
        }
    }

    /// Has events sent again; returns how many. They are sent by a running server,
    /// those from a number on in order, dead letters beside the newest.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn redeliver(&self, id: &str, which: Redelivery) -> Result<u64, WebhookError> {
        match which {
            Redelivery::From(from) => self.go_back(id, from).await,
            Redelivery::DeadLetters => self.revive(id).await,
        }
    }

    async fn go_back(&self, id: &str, from: u64) -> Result<u64, WebhookError> {
        let (oldest, newest) = self.users.event_range(self.tenant).await?;
        if from < oldest {
            return Err(WebhookError::Forgotten(oldest));
        }
        if from > newest {
            let ahead = format!("there is no event {from} yet; the newest is {newest}");
            return Err(WebhookError::Invalid("from", ahead));
        }
        // So that there is an error for an unknown one.
        self.get(id).await?;
        self.forget_letters(id, from).await?;
        let before = from.saturating_sub(1);
        self.set(id, |progress| {
            progress.position = progress.position.min(before)
        })
        .await?;
        Ok(newest.saturating_sub(before))
    }

    /// Removes dead letters that are about to be tried again on the way.
    async fn forget_letters(&self, id: &str, from: u64) -> Result<(), WebhookError> {
        let after = from.saturating_sub(1);
        loop {
            let letters = self
                .store
                .dead_letters(self.tenant, id, after, limits::PAGE)
                .await?;
            let seqs: Vec<u64> = letters.iter().map(|letter| letter.seq).collect();
            if self
                .store
                .remove_dead_letters(self.tenant, id, &seqs)
                .await?
                == 0
            {
                return Ok(());
            }
        }
    }

    /// Marks dead letters as to be sent: those without an attempt.
    async fn revive(&self, id: &str) -> Result<u64, WebhookError> {
        let (mut after, mut count) = (0, 0);
        // So that there is an error for an unknown one.
        self.get(id).await?;
        loop {
            let store = self.store;
            let letters = store
                .dead_letters(self.tenant, id, after, limits::PAGE)
                .await?;
            let Some(last) = letters.last() else {
                break;
            };
            after = last.seq;
            for letter in letters {
                let letter = DeadLetter {
                    attempts: 0,
                    ..letter
                };
                store.add_dead_letter(self.tenant, id, letter).await?;
                count += 1;
            }
        }
        // Deliveries look at dead letters when the webhook was touched.
        self.set(id, |_| {}).await?;
        Ok(count)
    }

    /// Writes progress, over that of deliveries; the next try is at once.
    async fn set(
        &self,
        id: &str,
        change: impl Fn(&mut WebhookProgress),
    ) -> Result<Webhook, WebhookError> {
        for _ in 0..RACES {
            let mut webhook = self.get(id).await?;
            let mut progress = WebhookProgress {
                position: webhook.position,
                failures: 0,
                // Another number each time, by which deliveries see that it was touched.
                next_try: self.sources.clock.now(),
                last_error: webhook.last_error.clone(),
                last_delivered: webhook.last_delivered,
            };
            change(&mut progress);
            if self
                .store
                .webhook_progress(self.tenant, id, webhook.position, progress.clone())
                .await?
            {
                webhook.position = progress.position;
                webhook.failures = progress.failures;
                webhook.next_try = progress.next_try;
                return Ok(webhook);
            }
        }
        Err(WebhookError::Busy)
    }

    fn check_url(&self, url: &str) -> Result<(), WebhookError> {
        let checked = self.limits.reach.check(url);
        checked
            .map(drop)
            .map_err(|why| WebhookError::Invalid("url", why))
    }
}

fn unknown(id: &str) -> WebhookError {
    let shown = id.chars().take(64);
    WebhookError::Unknown(
        shown
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect(),
    )
}

fn id(random: &dyn Random) -> Result<String, String> {
    let mut bytes = [0; ID_LETTERS];
    random.fill(&mut bytes)?;
    let letters = bytes
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
    Ok(letters.map(|letter| char::from(*letter)).collect())
}
