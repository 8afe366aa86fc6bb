//! The one error type of every backend.

use thiserror::Error;

/// Trouble with the infrastructure. Expected outcomes (a lost race, a key that
/// is taken, an absent row) are values of the trait methods, never errors.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database cannot answer now; the same call may succeed later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The call is outside its scope: a bug of the caller.
    #[error("outside the scope of this call: {0}")]
    Denied(String),
    /// An argument breaks the contract: a bug of the caller.
    #[error("not a valid argument: {0}")]
    Invalid(String),
    /// What is stored cannot be read back.
    #[error("stored data is damaged: {0}")]
    Corrupt(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}
