//! People who are deactivated, where the tenant clears their hosts.

use super::*;

fn clearing() -> Rules {
    Rules {
        deactivated: Deactivated::Clear,
        ..Rules::default()
    }
}

fn run_without(inactive: &[&str], claims: &[Claim], holdings: &[Holding]) -> Resolution {
    let activity = inactive
        .iter()
        .map(|user| ((*user).to_owned(), false))
        .collect();
    resolve(claims, holdings, &activity, &clearing())
}

#[test]
fn the_host_of_somebody_deactivated_waits_and_says_so() {
    let (claims, facts) = ([enrolled("ana", 5)], [named("ana", "u1", 1)]);
    let found = run_without(&["u1"], &claims, &facts);
    assert_eq!((found.outcome, found.user), (Outcome::Pending, None));
    assert_eq!(found.inactive, ["u1"]);
    assert_eq!(
        found.reason,
        "enrolment by `ana` waits: who has login `ana` is deactivated, and this tenant clears the \
         hosts of deactivated people"
    );
    let found = run_without(&[], &claims, &facts);
    assert_eq!(found.user.as_deref(), Some("u1"), "active again");
}

#[test]
fn a_login_nobody_has_is_nobodys_where_hosts_are_cleared_too() {
    let found = run_without(&[], &[enrolled("ana", 5)], &[]);
    assert_eq!(
        found.reason,
        "enrolment by `ana` waits: nobody in the directory has login `ana`"
    );
}

#[test]
fn others_keep_their_hosts_when_they_are_deactivated() {
    let inactive = Activity::from([("u1".to_owned(), false)]);
    for deactivated in [Deactivated::Keep, Deactivated::Mark] {
        let rules = Rules {
            deactivated,
            ..Rules::default()
        };
        let found = resolve(
            &[enrolled("ana", 5)],
            &[named("ana", "u1", 1)],
            &inactive,
            &rules,
        );
        assert_eq!(found.user.as_deref(), Some("u1"));
    }
}

#[test]
fn somebody_deactivated_is_passed_over_for_whoever_has_the_login_too() {
    let facts = [named("ana", "u1", 1), of(named("ana", "u2", 20), "entra")];
    let claims = [enrolled("ana", 5)];
    assert_eq!(
        run_without(&["u1"], &claims, &facts).user.as_deref(),
        Some("u2")
    );
    let found = run_without(&["u1", "u2"], &claims, &facts);
    assert_eq!(found.inactive, ["u1"], "who would be meant");
}

#[test]
fn several_who_are_all_deactivated_leave_the_host_waiting() {
    let facts = [
        holding(EMAIL, "team@x", "u1", 1),
        holding(EMAIL, "team@x", "u2", 1),
    ];
    let found = run_without(&["u1", "u2"], &[enrolled("team@x", 5)], &facts);
    assert_eq!(found.outcome, Outcome::Pending);
    assert_eq!(found.inactive, ["u1", "u2"]);
    assert!(found.candidates.is_empty());
}

#[test]
fn an_enrolment_by_the_deactivated_person_confirms_the_choice_of_them() {
    let facts = [named("ana", "u1", 1), holding(EMAIL, "ana@x", "u1", 1)];
    let claims = [manual("ana", 5), enrolled("ana@x", 6)];
    let found = run_without(&["u1"], &claims, &facts);
    assert_eq!(found.rule, Rule::ManualConfirmed);
    assert_eq!(found.login, "ana");
}

#[test]
fn everybody_who_could_be_meant_is_asked_about() {
    let facts = [
        named("ana", "u1", 1),
        holding(EMAIL, "ana", "u2", 1),
        deleted(named("ana", "u3", 1), 2),
        named("bob", "u4", 1),
    ];
    let claims = [claim(Source::Enrollment, "ana", "ana", 5)];
    assert_eq!(rivals(&claims, &facts, &clearing()), ["u1", "u2"]);
}
