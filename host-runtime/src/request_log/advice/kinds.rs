//! What can go wrong with a request, what it means and what to do.

use super::{Idp, Kind};

/// A kind that is told from others by its status alone.
const PLAIN: Kind = Kind {
    name: "",
    statuses: &[],
    codes: &[],
    details: &[],
    meaning: "",
    fix: "",
    instead: &[],
};

/// All kinds, those about the caller first.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "no-token",
        statuses: &[401],
        details: &["no bearer token"],
        meaning: "the request carried no token, so nobody knows for whom it speaks",
        fix: "enter a SCIM token in {token}; make one with `nameplate token create --scope scim`",
        instead: &[(
            Idp::Okta,
            "choose HTTP Header as Authentication Mode and enter a SCIM token in {token}; make \
             one with `nameplate token create --scope scim`",
        )],
        ..PLAIN
    },
    Kind {
        name: "foreign-token",
        statuses: &[401],
        details: &["not a token of nameplate"],
        meaning: "the token is not one of this server's: another product's key was entered, or a \
                  field holds something else",
        fix: "paste a token that begins with `np_scim_` into {token}",
        ..PLAIN
    },
    Kind {
        name: "mistyped-token",
        statuses: &[401],
        details: &["mistyped or cut off"],
        meaning: "the token begins like one of this server's but is not whole: a character was \
                  lost or changed when it was copied",
        fix: "copy the token again as a whole, without blanks or line breaks, into {token}",
        ..PLAIN
    },
    Kind {
        name: "unknown-token",
        statuses: &[401],
        details: &["not known here"],
        meaning: "the token is well formed but unknown: it was made on another server, before \
                  the database was replaced, or for another tenant than this address is of",
        fix: "make a token with `nameplate token create --scope scim` and enter it in {token}; if \
              the token is good elsewhere, correct the address in {url}",
        ..PLAIN
    },
    Kind {
        name: "revoked-token",
        statuses: &[401],
        details: &["was revoked"],
        meaning: "the token was good and has been revoked by an administrator",
        fix: "make a token with `nameplate token create --scope scim` and enter it in {token}; \
              `nameplate audit` says who revoked the old one",
        ..PLAIN
    },
    Kind {
        name: "expired-token",
        statuses: &[401],
        details: &["has expired"],
        meaning: "the token was good until its time was over",
        fix: "make a token with `nameplate token create --scope scim` and enter it in {token}",
        ..PLAIN
    },
    Kind {
        name: "refused-caller",
        statuses: &[401],
        meaning: "the caller did not prove who they are",
        fix: "check the credentials in {token} against those of the connection; \
              `nameplate token list` shows which are valid",
        ..PLAIN
    },
    Kind {
        name: "admin-token",
        statuses: &[403],
        details: &["this is an admin token"],
        meaning: "an admin token was used where an identity provider speaks; it is for the \
                  device-management server",
        fix: "make a token with `nameplate token create --scope scim`, enter it in {token}, and \
              rotate the admin token, for it has left its place",
        ..PLAIN
    },
    Kind {
        name: "scim-token",
        statuses: &[403],
        details: &["this is the scim token"],
        meaning: "the token of an identity provider was used for administration",
        fix: "use a token made with `nameplate token create --scope admin`; identity providers \
              need the path `/scim/v2`, which is set in {url}",
        ..PLAIN
    },
    Kind {
        name: "read-only-token",
        statuses: &[403],
        details: &["read"],
        meaning: "the token may read and not write",
        fix: "make a token that may write with `nameplate token create` and enter it in {token}, \
              or leave off writing: {people}",
        ..PLAIN
    },
    Kind {
        name: "sensitive",
        statuses: &[403],
        codes: &["sensitive"],
        meaning: "the request asked for people by something that nobody may read, such as a \
                  password",
        fix: "match people by another attribute: {mappings}",
        ..PLAIN
    },
    Kind {
        name: "forbidden",
        statuses: &[403],
        meaning: "the caller is known and may not do this",
        fix: "compare what the detail says with {token} and {url}",
        ..PLAIN
    },
    Kind {
        name: "no-resource",
        statuses: &[404],
        details: &[
            "there is no user",
            "there is no group",
            "there is no User",
            "there is no Group",
        ],
        meaning: "the identity provider asked for somebody or a group that is not in this \
                  directory: it remembers an id from before they were deleted, or before the \
                  database was replaced",
        fix: "have it look people up anew: {again}; if all ids are unknown, unassign and assign \
              the app once more in {people}",
        instead: &[
            (
                Idp::Okta,
                "for a person, remove them in {people} and assign them again; for a group, \
                 unlink it in {groups} and push it again",
            ),
            (
                Idp::Entra,
                "choose Restart provisioning in Enterprise applications > your app > \
                 Provisioning: it forgets the ids it knows and matches everybody again",
            ),
            (
                Idp::Authentik,
                "nothing is to be done: authentik makes a person anew on this answer; if it does \
                 not, {again}",
            ),
        ],
        ..PLAIN
    },
    Kind {
        name: "no-path",
        statuses: &[404],
        details: &["nothing at this path", "there is no endpoint"],
        meaning: "the address leads nowhere: the SCIM base URL is not what this server offers",
        fix: "enter the SCIM base URL, which ends in `/scim/v2`, in {url}",
        ..PLAIN
    },
    Kind {
        name: "not-found",
        statuses: &[404],
        meaning: "what was asked for is not there",
        fix: "compare the path with {url}; if it names a person or a group, {again}",
        ..PLAIN
    },
    Kind {
        name: "wrong-method",
        statuses: &[405],
        meaning: "the path exists but is not asked like this",
        fix: "compare {url} with the SCIM base URL: it must end in `/scim/v2` and no further",
        ..PLAIN
    },
    Kind {
        name: "slow-body",
        statuses: &[408],
        meaning: "the request did not arrive whole within its time: the line is slow or broke off",
        fix: "look at the network and the proxies between; then {again}",
        ..PLAIN
    },
    Kind {
        name: "uniqueness",
        statuses: &[409],
        codes: &["uniqueness"],
        meaning: "somebody else, or another group, has this name already in this directory",
        fix: "find who holds it (`GET /api/v1/users`), rename or remove one of the two in your \
              identity provider, then {again}",
        instead: &[
            (
                Idp::Okta,
                "two Okta users are mapped to one userName, or a group of that name was pushed \
                 before: compare {people} and {mappings}, or unlink the other group in {groups}; \
                 then {again}",
            ),
            (
                Idp::Entra,
                "check in {mappings} that the matching attribute is userName and that its source \
                 is unique to each person; then {again}",
            ),
        ],
        ..PLAIN
    },
    Kind {
        name: "conflict",
        statuses: &[409],
        meaning: "the request collides with what is stored",
        fix: "read the person or the group again, then {again}",
        ..PLAIN
    },
    Kind {
        name: "changed-meanwhile",
        statuses: &[412],
        meaning: "the resource has changed since the identity provider read it, and it asked not \
                  to write over that",
        fix: "nothing is to be done if it tries again by itself; else {again}",
        ..PLAIN
    },
    Kind {
        name: "too-large",
        statuses: &[413],
        meaning: "the request is larger than this server takes",
        fix: "send fewer members or operations at once; an administrator of the server can raise \
              the tenant's limits `body` and `large_body`; then {again}",
        instead: &[(
            Idp::Okta,
            "split the group in {groups}, or have an administrator of the server raise the \
             tenant's limit `large_body`; then {again}",
        )],
        ..PLAIN
    },
    Kind {
        name: "content-type",
        statuses: &[415],
        meaning: "the body is labelled as something that is not SCIM",
        fix: "have it sent as `application/scim+json`; a proxy between may have changed it: {url}",
        ..PLAIN
    },
    Kind {
        name: "too-fast",
        statuses: &[429],
        meaning: "more requests a second came than the tenant may send; the identity provider was \
                  told when to try again, and does",
        fix: "nothing is to be done if it happens in a first synchronisation; else an \
              administrator of the server can raise the tenant's limit `rate`",
        ..PLAIN
    },
    Kind {
        name: "filter",
        statuses: &[400],
        codes: &["invalidFilter"],
        meaning: "the search cannot be understood, or compares an attribute with something it \
                  cannot be",
        fix: "match people by `userName` or `externalId`, and groups by `displayName`: {mappings}",
        ..PLAIN
    },
    Kind {
        name: "too-many",
        statuses: &[400],
        codes: &["tooMany"],
        meaning: "the search would have to look at more than this server is willing to",
        fix: "match by an attribute that is indexed, such as `userName`: {mappings}; or list \
              further ones in the connection's settings",
        ..PLAIN
    },
    Kind {
        name: "mutability",
        statuses: &[400],
        codes: &["mutability"],
        meaning: "the request would change what is set by the server, or take away what everybody \
                  must have",
        fix: "take the attribute that the detail names out of {mappings}",
        ..PLAIN
    },
    Kind {
        name: "path",
        statuses: &[400],
        codes: &["invalidPath"],
        meaning: "the change names an attribute that does not exist, or in a way that cannot be \
                  understood",
        fix: "correct or remove the attribute that the detail names in {mappings}; an attribute of \
              your own has to be declared in the connection's settings first",
        instead: &[(
            Idp::Entra,
            "correct the target attribute in {mappings}, with Show advanced options > Edit \
             attribute list; an attribute of your own has to be declared in the connection's \
             settings first",
        )],
        ..PLAIN
    },
    Kind {
        name: "no-target",
        statuses: &[400],
        codes: &["noTarget"],
        meaning: "the change is about an element that is not there, such as an e-mail address of a \
                  type this person does not have",
        fix: "have the identity provider send the person whole: {again}; if it comes back, correct \
              the attribute in {mappings}",
        ..PLAIN
    },
    Kind {
        name: "value",
        statuses: &[400],
        codes: &["invalidValue"],
        meaning: "a value is missing, too long or of the wrong kind",
        fix: "see in the detail which attribute it is, and correct its source in {mappings}; then \
              {again}",
        ..PLAIN
    },
    Kind {
        name: "syntax",
        statuses: &[400],
        codes: &["invalidSyntax"],
        meaning: "the body is not what SCIM calls for",
        fix: "look in {mappings} for an expression that yields something else than a text; if there \
              is none, keep the request with `nameplate requests record` and report it",
        ..PLAIN
    },
    Kind {
        name: "cursor",
        statuses: &[400],
        codes: &["invalidCursor", "invalidCount"],
        meaning: "the client went on in a list at a place that is none",
        fix: "begin the list anew: {again}",
        ..PLAIN
    },
    Kind {
        name: "version",
        statuses: &[400],
        codes: &["invalidVers"],
        meaning: "the identity provider speaks another version of SCIM",
        fix: "choose SCIM 2.0, and an address that ends in `/scim/v2`, in {url}",
        ..PLAIN
    },
    Kind {
        name: "no-host",
        statuses: &[400],
        details: &["names no valid host"],
        meaning: "the request does not say for which host it is, and no public url is configured",
        fix: "set `public_url` in the server's settings; then {again}",
        ..PLAIN
    },
    Kind {
        name: "broken-body",
        statuses: &[400],
        details: &["broke off"],
        meaning: "the connection ended before the request was whole",
        fix: "look at the network and the proxies between; then {again}",
        ..PLAIN
    },
    Kind {
        name: "bad-request",
        statuses: &[400, 422],
        meaning: "the request cannot be carried out as it is",
        fix: "do what the detail says; for a request of an identity provider look at {mappings}",
        ..PLAIN
    },
    Kind {
        name: "full",
        statuses: &[507],
        meaning: "the tenant has as many people, groups or members as it may",
        fix: "assign fewer in {people}, or have an administrator of the server raise the tenant's \
              limits",
        ..PLAIN
    },
    Kind {
        name: "database",
        statuses: &[503],
        details: &[
            "the database",
            "tokens cannot be looked up",
            "the directory is not available",
        ],
        meaning: "the server could not reach its database; nothing was lost, for the identity \
                  provider was told to try again",
        fix: "an administrator of the server looks at its log and at `nameplate doctor`; \
              afterwards, if it does not go on by itself: {again}",
        ..PLAIN
    },
    Kind {
        name: "plugin",
        statuses: &[503],
        details: &["could not be finished"],
        meaning: "the plugin that answers requests failed or ran into a limit; the request was done \
                  wholly or not at all",
        fix: "an administrator of the server looks at its log for the request's id; afterwards, if \
              it does not go on by itself: {again}",
        ..PLAIN
    },
    Kind {
        name: "index",
        statuses: &[503],
        details: &["index is being rebuilt"],
        meaning: "an index is being filled after a change of settings; answers would not be complete",
        fix: "wait some minutes; if it does not go on by itself: {again}",
        ..PLAIN
    },
    Kind {
        name: "busy",
        statuses: &[503],
        details: &["changed by others", "too many large requests"],
        meaning: "too much is going on at once for this request",
        fix: "nothing is to be done if it tries again by itself; else {again}",
        ..PLAIN
    },
    Kind {
        name: "unavailable",
        statuses: &[503],
        meaning: "the server could not answer for the moment",
        fix: "an administrator of the server looks at its log; afterwards, if it does not go on by \
              itself: {again}",
        ..PLAIN
    },
    Kind {
        name: "not-offered",
        statuses: &[501],
        meaning: "the request asks for a part of SCIM that this server does not offer",
        fix: "leave that feature off in {url}",
        ..PLAIN
    },
    Kind {
        name: "internal",
        statuses: &[500],
        meaning: "the server came upon something that cannot be",
        fix: "an administrator of the server looks at its log for the request's id and reports it",
        ..PLAIN
    },
];

/// What a status means that no kind has.
static CLIENT: Kind = Kind {
    name: "client-error",
    meaning: "the request was refused",
    fix: "do what the detail says; for a request of an identity provider look at {mappings} and \
          {log}",
    ..PLAIN
};
static SERVER: Kind = Kind {
    name: "server-error",
    meaning: "the server could not answer",
    fix: "an administrator of the server looks at its log for the request's id; afterwards {again}",
    ..PLAIN
};

/// By the class of a status.
pub(super) fn of_class(status: u16) -> Option<&'static Kind> {
    match status {
        400..500 => Some(&CLIENT),
        500..600 => Some(&SERVER),
        _ => None,
    }
}
