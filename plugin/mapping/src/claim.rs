//! What a caller says about a host becomes a claim.
//!
//! Callers repeat themselves (retries, check-ins), so a claim's id makes repeats
//! harmless. Where the caller gives none it is derived:
//!
//! - **With a time**, the id is a hash of source, login and that time as given:
//!   the same sentence is the same claim, for ever.
//! - **Without a time** the sentence means "since now". If the newest claim *of
//!   that source* stands and says the same, this is a repeat and gets its id.
//!   Else it is news, and its id is a hash of source, login and the claim it comes
//!   after. So A, A is one claim; A, B, A are three; taken back and said again
//!   counts again; and two copies of one request racing each other get one id.
//!
//! Only the same source is looked at on purpose. A server that reports "enrolled by
//! A" at every check-in, without a time, must not undo what an administrator set in
//! between. Who wants such a re-enrolment to count gives its time or its id.
//!
//! A claim without login says something too, in two cases: the host enrolled and nobody
//! signed in, so what was known of its user is out of date; or it is used by many. Such
//! claims repeat by the same rules.
//!
//! This module must not know who is in the directory.

use nameplate_scim::directory::Timestamp;
use nameplate_scim::fold::login_key;
use nameplate_scim::hex::hex;
use sha2::{Digest, Sha256};

use crate::hosts::{Claim, Source};

/// The most bytes a username, an e-mail or a full name may have: what directories
/// take, and what an index row holds without hashing.
pub const MAX_TEXT: usize = 255;

/// The most bytes of a claim's id; see `wit/host-store.wit`.
pub const MAX_ID: usize = 128;

/// A claim before its logins are folded. Mirrors `wit/mapping.wit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimDraft {
    /// Empty: derived from the content.
    pub id: String,
    /// Where it comes from.
    pub source: Source,
    /// The login; may be empty if `email` is not, or if the source is
    /// [`Source::Enrollment`]. Empty if it is [`Source::Shared`], as is `email`.
    pub username: String,
    /// May be empty if `username` is not.
    pub email: String,
    /// May be empty.
    pub full_name: String,
    /// When it became true; none means now.
    pub since: Option<Timestamp>,
    /// Passed through.
    pub extras: Vec<(String, String)>,
}

/// A claim made from a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drafted {
    /// To be stored.
    pub claim: Claim,
    /// The caller's time lay in the future; the claim counts from now.
    pub clamped: bool,
}

/// Makes a claim. `known` are the host's claims, withdrawn ones too. The error says
/// what to change.
pub fn from_draft(draft: &ClaimDraft, known: &[Claim], now: Timestamp) -> Result<Drafted, String> {
    check(draft)?;
    let logins = logins(&draft.username, &draft.email);
    match draft.source {
        Source::Shared if !logins.is_empty() => {
            return Err(
                "leave `username` and `email` empty: a shared host is many people's".into(),
            );
        }
        Source::Enrollment | Source::Shared => {}
        _ if logins.is_empty() => {
            return Err("give a `username` or an `email`: both are empty".into());
        }
        _ => {}
    }
    let id = if draft.id.is_empty() {
        derived_id(draft, known)
    } else {
        draft.id.clone()
    };
    let since = match draft.since {
        Some(since) => since.min(now),
        // "Now" is the last thing said of the host: if clocks disagree or two
        // sentences fall into one millisecond, it still comes after the others.
        None => known
            .iter()
            .map(|claim| claim.since.saturating_add(1))
            .fold(now, Timestamp::max),
    };
    Ok(Drafted {
        claim: Claim {
            id,
            source: draft.source.clone(),
            username: draft.username.clone(),
            email: draft.email.clone(),
            full_name: draft.full_name.clone(),
            logins,
            since,
            withdrawn: None,
            extras: draft.extras.clone(),
        },
        clamped: draft.since.is_some_and(|since| since > now),
    })
}

fn check(draft: &ClaimDraft) -> Result<(), String> {
    let texts = [
        ("username", &draft.username, MAX_TEXT),
        ("email", &draft.email, MAX_TEXT),
        ("full_name", &draft.full_name, MAX_TEXT),
        ("id", &draft.id, MAX_ID),
    ];
    for (name, text, max) in texts {
        if text.len() > max {
            return Err(format!(
                "shorten `{name}`: it has {} bytes, {max} are allowed",
                text.len()
            ));
        }
    }
    Ok(())
}

/// The logins of a claim as they are compared: username, then e-mail, each once.
pub(crate) fn logins(username: &str, email: &str) -> Vec<Vec<u8>> {
    let mut keys = vec![login_key(username), login_key(email)];
    keys.retain(|key| !key.is_empty());
    keys.dedup();
    keys
}

fn derived_id(draft: &ClaimDraft, known: &[Claim]) -> String {
    let (username, email) = (login_key(&draft.username), login_key(&draft.email));
    let anchor = match draft.since {
        // As given, not as clamped: a repeat is clamped to another moment.
        Some(since) => format!("at {since}"),
        None => {
            let newest = known
                .iter()
                .filter(|claim| claim.source == draft.source)
                .max_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
            match newest {
                None => "first".to_owned(),
                Some(claim)
                    if claim.withdrawn.is_none()
                        && login_key(&claim.username) == username
                        && login_key(&claim.email) == email =>
                {
                    return claim.id.clone();
                }
                Some(claim) => format!("after {} {:?}", claim.id, claim.withdrawn),
            }
        }
    };
    let mut hash = Sha256::new();
    let source = source_name(&draft.source);
    for part in [source.as_bytes(), &username, &email, anchor.as_bytes()] {
        // Lengths first, so that no two lists of parts are the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut id = hex(&hash.finalize());
    // 128 bits: among at most a few hundred claims of one host.
    id.truncate(32);
    id
}

fn source_name(source: &Source) -> String {
    match source {
        Source::Manual => "manual".to_owned(),
        Source::Enrollment => "enrollment".to_owned(),
        Source::ChromeProfile => "chrome-profile".to_owned(),
        Source::Custom => "custom".to_owned(),
        Source::Serial => "serial".to_owned(),
        Source::Shared => format!("other {}", Source::SHARED),
        Source::Other(name) => format!("other {name}"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn draft(username: &str, email: &str, since: Option<Timestamp>) -> ClaimDraft {
        ClaimDraft {
            id: String::new(),
            source: Source::Enrollment,
            username: username.to_owned(),
            email: email.to_owned(),
            full_name: String::new(),
            since,
            extras: Vec::new(),
        }
    }

    /// Says it and stores it as a host store would.
    fn say(known: &mut Vec<Claim>, draft: &ClaimDraft, now: Timestamp) -> Claim {
        let claim = from_draft(draft, known, now).unwrap().claim;
        if known.iter().all(|other| other.id != claim.id) {
            known.push(claim.clone());
        }
        claim
    }

    #[test]
    fn logins_are_folded_and_named_once() {
        let claim = from_draft(&draft(" ANA@Example.com ", "ana@example.com", None), &[], 5)
            .unwrap()
            .claim;
        assert_eq!(claim.logins, vec![b"ana@example.com".to_vec()]);
        assert_eq!(claim.username, " ANA@Example.com ", "kept as given");
        let both = from_draft(&draft("ana", "a@x", None), &[], 5)
            .unwrap()
            .claim;
        assert_eq!(both.logins.len(), 2);
    }

    fn of(source: Source, login: &str) -> ClaimDraft {
        ClaimDraft {
            source,
            ..draft(login, "", None)
        }
    }

    #[test]
    fn a_claim_of_nobody_is_refused_with_what_to_change() {
        for source in [Source::Manual, Source::Serial, Source::Custom] {
            let error = from_draft(&of(source, " "), &[], 5).unwrap_err();
            assert_eq!(error, "give a `username` or an `email`: both are empty");
        }
    }

    #[test]
    fn only_enrolments_without_sign_in_and_shared_hosts_name_nobody() {
        for source in [Source::Enrollment, Source::Shared] {
            let claim = from_draft(&of(source, " "), &[], 5).unwrap().claim;
            assert!(claim.is_nobodys());
            assert_eq!(claim.logins, Vec::<Vec<u8>>::new());
        }
        let error = from_draft(&of(Source::Shared, "ana"), &[], 5).unwrap_err();
        assert!(error.starts_with("leave `username`"), "{error}");
    }

    #[test]
    fn repeats_of_claims_of_nobody_are_one_claim_until_something_else_is_said() {
        let mut known = Vec::new();
        for (login, now) in [("", 1), (" ", 2), ("a", 3), ("", 4), ("", 5)] {
            say(&mut known, &draft(login, "", None), now);
        }
        let times: Vec<_> = known.iter().map(|claim| claim.since).collect();
        assert_eq!(times, [1, 3, 4]);
        let mut shared = Vec::new();
        for now in [1, 2] {
            say(&mut shared, &of(Source::Shared, ""), now);
        }
        assert_eq!(shared.len(), 1);
        shared[0].withdrawn = Some(3);
        say(&mut shared, &of(Source::Shared, ""), 4);
        assert_eq!(shared.len(), 2, "taken back and said again");
    }

    #[test]
    fn the_time_given_makes_a_claim_of_nobody_the_same_claim_for_ever() {
        let mut known = Vec::new();
        for (login, since) in [("", 1), ("a", 2), ("", 1), ("", 3)] {
            say(&mut known, &draft(login, "", Some(since)), 9);
        }
        let times: Vec<_> = known.iter().map(|claim| claim.since).collect();
        assert_eq!(times, [1, 2, 3]);
    }

    #[test]
    fn over_long_texts_are_refused_with_their_length() {
        let long = "x".repeat(256);
        assert_eq!(
            from_draft(&draft(&long, "", None), &[], 5).unwrap_err(),
            "shorten `username`: it has 256 bytes, 255 are allowed"
        );
        assert!(from_draft(&draft(&long[..255], "", None), &[], 5).is_ok());
        let mut with_id = draft("a", "", None);
        with_id.id = "x".repeat(129);
        assert!(from_draft(&with_id, &[], 5).unwrap_err().contains("`id`"));
    }

    #[test]
    fn a_time_in_the_future_counts_from_now_and_repeats_stay_one_claim() {
        let mut known = Vec::new();
        let first = from_draft(&draft("ana", "", Some(900)), &known, 5).unwrap();
        assert!(first.clamped);
        assert_eq!(first.claim.since, 5);
        known.push(first.claim.clone());
        let again = from_draft(&draft("ana", "", Some(900)), &known, 7).unwrap();
        assert_eq!(again.claim.id, first.claim.id);
    }

    #[test]
    fn said_twice_without_id_and_time_is_one_claim() {
        let mut known = Vec::new();
        say(&mut known, &draft("ana", "", None), 5);
        say(&mut known, &draft("ANA", "", None), 9);
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].since, 5);
    }

    #[test]
    fn a_return_after_someone_else_counts_again() {
        let mut known = Vec::new();
        for (login, now) in [("a", 1), ("b", 2), ("a", 3), ("b", 4), ("a", 5), ("a", 6)] {
            say(&mut known, &draft(login, "", None), now);
        }
        let times: Vec<_> = known.iter().map(|claim| claim.since).collect();
        assert_eq!(
            times,
            [1, 2, 3, 4, 5],
            "each turn counts, the repeat does not"
        );
    }

    #[test]
    fn taken_back_and_said_again_counts_again() {
        let mut known = Vec::new();
        say(&mut known, &draft("ana", "", None), 1);
        known[0].withdrawn = Some(2);
        let again = say(&mut known, &draft("ana", "", None), 3);
        assert_eq!(known.len(), 2);
        assert_eq!(again.since, 3);
    }

    #[test]
    fn a_check_in_without_a_time_does_not_come_after_what_an_administrator_set() {
        let mut known = Vec::new();
        say(&mut known, &draft("ana", "", None), 1);
        let mut manual = draft("bob", "", None);
        manual.source = Source::Manual;
        say(&mut known, &manual, 2);
        let repeat = say(&mut known, &draft("ana", "", None), 3);
        assert_eq!(repeat.id, known[0].id);
    }

    #[test]
    fn now_comes_after_everything_said_even_within_one_millisecond() {
        let mut known = Vec::new();
        say(&mut known, &draft("a", "", None), 5);
        let second = say(&mut known, &draft("b", "", None), 5);
        assert_eq!(second.since, 6);
    }

    #[test]
    fn the_time_given_tells_two_enrolments_of_one_login_apart() {
        let one = from_draft(&draft("a", "", Some(1)), &[], 9).unwrap().claim;
        let two = from_draft(&draft("a", "", Some(2)), &[], 9).unwrap().claim;
        assert_ne!(one.id, two.id);
        let swapped = from_draft(&draft("", "a", Some(1)), &[], 9).unwrap().claim;
        assert_ne!(one.id, swapped.id, "a username is not an e-mail");
    }
}
