//! Why a host is assigned as it is, line by line for administrators.
//!
//! This module must not decide anything: it words what [`crate::resolve`] decided.

use std::collections::BTreeSet;

use nameplate_scim::directory::Holding;

use crate::claim::logins;
use crate::hosts::{Claim, Host, Outcome, Source};
use crate::resolve::{Match, Resolution, Rule, said_by};
use crate::service::{Mapping, MappingError};
use crate::text::{moment, one_line, quoted};

/// Claims listed; the rest is counted. What one screen holds.
const LISTED_CLAIMS: usize = 20;

/// The most bytes of a line: two logins and what is said of them.
const MAX_LINE: usize = 1024;

impl Mapping<'_> {
    /// Why: the claims seen, the rule applied, the candidates, what would change it;
    /// one line each. Settles the host first, as
    /// [`end_user_of`](Mapping::end_user_of) does.
    pub fn explain(&mut self, host: &str) -> Result<Vec<String>, MappingError> {
        let settled = self.settle(host)?;
        let candidates = self.usernames(&settled.resolution.candidates)?;
        let sticky = self.rules.sticky_manual;
        let mut lines = claim_lines(&settled.host);
        lines.push(rule_line(&settled.resolution));
        lines.push(format!("result: {}", settled.resolution.reason));
        if !candidates.is_empty() {
            let total = settled.resolution.candidates.len();
            let names: Vec<String> = candidates.iter().map(|name| quoted(name)).collect();
            lines.push(format!("{total} candidates: {}", names.join(", ")));
        }
        let inactive = self.usernames(&settled.resolution.inactive)?;
        if !inactive.is_empty() {
            let names: Vec<String> = inactive.iter().map(|name| quoted(name)).collect();
            lines.push(format!("deactivated: {}", names.join(", ")));
        }
        let near = self.near_misses(&settled)?;
        if !near.is_empty() {
            let names: Vec<String> = near.iter().map(|name| quoted(name)).collect();
            lines.push(format!("did you mean {}?", names.join(" or ")));
        }
        lines.extend(past_line(
            &settled.host,
            &settled.resolution,
            &settled.holdings,
        ));
        lines.push(change_line(&settled.resolution, sticky));
        Ok(lines.iter().map(|line| one_line(line, MAX_LINE)).collect())
    }
}

fn claim_lines(host: &Host) -> Vec<String> {
    let mut claims: Vec<&Claim> = host.claims.iter().collect();
    claims.sort_by(|a, b| (b.since, &b.id).cmp(&(a.since, &a.id)));
    let mut lines: Vec<String> = claims
        .iter()
        .take(LISTED_CLAIMS)
        .map(|claim| claim_line(claim))
        .collect();
    let left = claims.len().saturating_sub(LISTED_CLAIMS);
    if left > 0 {
        lines.push(format!("and {left} older claims"));
    }
    if lines.is_empty() {
        lines.push("no claims".to_owned());
    }
    lines
}

fn claim_line(claim: &Claim) -> String {
    let mut line = format!("{}: {}", moment(claim.since), said_by(claim));
    if !claim.username.trim().is_empty() && !claim.email.trim().is_empty() {
        line.push_str(&format!(" with e-mail {}", quoted(&claim.email)));
    }
    match (&claim.source, claim.withdrawn) {
        (_, Some(at)) => line.push_str(&format!(", taken back {}", moment(at))),
        (Source::Enrollment, None) if claim.is_nobodys() => {
            line.push_str(", enrolments before it no longer count");
        }
        (Source::Manual | Source::Enrollment | Source::Serial | Source::Shared, None) => {}
        (Source::ChromeProfile | Source::Custom | Source::Other(_), None) => {
            line.push_str(", shown only: this source never assigns");
        }
    }
    line
}

fn rule_line(resolution: &Resolution) -> String {
    let rule = match resolution.rule {
        Rule::NoClaim => "no claim assigns, so the host has nobody",
        Rule::Manual => "the administrator's choice is the newest word",
        Rule::ManualConfirmed => {
            "the newest enrolment is by the same login, so the administrator's choice stays"
        }
        Rule::ManualSurvives => {
            "the host enrolled later and nobody signed in, so the administrator's choice stays"
        }
        Rule::ManualSticky => {
            "somebody else enrolled later, but this tenant keeps the administrator's choice"
        }
        Rule::Enrollment => "the newest enrolment counts",
        Rule::EnrollmentEndsManual => {
            "somebody else enrolled after the administrator's choice, which ends it"
        }
        Rule::Serial => {
            "nobody signed in or was chosen, so the promise to the serial number counts"
        }
        Rule::Epoch => "the host enrolled and nobody signed in, so nobody is known to use it",
        Rule::Shared => "the host is marked as used by many, so it has nobody",
    };
    let matched = match resolution.matched {
        None => "",
        Some(Match::UserName) => "; the username is somebody's userName",
        Some(Match::UserNameIsEmail) => "; the e-mail is somebody's userName",
        Some(Match::Email) => "; no userName fits, so the e-mail address was looked for",
    };
    format!("rule: {rule}{matched}")
}

/// Where nobody was found: had anybody the login at another time?
fn past_line(host: &Host, resolution: &Resolution, holdings: &[Holding]) -> Option<String> {
    if resolution.outcome != Outcome::Pending {
        return None;
    }
    let claim = host
        .claims
        .iter()
        .find(|claim| Some(&claim.id) == resolution.claim.as_ref())?;
    let keys = logins(&claim.username, &claim.email);
    let (mut deleted, mut earlier) = (BTreeSet::new(), BTreeSet::new());
    for holding in holdings.iter().filter(|one| keys.contains(&one.value)) {
        let group = if holding.alive {
            &mut earlier
        } else {
            &mut deleted
        };
        group.insert(&holding.document);
    }
    match (deleted.len(), earlier.len()) {
        (0, 0) => None,
        (deleted, 0) => Some(format!("deleted people who had this login: {deleted}")),
        (_, earlier) => Some(format!(
            "people who gave this login up before it was claimed: {earlier}"
        )),
    }
}

fn change_line(resolution: &Resolution, sticky: bool) -> String {
    let what = match (resolution.outcome, resolution.rule) {
        (Outcome::Pending, _) if !resolution.inactive.is_empty() => {
            "the deactivated person being activated again, a newer enrolment by somebody else, or \
             an administrator's choice"
        }
        (Outcome::Pending, _) => {
            return format!(
                "would change it: a person with userName or e-mail {} arriving in the directory",
                quoted(&resolution.login)
            );
        }
        (Outcome::Ambiguous, _) => {
            "an order of connections, one of the candidates losing the login, or an \
             administrator's choice"
        }
        (Outcome::Unassigned, _) => "an enrolment or an administrator's choice",
        (Outcome::Shared, _) => "taking the mark back, or an administrator's choice",
        (_, Rule::Manual | Rule::ManualConfirmed | Rule::ManualSurvives | Rule::ManualSticky) => {
            match sticky {
                true => "taking the administrator's choice back, or a new one",
                false => {
                    "somebody else enrolling, taking the administrator's choice back, or a new one"
                }
            }
        }
        (_, Rule::Serial) => "an enrolment or an administrator's choice",
        (_, Rule::Enrollment | Rule::EnrollmentEndsManual) => {
            "a newer enrolment or an administrator's choice"
        }
        (_, Rule::NoClaim | Rule::Epoch | Rule::Shared) => "an administrator's choice",
    };
    format!("would change it: {what}")
}
