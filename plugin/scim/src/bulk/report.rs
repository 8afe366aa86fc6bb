//! The BulkResponse (RFC 7644 3.7.3).
//!
//! This module must not know how an operation went.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use super::births::Births;
use super::parse::{Job, Who};
use crate::config::Config;
use crate::directory::Kind;
use crate::error::ScimError;
use crate::response;
use crate::write::{Answer, Written};

const RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// What became of one operation.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// What a request of its own would have been answered with.
    pub status: u16,
    /// Where the resource is. RFC 7644 3.7.3: of all but failed POSTs; none too if the
    /// path names no resource.
    pub location: Option<String>,
    /// None if the operation failed, or left no resource.
    pub version: Option<u64>,
    /// None if it was carried out.
    pub error: Option<ScimError>,
}

/// What may stand in a location unescaped, besides letters and digits (RFC 3986 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Report {
    pub fn done(written: &Written, config: &Config, base_url: &str) -> Self {
        let document = &written.document;
        Self {
            status: written.status(config, true),
            location: location(base_url, document.kind, &document.id),
            version: (written.answer != Answer::Gone).then_some(document.version),
            error: None,
        }
    }

    pub fn failed(
        job: &Job<'_>,
        index: usize,
        births: &Births,
        error: ScimError,
        base_url: &str,
    ) -> Self {
        let operation = job.operations.get(index);
        let asked = operation.and_then(|operation| operation.asked.as_ref().ok());
        let location = asked.and_then(|asked| match &asked.who {
            Who::New => None,
            Who::Id(id) => location(base_url, asked.kind, id),
            Who::Made(bulk_id) => {
                let made = job.made_by(bulk_id).ok()?;
                let there = births.is_there(made);
                there.then(|| location(base_url, asked.kind, births.id(made)))?
            }
        });
        Self {
            status: error.status,
            location,
            version: None,
            error: Some(error),
        }
    }
}

/// The most bytes of an id in a location: some times what an id can have, and a bound on
/// the answer.
const MOST_ID: usize = 256;

/// Where a resource is, or would be: the id may be any text. None if it is endless.
fn location(base_url: &str, kind: Kind, id: &str) -> Option<String> {
    let id = utf8_percent_encode(id, ESCAPED).to_string();
    (id.len() <= MOST_ID).then(|| response::location(base_url, kind, &id))
}

#[derive(Serialize)]
struct Response<'r> {
    schemas: [&'static str; 1],
    #[serde(rename = "Operations")]
    operations: Vec<Line<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bulk_id: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'r str>,
    status: String,
    /// RFC 7644 3.7: may be left out for what was carried out, which spares a client
    /// that sends a thousand resources their echo.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Value>,
}

/// The body: the operations that were tried, in the order of the request.
pub(super) fn body(job: &Job<'_>, reports: &[Option<Report>]) -> Vec<u8> {
    let tried = job.operations.iter().zip(reports);
    let operations = tried.filter_map(|(operation, report)| {
        let report = report.as_ref()?;
        Some(Line {
            method: operation.method,
            bulk_id: operation.bulk_id.as_deref(),
            version: report.version.map(response::tag),
            location: report.location.as_deref(),
            status: report.status.to_string(),
            response: report.error.as_ref().map(ScimError::to_json),
        })
    });
    response::bytes(&Response {
        schemas: [RESPONSE_URN],
        operations: operations.collect(),
    })
}
