//! Remarks collected while a request is worked on, for the service to pass to
//! [`Env::note`](crate::env::Env::note).

use crate::env::Level;

/// The most remarks one request may cause: enough to see every quirk of a real
/// client, and a bound on what a hostile body can write into the log.
const MOST: usize = 64;

/// What there is to say about a request. Texts hold attribute names and never
/// values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    list: Vec<(Level, &'static str, String)>,
}

impl Notes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a remark; past 64, and for one that is there already, does nothing.
    pub fn add(&mut self, level: Level, code: &'static str, text: impl Into<String>) {
        if self.list.len() >= MOST {
            return;
        }
        let note = (level, code, text.into());
        if !self.list.contains(&note) {
            self.list.push(note);
        }
    }

    /// A deviation of the client that was accepted.
    pub fn quirk(&mut self, code: &'static str, text: impl Into<String>) {
        self.add(Level::Quirk, code, text);
    }

    /// Something an administrator should look at.
    pub fn warning(&mut self, code: &'static str, text: impl Into<String>) {
        self.add(Level::Warning, code, text);
    }

    /// An attribute that no schema declares; `name` is quoted already.
    pub fn received_unused(&mut self, name: &str) {
        self.warning(
            "received-unused",
            format!("{name} was received but is not used: no schema of this resource declares it"),
        );
    }

    /// Is there a remark with this code.
    pub fn has(&self, code: &str) -> bool {
        self.list.iter().any(|(_, known, _)| *known == code)
    }

    /// All remarks, in the order they were made.
    pub fn iter(&self) -> impl Iterator<Item = &(Level, &'static str, String)> {
        self.list.iter()
    }
}

impl IntoIterator for Notes {
    type Item = (Level, &'static str, String);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_remarks_is_cut_and_repeats_count_once() {
        let mut notes = Notes::new();
        notes.quirk("a", "same");
        notes.quirk("a", "same");
        assert_eq!(notes.iter().count(), 1);
        for n in 0..1000 {
            notes.warning("b", n.to_string());
        }
        assert_eq!(notes.iter().count(), MOST);
        assert!(notes.has("b") && !notes.has("c"));
    }
}
