//! Functions called by name: which one it is, and what its arguments are.
//!
//! Start at [`Analyzer::call_function`].

use super::column::LATERAL_ALIAS;
use super::expression::{Selected, has_window};
use super::literal::typed_literal;
use super::scope::{Scope, same_name};
use super::window::Ordering;
use super::{Analyzer, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::call::Resolved;
use crate::functions::{self, FunctionCall};
use crate::ir::{Expression, Literal};

impl Analyzer {
    pub(super) fn function(
        &mut self,
        scope: &Scope,
        name: &[String],
        arguments: &[Expression],
        distinct: bool,
        filter: Option<&Expression>,
    ) -> Result<Selected> {
        let full = name.join(".");
        let plain = match name {
            [system, builtin, plain]
                if same_name(system, "system", false) && same_name(builtin, "builtin", false) =>
            {
                plain
            }
            [builtin, plain] if same_name(builtin, "builtin", false) => plain,
            [plain] => plain,
            _ => return Err(SparkError::unresolved_routine(&full)),
        };
        let lower = plain.to_ascii_lowercase();
        let Some(function) = functions::find(&lower) else {
            return Err(match super::constant::is_spark_function(&lower) {
                true => SparkError::unsupported_function(&lower),
                false => SparkError::unresolved_routine(&full).at(self.origin.as_ref()),
            });
        };
        self.check_syntax(&lower, arguments, distinct, filter.is_some())?;
        let is_higher_order = matches!(function.build, functions::Build::HigherOrder(_));
        let resolved = if is_higher_order {
            Vec::new()
        } else {
            self.arguments(scope, &lower, arguments, distinct)?
        };
        let alias = resolved.iter().find(|a| a.name.contains(LATERAL_ALIAS));
        if let Some(alias) = alias.filter(|_| functions::is_aggregate(&lower)) {
            return Err(SparkError::lateral_alias_in_aggregate(&alias.name, &lower));
        }
        if functions::is_aggregate(&lower) && resolved.iter().any(|a| has_window(&a.expr)) {
            return Err(SparkError::window_in_aggregate());
        }
        let filter = filter.map(|f| self.expression(scope, f)).transpose()?;
        let order = self.group_order(scope, &lower, arguments)?;
        let mut call = FunctionCall {
            analyzer: self,
            scope,
            name: lower,
            title: None,
            arguments: resolved,
            raw: arguments,
            distinct,
            filter,
            order,
        };
        let origin = call.analyzer.origin.clone();
        match call.resolve(function).map_err(|e| e.at(origin.as_ref()))? {
            Resolved::Value(value) => Ok(Selected::Value(value)),
            Resolved::Rows(rows) => Ok(Selected::Rows(rows, Vec::new())),
        }
    }

    /// `DISTINCT`, `FILTER` and `WITHIN GROUP` are of aggregates.
    fn check_syntax(
        &self,
        function: &str,
        arguments: &[Expression],
        distinct: bool,
        filtered: bool,
    ) -> Result<()> {
        let is_aggregate = functions::is_aggregate(function);
        let ordered = arguments
            .iter()
            .any(|a| matches!(a.unlocated(), Expression::SortOrder(_)));
        let syntax = if distinct && !is_aggregate {
            "DISTINCT"
        } else if filtered && !is_aggregate {
            "FILTER CLAUSE"
        } else if ordered && !functions::ORDERED_WITHIN_GROUP.contains(&function) {
            "WITHIN GROUP (ORDER BY ...)"
        } else {
            return Ok(());
        };
        Err(SparkError::unsupported_syntax_of_function(function, syntax).at(self.origin.as_ref()))
    }

    /// The orders among the arguments: `WITHIN GROUP (ORDER BY …)`.
    fn group_order(
        &mut self,
        scope: &Scope,
        function: &str,
        arguments: &[Expression],
    ) -> Result<Vec<Ordering>> {
        if !functions::ORDERED_WITHIN_GROUP.contains(&function) {
            return Ok(Vec::new());
        }
        let orders = arguments.iter().filter_map(|a| match a.unlocated() {
            Expression::SortOrder(order) => Some(order),
            _ => None,
        });
        orders.map(|order| self.ordering(scope, order)).collect()
    }

    /// Arguments of a function, stars expanded where a function takes them.
    fn arguments(
        &mut self,
        scope: &Scope,
        function: &str,
        arguments: &[Expression],
        distinct: bool,
    ) -> Result<Vec<TypedExpr>> {
        let mut resolved = Vec::new();
        for argument in arguments {
            let parsed = match argument.unlocated() {
                Expression::Sql(text) if text.trim() == "*" => {
                    Some(crate::sql::parse_expression(text)?)
                }
                _ => None,
            };
            let argument = parsed.as_ref().unwrap_or(argument);
            match argument.unlocated() {
                Expression::Lambda { .. } => {
                    let error = SparkError::lambda_of_plain_function(function);
                    return Err(error.at(self.origin.as_ref()));
                }
                Expression::SortOrder(_) if functions::ORDERED_WITHIN_GROUP.contains(&function) => {
                }
                Expression::Star { target: None, .. }
                    if function == "count" && !distinct && arguments.len() == 1 =>
                {
                    let mut one = typed_literal(&Literal::Integer(1), self.context.time_zone)?;
                    one.name = "1".to_owned();
                    resolved.push(one);
                }
                Expression::Star {
                    target: Some(_), ..
                } if function == "count" && arguments.len() == 1 => {
                    return Err(SparkError::star_with_table_in_count());
                }
                Expression::Star { target, plan_id } => {
                    resolved.extend(self.expand_star(scope, target.as_deref(), *plan_id)?);
                }
                _ => resolved.push(self.expression(scope, argument)?),
            }
        }
        Ok(resolved)
    }

    /// A call over arguments that are already resolved.
    pub(crate) fn call_function(
        &mut self,
        scope: &Scope,
        name: &str,
        arguments: Vec<TypedExpr>,
    ) -> Result<TypedExpr> {
        let function = functions::find(name).ok_or_else(|| SparkError::unresolved_routine(name))?;
        let mut call = FunctionCall {
            analyzer: self,
            scope,
            name: name.to_owned(),
            title: None,
            arguments,
            raw: &[],
            distinct: false,
            filter: None,
            order: Vec::new(),
        };
        match call.resolve(function)? {
            Resolved::Value(value) => Ok(value),
            Resolved::Rows(rows) => Err(SparkError::nested_generator(&rows.name)),
        }
    }
}
