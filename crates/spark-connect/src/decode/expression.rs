//! Expressions.

use std::sync::Arc;

use fleuve_sql::ir;
use fleuve_sql::ir::{
    EvalMode, Expression, ExternalFunction, FrameBoundary, FrameUnits, Origin, SubqueryKind,
};

use super::data_type::data_type;
use super::identifier;
use super::literal::literal;
use super::{Decoder, Result, required};
use crate::failure::Failure;
use crate::language;
use crate::messages::expression::window::window_frame;
use crate::messages::expression::{self, ExprType, cast, sort_order};
use crate::messages::subquery_expression::SubqueryType;
use crate::messages::{self, Nested, common_inline_user_defined_function as udf};
use crate::refusal::refused;

impl Decoder<'_> {
    pub(super) fn expressions(
        &self,
        messages: Vec<Nested<messages::Expression>>,
    ) -> Result<Vec<Expression>> {
        messages
            .into_iter()
            .map(|message| self.expression(message.into_inner()))
            .collect()
    }

    pub(super) fn required_expression(
        &self,
        message: Option<Nested<messages::Expression>>,
        of: &str,
        field: &str,
    ) -> Result<Expression> {
        self.expression(required(message, of, field)?.into_inner())
    }

    fn boxed(
        &self,
        message: Option<Nested<messages::Expression>>,
        of: &str,
        field: &str,
    ) -> Result<Box<Expression>> {
        self.required_expression(message, of, field).map(Box::new)
    }

    pub(super) fn expression(&self, message: messages::Expression) -> Result<Expression> {
        let origin = message
            .common
            .and_then(|common| common.origin)
            .and_then(origin);
        let expr_type = message
            .expr_type
            .ok_or_else(|| Failure::not_set("spark.connect.Expression", "expr_type"))?;
        let child = self.expression_of(expr_type)?;
        Ok(match origin {
            Some(origin) => Expression::Located {
                child: Box::new(child),
                origin: Arc::new(origin),
            },
            None => child,
        })
    }

    fn expression_of(&self, expr_type: ExprType) -> Result<Expression> {
        Ok(match expr_type {
            ExprType::Literal(message) => Expression::Literal(literal(message.into_inner())?),
            ExprType::UnresolvedAttribute(attribute) => Expression::Attribute {
                parts: identifier::parts(&attribute.unparsed_identifier)?,
                plan_id: attribute.plan_id,
                is_metadata_column: attribute.is_metadata_column.unwrap_or(false),
            },
            ExprType::UnresolvedFunction(function) => self.function(function)?,
            ExprType::ExpressionString(text) => Expression::Sql(text.expression),
            ExprType::UnresolvedStar(star) => star_of(star)?,
            ExprType::UnresolvedRegex(regex) => Expression::Regex {
                pattern: regex.col_name,
                plan_id: regex.plan_id,
            },
            ExprType::Alias(alias) => self.alias(alias)?,
            ExprType::Cast(cast) => self.cast(cast)?,
            ExprType::SortOrder(order) => Expression::SortOrder(Box::new(self.sort_order(order)?)),
            ExprType::LambdaFunction(lambda) => self.lambda(lambda)?,
            ExprType::UnresolvedNamedLambdaVariable(variable) => {
                Expression::LambdaVariable(lambda_variable(variable)?)
            }
            ExprType::Window(window) => self.window(window)?,
            ExprType::UnresolvedExtractValue(extract) => Expression::ExtractValue {
                child: self.boxed(extract.child, "Expression.UnresolvedExtractValue", "child")?,
                extraction: self.boxed(
                    extract.extraction,
                    "Expression.UnresolvedExtractValue",
                    "extraction",
                )?,
            },
            ExprType::UpdateFields(update) => self.update_fields(update)?,
            ExprType::CommonInlineUserDefinedFunction(function) => {
                Expression::External(Arc::new(self.external_function(function)?))
            }
            ExprType::CallFunction(call) => Expression::CallFunction {
                name: identifier::parts(&call.function_name)?,
                arguments: self.expressions(call.arguments)?,
            },
            ExprType::NamedArgumentExpression(argument) => Expression::NamedArgument {
                name: argument.key,
                value: self.boxed(argument.value, "NamedArgumentExpression", "value")?,
            },
            ExprType::SubqueryExpression(subquery) => self.subquery(subquery)?,
            ExprType::MergeAction(_) => {
                return Err(refused("Expression", "merge_action"));
            }
            ExprType::TypedAggregateExpression(_) => {
                return Err(refused("Expression", "typed_aggregate_expression"));
            }
            ExprType::DirectShufflePartitionId(_) => {
                return Err(refused("Expression", "direct_shuffle_partition_id"));
            }
            ExprType::Extension(any) => return Err(no_handler(&any)),
        })
    }

    fn function(&self, function: expression::UnresolvedFunction) -> Result<Expression> {
        let name = match function.is_user_defined_function {
            true => identifier::parts(&function.function_name)?,
            false => vec![function.function_name],
        };
        Ok(Expression::Function {
            name,
            arguments: self.expressions(function.arguments)?,
            distinct: function.is_distinct,
            filter: None,
            user_defined: function.is_user_defined_function,
            internal: function.is_internal.unwrap_or(false),
        })
    }

    fn alias(&self, alias: expression::Alias) -> Result<Expression> {
        Ok(Expression::Alias {
            child: self.boxed(alias.expr, "Expression.Alias", "expr")?,
            names: alias.name,
            metadata: alias.metadata,
        })
    }

    /// The parts of an alias that names one column.
    pub(super) fn column_alias(
        &self,
        alias: expression::Alias,
    ) -> Result<(String, Expression, Option<String>)> {
        let name = match <[String; 1]>::try_from(alias.name) {
            Ok([name]) => name,
            Err(_) => {
                return Err(Failure::empty_field(
                    "spark.connect.Expression.Alias",
                    "name",
                ));
            }
        };
        Ok((
            name,
            self.required_expression(alias.expr, "Expression.Alias", "expr")?,
            alias.metadata,
        ))
    }

    fn cast(&self, message: expression::Cast) -> Result<Expression> {
        let to = match required(message.cast_to_type, "Expression.Cast", "cast_to_type")? {
            cast::CastToType::Type(message) => data_type(message.into_inner())?,
            cast::CastToType::TypeStr(text) => language::parse_data_type(&text)?,
        };
        let mode = match cast::EvalMode::try_from(message.eval_mode) {
            Ok(cast::EvalMode::Unspecified) => EvalMode::Session,
            Ok(cast::EvalMode::Legacy) => EvalMode::Legacy,
            Ok(cast::EvalMode::Ansi) => EvalMode::Ansi,
            Ok(cast::EvalMode::Try) => EvalMode::Try,
            Err(_) => {
                return Err(Failure::invalid_enum(
                    "spark.connect.Expression.Cast.EvalMode",
                    message.eval_mode,
                ));
            }
        };
        Ok(Expression::Cast {
            child: self.boxed(message.expr, "Expression.Cast", "expr")?,
            to,
            mode,
        })
    }

    pub(super) fn sort_order(&self, order: expression::SortOrder) -> Result<ir::SortOrder> {
        let direction = match sort_order::SortDirection::try_from(order.direction) {
            Ok(sort_order::SortDirection::Descending) => ir::SortDirection::Descending,
            Ok(_) => ir::SortDirection::Ascending,
            Err(_) => {
                return Err(Failure::invalid_enum(
                    "spark.connect.Expression.SortOrder",
                    order.direction,
                ));
            }
        };
        let nulls = match sort_order::NullOrdering::try_from(order.null_ordering) {
            Ok(sort_order::NullOrdering::Unspecified) => None,
            Ok(sort_order::NullOrdering::First) => Some(ir::NullOrdering::First),
            Ok(sort_order::NullOrdering::Last) => Some(ir::NullOrdering::Last),
            Err(_) => {
                return Err(Failure::invalid_enum(
                    "spark.connect.Expression.SortOrder",
                    order.null_ordering,
                ));
            }
        };
        let child = self.required_expression(order.child, "Expression.SortOrder", "child")?;
        Ok(ir::SortOrder {
            child,
            direction,
            nulls,
        })
    }

    pub(super) fn sort_orders(
        &self,
        orders: Vec<expression::SortOrder>,
    ) -> Result<Vec<ir::SortOrder>> {
        orders
            .into_iter()
            .map(|order| self.sort_order(order))
            .collect()
    }

    fn lambda(&self, lambda: expression::LambdaFunction) -> Result<Expression> {
        Ok(Expression::Lambda {
            body: self.boxed(lambda.function, "Expression.LambdaFunction", "function")?,
            arguments: lambda
                .arguments
                .into_iter()
                .map(lambda_variable)
                .collect::<Result<_>>()?,
        })
    }

    fn window(&self, window: expression::Window) -> Result<Expression> {
        Ok(Expression::Window {
            function: self.boxed(
                window.window_function,
                "Expression.Window",
                "window_function",
            )?,
            partition_by: self.expressions(window.partition_spec)?,
            order_by: self.sort_orders(window.order_spec)?,
            frame: window
                .frame_spec
                .map(|frame| self.frame(frame))
                .transpose()?,
        })
    }

    fn frame(&self, frame: expression::window::WindowFrame) -> Result<ir::WindowFrame> {
        let units = match window_frame::FrameType::try_from(frame.frame_type) {
            Ok(window_frame::FrameType::Row) => FrameUnits::Rows,
            Ok(window_frame::FrameType::Range) => FrameUnits::Range,
            _ => {
                return Err(Failure::invalid_enum(
                    "spark.connect.Expression.Window.WindowFrame",
                    frame.frame_type,
                ));
            }
        };
        let lower = required(frame.lower, "Expression.Window.WindowFrame", "lower")?;
        let upper = required(frame.upper, "Expression.Window.WindowFrame", "upper")?;
        Ok(ir::WindowFrame {
            units,
            lower: self.boundary(lower, FrameBoundary::UnboundedPreceding)?,
            upper: self.boundary(upper, FrameBoundary::UnboundedFollowing)?,
        })
    }

    fn boundary(
        &self,
        boundary: window_frame::FrameBoundary,
        unbounded: FrameBoundary,
    ) -> Result<FrameBoundary> {
        use window_frame::frame_boundary::Boundary;
        Ok(
            match required(
                boundary.boundary,
                "Expression.Window.WindowFrame.FrameBoundary",
                "boundary",
            )? {
                Boundary::CurrentRow(_) => FrameBoundary::CurrentRow,
                Boundary::Unbounded(_) => unbounded,
                Boundary::Value(offset) => {
                    FrameBoundary::Offset(Box::new(self.expression(offset.into_inner())?))
                }
            },
        )
    }

    fn update_fields(&self, update: expression::UpdateFields) -> Result<Expression> {
        Ok(Expression::UpdateField {
            structure: self.boxed(
                update.struct_expression,
                "Expression.UpdateFields",
                "struct_expression",
            )?,
            field: update.field_name,
            value: update
                .value_expression
                .map(|value| self.expression(value.into_inner()).map(Box::new))
                .transpose()?,
        })
    }

    pub(super) fn external_function(
        &self,
        message: messages::CommonInlineUserDefinedFunction,
    ) -> Result<ExternalFunction> {
        let body = required(
            message.function,
            "CommonInlineUserDefinedFunction",
            "function",
        )?;
        let mut function = external_body(body)?;
        function.name = message.function_name;
        function.deterministic = message.deterministic;
        function.arguments = self.expressions(message.arguments)?;
        Ok(function)
    }

    fn subquery(&self, message: messages::SubqueryExpression) -> Result<Expression> {
        let kind = match SubqueryType::try_from(message.subquery_type) {
            Ok(SubqueryType::Scalar) => SubqueryKind::Scalar,
            Ok(SubqueryType::Exists) => SubqueryKind::Exists,
            Ok(SubqueryType::In) => SubqueryKind::In {
                values: self.expressions(message.in_subquery_values)?,
                negated: false,
            },
            Ok(SubqueryType::TableArg) => SubqueryKind::TableArgument,
            _ => {
                return Err(Failure::invalid_enum(
                    "spark.connect.SubqueryExpression",
                    message.subquery_type,
                ));
            }
        };
        let relation = self
            .references
            .borrow()
            .get(&message.plan_id)
            .cloned()
            .ok_or_else(|| {
                Failure::of(
                    "CONNECT_INVALID_PLAN.ASSERTION_FAILURE",
                    &[(
                        "message",
                        &format!(
                            "The subquery's plan {} is not among the references.",
                            message.plan_id
                        ),
                    )],
                )
            })?;
        Ok(Expression::Subquery {
            kind,
            relation: Box::new(relation),
            plan_id: Some(message.plan_id),
        })
    }
}

fn star_of(star: expression::UnresolvedStar) -> Result<Expression> {
    let target = match star.unparsed_target {
        Some(target) => {
            let name = target.strip_suffix(".*").ok_or_else(|| {
                Failure::of(
                    "CONNECT_INVALID_PLAN.ASSERTION_FAILURE",
                    &[(
                        "message",
                        &format!("A star's target ends with '.*', but got {target}."),
                    )],
                )
            })?;
            Some(identifier::parts(name)?)
        }
        None => None,
    };
    Ok(Expression::Star {
        target,
        plan_id: star.plan_id,
    })
}

fn lambda_variable(variable: expression::UnresolvedNamedLambdaVariable) -> Result<String> {
    match variable.name_parts.as_slice() {
        [] => Err(Failure::empty_field(
            "spark.connect.Expression.UnresolvedNamedLambdaVariable",
            "name_parts",
        )),
        parts => Ok(parts.join(".")),
    }
}

fn external_body(body: udf::Function) -> Result<ExternalFunction> {
    let mut function = ExternalFunction {
        name: String::new(),
        deterministic: true,
        arguments: Vec::new(),
        language: "python",
        output: None,
        inputs: Vec::new(),
        eval_type: 0,
        payload: Vec::new(),
        language_version: String::new(),
    };
    match body {
        udf::Function::PythonUdf(python) => {
            function.output = python
                .output_type
                .map(|output| data_type(output.into_inner()))
                .transpose()?;
            function.eval_type = python.eval_type;
            function.payload = python.command.to_vec();
            function.language_version = python.python_ver;
        }
        udf::Function::ScalarScalaUdf(scala) => {
            function.language = "scala";
            function.payload = scala.payload.to_vec();
            function.output = scala
                .output_type
                .map(|output| data_type(output.into_inner()))
                .transpose()?;
            function.inputs = scala
                .input_types
                .into_iter()
                .map(|input| data_type(input.into_inner()))
                .collect::<Result<_>>()?;
        }
        udf::Function::JavaUdf(java) => {
            function.language = "java";
            function.output = java
                .output_type
                .map(|output| data_type(output.into_inner()))
                .transpose()?;
            function.payload = java.class_name.into_bytes();
        }
    }
    Ok(function)
}

pub(super) fn python_function(python: messages::PythonUdf) -> Result<ExternalFunction> {
    external_body(udf::Function::PythonUdf(python))
}

pub(super) fn scala_function(scala: messages::ScalarScalaUdf) -> Result<ExternalFunction> {
    external_body(udf::Function::ScalarScalaUdf(scala))
}

pub(super) fn no_handler(any: &messages::Any) -> Failure {
    Failure::of(
        "CONNECT_INVALID_PLAN.NO_HANDLER_FOR_EXTENSION",
        &[("extensionTypeUrl", &any.type_url)],
    )
}

/// Where the client's program made an expression.
fn origin(message: messages::Origin) -> Option<Origin> {
    match message.function? {
        messages::origin::Function::PythonOrigin(python) => Some(Origin {
            fragment: python.fragment.into(),
            call_site: python.call_site,
            sql_range: None,
        }),
        messages::origin::Function::JvmOrigin(jvm) => {
            let call = jvm.stack_trace.first()?;
            let site = jvm.stack_trace.get(1).unwrap_or(call);
            let file = site.file_name.as_deref().unwrap_or("");
            Some(Origin {
                fragment: call.method_name.clone().into(),
                call_site: format!(
                    "{}.{}({file}:{})",
                    site.declaring_class, site.method_name, site.line_number
                ),
                sql_range: None,
            })
        }
    }
}
