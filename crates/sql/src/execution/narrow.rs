//! Records are read for the fields that somebody looks at.
//!
//! A column `from_json(…) AS trip` of which a plan uses `trip.a` and `trip.b` only is made with the other fields null,
//! which costs next to nothing. Always true: a function is narrowed only where every use of its column is one of a field,
//! and where narrowing changes no value that is used ([`SparkFunction::narrowed`] says so). Start at [`NarrowRecords`].

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, ScalarUDF};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use crate::functions::udf::SparkFunction;

/// Fields by the column they are used of; none of them means all.
type Uses = BTreeMap<String, Option<BTreeSet<usize>>>;

/// The rule, which looks at a whole plan at once.
#[derive(Debug)]
pub(super) struct NarrowRecords;

impl OptimizerRule for NarrowRecords {
    fn name(&self) -> &'static str {
        "narrow_records"
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let mut uses = made_columns(&plan)?;
        if uses.is_empty() {
            return Ok(Transformed::no(plan));
        }
        note_uses(&plan, &mut uses)?;
        uses.retain(|_, fields| fields.is_some());
        if uses.is_empty() {
            return Ok(Transformed::no(plan));
        }
        plan.transform_up(|node| match node {
            LogicalPlan::Projection(projection) => narrow(projection, &uses),
            other => Ok(Transformed::no(other)),
        })
    }
}

/// The columns that functions make which could make less.
fn made_columns(plan: &LogicalPlan) -> Result<Uses> {
    let mut made = Uses::new();
    plan.apply(|node| {
        if let LogicalPlan::Projection(projection) = node {
            for expr in &projection.expr {
                if let Some((name, function)) = made_column(expr)
                    && function.can_narrow()
                {
                    made.insert(name.to_owned(), Some(BTreeSet::new()));
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(made)
}

fn made_column(expr: &Expr) -> Option<(&str, &SparkFunction)> {
    let Expr::Alias(alias) = expr else {
        return None;
    };
    let Expr::ScalarFunction(call) = alias.expr.as_ref() else {
        return None;
    };
    Some((&alias.name, spark_function(&call.func)?))
}

fn spark_function(function: &ScalarUDF) -> Option<&SparkFunction> {
    function.inner().as_ref().downcast_ref::<SparkFunction>()
}

fn note_uses(plan: &LogicalPlan, uses: &mut Uses) -> Result<()> {
    note_all(plan, uses);
    plan.apply(|node| {
        if !names_its_columns(node) {
            node.inputs().iter().for_each(|input| note_all(input, uses));
        }
        for expr in node.expressions() {
            note_expression(&expr, uses)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Whether all that a node does with a column is in its expressions, but for passing it on by its name.
fn names_its_columns(node: &LogicalPlan) -> bool {
    matches!(
        node,
        LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Aggregate(_)
            | LogicalPlan::Window(_)
            | LogicalPlan::Join(_)
    )
}

/// Every column of `plan` is used whole.
fn note_all(plan: &LogicalPlan, uses: &mut Uses) {
    for field in plan.schema().fields() {
        if let Some(fields) = uses.get_mut(field.name()) {
            *fields = None;
        }
    }
}

fn note_expression(expr: &Expr, uses: &mut Uses) -> Result<()> {
    expr.apply(|expr| {
        if let Some((column, field)) = used_field(expr) {
            if let Some(Some(fields)) = uses.get_mut(column) {
                fields.insert(field);
            }
            return Ok(TreeNodeRecursion::Jump);
        }
        match expr {
            Expr::Column(column) | Expr::OuterReferenceColumn(_, column) => {
                if let Some(fields) = uses.get_mut(&column.name) {
                    *fields = None;
                }
            }
            // Nobody looks into plans inside of expressions here.
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) => {
                uses.values_mut().for_each(|fields| *fields = None);
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// The column and the number of the field, if that is what `expr` is.
fn used_field(expr: &Expr) -> Option<(&str, usize)> {
    let Expr::ScalarFunction(call) = expr else {
        return None;
    };
    let field = spark_function(&call.func)?.field_taken()?;
    match call.args.as_slice() {
        [Expr::Column(column)] => Some((&column.name, field)),
        _ => None,
    }
}

fn narrow(projection: Projection, uses: &Uses) -> Result<Transformed<LogicalPlan>> {
    let narrowed = |expr: &Expr| -> Option<Expr> {
        let (name, function) = made_column(expr)?;
        let function = function.narrowed(uses.get(name)?.as_ref()?)?;
        let Expr::Alias(mut alias) = expr.clone() else {
            return None;
        };
        if let Expr::ScalarFunction(call) = alias.expr.as_mut() {
            call.func = ScalarUDF::new_from_impl(function).into();
        }
        Some(Expr::Alias(alias))
    };
    let exprs: Vec<Option<Expr>> = projection.expr.iter().map(narrowed).collect();
    if exprs.iter().all(Option::is_none) {
        return Ok(Transformed::no(LogicalPlan::Projection(projection)));
    }
    let exprs = exprs
        .into_iter()
        .zip(projection.expr)
        .map(|(narrowed, whole)| narrowed.unwrap_or(whole))
        .collect();
    let projection = Projection::try_new_with_schema(exprs, projection.input, projection.schema)?;
    Ok(Transformed::yes(LogicalPlan::Projection(projection)))
}
