//! The page about the identity provider: is one connected, and does it work.
//!
//! Plain HTML without a script, so that it shows under the strictest policy.

use anyhow::Context;
use askama::Template;
use http::{HeaderMap, HeaderValue, header};
use nameplate_store::{Connection, RequestEntry, RequestQuery, TenantId, Token};

use crate::Runtime;
use crate::http::{Reply, ago, explained, of_entry, page_reply, rfc3339};
use crate::request_log::advice::Advice;
use crate::request_log::{cut_chars, words};

/// Requests of identity providers shown, and lines of the log searched for them.
const LINES: usize = 20;
const SEARCHED: u32 = 200;
/// Errors shown with what to do about them, each kind once, and errors searched.
const ERRORS: usize = 5;
const ERRORS_SEARCHED: u32 = 100;
/// Nothing but our own style sheet may load.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

#[derive(Template)]
#[template(path = "identity-provider.html")]
struct Page {
    state: State,
    errors: Vec<Trouble>,
    expiring: Vec<Expiring>,
    lines: Vec<Line>,
}

/// An error, and how to be rid of it.
struct Trouble {
    at: String,
    request_id: String,
    status: u16,
    detail: String,
    advice: Advice,
}

/// A token that ends soon.
struct Expiring {
    id: String,
    connection: String,
    until: String,
}

/// The three states Fleet's page has.
enum State {
    Empty,
    Received {
        ago: String,
        at: String,
    },
    Failed {
        ago: String,
        at: String,
        why: String,
    },
}

struct Line {
    at: String,
    method: String,
    path: String,
    status: u16,
    words: String,
}

/// Shows the page of a tenant.
pub async fn show(runtime: &Runtime, tenant: TenantId) -> anyhow::Result<Reply> {
    let log = &runtime.desk().log;
    let last = log.last_idp_request(tenant).await?;
    let lines = log.read(tenant, &RequestQuery::newest(SEARCHED)).await?;
    let failed = RequestQuery {
        errors_only: true,
        ..RequestQuery::newest(ERRORS_SEARCHED)
    };
    let failed = log.read(tenant, &failed).await?;
    let connections = runtime.connections(tenant).await?;
    let now = runtime.now();
    let ending = runtime.expiring_tokens(Some(tenant));
    let asked = lines.into_iter().filter(|entry| entry.connection.is_some());
    let page = Page {
        state: State::of(now, last.as_ref()),
        errors: troubles(&failed, &connections),
        expiring: expiring(ending.await?, &connections),
        lines: asked.take(LINES).map(Line::from).collect(),
    };
    let html = page.render().context("cannot render the page")?;
    let mut answer = page_reply(HeaderValue::from_static("text/html; charset=utf-8"), html);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    Ok(answer)
}

/// The newest errors of identity providers and of those who claim to be one, each kind
/// once.
fn troubles(failed: &[RequestEntry], connections: &[Connection]) -> Vec<Trouble> {
    let mut troubles: Vec<Trouble> = Vec::new();
    for entry in failed {
        let connection = of_entry(entry, connections);
        let Some(advice) = explained(entry, connection) else {
            continue;
        };
        let known = troubles
            .iter()
            .any(|known| known.advice.kind == advice.kind);
        if known || troubles.len() >= ERRORS {
            continue;
        }
        troubles.push(Trouble {
            at: rfc3339(entry.at),
            request_id: entry.request_id.clone(),
            status: entry.status,
            detail: entry.detail.clone(),
            advice,
        });
    }
    troubles
}

fn expiring(tokens: Vec<Token>, connections: &[Connection]) -> Vec<Expiring> {
    let named = |id| connections.iter().find(|known| Some(known.id) == id);
    tokens
        .into_iter()
        .filter_map(|token| {
            let connection = named(token.connection);
            Some(Expiring {
                id: token.id,
                connection: connection
                    .map_or("administration", |known| &known.name)
                    .to_owned(),
                until: rfc3339(token.expires?),
            })
        })
        .collect()
}

/// The style sheet.
pub fn style() -> Reply {
    page_reply(
        HeaderValue::from_static("text/css; charset=utf-8"),
        include_str!("../../templates/nameplate.css"),
    )
}

impl State {
    fn of(now: u64, last: Option<&RequestEntry>) -> Self {
        let Some(last) = last else {
            return Self::Empty;
        };
        let (ago, at) = (ago(now, last.at), rfc3339(last.at));
        let why = crate::http::failure_text(last);
        if why.is_empty() {
            Self::Received { ago, at }
        } else {
            Self::Failed { ago, at, why }
        }
    }
}

impl From<RequestEntry> for Line {
    fn from(entry: RequestEntry) -> Self {
        let mut words: Vec<String> = entry.notes.iter().map(words).collect();
        if !entry.detail.is_empty() {
            words.insert(0, entry.detail);
        }
        Self {
            at: rfc3339(entry.at),
            method: entry.method,
            path: cut_chars(&entry.path, 120),
            status: entry.status,
            words: words.join("; "),
        }
    }
}

/// The password of HTTP Basic (RFC 7617), if the header has one.
pub fn basic_password(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(base64(encoded.trim())?).ok()?;
    let (_, password) = pair.split_once(':')?;
    Some(password.to_owned())
}

/// RFC 4648 section 4, as short as a header is.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0);
    for symbol in text.trim_end_matches('=').bytes() {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use nameplate_store::{LogNote, NoteLevel};

    use super::*;

    fn entry(status: u16, detail: &str) -> RequestEntry {
        let note = LogNote {
            level: NoteLevel::Action,
            code: "user".into(),
            text: "added 1 user".into(),
        };
        RequestEntry {
            method: "POST".into(),
            path: "/scim/v2/Users".into(),
            status,
            detail: detail.into(),
            notes: vec![note],
            from_idp: true,
            ..RequestEntry::of(TenantId(1), 1_772_357_400_000)
        }
    }

    fn rendered(last: Option<RequestEntry>) -> String {
        let now = 1_772_357_400_000 + 5 * 60_000;
        let failed: Vec<RequestEntry> = last.clone().into_iter().collect();
        Page {
            state: State::of(now, last.as_ref()),
            errors: troubles(&failed, &[]),
            expiring: Vec::new(),
            lines: last.into_iter().map(Line::from).collect(),
        }
        .render()
        .unwrap()
    }

    #[test]
    fn the_page_shows_each_of_its_three_states() {
        assert!(rendered(None).contains("No IdP connected"));
        let fine = rendered(Some(entry(201, "")));
        assert!(fine.contains("Received information from your IdP"));
        assert!(fine.contains("5 minutes ago") && fine.contains("2026-03-01T09:30:00Z"));
        let failed = rendered(Some(entry(409, "taken")));
        assert!(failed.contains("Failed to receive information from your IdP"));
        assert!(failed.contains("taken") && failed.contains("2026-03-01T09:30:00Z"));
    }

    #[test]
    fn an_error_is_shown_with_what_to_do_each_kind_once() {
        let failed = [entry(409, "taken"), entry(409, "taken"), entry(200, "")];
        let troubles = troubles(&failed, &[]);
        assert_eq!(troubles.len(), 1);
        let page = rendered(Some(entry(409, "taken")));
        assert!(page.contains("What to do"), "{page}");
    }

    #[test]
    fn what_a_client_sent_is_escaped_and_no_script_is_on_the_page() {
        let page = rendered(Some(entry(400, "<script>alert(1)</script>")));
        assert!(!page.contains("<script"));
        assert!(!page.contains("style="));
    }

    #[test]
    fn the_password_of_basic_is_found() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_static("basic YWRtaW46bnBfYWRtaW46eA=="),
        );
        assert_eq!(basic_password(&headers).unwrap(), "np_admin:x");
        for value in ["Bearer YWRtaW46eA==", "Basic !!!", "Basic", "Basic YWJj"] {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(basic_password(&headers), None, "{value}");
        }
    }
}
