//! Holds what the documentation of settings says to the code.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::attributes::{AttributeMap, DEFAULTS};
use crate::render::Missing;
use crate::rules::{Deactivated, OURS, Rules};
use crate::variables::Variable;

const MAPPING: &str = include_str!("../../../host-runtime/docs/mapping.md");
const SETTINGS: &str = include_str!("../../../host-runtime/docs/settings.md");

/// The rows of the table under this heading row: their cells, without the marks of code.
fn table(text: &str, heading: &str) -> Vec<Vec<String>> {
    let rows = text.split_once(heading).map_or("", |(_, rest)| rest);
    let rows = rows
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let cell = |cell: &str| {
        let cell = cell.trim();
        let code = cell
            .strip_prefix('`')
            .and_then(|cell| cell.strip_suffix('`'));
        code.unwrap_or(cell).to_owned()
    };
    rows.map(|row| row.trim_matches('|').split('|').map(cell).collect())
        .collect()
}

fn column(rows: &[Vec<String>], place: usize) -> BTreeSet<String> {
    let cells = rows.iter().filter_map(|row| row.get(place));
    cells.filter(|cell| !cell.is_empty()).cloned().collect()
}

/// The examples of settings: indented blocks that are JSON.
fn examples(text: &str) -> Vec<Value> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        match (line.strip_prefix("    "), blocks.last_mut()) {
            (Some(line), Some(block)) => block.push_str(line),
            _ => blocks.push(String::new()),
        }
    }
    blocks
        .iter()
        .filter_map(|block| serde_json::from_str(block).ok())
        .collect()
}

#[test]
fn the_defaults_of_attributes_are_those_documented() {
    let documented: Vec<(String, String)> = table(MAPPING, "| Attribute | Expression |")
        .into_iter()
        .filter_map(|row| row.try_into().ok())
        .map(|[name, expression]: [String; 2]| (name, expression))
        .collect();
    let defaults = DEFAULTS.map(|(name, expression)| (name.to_owned(), expression.to_owned()));
    assert_eq!(documented, defaults);
}

#[test]
fn the_examples_are_settings_that_can_be_used() {
    let used: Vec<Value> = examples(MAPPING)
        .into_iter()
        .filter(|example| example.get("missing").is_none())
        .collect();
    assert_eq!(used.len(), 3, "{used:?}");
    // One needs the attributes that another one words.
    let mut all = serde_json::Map::new();
    for example in used.iter().filter_map(Value::as_object) {
        all.extend(example.clone());
    }
    assert_eq!(
        Rules::usable(Value::Object(all).to_string().as_bytes()).1,
        None
    );
}

#[test]
fn the_names_of_variables_are_those_documented() {
    let rows = table(MAPPING, "| Variable | Value | Also known as |");
    let map = AttributeMap::standard();
    for row in &rows {
        let names: BTreeSet<&String> = row.iter().step_by(2).collect();
        let first = row.first().map_or("", String::as_str);
        let known: BTreeSet<String> = Variable::named(first, map)
            .into_iter()
            .flat_map(Variable::names)
            .collect();
        assert_eq!(names, known.iter().collect(), "{first}");
    }
    let fleet = Variable::all(map).flat_map(Variable::names);
    let fleet = fleet.filter(|name| name.starts_with("FLEET_")).collect();
    assert_eq!(column(&rows, 2), fleet);
}

#[test]
fn the_functions_are_those_documented() {
    let cells = table(MAPPING, "| | Value |");
    let first = column(&cells, 0);
    for function in crate::attributes::FUNCTIONS {
        let call = format!("{function}(");
        assert!(
            first.iter().any(|cell| cell.starts_with(&call)),
            "{function}"
        );
    }
}

#[test]
fn the_settings_of_a_tenant_and_their_defaults_are_those_documented() {
    let tenant = SETTINGS
        .split_once("## Settings of a tenant")
        .map_or("", |(_, rest)| rest);
    let rows = table(tenant, "| Key | Default | |");
    let mut documented = column(&rows, 0);
    // The host hands these over by itself.
    documented.insert("connections".to_owned());
    assert_eq!(documented, OURS.map(str::to_owned).into());
    let default = |key: &str| {
        let mut rows = rows
            .iter()
            .filter(|row| row.first().is_some_and(|name| name == key));
        rows.next()
            .and_then(|row| row.get(1))
            .cloned()
            .unwrap_or_default()
    };
    let rules = Rules::default();
    assert_eq!(default("sticky_manual"), rules.sticky_manual.to_string());
    assert_eq!(
        (default("deactivated").as_str(), rules.deactivated),
        ("\"mark\"", Deactivated::Mark)
    );
    let missing = (default("missing_variables"), rules.missing_variables);
    assert_eq!(missing, ("\"empty\"".to_owned(), Missing::Empty));
}
