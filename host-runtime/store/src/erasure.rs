//! All that is kept of one person, and forgetting it.
//!
//! What counts as naming somebody is decided here, once for every backend. Nothing of
//! this knows where a row is kept.

use crate::{
    Assignment, Claim, ConnectionId, Departure, Document, Event, Holding, PastAssignment, Promise,
    Recorded, RequestEntry,
};

/// All that a directory keeps of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// As it is now; none if the person is deleted.
    pub document: Option<Document>,
    /// The connection the person belongs or belonged to.
    pub connection: Option<ConnectionId>,
    /// Groups the person is a direct member of, by id, with their labels.
    pub groups: Vec<(String, String)>,
    /// Tracked values the person holds or held, by value, then when.
    pub logins: Vec<Holding>,
    /// When the person left.
    pub departure: Option<Departure>,
    /// Events about the person, oldest first; the newest [`crate::check::TRACED`].
    pub events: Vec<Event>,
}

impl Traces {
    /// Is nothing kept?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What was forgotten of a person in the directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// There was a document.
    pub document: bool,
    /// Index entries of it.
    pub keys: u64,
    /// Memberships, held ones too.
    pub edges: u64,
    /// Spans in which a login was held.
    pub logins: u64,
    /// Events that tell no more who they are about.
    pub events: u64,
    /// When the person left.
    pub departures: u64,
}

/// What was forgotten of a person among hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostsErased {
    /// Claims that named the person.
    pub claims: u64,
    /// Lines of histories.
    pub history: u64,
    /// Promises of hosts.
    pub promises: u64,
    /// Events of hosts that tell no more who used them.
    pub events: u64,
    /// Hosts that have to be mapped again, by id.
    pub hosts: Vec<String>,
}

/// Somebody who is to be forgotten, as hosts know them.
#[derive(Clone, Debug)]
pub struct Person {
    user: String,
    logins: Vec<String>,
}

impl Person {
    /// By document id, and logins as they are given; empty ones name nobody.
    pub fn new(user: &str, logins: &[String]) -> Self {
        let given = logins.iter().filter(|login| !login.trim().is_empty());
        Self {
            user: user.to_owned(),
            logins: given.map(|login| login.trim().to_owned()).collect(),
        }
    }

    /// Is this text a login of theirs? ASCII letters are compared without case.
    fn is(&self, text: &[u8]) -> bool {
        let text = text.trim_ascii();
        let mut logins = self.logins.iter();
        logins.any(|login| login.as_bytes().eq_ignore_ascii_case(text))
    }

    /// Does a word of this sentence name them?
    fn within(&self, sentence: &str) -> bool {
        let part = |letter: char| letter.is_alphanumeric() || "@._-+".contains(letter);
        let words = sentence.split(|letter| !part(letter));
        let mut words = words.map(|word| word.trim_matches('.'));
        words.any(|word| word == self.user || self.is(word.as_bytes()))
    }

    /// Does a claim name them?
    pub fn claims(&self, claim: &Claim) -> bool {
        self.is(claim.username.as_bytes())
            || self.is(claim.email.as_bytes())
            || claim.logins.iter().any(|login| self.is(login))
    }

    /// Does an assignment name them?
    pub fn assigned(&self, assignment: &Assignment) -> bool {
        let Assignment {
            outcome: _,
            user,
            login,
            reason,
        } = assignment;
        user.as_deref() == Some(self.user.as_str())
            || self.is(login.as_bytes())
            || self.within(reason)
    }

    /// A line of a history without them: none if it is about them, itself with another
    /// reason if only that names them.
    pub fn without(&self, past: &PastAssignment) -> Option<PastAssignment> {
        if self.assigned(&past.assignment) {
            return None;
        }
        let mut past = past.clone();
        if self.within(&past.replaced_because) {
            past.replaced_because.clear();
        }
        Some(past)
    }

    /// Does a promise name them?
    pub fn promised(&self, promise: &Promise) -> bool {
        self.is(promise.username.as_bytes()) || self.is(promise.email.as_bytes())
    }

    /// Does one side of an event of a host name them (see [`Assignment::json`])?
    pub fn told(&self, side: Option<&[u8]>) -> bool {
        let Some(json) =
            side.and_then(|side| serde_json::from_slice::<serde_json::Value>(side).ok())
        else {
            return false;
        };
        let text = |name: &str| json.get(name).and_then(serde_json::Value::as_str);
        text("user") == Some(self.user.as_str())
            || text("login").is_some_and(|login| self.is(login.as_bytes()))
            || text("reason").is_some_and(|reason| self.within(reason))
    }
}

/// What lines of the request log are searched for.
#[derive(Clone, Debug)]
pub struct Needles(Vec<Vec<u8>>);

impl Needles {
    /// Texts of at least two bytes; shorter ones would be found everywhere.
    pub fn new(needles: &[String]) -> Self {
        let long = needles.iter().map(|needle| needle.trim());
        let long = long.filter(|needle| needle.len() >= 2);
        Self(
            long.map(|needle| needle.to_ascii_lowercase().into_bytes())
                .collect(),
        )
    }

    /// Does the text hold one of them, as it stands or percent-encoded? ASCII letters are
    /// compared without case.
    pub fn found_in(&self, text: &[u8]) -> bool {
        let plain = text.to_ascii_lowercase();
        let decoded = decoded(&plain).to_ascii_lowercase();
        self.0.iter().any(|needle| {
            let holds = |text: &[u8]| text.windows(needle.len()).any(|part| part == needle);
            holds(&plain) || (decoded != plain && holds(&decoded))
        })
    }

    /// Does a line hold one of them, besides what was recorded?
    pub fn found_in_line(&self, entry: &RequestEntry) -> bool {
        self.found_in(entry.path.as_bytes())
            || self.found_in(entry.detail.as_bytes())
            || entry
                .notes
                .iter()
                .any(|note| self.found_in(note.text.as_bytes()))
    }

    /// Does what was recorded hold one of them?
    pub fn found_in_record(&self, recorded: &Recorded) -> bool {
        self.found_in(recorded.query.as_bytes()) || self.found_in(&recorded.body)
    }
}

/// RFC 3986 2.1: the octets that `%` and two digits stand for.
fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, others)) = rest.split_first() {
        let octet = match (first, others) {
            (b'%', [high, low, ..]) => digit(*high)
                .zip(digit(*low))
                .and_then(|(high, low)| u8::try_from(high * 16 + low).ok()),
            _ => None,
        };
        plain.push(octet.unwrap_or(*first));
        let read = if octet.is_some() { 2 } else { 0 };
        rest = others.get(read..).unwrap_or_default();
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ana() -> Person {
        Person::new(
            "u1",
            &["Ana@X.test".to_owned(), " ".to_owned(), "an".to_owned()],
        )
    }

    #[test]
    fn a_login_is_a_whole_word() {
        assert!(ana().within("claimed by `ana@x.test`, who left"));
        assert!(ana().within("it was an."));
        assert!(ana().within("u1 is gone"));
        for other in ["unassigned", "banana@x.test", "ana@x.test.org", "", "u11"] {
            assert!(!ana().within(other), "{other}");
        }
    }

    #[test]
    fn nobody_is_named_by_an_empty_login() {
        let nobody = Person::new("u1", &[String::new(), " ".to_owned()]);
        assert!(!nobody.assigned(&Assignment::default()));
        assert!(!nobody.claims(&Claim {
            id: "c".to_owned(),
            source: crate::Source::Manual,
            username: String::new(),
            email: String::new(),
            full_name: String::new(),
            logins: Vec::new(),
            since: 1,
            withdrawn: None,
        }));
    }

    #[test]
    fn needles_are_found_encoded_and_in_any_case() {
        let needles = Needles::new(&["Ana@x.test".to_owned(), "a".to_owned(), String::new()]);
        for text in [
            "to ANA@X.TEST",
            "filter=userName%20eq%20%22ana%40x.test%22",
            "%zzana@x.test%",
        ] {
            assert!(needles.found_in(text.as_bytes()), "{text}");
        }
        for text in ["", "a", "%", "ana%4x.test"] {
            assert!(!needles.found_in(text.as_bytes()), "{text}");
        }
    }
}
