//! Functions of DataFusion's that compute what Spark's do, called from our kernels.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType as ArrowType, Field};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};

use crate::error::Result;

/// The function's values for arrays of `rows` values, as the Arrow type `wanted`.
pub(super) fn call(
    function: &ScalarUDF,
    arguments: Vec<ArrayRef>,
    rows: usize,
    wanted: &ArrowType,
) -> Result<ArrayRef> {
    let fields: Vec<_> = arguments
        .iter()
        .map(|a| Arc::new(Field::new("argument", a.data_type().clone(), true)))
        .collect();
    let constants = vec![None; arguments.len()];
    let return_field = function.return_field_from_args(ReturnFieldArgs {
        arg_fields: &fields,
        scalar_arguments: &constants,
    })?;
    let value = function.invoke_with_args(ScalarFunctionArgs {
        args: arguments.into_iter().map(ColumnarValue::Array).collect(),
        arg_fields: fields,
        number_rows: rows,
        return_field,
        config_options: Arc::new(ConfigOptions::default()),
    })?;
    let array = value.into_array(rows)?;
    Ok(arrow::compute::cast(&array, wanted)?)
}
