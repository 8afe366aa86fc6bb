//! An identity provider: it owns one directory, changes it without pause, tries again
//! when it is told to, and knows what has to be there.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Value, json};

use super::model::{Entry, Person, Team};
use super::tally::{Asker, Said};
use super::text;
use crate::dice::Dice;
use crate::names::{GROUP, PATCH, USER};
use crate::process::{Answer, encode};

/// People of a directory.
pub const PEOPLE: usize = 30;
/// Those of them who are never renamed or deleted.
pub const STABLE: usize = 8;
/// Groups of a directory.
const TEAMS: usize = 4;
/// Logins that a person goes through.
const LOGINS: usize = 3;

/// Whose habits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// PUT and PATCH without a path; never deletes a person.
    Okta,
    /// PATCH with paths; deletes.
    Entra,
}

impl Style {
    fn name(self) -> &'static str {
        match self {
            Self::Okta => "okta",
            Self::Entra => "entra",
        }
    }
}

/// The login of a person in one of its versions.
pub fn login(style: Style, tenant: &str, person: usize, version: usize) -> String {
    format!("p{person}v{version}@{}.{tenant}.example", style.name())
}

/// The client.
pub struct Idp {
    asker: Asker,
    style: Style,
    tenant: String,
    dice: Dice,
    people: Vec<Entry<Person>>,
    teams: Vec<Entry<Team>>,
}

impl Idp {
    pub fn new(asker: Asker, style: Style, tenant: &str, seed: u64) -> Self {
        Self {
            asker,
            style,
            tenant: tenant.to_owned(),
            dice: Dice::new(seed),
            people: (0..PEOPLE).map(|_| Entry::absent()).collect(),
            teams: (0..TEAMS).map(|_| Entry::absent()).collect(),
        }
    }

    pub fn work(&mut self, until: Instant) {
        let mut first = 0..STABLE;
        while Instant::now() < until {
            if let Some(person) = first.next() {
                self.touch_person(person);
            } else if self.dice.below(3) > 0 {
                let person = self.dice.below(PEOPLE);
                self.touch_person(person);
            } else {
                let team = self.dice.below(TEAMS);
                self.touch_team(team);
            }
        }
    }

    /// Logins of people who are certainly there and were never called otherwise.
    pub fn stable(&self) -> BTreeSet<String> {
        let stable = self.people.iter().take(STABLE);
        let there = stable.filter_map(|entry| Some(entry.certain()?.login.clone()));
        there.collect()
    }

    fn touch_person(&mut self, n: usize) {
        if self.people[n].id.is_none() {
            return self.create_person(n);
        }
        let stable = n < STABLE;
        match (self.dice.below(10), self.style) {
            (0..3, _) => self.retitle(n),
            (3..5, _) => self.switch(n),
            (5, _) if !stable => self.rename(n),
            (6, Style::Entra) if !stable => self.delete_person(n),
            _ => self.check_person(n),
        }
    }

    fn touch_team(&mut self, g: usize) {
        if self.teams[g].id.is_none() {
            return self.create_team(g);
        }
        match self.dice.below(12) {
            0..4 => self.change_member(g, true),
            4..7 => self.change_member(g, false),
            7 => self.replace_members(g),
            8 => self.rename_team(g),
            9 if self.dice.below(3) == 0 => self.delete_team(g),
            _ => self.check_team(g),
        }
    }

    // People.

    /// Looks for a person who may be there, and makes them if not.
    fn create_person(&mut self, n: usize) {
        let login = login(self.style, &self.tenant, n, 0);
        if !self.find_person(n, &login) || self.people[n].id.is_some() {
            return;
        }
        let body = json!({
            "schemas": [USER], "userName": login, "externalId": n.to_string(), "active": true,
            "emails": [{"type": "work", "value": login, "primary": true}],
            "name": {"givenName": "P", "familyName": n.to_string()},
        });
        let person = Person {
            login: login.clone(),
            active: true,
            title: String::new(),
        };
        match self.ask("create user", "POST", "/Users", &body) {
            Said::Sure(answer, _) if answer.status == 201 => {
                self.people[n].id = Some(answer.text("/id"));
                self.people[n].sure(|_| Some(person.clone()));
            }
            // An earlier try has done it, and its answer was lost.
            Said::Sure(answer, true) if answer.status == 409 => {
                self.people[n].unsure(|_| Some(person.clone()));
                self.find_person(n, &login);
            }
            Said::Sure(answer, _) => self.wrong("POST /Users", &answer),
            Said::Unsure => self.people[n].unsure(|_| Some(person.clone())),
        }
    }

    /// Searches for a person without an id; false if there was no answer.
    fn find_person(&mut self, n: usize, login: &str) -> bool {
        let filter = encode(&format!("userName eq \"{login}\""));
        let target = format!("/Users?filter={filter}&startIndex=1&count=100");
        let Said::Sure(answer, _) = self.ask_nothing("find user", "GET", &target) else {
            return false;
        };
        let json = answer.json();
        match json["Resources"].as_array().map(Vec::as_slice) {
            Some([]) => self.learn_person(n, None),
            Some([found]) => {
                self.people[n].id = Some(text(found, "/id").to_owned());
                self.learn_person(n, Some(person(found)));
            }
            _ => self.wrong(&target, &answer),
        }
        true
    }

    fn retitle(&mut self, n: usize) {
        let title = format!("Title {}", self.dice.below(1000));
        let operation = match self.style {
            Style::Okta => json!({"op": "replace", "value": {"title": title}}),
            Style::Entra => json!({"op": "Replace", "path": "title", "value": title}),
        };
        self.patch_person(n, "update user", &operation, |person| {
            person.title = title.clone();
        });
    }

    fn switch(&mut self, n: usize) {
        let active = self.dice.below(2) == 0;
        let operation = match self.style {
            Style::Okta => json!({"op": "replace", "value": {"active": active}}),
            Style::Entra => {
                let text = if active { "True" } else { "False" };
                json!({"op": "Replace", "path": "active", "value": text})
            }
        };
        self.patch_person(n, "activate user", &operation, |person| {
            person.active = active
        });
    }

    fn rename(&mut self, n: usize) {
        let version = self.dice.below(LOGINS);
        let login = login(self.style, &self.tenant, n, version);
        match (self.style, self.people[n].certain().cloned()) {
            (Style::Okta, Some(mut whole)) => {
                whole.login.clone_from(&login);
                let body = json!({
                    "schemas": [USER], "userName": login, "externalId": n.to_string(),
                    "emails": [{"type": "work", "value": login, "primary": true}],
                    "name": {"givenName": "P", "familyName": n.to_string()},
                    "active": whole.active, "title": whole.title,
                });
                self.change_person(n, "replace user", "PUT", &body, |_| whole.clone());
            }
            _ => {
                let operation = json!({"op": "Replace", "path": "userName", "value": login});
                self.patch_person(n, "rename user", &operation, |person| {
                    person.login.clone_from(&login);
                });
            }
        }
    }

    fn delete_person(&mut self, n: usize) {
        let target = self.user(n);
        match self.ask_nothing("delete user", "DELETE", &target) {
            Said::Sure(answer, again) => {
                let gone = answer.status == 204
                    || answer.status == 404 && (again || self.people[n].may_be_absent());
                if !gone {
                    return self.wrong(&format!("DELETE {target}"), &answer);
                }
                self.people[n].sure(|_| None);
                self.people[n].id = None;
                self.no_member_any_more(n);
            }
            Said::Unsure => {
                self.people[n].unsure(|_| None);
                for team in &mut self.teams {
                    team.unsure(|team| team.map(|team| without(team, n)));
                }
            }
        }
    }

    fn patch_person(
        &mut self,
        n: usize,
        kind: &'static str,
        operation: &Value,
        change: impl Fn(&mut Person),
    ) {
        let body = json!({"schemas": [PATCH], "Operations": [operation]});
        self.change_person(n, kind, "PATCH", &body, |mut person| {
            change(&mut person);
            person
        });
    }

    fn change_person(
        &mut self,
        n: usize,
        kind: &'static str,
        method: &str,
        body: &Value,
        change: impl Fn(Person) -> Person,
    ) {
        let target = self.user(n);
        match self.ask(kind, method, &target, body) {
            Said::Sure(answer, _) if answer.status == 200 => {
                self.people[n].sure(|person| person.map(&change));
                // What is answered is what is stored.
                self.learn_person(n, Some(person(&answer.json())));
            }
            Said::Sure(answer, _) if answer.status == 404 && self.people[n].may_be_absent() => {
                self.learn_person(n, None);
            }
            Said::Sure(answer, _) => self.wrong(&format!("{method} {target}"), &answer),
            Said::Unsure => self.people[n].unsure(|person| person.map(&change)),
        }
    }

    fn check_person(&mut self, n: usize) {
        let target = self.user(n);
        match self.ask_nothing("read user", "GET", &target) {
            Said::Sure(answer, _) if answer.status == 200 => {
                self.learn_person(n, Some(person(&answer.json())));
            }
            Said::Sure(answer, _) if answer.status == 404 => self.learn_person(n, None),
            Said::Sure(answer, _) => self.wrong(&format!("GET {target}"), &answer),
            Said::Unsure => {}
        }
    }

    fn learn_person(&mut self, n: usize, seen: Option<Person>) {
        let gone = seen.is_none();
        let before = format!("{:?}", self.people[n]);
        if !self.people[n].learn(seen.clone()) {
            self.violation(format!("person {n} is {seen:?} and should be {before}"));
        }
        if gone {
            self.no_member_any_more(n);
        }
    }

    fn no_member_any_more(&mut self, n: usize) {
        for team in &mut self.teams {
            team.sure(|team| team.map(|team| without(team, n)));
        }
    }

    // Groups.

    fn create_team(&mut self, g: usize) {
        let name = self.team_name(g, 0);
        if !self.find_team(g, &name) || self.teams[g].id.is_some() {
            return;
        }
        let members: BTreeSet<usize> = match (self.style, self.anybody()) {
            (Style::Okta, Some(n)) => [n].into(),
            _ => BTreeSet::new(),
        };
        let body = json!({"schemas": [GROUP], "displayName": name,
            "members": self.members(&members)});
        let team = Team {
            name: name.clone(),
            members,
        };
        match self.ask("create group", "POST", "/Groups", &body) {
            Said::Sure(answer, _) if answer.status == 201 => {
                self.teams[g].id = Some(answer.text("/id"));
                self.teams[g].sure(|_| Some(team.clone()));
            }
            Said::Sure(answer, true) if answer.status == 409 => {
                self.teams[g].unsure(|_| Some(team.clone()));
                self.find_team(g, &name);
            }
            Said::Sure(answer, _) => self.wrong("POST /Groups", &answer),
            Said::Unsure => self.teams[g].unsure(|_| Some(team.clone())),
        }
    }

    fn find_team(&mut self, g: usize, name: &str) -> bool {
        let filter = encode(&format!("displayName eq \"{name}\""));
        let target = format!("/Groups?filter={filter}");
        let Said::Sure(answer, _) = self.ask_nothing("find group", "GET", &target) else {
            return false;
        };
        let json = answer.json();
        match json["Resources"].as_array().map(Vec::as_slice) {
            Some([]) => self.learn_team(g, None),
            Some([found]) => {
                self.teams[g].id = Some(text(found, "/id").to_owned());
                let found = self.team(found);
                self.learn_team(g, Some(found));
            }
            _ => self.wrong(&target, &answer),
        }
        true
    }

    fn change_member(&mut self, g: usize, add: bool) {
        let Some(n) = self.anybody() else {
            return;
        };
        let id = self.people[n].id.clone().unwrap_or_default();
        let operation = match (add, self.style) {
            (true, _) => json!({"op": "add", "path": "members", "value": [{"value": id}]}),
            (false, Style::Okta) => {
                json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})
            }
            (false, Style::Entra) => {
                json!({"op": "Remove", "path": "members", "value": [{"value": id}]})
            }
        };
        let kind = if add { "add member" } else { "remove member" };
        self.patch_team(g, kind, &operation, |mut team| {
            if add {
                team.members.insert(n);
                team
            } else {
                without(team, n)
            }
        });
    }

    fn replace_members(&mut self, g: usize) {
        let members: BTreeSet<usize> = (0..4).filter_map(|_| self.anybody()).collect();
        let value = self.members(&members);
        let operation = json!({"op": "replace", "path": "members", "value": value});
        self.patch_team(g, "replace members", &operation, |team| Team {
            members: members.clone(),
            ..team
        });
    }

    fn rename_team(&mut self, g: usize) {
        let version = self.dice.below(LOGINS);
        let name = self.team_name(g, version);
        let operation = json!({"op": "replace", "value": {"displayName": name}});
        self.patch_team(g, "rename group", &operation, |team| Team {
            name: name.clone(),
            ..team
        });
    }

    fn patch_team(
        &mut self,
        g: usize,
        kind: &'static str,
        operation: &Value,
        change: impl Fn(Team) -> Team,
    ) {
        let target = self.group(g);
        let body = json!({"schemas": [PATCH], "Operations": [operation]});
        match self.ask(kind, "PATCH", &target, &body) {
            Said::Sure(answer, _) if matches!(answer.status, 200 | 204) => {
                self.teams[g].sure(|team| team.map(&change));
            }
            Said::Sure(answer, _) if answer.status == 404 && self.teams[g].may_be_absent() => {
                self.learn_team(g, None);
            }
            Said::Sure(answer, _) => self.wrong(&format!("PATCH {target}"), &answer),
            Said::Unsure => self.teams[g].unsure(|team| team.map(&change)),
        }
    }

    fn delete_team(&mut self, g: usize) {
        let target = self.group(g);
        match self.ask_nothing("delete group", "DELETE", &target) {
            Said::Sure(answer, again) => {
                let gone = answer.status == 204
                    || answer.status == 404 && (again || self.teams[g].may_be_absent());
                if !gone {
                    return self.wrong(&format!("DELETE {target}"), &answer);
                }
                self.teams[g].sure(|_| None);
                self.teams[g].id = None;
            }
            Said::Unsure => self.teams[g].unsure(|_| None),
        }
    }

    fn check_team(&mut self, g: usize) {
        let target = self.group(g);
        match self.ask_nothing("read group", "GET", &target) {
            Said::Sure(answer, _) if answer.status == 200 => {
                let found = self.team(&answer.json());
                self.learn_team(g, Some(found));
            }
            Said::Sure(answer, _) if answer.status == 404 => self.learn_team(g, None),
            Said::Sure(answer, _) => self.wrong(&format!("GET {target}"), &answer),
            Said::Unsure => {}
        }
    }

    fn learn_team(&mut self, g: usize, seen: Option<Team>) {
        let before = format!("{:?}", self.teams[g]);
        if !self.teams[g].learn(seen.clone()) {
            self.violation(format!("group {g} is {seen:?} and should be {before}"));
        }
    }

    // In the end.

    /// Everything is as it was answered, and nothing else is there.
    pub fn verify(&mut self) {
        for n in 0..PEOPLE {
            match self.people[n].id {
                Some(_) => self.check_person(n),
                None => {
                    let login = login(self.style, &self.tenant, n, 0);
                    self.find_person(n, &login);
                }
            }
        }
        for g in 0..TEAMS {
            match self.teams[g].id {
                Some(_) => self.check_team(g),
                None => {
                    let name = self.team_name(g, 0);
                    self.find_team(g, &name);
                }
            }
        }
        let people = self
            .people
            .iter()
            .filter(|entry| !entry.is_absent())
            .count();
        let teams = self.teams.iter().filter(|entry| !entry.is_absent()).count();
        for (endpoint, there) in [("/Users", people), ("/Groups", teams)] {
            let target = format!("{endpoint}?count=200");
            if let Said::Sure(answer, _) = self.ask_nothing("check", "GET", &target) {
                let total = answer.json()["totalResults"].as_u64();
                if total != u64::try_from(there).ok() {
                    self.violation(format!("{endpoint} has {total:?} and should have {there}"));
                }
            } else {
                self.violation(format!("{target} has no answer when nothing fails"));
            }
        }
    }

    // Helpers.

    /// Somebody who is certainly there.
    fn anybody(&mut self) -> Option<usize> {
        let n = self.dice.below(PEOPLE);
        let entry = self.people.get(n)?;
        (entry.id.is_some() && !entry.may_be_absent()).then_some(n)
    }

    fn members(&self, members: &BTreeSet<usize>) -> Value {
        let ids = members
            .iter()
            .filter_map(|n| self.people.get(*n)?.id.clone());
        ids.map(|id| json!({"value": id})).collect()
    }

    fn team_name(&self, g: usize, version: usize) -> String {
        format!("{} team {g} v{version}", self.style.name())
    }

    fn user(&self, n: usize) -> String {
        format!("/Users/{}", self.people[n].id.clone().unwrap_or_default())
    }

    fn group(&self, g: usize) -> String {
        format!("/Groups/{}", self.teams[g].id.clone().unwrap_or_default())
    }

    /// A group as it is read.
    fn team(&self, json: &Value) -> Team {
        let members = json["members"].as_array().into_iter().flatten();
        let mut found = BTreeSet::new();
        for member in members {
            let id = text(member, "/value");
            let known = |entry: &Entry<Person>| entry.id.as_deref() == Some(id);
            match self.people.iter().position(known) {
                Some(n) => {
                    found.insert(n);
                }
                None => self.violation(format!("a group has a member `{id}` who is nobody")),
            }
        }
        Team {
            name: text(json, "/displayName").to_owned(),
            members: found,
        }
    }

    fn ask(&mut self, kind: &'static str, method: &str, target: &str, body: &Value) -> Said {
        self.asker.ask(kind, method, target, &body.to_string())
    }

    fn ask_nothing(&mut self, kind: &'static str, method: &str, target: &str) -> Said {
        self.asker.ask(kind, method, target, "")
    }

    fn wrong(&self, what: &str, answer: &Answer) {
        let said = String::from_utf8_lossy(&answer.body);
        self.violation(format!("{what}: {}: {said}", answer.status));
    }

    fn violation(&self, what: String) {
        let (tenant, style) = (&self.tenant, self.style.name());
        self.asker
            .tally
            .violation(format!("{tenant}/{style}: {what}"));
    }
}

/// A person as they are read.
fn person(json: &Value) -> Person {
    Person {
        login: text(json, "/userName").to_owned(),
        active: json["active"].as_bool().unwrap_or(true),
        title: text(json, "/title").to_owned(),
    }
}

fn without(mut team: Team, n: usize) -> Team {
    team.members.remove(&n);
    team
}
