//! `describe`, `summary`, `crosstab`, quantiles, frequent items, stratified samples.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};

use super::deferred::Deferred;
use super::{Analyzed, Analyzer, Attribute, TypedExpr};
use crate::cast::{Style, ValueWriter};
use crate::error::{Result, SparkError};
use crate::functions::Generator;
use crate::ir::{DataType, Expression, Literal, Relation, StructField, StructType};
use crate::time::TimeZone;

const DESCRIBE: [&str; 5] = ["count", "mean", "stddev", "min", "max"];
const SUMMARY: [&str; 8] = ["count", "mean", "stddev", "min", "25%", "50%", "75%", "max"];
/// Distinct values that a crosstab may have on each side.
const CROSSTAB_VALUES_MAX: usize = 10_000;

impl Analyzer {
    pub(super) fn describe(&mut self, input: &Relation, columns: &[String]) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let chosen = if columns.is_empty() {
            describable(&analyzed)
        } else {
            self.columns_named(&analyzed, columns)?
        };
        let statistics: Vec<String> = DESCRIBE.iter().map(|s| (*s).to_owned()).collect();
        self.statistics(analyzed, chosen, &statistics)
    }

    pub(super) fn summary(&mut self, input: &Relation, statistics: &[String]) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let chosen = describable(&analyzed);
        let all: Vec<String> = SUMMARY.iter().map(|s| (*s).to_owned()).collect();
        self.statistics(
            analyzed,
            chosen,
            if statistics.is_empty() {
                &all
            } else {
                statistics
            },
        )
    }

    fn statistics(
        &mut self,
        input: Analyzed,
        columns: Vec<Attribute>,
        statistics: &[String],
    ) -> Result<Analyzed> {
        let mut cells = Vec::new();
        for (row, statistic) in statistics.iter().enumerate() {
            for (index, column) in columns.iter().enumerate() {
                let value = self.statistic(&input, column, statistic)?;
                let value = self.cast_explicitly(value, &DataType::STRING)?;
                cells.push(TypedExpr {
                    named: Some(format!("s{row}_{index}")),
                    attribute: None,
                    ..value
                });
            }
        }
        if cells.is_empty() {
            let one = self.literal(&Literal::Integer(1))?;
            cells.push(self.call_function(&input.scope, "count", vec![one])?);
        }
        let aggregated = self.aggregate_typed(input, Vec::new(), cells, None, &[])?;
        let mut rows = Vec::new();
        for (row, statistic) in statistics.iter().enumerate() {
            let mut label = self.literal(&Literal::String(statistic.clone()))?;
            label.named = Some("summary".to_owned());
            let mut fields = vec![label];
            for (index, column) in columns.iter().enumerate() {
                let cell = aggregated.scope.columns[row * columns.len() + index].typed();
                fields.push(TypedExpr {
                    named: Some(column.name.clone()),
                    attribute: None,
                    ..cell
                });
            }
            rows.push(self.call_function(&aggregated.scope, "struct", fields)?);
        }
        let rows = self.call_function(&aggregated.scope, "array", rows)?;
        let mut fields = vec![StructField::new("summary", DataType::STRING, true)];
        fields.extend(
            columns
                .iter()
                .map(|c| StructField::new(c.name.clone(), DataType::STRING, true)),
        );
        let generator = Generator {
            rows,
            columns: StructType::new(fields),
            outer: false,
            name: "summary".to_owned(),
        };
        let (unnested, items) = self.unnest(aggregated, generator, &[])?;
        self.project_typed(unnested, items)
    }

    fn statistic(
        &mut self,
        input: &Analyzed,
        column: &Attribute,
        statistic: &str,
    ) -> Result<TypedExpr> {
        let value = column.typed();
        let numeric = column.data_type.is_numeric();
        let number = if numeric {
            value.clone()
        } else {
            self.cast(value.clone(), &DataType::Double, crate::ir::EvalMode::Try)?
        };
        match statistic.to_ascii_lowercase().as_str() {
            "count" => self.call_function(&input.scope, "count", vec![value]),
            "mean" => self.call_function(&input.scope, "avg", vec![number]),
            "stddev" => self.call_function(&input.scope, "stddev", vec![number]),
            "min" => self.call_function(&input.scope, "min", vec![value]),
            "max" => self.call_function(&input.scope, "max", vec![value]),
            "count_distinct" | "approx_count_distinct" => {
                self.call_function(&input.scope, "approx_count_distinct", vec![value])
            }
            other => {
                let percent = other.strip_suffix('%').and_then(|p| p.parse::<f64>().ok());
                let percent = percent
                    .filter(|p| (0.0..=100.0).contains(p))
                    .ok_or_else(|| {
                        SparkError::invalid_data_source_option(
                            "summary",
                            other,
                            "it is not a recognised statistic",
                        )
                    })?;
                let fraction = self.literal(&Literal::Double(percent / 100.0))?;
                self.call_function(&input.scope, "percentile_approx", vec![number, fraction])
            }
        }
    }

    pub(super) fn pair_statistic(
        &mut self,
        input: &Relation,
        function: &str,
        name: &str,
        column1: &str,
        column2: &str,
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let mut arguments = Vec::new();
        for column in [column1, column2] {
            let parts = crate::sql::parse_identifier(column)?;
            let value = self.attribute(&analyzed.scope, &parts, None)?;
            arguments.push(self.cast_explicitly(value, &DataType::Double)?);
        }
        let value = self.call_function(&analyzed.scope, function, arguments)?;
        let zero = self.literal(&Literal::Double(if name == "cov" { 0.0 } else { f64::NAN }))?;
        let value = self.call_function(&analyzed.scope, "coalesce", vec![value, zero])?;
        let value = TypedExpr {
            named: Some(name.to_owned()),
            attribute: None,
            ..value
        };
        self.aggregate_typed(analyzed, Vec::new(), vec![value], None, &[])
    }

    pub(super) fn quantiles(
        &mut self,
        input: &Relation,
        columns: &[String],
        probabilities: &[f64],
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let mut per_column = Vec::new();
        for column in columns {
            let parts = crate::sql::parse_identifier(column)?;
            let value = self.attribute(&analyzed.scope, &parts, None)?;
            let value = self.cast_explicitly(value, &DataType::Double)?;
            let values = probabilities.iter().map(|p| Literal::Double(*p)).collect();
            let probabilities = self.literal(&Literal::Array {
                element: DataType::Double,
                values,
            })?;
            per_column.push(self.call_function(
                &analyzed.scope,
                "percentile_approx",
                vec![value, probabilities],
            )?);
        }
        let value = self.call_function(&analyzed.scope, "array", per_column)?;
        let value = TypedExpr {
            named: Some("approx_quantile".to_owned()),
            attribute: None,
            ..value
        };
        self.aggregate_typed(analyzed, Vec::new(), vec![value], None, &[])
    }

    pub(super) fn frequent_items(
        &mut self,
        input: &Relation,
        columns: &[String],
        support: f64,
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let chosen = self.columns_named(&analyzed, columns)?;
        let items = chosen.iter().map(Attribute::typed).collect();
        let projected = self.project_typed(analyzed, items)?;
        let plan = self.finish(projected)?;
        let attributes: Vec<Attribute> = chosen
            .iter()
            .map(|c| {
                let list = DataType::array(c.data_type.clone(), true);
                let value = TypedExpr::new(
                    datafusion::prelude::lit(0),
                    list,
                    true,
                    format!("{}_freqItems", c.name),
                );
                self.new_attribute(&value)
            })
            .collect();
        let types: Vec<DataType> = chosen.iter().map(|c| c.data_type.clone()).collect();
        Deferred::relation(
            &plan,
            attributes,
            Arc::new(move |batches| Ok(vec![frequent(&batches, &types, support)?])),
        )
    }

    pub(super) fn crosstab(
        &mut self,
        input: &Relation,
        column1: &str,
        column2: &str,
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let mut items = Vec::new();
        for column in [column1, column2] {
            let parts = crate::sql::parse_identifier(column)?;
            let value = self.attribute(&analyzed.scope, &parts, None)?;
            let value = self.cast_explicitly(value, &DataType::STRING)?;
            items.push(TypedExpr {
                named: Some(column.to_owned()),
                attribute: None,
                ..value
            });
        }
        let projected = self.project_typed(analyzed, items)?;
        let plan = self.finish(projected)?;
        let batches = self.run(&plan)?;
        let mut counts: BTreeMap<(String, String), i64> = BTreeMap::new();
        for batch in &batches {
            let (a, b) = (
                batch.column(0).as_string::<i32>(),
                batch.column(1).as_string::<i32>(),
            );
            let text = |array: &StringArray, row: usize| {
                if array.is_null(row) {
                    "null".to_owned()
                } else {
                    array.value(row).to_owned()
                }
            };
            for row in 0..batch.num_rows() {
                *counts.entry((text(a, row), text(b, row))).or_default() += 1;
            }
        }
        let mut rows: Vec<String> = counts.keys().map(|(a, _)| a.clone()).collect();
        rows.dedup();
        let mut columns: Vec<String> = counts.keys().map(|(_, b)| b.clone()).collect();
        columns.sort();
        columns.dedup();
        if rows.len() > CROSSTAB_VALUES_MAX || columns.len() > CROSSTAB_VALUES_MAX {
            return Err(SparkError::unsupported_feature(
                "a crosstab of more than 10000 values",
            ));
        }
        let mut fields = vec![StructField::new(
            format!("{column1}_{column2}"),
            DataType::STRING,
            true,
        )];
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(StringArray::from(rows.clone()))];
        for column in &columns {
            fields.push(StructField::new(column.clone(), DataType::Long, true));
            let values = rows.iter().map(|row| {
                counts
                    .get(&(row.clone(), column.clone()))
                    .copied()
                    .unwrap_or(0)
            });
            arrays.push(Arc::new(Int64Array::from_iter_values(values)));
        }
        let schema = StructType::new(fields);
        let names: Vec<String> = (0..schema.len()).map(|i| format!("c{i}")).collect();
        let arrow = crate::execution::rename_schema(&super::leaf::internal_schema(&schema), &names);
        let batch = RecordBatch::try_new(arrow, arrays)?;
        self.batches(&schema, vec![batch])
    }

    pub(super) fn sample_by(
        &mut self,
        input: &Relation,
        column: &Expression,
        fractions: &[(Literal, f64)],
        seed: Option<i64>,
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let column = self.expression(&analyzed.scope, column)?;
        let draw = self.random(seed, |random| random.uniform(), DataType::Double)?;
        let mut arguments = Vec::new();
        for (value, fraction) in fractions {
            let value = self.literal(value)?;
            arguments.push(self.call_function(
                &analyzed.scope,
                "<=>",
                vec![column.clone(), value],
            )?);
            arguments.push(self.literal(&Literal::Double(*fraction))?);
        }
        arguments.push(self.literal(&Literal::Double(0.0))?);
        let fraction = self.call_function(&analyzed.scope, "when", arguments)?;
        let condition = self.call_function(&analyzed.scope, "<", vec![draw, fraction])?;
        let plan = datafusion::logical_expr::LogicalPlanBuilder::from(analyzed.plan)
            .filter(condition.expr)?
            .build()?;
        Ok(Analyzed { plan, ..analyzed })
    }
}

fn describable(input: &Analyzed) -> Vec<Attribute> {
    input
        .scope
        .columns
        .iter()
        .filter(|c| c.data_type.is_numeric() || c.data_type.is_string())
        .cloned()
        .collect()
}

/// Values that make up at least `support` of each column.
fn frequent(batches: &[RecordBatch], types: &[DataType], support: f64) -> Result<RecordBatch> {
    let writer = ValueWriter::new(Style::Cast, TimeZone::UTC);
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    let total: usize = batches.iter().map(RecordBatch::num_rows).sum();
    for (index, data_type) in types.iter().enumerate() {
        let mut counts: BTreeMap<Option<String>, (usize, ArrayRef)> = BTreeMap::new();
        for batch in batches {
            let array = batch.column(index);
            for row in 0..array.len() {
                let text = writer.text(array, data_type, row);
                counts
                    .entry(text)
                    .or_insert_with(|| (0, array.slice(row, 1)))
                    .0 += 1;
            }
        }
        let least = (total as f64 * support).max(1.0);
        let chosen: Vec<ArrayRef> = counts
            .into_values()
            .filter(|(count, _)| *count as f64 >= least)
            .map(|(_, value)| value)
            .collect();
        let chosen: Vec<&dyn Array> = chosen.iter().map(AsRef::as_ref).collect();
        let arrow = crate::functions::udf::internal_arrow(data_type);
        let values = if chosen.is_empty() {
            arrow::array::new_empty_array(&arrow)
        } else {
            arrow::compute::concat(&chosen)?
        };
        let field = Arc::new(arrow::datatypes::Field::new(
            "element",
            values.data_type().clone(),
            true,
        ));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([values.len()]);
        columns.push((
            format!("c{index}"),
            Arc::new(arrow::array::ListArray::try_new(
                field, offsets, values, None,
            )?),
        ));
    }
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// Rows as columns: the first column gives the names.
pub(super) fn transposed(
    schema: &StructType,
    batches: &[RecordBatch],
    element: &DataType,
) -> Result<(StructType, RecordBatch)> {
    let mut names = Vec::new();
    for batch in batches {
        names.extend(
            batch
                .column(0)
                .as_string::<i32>()
                .iter()
                .map(|n| n.map(str::to_owned)),
        );
    }
    let mut order: Vec<usize> = (0..names.len()).filter(|i| names[*i].is_some()).collect();
    order.sort_by(|a, b| names[*a].cmp(&names[*b]));
    let others = &schema.fields[1..];
    let mut fields = vec![StructField::new("key", DataType::STRING, false)];
    let keys: StringArray = others.iter().map(|f| Some(f.name.clone())).collect();
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(keys)];
    let combined: Vec<ArrayRef> = (1..schema.len())
        .map(|index| {
            let parts: Vec<&dyn Array> = batches.iter().map(|b| b.column(index).as_ref()).collect();
            if parts.is_empty() {
                Ok(arrow::array::new_empty_array(
                    &crate::functions::udf::internal_arrow(element),
                ))
            } else {
                Ok(arrow::compute::concat(&parts)?)
            }
        })
        .collect::<Result<_>>()?;
    for row in order {
        fields.push(StructField::new(
            names[row].clone().unwrap_or_default(),
            element.clone(),
            true,
        ));
        let cells: Vec<ArrayRef> = combined.iter().map(|c| c.slice(row, 1)).collect();
        let cells: Vec<&dyn Array> = cells.iter().map(AsRef::as_ref).collect();
        let column = if cells.is_empty() {
            arrow::array::new_empty_array(&crate::functions::udf::internal_arrow(element))
        } else {
            arrow::compute::concat(&cells)?
        };
        arrays.push(column);
    }
    let schema = StructType::new(fields);
    let names: Vec<String> = (0..schema.len()).map(|i| format!("c{i}")).collect();
    let arrow = crate::execution::rename_schema(&super::leaf::internal_schema(&schema), &names);
    let arrays = arrays
        .iter()
        .zip(arrow.fields())
        .map(|(a, f)| crate::execution::reshape(a, f.data_type()));
    let arrays = arrays.collect::<std::result::Result<Vec<_>, _>>()?;
    Ok((schema, RecordBatch::try_new(arrow, arrays)?))
}
