//! What is known of the resources that operations create: their ids, given before they
//! are there, and whether they came to be.
//!
//! This module must not know how an operation is carried out.

use super::order::Step;
use super::parse::{Asked, Job, Who};
use super::promises::Promises;
use crate::error::{ScimError, quoted};
use crate::service::Call;
use crate::write::new_id;

/// What became of what an operation creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Birth {
    /// Not tried yet.
    Unborn,
    /// Will be there once what waits is committed.
    Waiting,
    Born,
    Failed,
}

/// By the operations of a request.
pub(super) struct Births {
    list: Vec<(String, Birth)>,
}

impl Births {
    /// Gives ids to all that is to be created.
    pub fn new(call: &mut Call<'_>, job: &Job<'_>) -> Self {
        let list = job.operations.iter().map(|operation| {
            let id = match &operation.asked {
                Ok(Asked { who: Who::New, .. }) => new_id(call),
                _ => String::new(),
            };
            (id, Birth::Unborn)
        });
        Self {
            list: list.collect(),
        }
    }

    /// The id of what an operation creates.
    pub fn id(&self, index: usize) -> &str {
        self.list.get(index).map_or("", |(id, _)| id)
    }

    pub fn of(&self, index: usize) -> Birth {
        self.list
            .get(index)
            .map_or(Birth::Failed, |(_, birth)| *birth)
    }

    /// Is it there, or will it be after what waits.
    pub fn is_there(&self, index: usize) -> bool {
        matches!(self.of(index), Birth::Born | Birth::Waiting)
    }

    pub fn set(&mut self, index: usize, birth: Birth) {
        if let Some((_, known)) = self.list.get_mut(index) {
            *known = birth;
        }
    }

    /// It is there, under this id: of somebody who is back the id is the old one.
    pub fn born(&mut self, index: usize, id: &str) {
        if let Some(known) = self.list.get_mut(index) {
            *known = (id.to_owned(), Birth::Born);
        }
    }

    /// The id in place of a reference in what a step sends.
    ///
    /// # Errors
    /// `invalidValue` if no operation creates it; 409 (RFC 7644 3.7.1) if that one failed.
    pub fn resolve(
        &self,
        job: &Job<'_>,
        bulk_id: &str,
        step: &Step,
        promises: &mut Promises,
    ) -> Result<String, ScimError> {
        let index = job.made_by(bulk_id)?;
        let id = self.id(index).to_owned();
        match self.of(index) {
            Birth::Born | Birth::Waiting => {
                // Few are late, and each may be named many times.
                if !promises.late.contains(&id) && step.late.contains(&index) {
                    promises.late.insert(id.clone());
                }
            }
            Birth::Failed if step.late.is_empty() => {
                return Err(ScimError::new(
                    409,
                    None,
                    format!(
                        "the operation with the bulkId {} failed, so nothing can refer to \
                         what it creates",
                        quoted(bulk_id)
                    ),
                ));
            }
            Birth::Failed | Birth::Unborn => {
                promises.unborn.insert(id.clone());
            }
        }
        Ok(id)
    }
}
