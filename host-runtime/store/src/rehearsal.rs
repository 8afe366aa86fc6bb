//! What a commit would do, without doing it.
//!
//! For previews: [`UserStore::rehearse`](crate::UserStore::rehearse) answers with the
//! outcomes and with the state that units would leave behind, as far as a reader cannot
//! see it in the units themselves. It knows nothing of who reads it.

use std::collections::BTreeSet;

use crate::{Document, Edge, Event, Outcome, Timestamp};

/// What units would come to, and what would be stored after them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// One for each unit, as `commit` would answer.
    pub outcomes: Vec<Outcome>,
    /// The events that would be kept, with the numbers they would get now.
    pub events: Vec<Event>,
    /// Each document a unit would write, by id; none if it would be gone.
    pub documents: Vec<(String, Option<Document>)>,
    /// Each edge a unit would make or remove, by group and member: since when it would
    /// be there, none if it would not.
    pub edges: Vec<(Edge, Option<Timestamp>)>,
    /// Of each document among these and each member of these edges, by id: when an edge
    /// of it would have been removed last.
    pub last_removed: Vec<(String, Option<Timestamp>)>,
}

/// What units have touched; a backend notes it while it rehearses. What a refused unit
/// touched is in it too, and does no harm: it is read as it is.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Ids of documents written or deleted.
    pub documents: BTreeSet<String>,
    /// Group and member of edges made or removed.
    pub edges: BTreeSet<(String, String)>,
}

impl Trace {
    /// A document was written or deleted.
    pub fn wrote(&mut self, id: &str) {
        self.documents.insert(id.to_owned());
    }

    /// An edge was made or removed.
    pub fn moved(&mut self, group: &str, member: &str) {
        self.edges.insert((group.to_owned(), member.to_owned()));
    }

    /// Whose last removal of an edge a [`Rehearsal`] tells, by id.
    pub fn members(&self) -> BTreeSet<&String> {
        let members = self.edges.iter().map(|(_, member)| member);
        self.documents.iter().chain(members).collect()
    }
}
