//! Select lists: projections, generators, window functions in them, and the order by of what is not selected.

use datafusion::common::{Column, UnnestOptions};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::expression::{Selected, has_aggregate, has_window};
use super::{Analyzed, Analyzer, Attribute, TypedExpr, next_id};
use crate::error::{Result, SparkError};
use crate::functions::Generator;
use crate::ir::{Expression, QUALIFIED, Relation, SortOrder};

impl Analyzer {
    /// `SELECT list`, and what an `ORDER BY` above it needs besides.
    pub(super) fn project(
        &mut self,
        input: Option<&Relation>,
        list: &[Expression],
        order: Option<&[SortOrder]>,
    ) -> Result<Analyzed> {
        let input = match input {
            Some(input) => self.relation(input)?,
            None => self.one_row()?,
        };
        self.project_over(input, list, order)
    }

    pub(super) fn project_over(
        &mut self,
        input: Analyzed,
        list: &[Expression],
        order: Option<&[SortOrder]>,
    ) -> Result<Analyzed> {
        let pending = self.pending.len();
        let outer = self.remember_columns(&input);
        let selected = self.select_list(&input.scope, list);
        self.lambda_columns = outer;
        let selected = selected?;
        check_qualify(selected.iter().filter_map(|s| match s {
            Selected::Value(value) => Some(value),
            Selected::Rows(..) => None,
        }))?;
        let values = selected.iter().filter_map(|s| match s {
            Selected::Value(v) => Some(v),
            Selected::Rows(..) => None,
        });
        if values
            .clone()
            .any(|v| has_aggregate(&v.expr) && !has_window(&v.expr))
        {
            let items = selected.into_iter().map(|s| match s {
                Selected::Value(v) => Ok(v),
                Selected::Rows(g, _) => Err(SparkError::nested_generator(&g.name)),
            });
            let items = items.collect::<Result<Vec<_>>>()?;
            let input = self.plan_time_windows(input, pending)?;
            return self.aggregate_typed(input, Vec::new(), items, None, order.unwrap_or_default());
        }
        let windows = self.pending[pending..].to_vec();
        let input = self.plan_time_windows(input, pending)?;
        let (input, mut items) = self.plan_generators(input, selected)?;
        self.refuse_bare_windows(&items)?;
        let input = self.plan_existence(input, &mut items)?;
        let input = self.plan_windows(input, &mut items)?;
        let projected = self.project_typed(input.clone(), items)?;
        match order {
            None => Ok(projected),
            Some(order) => {
                self.with_planned(windows, |this| this.sort_projected(input, projected, order))
            }
        }
    }

    /// A projection whose expressions are known. Plain attributes stay the columns they are.
    pub(crate) fn project_typed(
        &mut self,
        input: Analyzed,
        items: Vec<TypedExpr>,
    ) -> Result<Analyzed> {
        let mut columns = Vec::new();
        let mut exprs: Vec<Expr> = Vec::new();
        for item in &items {
            let attribute = match &item.attribute {
                Some(attribute) => attribute.as_ref().clone(),
                None => self.new_attribute(item),
            };
            if item.attribute.is_none() {
                exprs.push(item.expr.clone().alias(attribute.column_name()));
            } else if !columns.iter().any(|c: &Attribute| c.id == attribute.id) {
                exprs.push(Expr::Column(attribute.column()));
            }
            columns.push(attribute);
        }
        let plan = LogicalPlanBuilder::from(input.plan)
            .project(exprs)?
            .build()?;
        Ok(Analyzed {
            plan,
            scope: input.scope.with_columns(columns),
            is_streaming: input.is_streaming,
        })
    }

    /// Sorts a projection by its own columns or those of its input, which are dropped again afterwards.
    fn sort_projected(
        &mut self,
        input: Analyzed,
        projected: Analyzed,
        order: &[SortOrder],
    ) -> Result<Analyzed> {
        let mut scope = projected.scope.clone();
        scope.below = input
            .scope
            .columns
            .iter()
            .chain(&input.scope.hidden)
            .cloned()
            .collect();
        let order = self.positions(order, &projected.scope.columns)?;
        let pending = self.pending.len();
        let orders = self.orderings(&scope, &order)?;
        let input = self.plan_time_windows(input, pending)?;
        let mut exprs: Vec<Expr> = match &projected.plan {
            datafusion::logical_expr::LogicalPlan::Projection(p) => p.expr.clone(),
            _ => return Err(SparkError::internal("a projection is not one")),
        };
        let present: Vec<Column> = projected.plan.schema().columns();
        let mut missing: Vec<Column> = Vec::new();
        for column in orders.iter().flat_map(|o| o.typed.expr.column_refs()) {
            if !present.contains(column) && !missing.contains(column) {
                missing.push(column.clone());
            }
        }
        if missing.is_empty() {
            return self.sort_by(projected, orders);
        }
        exprs.extend(missing.into_iter().map(Expr::Column));
        let plan = LogicalPlanBuilder::from(input.plan)
            .project(exprs)?
            .build()?;
        let sorted = self.sort_by(Analyzed { plan, ..projected }, orders)?;
        self.only_columns(sorted)
    }

    /// Cuts a plan down to the columns of its scope.
    pub(super) fn only_columns(&mut self, analyzed: Analyzed) -> Result<Analyzed> {
        let items = analyzed
            .scope
            .columns
            .iter()
            .map(Attribute::typed)
            .collect();
        self.project_typed(analyzed, items)
    }

    /// Unnests the generators of a select list; their columns take their places. The rows of several are combined.
    fn plan_generators(
        &mut self,
        input: Analyzed,
        selected: Vec<Selected>,
    ) -> Result<(Analyzed, Vec<TypedExpr>)> {
        let mut input = input;
        let mut items = Vec::new();
        for item in selected {
            match item {
                Selected::Value(value) => items.push(value),
                Selected::Rows(generator, names) => {
                    let (with_rows, columns) = self.unnest(input, generator, &names)?;
                    input = with_rows;
                    items.extend(columns);
                }
            }
        }
        Ok((input, items))
    }

    /// One row for each struct of the generator's array, beside the columns of the input.
    pub(super) fn unnest(
        &mut self,
        input: Analyzed,
        generator: Generator,
        names: &[String],
    ) -> Result<(Analyzed, Vec<TypedExpr>)> {
        let rows_name = format!("rows#{}", next_id());
        let mut kept: Vec<Expr> = input
            .plan
            .schema()
            .columns()
            .into_iter()
            .map(Expr::Column)
            .collect();
        let before = kept.clone();
        kept.push(generator.rows.expr.clone().alias(rows_name.clone()));
        let rows = Column::new_unqualified(rows_name);
        // A generator that keeps rows without elements makes them itself, so nothing is preserved here.
        let options = UnnestOptions::new().with_preserve_nulls(false);
        let builder = LogicalPlanBuilder::from(input.plan.clone())
            .project(kept)?
            .unnest_column_with_options(rows.clone(), options)?;
        let mut structure = TypedExpr::new(
            Expr::Column(rows),
            crate::ir::DataType::Struct(generator.columns.clone()),
            false,
            "rows",
        );
        structure.nullable = generator.outer;
        let mut attributes = Vec::new();
        let mut exprs = before;
        for (index, field) in generator.columns.fields.iter().enumerate() {
            let mut value = crate::functions::FunctionCall::struct_field(self, &structure, index)?;
            value.named = Some(names.get(index).unwrap_or(&field.name).clone());
            value.nullable = field.nullable || generator.outer;
            let attribute = self.new_attribute(&value);
            exprs.push(value.expr.alias(attribute.column_name()));
            attributes.push(attribute);
        }
        let plan = builder.project(exprs)?.build()?;
        let columns = attributes.iter().map(Attribute::typed).collect();
        Ok((Analyzed { plan, ..input }, columns))
    }

    /// Replaces what is numbered (`ORDER BY 1`) by the column of that number.
    pub(super) fn positions(
        &mut self,
        order: &[SortOrder],
        columns: &[Attribute],
    ) -> Result<Vec<SortOrder>> {
        if let [only] = order
            && let Expression::Attribute {
                parts,
                plan_id: None,
                ..
            } = only.child.unlocated()
            && matches!(parts.as_slice(), [all] if all.eq_ignore_ascii_case("all"))
            && !columns.iter().any(|c| c.name.eq_ignore_ascii_case("all"))
        {
            let numbers = 1..=columns.len() as i32;
            let all: Vec<SortOrder> = numbers
                .map(|position| SortOrder {
                    child: Expression::Literal(crate::ir::Literal::Integer(position)),
                    ..only.clone()
                })
                .collect();
            return self.positions(&all, columns);
        }
        let replaced = order.iter().map(|item| {
            let Expression::Literal(crate::ir::Literal::Integer(position)) = item.child.unlocated()
            else {
                return Ok(item.clone());
            };
            let index = usize::try_from(*position)
                .ok()
                .and_then(|p| p.checked_sub(1));
            match index.and_then(|i| columns.get(i)) {
                Some(column) => {
                    let mut parts = column.qualifier.clone();
                    parts.push(column.name.clone());
                    let child = Expression::Attribute {
                        parts,
                        plan_id: None,
                        is_metadata_column: false,
                    };
                    Ok(SortOrder {
                        child,
                        ..item.clone()
                    })
                }
                None => Err(SparkError::order_by_position_out_of_range(
                    i64::from(*position),
                    columns.len(),
                )),
            }
        });
        replaced.collect()
    }

    /// Notes the columns that lambdas of the operator at hand may capture; gives those noted before.
    pub(super) fn remember_columns(&mut self, input: &Analyzed) -> Vec<Attribute> {
        let columns = input
            .scope
            .columns
            .iter()
            .chain(&input.scope.hidden)
            .chain(&input.scope.below);
        std::mem::replace(&mut self.lambda_columns, columns.cloned().collect())
    }
}

/// `QUALIFY` chooses rows by what windows say.
pub(super) fn check_qualify<'a>(items: impl Iterator<Item = &'a TypedExpr>) -> Result<()> {
    let items: Vec<&TypedExpr> = items.collect();
    let is_qualified = items.last().and_then(|i| i.named.as_deref()) == Some(QUALIFIED);
    match is_qualified && !items.iter().any(|i| has_window(&i.expr)) {
        true => Err(SparkError::qualify_without_window()),
        false => Ok(()),
    }
}
