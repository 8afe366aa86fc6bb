//! Expectations that all providers share, as data. What only one of them needs stands
//! in its own file.

use super::sequence::{Check, Expect};

/// A list can be read.
pub const LISTS: Expect = Expect::broken(
    Check::Status(&[200], &[]),
    "the provider tests the connection with it and refuses to be set up",
    "answer every list with 200 and a `ListResponse`",
);
/// A list has the right form.
pub const LIST_FORM: Expect = Expect::broken(
    Check::List,
    "the provider reads the answer into a typed model",
    "answer with `schemas`, `totalResults` and `Resources` (RFC 7644 3.4.2)",
);
/// A search that finds nothing is no error.
pub const NO_ERROR: Expect = Expect::broken(
    Check::Status(&[200], &[]),
    "it is how the provider learns that it may create; an error stops it",
    "answer a search that finds nothing with 200 and `\"totalResults\": 0`, never with 404",
);
/// It finds nothing.
pub const NOTHING: Expect = Expect::broken(
    Check::Finds(&[]),
    "a record found is taken for this one and overwritten",
    "filter by `eq` as asked, and answer `\"totalResults\": 0, \"Resources\": []`",
);
/// A search works.
pub const SEARCHES: Expect = Expect::broken(
    Check::Status(&[200], &[]),
    "the provider matches its people and groups by searching for them",
    "support `eq` on this attribute",
);
/// Something was created.
pub const CREATED: Expect = Expect::broken(
    Check::Status(&[201], &[200]),
    "RFC 7644 3.3: 201 says that it was created; other answers count as failed, or as \
     something else's record",
    "answer a POST that created with 201",
);
/// And where it is.
pub const LOCATED: Expect = Expect::bent(
    Check::Location,
    "RFC 7644 3.3: clients that follow it find nothing",
    "send `Location` with the absolute url of the resource",
);
/// The same thing again is a conflict.
pub const CONFLICT: Expect = Expect::broken(
    Check::Status(&[409], &[]),
    "a second record of one login splits a person in two, and the next search finds both",
    "refuse a login that is taken with 409",
);
/// Said in a way that can be read.
pub const UNIQUENESS: Expect = Expect::bent(
    Check::Error("uniqueness"),
    "RFC 7644 3.12: by `scimType` a client tells a conflict from other trouble",
    "answer with a scim error and `\"scimType\": \"uniqueness\"`",
);
/// A second group of one name.
pub const GROUP_CONFLICT: Expect = Expect::bent(
    Check::Status(&[409], &[200, 201]),
    "the provider adopts a group that exists after a 409; otherwise there are two of a name",
    "refuse a `displayName` that is taken with 409 and `uniqueness`",
);
/// A resource can be read.
pub const READS: Expect = Expect::broken(
    Check::Status(&[200], &[]),
    "the provider reads back what it made",
    "answer GET by id with 200 and the resource",
);
/// It was replaced.
pub const REPLACED: Expect = Expect::broken(
    Check::Status(&[200], &[204]),
    "the provider tries it again and again, and the change never arrives",
    "support PUT of a whole resource and answer 200 with it",
);
/// It was changed.
pub const PATCHED: Expect = Expect::broken(
    Check::Status(&[200], &[204]),
    "several clients take only 200 with the body for a changed user",
    "support this form of PATCH and answer 200 with the resource",
);
/// A group was changed: both answers are accepted.
pub const GROUP_PATCHED: Expect = Expect::broken(
    Check::Status(&[200, 204], &[202]),
    "the provider tries it again and again, and the change never arrives",
    "support this form of PATCH on groups (RFC 7644 3.5.2)",
);
/// It was deleted.
pub const DELETED: Expect = Expect::broken(
    Check::Status(&[204], &[200, 202]),
    "the provider believes that it still exists, and tries again",
    "answer a DELETE that deleted with 204",
);
/// It is gone.
pub const GONE: Expect = Expect::broken(
    Check::Status(&[404], &[410]),
    "a provider makes anew what answers 404, and waits on anything else",
    "answer 404 for ids that do not exist",
);
/// A person is active.
pub const ACTIVE: Expect = Expect::broken(
    Check::Equal("/active", "true"),
    "the person stays locked out",
    "keep `active` as a boolean, apply it, and answer with what is stored",
);
/// A person is not.
pub const INACTIVE: Expect = Expect::broken(
    Check::Equal("/active", "false"),
    "a person who has left keeps their access, and nobody notices",
    "keep `active` as a boolean, apply it, and answer with what is stored",
);
/// A group has its new name.
pub const RENAMED: Expect = Expect::broken(
    Check::Equal("/displayName", "\"<group-name-2>\""),
    "the group keeps its old name, and rules that go by it miss",
    "apply changes of `displayName`",
);
/// A user is told under the login it was sent with.
pub const LOGIN: Expect = Expect::broken(
    Check::Equal("/userName", "\"<login>\""),
    "the provider ties its person to a record by the login",
    "keep `userName` as it was sent",
);
/// The second person is in the group, alone.
pub const OTHER_ALONE: Expect = Expect::broken(
    Check::Members(&["other"]),
    "people keep rights they lost, or lose rights they have",
    "apply each operation to the members it names, and to no other",
);
/// The first person is in the group, alone.
pub const USER_ALONE: Expect = Expect::broken(
    Check::Members(&["user"]),
    "people do not get the rights that the group gives",
    "keep `members` and answer GET by id with them",
);
/// Both are.
pub const BOTH: Expect = Expect::broken(
    Check::Members(&["user", "other"]),
    "people do not get the rights that the group gives",
    "keep `members` and answer GET by id with them",
);
