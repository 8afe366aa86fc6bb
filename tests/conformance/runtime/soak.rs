//! Some seconds of the soak; the long form is `cargo bench -p nameplate-tests --bench soak`.

use std::time::Duration;

use nameplate_runtime::limits::Limits;
use nameplate_runtime::wasm::EMBEDDED;
use nameplate_store_sql::{SqliteOptions, SqliteStore};
use nameplate_tests::component;
use nameplate_tests::faulty::Faults;
use nameplate_tests::soak::{self, Plan, Serving};

/// Many of each within seconds.
const FAULTS: Faults = Faults {
    before: 150,
    after: 250,
    slow: 60,
    slow_for: Duration::from_millis(20),
    burst: 10,
    burst_calls: 60,
};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_answered_is_lost_on_a_store_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nameplate.db");
    let store = SqliteStore::open(&file, SqliteOptions::default()).unwrap();
    let plan = Plan {
        tenants: 2,
        lasts: Duration::from_secs(3),
        pause: Duration::from_millis(2),
        longest_wait: Duration::from_millis(50),
        seed: 7,
    };
    let tenants = soak::tenants(&store, plan.tenants).await;
    let plugin = component(EMBEDDED, &Limits::default()).unwrap();
    let serving = Serving::start(store.clone(), std::sync::Arc::new(plugin), 7).await;
    let faulty = serving.store.clone();
    let tally = tokio::task::block_in_place(|| {
        soak::run(serving.address, &tenants, &plan, |on| {
            faulty.switch(on.then_some(FAULTS));
        })
    });
    assert_eq!(tally.violations(), [""; 0], "{:?}", faulty.failed());
    let failed = faulty.failed();
    assert!(failed.before > 0 && failed.after > 0, "{failed:?}");
    let refused: u64 = tally
        .lines()
        .values()
        .map(|line| line.count(503..504))
        .sum();
    assert!(refused > 0, "the faults are felt");
    assert_eq!(
        serving.reconcile().await.unwrap(),
        0,
        "hosts that were left behind"
    );
    serving.stop().await;
    store.close();
}
