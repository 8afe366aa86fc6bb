//! A device-management server that asks whose its hosts are and tells of enrolments, and
//! an administrator who looks around.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::idp::{PEOPLE, STABLE, Style, login};
use super::tally::{Asker, Said};
use super::{PATIENCE, text};
use crate::dice::Dice;

/// Hosts of a tenant.
const HOSTS: usize = 12;
/// Acknowledged enrolments whose claims are looked for: fewer than a host keeps.
const CLAIMS: usize = 200;
/// What an administrator looks at.
const LOOKS: [&str; 6] = [
    "/api/v1/hosts?limit=20",
    "/api/v1/requests?limit=50",
    "/api/v1/users?limit=20",
    "/api/v1/tenant",
    "/api/v1/webhooks",
    "/api/v1/fleet/scim/details",
];

/// One host as this server knows it.
#[derive(Default)]
struct Known {
    /// Who may have signed in last: one login if everything was answered.
    last: Vec<String>,
    /// Enrolments that were acknowledged.
    told: Vec<String>,
}

/// The client.
pub struct Mdm {
    asker: Asker,
    tenant: String,
    dice: Dice,
    hosts: Vec<Known>,
    enrolments: usize,
}

impl Mdm {
    pub fn new(asker: Asker, tenant: &str, seed: u64) -> Self {
        Self {
            asker,
            tenant: tenant.to_owned(),
            dice: Dice::new(seed),
            hosts: (0..HOSTS).map(|_| Known::default()).collect(),
            enrolments: 0,
        }
    }

    /// Adds a webhook and then the hosts, before anything fails.
    pub fn prepare(&mut self, webhook: &Value) {
        let made = self
            .asker
            .must("POST", "/api/v1/webhooks", &webhook.to_string());
        if made.is_none_or(|made| made.status != 201) {
            self.violation("the webhook could not be added".to_owned());
        }
        for host in 0..HOSTS {
            let body = json!({"id": host.to_string(), "display_name": format!("Laptop {host}")});
            self.asker.must("POST", "/api/v1/hosts", &body.to_string());
        }
    }

    pub fn work(&mut self, until: Instant) {
        while Instant::now() < until {
            let host = self.dice.below(HOSTS);
            match self.dice.below(10) {
                0..5 => self.look("read host", &format!("/api/v1/fleet/hosts/{host}")),
                5..8 => self.enrol(host),
                8 => self.look("explain host", &format!("/api/v1/hosts/{host}/explain")),
                _ => {
                    let at = self.dice.below(LOOKS.len());
                    self.look("administer", LOOKS.get(at).copied().unwrap_or_default());
                }
            }
        }
    }

    fn look(&mut self, kind: &'static str, target: &str) {
        if let Said::Sure(answer, _) = self.asker.ask(kind, "GET", target, "")
            && answer.status != 200
        {
            let said = String::from_utf8_lossy(&answer.body);
            self.violation(format!("GET {target}: {}: {said}", answer.status));
        }
    }

    fn enrol(&mut self, host: usize) {
        let style = [Style::Okta, Style::Entra][self.dice.below(2)];
        // Half of them people whose login stays, so that it is known who it must be.
        let person = match self.dice.below(2) {
            0 => self.dice.below(STABLE),
            _ => self.dice.below(PEOPLE),
        };
        let email = login(style, &self.tenant, person, 0);
        self.enrolments += 1;
        let id = format!("e{}", self.enrolments);
        let body = json!({"email": email, "enrollment_id": id}).to_string();
        let target = format!("/api/v1/hosts/{host}/enrollments");
        let said = self.asker.ask("enrol", "POST", &target, &body);
        let known = &mut self.hosts[host];
        match said {
            Said::Sure(answer, _) if matches!(answer.status, 200 | 201) => {
                known.last = vec![email];
                known.told.push(id);
            }
            Said::Sure(answer, _) => {
                let said = String::from_utf8_lossy(&answer.body);
                let line = format!("POST {target}: {}: {said}", answer.status);
                self.violation(line);
            }
            Said::Unsure => known.last.push(email),
        }
    }

    /// Every acknowledged enrolment is there, and hosts show whom they must show, once
    /// the server has caught up. `there` are the people whose login never changed.
    pub fn verify(&mut self, there: &BTreeSet<String>) {
        let mut checked = 0;
        for host in 0..HOSTS {
            self.verify_claims(host);
            let known = &self.hosts[host];
            if let [login] = known.last.as_slice()
                && there.contains(login)
            {
                let login = login.clone();
                self.verify_user(host, &login);
                checked += 1;
            }
        }
        if checked == 0 {
            self.violation("no host could be checked".to_owned());
        }
    }

    fn verify_claims(&mut self, host: usize) {
        let target = format!("/api/v1/hosts/{host}");
        let Some(answer) = self.asker.must("GET", &target, "") else {
            return;
        };
        let claims = answer.json()["host"]["claims"].clone();
        let claims: BTreeSet<&str> = claims
            .as_array()
            .into_iter()
            .flatten()
            .map(|claim| text(claim, "/id"))
            .collect();
        let told = self.hosts[host].told.iter().rev().take(CLAIMS);
        let lost: Vec<String> = told
            .filter(|id| !claims.contains(id.as_str()))
            .cloned()
            .collect();
        if !lost.is_empty() {
            let line = format!("{}: host {host} lost enrolments {lost:?}", self.tenant);
            self.violation(line);
        }
    }

    fn verify_user(&mut self, host: usize, login: &str) {
        let target = format!("/api/v1/fleet/hosts/{host}");
        let began = Instant::now();
        loop {
            let Some(answer) = self.asker.must("GET", &target, "") else {
                return;
            };
            let json = answer.json();
            let shown = text(&json, "/host/end_users/0/idp_username");
            let linked = !json["host"]["end_users"][0]["idp_info_updated_at"].is_null();
            if shown == login && linked {
                return;
            }
            if began.elapsed() > PATIENCE {
                let line = format!(
                    "{}: host {host} shows `{shown}` (linked: {linked}) instead of `{login}`",
                    self.tenant
                );
                self.violation(line);
                return;
            }
            sleep(Duration::from_millis(200));
        }
    }

    /// The numbers of all events of a kind in the log.
    pub fn events(&mut self, kind: &str) -> Vec<u64> {
        let (mut seqs, mut after) = (Vec::new(), 0);
        loop {
            let target = format!("/api/v1/events?after={after}&types={kind}&limit=1000");
            let Some(answer) = self.asker.must("GET", &target, "") else {
                return seqs;
            };
            let json = answer.json();
            let Some(page) = json["events"].as_array() else {
                self.violation(format!("GET {target}: {json}"));
                return seqs;
            };
            seqs.extend(page.iter().filter_map(|event| event["seq"].as_u64()));
            let next = json["next"].as_u64().unwrap_or(after);
            if next == after {
                return seqs;
            }
            after = next;
        }
    }

    pub fn violation(&self, what: String) {
        self.asker.tally.violation(what);
    }
}
