//! `VALUES (…), (…)`: rows that are written in the query.
//!
//! Always true: however many rows there are, the plan is one node deep: constants become one batch, anything else one
//! flat union. Start at [`Analyzer::values`].

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, Union};

use super::leaf::internal_schema;
use super::{Analyzed, Analyzer, Attribute, Scope, TypedExpr};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Expression, StructField, StructType};
use crate::types::coercion;

impl Analyzer {
    pub(super) fn values(&mut self, rows: &[Vec<Expression>]) -> Result<Analyzed> {
        let width = rows.first().map_or(0, Vec::len);
        if let Some(index) = rows.iter().position(|row| row.len() != width) {
            return Err(SparkError::inline_table_of_uneven_rows(
                width,
                rows[index].len(),
                index,
            ));
        }
        let scope = Scope::default();
        let mut typed = rows
            .iter()
            .map(|row| self.expressions(&scope, row))
            .collect::<Result<Vec<_>>>()?;
        let schema = inline_schema(&typed, width)?;
        for row in &mut typed {
            for (value, field) in row.iter_mut().zip(schema.fields.iter()) {
                let cast = self.cast_implicitly(value.clone(), &field.data_type)?;
                *value = self.evaluated(cast)?;
            }
        }
        match constant_batch(&typed, &schema)? {
            Some(batch) => self.batches(&schema, vec![batch]),
            None => self.union_of_rows(typed, &schema),
        }
    }

    /// The value as a constant if it needs no row, else as it is.
    fn evaluated(&self, value: TypedExpr) -> Result<TypedExpr> {
        if value.constant().is_some() || !value.is_foldable() {
            return Ok(value);
        }
        let constant = self
            .evaluate(&value)
            .map_err(|_| SparkError::inline_table_evaluation(&value.name))?;
        let (data_type, nullable) = (value.data_type.clone(), value.nullable);
        let constant = datafusion::logical_expr::Expr::Literal(constant, None);
        Ok(value.replaced(constant, data_type, nullable))
    }

    /// Rows of which some are not constant: one projection a row.
    fn union_of_rows(
        &mut self,
        rows: Vec<Vec<TypedExpr>>,
        schema: &StructType,
    ) -> Result<Analyzed> {
        let columns: Vec<Attribute> = schema
            .fields
            .iter()
            .map(|field| Attribute {
                id: super::next_id(),
                name: field.name.clone(),
                data_type: field.data_type.clone(),
                nullable: field.nullable,
                qualifier: Vec::new(),
                metadata: None,
            })
            .collect();
        let mut branches = Vec::new();
        for row in rows {
            let named = row.into_iter().zip(&columns);
            let exprs: Vec<_> = named
                .map(|(value, column)| value.expr.alias(column.column_name()))
                .collect();
            let plan = self.one_row()?.plan;
            let branch = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
            branches.push(Arc::new(branch));
        }
        let plan = match branches.as_slice() {
            [only] => only.as_ref().clone(),
            _ => LogicalPlan::Union(Union::try_new_with_loose_types(branches)?),
        };
        Ok(Analyzed {
            plan,
            scope: Scope::new(columns),
            is_streaming: false,
        })
    }
}

/// Columns in the types that hold every row's values.
fn inline_schema(rows: &[Vec<TypedExpr>], width: usize) -> Result<StructType> {
    let column = |index: usize| {
        let mut values = rows.iter().map(|row| &row[index]);
        let name = format!("col{}", index + 1);
        let first = values
            .next()
            .map_or(DataType::Null, |v| v.data_type.clone());
        let data_type = values
            .try_fold(first, |common, value| {
                coercion::tightest_common_type(&common, &value.data_type)
            })
            .ok_or_else(|| SparkError::inline_table_of_different_types(&name))?;
        let nullable = rows.iter().any(|row| row[index].nullable);
        Ok(StructField::new(name, data_type, nullable))
    };
    let fields = (0..width).map(column).collect::<Result<Vec<_>>>()?;
    Ok(StructType::new(fields))
}

/// All rows as one batch, if all of them are constant.
fn constant_batch(rows: &[Vec<TypedExpr>], schema: &StructType) -> Result<Option<RecordBatch>> {
    let constant = |row: &Vec<TypedExpr>| row.iter().all(|value| value.constant().is_some());
    if schema.is_empty() || !rows.iter().all(constant) {
        return Ok(None);
    }
    let columns = (0..schema.len()).map(|index| {
        let values = rows.iter().filter_map(|row| row[index].constant().cloned());
        Ok(ScalarValue::iter_to_array(values)?)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let arrow = internal_schema(schema);
    let columns = columns
        .iter()
        .zip(arrow.fields())
        .map(|(column, field)| crate::execution::reshape(column, field.data_type()))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(Some(RecordBatch::try_new_with_options(
        arrow, columns, &options,
    )?))
}
