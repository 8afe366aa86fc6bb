//! Tokens of a tenant as its administrators make, rotate and revoke them.
//!
//! An admin token manages those of its own tenant. No token it makes reaches further
//! than it does itself: only one that may write gets here, and that includes the rest.

use http::{Method, StatusCode};
use nameplate_store::{Access, Connection, TenantId, Timestamp, Token};
use serde_json::{Value, json};

use super::Front;
use super::admin::{AdminError, Answer};
use super::fields::{Failure, Fields};
use super::route::decode;
use super::time::{parse_rfc3339, rfc3339};
use crate::auth::ENDS_SOON_MS;
use crate::tokens::{MadeToken, OVERLAP_MS, TokenError, TokenWish, add_token, rotate_token};

const HOUR_MS: u64 = 3600 * 1000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Days that a token may live: a hundred years.
const MOST_DAYS: u64 = 36_500;

/// Routes below `/api/v1/tokens`.
#[derive(Debug, PartialEq, Eq)]
pub enum TokenRoute {
    /// `GET /api/v1/tokens`
    List,
    /// `POST /api/v1/tokens`
    Add,
    /// `POST /api/v1/tokens/{id}/rotate`
    Rotate(String),
    /// `DELETE /api/v1/tokens/{id}`
    Revoke(String),
}

impl TokenRoute {
    /// The route of what follows `tokens`; the methods that the path answers where it is
    /// another; none if there is no such path.
    pub fn of(method: &Method, rest: &[&str]) -> Option<Result<Self, &'static str>> {
        Some(match (rest, method) {
            ([], &Method::GET) => Ok(Self::List),
            ([], &Method::POST) => Ok(Self::Add),
            ([], _) => Err("GET, POST"),
            ([id], &Method::DELETE) => Ok(Self::Revoke(decode(id)?)),
            ([_], _) => Err("DELETE"),
            ([id, "rotate"], &Method::POST) => Ok(Self::Rotate(decode(id)?)),
            ([_, "rotate"], _) => Err("POST"),
            _ => return None,
        })
    }

    /// Does it change something.
    pub fn writes(&self) -> bool {
        match self {
            Self::Add | Self::Rotate(_) | Self::Revoke(_) => true,
            Self::List => false,
        }
    }
}

impl From<TokenError> for AdminError {
    fn from(error: TokenError) -> Self {
        let (status, name) = match &error {
            TokenError::TooMany { .. } => (StatusCode::CONFLICT, "tokens"),
            TokenError::Unknown(_) => (StatusCode::NOT_FOUND, "id"),
            TokenError::Invalid(name, _) => (StatusCode::BAD_REQUEST, *name),
            TokenError::Random(_) | TokenError::Store(_) => {
                return Self::Trouble(error.to_string());
            }
        };
        Self::Failure(Failure {
            status,
            name,
            message: error.to_string(),
        })
    }
}

impl Front {
    /// Answers below `/api/v1/tokens`.
    pub(super) async fn tokens(&self, tenant: TenantId, route: &TokenRoute, body: &[u8]) -> Answer {
        let connections = self.runtime.connections(tenant).await?;
        let (control, sources) = (&*self.runtime.stores().control, self.runtime.sources());
        let now = self.runtime.now();
        match route {
            TokenRoute::List => {
                let tokens = control.tokens(tenant).await?;
                let shapes = tokens.iter().map(|token| shape(token, &connections, now));
                let shapes: Vec<Value> = shapes.collect();
                Ok((StatusCode::OK, json!({ "tokens": shapes })))
            }
            TokenRoute::Add => {
                let fields = Fields::parse(body)?;
                let wish = TokenWish {
                    tenant,
                    connection: whose(&fields, &connections)?,
                    access: access(&fields)?,
                    note: fields.text("note")?,
                    expires: expires(&fields, now)?,
                };
                let made = add_token(control, sources, wish).await?;
                Ok((StatusCode::CREATED, shown_once(&made, &connections, now)))
            }
            TokenRoute::Rotate(id) => {
                // Everything it could say has a default.
                let fields = Fields::parse(if body.is_empty() { b"{}" } else { body })?;
                let overlap = match fields.number("overlap_hours")? {
                    Some(hours) => hours.saturating_mul(HOUR_MS),
                    None => OVERLAP_MS,
                };
                let expires = expires(&fields, now)?;
                let made = rotate_token(control, sources, tenant, id, overlap, expires).await?;
                self.runtime.desk().forget_token(id);
                Ok((StatusCode::OK, shown_once(&made, &connections, now)))
            }
            TokenRoute::Revoke(id) => {
                if !control.revoke_token(tenant, id, now).await? {
                    return Err(TokenError::Unknown(super::fields::shown(id)).into());
                }
                self.runtime.desk().forget_token(id);
                Ok((StatusCode::NO_CONTENT, Value::Null))
            }
        }
    }
}

/// The connection a token is for; none for administration.
fn whose(
    fields: &Fields,
    connections: &[Connection],
) -> Result<Option<nameplate_store::ConnectionId>, Failure> {
    let name = fields.text("connection")?;
    match (fields.text("scope")?.as_str(), name.as_str()) {
        ("admin", "") => Ok(None),
        ("admin", _) => Err(Failure::bad(
            "connection",
            "an admin token is for the whole tenant; leave `connection` out",
        )),
        ("scim", name) => {
            let found = connections.iter().find(|known| known.name == name);
            let found = found.ok_or_else(|| {
                Failure::bad(
                    "connection",
                    "a scim token is for one `connection`; `GET /api/v1/connections` lists them",
                )
            })?;
            Ok(Some(found.id))
        }
        _ => Err(Failure::bad("scope", "`scope` is `scim` or `admin`")),
    }
}

fn access(fields: &Fields) -> Result<Access, Failure> {
    let name = fields.text("access")?;
    if name.is_empty() {
        return Ok(Access::Write);
    }
    Access::from_name(&name).ok_or_else(|| Failure::bad("access", "`access` is `read` or `write`"))
}

/// When the token ends: after days, or at a moment.
fn expires(fields: &Fields, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    let at = fields.text("expires")?;
    match (fields.number("expires_in_days")?, at.as_str()) {
        (None, "") => Ok(None),
        (Some(days), "") if (1..=MOST_DAYS).contains(&days) => {
            Ok(Some(now.saturating_add(days * DAY_MS)))
        }
        (None, at) => parse_rfc3339(at).map(Some).ok_or_else(|| {
            Failure::bad(
                "expires",
                "`expires` is a time such as `2027-01-31T00:00:00Z`",
            )
        }),
        _ => Err(Failure::bad(
            "expires_in_days",
            format!("`expires_in_days` is a number from 1 to {MOST_DAYS}, without `expires`"),
        )),
    }
}

fn shape(token: &Token, connections: &[Connection], now: Timestamp) -> Value {
    let name = connections
        .iter()
        .find(|connection| Some(connection.id) == token.connection)
        .map(|connection| connection.name.as_str());
    let live = token.live(now);
    let soon = |end: Timestamp| end <= now.saturating_add(ENDS_SOON_MS);
    json!({
        "id": token.id,
        "scope": token.scope.as_str(),
        "access": token.access.as_str(),
        "connection": name,
        "note": token.note,
        "created": rfc3339(token.created),
        "expires": token.expires.map(rfc3339),
        "revoked": token.revoked.map(rfc3339),
        "last_used": token.last_used.map(rfc3339),
        "live": live,
        "ends_soon": live && token.expires.is_some_and(soon),
    })
}

fn shown_once(made: &MadeToken, connections: &[Connection], now: Timestamp) -> Value {
    let mut shape = shape(&made.token, connections, now);
    if let Some(fields) = shape.as_object_mut() {
        fields.insert("token".to_owned(), json!(made.text));
    }
    shape
}
