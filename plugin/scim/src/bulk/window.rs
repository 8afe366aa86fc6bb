//! The directory as an operation sees it while units that come before it wait for their
//! commit. An operation may be prepared if it reads nothing that they change; where it
//! does, the read fails and says so, and the operation is prepared again after the
//! commit. So nothing has to foresee what an operation reads.
//!
//! What is safe to read early is safe because of the preconditions of units: a document
//! no waiting unit writes, although its version may go up with a member's deletion.
//!
//! This module must not know what an operation does.

use std::collections::BTreeSet;

use crate::directory::{
    Change, Directory, DirectoryError, Document, Edge, Find, HeldMember, Holding, Kind, MemberPage,
    Memberships, Outcome, Page, Unit,
};
use crate::http::Request;
use crate::request::Tags;
use crate::service::Call;

/// What waiting units change.
#[derive(Default)]
pub(super) struct Changed {
    any: bool,
    documents: BTreeSet<String>,
}

impl Changed {
    /// May they change the version of a document that was read in spite of them: that of
    /// a group goes up with its members.
    pub fn may_touch(&self, document: &Document) -> bool {
        self.any && document.kind == Kind::Group
    }

    /// Takes note of what a unit changes. Members are no part of a document.
    pub fn note(&mut self, unit: &Unit) {
        self.any = true;
        for change in &unit.changes {
            match change {
                Change::Put(put) => self.documents.insert(put.id.clone()),
                Change::Delete(delete) => self.documents.insert(delete.id.clone()),
                Change::Members(_) | Change::Rekey(_) => false,
            };
        }
    }
}

/// Works on one operation's request, which shares the journal of the whole. Also: did it
/// have to wait.
pub(super) fn within<R>(
    call: &mut Call<'_>,
    request: &Request,
    changed: &Changed,
    work: impl FnOnce(&mut Call<'_>) -> R,
) -> (R, bool) {
    let mut window = Window {
        inner: &mut *call.directory,
        changed,
        conditional: Tags::of(request, "if-match").is_some(),
        blocked: false,
    };
    let mut inner = Call {
        config: call.config,
        directory: &mut window,
        env: &mut *call.env,
        registry: call.registry,
        request,
        notes: std::mem::take(&mut call.notes),
        actions: std::mem::take(&mut call.actions),
    };
    let result = work(&mut inner);
    let Call { notes, actions, .. } = inner;
    call.notes = notes;
    call.actions = actions;
    (result, window.blocked)
}

struct Window<'w> {
    inner: &'w mut dyn Directory,
    changed: &'w Changed,
    /// Does the operation depend on a version.
    conditional: bool,
    blocked: bool,
}

impl Window<'_> {
    fn wait_if(&mut self, blocked: bool) -> Result<(), DirectoryError> {
        self.blocked |= blocked;
        match blocked {
            true => Err(DirectoryError::Other(
                "read before a commit it depends on".to_owned(),
            )),
            false => Ok(()),
        }
    }

    /// Anything may matter to a walk.
    fn walk(&mut self) -> Result<&mut dyn Directory, DirectoryError> {
        self.wait_if(self.changed.any)?;
        Ok(self.inner)
    }
}

impl Directory for Window<'_> {
    fn get(&mut self, kind: Kind, id: &str) -> Result<Option<Document>, DirectoryError> {
        // The version of a group goes up with its members.
        let version = self.conditional && kind == Kind::Group && self.changed.any;
        self.wait_if(version || self.changed.documents.contains(id))?;
        self.inner.get(kind, id)
    }

    fn get_many(&mut self, ids: &[String]) -> Result<Vec<Document>, DirectoryError> {
        self.walk()?.get_many(ids)
    }

    fn find(&mut self, find: &Find) -> Result<Page, DirectoryError> {
        self.walk()?.find(find)
    }

    fn index_ready(&mut self, index_version: &str) -> Result<bool, DirectoryError> {
        self.inner.index_ready(index_version)
    }

    fn has_edges(&mut self, edges: &[Edge]) -> Result<Vec<bool>, DirectoryError> {
        self.walk()?.has_edges(edges)
    }

    fn members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, DirectoryError> {
        self.walk()?.members(group, after, limit)
    }

    fn groups_of(&mut self, member: &str, transitive: bool) -> Result<Memberships, DirectoryError> {
        self.walk()?.groups_of(member, transitive)
    }

    fn held_members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<HeldMember>, DirectoryError> {
        self.walk()?.held_members(group, after, limit)
    }

    fn holders(&mut self, values: &[Vec<u8>]) -> Result<Vec<Holding>, DirectoryError> {
        self.walk()?.holders(values)
    }

    fn commit(
        &mut self,
        commit_id: [u8; 16],
        units: Vec<Unit>,
        stop_after: Option<u32>,
    ) -> Result<Vec<Outcome>, DirectoryError> {
        self.walk()?.commit(commit_id, units, stop_after)
    }
}
