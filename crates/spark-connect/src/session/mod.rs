//! A session: what one user's client keeps on this server.
//!
//! Always true: a session is known by user and id; its server-side id never changes, so a client notices when it talks
//! to another server. Start at [`Session`]; [`registry::Registry`] holds them all.

pub(crate) mod artifacts;
mod failures;
pub(crate) mod registry;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use uuid::Uuid;

pub(crate) use failures::Failures;

use self::artifacts::Artifacts;
use crate::config::{ConnectConfig, SESSION_OPERATIONS};
use crate::decode::Uploads;
use crate::engine::SessionEngine;
use crate::failure::Failure;
use crate::messages::StorageLevel;
use crate::messages::get_status_response::operation_status::OperationState;
use crate::operation::{Operation, ResponseBuffer, lock};

/// How many ended operations a session remembers, for `GetStatus`.
const ENDED_OPERATIONS_MAX: usize = 1000;

/// Whose session it is, and which.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SessionKey {
    pub(crate) user_id: String,
    pub(crate) session_id: String,
}

pub(crate) struct Session {
    pub(crate) key: SessionKey,
    pub(crate) server_side_id: String,
    pub(crate) engine: Arc<dyn SessionEngine>,
    pub(crate) artifacts: Mutex<Artifacts>,
    pub(crate) failures: Mutex<Failures>,
    operations: Mutex<Operations>,
    last_used: Mutex<Instant>,
    retry_buffer_bytes_max: usize,
    operations_max: usize,
    /// The operation that carries events of streaming queries to the client.
    pub(crate) listener: Mutex<Option<Arc<Operation>>>,
    /// What a client asked to persist, by its plan.
    pub(crate) storage_levels: Mutex<BTreeMap<Vec<u8>, StorageLevel>>,
}

#[derive(Default)]
struct Operations {
    running: BTreeMap<String, Arc<Operation>>,
    /// How operations ended that are not kept any more, oldest first.
    ended: VecDeque<(String, Ended)>,
    closed: bool,
}

#[derive(Clone, Copy)]
struct Ended {
    state: OperationState,
    abandoned: bool,
}

impl Session {
    pub(crate) fn new(
        key: SessionKey,
        engine: Arc<dyn SessionEngine>,
        config: &ConnectConfig,
    ) -> Self {
        Self {
            key,
            server_side_id: Uuid::new_v4().to_string(),
            engine,
            artifacts: Mutex::new(Artifacts::new(config.session_artifact_bytes_max)),
            failures: Mutex::default(),
            operations: Mutex::default(),
            last_used: Mutex::new(Instant::now()),
            retry_buffer_bytes_max: config.retry_buffer_bytes_max,
            operations_max: config.session_operations_max,
            listener: Mutex::default(),
            storage_levels: Mutex::default(),
        }
    }

    pub(crate) fn touch(&self) {
        *lock(&self.last_used) = Instant::now();
    }

    /// True if nobody used the session for `idle_max` and nothing runs in it.
    pub(crate) fn is_idle(&self, idle_max: Duration) -> bool {
        let busy = lock(&self.operations)
            .running
            .values()
            .any(|operation| operation.state() == OperationState::Running);
        !busy
            && self.engine.streams().active().is_empty()
            && lock(&self.last_used).elapsed() >= idle_max
    }

    /// A new operation under `id`, which no other may have had.
    pub(crate) fn begin(
        &self,
        id: String,
        tags: Vec<String>,
        reattachable: bool,
    ) -> Result<Arc<Operation>, Failure> {
        let mut operations = lock(&self.operations);
        if operations.closed {
            return Err(Failure::invalid_handle(
                "SESSION_CLOSED",
                &self.key.session_id,
            ));
        }
        if let Some(ended) = operations.ended(&id) {
            let reason = if ended.abandoned {
                "OPERATION_ABANDONED"
            } else {
                "OPERATION_ALREADY_EXISTS"
            };
            return Err(Failure::invalid_handle(reason, &id));
        }
        if operations.running.contains_key(&id) {
            return Err(Failure::invalid_handle("OPERATION_ALREADY_EXISTS", &id));
        }
        if operations.running.len() >= self.operations_max {
            let limit = self.operations_max.to_string();
            return Err(Failure::of(
                "FLEUVE_LIMIT.OPERATIONS",
                &[("limit", &limit), ("key", SESSION_OPERATIONS)],
            ));
        }
        let responses = ResponseBuffer::new(self.retry_buffer_bytes_max);
        let operation = Arc::new(Operation::new(id.clone(), tags, reattachable, responses));
        operations.running.insert(id, operation.clone());
        Ok(operation)
    }

    pub(crate) fn operation(&self, id: &str) -> Result<Arc<Operation>, Failure> {
        let operations = lock(&self.operations);
        operations.running.get(id).cloned().ok_or_else(|| {
            let abandoned = operations.ended(id).is_some_and(|ended| ended.abandoned);
            let reason = if abandoned {
                "OPERATION_ABANDONED"
            } else {
                "OPERATION_NOT_FOUND"
            };
            Failure::invalid_handle(reason, id)
        })
    }

    pub(crate) fn operations(&self) -> Vec<Arc<Operation>> {
        lock(&self.operations).running.values().cloned().collect()
    }

    /// The state of every operation that is known.
    pub(crate) fn operation_states(&self) -> BTreeMap<String, OperationState> {
        let operations = lock(&self.operations);
        let ended = operations
            .ended
            .iter()
            .map(|(id, ended)| (id.clone(), ended.state));
        ended
            .chain(
                operations
                    .running
                    .iter()
                    .map(|(id, operation)| (id.clone(), operation.state())),
            )
            .collect()
    }

    /// Forgets an operation; if it still runs it is stopped.
    pub(crate) fn release(&self, id: &str, abandoned: bool) -> Option<Arc<Operation>> {
        let operation = lock(&self.operations).remove(id, abandoned)?;
        let reason = if abandoned {
            "OPERATION_ABANDONED"
        } else {
            "OPERATION_NOT_FOUND"
        };
        operation.abandon(Failure::invalid_handle(reason, id));
        Some(operation)
    }

    /// Stops and forgets operations whose clients left more than `detached_max` ago.
    pub(crate) fn abandon_detached(&self, detached_max: Duration) {
        for operation in self.operations() {
            if operation
                .detached_since()
                .is_some_and(|since| since.elapsed() >= detached_max)
            {
                tracing::info!(
                    operation = operation.id,
                    "the client did not come back for an operation"
                );
                self.release(&operation.id, true);
            }
        }
    }

    /// Ends everything. Streams that clients still read end with `SESSION_CLOSED`.
    pub(crate) fn close(&self) {
        let operations = {
            let mut operations = lock(&self.operations);
            operations.closed = true;
            std::mem::take(&mut operations.running)
        };
        for operation in operations.into_values() {
            operation.abandon(Failure::invalid_handle(
                "SESSION_CLOSED",
                &self.key.session_id,
            ));
        }
        self.engine.close();
    }
}

impl Operations {
    fn ended(&self, id: &str) -> Option<Ended> {
        self.ended
            .iter()
            .find(|(ended, _)| ended == id)
            .map(|(_, ended)| *ended)
    }

    fn remove(&mut self, id: &str, abandoned: bool) -> Option<Arc<Operation>> {
        let operation = self.running.remove(id)?;
        let state = match operation.state() {
            OperationState::Running => OperationState::Cancelled,
            state => state,
        };
        self.ended
            .push_back((id.to_owned(), Ended { state, abandoned }));
        if self.ended.len() > ENDED_OPERATIONS_MAX {
            self.ended.pop_front();
        }
        Some(operation)
    }
}

impl Uploads for Session {
    fn cached(&self, hash: &str) -> Option<Bytes> {
        lock(&self.artifacts).cached(hash)
    }

    fn session_id(&self) -> &str {
        &self.key.session_id
    }
}
