//! What a client may believe of a resource: usually one thing; after a request that was
//! not answered, what was and what may be now.

use std::collections::BTreeSet;

/// A person as a client wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub login: String,
    pub active: bool,
    pub title: String,
}

/// A group, its members by their place in the client's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    pub name: String,
    pub members: BTreeSet<usize>,
}

/// A resource: its id, once known, and everything it may be (none: not there).
#[derive(Debug)]
pub struct Entry<T> {
    pub id: Option<String>,
    states: Vec<Option<T>>,
}

impl<T: Clone + PartialEq> Entry<T> {
    /// Not there.
    pub fn absent() -> Self {
        Self {
            id: None,
            states: vec![None],
        }
    }

    /// A change that was answered: it has happened.
    pub fn sure(&mut self, change: impl Fn(Option<T>) -> Option<T>) {
        let before = std::mem::take(&mut self.states);
        for state in before.into_iter().map(change) {
            self.add(state);
        }
    }

    /// A change without an answer: it has happened or not.
    pub fn unsure(&mut self, change: impl Fn(Option<T>) -> Option<T>) {
        for state in self.states.clone().into_iter().map(change) {
            self.add(state);
        }
    }

    /// It was seen like this; false if it cannot have been.
    pub fn learn(&mut self, seen: Option<T>) -> bool {
        if seen.is_none() {
            self.id = None;
        }
        let possible = self.states.contains(&seen);
        self.states = vec![seen];
        possible
    }

    pub fn may_be_absent(&self) -> bool {
        self.states.contains(&None)
    }

    pub fn is_absent(&self) -> bool {
        self.states.iter().all(Option::is_none)
    }

    /// What it is, if that is certain and it is there.
    pub fn certain(&self) -> Option<&T> {
        match self.states.as_slice() {
            [Some(state)] => Some(state),
            _ => None,
        }
    }

    fn add(&mut self, state: Option<T>) {
        if !self.states.contains(&state) {
            self.states.push(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_an_unanswered_change_both_are_believed_and_nothing_else() {
        let mut entry = Entry::absent();
        entry.sure(|_| Some(1));
        entry.unsure(|state| state.map(|n| n + 1));
        assert!(entry.certain().is_none() && !entry.may_be_absent());
        entry.sure(|state| state.map(|n| n * 10));
        assert!(!entry.learn(Some(15)));
        let mut entry = Entry::absent();
        entry.sure(|_| Some(1));
        entry.unsure(|_| None);
        assert!(entry.may_be_absent() && !entry.is_absent());
        assert!(entry.learn(None) && entry.is_absent());
    }
}
