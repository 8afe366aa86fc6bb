//! Some attributes of a user, one of every sort. Written down here once more: what
//! the service takes from its schemas is part of what is compared.

use super::super::traffic::BADGE;
use crate::client::{ENTERPRISE, USER};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Text whose case counts.
    Exact,
    Flag,
    Integer,
    Complex(&'static [Attr]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Free,
    Required,
    Once,
    ReadOnly,
    WriteOnly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attr {
    pub name: &'static str,
    pub kind: Kind,
    pub list: bool,
    pub access: Access,
}

const fn one(name: &'static str, kind: Kind, access: Access) -> Attr {
    Attr {
        name,
        kind,
        list: false,
        access,
    }
}

const fn list(name: &'static str, kind: Kind, access: Access) -> Attr {
    Attr {
        list: true,
        ..one(name, kind, access)
    }
}

const VALUE: Attr = one("value", Kind::Text, Access::Free);
const TYPE: Attr = one("type", Kind::Text, Access::Free);
const PRIMARY: Attr = one("primary", Kind::Flag, Access::Free);

const NAME: Kind = Kind::Complex(&[
    one("givenName", Kind::Text, Access::Free),
    one("familyName", Kind::Text, Access::Free),
]);
const VALUED: Kind = Kind::Complex(&[VALUE, TYPE, PRIMARY]);
const ADDRESS: Kind = Kind::Complex(&[one("locality", Kind::Text, Access::Free), TYPE, PRIMARY]);
const MANAGER: Kind = Kind::Complex(&[
    one("value", Kind::Exact, Access::Free),
    one("$ref", Kind::Exact, Access::Free),
    one("displayName", Kind::Text, Access::ReadOnly),
]);
const GROUP: Kind = Kind::Complex(&[
    one("value", Kind::Exact, Access::ReadOnly),
    one("type", Kind::Text, Access::ReadOnly),
]);
const LOCK: Kind = Kind::Complex(&[one("value", Kind::Text, Access::Required), TYPE]);

/// Some of each schema: one attribute of every sort.
pub const SCHEMAS: &[(&str, &[Attr])] = &[
    (
        USER,
        &[
            one("userName", Kind::Text, Access::Required),
            one("externalId", Kind::Exact, Access::Free),
            one("title", Kind::Text, Access::Free),
            one("active", Kind::Flag, Access::Free),
            one("password", Kind::Text, Access::WriteOnly),
            one("id", Kind::Exact, Access::ReadOnly),
            list("groups", GROUP, Access::ReadOnly),
            one("name", NAME, Access::Free),
            list("emails", VALUED, Access::Free),
            list("roles", VALUED, Access::Free),
            list("addresses", ADDRESS, Access::Free),
        ],
    ),
    (
        ENTERPRISE,
        &[
            one("department", Kind::Text, Access::Free),
            one("manager", MANAGER, Access::Free),
        ],
    ),
    (
        BADGE,
        &[
            one("serial", Kind::Exact, Access::Once),
            one("number", Kind::Integer, Access::Free),
            list("doors", Kind::Text, Access::Free),
            list("locks", LOCK, Access::Required),
        ],
    ),
];

impl Attr {
    pub fn subs(&self) -> &'static [Attr] {
        match self.kind {
            Kind::Complex(subs) => subs,
            _ => &[],
        }
    }

    pub fn sub(&self, name: &str) -> Option<&'static Attr> {
        self.subs().iter().find(|sub| sub.name == name)
    }
}
