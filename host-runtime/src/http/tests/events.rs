//! The event log, where the plugin fails on an event.

use nameplate_store::{Change, EventDraft, Kind, Precondition, Put, Scope, Unit, UserStore};

use super::*;

/// Commits a user for each name, with an event of that name.
async fn events(world: &World, names: &[&str]) {
    let connections = world.runtime.connections(world.tenant).await.unwrap();
    let scope = Scope {
        tenant: world.tenant,
        connection: connections.first().map(|connection| connection.id),
    };
    for (at, name) in (0_u8..).zip(names) {
        let id = format!("u{at}");
        let put = Put {
            kind: Kind::User,
            id: id.clone(),
            condition: Precondition::Absent,
            label: id.clone(),
            json: b"{}".to_vec(),
            keys: Vec::new(),
            index_version: "v1".to_owned(),
        };
        let unit = Unit {
            quota: Default::default(),
            changes: vec![Change::Put(put)],
            event: Some(EventDraft {
                name: (*name).to_owned(),
                subject_kind: Kind::User,
                subject: id,
                logins: Vec::new(),
            }),
        };
        let store = &world.store;
        store
            .commit(scope, 1, [at; 16], vec![unit], None)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_event_the_plugin_fails_on_is_told_without_what_it_means() {
    let world = world().await;
    events(&world, &["test.fine", "test.trap", "test.fine"]).await;
    let answer = world.admin("GET", "/api/v1/events", "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let page = json_of(&answer);
    let told = page.pointer("/events").and_then(Value::as_array).unwrap();
    let variables: Vec<&Value> = told.iter().map(|event| &event["variables"]).collect();
    assert_eq!(variables, [&json!([]), &Value::Null, &json!([])]);
}

#[tokio::test]
async fn a_plugin_that_is_busy_makes_the_reader_try_again() {
    let world = world().await;
    events(&world, &["test.fine", "test.busy"]).await;
    let answer = world.admin("GET", "/api/v1/events", "").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(header::RETRY_AFTER));
    let one = world.admin("GET", "/api/v1/events?limit=1", "").await;
    assert_eq!(one.status(), StatusCode::OK);
}
