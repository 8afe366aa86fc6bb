//! A probe: plays an identity provider's traffic against any SCIM server, and says what
//! that provider would make of the answers.
//!
//! Unlike the rest of the runtime this has to know SCIM (in `judge`): it is a client,
//! and no request to the server passes through it. What each provider sends is data
//! (`sequence` and a file for each); `play` goes through it and keeps account of what
//! it made, `clean` takes that away again.
//!
//! It must never touch a resource that it did not make: an id counts as its own only if
//! the answer named the resource as it was sent, and before a deletion the name is looked
//! at once more.

mod authentik;
mod clean;
mod client;
mod common;
mod entra;
mod judge;
mod okta;
mod onelogin;
mod play;
mod report;
mod sequence;

pub use clean::Cleaned;
pub use client::{Client, Secret};
pub use judge::Finding;
pub use play::Probe;
pub use report::{Report, Tried};
pub use sequence::{Grade, Sequence};

/// The identity providers that can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Provider {
    /// Okta
    Okta,
    /// Microsoft Entra ID, with and without `?aadOptscim062020`
    Entra,
    /// OneLogin
    Onelogin,
    /// authentik
    Authentik,
}

impl Provider {
    /// What it sends, one whole traffic after the other.
    pub fn sequences(self) -> Vec<&'static Sequence> {
        match self {
            Self::Okta => vec![&okta::SEQUENCE],
            Self::Entra => vec![&entra::LEGACY, &entra::COMPLIANT],
            Self::Onelogin => vec![&onelogin::SEQUENCE],
            Self::Authentik => vec![&authentik::SEQUENCE],
        }
    }
}
