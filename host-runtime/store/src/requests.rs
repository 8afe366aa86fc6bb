//! Lines of the request log and what is asked of it.
//!
//! A line has no room for a secret: a caller is named by the public part of a token,
//! a path has no query. What a client sent is kept beside it, and only where an
//! operator asked for it ([`Connection::record_until`](crate::Connection::record_until)).

use serde::{Deserialize, Serialize};

use crate::{ConnectionId, TenantId, Timestamp};

/// What kind of remark it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoteLevel {
    /// What was done.
    Action,
    /// A deviation of the client that was accepted.
    Quirk,
    /// Something an administrator should look at.
    Warning,
}

impl NoteLevel {
    /// Its name in storage and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Quirk => "quirk",
            Self::Warning => "warning",
        }
    }
}

/// A remark of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogNote {
    /// Its kind.
    pub level: NoteLevel,
    /// A stable name for machines; at most 128 bytes.
    pub code: String,
    /// One line for people; at most 1024 bytes.
    pub text: String,
}

/// Who sent a request, as far as a log may say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Caller {
    /// The holder of a token, by its public part.
    Token(String),
    /// The subject of an OAuth access token.
    Subject(String),
    /// Somebody whose token is not accepted, by what its public part was said to be.
    Stranger(String),
    /// Nobody who said anything.
    #[default]
    Nobody,
}

/// What a client sent, kept for a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The query without `?`; at most 8192 bytes.
    pub query: String,
    /// The content type; at most 256 bytes.
    pub content_type: String,
    /// The body; at most 1 MiB.
    pub body: Vec<u8>,
}

/// A line of the request log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestEntry {
    /// Goes up in its tenant; 0 until it is stored.
    pub id: u64,
    /// What the answer named the request; at most 64 bytes. Empty: it has no name.
    pub request_id: String,
    /// Whose request it was.
    pub tenant: TenantId,
    /// The connection, if one was reached.
    pub connection: Option<ConnectionId>,
    /// When it came in.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path without the query, at most 1024 bytes.
    pub path: String,
    /// The HTTP status answered.
    pub status: u16,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// How long the plugin ran for it, in microseconds.
    pub guest_micros: u64,
    /// For an error, the detail the client saw; at most 255 characters.
    pub detail: String,
    /// What happened, at most 64.
    pub notes: Vec<LogNote>,
    /// Who sent it.
    pub caller: Caller,
    /// What the client calls itself; at most 200 bytes.
    pub user_agent: String,
    /// Counts for "the last request of the identity provider".
    pub from_idp: bool,
    /// What was sent, if it was to be kept. Lists leave it out.
    pub recorded: Option<Recorded>,
}

impl RequestEntry {
    /// A line of which nothing is known but whose and when.
    pub fn of(tenant: TenantId, at: Timestamp) -> Self {
        Self {
            id: 0,
            request_id: String::new(),
            tenant,
            connection: None,
            at,
            method: String::new(),
            path: String::new(),
            status: 0,
            micros: 0,
            guest_micros: 0,
            detail: String::new(),
            notes: Vec::new(),
            caller: Caller::Nobody,
            user_agent: String::new(),
            from_idp: false,
            recorded: None,
        }
    }

    /// Was it refused, or did it fail?
    pub fn failed(&self) -> bool {
        self.status >= 400
    }
}

/// How much of the log of a tenant is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// At most so many lines.
    pub lines: u64,
    /// None from before this moment.
    pub since: Timestamp,
}

/// Which lines are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestQuery {
    /// Only lines with a lower id.
    pub before: Option<u64>,
    /// Only lines with a higher id; then the oldest come first, and without it the
    /// newest.
    pub after: Option<u64>,
    /// Only those of this connection.
    pub connection: Option<ConnectionId>,
    /// Only those with a status of 400 or more.
    pub errors_only: bool,
    /// At most so many, and at most [`limits::PAGE`](crate::limits::PAGE).
    pub limit: u32,
}

impl RequestQuery {
    /// The newest lines.
    pub fn newest(limit: u32) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }
}
