//! Eight writers at once on one group of 10,000 and on one user.

use std::collections::BTreeSet;

use nameplate_tests::{App, Client};
use serde_json::{Value, json};

const WRITERS: usize = 8;
const MEMBERS: usize = 10_000;
/// Changes each writer makes.
const CHANGES: usize = 25;

/// The number in a tag `W/"7"`.
fn number(tag: &str) -> u64 {
    let digits = tag.trim_start_matches("W/").trim_matches('"');
    digits.parse().unwrap()
}

async fn version(client: &Client, target: &str) -> u64 {
    let brief = format!("{target}?excludedAttributes=members");
    number(client.get(&brief).await.expect(200).header("etag"))
}

/// Runs `work` for each writer at the same time; the versions all of them were told.
async fn together<F, Fut>(okta: &Client, work: F) -> Vec<u64>
where
    F: Fn(usize, Client) -> Fut,
    Fut: Future<Output = Vec<u64>> + Send + 'static,
{
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(work(writer, okta.clone())))
        .collect();
    let mut versions = Vec::new();
    for writer in writers {
        versions.extend(writer.await.unwrap());
    }
    versions
}

/// Each change was told a version of its own, and none is missing.
#[track_caller]
fn all_accounted_for(mut versions: Vec<u64>, before: u64) {
    versions.sort_unstable();
    let expected: Vec<u64> = (before + 1..).take(versions.len()).collect();
    assert_eq!(versions, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_member_is_lost_and_every_version_is_accounted_for() {
    let app = App::start().await;
    let okta = app.scim();
    let users = app.seed_users(MEMBERS + WRITERS * CHANGES).await;
    let (members, newcomers) = users.split_at(MEMBERS);
    let ids: Vec<&str> = members.iter().map(String::as_str).collect();
    let target = format!("/Groups/{}", okta.group("Everybody", &ids).await);
    let before = version(&okta, &target).await;
    let versions = together(&okta, |writer, client| {
        let target = target.clone();
        let add = newcomers[writer * CHANGES..][..CHANGES].to_vec();
        let remove = members[writer * CHANGES..][..CHANGES].to_vec();
        async move {
            let mut versions = Vec::new();
            for (new, old) in add.iter().zip(&remove) {
                let operations = json!([
                    {"op": "add", "path": "members", "value": [{"value": new}]},
                    {"op": "remove", "path": format!("members[value eq \"{old}\"]")},
                ]);
                let answer = client.patch(&target, &operations).await.expect(204);
                versions.push(number(answer.header("etag")));
            }
            versions
        }
    })
    .await;
    all_accounted_for(versions, before);
    let removed = WRITERS * CHANGES;
    let expected: BTreeSet<&String> = users.iter().skip(removed).collect();
    let whole = okta.get(&target).await.expect(200);
    let left = whole.members();
    assert_eq!(left.iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(left.len(), expected.len(), "no member twice");

    // What is so already changes no version, whoever says it.
    let now = version(&okta, &target).await;
    let same = together(&okta, |writer, client| {
        let (target, new) = (target.clone(), newcomers[writer * CHANGES].clone());
        async move {
            let operations = json!([{"op": "add", "path": "members", "value": [{"value": new}]}]);
            let answer = client.patch(&target, &operations).await.expect(204);
            vec![number(answer.header("etag"))]
        }
    })
    .await;
    assert_eq!(same, vec![now; WRITERS]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_writer_of_one_user_is_starved_and_no_change_is_lost() {
    let app = App::start().await;
    let okta = app.scim();
    let target = format!("/Users/{}", okta.user("ana@example.com").await);
    let before = version(&okta, &target).await;
    let versions = together(&okta, |writer, client| {
        let target = target.clone();
        async move {
            let mut versions = Vec::new();
            for n in 0..CHANGES {
                // Each adds a value of its own to one list: a lost update would be seen.
                let phone = json!([{"type": "work", "value": format!("{writer}-{n}")}]);
                let operations = json!([{"op": "add", "path": "phoneNumbers", "value": phone}]);
                let answer = client.patch(&target, &operations).await.expect(200);
                versions.push(number(answer.header("etag")));
            }
            versions
        }
    })
    .await;
    all_accounted_for(versions, before);
    let user = okta.get(&target).await.expect(200);
    let phones: BTreeSet<&str> = user["phoneNumbers"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|phone| phone["value"].as_str())
        .collect();
    assert_eq!(phones.len(), WRITERS * CHANGES);
    let now = number(user.header("etag"));
    let same: Value = json!([{"op": "replace", "path": "active", "value": true}]);
    let answer = okta.patch(&target, &same).await.expect(200);
    assert_eq!(number(answer.header("etag")), now);
    assert_eq!(answer["meta"]["lastModified"], user["meta"]["lastModified"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_writers_that_name_the_same_version_one_wins() {
    let app = App::start().await;
    let okta = app.scim();
    let target = format!("/Users/{}", okta.user("ana@example.com").await);
    let tag = format!("W/\"{}\"", version(&okta, &target).await);
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (client, target, tag) = (okta.clone(), target.clone(), tag.clone());
            tokio::spawn(async move {
                let headers = [
                    ("if-match", tag.as_str()),
                    ("content-type", "application/scim+json"),
                ];
                let body = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                    "Operations": [{"op": "replace", "path": "title", "value": writer.to_string()}],
                });
                let body = body.to_string();
                let answer = client.send("PATCH", &target, &headers, body.as_bytes());
                answer.await.status
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for writer in writers {
        statuses.push(writer.await.unwrap());
    }
    statuses.sort_unstable();
    let mut expected = vec![412; WRITERS];
    expected[0] = 200;
    assert_eq!(statuses, expected);
}
