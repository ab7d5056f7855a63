//! Numbers by a format: `format_number`, `format_string`, `to_number`, `to_char`.

mod grouped;
mod picture;
mod printf;

use super::{Function, FunctionCall, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::ir::DataType;

pub(super) const FUNCTIONS: &[Function] = &[
    custom("format_number", grouped::format_number),
    custom("format_string", printf::format_string).or(&["printf"]),
    custom("to_number", |call| picture::to_number(call, true)),
    custom("try_to_number", |call| picture::to_number(call, false)),
    custom("to_char", to_char).or(&["to_varchar"]),
];

/// Numbers by a picture, times by a pattern, bytes by a name.
fn to_char(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(2, 2)?;
    let text = call.text();
    let [value, format] = [0, 1].map(|i| call.arguments[i].clone());
    match &value.data_type {
        t if t.is_datetime() => Ok(call
            .apply("date_format", vec![value, format])?
            .with_name(text)),
        DataType::Binary => {
            let name = call.constant_string(1, "format")?;
            let value = match name.to_lowercase().trim() {
                "base64" => call.apply("base64", vec![value])?,
                "hex" => call.apply("hex", vec![value])?,
                "utf-8" => {
                    let charset = crate::ir::Literal::String("UTF-8".to_owned());
                    let charset = call.analyzer.literal(&charset)?;
                    call.apply("decode", vec![value, charset])?
                }
                _ => {
                    return Err(SparkError::invalid_parameter_value(
                        "BINARY_FORMAT",
                        &call.name,
                        "format",
                        format!(
                            "expects one of the binary formats 'base64', 'hex', 'utf-8', but got '{name}'."
                        ),
                    ));
                }
            };
            Ok(value.with_name(text))
        }
        _ => picture::to_char(call),
    }
}
