//! Types called as functions: `int(x)` is `CAST(x AS INT)`.

use super::{Function, FunctionCall, custom};
use crate::analyzer::TypedExpr;
use crate::error::Result;
use crate::ir::DataType;

pub(super) const FUNCTIONS: &[Function] = &[
    custom("boolean", |call| cast(call, &DataType::Boolean)),
    custom("tinyint", |call| cast(call, &DataType::Byte)),
    custom("smallint", |call| cast(call, &DataType::Short)),
    custom("int", |call| cast(call, &DataType::Integer)),
    custom("bigint", |call| cast(call, &DataType::Long)),
    custom("float", |call| cast(call, &DataType::Float)),
    custom("double", |call| cast(call, &DataType::Double)),
    custom("decimal", |call| cast(call, &DataType::DECIMAL_DEFAULT)),
    custom("date", |call| cast(call, &DataType::Date)),
    custom("timestamp", |call| cast(call, &DataType::Timestamp)),
    custom("time", |call| cast(call, &DataType::Time { precision: 6 })),
    custom("binary", |call| cast(call, &DataType::Binary)),
    custom("string", |call| cast(call, &DataType::STRING)),
];

fn cast(call: &mut FunctionCall<'_>, to: &DataType) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let value = call.arguments[0].clone();
    call.analyzer.cast_explicitly(value, to)
}
