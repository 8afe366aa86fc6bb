//! What a probe found, for people and for machines.
//!
//! This must not know SCIM. Texts that came from the server are made harmless before
//! they get here.

use std::time::Duration;

use serde_json::{Value, json};

use super::clean::Cleaned;
use super::judge::Finding;
use super::sequence::{Grade, Step};

/// The width of a step's name on a terminal.
const NAME: usize = 48;

/// A step that was tried.
#[derive(Clone, Debug)]
pub struct Tried {
    name: &'static str,
    method: &'static str,
    target: String,
    outcome: Outcome,
}

/// What became of it.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// There was an answer.
    Answered {
        status: u16,
        took: Duration,
        findings: Vec<Finding>,
    },
    /// There was none; why.
    Silent(String),
    /// It could not be sent; why.
    Skipped(String),
}

impl Tried {
    pub(super) fn new(step: &Step, target: &str, outcome: Outcome) -> Self {
        Self {
            name: step.name,
            method: step.method.as_str(),
            target: target.to_owned(),
            outcome,
        }
    }

    /// Is the token refused? Nothing else will work then.
    pub(super) fn is_refused(&self) -> bool {
        matches!(&self.outcome, Outcome::Answered { status: 401 | 403, findings, .. }
            if findings.iter().any(|finding| finding.grade == Grade::Broken))
    }

    pub(super) fn is_silent(&self) -> bool {
        matches!(self.outcome, Outcome::Silent(_))
    }

    /// How well the provider gets along; none if the step was left out.
    pub fn grade(&self) -> Option<Grade> {
        match &self.outcome {
            Outcome::Answered { findings, .. } => Some(
                findings
                    .iter()
                    .map(|finding| finding.grade)
                    .max()
                    .unwrap_or(Grade::Ok),
            ),
            Outcome::Silent(_) => Some(Grade::Broken),
            Outcome::Skipped(_) => None,
        }
    }

    /// Lines for people.
    pub fn text(&self) -> String {
        let verdict = self.grade().map_or("not tried", word);
        let mut text = format!("{verdict:9}  {:NAME$}  ", self.name);
        match &self.outcome {
            Outcome::Answered { status, took, .. } => {
                let millis = took.as_millis();
                text.push_str(&format!("{status}  {millis} ms  "));
            }
            Outcome::Silent(_) => text.push_str("no answer  "),
            Outcome::Skipped(_) => {}
        }
        text.push_str(&format!("{} {}\n", self.method, self.target));
        match &self.outcome {
            Outcome::Answered { findings, .. } => {
                for finding in findings {
                    let Finding {
                        grade,
                        what,
                        why,
                        fix,
                    } = finding;
                    let grade = word(*grade);
                    text.push_str(&format!("           {grade}: {what}\n"));
                    text.push_str(&format!("             why it matters: {why}\n"));
                    text.push_str(&format!("             what to change: {fix}\n"));
                }
            }
            Outcome::Silent(why) | Outcome::Skipped(why) => {
                text.push_str(&format!("           {why}\n"));
            }
        }
        text
    }

    fn json(&self) -> Value {
        let mut json = json!({
            "step": self.name,
            "method": self.method,
            "target": self.target,
            "verdict": self.grade().map_or("not tried", word),
        });
        let more = match &self.outcome {
            Outcome::Answered {
                status,
                took,
                findings,
            } => {
                let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                let findings: Vec<Value> = findings.iter().map(finding).collect();
                json!({"status": status, "micros": micros, "findings": findings})
            }
            Outcome::Silent(why) | Outcome::Skipped(why) => json!({"reason": why}),
        };
        if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
            json.extend(more);
        }
        json
    }
}

fn finding(finding: &Finding) -> Value {
    let Finding {
        grade,
        what,
        why,
        fix,
    } = finding;
    json!({"verdict": word(*grade), "what": what, "why": why, "fix": fix})
}

fn word(grade: Grade) -> &'static str {
    match grade {
        Grade::Ok => "ok",
        Grade::Works => "works but",
        Grade::Broken => "BROKEN",
    }
}

/// Everything one run found.
#[derive(Clone, Debug)]
pub struct Report {
    title: String,
    url: String,
    people: String,
    tried: Vec<Tried>,
    stopped: bool,
}

impl Report {
    pub(super) fn new(title: &str, url: &str, tag: &str) -> Self {
        Self {
            title: title.to_owned(),
            url: url.to_owned(),
            people: format!("{tag}…@example.invalid"),
            tried: Vec::new(),
            stopped: false,
        }
    }

    pub(super) fn add(&mut self, tried: Tried) {
        self.tried.push(tried);
    }

    /// It was given up before its end.
    pub(super) fn stopped(&mut self) {
        self.stopped = true;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tried.is_empty()
    }

    /// Steps of this grade; of none: those not tried.
    pub fn count(&self, grade: Option<Grade>) -> usize {
        let of = |tried: &&Tried| tried.grade() == grade;
        self.tried.iter().filter(of).count()
    }

    /// Would the provider get along.
    pub fn is_fine(&self) -> bool {
        !self.stopped && self.count(Some(Grade::Broken)) == 0 && self.count(None) == 0
    }

    /// The line above the steps.
    pub fn head(&self) -> String {
        let Self {
            title, url, people, ..
        } = self;
        format!("{title} against {url}\ntest people: {people}\n")
    }

    /// The lines below the steps.
    pub fn foot(&self, cleaned: Option<&Cleaned>) -> String {
        let mut text = format!(
            "{} ok, {} work but, {} broken, {} not tried\n",
            self.count(Some(Grade::Ok)),
            self.count(Some(Grade::Works)),
            self.count(Some(Grade::Broken)),
            self.count(None),
        );
        if self.stopped {
            text.push_str("given up there: no further step makes sense before that is put right\n");
        }
        if let Some(Cleaned { deleted, left }) = cleaned {
            text.push_str(&format!("cleaned up: {deleted} deleted at the end\n"));
            for left in left {
                text.push_str(&format!("left behind: {left}\n"));
            }
        }
        text
    }

    /// The whole for machines.
    pub fn json(&self, cleaned: Option<&Cleaned>, kept: &[String]) -> Value {
        let steps: Vec<Value> = self.tried.iter().map(Tried::json).collect();
        let (deleted, left) = match cleaned {
            Some(Cleaned { deleted, left }) => (*deleted, left.as_slice()),
            None => (0, kept),
        };
        json!({
            "provider": self.title,
            "url": self.url,
            "test_people": self.people,
            "steps": steps,
            "ok": self.count(Some(Grade::Ok)),
            "works_but": self.count(Some(Grade::Works)),
            "broken": self.count(Some(Grade::Broken)),
            "not_tried": self.count(None),
            "given_up": self.stopped,
            "fine": self.is_fine(),
            "deleted_at_end": deleted,
            "left_behind": left,
        })
    }
}
