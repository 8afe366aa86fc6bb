//! `nameplate doctor`: looks at everything an operator would look at, and says what to do.
//!
//! It changes nothing, and runs beside a server or without one. A check that cannot be
//! made because one before it failed is left out: its cause is told already.

mod database;
mod machine;
mod tenants;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::clock::{Clock, SystemClock};
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  nameplate doctor
  nameplate doctor --config /etc/nameplate/nameplate.toml --json
      for a program; the exit code is 1 if a check failed, warnings aside";

/// What the command line says.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Doctor {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print only what is not well
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// It works, and should be looked at.
    Warn,
    /// It does not work, or will not for long.
    Fail,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    /// How it is.
    says: String,
    /// What to do about it.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Ok,
            says: says.into(),
            todo: None,
        }
    }

    fn warn(check: &'static str, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            state: State::Warn,
            todo: Some(todo.into()),
            ..Self::ok(check, says)
        }
    }

    fn fail(check: &'static str, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            state: State::Fail,
            ..Self::warn(check, says, todo)
        }
    }

    /// One line for people. What clients and files say must not steer the terminal.
    fn line(&self) -> String {
        let Self {
            check,
            state,
            says,
            todo,
        } = self;
        let state = match state {
            State::Ok => "ok  ",
            State::Warn => "warn",
            State::Fail => "fail",
        };
        let todo = todo
            .as_deref()
            .map_or_else(String::new, |todo| format!("; {todo}"));
        format!("{state}  {check}: {says}{todo}").replace(char::is_control, " ")
    }
}

impl Doctor {
    /// Makes every check with what flags and environment say, and the file of settings.
    pub(super) async fn run(&self, flags: Config, file: Option<PathBuf>) -> Result<()> {
        let findings = findings(flags, file.as_deref()).await;
        if self.json {
            let worst = findings.iter().map(|finding| finding.state).max();
            println!("{:#}", json!({"worst": worst, "checks": findings}));
        } else {
            let shown = |finding: &&Finding| !self.quiet || finding.state > State::Ok;
            for finding in findings.iter().filter(shown) {
                println!("{}", finding.line());
            }
        }
        let failed = findings
            .iter()
            .filter(|finding| finding.state == State::Fail);
        match failed.count() {
            0 => Ok(()),
            count => bail!("{count} of {} checks failed", findings.len()),
        }
    }
}

async fn findings(flags: Config, file: Option<&Path>) -> Vec<Finding> {
    let config = match flags.with_file(file) {
        Ok(config) => config,
        Err(error) => {
            let todo = "correct the file; `nameplate help serve` lists every setting";
            return vec![Finding::fail("settings", format!("{error:#}"), todo)];
        }
    };
    let now = SystemClock.now();
    let mut findings = vec![Finding::ok("settings", "every setting is understood")];
    findings.extend(machine::settings(&config));
    findings.extend(machine::certificate(&config, now));
    findings.push(machine::clock(now));
    findings.extend(machine::kernel());
    findings.extend(machine::open_files(&config));
    findings.push(machine::plugin(&config).await);
    let (database, store) = database::check(&config.database());
    findings.extend(database);
    if let Some(store) = store {
        findings.extend(tenants::check(&store, now).await);
        store.close();
    }
    findings
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_line_says_how_it_is_and_what_to_do() {
        let finding = Finding::warn("clock", "late\u{1b}[2J", "wind it");
        assert_eq!(finding.line(), "warn  clock: late [2J; wind it");
        assert_eq!(Finding::ok("clock", "fine").line(), "ok    clock: fine");
    }

    #[tokio::test]
    async fn a_file_that_is_not_understood_is_the_one_finding() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nameplate.toml");
        std::fs::write(&file, "listn = 1\n").unwrap();
        let findings = findings(Config::default(), Some(&file)).await;
        let [finding] = findings.as_slice() else {
            unreachable!("{findings:?}")
        };
        assert_eq!((finding.check, finding.state), ("settings", State::Fail));
        assert!(finding.says.contains("listn"), "{finding:?}");
    }
}
