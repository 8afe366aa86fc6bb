//! What a preview has changed in the directory, kept beside the store.
//!
//! Built anew after every commit from what the store says the units would come to
//! ([`Rehearsal`]); of the units themselves only the keys are read, which a rehearsal
//! does not repeat. It reads no store.

use std::collections::{BTreeMap, BTreeSet};

use nameplate_store::{
    Change, ConnectionId, Document, Edge, Event, Holding, Key, Outcome, Rehearsal, Timestamp, Unit,
    keyset, spans,
};

/// The keys a document has since the preview began.
#[derive(Debug)]
pub(super) struct Keyed {
    pub keys: Vec<Key>,
    pub index_version: String,
}

/// One change of what a document holds: its tracked pairs of attribute and value.
#[derive(Debug)]
struct Step {
    document: String,
    tracked: BTreeSet<(String, Vec<u8>)>,
}

/// All that differs from the store.
#[derive(Debug)]
pub(super) struct Changed {
    connection: ConnectionId,
    now: Timestamp,
    /// Documents as they are now; none for one that is gone.
    pub documents: BTreeMap<String, Option<Document>>,
    /// Of documents that were put.
    pub keyed: BTreeMap<String, Keyed>,
    /// Group and member: since when there is an edge, none if it is gone.
    pub edges: BTreeMap<(String, String), Option<Timestamp>>,
    /// The same edges by member and group.
    pub upward: BTreeSet<(String, String)>,
    /// When an edge of a document was last removed.
    pub last_removed: BTreeMap<String, Option<Timestamp>>,
    /// Everything that happened, in order.
    pub events: Vec<Event>,
    steps: Vec<Step>,
    /// Which steps concern a value, or a document.
    by_value: BTreeMap<Vec<u8>, BTreeSet<usize>>,
    by_document: BTreeMap<String, Vec<usize>>,
}

impl Changed {
    /// Nothing yet, of this connection at this moment.
    pub fn nothing(connection: ConnectionId, now: Timestamp) -> Self {
        Self {
            connection,
            now,
            documents: BTreeMap::new(),
            keyed: BTreeMap::new(),
            edges: BTreeMap::new(),
            upward: BTreeSet::new(),
            last_removed: BTreeMap::new(),
            events: Vec::new(),
            steps: Vec::new(),
            by_value: BTreeMap::new(),
            by_document: BTreeMap::new(),
        }
    }

    /// What these units have changed; `events` happened on the way.
    pub fn by(&self, units: &[Unit], rehearsal: Rehearsal, events: Vec<Event>) -> Self {
        let Rehearsal {
            outcomes,
            events: _,
            documents,
            edges,
            last_removed,
        } = rehearsal;
        let edges: BTreeMap<_, _> = edges
            .into_iter()
            .map(|(Edge { group, member }, since)| ((group, member), since))
            .collect();
        let mut changed = Self {
            documents: documents.into_iter().collect(),
            upward: edges
                .keys()
                .map(|(group, member)| (member.clone(), group.clone()))
                .collect(),
            edges,
            last_removed: last_removed.into_iter().collect(),
            events,
            ..Self::nothing(self.connection, self.now)
        };
        for (unit, outcome) in units.iter().zip(outcomes) {
            if let Outcome::Committed { .. } = outcome {
                unit.changes.iter().for_each(|change| changed.step(change));
            }
        }
        changed
    }

    fn step(&mut self, change: &Change) {
        let (id, keyed) = match change {
            Change::Put(put) => (&put.id, Some((&put.keys, &put.index_version))),
            Change::Delete(delete) => (&delete.id, None),
            Change::Rekey(_) | Change::Members(_) => return,
        };
        let mut tracked = BTreeSet::new();
        match keyed {
            None => _ = self.keyed.remove(id),
            Some((keys, index_version)) => {
                let keys = keyset::normalise(keys);
                let held = keys.iter().filter(|key| key.tracked);
                tracked.extend(held.map(|key| (key.attribute.clone(), key.value.clone())));
                let index_version = index_version.clone();
                let keyed = Keyed {
                    keys,
                    index_version,
                };
                self.keyed.insert(id.clone(), keyed);
            }
        }
        let at = self.steps.len();
        for (_, value) in &tracked {
            self.by_value.entry(value.clone()).or_default().insert(at);
        }
        self.by_document.entry(id.clone()).or_default().push(at);
        self.steps.push(Step {
            document: id.clone(),
            tracked,
        });
    }

    /// The document of this id, if this knows better than the store.
    pub fn document(&self, id: &str) -> Option<Option<&Document>> {
        self.documents.get(id).map(Option::as_ref)
    }

    /// Members of a group whose edge was made or removed, by id.
    pub fn edges_of<'a>(
        &'a self,
        group: &'a str,
    ) -> impl Iterator<Item = (&'a str, Option<Timestamp>)> {
        self.edges
            .range((group.to_owned(), String::new())..)
            .take_while(move |((of, _), _)| of == group)
            .map(|((_, member), since)| (member.as_str(), *since))
    }

    /// Groups of which a document has become or ceased to be a direct member.
    pub fn groups_over<'a>(
        &'a self,
        member: &'a str,
    ) -> impl Iterator<Item = (&'a str, Option<Timestamp>)> {
        self.upward
            .range((member.to_owned(), String::new())..)
            .take_while(move |(of, _)| of == member)
            .filter_map(|(member, group)| {
                let since = self.edges.get(&(group.clone(), member.clone()))?;
                Some((group.as_str(), *since))
            })
    }

    /// The spans of these values, from those the store knows.
    ///
    /// Where the store left some out, for there are more than an answer holds, they stay
    /// left out: what ended here makes no room for them.
    pub fn spans(&self, values: &[Vec<u8>], stored: Vec<Holding>) -> Vec<Holding> {
        let mut concerned = BTreeSet::new();
        for value in values {
            concerned.extend(self.by_value.get(value).into_iter().flatten());
        }
        for span in &stored {
            concerned.extend(self.by_document.get(&span.document).into_iter().flatten());
        }
        if concerned.is_empty() {
            return spans::shown(stored.into_iter().enumerate());
        }
        // A step may close what an earlier one opened under a value it does not name.
        let documents: BTreeSet<&str> = concerned
            .iter()
            .filter_map(|at: &usize| self.steps.get(*at))
            .map(|step| step.document.as_str())
            .collect();
        let steps: BTreeSet<usize> = documents
            .iter()
            .filter_map(|document| self.by_document.get(*document))
            .flatten()
            .copied()
            .collect();
        let mut all = stored;
        for step in steps.iter().filter_map(|at| self.steps.get(*at)) {
            self.play(step, values, &mut all);
        }
        for span in &mut all {
            if let Some(document) = self.document(&span.document) {
                span.alive = document.is_some();
            }
        }
        spans::shown(all.into_iter().enumerate())
    }

    fn play(&self, step: &Step, values: &[Vec<u8>], all: &mut Vec<Holding>) {
        let mut opened = step.tracked.clone();
        for span in all.iter_mut() {
            if span.document != step.document || span.until.is_some() {
                continue;
            }
            let pair = (span.attribute.clone(), span.value.clone());
            if !opened.remove(&pair) {
                span.until = Some(span.from.max(self.now));
            }
        }
        let asked = opened
            .into_iter()
            .filter(|(_, value)| values.contains(value));
        all.extend(asked.map(|(attribute, value)| Holding {
            attribute,
            value,
            document: step.document.clone(),
            connection: self.connection,
            from: self.now,
            until: None,
            alive: true,
        }));
    }
}
