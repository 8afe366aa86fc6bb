//! How much one request may write into a document. Asked before a value becomes a
//! tree, for a tree of many small values is thirty times its text.

use std::fmt::Display;

use crate::error::ScimError;

/// The most bytes of a document (`wit/user-store.wit`); no request needs to send, or
/// to make of what it sends, more than one.
pub(crate) const MAX_DOCUMENT: usize = 1 << 20;

/// The bytes that are left for one request.
pub(crate) struct Room {
    left: usize,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { left: MAX_DOCUMENT }
    }

    /// Takes the JSON text of a value, or of one more copy of it.
    ///
    /// # Errors
    /// `invalidValue` naming the attribute and the limit.
    pub(crate) fn take(&mut self, bytes: usize, attribute: &dyn Display) -> Result<(), ScimError> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            ScimError::invalid_value(format!(
                "{attribute} is too large: all values of a request, without `members`, \
                 may make up {MAX_DOCUMENT} bytes"
            ))
        })?;
        Ok(())
    }
}
