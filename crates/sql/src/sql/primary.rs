//! Expressions that nothing binds closer than: literals, names, calls, parentheses, stars, lambdas.
//!
//! Start at [`Parser::primary`].

use super::expression::call;
use super::lexer::Token;
use super::parser::Parser;
use crate::error::Result;
use crate::ir::{Expression, Literal, SubqueryKind};

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Result<Expression> {
        let start = self.start();
        match self.peek().cloned() {
            Some(Token::Number(raw)) => {
                self.at += 1;
                Ok(Expression::Literal(self.number(&raw, false)?))
            }
            Some(Token::Text(_)) => {
                // Strings beside each other are one.
                let mut text = String::new();
                while let Some(Token::Text(part)) = self.peek() {
                    text.push_str(part);
                    self.at += 1;
                }
                Ok(Expression::Literal(Literal::String(text)))
            }
            Some(Token::Symbol("(")) => self.parenthesis(),
            Some(Token::Symbol("*")) => {
                self.at += 1;
                self.star(None)
            }
            Some(Token::Symbol(":")) => {
                self.at += 1;
                let name = self.identifier()?;
                self.parameters.named(&name)
            }
            Some(Token::Symbol("?")) => {
                self.at += 1;
                self.parameters.next(start)
            }
            Some(Token::Word(word)) => self.word_expression(&word, start),
            Some(Token::Quoted(_)) => self.name_expression(start),
            _ => Err(self.unexpected()),
        }
    }

    fn star(&mut self, target: Option<Vec<String>>) -> Result<Expression> {
        if self.is_word("except")
            && matches!(self.peek_at(1), Some(Token::Symbol("(")))
            && !self.is_query_start_at(2)
        {
            self.at += 1;
            let except = self.parenthesized(|p| p.name_parts())?;
            return Ok(Expression::StarExcept { target, except });
        }
        Ok(Expression::Star {
            target,
            plan_id: None,
        })
    }

    /// `( … )`: a subquery, a tuple, a lambda's parameters, or just an expression.
    fn parenthesis(&mut self) -> Result<Expression> {
        if let Some(lambda) = self.lambda_of_several()? {
            return Ok(lambda);
        }
        self.expect_symbol("(")?;
        if self.is_query_start() {
            let relation = self.query()?;
            self.expect_symbol(")")?;
            return Ok(Expression::Subquery {
                kind: SubqueryKind::Scalar,
                relation: Box::new(relation),
                plan_id: None,
            });
        }
        let mut items = self.list(|p| p.named_expression())?;
        self.expect_symbol(")")?;
        if items.len() == 1 {
            Ok(items.remove(0))
        } else {
            Ok(call("struct", items))
        }
    }

    fn lambda_of_several(&mut self) -> Result<Option<Expression>> {
        let mut offset = 1;
        let mut arguments = Vec::new();
        loop {
            let Some(Token::Word(name) | Token::Quoted(name)) = self.peek_at(offset) else {
                return Ok(None);
            };
            arguments.push(name.clone());
            match self.peek_at(offset + 1) {
                Some(Token::Symbol(",")) => offset += 2,
                Some(Token::Symbol(")")) => break,
                _ => return Ok(None),
            }
        }
        if self.peek_at(offset + 2) != Some(&Token::Symbol("->")) {
            return Ok(None);
        }
        self.at += offset + 3;
        let body = Box::new(self.expression()?);
        Ok(Some(Expression::Lambda { body, arguments }))
    }

    /// What begins with a word: keywords, functions, names.
    fn word_expression(&mut self, word: &str, start: usize) -> Result<Expression> {
        let next_is_call = matches!(self.peek_at(1), Some(Token::Symbol("(")));
        match word.to_ascii_lowercase().as_str() {
            "null" => {
                self.at += 1;
                Ok(Expression::Literal(Literal::Null(
                    crate::ir::DataType::Null,
                )))
            }
            "true" | "false" if !next_is_call => {
                self.at += 1;
                Ok(Expression::Literal(Literal::Boolean(
                    word.eq_ignore_ascii_case("true"),
                )))
            }
            "case" => self.case(),
            "cast" | "try_cast" if next_is_call => self.cast(start),
            "interval"
                if !next_is_call
                    && matches!(
                        self.peek_at(1),
                        Some(Token::Number(_) | Token::Text(_) | Token::Symbol("-"))
                    ) =>
            {
                self.at += 1;
                self.interval()
            }
            "exists" if next_is_call => {
                self.at += 1;
                if self.is_query_start_at(1) {
                    self.expect_symbol("(")?;
                    let relation = Box::new(self.query()?);
                    self.expect_symbol(")")?;
                    return Ok(Expression::Subquery {
                        kind: SubqueryKind::Exists,
                        relation,
                        plan_id: None,
                    });
                }
                self.at -= 1;
                self.name_expression(start)
            }
            "extract" if next_is_call => self.extract(),
            "position" if next_is_call => self.position(),
            "substring" | "substr" if next_is_call => self.substring(word),
            "trim" if next_is_call => self.trim(),
            "overlay" if next_is_call => self.overlay(),
            "timestampadd" | "timestampdiff" | "dateadd" | "datediff" | "date_add"
            | "date_diff"
                if next_is_call =>
            {
                self.unit_function(word, start)
            }
            _ => {
                if let Some(literal) = self.typed_literal()? {
                    return Ok(Expression::Literal(literal));
                }
                if let Some(timestamp) = self.timestamp_literal() {
                    return Ok(timestamp);
                }
                self.name_expression(start)
            }
        }
    }

    /// A name: a lambda's parameter, a function, a column, or a star of something.
    pub(super) fn name_expression(&mut self, start: usize) -> Result<Expression> {
        let first = self.identifier()?;
        if self.symbol("->") {
            let body = Box::new(self.expression()?);
            return Ok(Expression::Lambda {
                body,
                arguments: vec![first],
            });
        }
        let mut parts = vec![first];
        while self.is_symbol(".") {
            self.at += 1;
            if self.symbol("*") {
                return self.star(Some(parts));
            }
            parts.push(self.identifier()?);
        }
        if self.is_symbol("(") {
            return self.function(parts, start);
        }
        let column = Expression::Attribute {
            parts,
            plan_id: None,
            is_metadata_column: false,
        };
        Ok(self.located_expression(column, start)).map(|located| match located {
            // Plain columns keep their form, so that what follows can go on from the name.
            Expression::Located { child, origin } => Expression::Located { child, origin },
            other => other,
        })
    }
}
