//! What is kept of people who left: when they were deactivated, when deleted.
//!
//! It follows from the names of events alone. Backends share [`Turn`], so that it
//! follows in the same way everywhere; nothing of this knows where a row is kept.

use crate::{ConnectionId, Timestamp, event_names};

/// One who may not sign in any more, or is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The user's id.
    pub id: String,
    /// The connection it belongs or belonged to.
    pub connection: ConnectionId,
    /// The document's label as it was then.
    pub label: String,
    /// Since when the user is deactivated, or was until the end.
    pub deactivated: Option<Timestamp>,
    /// When the document was deleted.
    pub deleted: Option<Timestamp>,
}

/// What an event means for whether its user is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// May not sign in any more.
    Deactivated,
    /// Is gone.
    Deleted,
    /// Is there, and may sign in.
    Back,
}

impl Turn {
    /// None for an event that says nothing of it.
    pub fn of(event: &str) -> Option<Self> {
        match event {
            event_names::USER_DEACTIVATED | event_names::USER_CREATED_INACTIVE => {
                Some(Self::Deactivated)
            }
            event_names::USER_DELETED => Some(Self::Deleted),
            event_names::USER_CREATED | event_names::USER_REACTIVATED => Some(Self::Back),
            _ => None,
        }
    }

    /// What is kept after it; none: nothing. `old` is what was kept before, `user`
    /// names the user and has no times yet.
    pub fn after(
        self,
        old: Option<Departure>,
        user: Departure,
        at: Timestamp,
    ) -> Option<Departure> {
        // One who is deleted and here again has begun anew.
        let since = old
            .filter(|old| old.deleted.is_none())
            .and_then(|old| old.deactivated);
        match self {
            Self::Back => None,
            Self::Deactivated => Some(Departure {
                deactivated: since.or(Some(at)),
                deleted: None,
                ..user
            }),
            Self::Deleted => Some(Departure {
                deactivated: since,
                deleted: Some(at),
                ..user
            }),
        }
    }
}
