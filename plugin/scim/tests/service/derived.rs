//! Keys that somebody else derives from users: filled like others, in nobody's way.

use std::sync::Arc;

use nameplate_scim::derived::{Derived, index_of, is_complete, key_of};
use nameplate_scim::directory::{Detail, Direction, Directory, Find, KeyRange, Kind};
use nameplate_scim::reindex_step;
use serde_json::{Value, json};

use crate::client::{Client, USER};

/// Users are found by their title, under this name.
fn derived(name: &'static str) -> Derived {
    Derived::new(
        name.to_owned(),
        Arc::new(move |user| {
            let title = user.get("title").and_then(Value::as_str);
            let title = title.map(|title| (name.to_owned(), title.to_owned()));
            title.into_iter().collect()
        }),
    )
}

/// One step of at most this many documents; those that were written, and where to go on.
fn step(client: &mut Client, cursor: Option<&[u8]>, limit: u32) -> (u32, Option<Vec<u8>>) {
    let Client {
        config,
        directory,
        world,
    } = client;
    let step = reindex_step(config, directory, world, cursor, limit).unwrap();
    (step.written, step.next)
}

fn having(client: &mut Client, name: &str, title: &str) -> Vec<String> {
    let find = Find {
        kind: Kind::User,
        index: index_of(name),
        range: KeyRange::Equal(key_of(title)),
        direction: Direction::Ascending,
        skip: 0,
        after: None,
        limit: 10,
        want: Detail::Ids,
    };
    let page = client.directory.find(&find).unwrap();
    page.hits.into_iter().map(|hit| hit.id).collect()
}

fn complete(client: &mut Client, name: &'static str) -> bool {
    let mut find = |find: &Find| client.directory.find(find);
    is_complete(derived(name).version(), &mut find).unwrap()
}

fn titled(client: &mut Client, name: &str, title: &str) -> String {
    let body = json!({"schemas": [USER], "userName": name, "title": title});
    client.post("/Users", &body).expect(201).id()
}

#[test]
fn what_is_derived_is_filled_while_filters_go_on_by_their_indexes() {
    let mut client = Client::new();
    let ana = titled(&mut client, "ana", "Chief");
    client.config.derived = Some(derived("rank"));
    assert!(!complete(&mut client, "rank"));
    let found = client.filter("/Users", "userName eq \"ana\"").expect(200);
    assert_eq!(found.ids(), [ana.clone()]);
    assert!(!client.noted("index-not-ready"));
    // Whoever is written meanwhile has the new keys already.
    let ben = titled(&mut client, "ben", "CHIEF");
    assert_eq!(having(&mut client, "rank", "chief"), [ben.clone()]);
    step(&mut client, None, 10);
    let mut both = vec![ana, ben];
    both.sort();
    assert_eq!(having(&mut client, "rank", "chief"), both);
    assert!(complete(&mut client, "rank"));
    assert_eq!(
        step(&mut client, None, 10),
        (0, None),
        "nothing is left to do"
    );
}

#[test]
fn another_rule_takes_the_place_of_the_keys_of_the_one_before() {
    let mut client = Client::new();
    client.config.derived = Some(derived("rank"));
    let ana = titled(&mut client, "ana", "Chief");
    client.config.derived = Some(derived("post"));
    assert!(complete(&mut client, "rank") && !complete(&mut client, "post"));
    let (written, _) = step(&mut client, None, 10);
    assert_eq!(written, 1);
    assert_eq!(having(&mut client, "post", "chief"), [ana]);
    assert!(having(&mut client, "rank", "chief").is_empty());
}

#[test]
fn a_user_without_any_value_counts_as_filled() {
    let mut client = Client::new();
    let _ = client.user("ana");
    client.config.derived = Some(derived("rank"));
    let (written, _) = step(&mut client, None, 10);
    assert_eq!(written, 1);
    assert!(complete(&mut client, "rank"));
}
