//! Who may go on: settled from the headers alone, before a byte of the body is read.
//!
//! In this order, so that nobody learns of a tenant by being refused: is the token
//! known and of the tenant that the address names; is it for this interface; is the
//! tenant served; does it ask too often; may the token write.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use nameplate_store::{LogNote, NoteLevel, StoreError, Timestamp, TokenScope};

use super::exchange::Exchange;
use super::{Front, Reply, base_url, reply, rfc3339};
use crate::auth::{Identity, Refusal, presented};
use crate::runtime::Standing;
use crate::tenancy::TooOften;

/// A caller who is let in.
pub(super) struct Admitted {
    pub(super) identity: Identity,
    /// Remarks for the log.
    pub(super) notes: Vec<LogNote>,
    /// What the tenant may use.
    pub(super) standing: Standing,
}

/// A caller who is not let in.
pub(super) enum Denied {
    /// Nobody knows who it is.
    Refused(Refusal),
    /// Known, and stopped by this.
    Stopped(Box<Identity>, Obstacle),
}

/// What stops a known caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// The token is for the other interface.
    Scope,
    /// The operator has suspended the tenant.
    Suspended,
    /// One request too many.
    TooOften(TooOften),
    /// The token may only read.
    ReadOnly,
}

impl Obstacle {
    /// Is it worth a line in the request log? Of a flood only the beginning is.
    pub(super) fn noted(self) -> bool {
        match self {
            Self::Scope | Self::Suspended | Self::ReadOnly => true,
            Self::TooOften(TooOften { first, .. }) => first,
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Scope | Self::Suspended | Self::ReadOnly => StatusCode::FORBIDDEN,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// What to do, in words; `wanted` is the interface that was asked.
    fn words(self, wanted: TokenScope) -> String {
        let text = match (self, wanted) {
            (Self::Scope, TokenScope::Scim) => {
                "this is an admin token; scim takes the token of a connection, made with \
                 `nameplate token create --scope scim`"
            }
            (Self::Scope, TokenScope::Admin) => {
                "this is the scim token of a connection; this path takes an admin token, made \
                 with `nameplate token create --scope admin`"
            }
            (Self::Suspended, _) => "this tenant is suspended; ask the operator of this server",
            (Self::ReadOnly, _) => {
                "this token may only read; to write, use one made with `nameplate token create \
                 --access write`"
            }
            (Self::TooOften(refused), _) => {
                return format!(
                    "too many requests; send the next one in {} s",
                    seconds(refused.wait)
                );
            }
        };
        text.to_owned()
    }
}

/// RFC 9110 10.2.3 has whole seconds; at least one, or clients come back at once.
fn seconds(wait: Duration) -> u64 {
    let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    whole.max(1)
}

impl Denied {
    /// The answer, in the shape of the interface that was asked.
    pub(super) fn reply(&self, wanted: TokenScope) -> Reply {
        let (status, words) = match self {
            Self::Refused(refusal) => reply::refusal(refusal),
            Self::Stopped(_, obstacle) => (obstacle.status(), obstacle.words(wanted)),
        };
        let mut answer = match wanted {
            TokenScope::Scim => reply::scim_error(status, &words),
            TokenScope::Admin => reply::failure(status, &words, "token"),
        };
        if let Self::Stopped(_, Obstacle::TooOften(refused)) = self {
            let after = HeaderValue::from(seconds(refused.wait));
            answer.headers_mut().insert(header::RETRY_AFTER, after);
        }
        answer
    }
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Denied {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl Front {
    /// Lets the caller in who shows a bearer token for this interface.
    pub(super) async fn admit(
        &self,
        exchange: &mut Exchange,
        wanted: TokenScope,
        writes: bool,
    ) -> Result<Admitted, Denied> {
        let Some(presented) = presented(&exchange.parts.headers) else {
            self.stranger(exchange, None).await;
            return Err(Refusal::Missing.into());
        };
        let quirk = presented.quirk.map(|text| LogNote {
            level: NoteLevel::Quirk,
            code: "authorization-header".to_owned(),
            text: text.to_owned(),
        });
        let token = presented.token.to_owned();
        let mut admitted = self.admit_token(&token, exchange, wanted, writes).await?;
        admitted.notes.extend(quirk);
        Ok(admitted)
    }

    /// Lets the holder of this token in; of a stranger the log is told.
    pub(super) async fn admit_token(
        &self,
        token: &str,
        exchange: &mut Exchange,
        wanted: TokenScope,
        writes: bool,
    ) -> Result<Admitted, Denied> {
        let desk = self.runtime.desk();
        let identity = match desk.identify(token, &exchange.bound).await {
            Ok(identity) => identity,
            Err(refusal) => {
                self.stranger(exchange, Some(token)).await;
                return Err(refusal.into());
            }
        };
        let standing = self.runtime.standing(identity.tenant).await?;
        if let Some(obstacle) = self.obstacle(&identity, &standing, wanted, writes) {
            return Err(Denied::Stopped(Box::new(identity), obstacle));
        }
        let notes = desk.ends_soon(&identity).map(ending);
        Ok(Admitted {
            identity,
            notes: notes.into_iter().collect(),
            standing,
        })
    }

    fn obstacle(
        &self,
        identity: &Identity,
        standing: &Standing,
        wanted: TokenScope,
        writes: bool,
    ) -> Option<Obstacle> {
        if identity.scope != wanted {
            return Some(Obstacle::Scope);
        }
        if standing.suspended {
            return Some(Obstacle::Suspended);
        }
        let rates = self.runtime.rates();
        if let Err(refused) = rates.take(identity.tenant, wanted, standing.limits.rate) {
            return Some(Obstacle::TooOften(refused));
        }
        (writes && identity.access < nameplate_store::Access::Write).then_some(Obstacle::ReadOnly)
    }

    /// Adds the tenant that the request's host name belongs to, if it belongs to one.
    pub(super) async fn bind_host(&self, exchange: &mut Exchange) -> Result<(), StoreError> {
        let parts = &exchange.parts;
        let host = base_url::host(&self.settings(), exchange.peer, &parts.uri, &parts.headers);
        let Some(host) = host else {
            return Ok(());
        };
        if let Some(name) = self.runtime.desk().tenant_of_host(&host).await? {
            exchange.bound.push(name);
            exchange.by_host = true;
        }
        Ok(())
    }
}

fn ending(at: Timestamp) -> LogNote {
    LogNote {
        level: NoteLevel::Warning,
        code: "token-ends-soon".to_owned(),
        text: format!(
            "the token of this request ends at {}; replace it with `nameplate token rotate`",
            rfc3339(at)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_as_none() {
        for (millis, told) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(seconds(Duration::from_millis(millis)), told, "{millis}");
        }
    }
}
