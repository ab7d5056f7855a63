//! Order and extent: sort, limit, offset, tail, sample, repartition.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{LogicalPlanBuilder, Volatility};

use super::deferred::Deferred;
use super::expression::has_window;
use super::window::Ordering;
use super::{Analyzed, Analyzer, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::Invocation;
use crate::ir::{DataType, Expression, Relation, RelationNode, SortOrder};
use crate::types::sql_name;

impl Analyzer {
    pub(super) fn sort(&mut self, input: &Relation, order: &[SortOrder]) -> Result<Analyzed> {
        if input.plan_id.is_none() {
            match input.node.as_ref() {
                RelationNode::Project { input, expressions } => {
                    return self.project(input.as_ref(), expressions, Some(order));
                }
                RelationNode::Aggregate {
                    input,
                    group_type,
                    grouping,
                    aggregates,
                    pivot,
                    grouping_sets,
                    having,
                    explicit_output,
                } => {
                    return self.aggregate(
                        input,
                        *group_type,
                        grouping,
                        aggregates,
                        pivot.as_ref(),
                        grouping_sets,
                        having.as_ref(),
                        *explicit_output,
                        order,
                    );
                }
                _ => {}
            }
        }
        let analyzed = match input.node.as_ref() {
            // A data frame's sort may name columns of the frame that a selection was made from.
            RelationNode::Project {
                input: Some(below),
                expressions,
            } => {
                let below = self.relation(below)?;
                let plan_id = input.plan_id;
                let mut sorted = self.project_over(below, expressions, Some(order))?;
                if let Some(id) = plan_id {
                    sorted.scope.record_plan(id);
                }
                return Ok(sorted);
            }
            _ => self.relation(input)?,
        };
        let order = self.all_columns(&analyzed, order);
        let order = self.positions(&order, &analyzed.scope.columns)?;
        let pending = self.pending.len();
        let orders = self.orderings(&analyzed.scope, &order)?;
        let analyzed = self.plan_time_windows(analyzed, pending)?;
        self.sort_by(analyzed, orders)
    }

    /// `ORDER BY ALL`.
    fn all_columns(&self, analyzed: &Analyzed, order: &[SortOrder]) -> Vec<SortOrder> {
        let [only] = order else { return order.to_vec() };
        let is_all = matches!(
            only.child.unlocated(),
            Expression::Attribute { parts, .. } if matches!(parts.as_slice(), [word] if word.eq_ignore_ascii_case("all"))
        );
        let has_such_column = analyzed
            .scope
            .columns
            .iter()
            .any(|c| c.name.eq_ignore_ascii_case("all"));
        if !is_all || has_such_column {
            return order.to_vec();
        }
        let columns = analyzed.scope.columns.iter();
        columns
            .map(|c| SortOrder {
                child: Expression::attribute(c.name.clone()),
                ..only.clone()
            })
            .collect()
    }

    pub(super) fn sort_by(&mut self, input: Analyzed, orders: Vec<Ordering>) -> Result<Analyzed> {
        let sorts: Vec<_> = orders.iter().map(Ordering::sort).collect();
        if sorts.is_empty() {
            return Ok(input);
        }
        if let Some(window) = orders.iter().find(|o| has_window(&o.typed.expr)) {
            return Err(SparkError::unsupported_expression_of_operator(
                &window.typed.name,
                "ORDER BY clause",
            ));
        }
        let plan = LogicalPlanBuilder::from(input.plan).sort(sorts)?.build()?;
        Ok(Analyzed { plan, ..input })
    }

    pub(super) fn limit(&mut self, input: &Relation, limit: &Expression) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let count = self.row_count(&analyzed, limit)?;
        let plan = LogicalPlanBuilder::from(analyzed.plan)
            .limit(0, Some(count))?
            .build()?;
        Ok(Analyzed { plan, ..analyzed })
    }

    pub(super) fn offset(&mut self, input: &Relation, offset: &Expression) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let count = self.row_count(&analyzed, offset)?;
        let plan = LogicalPlanBuilder::from(analyzed.plan)
            .limit(count, None)?
            .build()?;
        Ok(Analyzed { plan, ..analyzed })
    }

    fn row_count(&mut self, analyzed: &Analyzed, expression: &Expression) -> Result<usize> {
        let typed = self.expression(&analyzed.scope, expression)?;
        if !typed.data_type.is_integral() {
            return Err(SparkError::limit_not_integer(
                &typed.name,
                &sql_name(&typed.data_type),
            ));
        }
        let value = match self.evaluate(&typed)? {
            ScalarValue::Int8(Some(v)) => i64::from(v),
            ScalarValue::Int16(Some(v)) => i64::from(v),
            ScalarValue::Int32(Some(v)) => i64::from(v),
            ScalarValue::Int64(Some(v)) => v,
            _ => {
                return Err(SparkError::limit_not_integer(
                    &typed.name,
                    &sql_name(&typed.data_type),
                ));
            }
        };
        usize::try_from(value).map_err(|_| SparkError::invalid_limit(&typed.name, value))
    }

    /// The last rows.
    pub(super) fn tail(&mut self, input: &Relation, limit: usize) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        let attributes = analyzed.scope.columns.clone();
        let plan = self.finish(analyzed)?;
        Deferred::rows(
            &plan,
            attributes,
            Arc::new(move |batches| {
                let total: usize = batches.iter().map(|b| b.num_rows()).sum();
                let mut skip = total.saturating_sub(limit);
                let mut kept = Vec::new();
                for batch in batches {
                    let dropped = skip.min(batch.num_rows());
                    skip -= dropped;
                    if dropped < batch.num_rows() {
                        kept.push(batch.slice(dropped, batch.num_rows() - dropped));
                    }
                }
                Ok(kept)
            }),
        )
    }

    pub(super) fn sample(
        &mut self,
        input: &Relation,
        lower: f64,
        upper: f64,
        with_replacement: bool,
        seed: Option<i64>,
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        if with_replacement {
            return self.sample_with_replacement(analyzed, upper - lower, seed);
        }
        let draw = self.random(seed, |random| random.uniform(), DataType::Double)?;
        let at_least = draw.expr.clone().gt_eq(datafusion::prelude::lit(lower));
        let below = draw.expr.lt(datafusion::prelude::lit(upper));
        let condition = if lower <= 0.0 {
            below
        } else {
            at_least.and(below)
        };
        let plan = LogicalPlanBuilder::from(analyzed.plan)
            .filter(condition)?
            .build()?;
        Ok(Analyzed { plan, ..analyzed })
    }

    fn sample_with_replacement(
        &mut self,
        input: Analyzed,
        fraction: f64,
        seed: Option<i64>,
    ) -> Result<Analyzed> {
        let count = self.random(
            seed,
            move |random| random.poisson(fraction),
            DataType::Double,
        )?;
        let copies = self.cast_explicitly(count, &DataType::Integer)?;
        let one = self.literal(&crate::ir::Literal::Integer(1))?;
        let rows = self.call_function(&input.scope, "array_repeat", vec![one, copies])?;
        let structs = crate::functions::FunctionCall::wrap_elements(self, rows)?;
        let columns: Vec<_> = input.scope.columns.clone();
        let generator = crate::functions::Generator {
            columns: crate::ir::StructType::new(vec![crate::ir::StructField::new(
                "copy",
                DataType::Integer,
                true,
            )]),
            rows: structs,
            outer: false,
            name: "sample".to_owned(),
        };
        let (unnested, _) = self.unnest(input, generator, &[])?;
        self.only_columns(Analyzed {
            scope: unnested.scope.with_columns(columns),
            ..unnested
        })
    }

    /// A value drawn for each row.
    pub(crate) fn random(
        &mut self,
        seed: Option<i64>,
        draw: impl Fn(&mut crate::random::XorShift) -> f64 + Send + Sync + 'static,
        data_type: DataType,
    ) -> Result<TypedExpr> {
        let seed = seed.unwrap_or_else(|| uuid::Uuid::new_v4().as_u128() as i64);
        let state = Arc::new(std::sync::Mutex::new(crate::random::XorShift::new(seed)));
        let kernel = Arc::new(move |inv: &Invocation<'_>| {
            let mut random = state
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            inv.build::<arrow::datatypes::Float64Type>(|_| Ok(Some(draw(&mut random))))
        });
        let expr = self.maker().call_with(
            "rand",
            format!("{seed} {}", super::next_id()),
            kernel,
            &[],
            data_type.clone(),
            false,
            Volatility::Volatile,
        );
        Ok(TypedExpr::new(
            expr,
            data_type,
            false,
            format!("rand({seed})"),
        ))
    }

    pub(super) fn repartition(
        &mut self,
        input: &Relation,
        partitions: Option<i32>,
    ) -> Result<Analyzed> {
        let analyzed = self.relation(input)?;
        match partitions {
            Some(count) if count <= 0 => Err(SparkError::configuration_out_of_range(
                "numPartitions",
                &count.to_string(),
                "Number of partitions must be positive.",
            )),
            Some(count) => {
                self.partitions = usize::try_from(count).ok();
                Ok(analyzed)
            }
            None => Ok(analyzed),
        }
    }
}
