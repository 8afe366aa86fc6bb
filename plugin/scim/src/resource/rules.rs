//! Every deviation from the RFC that is accepted, by name. `strict` accepts none.

use crate::config::Dialect;

/// One accepted deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// `"True"` and `"False"`, in any case, where a boolean belongs (Entra).
    StringBoolean,
    /// A bare string for a complex attribute that has a `value` (Entra's `manager`).
    BareManager,
    /// One object or value where a list belongs.
    WrapSingle,
    /// A body without `schemas`.
    MissingSchemas,
    /// E-mail entries without an address are left out (Okta sends them again when
    /// it re-provisions).
    DropEmptyEmail,
    /// Of several `primary` values the last one counts.
    SeveralPrimaries,
    /// PATCH `remove` with a list of values removes those alone (Entra).
    RemoveByValue,
    /// PATCH `add` through a value path that matches nothing makes the element.
    AddThroughMissing,
    /// PATCH `replace` through a value path that matches nothing makes the element
    /// (Entra).
    ReplaceThroughMissing,
    /// PATCH of an attribute no schema declares: kept as POST keeps it, and passed over
    /// where POST would not keep it.
    IgnoreUndeclared,
    /// PATCH without a path may name `id`, `meta`, `groups` and `schemas`, which are
    /// passed over (Okta).
    IgnoreReadOnly,
    /// Group members without a usable `value` are passed over.
    SkipEmptyMember,
}

impl Rule {
    /// May a client of this dialect deviate so.
    pub fn accepted(self, dialect: Dialect) -> bool {
        match (self, dialect) {
            (_, Dialect::Strict) => false,
            // RFC 7644 3.5.2.3: a replace whose filter matches nothing is noTarget.
            // No client in particular needs it otherwise.
            (Self::ReplaceThroughMissing, Dialect::Generic) => false,
            _ => true,
        }
    }

    /// The name, for notes.
    pub fn code(self) -> &'static str {
        match self {
            Self::StringBoolean => "string-boolean",
            Self::BareManager => "entra-bare-manager",
            Self::WrapSingle => "wrap-single-value",
            Self::MissingSchemas => "missing-schemas",
            Self::DropEmptyEmail => "drop-empty-email",
            Self::SeveralPrimaries => "several-primaries",
            Self::RemoveByValue => "entra-remove-by-value",
            Self::AddThroughMissing | Self::ReplaceThroughMissing => "create-on-missing-value-path",
            Self::IgnoreUndeclared => "ignore-undeclared",
            Self::IgnoreReadOnly => "ignore-read-only",
            Self::SkipEmptyMember => "skip-empty-member",
        }
    }
}
