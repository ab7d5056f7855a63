//! SQL text.
use std::collections::BTreeMap;

use crate::error::{Result, SparkError};
use crate::ir::Expression;
use crate::session::Statement;

pub(crate) fn parse_statement(
    text: &str,
    _named: &BTreeMap<String, Expression>,
    _positional: &[Expression],
) -> Result<Statement> {
    Err(SparkError::unsupported_sql_statement(text))
}
