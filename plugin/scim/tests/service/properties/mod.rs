//! What holds of any request, shown on requests nobody thought of. `PROPTEST_CASES`
//! asks for more cases than a test run takes.

use proptest::prelude::ProptestConfig;

mod changes;
mod hostile;
mod lists;
mod membership;
mod model;
mod patching;
mod rewritten;
mod traffic;
mod unchanged;

/// So many cases, unless the environment says how many. An input that fails is not
/// kept in a file: it becomes a test with a name.
pub fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: if asked { default.cases } else { cases },
        failure_persistence: None,
        // Enough to see what is wrong; more takes minutes.
        max_shrink_iters: 5000,
        ..default
    }
}
