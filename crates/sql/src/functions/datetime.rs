//! Dates, timestamps and intervals.

use super::arithmetic::Operation;
use super::{Function, FunctionCall};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};

pub(super) const FUNCTIONS: &[Function] = &[];

pub(super) fn arithmetic(
    _c: &mut FunctionCall<'_>,
    _o: Operation,
    _t: bool,
) -> Result<Option<TypedExpr>> {
    Ok(None)
}

pub(super) fn negate(_call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    Err(SparkError::unsupported_feature("negation of an interval"))
}
