//! The same facts in any order of arrival give the same assignments.

use nameplate_scim::directory::Holding;
use proptest::prelude::*;
use serde_json::json;

use crate::hosts::{Claim, Source};
use crate::resolve::{Activity, EMAIL, USER_NAME, resolve};
use crate::rules::Rules;
use crate::service::Event;
use crate::testing::{Tenant, changed, claim, draft, holding};

mod history;

const HOSTS: [&str; 3] = ["h0", "h1", "h2"];
const LOGINS: [&str; 4] = ["a", "b", "a@x", "b@x"];

fn login() -> impl Strategy<Value = &'static str> {
    prop::sample::select(LOGINS.as_slice())
}

fn host() -> impl Strategy<Value = &'static str> {
    prop::sample::select(HOSTS.as_slice())
}

/// Sources with a username: none for a shared host and for who did not sign in.
fn source() -> impl Strategy<Value = (Source, &'static str)> {
    prop_oneof![
        2 => login().prop_map(|login| (Source::Manual, login)),
        4 => login().prop_map(|login| (Source::Enrollment, login)),
        1 => Just((Source::Enrollment, "")),
        1 => Just((Source::Shared, "")),
        1 => login().prop_map(|login| (Source::Serial, login)),
        1 => login().prop_map(|login| (Source::Custom, login)),
    ]
}

fn some_claim() -> impl Strategy<Value = Claim> {
    (source(), prop::option::of(login()), 0..60_u64).prop_map(|((source, name), mail, since)| {
        let mail = mail.filter(|_| !name.is_empty());
        claim(source, name, mail.unwrap_or(""), since)
    })
}

fn some_holding() -> impl Strategy<Value = Holding> {
    let span = (
        0..60_u64,
        prop::option::of(0..30_u64),
        prop::bool::weighted(0.8),
    );
    (prop::bool::ANY, login(), 0..4_usize, span).prop_map(
        |(by_name, value, person, (from, length, alive))| {
            let attribute = if by_name { USER_NAME } else { EMAIL };
            let mut one = holding(attribute, value, &format!("u{person}"), from);
            one.connection = format!("c{}", person % 2);
            one.until = length.map(|length| from + length);
            one.alive = alive;
            one
        },
    )
}

fn rules() -> impl Strategy<Value = Rules> {
    let deactivated = prop::sample::select(["keep", "mark", "clear"].as_slice());
    let order = prop::sample::select(vec![json!([]), json!(["c1"])]);
    (prop::bool::ANY, order, deactivated).prop_map(|(sticky_manual, order, deactivated)| {
        let settings = json!({"sticky_manual": sticky_manual, "connection_order": order,
            "deactivated": deactivated});
        let (rules, wrong) = Rules::usable(settings.to_string().as_bytes());
        assert_eq!(wrong, None);
        rules
    })
}

/// Something that arrives.
#[derive(Clone, Debug)]
enum Fact {
    Said(&'static str, Claim),
    Held(Holding),
}

impl Tenant {
    /// What the facts say of a host, asked without the service.
    fn expected(&self, host: &str) -> crate::hosts::Assignment {
        let claims = self
            .fleet
            .hosts
            .get(host)
            .map_or(&[][..], |host| &host.claims);
        let activity: Activity = self
            .people
            .documents
            .values()
            .map(|document| (document.id.clone(), crate::person::active(document)))
            .collect();
        resolve(claims, &self.people.holdings, &activity, &self.rules).assignment()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn resolve_does_not_see_the_order_of_facts(
        (claims, shuffled_claims) in prop::collection::vec(some_claim(), 0..6)
            .prop_flat_map(|claims| (Just(claims.clone()), Just(claims).prop_shuffle())),
        (holdings, shuffled_holdings) in prop::collection::vec(some_holding(), 0..8)
            .prop_flat_map(|holdings| (Just(holdings.clone()), Just(holdings).prop_shuffle())),
        rules in rules(),
    ) {
        let activity = Activity::from([("u1".to_owned(), false)]);
        prop_assert_eq!(
            resolve(&claims, &holdings, &activity, &rules),
            resolve(&shuffled_claims, &shuffled_holdings, &activity, &rules)
        );
    }

    #[test]
    fn only_living_people_who_held_a_claimed_login_are_found(
        claims in prop::collection::vec(some_claim(), 0..6),
        holdings in prop::collection::vec(some_holding(), 0..8),
        rules in rules(),
    ) {
        let found = resolve(&claims, &holdings, &Activity::new(), &rules);
        for user in found.user.iter().chain(&found.candidates) {
            prop_assert!(holdings.iter().any(|one| one.alive
                && one.document == *user
                && claims.iter().any(|claim| claim.logins.contains(&one.value))));
        }
    }

    /// Claims and spans of login facts arrive in any order, each followed by its
    /// event: at the end every host has what the facts say.
    #[test]
    fn facts_arriving_in_any_order_settle_all_hosts_alike(
        facts in prop::collection::vec(
            prop_oneof![
                (host(), some_claim()).prop_map(|(host, claim)| Fact::Said(host, claim)),
                some_holding().prop_map(Fact::Held),
            ], 0..12).prop_shuffle(),
        rules in rules(),
    ) {
        let mut tenant = Tenant::with_hosts(&HOSTS);
        tenant.rules = rules;
        tenant.clock.now = 100;
        for fact in facts {
            let event = match fact {
                Fact::Said(host, claim) => Event::Claimed(host.to_owned(), draft(&claim)),
                Fact::Held(one) => {
                    let event = changed(&one.document, vec![one.value.clone()]);
                    tenant.people.holdings.push(one);
                    event
                }
            };
            prop_assert!(tenant.finish(&event));
        }
        for host in HOSTS {
            tenant.settled_once(host);
            prop_assert_eq!(tenant.assignment(host), tenant.expected(host));
        }
    }
}

impl Tenant {
    /// Works an event off page by page.
    fn finish(&mut self, event: &Event) -> bool {
        let mut after = None;
        loop {
            match self.mapping().apply(event, after.as_deref(), 1) {
                Err(_) => return false,
                Ok(progress) if progress.next.is_none() => return true,
                Ok(progress) => after = progress.next,
            }
        }
    }

    /// A host nothing ever happened to has not been looked at: look once, as the
    /// runtime does when it appears.
    fn settled_once(&mut self, host: &str) {
        let untouched = self
            .fleet
            .hosts
            .get(host)
            .is_some_and(|host| host.version == 1);
        assert!(!untouched || self.finish(&Event::Host(host.to_owned())));
    }
}
