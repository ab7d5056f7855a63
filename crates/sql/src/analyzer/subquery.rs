//! Subqueries in expressions, correlated ones included.

use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Spans};
use datafusion::logical_expr::expr::{AggregateFunction, Exists, InSubquery};
use datafusion::logical_expr::{
    Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, binary_expr,
};
use datafusion::prelude::lit;

use super::{Analyzed, Analyzer, Scope, TypedExpr, next_id};
use crate::error::{Result, SparkError};
use crate::functions::Invocation;
use crate::functions::udf::{Kernel, internal_arrow};
use crate::ir::{DataType, Relation, SubqueryKind};
use crate::types::{coercion, sql_name};

impl Analyzer {
    pub(super) fn subquery(
        &mut self,
        scope: &Scope,
        kind: &SubqueryKind,
        relation: &Relation,
        plan_id: Option<i64>,
    ) -> Result<TypedExpr> {
        let referred = plan_id.and_then(|id| self.references.get(&id).cloned());
        let relation = referred.as_ref().unwrap_or(relation);
        let values = match kind {
            SubqueryKind::In { values, .. } => self.expressions(scope, values)?,
            _ => Vec::new(),
        };
        let aliases = std::mem::take(&mut self.aliases);
        self.outer.push(scope.clone());
        let inner = self.relation(relation);
        self.outer.pop();
        self.aliases = aliases;
        let inner = inner?;
        match kind {
            SubqueryKind::Scalar | SubqueryKind::TableArgument => self.scalar_subquery(inner),
            SubqueryKind::Exists => {
                let subquery = self.planned(inner)?;
                let expr = Expr::Exists(Exists::new(subquery, false));
                Ok(TypedExpr::new(expr, DataType::Boolean, false, "exists()"))
            }
            SubqueryKind::In { negated, .. } => match values.len() {
                1 => self.in_subquery(values, inner),
                _ => self.row_in_subquery(scope, values, inner, *negated),
            },
        }
    }

    fn scalar_subquery(&mut self, inner: Analyzed) -> Result<TypedExpr> {
        let [column] = inner.scope.columns.as_slice() else {
            let count = inner.scope.columns.len();
            return Err(SparkError::scalar_subquery_of_columns(count));
        };
        let (data_type, name) = (column.data_type.clone(), "scalarsubquery()".to_owned());
        let is_correlated = !inner.plan.all_out_ref_exprs().is_empty();
        let inner = match is_correlated && inner.plan.max_rows() != Some(1) {
            true => self.at_most_one_row(inner)?,
            false => inner,
        };
        let inner = match is_correlated {
            true => inner,
            false => self.maybe_no_row(inner)?,
        };
        let subquery = self.planned(inner)?;
        Ok(TypedExpr::new(
            Expr::ScalarSubquery(subquery),
            data_type,
            true,
            name,
        ))
    }

    fn in_subquery(&mut self, mut values: Vec<TypedExpr>, inner: Analyzed) -> Result<TypedExpr> {
        if inner.scope.columns.len() != 1 {
            return Err(SparkError::in_subquery_length(
                values.len(),
                inner.scope.columns.len(),
            ));
        }
        let value = values.remove(0);
        let column = inner.scope.columns[0].clone();
        let name = format!("({} IN (listquery()))", value.name);
        let common =
            coercion::common_type(&value.data_type, &column.data_type).ok_or_else(|| {
                SparkError::in_subquery_types(
                    &name,
                    &sql_name(&value.data_type),
                    &sql_name(&column.data_type),
                )
            })?;
        let value = self.cast_implicitly(value, &common)?;
        let mut typed = self.cast_implicitly(column.typed(), &common)?;
        typed.named = Some(column.name.clone());
        let inner = self.project_typed(inner, vec![typed])?;
        let nullable = value.nullable || column.nullable;
        let subquery = self.planned(inner)?;
        let expr = Expr::InSubquery(InSubquery::new(Box::new(value.expr), subquery, false));
        Ok(TypedExpr::new(expr, DataType::Boolean, nullable, name))
    }

    /// `(a, b) IN (subquery)` asks whether there is a row that equals in every column.
    fn row_in_subquery(
        &mut self,
        scope: &Scope,
        values: Vec<TypedExpr>,
        inner: Analyzed,
        negated: bool,
    ) -> Result<TypedExpr> {
        let columns = inner.scope.columns.clone();
        if values.len() != columns.len() {
            return Err(SparkError::in_subquery_length(values.len(), columns.len()));
        }
        let names: Vec<&str> = values.iter().map(|v| v.name.as_str()).collect();
        let name = format!("(named_struct({}) IN (listquery()))", names.join(", "));
        let mut all: Option<TypedExpr> = None;
        for (value, column) in values.iter().zip(&columns) {
            let (left, right) = (&value.data_type, &column.data_type);
            if coercion::common_type(left, right).is_none() {
                let types = (sql_name(left), sql_name(right));
                return Err(SparkError::in_subquery_types(&name, &types.0, &types.1));
            }
            let outer = value.replaced(from_outside(scope, value)?, left.clone(), value.nullable);
            let equal = self.call_function(&inner.scope, "==", vec![outer, column.typed()])?;
            all = Some(match all {
                None => equal,
                Some(before) => self.call_function(&inner.scope, "and", vec![before, equal])?,
            });
        }
        let mut all = all.ok_or_else(|| SparkError::internal("IN without values"))?;
        if negated {
            // What is not known to differ may be equal, and then NOT IN is not true.
            let yes = self.literal(&crate::ir::Literal::Boolean(true))?;
            all = self.call_function(&inner.scope, "coalesce", vec![all, yes])?;
        }
        let plan = LogicalPlanBuilder::from(inner.plan.clone())
            .filter(all.expr)?
            .build()?;
        let subquery = self.planned(Analyzed { plan, ..inner })?;
        let expr = Expr::Exists(Exists::new(subquery, false));
        Ok(TypedExpr::new(expr, DataType::Boolean, true, name))
    }

    /// A subquery without rows is null, whatever its column says: the engine takes the column's word.
    fn maybe_no_row(&mut self, inner: Analyzed) -> Result<Analyzed> {
        let Some(column) = inner.scope.columns.first().filter(|c| !c.nullable).cloned() else {
            return Ok(inner);
        };
        let kernel: Kernel = Arc::new(|inv: &Invocation<'_>| inv.expanded(0));
        let value = column.typed();
        let data_type = column.data_type.clone();
        let expr = self.maker().call(
            "maybe",
            "",
            kernel,
            std::slice::from_ref(&value),
            data_type.clone(),
            true,
        );
        let mut value = TypedExpr::new(expr, data_type, true, column.name.clone());
        value.named = Some(column.name);
        self.project_typed(inner, vec![value])
    }

    /// The one value of a correlated subquery. More than one row is an error where rows are found, not before.
    fn at_most_one_row(&mut self, inner: Analyzed) -> Result<Analyzed> {
        use datafusion::functions_aggregate::{count::count_udaf, first_last::first_value_udaf};
        let inner = self.only_columns(inner)?;
        let Some(column) = inner.scope.columns.first().cloned() else {
            return Ok(inner);
        };
        let over = |function, argument: Expr| {
            let arguments = vec![argument];
            let (distinct, filter, order) = (false, None, vec![]);
            Expr::AggregateFunction(AggregateFunction::new_udf(
                function, arguments, distinct, filter, order, None,
            ))
        };
        let names = ["value", "rows"].map(|name| format!("{name}#{}", next_id()));
        let value = over(first_value_udaf(), Expr::Column(column.column()));
        let rows = over(count_udaf(), lit(1i64));
        let plan = LogicalPlanBuilder::from(inner.plan)
            .aggregate(
                Vec::<Expr>::new(),
                vec![value.alias(names[0].clone()), rows.alias(names[1].clone())],
            )?
            .build()?;
        let [value, rows] = names.map(|name| Expr::Column(Column::new_unqualified(name)));
        let value = TypedExpr::new(value, column.data_type.clone(), true, "value");
        let rows = TypedExpr::new(rows, DataType::Long, true, "rows");
        let kernel: Kernel = Arc::new(|inv: &Invocation<'_>| {
            let rows = inv.longs(1)?;
            match (0..inv.rows).any(|row| rows.get(row).is_some_and(|n| n > 1)) {
                true => Err(SparkError::scalar_subquery_of_rows()),
                false => inv.expanded(0),
            }
        });
        let data_type = column.data_type.clone();
        let single = self.maker().call(
            "single_row",
            "",
            kernel,
            &[value, rows],
            data_type.clone(),
            true,
        );
        let mut single = TypedExpr::new(single, data_type, true, column.name.clone());
        single.named = Some(column.name);
        let aggregated = Analyzed {
            plan,
            scope: inner.scope.with_columns(Vec::new()),
            is_streaming: inner.is_streaming,
        };
        self.project_typed(aggregated, vec![single])
    }

    /// Puts the tests for existence of a select list beside its input: a filter can hold them, a projection cannot.
    pub(super) fn plan_existence(
        &mut self,
        input: Analyzed,
        items: &mut [TypedExpr],
    ) -> Result<Analyzed> {
        let mut input = input;
        for item in items {
            let mut found = Vec::new();
            let expr = std::mem::take(&mut item.expr);
            item.expr = expr
                .transform_down(|expr| {
                    let name = format!("exists#{}", next_id());
                    let column = Expr::Column(Column::new_unqualified(name.clone()));
                    Ok(match expr {
                        Expr::Not(inner) if matches!(*inner, Expr::InSubquery(_)) => {
                            found.push((name, *inner, true));
                            let not = Expr::Not(Box::new(column));
                            Transformed::new(not, true, TreeNodeRecursion::Jump)
                        }
                        Expr::InSubquery(_) | Expr::Exists(_) => {
                            found.push((name, expr, false));
                            Transformed::new(column, true, TreeNodeRecursion::Jump)
                        }
                        other => Transformed::no(other),
                    })
                })?
                .data;
            for (name, test, negated) in found {
                input = Analyzed {
                    plan: with_existence(input.plan, name, test, negated)?,
                    ..input
                };
            }
        }
        Ok(input)
    }

    fn planned(&mut self, inner: Analyzed) -> Result<Subquery> {
        let plan = self.finish(inner)?.plan;
        let outer_ref_columns = plan.all_out_ref_exprs();
        Ok(Subquery {
            subquery: Arc::new(plan),
            outer_ref_columns,
            spans: Spans::new(),
        })
    }

    /// A column of a query around the subquery at hand.
    pub(super) fn outer_attribute(
        &mut self,
        parts: &[String],
        plan_id: Option<i64>,
    ) -> Result<Option<TypedExpr>> {
        // A subquery sees the query around it and none further out.
        if let Some(scope) = self.outer.last().cloned() {
            let found = match plan_id {
                Some(id) => scope.resolve_in_plan(id, parts, self.context.case_sensitive)?,
                None => scope.resolve(parts, self.context.case_sensitive)?,
            };
            let Some(found) = found else {
                return Ok(None);
            };
            let column = found.attribute.column();
            let field = Field::new(
                column.name.clone(),
                internal_arrow(&found.attribute.data_type),
                true,
            );
            let outer = Expr::OuterReferenceColumn(Arc::new(field), column);
            let mut value = found.attribute.typed();
            value = value.replaced(
                outer,
                found.attribute.data_type.clone(),
                found.attribute.nullable,
            );
            for field in &found.fields {
                value = self.extract_field(value, field)?;
            }
            return Ok(Some(value));
        }
        Ok(None)
    }
}

/// An expression over a scope, for a subquery inside.
fn from_outside(scope: &Scope, value: &TypedExpr) -> Result<Expr> {
    let columns = || {
        let known = scope.columns.iter().chain(&scope.hidden);
        known.chain(&scope.below)
    };
    let moved = value.expr.clone().transform_up(|expr| {
        let Expr::Column(column) = &expr else {
            return Ok(Transformed::no(expr));
        };
        let Some(attribute) = columns().find(|a| a.column() == *column) else {
            return Ok(Transformed::no(expr));
        };
        let data_type = internal_arrow(&attribute.data_type);
        let field = Field::new(column.name.clone(), data_type, true);
        let outer = Expr::OuterReferenceColumn(Arc::new(field), column.clone());
        Ok(Transformed::yes(outer))
    })?;
    Ok(moved.data)
}

/// The plan with one more column: whether the subquery has a row, or such a row. Nothing is unknown in it: a null is
/// in no list, and with `negated` it may be in any.
fn with_existence(
    plan: LogicalPlan,
    name: String,
    test: Expr,
    negated: bool,
) -> Result<LogicalPlan> {
    let mut columns: Vec<Expr> = plan
        .schema()
        .columns()
        .into_iter()
        .map(Expr::Column)
        .collect();
    match test {
        Expr::Exists(exists) => {
            let subquery = exists.subquery;
            let is_correlated = !subquery.outer_ref_columns.is_empty();
            let rows = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone());
            let rows = if is_correlated {
                rows
            } else {
                rows.limit(0, Some(1))?
            };
            let count = datafusion::functions_aggregate::expr_fn::count(lit(1i64));
            let count = count.alias(format!("rows#{}", next_id()));
            let counted = rows.aggregate(Vec::<Expr>::new(), vec![count])?.build()?;
            let count = Expr::ScalarSubquery(Subquery {
                subquery: Arc::new(counted),
                ..subquery
            });
            columns.push(count.gt(lit(0i64)).alias(name));
            Ok(LogicalPlanBuilder::from(plan).project(columns)?.build()?)
        }
        Expr::InSubquery(test) if test.subquery.outer_ref_columns.is_empty() => {
            let list = test.subquery.subquery.as_ref().clone();
            let candidate = format!("candidate#{}", next_id());
            let list_column = list.schema().columns().remove(0);
            let list = LogicalPlanBuilder::from(list)
                .project(vec![Expr::Column(list_column).alias(candidate.clone())])?
                .build()?;
            let candidate = Expr::Column(Column::new_unqualified(candidate));
            let equal = binary_expr(*test.expr, Operator::Eq, candidate);
            let condition = match negated {
                true => equal.is_not_false(),
                false => equal,
            };
            let marked = LogicalPlanBuilder::from(plan)
                .join_on(list, JoinType::LeftMark, vec![condition])?
                .build()?;
            let mark = marked.schema().columns().pop();
            let mark = mark.ok_or_else(|| SparkError::internal("a mark join has a mark"))?;
            columns.push(Expr::Column(mark).alias(name));
            Ok(LogicalPlanBuilder::from(marked).project(columns)?.build()?)
        }
        _ => Err(SparkError::unsupported_feature(
            "a correlated IN subquery in a select list",
        )),
    }
}
