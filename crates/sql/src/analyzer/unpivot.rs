//! Columns become rows and rows become columns: `unpivot` and `transpose`.

use super::expression::Selected;
use super::{Analyzed, Analyzer, Attribute, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::Generator;
use crate::ir::{DataType, Expression, Literal, Relation, StructField, StructType};
use crate::types::{coercion, sql_name};

/// What one output row of an input row shows: a name, and one value for each value column.
struct Cell {
    name: String,
    values: Vec<TypedExpr>,
}

impl Analyzer {
    pub(super) fn unpivot(
        &mut self,
        input: &Relation,
        ids: Option<&[Expression]>,
        values: Option<&[Expression]>,
        variable_column: &str,
        value_columns: &[String],
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
        let mut cells = Vec::new();
        match values {
            Some(values) => {
                for value in values {
                    cells.extend(self.cells(&analyzed, value, value_columns.len())?);
                }
            }
            None => {
                let values = rest(ids.as_deref().unwrap_or_default());
                cells.extend(values.into_iter().map(Cell::of));
            }
        };
        let read: Vec<TypedExpr> = cells.iter().flat_map(|c| c.values.clone()).collect();
        let ids = ids.unwrap_or_else(|| rest(&read));
        let mut columns = vec![StructField::new(variable_column, DataType::STRING, false)];
        for (index, name) in value_columns.iter().enumerate() {
            let values: Vec<&TypedExpr> = cells.iter().map(|c| &c.values[index]).collect();
            let nullable = values.iter().any(|v| v.nullable);
            columns.push(StructField::new(name, common_type(&values)?, nullable));
        }
        let mut rows = Vec::new();
        for cell in cells {
            let mut name = self.literal(&Literal::String(cell.name))?;
            name.named = Some(variable_column.to_owned());
            let mut row = vec![name];
            for (value, field) in cell.values.into_iter().zip(&columns[1..]) {
                let mut value = self.cast_implicitly(value, &field.data_type)?;
                value.named = Some(field.name.clone());
                value.attribute = None;
                row.push(value);
            }
            rows.push(self.call_function(&analyzed.scope, "struct", row)?);
        }
        if rows.is_empty() {
            return Err(SparkError::unsupported_feature(
                "unpivot without value columns",
            ));
        }
        let rows = self.call_function(&analyzed.scope, "array", rows)?;
        let generator = Generator {
            rows,
            columns: StructType::new(columns),
            outer: false,
            name: "unpivot".to_owned(),
        };
        let (unnested, added) = self.unnest(analyzed, generator, &[])?;
        let items = ids.into_iter().chain(added).collect();
        self.project_typed(unnested, items)
    }

    /// `column`, `(column, column) AS name`: one cell, or several of a star.
    fn cells(&mut self, input: &Analyzed, value: &Expression, width: usize) -> Result<Vec<Cell>> {
        if width == 1 {
            let items = self.plain_items(input, std::slice::from_ref(value))?;
            return Ok(items.into_iter().map(Cell::of).collect());
        }
        let (row, alias) = match value.unlocated() {
            Expression::Alias { child, names, .. } => (child.unlocated(), names.first()),
            other => (other, None),
        };
        let items = match row {
            Expression::Function { arguments, .. } if arguments.len() == width => {
                self.plain_items(input, arguments)?
            }
            _ => return Err(SparkError::unpivot_value_size(width)),
        };
        let names: Vec<&str> = items.iter().map(TypedExpr::column_name).collect();
        let name = alias.cloned().unwrap_or_else(|| names.join("_"));
        let values = items;
        Ok(vec![Cell { name, values }])
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

impl Cell {
    fn of(value: TypedExpr) -> Self {
        Self {
            name: value.column_name().to_owned(),
            values: vec![value],
        }
    }
}

/// The type that holds all values of a column.
fn common_type(values: &[&TypedExpr]) -> Result<DataType> {
    let first = values
        .first()
        .map_or(DataType::Null, |v| v.data_type.clone());
    let common = values.iter().skip(1).try_fold(first, |common, value| {
        coercion::tightest_common_type(&common, &value.data_type)
    });
    common.ok_or_else(|| {
        let types: Vec<String> = values
            .iter()
            .map(|v| format!("\"{}\" ({})", sql_name(&v.data_type), v.name))
            .collect();
        SparkError::unpivot_value_type_mismatch(&types.join(", "))
    })
}
