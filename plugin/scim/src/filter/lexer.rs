//! Filter text to tokens. Knows characters, not grammar.

use crate::error::quoted;
use crate::resource::path::is_urn_char;
use std::fmt;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    /// A path, an operator, a keyword or a number.
    Word(&'a str),
    /// A string, its escapes undone.
    Text(String),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// One line that says what to change.
    pub what: String,
    /// In characters, from 1.
    pub position: usize,
    /// The text about there.
    pub near: String,
}

impl SyntaxError {
    /// At a byte offset of the text.
    pub fn at(text: &str, offset: usize, what: impl Into<String>) -> Self {
        /// Enough to recognise the place, not so much as to repeat the filter.
        const AROUND: usize = 12;
        let before = text.get(..offset).unwrap_or(text);
        let position = before.chars().count();
        let near: String = text
            .chars()
            .skip(position.saturating_sub(AROUND))
            .take(2 * AROUND)
            .collect();
        Self {
            what: what.into(),
            position: position + 1,
            near,
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            position,
            near,
        } = self;
        if near.is_empty() {
            return f.write_str(what);
        }
        write!(f, "{what}, at character {position} near {}", quoted(near))
    }
}

/// Reads tokens one after the other.
#[derive(Debug)]
pub struct Lexer<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Lexer<'a> {
    /// At the start of the text.
    pub fn new(text: &'a str) -> Self {
        Self { text, offset: 0 }
    }

    /// The next token and its byte offset; none at the end.
    pub fn next_token(&mut self) -> Result<Option<(usize, Token<'a>)>, SyntaxError> {
        let rest = self.text.get(self.offset..).unwrap_or_default();
        let trimmed = rest.trim_start();
        self.offset += rest.len() - trimmed.len();
        let start = self.offset;
        let Some(first) = trimmed.chars().next() else {
            return Ok(None);
        };
        let token = match first {
            '(' => Token::Open,
            ')' => Token::Close,
            '[' => Token::OpenBracket,
            ']' => Token::CloseBracket,
            '"' => return self.string(trimmed).map(|token| Some((start, token))),
            c if is_urn_char(c) => {
                let length = trimmed
                    .find(|c: char| !is_urn_char(c))
                    .unwrap_or(trimmed.len());
                self.offset += length;
                let word = trimmed.get(..length).unwrap_or_default();
                return Ok(Some((start, Token::Word(word))));
            }
            '\'' | '“' | '”' | '‘' | '’' => {
                return Err(self.error("put values in straight double quotes"));
            }
            c => {
                let c = quoted(c.encode_utf8(&mut [0; 4]));
                return Err(self.error(format!(
                    "{c} does not belong here; put values in double quotes"
                )));
            }
        };
        self.offset += first.len_utf8();
        Ok(Some((start, token)))
    }

    /// A JSON string (RFC 7644 figure 1: compValue is a JSON value).
    fn string(&mut self, rest: &str) -> Result<Token<'a>, SyntaxError> {
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let Some(raw) = end.and_then(|end| rest.get(..end + 2)) else {
            return Err(self.error("a string is not closed; add a double quote"));
        };
        let text = serde_json::from_str(raw).map_err(|_| {
            self.error("a string is not JSON: write `\\\\` and `\\\"` for backslash and quote")
        })?;
        self.offset += raw.len();
        Ok(Token::Text(text))
    }

    fn error(&self, what: impl Into<String>) -> SyntaxError {
        SyntaxError::at(self.text, self.offset, what)
    }
}
