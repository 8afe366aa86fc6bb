//! A line before it is written: of texts that were looked through, and of nothing else.

use std::time::Duration;

use nameplate_store::{
    Caller, ConnectionId, LogNote, NoteLevel, RequestEntry, TenantId, Timestamp,
};

use super::record::Kept;
use super::text::{LogPath, LogText};

/// What Fleet's `details` field holds, in characters; the store counts them too.
const DETAIL: usize = 255;
/// Remarks of one request, and bytes of each and of its code.
const REMARKS: usize = 64;
const REMARK: usize = 1024;
const CODE: usize = 128;
/// Bytes of a request's id, a caller's name, a client's name and a method.
const ID: usize = 64;
const CALLER: usize = 255;
const USER_AGENT: usize = 200;
const METHOD: usize = 32;

/// A remark that was looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRemark(LogNote);

impl LogRemark {
    /// Takes a remark, whoever made it.
    pub fn new(note: &LogNote) -> Self {
        let LogNote { level, code, text } = note;
        Self(LogNote {
            level: *level,
            code: LogText::new(code, CODE).into(),
            text: LogText::new(text, REMARK).into(),
        })
    }

    /// A remark of the runtime itself.
    pub fn of(level: NoteLevel, code: &str, text: &str) -> Self {
        Self::new(&LogNote {
            level,
            code: code.to_owned(),
            text: text.to_owned(),
        })
    }
}

/// Who sent a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogCaller(Caller);

impl LogCaller {
    /// A caller, looked through.
    pub fn of(caller: &Caller) -> Self {
        match caller {
            Caller::Token(id) => Self::token(id),
            Caller::Subject(subject) => Self::subject(subject),
            Caller::Stranger(id) => Self::stranger(id),
            Caller::Nobody => Self::default(),
        }
    }

    /// The holder of a token; `id` is its public part.
    pub fn token(id: &str) -> Self {
        Self(Caller::Token(name(id)))
    }

    /// The subject of an access token.
    pub fn subject(subject: &str) -> Self {
        Self(Caller::Subject(name(subject)))
    }

    /// Somebody who named the public part of a token that is not accepted.
    pub fn stranger(id: &str) -> Self {
        Self(Caller::Stranger(name(id)))
    }
}

fn name(text: &str) -> String {
    LogText::new(text, CALLER).into()
}

/// A line. Each of its texts is of a type that has no way in but through the search for
/// secrets, so whoever adds a line cannot leave it out.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// What the answer named the request.
    pub request_id: LogText,
    /// Whose request it was.
    pub tenant: TenantId,
    /// The connection, if one was reached.
    pub connection: Option<ConnectionId>,
    /// When it came in.
    pub at: Timestamp,
    /// The method.
    pub method: LogText,
    /// The path without its query.
    pub path: LogPath,
    /// The status answered.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
    /// How long the plugin ran for it.
    pub guest: Duration,
    /// For an error, what the client was told.
    pub detail: LogText,
    /// What happened.
    pub remarks: Vec<LogRemark>,
    /// Who sent it.
    pub caller: LogCaller,
    /// What the client calls itself.
    pub user_agent: LogText,
    /// Counts for "the last request of the identity provider".
    pub from_idp: bool,
    /// What was sent, if it is to be kept.
    pub kept: Option<Kept>,
}

impl LogLine {
    /// A line of which nothing is known but whose and when.
    pub fn of(tenant: TenantId, at: Timestamp) -> Self {
        Self {
            request_id: LogText::default(),
            tenant,
            connection: None,
            at,
            method: LogText::default(),
            path: LogPath::default(),
            status: 0,
            took: Duration::ZERO,
            guest: Duration::ZERO,
            detail: LogText::default(),
            remarks: Vec::new(),
            caller: LogCaller::default(),
            user_agent: LogText::default(),
            from_idp: false,
            kept: None,
        }
    }

    /// For the store, whose limits are met here.
    pub(super) fn entry(self) -> RequestEntry {
        let Self {
            request_id,
            tenant,
            connection,
            at,
            method,
            path,
            status,
            took,
            guest,
            detail,
            mut remarks,
            caller: LogCaller(caller),
            user_agent,
            from_idp,
            kept,
        } = self;
        remarks.truncate(REMARKS);
        RequestEntry {
            id: 0,
            request_id: request_id.cut(ID).into(),
            tenant,
            connection,
            at,
            method: method.cut(METHOD).into(),
            path: path.into(),
            status,
            micros: micros(took),
            guest_micros: micros(guest),
            detail: super::cut_chars(&String::from(detail), DETAIL),
            notes: remarks.into_iter().map(|LogRemark(note)| note).collect(),
            caller,
            user_agent: user_agent.cut(USER_AGENT).into(),
            from_idp,
            recorded: kept.map(Kept::into_recorded),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A line about requests that have none.
pub(super) fn counted(tenant: TenantId, at: Timestamp, count: u64) -> LogLine {
    let text = format!(
        "{count} more requests were not let in within a minute of this; they have no lines of \
         their own"
    );
    LogLine {
        status: 401,
        detail: LogText::new("many requests were not let in", DETAIL),
        remarks: vec![LogRemark::of(NoteLevel::Warning, "many-refused", &text)],
        ..LogLine::of(tenant, at)
    }
}
