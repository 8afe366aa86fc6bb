//! Every deviation from the RFC that is accepted, by name. `strict` accepts none. What
//! each one is and who sends it: `docs/dialects.md`, which a test holds to this list.

use crate::config::Dialect;

/// One accepted deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// `"True"` and `"False"`, in any case, where a boolean belongs (Entra); in a filter
    /// also without quotes.
    StringBoolean,
    /// A bare string for a complex attribute that has a `value` (Entra's `manager`).
    BareManager,
    /// One object or value where a list belongs.
    WrapSingle,
    /// A body without `schemas`.
    MissingSchemas,
    /// A body whose `schemas` name what this resource has not (Entra's groups).
    UnknownSchema,
    /// A body that is JSON and labelled as something else.
    MediaType,
    /// Base64 text that is broken into lines.
    LineBreaks,
    /// E-mail entries without an address are left out (Okta sends them again when
    /// it re-provisions).
    DropEmptyEmail,
    /// Of several `primary` values the last one counts.
    SeveralPrimaries,
    /// PATCH operations whose name is not in lower case (Entra).
    OpCase,
    /// A PATCH path that is blank, which counts as none, or has white space around it.
    LoosePath,
    /// PATCH without a path whose value has paths for names, such as `name.givenName`
    /// (Entra).
    PathsAsNames,
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
    /// Group members by the login of a user where the id belongs.
    MemberByLogin,
    /// POST with `active: true` for an inactive user of that name revives it (Okta).
    ReviveByPost,
    /// PATCH of a group is answered with 204 however few members it has (Entra).
    GroupWithoutBody,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::StringBoolean,
        Self::BareManager,
        Self::WrapSingle,
        Self::MissingSchemas,
        Self::UnknownSchema,
        Self::MediaType,
        Self::LineBreaks,
        Self::DropEmptyEmail,
        Self::SeveralPrimaries,
        Self::OpCase,
        Self::LoosePath,
        Self::PathsAsNames,
        Self::RemoveByValue,
        Self::AddThroughMissing,
        Self::ReplaceThroughMissing,
        Self::IgnoreUndeclared,
        Self::IgnoreReadOnly,
        Self::SkipEmptyMember,
        Self::MemberByLogin,
        Self::ReviveByPost,
        Self::GroupWithoutBody,
    ];

    /// May a client of this dialect deviate so. A rule that cannot hide a mistake is on
    /// for everybody; another one for those who need it, and for `auto`.
    pub fn accepted(self, dialect: Dialect) -> bool {
        use Dialect::{Auto, Entra, Generic, Okta, Strict};
        match (self, dialect) {
            (_, Strict) => false,
            // RFC 7644 3.5.2.3: a replace whose filter matches nothing is noTarget.
            (Self::ReplaceThroughMissing, dialect) => matches!(dialect, Auto | Entra),
            // Elsewhere a blank address is a mapping that went wrong.
            (Self::DropEmptyEmail, dialect) => matches!(dialect, Auto | Okta | Entra),
            // RFC 7643 2.4: primary appears no more than once.
            (Self::SeveralPrimaries, dialect) => dialect != Generic,
            // The only rule that changes an answer: clients unknown prefer 200.
            (Self::GroupWithoutBody, dialect) => dialect == Entra,
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
            Self::UnknownSchema => "unknown-schema",
            Self::MediaType => "media-type",
            Self::LineBreaks => "line-breaks",
            Self::DropEmptyEmail => "drop-empty-email",
            Self::SeveralPrimaries => "several-primaries",
            Self::OpCase => "op-case",
            Self::LoosePath => "loose-path",
            Self::PathsAsNames => "paths-as-names",
            Self::RemoveByValue => "entra-remove-by-value",
            Self::AddThroughMissing => "add-through-missing",
            Self::ReplaceThroughMissing => "replace-through-missing",
            Self::IgnoreUndeclared => "ignore-undeclared",
            Self::IgnoreReadOnly => "ignore-read-only",
            Self::SkipEmptyMember => "skip-empty-member",
            Self::MemberByLogin => "member-by-login",
            Self::ReviveByPost => "revive-by-post",
            Self::GroupWithoutBody => "group-without-body",
        }
    }
}
