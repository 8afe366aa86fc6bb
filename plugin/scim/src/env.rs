//! What the protocol needs from outside besides the directory: time, chance and
//! a place to say what happened.

use crate::directory::Timestamp;

/// What kind of remark a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What was done.
    Action,
    /// A deviation of the client that was accepted.
    Quirk,
    /// Something an administrator should look at.
    Warning,
}

/// Time, chance and the journal.
pub trait Env {
    /// The present moment.
    fn now(&mut self) -> Timestamp;
    /// Sixteen unpredictable bytes.
    fn random(&mut self) -> [u8; 16];
    /// Adds a remark to the request log. `code` is `[a-z0-9-]`; `text` is one line
    /// for people and never holds a password, a token or a body.
    fn note(&mut self, level: Level, code: &str, text: &str);
}
