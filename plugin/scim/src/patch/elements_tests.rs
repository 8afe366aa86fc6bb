#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::super::testing::{after, ana, ana_with, patched, patched_under, refused};
use super::append;
use crate::config::{Config, Dialect};
use crate::directory::Kind;
use crate::error::ScimType;
use crate::schema::Registry;
use serde_json::{Value, json};

#[test]
fn add_to_a_list_appends_without_duplicates() {
    let emails = |operation| after(operation)["emails"].clone();
    let add = |value: Value| json!({"op": "add", "path": "emails", "value": value});
    assert_eq!(
        emails(add(json!([{"value": "n@x.y", "type": "other"}]))),
        json!([{"value": "w@x.y", "type": "work", "primary": true},
               {"value": "h@x.y", "type": "home"}, {"value": "n@x.y", "type": "other"}])
    );
    for known in [
        json!([{"value": "W@X.Y", "type": "Work"}]),
        json!([{"value": "w@x.y"}]),
        json!({"value": "w@x.y"}),
    ] {
        assert_eq!(emails(add(known)).as_array().unwrap().len(), 2);
    }
    assert_eq!(
        emails(add(json!([{"value": "w@x.y", "type": "other"}])))
            .as_array()
            .unwrap()
            .len(),
        3,
        "another type is another element"
    );
}

#[test]
fn elements_are_told_apart_by_case_where_it_counts() {
    let count = |path: &str, values: [&str; 2]| {
        let list = values.map(|value| json!({"value": value}));
        after(json!({"op": "add", "path": path, "value": list}))[path]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count("x509Certificates", ["AAAA", "aaaa"]), 2);
    assert_eq!(count("photos", ["http://x.y/A", "http://x.y/a"]), 2);
    assert_eq!(count("ims", ["ANA", "ana"]), 1);
}

#[test]
fn a_new_primary_takes_the_place_of_the_old_one() {
    let expected = json!([{"value": "w@x.y", "type": "work", "primary": false},
                          {"value": "h@x.y", "type": "home", "primary": true}]);
    for operation in [
        json!({"op": "add", "path": "emails",
               "value": [{"value": "h@x.y", "type": "home", "primary": true}]}),
        json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": "True"}),
        json!({"op": "replace", "path": "emails[type eq \"home\"]",
               "value": {"value": "h@x.y", "type": "home", "primary": true}}),
    ] {
        let (done, _) = patched(Dialect::Auto, ana(), json!([operation.clone()])).unwrap();
        assert_eq!(done["emails"], expected, "{operation}");
    }
}

#[test]
fn the_old_primary_steps_back_behind_the_new_one_too() {
    let home = json!({"value": "h@x.y", "type": "home"});
    let mut work = json!({"value": "w@x.y", "type": "work", "primary": true});
    let user = ana_with("emails", json!([home, work]));
    let mut new = home;
    new["primary"] = json!(true);
    work["primary"] = json!(false);
    let expected = json!([new, work]);
    for operation in [
        json!({"op": "add", "path": "emails", "value": [new]}),
        json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}),
    ] {
        // Strict takes no second primary, not even for a moment.
        for dialect in [Dialect::Auto, Dialect::Strict] {
            let operations = json!([operation]);
            let (done, notes) = patched(dialect, user.clone(), operations).unwrap();
            assert_eq!(done["emails"], expected, "{operation}");
            assert!(!notes.has("several-primaries"));
        }
    }
}

#[test]
fn replace_of_a_list_sets_it() {
    let new = json!([{"value": "n@x.y"}]);
    let done = after(json!({"op": "replace", "path": "emails", "value": new}));
    assert_eq!(done, ana_with("emails", new));
    // RFC 7643 2.4: one value of one type is there once.
    let twice = json!([{"value": "n@x.y"}, {"value": "N@x.y", "display": "N"}]);
    let done = after(json!({"op": "replace", "path": "emails", "value": twice}));
    assert_eq!(done["emails"], json!([{"value": "N@x.y", "display": "N"}]));
    let done = after(json!({"op": "replace", "path": "emails", "value": []}));
    assert_eq!(done, ana_with("emails", json!(null)));
}

#[test]
fn a_value_path_changes_the_elements_it_matches() {
    let work = |email: Value| json!([email, {"value": "h@x.y", "type": "home"}]);
    for operation in [
        json!({"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "n@x.y"}),
        json!({"op": "add", "path": "emails[TYPE EQ \"Work\"]", "value": {"value": "n@x.y"}}),
        json!({"op": "add", "path": "emails[primary eq true]", "value": [{"value": "n@x.y"}]}),
        json!({"op": "replace", "value": {"emails[type eq \"work\"].value": "n@x.y"}}),
    ] {
        assert_eq!(
            after(operation.clone()),
            ana_with(
                "emails",
                work(json!({"value": "n@x.y", "type": "work", "primary": true}))
            ),
            "{operation}"
        );
    }
    // RFC 7644 3.5.2.3: without a sub-attribute the element is replaced as a whole.
    assert_eq!(
        after(json!({"op": "replace", "path": "emails[type eq \"work\"]",
                     "value": {"value": "n@x.y"}})),
        ana_with("emails", work(json!({"value": "n@x.y"})))
    );
}

#[test]
fn a_value_path_takes_one_element_and_no_list_of_others() {
    for value in [
        json!([{"value": "n@x.y"}, {"value": "m@x.y"}]),
        json!([]),
        json!("n@x.y"),
    ] {
        let operation = json!({"op": "replace", "path": "emails[type eq \"work\"]",
                               "value": value});
        assert_eq!(
            refused(Dialect::Auto, operation),
            ScimType::InvalidValue,
            "{value}"
        );
    }
}

#[test]
fn remove_through_a_value_path_removes_what_it_matches() {
    let home = json!([{"value": "h@x.y", "type": "home"}]);
    for path in ["emails[type eq \"work\"]", "emails[type eq \"work\"].value"] {
        let done = after(json!({"op": "remove", "path": path}));
        assert_eq!(done, ana_with("emails", home.clone()), "{path}");
    }
    assert_eq!(
        after(json!({"op": "remove", "path": "emails[type eq \"other\"]"})),
        ana()
    );
    let done = after(json!({"op": "remove", "path": "emails[type pr]"}));
    assert_eq!(done, ana_with("emails", json!(null)));
    assert_eq!(
        after(json!({"op": "remove", "path": "emails.type"}))["emails"],
        json!([{"value": "w@x.y", "primary": true}, {"value": "h@x.y"}])
    );
}

#[test]
fn a_value_path_that_matches_nothing_makes_the_element() {
    let phones = |operation: Value| {
        let (done, notes) = patched(Dialect::Entra, ana(), json!([operation])).unwrap();
        assert!(notes.has("add-through-missing") || notes.has("replace-through-missing"));
        done["phoneNumbers"].clone()
    };
    for op in ["add", "replace"] {
        assert_eq!(
            phones(json!({"op": op, "path": "phoneNumbers[type eq \"work\"].value", "value": "1"})),
            json!([{"type": "work", "value": "1"}])
        );
        assert_eq!(
            phones(json!({"op": op, "value": "2",
                          "path": "phoneNumbers[type eq \"work\" and primary eq \"True\"].value"})),
            json!([{"type": "work", "primary": true, "value": "2"}])
        );
        assert_eq!(
            phones(json!({"op": op, "path": "phoneNumbers[Type eq \"fax\"]",
                          "value": {"value": "3"}})),
            json!([{"type": "fax", "value": "3"}])
        );
    }
}

#[test]
fn what_no_element_can_be_made_from_is_no_target() {
    let missing = |op: &str, filter: &str| json!({"op": op, "path": format!("phoneNumbers[{filter}].value"), "value": "1"});
    let work = "type eq \"work\"";
    for filter in [
        "type ne \"work\" and value pr",
        "type eq \"a\" or type eq \"b\"",
        "type eq \"a\" and type eq \"b\"",
    ] {
        assert_eq!(
            refused(Dialect::Entra, missing("replace", filter)),
            ScimType::NoTarget
        );
    }
    for dialect in [Dialect::Strict, Dialect::Generic] {
        assert_eq!(
            refused(dialect, missing("replace", work)),
            ScimType::NoTarget
        );
    }
    assert_eq!(
        refused(Dialect::Strict, missing("add", work)),
        ScimType::NoTarget
    );
    patched(Dialect::Generic, ana(), json!([missing("add", work)])).unwrap();
}

#[test]
fn a_sub_attribute_of_an_empty_list_makes_an_element() {
    let done = after(json!({"op": "add", "path": "phoneNumbers.value", "value": "1"}));
    assert_eq!(done["phoneNumbers"], json!([{"value": "1"}]));
}

#[test]
fn remove_with_values_removes_those_alone() {
    let remove = |value: Value| json!({"op": "Remove", "path": "emails", "value": value});
    let done = after(remove(json!([{"value": "W@x.y"}])));
    assert_eq!(done["emails"], json!([{"value": "h@x.y", "type": "home"}]));
    assert_eq!(
        after(remove(json!([{"value": "w@x.y", "type": "home"}]))),
        ana()
    );
    assert_eq!(after(remove(json!([]))), ana());
    assert_eq!(
        refused(Dialect::Strict, remove(json!([{"value": "w@x.y"}]))),
        ScimType::InvalidValue
    );
}

#[test]
fn a_value_for_many_elements_is_bounded_by_what_it_would_become() {
    let mut user = ana();
    user["emails"] = (0..1000)
        .map(|n| json!({"value": format!("{n}@x.y"), "type": "work"}))
        .collect();
    let wide = |bytes: usize, path: &str, value: Value| {
        let mut value = value;
        value["display"] = json!("x".repeat(bytes));
        let operations = json!([{"op": "replace", "path": path, "value": value}]);
        patched(Dialect::Auto, user.clone(), operations)
    };
    let work = "emails[type eq \"work\"]";
    let element = json!({"value": "a@x.y", "type": "work"});
    assert!(wide(900, work, element.clone()).is_ok());
    let error = wide(900_000, work, element).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
    assert!(
        error.detail.contains("`emails` is too large"),
        "{}",
        error.detail
    );
    let operations = json!([
        {"op": "replace", "path": "emails.display", "value": "x".repeat(2000)}]);
    let error = patched(Dialect::Auto, user.clone(), operations).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
}

#[test]
fn the_length_of_a_list_is_bounded_over_all_operations() {
    let batch = |from: usize| {
        let emails: Vec<_> = (from..from + 600)
            .map(|n| json!({"value": n.to_string()}))
            .collect();
        json!({"op": "add", "path": "emails", "value": emails})
    };
    patched(Dialect::Auto, ana(), json!([batch(0), batch(0)])).unwrap();
    let error = patched(Dialect::Auto, ana(), json!([batch(0), batch(600)])).unwrap_err();
    assert!(error.detail.contains("1000 are allowed"));
}

fn added(mut list: Vec<Value>, new: Vec<Value>) -> Vec<Value> {
    let user = Registry::standard().resource_type(Kind::User);
    append(user.attribute("emails").unwrap(), &mut list, new);
    list
}

#[test]
fn an_element_that_was_given_a_type_is_no_longer_the_one_without() {
    let work = json!({"value": "a@b.c", "type": "work"});
    let home = json!({"value": "A@b.c", "type": "home"});
    let bare = json!({"value": "a@b.c"});
    let both = vec![work.clone(), home.clone()];
    assert_eq!(added(vec![bare.clone()], both.clone()), both);
    // Nor does one that names no type make another one its own.
    assert_eq!(added(vec![work], vec![bare, home]), both);
}

#[test]
fn an_element_without_a_value_is_the_same_whether_primary_or_not() {
    let address = |primary: bool| json!({"locality": "Bern", "primary": primary});
    let list = added(vec![address(false)], vec![address(true)]);
    assert_eq!(list, [address(true)]);
}

#[test]
fn of_equal_elements_the_first_takes_over_what_is_new() {
    let bare = json!({"value": "a"});
    let (work, home) = (
        json!({"value": "a", "type": "work"}),
        json!({"value": "a", "type": "home"}),
    );
    let list = added(vec![bare.clone(), bare], vec![work.clone(), home.clone()]);
    assert_eq!(list, [work, home]);
}

#[test]
fn a_required_list_may_shrink_and_never_vanish() {
    const CARD: &str = "urn:example:card";
    let schema = json!({"id": CARD, "name": "Card", "attributes": [
        {"name": "number"},
        {"name": "doors", "type": "complex", "multiValued": true, "required": true,
         "subAttributes": [{"name": "value", "required": true}, {"name": "floor"}]}]});
    let settings = json!({"schemas": [{"resource": "User", "schema": schema}]}).to_string();
    let config = Config::from_json(settings.as_bytes()).unwrap();
    let remove_of = |card: Value, below: &str, value: Value| {
        let path = format!("{CARD}:doors{below}");
        let operations = json!([{"op": "remove", "path": path, "value": value}]);
        patched_under(&config, ana_with(CARD, card), operations)
            .map(|(done, _)| done[CARD]["doors"].clone())
            .map_err(|error| error.scim_type)
    };
    let remove = |below, value| {
        let doors = json!([{"value": "1", "floor": "g"}, {"value": "2"}]);
        remove_of(json!({"number": "7", "doors": doors}), below, value)
    };
    let second = json!([{"value": "2"}]);
    assert_eq!(remove("", json!([{"value": "1"}])), Ok(second.clone()));
    assert_eq!(remove("[value eq \"1\"]", json!(null)), Ok(second));
    let without_floor = json!([{"value": "1"}, {"value": "2"}]);
    assert_eq!(remove(".floor", json!(null)), Ok(without_floor.clone()));

    for (below, value) in [
        ("", json!(null)),
        ("", without_floor),
        ("[value pr]", json!(null)),
        (".value", json!(null)),
        (".value", json!("1")),
        ("[value eq \"1\"].value", json!(null)),
    ] {
        let found = remove(below, value);
        assert_eq!(found, Err(Some(ScimType::Mutability)), "{below}");
    }
    let nothing = remove_of(json!(null), "[value pr]", json!(null));
    assert_eq!(nothing, Ok(json!(null)), "there was none to lose");
}
