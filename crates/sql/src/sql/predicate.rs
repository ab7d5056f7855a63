//! Comparisons and other predicates: `=`, `IS`, `IN`, `BETWEEN`, `LIKE`.
//!
//! Start at [`Parser::predicate`].

use super::expression::call;
use super::lexer::Token;
use super::parser::Parser;
use crate::error::{Result, SparkError};
use crate::ir::{Expression, Literal, SubqueryKind};

impl Parser<'_> {
    pub(super) fn predicate(&mut self) -> Result<Expression> {
        let start = self.start();
        let mut left = self.bit_or()?;
        loop {
            let negated_ahead = self.is_word("not")
                && ["in", "like", "ilike", "rlike", "regexp", "between"]
                    .iter()
                    .any(|w| self.is_word_at(1, w));
            let negated = negated_ahead && self.word("not");
            let next = if let Some(operator) = self.comparison() {
                let right = self.bit_or()?;
                call(operator, vec![left, right])
            } else if self.word("is") {
                self.is_predicate(left)?
            } else if self.word("in") {
                self.in_predicate(left, negated)?
            } else if self.word("between") {
                let low = self.bit_or()?;
                self.expect_word("and")?;
                let high = self.bit_or()?;
                // The analyzer compares it twice.
                self.copy(&left)?;
                call("between", vec![left, low, high])
            } else if self.is_word("like") && self.is_quantified() {
                self.at += 1;
                let next = self.like_quantified(left, negated)?;
                left = self.located_expression(next, start);
                continue;
            } else if self.word("like") {
                self.like("like", left)?
            } else if self.word("ilike") {
                self.like("ilike", left)?
            } else if self.word("rlike") || self.word("regexp") {
                let pattern = self.bit_or()?;
                call("rlike", vec![left, pattern])
            } else {
                return Ok(left);
            };
            let next = if negated {
                call("not", vec![next])
            } else {
                next
            };
            left = self.located_expression(next, start);
            self.link()?;
        }
    }

    fn comparison(&mut self) -> Option<&'static str> {
        let Some(Token::Symbol(symbol)) = self.peek() else {
            return None;
        };
        let operator = match *symbol {
            "=" | "==" => "==",
            "<=>" => "<=>",
            "<>" | "!=" => "!=",
            "<" => "<",
            "<=" => "<=",
            ">" => ">",
            ">=" => ">=",
            _ => return None,
        };
        self.at += 1;
        Some(operator)
    }

    fn is_predicate(&mut self, left: Expression) -> Result<Expression> {
        let negated = self.word("not");
        let test = if self.word("null") {
            return Ok(call(
                if negated { "isnotnull" } else { "isnull" },
                vec![left],
            ));
        } else if self.word("true") {
            call(
                "<=>",
                vec![left, Expression::Literal(Literal::Boolean(true))],
            )
        } else if self.word("false") {
            call(
                "<=>",
                vec![left, Expression::Literal(Literal::Boolean(false))],
            )
        } else if self.word("unknown") {
            call("isnull", vec![left])
        } else if self.words("distinct from") {
            let right = self.bit_or()?;
            let same = call("<=>", vec![left, right]);
            return Ok(if negated {
                same
            } else {
                call("not", vec![same])
            });
        } else {
            return Err(self.unexpected());
        };
        Ok(if negated {
            call("not", vec![test])
        } else {
            test
        })
    }

    fn in_predicate(&mut self, left: Expression, negated: bool) -> Result<Expression> {
        self.expect_symbol("(")?;
        if self.is_query_start() {
            let relation = self.query()?;
            self.expect_symbol(")")?;
            // A row of several values, which a call of `struct` is not: that one has a place in the text.
            let values = match left {
                Expression::Function {
                    name, arguments, ..
                } if name == ["struct"] => arguments,
                value => vec![value],
            };
            let kind = SubqueryKind::In { values, negated };
            return Ok(Expression::Subquery {
                kind,
                relation: Box::new(relation),
                plan_id: None,
            });
        }
        if self.is_symbol(")") {
            return Err(self.located(SparkError::empty_in()));
        }
        let mut arguments = vec![left];
        arguments.extend(self.list(|p| p.expression())?);
        self.expect_symbol(")")?;
        Ok(call("in", arguments))
    }

    /// True if `ANY (`, `SOME (` or `ALL (` follows the word at hand.
    fn is_quantified(&self) -> bool {
        ["any", "some", "all"]
            .iter()
            .any(|word| self.is_word_at(1, word))
            && matches!(self.peek_at(2), Some(Token::Symbol("(")))
    }

    /// `LIKE ANY (…)` and `LIKE ALL (…)`, where `NOT` stands before each pattern.
    fn like_quantified(&mut self, left: Expression, negated: bool) -> Result<Expression> {
        let name = match (self.is_word("all"), negated) {
            (true, false) => "likeall",
            (true, true) => "notlikeall",
            (false, false) => "likeany",
            (false, true) => "notlikeany",
        };
        self.at += 1;
        let patterns = self.parenthesized(|p| p.expression())?;
        if patterns.is_empty() {
            return Err(self.unexpected());
        }
        for _ in &patterns {
            self.copy(&left)?;
        }
        Ok(call(name, [vec![left], patterns].concat()))
    }

    fn like(&mut self, name: &str, left: Expression) -> Result<Expression> {
        for (word, all) in [("any", false), ("some", false), ("all", true)] {
            if self.is_word(word) && matches!(self.peek_at(1), Some(Token::Symbol("("))) {
                self.at += 1;
                let patterns = self.parenthesized(|p| p.expression())?;
                let tests = patterns
                    .into_iter()
                    .map(|p| call(name, vec![left.clone(), p]));
                let joined = tests.reduce(|a, b| call(if all { "and" } else { "or" }, vec![a, b]));
                return joined.ok_or_else(|| self.unexpected());
            }
        }
        let pattern = self.bit_or()?;
        let mut arguments = vec![left, pattern];
        if self.word("escape") {
            arguments.push(Expression::Literal(Literal::String(self.text_literal()?)));
        }
        Ok(call(name, arguments))
    }
}
