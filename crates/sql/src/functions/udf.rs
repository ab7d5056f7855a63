//! Our functions as DataFusion sees them.
//!
//! Always true: a [`SparkFunction`] has its types settled when it is made and accepts its arguments as they are, so
//! nothing is coerced behind our back; an error that it raises is a [`SparkError`](crate::error::SparkError) that knows
//! where the user wrote it.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef};
use datafusion::common::{Result as EngineResult, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::invocation::{Argument, Invocation};
use crate::context::Context;
use crate::error::Result;
use crate::ir::{DataType, Origin};
use crate::types::{INTERNAL_TIME_ZONE, coercion::as_nullable, to_arrow};

/// What computes a function's result for a batch.
pub(crate) type Kernel = Arc<dyn Fn(&Invocation<'_>) -> Result<ArrayRef> + Send + Sync>;

/// Makes a kernel that leaves the fields null which are not among these.
pub(crate) type Narrow = Arc<dyn Fn(&BTreeSet<usize>) -> Kernel + Send + Sync>;

/// The Arrow type of a Spark type inside the engine: containers may always hold nulls.
pub(crate) fn internal_arrow(data_type: &DataType) -> ArrowType {
    to_arrow(&as_nullable(data_type), INTERNAL_TIME_ZONE)
}

/// A function with everything about it settled.
pub(crate) struct SparkFunction {
    name: String,
    /// Parameters that are part of the kernel: two functions of the same name and key compute the same.
    key: String,
    kernel: Kernel,
    types: Vec<DataType>,
    result: DataType,
    arrow: ArrowType,
    nullable: bool,
    signature: Signature,
    context: Arc<Context>,
    origin: Option<Arc<Origin>>,
    narrow: Option<Narrow>,
    field_taken: Option<usize>,
}

/// A function under construction.
pub(crate) struct FunctionBuilder {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) kernel: Kernel,
    pub(crate) types: Vec<DataType>,
    pub(crate) result: DataType,
    pub(crate) nullable: bool,
    pub(crate) volatility: Volatility,
    pub(crate) context: Arc<Context>,
    pub(crate) origin: Option<Arc<Origin>>,
    /// How a function that makes structs makes some of their fields only.
    pub(crate) narrow: Option<Narrow>,
    /// The field of its struct that a function takes.
    pub(crate) field_taken: Option<usize>,
}

impl FunctionBuilder {
    pub(crate) fn call(self, arguments: Vec<Expr>) -> Expr {
        let signature = if arguments.is_empty() {
            Signature::nullary(self.volatility)
        } else {
            Signature::variadic_any(self.volatility)
        };
        let function = SparkFunction {
            arrow: internal_arrow(&self.result),
            name: self.name,
            key: self.key,
            kernel: self.kernel,
            types: self.types,
            result: self.result,
            nullable: self.nullable,
            signature,
            context: self.context,
            origin: self.origin,
            narrow: self.narrow,
            field_taken: self.field_taken,
        };
        ScalarUDF::new_from_impl(function).call(arguments)
    }
}

impl SparkFunction {
    /// What makes two calls the same. Where they were written is no part of it: `GROUP BY f(x)` and `SELECT f(x)` are
    /// one expression.
    fn identity(&self) -> (&str, &str, &[DataType], &DataType, &Context) {
        (
            &self.name,
            &self.key,
            &self.types,
            &self.result,
            &self.context,
        )
    }

    pub(crate) fn can_narrow(&self) -> bool {
        self.narrow.is_some()
    }

    /// The field that this function takes of its only argument, if that is what it does.
    pub(crate) fn field_taken(&self) -> Option<usize> {
        self.field_taken
    }

    /// The same function, whose structs hold these fields and otherwise nulls; nothing if it makes all or none.
    pub(crate) fn narrowed(&self, fields: &BTreeSet<usize>) -> Option<Self> {
        let kernel = self.narrow.as_ref()?(fields);
        Some(Self {
            name: self.name.clone(),
            key: format!("{} only {fields:?}", self.key),
            kernel,
            types: self.types.clone(),
            result: self.result.clone(),
            arrow: self.arrow.clone(),
            nullable: self.nullable,
            signature: self.signature.clone(),
            context: Arc::clone(&self.context),
            origin: self.origin.clone(),
            narrow: None,
            field_taken: None,
        })
    }

    fn run(&self, arguments: Vec<Argument>, rows: usize) -> Result<ArrayRef> {
        let invocation = Invocation {
            arguments,
            rows,
            types: &self.types,
            result: &self.result,
            return_type: &self.arrow,
            context: &self.context,
        };
        let array = (self.kernel)(&invocation).map_err(|error| error.at(self.origin.as_ref()))?;
        Ok(crate::execution::reshape(&array, &self.arrow)?)
    }
}

impl PartialEq for SparkFunction {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for SparkFunction {}

impl Hash for SparkFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.key.hash(state);
        self.result.hash(state);
    }
}

impl fmt::Debug for SparkFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.name, self.key)
    }
}

impl ScalarUDFImpl for SparkFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[ArrowType]) -> EngineResult<ArrowType> {
        Ok(self.arrow.clone())
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs<'_>) -> EngineResult<FieldRef> {
        Ok(Arc::new(Field::new(
            &self.name,
            self.arrow.clone(),
            self.nullable,
        )))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let all_constant = !call.args.is_empty()
            && call
                .args
                .iter()
                .all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let rows = if all_constant && self.signature.volatility == Volatility::Immutable {
            1
        } else {
            call.number_rows
        };
        let arguments = call
            .args
            .into_iter()
            .map(argument)
            .collect::<EngineResult<Vec<_>>>()?;
        let array = self.run(arguments, rows)?;
        if rows == 1 && call.number_rows != 1 {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &array, 0,
            )?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

fn argument(value: ColumnarValue) -> EngineResult<Argument> {
    Ok(match value {
        ColumnarValue::Array(array) => Argument {
            array,
            is_constant: false,
        },
        ColumnarValue::Scalar(scalar) => Argument {
            array: scalar.to_array()?,
            is_constant: true,
        },
    })
}
