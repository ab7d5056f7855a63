//! Joins: by condition, by columns of the same name, natural, cross.

use std::sync::Arc;

use datafusion::common::Spans;
use datafusion::logical_expr::{
    Expr, JoinType as EngineJoin, LogicalPlan, LogicalPlanBuilder, Subquery,
};

use super::expression::{Selected, has_aggregate, has_window};
use super::{Analyzed, Analyzer, Attribute, TypedExpr};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Expression, JoinType, Literal, Relation, RelationNode};
use crate::types::sql_name;

/// A call of a generator in the place of a table, with the names and the selection that may stand around it.
struct Generated<'a> {
    name: &'a [String],
    arguments: &'a [Expression],
    alias: Option<&'a str>,
    columns: &'a [String],
    list: Option<&'a [Expression]>,
}

/// A `SELECT` without `FROM` in the place of a table, with the names that it is given.
struct Selection<'a> {
    list: &'a [Expression],
    alias: Option<&'a str>,
    columns: &'a [String],
}

impl<'a> Selection<'a> {
    fn of(relation: &'a Relation) -> Option<Self> {
        match relation.node.as_ref() {
            RelationNode::Project {
                input: None,
                expressions,
            } => Some(Self {
                list: expressions,
                alias: None,
                columns: &[],
            }),
            RelationNode::SubqueryAlias {
                input,
                alias,
                columns,
                ..
            } => Self::of(input).map(|selection| Self {
                alias: Some(alias),
                columns,
                ..selection
            }),
            _ => None,
        }
    }
}

impl<'a> Generated<'a> {
    fn of(relation: &'a Relation) -> Option<Self> {
        match relation.node.as_ref() {
            RelationNode::TableFunction { name, .. }
                if name.last().is_some_and(|n| n.eq_ignore_ascii_case("range")) =>
            {
                None
            }
            RelationNode::TableFunction { name, arguments } => Some(Self {
                name,
                arguments,
                alias: None,
                columns: &[],
                list: None,
            }),
            RelationNode::SubqueryAlias {
                input,
                alias,
                columns,
                ..
            } => Self::of(input).filter(|g| g.list.is_none()).map(|g| Self {
                alias: Some(alias),
                columns,
                ..g
            }),
            RelationNode::Project {
                input: Some(input),
                expressions,
            } => Self::of(input).filter(|g| g.list.is_none()).map(|g| Self {
                list: Some(expressions),
                ..g
            }),
            _ => None,
        }
    }
}

impl Analyzer {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn join(
        &mut self,
        left: &Relation,
        right: &Relation,
        kind: JoinType,
        condition: Option<&Expression>,
        using: &[String],
        natural: bool,
        lateral: bool,
    ) -> Result<Analyzed> {
        let left = self.relation(left)?;
        if lateral && let Some(generated) = Generated::of(right) {
            return self.lateral_generator(left, &generated, kind, condition);
        }
        if lateral
            && matches!(
                kind,
                JoinType::Inner | JoinType::Cross | JoinType::LeftOuter
            )
            && condition.is_none()
            && let Some(selected) = Selection::of(right)
        {
            return self.lateral_selection(left, &selected);
        }
        let right = if lateral {
            self.lateral_side(&left, right, kind)?
        } else {
            self.relation(right)?
        };
        let using = if natural {
            common_names(&left, &right)
        } else {
            using.to_vec()
        };
        if using.is_empty() {
            return self.join_on(left, right, kind, condition);
        }
        self.join_using(left, right, kind, &using)
    }

    /// The right side of a lateral join may name columns of the left.
    fn lateral_side(
        &mut self,
        left: &Analyzed,
        right: &Relation,
        kind: JoinType,
    ) -> Result<Analyzed> {
        self.outer.push(left.scope.clone());
        let analyzed = self.relation(right);
        self.outer.pop();
        let analyzed = analyzed?;
        let outer_ref_columns = analyzed.plan.all_out_ref_exprs();
        if outer_ref_columns.is_empty() {
            return Ok(analyzed);
        }
        if !matches!(kind, JoinType::Inner | JoinType::Cross) {
            return Err(SparkError::unsupported_feature(
                "a correlated LATERAL join that is not an inner one",
            ));
        }
        let subquery = Subquery {
            subquery: Arc::new(analyzed.plan),
            outer_ref_columns,
            spans: Spans::new(),
        };
        Ok(Analyzed {
            plan: LogicalPlan::Subquery(subquery),
            ..analyzed
        })
    }

    /// Columns computed from the row on the left.
    fn lateral_selection(&mut self, left: Analyzed, right: &Selection<'_>) -> Result<Analyzed> {
        let own = left.scope.columns.len();
        self.outer.push(left.scope.clone());
        let joined = self.select_beside(left, own, right.list);
        self.outer.pop();
        let mut joined = joined?;
        let columns = &mut joined.scope.columns[own..];
        if !right.columns.is_empty() && right.columns.len() != columns.len() {
            return Err(SparkError::aliases_do_not_match(
                right.columns.len(),
                columns.len(),
            ));
        }
        let qualifier: Vec<String> = right.alias.iter().map(|a| (*a).to_owned()).collect();
        for column in columns.iter_mut() {
            column.qualifier.clone_from(&qualifier);
        }
        if right.columns.is_empty() {
            return Ok(joined);
        }
        let mut items: Vec<TypedExpr> = joined.scope.columns.iter().map(Attribute::typed).collect();
        for (item, name) in items[own..].iter_mut().zip(right.columns) {
            item.named = Some(name.clone());
            item.attribute = None;
        }
        let mut joined = self.project_typed(joined, items)?;
        for column in &mut joined.scope.columns[own..] {
            column.qualifier.clone_from(&qualifier);
        }
        Ok(joined)
    }

    /// A lateral join with a generator: its rows beside the row that its arguments come from.
    fn lateral_generator(
        &mut self,
        left: Analyzed,
        generated: &Generated<'_>,
        kind: JoinType,
        condition: Option<&Expression>,
    ) -> Result<Analyzed> {
        let outer = match (kind, condition.map(Expression::unlocated)) {
            (JoinType::Inner | JoinType::Cross, _) => false,
            (JoinType::LeftOuter, None | Some(Expression::Literal(Literal::Boolean(true)))) => true,
            _ => {
                return Err(SparkError::unsupported_feature(
                    "this kind of LATERAL join with a generator",
                ));
            }
        };
        let own = left.scope.columns.len();
        let call = Expression::Function {
            name: generated.name.to_vec(),
            arguments: generated.arguments.to_vec(),
            distinct: false,
            filter: None,
            user_defined: false,
            internal: false,
        };
        self.outer.push(left.scope.clone());
        let joined = self
            .lateral_rows(left, &call, outer, generated.alias, generated.columns)
            .and_then(|joined| match generated.list {
                None => Ok(joined),
                Some(list) => self.select_beside(joined, own, list),
            });
        self.outer.pop();
        match condition {
            Some(condition) if !outer => self.filter_over(joined?, condition),
            _ => joined,
        }
    }

    /// The first `own` columns as they are, and a select list over the others.
    fn select_beside(
        &mut self,
        joined: Analyzed,
        own: usize,
        list: &[Expression],
    ) -> Result<Analyzed> {
        let (left, right) = joined.scope.columns.split_at(own);
        let mut scope = super::Scope::new(right.to_vec());
        scope.hidden = left.to_vec();
        let mut items: Vec<TypedExpr> = left.iter().map(Attribute::typed).collect();
        for item in self.select_list(&scope, list)? {
            match item {
                Selected::Value(value) => items.push(value),
                Selected::Rows(generator, _) => {
                    return Err(SparkError::nested_generator(&generator.name));
                }
            }
        }
        self.project_typed(joined, items)
    }

    fn join_on(
        &mut self,
        left: Analyzed,
        right: Analyzed,
        kind: JoinType,
        condition: Option<&Expression>,
    ) -> Result<Analyzed> {
        let both = left.scope.beside(&right.scope);
        let condition = match condition {
            None => None,
            Some(condition) => {
                let typed = self.expression(&both, condition)?;
                if has_aggregate(&typed.expr) || has_window(&typed.expr) {
                    return Err(SparkError::unsupported_expression_of_operator(
                        &typed.name,
                        "join condition",
                    ));
                }
                match typed.data_type {
                    DataType::Boolean => Some(typed),
                    DataType::Null => Some(self.cast_implicitly(typed, &DataType::Boolean)?),
                    ref other => {
                        return Err(SparkError::join_condition_not_boolean(
                            &typed.name,
                            &sql_name(other),
                        ));
                    }
                }
            }
        };
        let scope = match kind {
            JoinType::LeftSemi | JoinType::LeftAnti => left.scope.clone(),
            _ => nullable_sides(kind, &left, &right),
        };
        let is_streaming = left.is_streaming || right.is_streaming;
        let conditions: Vec<Expr> = condition.into_iter().map(|c| c.expr).collect();
        Ok(Analyzed {
            plan: joined(left, right, kind, conditions)?,
            scope,
            is_streaming,
        })
    }

    fn join_using(
        &mut self,
        left: Analyzed,
        right: Analyzed,
        kind: JoinType,
        using: &[String],
    ) -> Result<Analyzed> {
        let mut keys: Vec<(Attribute, Attribute)> = Vec::new();
        let mut conditions = Vec::new();
        let both = left.scope.beside(&right.scope);
        for name in using {
            let a = self.using_column(&left, name, "left")?;
            let b = self.using_column(&right, name, "right")?;
            let equal = self.call_function(&both, "==", vec![a.typed(), b.typed()])?;
            conditions.push(equal.expr);
            keys.push((a, b));
        }
        let is_streaming = left.is_streaming || right.is_streaming;
        let sides = nullable_sides(kind, &left, &right);
        if matches!(kind, JoinType::LeftSemi | JoinType::LeftAnti) {
            let mut scope = left.scope.clone();
            scope.columns = keys_first(&keys, &left.scope.columns, |(a, _)| a.clone(), &[]);
            return Ok(Analyzed {
                plan: joined(left, right, kind, conditions)?,
                scope,
                is_streaming,
            });
        }
        let mut joined = Analyzed {
            plan: joined(left, right, kind, conditions)?,
            scope: sides,
            is_streaming,
        };
        let is_left_key = |id: u64| keys.iter().any(|(a, _)| a.id == id);
        let is_right_key = |id: u64| keys.iter().any(|(_, b)| b.id == id);
        let merged: Vec<Attribute> = match kind {
            JoinType::RightOuter => keys.iter().map(|(_, b)| b.clone()).collect(),
            JoinType::FullOuter => {
                let mut merged = Vec::new();
                let mut exprs: Vec<Expr> = joined
                    .plan
                    .schema()
                    .columns()
                    .into_iter()
                    .map(Expr::Column)
                    .collect();
                for (a, b) in &keys {
                    let both =
                        self.call_function(&joined.scope, "coalesce", vec![a.typed(), b.typed()])?;
                    let value = TypedExpr {
                        named: Some(a.name.clone()),
                        // Each side may be missing.
                        nullable: true,
                        ..both
                    };
                    let attribute = self.new_attribute(&value);
                    exprs.push(value.expr.alias(attribute.column_name()));
                    merged.push(attribute);
                }
                joined.plan = LogicalPlanBuilder::from(joined.plan)
                    .project(exprs)?
                    .build()?;
                merged
            }
            _ => keys.iter().map(|(a, _)| a.clone()).collect(),
        };
        let all = joined.scope.columns.clone();
        let rest = all
            .iter()
            .filter(|c| !is_left_key(c.id) && !is_right_key(c.id))
            .cloned();
        let columns: Vec<Attribute> = merged.into_iter().chain(rest).collect();
        let hidden: Vec<Attribute> = all
            .iter()
            .filter(|c| !columns.iter().any(|k| k.id == c.id))
            .cloned()
            .collect();
        joined.scope.columns = columns;
        joined.scope.hidden.extend(hidden);
        Ok(joined)
    }

    fn using_column(&self, side: &Analyzed, name: &str, word: &str) -> Result<Attribute> {
        let parts = [name.to_owned()];
        match side.scope.resolve(&parts, self.context.case_sensitive)? {
            Some(found) if found.fields.is_empty() => Ok(found.attribute),
            _ => {
                let names: Vec<String> = side
                    .scope
                    .columns
                    .iter()
                    .map(|c| format!("`{}`", c.name))
                    .collect();
                Err(SparkError::unresolved_using_column(name, word, &names))
            }
        }
    }
}

/// The join of two plans. Spark's rows come in the order of its left side where that one decides what is kept, while
/// the engine's come in the order of its right side: there the sides change places. Streams stay where they are, for
/// their state has sides.
fn joined(
    left: Analyzed,
    right: Analyzed,
    kind: JoinType,
    conditions: Vec<Expr>,
) -> Result<LogicalPlan> {
    let mirrored = match kind {
        _ if left.is_streaming || right.is_streaming => None,
        // What a lateral subquery refers to must be on its left.
        _ if matches!(right.plan, LogicalPlan::Subquery(_)) => None,
        // Without a condition the engine goes through the left side's rows itself.
        JoinType::Inner | JoinType::Cross if conditions.is_empty() => None,
        JoinType::Inner | JoinType::Cross => Some(EngineJoin::Inner),
        JoinType::LeftOuter => Some(EngineJoin::Right),
        JoinType::LeftSemi => Some(EngineJoin::RightSemi),
        JoinType::LeftAnti => Some(EngineJoin::RightAnti),
        JoinType::RightOuter | JoinType::FullOuter => None,
    };
    let (first, second, kind) = match mirrored {
        Some(mirrored) => (right.plan, left.plan, mirrored),
        None => (left.plan, right.plan, engine_join(kind)),
    };
    let builder = LogicalPlanBuilder::from(first);
    let builder = match (kind, conditions.is_empty()) {
        (EngineJoin::Inner, true) => builder.cross_join(second)?,
        (kind, true) => builder.join_on(second, kind, [datafusion::prelude::lit(true)])?,
        (kind, false) => builder.join_on(second, kind, conditions)?,
    };
    Ok(builder.build()?)
}

fn keys_first(
    keys: &[(Attribute, Attribute)],
    columns: &[Attribute],
    key: impl Fn(&(Attribute, Attribute)) -> Attribute,
    _more: &[Attribute],
) -> Vec<Attribute> {
    let first: Vec<Attribute> = keys.iter().map(key).collect();
    let rest = columns
        .iter()
        .filter(|c| !first.iter().any(|k| k.id == c.id))
        .cloned();
    first.iter().cloned().chain(rest).collect()
}

fn common_names(left: &Analyzed, right: &Analyzed) -> Vec<String> {
    let in_right = |name: &str| {
        right
            .scope
            .columns
            .iter()
            .any(|c| c.name.eq_ignore_ascii_case(name))
    };
    left.scope
        .columns
        .iter()
        .map(|c| c.name.clone())
        .filter(|name| in_right(name))
        .collect()
}

/// Both sides' columns, nullable where a row may lack the other side.
fn nullable_sides(kind: JoinType, left: &Analyzed, right: &Analyzed) -> super::Scope {
    let (mut a, mut b) = (left.scope.clone(), right.scope.clone());
    let lift = |columns: &mut Vec<Attribute>| columns.iter_mut().for_each(|c| c.nullable = true);
    if matches!(kind, JoinType::RightOuter | JoinType::FullOuter) {
        lift(&mut a.columns);
        lift(&mut a.hidden);
    }
    if matches!(kind, JoinType::LeftOuter | JoinType::FullOuter) {
        lift(&mut b.columns);
        lift(&mut b.hidden);
    }
    a.beside(&b)
}

fn engine_join(kind: JoinType) -> EngineJoin {
    match kind {
        JoinType::Inner | JoinType::Cross => EngineJoin::Inner,
        JoinType::FullOuter => EngineJoin::Full,
        JoinType::LeftOuter => EngineJoin::Left,
        JoinType::RightOuter => EngineJoin::Right,
        JoinType::LeftAnti => EngineJoin::LeftAnti,
        JoinType::LeftSemi => EngineJoin::LeftSemi,
    }
}
