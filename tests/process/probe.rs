//! `nameplate probe`: against the real server, and against servers that get things wrong.

mod relay;

use std::process::{Command, Output, Stdio};

use nameplate_tests::process::{Place, Server, Tokens};
use serde_json::{Value, json};

use self::relay::{Fault, Relay};
use crate::place;

const PROVIDERS: [&str; 4] = ["okta", "entra", "onelogin", "authentik"];

/// A server, and the token of its only connection.
struct Running {
    place: Place,
    server: Server,
    tokens: Tokens,
}

impl Running {
    fn start() -> Self {
        let place = place();
        let tokens = place.init().unwrap();
        let server = place.serve().unwrap();
        Self {
            place,
            server,
            tokens,
        }
    }

    fn url(&self) -> String {
        format!("http://{}/scim/v2", self.server.address())
    }

    /// `probe` with the token in its environment.
    fn probe(&self, args: &[&str]) -> Command {
        let mut all = vec!["probe"];
        all.extend(args);
        let mut command = self.place.command(&all);
        command.env("NAMEPLATE_PROBE_TOKEN", &self.tokens.scim);
        command
    }

    /// What Okta would make of this server behind a relay with a fault.
    fn through(&self, fault: Fault) -> Found {
        let relay = Relay::start(self.server.address(), &self.tokens.scim, fault);
        let args = [
            "--as",
            "okta",
            "--url",
            &relay.url(),
            "--json",
            "--timeout",
            "5",
        ];
        Found::of(self.probe(&args).output().unwrap())
    }

    /// How many of a kind the directory holds.
    fn total(&self, endpoint: &str) -> u64 {
        let mut client = self.server.client(&self.tokens.scim).unwrap();
        let list = client.get(&format!("/scim/v2{endpoint}?count=0")).unwrap();
        list.json()["totalResults"].as_u64().unwrap()
    }

    #[track_caller]
    fn is_clean(&self) {
        assert_eq!((self.total("/Users"), self.total("/Groups")), (0, 0));
    }
}

/// A finished probe with `--json`.
struct Found {
    code: Option<i32>,
    said: String,
    report: Value,
}

impl Found {
    fn of(output: Output) -> Self {
        let said = String::from_utf8(output.stderr).unwrap();
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {said}");
        });
        Self {
            code: output.status.code(),
            said,
            report,
        }
    }

    /// Every finding as `step: verdict: what`.
    fn findings(&self) -> Vec<String> {
        let steps = self.report.as_array().unwrap().iter();
        let steps = steps.flat_map(|run| run["steps"].as_array().unwrap());
        let findings = steps.flat_map(|step| {
            let name = step["step"].as_str().unwrap();
            let findings = step["findings"].as_array().into_iter().flatten();
            findings.map(move |finding| {
                for word in ["why", "fix"] {
                    assert!(!finding[word].as_str().unwrap().is_empty(), "{finding}");
                }
                let text = |word: &str| finding[word].as_str().unwrap().to_owned();
                format!("{name}: {}: {}", text("verdict"), text("what"))
            })
        });
        findings.collect()
    }

    #[track_caller]
    fn names(&self, finding: &str) {
        let findings = self.findings();
        assert!(
            findings.iter().any(|found| found.contains(finding)),
            "`{finding}` is not among {findings:#?}"
        );
    }

    /// Bad enough for the exit code to say so.
    #[track_caller]
    fn is_broken(&self) {
        assert_eq!(self.code, Some(1), "{}", self.said);
        assert!(self.said.starts_with("error: "), "{}", self.said);
        assert_eq!(self.said.lines().count(), 1, "{}", self.said);
    }
}

#[test]
fn every_provider_gets_along_with_this_server_and_leaves_nothing_behind() {
    let running = Running::start();
    for provider in PROVIDERS {
        let args = ["--as", provider, "--url", &running.url(), "--json"];
        let found = Found::of(running.probe(&args).output().unwrap());
        assert_eq!(found.findings(), [""; 0], "{provider}");
        assert_eq!(found.code, Some(0), "{provider}: {}", found.said);
        let runs = found.report.as_array().unwrap();
        assert_eq!(runs.len(), if provider == "entra" { 2 } else { 1 });
        for run in runs {
            assert_eq!(run["fine"], true, "{run:#}");
            assert_eq!(run["not_tried"], 0, "{run:#}");
            assert_eq!(run["left_behind"], json!([]), "{run:#}");
            let people = run["test_people"].as_str().unwrap();
            assert!(people.starts_with("nameplate-probe-"), "{people}");
            assert!(people.ends_with("@example.invalid"), "{people}");
        }
        running.is_clean();
    }
}

#[test]
fn the_report_for_people_tells_each_step_and_the_end() {
    let running = Running::start();
    let args = ["--as", "okta", "--url", &running.url()];
    let output = running.probe(&args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("Okta against http://127.0.0.1:"), "{text}");
    for part in [
        "ok         test the connector: users",
        "0 broken",
        "cleaned up: 2 deleted",
    ] {
        assert!(text.contains(part), "`{part}`: {text}");
    }
    assert!(!text.contains(&running.tokens.scim), "{text}");
}

#[test]
fn without_a_url_it_makes_a_token_for_this_server_and_revokes_it() {
    let running = Running::start();
    let address = running.server.address().to_string();
    let mut command = running.probe(&["--as", "onelogin", "--json", "--listen", &address]);
    let found = Found::of(
        command
            .env_remove("NAMEPLATE_PROBE_TOKEN")
            .output()
            .unwrap(),
    );
    assert_eq!(found.code, Some(0), "{}: {:#}", found.said, found.report);
    let list = running.place.run(&["token", "list"]).unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let of = |word: &str| list.lines().filter(|line| line.contains(word)).count();
    assert_eq!((of("valid"), of("revoked")), (2, 1), "{list}");
    running.is_clean();
}

#[test]
fn another_server_is_probed_without_a_database() {
    let running = Running::start();
    let elsewhere = place();
    let mut command = elsewhere.command(&["probe", "--as", "okta", "--url", &running.url()]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("`--token-file FILE`"), "{said}");
    let file = elsewhere.folder().join("token");
    std::fs::write(&file, format!("{}\n", running.tokens.scim)).unwrap();
    let output = command.args(["--token-file", "token"]).output().unwrap();
    assert!(output.status.success());
    assert!(!elsewhere.database().exists());
}

#[test]
fn kept_resources_are_listed_and_still_there() {
    let running = Running::start();
    let args = ["--as", "okta", "--url", &running.url(), "--json", "--keep"];
    let found = Found::of(running.probe(&args).output().unwrap());
    // Okta unlinked the group itself.
    assert_eq!(running.total("/Users"), 2);
    let left = &found.report[0]["left_behind"];
    assert_eq!(left.as_array().unwrap().len(), 3, "{left}");
}

#[test]
fn each_fault_of_a_bad_server_is_named() {
    let running = Running::start();
    for (fault, broken, name) in [
        (
            Fault::CreatedAs200,
            false,
            "create the person: works but: answered 200 instead of 201",
        ),
        (
            Fault::NothingIs404,
            true,
            "look for a person who is new: BROKEN: answered 404 instead of 200",
        ),
        (
            Fault::BooleanAsText,
            true,
            "deactivate the person: BROKEN: `active` is the text `false` and not the boolean",
        ),
        (
            Fault::NoLocation,
            false,
            "create the person: works but: there is no `Location` header",
        ),
        (
            Fault::IgnoresPatch,
            true,
            "see that the person is inactive: BROKEN: `active` is `true` instead of `false`",
        ),
        (
            Fault::TakesDuplicates,
            true,
            "create the same person again: BROKEN: answered 201 instead of 409",
        ),
        (
            Fault::NumbersAsText,
            true,
            "test the connector: users: BROKEN: `totalResults` is `0` and no number",
        ),
    ] {
        let found = running.through(fault);
        found.names(name);
        if broken {
            found.is_broken();
        } else {
            assert_eq!(found.code, Some(0), "{:#?}", found.findings());
        }
        running.is_clean();
    }
}

#[test]
fn what_cannot_be_read_back_is_left_and_told() {
    let running = Running::start();
    let found = running.through(Fault::NoJson);
    found.is_broken();
    found.names("test the connector: users: BROKEN: the answer is no `ListResponse`");
    let left = found.report[0]["left_behind"].as_array().unwrap().clone();
    assert_eq!(left.len(), 2, "{left:?}");
    for left in left {
        let left = left.as_str().unwrap();
        assert!(
            left.starts_with("user `") && left.contains("left alone"),
            "{left}"
        );
    }
    assert_eq!(running.total("/Users"), 2);
}

#[test]
fn a_token_that_is_refused_ends_the_probe_and_is_never_shown() {
    let running = Running::start();
    let relay = Relay::start(
        running.server.address(),
        &running.tokens.scim,
        Fault::RefusesAndRepeats,
    );
    for json in [true, false] {
        let mut args = vec!["--as", "okta", "--url"];
        let url = relay.url();
        args.push(&url);
        if json {
            args.push("--json");
        }
        let output = running.probe(&args).output().unwrap();
        let all = [output.stdout, output.stderr].concat();
        let all = String::from_utf8(all).unwrap();
        assert!(
            all.contains("no token `[token]`") || all.contains("[token]"),
            "{all}"
        );
        assert!(!all.contains(&running.tokens.scim), "{all}");
        let secret = running.tokens.scim.split('_').nth(3).unwrap();
        assert!(!all.contains(secret), "{all}");
    }
}

#[test]
fn a_server_that_answers_with_somebody_else_loses_nothing() {
    let running = Running::start();
    let mut client = running.server.client(&running.tokens.scim).unwrap();
    let boss = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "boss@example.com", "active": true})
    .to_string();
    let made = client.ask("POST", "/scim/v2/Users", &boss).unwrap();
    let target = format!("/scim/v2/Users/{}", made.text("/id"));
    let found = running.through(Fault::AnswersWith(made.json().to_string()));
    found.is_broken();
    found.names("`userName` in the answer is not what was sent");
    let after = client.get(&target).unwrap();
    assert_eq!(after.json(), made.json(), "untouched");
}

#[test]
fn what_a_lost_answer_made_is_found_by_its_name_and_deleted() {
    let running = Running::start();
    let found = running.through(Fault::LosesAnswersToPost);
    found.is_broken();
    let text = found.report.to_string();
    assert!(text.contains("the connection broke off"), "{text}");
    running.is_clean();
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for() {
    let running = Running::start();
    let relay = Relay::start(
        running.server.address(),
        &running.tokens.scim,
        Fault::Hangs("GET"),
    );
    let args = [
        "--as",
        "okta",
        "--url",
        &relay.url(),
        "--json",
        "--timeout",
        "1",
    ];
    let found = Found::of(running.probe(&args).output().unwrap());
    found.is_broken();
    let run = &found.report[0];
    assert_eq!(run["given_up"], true, "{run:#}");
    let reason = run["steps"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, "no whole answer within 1 s");
}

#[test]
fn an_interrupt_stops_it_and_what_was_made_is_deleted() {
    let running = Running::start();
    let relay = Relay::start(
        running.server.address(),
        &running.tokens.scim,
        Fault::Hangs("PUT"),
    );
    let mut command = running.probe(&["--as", "okta", "--url", &relay.url(), "--json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    relay.wait_until_it_hangs();
    assert_eq!(running.total("/Users"), 1, "made by now");
    let pid = child.id().to_string();
    let told = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(told.success());
    let found = Found::of(child.wait_with_output().unwrap());
    found.is_broken();
    assert!(found.said.contains("stopped"), "{}", found.said);
    running.is_clean();
}
