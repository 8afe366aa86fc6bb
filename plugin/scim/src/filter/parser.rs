//! Tokens to a tree: the grammar of RFC 7644 figure 1, which PATCH paths share
//! (figure 7). Every bound on a filter's size is here.

use super::ast::{CompareOp, Condition, Filter, Literal};
use super::lexer::{Lexer, SyntaxError, Token};
use crate::error::quoted;
use crate::resource::AttrPath;
use crate::resource::path::is_name;

/// Filters arrive in query strings; servers before us cut those at 8 KiB.
const MOST_BYTES: usize = 8 * 1024;
/// Bounds what one evaluation costs.
const MOST_TESTS: usize = 200;
/// Bounds the recursion here, in the resolver and in the evaluator.
const MOST_LEVELS: usize = 32;

/// A path of a PATCH operation.
#[derive(Clone, Debug, PartialEq)]
pub struct ValuePath {
    /// The attribute, with a sub-attribute if there are no brackets.
    pub path: AttrPath,
    /// What stands in the brackets.
    pub filter: Option<Filter>,
    /// The sub-attribute after the brackets.
    pub tail: Option<String>,
}

/// Reads a whole filter.
pub(crate) fn filter(text: &str) -> Result<Filter, SyntaxError> {
    let mut parser = Parser::new(text)?;
    let filter = parser.or(false)?;
    match parser.next()? {
        None => Ok(filter),
        Some((at, Token::Close | Token::CloseBracket)) => {
            Err(parser.error(at, "a bracket is closed that was not opened"))
        }
        Some((at, _)) => Err(parser.error(at, "expected `and`, `or` or the end of the filter")),
    }
}

/// Reads a PATCH path.
pub(crate) fn value_path(text: &str) -> Result<ValuePath, SyntaxError> {
    let mut parser = Parser::new(text)?;
    let path = parser.path()?;
    let mut filter = None;
    let mut tail = None;
    if parser.peek()? == Some(&Token::OpenBracket) {
        filter = Some(parser.brackets(&path)?);
        tail = parser.tail()?;
    }
    match parser.next()? {
        None => Ok(ValuePath { path, filter, tail }),
        Some((at, _)) => Err(parser.error(at, "expected the end of the path")),
    }
}

struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    ahead: Option<(usize, Token<'a>)>,
    level: usize,
    tests: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, SyntaxError> {
        if text.len() > MOST_BYTES {
            return Err(SyntaxError {
                what: format!(
                    "{} bytes are too long; {MOST_BYTES} are allowed",
                    text.len()
                ),
                position: 0,
                near: String::new(),
            });
        }
        Ok(Self {
            text,
            lexer: Lexer::new(text),
            ahead: None,
            level: 0,
            tests: 0,
        })
    }

    fn next(&mut self) -> Result<Option<(usize, Token<'a>)>, SyntaxError> {
        match self.ahead.take() {
            Some(token) => Ok(Some(token)),
            None => self.lexer.next_token(),
        }
    }

    fn peek(&mut self) -> Result<Option<&Token<'a>>, SyntaxError> {
        if self.ahead.is_none() {
            self.ahead = self.lexer.next_token()?;
        }
        Ok(self.ahead.as_ref().map(|(_, token)| token))
    }

    fn error(&self, at: usize, what: impl Into<String>) -> SyntaxError {
        SyntaxError::at(self.text, at, what)
    }

    fn end(&self, what: &str) -> SyntaxError {
        self.error(
            self.text.len(),
            format!("the text ends where {what} should follow"),
        )
    }

    fn at_keyword(&mut self, keyword: &str) -> Result<bool, SyntaxError> {
        Ok(matches!(self.peek()?, Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword)))
    }

    // RFC 7644 3.4.2.2: grouping, then not, then and, then or.
    fn or(&mut self, inside: bool) -> Result<Filter, SyntaxError> {
        let first = self.and(inside)?;
        let mut list = vec![first];
        while self.at_keyword("or")? {
            self.next()?;
            list.push(self.and(inside)?);
        }
        Ok(one_or(list, Filter::Or))
    }

    fn and(&mut self, inside: bool) -> Result<Filter, SyntaxError> {
        let first = self.term(inside)?;
        let mut list = vec![first];
        while self.at_keyword("and")? {
            self.next()?;
            list.push(self.term(inside)?);
        }
        Ok(one_or(list, Filter::And))
    }

    fn term(&mut self, inside: bool) -> Result<Filter, SyntaxError> {
        if self.peek()? == Some(&Token::Open) {
            return self.group(inside);
        }
        if self.at_keyword("not")? {
            let at = self.next()?.map_or(self.text.len(), |(at, _)| at);
            if self.peek()? != Some(&Token::Open) {
                return Err(self.error(at, "put what follows `not` in parentheses"));
            }
            return Ok(Filter::Not(Box::new(self.group(inside)?)));
        }
        self.tests += 1;
        let path = self.path()?;
        if self.peek()? == Some(&Token::OpenBracket) {
            if inside {
                let at = self.ahead.as_ref().map_or(0, |(at, _)| *at);
                return Err(self.error(at, "brackets cannot stand inside brackets"));
            }
            let filter = Box::new(self.brackets(&path)?);
            let tail = match self.tail()? {
                Some(sub) => Some((sub, self.condition()?)),
                None => None,
            };
            return Ok(Filter::ValuePath { path, filter, tail });
        }
        let condition = self.condition()?;
        Ok(Filter::Test(path, condition))
    }

    fn enter(&mut self, at: usize) -> Result<(), SyntaxError> {
        self.level += 1;
        if self.level > MOST_LEVELS {
            return Err(self.error(at, format!("more than {MOST_LEVELS} levels of brackets")));
        }
        Ok(())
    }

    fn group(&mut self, inside: bool) -> Result<Filter, SyntaxError> {
        let at = self.next()?.map_or(0, |(at, _)| at);
        self.enter(at)?;
        let filter = self.or(inside)?;
        self.close(at, &Token::Close, "`)`")?;
        Ok(filter)
    }

    fn brackets(&mut self, path: &AttrPath) -> Result<Filter, SyntaxError> {
        let at = self.next()?.map_or(0, |(at, _)| at);
        if path.sub.is_some() {
            return Err(self.error(at, "brackets follow an attribute, not a sub-attribute"));
        }
        self.enter(at)?;
        let filter = self.or(true)?;
        self.close(at, &Token::CloseBracket, "`]`")?;
        Ok(filter)
    }

    fn close(&mut self, opened: usize, token: &Token<'_>, name: &str) -> Result<(), SyntaxError> {
        self.level -= 1;
        match self.next()? {
            Some((_, found)) if found == *token => Ok(()),
            Some((at, _)) => Err(self.error(at, format!("expected {name}, `and` or `or`"))),
            None => Err(self.error(opened, format!("{name} is missing for the bracket opened"))),
        }
    }

    /// `.value` after brackets.
    fn tail(&mut self) -> Result<Option<String>, SyntaxError> {
        let Some(Token::Word(word)) = self.peek()? else {
            return Ok(None);
        };
        let Some(sub) = word.strip_prefix('.') else {
            return Ok(None);
        };
        let sub = sub.to_owned();
        let at = self.next()?.map_or(0, |(at, _)| at);
        if !is_name(&sub) {
            return Err(self.error(at, format!("{} is not a sub-attribute", quoted(&sub))));
        }
        Ok(Some(sub))
    }

    fn path(&mut self) -> Result<AttrPath, SyntaxError> {
        if self.tests > MOST_TESTS {
            return Err(SyntaxError {
                what: format!("more than {MOST_TESTS} comparisons"),
                position: 0,
                near: String::new(),
            });
        }
        match self.next()? {
            Some((at, Token::Word(word))) => {
                AttrPath::parse(word).map_err(|error| self.error(at, error.to_string()))
            }
            Some((at, _)) => Err(self.error(at, "expected an attribute name")),
            None => Err(self.end("an attribute name")),
        }
    }

    fn condition(&mut self) -> Result<Condition, SyntaxError> {
        const OPERATORS: &str = "`eq`, `ne`, `co`, `sw`, `ew`, `gt`, `ge`, `lt`, `le` or `pr`";
        let op = match self.next()? {
            Some((_, Token::Word(word))) if word.eq_ignore_ascii_case("pr") => {
                return Ok(Condition::Present);
            }
            Some((at, Token::Word(word))) => CompareOp::parse(word).ok_or_else(|| {
                self.error(
                    at,
                    format!("{} is no operator; use {OPERATORS}", quoted(word)),
                )
            })?,
            Some((at, _)) => return Err(self.error(at, format!("expected {OPERATORS}"))),
            None => return Err(self.end("an operator")),
        };
        Ok(Condition::Compare(op, self.literal()?))
    }

    fn literal(&mut self) -> Result<Literal, SyntaxError> {
        let (at, word) = match self.next()? {
            Some((_, Token::Text(text))) => return Ok(Literal::Text(text)),
            Some((at, Token::Word(word))) => (at, word),
            Some((at, _)) => return Err(self.error(at, "expected a value")),
            None => return Err(self.end("a value")),
        };
        if let Some(flag) = crate::resource::parse_boolean(word) {
            return Ok(Literal::Flag(flag));
        }
        if word.eq_ignore_ascii_case("null") {
            return Ok(Literal::Null);
        }
        serde_json::from_str(word)
            .map(Literal::Number)
            .map_err(|_| self.error(at, format!("put {} in double quotes", quoted(word))))
    }
}

fn one_or(mut list: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match list.pop() {
        Some(only) if list.is_empty() => only,
        Some(last) => {
            list.push(last);
            many(list)
        }
        // Callers always pass at least one.
        None => many(list),
    }
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
