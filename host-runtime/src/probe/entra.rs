//! What Microsoft Entra ID sends: a non-gallery app, with `?aadOptscim062020` and without,
//! where booleans are texts and members are removed by a list. Data.

use super::common::*;
use super::sequence::{Check, Expect, Sequence, Step};

/// The dialect of apps whose tenant URL has no flag.
pub static LEGACY: Sequence = Sequence {
    title: "Microsoft Entra ID, without aadOptscim062020",
    content_type: "application/scim+json; charset=utf-8",
    space: "%20",
    flag: "",
    presets: &[],
    steps: LEGACY_STEPS,
};

/// The dialect of apps whose tenant URL ends with the flag; spaces are written as its
/// validator writes them.
pub static COMPLIANT: Sequence = Sequence {
    title: "Microsoft Entra ID, with aadOptscim062020",
    content_type: "application/scim+json; charset=utf-8",
    space: "+",
    flag: "aadOptscim062020",
    presets: &[],
    steps: COMPLIANT_STEPS,
};

const MATCHING: &str = "Entra ID makes a second record of a person it does not find";
const MATCH: &str = "support `eq` on `userName`, `externalId` and \
    `emails[type eq \"work\"].value`, and send `externalId` back";
const FINDS_USER: Expect = Expect::broken(Check::Finds(&["user"]), MATCHING, MATCH);
const FINDS_GROUP: Expect = Expect::broken(
    Check::Finds(&["group"]),
    "Entra ID asks whether a membership exists before it changes it",
    "support `id eq \"…\" and members eq \"…\"` on groups, and ids in any case of `eq`",
);
const PROFILE: &str = "the profile in the directory stays as it was";
const PATHS: &str = "support value paths (an element that is not there is added), paths with \
    the urn of an extension, and dotted keys in a PATCH without a path";
const EXTERNAL: Expect = Expect::broken(
    Check::Equal("/externalId", "\"<tag>\""),
    "Entra ID knows its people again by it",
    "keep `externalId` and send it back",
);
const NO_MEMBERS: Expect = Expect::bent(
    Check::Absent("/members"),
    "with large groups every look costs megabytes, and Entra ID times out",
    "honour `excludedAttributes=members`",
);
const DEPARTMENT: Expect = Expect::broken(
    Check::Equal(
        "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department",
        "\"IT\"",
    ),
    PROFILE,
    PATHS,
);
const MANAGER: Expect = Expect::broken(
    Check::Equal(
        "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager/value",
        "\"<other>\"",
    ),
    "the manager is lost: Entra ID sends the bare id",
    "take a bare text for `manager` as its `value`",
);
const WORK_ADDRESS: Expect = Expect::broken(
    Check::Equal("/emails/0/value", "\"<address-2>\""),
    PROFILE,
    PATHS,
);
const DEPARTMENT_2: Expect = Expect::broken(
    Check::Equal(
        "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department",
        "\"HR\"",
    ),
    PROFILE,
    PATHS,
);
const GIVEN_NAME: Expect = Expect::broken(
    Check::Equal("/name/givenName", "\"Renamed\""),
    PROFILE,
    PATHS,
);

const TEST: Step = Step::get(
    "test the connection: look for a random login",
    "/Users",
    &[("filter", "userName eq \"<uuid>\"")],
)
.expects(&[
    Expect::broken(
        Check::Status(&[200], &[]),
        "Entra ID takes a 404 or an error for a server that is not there, and saves nothing",
        "answer a search that finds nothing with 200 and `\"totalResults\": 0`, never with 404",
    ),
    NOTHING,
]);
const LOOK: Step = Step::get(
    "look for a person who is new",
    "/Users",
    &[("filter", "userName eq \"<login>\"")],
)
.expects(&[NO_ERROR, NOTHING]);
const USER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"<tag>",
    "userName":"<login>","active":true,"displayName":"Nameplate Probe",
    "name":{"formatted":"Nameplate Probe","familyName":"Probe","givenName":"Nameplate"},
    "roles":[],"meta":{"resourceType":"User"}}"#;
const CREATE: Step = Step::post("create the person", "/Users", USER)
    .makes_user("user", "login")
    .expects(&[CREATED, LOCATED, LOGIN, ACTIVE, EXTERNAL]);
const AGAIN: Step = Step::post("create the same person again", "/Users", USER)
    .makes_user("twin", "login")
    .expects(&[CONFLICT, UNIQUENESS]);
const CREATE_OTHER: Step = Step::post(
    "create a second person",
    "/Users",
    r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"<tag>-2",
    "userName":"<login-2>","active":true,"displayName":"Second Probe",
    "emails":[{"type":"work","value":"<login-2>","primary":true}],
    "name":{"formatted":"Second Probe","familyName":"Probe","givenName":"Second"},
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"IT"},
    "meta":{"resourceType":"User"}}"#,
)
.makes_user("other", "login-2")
.expects(&[CREATED, LOCATED]);
const BY_EXTERNAL_ID: Step = Step::get(
    "match the person by externalId",
    "/Users",
    &[("filter", "externalId eq \"<tag>\"")],
)
.expects(&[SEARCHES, FINDS_USER]);
const READ: Step = Step::get("read the person", "/Users/<user>", &[]).expects(&[READS, LOGIN]);
const UPDATE: Step = Step::patch(
    "update the profile by paths",
    "/Users/<user>",
    r#"[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"<address-2>"},
    {"op":"Add",
    "path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"IT"},
    {"op":"Add",
    "path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    "value":"<other>"}]"#,
)
.expects(&[PATCHED, WORK_ADDRESS, DEPARTMENT, MANAGER]);
const READ_UPDATE: Step = Step::get("read the profile back", "/Users/<user>", &[]).expects(&[
    READS,
    WORK_ADDRESS,
    DEPARTMENT,
    MANAGER,
]);
const BY_ADDRESS: Step = Step::get(
    "match the person by the new address",
    "/Users",
    &[(
        "filter",
        "emails[type eq \"work\"].value eq \"<address-2>\"",
    )],
)
.expects(&[SEARCHES, FINDS_USER]);
const UPDATE_WITHOUT_PATH: Step = Step::patch(
    "update the profile without a path",
    "/Users/<user>",
    r#"[{"op":"Replace","value":{"displayName":"Renamed Probe","name.givenName":"Renamed",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"HR"}}]"#,
)
.expects(&[PATCHED, GIVEN_NAME, DEPARTMENT_2]);
const READ_UPDATE_2: Step = Step::get("read the profile back", "/Users/<user>", &[]).expects(&[
    READS,
    GIVEN_NAME,
    DEPARTMENT_2,
]);
const SEE_INACTIVE: Step = Step::get(
    "see that the person is inactive and still found",
    "/Users",
    &[("filter", "externalId eq \"<tag>\"")],
)
.expects(&[
    SEARCHES,
    FINDS_USER,
    Expect::broken(
        Check::Equal("/Resources/0/active", "false"),
        "a person who has left keeps their access, and nobody notices",
        "keep `active` as a boolean, apply it, and answer with what is stored",
    ),
]);
const SEE_ACTIVE: Step =
    Step::get("see that the person is active", "/Users/<user>", &[]).expects(&[READS, ACTIVE]);
const MATCH_GROUP: Step = Step::get(
    "look for a group that is new",
    "/Groups",
    &[
        ("excludedAttributes", "members"),
        ("filter", "displayName eq \"<group-name>\""),
    ],
)
.expects(&[NO_ERROR, NOTHING]);
const GROUP: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group",
    "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
    "externalId":"<uuid>","displayName":"<group-name>","meta":{"resourceType":"Group"}}"#;
const PUSH_GROUP: Step = Step::post("create the group", "/Groups", GROUP)
    .makes_group("group", "group-name")
    .expects(&[CREATED, LOCATED]);
const PUSH_AGAIN: Step = Step::post("create the same group again", "/Groups", GROUP)
    .makes_group("twin-group", "group-name")
    .expects(&[GROUP_CONFLICT]);
const ADD_FIRST: Step = Step::patch(
    "add a member",
    "/Groups/<group>",
    r#"[{"op":"Add","path":"members","value":[{"$ref":null,"value":"<user>"}]}]"#,
)
.expects(&[GROUP_PATCHED]);
const ADD_SECOND: Step = Step::patch(
    "add a second member",
    "/Groups/<group>",
    r#"[{"op":"Add","path":"members","value":[{"$ref":null,"value":"<other>"}]}]"#,
)
.expects(&[GROUP_PATCHED]);
const READ_BOTH: Step =
    Step::get("read the members back", "/Groups/<group>", &[]).expects(&[READS, BOTH]);
const IS_MEMBER: Step = Step::get(
    "ask whether the person is a member",
    "/Groups",
    &[
        ("filter", "id eq \"<group>\" and members eq \"<user>\""),
        ("attributes", "id"),
    ],
)
.expects(&[SEARCHES, FINDS_GROUP]);
const READ_REMOVED: Step = Step::get(
    "see that one member went and one stayed",
    "/Groups/<group>",
    &[],
)
.expects(&[READS, OTHER_ALONE]);
const IS_NO_MEMBER: Step = Step::get(
    "ask whether the person is still a member",
    "/Groups",
    &[
        ("filter", "id eq \"<group>\" and members eq \"<user>\""),
        ("attributes", "id"),
    ],
)
.expects(&[NO_ERROR, NOTHING]);
const READ_WITHOUT_MEMBERS: Step = Step::get(
    "read the group without its members",
    "/Groups/<group>",
    &[("excludedAttributes", "members")],
)
.expects(&[READS, NO_MEMBERS]);
const RENAME: Step = Step::patch(
    "rename the group",
    "/Groups/<group>",
    r#"[{"op":"Replace","path":"displayName","value":"<group-name-2>"}]"#,
)
.expects(&[GROUP_PATCHED]);
const READ_NAME: Step =
    Step::get("read the name back", "/Groups/<group>", &[]).expects(&[READS, RENAMED]);
const DELETE_GROUP: Step = Step::delete("delete the group", "/Groups/<group>").expects(&[DELETED]);
const GROUP_GONE: Step =
    Step::get("see that the group is gone", "/Groups/<group>", &[]).expects(&[GONE]);
const DELETE_USER: Step =
    Step::delete("delete the person (30 days later)", "/Users/<user>").expects(&[DELETED]);
const USER_GONE: Step =
    Step::get("see that the person is gone", "/Users/<user>", &[]).expects(&[GONE]);

static LEGACY_STEPS: &[Step] = &[
    TEST,
    LOOK,
    CREATE,
    AGAIN,
    CREATE_OTHER,
    BY_EXTERNAL_ID,
    READ,
    UPDATE,
    READ_UPDATE,
    BY_ADDRESS,
    UPDATE_WITHOUT_PATH,
    READ_UPDATE_2,
    Step::patch(
        "disable the person, the boolean as text",
        "/Users/<user>",
        r#"[{"op":"Replace","path":"active","value":"False"}]"#,
    )
    .expects(&[PATCHED, INACTIVE]),
    SEE_INACTIVE,
    Step::patch(
        "enable the person, the boolean as text",
        "/Users/<user>",
        r#"[{"op":"Replace","value":{"active":"True"}}]"#,
    )
    .expects(&[PATCHED, ACTIVE]),
    SEE_ACTIVE,
    MATCH_GROUP,
    PUSH_GROUP,
    PUSH_AGAIN,
    ADD_FIRST,
    ADD_SECOND,
    READ_BOTH,
    IS_MEMBER,
    Step::patch(
        "remove one member by a list",
        "/Groups/<group>",
        r#"[{"op":"Remove","path":"members","value":[{"value":"<user>"}]}]"#,
    )
    .expects(&[GROUP_PATCHED]),
    READ_REMOVED,
    IS_NO_MEMBER,
    READ_WITHOUT_MEMBERS,
    RENAME,
    READ_NAME,
    DELETE_GROUP,
    GROUP_GONE,
    DELETE_USER,
    USER_GONE,
];

static COMPLIANT_STEPS: &[Step] = &[
    TEST,
    LOOK,
    CREATE,
    AGAIN,
    CREATE_OTHER,
    BY_EXTERNAL_ID,
    READ,
    UPDATE,
    READ_UPDATE,
    BY_ADDRESS,
    UPDATE_WITHOUT_PATH,
    READ_UPDATE_2,
    Step::patch(
        "disable the person",
        "/Users/<user>",
        r#"[{"op":"replace","path":"active","value":false}]"#,
    )
    .expects(&[PATCHED, INACTIVE]),
    SEE_INACTIVE,
    Step::patch(
        "enable the person",
        "/Users/<user>",
        r#"[{"op":"replace","path":"active","value":true}]"#,
    )
    .expects(&[PATCHED, ACTIVE]),
    SEE_ACTIVE,
    MATCH_GROUP,
    PUSH_GROUP,
    PUSH_AGAIN,
    ADD_FIRST,
    ADD_SECOND,
    READ_BOTH,
    IS_MEMBER,
    Step::patch(
        "remove one member by its path",
        "/Groups/<group>",
        r#"[{"op":"remove","path":"members[value eq \"<user>\"]"}]"#,
    )
    .expects(&[GROUP_PATCHED]),
    READ_REMOVED,
    IS_NO_MEMBER,
    READ_WITHOUT_MEMBERS,
    RENAME,
    READ_NAME,
    DELETE_GROUP,
    GROUP_GONE,
    DELETE_USER,
    USER_GONE,
];
