//! The tables of one tenant's directory.

use std::collections::{BTreeMap, VecDeque};

use super::table::Table;
use crate::{ConnectionId, Departure, Document, Event, Holding, Key, Kind, Outcome, Timestamp};

/// A document with what the index needs of it.
#[derive(Clone, Debug)]
pub struct Row {
    pub document: Document,
    pub keys: Vec<Key>,
    pub index_version: String,
}

/// A held edge.
#[derive(Clone, Debug)]
pub struct Held {
    pub connection: ConnectionId,
    pub display: Option<String>,
    pub login: Option<Vec<u8>>,
    pub since: Timestamp,
}

/// One entry of an index: connection, kind, attribute, value, id.
pub type Entry = (ConnectionId, Kind, String, Vec<u8>, String);

/// What a held edge waits for: an id, or a unique key of a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Awaited {
    Id(String),
    Login(Vec<u8>),
}

/// Outcomes kept for a repeated commit-id.
#[derive(Clone, Debug, Default)]
pub struct Commits {
    pub outcomes: BTreeMap<(ConnectionId, [u8; 16]), Vec<Outcome>>,
    pub by_age: VecDeque<(Timestamp, ConnectionId, [u8; 16])>,
}

/// Documents, index, edges and events of one tenant.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub documents: Table<String, Row>,
    pub index: Table<Entry, ()>,
    /// Connection, kind, value, attribute of unique keys -> who holds it.
    pub unique: Table<(ConnectionId, Kind, Vec<u8>, String), String>,
    /// (group, member) -> since.
    pub edges: Table<(String, String), Timestamp>,
    /// (member, group).
    pub upward: Table<(String, String), ()>,
    /// Member -> when an edge of it was last removed.
    pub removals: Table<String, Timestamp>,
    /// Users who left.
    pub departures: Table<String, Departure>,
    /// (group, id sent).
    pub held: Table<(String, String), Held>,
    /// Connection, what is awaited, group, id sent.
    pub awaited: Table<(ConnectionId, Awaited, String, String), ()>,
    /// (value, number of the span).
    pub holdings: Table<(Vec<u8>, usize), Holding>,
    /// (document, tracked value it ever held).
    pub held_by: Table<(String, Vec<u8>), ()>,
    pub events: Table<u64, Event>,
    pub commits: Commits,
}

impl Directory {
    pub fn settle(&mut self) {
        self.documents.settle();
        self.index.settle();
        self.unique.settle();
        self.edges.settle();
        self.upward.settle();
        self.removals.settle();
        self.departures.settle();
        self.held.settle();
        self.awaited.settle();
        self.holdings.settle();
        self.held_by.settle();
        self.events.settle();
    }

    pub fn revert(&mut self) {
        self.documents.revert();
        self.index.revert();
        self.unique.revert();
        self.edges.revert();
        self.upward.revert();
        self.removals.revert();
        self.departures.revert();
        self.held.revert();
        self.awaited.revert();
        self.holdings.revert();
        self.held_by.revert();
        self.events.revert();
    }

    /// Gives an event its number and appends it.
    pub fn append(&mut self, event: Event) -> u64 {
        let seq = self.events.last_key_value().map_or(1, |(last, _)| last + 1);
        self.events.put(seq, Event { seq, ..event });
        seq
    }

    /// The document, if the scope shows it.
    pub fn seen(&self, connection: Option<ConnectionId>, id: &str) -> Option<&Row> {
        let row = self.documents.get(id)?;
        connection
            .is_none_or(|connection| row.document.connection == connection)
            .then_some(row)
    }

    pub fn member_ids(&self, group: &str) -> Vec<String> {
        under(&self.edges, group)
            .map(|((_, member), _)| member.clone())
            .collect()
    }

    pub fn held_ids(&self, group: &str) -> Vec<String> {
        under(&self.held, group)
            .map(|((_, id), _)| id.clone())
            .collect()
    }

    pub fn groups_over(&self, member: &str) -> Vec<String> {
        under(&self.upward, member)
            .map(|((_, group), ())| group.clone())
            .collect()
    }
}

/// The rows whose key starts with `first`.
pub fn under<'a, V>(
    table: &'a Table<(String, String), V>,
    first: &'a str,
) -> impl Iterator<Item = (&'a (String, String), &'a V)> {
    table
        .range((first.to_owned(), String::new())..)
        .take_while(move |((start, _), _)| start == first)
}
