//! Expressions whose type is known.

use std::sync::Arc;

use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, Volatility};

use crate::context::Context;
use crate::functions::udf::{FunctionBuilder, Kernel};
use crate::ir::{DataType, Origin};

/// A column of a relation. Two attributes are the same column if and only if their ids are equal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) nullable: bool,
    /// What may stand before the name: `[table]`, `[database, table]`.
    pub(crate) qualifier: Vec<String>,
    pub(crate) metadata: Option<String>,
}

impl Attribute {
    /// The name of the column inside the plan.
    pub(crate) fn column_name(&self) -> String {
        format!("{}#{}", self.name, self.id)
    }

    pub(crate) fn column(&self) -> Column {
        Column::new_unqualified(self.column_name())
    }

    pub(crate) fn typed(&self) -> TypedExpr {
        TypedExpr {
            expr: Expr::Column(self.column()),
            data_type: self.data_type.clone(),
            nullable: self.nullable,
            name: self.name.clone(),
            named: Some(self.name.clone()),
            automatic: None,
            attribute: Some(Arc::new(self.clone())),
            metadata: self.metadata.clone(),
            generated_name: false,
            null_elements: None,
        }
    }
}

/// A typed expression and the names it goes by.
#[derive(Clone, Debug)]
pub(crate) struct TypedExpr {
    pub(crate) expr: Expr,
    pub(crate) data_type: DataType,
    pub(crate) nullable: bool,
    /// As Spark writes the expression in a column name or an error.
    pub(crate) name: String,
    /// The name it was given, if it is an attribute or has an alias.
    pub(crate) named: Option<String>,
    /// The name of its column if it has no alias and the expression's own text is not it.
    pub(crate) automatic: Option<String>,
    /// The attribute that it is, and nothing more.
    pub(crate) attribute: Option<Arc<Attribute>>,
    pub(crate) metadata: Option<String>,
    /// True if its column's name was made up from its text.
    pub(crate) generated_name: bool,
    /// Of an array that a call of `array` makes: which of its elements may be null.
    pub(crate) null_elements: Option<Arc<[bool]>>,
}

impl TypedExpr {
    pub(crate) fn new(
        expr: Expr,
        data_type: DataType,
        nullable: bool,
        name: impl Into<String>,
    ) -> Self {
        Self {
            expr,
            data_type,
            nullable,
            name: name.into(),
            named: None,
            automatic: None,
            attribute: None,
            metadata: None,
            generated_name: false,
            null_elements: None,
        }
    }

    /// Another expression over this one, under the same text: an implicit conversion.
    pub(crate) fn replaced(&self, expr: Expr, data_type: DataType, nullable: bool) -> Self {
        Self {
            expr,
            data_type,
            nullable,
            attribute: None,
            ..self.clone()
        }
    }

    pub(crate) fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self.named = None;
        self.automatic = None;
        self
    }

    /// The name of the column that this expression becomes.
    pub(crate) fn column_name(&self) -> &str {
        self.named
            .as_deref()
            .or(self.automatic.as_deref())
            .unwrap_or(&self.name)
    }

    /// The value, if it is a constant.
    pub(crate) fn constant(&self) -> Option<&ScalarValue> {
        match &self.expr {
            Expr::Literal(value, _) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn constant_string(&self) -> Option<&str> {
        match self.constant()? {
            ScalarValue::Utf8(value) => value.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn constant_integer(&self) -> Option<i64> {
        match self.constant()? {
            ScalarValue::Int8(value) => value.map(i64::from),
            ScalarValue::Int16(value) => value.map(i64::from),
            ScalarValue::Int32(value) => value.map(i64::from),
            ScalarValue::Int64(value) => *value,
            _ => None,
        }
    }

    /// True if no row is needed to know the value.
    pub(crate) fn is_foldable(&self) -> bool {
        !self.expr.any_column_refs() && !self.expr.is_volatile() && !has_aggregate(&self.expr)
    }
}

fn has_aggregate(expr: &Expr) -> bool {
    use datafusion::common::tree_node::TreeNode;
    expr.exists(|e| {
        Ok(matches!(
            e,
            Expr::AggregateFunction(_) | Expr::WindowFunction(_)
        ))
    })
    .unwrap_or(false)
}

/// Everything that making a function call needs besides its arguments.
pub(crate) struct Maker {
    pub(crate) context: Arc<Context>,
    pub(crate) origin: Option<Arc<Origin>>,
}

impl Maker {
    /// A call of `kernel` over `arguments` that yields `result`.
    pub(crate) fn call(
        &self,
        name: &str,
        key: impl Into<String>,
        kernel: Kernel,
        arguments: &[TypedExpr],
        result: DataType,
        nullable: bool,
    ) -> Expr {
        self.function(name, key, kernel, arguments, result, nullable)
            .call(arguments.iter().map(|a| a.expr.clone()).collect())
    }

    /// The same, before it is called.
    pub(crate) fn function(
        &self,
        name: &str,
        key: impl Into<String>,
        kernel: Kernel,
        arguments: &[TypedExpr],
        result: DataType,
        nullable: bool,
    ) -> FunctionBuilder {
        FunctionBuilder {
            name: name.to_owned(),
            key: key.into(),
            kernel,
            types: arguments.iter().map(|a| a.data_type.clone()).collect(),
            result,
            nullable,
            volatility: Volatility::Immutable,
            context: self.context.clone(),
            origin: self.origin.clone(),
            narrow: None,
            field_taken: None,
        }
    }

    #[allow(clippy::too_many_arguments)]
    pub(crate) fn call_with(
        &self,
        name: &str,
        key: impl Into<String>,
        kernel: Kernel,
        arguments: &[TypedExpr],
        result: DataType,
        nullable: bool,
        volatility: Volatility,
    ) -> Expr {
        FunctionBuilder {
            volatility,
            ..self.function(name, key, kernel, arguments, result, nullable)
        }
        .call(arguments.iter().map(|a| a.expr.clone()).collect())
    }
}
