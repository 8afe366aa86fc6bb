//! One PATCH replaces 50,000 members.

use std::time::Instant;

use nameplate_runtime::clock::Sources;
use nameplate_runtime::store::{
    Change, ControlStore, Key, Kind, Outcome, Precondition, Put, Scope, Unit, UserStore,
};
use nameplate_scim::config::Config;
use nameplate_scim::filter::{index_version, keys_of};
use nameplate_scim::schema::Registry;
use nameplate_tests::App;
use nameplate_tests::names::{PATCH, USER};
use serde_json::{Value, json};

const MEMBERS: usize = 50_000;
/// Users of one commit: one sync for so many.
const UNITS: usize = 1000;

/// Adds users as the plugin would, many in one commit; their ids in order.
async fn seed(app: &App) -> Vec<String> {
    let tenant = app.store.tenants().await.unwrap().remove(0).id;
    let connection = app.store.connections(tenant).await.unwrap().remove(0).id;
    let scope = Scope {
        tenant,
        connection: Some(connection),
    };
    let ids: Vec<String> = (0..MEMBERS)
        .map(|n| format!("0191aaaa-0000-7000-8000-{n:012x}"))
        .collect();
    let random = Sources::default().random;
    for (n, chunk) in ids.chunks(UNITS).enumerate() {
        let units = chunk
            .iter()
            .enumerate()
            .map(|(m, id)| user(id, n * UNITS + m))
            .collect();
        let mut commit_id = [0; 16];
        random.fill(&mut commit_id).unwrap();
        let outcomes = app
            .store
            .commit(scope, 1, commit_id, units, None)
            .await
            .unwrap();
        for outcome in outcomes {
            assert!(matches!(outcome, Outcome::Committed { .. }), "{outcome:?}");
        }
    }
    ids
}

fn user(id: &str, n: usize) -> Unit {
    let config = Config::default();
    let content = json!({"schemas": [USER], "userName": user_name(n)});
    let rt = Registry::standard().resource_type(nameplate_scim::directory::Kind::User);
    let keys = keys_of(rt, content.as_object().unwrap(), &config);
    let put = Put {
        kind: Kind::User,
        id: id.to_owned(),
        condition: Precondition::Absent,
        label: user_name(n),
        json: content.to_string().into_bytes(),
        keys: keys
            .into_iter()
            .map(|key| Key {
                attribute: key.attribute,
                value: key.value,
                unique: key.unique,
                tracked: key.tracked,
            })
            .collect(),
        index_version: index_version(&config).to_owned(),
    };
    Unit {
        changes: vec![Change::Put(put)],
        event: None,
    }
}

fn user_name(n: usize) -> String {
    format!("user{n}@example.com")
}

#[tokio::test(flavor = "multi_thread")]
async fn one_patch_replaces_fifty_thousand_members() {
    let app = App::start().await;
    let okta = app.scim();
    let started = Instant::now();
    let users = seed(&app).await;
    eprintln!("{MEMBERS} users created in {:?}", started.elapsed());
    assert_eq!(
        okta.get("/Users?count=0").await.expect(200).total(),
        MEMBERS as u64
    );
    let old = okta.user("old@example.com").await;
    let group = okta.group("Everybody", &[&old]).await;
    let target = format!("/Groups/{group}");
    let members: Vec<Value> = users
        .iter()
        .map(|id| json!({"value": id, "display": "somebody@example.com"}))
        .collect();
    let body = json!({"schemas": [PATCH],
        "Operations": [{"op": "replace", "path": "members", "value": members}]});
    let body = body.to_string().into_bytes();
    assert!(body.len() > 4_000_000, "{} bytes", body.len());
    let started = Instant::now();
    let answer = okta.raw("PATCH", &target, &body).await.expect(204);
    eprintln!("{MEMBERS} members replaced in {:?}", started.elapsed());
    assert!(answer.header("etag").starts_with("W/\""));
    let whole = okta.get(&target).await.expect(200);
    assert!(whole.members() == users, "exactly the new members");
    let left = okta.get(&format!("/Users/{old}")).await.expect(200);
    assert_eq!(left.get("groups"), None);
    let list = okta.get("/Groups").await.expect(200);
    assert_eq!(
        list["Resources"][0].get("members"),
        None,
        "too many for a list"
    );
    // The same again changes nothing.
    let version = whole["meta"]["version"].clone();
    let again = okta.raw("PATCH", &target, &body).await.expect(204);
    assert_eq!(again.header("etag"), version);
    // A host of one of them shows the group.
    let _ = app.enrolled("1", "user777@example.com").await;
    assert_eq!(
        app.end_users("1").await[0]["idp_groups"],
        json!(["Everybody"])
    );
    let operations =
        json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", users[0])}]);
    let _ = okta.patch(&target, &operations).await.expect(204);
    let brief = okta
        .get(&format!("{target}?excludedAttributes=members"))
        .await
        .expect(200);
    assert_eq!(brief["displayName"], "Everybody");
}
