//! Users by the thousand, written as the plugin would write them.

use nameplate_mapping::rules::Rules;
use nameplate_runtime::clock::Sources;
use nameplate_runtime::store::{
    Change, Connection, ControlStore, Key, Kind, Outcome, Precondition, Put, Scope, Unit, UserStore,
};
use nameplate_scim::config::Config;
use nameplate_scim::filter::{index_version, keys_of};
use serde_json::json;

use crate::App;
use crate::names::USER;

/// Users of one commit: one sync for so many.
const UNITS: usize = 1000;

impl App {
    /// The connection `okta` of tenant `default`.
    pub async fn connection(&self) -> Connection {
        let tenants = self.store.tenants().await.expect("tenants");
        let tenant = tenants.first().expect("a tenant").id;
        let connections = self.store.connections(tenant).await.expect("connections");
        connections.first().expect("a connection").clone()
    }

    /// Adds users `user0@example.com` and so on, many in one commit; their ids in order.
    pub async fn seed_users(&self, count: usize) -> Vec<String> {
        self.seed_users_indexed(count, &index_version(&config()))
            .await
    }

    /// The same with keys of another plugin's rules: none, under this name.
    pub async fn seed_users_of_another_plugin(&self, count: usize) -> Vec<String> {
        self.seed_users_indexed(count, "another-plugin").await
    }

    async fn seed_users_indexed(&self, count: usize, index: &str) -> Vec<String> {
        let connection = self.connection().await;
        let scope = Scope {
            tenant: connection.tenant,
            connection: Some(connection.id),
        };
        let ids: Vec<String> = (0..count)
            .map(|n| format!("0191aaaa-0000-7000-8000-{n:012x}"))
            .collect();
        let random = Sources::default().random;
        for (n, chunk) in ids.chunks(UNITS).enumerate() {
            let units = chunk
                .iter()
                .enumerate()
                .map(|(m, id)| user(id, n * UNITS + m, index))
                .collect();
            let mut commit_id = [0; 16];
            random.fill(&mut commit_id).expect("random bytes");
            let outcomes = self
                .store
                .commit(scope, 1, commit_id, units, None)
                .await
                .expect("a commit");
            for outcome in outcomes {
                assert!(matches!(outcome, Outcome::Committed { .. }), "{outcome:?}");
            }
        }
        ids
    }
}

/// What the plugin makes keys by where nothing is set.
fn config() -> Config {
    Config {
        derived: Some(Rules::default().derived()),
        ..Config::default()
    }
}

fn user(id: &str, n: usize, index: &str) -> Unit {
    let config = config();
    let name = format!("user{n}@example.com");
    let content = json!({"schemas": [USER], "userName": name});
    let rt = config
        .registry
        .resource_type(nameplate_scim::directory::Kind::User);
    let keys = match index == index_version(&config) {
        true => keys_of(rt, content.as_object().expect("an object"), &config),
        false => Vec::new(),
    };
    let put = Put {
        kind: Kind::User,
        id: id.to_owned(),
        condition: Precondition::Absent,
        label: name,
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
        index_version: index.to_owned(),
    };
    Unit {
        quota: Default::default(),
        changes: vec![Change::Put(put)],
        event: None,
    }
}
