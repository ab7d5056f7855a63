//! `dropDuplicates` and `dropDuplicatesWithinWatermark`: the first row of each key passes.
//!
//! Always true: a key that passed does not pass again while it is remembered. Without a watermark
//! that is for ever; with one among the keys, until the watermark reaches the key's own event
//! time; within the watermark, until it reaches the first row's event time plus the delay.

use std::cmp::Ordering;
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{AsArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::common::{DFSchemaRef, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::OperatorContext;
use super::event_time::{for_each_ms, for_each_ms_ceiling};
use super::stateful::{StatefulWork, drop_times};
use crate::state::{EventTimeMs, OperatorState, StateError, StateStore};

/// How long a key is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Memory {
    /// Without an end.
    Forever,
    /// Until the watermark reaches the event time in column `column`, which is one of the keys.
    UntilEventTime { column: usize },
    /// Until the watermark reaches the event time of the row that passed, plus `delay_ms`.
    WithinWatermark { column: usize, delay_ms: i64 },
}

/// A streaming deduplication in the plan.
#[derive(Debug, Clone)]
pub struct StatefulDeduplicateNode {
    pub input: LogicalPlan,
    /// The key columns, as expressions over the input.
    pub keys: Vec<Expr>,
    pub within_watermark: bool,
    /// The input's column with a watermark, and the watermark's delay.
    pub event_time: Option<(Expr, i64)>,
    pub operator: u32,
    pub context: Arc<OperatorContext>,
}

impl StatefulDeduplicateNode {
    fn identity(&self) -> (u32, &LogicalPlan, &[Expr], bool) {
        (
            self.operator,
            &self.input,
            &self.keys,
            self.within_watermark,
        )
    }
}

impl PartialEq for StatefulDeduplicateNode {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for StatefulDeduplicateNode {}

impl Hash for StatefulDeduplicateNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl PartialOrd for StatefulDeduplicateNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.operator.partial_cmp(&other.operator)
    }
}

impl UserDefinedLogicalNodeCore for StatefulDeduplicateNode {
    fn name(&self) -> &'static str {
        "StatefulDeduplicate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        self.keys
            .iter()
            .chain(self.event_time.iter().map(|(column, _)| column))
            .cloned()
            .collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        let name = if self.within_watermark {
            "WithinWatermark"
        } else {
            ""
        };
        write!(
            f,
            "StatefulDeduplicate{name} {}: [{}]",
            self.operator,
            keys.join(", ")
        )
    }

    fn with_exprs_and_inputs(
        &self,
        mut keys: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> Result<Self> {
        let Some(input) = inputs.pop() else {
            return internal_err!("a deduplication has one input");
        };
        let event_time = match (&self.event_time, keys.len() > self.keys.len()) {
            (Some((_, delay_ms)), true) => keys.pop().map(|column| (column, *delay_ms)),
            _ => None,
        };
        Ok(Self {
            input,
            keys,
            event_time,
            ..self.clone()
        })
    }
}

/// Lets the first row of each key pass.
#[derive(Debug)]
pub(super) struct DeduplicateWork {
    schema: SchemaRef,
    keys: Vec<usize>,
    memory: Memory,
    /// The column with a watermark, which says which rows are late.
    event_time: Option<usize>,
    state: Arc<OperatorState>,
    context: Arc<OperatorContext>,
}

impl DeduplicateWork {
    pub(super) fn new(
        schema: SchemaRef,
        keys: Vec<usize>,
        memory: Memory,
        event_time: Option<usize>,
        state: Arc<OperatorState>,
        context: Arc<OperatorContext>,
    ) -> Self {
        Self {
            schema,
            keys,
            memory,
            event_time,
            state,
            context,
        }
    }
}

impl StatefulWork for DeduplicateWork {
    fn name(&self) -> &'static str {
        "StatefulDeduplicateExec"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn key_columns(&self) -> Vec<usize> {
        self.keys.clone()
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
            "StreamingDeduplicate operator={}, keys={:?}",
            self.state.spec().operator,
            self.keys
        )
    }

    fn run(&self, partition: usize, rows: &RecordBatch) -> Result<RecordBatch> {
        let passed = self.first_rows(partition, rows)?;
        // The key's bytes stay behind.
        let columns = passed.columns()[..self.schema.fields().len()].to_vec();
        let options = RecordBatchOptions::new().with_row_count(Some(passed.num_rows()));
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }
}

impl DeduplicateWork {
    fn first_rows(&self, partition: usize, rows: &RecordBatch) -> Result<RecordBatch> {
        let batch = self.context.batch();
        let mut stores = self.state.partition(partition);
        if stores.is_empty() {
            return internal_err!("a deduplication has a store");
        }
        let started = Instant::now();
        let late = self.late_rows(rows, batch.late_watermark_ms)?;
        let expiries = self.expiries(rows)?;
        let keys = rows.column(rows.num_columns() - 1).as_binary::<i32>();
        let mut passed = Vec::new();
        for row in (0..rows.num_rows()).filter(|row| !late[*row]) {
            if self.remember(&mut stores, keys.value(row), expiries[row])? {
                passed.push(row as u32);
            }
        }
        let dropped = late.iter().filter(|late| **late).count() as u64;
        let updated = passed.len() as u64;
        let update_time = started.elapsed();
        let started = Instant::now();
        let removed = self.forget(&mut stores, batch.eviction_watermark_ms)?;
        self.state.report(|figures| {
            figures.updated += updated;
            figures.dropped_by_watermark += dropped;
            figures.update_time += update_time;
            figures.removed += removed;
            figures.removal_time += started.elapsed();
        });
        Ok(take_record_batch(rows, &UInt32Array::from(passed))?)
    }

    fn late_rows(&self, rows: &RecordBatch, watermark_ms: i64) -> Result<Vec<bool>> {
        let mut late = vec![false; rows.num_rows()];
        if let Some(column) = self.event_time {
            for_each_ms_ceiling(rows.column(column).as_ref(), |row, ms| {
                late[row] = ms <= watermark_ms;
            })?;
        }
        Ok(late)
    }

    /// Until when each row's key is remembered.
    fn expiries(&self, rows: &RecordBatch) -> Result<Vec<Option<EventTimeMs>>> {
        let mut expiries = vec![None; rows.num_rows()];
        match self.memory {
            Memory::Forever => {}
            Memory::UntilEventTime { column } => {
                for_each_ms_ceiling(rows.column(column).as_ref(), |row, ms| {
                    expiries[row] = Some(ms);
                })?;
            }
            Memory::WithinWatermark { column, delay_ms } => {
                // As Spark's: a row without a time is remembered as one of 1970.
                expiries.fill(Some(delay_ms));
                for_each_ms(rows.column(column).as_ref(), |row, ms| {
                    expiries[row] = Some(ms + delay_ms);
                })?;
            }
        }
        Ok(expiries)
    }

    /// Remembers a key; `false` when it was remembered already.
    fn remember(
        &self,
        stores: &mut [Box<dyn StateStore>],
        key: &[u8],
        expiry: Option<EventTimeMs>,
    ) -> Result<bool> {
        let [first, rest @ ..] = stores else {
            return internal_err!("a deduplication has a store");
        };
        match self.memory {
            Memory::Forever | Memory::UntilEventTime { .. } => {
                if first.get(expiry, key)?.is_some() {
                    return Ok(false);
                }
                first.put(expiry, key, &[])?;
            }
            Memory::WithinWatermark { .. } => {
                if first.get(None, key)?.is_some() {
                    return Ok(false);
                }
                first.put(None, key, &[])?;
                // The second store finds the keys by the time they expire at.
                rest[0].put(expiry, key, &[])?;
            }
        }
        Ok(true)
    }

    fn forget(
        &self,
        stores: &mut [Box<dyn StateStore>],
        watermark_ms: i64,
    ) -> Result<u64, StateError> {
        match self.memory {
            Memory::Forever => Ok(0),
            Memory::UntilEventTime { .. } => {
                let times = stores[0].times_until(watermark_ms)?;
                drop_times(stores[0].as_mut(), times)
            }
            Memory::WithinWatermark { .. } => {
                let mut removed = 0;
                for time in stores[1].times_until(watermark_ms)? {
                    let mut keys = Vec::new();
                    stores[1].for_each_at(time, &mut |key, _| keys.push(key.to_vec()))?;
                    for key in keys {
                        removed += u64::from(stores[0].remove(None, &key)?);
                    }
                    stores[1].drop_time(time)?;
                }
                Ok(removed)
            }
        }
    }
}
