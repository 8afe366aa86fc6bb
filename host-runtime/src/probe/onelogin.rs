//! What OneLogin sends: people without `active`, nulls, PUT and PATCH mixed. Data.

use super::common::*;
use super::sequence::{Check, Expect, Sequence, Step};

/// OneLogin's traffic.
pub static SEQUENCE: Sequence = Sequence {
    title: "OneLogin",
    content_type: "application/json",
    space: "%20",
    flag: "",
    presets: &[],
    steps: STEPS,
};

const NOT_INACTIVE: Expect = Expect::broken(
    Check::Finds(&["user"]),
    "OneLogin makes a second record of a person it does not find",
    "search by `userName` without regard to case",
);
const TITLE: Expect = Expect::broken(
    Check::Absent("/title"),
    "a title that was emptied stays",
    "take `null` as \"no value\" (RFC 7643 2.5)",
);
const NICKNAME: Expect = Expect::broken(
    Check::Equal("/displayName", "\"Renamed Probe\""),
    "the profile in the directory stays as it was",
    "apply every attribute of the resource, and answer with what is stored",
);
const BY_LOGIN: &[(&str, &str)] = &[("filter", "userName eq \"<login>\"")];
const USER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName":"<login>","externalId":"<tag>","displayName":"Nameplate Probe","title":null,
    "name":{"givenName":"Nameplate","familyName":"Probe"},
    "emails":[{"value":"<login>","type":"work","primary":true}]}"#;

static STEPS: &[Step] = &[
    Step::get(
        "test the connection",
        "/Users",
        &[("startIndex", "1"), ("count", "1")],
    )
    .expects(&[LISTS, LIST_FORM]),
    Step::get("read the groups", "/Groups", &[("count", "100")]).expects(&[LISTS, LIST_FORM]),
    Step::get("look for a person who is new", "/Users", BY_LOGIN).expects(&[NO_ERROR, NOTHING]),
    Step::post("create the person, without `active`", "/Users", USER)
        .makes_user("user", "login")
        .expects(&[CREATED, LOCATED, LOGIN, TITLE]),
    Step::post("create the same person again", "/Users", USER)
        .makes_user("twin", "login")
        .expects(&[CONFLICT, UNIQUENESS]),
    Step::get("find the person", "/Users", BY_LOGIN).expects(&[SEARCHES, NOT_INACTIVE]),
    Step::put(
        "replace the profile, with nulls",
        "/Users/<user>",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"<user>",
        "userName":"<login>","externalId":"<tag>","displayName":"Renamed Probe","title":null,
        "name":{"givenName":"Renamed","familyName":"Probe"},
        "emails":[{"value":"<login>","type":"work","primary":true}],"active":true}"#,
    )
    .expects(&[REPLACED, NICKNAME, TITLE, ACTIVE]),
    Step::get("read the profile back", "/Users/<user>", &[])
        .expects(&[READS, NICKNAME, TITLE, ACTIVE]),
    Step::patch(
        "suspend the person",
        "/Users/<user>",
        r#"[{"op":"replace","path":"active","value":false}]"#,
    )
    .expects(&[PATCHED, INACTIVE]),
    Step::get("see that the person is inactive", "/Users/<user>", &[]).expects(&[READS, INACTIVE]),
    Step::patch(
        "reactivate the person",
        "/Users/<user>",
        r#"[{"op":"replace","path":"active","value":true}]"#,
    )
    .expects(&[PATCHED, ACTIVE]),
    Step::get("see that the person is active", "/Users/<user>", &[]).expects(&[READS, ACTIVE]),
    Step::post(
        "create a second person",
        "/Users",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"<login-2>",
        "externalId":"<tag>-2","name":{"givenName":"Second","familyName":"Probe"}}"#,
    )
    .makes_user("other", "login-2")
    .expects(&[CREATED, LOCATED]),
    Step::post(
        "create a group",
        "/Groups",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName":"<group-name>","externalId":"<uuid>"}"#,
    )
    .makes_group("group", "group-name")
    .expects(&[CREATED, LOCATED]),
    Step::patch(
        "add members",
        "/Groups/<group>",
        r#"[{"op":"add","path":"members","value":[{"value":"<user>"},{"value":"<other>"}]}]"#,
    )
    .expects(&[GROUP_PATCHED]),
    Step::get("read the members back", "/Groups/<group>", &[]).expects(&[READS, BOTH]),
    Step::patch(
        "remove a member",
        "/Groups/<group>",
        r#"[{"op":"remove","path":"members[value eq \"<user>\"]"}]"#,
    )
    .expects(&[GROUP_PATCHED]),
    Step::get("read the members back", "/Groups/<group>", &[]).expects(&[READS, OTHER_ALONE]),
    Step::put(
        "rename the group",
        "/Groups/<group>",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"<group>",
        "displayName":"<group-name-2>","members":[{"value":"<other>"}]}"#,
    )
    .expects(&[REPLACED, RENAMED]),
    Step::get("read the name back", "/Groups/<group>", &[]).expects(&[READS, RENAMED, OTHER_ALONE]),
    Step::delete("delete the group", "/Groups/<group>").expects(&[DELETED]),
    Step::get("see that the group is gone", "/Groups/<group>", &[]).expects(&[GONE]),
    Step::delete("delete the person", "/Users/<user>").expects(&[DELETED]),
    Step::get("see that the person is gone", "/Users/<user>", &[]).expects(&[GONE]),
];
