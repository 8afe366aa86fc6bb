//! `/Bulk` (RFC 7644 3.7): many writes in one request. Each operation is what it would
//! be as a request of its own; what makes it one request is that operations refer to
//! what others create, and that many of them go into one commit.
//!
//! - [`parse`] reads the request and keeps each operation's `data` the text it is.
//! - [`references`] finds `bulkId:…` in that text and puts ids in its place.
//! - [`order`] says in which order references can be resolved.
//! - [`births`] knows the ids of what is created, [`task`] makes the request that an
//!   operation stands for.
//! - [`run`] carries the operations out, through a [`window`] that says when an
//!   operation would read what is not committed yet.
//! - [`report`] says what became of each.
//!
//! This module must not know how a resource is read or written.

mod births;
mod order;
mod parse;
mod promises;
mod references;
mod report;
mod run;
mod task;
mod window;

use crate::error::ScimError;
use crate::http::Response;
use crate::response::{self, Failure};
use crate::service::Call;

use parse::Job;
pub(crate) use promises::Promises;
use run::Run;

/// `POST /Bulk`.
///
/// # Errors
/// 413 past a limit of ServiceProviderConfig, which the detail names; `invalidSyntax`
/// for what is no BulkRequest. Nothing has been written then. What is wrong with one
/// operation is told in the answer.
pub(crate) fn handle(call: &mut Call<'_>) -> Result<Response, Failure> {
    let most = call.config.large_body_limit;
    if call.request.body.len() as u64 > most {
        // RFC 7644 3.7.4: the error says which limit is exceeded.
        return Err(too_large(format!(
            "the request is larger than `maxPayloadSize` ({most} bytes): send fewer operations"
        ))
        .into());
    }
    let body = call.body()?;
    let job = Job::read(body, call.config, &mut call.notes)?;
    let results = Run::new(call, &job).finish()?;
    Ok(response::json(200, report::body(&job, &results)))
}

/// RFC 7644 3.7.4.
fn too_large(detail: String) -> ScimError {
    ScimError::new(413, None, detail)
}
