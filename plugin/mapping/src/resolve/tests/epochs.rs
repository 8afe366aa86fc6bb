//! Enrolments without sign-in, and hosts that are used by many.

use super::*;

fn nobody_signed_in(since: u64) -> Claim {
    claim(Source::Enrollment, "", "", since)
}

fn shared(since: u64) -> Claim {
    claim(Source::Shared, "", "", since)
}

fn taken_back(mut claim: Claim, at: u64) -> Claim {
    claim.withdrawn = Some(at);
    claim
}

fn facts() -> [Holding; 2] {
    [named("ana", "u1", 1), named("bob", "u2", 1)]
}

#[track_caller]
fn assert_found(claims: &[Claim], user: Option<&str>, rule: Rule) {
    let found = run(claims, &facts());
    assert_eq!((found.user.as_deref(), found.rule), (user, rule));
}

#[test]
fn an_enrolment_without_sign_in_ends_older_enrolments_and_says_so() {
    let claims = [enrolled("ana", 5), nobody_signed_in(1_700_000_000_000)];
    let found = run(&claims, &facts());
    assert_eq!(
        (found.outcome, found.rule),
        (Outcome::Unassigned, Rule::Epoch)
    );
    assert_eq!(found.login, "");
    assert_eq!(
        found.reason,
        "enrolled again without sign-in on 2023-11-14T22:13:20Z; older enrolments no longer count"
    );
    let found = run(&[nobody_signed_in(5)], &facts());
    assert_eq!(
        found.reason,
        "enrolled without sign-in on 1970-01-01T00:00:00.005Z, and no one was chosen for it"
    );
}

#[test]
fn a_sign_in_after_an_enrolment_without_one_counts() {
    let claims = [enrolled("ana", 5), nobody_signed_in(6), enrolled("bob", 7)];
    assert_found(&claims, Some("u2"), Rule::Enrollment);
}

/// The ids of these claims are told apart by their logins.
#[test]
fn of_enrolments_in_one_millisecond_the_one_with_the_greater_id_is_the_newer() {
    let mut first = nobody_signed_in(5);
    let second = enrolled("ana", 5);
    assert!(first.id < second.id);
    assert_found(
        &[first.clone(), second.clone()],
        Some("u1"),
        Rule::Enrollment,
    );
    "z".clone_into(&mut first.id);
    assert_found(&[second, first], None, Rule::Epoch);
}

#[test]
fn an_enrolment_told_late_does_not_count_in_the_epoch_after_it() {
    let claims = [nobody_signed_in(6), enrolled("ana", 5)];
    assert_found(&claims, None, Rule::Epoch);
}

#[test]
fn taking_an_enrolment_without_sign_in_back_brings_the_older_one_back() {
    let claims = [enrolled("ana", 5), taken_back(nobody_signed_in(6), 7)];
    assert_found(&claims, Some("u1"), Rule::Enrollment);
}

#[test]
fn a_promise_counts_again_after_an_enrolment_without_sign_in() {
    let promise = claim(Source::Serial, "ana", "", 1);
    let claims = [promise.clone(), enrolled("bob", 5)];
    assert_found(&claims, Some("u2"), Rule::Enrollment);
    let claims = [promise, enrolled("bob", 5), nobody_signed_in(6)];
    assert_found(&claims, Some("u1"), Rule::Serial);
}

#[test]
fn a_manual_claim_survives_an_enrolment_without_sign_in() {
    let claims = [manual("ana", 5), nobody_signed_in(6)];
    assert_found(&claims, Some("u1"), Rule::ManualSurvives);
    let claims = [manual("ana", 5), enrolled("ana", 6), nobody_signed_in(7)];
    assert_found(&claims, Some("u1"), Rule::ManualSurvives);
    let claims = [enrolled("bob", 4), manual("ana", 5), nobody_signed_in(6)];
    assert_found(&claims, Some("u1"), Rule::ManualSurvives);
    let claims = [manual("ana", 5), nobody_signed_in(5)];
    assert_found(&claims, Some("u1"), Rule::Manual);
}

#[test]
fn a_manual_claim_that_somebody_else_ended_does_not_come_back() {
    let claims = [manual("ana", 5), enrolled("bob", 6), nobody_signed_in(7)];
    assert_found(&claims, None, Rule::Epoch);
    let promise = claim(Source::Serial, "bob", "", 1);
    let claims = [
        promise,
        manual("ana", 5),
        enrolled("bob", 6),
        nobody_signed_in(7),
    ];
    assert_found(&claims, Some("u2"), Rule::Serial);
}

#[test]
fn a_sticky_manual_claim_stays_over_an_enrolment_without_sign_in() {
    let rules = Rules {
        sticky_manual: true,
        ..Rules::default()
    };
    let claims = [manual("ana", 5), enrolled("bob", 6), nobody_signed_in(7)];
    let found = resolve(&claims, &facts(), &Activity::new(), &rules);
    assert_eq!(found.user.as_deref(), Some("u1"));
}

#[test]
fn a_shared_host_is_nobodys_whoever_enrols() {
    let claims = [manual("ana", 4), shared(5), enrolled("bob", 6)];
    let found = run(&claims, &facts());
    assert_eq!((found.outcome, found.rule), (Outcome::Shared, Rule::Shared));
    assert_eq!((found.user, found.login.as_str()), (None, ""));
    assert_eq!(
        found.reason,
        "marked as used by many on 1970-01-01T00:00:00.005Z"
    );
    assert!(
        relevant_logins(&claims).is_empty(),
        "nobody is looked for in the directory"
    );
    assert_outcome(&[shared(5), nobody_signed_in(6)], &[], Outcome::Shared);
    assert_outcome(&[shared(5), manual("ana", 5)], &facts(), Outcome::Shared);
}

#[test]
fn a_newer_manual_claim_comes_before_the_mark_of_a_shared_host() {
    assert_found(&[shared(5), manual("ana", 6)], Some("u1"), Rule::Manual);
    let claims = [shared(5), manual("ana", 6), enrolled("bob", 7)];
    assert_found(&claims, Some("u2"), Rule::EnrollmentEndsManual);
    let claims = [shared(5), taken_back(manual("ana", 6), 7)];
    assert_found(&claims, None, Rule::Shared);
}

#[test]
fn taking_the_mark_of_a_shared_host_back_brings_its_person_back() {
    let claims = [enrolled("ana", 4), taken_back(shared(5), 6)];
    assert_found(&claims, Some("u1"), Rule::Enrollment);
}
