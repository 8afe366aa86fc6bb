//! What the request log is told of a request, now that it is answered.
//!
//! Every request of a tenant has a line, but for reads of the administration that went
//! well: a device-management server asks for each of its hosts, and would wash out what
//! an identity provider did.

use http::{StatusCode, header};
use nameplate_store::{LogNote, NoteLevel, TenantId, TokenScope};
use serde_json::Value;

use super::exchange::{Exchange, Line};
use super::{Front, Reply};
use crate::auth::{presented, public_part};
use crate::request_log::advice::REFUSED;
use crate::request_log::text::{LogPath, LogText};
use crate::request_log::{LogCaller, LogLine, LogRemark};

/// An error is a few hundred bytes; a larger answer is not searched for its words.
const ERROR_BYTES: usize = 64 << 10;
/// Bytes taken of an error's words, of its keyword and of what the client sent in its
/// head; the log cuts each to what it keeps.
const TEXT: usize = 1024;

impl Line {
    /// A line that says whose request it was.
    pub(super) fn of(tenant: TenantId, caller: LogCaller) -> Self {
        Self {
            tenant,
            connection: None,
            caller,
            notes: Vec::new(),
            guest: std::time::Duration::ZERO,
            kept: None,
            from_idp: false,
        }
    }
}

impl Front {
    /// Writes down what is to be told of a request.
    pub(super) fn record(&self, exchange: Exchange, answer: &Reply) {
        let Exchange {
            id,
            at,
            started,
            peer: _,
            parts,
            prefix: _,
            bound: _,
            by_host: _,
            line,
        } = exchange;
        let Some(line) = line else {
            return;
        };
        let Line {
            tenant,
            connection,
            caller,
            notes,
            guest,
            kept,
            from_idp,
        } = line;
        let (detail, refused) = words(answer);
        let agent = parts.headers.get(header::USER_AGENT);
        let agent = agent.and_then(|agent| agent.to_str().ok());
        let text = |text: &str| LogText::new(text, TEXT);
        self.runtime.desk().log.add(LogLine {
            request_id: text(id.as_str()),
            tenant,
            connection,
            at,
            method: text(parts.method.as_str()),
            path: LogPath::new(parts.uri.path()),
            status: answer.status().as_u16(),
            took: started.elapsed(),
            guest,
            detail: text(&detail),
            remarks: notes
                .iter()
                .chain(refused.as_ref())
                .map(LogRemark::new)
                .collect(),
            caller,
            user_agent: text(agent.unwrap_or_default()),
            from_idp,
            kept,
        });
    }

    /// Notes for whose log a request is whose caller was not let in: the tenant its
    /// address names, else the one whose token it claims to have. Of others nobody is
    /// told: no log is theirs.
    pub(super) async fn stranger(&self, exchange: &mut Exchange, token: Option<&str>) {
        let desk = self.runtime.desk();
        let id = token.and_then(public_part);
        let row = match id {
            Some(id) => desk.row(id).await,
            None => None,
        };
        let bound = match exchange.bound.as_slice() {
            [] => None,
            [name, rest @ ..] if rest.iter().all(|other| other == name) => {
                match desk.tenant(name).await {
                    Ok(Some(tenant)) => Some(tenant),
                    _ => return,
                }
            }
            _ => return,
        };
        let Some(tenant) = bound.or(row.as_ref().map(|row| row.tenant)) else {
            return;
        };
        let caller = id.map_or_else(LogCaller::default, LogCaller::stranger);
        // Another tenant's connection is none of this one's business.
        let row = row.filter(|row| row.tenant == tenant);
        exchange.line = Some(Line {
            connection: row.and_then(|row| row.connection),
            ..Line::of(tenant, caller)
        });
    }

    /// Notes for whose log a request to a path is that leads nowhere.
    pub(super) async fn astray(&self, exchange: &mut Exchange) {
        if !exchange.parts.headers.contains_key(header::AUTHORIZATION) {
            return;
        }
        let Some(presented) = presented(&exchange.parts.headers) else {
            return;
        };
        let desk = self.runtime.desk();
        if let Ok(identity) = desk.identify(presented.token, &exchange.bound).await {
            exchange.line = Some(Line {
                connection: identity.connection,
                from_idp: identity.scope == TokenScope::Scim,
                ..Line::of(identity.tenant, LogCaller::of(&identity.caller))
            });
        }
    }
}

/// The words of an error, SCIM's (RFC 7644 3.12) or ours, and under which name it was
/// refused.
fn words(answer: &Reply) -> (String, Option<LogNote>) {
    let (status, body) = (answer.status(), answer.body());
    if !is_error(status) || body.len() > ERROR_BYTES {
        return (String::new(), None);
    }
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let detail = text("detail").or_else(|| text("message"));
    let refused = text("scimType").map(|name| LogNote {
        level: NoteLevel::Action,
        code: format!("{REFUSED}{name}"),
        text: format!("refused as `{name}`"),
    });
    (detail.unwrap_or_default().to_owned(), refused)
}

fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

#[cfg(test)]
mod tests {
    use super::super::reply;
    use super::*;

    #[test]
    fn the_words_of_an_error_are_found_and_of_nothing_else() {
        let error = reply::scim_error(StatusCode::NOT_FOUND, "no such user");
        assert_eq!(words(&error).0, "no such user");
        let error = reply::failure(StatusCode::BAD_REQUEST, "`limit` is wrong", "limit");
        assert_eq!(words(&error).0, "`limit` is wrong");
        let mut fine = reply::scim_error(StatusCode::NOT_FOUND, "no such user");
        *fine.status_mut() = StatusCode::OK;
        assert_eq!(words(&fine), (String::new(), None));
    }

    #[test]
    fn the_keyword_of_a_scim_error_is_a_remark() {
        let body = br#"{"scimType":"uniqueness","detail":"taken"}"#;
        let mut error = Reply::new(bytes::Bytes::from_static(body));
        *error.status_mut() = StatusCode::CONFLICT;
        let (detail, refused) = words(&error);
        assert_eq!(detail, "taken");
        assert_eq!(
            refused.map(|note| (note.code, note.text)),
            Some((
                "refused-uniqueness".to_owned(),
                "refused as `uniqueness`".to_owned()
            ))
        );
    }
}
