#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::super::{Filter, resolve};
use super::*;
use crate::config::Dialect;
use crate::directory::Kind;
use crate::error::{ScimError, ScimType};
use crate::schema::{ENTERPRISE_USER, Registry, ResourceType, Schema};
use proptest::prelude::*;
use serde_json::json;

struct Resource {
    document: Map<String, Value>,
    edges: Vec<&'static str>,
}

impl View for Resource {
    fn document(&self) -> &Map<String, Value> {
        &self.document
    }
    fn id(&self) -> &str {
        "id-1"
    }
    fn created(&self) -> Timestamp {
        1_000
    }
    fn modified(&self) -> Timestamp {
        // 2026-01-31T08:00:00Z
        1_769_846_400_000
    }
    fn version(&self) -> String {
        "W/\"3\"".to_owned()
    }
    fn has_edge(&self, id: &str) -> bool {
        self.edges.contains(&id)
    }
    fn member_count(&self) -> u64 {
        self.edges.len() as u64
    }
}

fn standard(kind: Kind) -> &'static ResourceType {
    Registry::standard().resource_type(kind)
}

fn ana() -> Resource {
    let document = json!({
        "userName": "Ana.Díaz+eu@Example.com", "externalId": "00uX", "active": true, "title": "",
        "name": {"givenName": "Ana", "familyName": "Díaz"},
        "emails": [{"value": "ana@work.example", "type": "work", "primary": true},
                   {"value": "ana@home.example", "type": "home"}],
        ENTERPRISE_USER: {"department": "R&D", "manager": {"value": "M1"}}});
    Resource {
        document: document.as_object().unwrap().clone(),
        edges: vec!["g1"],
    }
}

fn resolved(text: &str, rt: &ResourceType, dialect: Dialect) -> Result<Expr, ScimError> {
    resolve(&Filter::parse(text)?, rt, dialect)
}

#[track_caller]
fn matches(text: &str) -> bool {
    resolved(text, standard(Kind::User), Dialect::Auto)
        .unwrap()
        .matches(&ana())
}

#[track_caller]
fn all_match(texts: &[&str]) {
    for text in texts {
        assert!(matches(text), "{text}");
    }
}

#[track_caller]
fn none_match(texts: &[&str]) {
    for text in texts {
        assert!(!matches(text), "{text}");
    }
}

#[track_caller]
fn refused(kind: Kind, text: &str) -> String {
    let error = resolved(text, standard(kind), Dialect::Auto).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidFilter), "{text}");
    error.detail
}

#[test]
fn case_counts_where_the_schema_says_so() {
    all_match(&[
        r#"userName eq "ana.díaz+EU@example.COM""#,
        r#"USERNAME Eq "ana.di\u0301az+eu@example.com""#,
        r#"externalId eq "00uX""#,
        r#"id eq "id-1""#,
    ]);
    none_match(&[
        r#"userName eq "ana.diaz+eu@example.com""#,
        r#"externalId eq "00ux""#,
        r#"id eq "ID-1""#,
    ]);
}

#[test]
fn a_value_that_is_not_said_to_be_primary_is_not() {
    all_match(&[
        r#"emails[primary eq false and type eq "home"]"#,
        r#"emails[primary ne true].value sw "ana@home""#,
        "emails.primary eq false",
        "emails.primary eq true",
        "emails[primary pr]",
        "phoneNumbers.primary ne true",
    ]);
    none_match(&[
        r#"emails[primary eq false and type eq "work"]"#,
        r#"emails[primary eq true].value sw "ana@home""#,
        "emails.primary ne true",
        r#"emails[primary pr and type eq "home"]"#,
        "phoneNumbers.primary eq false",
    ]);
}

#[test]
fn texts_are_compared_by_every_operator() {
    all_match(&[
        r#"userName co "DÍAZ+""#,
        r#"userName sw "ANA.D""#,
        r#"userName ew "@example.COM""#,
        r#"name.familyName gt "diaz""#,
        r#"name.givenName ge "ANA""#,
        r#"name.givenName le "ana""#,
        r#"name.givenName lt "B""#,
    ]);
    none_match(&[
        r#"userName co "q""#,
        r#"userName sw "na""#,
        r#"userName ew "example""#,
        r#"name.givenName gt "ana""#,
        r#"name.givenName lt "ana""#,
    ]);
}

#[test]
fn what_is_absent_matches_ne_and_nothing_else() {
    all_match(&[
        r#"nickName ne "x""#,
        "nickName eq null",
        "not (nickName pr)",
    ]);
    none_match(&[
        r#"nickName eq "x""#,
        r#"nickName co """#,
        r#"nickName lt "x""#,
        "nickName pr",
        "nickName ne null",
        "title pr",
    ]);
}

#[test]
fn ne_is_the_opposite_of_eq_on_lists_too() {
    none_match(&[
        r#"emails.value ne "ana@home.example""#,
        r#"emails[type eq "work"].value ne "ana@work.example""#,
    ]);
    all_match(&[
        r#"emails.value ne "other""#,
        r#"emails[type eq "other"].value ne "ana@work.example""#,
        r#"emails[type ne "work"]"#,
    ]);
}

#[test]
fn one_element_has_to_satisfy_the_whole_bracket() {
    all_match(&[
        r#"emails[type eq "work" and value co "@WORK"]"#,
        r#"emails[type eq "work"].value eq "ana@work.example""#,
        r#"emails[primary eq true].type eq "work""#,
        r#"emails[primary eq "True"]"#,
        r#"emails[not (primary eq true)].value sw "ana@home""#,
        r#"emails[type eq "home"] and emails.value co "work""#,
    ]);
    none_match(&[
        r#"emails[type eq "home" and value co "@work"]"#,
        r#"emails[type eq "home"].value eq "ana@work.example""#,
        r#"emails[type eq "home"].primary pr"#,
        r#"phoneNumbers[type eq "work"]"#,
    ]);
}

#[test]
fn a_list_of_objects_is_compared_by_its_value() {
    all_match(&[r#"emails eq "ANA@home.example""#, "emails pr"]);
    none_match(&[r#"emails eq "work""#, "phoneNumbers pr"]);
}

#[test]
fn extension_attributes_go_by_their_urn() {
    let urn = ENTERPRISE_USER.to_lowercase();
    assert!(matches(&format!(r#"{urn}:Department eq "r&d""#)));
    assert!(matches(&format!(r#"{urn}:manager.value eq "M1""#)));
    assert!(matches(&format!(r#"{urn}:manager eq "M1""#)));
    assert!(!matches(&format!(r#"{urn}:manager eq "m1""#)));
    assert!(matches(
        "urn:ietf:params:scim:schemas:core:2.0:User:userName pr"
    ));
    let detail = refused(Kind::User, r#"department eq "R&D""#);
    assert!(
        detail.contains(
            "write `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`"
        )
    );
}

#[test]
fn booleans_take_booleans_and_the_two_words() {
    all_match(&[
        "active eq true",
        r#"active eq "TRUE""#,
        "active ne false",
        "active pr",
    ]);
    none_match(&["active eq false", r#"active eq "False""#]);
    let strict = resolved(r#"active eq "true""#, standard(Kind::User), Dialect::Strict);
    assert_eq!(strict.unwrap_err().scim_type, Some(ScimType::InvalidFilter));
}

#[test]
fn an_absent_boolean_counts_as_neither_unless_its_index_says_so() {
    let mut rt = standard(Kind::User).clone();
    let mut core = json!(rt.core);
    let attributes = core["attributes"].as_array_mut().unwrap();
    attributes.push(json!({"name": "remote", "type": "boolean"}));
    rt.core = serde_json::from_value(core).unwrap();
    let mut ana = ana();
    ana.document.remove("active");
    for (text, in_auto, in_strict) in [
        ("active eq true", true, false),
        ("active eq false", false, false),
        ("remote eq true", false, false),
        ("remote eq false", false, false),
    ] {
        for (dialect, expected) in [(Dialect::Auto, in_auto), (Dialect::Strict, in_strict)] {
            let expr = resolved(text, &rt, dialect).unwrap();
            assert_eq!(expr.matches(&ana), expected, "{text} {dialect:?}");
        }
    }
}

#[test]
fn instants_are_compared_as_instants() {
    all_match(&[
        r#"meta.lastModified eq "2026-01-31T10:00:00+02:00""#,
        r#"meta.lastModified ge "2026-01-31T08:00:00.000Z""#,
        r#"meta.created lt "1970-01-01T00:00:02Z""#,
        r#"meta.lastModified gt "2026-01-31T07:59:59.999Z""#,
    ]);
    none_match(&[r#"meta.created gt "2026-01-31T08:00:00Z""#]);
    for text in [
        r#"meta.created gt "yesterday""#,
        "meta.created gt 5",
        r#"meta.created co "2026""#,
    ] {
        refused(Kind::User, text);
    }
}

#[test]
fn what_is_not_stored_is_answered_all_the_same() {
    all_match(&[
        r#"meta.resourceType eq "User""#,
        r#"meta.version eq "W/\"3\"""#,
        "meta pr and meta.location pr and schemas pr and id pr",
        r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#,
        r#"schemas co "enterprise""#,
        r#"schemas ne "urn:example""#,
        r#"groups.value eq "g1""#,
        r#"groups eq "g1" and groups ne "g2""#,
        r#"groups[value eq "g2" or value eq "g1"]"#,
    ]);
    none_match(&[
        r#"meta.resourceType eq "user""#,
        r#"meta.resourceType ne "User""#,
        r#"schemas eq "urn:example""#,
        r#"groups eq "g2""#,
        r#"not (groups.value eq "g1")"#,
    ]);
    let mut plain = ana();
    plain.document.remove(ENTERPRISE_USER);
    let expr = resolved(
        r#"schemas co "enterprise""#,
        standard(Kind::User),
        Dialect::Auto,
    );
    assert!(!expr.unwrap().matches(&plain));
}

#[test]
fn membership_atoms_are_collected_once_each() {
    let text = r#"members eq "b" or not (members.value eq "a") or members[value eq "b"]"#;
    let expr = resolved(text, standard(Kind::Group), Dialect::Auto).unwrap();
    assert_eq!(expr.membership_atoms(), ["a", "b"]);
}

#[test]
fn a_group_with_members_has_members() {
    let expr = resolved("members pr", standard(Kind::Group), Dialect::Auto).unwrap();
    let mut group = ana();
    assert!(expr.matches(&group));
    group.edges.clear();
    assert!(!expr.matches(&group));
}

#[test]
fn what_cannot_be_answered_is_refused_and_never_empty() {
    let cases = [
        (
            r#"shoeSize eq "44""#,
            "`shoeSize` is no attribute of User that can be filtered",
        ),
        (
            r#"urn:example:x:department eq "1""#,
            "is no attribute of User that can be filtered",
        ),
        (r#"name.shoe eq "44""#, "`name.shoe` is no attribute"),
        (r#"urn:example:x:a eq "1""#, "is no attribute of User"),
        (
            r#"name eq "Ana""#,
            "`name` is an object; name a part of it such as `name.formatted`",
        ),
        (r#"addresses eq "x""#, "is an object"),
        (
            "userName eq 5",
            "`userName` is compared with a string in double quotes, not a number",
        ),
        ("userName eq true", "not a boolean"),
        (
            r#"active eq "yes""#,
            "`active` is compared with `true` or `false`",
        ),
        ("active gt true", "`gt` does not go with `active`"),
        (r#"x509Certificates.value gt "AA""#, "`gt` does not go with"),
        (r#"x509Certificates.value co "AA""#, "`co` does not go with"),
        ("userName gt null", "`gt` does not go with"),
        ("groups pr", "`groups` cannot be filtered"),
        (r#"groups.display eq "x""#, "`groups.value` can"),
        (
            r#"groups[display eq "x"]"#,
            "the brackets of `groups` can hold",
        ),
        (
            r#"groups[value eq "x"].display eq "y""#,
            "the brackets of `groups` can hold",
        ),
        (r#"groups sw "x""#, "cannot be filtered"),
        (
            r#"meta.location eq "x""#,
            "`meta.location` cannot be filtered",
        ),
        (r#"meta[created pr]"#, "takes no brackets"),
        (r#"userName[value eq "x"]"#, "takes no brackets"),
        (
            r#"emails[shoe eq "x"]"#,
            "`shoe` is no sub-attribute of `emails`",
        ),
        (
            r#"emails[type eq "x"].shoe eq "y""#,
            "`shoe` is no sub-attribute of `emails`",
        ),
        (r#"emails[emails.type eq "x"]"#, "is no sub-attribute"),
        (r#"emails[type.x eq "work"]"#, "is no sub-attribute"),
        (r#"emails[urn:x:type eq "work"]"#, "is no sub-attribute"),
    ];
    for (text, part) in cases {
        let detail = refused(Kind::User, text);
        assert!(detail.contains(part), "{text}: {detail}");
    }
    refused(Kind::Group, r#"members.display eq "x""#);
    refused(Kind::Group, r#"userName eq "x""#);
}

#[test]
fn numbers_are_compared_as_numbers() {
    let schema: Schema = serde_json::from_value(json!({
        "id": "urn:example:n", "name": "n", "attributes": [
            {"name": "level", "type": "integer"}, {"name": "height", "type": "decimal"}]}))
    .unwrap();
    let mut registry = Registry::standard().clone();
    registry.extend(Kind::User, schema).unwrap();
    let mut resource = ana();
    let value = json!({"level": 9_007_199_254_740_993_i64, "height": 1.5});
    resource.document.insert("urn:example:n".to_owned(), value);
    let check = |text: &str| {
        resolved(text, registry.resource_type(Kind::User), Dialect::Auto)
            .map(|expr| expr.matches(&resource))
    };
    assert!(check("urn:example:n:level eq 9007199254740993").unwrap());
    assert!(!check("urn:example:n:level eq 9007199254740992").unwrap());
    assert!(!check("urn:example:n:level eq 9007199254740992.0").unwrap());
    assert!(check("urn:example:n:level gt 9007199254740992.0").unwrap());
    assert!(check("urn:example:n:level gt 2.5").unwrap());
    assert!(check("urn:example:n:height lt 2").unwrap());
    assert!(check("urn:example:n:height eq 1.5").unwrap());
    assert!(check("urn:example:n:height gt 1.25").unwrap());
    assert!(!check("urn:example:n:height ge 1.75").unwrap());
    assert!(check(r#"urn:example:n:height eq "1.5""#).is_err());
    assert!(check("urn:example:n:height co 1").is_err());
}

#[test]
fn brackets_of_a_declared_list_name_what_its_elements_have() {
    let schema: Schema = serde_json::from_value(json!({
        "id": "urn:example:n", "name": "n", "attributes": [
            {"name": "tags", "multiValued": true},
            {"name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
                {"name": "code"}, {"name": "locked", "type": "boolean"}]}]}))
    .unwrap();
    let mut registry = Registry::standard().clone();
    registry.extend(Kind::User, schema).unwrap();
    let mut resource = ana();
    let value = json!({"tags": ["Red", "blue"], "doors": [{"code": "1"}]});
    resource.document.insert("urn:example:n".to_owned(), value);
    let check = |text: &str| {
        let text = format!("urn:example:n:{text}");
        resolved(&text, registry.resource_type(Kind::User), Dialect::Auto)
            .map(|expr| expr.matches(&resource))
            .map_err(|error| error.scim_type)
    };
    let refused = Err(Some(ScimType::InvalidFilter));
    assert_eq!(check(r#"tags[value eq "red"]"#), Ok(true));
    assert_eq!(check(r#"tags[VALUE sw "bl" and value ew "d"]"#), Ok(false));
    assert_eq!(check(r#"tags[code eq "red"]"#), refused);
    assert_eq!(check(r#"doors[code eq "1"]"#), Ok(true));
    assert_eq!(check(r#"doors[value eq "1"]"#), refused);
    // Only of `primary` is it said that absent means false.
    assert_eq!(check("doors[locked eq false]"), Ok(false));
}

#[test]
fn nothing_matches_never_and_everything_always() {
    assert!(Expr::And(Vec::new()).matches(&ana()));
    assert!(!Expr::Or(Vec::new()).matches(&ana()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn ascii_equality_is_the_same_by_the_short_way(a in "[a-zA-Z0-9@.]{0,6}", b in "[a-zA-Z0-9@.K]{0,6}") {
        let op = TextOp::Order(Order::Equal);
        prop_assert_eq!(text_holds(op, &fold(&a), false, &b), fold(&a) == fold(&b));
    }
}
