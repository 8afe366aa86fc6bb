//! [`Directory`] and [`TenantDirectory`] over the `user-store` import.

use nameplate_mapping::directory::TenantDirectory;
use nameplate_scim::directory::{
    Directory, DirectoryError, Document, Edge, Find, HeldMember, Holding, Kind, MemberPage,
    Memberships, Outcome, Page, Unit,
};

use crate::bindings::nameplate::scim::user_store as wit;
use crate::convert::list;

/// The store of the scope the host has bound.
pub(crate) struct HostDirectory;

impl Directory for HostDirectory {
    fn get(&mut self, kind: Kind, id: &str) -> Result<Option<Document>, DirectoryError> {
        let document = wit::get(kind.into(), id)?;
        Ok(document.map(Into::into))
    }

    fn get_many(&mut self, ids: &[String]) -> Result<Vec<Document>, DirectoryError> {
        wit::get_many(ids).map(list).map_err(Into::into)
    }

    fn find(&mut self, find: &Find) -> Result<Page, DirectoryError> {
        wit::find(&find.into()).map(Into::into).map_err(Into::into)
    }

    fn index_ready(&mut self, index_version: &str) -> Result<bool, DirectoryError> {
        wit::index_ready(index_version).map_err(Into::into)
    }

    fn has_edges(&mut self, edges: &[Edge]) -> Result<Vec<bool>, DirectoryError> {
        let edges: Vec<wit::Edge> = edges.iter().map(Into::into).collect();
        wit::has_edges(&edges).map_err(Into::into)
    }

    fn members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, DirectoryError> {
        wit::members(group, after, limit)
            .map(Into::into)
            .map_err(Into::into)
    }

    fn groups_of(&mut self, member: &str, transitive: bool) -> Result<Memberships, DirectoryError> {
        wit::groups_of(member, transitive)
            .map(Into::into)
            .map_err(Into::into)
    }

    fn held_members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HeldMember>, DirectoryError> {
        wit::held_members(group, after, limit)
            .map(list)
            .map_err(Into::into)
    }

    fn holders(&mut self, values: &[Vec<u8>]) -> Result<Vec<Holding>, DirectoryError> {
        wit::holders(values).map(list).map_err(Into::into)
    }

    fn commit(
        &mut self,
        commit_id: [u8; 16],
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<Vec<Outcome>, DirectoryError> {
        wit::commit(&commit_id, &list(units), stop_after)
            .map(list)
            .map_err(Into::into)
    }
}

impl TenantDirectory for HostDirectory {
    fn find_in(&mut self, connection: &str, find: &Find) -> Result<Page, DirectoryError> {
        wit::find_in(connection, &find.into())
            .map(Into::into)
            .map_err(Into::into)
    }

    fn users_of(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, DirectoryError> {
        wit::users_of(group, after, limit).map_err(Into::into)
    }
}
