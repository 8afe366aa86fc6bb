#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use std::time::Duration;

use super::*;

fn answer(status: u16, json: &Value) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/scim+json"),
    );
    Answer {
        status,
        headers,
        body: Bytes::from(json.to_string()),
        took: Duration::ZERO,
    }
}

/// What is said of an answer by one check.
fn said(status: u16, json: &Value, check: Check) -> Vec<String> {
    let mut variables = Variables::default();
    variables.set("user", "7".to_owned());
    let answer = answer(status, json);
    let case = Case {
        answer: &answer,
        json,
        variables: &variables,
    };
    let expect = Expect::broken(check, "why", "fix");
    let findings = judge(case, &[expect]);
    findings.into_iter().map(|finding| finding.what).collect()
}

fn list(total: Value, resources: Value) -> Value {
    json!({"schemas": [LIST], "totalResults": total, "Resources": resources})
}

#[test]
fn a_boolean_as_text_is_told_as_such() {
    let check = Check::Equal("/active", "false");
    let said = said(200, &json!({"active": "False"}), check);
    assert_eq!(
        said,
        ["`active` is the text `False` and not the boolean `false`"]
    );
}

#[test]
fn numbers_of_a_list_are_numbers() {
    for (total, right) in [(json!(0), true), (json!("0"), false), (json!(-1), false)] {
        let found = said(200, &list(total.clone(), json!([])), Check::List);
        assert_eq!(found.is_empty(), right, "{total}: {found:?}");
    }
}

#[test]
fn a_filter_that_is_ignored_is_told_from_one_that_misses() {
    let two = list(json!(2), json!([{"id": "7"}, {"id": "8"}]));
    let ignored = said(200, &two, Check::Finds(&["user"]));
    assert!(ignored[0].contains("ignored"), "{ignored:?}");
    let none = list(json!(0), json!([]));
    let missed = said(200, &none, Check::Finds(&["user"]));
    assert_eq!(missed, ["the search did not find what is there"]);
    assert!(said(200, &none, Check::Finds(&[])).is_empty());
    let total = list(json!(5), json!([]));
    let lied = said(200, &total, Check::Finds(&[]));
    assert!(lied[0].contains("found 5"), "{lied:?}");
}

#[test]
fn a_wrong_status_ends_the_judgement_and_a_borne_one_does_not() {
    let json = json!({"detail": "a\u{1b}b"});
    let fatal = said(500, &json, Check::Status(&[200], &[204]));
    assert_eq!(fatal, ["answered 500 instead of 200: `a b`"]);
    let answer = answer(204, &Value::Null);
    let expects = [
        Expect::broken(Check::Status(&[200], &[204]), "", ""),
        Expect::broken(Check::Equal("/active", "true"), "", ""),
    ];
    let answer = Answer {
        body: Bytes::new(),
        ..answer
    };
    let case = Case {
        answer: &answer,
        json: &Value::Null,
        variables: &Variables::default(),
    };
    let findings = judge(case, &expects);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].grade, Grade::Works);
}

#[test]
fn a_resource_of_another_name_is_nobody_of_ours() {
    let made = |json: Value| made(&json, Kind::User, "Ana@x");
    assert_eq!(made(json!({"id": "1", "userName": "ana@x"})).unwrap(), "1");
    for other in [
        json!({"id": "1", "userName": "bo@x"}),
        json!({"id": "1"}),
        json!({"id": 1, "userName": "ana@x"}),
        json!({"userName": "ana@x"}),
        json!({"id": "../1 ", "userName": "ana@x"}),
        json!({"id": "..", "userName": "ana@x"}),
        json!({"id": "a\"b", "userName": "ana@x"}),
    ] {
        assert!(made(other.clone()).is_err(), "{other}");
    }
}

#[test]
fn an_error_names_its_kind() {
    let error = json!({"schemas": [ERROR], "status": "409"});
    let said_of = |json: &Value| said(409, json, Check::Error("uniqueness"));
    assert!(said_of(&error)[0].contains("no `scimType`"));
    let error = json!({"schemas": [ERROR], "status": 409, "scimType": "uniqueness"});
    assert_eq!(said_of(&error), ["`status` of the error is a number"]);
    let other = said_of(&json!({"error": "taken"}));
    assert_eq!(other, ["the body is no scim error"]);
}
