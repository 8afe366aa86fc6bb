//! The request that one step stands for, its references resolved.
//!
//! This module must not know what has been prepared or carried out.

use std::borrow::Cow;

use super::births::Births;
use super::order::Step;
use super::parse::{Asked, Job, Who};
use super::promises::Promises;
use super::references::replace;
use super::too_large;
use crate::config::Config;
use crate::directory::Kind;
use crate::error::ScimError;
use crate::http::Request;
use crate::service::busy;
use crate::write::{Verb, Wish};

/// A request, as its handler takes it.
pub(super) struct Task {
    pub request: Request,
    kind: Kind,
    verb: Verb,
    id: String,
    promises: Promises,
}

impl Task {
    /// # Errors
    /// What is wrong with the operation: as it was read, with its size, or with what it
    /// refers to.
    pub fn new(
        job: &Job<'_>,
        step: &Step,
        births: &Births,
        config: &Config,
        base_url: &str,
    ) -> Result<Self, ScimError> {
        let operation = job.operations.get(step.index).ok_or_else(busy)?;
        let asked = operation.asked.as_ref().map_err(Clone::clone)?;
        let mut promises = Promises::default();
        let mut resolve = |bulk_id: &str| births.resolve(job, bulk_id, step, &mut promises);
        let id = match &asked.who {
            Who::New => births.id(step.index).to_owned(),
            Who::Id(id) => id.clone(),
            Who::Made(bulk_id) => resolve(bulk_id)?,
        };
        let body = match asked.data {
            None => Cow::Borrowed(""),
            Some(data) => {
                let most = limit(config, asked.kind);
                if data.get().len() > most {
                    return Err(too_large(format!("the `data` has more than {most} bytes")));
                }
                replace(data.get(), most, &mut resolve)?
            }
        };
        Ok(Self {
            request: Request {
                headers: if_match(asked),
                body: body.into_owned().into_bytes(),
                base_url: base_url.to_owned(),
                ..Request::default()
            },
            kind: asked.kind,
            verb: match step.late.is_empty() {
                true => asked.verb,
                false => Verb::Complete,
            },
            id,
            promises,
        })
    }

    pub fn wish(&self) -> Wish<'_> {
        Wish {
            promises: Some(&self.promises),
            ..Wish::new(self.kind, &self.id, self.verb)
        }
    }
}

/// The largest body that a request of its own could have.
fn limit(config: &Config, kind: Kind) -> usize {
    let most = match kind {
        Kind::User => config.body_limit,
        Kind::Group => config.large_body_limit,
    };
    usize::try_from(most).unwrap_or(usize::MAX)
}

fn if_match(asked: &Asked<'_>) -> Vec<(String, Vec<u8>)> {
    let version = asked.version.as_ref();
    version
        .map(|version| ("if-match".to_owned(), version.clone().into_bytes()))
        .into_iter()
        .collect()
}
