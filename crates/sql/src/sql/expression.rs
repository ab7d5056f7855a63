//! Expressions, by precedence.

use super::lexer::Token;
use super::parser::Parser;
use crate::error::{Result, SparkError};
use crate::ir::{EvalMode, Expression, Literal, SubqueryKind};

/// Words that end an expression, so that they are no alias.
const CLAUSES: &[&str] = &[
    "from",
    "where",
    "group",
    "having",
    "order",
    "sort",
    "cluster",
    "distribute",
    "limit",
    "offset",
    "union",
    "intersect",
    "except",
    "minus",
    "lateral",
    "join",
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "semi",
    "anti",
    "natural",
    "on",
    "using",
    "window",
    "as",
    "when",
    "then",
    "else",
    "end",
    "and",
    "or",
    "not",
    "in",
    "between",
    "like",
    "rlike",
    "ilike",
    "is",
    "div",
    "over",
    "filter",
    "asc",
    "desc",
    "nulls",
    "pivot",
    "unpivot",
    "tablesample",
    "qualify",
    "regexp",
    "values",
    "select",
    "with",
    "collate",
    "within",
];

pub(super) fn call(name: &str, arguments: Vec<Expression>) -> Expression {
    Expression::function(name, arguments)
}

impl Parser<'_> {
    /// An item of a select list.
    pub(super) fn select_item(&mut self) -> Result<Expression> {
        self.named_expression()
    }

    /// An expression and perhaps its alias.
    pub(super) fn named_expression(&mut self) -> Result<Expression> {
        let child = self.expression()?;
        let names = if self.word("as") {
            if self.is_symbol("(") {
                self.parenthesized(|p| p.identifier())?
            } else {
                vec![self.identifier()?]
            }
        } else if self.is_symbol("(") && matches!(child.unlocated(), Expression::Function { .. }) {
            self.parenthesized(|p| p.identifier())?
        } else {
            self.bare_alias().into_iter().collect()
        };
        if names.is_empty() {
            return Ok(child);
        }
        Ok(Expression::Alias {
            child: Box::new(child),
            names,
            metadata: None,
        })
    }

    /// An alias without `AS`.
    pub(super) fn bare_alias(&mut self) -> Option<String> {
        let name = match self.peek()? {
            Token::Quoted(name) => name.clone(),
            Token::Word(word) if !CLAUSES.contains(&word.to_ascii_lowercase().as_str()) => {
                word.clone()
            }
            _ => return None,
        };
        self.at += 1;
        Some(name)
    }

    pub(super) fn expression(&mut self) -> Result<Expression> {
        self.nested(|p| p.or_expression())
    }

    fn or_expression(&mut self) -> Result<Expression> {
        let start = self.start();
        let mut left = self.and_expression()?;
        while self.word("or") {
            self.link()?;
            let right = self.and_expression()?;
            left = self.located_expression(call("or", vec![left, right]), start);
        }
        Ok(left)
    }

    fn and_expression(&mut self) -> Result<Expression> {
        let start = self.start();
        let mut left = self.not_expression()?;
        while self.word("and") {
            self.link()?;
            let right = self.not_expression()?;
            left = self.located_expression(call("and", vec![left, right]), start);
        }
        Ok(left)
    }

    fn not_expression(&mut self) -> Result<Expression> {
        let start = self.start();
        if self.word("not") || self.symbol("!") {
            let child = self.nested(|p| p.not_expression())?;
            return Ok(self.located_expression(call("not", vec![child]), start));
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Result<Expression> {
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
                self.in_predicate(left)?
            } else if self.word("between") {
                let low = self.bit_or()?;
                self.expect_word("and")?;
                let high = self.bit_or()?;
                let above = call(">=", vec![self.copy(&left)?, low]);
                call("and", vec![above, call("<=", vec![left, high])])
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

    fn in_predicate(&mut self, left: Expression) -> Result<Expression> {
        self.expect_symbol("(")?;
        if self.is_query_start() {
            let relation = self.query()?;
            self.expect_symbol(")")?;
            let values = vec![left];
            let kind = SubqueryKind::In { values };
            return Ok(Expression::Subquery {
                kind,
                relation: Box::new(relation),
                plan_id: None,
            });
        }
        let mut arguments = vec![left];
        arguments.extend(self.list(|p| p.expression())?);
        self.expect_symbol(")")?;
        Ok(call("in", arguments))
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

    pub(super) fn bit_or(&mut self) -> Result<Expression> {
        self.left_associative(&["|"], |p| p.bit_xor())
    }

    fn bit_xor(&mut self) -> Result<Expression> {
        self.left_associative(&["^"], |p| p.bit_and())
    }

    fn bit_and(&mut self) -> Result<Expression> {
        self.left_associative(&["&"], |p| p.shift())
    }

    fn shift(&mut self) -> Result<Expression> {
        self.left_associative(&["<<", ">>", ">>>"], |p| p.sum())
    }

    fn sum(&mut self) -> Result<Expression> {
        self.left_associative(&["+", "-", "||"], |p| p.product())
    }

    fn product(&mut self) -> Result<Expression> {
        let start = self.start();
        let mut left = self.unary()?;
        loop {
            let operator = match self.peek() {
                Some(Token::Symbol(s @ ("*" | "/" | "%"))) => *s,
                Some(Token::Word(word)) if word.eq_ignore_ascii_case("div") => "div",
                _ => return Ok(left),
            };
            self.at += 1;
            self.link()?;
            let right = self.unary()?;
            left = self.located_expression(call(operator, vec![left, right]), start);
        }
    }

    fn left_associative(
        &mut self,
        symbols: &[&'static str],
        operand: impl Fn(&mut Self) -> Result<Expression>,
    ) -> Result<Expression> {
        let start = self.start();
        let mut left = operand(self)?;
        while let Some(symbol) = symbols.iter().find(|s| self.is_symbol(s)) {
            self.at += 1;
            self.link()?;
            let right = operand(self)?;
            let name = match *symbol {
                "||" => "concat",
                "<<" => "shiftleft",
                ">>" => "shiftright",
                ">>>" => "shiftrightunsigned",
                other => other,
            };
            left = self.located_expression(call(name, vec![left, right]), start);
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression> {
        let start = self.start();
        if self.symbol("-") {
            if let Some(Token::Number(raw)) = self.peek().cloned() {
                self.at += 1;
                let literal = self.number(&raw, true)?;
                return self.postfix(Expression::Literal(literal), start);
            }
            let child = self.nested(|p| p.unary())?;
            return Ok(self.located_expression(call("-", vec![child]), start));
        }
        if self.symbol("+") {
            let child = self.nested(|p| p.unary())?;
            return Ok(call("positive", vec![child]));
        }
        if self.symbol("~") {
            let child = self.nested(|p| p.unary())?;
            return Ok(call("~", vec![child]));
        }
        let primary = self.primary()?;
        self.postfix(primary, start)
    }

    fn postfix(&mut self, mut value: Expression, start: usize) -> Result<Expression> {
        loop {
            if self.symbol("[") {
                let extraction = self.expression()?;
                self.expect_symbol("]")?;
                let item = Expression::ExtractValue {
                    child: Box::new(value),
                    extraction: Box::new(extraction),
                };
                value = self.located_expression(item, start);
            } else if self.symbol("::") {
                let to = self.data_type()?;
                let cast = Expression::Cast {
                    child: Box::new(value),
                    to,
                    mode: EvalMode::Session,
                };
                value = self.located_expression(cast, start);
            } else if self.is_symbol(".") && !matches!(value, Expression::Attribute { .. }) {
                self.at += 1;
                let field = Expression::Literal(Literal::String(self.identifier()?));
                value = Expression::ExtractValue {
                    child: Box::new(value),
                    extraction: Box::new(field),
                };
            } else if self.words("at time zone") {
                return Err(SparkError::unsupported_feature("AT TIME ZONE"));
            } else {
                return Ok(value);
            }
            self.link()?;
        }
    }

    fn primary(&mut self) -> Result<Expression> {
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

    pub(super) fn star(&mut self, target: Option<Vec<String>>) -> Result<Expression> {
        if self.is_word("except") && matches!(self.peek_at(1), Some(Token::Symbol("("))) {
            return Err(SparkError::unsupported_feature("* EXCEPT (…)"));
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
