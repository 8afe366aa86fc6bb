//! [`Hosts`] over the `host-store` import, and the mapping crate's types in WIT.
//! Records are taken apart without `..`, as in `convert.rs`.

use nameplate_mapping::claim::ClaimDraft;
use nameplate_mapping::hosts::{
    Assignment, AssignmentWrite, Claim, Host, HostPage, Hosts, HostsError, Outcome, Source,
    WriteOutcome,
};
use nameplate_mapping::person::Person;
use nameplate_mapping::service::{DirectoryChange, EndUser, Event, MappingError, Progress};

use crate::bindings::exports::nameplate::scim::mapping;
use crate::bindings::nameplate::scim::{host_store as wit, types};
use crate::convert::list;

/// The hosts of the tenant the host has bound.
pub(crate) struct HostHosts;

impl Hosts for HostHosts {
    fn get(&mut self, host: &str) -> Result<Option<Host>, HostsError> {
        let host = wit::get(host)?;
        Ok(host.map(Into::into))
    }

    fn claimed_by(
        &mut self,
        logins: &[Vec<u8>],
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, HostsError> {
        Ok(wit::claimed_by(logins, after, limit)?.into())
    }

    fn assigned_to(
        &mut self,
        user: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<HostPage, HostsError> {
        Ok(wit::assigned_to(user, after, limit)?.into())
    }

    fn all(&mut self, after: Option<&str>, limit: u32) -> Result<HostPage, HostsError> {
        Ok(wit::all(after, limit)?.into())
    }

    fn put_claim(&mut self, host: &str, claim: &Claim) -> Result<WriteOutcome, HostsError> {
        Ok(wit::put_claim(host, &claim.clone().into())?.into())
    }

    fn withdraw(
        &mut self,
        host: &str,
        source: &Source,
        at: u64,
    ) -> Result<WriteOutcome, HostsError> {
        Ok(wit::withdraw(host, &source.clone().into(), at)?.into())
    }

    fn put_assignments(
        &mut self,
        writes: &[AssignmentWrite],
    ) -> Result<Vec<WriteOutcome>, HostsError> {
        let writes: Vec<wit::AssignmentWrite> = list(writes.to_vec());
        Ok(list(wit::put_assignments(&writes)?))
    }
}

impl From<AssignmentWrite> for wit::AssignmentWrite {
    fn from(write: AssignmentWrite) -> Self {
        let AssignmentWrite {
            host,
            expected,
            assignment,
        } = write;
        Self {
            host,
            expected,
            assignment: assignment.into(),
        }
    }
}

impl From<types::StoreError> for HostsError {
    fn from(error: types::StoreError) -> Self {
        match error {
            types::StoreError::Unavailable(text) => Self::Unavailable(text),
            types::StoreError::Denied(text) | types::StoreError::Invalid(text) => {
                Self::Refused(text)
            }
            types::StoreError::Other(text) => Self::Other(text),
        }
    }
}

impl From<HostsError> for types::StoreError {
    fn from(error: HostsError) -> Self {
        match error {
            HostsError::Unavailable(text) => Self::Unavailable(text),
            HostsError::Refused(text) => Self::Invalid(text),
            HostsError::Other(text) => Self::Other(text),
        }
    }
}

impl From<MappingError> for mapping::MappingError {
    fn from(error: MappingError) -> Self {
        match error {
            MappingError::NoHost => Self::NoHost,
            MappingError::Invalid(text) => Self::Invalid(text),
            MappingError::Directory(error) => Self::Store(error.into()),
            MappingError::Hosts(error) => Self::Store(error.into()),
            MappingError::Busy => Self::Busy,
        }
    }
}

impl From<wit::Source> for Source {
    fn from(source: wit::Source) -> Self {
        match source {
            wit::Source::Manual => Self::Manual,
            wit::Source::Enrollment => Self::Enrollment,
            wit::Source::ChromeProfile => Self::ChromeProfile,
            wit::Source::Custom => Self::Custom,
            wit::Source::Serial => Self::Serial,
            wit::Source::Other(name) => Self::other(name),
        }
    }
}

impl From<Source> for wit::Source {
    fn from(source: Source) -> Self {
        match source {
            Source::Manual => Self::Manual,
            Source::Enrollment => Self::Enrollment,
            Source::ChromeProfile => Self::ChromeProfile,
            Source::Custom => Self::Custom,
            Source::Serial => Self::Serial,
            Source::Shared => Self::Other(Source::SHARED.to_owned()),
            Source::Other(name) => Self::Other(name),
        }
    }
}

impl From<wit::Claim> for Claim {
    fn from(claim: wit::Claim) -> Self {
        let wit::Claim {
            id,
            source,
            username,
            email,
            full_name,
            logins,
            since,
            withdrawn,
            extras,
        } = claim;
        Self {
            id,
            source: source.into(),
            username,
            email,
            full_name,
            logins,
            since,
            withdrawn,
            extras,
        }
    }
}

impl From<Claim> for wit::Claim {
    fn from(claim: Claim) -> Self {
        let Claim {
            id,
            source,
            username,
            email,
            full_name,
            logins,
            since,
            withdrawn,
            extras,
        } = claim;
        Self {
            id,
            source: source.into(),
            username,
            email,
            full_name,
            logins,
            since,
            withdrawn,
            extras,
        }
    }
}

impl From<wit::Outcome> for Outcome {
    fn from(outcome: wit::Outcome) -> Self {
        match outcome {
            wit::Outcome::Linked => Self::Linked,
            wit::Outcome::Pending => Self::Pending,
            wit::Outcome::Ambiguous => Self::Ambiguous,
            wit::Outcome::Unassigned => Self::Unassigned,
            wit::Outcome::Shared => Self::Shared,
        }
    }
}

impl From<Outcome> for wit::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Linked => Self::Linked,
            Outcome::Pending => Self::Pending,
            Outcome::Ambiguous => Self::Ambiguous,
            Outcome::Unassigned => Self::Unassigned,
            Outcome::Shared => Self::Shared,
        }
    }
}

impl From<wit::Assignment> for Assignment {
    fn from(assignment: wit::Assignment) -> Self {
        let wit::Assignment {
            outcome,
            user,
            login,
            reason,
        } = assignment;
        Self {
            outcome: outcome.into(),
            user,
            login,
            reason,
        }
    }
}

impl From<Assignment> for wit::Assignment {
    fn from(assignment: Assignment) -> Self {
        let Assignment {
            outcome,
            user,
            login,
            reason,
        } = assignment;
        Self {
            outcome: outcome.into(),
            user,
            login,
            reason,
        }
    }
}

impl From<wit::HostState> for Host {
    fn from(host: wit::HostState) -> Self {
        let wit::HostState {
            id,
            version,
            claims,
            assignment,
            extras,
        } = host;
        Self {
            id,
            version,
            claims: list(claims),
            assignment: assignment.into(),
            extras,
        }
    }
}

impl From<wit::HostPage> for HostPage {
    fn from(page: wit::HostPage) -> Self {
        let wit::HostPage { hosts, next } = page;
        Self { hosts, next }
    }
}

impl From<wit::WriteOutcome> for WriteOutcome {
    fn from(outcome: wit::WriteOutcome) -> Self {
        match outcome {
            wit::WriteOutcome::Written(version) => Self::Written(version),
            wit::WriteOutcome::Unchanged(version) => Self::Unchanged(version),
            wit::WriteOutcome::Stale(version) => Self::Stale(version),
            wit::WriteOutcome::NoHost => Self::NoHost,
        }
    }
}

impl From<mapping::Event> for Event {
    fn from(event: mapping::Event) -> Self {
        match event {
            mapping::Event::Directory(mapping::DirectoryChange {
                seq,
                name,
                subject_kind,
                subject,
                logins,
            }) => Self::Directory(DirectoryChange {
                seq,
                name,
                subject_kind: subject_kind.into(),
                subject,
                logins,
            }),
            mapping::Event::Claimed((host, draft)) => Self::Claimed(host, draft.into()),
            mapping::Event::Withdrawn((host, source)) => Self::Withdrawn(host, source.into()),
            mapping::Event::Host(host) => Self::Host(host),
        }
    }
}

impl From<mapping::ClaimDraft> for ClaimDraft {
    fn from(draft: mapping::ClaimDraft) -> Self {
        let mapping::ClaimDraft {
            id,
            source,
            username,
            email,
            full_name,
            since,
            extras,
        } = draft;
        Self {
            id,
            source: source.into(),
            username,
            email,
            full_name,
            since,
            extras,
        }
    }
}

impl From<Progress> for mapping::Progress {
    fn from(progress: Progress) -> Self {
        let Progress {
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

impl From<Person> for mapping::Person {
    fn from(person: Person) -> Self {
        let Person {
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

impl From<EndUser> for mapping::EndUser {
    fn from(end_user: EndUser) -> Self {
        let EndUser {
            outcome,
            login,
            reason,
            person,
            candidates,
            near,
        } = end_user;
        Self {
            outcome: outcome.into(),
            login,
            reason,
            person: person.map(Into::into),
            candidates,
            extras: near
                .into_iter()
                .map(|username| ("near".to_owned(), username))
                .collect(),
        }
    }
}
