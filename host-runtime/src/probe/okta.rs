//! What Okta sends: a SAML 2.0 app with SCIM provisioning. Data.

use super::common::*;
use super::sequence::{Check, Expect, Sequence, Step};

/// Okta never deletes users: it deactivates them and finds them again.
pub static SEQUENCE: Sequence = Sequence {
    title: "Okta",
    content_type: "application/scim+json",
    space: "%20",
    flag: "",
    presets: &[],
    steps: STEPS,
};

const PROFILE: &str = "the profile in the directory stays as it was";
const APPLY: &str = "apply every attribute of the resource, and answer with what is stored";
const FINDS_USER: Expect = Expect::broken(
    Check::Finds(&["user"]),
    "Okta makes a second record of a person it does not find",
    "search by `userName` without regard to case, people who are not active too",
);
const FINDS_OTHER: Expect = Expect::broken(
    Check::Finds(&["other"]),
    "a login with a plus is searched as a blank, and Okta makes a second record",
    "decode the query once: `%2B` is a plus",
);
const PASSWORD: Expect = Expect::broken(
    Check::Absent("/password"),
    "a password in answers ends up in logs",
    "never store or return `password` (RFC 7643 7: `returned` is `never`)",
);
const PAGE: &[(&str, &str)] = &[("startIndex", "1"), ("count", "100")];
const BY_LOGIN: &[(&str, &str)] = &[
    ("filter", "userName eq \"<login>\""),
    ("startIndex", "1"),
    ("count", "100"),
];
const BY_OTHER: &[(&str, &str)] = &[
    ("filter", "userName eq \"<login-2>\""),
    ("startIndex", "1"),
    ("count", "100"),
];
const BY_GROUP: &[(&str, &str)] = &[
    ("filter", "displayName eq \"<group-name>\""),
    ("startIndex", "1"),
    ("count", "100"),
];
const USER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName":"<login>","name":{"givenName":"Nameplate","familyName":"Probe"},
    "emails":[{"primary":true,"value":"<login>","type":"work"}],
    "displayName":"Nameplate Probe","locale":"en-US","externalId":"<tag>","groups":[],
    "password":"<uuid>","active":true}"#;
const OTHER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName":"<login-2>","name":{"givenName":"Second","familyName":"Probe"},
    "emails":[{"primary":true,"value":"<login-2>","type":"work"}],
    "displayName":"Second Probe","locale":"en-US","externalId":"<tag>-2","groups":[],
    "active":true}"#;

static STEPS: &[Step] = &[
    Step::get(
        "test the connector: users",
        "/Users",
        &[("startIndex", "1"), ("count", "2")],
    )
    .expects(&[LISTS, LIST_FORM]),
    Step::get("test the connector: groups", "/Groups", PAGE).expects(&[LISTS, LIST_FORM]),
    Step::get("look for a person who is new", "/Users", BY_LOGIN).expects(&[NO_ERROR, NOTHING]),
    Step::post("create the person", "/Users", USER)
        .makes_user("user", "login")
        .expects(&[CREATED, LOCATED, LOGIN, ACTIVE, PASSWORD]),
    Step::post("create the same person again", "/Users", USER)
        .makes_user("twin", "login")
        .expects(&[CONFLICT, UNIQUENESS]),
    Step::get("read the person", "/Users/<user>", &[]).expects(&[READS, LOGIN, ACTIVE, PASSWORD]),
    Step::put(
        "update the profile",
        "/Users/<user>",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"<user>",
        "userName":"<login>","name":{"givenName":"Nameplate","familyName":"Probe-Renamed"},
        "emails":[{"primary":true,"value":"<login>","type":"work"}],
        "displayName":"Nameplate Probe-Renamed","locale":"en-US","externalId":"<tag>",
        "groups":[],"active":true}"#,
    )
    .expects(&[
        REPLACED,
        Expect::broken(
            Check::Equal("/name/familyName", "\"Probe-Renamed\""),
            PROFILE,
            APPLY,
        ),
    ]),
    Step::get("read the profile back", "/Users/<user>", &[]).expects(&[
        READS,
        Expect::broken(
            Check::Equal("/name/familyName", "\"Probe-Renamed\""),
            PROFILE,
            APPLY,
        ),
    ]),
    Step::patch(
        "deactivate the person",
        "/Users/<user>",
        r#"[{"op":"replace","value":{"active":false}}]"#,
    )
    .expects(&[PATCHED, INACTIVE]),
    Step::get("see that the person is inactive", "/Users/<user>", &[]).expects(&[READS, INACTIVE]),
    Step::get("look for the inactive person", "/Users", BY_LOGIN).expects(&[SEARCHES, FINDS_USER]),
    Step::put(
        "assign the person again",
        "/Users/<user>",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"<user>",
        "userName":"<login>","name":{"givenName":"Nameplate","familyName":"Probe-Renamed"},
        "emails":[{"primary":true,"value":"<login>","type":"work"}],
        "displayName":"Nameplate Probe-Renamed","locale":"en-US","externalId":"<tag>",
        "groups":[],"active":true}"#,
    )
    .expects(&[REPLACED, ACTIVE]),
    Step::get("see that the person is active", "/Users/<user>", &[]).expects(&[READS, ACTIVE]),
    Step::get("look for a login with a plus", "/Users", BY_OTHER).expects(&[NO_ERROR, NOTHING]),
    Step::post("create a second person", "/Users", OTHER)
        .makes_user("other", "login-2")
        .expects(&[CREATED, LOCATED]),
    Step::get("find the login with a plus", "/Users", BY_OTHER).expects(&[SEARCHES, FINDS_OTHER]),
    Step::get("look for a group that is new", "/Groups", BY_GROUP).expects(&[NO_ERROR, NOTHING]),
    Step::post(
        "push a group with its member",
        "/Groups",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName":"<group-name>","members":[{"value":"<user>","display":"<login>"}]}"#,
    )
    .makes_group("group", "group-name")
    .expects(&[CREATED, LOCATED]),
    Step::get("read the group", "/Groups/<group>", &[]).expects(&[READS, USER_ALONE]),
    Step::patch(
        "change the membership",
        "/Groups/<group>",
        r#"[{"op":"remove","path":"members[value eq \"<user>\"]"},
        {"op":"add","path":"members","value":[{"value":"<other>","display":"<login-2>"}]}]"#,
    )
    .expects(&[GROUP_PATCHED]),
    Step::get("read the membership back", "/Groups/<group>", &[]).expects(&[READS, OTHER_ALONE]),
    Step::patch(
        "replace the whole list of members",
        "/Groups/<group>",
        r#"[{"op":"replace","path":"members","value":[{"value":"<user>","display":"<login>"},
        {"value":"<other>","display":"<login-2>"}]}]"#,
    )
    .expects(&[GROUP_PATCHED]),
    Step::get("read the list back", "/Groups/<group>", &[]).expects(&[READS, BOTH]),
    Step::patch(
        "rename the group",
        "/Groups/<group>",
        r#"[{"op":"replace","value":{"id":"<group>","displayName":"<group-name-2>"}}]"#,
    )
    .expects(&[GROUP_PATCHED]),
    Step::get("read the name back", "/Groups/<group>", &[]).expects(&[READS, RENAMED, BOTH]),
    Step::delete("unlink the group", "/Groups/<group>").expects(&[DELETED]),
    Step::get("see that the group is gone", "/Groups/<group>", &[]).expects(&[GONE]),
];
