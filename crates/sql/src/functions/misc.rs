//! What Spark calls miscellaneous: types, the session, identities, deliberate errors.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::datatypes::{Int32Type, Int64Type};
use datafusion::logical_expr::Volatility;

use super::{Arg, Function, FunctionCall, Invocation, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Literal};
use crate::types::catalog_string;

pub(super) const FUNCTIONS: &[Function] = &[
    custom("typeof", type_of),
    custom("assert_true", assert_true),
    custom("raise_error", raise_error),
    custom("current_catalog", |call| {
        constant(call, "spark_catalog".to_owned())
    }),
    custom("current_schema", |call| {
        let database = call.analyzer.context.database.clone();
        constant(call, database)
    })
    .or(&["current_database"])
    .shown("current_schema"),
    custom("current_user", |call| {
        let user = call.analyzer.context.user.clone();
        constant(call, user)
    })
    .or(&["user", "session_user"]),
    custom("version", |call| {
        constant(call, crate::SPARK_VERSION.to_owned())
    }),
    custom("uuid", uuid),
    custom("monotonically_increasing_id", monotonically_increasing_id),
    custom("spark_partition_id", spark_partition_id).shown("SPARK_PARTITION_ID"),
];

fn type_of(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.text();
    let name = catalog_string(&call.arguments[0].data_type);
    Ok(call
        .analyzer
        .literal(&Literal::String(name))?
        .with_name(text))
}

fn constant(call: &mut FunctionCall<'_>, value: String) -> Result<TypedExpr> {
    call.arity(0, 0)?;
    let text = call.text();
    Ok(call
        .analyzer
        .literal(&Literal::String(value))?
        .with_name(text))
}

/// Null, or the error with the message.
fn assert_true(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 2)?;
    if call.arguments.len() == 1 {
        let message = format!("'{}' is not true!", call.arguments[0].name);
        let message = call.analyzer.literal(&Literal::String(message))?;
        call.arguments.push(message);
    }
    let text = call.text();
    call.convert(0, Arg::Boolean)?;
    call.convert(1, Arg::Str)?;
    let value = call.call("assert_true", DataType::Null, true, |inv| {
        let (conditions, messages) = (inv.booleans(0)?, inv.strings(1)?);
        for row in 0..inv.rows {
            if conditions.get(row) != Some(true) {
                return Err(SparkError::raised(messages.get(row).unwrap_or("null")));
            }
        }
        Ok(arrow::array::new_null_array(inv.return_type, inv.rows))
    });
    Ok(value.with_name(text))
}

fn raise_error(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = format!(
        "raise_error(USER_RAISED_EXCEPTION, map(errorMessage, {}))",
        call.arguments[0].name
    );
    call.convert(0, Arg::Str)?;
    let kernel = Arc::new(|inv: &Invocation<'_>| {
        let messages = inv.strings(0)?;
        if inv.rows > 0 {
            return Err(SparkError::raised(messages.get(0).unwrap_or("null")));
        }
        Ok(arrow::array::new_null_array(inv.return_type, 0))
    });
    let arguments = call.arguments.clone();
    let expr = call.maker().call_with(
        "raise_error",
        "",
        kernel,
        &arguments,
        DataType::Null,
        true,
        Volatility::Volatile,
    );
    Ok(TypedExpr::new(expr, DataType::Null, true, text))
}

fn uuid(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(0, 1)?;
    let kernel = Arc::new(|inv: &Invocation<'_>| {
        inv.build_strings(|_| Ok(Some(uuid::Uuid::new_v4().to_string())))
    });
    let expr = call.maker().call_with(
        "uuid",
        "",
        kernel,
        &[],
        DataType::STRING,
        false,
        Volatility::Volatile,
    );
    Ok(TypedExpr::new(expr, DataType::STRING, false, call.text()))
}

/// Rows are counted as they pass: there is one partition.
fn monotonically_increasing_id(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(0, 0)?;
    let next = AtomicI64::new(0);
    let kernel = Arc::new(move |inv: &Invocation<'_>| {
        let first = next.fetch_add(inv.rows as i64, Ordering::Relaxed);
        inv.build::<Int64Type>(|row| Ok(Some(first + row as i64)))
    });
    let key = uuid::Uuid::new_v4().to_string();
    let expr = call.maker().call_with(
        "monotonically_increasing_id",
        key,
        kernel,
        &[],
        DataType::Long,
        false,
        Volatility::Volatile,
    );
    Ok(TypedExpr::new(expr, DataType::Long, false, call.text()))
}

fn spark_partition_id(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(0, 0)?;
    let kernel = Arc::new(|inv: &Invocation<'_>| inv.build::<Int32Type>(|_| Ok(Some(0))));
    let expr = call.maker().call_with(
        "spark_partition_id",
        "",
        kernel,
        &[],
        DataType::Integer,
        false,
        Volatility::Volatile,
    );
    Ok(TypedExpr::new(expr, DataType::Integer, false, call.text()))
}
