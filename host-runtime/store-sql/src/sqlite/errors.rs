//! The one place that names SQLite's error codes.
//!
//! Messages are made here from the code alone: SQLite's own texts hold names of
//! tables, statements or values, and belong in nobody's answer.

use nameplate_store::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

/// A store error on its way out of a function that also meets SQLite's.
#[derive(Debug)]
pub struct Fault(pub StoreError);

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self(store_error(&error))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl Fault {
    /// Stored bytes that cannot be what was written.
    pub fn corrupt(what: &str) -> Self {
        Self(StoreError::Corrupt(what.to_owned()))
    }
}

/// What an error of SQLite means to the caller of a store.
pub fn store_error(error: &Error) -> StoreError {
    match error {
        Error::SqliteFailure(failure, _) => by_code(failure),
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => {
            StoreError::Corrupt("a column holds what was never written there".to_owned())
        }
        Error::ToSqlConversionFailure(_) => {
            StoreError::Invalid("a number is larger than 63 bits".to_owned())
        }
        _ => StoreError::Other("the database interface was used wrongly".to_owned()),
    }
}

fn by_code(failure: &ffi::Error) -> StoreError {
    let code = failure.extended_code;
    match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Unavailable(format!(
            "it is locked by another process (sqlite code {code})"
        )),
        ErrorCode::DiskFull => StoreError::Unavailable("the disk is full".to_owned()),
        ErrorCode::SystemIoFailure => {
            StoreError::Unavailable(format!("reading or writing failed (sqlite code {code})"))
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            StoreError::Unavailable(format!("the file cannot be written (sqlite code {code})"))
        }
        ErrorCode::CannotOpen => {
            StoreError::Unavailable(format!("the file cannot be opened (sqlite code {code})"))
        }
        ErrorCode::OutOfMemory => StoreError::Unavailable("memory is short".to_owned()),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(format!(
            "the file is no sound database (sqlite code {code})"
        )),
        ErrorCode::TooBig => {
            StoreError::Invalid("a value is larger than the database takes".to_owned())
        }
        ErrorCode::ConstraintViolation if code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY => {
            StoreError::Invalid("no such tenant, connection or host".to_owned())
        }
        _ => StoreError::Other(format!("sqlite code {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32) -> StoreError {
        store_error(&Error::SqliteFailure(
            ffi::Error::new(code),
            Some("UNIQUE: secret.value".to_owned()),
        ))
    }

    #[test]
    fn trouble_that_passes_is_unavailable() {
        for code in [
            ffi::SQLITE_BUSY,
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_NOMEM,
        ] {
            assert!(matches!(of(code), StoreError::Unavailable(_)), "{code}");
        }
    }

    #[test]
    fn damage_is_named_as_such() {
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB] {
            assert!(matches!(of(code), StoreError::Corrupt(_)), "{code}");
        }
    }

    #[test]
    fn no_text_of_sqlite_gets_out() {
        for code in [
            ffi::SQLITE_CONSTRAINT_UNIQUE,
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY,
            ffi::SQLITE_ERROR,
            ffi::SQLITE_BUSY,
        ] {
            assert!(!of(code).to_string().contains("secret"), "{code}");
        }
    }
}
