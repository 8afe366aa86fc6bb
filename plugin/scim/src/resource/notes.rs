//! Remarks collected while a request is worked on, for the service to pass to
//! [`Env::note`](crate::env::Env::note).

use super::rules::Rule;
use crate::config::Dialect;
use crate::env::Level;
use crate::error::quoted;

/// The most remarks one request may cause: enough to see every quirk of a real
/// client, and a bound on what a hostile body can write into the log.
const MOST: usize = 64;

/// Attributes without a schema that are named.
const MOST_UNUSED: usize = 16;

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

    /// Is a deviation accepted; if so it is noted.
    pub(crate) fn accepts(
        &mut self,
        rule: Rule,
        dialect: Dialect,
        text: impl FnOnce() -> String,
    ) -> bool {
        let accepted = rule.accepted(dialect);
        if accepted {
            self.quirk(rule.code(), text());
        }
        accepted
    }

    /// Something an administrator should look at.
    pub fn warning(&mut self, code: &'static str, text: impl Into<String>) {
        self.add(Level::Warning, code, text);
    }

    /// An attribute that no schema declares. Of those that a request has most are named
    /// and the rest said to be there, so that other remarks are not crowded out.
    pub fn received_unused(&mut self, name: &str) {
        const CODE: &str = "received-unused";
        let text = format!(
            "{} was received but is not used: no schema of this resource declares it",
            named(name)
        );
        let mut known = self.list.iter().filter(|(_, code, _)| *code == CODE);
        if known.clone().count() < MOST_UNUSED || known.any(|(_, _, noted)| *noted == text) {
            self.warning(CODE, text);
        } else {
            self.warning(CODE, "more attributes were received and are not used");
        }
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

/// The name of an attribute for a remark, without what could be somebody's data: the
/// values of a filter, and all of a name that looks like an address.
pub(crate) fn named(name: &str) -> String {
    let cut = match (name.find('['), name.rfind(']')) {
        (Some(open), Some(close)) if open < close => {
            let (start, end) = (name.get(..open), name.get(close..));
            format!("{}[…{}", start.unwrap_or_default(), end.unwrap_or_default())
        }
        _ => name.to_owned(),
    };
    match cut.contains('@') {
        true => quoted("…"),
        false => quoted(&cut),
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
    #![expect(clippy::unwrap_used, reason = "tests")]
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

    #[test]
    fn attributes_without_a_schema_leave_room_for_other_remarks() {
        let mut notes = Notes::new();
        for n in 0..1000 {
            notes.received_unused(&format!("x{}", n % 100));
        }
        assert_eq!(notes.iter().count(), MOST_UNUSED + 1);
        let last = &notes.iter().last().unwrap().2;
        assert!(last.starts_with("more attributes"), "{last}");
        let mut few = Notes::new();
        for n in 0..1000 {
            few.received_unused(&format!("x{}", n % MOST_UNUSED));
        }
        assert_eq!(few.iter().count(), MOST_UNUSED);
    }

    #[test]
    fn a_name_holds_no_values() {
        assert_eq!(named("name.givenName"), "`name.givenName`");
        assert_eq!(named("emails[value eq \"a@b.c\"].type"), "`emails[…].type`");
        assert_eq!(named("ana@example.com"), "`…`");
        assert_eq!(named("a]b[c"), "`a]b[c`");
    }
}
