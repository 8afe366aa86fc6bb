//! What administrators read of a host.

use super::*;

#[test]
fn explain_names_claims_rule_result_and_what_would_change_it() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.push("u1", "ana", &["team@x"]);
    tenant.push("u2", "bob", &["team@x"]);
    let noted = claim(Source::Custom, "zoe@x", "", 1);
    tenant.apply(&Event::Claimed("h".to_owned(), draft(&noted)));
    tenant.enrol("h", "team@x");
    assert_eq!(
        tenant.mapping().explain("h").unwrap(),
        [
            "1970-01-01T00:00:00.03Z: enrolment by `team@x`",
            "1970-01-01T00:00:00.001Z: noted address `zoe@x`, shown only: this source never assigns",
            "rule: the newest enrolment counts; no userName fits, so the e-mail address was looked for",
            "result: enrolment by `team@x` could mean 2 people",
            "2 candidates: `ana`, `bob`",
            "would change it: an order of connections, one of the candidates losing the login, or \
             an administrator's choice",
        ]
    );
}

#[test]
fn explain_says_that_the_holder_was_deleted() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.push("u1", "ana", &[]);
    tenant.enrol("h", "ana");
    tenant.delete("u1");
    let lines = tenant.mapping().explain("h").unwrap().join("\n");
    assert!(
        lines.contains("deleted people who had this login: 1"),
        "{lines}"
    );
    assert!(
        lines.contains("a person with userName or e-mail `ana` arriving"),
        "{lines}"
    );
}

#[test]
fn explain_names_the_deactivated_person_of_a_cleared_host() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.rules.deactivated = Deactivated::Clear;
    tenant.rules.connections = vec!["okta".to_owned()];
    tenant.enrol("h", "ana");
    let mut ana = user("u1", "ana", &[]);
    ana.active = false;
    let event = tenant.commit(&ana);
    tenant.apply(&event);
    tenant.push("u2", "ana@x", &[]);
    assert!(tenant.mapping().end_user_of("h").unwrap().near.is_empty());
    let lines = tenant.mapping().explain("h").unwrap().join("\n");
    assert!(lines.contains("deactivated: `ana`"), "{lines}");
    assert!(
        lines.contains("would change it: the deactivated person being activated again"),
        "{lines}"
    );
}

#[test]
fn explain_tells_an_enrolment_without_sign_in_and_a_shared_host() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.push("u1", "ana", &[]);
    tenant.enrol("h", "ana");
    tenant.enrol("h", "");
    let lines = tenant.mapping().explain("h").unwrap();
    assert_eq!(
        lines[0],
        "1970-01-01T00:00:00.03Z: enrolment without sign-in, enrolments before it no longer count"
    );
    assert!(lines.contains(
        &"rule: the host enrolled and nobody signed in, so nobody is known to use it".to_owned()
    ));
    tenant.clock.now += 10;
    let shared = claim(Source::Shared, "", "", tenant.clock.now);
    tenant.apply(&Event::Claimed("h".to_owned(), draft(&shared)));
    assert_eq!(tenant.assignment("h").outcome, Outcome::Shared);
    let lines = tenant.mapping().explain("h").unwrap();
    assert_eq!(lines[0], "1970-01-01T00:00:00.04Z: marked as used by many");
    assert!(lines.contains(
        &"would change it: taking the mark back, or an administrator's choice".to_owned()
    ));
    let end_user = tenant.mapping().end_user_of("h").unwrap();
    assert_eq!(
        (end_user.outcome, end_user.person, end_user.login.as_str()),
        (Outcome::Shared, None, "")
    );
    tenant.apply(&Event::Withdrawn("h".to_owned(), Source::Shared));
    assert_eq!(tenant.assignment("h").outcome, Outcome::Unassigned);
}

#[test]
fn explain_asks_who_was_meant_where_a_login_is_almost_somebodys() {
    let mut tenant = Tenant::with_hosts(&["h"]);
    tenant.rules.connections = vec!["okta".to_owned()];
    tenant.push("u1", "ana.diaz@x", &[]);
    tenant.enrol("h", "ana.dias@x");
    let lines = tenant.mapping().explain("h").unwrap();
    assert!(
        lines.contains(&"did you mean `ana.diaz@x`?".to_owned()),
        "{lines:?}"
    );
}
