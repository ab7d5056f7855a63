//! The parser's state, and how it looks at tokens.

use std::sync::Arc;

use super::lexer::{Spanned, Token, tokens};
use super::named_window::SelectInProgress;
use super::parameters::Parameters;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Expression, Origin};
use crate::types::parse_data_type;

/// How deep expressions and queries may nest in a text.
const DEPTH_MAX: usize = 300;
/// How many operators, joins and set operations a text may chain: `a + b + …` is a tree as deep as it is long.
const LINKS_MAX: usize = 50_000;
/// How many nodes may be written twice because `BETWEEN` or `CASE` says an operand once and means it twice.
const COPIES_MAX: usize = 100_000;

/// Reads a text from its start to its end.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    /// Where the characters of the text start, if they are not all of one byte; tokens count in characters.
    characters: Option<Vec<usize>>,
    /// The same text, for the origins of expressions.
    shared_text: Arc<str>,
    tokens: Vec<Spanned>,
    pub(super) at: usize,
    depth: usize,
    links: usize,
    copies: usize,
    pub(super) parameters: Parameters<'a>,
    /// The `SELECT`s around the place at hand, innermost last.
    pub(super) selects: Vec<SelectInProgress>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, parameters: Parameters<'a>) -> Result<Self> {
        let tokens = tokens(text)?;
        if tokens.iter().all(|t| t.token == Token::Symbol(";")) {
            return Err(SparkError::parse_empty_statement().in_sql(text, 0, text.chars().count()));
        }
        let starts = || text.char_indices().map(|(at, _)| at).collect();
        Ok(Self {
            text,
            characters: (!text.is_ascii()).then(starts),
            shared_text: Arc::from(text),
            tokens,
            at: 0,
            depth: 0,
            links: 0,
            copies: 0,
            parameters,
            selects: Vec::new(),
        })
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.peek_at(0)
    }

    /// The token of this number, from the start of the text.
    pub(super) fn token(&self, index: usize) -> Option<&Token> {
        self.tokens.get(index).map(|t| &t.token)
    }

    pub(super) fn peek_at(&self, offset: usize) -> Option<&Token> {
        self.tokens.get(self.at + offset).map(|t| &t.token)
    }

    pub(super) fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    /// Where the next token starts.
    pub(super) fn start(&self) -> usize {
        match self.tokens.get(self.at) {
            Some(token) => token.start,
            None => self.characters.as_ref().map_or(self.text.len(), Vec::len),
        }
    }

    /// The text between two characters.
    fn part(&self, start: usize, end: usize) -> &'a str {
        let byte = |at: usize| match &self.characters {
            Some(starts) => starts.get(at).copied().unwrap_or(self.text.len()),
            None => at.min(self.text.len()),
        };
        self.text.get(byte(start)..byte(end)).unwrap_or_default()
    }

    /// Where the last token ended.
    pub(super) fn last_end(&self) -> usize {
        self.at
            .checked_sub(1)
            .and_then(|i| self.tokens.get(i))
            .map_or(0, |t| t.end)
    }

    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(Token::Symbol(s)) if *s == symbol)
    }

    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_symbol(&mut self, symbol: &str) -> Result<()> {
        if self.symbol(symbol) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    pub(super) fn is_word_at(&self, offset: usize, word: &str) -> bool {
        matches!(self.peek_at(offset), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    /// Takes a word, if it comes next.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    /// Takes several words, if all of them come next.
    pub(super) fn words(&mut self, words: &str) -> bool {
        let count = words.split(' ').count();
        let found = words
            .split(' ')
            .enumerate()
            .all(|(i, word)| self.is_word_at(i, word));
        if found {
            self.at += count;
        }
        found
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Result<()> {
        if self.word(word) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    pub(super) fn unexpected(&self) -> SparkError {
        let near = match self.peek() {
            Some(Token::Word(word) | Token::Number(word)) => word.clone(),
            Some(Token::Quoted(word)) => format!("`{word}`"),
            Some(Token::Text(text)) => format!("'{text}'"),
            Some(Token::Symbol(symbol)) => (*symbol).to_owned(),
            None => "EOF".to_owned(),
        };
        self.located(SparkError::parse_syntax(&near, ""))
    }

    pub(super) fn located(&self, error: SparkError) -> SparkError {
        let start = self.start();
        error.in_sql(
            self.text,
            start,
            self.tokens.get(self.at).map_or(start, |t| t.end),
        )
    }

    pub(super) fn end(&mut self) -> Result<()> {
        while self.symbol(";") {}
        if self.at >= self.tokens.len() {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// Counts nesting around `read`.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(SparkError::plan_too_deep(DEPTH_MAX));
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Counts one more link of a chain that is read in a loop.
    pub(super) fn link(&mut self) -> Result<()> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(SparkError::plan_too_deep(LINKS_MAX));
        }
        Ok(())
    }

    /// A copy of an operand. Operands within operands double with every level, so copies are counted.
    pub(super) fn copy(&mut self, operand: &Expression) -> Result<Expression> {
        self.copies += size(operand, COPIES_MAX);
        if self.copies > COPIES_MAX {
            return Err(SparkError::plan_too_deep(COPIES_MAX));
        }
        Ok(operand.clone())
    }

    /// A name: a word or something in backquotes.
    pub(super) fn identifier(&mut self) -> Result<String> {
        match self.peek() {
            Some(Token::Word(word) | Token::Quoted(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// A name of several parts.
    pub(super) fn name_parts(&mut self) -> Result<Vec<String>> {
        let mut parts = vec![self.identifier()?];
        while self.symbol(".") {
            parts.push(self.identifier()?);
        }
        Ok(parts)
    }

    /// A name of several parts, quoted where it must be.
    pub(super) fn name(&mut self) -> Result<String> {
        if self.is_word("identifier") && matches!(self.peek_at(1), Some(Token::Symbol("("))) {
            self.at += 2;
            let expression = self.expression()?;
            self.expect_symbol(")")?;
            return match expression.unlocated() {
                Expression::Literal(crate::ir::Literal::String(name)) => Ok(name.clone()),
                _ => Err(SparkError::unsupported_feature(
                    "IDENTIFIER of what is not a string",
                )),
            };
        }
        let parts = self.name_parts()?;
        let quoted: Vec<String> = parts
            .iter()
            .map(|p| format!("`{}`", p.replace('`', "``")))
            .collect();
        Ok(quoted.join("."))
    }

    pub(super) fn text_literal(&mut self) -> Result<String> {
        match self.take() {
            Some(Token::Text(text)) => Ok(text),
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.symbol(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `( … )` around a list.
    pub(super) fn parenthesized<T>(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.expect_symbol("(")?;
        if self.symbol(")") {
            return Ok(Vec::new());
        }
        let items = self.list(item)?;
        self.expect_symbol(")")?;
        Ok(items)
    }

    /// A type: its tokens are put together again for the reader of types.
    pub(super) fn data_type(&mut self) -> Result<DataType> {
        let start = self.start();
        let first = self.identifier()?.to_ascii_lowercase();
        if self.is_symbol("(") {
            self.parenthesized(|p| p.take().ok_or_else(|| p.unexpected()))?;
        } else if self.is_symbol("<") || self.is_symbol("<>") {
            self.skip_angles()?;
        }
        if first == "interval" {
            let fields = ["year", "month", "day", "hour", "minute", "second"];
            if fields.iter().any(|f| self.is_word(f)) {
                self.at += 1;
                if self.word("to") {
                    self.at += 1;
                }
            }
        }
        if first == "timestamp" {
            self.words("without time zone");
        }
        if first == "string" && self.word("collate") {
            self.identifier()?;
        }
        let end = self.last_end();
        let text = self.part(start, end);
        if text.trim_end().ends_with("<>") && first == "struct" {
            return Ok(DataType::structure(Vec::new()));
        }
        parse_data_type(text).map_err(|error| error.in_sql(self.text, start, end))
    }

    /// Past the angle brackets of a type, where `>>` closes two.
    fn skip_angles(&mut self) -> Result<()> {
        let mut open = 0i32;
        loop {
            match self.take() {
                Some(Token::Symbol("<")) => open += 1,
                Some(Token::Symbol(">")) => open -= 1,
                Some(Token::Symbol(">>")) => open -= 2,
                Some(Token::Symbol(">>>")) => open -= 3,
                Some(Token::Symbol("<>")) | Some(_) => {}
                None => return Err(self.unexpected()),
            }
            if open <= 0 {
                return Ok(());
            }
        }
    }

    /// The expression with its place in the text.
    pub(super) fn located_expression(&self, child: Expression, start: usize) -> Expression {
        let origin = Origin {
            fragment: Arc::clone(&self.shared_text),
            call_site: String::new(),
            sql_range: Some((start, self.last_end())),
        };
        Expression::Located {
            child: Box::new(child),
            origin: Arc::new(origin),
        }
    }
}

/// The number of nodes of an expression, counted as far as `bound`. No recursion: chains are deep.
fn size(expression: &Expression, bound: usize) -> usize {
    let mut left = vec![expression];
    let mut count = 0;
    while let Some(expression) = left.pop() {
        count += 1;
        if count > bound {
            break;
        }
        match expression {
            Expression::Located { child, .. }
            | Expression::Alias { child, .. }
            | Expression::Cast { child, .. } => left.push(child),
            Expression::Function { arguments, .. } | Expression::CallFunction { arguments, .. } => {
                left.extend(arguments)
            }
            Expression::ExtractValue { child, extraction } => left.extend([&**child, extraction]),
            Expression::Window { function, .. } => left.push(function),
            _ => {}
        }
    }
    count
}
