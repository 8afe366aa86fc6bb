//! `docs/rfc-coverage.md` names a test or a reason for every requirement of the RFCs.
//! What it names exists, and its numbers are right.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

const PAGE: &str = include_str!("../docs/rfc-coverage.md");

const LEVELS: &[&str] = &[
    "MUST",
    "MUST NOT",
    "SHALL",
    "SHALL NOT",
    "SHOULD",
    "SHOULD NOT",
    "REQUIRED",
    "RECOMMENDED",
];

/// Where the sources of a crate are, from here.
const CRATES: &[(&str, &str)] = &[
    ("scim", ""),
    ("tests", "../../tests"),
    ("runtime", "../../host-runtime"),
];

/// One requirement.
struct Row<'p> {
    rfc: &'p str,
    section: &'p str,
    number: usize,
    level: &'p str,
    what: &'p str,
    tests: Vec<&'p str>,
    reason: &'p str,
}

/// The cells of a row of a table.
fn cells(line: &str) -> Vec<&str> {
    let inner = line.strip_prefix('|').and_then(|l| l.strip_suffix('|'));
    inner
        .unwrap_or_default()
        .split('|')
        .map(str::trim)
        .collect()
}

/// The requirements, each below the heading of its RFC.
fn rows() -> Vec<Row<'static>> {
    let mut rows = Vec::new();
    let mut heading = "";
    for line in PAGE.lines() {
        if let Some(rfc) = line.strip_prefix("## RFC ") {
            heading = rfc.split(':').next().unwrap();
        }
        let cells = cells(line);
        let id: Vec<&str> = cells[0].split('-').collect();
        let [rfc, section, number] = id[..] else {
            continue;
        };
        let Ok(number) = number.parse() else { continue };
        assert_eq!(cells.len(), 5, "{line}");
        assert_eq!(rfc, heading, "{line}");
        let tests = cells[3].split("<br>").filter(|test| !test.is_empty());
        rows.push(Row {
            rfc,
            section,
            number,
            level: cells[1],
            what: cells[2],
            tests: tests.map(|test| test.trim_matches('`')).collect(),
            reason: cells[4],
        });
    }
    rows
}

impl Row<'_> {
    fn id(&self) -> String {
        format!("{}-{}-{}", self.rfc, self.section, self.number)
    }
}

/// Is there a test of this name in the text, and is it run unless asked not to.
fn has_test(source: &str, name: &str) -> bool {
    let start = format!("fn {name}(");
    source.match_indices(&start).any(|(at, _)| {
        let before = source[..at].rsplit("\n\n").next().unwrap();
        let attributes = before.rsplit("\n}").next().unwrap();
        let test = ["#[test]", "#[tokio::test"];
        test.iter().any(|test| attributes.contains(test))
    })
}

#[test]
fn every_requirement_has_a_test_or_a_reason() {
    for row in rows() {
        let id = row.id();
        assert!(LEVELS.contains(&row.level), "{id}: {}", row.level);
        assert!(!row.what.is_empty(), "{id}");
        assert!(
            !row.tests.is_empty() || row.reason.len() > 3,
            "{id} has neither test nor reason"
        );
    }
}

#[test]
fn every_test_that_is_named_exists() {
    let mut sources: BTreeMap<PathBuf, String> = BTreeMap::new();
    for row in rows() {
        for test in &row.tests {
            let id = row.id();
            let (path, name) = test.split_once("::").unwrap();
            let (krate, file) = path.split_once('/').unwrap();
            let Some((_, folder)) = CRATES.iter().find(|(name, _)| *name == krate) else {
                panic!("{id}: there is no crate `{krate}`");
            };
            let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join(folder)
                .join(file)
                .with_extension("rs");
            let source = sources.entry(file).or_insert_with_key(|file| {
                fs::read_to_string(file).unwrap_or_else(|error| {
                    panic!("{id}: {}: {error}", file.display());
                })
            });
            assert!(has_test(source, name), "{id}: there is no test `{test}`");
        }
    }
}

#[test]
fn ids_are_given_once_and_in_order() {
    let mut seen = BTreeSet::new();
    let mut counted: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in rows() {
        assert!(seen.insert(row.id()), "{} is there twice", row.id());
        let count = counted.entry((row.rfc, row.section)).or_default();
        *count += 1;
        assert_eq!(row.number, *count, "{}", row.id());
    }
}

#[test]
fn the_numbers_at_the_head_are_right() {
    let rows = rows();
    let mut rfcs = Vec::new();
    for line in PAGE.lines() {
        let cells = cells(line);
        let [rfc, all, tested, reasoned] = cells[..] else {
            continue;
        };
        let Ok(all) = all.parse::<usize>() else {
            continue;
        };
        let of_rfc: Vec<&Row<'_>> = rows.iter().filter(|row| row.rfc == rfc).collect();
        let with_test = of_rfc.iter().filter(|row| !row.tests.is_empty()).count();
        assert_eq!(of_rfc.len(), all, "RFC {rfc}");
        assert_eq!(with_test.to_string(), tested, "RFC {rfc}");
        assert_eq!((all - with_test).to_string(), reasoned, "RFC {rfc}");
        rfcs.push(rfc);
    }
    assert_eq!(rfcs, ["7643", "7644", "9865"]);
}
