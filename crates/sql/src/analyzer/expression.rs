//! Expressions: from names and texts to types, and from select lists to what they yield.
//!
//! Columns by name are in `column`, stars in `star`, calls of functions in `function_call`. Start at
//! [`Analyzer::expression`].

use datafusion::logical_expr::Expr;

use super::literal::typed_literal;
use super::scope::Scope;
use super::{Analyzer, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::{self, Generator};
use crate::ir::{DataType, EvalMode, Expression, Literal, SubqueryKind};
use crate::types::sql_name;

/// One thing that a select list yields.
pub(crate) enum Selected {
    Value(TypedExpr),
    /// A generator with the names that its columns were given, if any.
    Rows(Generator, Vec<String>),
}

impl Analyzer {
    /// Resolves an expression that yields one value a row.
    pub(crate) fn expression(
        &mut self,
        scope: &Scope,
        expression: &Expression,
    ) -> Result<TypedExpr> {
        match self.select_item(scope, expression)? {
            Selected::Value(value) => Ok(value),
            Selected::Rows(generator, _) => Err(SparkError::nested_generator(&generator.name)),
        }
    }

    pub(crate) fn expressions(
        &mut self,
        scope: &Scope,
        list: &[Expression],
    ) -> Result<Vec<TypedExpr>> {
        list.iter().map(|e| self.expression(scope, e)).collect()
    }

    /// Resolves a select list, stars expanded.
    pub(crate) fn select_list(
        &mut self,
        scope: &Scope,
        list: &[Expression],
    ) -> Result<Vec<Selected>> {
        let outer = std::mem::take(&mut self.aliases);
        let selected = self.select_items(scope, list);
        self.aliases = outer;
        selected
    }

    fn select_items(&mut self, scope: &Scope, list: &[Expression]) -> Result<Vec<Selected>> {
        let mut selected = Vec::new();
        for expression in list {
            match expression.unlocated() {
                Expression::Star { target, plan_id } => {
                    let columns = self.expand_star(scope, target.as_deref(), *plan_id)?;
                    selected.extend(columns.into_iter().map(Selected::Value));
                }
                Expression::Regex { pattern, .. } => {
                    let columns = self.expand_regex(scope, pattern)?;
                    selected.extend(columns.into_iter().map(Selected::Value));
                }
                Expression::Sql(text) => {
                    let parsed = crate::sql::parse_select_items(text)?;
                    selected.extend(self.select_items(scope, &parsed)?);
                }
                Expression::StarExcept { target, except } => {
                    let columns = self.expand_star_except(scope, target.as_deref(), except)?;
                    selected.extend(columns.into_iter().map(Selected::Value));
                }
                Expression::Alias { names, .. } => {
                    let item = self.select_item(scope, expression)?;
                    if let (Selected::Value(value), [name]) = (&item, names.as_slice()) {
                        self.aliases.push((name.clone(), value.clone()));
                    }
                    selected.push(item);
                }
                _ => selected.push(self.select_item(scope, expression)?),
            }
        }
        Ok(selected)
    }

    fn select_item(&mut self, scope: &Scope, expression: &Expression) -> Result<Selected> {
        self.enter()?;
        let item = self.select_item_at_depth(scope, expression);
        self.leave();
        item
    }

    fn select_item_at_depth(&mut self, scope: &Scope, expression: &Expression) -> Result<Selected> {
        let value = match expression {
            Expression::Located { child, origin } => {
                let outer = self.origin.replace(origin.clone());
                let inner = self
                    .select_item(scope, child)
                    .map_err(|e| e.at(Some(origin)));
                self.origin = outer;
                return inner;
            }
            Expression::Alias {
                child,
                names,
                metadata,
            } => {
                return self.alias(scope, child, names, metadata.as_deref());
            }
            Expression::Function {
                name,
                arguments,
                distinct,
                filter,
                ..
            } => {
                return self.function(scope, name, arguments, *distinct, filter.as_deref());
            }
            Expression::CallFunction { name, arguments } => {
                return self.function(scope, name, arguments, false, None);
            }
            Expression::Sql(text) => {
                let parsed = crate::sql::parse_expression(text)?;
                return self.select_item(scope, &parsed);
            }
            Expression::Literal(literal) => typed_literal(literal, self.context.time_zone)?,
            Expression::Attribute { parts, plan_id, .. } => {
                self.attribute(scope, parts, *plan_id)?
            }
            Expression::Star { .. } | Expression::StarExcept { .. } => {
                return Err(SparkError::invalid_star_usage("expression"));
            }
            Expression::Regex { pattern, .. } => {
                let mut columns = self.expand_regex(scope, pattern)?;
                match columns.len() {
                    1 => columns.remove(0),
                    _ => return Err(SparkError::invalid_star_usage("expression")),
                }
            }
            Expression::Cast { child, to, mode } => {
                let child = self.expression(scope, child)?;
                self.cast(child, to, *mode)?
            }
            Expression::SortOrder(order) => self.expression(scope, &order.child)?,
            Expression::Lambda { .. } => {
                return Err(SparkError::unsupported_expression(
                    "lambda function outside of a higher-order function",
                ));
            }
            Expression::LambdaVariable(name) => self.lambda_variable(name)?,
            Expression::Window {
                function,
                partition_by,
                order_by,
                frame,
            } => self.window(scope, function, partition_by, order_by, frame.as_ref())?,
            Expression::ExtractValue { child, extraction } => {
                self.extract(scope, child, extraction)?
            }
            Expression::UpdateField {
                structure,
                field,
                value,
            } => {
                let structure = self.expression(scope, structure)?;
                let value = value
                    .as_deref()
                    .map(|v| self.expression(scope, v))
                    .transpose()?;
                functions::FunctionCall::update_field(self, scope, structure, field, value)?
            }
            Expression::NamedArgument { value, .. } => self.expression(scope, value)?,
            Expression::Subquery {
                kind,
                relation,
                plan_id,
            } => match kind {
                SubqueryKind::TableArgument => {
                    return Err(SparkError::unsupported_expression("table argument"));
                }
                kind => self.subquery(scope, kind, relation, *plan_id)?,
            },
            Expression::External(function) => {
                return Err(SparkError::unsupported_feature(&format!(
                    "the {} function `{}`",
                    function.language, function.name
                )));
            }
        };
        Ok(Selected::Value(value))
    }

    fn alias(
        &mut self,
        scope: &Scope,
        child: &Expression,
        names: &[String],
        metadata: Option<&str>,
    ) -> Result<Selected> {
        match self.select_item(scope, child)? {
            Selected::Rows(generator, _) => {
                if names.len() != generator.columns.len() && !names.is_empty() {
                    return Err(SparkError::aliases_do_not_match(
                        names.len(),
                        generator.columns.len(),
                    ));
                }
                Ok(Selected::Rows(generator, names.to_vec()))
            }
            Selected::Value(mut value) => {
                let [name] = names else {
                    return Err(SparkError::aliases_do_not_match(names.len(), 1));
                };
                value.name = format!("{} AS {name}", value.name);
                value.named = Some(name.clone());
                value.attribute = None;
                value.generated_name = false;
                if let Some(metadata) = metadata {
                    value.metadata = Some(metadata.to_owned());
                }
                Ok(Selected::Value(value))
            }
        }
    }

    /// A condition: resolved, and checked to be a boolean.
    pub(crate) fn condition(
        &mut self,
        scope: &Scope,
        expression: &Expression,
    ) -> Result<TypedExpr> {
        let condition = self.expression(scope, expression)?;
        match condition.data_type {
            DataType::Boolean => Ok(condition),
            DataType::Null => self.cast_implicitly(condition, &DataType::Boolean),
            ref other => Err(
                SparkError::filter_not_boolean(&condition.name, &sql_name(other))
                    .at(self.origin.as_ref()),
            ),
        }
    }

    /// A literal's value when analysis itself needs it.
    pub(crate) fn literal(&mut self, literal: &Literal) -> Result<TypedExpr> {
        typed_literal(literal, self.context.time_zone)
    }

    /// `child` cast as a user would.
    pub(crate) fn cast_explicitly(&mut self, child: TypedExpr, to: &DataType) -> Result<TypedExpr> {
        self.cast(child, to, EvalMode::Session)
    }
}

/// True if the expression reads the aggregate of rows.
pub(crate) fn has_aggregate(expr: &Expr) -> bool {
    use datafusion::common::tree_node::TreeNode;
    expr.exists(|e| Ok(matches!(e, Expr::AggregateFunction(_))))
        .unwrap_or(false)
}

pub(crate) fn has_window(expr: &Expr) -> bool {
    use datafusion::common::tree_node::TreeNode;
    expr.exists(|e| Ok(matches!(e, Expr::WindowFunction(_))))
        .unwrap_or(false)
}
