//! Floats in the form in which they are compared, grouped and sorted: one zero, one NaN.

use std::sync::Arc;

use datafusion::logical_expr::Expr;

use super::{FunctionCall, Invocation};
use crate::analyzer::{Analyzer, TypedExpr};
use crate::error::Result;
use crate::ir::DataType;

impl FunctionCall<'_> {
    /// The double or float with one zero and one NaN.
    pub(crate) fn normalize_float(analyzer: &mut Analyzer, typed: &TypedExpr) -> Result<Expr> {
        use arrow::datatypes::{Float32Type, Float64Type};
        let kernel = Arc::new(|inv: &Invocation<'_>| {
            if inv.types[0] == DataType::Float {
                let values = inv.floats(0)?;
                let normal = |v: f32| {
                    if v == 0.0 {
                        0.0
                    } else if v.is_nan() {
                        f32::NAN
                    } else {
                        v
                    }
                };
                return inv.build::<Float32Type>(|row| Ok(values.get(row).map(normal)));
            }
            let values = inv.doubles(0)?;
            let normal = |v: f64| {
                if v == 0.0 {
                    0.0
                } else if v.is_nan() {
                    f64::NAN
                } else {
                    v
                }
            };
            inv.build::<Float64Type>(|row| Ok(values.get(row).map(normal)))
        });
        let arguments = std::slice::from_ref(typed);
        let data_type = typed.data_type.clone();
        Ok(analyzer.maker().call(
            "normalize_nanandzero",
            "",
            kernel,
            arguments,
            data_type,
            typed.nullable,
        ))
    }
}
