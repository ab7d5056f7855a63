//! SQL text: statements, expressions and names, read straight into the intermediate representation.
//!
//! The grammar is Spark's own (`LATERAL VIEW`, `DIV`, `1L`, `interval 1 hour`, lambdas, backquotes), and errors must
//! say where in the text they are, so the text is read by a parser of our own. Always true: reading cannot overflow
//! the stack, since nesting is counted. Start at [`parse_statement`].

mod expression;
mod from_clause;
mod function_call;
mod grouping;
mod identifier;
mod lexer;
mod literal;
mod named_window;
mod parameters;
mod parser;
mod pipe;
mod pivot;
mod predicate;
mod primary;
mod query;
mod select;
mod special_form;
mod statement;

use std::collections::BTreeMap;

use crate::error::Result;
use crate::ir::Expression;
use crate::session::Statement;

pub use identifier::parse_identifier;

use parser::Parser;

/// Reads one statement; arguments are put in the places of `:name` and `?`.
pub(crate) fn parse_statement(
    text: &str,
    named: &BTreeMap<String, Expression>,
    positional: &[Expression],
) -> Result<Statement> {
    let mut parser = Parser::new(text, parameters::Parameters::new(named, positional))?;
    let statement = parser.statement()?;
    parser.end()?;
    Ok(statement)
}

/// Reads one expression, which may have an alias.
pub(crate) fn parse_expression(text: &str) -> Result<Expression> {
    let mut parser = Parser::new(text, parameters::Parameters::none())?;
    let expression = parser.named_expression()?;
    parser.end()?;
    Ok(expression)
}

/// Reads what a `selectExpr` may hold: a select item, stars included.
pub(crate) fn parse_select_items(text: &str) -> Result<Vec<Expression>> {
    let mut parser = Parser::new(text, parameters::Parameters::none())?;
    let items = vec![parser.select_item()?];
    parser.end()?;
    Ok(items)
}
