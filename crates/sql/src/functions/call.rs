//! A call under analysis: what a function's entry works with.

use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion::logical_expr::Expr;

use super::arguments::{Arg, implicitly_castable, ordinal};
use super::{Build, Function, Invocation};
use crate::analyzer::{Analyzer, Maker, Ordering, Scope, TypedExpr};
use crate::error::{Result, SparkError};
use crate::functions::udf::Kernel;
use crate::ir::{DataType, Expression, StructType};
use crate::types::{coercion, sql_name};

/// A function call whose arguments are known.
pub(crate) struct FunctionCall<'a> {
    pub(crate) analyzer: &'a mut Analyzer,
    pub(crate) scope: &'a Scope,
    /// As the user wrote it, in lower case.
    pub(crate) name: String,
    /// What stands for the name in the result's column, if not the name itself.
    pub(crate) title: Option<&'static str>,
    pub(crate) arguments: Vec<TypedExpr>,
    /// The arguments as they came, for those that resolve lambdas themselves.
    pub(crate) raw: &'a [Expression],
    pub(crate) distinct: bool,
    pub(crate) filter: Option<TypedExpr>,
    /// What `WITHIN GROUP` orders a group's rows by.
    pub(crate) order: Vec<Ordering>,
}

/// A call that yields several rows: an array of structs, one struct a row.
pub(crate) struct Generator {
    pub(crate) rows: TypedExpr,
    /// The columns of the result, in the order of the struct's fields.
    pub(crate) columns: StructType,
    /// True if an empty or null array still gives one row of nulls.
    pub(crate) outer: bool,
    pub(crate) name: String,
}

/// What a call turned out to be.
pub(crate) enum Resolved {
    Value(TypedExpr),
    Rows(Generator),
}

impl<'a> FunctionCall<'a> {
    /// Resolves the call by its function's entry.
    pub(crate) fn resolve(&mut self, function: &Function) -> Result<Resolved> {
        self.title = function.title;
        self.add_defaults()?;
        Ok(match &function.build {
            Build::Scalar {
                arguments,
                required,
                returns,
                kernel,
            } => {
                let text = self.text();
                self.arity(*required, arguments.len())?;
                for (index, arg) in arguments.iter().enumerate().take(self.arguments.len()) {
                    self.convert(index, *arg)?;
                }
                let data_type = returns.data_type();
                let nullable = self.any_nullable() || self.may_be_null(function);
                Resolved::Value(
                    self.call(function.name, data_type, nullable, *kernel)
                        .with_name(text),
                )
            }
            Build::Custom(build) | Build::HigherOrder(build) => {
                let value = build(self)?;
                Resolved::Value(TypedExpr {
                    nullable: value.nullable || self.may_be_null(function),
                    ..value
                })
            }
            Build::Generator(build) => Resolved::Rows(build(self)?),
        })
    }

    /// True if the result may be null although no argument is.
    fn may_be_null(&self, function: &Function) -> bool {
        match function.nulls {
            super::Nulls::InOut => false,
            super::Nulls::Lenient => !self.analyzer.context.ansi,
            super::Nulls::Always => true,
        }
    }

    /// Fills in the last arguments that the user left out and whose values the column's name shows.
    fn add_defaults(&mut self) -> Result<()> {
        while let Some(default) = super::defaults::argument(&self.name, self.arguments.len()) {
            let default = self.analyzer.literal(&default)?;
            self.arguments.push(default);
        }
        Ok(())
    }

    pub(crate) fn maker(&self) -> Maker {
        self.analyzer.maker()
    }

    /// `name(arguments)`, the text of the call.
    pub(crate) fn text(&self) -> String {
        let arguments: Vec<&str> = self.arguments.iter().map(|a| a.name.as_str()).collect();
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let name = self.title.unwrap_or(&self.name);
        format!("{name}({distinct}{})", arguments.join(", "))
    }

    pub(crate) fn arity(&self, least: usize, most: usize) -> Result<()> {
        let count = self.arguments.len();
        if (least..=most).contains(&count) {
            return Ok(());
        }
        let expected = match (least, most) {
            (least, most) if least == most => least.to_string(),
            (least, usize::MAX) => format!("> {}", least.saturating_sub(1)),
            (least, most) => {
                let counts: Vec<String> = (least..=most).map(|n| n.to_string()).collect();
                format!("[{}]", counts.join(", "))
            }
        };
        Err(SparkError::wrong_number_of_arguments(
            &self.name, &expected, count,
        ))
    }

    /// Converts argument `index` to what `arg` asks for.
    pub(crate) fn convert(&mut self, index: usize, arg: Arg) -> Result<()> {
        let argument = &self.arguments[index];
        let target = arg
            .target(&argument.data_type)
            .ok_or_else(|| arg.mismatch(index, argument, &self.text()))?;
        self.arguments[index] = self.analyzer.cast_implicitly(argument.clone(), &target)?;
        Ok(())
    }

    /// Converts argument `index` to exactly `target`, if a function may do so unasked.
    pub(crate) fn convert_to(&mut self, index: usize, target: &DataType) -> Result<()> {
        let argument = self.arguments[index].clone();
        if !implicitly_castable(&argument.data_type, target)
            && !coercion::same_shape(&argument.data_type, target)
            && coercion::common_type(&argument.data_type, target).is_none()
        {
            return Err(self.unexpected_type(index, &format!("\"{}\"", sql_name(target))));
        }
        self.arguments[index] = self.analyzer.cast_implicitly(argument, target)?;
        Ok(())
    }

    /// Casts argument `index` to `target`, which the caller knows to be possible.
    pub(crate) fn cast_argument(&mut self, index: usize, target: &DataType) -> Result<()> {
        let argument = self.arguments[index].clone();
        self.arguments[index] = self.analyzer.cast_implicitly(argument, target)?;
        Ok(())
    }

    pub(crate) fn unexpected_type(&self, index: usize, required: &str) -> SparkError {
        let argument = &self.arguments[index];
        SparkError::unexpected_input_type(
            &self.text(),
            ordinal(index),
            required,
            &argument.name,
            &sql_name(&argument.data_type),
        )
    }

    /// Converts the arguments from `start` on to one type, which is returned.
    pub(crate) fn unify(&mut self, start: usize) -> Result<DataType> {
        let types: Vec<DataType> = self.arguments[start..]
            .iter()
            .map(|a| a.data_type.clone())
            .collect();
        let common = coercion::common_type_of(types.iter()).ok_or_else(|| {
            let types: Vec<String> = types.iter().map(sql_name).collect();
            SparkError::data_types_differ(&self.text(), &self.name, &types)
        })?;
        for argument in &mut self.arguments[start..] {
            *argument = self.analyzer.cast_implicitly(argument.clone(), &common)?;
        }
        Ok(common)
    }

    pub(crate) fn any_nullable(&self) -> bool {
        self.arguments.iter().any(|a| a.nullable)
    }

    /// A call of `kernel` over the arguments as they are now, under the text of this call.
    pub(crate) fn call(
        &self,
        function: &str,
        data_type: DataType,
        nullable: bool,
        kernel: fn(&Invocation<'_>) -> Result<ArrayRef>,
    ) -> TypedExpr {
        self.call_keyed(function, "", data_type, nullable, Arc::new(kernel))
    }

    /// The same with a kernel that has parameters; `key` tells different parameters apart.
    pub(crate) fn call_keyed(
        &self,
        function: &str,
        key: &str,
        data_type: DataType,
        nullable: bool,
        kernel: Kernel,
    ) -> TypedExpr {
        let expr = self.maker().call(
            function,
            key,
            kernel,
            &self.arguments,
            data_type.clone(),
            nullable,
        );
        TypedExpr::new(expr, data_type, nullable, self.text())
    }

    /// An expression of DataFusion's under the text of this call.
    pub(crate) fn value(&self, expr: Expr, data_type: DataType, nullable: bool) -> TypedExpr {
        TypedExpr::new(expr, data_type, nullable, self.text())
    }

    /// Another call over other arguments, its text included.
    pub(crate) fn apply(&mut self, name: &str, arguments: Vec<TypedExpr>) -> Result<TypedExpr> {
        self.analyzer.call_function(self.scope, name, arguments)
    }

    /// A constant string argument.
    pub(crate) fn constant_string(&self, index: usize, parameter: &str) -> Result<String> {
        let argument = &self.arguments[index];
        argument
            .constant_string()
            .map(str::to_owned)
            .ok_or_else(|| {
                SparkError::not_foldable(&self.name, parameter, "STRING", &argument.name)
            })
    }

    pub(crate) fn constant_integer(&self, index: usize, parameter: &str) -> Result<i64> {
        let argument = &self.arguments[index];
        argument
            .constant_integer()
            .ok_or_else(|| SparkError::not_foldable(&self.name, parameter, "INT", &argument.name))
    }
}
