//! The `WINDOW` clause: windows that a query names once and uses in several places.
//!
//! A name is used before the clause that explains it is reached, so the clause is looked for ahead, inside of its own
//! `SELECT`. Start at [`Parser::window_named`].

use super::lexer::Token;
use super::parser::Parser;
use crate::error::{Result, SparkError};
use crate::ir::{Expression, SortOrder, WindowFrame};

/// What stands in the parentheses after `OVER`.
#[derive(Clone)]
pub(super) struct WindowSpecification {
    pub(super) partition_by: Vec<Expression>,
    pub(super) order_by: Vec<SortOrder>,
    pub(super) frame: Option<WindowFrame>,
}

type Definitions = Vec<(String, WindowSpecification)>;

/// A `SELECT` that is being read.
pub(super) struct SelectInProgress {
    /// Its first token.
    start: usize,
    /// Its windows, once somebody has asked.
    windows: Option<Definitions>,
}

impl Parser<'_> {
    /// Reads a `SELECT` whose windows may be named before they are defined.
    pub(super) fn with_windows<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let start = self.at;
        self.selects.push(SelectInProgress {
            start,
            windows: None,
        });
        let result = read(self);
        self.selects.pop();
        result
    }

    /// The window that the `SELECT` at hand calls `name`.
    pub(super) fn window_named(&mut self, name: &str) -> Result<WindowSpecification> {
        let known = self.selects.last().and_then(|s| s.windows.clone());
        let windows = match known {
            Some(windows) => windows,
            None => {
                let windows = self.windows_ahead()?;
                if let Some(select) = self.selects.last_mut() {
                    select.windows = Some(windows.clone());
                }
                windows
            }
        };
        let found = windows
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, specification) = found.ok_or_else(|| SparkError::missing_window(name))?;
        for expression in &specification.partition_by {
            self.copy(expression)?;
        }
        for order in &specification.order_by {
            self.copy(&order.child)?;
        }
        Ok(specification)
    }

    /// `name AS (specification), …` after `WINDOW`.
    pub(super) fn window_definitions(&mut self) -> Result<Definitions> {
        self.list(|p| {
            let name = p.identifier()?;
            p.expect_word("as")?;
            Ok((name, p.window_specification()?))
        })
    }

    fn windows_ahead(&mut self) -> Result<Definitions> {
        let Some(clause) = self.window_clause() else {
            return Ok(Vec::new());
        };
        let (here, markers) = (self.at, self.parameters.used());
        self.at = clause + 1;
        let windows = self.nested(|p| p.window_definitions())?;
        self.at = here;
        if self.parameters.used() != markers {
            return Err(SparkError::unsupported_feature(
                "a positional parameter in the WINDOW clause",
            ));
        }
        Ok(windows)
    }

    /// Where the `WINDOW` clause of the `SELECT` at hand begins.
    fn window_clause(&self) -> Option<usize> {
        let mut at = self.selects.last()?.start;
        let mut open = 0usize;
        loop {
            let is = |offset: usize, word: &str| matches!(self.token(at + offset), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
            match self.token(at)? {
                Token::Symbol("(") => open += 1,
                Token::Symbol(")") => open = open.checked_sub(1)?,
                Token::Word(_) if open == 0 => {
                    if is(0, "window") && is(2, "as") {
                        return Some(at);
                    }
                    if is(0, "union") || is(0, "intersect") || is(0, "minus") {
                        return None;
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }
}
