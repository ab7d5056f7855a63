//! Expressions: from names and texts to types.

use datafusion::logical_expr::Expr;

use super::literal::typed_literal;
use super::scope::{Found, Scope, same_name};
use super::{Analyzer, Attribute, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::FunctionCall;
use crate::functions::{self, Generator, call::Resolved};
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
                    selected.extend(self.select_list(scope, &parsed)?);
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
            Expression::Star { .. } => return Err(SparkError::invalid_star_usage("expression")),
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

    fn extract(
        &mut self,
        scope: &Scope,
        child: &Expression,
        extraction: &Expression,
    ) -> Result<TypedExpr> {
        let base = self.expression(scope, child)?;
        let key = self.expression(scope, extraction)?;
        functions::FunctionCall::extract_value(self, base, key)
    }

    /// What `*` or `target.*` stands for.
    pub(crate) fn expand_star(
        &mut self,
        scope: &Scope,
        target: Option<&[String]>,
        plan_id: Option<i64>,
    ) -> Result<Vec<TypedExpr>> {
        if let Some(id) = plan_id
            && let Some(columns) = scope.columns_of_plan(id)
        {
            return Ok(columns.iter().map(Attribute::typed).collect());
        }
        let Some(target) = target else {
            return Ok(scope.columns.iter().map(Attribute::typed).collect());
        };
        let qualified: Vec<TypedExpr> = scope
            .columns
            .iter()
            .chain(&scope.hidden)
            .filter(|a| {
                a.qualifier.len() >= target.len()
                    && a.qualifier
                        .iter()
                        .rev()
                        .zip(target.iter().rev())
                        .all(|(a, b)| a.eq_ignore_ascii_case(b))
            })
            .map(Attribute::typed)
            .collect();
        if !qualified.is_empty() {
            return Ok(qualified);
        }
        let columns = scope
            .columns
            .iter()
            .map(|a| format!("`{}`", a.name))
            .collect::<Vec<_>>()
            .join(", ");
        let Some(found) = scope.resolve(target, self.context.case_sensitive)? else {
            return Err(SparkError::cannot_resolve_star(&target.join("."), &columns));
        };
        let base = self.descend(found)?;
        let DataType::Struct(fields) = base.data_type.clone() else {
            return Err(SparkError::cannot_resolve_star(&target.join("."), &columns));
        };
        let fields = fields.fields.iter().map(|field| {
            let mut value = self.extract_field(base.clone(), &field.name)?;
            value.named = Some(field.name.clone());
            Ok(value)
        });
        fields.collect()
    }

    fn expand_regex(&mut self, scope: &Scope, pattern: &str) -> Result<Vec<TypedExpr>> {
        let pattern = pattern.trim_matches('`');
        let regex = |pattern: &str| {
            regex::RegexBuilder::new(pattern)
                .case_insensitive(!self.context.case_sensitive)
                .build()
                .map_err(|error| SparkError::invalid_attribute_name(&error.to_string()))
        };
        let columns = scope.columns.iter();
        if let Some(excluded) = all_but(pattern) {
            let start = regex(&format!("^(?:{excluded})"))?;
            let is_more = |name: &str| match start.find(name) {
                Some(found) => found.end() < name.len(),
                None => !name.is_empty(),
            };
            let matching = columns.filter(|a| is_more(&a.name));
            return Ok(matching.map(Attribute::typed).collect());
        }
        let whole = regex(&format!("^(?:{pattern})$"))?;
        let matching = columns.filter(|a| whole.is_match(&a.name));
        Ok(matching.map(Attribute::typed).collect())
    }

    fn function(
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
        let is_higher_order = matches!(function.build, functions::Build::HigherOrder(_));
        let resolved = if is_higher_order {
            Vec::new()
        } else {
            self.arguments(scope, &lower, arguments)?
        };
        let filter = filter.map(|f| self.expression(scope, f)).transpose()?;
        let mut call = FunctionCall {
            analyzer: self,
            scope,
            name: lower,
            title: None,
            arguments: resolved,
            raw: arguments,
            distinct,
            filter,
        };
        let origin = call.analyzer.origin.clone();
        match call.resolve(function).map_err(|e| e.at(origin.as_ref()))? {
            Resolved::Value(value) => Ok(Selected::Value(value)),
            Resolved::Rows(rows) => Ok(Selected::Rows(rows, Vec::new())),
        }
    }

    /// Arguments of a function, stars expanded where a function takes them.
    fn arguments(
        &mut self,
        scope: &Scope,
        function: &str,
        arguments: &[Expression],
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
                Expression::Star { target: None, .. } if function == "count" => {
                    let mut one = typed_literal(&Literal::Integer(1), self.context.time_zone)?;
                    one.name = "1".to_owned();
                    resolved.push(one);
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
        };
        match call.resolve(function)? {
            Resolved::Value(value) => Ok(value),
            Resolved::Rows(rows) => Err(SparkError::nested_generator(&rows.name)),
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

/// What `(x)?+.+` leaves out. The possessive `?+` gives nothing back, which our regular expressions cannot say; this
/// idiom for "all columns but these" is the one that is used.
fn all_but(pattern: &str) -> Option<&str> {
    let excluded = pattern.strip_prefix('(')?.strip_suffix(")?+.+")?;
    let nests = excluded.contains(['(', ')']);
    (!nests).then_some(excluded)
}
