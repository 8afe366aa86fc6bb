//! What sets tenants apart besides their data: how much each may use and how often it
//! may ask.
//!
//! It knows limits and tenants by number; where a request comes from and what it wants
//! is settled elsewhere.

mod limits;
mod rate;

pub(crate) use limits::stored_limits;
pub use limits::{LimitsError, limits_of};
pub(crate) use rate::{Rates, TooOften};
