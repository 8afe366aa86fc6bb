//! Claims and login facts become an assignment: a pure function, so that the same
//! facts give the same answer in whatever order they arrived, and without a clock,
//! so that no answer changes by waiting.
//!
//! # Which claim counts
//!
//! Manual, then the newest enrolment, then the newest promise to a serial number.
//! Browser profiles, noted addresses and unknown sources never assign; withdrawn
//! claims do not count; ties of time go to the greater id.
//!
//! **Shared.** While the host is marked as used by many, it is nobody's, whoever
//! enrols. A manual claim that is newer is the administrator's last word and counts,
//! by the rules below.
//!
//! **Epochs.** An enrolment without sign-in begins a new epoch: enrolments before it
//! no longer count, so a promise does again. A manual claim survives it, unless an
//! enrolment before it had ended the claim. (The other way round, the person before
//! last would come back to a host that was wiped for somebody new.)
//!
//! An enrolment that is newer than the manual claim ends it if it is by somebody
//! else: by another person, if both logins lead to one; else by a login that shares
//! no key with the manual one. (People come before keys: when a login has passed
//! from Bob to his successor, it is the successor who enrolled.) If the manual
//! login leads to nobody and the enrolment to somebody, the enrolment knows more.
//! [`Rules::sticky_manual`] keeps manual claims whatever enrols. For this comparison
//! people count whether they are active or not.
//!
//! Whom a login means is the matter of `resolve/search.rs`.
//!
//! This module must not know where facts are kept.

mod search;

use std::collections::{BTreeMap, BTreeSet};

use nameplate_scim::directory::Holding;

use crate::claim::logins;
use crate::hosts::{Assignment, Claim, Outcome, Source};
use crate::rules::Rules;
use crate::text::{MAX_REASON, moment, one_line, quoted};
use search::{Found, search};

/// The tracked attribute that holds the login name.
pub const USER_NAME: &str = "userName";

/// The tracked attribute that holds e-mail addresses.
pub const EMAIL: &str = "emails.value";

/// Which people are active, by document id; absent ones count as active.
pub type Activity = BTreeMap<String, bool>;

/// How a login led to a person; the stronger is the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// Their userName is the username claimed.
    UserName,
    /// Their userName is the e-mail claimed.
    UserNameIsEmail,
    /// They alone have the e-mail address.
    Email,
}

/// Which rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// There is no claim that assigns.
    NoClaim,
    /// The manual claim is the newest word.
    Manual,
    /// A newer enrolment is by the same login, so the manual claim stays.
    ManualConfirmed,
    /// The host enrolled later and nobody signed in, which ends no manual claim.
    ManualSurvives,
    /// A newer enrolment is by somebody else, but the tenant keeps manual claims.
    ManualSticky,
    /// The newest enrolment; nobody said otherwise.
    Enrollment,
    /// The newest enrolment is by somebody else and ended the manual claim.
    EnrollmentEndsManual,
    /// The serial number was promised.
    Serial,
    /// The host enrolled anew and nobody signed in; nothing else is known of it.
    Epoch,
    /// The host is marked as used by many.
    Shared,
}

/// What was found, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// What was found.
    pub outcome: Outcome,
    /// The person's document, if linked.
    pub user: Option<String>,
    /// The login claimed, as given; empty if nothing is claimed.
    pub login: String,
    /// One line for administrators; may hold logins.
    pub reason: String,
    /// If ambiguous, the documents of all who could be meant, by id.
    pub candidates: Vec<String>,
    /// If pending because all who could be meant are deactivated: their documents.
    pub inactive: Vec<String>,
    /// Which rule decided.
    pub rule: Rule,
    /// How the login led to a person; none unless linked or ambiguous.
    pub matched: Option<Match>,
    /// The id of the claim that decided.
    pub claim: Option<String>,
}

impl Resolution {
    /// The part that is stored.
    pub fn assignment(&self) -> Assignment {
        Assignment {
            outcome: self.outcome,
            user: self.user.clone(),
            login: self.login.clone(),
            reason: self.reason.clone(),
        }
    }
}

/// The claims that can decide: the newest of each kind that assigns.
struct Standing<'a> {
    /// Only if no manual claim is newer.
    shared: Option<&'a Claim>,
    manual: Option<&'a Claim>,
    /// By somebody who signed in.
    enrollment: Option<&'a Claim>,
    /// Nobody signed in, and that is newer than `enrollment`.
    epoch: Option<&'a Claim>,
    serial: Option<&'a Claim>,
}

impl<'a> Standing<'a> {
    fn of(claims: &'a [Claim]) -> Self {
        let newest = |source: &Source, signed_in: bool| {
            claims
                .iter()
                .filter(|claim| claim.source == *source && claim.withdrawn.is_none())
                .filter(|claim| claim.is_nobodys() != signed_in)
                .max_by_key(|claim| age(claim))
        };
        let manual = newest(&Source::Manual, true);
        let enrollment = newest(&Source::Enrollment, true);
        Self {
            shared: newest(&Source::Shared, false)
                .filter(|shared| manual.is_none_or(|manual| manual.since <= shared.since)),
            manual,
            enrollment,
            epoch: newest(&Source::Enrollment, false)
                .filter(|epoch| enrollment.is_none_or(|one| age(one) < age(epoch))),
            serial: newest(&Source::Serial, true),
        }
    }

    /// Claims whose people have to be known. Of a shared host nobody's.
    fn iter(&self) -> impl Iterator<Item = &'a Claim> {
        let claims = match self.shared {
            Some(_) => [None; 3],
            None => [self.manual, self.enrollment, self.serial],
        };
        claims.into_iter().flatten()
    }
}

/// What makes a claim newer than another.
fn age(claim: &Claim) -> (u64, &str) {
    (claim.since, &claim.id)
}

/// The login keys whose holdings [`resolve`] needs: at most six.
pub fn relevant_logins(claims: &[Claim]) -> Vec<Vec<u8>> {
    let keys: BTreeSet<_> = Standing::of(claims)
        .iter()
        .flat_map(|claim| logins(&claim.username, &claim.email))
        .collect();
    keys.into_iter().collect()
}

/// The people whose activity [`resolve`] needs. All who could be meant, where the
/// deactivated are passed over; else those who have to be told apart, which is nobody
/// in the common case of one person per login.
pub fn rivals(claims: &[Claim], holdings: &[Holding], rules: &Rules) -> Vec<String> {
    let standing = Standing::of(claims);
    let rivals = standing
        .iter()
        .flat_map(|claim| search::rivals(claim, holdings, rules));
    let rivals: BTreeSet<String> = rivals.collect();
    rivals.into_iter().collect()
}

/// Who uses the host. `holdings` must cover [`relevant_logins`], `activity`
/// [`rivals`]; more does no harm, and order does not matter.
pub fn resolve(
    claims: &[Claim],
    holdings: &[Holding],
    activity: &Activity,
    rules: &Rules,
) -> Resolution {
    let find = |claim| search(claim, holdings, activity, rules);
    let standing = Standing::of(claims);
    if let Some(shared) = standing.shared {
        return used_by_many(shared);
    }
    // Older than an epoch, it only shows whether a manual claim had ended before.
    let enrolled = standing.enrollment.map(|claim| (claim, find(claim)));
    if let Some(manual) = standing.manual {
        let set = find(manual);
        let survives = standing
            .epoch
            .is_some_and(|epoch| epoch.since > manual.since);
        let rule = |rule| if survives { Rule::ManualSurvives } else { rule };
        match &enrolled {
            Some((enrollment, enrolled)) if enrollment.since > manual.since => {
                if same_person((manual, &set), (enrollment, enrolled)) {
                    return conclude(manual, rule(Rule::ManualConfirmed), set);
                }
                if rules.sticky_manual {
                    return conclude(manual, Rule::ManualSticky, set);
                }
            }
            _ => return conclude(manual, rule(Rule::Manual), set),
        }
    }
    match (enrolled, standing.epoch, standing.serial) {
        (Some((enrollment, found)), None, _) => {
            let rule = match standing.manual {
                None => Rule::Enrollment,
                Some(_) => Rule::EnrollmentEndsManual,
            };
            conclude(enrollment, rule, found)
        }
        (_, _, Some(serial)) => conclude(serial, Rule::Serial, find(serial)),
        (enrolled, Some(epoch), None) => nobody_signed_in(epoch, enrolled.is_some()),
        (None, None, None) => unassigned(),
    }
}

fn same_person(manual: (&Claim, &Found), enrolled: (&Claim, &Found)) -> bool {
    match (manual.1.person(), enrolled.1.person()) {
        (Some(a), Some(b)) => a == b,
        (None, Some(_)) => false,
        (_, None) => share_a_login(manual.0, enrolled.0),
    }
}

fn share_a_login(a: &Claim, b: &Claim) -> bool {
    let keys = logins(&b.username, &b.email);
    logins(&a.username, &a.email)
        .iter()
        .any(|key| keys.contains(key))
}

fn conclude(claim: &Claim, rule: Rule, found: Found) -> Resolution {
    let login = claim.login();
    let said = said_by(claim);
    let mut resolution = Resolution {
        login: login.to_owned(),
        rule,
        claim: Some(claim.id.clone()),
        ..nobody(Outcome::Pending)
    };
    let reason = match found {
        Found::One(user, matched) => {
            resolution.outcome = Outcome::Linked;
            resolution.user = Some(user);
            resolution.matched = Some(matched);
            match matched {
                Match::UserName => format!("{said} matches userName"),
                Match::UserNameIsEmail => {
                    format!(
                        "{said} matches userName by its e-mail {}",
                        quoted(&claim.email)
                    )
                }
                Match::Email => {
                    format!(
                        "{said} matches the e-mail of one person, {}",
                        address(claim)
                    )
                }
            }
        }
        Found::Several(people, matched) => {
            resolution.outcome = Outcome::Ambiguous;
            resolution.matched = Some(matched);
            resolution.candidates = people;
            let people = resolution.candidates.len();
            format!("{said} could mean {people} people")
        }
        Found::Inactive(people) => {
            resolution.inactive = people;
            format!(
                "{said} waits: who has login {} is deactivated, and this tenant clears the hosts \
                 of deactivated people",
                quoted(login)
            )
        }
        Found::Nobody => format!(
            "{said} waits: nobody in the directory has login {}",
            quoted(login)
        ),
    };
    resolution.reason = one_line(&reason, MAX_REASON);
    resolution
}

/// The address of a claim that matched by e-mail.
fn address(claim: &Claim) -> String {
    let given = if claim.email.trim().is_empty() {
        &claim.username
    } else {
        &claim.email
    };
    quoted(given)
}

/// What a claim says, in words.
pub(crate) fn said_by(claim: &Claim) -> String {
    let login = quoted(claim.login());
    match &claim.source {
        Source::Manual => format!("the administrator's choice {login}"),
        Source::Enrollment if claim.is_nobodys() => "enrolment without sign-in".to_owned(),
        Source::Enrollment => format!("enrolment by {login}"),
        Source::ChromeProfile => format!("browser profile {login}"),
        Source::Custom => format!("noted address {login}"),
        Source::Serial => format!("the serial number promised to {login}"),
        Source::Shared => "marked as used by many".to_owned(),
        Source::Other(name) => format!("{} {login}", one_line(name, 40)),
    }
}

fn used_by_many(shared: &Claim) -> Resolution {
    Resolution {
        reason: format!("marked as used by many on {}", moment(shared.since)),
        rule: Rule::Shared,
        claim: Some(shared.id.clone()),
        ..nobody(Outcome::Shared)
    }
}

fn nobody_signed_in(epoch: &Claim, again: bool) -> Resolution {
    let since = moment(epoch.since);
    Resolution {
        reason: match again {
            true => {
                format!(
                    "enrolled again without sign-in on {since}; older enrolments no longer count"
                )
            }
            false => format!("enrolled without sign-in on {since}, and no one was chosen for it"),
        },
        rule: Rule::Epoch,
        claim: Some(epoch.id.clone()),
        ..nobody(Outcome::Unassigned)
    }
}

fn unassigned() -> Resolution {
    Resolution {
        reason: "nobody enrolled this host, and no one was chosen for it".to_owned(),
        ..nobody(Outcome::Unassigned)
    }
}

/// Nobody yet, without a reason.
fn nobody(outcome: Outcome) -> Resolution {
    Resolution {
        outcome,
        user: None,
        login: String::new(),
        reason: String::new(),
        candidates: Vec::new(),
        inactive: Vec::new(),
        rule: Rule::NoClaim,
        matched: None,
        claim: None,
    }
}

#[cfg(test)]
mod tests;
