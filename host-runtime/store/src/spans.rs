//! Which spans `holders` answers with when there are more than it may show, and
//! which logins an event has besides those it was drafted with.
//!
//! Backends share this so that a cut means the same in all of them. It knows no
//! rows.

use std::cmp::Reverse;

use crate::{Holding, check, limits};

/// At most [`check::SPANS`] of them, oldest first. The number breaks ties: spans
/// of one moment are in the order they were opened in.
///
/// What decides who a login means comes before what only explains it: spans that
/// are open, then those that ended while their document lives, then those of
/// deleted documents; of each, the newest. A backend that finds spans value by
/// value need not bring more than [`check::SPANS`] in this order for each.
pub fn shown<N: Ord + Copy>(spans: impl IntoIterator<Item = (N, Holding)>) -> Vec<Holding> {
    let mut spans: Vec<(N, Holding)> = spans.into_iter().collect();
    spans.sort_by_key(|(number, span)| {
        (
            !span.alive,
            span.until.is_some(),
            Reverse(span.from),
            Reverse(*number),
        )
    });
    spans.truncate(check::SPANS);
    spans.sort_by_key(|(number, span)| (span.from, *number));
    spans.into_iter().map(|(_, span)| span).collect()
}

/// The logins of an event: those of its draft, then what its user ever held and
/// the draft does not name, up to [`limits::EVENT_LOGINS`] in all. Takes no more
/// of `own` than it needs.
pub fn with_own(drafted: &[Vec<u8>], own: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let mut logins = drafted.to_vec();
    let room = limits::EVENT_LOGINS.saturating_sub(drafted.len());
    let unnamed = own.into_iter().filter(|value| !drafted.contains(value));
    logins.extend(unnamed.take(room));
    logins
}
