//! OAuth access tokens: from what a token says to the connection it speaks for.
//!
//! A connection takes the tokens of one issuer for one audience
//! ([`ConnectionAuth`]). Nothing is fetched from anywhere: an operator gives the
//! issuer's keys as a file, an administrator as JSON.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nameplate_store::{Access, Caller, Connection, ControlStore, StoreError, TenantId, TokenScope};
use serde_json::{Map, Value, json};
use thiserror::Error;
use tokio::time::Instant;

use super::jwt::{Jwt, JwtFault};
use super::key_files::{KeyFiles, read_file};
use super::keys::KeySet;
use super::verify::Identity;
use crate::clock::Clock;
use crate::near::near;

/// How long an issuer's connections are believed, as a token's row is.
const TTL: Duration = Duration::from_secs(3);
/// Issuers remembered.
const CAPACITY: usize = 4096;
/// Subjects of one connection: the clients of one identity provider.
const MAX_SUBJECTS: usize = 64;
/// Bytes of an issuer, an audience or a subject.
const MAX_NAME: usize = 512;

const NAMES: [&str; 6] = [
    "issuer",
    "audience",
    "jwks",
    "jwks_file",
    "subjects",
    "access",
];

/// Why an OAuth token is not accepted, for the log.
#[derive(Debug, Error)]
pub enum OAuthFault {
    /// The token itself.
    #[error(transparent)]
    Jwt(#[from] JwtFault),
    /// Nobody takes tokens of its issuer and audience here.
    #[error(
        "no connection takes oauth tokens of this issuer for this audience; one whose keys an \
         administrator gave takes them at the tenant's own url `/t/{{tenant}}/scim/v2` alone"
    )]
    NoConnection,
    /// More than one does.
    #[error(
        "several connections take oauth tokens of this issuer for this audience; give each an \
         audience of its own, or use the url of the tenant"
    )]
    Ambiguous,
    /// The connection's keys cannot be read.
    #[error("the connection has no key set that can be used; see `nameplate connection show`")]
    Keys,
    /// The token is genuine and of somebody else.
    #[error("the subject of the oauth token is none of those that the connection takes")]
    Subject,
}

impl OAuthFault {
    /// What the client may know. What is settled before the signature was verified is
    /// all one to it, so that nobody can ask which issuers and audiences exist.
    pub fn shown(&self) -> String {
        match self {
            Self::NoConnection
            | Self::Ambiguous
            | Self::Keys
            | Self::Jwt(JwtFault::NoKey | JwtFault::WhichKey | JwtFault::Signature) => {
                "the oauth token is not accepted here: issuer, audience, key and signature have \
                 to fit what the connection is set to; see `nameplate connection show`"
                    .to_owned()
            }
            Self::Subject
            | Self::Jwt(
                JwtFault::Form(_) | JwtFault::Algorithm | JwtFault::Expired | JwtFault::TooEarly,
            ) => self.to_string(),
        }
    }
}

/// Where the keys of an issuer are.
#[derive(Clone, Debug)]
enum Keys {
    File(PathBuf),
    Given(Arc<KeySet>),
}

/// Whose access tokens a connection takes.
#[derive(Clone, Debug)]
pub struct ConnectionAuth {
    issuer: String,
    audience: String,
    keys: Keys,
    subjects: Vec<String>,
    access: Access,
}

/// What is wrong with such a description; one line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct AuthError(String);

/// May a file of the server be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// An operator says it.
    Allowed,
    /// A tenant says it: which files exist here is none of its business.
    Refused,
}

impl ConnectionAuth {
    /// Reads a description: a JSON object with `issuer`, `audience`, `jwks` (a key set) or
    /// `jwks_file`, and perhaps `subjects` and `access` (`read` or `write`). None for `{}`:
    /// the connection takes no such tokens.
    ///
    /// # Errors
    /// [`AuthError`] names the field.
    pub fn parse(fields: &Map<String, Value>, files: Files) -> Result<Option<Self>, AuthError> {
        if fields.is_empty() {
            return Ok(None);
        }
        if let Some(name) = fields.keys().find(|name| !NAMES.contains(&name.as_str())) {
            let meant = match near(&NAMES, name) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are {}", NAMES.join(", ")),
            };
            return wrong(format!("`auth.{name}` is unknown; {meant}"));
        }
        let keys = match (fields.get("jwks"), fields.get("jwks_file"), files) {
            (Some(set), None, _) => {
                let keys = KeySet::parse(set.to_string().as_bytes());
                Keys::Given(Arc::new(
                    keys.map_err(|error| AuthError(format!("`auth.jwks`: {error}")))?,
                ))
            }
            (None, Some(Value::String(path)), Files::Allowed) => Keys::File(path.into()),
            (_, Some(_), Files::Refused) => {
                return wrong(
                    "`auth.jwks_file` is for the operator; give the key set itself as `auth.jwks`",
                );
            }
            _ => return wrong("`auth` needs the issuer's key set, `jwks`"),
        };
        let access = match fields.get("access") {
            None => Access::Write,
            Some(value) => value
                .as_str()
                .and_then(Access::from_name)
                .ok_or_else(|| AuthError("`auth.access` is `read` or `write`".to_owned()))?,
        };
        Ok(Some(Self {
            issuer: name(fields, "issuer")?,
            audience: name(fields, "audience")?,
            keys,
            subjects: subjects(fields)?,
            access,
        }))
    }

    /// Whose tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The file with the keys, if it has one.
    pub fn file(&self) -> Option<&Path> {
        match &self.keys {
            Keys::File(path) => Some(path),
            Keys::Given(_) => None,
        }
    }

    /// Can the file with the keys be used, if it has one?
    ///
    /// # Errors
    /// One line that says why not.
    pub fn check_file(&self) -> Result<(), AuthError> {
        let Some(path) = self.file() else {
            return Ok(());
        };
        let read = read_file(path).map(|_| ());
        read.map_err(|cause| AuthError(format!("cannot use `{}`: {cause}", path.display())))
    }

    /// As administrators see it: the path of a file is not for them.
    pub fn shape(&self) -> Value {
        let keys = match &self.keys {
            Keys::File(_) => json!({"from": "file"}),
            Keys::Given(keys) => json!({"from": "settings", "kids": keys.names()}),
        };
        json!({
            "issuer": self.issuer,
            "audience": self.audience,
            "keys": keys,
            "subjects": self.subjects,
            "access": self.access.as_str(),
        })
    }
}

fn wrong<T>(text: impl Into<String>) -> Result<T, AuthError> {
    Err(AuthError(text.into()))
}

fn fits(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn name(fields: &Map<String, Value>, field: &str) -> Result<String, AuthError> {
    let text = fields.get(field).and_then(Value::as_str);
    match text.filter(|text| fits(text)) {
        Some(text) => Ok(text.to_owned()),
        None => wrong(format!(
            "`auth.{field}` has to be a text of 1 to {MAX_NAME} bytes"
        )),
    }
}

fn subjects(fields: &Map<String, Value>) -> Result<Vec<String>, AuthError> {
    let texts = match fields.get("subjects") {
        None => Some(Vec::new()),
        Some(Value::Array(items)) if items.len() <= MAX_SUBJECTS => items
            .iter()
            .map(|item| item.as_str().filter(|text| fits(text)).map(str::to_owned))
            .collect(),
        Some(_) => None,
    };
    texts.ok_or_else(|| {
        AuthError(format!(
            "`auth.subjects` has to be a list of at most {MAX_SUBJECTS} texts"
        ))
    })
}

/// Connections of one issuer, as they were read.
struct Known {
    read: Instant,
    connections: Arc<[(Connection, ConnectionAuth)]>,
}

/// Verifies access tokens against the connections that take them.
pub struct OAuth {
    control: Arc<dyn ControlStore>,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<String, Known>>,
    files: KeyFiles,
}

impl OAuth {
    /// Over the table of connections.
    pub fn new(control: Arc<dyn ControlStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            control,
            clock,
            known: Mutex::default(),
            files: KeyFiles::default(),
        }
    }

    /// Whose token this is; with `bound` only connections that are of each of these
    /// tenants count (none is a tenant that does not exist).
    ///
    /// Without, only those count whose keys an operator gave: an administrator can name
    /// another tenant's issuer and its public keys, and would take its requests over or
    /// stop them.
    ///
    /// # Errors
    /// The outer one is trouble with the store, the inner one says why it is not accepted.
    pub async fn verify(
        &self,
        text: &str,
        bound: &[Option<TenantId>],
    ) -> Result<Result<Identity, OAuthFault>, StoreError> {
        let token = match Jwt::parse(text) {
            Ok(token) => token,
            Err(fault) => return Ok(Err(fault.into())),
        };
        let connections = self.of_issuer(token.issuer()).await?;
        Ok(self.settle(&token, &connections, bound).await)
    }

    async fn settle(
        &self,
        token: &Jwt<'_>,
        connections: &[(Connection, ConnectionAuth)],
        bound: &[Option<TenantId>],
    ) -> Result<Identity, OAuthFault> {
        let mut found = connections.iter().filter(|(connection, auth)| {
            let meant = match bound {
                [] => auth.file().is_some(),
                bound => bound.iter().all(|one| *one == Some(connection.tenant)),
            };
            meant && token.is_for(&auth.audience)
        });
        let (connection, auth) = found.next().ok_or(OAuthFault::NoConnection)?;
        // Whoever sets up a connection can name any issuer: of two, neither is right.
        if found.next().is_some() {
            return Err(OAuthFault::Ambiguous);
        }
        let keys = match &auth.keys {
            Keys::Given(keys) => keys.clone(),
            Keys::File(path) => self.files.read(path).await.ok_or(OAuthFault::Keys)?,
        };
        token.verify(&keys, self.clock.now())?;
        let subject = token.subject().unwrap_or_default();
        if !auth.subjects.is_empty() && !auth.subjects.iter().any(|known| known == subject) {
            return Err(OAuthFault::Subject);
        }
        Ok(Identity {
            caller: Caller::Subject(subject.to_owned()),
            tenant: connection.tenant,
            connection: Some(connection.id),
            scope: TokenScope::Scim,
            access: auth.access,
            expires: None,
        })
    }

    /// Forgets what is known of issuers, after a connection was changed here.
    pub fn forget(&self) {
        self.known().clear();
    }

    async fn of_issuer(
        &self,
        issuer: &str,
    ) -> Result<Arc<[(Connection, ConnectionAuth)]>, StoreError> {
        if let Some(found) = self.known().get(issuer)
            && found.read.elapsed() < TTL
        {
            return Ok(found.connections.clone());
        }
        let rows = self.control.connections_of_issuer(issuer).await?;
        let connections: Arc<[_]> = rows.into_iter().filter_map(with_auth).collect();
        // Issuers that somebody made up fill nothing.
        if !connections.is_empty() {
            let mut known = self.known();
            if known.len() >= CAPACITY {
                known.clear();
            }
            let fresh = Known {
                read: Instant::now(),
                connections: connections.clone(),
            };
            known.insert(issuer.to_owned(), fresh);
        }
        Ok(connections)
    }

    /// Only whole values are put in, so a panic elsewhere leaves it usable.
    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is stored was checked when it was set; what cannot be read all the same lets
/// nobody in.
fn with_auth(connection: Connection) -> Option<(Connection, ConnectionAuth)> {
    match stored(&connection) {
        Ok(auth) => auth.map(|auth| (connection, auth)),
        Err(error) => {
            tracing::warn!(connection = connection.id.0, %error, "stored oauth settings cannot be used");
            None
        }
    }
}

/// Whose access tokens a connection takes, as it is stored.
///
/// # Errors
/// [`AuthError`] if somebody else wrote it there.
pub fn stored(connection: &Connection) -> Result<Option<ConnectionAuth>, AuthError> {
    let fields: Map<String, Value> = serde_json::from_str(&connection.auth)
        .map_err(|error| AuthError(format!("it is no json object: {error}")))?;
    ConnectionAuth::parse(&fields, Files::Allowed)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn parse(fields: Value, files: Files) -> Result<Option<ConnectionAuth>, String> {
        let fields = fields.as_object().cloned().unwrap();
        ConnectionAuth::parse(&fields, files).map_err(|error| error.to_string())
    }

    fn keys() -> Value {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "k1"}]})
    }

    #[test]
    fn a_tenant_gives_keys_and_an_operator_may_name_a_file() {
        let given = json!({"issuer": "https://idp", "audience": "a", "jwks": keys()});
        let auth = parse(given, Files::Refused).unwrap().unwrap();
        assert_eq!(auth.shape()["keys"]["kids"], json!(["k1"]));
        assert_eq!(auth.shape()["access"], "write");
        let file = json!({"issuer": "https://idp", "audience": "a", "jwks_file": "/etc/passwd"});
        let auth = parse(file.clone(), Files::Allowed).unwrap().unwrap();
        assert!(!auth.shape().to_string().contains("passwd"));
        let error = parse(file, Files::Refused).unwrap_err();
        assert!(error.contains("`auth.jwks`"), "{error}");
        assert!(parse(json!({}), Files::Refused).unwrap().is_none());
    }

    #[test]
    fn a_slip_is_told_with_its_place() {
        let with = |name: &str, value: Value| {
            let mut fields = json!({"issuer": "https://idp", "audience": "a", "jwks": keys()});
            fields.as_object_mut().unwrap().insert(name.into(), value);
            parse(fields, Files::Refused).unwrap_err()
        };
        for (name, value, text) in [
            (
                "audienc",
                json!("a"),
                "`auth.audienc` is unknown; did you mean `audience`?",
            ),
            (
                "audience",
                json!(""),
                "`auth.audience` has to be a text of 1 to 512 bytes",
            ),
            (
                "issuer",
                json!("a\nb"),
                "`auth.issuer` has to be a text of 1 to 512 bytes",
            ),
            (
                "access",
                json!("admin"),
                "`auth.access` is `read` or `write`",
            ),
            (
                "subjects",
                json!("a"),
                "`auth.subjects` has to be a list of at most 64 texts",
            ),
            (
                "subjects",
                json!([""]),
                "`auth.subjects` has to be a list of at most 64 texts",
            ),
        ] {
            assert_eq!(with(name, value), text);
        }
        assert!(with("jwks", json!({"keys": []})).starts_with("`auth.jwks`: the key set"));
        assert!(parse(json!({"issuer": "i", "audience": "a"}), Files::Allowed).is_err());
    }
}
