//! SQLite keeps the contract.

#![expect(clippy::unwrap_used, reason = "tests")]

use nameplate_store::contract_suite;
use nameplate_store_sql::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

fn store() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store =
        SqliteStore::open(&folder.path().join("test.db"), SqliteOptions::default()).unwrap();
    (store, folder)
}

contract_suite!(store());
