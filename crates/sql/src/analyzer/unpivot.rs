//! Columns become rows and rows become columns: `unpivot` and `transpose`.

use super::expression::Selected;
use super::{Analyzed, Analyzer, Attribute, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::Generator;
use crate::ir::{DataType, Expression, Literal, Relation, StructField, StructType};
use crate::types::{coercion, sql_name};

impl Analyzer {
    pub(super) fn unpivot(
        &mut self,
        input: &Relation,
        ids: Option<&[Expression]>,
        values: Option<&[Expression]>,
        variable_column: &str,
        value_column: &str,
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let rest = |known: &[TypedExpr]| -> Vec<TypedExpr> {
            let columns = analyzed.scope.columns.iter();
            columns
                .map(Attribute::typed)
                .filter(|c| !known.iter().any(|k| k.expr == c.expr))
                .collect()
        };
        let ids = ids
            .map(|ids| self.plain_items(&analyzed, ids))
            .transpose()?;
        let values = match values {
            Some(values) => self.plain_items(&analyzed, values)?,
            None => rest(ids.as_deref().unwrap_or_default()),
        };
        let ids = ids.unwrap_or_else(|| rest(&values));
        let types: Vec<DataType> = values.iter().map(|v| v.data_type.clone()).collect();
        let common = types
            .iter()
            .skip(1)
            .try_fold(types.first().cloned().unwrap_or(DataType::Null), |a, b| {
                coercion::tightest_common_type(&a, b)
            });
        let common = common.ok_or_else(|| {
            let types: Vec<String> = values
                .iter()
                .map(|v| format!("\"{}\" ({})", sql_name(&v.data_type), v.name))
                .collect();
            SparkError::unpivot_value_type_mismatch(&types.join(", "))
        })?;
        let nullable = values.iter().any(|v| v.nullable);
        let mut rows = Vec::new();
        for value in values {
            let mut name = self.literal(&Literal::String(value.column_name().to_owned()))?;
            name.named = Some(variable_column.to_owned());
            let mut value = self.cast_implicitly(value, &common)?;
            value.named = Some(value_column.to_owned());
            value.attribute = None;
            rows.push(self.call_function(&analyzed.scope, "struct", vec![name, value])?);
        }
        if rows.is_empty() {
            return Err(SparkError::unsupported_feature(
                "unpivot without value columns",
            ));
        }
        let rows = self.call_function(&analyzed.scope, "array", rows)?;
        let columns = StructType::new(vec![
            StructField::new(variable_column, DataType::STRING, false),
            StructField::new(value_column, common, nullable),
        ]);
        let generator = Generator {
            rows,
            columns,
            outer: false,
            name: "unpivot".to_owned(),
        };
        let (unnested, added) = self.unnest(analyzed, generator, &[])?;
        let items = ids.into_iter().chain(added).collect();
        self.project_typed(unnested, items)
    }

    fn plain_items(&mut self, input: &Analyzed, list: &[Expression]) -> Result<Vec<TypedExpr>> {
        let items = self
            .select_list(&input.scope, list)?
            .into_iter()
            .map(|s| match s {
                Selected::Value(v) => Ok(v),
                Selected::Rows(g, _) => Err(SparkError::nested_generator(&g.name)),
            });
        items.collect()
    }

    /// Rows become columns; the first column's values are the new columns' names.
    pub(super) fn transpose(&mut self, input: &Relation, index: &[Expression]) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let columns = analyzed.scope.columns.clone();
        let Some(first) = columns.first() else {
            return Ok(analyzed);
        };
        let index = match index.first() {
            Some(expression) => self.expression(&analyzed.scope, expression)?,
            None => first.typed(),
        };
        let others: Vec<Attribute> = columns
            .iter()
            .filter(|c| index.attribute.as_ref().is_none_or(|a| a.id != c.id))
            .cloned()
            .collect();
        let common = others
            .iter()
            .map(|c| c.data_type.clone())
            .reduce(|a, b| coercion::tightest_common_type(&a, &b).unwrap_or(DataType::Null));
        let common = common.unwrap_or(DataType::Null);
        if common == DataType::Null && !others.is_empty() {
            let name = others
                .iter()
                .map(|c| sql_name(&c.data_type))
                .collect::<Vec<_>>()
                .join(", ");
            return Err(SparkError::streaming(
                crate::error::Exception::Analysis,
                "TRANSPOSE_NO_LEAST_COMMON_TYPE",
                "42K09",
                format!(
                    "Transpose requires non-index columns to share a least common type, but {name} do not."
                ),
                &[],
            ));
        }
        let key = self.cast_explicitly(index, &DataType::STRING)?;
        let mut items = vec![TypedExpr {
            named: Some("key".to_owned()),
            attribute: None,
            ..key
        }];
        for other in &others {
            let value = self.cast_implicitly(other.typed(), &common)?;
            items.push(TypedExpr {
                named: Some(other.name.clone()),
                attribute: None,
                ..value
            });
        }
        let projected = self.project_typed(analyzed, items)?;
        let plan = self.finish(projected)?;
        let batches = self.run(&plan)?;
        let (schema, batch) = super::statistics::transposed(&plan.schema, &batches, &common)?;
        self.batches(&schema, vec![batch])
    }
}
