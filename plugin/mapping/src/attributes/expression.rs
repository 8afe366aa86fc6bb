//! An expression of the attribute map: what it is made of and how its text is read.
//!
//! ```text
//! expression = text | path | function "(" expression *( "," expression ) ")"
//! ```
//!
//! This module must not know what the value is for.

use nameplate_scim::directory::Kind;
use nameplate_scim::resource::TextPath;
use nameplate_scim::schema::Registry;

use super::lexer::{ExpressionError, MAX_BYTES, Token, token};
use super::tables::Tables;
use crate::spelling::did_you_mean;
use crate::text::quoted;

/// The most functions inside one another: bounds the recursion here and in the evaluator.
const MAX_DEPTH: usize = 8;

pub(crate) const FUNCTIONS: [&str; 6] = ["lower", "before_at", "first", "join", "lookup", "person"];

/// What a value is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// As it stands.
    Text(String),
    /// Out of the document.
    Path(TextPath),
    /// In lower case.
    Lower(Box<Expression>),
    /// What stands before the last `@`, or the whole.
    BeforeAt(Box<Expression>),
    /// The first that is not empty.
    First(Vec<Expression>),
    /// Those that are not empty, with this between them.
    Join(Box<Expression>, Vec<Expression>),
    /// What a table says of it; else the default.
    Lookup {
        key: Box<Expression>,
        table: String,
        default: Option<Box<Expression>>,
    },
    /// The full name of whoever this is the id or login of.
    Person(Box<Expression>),
}

impl Expression {
    /// Reads an expression of at most [`MAX_BYTES`] and [`MAX_DEPTH`].
    pub(super) fn parse(text: &str, tables: &Tables) -> Result<Self, ExpressionError> {
        if text.len() > MAX_BYTES {
            return Err(ExpressionError::at(
                text,
                0,
                format!("{} bytes are too long; {MAX_BYTES} are allowed", text.len()),
            ));
        }
        let mut parser = Parser {
            text,
            tables,
            at: 0,
            in_person: false,
        };
        let expression = parser.expression(0)?;
        match parser.next()? {
            None => Ok(expression),
            Some((at, _)) => Err(parser.error(at, "expected the end of the expression")),
        }
    }

    /// Does it ask for the name of another person.
    pub(super) fn names_people(&self) -> bool {
        self.any(&|part| matches!(part, Self::Person(_)))
    }

    /// Does it read this table.
    pub(super) fn reads(&self, name: &str) -> bool {
        self.any(&|part| matches!(part, Self::Lookup { table, .. } if table == name))
    }

    fn any(&self, wanted: &dyn Fn(&Self) -> bool) -> bool {
        wanted(self) || self.parts().iter().any(|part| part.any(wanted))
    }

    /// What it is made of, one level down.
    pub(super) fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Text(_) | Self::Path(_) => Vec::new(),
            Self::Lower(inner) | Self::BeforeAt(inner) | Self::Person(inner) => vec![inner],
            Self::First(parts) => parts.iter().collect(),
            Self::Join(separator, parts) => std::iter::once(&**separator).chain(parts).collect(),
            Self::Lookup { key, default, .. } => {
                std::iter::once(&**key).chain(default.as_deref()).collect()
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tables: &'a Tables,
    /// The next byte.
    at: usize,
    in_person: bool,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Result<Option<(usize, Token<'a>, usize)>, ExpressionError> {
        token(self.text, self.at)
    }

    fn next(&mut self) -> Result<Option<(usize, Token<'a>)>, ExpressionError> {
        Ok(self.peek()?.map(|(start, token, end)| {
            self.at = end;
            (start, token)
        }))
    }

    fn error(&self, byte: usize, what: impl Into<String>) -> ExpressionError {
        ExpressionError::at(self.text, byte, what)
    }

    /// The next token, of which there has to be one.
    fn expect(&mut self, what: &str) -> Result<(usize, Token<'a>), ExpressionError> {
        self.next()?.ok_or_else(|| {
            self.error(
                self.text.len(),
                format!("the expression ends where {what} should follow"),
            )
        })
    }

    fn expression(&mut self, depth: usize) -> Result<Expression, ExpressionError> {
        const WHAT: &str = "a path, a text in quotes or a function";
        let (start, token) = self.expect(WHAT)?;
        let word = match token {
            Token::Text(text) => return Ok(Expression::Text(text)),
            Token::Word(word) => word,
            Token::Open | Token::Close | Token::Comma => {
                return Err(self.error(start, format!("expected {WHAT}")));
            }
        };
        if !matches!(self.peek()?, Some((_, Token::Open, _))) {
            let user = Registry::standard().resource_type(Kind::User);
            return TextPath::parse(word, user)
                .map(Expression::Path)
                .map_err(|error| {
                    let within: usize = word
                        .chars()
                        .take(error.position - 1)
                        .map(char::len_utf8)
                        .sum();
                    self.error(start + within, error.what)
                });
        }
        self.next()?;
        if depth >= MAX_DEPTH {
            return Err(self.error(
                start,
                format!("more than {MAX_DEPTH} functions inside one another"),
            ));
        }
        self.call(word, start, depth + 1)
    }

    /// What follows the opening parenthesis of a function.
    fn call(
        &mut self,
        name: &str,
        start: usize,
        depth: usize,
    ) -> Result<Expression, ExpressionError> {
        match name {
            "lower" => Ok(Expression::Lower(self.only(name, depth)?)),
            "before_at" => Ok(Expression::BeforeAt(self.only(name, depth)?)),
            "first" => {
                let first = self.expression(depth)?;
                Ok(Expression::First(self.others(vec![first], depth)?))
            }
            "join" => {
                let separator = Box::new(self.expression(depth)?);
                self.comma("`join` takes what stands between, then what is joined")?;
                let first = self.expression(depth)?;
                Ok(Expression::Join(
                    separator,
                    self.others(vec![first], depth)?,
                ))
            }
            "lookup" => self.lookup(depth),
            "person" if self.in_person => {
                Err(self.error(start, "`person` cannot stand inside `person`"))
            }
            "person" => {
                self.in_person = true;
                let inner = self.only(name, depth)?;
                self.in_person = false;
                Ok(Expression::Person(inner))
            }
            unknown => Err(self.error(
                start,
                format!(
                    "there is no function {}{}",
                    quoted(unknown),
                    did_you_mean(unknown, FUNCTIONS)
                ),
            )),
        }
    }

    fn lookup(&mut self, depth: usize) -> Result<Expression, ExpressionError> {
        const WHAT: &str = "`lookup` takes a value, a table and perhaps a default";
        let key = Box::new(self.expression(depth)?);
        self.comma(WHAT)?;
        let (at, table) = match self.expect("the name of a table")? {
            (at, Token::Word(word)) => (at, word.to_owned()),
            (at, Token::Text(text)) => (at, text),
            (at, _) => return Err(self.error(at, WHAT)),
        };
        if !self.tables.has(&table) {
            let what = format!(
                "`tables` has no {}{}",
                quoted(&table),
                did_you_mean(&table, self.tables.names())
            );
            return Err(self.error(at, what));
        }
        let default = match self.expect("`)`")? {
            (_, Token::Close) => None,
            (_, Token::Comma) => {
                let default = self.expression(depth)?;
                self.close(WHAT)?;
                Some(Box::new(default))
            }
            (at, _) => return Err(self.error(at, "expected `,` or `)`")),
        };
        Ok(Expression::Lookup {
            key,
            table,
            default,
        })
    }

    /// The one argument of a function and what closes it.
    fn only(&mut self, name: &str, depth: usize) -> Result<Box<Expression>, ExpressionError> {
        let argument = self.expression(depth)?;
        self.close(&format!("`{name}` takes one value"))?;
        Ok(Box::new(argument))
    }

    /// Arguments up to the closing parenthesis, after those that are known.
    fn others(
        &mut self,
        mut list: Vec<Expression>,
        depth: usize,
    ) -> Result<Vec<Expression>, ExpressionError> {
        loop {
            match self.expect("`)`")? {
                (_, Token::Close) => return Ok(list),
                (_, Token::Comma) => list.push(self.expression(depth)?),
                (at, _) => return Err(self.error(at, "expected `,` or `)`")),
            }
        }
    }

    fn comma(&mut self, what: &str) -> Result<(), ExpressionError> {
        match self.expect("`,`")? {
            (_, Token::Comma) => Ok(()),
            (at, _) => Err(self.error(at, what)),
        }
    }

    fn close(&mut self, what: &str) -> Result<(), ExpressionError> {
        match self.expect("`)`")? {
            (_, Token::Close) => Ok(()),
            (at, _) => Err(self.error(at, what)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Expression, ExpressionError> {
        let tables = Tables::read(&json!({"teams": {"ENG": "Engineering"}}), &mut Vec::new());
        Expression::parse(text, &tables)
    }

    fn nested(levels: usize) -> String {
        format!("{}title{}", "lower(".repeat(levels), ")".repeat(levels))
    }

    #[test]
    fn every_function_is_read() {
        for text in [
            "title",
            "''",
            " lower ( userName ) ",
            "before_at(emails[type eq \"work\"].value)",
            "first(title, 'none')",
            "join(', ', department, division)",
            "lookup(department, teams)",
            "lookup(department, 'teams', lower(department))",
            "first(person(manager.value), 'nobody')",
        ] {
            assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
        }
        assert!(
            parse("first(person(manager.value), 'nobody')")
                .unwrap()
                .names_people()
        );
        assert!(parse("lower(lookup(title, teams))").unwrap().reads("teams"));
    }

    #[test]
    fn a_mistake_is_named_at_its_column() {
        for (text, column, what) in [
            ("", 1, "should follow"),
            ("  ", 2, "should follow"),
            ("first(title", 11, "`)` should follow"),
            ("first(title,)", 13, "expected a path"),
            ("title title", 7, "end of the expression"),
            ("ä", 1, "does not belong here"),
            ("first('é', name.givenNam)", 12, "has no part"),
            (
                "first(title, emails[type eq work].value)",
                29,
                "double quotes",
            ),
            ("frist(title)", 1, "did you mean `first`"),
            ("lower(title, 'x')", 12, "takes one value"),
            ("join(title)", 11, "takes what stands between"),
            ("lookup(title, team)", 15, "did you mean `teams`"),
            ("lookup(title, teams title)", 21, "expected `,`"),
            ("person(lower(person(title)))", 14, "inside `person`"),
            ("password", 1, "not part of what can be read"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(error.what.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn depth_and_length_are_bounded() {
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        let error = parse(&nested(MAX_DEPTH + 1)).unwrap_err();
        assert!(error.what.contains("more than 8 functions"), "{error}");
        assert!(parse(&format!("'{}'", "x".repeat(MAX_BYTES - 2))).is_ok());
        let error = parse(&format!("'{}'", "x".repeat(MAX_BYTES - 1))).unwrap_err();
        assert!(error.what.contains("1024 are allowed"), "{error}");
    }

    fn any_expression() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("first("),
            Just("lookup("),
            Just("person("),
            Just("join("),
            Just("title"),
            Just("emails[type eq \"work\"]"),
            Just(".value"),
            Just("teams"),
            Just("'a'"),
            Just(","),
            Just(")"),
            Just("("),
            Just("["),
            Just("\""),
            Just("é"),
            Just(" "),
        ];
        prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_inside_itself(
            text in prop_oneof!["\\PC{0,60}", any_expression()]
        ) {
            if let Err(error) = parse(&text) {
                let length = text.chars().count().max(1);
                prop_assert!((1..=length).contains(&error.column), "{} {}", text, error);
            }
        }
    }
}
