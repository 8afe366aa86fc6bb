//! No test of the contract suite can be forgotten.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

/// The suite is a list in a macro; a test outside it would never run.
#[test]
fn every_test_of_the_suite_is_in_its_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/contract");
    let list = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let listed: Vec<&str> = list
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect();
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name == "mod" || name == "place" {
            continue;
        }
        assert!(
            listed.contains(&name.as_str()),
            "module `{name}` is not in the list"
        );
        for line in fs::read_to_string(&path).unwrap().lines() {
            if let Some(rest) = line.strip_prefix("pub async fn ") {
                let test = rest.split(['<', '(']).next().unwrap();
                assert!(
                    listed.contains(&test),
                    "`{name}::{test}` is not in the list"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 60, "only {seen} tests found");
}
