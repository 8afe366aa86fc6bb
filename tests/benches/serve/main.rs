//! What a request costs: over HTTP, on the durable SQLite store, with hosts enrolled.
//!
//! Run with `cargo bench -p nameplate-tests`. Servers are child processes (this
//! program again, with an argument), so their processor time is their own; what is
//! compared is measured in turns within one run, so that a noisy machine is noisy for
//! both. Nothing fails by a time: the table is for people.

mod core;
mod mapping;
mod measure;
mod seed;
mod serving;

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;

use measure::{Compared, Counter, Request, Target, compare};
use seed::{Seeded, Size};
use serving::Which;

/// The directory most customers have, and one of the largest.
const SMALL: Size = Size {
    users: 1_000,
    members: 100,
    hosts: 1_000,
};
const LARGE: Size = Size {
    users: 100_000,
    members: 100_000,
    hosts: 100_000,
};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, which, database, cache] = args.as_slice()
        && mode == serving::MODE
    {
        return serving::serve(which.parse()?, Path::new(database), Path::new(cache));
    }
    let folder = TempDir::new()?;
    let place = |name: &str| folder.path().join(name);
    println!(
        "seeding {} and {} users, each with a host …",
        SMALL.users, LARGE.users
    );
    let small = seed::seed(&place("sandbox.db"), SMALL)?;
    let large = seed::seed(&place("large.db"), LARGE)?;
    println!(
        "\nmapping, {} hosts against {}, sandboxed",
        LARGE.hosts, SMALL.hosts
    );
    mapping::run(&place("large.db"), &place("sandbox.db"))?;
    std::fs::copy(place("sandbox.db"), place("native.db")).context("copying the database")?;

    let sandbox = serving::start(Which::Sandbox, &place("sandbox.db"))?;
    let native = serving::start(Which::Native, &place("native.db"))?;
    let at_large = serving::start(Which::Sandbox, &place("large.db"))?;
    let mut sandbox = Target::new(&sandbox, small.clone());
    let mut native = Target::new(&native, small);
    let mut at_large = Target::new(&at_large, large);

    println!("\nsandboxed against native, {} users", SMALL.users);
    print_head("sandbox", "native");
    for (name, request) in CASES {
        print_line(name, &compare(&mut sandbox, &mut native, request)?);
    }
    println!(
        "\n{} users and members against {} users and {} members, sandboxed",
        LARGE.users, SMALL.users, SMALL.members
    );
    print_head("large", "small");
    for (name, request) in FLAT {
        print_line(name, &compare(&mut at_large, &mut sandbox, request)?);
    }
    println!("\nthe core alone, in memory, without HTTP");
    print_head("sandbox", "native");
    for (name, compared) in core::run()? {
        print_line(name, &compared);
    }
    println!("\np50: median latency; cpu: processor time of the server per request");
    Ok(())
}

type Case = (&'static str, fn(&Seeded, &mut Counter) -> Request);

const CASES: [Case; 5] = [
    ("GET user by id", get_user),
    ("GET filter=userName eq", filter_user),
    ("POST user", post_user),
    ("PATCH user", patch_user),
    ("PATCH group, one member", patch_group),
];

const FLAT: [Case; 4] = [
    ("GET user by id", get_user),
    ("GET filter=userName eq", filter_user),
    ("PATCH group, one member", patch_group),
    ("rename, its host follows", rename_user),
];

fn get_user(seeded: &Seeded, counter: &mut Counter) -> Request {
    Request {
        method: "GET",
        target: format!("/scim/v2/Users/{}", counter.pick(&seeded.users)),
        body: String::new(),
        status: &[200],
    }
}

fn filter_user(seeded: &Seeded, counter: &mut Counter) -> Request {
    let name = seed::user_name(counter.next() % seeded.users.len());
    let filter = nameplate_tests::process::encode(&format!("userName eq \"{name}\""));
    Request {
        method: "GET",
        target: format!("/scim/v2/Users?filter={filter}"),
        body: String::new(),
        status: &[200],
    }
}

fn post_user(_: &Seeded, counter: &mut Counter) -> Request {
    Request {
        method: "POST",
        target: "/scim/v2/Users".to_owned(),
        body: seed::user(&format!("new{}@example.com", counter.next())).to_string(),
        status: &[201],
    }
}

fn patch_user(seeded: &Seeded, counter: &mut Counter) -> Request {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{
            "op": "replace",
            "value": {"title": format!("Engineer {}", counter.next())},
        }],
    });
    Request {
        method: "PATCH",
        target: format!("/scim/v2/Users/{}", counter.pick(&seeded.users)),
        body: body.to_string(),
        status: &[200],
    }
}

/// Each user has a host, whose assignment is found again by the login.
fn rename_user(seeded: &Seeded, counter: &mut Counter) -> Request {
    let turn = counter.next();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{
            "op": "replace",
            "value": {"userName": format!("renamed{turn}@example.com")},
        }],
    });
    Request {
        method: "PATCH",
        target: format!("/scim/v2/Users/{}", counter.pick(&seeded.users)),
        body: body.to_string(),
        status: &[200],
    }
}

/// Takes one member out and puts it in again, in turns: the group keeps its size.
fn patch_group(seeded: &Seeded, counter: &mut Counter) -> Request {
    let turn = counter.next();
    let member = seed::at(&seeded.members, turn / 2);
    let operation = if turn.is_multiple_of(2) {
        json!({"op": "remove", "path": format!("members[value eq \"{member}\"]")})
    } else {
        json!({"op": "add", "path": "members", "value": [{"value": member}]})
    };
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [operation],
    });
    Request {
        method: "PATCH",
        target: format!("/scim/v2/Groups/{}", seeded.group),
        body: body.to_string(),
        status: &[200, 204],
    }
}

fn print_head(left: &str, right: &str) {
    println!(
        "  {:<26}{:>12}{:>12}{:>8}{:>14}{:>14}{:>8}",
        "",
        format!("{left} p50"),
        format!("{right} p50"),
        "ratio",
        format!("{left} cpu"),
        format!("{right} cpu"),
        "ratio"
    );
}

fn print_line(name: &str, compared: &Compared) {
    let Compared { left, right } = compared;
    println!(
        "  {name:<26}{:>9.1} µs{:>9.1} µs{:>8.2}{:>11.1} µs{:>11.1} µs{:>8.2}",
        left.p50,
        right.p50,
        left.p50 / right.p50,
        left.cpu,
        right.cpu,
        left.cpu / right.cpu
    );
}
