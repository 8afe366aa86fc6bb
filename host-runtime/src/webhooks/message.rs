//! The body of a message: `{"type", "timestamp", "data"}`, as the Standard Webhooks
//! specification proposes.

use bytes::Bytes;
use nameplate_store::{Timestamp, Webhook};
use serde_json::{Map, Value, json};

use super::post::Message;
use super::secret::Secret;
use crate::events::cut;

/// Room for what stands around an event in a body.
const AROUND: usize = 256;

/// An event as it is sent to a webhook: the same for every try but for the time and the
/// signatures.
#[derive(Clone, Debug)]
pub struct Letter {
    id: String,
    body: Bytes,
}

impl Letter {
    /// Puts an event into a body of at most `bytes`.
    pub fn new(webhook: &Webhook, seq: u64, mut event: Map<String, Value>, bytes: usize) -> Self {
        cut(&mut event, bytes.saturating_sub(AROUND));
        // Both stand around the event instead.
        let kind = event.remove("type");
        let at = event.remove("at");
        let body = json!({ "type": kind, "timestamp": at, "data": event });
        Self {
            // Receivers tell repeats by it: the same for every delivery of an event.
            id: format!("msg_{}_{seq}", webhook.id),
            body: body.to_string().into(),
        }
    }

    /// For one try.
    pub fn signed(&self, secret: &Secret, now: Timestamp) -> Message {
        let seconds = now / 1000;
        Message {
            id: self.id.clone(),
            seconds,
            signature: secret.sign(&self.id, seconds, &self.body, now),
            body: self.body.clone(),
        }
    }
}
