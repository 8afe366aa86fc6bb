//! The text of an expression to tokens. Knows characters, not grammar.

use nameplate_scim::resource::path::is_urn_char;
use thiserror::Error;

use crate::text::quoted;

/// The most bytes of an expression: room for every function over several paths.
pub(super) const MAX_BYTES: usize = 1024;

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}, at column {column}")]
pub struct ExpressionError {
    /// In characters, from 1 to the length of the text (1 for an empty one).
    pub column: usize,
    /// One line that says what to change.
    pub what: String,
}

impl ExpressionError {
    /// At a byte of the text; past its end counts as its last character.
    pub(super) fn at(text: &str, byte: usize, what: impl Into<String>) -> Self {
        let before = text.get(..byte).unwrap_or(text).chars().count();
        let length = text.chars().count();
        Self {
            column: (before + 1).min(length.max(1)),
            what: what.into(),
        }
    }
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// A text in quotes, its escapes undone.
    Text(String),
    /// A path with what stands in its brackets, or the name of a function or table.
    Word(&'a str),
}

/// The next token from this byte on: where it begins, what it is, where it ends.
pub(super) fn token(
    text: &str,
    from: usize,
) -> Result<Option<(usize, Token<'_>, usize)>, ExpressionError> {
    let rest = text.get(from..).unwrap_or_default();
    let trimmed = rest.trim_start();
    let start = from + rest.len() - trimmed.len();
    let Some(first) = trimmed.chars().next() else {
        return Ok(None);
    };
    let single = |token| Ok(Some((start, token, start + first.len_utf8())));
    match first {
        '(' => single(Token::Open),
        ')' => single(Token::Close),
        ',' => single(Token::Comma),
        '"' | '\'' => {
            let (value, length) = string(text, start, trimmed, first)?;
            Ok(Some((start, Token::Text(value), start + length)))
        }
        c if is_urn_char(c) => {
            let length = word(text, start, trimmed)?;
            let word = trimmed.get(..length).unwrap_or_default();
            Ok(Some((start, Token::Word(word), start + length)))
        }
        c => Err(ExpressionError::at(
            text,
            start,
            format!(
                "{} does not belong here; put texts in quotes",
                quoted(c.encode_utf8(&mut [0; 4]))
            ),
        )),
    }
}

/// A text in quotes and its length with them. A backslash takes the next character as it
/// is, so that a text can hold its own quotes.
fn string(
    text: &str,
    start: usize,
    from: &str,
    quote: char,
) -> Result<(String, usize), ExpressionError> {
    let mut value = String::new();
    let mut chars = from.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((value, at + c.len_utf8())),
            '\\' => match chars.next() {
                Some((_, c)) => value.push(c),
                None => break,
            },
            c => value.push(c),
        }
    }
    Err(ExpressionError::at(
        text,
        start,
        format!(
            "a text is not closed; add {}",
            quoted(quote.encode_utf8(&mut [0; 4]))
        ),
    ))
}

/// The length of a word: characters of a path, and one pair of brackets with anything in
/// it. A bracket in a JSON string inside does not close them.
fn word(text: &str, start: usize, from: &str) -> Result<usize, ExpressionError> {
    let plain = |from: &str| from.find(|c: char| !is_urn_char(c)).unwrap_or(from.len());
    let name = plain(from);
    if !from.get(name..).unwrap_or_default().starts_with('[') {
        return Ok(name);
    }
    let (mut inside, mut escaped) = (false, false);
    for (at, byte) in from.bytes().enumerate().skip(name) {
        match byte {
            b'"' if !escaped => inside = !inside,
            b']' if !inside => {
                return Ok(at + 1 + plain(from.get(at + 1..).unwrap_or_default()));
            }
            _ => {}
        }
        escaped = inside && byte == b'\\' && !escaped;
    }
    Err(ExpressionError::at(
        text,
        start + name,
        "`]` is missing for the bracket opened",
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn tokens(text: &str) -> Result<Vec<Token<'_>>, ExpressionError> {
        let (mut found, mut from) = (Vec::new(), 0);
        while let Some((_, one, end)) = token(text, from)? {
            found.push(one);
            from = end;
        }
        Ok(found)
    }

    #[test]
    fn brackets_and_what_follows_them_are_part_of_the_word() {
        let path = r#"emails[type eq "a]\"]" and value pr].value"#;
        let text = format!("lower( {path} ,x)");
        let expected = [
            Token::Word("lower"),
            Token::Open,
            Token::Word(path),
            Token::Comma,
            Token::Word("x"),
            Token::Close,
        ];
        assert_eq!(tokens(&text).unwrap(), expected);
    }

    #[test]
    fn a_text_stands_in_either_quotes_and_may_hold_both() {
        let text = r#"'a "b" \'c\'' "d\\\"e" '' "#;
        let expected = [r#"a "b" 'c'"#, r#"d\"e"#, ""];
        let expected = expected.map(|text| Token::Text(text.to_owned()));
        assert_eq!(tokens(text).unwrap(), expected);
    }

    #[test]
    fn what_is_not_closed_is_named_where_it_opens() {
        for (text, column) in [
            ("'é' 'abc", 5),
            ("a, \"b\\", 4),
            ("emails[type", 7),
            ("a; b", 2),
        ] {
            assert_eq!(tokens(text).unwrap_err().column, column, "{text}");
        }
    }
}
