//! Expressions in Spark's grammar, one level of precedence a method, loosest first.
//!
//! Two levels have files of their own: `predicate` has comparisons, `IN`, `LIKE` and their kin, `primary` has names,
//! parentheses, stars and lambdas. Start at [`Parser::expression`].

use super::lexer::Token;
use super::parser::Parser;
use crate::error::{Result, SparkError};
use crate::ir::{EvalMode, Expression, Literal};

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
}
