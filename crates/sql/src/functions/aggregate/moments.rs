//! Variance, covariance and correlation, digit for digit as Spark computes them.
//!
//! Every value updates the means and the sums of products of distances from them (Welford's method in the form of Chan
//! and others). DataFusion's functions differ in the order of the operations, and so in the last digit. Start at
//! [`Moments`].

use std::collections::VecDeque;
use std::fmt::Debug;
use std::mem::{size_of, take};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, UInt64Array};
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef, Float64Type, UInt64Type};
use datafusion::common::{Result as EngineResult, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

/// What is asked of the moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Statistic {
    Variance {
        sample: bool,
    },
    Deviation {
        sample: bool,
    },
    Covariance {
        sample: bool,
    },
    Correlation,
    /// The square of the correlation.
    Determination,
}

impl Statistic {
    pub(super) fn arguments(self) -> usize {
        match self {
            Self::Variance { .. } | Self::Deviation { .. } => 1,
            Self::Covariance { .. } | Self::Correlation | Self::Determination => 2,
        }
    }

    /// The names of what is kept of the values so far.
    fn state_names(self) -> &'static [&'static str] {
        match self.arguments() {
            1 => &["count", "mean", "m2"],
            _ => &["count", "mean1", "mean2", "products", "m2_1", "m2_2"],
        }
    }
}

/// What is known of some values, or pairs of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Moments {
    count: u64,
    x: f64,
    y: f64,
    xy: f64,
    xx: f64,
    yy: f64,
}

impl Moments {
    fn add(&mut self, x: f64, y: f64) {
        self.count += 1;
        let count = self.count as f64;
        let (dx, dy) = (x - self.x, y - self.y);
        let (part_x, part_y) = (dx / count, dy / count);
        self.x += part_x;
        self.y += part_y;
        self.xy += dx * (y - self.y);
        self.xx += dx * (x - self.x);
        self.yy += dy * (y - self.y);
    }

    /// One column's values: the distance from the new mean is taken without computing the mean first.
    fn add_one(&mut self, x: f64) {
        self.count += 1;
        let delta = x - self.x;
        let part = delta / self.count as f64;
        self.x += part;
        self.xx += delta * (delta - part);
    }

    fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (n1, n2) = (self.count as f64, other.count as f64);
        let count = n1 + n2;
        let (dx, dy) = (other.x - self.x, other.y - self.y);
        let (part_x, part_y) = (dx / count, dy / count);
        self.count += other.count;
        self.x += part_x * n2;
        self.y += part_y * n2;
        self.xy += other.xy + dx * part_y * n1 * n2;
        self.xx += other.xx + dx * part_x * n1 * n2;
        self.yy += other.yy + dy * part_y * n1 * n2;
    }

    fn result(&self, statistic: Statistic) -> Option<f64> {
        let over = |sum: f64, sample: bool| {
            let count = self.count.checked_sub(u64::from(sample))?;
            (count > 0).then(|| sum / count as f64)
        };
        match statistic {
            Statistic::Variance { sample } => over(self.xx, sample),
            Statistic::Deviation { sample } => over(self.xx, sample).map(f64::sqrt),
            Statistic::Covariance { sample } => over(self.xy, sample),
            Statistic::Correlation => {
                let root = (self.xx * self.yy).sqrt();
                (self.count > 1 && root != 0.0).then(|| self.xy / root)
            }
            Statistic::Determination if self.count < 2 || self.yy == 0.0 => None,
            Statistic::Determination if self.xx == 0.0 => Some(1.0),
            Statistic::Determination => {
                let correlation = self.xy / (self.xx * self.yy).sqrt();
                Some(correlation * correlation)
            }
        }
    }

    /// The numbers after the count, as many as the statistic keeps.
    fn parts(&self, statistic: Statistic) -> Vec<f64> {
        match statistic.arguments() {
            1 => vec![self.x, self.xx],
            _ => vec![self.x, self.y, self.xy, self.xx, self.yy],
        }
    }

    fn from_parts(count: u64, parts: &[f64]) -> Self {
        match *parts {
            [x, xx] => Self {
                count,
                x,
                xx,
                ..Self::default()
            },
            [x, y, xy, xx, yy] => Self {
                count,
                x,
                y,
                xy,
                xx,
                yy,
            },
            _ => Self::default(),
        }
    }

    fn add_row(&mut self, columns: &[&Float64Array], row: usize) {
        match columns {
            [x] if x.is_valid(row) => self.add_one(x.value(row)),
            [x, y] if x.is_valid(row) && y.is_valid(row) => self.add(x.value(row), y.value(row)),
            _ => {}
        }
    }
}

fn columns(values: &[ArrayRef]) -> Vec<&Float64Array> {
    values
        .iter()
        .map(|v| v.as_primitive::<Float64Type>())
        .collect()
}

/// The moments in each row of states.
fn states(values: &[ArrayRef]) -> impl Iterator<Item = Moments> + '_ {
    let counts = values[0].as_primitive::<UInt64Type>();
    let parts = columns(&values[1..]);
    (0..counts.len()).map(move |row| {
        let parts: Vec<f64> = parts.iter().map(|p| p.value(row)).collect();
        Moments::from_parts(counts.value(row), &parts)
    })
}

fn state_arrays(moments: &[Moments], statistic: Statistic) -> Vec<ArrayRef> {
    let counts = UInt64Array::from_iter_values(moments.iter().map(|m| m.count));
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(counts)];
    for index in 0..statistic.state_names().len() - 1 {
        let parts = moments.iter().map(|m| m.parts(statistic)[index]);
        arrays.push(Arc::new(Float64Array::from_iter_values(parts)));
    }
    arrays
}

/// The function of DataFusion's kind; `distinct` is what computes it over distinct values.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MomentFunction {
    name: &'static str,
    statistic: Statistic,
    distinct: Arc<AggregateUDF>,
    signature: Signature,
}

pub(super) fn function(
    name: &'static str,
    statistic: Statistic,
    distinct: Arc<AggregateUDF>,
) -> Arc<AggregateUDF> {
    let types = vec![ArrowType::Float64; statistic.arguments()];
    Arc::new(AggregateUDF::from(MomentFunction {
        name,
        statistic,
        distinct,
        signature: Signature::exact(types, Volatility::Immutable),
    }))
}

impl AggregateUDFImpl for MomentFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[ArrowType]) -> EngineResult<ArrowType> {
        Ok(ArrowType::Float64)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> EngineResult<Vec<FieldRef>> {
        if args.is_distinct {
            return self.distinct.state_fields(args);
        }
        let field = |(index, part): (usize, &&str)| {
            let data_type = match index {
                0 => ArrowType::UInt64,
                _ => ArrowType::Float64,
            };
            Arc::new(Field::new(
                format_state_name(args.name, part),
                data_type,
                true,
            ))
        };
        let names = self.statistic.state_names().iter();
        Ok(names.enumerate().map(field).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> EngineResult<Box<dyn Accumulator>> {
        if args.is_distinct {
            return self.distinct.accumulator(args);
        }
        Ok(Box::new(Single {
            statistic: self.statistic,
            moments: Moments::default(),
        }))
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> EngineResult<Box<dyn Accumulator>> {
        if args.is_distinct {
            return self.distinct.create_sliding_accumulator(args);
        }
        Ok(Box::new(Sliding {
            statistic: self.statistic,
            rows: VecDeque::new(),
        }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(
        &self,
        _args: AccumulatorArgs,
    ) -> EngineResult<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups {
            statistic: self.statistic,
            moments: Vec::new(),
        }))
    }
}

#[derive(Debug)]
struct Single {
    statistic: Statistic,
    moments: Moments,
}

impl Accumulator for Single {
    fn update_batch(&mut self, values: &[ArrayRef]) -> EngineResult<()> {
        let columns = columns(values);
        (0..values[0].len()).for_each(|row| self.moments.add_row(&columns, row));
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef]) -> EngineResult<()> {
        states(values).for_each(|state| self.moments.merge(&state));
        Ok(())
    }

    fn evaluate(&mut self) -> EngineResult<ScalarValue> {
        Ok(ScalarValue::Float64(self.moments.result(self.statistic)))
    }

    fn state(&mut self) -> EngineResult<Vec<ScalarValue>> {
        state_arrays(&[self.moments], self.statistic)
            .iter()
            .map(|array| ScalarValue::try_from_array(array, 0))
            .collect()
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// The rows of a window's frame, computed anew for each frame: to take a value back would not give the same digits.
#[derive(Debug)]
struct Sliding {
    statistic: Statistic,
    rows: VecDeque<Vec<Option<f64>>>,
}

impl Accumulator for Sliding {
    fn update_batch(&mut self, values: &[ArrayRef]) -> EngineResult<()> {
        let columns = columns(values);
        let row = |row: usize| {
            let cells = columns.iter();
            cells
                .map(|c| c.is_valid(row).then(|| c.value(row)))
                .collect()
        };
        self.rows.extend((0..values[0].len()).map(row));
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> EngineResult<()> {
        self.rows.drain(..values[0].len().min(self.rows.len()));
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, _values: &[ArrayRef]) -> EngineResult<()> {
        datafusion::common::not_impl_err!("a window's frame is never merged")
    }

    fn evaluate(&mut self) -> EngineResult<ScalarValue> {
        let mut moments = Moments::default();
        for row in &self.rows {
            match row.as_slice() {
                [Some(x)] => moments.add_one(*x),
                [Some(x), Some(y)] => moments.add(*x, *y),
                _ => {}
            }
        }
        Ok(ScalarValue::Float64(moments.result(self.statistic)))
    }

    fn state(&mut self) -> EngineResult<Vec<ScalarValue>> {
        datafusion::common::not_impl_err!("a window's frame has no state")
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.rows.len() * size_of::<[Option<f64>; 2]>()
    }
}

#[derive(Debug)]
struct Groups {
    statistic: Statistic,
    moments: Vec<Moments>,
}

impl Groups {
    fn emit(&mut self, emit_to: EmitTo) -> Vec<Moments> {
        match emit_to {
            EmitTo::All => take(&mut self.moments),
            EmitTo::First(count) => self.moments.drain(..count).collect(),
        }
    }
}

fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|f| f.is_valid(row) && f.value(row))
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        groups: usize,
    ) -> EngineResult<()> {
        self.moments.resize(groups, Moments::default());
        let columns = columns(values);
        for (row, group) in group_indices.iter().enumerate() {
            if passes(filter, row) {
                self.moments[*group].add_row(&columns, row);
            }
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        groups: usize,
    ) -> EngineResult<()> {
        self.moments.resize(groups, Moments::default());
        for (state, group) in states(values).zip(group_indices) {
            self.moments[*group].merge(&state);
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> EngineResult<ArrayRef> {
        let statistic = self.statistic;
        let results = self.emit(emit_to);
        let results = results.iter().map(|moments| moments.result(statistic));
        Ok(Arc::new(results.collect::<Float64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> EngineResult<Vec<ArrayRef>> {
        let moments = self.emit(emit_to);
        Ok(state_arrays(&moments, self.statistic))
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> EngineResult<Vec<ArrayRef>> {
        let columns = columns(values);
        let moments: Vec<Moments> = (0..values[0].len())
            .map(|row| {
                let mut moments = Moments::default();
                if passes(filter, row) {
                    moments.add_row(&columns, row);
                }
                moments
            })
            .collect();
        Ok(state_arrays(&moments, self.statistic))
    }

    fn size(&self) -> usize {
        self.moments.capacity() * size_of::<Moments>()
    }
}
