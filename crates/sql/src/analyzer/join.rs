//! Joins: by condition, by columns of the same name, natural, cross.

use datafusion::logical_expr::{Expr, JoinType as EngineJoin, LogicalPlanBuilder};

use super::{Analyzed, Analyzer, Attribute, TypedExpr};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, Expression, JoinType, Relation, RelationNode};
use crate::types::sql_name;

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
        let right = if lateral {
            self.lateral_side(&left, right)?
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
    fn lateral_side(&mut self, left: &Analyzed, right: &Relation) -> Result<Analyzed> {
        if let RelationNode::TableFunction { name, .. } = right.node.as_ref() {
            return Err(SparkError::unsupported_feature(&format!(
                "LATERAL {}",
                name.join(".")
            )));
        }
        self.outer.push(left.scope.clone());
        let analyzed = self.relation(right);
        self.outer.pop();
        let analyzed = analyzed?;
        if analyzed.plan.contains_outer_reference() {
            return Err(SparkError::unsupported_feature("a correlated LATERAL join"));
        }
        Ok(analyzed)
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
        let builder = LogicalPlanBuilder::from(left.plan);
        let builder = match (engine_join(kind), conditions.is_empty()) {
            (EngineJoin::Inner, true) => builder.cross_join(right.plan)?,
            (kind, true) => builder.join_on(right.plan, kind, [datafusion::prelude::lit(true)])?,
            (kind, false) => builder.join_on(right.plan, kind, conditions)?,
        };
        Ok(Analyzed {
            plan: builder.build()?,
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
        let builder = LogicalPlanBuilder::from(left.plan.clone());
        let joined = builder
            .join_on(right.plan.clone(), engine_join(kind), conditions)?
            .build()?;
        if matches!(kind, JoinType::LeftSemi | JoinType::LeftAnti) {
            let mut scope = left.scope.clone();
            scope.columns = keys_first(&keys, &left.scope.columns, |(a, _)| a.clone(), &[]);
            return Ok(Analyzed {
                plan: joined,
                scope,
                is_streaming,
            });
        }
        let mut joined = Analyzed {
            plan: joined,
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
                        nullable: a.nullable || b.nullable,
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
