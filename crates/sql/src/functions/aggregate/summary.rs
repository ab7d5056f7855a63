//! Aggregates that keep a few numbers of a group instead of its values: the shape of a
//! distribution, a product, an estimate of how many values are distinct.
//!
//! What a group takes does not grow with it, so a stream may keep it for ever. Start at
//! [`SummaryFunction`].

mod distinct_estimate;
mod higher_moments;

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};

pub(super) use distinct_estimate::Precision;
use distinct_estimate::Registers;
use higher_moments::HigherMoments;

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Summary {
    Skewness,
    Kurtosis,
    Product,
    /// Of hashes, which `xxhash64` gives.
    DistinctEstimate(Precision),
}

impl Summary {
    pub(super) fn function(self) -> Arc<AggregateUDF> {
        Arc::new(AggregateUDF::from(SummaryFunction::new(self)))
    }

    /// What it is of these values.
    pub(super) fn of_doubles(self, values: &[f64]) -> Option<f64> {
        let mut state = self.start();
        let values = values.iter().copied();
        values.for_each(|value| state.update(Value::Double(value)));
        match state.evaluate(self) {
            ScalarValue::Float64(value) => value,
            _ => None,
        }
    }

    fn argument(self) -> DataType {
        match self {
            Self::Skewness | Self::Kurtosis | Self::Product => DataType::Float64,
            Self::DistinctEstimate(_) => DataType::Int64,
        }
    }

    fn start(self) -> State {
        match self {
            Self::Skewness | Self::Kurtosis => State::Moments(HigherMoments::default()),
            Self::Product => State::Product(None),
            Self::DistinctEstimate(precision) => State::Registers(Registers::new(precision)),
        }
    }
}

/// A [`Summary`] as the engine's function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct SummaryFunction {
    summary: Summary,
    name: String,
    signature: Signature,
}

impl SummaryFunction {
    fn new(summary: Summary) -> Self {
        let name = match summary {
            Summary::Skewness => "skewness".to_owned(),
            Summary::Kurtosis => "kurtosis".to_owned(),
            Summary::Product => "product".to_owned(),
            Summary::DistinctEstimate(precision) => format!("distinct_estimate_{precision}"),
        };
        Self {
            summary,
            name,
            signature: Signature::exact(vec![summary.argument()], Volatility::Immutable),
        }
    }
}

impl AggregateUDFImpl for SummaryFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.summary.argument())
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Running {
            summary: self.summary,
            state: self.summary.start(),
        }))
    }

    fn create_sliding_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Sliding {
            summary: self.summary,
            values: VecDeque::new(),
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |name: &str, data_type: DataType| {
            Arc::new(Field::new(
                format_state_name(args.name, name),
                data_type,
                true,
            ))
        };
        Ok(match self.summary {
            Summary::Skewness | Summary::Kurtosis => ["n", "avg", "m2", "m3", "m4"]
                .map(|name| field(name, DataType::Float64))
                .to_vec(),
            Summary::Product => vec![field("product", DataType::Float64)],
            Summary::DistinctEstimate(_) => vec![field("registers", DataType::Binary)],
        })
    }
}

/// What is kept of a group.
#[derive(Debug)]
enum State {
    Moments(HigherMoments),
    Product(Option<f64>),
    Registers(Registers),
}

impl State {
    fn update(&mut self, value: Value) {
        match (self, value) {
            (Self::Moments(moments), Value::Double(value)) => moments.add(value),
            (Self::Product(product), Value::Double(value)) => {
                *product = Some(product.unwrap_or(1.0) * value);
            }
            (Self::Registers(registers), Value::Hash(hash)) => registers.add(hash),
            (Self::Moments(_) | Self::Product(_), Value::Hash(_))
            | (Self::Registers(_), Value::Double(_)) => {
                unreachable!("the values are of the type of the argument")
            }
        }
    }

    fn evaluate(&self, summary: Summary) -> ScalarValue {
        match self {
            Self::Moments(moments) => ScalarValue::Float64(match summary {
                Summary::Kurtosis => moments.kurtosis(),
                _ => moments.skewness(),
            }),
            Self::Product(product) => ScalarValue::Float64(*product),
            Self::Registers(registers) => ScalarValue::Int64(Some(registers.estimate())),
        }
    }
}

/// A value of a group.
#[derive(Debug, Clone, Copy)]
enum Value {
    Double(f64),
    Hash(i64),
}

/// The values that are there.
fn values_of(values: &[ArrayRef]) -> Result<Vec<Value>> {
    let [values] = values else {
        return internal_err!("a summary has one argument");
    };
    match values.data_type() {
        DataType::Float64 => {
            let values = values.as_primitive::<Float64Type>().iter().flatten();
            Ok(values.map(Value::Double).collect())
        }
        DataType::Int64 => {
            let values = values.as_primitive::<Int64Type>().iter().flatten();
            Ok(values.map(Value::Hash).collect())
        }
        other => internal_err!("a summary of {other}"),
    }
}

/// Follows a group as it grows.
#[derive(Debug)]
struct Running {
    summary: Summary,
    state: State,
}

impl Accumulator for Running {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values_of(values)? {
            self.state.update(value);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.state.evaluate(self.summary))
    }

    fn size(&self) -> usize {
        let held = match &self.state {
            State::Registers(registers) => registers.as_bytes().len(),
            State::Moments(_) | State::Product(_) => 0,
        };
        size_of_val(self) + held
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(match &self.state {
            State::Moments(moments) => moments
                .parts()
                .map(|part| ScalarValue::Float64(Some(part)))
                .to_vec(),
            State::Product(product) => vec![ScalarValue::Float64(*product)],
            State::Registers(registers) => {
                vec![ScalarValue::Binary(Some(registers.as_bytes().to_vec()))]
            }
        })
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        match &mut self.state {
            State::Moments(moments) => {
                let [n, avg, m2, m3, m4] = states else {
                    return internal_err!("moments are five columns");
                };
                let columns = [n, avg, m2, m3, m4].map(|part| part.as_primitive::<Float64Type>());
                for row in (0..n.len()).filter(|row| !columns[0].is_null(*row)) {
                    moments.merge(HigherMoments::from_parts(
                        columns.map(|part| part.value(row)),
                    ));
                }
            }
            State::Product(product) => {
                for part in states[0].as_primitive::<Float64Type>().iter().flatten() {
                    *product = Some(product.unwrap_or(1.0) * part);
                }
            }
            State::Registers(registers) => {
                for part in states[0].as_binary::<i32>().iter().flatten() {
                    registers.merge(part);
                }
            }
        }
        Ok(())
    }
}

/// Follows the rows of a window, which come and go: it keeps them.
#[derive(Debug)]
struct Sliding {
    summary: Summary,
    values: VecDeque<Value>,
}

impl Accumulator for Sliding {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.values.extend(values_of(values)?);
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let gone = values_of(values)?.len().min(self.values.len());
        self.values.drain(..gone);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut state = self.summary.start();
        self.values.iter().for_each(|value| state.update(*value));
        Ok(state.evaluate(self.summary))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<Value>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("a window has no partial state")
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        internal_err!("a window has no partial state")
    }
}
