//! Hosts as the device-management server tells of them, and their enrolments.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use nameplate_store::{HostRecord, Source, TenantId, Timestamp};
use serde_json::{Value, json};

use super::Front;
use super::admin::{AdminError, Answer};
use super::fields::{Failure, Fields, shown};
use super::shapes::{self, Beside};
use super::time::parse_rfc3339;
use crate::plugin::{ClaimDraft, EndUser};

/// Lines of history in an answer: a laptop changes hands a few times in its life.
const HISTORY: u32 = 50;
/// A clock may be ahead of ours. A claim from further in the future would outrank
/// every later one until then.
const MAX_AHEAD_MS: u64 = 24 * 3600 * 1000;
/// What the store keeps of a claim's id.
const CLAIM_ID: usize = 128;

impl Front {
    pub(super) async fn put_host(&self, tenant: TenantId, fields: &Fields) -> Answer {
        let record = HostRecord {
            id: fields.id("id")?,
            display_name: fields.text("display_name")?,
            platform: fields.text("platform")?,
            serial: fields.text("serial")?,
            uuid: fields.text("uuid")?,
        };
        let id = record.id.clone();
        let created = self.runtime.put_host(tenant, record).await?;
        let (_, shape) = self.host(tenant, &id).await?;
        let status = if created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        Ok((status, shape))
    }

    pub(super) async fn host(&self, tenant: TenantId, id: &str) -> Answer {
        let (host, user) = self.host_and_user(tenant, id).await?;
        let beside = self.beside(tenant, id, &user).await?;
        Ok((StatusCode::OK, shapes::host(&host, &user, &beside)))
    }

    /// What the record of a host shows besides the host and its user.
    async fn beside(
        &self,
        tenant: TenantId,
        id: &str,
        user: &EndUser,
    ) -> Result<Beside, AdminError> {
        let stores = self.runtime.stores();
        let history = stores.hosts.history(tenant, id, HISTORY).await?;
        let past: BTreeSet<String> = history
            .iter()
            .filter_map(|past| past.assignment.user.clone())
            .collect();
        let past: Vec<String> = past.into_iter().collect();
        let gone = stores.users.departures_of(tenant, &past).await?;
        let mut names: BTreeMap<String, String> =
            gone.into_iter().map(|gone| (gone.id, gone.label)).collect();
        let assignments = history.iter().map(|past| &past.assignment);
        names.extend(self.names_of(tenant, assignments).await?);
        let deactivated = match &user.person {
            Some(person) if !person.active => {
                let ids = [person.id.clone()];
                let gone = stores.users.departures_of(tenant, &ids).await?;
                gone.first().and_then(|gone| gone.deactivated)
            }
            Some(_) | None => None,
        };
        Ok(Beside {
            history,
            names,
            deactivated,
            labels: self.runtime.labels_of(tenant, id).await?,
        })
    }

    pub(super) async fn drop_host(&self, tenant: TenantId, id: &str) -> Answer {
        let now = self.runtime.now();
        let hosts = &self.runtime.stores().hosts;
        if hosts.delete_host(tenant, now, id).await? {
            self.runtime.tails().wake(tenant);
            Ok((StatusCode::NO_CONTENT, Value::Null))
        } else {
            Err(AdminError::NoHost)
        }
    }

    /// The end user signed in while the host enrolled.
    pub(super) async fn enroll(&self, tenant: TenantId, id: &str, fields: &Fields) -> Answer {
        let draft = enrollment(fields, self.runtime.now())?;
        let progress = self.runtime.claim(tenant, id, draft).await?;
        let (_, user) = self.host_and_user(tenant, id).await?;
        let status = if progress.recorded {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        let shape = json!({
            "host_id": id,
            "recorded": progress.recorded,
            "assignment": shapes::current(&user),
        });
        Ok((status, shape))
    }

    /// Many people use this host: whoever enrols it, it is nobody's.
    pub(super) async fn share(&self, tenant: TenantId, id: &str) -> Answer {
        let draft = ClaimDraft {
            id: String::new(),
            source: shared(),
            username: String::new(),
            email: String::new(),
            full_name: String::new(),
            since: None,
        };
        self.runtime.claim(tenant, id, draft).await?;
        self.mapping(tenant, id).await
    }

    /// The host is one person's again.
    pub(super) async fn unshare(&self, tenant: TenantId, id: &str) -> Answer {
        self.runtime.withdraw(tenant, id, shared()).await?;
        self.mapping(tenant, id).await
    }

    pub(super) async fn explain_host(&self, tenant: TenantId, id: &str) -> Answer {
        let lines = self.runtime.explain(tenant, id).await?;
        Ok((StatusCode::OK, json!({ "host_id": id, "lines": lines })))
    }
}

/// The claim that marks a host as used by many.
fn shared() -> Source {
    Source::Other("shared".to_owned())
}

fn enrollment(fields: &Fields, now: Timestamp) -> Result<ClaimDraft, Failure> {
    let draft = ClaimDraft {
        id: fields.text("enrollment_id")?,
        source: Source::Enrollment,
        username: fields.text("username")?,
        email: fields.text("email")?,
        full_name: fields.text("full_name")?,
        since: moment("enrolled_at", &fields.text("enrolled_at")?, now)?,
    };
    if draft.id.len() > CLAIM_ID {
        return Err(Failure::bad(
            "enrollment_id",
            format!(
                "`enrollment_id` has {} bytes; at most {CLAIM_ID} are kept",
                draft.id.len()
            ),
        ));
    }
    let nobody = draft.username.is_empty() && draft.email.is_empty();
    // Said in so many words: a forgotten field must not take a host from its user.
    match (nobody, fields.flag("signed_in")?) {
        (true, Some(false)) | (false, None | Some(true)) => Ok(draft),
        (true, None | Some(true)) => Err(Failure::bad(
            "username",
            "give `username` or `email`: who signed in at the enrolment; if nobody did, say \
             `\"signed_in\": false`, and earlier enrolments no longer count",
        )),
        (false, Some(false)) => Err(Failure::bad(
            "signed_in",
            "`signed_in` is `false`, but a `username` or an `email` is given",
        )),
    }
}

/// When something became true, as a client says; none if nothing is said.
pub(super) fn moment(
    name: &'static str,
    text: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    match parse_rfc3339(text) {
        Some(at) if at <= now.saturating_add(MAX_AHEAD_MS) => Ok(Some(at)),
        Some(_) => Err(Failure::bad(
            name,
            format!("`{name}` is `{}`, which lies in the future", shown(text)),
        )),
        None => Err(Failure::bad(
            name,
            format!(
                "`{name}` is `{}`; write it like `2026-03-01T09:30:00Z`",
                shown(text)
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn read(json: &str) -> Result<ClaimDraft, Failure> {
        enrollment(&Fields::parse(json.as_bytes()).unwrap(), 1_772_357_400_000)
    }

    #[test]
    fn id_and_time_are_optional() {
        let draft = read(r#"{"email":"ana@example.com"}"#).unwrap();
        assert_eq!((draft.id.as_str(), draft.since), ("", None));
        let draft = read(
            r#"{"username":"ana","enrollment_id":"e1","enrolled_at":"2026-03-01T10:30:00+01:00"}"#,
        );
        let draft = draft.unwrap();
        assert_eq!(draft.since, Some(1_772_357_400_000));
        assert_eq!(draft.id, "e1");
    }

    #[test]
    fn nobody_a_wrong_time_and_a_time_to_come_are_refused_by_name() {
        let name = |json: &str| read(json).unwrap_err().name;
        assert_eq!(name(r#"{"full_name":"Ana"}"#), "username");
        assert_eq!(
            name(r#"{"email":"a@b","enrolled_at":"yesterday"}"#),
            "enrolled_at"
        );
        assert_eq!(
            name(r#"{"email":"a@b","enrolled_at":"2027-03-01T09:30:00Z"}"#),
            "enrolled_at"
        );
        let long = format!(r#"{{"email":"a@b","enrollment_id":"{}"}}"#, "x".repeat(129));
        assert_eq!(name(&long), "enrollment_id");
    }
}
