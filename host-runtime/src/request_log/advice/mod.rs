//! What an error means and how to be rid of it, in the identity provider's own words.
//!
//! Two tables: what can go wrong (`kinds`), and what the menus of each identity provider
//! are called (`menus`). An error is known by its status and by the name its refusal has
//! in the line's remarks; what is known by neither is explained by its status alone, so
//! that no error is without a word. Nothing here knows requests, tenants or stores.

mod kinds;
mod menus;

use nameplate_store::RequestEntry;

pub use kinds::KINDS;
pub use menus::{Idp, Menu};

/// How a remark's code begins that says under which name a request was refused.
pub const REFUSED: &str = "refused-";

/// Where to look up a kind of error, and what to say of it.
pub struct Kind {
    /// Its name, in answers and in remarks: `uniqueness`, `unknown-token`.
    pub name: &'static str,
    /// The statuses it comes with.
    pub statuses: &'static [u16],
    /// The names under which it is refused, such as RFC 7644's `scimType`; none where
    /// there is no such name.
    pub codes: &'static [&'static str],
    /// Parts of the detail by which it is told from others.
    pub details: &'static [&'static str],
    /// What happened, in one line.
    pub meaning: &'static str,
    /// What to do, in one line; `{token}` and the like are names of menus.
    pub fix: &'static str,
    /// Other fixes for one identity provider.
    pub instead: &'static [(Idp, &'static str)],
}

/// An explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The kind of error.
    pub kind: &'static str,
    /// What happened.
    pub meaning: &'static str,
    /// What to do about it.
    pub fix: String,
}

/// Explains an answer; none if it is no error. `refused` is the name it was refused under,
/// if it has one, `detail` the words the client saw, and `idp` whose menus to name.
pub fn of(status: u16, refused: &str, detail: &str, idp: Idp) -> Option<Advice> {
    let kind = find(status, refused, detail)?;
    let other = kind.instead.iter().find(|(known, _)| *known == idp);
    let fix = other.map_or(kind.fix, |(_, fix)| fix);
    Some(Advice {
        kind: kind.name,
        meaning: kind.meaning,
        fix: menus::filled(fix, idp),
    })
}

/// Explains a line of the log. `dialect` and `connection` are those of its connection, by
/// which, and by the client's own name, is known whose menus to name.
pub fn of_entry(entry: &RequestEntry, dialect: &str, connection: &str) -> Option<Advice> {
    let mut codes = entry
        .notes
        .iter()
        .filter_map(|note| note.code.strip_prefix(REFUSED));
    let refused = codes.next().unwrap_or_default();
    let idp = Idp::of(dialect, &entry.user_agent, connection);
    of(entry.status, refused, &entry.detail, idp)
}

/// The kind of an error: by code and words of the detail, by code, by words, by status,
/// and by the class of its status at last.
fn find(status: u16, refused: &str, detail: &str) -> Option<&'static Kind> {
    let fits = |kind: &&'static Kind| kind.statuses.contains(&status);
    let coded = |kind: &&'static Kind| kind.codes.contains(&refused);
    let worded = |kind: &&'static Kind| kind.details.iter().any(|words| detail.contains(words));
    let plain = |kind: &&'static Kind| kind.details.is_empty();
    let among = |wanted: &dyn Fn(&&'static Kind) -> bool| {
        KINDS.iter().find(|kind| fits(kind) && wanted(kind))
    };
    among(&|kind| coded(kind) && worded(kind))
        .or_else(|| among(&|kind| coded(kind) && plain(kind)))
        .or_else(|| among(&|kind| kind.codes.is_empty() && worded(kind)))
        .or_else(|| among(&|kind| kind.codes.is_empty() && plain(kind)))
        .or_else(|| kinds::of_class(status))
}

#[cfg(test)]
mod tests;
