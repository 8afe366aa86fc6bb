//! Random histories of a tenant: what is stored of every host, and what is told of it,
//! is what the facts say; and the facts say the same in whatever order they came.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{HOSTS, login, rules};
use crate::hosts::{Outcome, Source};
use crate::rules::Deactivated;
use crate::service::Event;
use crate::testing::{Tenant, User, changed, claim, draft, user};

/// This host is told of in the middle of a history, if at all.
const LATE_HOST: &str = "h3";

const GROUPS: [&str; 3] = ["g0", "g1", "g2"];

type Host = &'static str;
type Login = &'static str;

/// Who is meant, whatever their document is called.
type Who = usize;

/// What happens; time goes on with each step.
#[derive(Clone, Debug)]
enum Step {
    /// A host appears, with what was promised before.
    Appears,
    /// A claim, so long ago or, without a time, now. Enrolments with an empty login are
    /// by nobody.
    Claims(Host, Source, Login, Option<u64>),
    /// Claims of a source are taken back.
    TakesBack(Host, Source),
    /// A list of hosts and logins, from a file.
    Imports(Vec<(Host, Login)>, Source),
    /// Somebody is pushed: created, changed, or created again under a new id.
    Pushes(Who, Login, Option<Login>),
    Renames(Who, Login),
    Mails(Who, Option<Login>),
    Activates(Who, bool),
    Deletes(Who),
    /// A member (a person or a group) comes to a group or leaves it.
    Joins(usize, Result<Who, usize>, bool),
    /// Somebody looks at a host.
    Reads(Host),
}

/// What becomes of the work a step leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    AtOnce,
    Twice,
    /// The process dies between the commit and the mapping, or the runner is slow.
    Later,
}

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![9 => prop::sample::select(HOSTS.as_slice()), 2 => Just(LATE_HOST)]
}

fn assigning() -> impl Strategy<Value = Source> {
    prop::sample::select(vec![
        Source::Manual,
        Source::Enrollment,
        Source::Serial,
        Source::Shared,
    ])
}

fn claims() -> impl Strategy<Value = Step> {
    let ago = || prop::option::weighted(0.8, 0..300_u64);
    prop_oneof![
        6 => (host(), login(), ago())
            .prop_map(|(host, login, ago)| Step::Claims(host, Source::Enrollment, login, ago)),
        2 => (host(), ago()).prop_map(|(host, ago)| Step::Claims(host, Source::Enrollment, "", ago)),
        3 => (host(), login(), ago())
            .prop_map(|(host, login, ago)| Step::Claims(host, Source::Manual, login, ago)),
        2 => (host(), login(), ago())
            .prop_map(|(host, login, ago)| Step::Claims(host, Source::Serial, login, ago)),
        1 => (host(), ago()).prop_map(|(host, ago)| Step::Claims(host, Source::Shared, "", ago)),
        1 => (host(), login(), ago())
            .prop_map(|(host, login, ago)| Step::Claims(host, Source::Custom, login, ago)),
        2 => (host(), assigning()).prop_map(|(host, source)| Step::TakesBack(host, source)),
        1 => (prop::collection::vec((host(), login()), 1..4), prop::bool::ANY).prop_map(
            |(rows, manual)| {
                Step::Imports(rows, if manual { Source::Manual } else { Source::Serial })
            }
        ),
        1 => Just(Step::Appears),
    ]
}

fn changes() -> impl Strategy<Value = Step> {
    let who = || 0..4_usize;
    let member = prop_oneof![who().prop_map(Ok), (0..GROUPS.len()).prop_map(Err)];
    prop_oneof![
        5 => (who(), login(), prop::option::of(login()))
            .prop_map(|(who, name, mail)| Step::Pushes(who, name, mail)),
        3 => (who(), login()).prop_map(|(who, name)| Step::Renames(who, name)),
        2 => (who(), prop::option::of(login())).prop_map(|(who, mail)| Step::Mails(who, mail)),
        3 => (who(), prop::bool::ANY).prop_map(|(who, active)| Step::Activates(who, active)),
        2 => who().prop_map(Step::Deletes),
        2 => (0..GROUPS.len(), member, prop::bool::weighted(0.7))
            .prop_map(|(group, member, comes)| Step::Joins(group, member, comes)),
        1 => host().prop_map(Step::Reads),
    ]
}

fn history() -> impl Strategy<Value = Vec<(Step, Fate)>> {
    let fate = prop_oneof![
        5 => Just(Fate::AtOnce), 1 => Just(Fate::Twice), 4 => Just(Fate::Later),
    ];
    prop::collection::vec((prop_oneof![claims(), changes()], fate), 0..40)
}

/// A tenant, what it still has to do, and what only the outside knows.
struct World {
    tenant: Tenant,
    /// The log: committed or said, and not mapped.
    left: Vec<Event>,
    /// Promises for a host nobody has told of.
    promised: Vec<Event>,
    people: BTreeMap<Who, User>,
    /// How many documents each person has had.
    lives: BTreeMap<Who, usize>,
}

impl World {
    fn new(rules: crate::rules::Rules) -> Self {
        let mut tenant = Tenant::with_hosts(&HOSTS);
        tenant.rules = rules;
        Self {
            tenant,
            left: HOSTS.map(|host| Event::Host(host.to_owned())).to_vec(),
            promised: Vec::new(),
            people: BTreeMap::new(),
            lives: BTreeMap::new(),
        }
    }

    fn knows(&self, host: &str) -> bool {
        self.tenant.fleet.hosts.contains_key(host)
    }

    fn hosts(&self) -> Vec<String> {
        self.tenant.fleet.hosts.keys().cloned().collect()
    }

    fn happens(&mut self, step: &Step, fate: Fate) -> Result<(), TestCaseError> {
        self.tenant.clock.now += 10;
        match step {
            Step::Appears => self.appears(fate),
            Step::Claims(host, source, login, ago) => {
                let since = ago.map(|ago| self.tenant.clock.now.saturating_sub(ago));
                self.says(host, source, login, since, fate)
            }
            Step::TakesBack(host, source) if self.knows(host) => {
                let event = Event::Withdrawn((*host).to_owned(), source.clone());
                self.follows(event, fate)
            }
            Step::Imports(rows, source) => {
                for (host, login) in rows {
                    self.says(host, source, login, None, fate)?;
                }
                Ok(())
            }
            Step::Reads(host) if self.knows(host) => self.is_told(host),
            Step::TakesBack(..) | Step::Reads(_) => Ok(()),
            Step::Joins(group, member, comes) => self.joins(*group, *member, *comes),
            Step::Deletes(who) => {
                let Some(person) = self.people.remove(who) else {
                    return Ok(());
                };
                let event = self.tenant.commit_delete(&person.id);
                self.follows(event, fate)
            }
            Step::Pushes(who, name, mail) => {
                let mut person = self.person(*who);
                rename(&mut person, name);
                person.emails = mail.iter().map(|&mail| mail.to_owned()).collect();
                self.commits(*who, person, fate)
            }
            Step::Renames(who, name) => self.changes(*who, fate, |person| rename(person, name)),
            Step::Mails(who, mail) => self.changes(*who, fate, |person| {
                person.emails = mail.iter().map(|&mail| mail.to_owned()).collect();
            }),
            Step::Activates(who, active) => {
                self.changes(*who, fate, |person| person.active = *active)
            }
        }
    }

    fn appears(&mut self, fate: Fate) -> Result<(), TestCaseError> {
        if self.knows(LATE_HOST) {
            return Ok(());
        }
        self.tenant.fleet.add(LATE_HOST);
        for promise in std::mem::take(&mut self.promised) {
            self.follows(promise, fate)?;
        }
        self.follows(Event::Host(LATE_HOST.to_owned()), fate)
    }

    fn says(
        &mut self,
        host: &str,
        source: &Source,
        login: &str,
        since: Option<u64>,
        fate: Fate,
    ) -> Result<(), TestCaseError> {
        let now = self.tenant.clock.now;
        let mut draft = draft(&claim(source.clone(), login, "", now));
        draft.id.clear();
        draft.since = since;
        let event = Event::Claimed(host.to_owned(), draft);
        if self.knows(host) {
            return self.follows(event, fate);
        }
        if *source == Source::Serial {
            self.promised.push(event);
        }
        Ok(())
    }

    fn person(&mut self, who: Who) -> User {
        if let Some(person) = self.people.get(&who) {
            return person.clone();
        }
        let lives = self.lives.entry(who).or_default();
        *lives += 1;
        let mut person = user(&format!("u{who}.{lives}"), "", &[]);
        person.connection = format!("c{}", who % 2);
        person
    }

    fn changes(
        &mut self,
        who: Who,
        fate: Fate,
        change: impl FnOnce(&mut User),
    ) -> Result<(), TestCaseError> {
        let Some(mut person) = self.people.get(&who).cloned() else {
            return Ok(());
        };
        change(&mut person);
        self.commits(who, person, fate)
    }

    fn commits(&mut self, who: Who, person: User, fate: Fate) -> Result<(), TestCaseError> {
        // userNames are unique in a connection.
        let taken = self.people.iter().any(|(other, one)| {
            *other != who && one.connection == person.connection && one.name == person.name
        });
        if taken {
            return Ok(());
        }
        let event = self.tenant.commit(&person);
        self.people.insert(who, person);
        self.follows(event, fate)
    }

    /// Groups touch no host: only what is joined when a host is read changes.
    fn joins(
        &mut self,
        group: usize,
        member: Result<Who, usize>,
        comes: bool,
    ) -> Result<(), TestCaseError> {
        let member = match member {
            Ok(who) => self.people.get(&who).map(|person| person.id.clone()),
            Err(group) => GROUPS.get(group).map(|&group| group.to_owned()),
        };
        if let (Some(&group), Some(member)) = (GROUPS.get(group), member) {
            let edge = (group.to_owned(), member);
            match comes {
                true => self.tenant.people.edges.insert(edge),
                false => self.tenant.people.edges.remove(&edge),
            };
        }
        Ok(())
    }

    fn follows(&mut self, event: Event, fate: Fate) -> Result<(), TestCaseError> {
        if fate == Fate::Later {
            self.left_behind(event);
            return Ok(());
        }
        prop_assert!(self.tenant.finish(&event));
        if fate == Fate::Twice {
            let before = self.tenant.fleet.hosts.clone();
            prop_assert!(self.tenant.finish(&event));
            prop_assert_eq!(&before, &self.tenant.fleet.hosts, "a repeat is harmless");
        }
        Ok(())
    }

    /// A claim without a time means "now", so it is stored and only its mapping left
    /// undone; all else can as well happen later as a whole.
    fn left_behind(&mut self, event: Event) {
        let Event::Claimed(host, draft) = &event else {
            return self.left.push(event);
        };
        let known = self.tenant.fleet.hosts.get_mut(host);
        let Some(known) = known.filter(|_| draft.since.is_none()) else {
            return self.left.push(event);
        };
        let drafted = crate::claim::from_draft(draft, &known.claims, self.tenant.clock.now);
        let claim = drafted.map(|drafted| drafted.claim);
        if let Ok(claim) = claim
            && known.claims.iter().all(|other| other.id != claim.id)
        {
            known.claims.push(claim);
            known.version += 1;
        }
        self.left.push(Event::Host(host.clone()));
    }

    /// What is left in the log, in another order, and some of it twice.
    fn catches_up(&mut self, seed: u64) -> Result<(), TestCaseError> {
        let mut left = std::mem::take(&mut self.left);
        let twice: Vec<Event> = left.iter().step_by(3).cloned().collect();
        left.extend(twice);
        shuffle(&mut left, seed);
        for event in &left {
            prop_assert!(self.tenant.finish(event));
        }
        Ok(())
    }

    /// What is told of a host is what the facts say, whatever is left in the log.
    fn is_told(&mut self, host: &str) -> Result<(), TestCaseError> {
        let expected = self.tenant.expected(host);
        let told = self.tenant.mapping().end_user_of(host);
        let Ok(told) = told else {
            return Err(TestCaseError::fail(format!("{told:?}")));
        };
        prop_assert_eq!(&self.tenant.assignment(host), &expected, "reading heals");
        prop_assert_eq!(told.outcome, expected.outcome);
        prop_assert_eq!(&told.login, &expected.login);
        prop_assert_eq!(&told.reason, &expected.reason);
        let user = told.person.as_ref().map(|person| person.id.clone());
        prop_assert_eq!(&user, &expected.user);
        if let Some(person) = &told.person {
            let known = self.people.values().find(|one| one.id == person.id);
            let Some(known) = known else {
                return Err(TestCaseError::fail("somebody who was deleted is shown"));
            };
            prop_assert_eq!(&person.username, &known.name);
            let keep = self.tenant.rules.deactivated == Deactivated::Keep;
            prop_assert_eq!(person.active, known.active || keep);
            prop_assert_eq!(&person.groups, &self.groups_above(&person.id));
        }
        let ambiguous = told.outcome == Outcome::Ambiguous;
        prop_assert_eq!(told.candidates.len() > 1, ambiguous);
        let explained = self.tenant.mapping().explain(host);
        let Ok(lines) = explained else {
            return Err(TestCaseError::fail(format!("{explained:?}")));
        };
        let result = format!("result: {}", expected.reason);
        prop_assert!(lines.contains(&result), "{:?}", lines);
        let rules = lines.iter().filter(|line| line.starts_with("rule: "));
        prop_assert_eq!(rules.count(), 1);
        for name in &told.candidates {
            let named = lines.iter().any(|line| line.contains(&format!("`{name}`")));
            prop_assert!(named, "{} in {:?}", name, lines);
        }
        Ok(())
    }

    /// Step by step outwards until nothing is new: another way than the directory's.
    fn groups_above(&self, member: &str) -> Vec<String> {
        let mut above = BTreeSet::from([member.to_owned()]);
        for _ in 0..GROUPS.len() {
            let edges = self.tenant.people.edges.iter();
            let more = edges.filter(|(_, member)| above.contains(member));
            let more: Vec<String> = more.map(|(group, _)| group.clone()).collect();
            above.extend(more);
        }
        above.remove(member);
        above.into_iter().collect()
    }

    /// The same facts in a tenant that was told of them in another order, each followed
    /// by its event.
    fn told_anew(&self, seed: u64) -> Result<Tenant, TestCaseError> {
        enum Fact {
            Claim(String, crate::hosts::Claim),
            Holding(nameplate_scim::directory::Holding),
        }
        let mut facts: Vec<Fact> = Vec::new();
        let mut anew = Tenant::default();
        for host in self.tenant.fleet.hosts.values() {
            anew.fleet.add(&host.id);
            let claims = host.claims.iter().cloned();
            facts.extend(claims.map(|claim| Fact::Claim(host.id.clone(), claim)));
        }
        let holdings = self.tenant.people.holdings.iter().cloned();
        facts.extend(holdings.map(Fact::Holding));
        shuffle(&mut facts, seed);
        anew.rules = self.tenant.rules.clone();
        anew.clock.now = self.tenant.clock.now;
        anew.people.documents = self.tenant.people.documents.clone();
        for fact in facts {
            let event = match fact {
                Fact::Claim(host, claim) => {
                    if let Some(known) = anew.fleet.hosts.get_mut(&host) {
                        known.claims.push(claim);
                        known.version += 1;
                    }
                    Event::Host(host)
                }
                Fact::Holding(holding) => {
                    let event = changed(&holding.document, vec![holding.value.clone()]);
                    anew.people.holdings.push(holding);
                    event
                }
            };
            prop_assert!(anew.finish(&event));
        }
        for host in self.hosts() {
            anew.settled_once(&host);
        }
        Ok(anew)
    }
}

fn rename(person: &mut User, name: &str) {
    name.clone_into(&mut person.name);
}

/// Another order for each seed (splitmix64 as the source of keys).
fn shuffle<T>(items: &mut Vec<T>, mut seed: u64) {
    let mut key = || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
    };
    let mut keyed: Vec<(u64, T)> = items.drain(..).map(|item| (key(), item)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    items.extend(keyed.into_iter().map(|(_, item)| item));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_history_every_host_is_as_the_facts_say(
        history in history(), rules in rules(), seed in any::<u64>(),
    ) {
        let mut world = World::new(rules);
        for (step, fate) in &history {
            world.happens(step, *fate)?;
        }
        world.catches_up(seed)?;
        for host in world.hosts() {
            let stored = world.tenant.assignment(&host);
            prop_assert_eq!(&stored, &world.tenant.expected(&host), "{}", &host);
        }
        let anew = world.told_anew(seed)?;
        for host in world.hosts() {
            prop_assert_eq!(world.tenant.assignment(&host), anew.assignment(&host), "{}", &host);
            world.is_told(&host)?;
        }
    }

    #[test]
    fn reading_a_host_is_right_though_the_log_is_never_worked_off(
        history in history(), rules in rules(),
    ) {
        let mut world = World::new(rules);
        for (step, _) in &history {
            world.happens(step, Fate::Later)?;
        }
        for host in world.hosts() {
            world.is_told(&host)?;
        }
    }
}
