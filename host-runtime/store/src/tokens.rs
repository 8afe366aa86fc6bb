//! Bearer tokens as they are kept: never the secret, only its hash.

use serde::{Deserialize, Serialize};

use crate::{ConnectionId, TenantId, Timestamp};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenScope {
    /// Speak SCIM on one connection.
    Scim,
    /// Administer one tenant.
    Admin,
}

impl TokenScope {
    /// Its name in storage and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Admin => "admin",
        }
    }
}

/// How far a token reaches within its scope. The greater includes the lesser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Look.
    Read,
    /// Look and change.
    Write,
}

impl Access {
    /// Its name in storage and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// The access of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Read, Self::Write]
            .into_iter()
            .find(|access| access.as_str() == name)
    }
}

/// A bearer token without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its public part; unique.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// The connection, for [`TokenScope::Scim`].
    pub connection: Option<ConnectionId>,
    /// What it is for.
    pub scope: TokenScope,
    /// What it may do there.
    pub access: Access,
    /// What people call it; at most 100 characters.
    pub note: String,
    /// SHA-256 of the secret part.
    pub secret_sha256: [u8; 32],
    /// When it was made.
    pub created: Timestamp,
    /// When it ends by itself: from this moment on it is not accepted.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// Last use, to the minute or so.
    pub last_used: Option<Timestamp>,
}

impl Token {
    /// Is it accepted at `now`?
    pub fn live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|end| end > now)
    }

    /// Do both count toward one limit: same tenant, connection and scope?
    pub fn beside(&self, other: &Self) -> bool {
        (self.tenant, self.connection, self.scope) == (other.tenant, other.connection, other.scope)
    }
}

/// What became of a new token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAdded {
    /// It is there.
    Added,
    /// Its id is taken.
    IdTaken,
    /// As many as may be live are.
    TooMany,
}

/// What became of a token and its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRotated {
    /// The successor is there, the old one ends.
    Rotated,
    /// There is no such token in the tenant, or it is not live.
    Unknown,
    /// The successor's id is taken.
    IdTaken,
    /// As many as may be live would be exceeded.
    TooMany,
}
