//! `PIVOT`: one column per pivot value and aggregate, each an aggregate with a filter.
//!
//! Start at [`Analyzer::pivot`].

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::Expr;

use crate::analyzer::expression::has_aggregate;
use crate::analyzer::literal::null_value;
use crate::analyzer::window::Ordering;
use crate::analyzer::{Analyzed, Analyzer, Attribute, TypedExpr};
use crate::error::{Result, SparkError};
use crate::ir::{Expression, Pivot};

impl Analyzer {
    /// `GROUP BY … PIVOT`: one column per pivot value and aggregate.
    pub(super) fn pivot(
        &mut self,
        input: Analyzed,
        grouping: &[Expression],
        aggregates: &[Expression],
        pivot: &Pivot,
    ) -> Result<Analyzed> {
        let pending = self.pending.len();
        let column = self.expression(&input.scope, &pivot.column)?;
        let groups = if pivot.groups_the_rest {
            self.columns_not_read(&input, &column, aggregates)?
        } else {
            self.expressions(&input.scope, grouping)?
        };
        let values = if pivot.values.is_empty() {
            self.distinct_values(&input, &column)?
        } else {
            let mut values = Vec::new();
            for (expression, alias) in &pivot.values {
                let value = self.expression(&input.scope, expression)?;
                let name = alias.clone().unwrap_or_else(|| value.name.clone());
                values.push((value, name));
            }
            values
        };
        let mut output = groups.clone();
        for (value, name) in values {
            let value = self.cast_implicitly(value, &column.data_type)?;
            let matches = self.call_function(&input.scope, "<=>", vec![column.clone(), value])?;
            for aggregate in aggregates {
                let mut typed = self.expression(&input.scope, aggregate)?;
                let condition = matches.expr.clone();
                typed.expr = typed
                    .expr
                    .transform_up(|expr| {
                        Ok(match expr {
                            Expr::AggregateFunction(mut aggregate) => {
                                let filter = match aggregate.params.filter.take() {
                                    None => condition.clone(),
                                    Some(other) => {
                                        datafusion::logical_expr::and(*other, condition.clone())
                                    }
                                };
                                aggregate.params.filter = Some(Box::new(filter));
                                Transformed::yes(Expr::AggregateFunction(aggregate))
                            }
                            other => Transformed::no(other),
                        })
                    })?
                    .data;
                let aggregate_name = typed.column_name().to_owned();
                let shown = if aggregates.len() == 1 {
                    name.clone()
                } else {
                    format!("{name}_{aggregate_name}")
                };
                let typed = self.null_if_no_rows(typed, &matches)?;
                output.push(TypedExpr {
                    named: Some(shown),
                    attribute: None,
                    nullable: true,
                    metadata: None,
                    ..typed
                });
            }
        }
        let input = self.plan_time_windows(input, pending)?;
        self.aggregate_typed(input, groups, output, None, &[])
    }

    /// The columns that neither the pivot nor an aggregate reads.
    fn columns_not_read(
        &mut self,
        input: &Analyzed,
        pivot: &TypedExpr,
        aggregates: &[Expression],
    ) -> Result<Vec<TypedExpr>> {
        let aggregates = self.expressions(&input.scope, aggregates)?;
        if let Some(other) = aggregates.iter().find(|a| !has_aggregate(&a.expr)) {
            return Err(SparkError::not_an_aggregate(&other.name));
        }
        let read: Vec<Column> = aggregates
            .iter()
            .chain([pivot])
            .flat_map(|a| a.expr.column_refs())
            .cloned()
            .collect();
        let columns = input.scope.columns.iter();
        Ok(columns
            .filter(|c| !read.contains(&c.column()))
            .map(Attribute::typed)
            .collect())
    }

    /// A pivot cell without rows is null, `count` included.
    fn null_if_no_rows(&mut self, typed: TypedExpr, matches: &TypedExpr) -> Result<TypedExpr> {
        use datafusion::functions_aggregate::count::count_udaf;
        use datafusion::logical_expr::expr::AggregateFunction;
        let one = datafusion::prelude::lit(1i64);
        let count = Expr::AggregateFunction(AggregateFunction::new_udf(
            count_udaf(),
            vec![one],
            false,
            Some(Box::new(matches.expr.clone())),
            vec![],
            None,
        ));
        let null = Expr::Literal(null_value(&typed.data_type)?, None);
        let none = count.eq(datafusion::prelude::lit(0i64));
        let expr = datafusion::logical_expr::when(none, null).otherwise(typed.expr.clone())?;
        Ok(TypedExpr { expr, ..typed })
    }

    /// The values of a pivot column, in order.
    fn distinct_values(
        &mut self,
        input: &Analyzed,
        column: &TypedExpr,
    ) -> Result<Vec<(TypedExpr, String)>> {
        let mut column = column.clone();
        column.attribute = None;
        let distinct = self.aggregate_typed(
            input.clone(),
            vec![column.clone()],
            vec![column.clone()],
            None,
            &[],
        )?;
        let data_type = column.data_type.clone();
        let ordered = distinct.scope.columns[0].typed();
        let orders = vec![Ordering {
            typed: ordered,
            ascending: true,
            nulls_first: true,
        }];
        let sorted = self.sort_by(distinct, orders)?;
        let plan = self.finish(sorted)?;
        let batches = self.run(&plan)?;
        let writer =
            crate::cast::ValueWriter::new(crate::cast::Style::Cast, self.context.time_zone);
        let mut values = Vec::new();
        for batch in &batches {
            let array = batch.column(0);
            for row in 0..array.len() {
                let value = datafusion::common::ScalarValue::try_from_array(array, row)?;
                let name = writer
                    .text(array, &data_type, row)
                    .unwrap_or_else(|| "null".to_owned());
                let nullable = value.is_null();
                values.push((
                    TypedExpr::new(
                        Expr::Literal(value, None),
                        data_type.clone(),
                        nullable,
                        name.clone(),
                    ),
                    name,
                ));
            }
        }
        let limit = 10_000;
        if values.len() > limit {
            return Err(SparkError::unsupported_feature(&format!(
                "a pivot of more than {limit} values"
            )));
        }
        Ok(values)
    }
}
