//! `…/users/{id}/personal-data`: what is kept of one person, and forgetting it.

use http::{Method, StatusCode};
use nameplate_store::{Erased, HostsErased, TenantId};
use serde_json::{Value, json};

use super::Front;
use super::admin::{AdminError, Answer};
use super::fields::Failure;
use super::route::decode;
use crate::personal::{Forgotten, PersonError};

/// Routes of one person's data; the id may be a login too.
#[derive(Debug, PartialEq, Eq)]
pub enum PersonalRoute {
    /// `GET /api/v1/users/{id}/personal-data`
    Export(String),
    /// `DELETE /api/v1/users/{id}/personal-data`
    Erase(String),
}

impl PersonalRoute {
    /// The route of a person; the methods that it answers where the method is another;
    /// none if there can be no such person.
    pub fn of(method: &Method, id: &str) -> Option<Result<Self, &'static str>> {
        let id = decode(id)?;
        Some(match *method {
            Method::GET => Ok(Self::Export(id)),
            Method::DELETE => Ok(Self::Erase(id)),
            _ => Err("GET, DELETE"),
        })
    }

    /// Does it change something.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Erase(_))
    }
}

impl From<PersonError> for AdminError {
    fn from(error: PersonError) -> Self {
        let status = match error {
            PersonError::Nobody(_) => StatusCode::NOT_FOUND,
            PersonError::Several { .. } => StatusCode::CONFLICT,
            PersonError::Trouble(error) => return error.into(),
        };
        Self::Failure(Failure {
            status,
            name: "id",
            message: error.to_string(),
        })
    }
}

impl Front {
    /// Answers about one person's data. It stands in no request log, for that would keep
    /// who it was about; erasing stands in the audit log, by id.
    pub(super) async fn personal(&self, tenant: TenantId, route: &PersonalRoute) -> Answer {
        match route {
            PersonalRoute::Export(id) => {
                let data = self.runtime.personal_data(tenant, id).await?;
                Ok((StatusCode::OK, json!({ "personal_data": data })))
            }
            PersonalRoute::Erase(id) => {
                let forgotten = self.runtime.forget_person(tenant, id).await?;
                Ok((StatusCode::OK, json!({ "erased": shape(&forgotten) })))
            }
        }
    }
}

/// What was forgotten, without a word of it.
pub(crate) fn shape(forgotten: &Forgotten) -> Value {
    let Forgotten {
        id,
        directory,
        hosts,
        requests,
        comes_back,
    } = forgotten;
    let Erased {
        document,
        keys,
        edges,
        logins,
        events,
        departures,
    } = directory;
    let HostsErased {
        claims,
        history,
        promises,
        events: host_events,
        hosts,
    } = hosts;
    let warning = comes_back.map(|place| {
        format!(
            "the identity provider still has this person and will send them again with the next \
             change: remove them there first ({place}), then erase once more"
        )
    });
    json!({
        "id": id,
        "document": document,
        "keys": keys,
        "memberships": edges,
        "logins": logins,
        "events": events + host_events,
        "departures": departures,
        "claims": claims,
        "history": history,
        "promises": promises,
        "hosts": hosts,
        "requests": requests,
        "warning": warning,
    })
}
