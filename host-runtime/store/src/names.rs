//! Names a host is known by before it is known by its id, and what is promised to
//! them.

use crate::Timestamp;

/// A name that people or another system give a host. Two are the same without white
/// space around them and without ASCII case; an empty one names no host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostName {
    /// The hardware serial.
    Serial(String),
    /// The display name.
    Name(String),
}

impl HostName {
    /// The name as given.
    pub fn value(&self) -> &str {
        match self {
            Self::Serial(value) | Self::Name(value) => value,
        }
    }

    /// The name as it is compared.
    #[must_use]
    pub fn folded(&self) -> Self {
        match self {
            Self::Serial(value) => Self::Serial(fold(value)),
            Self::Name(value) => Self::Name(fold(value)),
        }
    }
}

/// A host's serial or display name as it is compared.
pub fn fold(value: &str) -> String {
    value.trim_ascii().to_ascii_lowercase()
}

/// "The host of this name is for this person", said before the host exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The host that is meant, as given.
    pub name: HostName,
    /// As given; at most 1024 bytes, as the next two.
    pub username: String,
    /// As given; not empty if `username` is.
    pub email: String,
    /// As given.
    pub full_name: String,
    /// When it was made.
    pub since: Timestamp,
}

impl Promise {
    /// Does it promise the same host to the same person, whenever it was made?
    pub fn repeats(&self, other: &Self) -> bool {
        let Self {
            name,
            username,
            email,
            full_name,
            since: _,
        } = self;
        name.folded() == other.name.folded()
            && *username == other.username
            && *email == other.email
            && *full_name == other.full_name
    }
}
