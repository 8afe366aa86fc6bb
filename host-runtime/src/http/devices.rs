//! Hosts in Fleet's shapes, and who an administrator says uses them.

use http::StatusCode;
use nameplate_store::{Host, Source, TenantId};
use serde_json::Value;

use super::admin::{AdminError, Answer};
use super::fields::{Failure, Fields, shown};
use super::{Front, shapes};
use crate::plugin::{ClaimDraft, EndUser};

impl Front {
    /// A host and its user. The user first: asking for it brings the host up to date.
    pub(super) async fn host_and_user(
        &self,
        tenant: TenantId,
        id: &str,
    ) -> Result<(Host, EndUser), AdminError> {
        let user = self.runtime.end_user(tenant, id).await?;
        let host = self.runtime.stores().hosts.host(tenant, id).await?;
        Ok((host.ok_or(AdminError::NoHost)?, user))
    }

    pub(super) async fn fleet_host(&self, tenant: TenantId, id: &str) -> Answer {
        let (host, user) = self.host_and_user(tenant, id).await?;
        Ok((StatusCode::OK, shapes::fleet_host(&host, &user)))
    }

    pub(super) async fn mapping(&self, tenant: TenantId, id: &str) -> Answer {
        let (host, user) = self.host_and_user(tenant, id).await?;
        Ok((StatusCode::OK, shapes::device_mapping(&host, &user)))
    }

    /// `PUT …/device_mapping`: `idp` claims the host for a login, `custom` notes an
    /// address and decides nothing.
    pub(super) async fn set_mapping(&self, tenant: TenantId, id: &str, fields: &Fields) -> Answer {
        let wanted = Wanted::read(fields)?;
        let host = self.runtime.stores().hosts.host(tenant, id).await?;
        let host = host.ok_or(AdminError::NoHost)?;
        match wanted {
            Wanted::Idp(login) => {
                let draft = self.manual(login);
                self.runtime.claim(tenant, id, draft).await?;
            }
            Wanted::Custom(email) if has_custom(&host, &email) => {}
            Wanted::Custom(email) => {
                // As in Fleet the custom address is one that is overwritten; there is no
                // other way to take it back.
                self.runtime.withdraw(tenant, id, Source::Custom).await?;
                let draft = ClaimDraft {
                    id: String::new(),
                    source: Source::Custom,
                    username: String::new(),
                    email,
                    full_name: String::new(),
                    since: Some(self.runtime.now()),
                };
                self.runtime.claim(tenant, id, draft).await?;
            }
        }
        self.mapping(tenant, id).await
    }

    /// The value is the login in the identity provider, and an address if it looks
    /// like one.
    fn manual(&self, login: String) -> ClaimDraft {
        ClaimDraft {
            id: String::new(),
            source: Source::Manual,
            email: if login.contains('@') {
                login.clone()
            } else {
                String::new()
            },
            username: login,
            full_name: String::new(),
            since: Some(self.runtime.now()),
        }
    }

    pub(super) async fn drop_mapping(&self, tenant: TenantId, id: &str) -> Answer {
        let progress = self.runtime.withdraw(tenant, id, Source::Manual).await?;
        if progress.recorded {
            return Ok((StatusCode::NO_CONTENT, Value::Null));
        }
        Err(AdminError::Failure(Failure {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            name: "idp",
            message: "this host has no idp username set by hand; what its enrolment says cannot \
                      be deleted, only overridden with `PUT …/device_mapping`"
                .to_owned(),
        }))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Idp(String),
    Custom(String),
}

impl Wanted {
    fn read(fields: &Fields) -> Result<Self, Failure> {
        let source = fields.text("source")?;
        let email = fields.text("email")?;
        let wanted = match source.as_str() {
            "" | "custom" => Self::Custom,
            "idp" => Self::Idp,
            other => {
                return Err(Failure::bad(
                    "source",
                    format!(
                        "`source` is `{}`; it has to be `idp` or `custom`",
                        shown(other)
                    ),
                ));
            }
        };
        if email.is_empty() {
            return Err(Failure::bad(
                "email",
                "`email` is missing or empty; give the login in the identity provider (source \
                 `idp`) or an address (source `custom`)",
            ));
        }
        Ok(wanted(email))
    }
}

fn has_custom(host: &Host, email: &str) -> bool {
    host.claims.iter().any(|claim| {
        claim.source == Source::Custom && claim.withdrawn.is_none() && claim.email == email
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn read(json: &str) -> Result<Wanted, Failure> {
        Wanted::read(&Fields::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn the_source_is_custom_unless_told() {
        let custom = Ok(Wanted::Custom("a@b".to_owned()));
        assert_eq!(read(r#"{"email":"a@b"}"#), custom);
        assert_eq!(read(r#"{"email":"a@b","source":"custom"}"#), custom);
        assert_eq!(
            read(r#"{"email":" ana ","source":"idp"}"#),
            Ok(Wanted::Idp("ana".to_owned()))
        );
    }

    #[test]
    fn an_empty_email_and_an_unknown_source_are_refused_by_name() {
        assert_eq!(read(r#"{"source":"idp"}"#).unwrap_err().name, "email");
        assert_eq!(read(r#"{"email":"  "}"#).unwrap_err().name, "email");
        assert_eq!(
            read(r#"{"email":"a","source":"x"}"#).unwrap_err().name,
            "source"
        );
    }
}
