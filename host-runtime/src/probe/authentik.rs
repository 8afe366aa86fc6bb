//! What authentik sends: it reads first what the server can do, and chooses PATCH or PUT
//! for groups by that. Data.

use super::common::*;
use super::sequence::{Check, Expect, Sequence, Step};

/// authentik's traffic.
pub static SEQUENCE: Sequence = Sequence {
    title: "authentik",
    content_type: "application/scim+json",
    space: "%20",
    flag: "",
    presets: &[("patch", "false")],
    steps: STEPS,
};

const FINDS_USER: Expect = Expect::broken(
    Check::Finds(&["user"]),
    "after a 409 authentik looks for the person to adopt, and finds nobody",
    "search by `userName` without regard to case",
);
const NAME: Expect = Expect::broken(
    Check::Equal("/displayName", "\"Renamed Probe\""),
    "the profile in the directory stays as it was",
    "apply every attribute of the resource, and answer with what is stored",
);
const EXTERNAL: Expect = Expect::broken(
    Check::Equal("/externalId", "\"<uuid>\""),
    "authentik knows its people again by it",
    "keep `externalId` and send it back",
);
const UNKNOWN: Expect = Expect::broken(
    Check::Status(&[404], &[]),
    "authentik makes a record anew when it hears 404; on anything else it never does, and a \
     directory that was restored stays without these people",
    "answer 404 for ids that do not exist, whatever the method",
);
const USER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName":"<login>","externalId":"<uuid>","displayName":"Nameplate Probe","active":true,
    "name":{"formatted":"Nameplate Probe","givenName":"Nameplate Probe","familyName":""},
    "emails":[{"value":"<login>","type":"other","primary":true}],
    "photos":[],"locale":"en-US"}"#;

static STEPS: &[Step] = &[
    Step::get("read what the server can do", "/ServiceProviderConfig", &[])
        .saves(&[("patch", "/patch/supported")])
        .expects(&[
            Expect::bent(
                Check::Status(&[200], &[401, 403, 404]),
                "authentik goes by guesses, and does not use PATCH",
                "answer `GET /ServiceProviderConfig` as RFC 7643 5 describes it",
            ),
            Expect::bent(
                Check::Equal("/patch/supported", "true"),
                "without PATCH each change of a group sends its whole list of members",
                "support PATCH, and say so as a boolean in `patch.supported`",
            ),
        ]),
    Step::post("create the person", "/Users", USER)
        .makes_user("user", "login")
        .expects(&[CREATED, LOCATED, LOGIN, ACTIVE, EXTERNAL]),
    Step::post("create the same person again", "/Users", USER)
        .makes_user("twin", "login")
        .expects(&[CONFLICT, UNIQUENESS]),
    Step::get(
        "look for the person to adopt",
        "/Users",
        &[("filter", "userName eq \"<login>\"")],
    )
    .expects(&[SEARCHES, FINDS_USER]),
    Step::put(
        "replace the profile",
        "/Users/<user>",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"<user>",
        "userName":"<login>","externalId":"<uuid>","displayName":"Renamed Probe","active":true,
        "name":{"formatted":"Renamed Probe","givenName":"Renamed Probe","familyName":""},
        "emails":[{"value":"<login>","type":"other","primary":true}],
        "photos":[],"locale":"en-US"}"#,
    )
    .expects(&[REPLACED, NAME, ACTIVE]),
    Step::get("read the profile back", "/Users/<user>", &[]).expects(&[READS, NAME, ACTIVE]),
    Step::put(
        "deactivate the person",
        "/Users/<user>",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"<user>",
        "userName":"<login>","externalId":"<uuid>","displayName":"Renamed Probe","active":false,
        "emails":[{"value":"<login>","type":"other","primary":true}]}"#,
    )
    .expects(&[REPLACED, INACTIVE]),
    Step::get("see that the person is inactive", "/Users/<user>", &[]).expects(&[READS, INACTIVE]),
    Step::put(
        "reactivate the person",
        "/Users/<user>",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"<user>",
        "userName":"<login>","externalId":"<uuid>","displayName":"Renamed Probe","active":true,
        "emails":[{"value":"<login>","type":"other","primary":true}]}"#,
    )
    .expects(&[REPLACED, ACTIVE]),
    Step::get("see that the person is active", "/Users/<user>", &[]).expects(&[READS, ACTIVE]),
    Step::post(
        "create a second person",
        "/Users",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"<login-2>",
        "externalId":"<tag>-2","displayName":"Second Probe","active":true,
        "emails":[{"value":"<login-2>","type":"other","primary":true}]}"#,
    )
    .makes_user("other", "login-2")
    .expects(&[CREATED, LOCATED]),
    Step::post(
        "create a group",
        "/Groups",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"externalId":"<uuid>",
        "displayName":"<group-name>"}"#,
    )
    .makes_group("group", "group-name")
    .expects(&[CREATED, LOCATED]),
    Step::patch(
        "add members in one chunk",
        "/Groups/<group>",
        r#"[{"op":"add","path":"members","value":[{"value":"<user>"},{"value":"<other>"}]}]"#,
    )
    .only_if("patch", "true")
    .expects(&[GROUP_PATCHED]),
    Step::put(
        "send the group with its members",
        "/Groups/<group>",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"<group>",
        "externalId":"<uuid>","displayName":"<group-name>",
        "members":[{"value":"<user>"},{"value":"<other>"}]}"#,
    )
    .only_if("patch", "false")
    .expects(&[REPLACED]),
    Step::get("read the members back", "/Groups/<group>", &[]).expects(&[READS, BOTH]),
    Step::patch(
        "remove a member",
        "/Groups/<group>",
        r#"[{"op":"remove","path":"members","value":[{"value":"<user>"}]}]"#,
    )
    .only_if("patch", "true")
    .expects(&[GROUP_PATCHED]),
    Step::put(
        "send the group without the member",
        "/Groups/<group>",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"<group>",
        "externalId":"<uuid>","displayName":"<group-name>","members":[{"value":"<other>"}]}"#,
    )
    .only_if("patch", "false")
    .expects(&[REPLACED]),
    Step::get("read the members back", "/Groups/<group>", &[]).expects(&[READS, OTHER_ALONE]),
    Step::patch(
        "rename the group",
        "/Groups/<group>",
        r#"[{"op":"replace","path":null,"value":{"id":"<group>","displayName":"<group-name-2>"}}]"#,
    )
    .only_if("patch", "true")
    .expects(&[GROUP_PATCHED]),
    Step::put(
        "send the group under its new name",
        "/Groups/<group>",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"<group>",
        "externalId":"<uuid>","displayName":"<group-name-2>","members":[{"value":"<other>"}]}"#,
    )
    .only_if("patch", "false")
    .expects(&[REPLACED]),
    Step::get("read the name back", "/Groups/<group>", &[]).expects(&[READS, RENAMED, OTHER_ALONE]),
    Step::delete("delete the group", "/Groups/<group>").expects(&[DELETED]),
    Step::get("see that the group is gone", "/Groups/<group>", &[]).expects(&[GONE]),
    Step::delete("delete the person", "/Users/<user>").expects(&[DELETED]),
    Step::put(
        "update a person that is gone",
        "/Users/<user>",
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"<user>",
        "userName":"<login>","externalId":"<uuid>","displayName":"Renamed Probe","active":true}"#,
    )
    .makes_user("risen", "login")
    .expects(&[UNKNOWN]),
];
