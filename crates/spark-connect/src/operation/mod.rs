//! One execution: what it answered so far, who reads it, and how it ends.
//!
//! Always true: responses are numbered from 1 without gaps; each is kept until released or until more than the retry
//! buffer was sent after it; an operation whose client has gone ends by itself. Start at [`Operation`].

mod buffer;
mod stream;

use std::sync::Mutex;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

pub(crate) use buffer::{ReadError, ResponseBuffer};
pub(crate) use stream::{ResponseStream, StreamLimits, response_stream};

use crate::failure::Failure;
use crate::messages::get_status_response::operation_status::OperationState;

/// An execution of a session.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) tags: Vec<String>,
    pub(crate) reattachable: bool,
    pub(crate) responses: ResponseBuffer,
    pub(crate) cancellation: CancellationToken,
    /// Ends an operation that only listens, as if it had done its work.
    pub(crate) stop_listening: CancellationToken,
    state: Mutex<OperationState>,
    /// When the last reader left; none while there is one.
    detached_since: Mutex<Option<Instant>>,
}

impl Operation {
    pub(crate) fn new(
        id: String,
        tags: Vec<String>,
        reattachable: bool,
        responses: ResponseBuffer,
    ) -> Self {
        Self {
            id,
            tags,
            reattachable,
            responses,
            cancellation: CancellationToken::new(),
            stop_listening: CancellationToken::new(),
            state: Mutex::new(OperationState::Running),
            detached_since: Mutex::new(None),
        }
    }

    pub(crate) fn state(&self) -> OperationState {
        *lock(&self.state)
    }

    /// Ends the operation. The first end counts.
    pub(crate) fn finish(&self, outcome: Result<(), Failure>) {
        let ended = match &outcome {
            Ok(()) => OperationState::Succeeded,
            Err(failure) if failure.is_canceled() => OperationState::Cancelled,
            Err(_) => OperationState::Failed,
        };
        {
            let mut state = lock(&self.state);
            if matches!(
                *state,
                OperationState::Running | OperationState::Terminating
            ) {
                *state = ended;
            }
        }
        self.responses.finish(outcome);
    }

    /// Stops the work. Whoever reads learns that it was canceled, at once. False if it had ended before.
    pub(crate) fn interrupt(&self) -> bool {
        let running = self.state() == OperationState::Running;
        if running {
            self.cancellation.cancel();
            self.finish(Err(Failure::canceled()));
        }
        running
    }

    /// Ends the operation because nobody can ask for it any more: session or operation are gone.
    pub(crate) fn abandon(&self, why: Failure) {
        // Before the work stops, for it would end as canceled.
        self.finish(Err(why));
        self.cancellation.cancel();
    }

    pub(crate) fn attached(&self) {
        *lock(&self.detached_since) = None;
    }

    pub(crate) fn detached(&self) {
        *lock(&self.detached_since) = Some(Instant::now());
    }

    pub(crate) fn detached_since(&self) -> Option<Instant> {
        *lock(&self.detached_since)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
