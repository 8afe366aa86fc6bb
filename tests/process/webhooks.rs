//! Deliveries to a receiver while both ends are killed, and the commands about them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::process::Output;

use nameplate_tests::Receiver;
use nameplate_tests::process::{Client, Place, Server, Tokens};
use nameplate_tests::receiver::Received;
use serde_json::{Value, json};

use crate::place;

/// Hosts, each with people who come and go.
const HOSTS: usize = 3;

#[track_caller]
fn stdout(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// `nameplate webhook …` to its end.
#[track_caller]
fn webhook(place: &Place, args: &[&str]) -> String {
    let mut all = vec!["webhook"];
    all.extend(args);
    all.push("--webhooks-allow-private");
    stdout(&place.run(&all).unwrap())
}

/// Adds a webhook; its id and secret.
fn add(place: &Place, receiver: &Receiver) -> (String, String) {
    let said = webhook(place, &["add", &receiver.url()]);
    let after = |word: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(word));
        line.unwrap().trim().to_owned()
    };
    (after("added webhook"), after("secret"))
}

/// A server that logs all it can into a file.
fn serve(place: &Place, log: &str) -> Server {
    let mut command = place.command(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--webhooks-allow-private",
        "--log",
        "debug",
    ]);
    command.stderr(File::create(place.folder().join(log)).unwrap());
    Server::start(command).unwrap()
}

/// An identity provider and a device-management server that never stop: every change is
/// an event of its own, and each host gets one person after the other.
struct Pushing {
    step: usize,
    user: String,
}

impl Pushing {
    fn new(server: &Server, tokens: &Tokens) -> Self {
        let mut admin = server.client(&tokens.admin).unwrap();
        for host in 0..HOSTS {
            let body = json!({"id": host.to_string()}).to_string();
            let made = admin.ask("POST", "/api/v1/hosts", &body).unwrap();
            assert_eq!(made.status, 201, "{made:?}");
        }
        let mut scim = server.client(&tokens.scim).unwrap();
        let mut user = String::new();
        for name in ["ana", "bo"] {
            let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": name});
            let made = scim.ask("POST", "/scim/v2/Users", &body.to_string());
            user = made.unwrap().text("/id");
        }
        Self { step: 0, user }
    }

    /// One more change at both faces; an error once the server is gone.
    fn push(&mut self, scim: &mut Client, admin: &mut Client) -> std::io::Result<()> {
        self.step += 1;
        let title = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "title", "value": format!("t{}", self.step)}],
        });
        let target = format!("/scim/v2/Users/{}", self.user);
        scim.ask("PATCH", &target, &title.to_string())?;
        let name = if self.step.is_multiple_of(2) {
            "ana"
        } else {
            "bo"
        };
        let target = format!("/api/v1/hosts/{}/enrollments", self.step % HOSTS);
        let body = json!({"username": name, "email": ""});
        admin.ask("POST", &target, &body.to_string())?;
        Ok(())
    }

    fn push_many(&mut self, server: &Server, tokens: &Tokens, count: usize) {
        let mut scim = server.client(&tokens.scim).unwrap();
        let mut admin = server.client(&tokens.admin).unwrap();
        for _ in 0..count {
            self.push(&mut scim, &mut admin).unwrap();
        }
    }
}

/// The whole event log: what every host should have been told.
fn log(server: &Server, tokens: &Tokens) -> Vec<Value> {
    let mut admin = server.client(&tokens.admin).unwrap();
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let target = format!("/api/v1/events?limit=1000&after={after}");
        let page = admin.get(&target).unwrap().json();
        let events = page["events"].as_array().unwrap();
        if events.is_empty() {
            return all;
        }
        all.extend(events.iter().cloned());
        after = page["next"].as_u64().unwrap();
    }
}

/// What each host was told, in order; of repeats the first.
fn by_host(events: impl Iterator<Item = Value>) -> BTreeMap<String, Vec<(u64, Value)>> {
    let mut told: BTreeMap<String, Vec<(u64, Value)>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for event in events {
        let seq = event["seq"].as_u64().unwrap();
        if event["subject"]["kind"] == "host" && seen.insert(seq) {
            let host = event["subject"]["id"].as_str().unwrap().to_owned();
            told.entry(host)
                .or_default()
                .push((seq, event["after"].clone()));
        }
    }
    told
}

fn has(received: &[Received], seq: u64) -> bool {
    received.iter().any(|message| message.seq() == seq)
}

#[test]
fn receiver_and_server_are_killed_and_every_event_arrives_in_order_per_host() {
    let place = place();
    let tokens = place.init().unwrap();
    let mut receiver = Receiver::start();
    let (id, secret) = add(&place, &receiver);
    let mut server = serve(&place, "first.log");
    let mut pushing = Pushing::new(&server, &tokens);

    pushing.push_many(&server, &tokens, 20);
    receiver.wait(|all| all.len() >= 10);
    for _ in 0..2 {
        receiver.kill();
        pushing.push_many(&server, &tokens, 20);
        receiver.restart();
        let newest = log(&server, &tokens).len() as u64;
        receiver.wait(|all| has(all, newest));
    }

    // Killed in the middle of both: the identity provider's requests and deliveries.
    let mut scim = server.client(&tokens.scim).unwrap();
    let mut admin = server.client(&tokens.admin).unwrap();
    let (killed, before) = (server.pid().to_string(), receiver.received().len());
    let killer = std::thread::scope(|scope| {
        let pusher = scope.spawn(|| while pushing.push(&mut scim, &mut admin).is_ok() {});
        receiver.wait(|all| all.len() >= before + 20);
        let status = std::process::Command::new("kill")
            .args(["-9", &killed])
            .status();
        pusher.join().unwrap();
        status
    });
    assert!(killer.unwrap().success());
    drop(server);
    server = serve(&place, "second.log");
    pushing.push_many(&server, &tokens, 10);

    let log = log(&server, &tokens);
    let newest = log.last().unwrap()["seq"].as_u64().unwrap();
    let received = receiver.wait(|all| has(all, newest));
    let arrived: BTreeSet<u64> = received.iter().map(Received::seq).collect();
    let expected: BTreeSet<u64> = log
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(
        arrived, expected,
        "every event, and none that is not in the log"
    );
    let told = by_host(
        received
            .iter()
            .map(|message| message.json()["data"].clone()),
    );
    assert_eq!(told.len(), HOSTS);
    assert_eq!(
        told,
        by_host(log.into_iter()),
        "the same story for every host"
    );
    assert!(received.iter().all(|message| message.verified(&secret)));
    let repeats = received.len() - arrived.len();
    assert!(
        repeats <= 150,
        "{repeats} of {} were repeats",
        received.len()
    );

    // The log knew how deliveries went, and not the secret.
    server.stop().unwrap();
    let logs = ["first.log", "second.log"]
        .map(|name| std::fs::read_to_string(place.folder().join(name)).unwrap());
    assert!(logs[0].contains("connection refused") && logs[0].contains(&id));
    let bare = secret.strip_prefix("whsec_").unwrap();
    for text in logs.iter().chain([&webhook(&place, &["list"])]) {
        assert!(!text.contains(bare), "the secret was written down");
    }
}

#[test]
fn webhooks_are_added_listed_changed_and_removed_by_command() {
    let place = place();
    let tokens = place.init().unwrap();
    let receiver = Receiver::start();
    let refused = place.run(&["webhook", "add", &receiver.url()]).unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("--webhooks-allow-private"), "{said}");

    let (id, secret) = add(&place, &receiver);
    let server = serve(&place, "log");
    let push = |name: &str| {
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name});
        let mut scim = server.client(&tokens.scim).unwrap();
        let made = scim
            .ask("POST", "/scim/v2/Users", &body.to_string())
            .unwrap();
        assert_eq!(made.status, 201);
    };
    push("ana");
    let received = receiver.wait(|all| all.len() == 1);
    assert!(received[0].verified(&secret));

    // The running server follows what another process writes.
    let said = webhook(&place, &["redeliver", &id, "--from", "1"]);
    assert!(said.contains("1 events"), "{said}");
    receiver.wait(|all| all.len() == 2);
    let said = webhook(&place, &["rotate", &id]);
    let new = said
        .lines()
        .next()
        .unwrap()
        .strip_prefix("secret ")
        .unwrap();
    push("bo");
    let received = receiver.wait(|all| all.len() == 3);
    assert!(received[2].verified(new) && received[2].verified(&secret));

    webhook(
        &place,
        &["set", &id, "--paused", "true", "--events", "user.,group."],
    );
    let list = webhook(&place, &["list"]);
    let line = list.lines().find(|line| line.starts_with(&id)).unwrap();
    for part in [&receiver.url(), "user.,group.", "paused"] {
        assert!(line.contains(part), "{part} is not in: {line}");
    }
    let letters = webhook(&place, &["dead-letters", &id]);
    assert_eq!(
        letters.lines().count(),
        1,
        "a head and no letter: {letters}"
    );
    webhook(&place, &["remove", &id]);
    assert_eq!(webhook(&place, &["list"]).lines().count(), 1);
    let gone = place.run(&["webhook", "remove", &id]).unwrap();
    let said = String::from_utf8(gone.stderr).unwrap();
    assert!(said.contains(&format!("no webhook `{id}`")), "{said}");
}
