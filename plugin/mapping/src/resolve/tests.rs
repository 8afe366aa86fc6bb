use super::*;
use crate::rules::Deactivated;
use crate::testing::{claim, holding};

mod deactivated;
mod epochs;

fn enrolled(login: &str, since: u64) -> Claim {
    claim(Source::Enrollment, login, "", since)
}

fn manual(login: &str, since: u64) -> Claim {
    claim(Source::Manual, login, "", since)
}

fn named(login: &str, user: &str, from: u64) -> Holding {
    holding(USER_NAME, login, user, from)
}

fn until(mut holding: Holding, until: u64) -> Holding {
    holding.until = Some(until);
    holding
}

fn deleted(mut holding: Holding, at: u64) -> Holding {
    holding.until = holding.until.or(Some(at));
    holding.alive = false;
    holding
}

fn of(mut holding: Holding, connection: &str) -> Holding {
    connection.clone_into(&mut holding.connection);
    holding
}

fn run(claims: &[Claim], holdings: &[Holding]) -> Resolution {
    resolve(claims, holdings, &Activity::new(), &Rules::default())
}

#[track_caller]
fn assert_user(claims: &[Claim], holdings: &[Holding], user: &str) {
    assert_eq!(run(claims, holdings).user.as_deref(), Some(user));
}

#[track_caller]
fn assert_outcome(claims: &[Claim], holdings: &[Holding], outcome: Outcome) {
    assert_eq!(run(claims, holdings).outcome, outcome);
}

#[test]
fn no_claim_is_unassigned() {
    let found = run(&[], &[named("ana", "u1", 1)]);
    assert_eq!(found.outcome, Outcome::Unassigned);
    assert_eq!(found.login, "");
}

#[test]
fn profiles_noted_addresses_and_unknown_sources_never_assign() {
    let facts = [named("ana", "u1", 1)];
    for source in [
        Source::ChromeProfile,
        Source::Custom,
        Source::Other("x".into()),
    ] {
        assert_outcome(&[claim(source, "ana", "", 5)], &facts, Outcome::Unassigned);
    }
}

#[test]
fn a_login_nobody_has_is_pending_and_says_so() {
    let found = run(&[enrolled("Ana", 5)], &[]);
    assert_eq!(found.outcome, Outcome::Pending);
    assert_eq!(found.login, "Ana");
    assert_eq!(
        found.reason,
        "enrolment by `Ana` waits: nobody in the directory has login `Ana`"
    );
}

#[test]
fn a_login_matches_user_name_whatever_its_case() {
    let found = run(&[enrolled("ANA", 5)], &[named("ana", "u1", 1)]);
    assert_eq!(found.user.as_deref(), Some("u1"));
    assert_eq!(found.reason, "enrolment by `ANA` matches userName");
}

#[test]
fn a_rename_keeps_the_laptop_and_a_new_hire_who_inherits_the_login_does_not_get_it() {
    let facts = [
        until(named("ana", "u1", 1), 10),
        named("ana.g", "u1", 10),
        named("ana", "u2", 20),
    ];
    assert_user(&[enrolled("ana", 5)], &facts, "u1");
}

#[test]
fn a_host_enrolled_before_the_user_was_pushed_stays_with_them_after_a_rename() {
    let facts = [until(named("ana", "u1", 10), 20), named("ana", "u2", 30)];
    assert_user(&[enrolled("ana", 5)], &facts, "u1");
}

#[test]
fn a_login_handed_over_within_a_millisecond_was_its_first_holders() {
    let facts = [until(named("ana", "u1", 10), 20), named("ana", "u2", 20)];
    assert_user(&[enrolled("ana", 5)], &facts, "u1");
}

#[test]
fn a_login_given_up_before_the_claim_is_no_evidence_for_a_later_one() {
    let facts = [
        until(named("ana", "u1", 1), 3),
        holding(EMAIL, "ana@x", "u1", 10),
        named("ana", "u2", 12),
    ];
    let claims = [claim(Source::Enrollment, "ana", "ana@x", 5)];
    assert_user(&claims, &facts, "u2");
}

#[test]
fn an_enrolment_after_the_login_changed_hands_is_the_new_holders() {
    let facts = [until(named("ana", "u1", 1), 10), named("ana", "u2", 20)];
    assert_user(&[enrolled("ana", 20)], &facts, "u2");
    assert_user(&[enrolled("ana", 15)], &facts, "u2");
}

#[test]
fn a_login_given_up_before_the_claim_is_nobodys() {
    assert_outcome(
        &[enrolled("ana", 15)],
        &[until(named("ana", "u1", 1), 10)],
        Outcome::Pending,
    );
}

#[test]
fn a_deleted_person_leaves_the_host_pending_and_a_re_created_one_gets_it() {
    let gone = deleted(named("ana", "u1", 1), 10);
    assert_outcome(
        &[enrolled("ana", 5)],
        std::slice::from_ref(&gone),
        Outcome::Pending,
    );
    assert_user(&[enrolled("ana", 5)], &[gone, named("ana", "u2", 20)], "u2");
}

#[test]
fn claim_creation_and_rename_within_one_millisecond_stay_linked() {
    let facts = [until(named("ana", "u1", 5), 5), named("ana.g", "u1", 5)];
    assert_user(&[enrolled("ana", 5)], &facts, "u1");
    assert_user(&[enrolled("ana", 4)], &facts, "u1");
    let renamed_at_once = [until(named("ana", "u1", 1), 5), named("ana.g", "u1", 5)];
    assert_user(&[enrolled("ana", 5)], &renamed_at_once, "u1");
}

#[test]
fn the_newest_enrolment_wins_and_ties_go_to_the_greater_id() {
    let facts = [named("ana", "u1", 1), named("bob", "u2", 1)];
    assert_user(&[enrolled("bob", 7), enrolled("ana", 6)], &facts, "u2");
    assert_user(&[enrolled("bob", 7), enrolled("ana", 7)], &facts, "u2");
    let mut withdrawn = enrolled("bob", 7);
    withdrawn.withdrawn = Some(8);
    assert_user(&[withdrawn, enrolled("ana", 6)], &facts, "u1");
}

#[test]
fn a_serial_promise_counts_until_somebody_enrols() {
    let facts = [named("ana", "u1", 1), named("bob", "u2", 1)];
    let promise = claim(Source::Serial, "ana", "", 9);
    assert_user(std::slice::from_ref(&promise), &facts, "u1");
    assert_user(&[promise, enrolled("bob", 3)], &facts, "u2");
}

#[test]
fn manual_against_enrolment() {
    let facts = [
        named("ana", "u1", 1),
        holding(EMAIL, "ana@x", "u1", 1),
        named("bob", "u2", 1),
    ];
    let check = |claims: &[Claim], user: Option<&str>, rule| {
        let found = run(claims, &facts);
        assert_eq!(
            (found.user.as_deref(), found.rule),
            (user, rule),
            "{claims:?}"
        );
    };
    let (ana, bob) = (Some("u1"), Some("u2"));
    check(&[manual("ana", 5)], ana, Rule::Manual);
    check(&[manual("ana", 5), enrolled("bob", 4)], ana, Rule::Manual);
    check(&[manual("ana", 5), enrolled("bob", 5)], ana, Rule::Manual);
    check(
        &[manual("ana", 5), enrolled("bob", 6)],
        bob,
        Rule::EnrollmentEndsManual,
    );
    check(
        &[manual("ana", 5), enrolled("ANA", 6)],
        ana,
        Rule::ManualConfirmed,
    );
    check(
        &[manual("ana", 5), enrolled("ana@x", 6)],
        ana,
        Rule::ManualConfirmed,
    );
    check(
        &[manual("ana", 5), enrolled("zoe", 6)],
        None,
        Rule::EnrollmentEndsManual,
    );
    check(
        &[manual("zoe", 5), enrolled("zoe", 6)],
        None,
        Rule::ManualConfirmed,
    );
    check(
        &[manual("zoe", 5), enrolled("bob", 6)],
        bob,
        Rule::EnrollmentEndsManual,
    );
}

#[test]
fn a_successor_with_the_same_login_who_enrols_ends_the_manual_claim() {
    let facts = [until(named("bob", "u1", 1), 10), named("bob", "u2", 20)];
    let claims = [manual("bob", 5), enrolled("bob", 30)];
    assert_user(&claims, &facts, "u2");
}

#[test]
fn a_sticky_manual_claim_stays_whoever_enrols() {
    let rules = Rules {
        sticky_manual: true,
        ..Rules::default()
    };
    let facts = [named("ana", "u1", 1), named("bob", "u2", 1)];
    let claims = [manual("ana", 5), enrolled("bob", 6)];
    let found = resolve(&claims, &facts, &Activity::new(), &rules);
    assert_eq!(found.user.as_deref(), Some("u1"));
    assert_eq!(found.rule, Rule::ManualSticky);
}

#[test]
fn user_name_comes_before_user_name_as_e_mail_before_e_mail() {
    let claims = [claim(Source::Enrollment, "ana", "ana@x", 5)];
    let by_mail = holding(EMAIL, "ana@x", "u3", 1);
    let by_mail_name = named("ana@x", "u2", 1);
    let by_name = named("ana", "u1", 1);
    assert_user(&claims, std::slice::from_ref(&by_mail), "u3");
    assert_user(&claims, &[by_mail.clone(), by_mail_name.clone()], "u2");
    assert_user(&claims, &[by_mail, by_mail_name, by_name], "u1");
}

#[test]
fn a_username_that_is_an_address_matches_an_e_mail() {
    assert_user(
        &[enrolled("ana@x", 5)],
        &[holding(EMAIL, "ana@x", "u1", 1)],
        "u1",
    );
    assert_outcome(
        &[enrolled("ana", 5)],
        &[holding(EMAIL, "ana", "u1", 1)],
        Outcome::Pending,
    );
}

#[test]
fn a_newcomer_whose_user_name_is_the_old_address_does_not_get_the_host() {
    let facts = [
        named("ana.diaz", "u1", 10),
        until(holding(EMAIL, "ana@x", "u1", 10), 20),
        named("ana@x", "u2", 30),
    ];
    assert_user(&[enrolled("ana@x", 5)], &facts, "u1");
    assert_user(&[enrolled("ana@x", 15)], &facts, "u1");
}

#[test]
fn a_shared_address_is_ambiguous_with_its_candidates() {
    let facts = [
        holding(EMAIL, "team@x", "u2", 1),
        holding(EMAIL, "team@x", "u1", 1),
    ];
    let found = run(&[enrolled("team@x", 5)], &facts);
    assert_eq!(found.outcome, Outcome::Ambiguous);
    assert_eq!(found.candidates, ["u1", "u2"]);
    assert_eq!(found.reason, "enrolment by `team@x` could mean 2 people");
}

#[test]
fn a_shared_address_gives_way_to_a_user_name_that_arrives_later() {
    let claims = [claim(Source::Enrollment, "ana", "team@x", 5)];
    let facts = [
        holding(EMAIL, "team@x", "u1", 1),
        holding(EMAIL, "team@x", "u2", 1),
        named("ana", "u3", 9),
    ];
    assert_user(&claims, &facts, "u3");
}

#[test]
fn of_several_the_active_one_is_taken_then_the_first_connection() {
    let facts = [
        of(named("ana", "u1", 1), "okta"),
        of(named("ana", "u2", 1), "entra"),
    ];
    let claims = [enrolled("ana", 5)];
    assert_eq!(rivals(&claims, &facts, &Rules::default()), ["u1", "u2"]);
    assert_outcome(&claims, &facts, Outcome::Ambiguous);

    let rules = Rules {
        connections: vec!["entra".to_owned(), "okta".to_owned()],
        ..Rules::default()
    };
    let found = resolve(&claims, &facts, &Activity::new(), &rules);
    assert_eq!(found.user.as_deref(), Some("u2"));
    let inactive = Activity::from([("u2".to_owned(), false)]);
    let found = resolve(&claims, &facts, &inactive, &rules);
    assert_eq!(
        found.user.as_deref(),
        Some("u1"),
        "active before precedence"
    );
}

#[test]
fn a_person_of_two_connections_is_chosen_among_even_when_the_host_came_first() {
    let facts = [
        of(named("ana", "u1", 10), "okta"),
        of(named("ana", "u2", 20), "entra"),
    ];
    let rules = Rules {
        connections: vec!["entra".to_owned()],
        ..Rules::default()
    };
    let found = resolve(&[enrolled("ana", 5)], &facts, &Activity::new(), &rules);
    assert_eq!(found.user.as_deref(), Some("u2"));
}

#[test]
fn an_inactive_person_alone_keeps_the_host() {
    let inactive = Activity::from([("u1".to_owned(), false)]);
    let found = resolve(
        &[enrolled("ana", 5)],
        &[named("ana", "u1", 1)],
        &inactive,
        &Rules::default(),
    );
    assert_eq!(found.user.as_deref(), Some("u1"));
    let facts = [named("ana", "u1", 1)];
    assert!(rivals(&[enrolled("ana", 5)], &facts, &Rules::default()).is_empty());
}

#[test]
fn a_reason_is_one_short_line_whatever_was_claimed() {
    let nasty = format!("a\r\n{}", "é".repeat(300));
    let found = run(&[claim(Source::Enrollment, &nasty, &nasty, 5)], &[]);
    assert!(found.reason.len() <= 512);
    assert!(!found.reason.contains(char::is_control));
    assert_eq!(found.login, nasty, "the login is kept as given");
}
