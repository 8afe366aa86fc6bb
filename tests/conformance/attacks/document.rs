//! `host-runtime/docs/security.md` and the code are held to each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../../host-runtime/docs/security.md");

/// Where the files of each name begin, from the top of the repository.
const ROOTS: [(&str, &str); 6] = [
    ("attacks", "tests/conformance/attacks"),
    ("conformance", "tests/conformance"),
    ("process", "tests/process"),
    ("runtime", "host-runtime/src"),
    ("scim", "plugin/scim"),
    ("store", "host-runtime/store-sql"),
];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The tests that the page names: file and function.
fn named() -> BTreeSet<(PathBuf, &'static str)> {
    let words = PAGE.split('`').skip(1).step_by(2);
    let tests = words.filter_map(|word| word.split_once("::"));
    tests
        .map(|(file, name)| {
            let (root, rest) = file.split_once('/').unwrap_or((file, ""));
            let found = ROOTS.iter().find(|(known, _)| *known == root);
            let Some((_, folder)) = found else {
                panic!("`{file}` begins with no known name");
            };
            (Path::new(folder).join(rest).with_extension("rs"), name)
        })
        .collect()
}

/// The functions of a file that are tests.
fn tests(source: &str) -> BTreeSet<&str> {
    let marked = ["#[test]", "#[tokio::test"].into_iter().flat_map(|mark| {
        let after = source.split(mark).skip(1);
        after.filter_map(|rest| {
            let (_, name) = rest.split_once("fn ")?;
            name.split('(').next()
        })
    });
    marked.collect()
}

#[test]
fn every_test_that_the_page_names_exists() {
    for (file, name) in named() {
        let source = fs::read_to_string(top().join(&file));
        let source = source.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let found = tests(&source).contains(name);
        assert!(found, "{}: there is no test `{name}`", file.display());
    }
}

#[test]
fn every_attack_is_on_the_page() {
    let folder = "tests/conformance/attacks";
    let files = fs::read_dir(top().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = files
        .map(|file| Path::new(folder).join(file.unwrap().file_name()))
        .collect();
    files.push("tests/process/attacks.rs".into());
    let named = named();
    let mut seen = 0;
    for file in files.iter().filter(|file| !file.ends_with("document.rs")) {
        let source = fs::read_to_string(top().join(file)).unwrap();
        for test in tests(&source) {
            seen += 1;
            let known = named.contains(&(file.clone(), test));
            assert!(known, "`{test}` of {} is not on the page", file.display());
        }
    }
    assert!(seen > 40, "{seen} attacks");
}

#[test]
fn every_promise_has_a_test_or_says_whose_it_is() {
    // What comes before tells what is worth protecting, and promises nothing.
    let (_, after) = PAGE.split_once("## Boundaries").unwrap();
    for line in after.lines().filter(|line| line.starts_with("| ")) {
        let head = line.ends_with("| Test |");
        let tested = line.ends_with("` |") && line.contains("::");
        assert!(head || tested || line.ends_with(") |"), "{line}");
    }
}
