//! What the runtime calls and what the component answers.

use nameplate_store as store;

use crate::plugin::{
    ClaimDraft, DirectoryChange, EndUser, MappingError, MappingEvent, Person, PluginRequest,
    PluginResponse, Progress, ReindexProgress,
};
use crate::wasm::bindings::exports::nameplate::scim::{http_handler, mapping, reindex};
use crate::wasm::bindings::nameplate::scim::types;

impl From<PluginRequest> for http_handler::Request {
    fn from(request: PluginRequest) -> Self {
        let PluginRequest {
            method,
            path,
            query,
            headers,
            body,
            base_url,
        } = request;
        Self {
            method,
            path,
            query,
            headers,
            body: body.into(),
            base_url,
            extras: Vec::new(),
        }
    }
}

impl From<http_handler::Response> for PluginResponse {
    fn from(response: http_handler::Response) -> Self {
        let http_handler::Response {
            status,
            headers,
            body,
            extras: _,
        } = response;
        Self {
            status,
            headers,
            body,
        }
    }
}

impl From<MappingEvent> for mapping::Event {
    fn from(event: MappingEvent) -> Self {
        match event {
            MappingEvent::Directory(change) => {
                let DirectoryChange {
                    seq,
                    name,
                    subject_kind,
                    subject,
                    logins,
                } = change;
                Self::Directory(mapping::DirectoryChange {
                    seq,
                    name,
                    subject_kind: subject_kind.into(),
                    subject,
                    logins,
                })
            }
            MappingEvent::Claimed(host, draft) => {
                let ClaimDraft {
                    id,
                    source,
                    username,
                    email,
                    full_name,
                    since,
                } = draft;
                Self::Claimed((
                    host,
                    mapping::ClaimDraft {
                        id,
                        source: source.into(),
                        username,
                        email,
                        full_name,
                        since,
                        extras: Vec::new(),
                    },
                ))
            }
            MappingEvent::Withdrawn(host, source) => Self::Withdrawn((host, source.into())),
            MappingEvent::Host(host) => Self::Host(host),
        }
    }
}

impl From<mapping::Progress> for Progress {
    fn from(progress: mapping::Progress) -> Self {
        let mapping::Progress {
            seen,
            changed,
            recorded,
            next,
        } = progress;
        Self {
            seen,
            changed,
            recorded,
            next,
        }
    }
}

impl From<types::StoreError> for store::StoreError {
    fn from(error: types::StoreError) -> Self {
        match error {
            types::StoreError::Unavailable(text) => Self::Unavailable(text),
            types::StoreError::Denied(text) => Self::Denied(text),
            types::StoreError::Invalid(text) => Self::Invalid(text),
            types::StoreError::Other(text) => Self::Other(text),
        }
    }
}

impl From<mapping::MappingError> for MappingError {
    fn from(error: mapping::MappingError) -> Self {
        match error {
            mapping::MappingError::NoHost => Self::NoHost,
            mapping::MappingError::Invalid(text) => Self::Invalid(text),
            mapping::MappingError::Store(error) => Self::Store(error.into()),
            mapping::MappingError::Busy => Self::Busy,
        }
    }
}

impl From<mapping::Person> for Person {
    fn from(person: mapping::Person) -> Self {
        let mapping::Person {
            id,
            connection,
            external_id,
            username,
            full_name,
            department,
            groups,
            active,
            updated,
            attributes,
        } = person;
        Self {
            id,
            connection,
            external_id,
            username,
            full_name,
            department,
            groups,
            active,
            updated,
            attributes,
        }
    }
}

impl From<mapping::EndUser> for EndUser {
    fn from(end_user: mapping::EndUser) -> Self {
        let mapping::EndUser {
            outcome,
            login,
            reason,
            person,
            candidates,
            extras,
        } = end_user;
        let near = extras.into_iter().filter(|(name, _)| name == "near");
        Self {
            outcome: outcome.into(),
            login,
            reason,
            person: person.map(Into::into),
            candidates,
            near: near.map(|(_, username)| username).collect(),
        }
    }
}

impl From<reindex::Progress> for ReindexProgress {
    fn from(progress: reindex::Progress) -> Self {
        let reindex::Progress {
            seen,
            written,
            next,
        } = progress;
        Self {
            seen,
            written,
            next,
        }
    }
}
