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
        let name = format!("{word}({} AS {})", child.name, sql_name(to));
        let how = cast_mode(&self.context, mode);
        if !can_cast(&child.data_type, to, how.ansi) {
            return Err(SparkError::cast_without_suggestion(
                &name,
                &sql_name(&child.data_type),
                &sql_name(to),
            ));
        }
        let automatic = child.named.clone();
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
