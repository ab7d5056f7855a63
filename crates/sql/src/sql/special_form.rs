//! Calls that have a grammar of their own: `CASE`, `CAST`, `EXTRACT`, `TRIM` and their kin.

use super::expression::call;
use super::lexer::Token;
use super::parser::Parser;
use crate::error::Result;
use crate::ir::{EvalMode, Expression, Literal};

impl Parser<'_> {
    pub(super) fn case(&mut self) -> Result<Expression> {
        let start = self.start();
        self.expect_word("case")?;
        let operand = if self.is_word("when") {
            None
        } else {
            Some(self.expression()?)
        };
        let mut arguments = Vec::new();
        while self.word("when") {
            let condition = self.expression()?;
            arguments.push(match &operand {
                Some(operand) => call("==", vec![self.copy(operand)?, condition]),
                None => condition,
            });
            self.expect_word("then")?;
            arguments.push(self.expression()?);
        }
        if arguments.is_empty() {
            return Err(self.unexpected());
        }
        if self.word("else") {
            arguments.push(self.expression()?);
        }
        self.expect_word("end")?;
        Ok(self.located_expression(call("when", arguments), start))
    }

    pub(super) fn cast(&mut self, start: usize) -> Result<Expression> {
        let mode = if self.is_word("try_cast") {
            EvalMode::Try
        } else {
            EvalMode::Session
        };
        self.at += 1;
        self.expect_symbol("(")?;
        let child = Box::new(self.expression()?);
        self.expect_word("as")?;
        let to = self.data_type()?;
        self.expect_symbol(")")?;
        Ok(self.located_expression(Expression::Cast { child, to, mode }, start))
    }

    /// `EXTRACT(field FROM source)`.
    pub(super) fn extract(&mut self) -> Result<Expression> {
        self.at += 2;
        let field = match self.take() {
            Some(Token::Word(field) | Token::Text(field)) => field,
            _ => return Err(self.unexpected()),
        };
        self.expect_word("from")?;
        let source = self.expression()?;
        self.expect_symbol(")")?;
        Ok(call(
            "extract",
            vec![Expression::Literal(Literal::String(field)), source],
        ))
    }

    /// `POSITION(a IN b)` or with commas.
    pub(super) fn position(&mut self) -> Result<Expression> {
        self.at += 2;
        let needle = self.bit_or()?;
        let mut arguments = vec![needle];
        let is_special = self.word("in");
        if is_special {
            arguments.push(self.bit_or()?);
        } else {
            while self.symbol(",") {
                arguments.push(self.expression()?);
            }
        }
        self.expect_symbol(")")?;
        let name = if is_special { "locate" } else { "position" };
        Ok(call(name, arguments))
    }

    /// `SUBSTRING(s FROM a FOR b)` or with commas.
    pub(super) fn substring(&mut self, name: &str) -> Result<Expression> {
        self.at += 2;
        let mut arguments = vec![self.expression()?];
        if self.word("from") {
            arguments.push(self.expression()?);
            if self.word("for") {
                arguments.push(self.expression()?);
            }
        } else {
            while self.symbol(",") {
                arguments.push(self.expression()?);
            }
        }
        self.expect_symbol(")")?;
        Ok(call(&name.to_ascii_lowercase(), arguments))
    }

    /// `TRIM([BOTH | LEADING | TRAILING] [what] FROM text)` or with one argument.
    pub(super) fn trim(&mut self) -> Result<Expression> {
        self.at += 2;
        let side = ["both", "leading", "trailing"]
            .into_iter()
            .find(|side| self.is_word(side));
        if side.is_some() {
            self.at += 1;
        }
        let function = match side {
            Some("leading") => "ltrim",
            Some("trailing") => "rtrim",
            _ => "trim",
        };
        if self.word("from") {
            let text = self.expression()?;
            self.expect_symbol(")")?;
            return Ok(call(function, vec![text]));
        }
        let first = self.expression()?;
        if self.word("from") {
            let text = self.expression()?;
            self.expect_symbol(")")?;
            return Ok(call(function, vec![first, text]));
        }
        let mut arguments = vec![first];
        while self.symbol(",") {
            arguments.push(self.expression()?);
        }
        self.expect_symbol(")")?;
        Ok(call(function, arguments))
    }

    /// `OVERLAY(a PLACING b FROM c FOR d)` or with commas.
    pub(super) fn overlay(&mut self) -> Result<Expression> {
        self.at += 2;
        let mut arguments = vec![self.expression()?];
        if self.word("placing") {
            arguments.push(self.expression()?);
            self.expect_word("from")?;
            arguments.push(self.expression()?);
            if self.word("for") {
                arguments.push(self.expression()?);
            }
        } else {
            while self.symbol(",") {
                arguments.push(self.expression()?);
            }
        }
        self.expect_symbol(")")?;
        Ok(call("overlay", arguments))
    }

    /// `TIMESTAMPADD(unit, …)` and its kin, whose first argument may be a bare unit.
    pub(super) fn unit_function(&mut self, name: &str, start: usize) -> Result<Expression> {
        let units = [
            "year",
            "quarter",
            "month",
            "week",
            "day",
            "dayofyear",
            "hour",
            "minute",
            "second",
            "millisecond",
            "microsecond",
        ];
        let is_unit = units.iter().any(|unit| self.is_word_at(2, unit))
            && matches!(self.peek_at(3), Some(Token::Symbol(",")));
        if !is_unit {
            return self.name_expression(start);
        }
        self.at += 2;
        let unit = self.identifier()?.to_ascii_uppercase();
        self.expect_symbol(",")?;
        let mut arguments = vec![Expression::Literal(Literal::String(unit))];
        arguments.extend(self.list(|p| p.expression())?);
        self.expect_symbol(")")?;
        let lower = name.to_ascii_lowercase();
        let function = if lower.ends_with("diff") {
            "timestampdiff"
        } else {
            "timestampadd"
        };
        Ok(self.located_expression(call(function, arguments), start))
    }
}
