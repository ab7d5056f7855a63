//! Values that analysis itself must know: limits, sample fractions, pivot values.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::create_physical_expr;

use super::{Analyzer, TypedExpr};
use crate::error::{Result, SparkError};

/// All names of Spark's functions, one a line: tells what is missing here from what does not exist.
const SPARK_FUNCTIONS: &str = include_str!("../functions/names.txt");

static NAMES: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| SPARK_FUNCTIONS.lines().collect());

pub(super) fn is_spark_function(name: &str) -> bool {
    NAMES.contains(name)
}

impl Analyzer {
    /// The value of an expression that needs no row.
    pub(crate) fn evaluate(&self, typed: &TypedExpr) -> Result<ScalarValue> {
        if let Some(value) = typed.constant() {
            return Ok(value.clone());
        }
        if !typed.is_foldable() {
            return Err(SparkError::limit_not_foldable(&typed.name));
        }
        let physical = create_physical_expr(
            &typed.expr,
            &DFSchema::empty(),
            &ExecutionProps::new(),
            &PhysicalPlanningContext::default(),
        )?;
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?;
        let array = physical.evaluate(&batch)?.into_array(1)?;
        Ok(ScalarValue::try_from_array(&array, 0)?)
    }

    /// The expression as a constant if it needs no row, else as it is.
    pub(crate) fn fold(&self, typed: TypedExpr) -> TypedExpr {
        if typed.constant().is_some() || !typed.is_foldable() {
            return typed;
        }
        match self.evaluate(&typed) {
            Ok(value) => {
                let nullable = value.is_null();
                let data_type = typed.data_type.clone();
                typed.replaced(
                    datafusion::logical_expr::Expr::Literal(value, None),
                    data_type,
                    nullable,
                )
            }
            Err(_) => typed,
        }
    }
}
