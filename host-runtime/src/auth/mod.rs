//! Who is calling: bearer tokens, ours and those of OAuth issuers.
//!
//! A token names itself (`np_scim_<id>_<secret>_<checksum>`), so a mistyped one is
//! told apart without the database, and a secret scanner can recognise a leaked
//! one. This module knows tokens and their tenant; it must not know which route is
//! asked for, and no token ever leaves it.

mod header;
mod jwt;
mod key_files;
mod keys;
mod oauth;
mod token;
mod verify;

pub use header::{Presented, presented};
pub use jwt::{Jwt, JwtFault};
pub use oauth::{AuthError, ConnectionAuth, Files, OAuth, OAuthFault, stored};
pub use token::{Malformed, NewToken, TokenText, public_part};
pub use verify::{Authenticator, ENDS_SOON_MS, Identity, Refusal};
