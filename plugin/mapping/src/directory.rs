//! The directory as mapping sees it: all connections of a tenant, none of them bound.
//!
//! This module must not know what a document means.

use nameplate_scim::directory::{Directory, DirectoryError, Find, Page};

/// The directories of one tenant. See `wit/user-store.wit` for each call's contract;
/// of [`Directory`], `find`, `index_ready` and `commit` are out of scope.
pub trait TenantDirectory: Directory {
    /// Walks documents of one connection, by name.
    fn find_in(&mut self, connection: &str, find: &Find) -> Result<Page, DirectoryError>;
    /// Users below a group, nested ones too, each once, by id; at most 1000.
    fn users_of(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, DirectoryError>;
}
