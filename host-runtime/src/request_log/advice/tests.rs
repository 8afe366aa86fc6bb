#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use super::*;
use crate::auth::{Malformed, Refusal};

const IDPS: [Idp; 6] = [
    Idp::Okta,
    Idp::Entra,
    Idp::OneLogin,
    Idp::Authentik,
    Idp::JumpCloud,
    Idp::Generic,
];

fn kind(status: u16, code: &str, detail: &str) -> &'static str {
    find(status, code, detail).unwrap().name
}

#[test]
fn each_refusal_of_a_caller_has_an_explanation_of_its_own() {
    let refusals = [
        (Refusal::Missing, "no-token"),
        (Refusal::Malformed(Malformed::Foreign), "foreign-token"),
        (Refusal::Malformed(Malformed::Mistyped), "mistyped-token"),
        (Refusal::Unknown, "unknown-token"),
        (Refusal::Revoked, "revoked-token"),
        (Refusal::Expired, "expired-token"),
    ];
    for (refusal, name) in refusals {
        assert_eq!(kind(401, "", &refusal.to_string()), name);
    }
    assert_eq!(kind(401, "", "something new"), "refused-caller");
}

#[test]
fn each_keyword_of_scim_has_an_explanation_of_its_own() {
    // RFC 7644 table 9, and RFC 9865 2.1.
    let keywords = [
        (400, "invalidFilter", "filter"),
        (400, "tooMany", "too-many"),
        (409, "uniqueness", "uniqueness"),
        (400, "mutability", "mutability"),
        (400, "invalidSyntax", "syntax"),
        (400, "invalidPath", "path"),
        (400, "noTarget", "no-target"),
        (400, "invalidValue", "value"),
        (400, "invalidVers", "version"),
        (400, "invalidCursor", "cursor"),
        (400, "invalidCount", "cursor"),
        (403, "sensitive", "sensitive"),
    ];
    for (status, code, name) in keywords {
        assert_eq!(
            kind(status, code, "any words, the body broke off"),
            name,
            "{code}"
        );
    }
}

#[test]
fn errors_without_a_keyword_are_told_apart_by_status_and_words() {
    let cases = [
        (
            400,
            "the request names no valid host, which absolute urls need",
            "no-host",
        ),
        (
            400,
            "the body broke off; send the request again",
            "broken-body",
        ),
        (400, "`limit` is `x`; give a number", "bad-request"),
        (
            403,
            "this is an admin token; scim takes the token of a connection",
            "admin-token",
        ),
        (403, "this is the scim token of a connection", "scim-token"),
        (403, "discovery endpoints cannot be filtered", "forbidden"),
        (404, "there is no user `7`", "no-resource"),
        (404, "there is no group `7`", "no-resource"),
        (
            404,
            "there is no endpoint `/x`: the endpoints are /Users",
            "no-path",
        ),
        (404, "there is nothing at this path", "no-path"),
        (404, "there is no schema `x`", "not-found"),
        (405, "method `PUT` is not allowed here", "wrong-method"),
        (408, "the body did not arrive in time", "slow-body"),
        (409, "busy", "conflict"),
        (412, "the resource has changed", "changed-meanwhile"),
        (413, "the body is larger", "too-large"),
        (415, "content type `x` is not understood", "content-type"),
        (429, "too fast", "too-fast"),
        (500, "the stored resource cannot be read", "internal"),
        (
            501,
            "`/Me` is not offered by this service provider",
            "not-offered",
        ),
        (503, "the database does not answer; try again", "database"),
        (503, "tokens cannot be looked up at the moment", "database"),
        (
            503,
            "the directory is not available now: try again",
            "database",
        ),
        (503, "the index is being rebuilt: try again", "index"),
        (
            503,
            "the resource is being changed by others at the same time",
            "busy",
        ),
        (
            503,
            "too many large requests at once; send it again",
            "busy",
        ),
        (
            503,
            "the request could not be finished; try again",
            "plugin",
        ),
        (503, "something else", "unavailable"),
        (507, "no room", "full"),
        (418, "", "client-error"),
        (599, "", "server-error"),
    ];
    for (status, detail, name) in cases {
        assert_eq!(kind(status, "", detail), name, "{status} {detail}");
    }
}

#[test]
fn every_error_status_is_explained_and_nothing_else() {
    for status in 100..400 {
        assert!(find(status, "", "").is_none(), "{status}");
    }
    for status in 400..600 {
        assert!(find(status, "", "").is_some(), "{status}");
    }
}

#[test]
fn a_fix_is_one_line_and_names_menus_wherever_it_speaks_of_them() {
    for kind in KINDS {
        let special = kind.instead.iter().map(|(_, fix)| *fix);
        for fix in std::iter::once(kind.fix).chain(special) {
            for idp in IDPS {
                let told = menus::filled(fix, idp);
                assert!(!told.contains(['{', '}', '\n']), "{}: {told}", kind.name);
                assert!(
                    !told.contains("  ") && !told.ends_with('.'),
                    "{}: {told}",
                    kind.name
                );
            }
        }
        assert!(
            !kind.meaning.is_empty() && !kind.meaning.contains("  "),
            "{}",
            kind.name
        );
    }
}

#[test]
fn names_of_kinds_are_unique() {
    let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(names.len(), KINDS.len());
}

#[test]
fn the_menus_are_those_of_the_dialect_then_the_client_then_the_name() {
    assert_eq!(
        Idp::of("entra", "Okta SCIM Client 1.0.0", "okta"),
        Idp::Entra
    );
    assert_eq!(
        Idp::of("auto", "Okta SCIM Client 1.0.0", "entra"),
        Idp::Okta
    );
    assert_eq!(Idp::of("auto", "curl/8", "azure-prod"), Idp::Entra);
    assert_eq!(Idp::of("auto", "goauthentik.io/2026", "x"), Idp::Authentik);
    assert_eq!(Idp::of("strict", "", "hr"), Idp::Generic);
    for menu in &menus::MENUS {
        assert_eq!(menu.idp.menu().token, menu.token);
    }
}
