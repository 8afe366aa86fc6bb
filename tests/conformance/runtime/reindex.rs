//! While an index is being filled, nothing that exists is answered with "nothing".

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nameplate_runtime::ConnectionChange;
use nameplate_runtime::auth::Files;
use nameplate_tests::App;
use nameplate_tests::names::USER;
use serde_json::json;

const USERS: usize = 3000;
const BADGE: &str = "urn:example:params:scim:schemas:badge:2.0:User";

/// Asks for users by filters that an index would answer, again and again, while `work`
/// goes on and others create users; every answer has to have its one user.
async fn never_empty(app: &App, filters: &[String], work: impl Future<Output = ()>) {
    let done = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> = filters
        .iter()
        .map(|filter| {
            let (client, filter) = (app.scim(), filter.clone());
            let (done, asked) = (done.clone(), asked.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let found = client.find("/Users", &filter).await.expect(200);
                    assert_eq!(found.total(), 1, "{filter}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let (client, stop) = (app.scim(), done.clone());
    let writer = tokio::spawn(async move {
        let mut made = 0;
        while !stop.load(Ordering::Relaxed) {
            let name = format!("new{made}@example.com");
            let _ = client.user(&name).await;
            let filter = format!("userName eq \"{name}\"");
            let found = client.find("/Users", &filter).await;
            assert_eq!(found.expect(200).total(), 1, "{name}");
            made += 1;
        }
        made
    });
    work.await;
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    let made = writer.await.unwrap();
    let asked = asked.load(Ordering::Relaxed);
    eprintln!("{asked} filters were answered and {made} users created meanwhile");
    assert!(
        asked > filters.len() && made > 0,
        "nothing happened at the same time"
    );
}

/// Is a filter answered by the index now: the log says so if not.
async fn looks_at_every_resource(app: &App, filter: &str) -> bool {
    let found = app.scim().find("/Users", filter).await.expect(200);
    assert_eq!(found.total(), 1, "{filter}");
    let newest = app.requests().await.remove(0);
    newest["notes"].to_string().contains("index-not-ready")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_plugin_finds_what_another_one_indexed() {
    let app = App::start().await;
    let _ = app.seed_users_of_another_plugin(USERS).await;
    let filters: Vec<String> = ["user0", "user1500", "user2999"]
        .iter()
        .map(|name| format!("userName eq \"{name}@example.com\""))
        .collect();
    assert!(looks_at_every_resource(&app, &filters[1]).await);
    let connection = app.connection().await;
    never_empty(&app, &filters, async {
        app.runtime.reindex(&connection).await.unwrap();
    })
    .await;
    assert!(!looks_at_every_resource(&app, &filters[1]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_schema_with_an_index_is_filled_while_requests_go_on() {
    let app = App::start().await;
    let okta = app.scim();
    let _ = app.seed_users(USERS).await;
    // Received before the schema was declared: kept, and indexed once it is.
    let early = json!({"schemas": [USER, BADGE], "userName": "early@example.com",
        BADGE: {"number": "B-1"}});
    let _ = okta.post("/Users", &early).await.expect(201);
    let connection = app.connection().await;
    let settings = json!({"schemas": [{
        "resource": "User",
        "schema": {"id": BADGE, "name": "Badge", "attributes": [{"name": "number"}]},
        "indexed": ["number"],
    }]});
    let change = ConnectionChange {
        settings: settings.as_object().cloned(),
        ..ConnectionChange::default()
    };
    let changed = app
        .runtime
        .change_connection(connection.tenant, "okta", change, Files::Allowed)
        .await
        .unwrap();
    let filters = [
        "userName eq \"user2999@example.com\"".to_owned(),
        format!("{BADGE}:number eq \"B-1\""),
    ];
    assert!(looks_at_every_resource(&app, &filters[1]).await);
    never_empty(&app, &filters, async {
        app.runtime.reindex(&changed).await.unwrap();
    })
    .await;
    for filter in &filters {
        assert!(!looks_at_every_resource(&app, filter).await, "{filter}");
    }
}
