//! Casts as expressions.

use std::sync::Arc;

use datafusion::logical_expr::{Cast, Expr};

use super::{Analyzer, TypedExpr};
use crate::cast::{CastMode, can_cast, can_fail, cast_array};
use crate::context::Context;
use crate::error::{Result, SparkError};
use crate::functions::Invocation;
use crate::functions::udf::internal_arrow;
use crate::ir::{DataType, EvalMode};
use crate::types::{coercion, sql_name};

/// A longer name of an expression is not made longer by casts.
const NAME_BYTES_MAX: usize = 16 << 10;

/// How casts behave in a session.
pub(crate) fn cast_mode(context: &Context, mode: EvalMode) -> CastMode {
    let ansi = match mode {
        EvalMode::Session => context.ansi,
        EvalMode::Legacy => false,
        EvalMode::Ansi | EvalMode::Try => true,
    };
    CastMode {
        strict: ansi && mode != EvalMode::Try,
        ansi,
        time_zone: context.time_zone,
    }
}

impl Analyzer {
    /// A cast that the user wrote.
    pub(crate) fn cast(
        &mut self,
        child: TypedExpr,
        to: &DataType,
        mode: EvalMode,
    ) -> Result<TypedExpr> {
        let word = if mode == EvalMode::Try {
            "TRY_CAST"
        } else {
            "CAST"
        };
        // A chain of casts would spell itself out at each of its links.
        let name = match child.name.len() > NAME_BYTES_MAX {
            true => child.name.clone(),
            false => format!(
                "{word}({} AS {})",
                child.name,
                sql_name(&without_lengths(to))
            ),
        };
        let how = cast_mode(&self.context, mode);
        let to = &without_lengths(to);
        if !can_cast(&child.data_type, to, how.ansi) {
            return Err(impossible(&name, &child.data_type, to, how.ansi));
        }
        let automatic = child.named.clone();
        // Spark forgets that somebody wrote the cast.
        let name = match to {
            DataType::Array { .. } | DataType::Map { .. } | DataType::Struct(_) => {
                child.name.clone()
            }
            _ => name,
        };
        let mut cast = self.convert(child, to, how)?;
        cast.name = name;
        cast.named = None;
        cast.metadata = None;
        cast.automatic = automatic;
        Ok(cast)
    }

    /// A cast that nobody wrote: the text stays that of `child`.
    pub(crate) fn cast_implicitly(&mut self, child: TypedExpr, to: &DataType) -> Result<TypedExpr> {
        let how = cast_mode(&self.context, EvalMode::Session);
        self.convert(child, to, how)
    }

    fn convert(&mut self, child: TypedExpr, to: &DataType, mode: CastMode) -> Result<TypedExpr> {
        let from = child.data_type.clone();
        if from == *to {
            return Ok(TypedExpr {
                attribute: None,
                ..child
            });
        }
        let nullable = child.nullable || crate::cast::may_give_null(&from, to, mode);
        if child.constant().is_some_and(|value| value.is_null()) {
            let null = super::literal::null_value(to)?;
            return Ok(child.replaced(Expr::Literal(null, None), to.clone(), true));
        }
        let (from_arrow, to_arrow) = (internal_arrow(&from), internal_arrow(to));
        if from_arrow == to_arrow && same_values(&from, to) {
            return Ok(child.replaced(child.expr.clone(), to.clone(), nullable));
        }
        if is_widening(&from, to) {
            let expr = match &child.expr {
                Expr::Literal(value, _) => Expr::Literal(value.cast_to(&to_arrow)?, None),
                other => Expr::Cast(Cast::new(Box::new(other.clone()), to_arrow)),
            };
            return Ok(child.replaced(expr, to.clone(), nullable));
        }
        let target = to.clone();
        let source = from.clone();
        let kernel = Arc::new(move |inv: &Invocation<'_>| {
            cast_array(&inv.argument(0)?.array, &source, &target, mode)
        });
        let fallible = if mode.strict && can_fail(&from, to) {
            "strict"
        } else {
            "safe"
        };
        let key = format!("{fallible} {mode:?} {to:?}");
        let expr = self.maker().call(
            "cast",
            key,
            kernel,
            std::slice::from_ref(&child),
            to.clone(),
            nullable,
        );
        Ok(child.replaced(expr, to.clone(), nullable))
    }
}

/// The type with strings of any length: a cast to `CHAR(n)` or `VARCHAR(n)` is one to `STRING`.
fn without_lengths(data_type: &DataType) -> DataType {
    use crate::ir::StringConstraint;
    match data_type {
        DataType::String(StringConstraint::Char(_) | StringConstraint::Varchar(_)) => {
            DataType::STRING
        }
        DataType::Array {
            element,
            contains_null,
        } => DataType::array(without_lengths(element), *contains_null),
        DataType::Map {
            key,
            value,
            value_contains_null,
        } => DataType::map(
            without_lengths(key),
            without_lengths(value),
            *value_contains_null,
        ),
        other => other.clone(),
    }
}

/// The error of a cast that does not exist, with what to do instead if there is something.
fn impossible(name: &str, from: &DataType, to: &DataType, ansi: bool) -> SparkError {
    let (source, target) = (sql_name(from), sql_name(to));
    let functions: &[&str] = match (from, to) {
        (f, DataType::Timestamp) if f.is_numeric() => {
            &["TIMESTAMP_SECONDS", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS"]
        }
        (DataType::Timestamp, t) if t.is_numeric() => {
            &["UNIX_SECONDS", "UNIX_MILLIS", "UNIX_MICROS"]
        }
        (f, DataType::Date) if f.is_numeric() => &["DATE_FROM_UNIX_DATE"],
        (DataType::Date, t) if t.is_numeric() => &["UNIX_DATE"],
        _ => &[],
    };
    if !functions.is_empty() {
        return SparkError::cast_with_function(name, &source, &target, functions);
    }
    if ansi && can_cast(from, to, false) {
        return SparkError::cast_with_configuration(name, &source, &target);
    }
    SparkError::cast_without_suggestion(name, &source, &target)
}

/// Casts that DataFusion does just as Spark, and whose column it can see through.
fn is_widening(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    matches!(
        (from, to),
        (T::Byte, T::Short | T::Integer | T::Long)
            | (T::Short, T::Integer | T::Long)
            | (T::Integer, T::Long)
            | (
                T::Byte | T::Short | T::Integer | T::Long | T::Float,
                T::Double
            )
    )
}

/// True if equal Arrow values mean equal Spark values.
fn same_values(from: &DataType, to: &DataType) -> bool {
    use crate::ir::StringConstraint;
    match to {
        DataType::String(StringConstraint::Char(_) | StringConstraint::Varchar(_)) => false,
        DataType::DayTimeInterval { .. } | DataType::YearMonthInterval { .. } => false,
        _ => coercion::same_shape(from, to),
    }
}
