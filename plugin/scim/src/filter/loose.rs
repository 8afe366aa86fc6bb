//! What a filter says in another way than RFC 7644 has it, and is understood all the
//! same: the words `true` and `false` as a string or in another case.
//!
//! This module must not know what a filter matches.

use super::ast::{Condition, Filter, Literal};
use super::lexer::{Lexer, Token};
use crate::config::Dialect;
use crate::error::ScimError;
use crate::resource::{AttrPath, Notes, Rule};
use crate::schema::{Attribute, ResourceType, Target, Type};

/// Notes a boolean that is written loosely, or refuses it. `text` is what was sent, which
/// was read as `filter` and resolved among these types.
///
/// # Errors
/// `invalidFilter` if the dialect does not accept [`Rule::StringBoolean`].
pub(crate) fn check_booleans(
    text: &str,
    filter: &Filter,
    types: &[&ResourceType],
    dialect: Dialect,
    notes: &mut Notes,
) -> Result<(), ScimError> {
    let quoted = types.iter().any(|rt| {
        let find = |path: &AttrPath| match rt.resolve(path) {
            Some(Target::Attribute { attribute, sub, .. }) => Some(sub.unwrap_or(attribute)),
            _ => None,
        };
        has_text(filter, &find)
    });
    accept(quoted || has_other_case(text), dialect, notes)
}

/// The same for the brackets of a PATCH path on a list.
///
/// # Errors
/// `invalidFilter`, see [`check_booleans`].
pub(crate) fn check_element_booleans(
    text: &str,
    filter: &Filter,
    list: &Attribute,
    dialect: Dialect,
    notes: &mut Notes,
) -> Result<(), ScimError> {
    let quoted = has_text(filter, &|path: &AttrPath| list.sub(&path.attr));
    accept(quoted || has_other_case(text), dialect, notes)
}

fn accept(loose: bool, dialect: Dialect, notes: &mut Notes) -> Result<(), ScimError> {
    if !loose
        || notes.accepts(Rule::StringBoolean, dialect, || {
            "a boolean of a filter is not the bare word `true` or `false`".to_owned()
        })
    {
        return Ok(());
    }
    Err(ScimError::invalid_filter(
        "a boolean is compared with the bare word `true` or `false`, in lower case",
    ))
}

/// Is a boolean compared with a text. `find` says what a path names.
fn has_text<'s>(filter: &Filter, find: &dyn Fn(&AttrPath) -> Option<&'s Attribute>) -> bool {
    let is_text = |condition: &Condition, attribute: Option<&Attribute>| {
        matches!(condition, Condition::Compare(_, Literal::Text(_)))
            && attribute.is_some_and(|attribute| attribute.kind == Type::Boolean)
    };
    match filter {
        Filter::And(list) | Filter::Or(list) => list.iter().any(|filter| has_text(filter, find)),
        Filter::Not(inner) => has_text(inner, find),
        Filter::Test(path, condition) => is_text(condition, find(path)),
        Filter::ValuePath { path, filter, tail } => find(path).is_some_and(|list| {
            has_text(filter, &|path: &AttrPath| list.sub(&path.attr))
                || tail
                    .as_ref()
                    .is_some_and(|(sub, condition)| is_text(condition, list.sub(sub)))
        }),
    }
}

/// Is there a JSON word that is not in lower case.
fn has_other_case(text: &str) -> bool {
    let mut lexer = Lexer::new(text);
    while let Ok(Some((_, token))) = lexer.next_token() {
        let Token::Word(word) = token else { continue };
        let loose = ["true", "false", "null"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(word) && *known != word);
        if loose {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::directory::Kind;
    use crate::schema::Registry;

    /// Is the filter taken in strict mode, and is it noted in another one.
    fn taken(text: &str) -> (bool, bool) {
        let types = Registry::standard().resource_types();
        let filter = Filter::parse(text).unwrap();
        let mut notes = Notes::new();
        check_booleans(text, &filter, &types, Dialect::Auto, &mut notes).unwrap();
        let strict = check_booleans(text, &filter, &types, Dialect::Strict, &mut Notes::new());
        (strict.is_ok(), notes.has(Rule::StringBoolean.code()))
    }

    #[test]
    fn a_boolean_that_is_no_bare_word_is_noted_and_not_for_strict_mode() {
        for loose in [
            "active eq \"True\"",
            "active eq TRUE",
            "title pr and not (ACTIVE ne \"false\")",
            "emails[primary eq \"true\"]",
            "emails[type eq \"work\" and primary eq False].value pr",
            "emails[type eq \"work\"].primary eq \"true\"",
            "emails.primary eq \"true\"",
            "title eq NULL",
        ] {
            assert_eq!(taken(loose), (false, true), "{loose}");
        }
        for plain in [
            "active eq true",
            "title eq \"True\" or userName sw \"FALSE\"",
            "emails[primary eq false].value eq \"true\"",
            "title eq null",
        ] {
            assert_eq!(taken(plain), (true, false), "{plain}");
        }
    }

    #[test]
    fn the_brackets_of_a_path_are_held_to_the_same() {
        let rt = Registry::standard().resource_type(Kind::User);
        let emails = rt.attribute("emails").unwrap();
        for (inner, loose) in [
            ("primary eq \"true\"", true),
            ("primary eq TRUE", true),
            ("primary eq true and type eq \"true\"", false),
        ] {
            let filter = Filter::parse(inner).unwrap();
            let strict = Dialect::Strict;
            let checked = check_element_booleans(inner, &filter, emails, strict, &mut Notes::new());
            assert_eq!(checked.is_err(), loose, "{inner}");
        }
    }
}
