//! Profile texts with variables: `$NAMEPLATE_FULL_NAME` becomes the full name of
//! whoever uses the host.
//!
//! Values are escaped for XML and never looked through for variables again. Names that
//! are not ours are left for whoever they belong to.

use std::collections::BTreeMap;

use crate::attributes::AttributeMap;
use crate::person::Person;
use crate::service::{Mapping, MappingError};
use crate::text::{MAX_REASON, one_line};
use crate::variables::{OURS, Variable, unknown};

/// The most bytes of a text that is filled: what a document may have.
const MAX_TEXT: usize = 1 << 20;

/// The most bytes of a filled text: a short name can stand for a long value, many times.
const MAX_FILLED: usize = 8 << 20;

/// The most different variables of a text: there are not nearly as many.
const MAX_NAMES: usize = 256;

/// What to do with a variable that has no value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// Leave its place empty.
    #[default]
    Empty,
    /// Fill nothing at all.
    Fail,
}

/// A filled text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The text; empty if something is missing and that is to fail.
    pub text: String,
    /// The names of the variables in the text, without `$`, sorted.
    pub used: Vec<String>,
    /// Those that have no value, and why, by name.
    pub missing: Vec<(String, String)>,
}

impl Mapping<'_> {
    /// Fills a profile text of at most 1 MiB for whoever uses the host. A host without a
    /// person has no values. Settles the host first, as
    /// [`end_user_of`](Mapping::end_user_of) does.
    ///
    /// # Errors
    /// [`MappingError::Invalid`] if the text is too long, has more than 256 different
    /// variables, or grows past 8 MiB.
    pub fn render(
        &mut self,
        host: &str,
        text: &str,
        missing: Missing,
    ) -> Result<Rendered, MappingError> {
        if text.len() > MAX_TEXT {
            return Err(MappingError::Invalid(format!(
                "the text has {} bytes; {MAX_TEXT} are allowed",
                text.len()
            )));
        }
        let (_, user) = self.settled_user(host)?;
        let source = match &user.person {
            Some(person) => Source::Person(person),
            None => Source::Nobody(&user.reason),
        };
        fill(text, source, &self.rules.attributes, missing).map_err(MappingError::Invalid)
    }
}

/// Where values come from.
#[derive(Clone, Copy)]
enum Source<'a> {
    Person(&'a Person),
    /// Nobody uses the host, for this reason.
    Nobody(&'a str),
}

impl Source<'_> {
    /// The value of a variable, or why there is none.
    fn value(self, name: &str, map: &AttributeMap) -> Result<String, String> {
        let variable = Variable::named(name, map).ok_or_else(|| unknown(name, map))?;
        match self {
            Self::Nobody(reason) => Err(format!("this host has no person: {reason}")),
            Self::Person(person) => match escaped(&variable.value(person)) {
                value if value.is_empty() => Err(format!(
                    "there is no {} for this host's person",
                    variable.wording()
                )),
                value => Ok(value),
            },
        }
    }
}

fn fill(
    text: &str,
    source: Source<'_>,
    map: &AttributeMap,
    missing: Missing,
) -> Result<Rendered, String> {
    let mut values: BTreeMap<&str, Result<String, String>> = BTreeMap::new();
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, dollar) = rest.split_at(at);
        filled.push_str(before);
        let Some((name, length)) = variable_at(dollar).filter(|(name, _)| is_ours(name, map))
        else {
            filled.push('$');
            rest = dollar.get(1..).unwrap_or_default();
            continue;
        };
        let value = values
            .entry(name)
            .or_insert_with(|| source.value(name, map));
        if let Ok(value) = value {
            filled.push_str(value);
        }
        rest = dollar.get(length..).unwrap_or_default();
        if values.len() > MAX_NAMES {
            return Err(format!(
                "the text has more than {MAX_NAMES} different variables"
            ));
        }
        if filled.len() > MAX_FILLED {
            return Err(format!(
                "the text would be longer than {MAX_FILLED} bytes once it is filled"
            ));
        }
    }
    filled.push_str(rest);
    let used = values.keys().map(|name| (*name).to_owned()).collect();
    let missed: Vec<(String, String)> = values
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), one_line(&value.err()?, MAX_REASON))))
        .collect();
    if missing == Missing::Fail && !missed.is_empty() {
        filled.clear();
    }
    Ok(Rendered {
        text: filled,
        used,
        missing: missed,
    })
}

/// Names of ours are filled even if there is no such variable: a slip is told, not sent.
fn is_ours(name: &str, map: &AttributeMap) -> bool {
    name.starts_with(OURS) || Variable::named(name, map).is_some()
}

/// The variable that the text begins with, `$NAME` or `${NAME}`, and its length. A name
/// goes on as long as it can: `$NAMEPLATE_GROUPSX` is not `$NAMEPLATE_GROUPS` and `X`.
fn variable_at(text: &str) -> Option<(&str, usize)> {
    let after = text.strip_prefix('$')?;
    let (name_on, braces) = match after.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (after, false),
    };
    let length = name_on
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(name_on.len());
    let (name, rest) = name_on.split_at(length);
    match braces {
        false => Some((name, 1 + length)),
        true => rest.starts_with('}').then_some((name, 3 + length)),
    }
}

/// A value as it may stand in any XML text or attribute. What XML 1.0 has no character
/// for is left out: with it, the whole profile would be unreadable.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => escaped.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;
    use crate::hosts::Source as ClaimSource;
    use crate::service::Event;
    use crate::testing::{Tenant, claim, draft, user};

    fn ana() -> Person {
        Person {
            username: "ana@x".to_owned(),
            groups: vec!["Ops".to_owned(), "R&D".to_owned()],
            attributes: vec![
                ("full_name".to_owned(), "Ana \"<Díaz>\"".to_owned()),
                ("title".to_owned(), "$NAMEPLATE_USERNAME \u{1}".to_owned()),
            ],
            ..Person::default()
        }
    }

    fn filled(text: &str, missing: Missing) -> Rendered {
        let map = AttributeMap::standard();
        fill(text, Source::Person(&ana()), map, missing).unwrap()
    }

    #[test]
    fn both_forms_and_both_families_of_names_are_filled() {
        let rendered = filled(
            "<s>$NAMEPLATE_USERNAME_LOCAL_PART|${NAMEPLATE_USERNAME}x|\
             $FLEET_VAR_HOST_END_USER_IDP_GROUPS,${NAMEPLATE_FULL_NAME}</s>$NAMEPLATE_USERNAME",
            Missing::Fail,
        );
        assert_eq!(
            rendered.text,
            "<s>ana|ana@xx|Ops,R&amp;D,Ana &quot;&lt;Díaz&gt;&quot;</s>ana@x"
        );
        assert_eq!(
            rendered.used,
            [
                "FLEET_VAR_HOST_END_USER_IDP_GROUPS",
                "NAMEPLATE_FULL_NAME",
                "NAMEPLATE_USERNAME",
                "NAMEPLATE_USERNAME_LOCAL_PART"
            ]
        );
        assert_eq!(rendered.missing, []);
    }

    #[test]
    fn what_is_not_ours_stays_as_it_is() {
        for text in [
            "$5 $$ ${ $HOME ${HOME} $FLEET_VAR_HOST_UUID $nameplate_username $",
            "${NAMEPLATE_USERNAME",
            "NAMEPLATE_USERNAME",
            "${ NAMEPLATE_USERNAME }",
        ] {
            let rendered = filled(text, Missing::Fail);
            assert_eq!((rendered.text.as_str(), rendered.used.len()), (text, 0));
        }
        assert_eq!(filled("$$NAMEPLATE_USERNAME", Missing::Fail).text, "$ana@x");
    }

    #[test]
    fn a_value_is_never_expanded_again() {
        let rendered = filled("$NAMEPLATE_TITLE", Missing::Fail);
        assert_eq!(rendered.text, "$NAMEPLATE_USERNAME ");
        assert_eq!(rendered.used, ["NAMEPLATE_TITLE"]);
    }

    #[test]
    fn what_is_missing_is_left_empty_or_fails_the_text() {
        let text = "a${NAMEPLATE_DEPARTMENT}b$NAMEPLATE_USERNAM";
        let rendered = filled(text, Missing::Empty);
        assert_eq!(rendered.text, "ab");
        let missing = [
            (
                "NAMEPLATE_DEPARTMENT",
                "there is no department for this host's person",
            ),
            (
                "NAMEPLATE_USERNAM",
                "there is no variable `NAMEPLATE_USERNAM`: did you mean `NAMEPLATE_USERNAME`",
            ),
        ];
        let missing = missing.map(|(name, why)| (name.to_owned(), why.to_owned()));
        assert_eq!(rendered.missing, missing);
        let failed = filled(text, Missing::Fail);
        assert_eq!(
            (failed.text.as_str(), failed.missing),
            ("", rendered.missing)
        );
    }

    #[test]
    fn a_text_that_would_grow_past_all_bounds_is_refused() {
        let person = Person {
            username: "x".repeat(1024),
            ..Person::default()
        };
        let map = AttributeMap::standard();
        let fill = |times: usize| {
            let text = "$NAMEPLATE_USERNAME".repeat(times);
            fill(&text, Source::Person(&person), map, Missing::Empty)
        };
        assert_eq!(fill(MAX_FILLED / 1024).unwrap().text.len(), MAX_FILLED);
        let error = fill(MAX_FILLED / 1024 + 1).unwrap_err();
        assert!(error.contains("8388608 bytes"), "{error}");
    }

    #[test]
    fn a_text_of_very_many_variables_is_refused() {
        let names =
            |most: usize| -> String { (0..most).map(|n| format!("$NAMEPLATE_{n} ")).collect() };
        let map = AttributeMap::standard();
        let fill = |text: &str| fill(text, Source::Person(&ana()), map, Missing::Empty);
        assert_eq!(fill(&names(MAX_NAMES)).unwrap().missing.len(), MAX_NAMES);
        let error = fill(&names(MAX_NAMES + 1)).unwrap_err();
        assert!(error.contains("more than 256"), "{error}");
    }

    #[test]
    fn a_host_is_filled_for_its_person_and_one_without_has_no_values() {
        let mut tenant = Tenant::with_hosts(&["a", "b"]);
        tenant.commit(&user("u1", "ana@x", &[]));
        let enrolled = claim(ClaimSource::Enrollment, "ana@x", "", 5);
        let event = Event::Claimed("a".to_owned(), draft(&enrolled));
        tenant.mapping().apply(&event, None, 10).unwrap();
        let mut render =
            |host: &str, text: &str| tenant.mapping().render(host, text, Missing::Empty);
        assert_eq!(
            render("a", "$NAMEPLATE_FULL_NAME").unwrap().text,
            "Ana Díaz"
        );
        let none = render("b", "x$NAMEPLATE_FULL_NAME").unwrap();
        assert_eq!(none.text, "x");
        let (name, why) = none.missing.into_iter().next().unwrap();
        assert_eq!(name, "NAMEPLATE_FULL_NAME");
        assert!(
            why.starts_with("this host has no person: nobody enrolled"),
            "{why}"
        );
        assert_eq!(render("c", "").unwrap_err(), MappingError::NoHost);
        let long = "x".repeat(MAX_TEXT + 1);
        assert!(matches!(render("a", &long), Err(MappingError::Invalid(_))));
        assert_eq!(
            render("a", long.get(1..).unwrap()).unwrap().text.len(),
            MAX_TEXT
        );
    }

    /// A value without markup, so that what the text itself holds can be told apart.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("$NAMEPLATE_USERNAME"),
            Just("${NAMEPLATE_TITLE}"),
            Just("$"),
            Just("{"),
            Just("}"),
            Just("$NAMEPLATE_"),
            Just("GROUPS"),
            Just(" é"),
            Just("$FLEET_VAR_HOST_END_USER_IDP_FULL_NAME"),
            Just("${"),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_text_is_filled_and_all_values_are_escaped(
            text in prop_oneof![text(), "\\PC{0,40}".prop_filter("no markup of its own", |text| {
                !text.contains(['<', '>', '"', '\'', '&'])
            })],
            value in "[<>&\"'$a-z{}\u{0}-\u{1f}]{0,12}",
        ) {
            let person = Person {
                username: value.clone(),
                attributes: vec![("title".to_owned(), value)],
                ..Person::default()
            };
            let map = AttributeMap::standard();
            let rendered = fill(&text, Source::Person(&person), map, Missing::Empty).unwrap();
            prop_assert!(!rendered.text.contains(['<', '>', '"', '\'']));
            for at in rendered.text.match_indices('&').map(|(at, _)| at) {
                let entity = rendered.text.get(at..).unwrap().split_inclusive(';').next().unwrap();
                prop_assert!(["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"].contains(&entity));
            }
        }

        #[test]
        fn the_text_between_variables_is_kept(before in "[a-z<>&]{0,8}", after in "[ <>&]{0,8}") {
            let text = format!("{before}$NAMEPLATE_USERNAME{after}");
            let rendered = filled(&text, Missing::Fail);
            prop_assert_eq!(rendered.text, format!("{before}ana@x{after}"));
        }
    }
}
