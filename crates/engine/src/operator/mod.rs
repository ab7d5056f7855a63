//! The operators that DataFusion has not: reading a batch, watching event time, and state.
//!
//! A streaming plan is an ordinary DataFusion plan in which these stand for the streaming parts;
//! it is planned once and reset for every batch. What they share is the [`OperatorContext`].
//! Always true: state is touched by one task a partition, and only through [`OperatorState`].

pub mod aggregate;
pub mod deduplicate;
pub mod event_time;
mod exchange;
pub mod planner;
pub mod scan;
mod stateful;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arrow::datatypes::Fields;

use crate::checkpoint::{BatchId, lock};
use crate::file_system::FileSystem;
use crate::micro_batch::BatchContext;
use crate::sink::OutputMode;
use crate::state::{
    MemoryLimit, OperatorSpec, OperatorState, SnapshotPolicy, StateColumn, StateError,
    StateVersion, StoreKind, StoreSpec,
};

/// What the stateful operators of one query share.
#[derive(Debug)]
pub struct OperatorContext {
    batch: Mutex<BatchContext>,
    pub output_mode: OutputMode,
    /// How many partitions fresh state is split into.
    state_partitions: u32,
    /// Where fresh state is kept.
    state_store: StoreKind,
    state_folder: PathBuf,
    files: Arc<dyn FileSystem>,
    snapshots: SnapshotPolicy,
    memory_max: Option<MemoryLimit>,
    states: Mutex<BTreeMap<u32, Arc<OperatorState>>>,
}

/// Where and how the state of a query is kept.
#[derive(Debug, Clone)]
pub struct StateSettings {
    pub folder: PathBuf,
    pub files: Arc<dyn FileSystem>,
    pub partitions: u32,
    pub store: StoreKind,
    pub snapshots: SnapshotPolicy,
    pub memory_max: Option<MemoryLimit>,
}

impl OperatorContext {
    pub fn new(output_mode: OutputMode, settings: StateSettings) -> Self {
        let batch = BatchContext {
            batch: BatchId::FIRST,
            timestamp_ms: 0,
            late_watermark_ms: 0,
            eviction_watermark_ms: 0,
        };
        Self {
            batch: Mutex::new(batch),
            output_mode,
            state_partitions: settings.partitions,
            state_store: settings.store,
            state_folder: settings.folder,
            files: settings.files,
            snapshots: settings.snapshots,
            memory_max: settings.memory_max,
            states: Mutex::new(BTreeMap::new()),
        }
    }

    pub fn batch(&self) -> BatchContext {
        *lock(&self.batch)
    }

    pub fn begin(&self, batch: BatchContext) {
        *lock(&self.batch) = batch;
    }

    /// The state of an operator, read from disk when it is first asked for.
    fn state(
        &self,
        operator: u32,
        name: &str,
        stores: Vec<StoreSpec>,
    ) -> Result<Arc<OperatorState>, StateError> {
        let mut states = lock(&self.states);
        if let Some(state) = states.get(&operator) {
            return Ok(Arc::clone(state));
        }
        let spec = OperatorSpec {
            operator,
            name: name.to_owned(),
            partitions: self.state_partitions,
            store: self.state_store,
            stores,
        };
        let state = Arc::new(OperatorState::open(
            spec,
            &self.state_folder,
            Arc::clone(&self.files),
            self.snapshots,
            StateVersion::new(self.batch().batch.get()),
        )?);
        states.insert(operator, Arc::clone(&state));
        Ok(state)
    }

    /// The states in use, by operator.
    pub fn states(&self) -> Vec<Arc<OperatorState>> {
        lock(&self.states).values().cloned().collect()
    }

    /// Lets go of the states' files.
    pub fn close(&self) {
        self.states().iter().for_each(|state| state.close());
    }

    /// Fails when the states together take more memory than allowed.
    pub fn check_memory(&self) -> Result<(), StateError> {
        let Some(limit) = self.memory_max else {
            return Ok(());
        };
        let limit_bytes = limit.bytes();
        let used_bytes = self.states().iter().map(|state| state.memory_bytes()).sum();
        if used_bytes > limit_bytes {
            return Err(StateError::TooLarge {
                used_bytes,
                limit_bytes,
            });
        }
        Ok(())
    }
}

/// Fields as a checkpoint remembers them: names and types, no nullability.
fn describe_fields(fields: &Fields) -> Vec<StateColumn> {
    fields
        .iter()
        .map(|field| StateColumn {
            name: user_name(field.name()).to_owned(),
            kind: field.data_type().to_string(),
        })
        .collect()
}

/// A column's name without the number that tells it apart within one plan (`name#7`): another
/// run of the same query has other numbers.
pub(crate) fn user_name(name: &str) -> &str {
    match name.rsplit_once('#') {
        Some((front, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => front,
        _ => name,
    }
}
