//! What identity providers really send.

mod entra;
mod okta;
mod others;
