//! What the tests of the database file build on.

use nameplate_store::{Change, ControlStore, Kind, Precondition, Put, Scope};
use nameplate_store_sql::SqliteStore;

/// A new document without keys.
pub fn put(kind: Kind, id: &str) -> Change {
    Change::Put(Put {
        kind,
        id: id.to_owned(),
        condition: Precondition::Absent,
        label: id.to_owned(),
        json: b"{}".to_vec(),
        keys: Vec::new(),
        index_version: "v1".to_owned(),
    })
}

/// A new tenant `acme` with a connection.
pub async fn scope(store: &SqliteStore) -> Scope {
    let tenant = store.add_tenant(1, "acme").await.unwrap().unwrap().id;
    let connection = store
        .add_connection(1, tenant, "okta", "auto")
        .await
        .unwrap()
        .unwrap()
        .id;
    Scope {
        tenant,
        connection: Some(connection),
    }
}
