//! Columns by name, and the way from a column down into its fields and elements.
//!
//! Start at [`Analyzer::attribute`].

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;

use super::literal::typed_literal;
use super::scope::{Found, Scope, same_name};
use super::{Analyzer, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions;
use crate::ir::{Expression, Literal};
use crate::types::sql_name;

/// How a column that is computed from an alias of the same select list shows that alias.
pub(super) const LATERAL_ALIAS: &str = "lateralAliasReference";

/// How many nodes the aliases of a plan may be replaced by.
const ALIAS_NODES_MAX: usize = 20_000;

/// The number of nodes of an expression, counted as far as `bound`.
fn nodes(expr: &Expr, bound: usize) -> usize {
    let mut count = 0;
    let counted = expr.apply(|_| {
        count += 1;
        Ok(match count > bound {
            true => TreeNodeRecursion::Stop,
            false => TreeNodeRecursion::Continue,
        })
    });
    counted.map_or(bound, |_| count)
}

/// True of what another computation may find otherwise. Records are read once for other reasons than chance.
fn differs_each_time(expr: &Expr) -> bool {
    expr.exists(|e| {
        Ok(e.is_volatile_node()
            && !matches!(e, Expr::ScalarFunction(call) if call.name() == "from_json"))
    })
    .unwrap_or(true)
}

impl Analyzer {
    /// A column by name, fields and elements of it included.
    pub(crate) fn attribute(
        &mut self,
        scope: &Scope,
        parts: &[String],
        plan_id: Option<i64>,
    ) -> Result<TypedExpr> {
        if plan_id.is_none()
            && let Some(variable) = self.find_lambda_variable(parts)?
        {
            return Ok(variable);
        }
        let case_sensitive = self.context.case_sensitive;
        let found = match plan_id {
            Some(id) => match scope.resolve_in_plan(id, parts, case_sensitive)? {
                Some(found) => Some(found),
                None if scope.plans.iter().any(|p| p.plan_id == id) || self.outer.is_empty() => {
                    return self.unresolved_in_plan(scope, id, parts);
                }
                None => None,
            },
            None => scope.resolve(parts, case_sensitive)?,
        };
        if let Some(found) = found {
            return self.descend(found);
        }
        if plan_id.is_none()
            && let Some(value) = self.lateral_alias(parts)?
        {
            return Ok(value);
        }
        if let Some(outer) = self.outer_attribute(parts, plan_id)? {
            return Ok(outer);
        }
        if let ([name], None) = (parts, plan_id)
            && let Some(value) = self.nullary(scope, name)?
        {
            return Ok(value);
        }
        if let ([base, _, ..], None) = (parts, plan_id)
            && let Some(found) = scope.resolve(std::slice::from_ref(base), case_sensitive)?
        {
            let data_type = sql_name(&found.attribute.data_type);
            return Err(
                SparkError::invalid_extract_base(&found.attribute.name, &data_type)
                    .at(self.origin.as_ref()),
            );
        }
        Err(
            SparkError::unresolved_column(parts, &scope.suggestions(parts))
                .at(self.origin.as_ref()),
        )
    }

    /// What an earlier item of the select list calls by this name.
    fn lateral_alias(&mut self, parts: &[String]) -> Result<Option<TypedExpr>> {
        let Some((name, fields)) = parts.split_first() else {
            return Ok(None);
        };
        let case_sensitive = self.context.case_sensitive;
        let mut known = self
            .aliases
            .iter()
            .filter(|(alias, _)| same_name(alias, name, case_sensitive));
        let Some((_, value)) = known.next().cloned() else {
            return Ok(None);
        };
        if known.next().is_some() {
            return Err(SparkError::ambiguous_lateral_alias(parts).at(self.origin.as_ref()));
        }
        if differs_each_time(&value.expr) {
            return Err(SparkError::unsupported_feature(
                "a lateral reference to a column that is not deterministic",
            ));
        }
        // An alias of aliases doubles with every item.
        self.alias_nodes += nodes(&value.expr, ALIAS_NODES_MAX);
        if self.alias_nodes > ALIAS_NODES_MAX {
            return Err(SparkError::plan_too_deep(ALIAS_NODES_MAX));
        }
        let mut value = TypedExpr {
            name: format!("{LATERAL_ALIAS}({})", parts.join(".")),
            named: Some(name.clone()),
            automatic: None,
            attribute: None,
            ..value
        };
        for field in fields {
            value = self.extract_field(value, field)?;
            value.named = Some(field.clone());
        }
        Ok(Some(value))
    }

    fn unresolved_in_plan(
        &self,
        scope: &Scope,
        plan_id: i64,
        parts: &[String],
    ) -> Result<TypedExpr> {
        let of_plan = scope.plans.iter().find(|p| p.plan_id == plan_id);
        if let Some(plan) = of_plan {
            let inner = Scope::new(plan.columns.to_vec());
            if inner.resolve(parts, self.context.case_sensitive)?.is_none() {
                return Err(
                    SparkError::unresolved_column(parts, &inner.suggestions(parts))
                        .at(self.origin.as_ref()),
                );
            }
        }
        Err(SparkError::cannot_resolve_data_frame_column(&parts.join(".")).at(self.origin.as_ref()))
    }

    /// Words that are functions without parentheses.
    fn nullary(&mut self, scope: &Scope, name: &str) -> Result<Option<TypedExpr>> {
        let name = name.to_ascii_lowercase();
        let known = [
            "current_date",
            "current_timestamp",
            "current_user",
            "user",
            "session_user",
            "current_catalog",
            "current_database",
            "current_time",
            "localtimestamp",
        ];
        if name == "grouping__id" {
            let value = self.call_function(scope, "grouping_id", Vec::new())?;
            return Ok(Some(value.with_name(name)));
        }
        if !known.contains(&name.as_str()) {
            return Ok(None);
        }
        self.call_function(scope, &name, Vec::new()).map(Some)
    }

    /// Goes from a column down into its fields.
    pub(crate) fn descend(&mut self, found: Found) -> Result<TypedExpr> {
        let mut value = found.attribute.typed();
        let Some(last) = found.fields.last().cloned() else {
            if let Some(written) = found.written {
                value.name.clone_from(&written);
                value.named = Some(written);
                value.attribute = None;
            }
            return Ok(value);
        };
        for field in &found.fields {
            value = self.extract_field(value, field)?;
        }
        value.named = None;
        value.automatic = Some(last);
        value.attribute = None;
        Ok(value)
    }

    /// A field of a struct, of every struct in an array, or the value of a map's key.
    pub(crate) fn extract_field(&mut self, base: TypedExpr, field: &str) -> Result<TypedExpr> {
        let key = typed_literal(&Literal::String(field.to_owned()), self.context.time_zone)?;
        functions::FunctionCall::extract_value(self, base, key)
    }

    pub(super) fn extract(
        &mut self,
        scope: &Scope,
        child: &Expression,
        extraction: &Expression,
    ) -> Result<TypedExpr> {
        let base = self.expression(scope, child)?;
        let key = self.expression(scope, extraction)?;
        functions::FunctionCall::extract_value(self, base, key)
    }
}
