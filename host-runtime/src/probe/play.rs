//! Goes through a sequence: fills in names and ids, asks, has the answers judged, and
//! keeps account of what was made.
//!
//! This must not know providers.

use std::collections::HashSet;
use std::time::Duration;

use http::header;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::client::{Answer, Ask, Client};
use super::judge::{self, Case, Finding};
use super::report::{Outcome, Report, Tried};
use super::sequence::{Body, Kind, Makes, Method, Sequence, Step, Variables};
use crate::clock::Random;
use crate::hex::hex;

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// What RFC 3986 leaves as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// A server that says "later" is asked so often, and waited for so long at most.
const AGAIN: u32 = 3;
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Steps without any answer before it is given up.
const SILENCE: u32 = 2;

/// A resource of ours.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Made {
    pub kind: Kind,
    pub id: String,
}

/// One run against one server. A future of it may be dropped at any time; what was made
/// is known to [`Probe::clean`] all the same.
pub struct Probe<'a> {
    pub(super) client: &'a Client,
    pub(super) tag: String,
    pub(super) made: HashSet<Made>,
    /// Names that were sent: an answer that is lost may have made something.
    pub(super) sent: HashSet<(Kind, String)>,
    report: Report,
}

impl<'a> Probe<'a> {
    /// A run with names of its own.
    ///
    /// # Errors
    /// If there are no random bytes.
    pub fn new(client: &'a Client, random: &dyn Random, title: &str) -> Result<Self, String> {
        let mut bytes = [0; 8];
        random.fill(&mut bytes)?;
        let tag = format!("nameplate-probe-{}", hex(&bytes));
        Ok(Self {
            report: Report::new(title, client.base(), &tag),
            client,
            tag,
            made: HashSet::new(),
            sent: HashSet::new(),
        })
    }

    /// What has been found so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Goes through a sequence, telling of each step as it is done.
    ///
    /// # Errors
    /// If there are no random bytes.
    pub async fn play(
        &mut self,
        sequence: &Sequence,
        random: &dyn Random,
        mut told: impl FnMut(&Tried),
    ) -> Result<(), String> {
        let mut variables = self.variables(random)?;
        for (name, text) in sequence.presets {
            variables.set(name, (*text).to_owned());
        }
        let mut silent = 0;
        for step in sequence.steps {
            if step
                .only_if
                .is_some_and(|(name, text)| variables.get(name) != Some(text))
            {
                continue;
            }
            let tried = self.step(sequence, step, &mut variables).await;
            told(&tried);
            let first = self.report.is_empty();
            let hopeless = tried.is_refused();
            silent = if tried.is_silent() { silent + 1 } else { 0 };
            self.report.add(tried);
            if hopeless || silent >= SILENCE || (first && silent > 0) {
                self.report.stopped();
                break;
            }
        }
        Ok(())
    }

    /// The names of a run.
    fn variables(&self, random: &dyn Random) -> Result<Variables, String> {
        let tag = &self.tag;
        let mut variables = Variables::default();
        variables.set("tag", tag.clone());
        variables.set("login", format!("{tag}@example.invalid"));
        variables.set("login-2", format!("{tag}+2@example.invalid"));
        variables.set("address-2", format!("{tag}-new@example.invalid"));
        variables.set("group-name", format!("{tag} group"));
        variables.set("group-name-2", format!("{tag} renamed group"));
        variables.set("uuid", uuid(random)?);
        Ok(variables)
    }

    async fn step(&mut self, sequence: &Sequence, step: &Step, variables: &mut Variables) -> Tried {
        let ask = match ask(sequence, step, variables) {
            Ok(ask) => ask,
            Err(missing) => {
                let why = format!("needs the {missing} that an earlier step did not get");
                return Tried::new(step, step.path, Outcome::Skipped(why));
            }
        };
        if let Some(name) = step.makes.and_then(|makes| variables.get(makes.name))
            && let Some(makes) = step.makes
        {
            self.sent.insert((makes.kind, name.to_owned()));
        }
        let outcome = match self.asked(&ask).await {
            Err(why) => Outcome::Silent(self.client.secret().hidden_in(&why)),
            Ok(answer) => {
                let findings = self.judged(step, &answer, variables);
                Outcome::Answered {
                    status: answer.status,
                    took: answer.took,
                    findings: self.without_token(findings),
                }
            }
        };
        let target = self.client.secret().hidden_in(&ask.target);
        Tried::new(step, &target, outcome)
    }

    /// Asks; a server that is busy is given time, as providers do.
    async fn asked(&self, ask: &Ask) -> Result<Answer, String> {
        let mut tries = 0;
        loop {
            let answer = self.client.ask(ask).await?;
            tries += 1;
            if answer.status != 429 || tries > AGAIN {
                return Ok(answer);
            }
            let seconds = answer.header(&header::RETRY_AFTER);
            let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(1);
            tokio::time::sleep(Duration::from_secs(seconds).min(LONGEST_WAIT)).await;
        }
    }

    /// Judges an answer and takes from it what later steps need.
    fn judged(&mut self, step: &Step, answer: &Answer, variables: &mut Variables) -> Vec<Finding> {
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let case = Case {
            answer,
            json: &json,
            variables,
        };
        let mut findings = judge::judge(case, step.expects);
        let success = (200..300).contains(&answer.status);
        if let Some(makes) = step.makes
            && success
            && let Err(finding) = self.take(makes, &json, variables)
        {
            // A step that must not make anything has been found fault with already.
            let told = findings
                .iter()
                .any(|found| found.grade == super::Grade::Broken);
            if !told {
                findings.push(finding);
            }
        }
        for (name, pointer) in step.saves {
            match json.pointer(pointer) {
                Some(Value::String(text)) => variables.set(name, text.clone()),
                Some(other) if success => variables.set(name, other.to_string()),
                _ => {}
            }
        }
        findings
    }

    /// Takes a new resource for ours.
    fn take(
        &mut self,
        makes: Makes,
        json: &Value,
        variables: &mut Variables,
    ) -> Result<(), Finding> {
        let Makes { kind, id, name } = makes;
        let name = variables.get(name).unwrap_or_default();
        let made = judge::made(json, kind, name)?;
        variables.set(id, made.clone());
        self.made.insert(Made { kind, id: made });
        Ok(())
    }

    fn without_token(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let hide = |finding: Finding| Finding {
            what: self.client.secret().hidden_in(&finding.what),
            ..finding
        };
        findings.into_iter().map(hide).collect()
    }
}

/// A step as a request.
///
/// # Errors
/// The variable that has no text yet.
fn ask(sequence: &Sequence, step: &Step, variables: &Variables) -> Result<Ask, &'static str> {
    let mut target = variables.fill(step.path, |text| {
        utf8_percent_encode(text, SEGMENT).to_string()
    })?;
    let mut separator = '?';
    let flag = Some(sequence.flag).filter(|flag| !flag.is_empty());
    if let Some(flag) = flag {
        target.push(separator);
        target.push_str(flag);
        separator = '&';
    }
    for (name, value) in step.query {
        let value = variables.fill(value, judge::escaped)?;
        let value = utf8_percent_encode(&value, SEGMENT).to_string();
        target.push(separator);
        target.push_str(&format!("{name}={}", value.replace("%20", sequence.space)));
        separator = '&';
    }
    let body = match step.body {
        Body::None => String::new(),
        Body::Json(json) => variables.fill(json, judge::escaped)?,
        Body::Operations(operations) => {
            let operations = variables.fill(operations, judge::escaped)?;
            format!("{{\"schemas\":[\"{PATCH}\"],\"Operations\":{operations}}}")
        }
    };
    Ok(Ask {
        method: method(step.method),
        target,
        content_type: sequence.content_type,
        // Without the line breaks of the table.
        body: compact(&body),
    })
}

/// JSON as a machine writes it.
fn compact(json: &str) -> String {
    serde_json::from_str::<Value>(json).map_or_else(|_| json.to_owned(), |json| json.to_string())
}

pub(super) fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    }
}

/// A PATCH that makes somebody inactive.
pub(super) fn deactivation() -> String {
    let operation = json!({"op": "replace", "path": "active", "value": false});
    json!({"schemas": [PATCH], "Operations": [operation]}).to_string()
}

/// A path below the base URL that names a resource.
pub(super) fn resource(kind: Kind, id: &str) -> String {
    format!("{}/{}", kind.endpoint(), utf8_percent_encode(id, SEGMENT))
}

/// A search for a name.
pub(super) fn search(kind: Kind, name: &str) -> String {
    let filter = format!("{} eq \"{}\"", kind.name_attribute(), judge::escaped(name));
    let filter = utf8_percent_encode(&filter, SEGMENT);
    format!("{}?filter={filter}", kind.endpoint())
}

/// A random uuid (RFC 9562, version 4).
fn uuid(random: &dyn Random) -> Result<String, String> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    let mut number = u128::from_be_bytes(bytes);
    number = (number & !(0xf << 76)) | (4 << 76);
    number = (number & !(0b11 << 62)) | (0b10 << 62);
    let digits = format!("{number:032x}");
    let part = |range| digits.get(range).unwrap_or_default();
    Ok([
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ]
    .join("-"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::clock::SystemRandom;
    use crate::probe::Provider;

    fn variables() -> Variables {
        let mut variables = Variables::default();
        for name in [
            "tag",
            "login",
            "login-2",
            "address-2",
            "group-name",
            "group-name-2",
            "uuid",
            "user",
            "other",
            "group",
        ] {
            variables.set(name, format!("{name}+ \"x"));
        }
        variables
    }

    #[test]
    fn every_step_of_every_provider_can_be_written_and_is_json() {
        use clap::ValueEnum;
        for provider in Provider::value_variants() {
            for sequence in provider.sequences() {
                for step in sequence.steps {
                    let ask = ask(sequence, step, &variables()).unwrap();
                    let uri: Result<http::Uri, _> = format!("http://x{}", ask.target).parse();
                    assert!(uri.is_ok(), "{}: {}", step.name, ask.target);
                    if !ask.body.is_empty() {
                        let json: Result<Value, _> = serde_json::from_str(&ask.body);
                        assert!(json.is_ok(), "{}: {}", step.name, ask.body);
                    }
                    assert!(
                        matches!(
                            step.expects[0].check,
                            crate::probe::sequence::Check::Status(..)
                        ),
                        "{}: the status comes first",
                        step.name
                    );
                }
            }
        }
    }

    #[test]
    fn a_query_is_written_as_its_provider_writes_it() {
        let step = Step::get("x", "/Users", &[("filter", "userName eq \"<login>\"")]);
        let mut variables = Variables::default();
        variables.set("login", "a+b@x".to_owned());
        let target = |sequence| ask(sequence, &step, &variables).unwrap().target;
        assert_eq!(
            target(Provider::Okta.sequences()[0]),
            "/Users?filter=userName%20eq%20%22a%2Bb%40x%22"
        );
        assert_eq!(
            target(Provider::Entra.sequences()[1]),
            "/Users?aadOptscim062020&filter=userName+eq+%22a%2Bb%40x%22"
        );
    }

    #[test]
    fn a_uuid_says_that_it_is_random() {
        let uuid = uuid(&SystemRandom).unwrap();
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }
}
