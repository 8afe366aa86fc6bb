//! The service provider as clients see it: requests in, responses out, over a
//! directory in memory.
#![expect(
    clippy::cloned_ref_to_slice_refs,
    clippy::result_large_err,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod client;
mod directory;
mod state;
mod walk;

mod bulk;
mod declared;
mod derived;
mod dialects;
mod discovery;
mod entra;
mod errors;
mod groups;
mod lists;
mod me;
mod okta;
mod paging;
mod plans;
mod projection;
mod properties;
mod rfc7643;
mod rfc7644;
mod rfc9865;
mod search;
mod sorting;
mod versions;
