//! `GET /api/v1/export` and `POST /api/v1/import`: tables of hosts and their users.

use std::io::Cursor;

use http::{HeaderValue, StatusCode, header};
use nameplate_store::{HostName, TenantId};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::admin::{AdminError, Answer};
use super::fields::{Failure, Query, shown};
use super::{Front, Reply, reply};
use crate::transfer::export::{Export, Format};
use crate::transfer::read::{Mistake, Row, Rows};
use crate::transfer::{AT_ONCE, Counts, Import, Kind};

/// A table in one request; a hundred bytes a row make ten thousand of it.
pub const TABLE: usize = 1 << 20;
/// Rows named in one answer: mistakes, or what a dry run would do.
const NAMED: usize = 1000;

const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8");
const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");

impl Front {
    /// A page of the export. The first one of CSV begins with the names of the columns;
    /// `Link: <…>; rel="next"` leads to the next page.
    pub(super) async fn export(
        &self,
        tenant: TenantId,
        query: &Query,
    ) -> Result<Reply, AdminError> {
        let (name, format, kind) = match query.get("format") {
            None | Some("csv") => ("csv", Format::Csv, CSV),
            Some("ndjson") => ("ndjson", Format::Ndjson, NDJSON),
            Some(other) => {
                let other = shown(other);
                let text = format!("`format` is `{other}`; it can be `csv` or `ndjson`");
                return Err(Failure::bad("format", text).into());
            }
        };
        let (after, limit) = (query.get("after"), query.limit()?);
        let export = Export::new(self.runtime.clone(), tenant, format).await?;
        let mut text = match after {
            None => export.head(),
            Some(_) => Vec::new(),
        };
        let page = export.page(after, limit).await?;
        text.extend(page.text);
        let mut answer = reply::with_type(StatusCode::OK, kind, text);
        let headers = answer.headers_mut();
        // Names and addresses of people: nothing for a cache between us and the client.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(next) = page.next {
            let next = utf8_percent_encode(&next, NON_ALPHANUMERIC);
            let link =
                format!("</api/v1/export?format={name}&limit={limit}&after={next}>; rel=\"next\"");
            if let Ok(link) = HeaderValue::from_str(&link) {
                headers.insert(header::LINK, link);
            }
        }
        Ok(answer)
    }

    /// Takes a table of at most [`TABLE`] bytes. Rows with mistakes are passed over and
    /// listed.
    pub(super) async fn import(&self, tenant: TenantId, query: &Query, body: &[u8]) -> Answer {
        let kind = match query.get("as") {
            None | Some("promise") => Kind::Promise,
            Some("manual") => Kind::Manual,
            Some(other) => {
                let text = format!(
                    "`as` is `{}`; it can be `promise` or `manual`",
                    shown(other)
                );
                return Err(Failure::bad("as", text).into());
            }
        };
        let dry = match query.get("dry_run") {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                let other = shown(other);
                let text = format!("`dry_run` is `{other}`; it can be `true` or `false`");
                return Err(Failure::bad("dry_run", text).into());
            }
        };
        let mut rows = Rows::new(Cursor::new(body.to_vec()))
            .map_err(|mistake| Failure::bad("body", mistake.reason))?;
        let import = Import {
            runtime: self.runtime.clone(),
            tenant,
            kind,
            dry,
        };
        let mut counts = Counts::default();
        let (mut mistakes, mut would): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
        loop {
            let some: Vec<Result<Row, Mistake>> = rows.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                break;
            }
            for (row, done) in some.iter().zip(import.rows(some.clone()).await?) {
                counts.add(&done);
                match (row, done) {
                    (_, Err(Mistake { line, reason })) if mistakes.len() < NAMED => {
                        mistakes.push(json!({ "line": line, "reason": reason }));
                    }
                    (Ok(row), Ok(done)) if dry && would.len() < NAMED => {
                        would.push(line(row, &done.text()));
                    }
                    _ => {}
                }
            }
        }
        let mut shape = json!({
            "rows": counts.rows(),
            "recorded": counts.recorded,
            "repeated": counts.repeated,
            "passed_over": counts.mistakes,
            "mistakes": mistakes,
            "dry_run": dry,
        });
        if let Some(shape) = shape.as_object_mut().filter(|_| dry) {
            shape.insert("would".to_owned(), would.into());
        }
        Ok((StatusCode::OK, shape))
    }
}

fn line(row: &Row, would: &str) -> Value {
    let (serial, name) = match &row.name {
        HostName::Serial(serial) => (Some(serial), None),
        HostName::Name(name) => (None, Some(name)),
    };
    json!({
        "line": row.line,
        "serial": serial,
        "hostname": name,
        "username": row.username,
        "email": row.email,
        "would": would,
    })
}
