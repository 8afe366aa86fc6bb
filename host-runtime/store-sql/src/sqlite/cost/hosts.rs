//! The same for hosts, what is promised to them, and what is told of them.

use nameplate_store::{
    Assignment, AssignmentOutcome, DeadLetter, EventDraft, HostName, HostRecord, HostWrite,
    Promise, WebhookProgress,
};

use super::*;
use crate::sqlite::hosts::{assignments, promises, records};
use crate::sqlite::{below, departures, events, webhooks};

const KEEP: Keep = Keep {
    events: 100,
    waiting: 1000,
};

/// `count` of everything: hosts that have serials, names and a user, promises,
/// departures, events that a webhook has to pass yet, and its dead letters. Two groups
/// are nested in the large one.
fn filled(count: usize) -> Directory {
    let directory = Directory::of(count);
    let nested = |id: &str| {
        Change::Put(Put {
            kind: Kind::Group,
            id: id.to_owned(),
            keys: Vec::new(),
            ..user(0)
        })
    };
    let into = |group: &str, member: &str| {
        let mut delta = members([]);
        group.clone_into(&mut delta.group);
        delta.add.push(NewMember {
            id: member.to_owned(),
            display: None,
            login: None,
        });
        Change::Members(delta)
    };
    directory.commit(vec![
        nested("g2"),
        nested("g3"),
        into("g1", "g2"),
        into("g2", "g3"),
        into("g3", &id(count - 1)),
        into("g3", &id(0)),
    ]);
    let rows = format!(
        "CREATE TEMP TABLE n AS WITH RECURSIVE n (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM n WHERE n < {count} - 1)
             SELECT n, printf('%06d', n) AS name FROM n;
         INSERT INTO hosts (tenant, id, display_name, platform, serial, uuid, created, version, outcome, user_id, login, reason, serial_key, name_key)
             SELECT 1, 'h' || name, 'Mac ' || name, '', 'S' || name, '', 1, 1, 'linked', 'u' || name, 'a', 'b', 's' || name, 'mac ' || name FROM n;
         INSERT INTO host_history (tenant, host, until, outcome, login, reason, replaced_because)
             SELECT 1, 'h000000', 1, 'pending', '', '', '' FROM n LIMIT 200;
         INSERT INTO promises (tenant, kind, name_key, name, username, email, full_name, since)
             SELECT 1, n % 2, 'p' || name, 'p', 'a', '', '', 1 FROM n;
         INSERT INTO departures (tenant, id, connection, label, deleted) SELECT 1, 'd' || name, 1, '', 1 FROM n;
         INSERT INTO events (tenant, seq, connection, at, name, subject_kind, subject, settled, logins, added, removed)
             SELECT 1, n + 1, 1, 1, 'a', 0, 'u', 1, x'', x'', x'' FROM n;
         UPDATE tenants SET event_seq = {count}, host_count = {count};
         INSERT INTO webhooks (tenant, id, url, secret, events, created, position, failures, next_try, last_error, paused, dead_letters)
             VALUES (1, 'w1', '', x'', x'', 1, 50, 0, 0, '', 0, {count}), (1, 'w2', '', x'', x'', 1, 60, 0, 0, '', 0, 0);
         INSERT INTO dead_letters (tenant, webhook, seq, at, attempts, error) SELECT 1, 'w1', n + 1, 1, 1, '' FROM n;",
    );
    directory.connection.execute_batch(&rows).unwrap();
    directory
}

fn scope() -> Scope {
    Scope {
        tenant: TENANT,
        connection: Some(OKTA),
    }
}

fn pending(reason: &str) -> Assignment {
    Assignment {
        outcome: AssignmentOutcome::Pending,
        reason: reason.to_owned(),
        ..Assignment::default()
    }
}

fn host(number: usize) -> String {
    format!("h{number:06}")
}

fn record(number: usize) -> HostRecord {
    HostRecord {
        id: host(number),
        serial: format!("S{number:06}"),
        ..HostRecord::default()
    }
}

fn promise(name: &str) -> Promise {
    Promise {
        name: HostName::Serial(name.to_owned()),
        username: "new".to_owned(),
        email: String::new(),
        full_name: String::new(),
        since: 1,
    }
}

fn letter(seq: u64) -> DeadLetter {
    DeadLetter {
        seq,
        at: 1,
        attempts: 1,
        error: String::new(),
    }
}

fn people(last: usize) -> Vec<(&'static str, Operation)> {
    let below = |at: &Directory, group: &str, after: Option<&str>, count| {
        let users = below::users(&at.connection, scope(), group, after, 10).unwrap();
        assert_eq!(users.len(), count);
    };
    let deleted = EventDraft {
        name: "user.deleted".to_owned(),
        subject_kind: Kind::User,
        subject: id(last - 3),
        logins: Vec::new(),
    };
    let gone = Delete {
        kind: Kind::User,
        id: id(last - 3),
        condition: Precondition::Exists,
    };
    vec![
        (
            "users below a large group",
            Box::new(move |at| below(at, "g1", None, 10)),
        ),
        (
            "the last users below it",
            Box::new(move |at| below(at, "g1", Some(&id(last - 2)), 1)),
        ),
        (
            "users below a small group",
            Box::new(move |at| below(at, "g2", None, 2)),
        ),
        (
            "list departures",
            Box::new(|at| {
                let found = departures::after(&at.connection, TENANT, Some("d000050"), 10);
                assert_eq!(found.unwrap().len(), 10);
            }),
        ),
        (
            "a departure",
            Box::new(move |at| {
                let id = format!("d{last:06}");
                let found = departures::of(&at.connection, TENANT, &id).unwrap();
                assert!(found.is_some());
            }),
        ),
        (
            "depart",
            Box::new(move |at| at.commit_about(vec![Change::Delete(gone.clone())], &deleted)),
        ),
    ]
}

fn machines(last: usize) -> Vec<(&'static str, Operation)> {
    let named = |at: &Directory, name: HostName| {
        let found = records::named(&at.connection, TENANT, &name, None, 10).unwrap();
        assert_eq!(found.len(), 1);
    };
    vec![
        (
            "a host by serial",
            Box::new(move |at| named(at, HostName::Serial(format!("s{last:06}")))),
        ),
        (
            "a host by name",
            Box::new(move |at| named(at, HostName::Name(format!("MAC {last:06}")))),
        ),
        (
            "the number of hosts",
            Box::new(|at| assert!(records::count(&at.connection, TENANT).unwrap() > 0)),
        ),
        (
            "a new host",
            Box::new(move |at| {
                let new = record(last + 1);
                assert!(records::put_host(&at.connection, TENANT, 1, &new).unwrap());
            }),
        ),
        (
            "an assignment",
            Box::new(|at| {
                let put = |host: &str| {
                    let new = pending("r");
                    assignments::put_assignment(&at.connection, TENANT, 1, host, 1, &new, KEEP)
                };
                // One with a full history.
                for number in [0, 9] {
                    assert_eq!(put(&host(number)).unwrap(), HostWrite::Written(2));
                }
            }),
        ),
        (
            "delete a host",
            Box::new(move |at| {
                let gone = records::delete_host(&at.connection, TENANT, 1, &host(last), KEEP);
                assert!(gone.unwrap());
            }),
        ),
        (
            "promises to a host",
            Box::new(move |at| {
                let even = format!("P{:06}", last / 2 * 2);
                let found = promises::to(&at.connection, TENANT, &even, "nobody").unwrap();
                assert_eq!(found.len(), 1);
            }),
        ),
        (
            "list promises",
            Box::new(|at| {
                let after = HostName::Name("p000051".to_owned());
                let found = promises::after(&at.connection, TENANT, Some(&after), 10).unwrap();
                assert_eq!(found.len(), 10);
            }),
        ),
        (
            "promise",
            Box::new(|at| {
                for name in ["new", "p000050"] {
                    assert!(promises::put(&at.connection, TENANT, &promise(name)).unwrap());
                }
                let name = HostName::Serial("p000052".to_owned());
                assert!(promises::drop(&at.connection, TENANT, &name).unwrap());
            }),
        ),
    ]
}

fn told(last: usize) -> Vec<(&'static str, Operation)> {
    let last = u64::try_from(last).unwrap();
    let progress = WebhookProgress {
        position: 51,
        ..WebhookProgress::default()
    };
    vec![
        (
            "the range of the log",
            Box::new(|at| assert!(events::range(&at.connection, TENANT).unwrap().1 > 0)),
        ),
        (
            "a webhook moves",
            Box::new(move |at| {
                let moved = webhooks::advance(&at.connection, TENANT, "w1", 50, &progress);
                assert!(moved.unwrap());
            }),
        ),
        (
            "dead letters",
            Box::new(move |at| {
                let found = webhooks::letters(&at.connection, TENANT, "w1", last - 20, 10);
                assert_eq!(found.unwrap().len(), 10);
            }),
        ),
        (
            "a dead letter more",
            Box::new(move |at| {
                let kept = webhooks::bury(&at.connection, TENANT, "w1", &letter(last + 2));
                assert!(kept.unwrap());
            }),
        ),
        (
            "a dead letter fewer",
            Box::new(move |at| {
                let gone = webhooks::remove(&at.connection, TENANT, "w1", &[last]).unwrap();
                assert_eq!(gone, 1);
            }),
        ),
    ]
}

#[test]
fn nothing_about_hosts_costs_more_among_many() {
    let costs = |count: usize| {
        let mut directory = filled(count);
        let last = count - 1;
        directory.count();
        let operations = [people(last), machines(last), told(last)];
        operations
            .into_iter()
            .flatten()
            .map(|(name, operation)| {
                let before = directory.steps();
                operation(&directory);
                (name, directory.steps() - before)
            })
            .collect::<Vec<_>>()
    };
    // Below 10,000, for with 10,000 dead letters each one more takes one away.
    for ((name, few), (_, many)) in costs(1_000).into_iter().zip(costs(9_000)) {
        assert!(few > 0, "{name} was not counted");
        assert!(
            many * 10 <= few * 11,
            "{name}: {few} steps among few, {many} among many"
        );
    }
}
