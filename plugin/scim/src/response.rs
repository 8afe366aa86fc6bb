//! Answers: status, headers and bytes, and the small formats in them (instants,
//! entity tags, locations).
//!
//! This module must not know how an answer was found out.

use jiff::Timestamp as Instant;
use jiff::tz::Offset;
use serde::Serialize;

use crate::directory::{DirectoryError, Kind, Timestamp};
use crate::error::ScimError;
use crate::http::Response;

/// RFC 7644 3.1: the media type of every SCIM body.
const MEDIA_TYPE: &str = "application/scim+json";

/// Seconds after which a client should try again: what made the store busy is over
/// in less.
const RETRY_AFTER: &str = "1";
/// Seconds after which there may be room again: somebody has to make it.
const RETRY_FULL: &str = "3600";

/// Why a request was not carried out.
#[derive(Debug)]
pub enum Failure {
    /// The client is told what to change.
    Scim(ScimError),
    /// The store is in trouble; the client is told to come back, the journal why.
    Directory(DirectoryError),
}

impl From<ScimError> for Failure {
    fn from(error: ScimError) -> Self {
        Self::Scim(error)
    }
}

impl From<DirectoryError> for Failure {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

/// An answer with a JSON body.
pub fn json(status: u16, body: Vec<u8>) -> Response {
    let mut response = empty(status);
    header(&mut response, "content-type", MEDIA_TYPE);
    response.body = body;
    response
}

/// An answer without a body.
pub fn empty(status: u16) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: Vec::new(),
    }
}

/// A SCIM error (RFC 7644 3.12).
pub fn error(error: &ScimError) -> Response {
    let mut response = json(error.status, bytes(&error.to_json()));
    let retry_after = match error.status {
        503 => Some(RETRY_AFTER),
        507 => Some(RETRY_FULL),
        _ => None,
    };
    if let Some(seconds) = retry_after {
        header(&mut response, "retry-after", seconds);
    }
    response
}

/// Adds a header. `name` has to be in lower case.
pub fn header(response: &mut Response, name: &str, value: &str) {
    response
        .headers
        .push((name.to_owned(), value.as_bytes().to_vec()));
}

/// The JSON text of a value whose keys are texts; such a value cannot fail.
pub fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// An instant as RFC 3339 in UTC with milliseconds (RFC 7643 2.3.5). Past what
/// that format can say, the epoch.
pub fn instant(at: Timestamp) -> String {
    let instant = i64::try_from(at)
        .ok()
        .and_then(|ms| Instant::from_millisecond(ms).ok())
        .unwrap_or(Instant::UNIX_EPOCH);
    let at = Offset::UTC.to_datetime(instant);
    // Written by hand: every answer has two of these, and a format text is parsed
    // each time.
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
}

/// An entity tag. Weak: two answers of one version may differ in what was asked for.
pub fn tag(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// The endpoint of a kind, relative to the base.
pub fn endpoint(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "/Users",
        Kind::Group => "/Groups",
    }
}

/// Where a resource is (RFC 7643 3.1 `meta.location`). Ids we choose need no
/// escaping.
pub fn location(base_url: &str, kind: Kind, id: &str) -> String {
    format!("{base_url}{}/{id}", endpoint(kind))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn instants_are_utc_with_milliseconds_whatever_the_number() {
        assert_eq!(instant(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(instant(1_764_000_000_007), "2025-11-24T16:00:00.007Z");
        assert_eq!(instant(u64::MAX), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn an_unavailable_service_says_when_to_come_back() {
        let response = error(&ScimError::unavailable("busy"));
        let retry = response
            .headers
            .iter()
            .find(|(name, _)| name == "retry-after");
        assert_eq!(retry.unwrap().1, b"1");
    }
}
