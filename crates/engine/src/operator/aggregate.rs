//! Grouped aggregates whose partial states outlive the batch.
//!
//! DataFusion makes partial states of the batch's rows; here they are merged with the stored ones
//! of the same groups, stored again, and emitted as the output mode says. Duplicate keys among the
//! partial states are fine.
//! Always true: a group that is late changes nothing; a group is emitted in append mode once, when
//! the watermark has reached its end. Start at [`AggregateWork`].

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Instant;

use ahash::AHashMap;
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, RecordBatch, RecordBatchOptions, UInt32Array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{DFSchemaRef, internal_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    EmitTo, Expr, GroupsAccumulator, LogicalPlan, UserDefinedLogicalNodeCore,
};
use datafusion::physical_expr::GroupsAccumulatorAdapter;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;

use super::OperatorContext;
use super::event_time::for_each_ms_ceiling;
use super::exchange::KeyBytes;
use super::stateful::{StatefulWork, drop_times};
use crate::sink::OutputMode;
use crate::state::{EventTimeMs, OperatorState, StateError, StateStore};

/// A streaming aggregate in the plan, before it is planned physically.
#[derive(Debug, Clone)]
pub struct StatefulAggregateNode {
    pub input: LogicalPlan,
    pub group_expr: Vec<Expr>,
    pub aggr_expr: Vec<Expr>,
    pub schema: DFSchemaRef,
    pub operator: u32,
    /// Which group expression carries the watermark.
    pub event_time: Option<usize>,
    pub context: Arc<OperatorContext>,
}

impl StatefulAggregateNode {
    fn identity(&self) -> (u32, &LogicalPlan, &[Expr], &[Expr]) {
        (
            self.operator,
            &self.input,
            &self.group_expr,
            &self.aggr_expr,
        )
    }
}

impl PartialEq for StatefulAggregateNode {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for StatefulAggregateNode {}

impl Hash for StatefulAggregateNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl PartialOrd for StatefulAggregateNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.operator.partial_cmp(&other.operator)
    }
}

impl UserDefinedLogicalNodeCore for StatefulAggregateNode {
    fn name(&self) -> &'static str {
        "StatefulAggregate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.group_expr
            .iter()
            .chain(&self.aggr_expr)
            .cloned()
            .collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |exprs: &[Expr]| {
            exprs
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        write!(
            f,
            "StatefulAggregate {}: groupBy=[{}], aggr=[{}], mode={}",
            self.operator,
            list(&self.group_expr),
            list(&self.aggr_expr),
            self.context.output_mode.name()
        )
    }

    fn with_exprs_and_inputs(
        &self,
        mut exprs: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> Result<Self> {
        let Some(input) = inputs.pop() else {
            return internal_err!("an aggregate has one input");
        };
        let aggr_expr = exprs.split_off(self.group_expr.len());
        Ok(Self {
            input,
            group_expr: exprs,
            aggr_expr,
            ..self.clone()
        })
    }
}

/// Merges partial states with the stored ones.
#[derive(Debug)]
pub(super) struct AggregateWork {
    schema: SchemaRef,
    groups: usize,
    aggregates: Vec<Arc<AggregateFunctionExpr>>,
    state_types: Vec<Vec<DataType>>,
    event_time: Option<usize>,
    state: Arc<OperatorState>,
    context: Arc<OperatorContext>,
}

impl AggregateWork {
    pub(super) fn try_new(
        schema: SchemaRef,
        groups: usize,
        aggregates: Vec<Arc<AggregateFunctionExpr>>,
        event_time: Option<usize>,
        state: Arc<OperatorState>,
        context: Arc<OperatorContext>,
    ) -> Result<Self> {
        let state_types = aggregates
            .iter()
            .map(|aggregate| {
                let fields = aggregate.state_fields()?;
                Ok(fields
                    .iter()
                    .map(|field| field.data_type().clone())
                    .collect())
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            schema,
            groups,
            aggregates,
            state_types,
            event_time,
            state,
            context,
        })
    }
}

impl StatefulWork for AggregateWork {
    fn name(&self) -> &'static str {
        "StatefulAggregateExec"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn key_columns(&self) -> Vec<usize> {
        (0..self.groups).collect()
    }

    fn state(&self) -> &Arc<OperatorState> {
        &self.state
    }

    fn context(&self) -> &OperatorContext {
        &self.context
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StateStoreSave operator={}, mode={}, partitions={}",
            self.state.spec().operator,
            self.context.output_mode.name(),
            self.state.partition_count()
        )
    }

    fn run(&self, partition: usize, rows: &RecordBatch) -> Result<RecordBatch> {
        self.merge(partition, rows)
    }
}

/// The groups that occur in a batch.
struct TouchedGroups<'a> {
    keys: Vec<&'a [u8]>,
    times: Vec<Option<EventTimeMs>>,
    /// The group of every row.
    of_row: Vec<usize>,
    first_row: Vec<u32>,
}

impl<'a> TouchedGroups<'a> {
    /// Numbers the groups that have stored states before the others, and returns those states:
    /// accumulators take it that every group they are told of has a row in the first merge.
    fn known_first<'s>(self, stored: &'s [Option<Cow<'_, [u8]>>]) -> (Self, Vec<&'s [u8]>) {
        let (known, fresh): (Vec<usize>, Vec<usize>) =
            (0..stored.len()).partition(|group| stored[*group].is_some());
        let order: Vec<usize> = known.into_iter().chain(fresh).collect();
        let mut place = vec![0; order.len()];
        for (now, before) in order.iter().enumerate() {
            place[*before] = now;
        }
        let ordered = Self {
            keys: order.iter().map(|group| self.keys[*group]).collect(),
            times: order.iter().map(|group| self.times[*group]).collect(),
            of_row: self.of_row.iter().map(|group| place[*group]).collect(),
            first_row: order.iter().map(|group| self.first_row[*group]).collect(),
        };
        (
            ordered,
            stored.iter().flatten().map(AsRef::as_ref).collect(),
        )
    }
}

impl AggregateWork {
    fn merge(&self, partition: usize, partial: &RecordBatch) -> Result<RecordBatch> {
        let batch = self.context.batch();
        let mut stores = self.state.partition(partition);
        let Some(store) = stores.first_mut() else {
            return internal_err!("an aggregate has a store");
        };
        let store = store.as_mut();
        let started = Instant::now();
        // All groups are kept in complete mode, so none is ever closed to late rows.
        let partial = match self.context.output_mode {
            OutputMode::Complete => partial.clone(),
            OutputMode::Append | OutputMode::Update => {
                self.drop_late(partial, batch.late_watermark_ms)?
            }
        };
        let updated = self.update(store, &partial)?;
        self.state.report(|figures| {
            figures.updated += updated.num_rows() as u64;
            figures.update_time += started.elapsed();
        });
        match self.context.output_mode {
            OutputMode::Complete => self.everything(store),
            OutputMode::Update => {
                self.evict(store, batch.eviction_watermark_ms, false)?;
                Ok(updated)
            }
            OutputMode::Append => self.evict(store, batch.eviction_watermark_ms, true),
        }
    }

    /// Whether event time ends groups here: in complete mode everything is kept.
    fn expiring(&self) -> Option<usize> {
        self.event_time
            .filter(|_| self.context.output_mode != OutputMode::Complete)
    }

    /// The end of each row's group in event time.
    fn row_times(&self, partial: &RecordBatch) -> Result<Vec<Option<EventTimeMs>>> {
        let mut times = vec![None; partial.num_rows()];
        if let Some(column) = self.expiring() {
            let column = partial.column(column);
            // A window is complete at its end.
            let column = match column.data_type() {
                DataType::Struct(_) => column
                    .as_struct()
                    .column_by_name("end")
                    .ok_or_else(|| DataFusionError::Internal("a window has an end".to_owned()))?,
                _ => column,
            };
            for_each_ms_ceiling(column.as_ref(), |row, ms| times[row] = Some(ms))?;
        }
        Ok(times)
    }

    fn drop_late(&self, partial: &RecordBatch, watermark_ms: i64) -> Result<RecordBatch> {
        let times = self.row_times(partial)?;
        let late = |row: usize| times[row].is_some_and(|time| time <= watermark_ms);
        if !(0..times.len()).any(late) {
            return Ok(partial.clone());
        }
        let keys = key_column(partial);
        let dropped: std::collections::BTreeSet<&[u8]> = (0..times.len())
            .filter(|row| late(*row))
            .map(|row| keys.value(row))
            .collect();
        self.state
            .report(|figures| figures.dropped_by_watermark += dropped.len() as u64);
        let kept: Vec<u32> = (0..times.len())
            .filter(|row| !late(*row))
            .map(|row| row as u32)
            .collect();
        Ok(take_record_batch(partial, &UInt32Array::from(kept))?)
    }

    fn touched<'a>(&self, partial: &'a RecordBatch) -> Result<TouchedGroups<'a>> {
        let keys = key_column(partial);
        let row_times = self.row_times(partial)?;
        let mut index: AHashMap<&[u8], usize> = AHashMap::with_capacity(partial.num_rows());
        let mut touched = TouchedGroups {
            keys: Vec::new(),
            times: Vec::new(),
            of_row: Vec::with_capacity(partial.num_rows()),
            first_row: Vec::new(),
        };
        for (row, time) in row_times.into_iter().enumerate() {
            let key = keys.value(row);
            let group = *index.entry(key).or_insert_with(|| {
                touched.keys.push(key);
                touched.times.push(time);
                touched.first_row.push(row as u32);
                touched.keys.len() - 1
            });
            touched.of_row.push(group);
        }
        Ok(touched)
    }

    /// Merges the batch into the store and returns the groups it touched, with their new values.
    fn update(&self, store: &mut dyn StateStore, partial: &RecordBatch) -> Result<RecordBatch> {
        if partial.num_rows() == 0 {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        let touched = self.touched(partial)?;
        let groups = touched.keys.len();
        let values = self.state_bytes()?;
        let stored = (0..groups)
            .map(|group| store.get(touched.times[group], touched.keys[group]))
            .collect::<Result<Vec<_>, StateError>>()?;
        let (touched, old_rows) = touched.known_first(&stored);
        let old_groups: Vec<usize> = (0..old_rows.len()).collect();
        let old = values.decode(old_rows.into_iter())?;
        drop(stored);
        let mut column = self.groups;
        let mut old_column = 0;
        let mut states: Vec<ArrayRef> = Vec::new();
        let mut outputs: Vec<ArrayRef> = Vec::new();
        for (aggregate, types) in self.aggregates.iter().zip(&self.state_types) {
            let mut merged = self.accumulator(aggregate)?;
            if !old_groups.is_empty() {
                let old = &old[old_column..old_column + types.len()];
                merged.merge_batch(old, &old_groups, old_groups.len())?;
            }
            let new = &partial.columns()[column..column + types.len()];
            merged.merge_batch(new, &touched.of_row, groups)?;
            let state = merged.state(EmitTo::All)?;
            outputs.push(self.evaluate(aggregate, &state, groups)?);
            states.extend(state);
            column += types.len();
            old_column += types.len();
        }
        let encoded = values.encode(&states, groups)?;
        for group in 0..groups {
            store.put(
                touched.times[group],
                touched.keys[group],
                encoded.value(group),
            )?;
        }
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        let first_rows = UInt32Array::from(touched.first_row);
        for group_column in &partial.columns()[..self.groups] {
            columns.push(arrow::compute::take(group_column, &first_rows, None)?);
        }
        columns.extend(outputs);
        self.output(columns, groups)
    }

    /// Drops the groups that the watermark has passed; `emit` returns them as well.
    fn evict(
        &self,
        store: &mut dyn StateStore,
        watermark_ms: i64,
        emit: bool,
    ) -> Result<RecordBatch> {
        let started = Instant::now();
        let mut output = RecordBatch::new_empty(Arc::clone(&self.schema));
        if self.expiring().is_some() {
            let times = store.times_until(watermark_ms)?;
            if emit {
                let mut rows = Vec::new();
                for time in &times {
                    store.for_each_at(*time, &mut |key, value| {
                        rows.push((key.to_vec(), value.to_vec()));
                    })?;
                }
                output = self.emit(&rows)?;
            }
            let removed = drop_times(store, times)?;
            self.state.report(|figures| figures.removed += removed);
        }
        self.state
            .report(|figures| figures.removal_time += started.elapsed());
        Ok(output)
    }

    fn everything(&self, store: &dyn StateStore) -> Result<RecordBatch> {
        let mut rows = Vec::new();
        store.for_each(&mut |_, key, value| rows.push((key.to_vec(), value.to_vec())))?;
        self.emit(&rows)
    }

    /// Turns stored rows into output rows.
    fn emit(&self, rows: &[(Vec<u8>, Vec<u8>)]) -> Result<RecordBatch> {
        if rows.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        let group_types = self.schema.fields()[..self.groups]
            .iter()
            .map(|f| f.data_type());
        let keys = KeyBytes::new(group_types)?;
        let mut columns = keys.decode(rows.iter().map(|(key, _)| key.as_slice()))?;
        let states = self
            .state_bytes()?
            .decode(rows.iter().map(|(_, value)| value.as_slice()))?;
        let mut column = 0;
        for (aggregate, types) in self.aggregates.iter().zip(&self.state_types) {
            let state = &states[column..column + types.len()];
            columns.push(self.evaluate(aggregate, state, rows.len())?);
            column += types.len();
        }
        self.output(columns, rows.len())
    }

    fn output(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?)
    }

    fn state_bytes(&self) -> Result<KeyBytes> {
        KeyBytes::new(self.state_types.iter().flatten())
    }

    /// The kind of accumulator that made the batch's partial states: without keys it is the plain
    /// one, whose states are other than those of the one for groups.
    fn accumulator(
        &self,
        aggregate: &Arc<AggregateFunctionExpr>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        if self.groups > 0 && aggregate.groups_accumulator_supported() {
            return aggregate.create_groups_accumulator();
        }
        let aggregate = Arc::clone(aggregate);
        Ok(Box::new(GroupsAccumulatorAdapter::new(move || {
            aggregate.create_accumulator()
        })))
    }

    /// The values of groups whose states these are, one row a group.
    fn evaluate(
        &self,
        aggregate: &Arc<AggregateFunctionExpr>,
        states: &[ArrayRef],
        groups: usize,
    ) -> Result<ArrayRef> {
        let mut merged = self.accumulator(aggregate)?;
        let each: Vec<usize> = (0..groups).collect();
        merged.merge_batch(states, &each, groups)?;
        merged.evaluate(EmitTo::All)
    }
}

fn key_column(partial: &RecordBatch) -> &BinaryArray {
    partial.column(partial.num_columns() - 1).as_binary()
}
