//! A running query, as everybody but its own task sees it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleuve_sql::error::SparkError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::program::ShownPlan;
use crate::checkpoint::lock;
use crate::error::StreamError;
use crate::progress::{StreamingQueryProgress, StreamingQueryStatus};

/// How a query ended.
#[derive(Debug, Clone)]
pub(super) enum Ended {
    Stopped,
    Failed(StreamError),
}

/// How far the triggers of a query have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct TriggerCount {
    /// Triggers that have begun.
    pub(super) begun: u64,
    /// The number of the last trigger that found nothing to do.
    pub(super) idle: u64,
}

/// A query. Clones of the `Arc` share it.
#[derive(Debug)]
pub struct StreamingQuery {
    id: Uuid,
    run_id: Uuid,
    name: Option<String>,
    session: String,
    cancel: CancellationToken,
    pub(super) shown: Arc<Mutex<ShownPlan>>,
    status: Mutex<StreamingQueryStatus>,
    progress: Mutex<VecDeque<StreamingQueryProgress>>,
    progress_kept: usize,
    triggers: watch::Sender<TriggerCount>,
    ended: watch::Sender<Option<Ended>>,
}

/// What a query is made of before it runs.
pub(super) struct QueryHead {
    pub(super) id: Uuid,
    pub(super) run_id: Uuid,
    pub(super) name: Option<String>,
    pub(super) session: String,
    pub(super) shown: Arc<Mutex<ShownPlan>>,
    pub(super) progress_kept: usize,
}

impl StreamingQuery {
    pub(super) fn new(head: QueryHead) -> Self {
        let status = StreamingQueryStatus {
            message: "Initializing sources".to_owned(),
            is_data_available: false,
            is_trigger_active: false,
        };
        Self {
            id: head.id,
            run_id: head.run_id,
            name: head.name,
            session: head.session,
            cancel: CancellationToken::new(),
            shown: head.shown,
            status: Mutex::new(status),
            progress: Mutex::new(VecDeque::new()),
            progress_kept: head.progress_kept.max(1),
            triggers: watch::Sender::new(TriggerCount::default()),
            ended: watch::Sender::new(None),
        }
    }

    /// The same over all runs of a checkpoint.
    pub fn id(&self) -> Uuid {
        self.id
    }

    pub fn run_id(&self) -> Uuid {
        self.run_id
    }

    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The key of the session it was started in.
    pub fn session(&self) -> &str {
        &self.session
    }

    pub fn is_active(&self) -> bool {
        self.ended.borrow().is_none()
    }

    pub fn status(&self) -> StreamingQueryStatus {
        lock(&self.status).clone()
    }

    pub fn last_progress(&self) -> Option<StreamingQueryProgress> {
        lock(&self.progress).back().cloned()
    }

    /// The reports that are kept, oldest first.
    pub fn recent_progress(&self) -> Vec<StreamingQueryProgress> {
        lock(&self.progress).iter().cloned().collect()
    }

    /// Why the query failed, as a client sees it; `None` while it runs or when it was stopped.
    pub fn exception(&self) -> Option<SparkError> {
        match &*self.ended.borrow() {
            Some(Ended::Failed(error)) => Some(self.failure(error)),
            _ => None,
        }
    }

    fn failure(&self, error: &StreamError) -> SparkError {
        let (id, run_id) = (self.id.to_string(), self.run_id.to_string());
        SparkError::streaming_query_failed(&id, &run_id, &error.to_string())
    }

    /// The plan of the last batch.
    pub fn explain(&self, extended: bool) -> String {
        let shown = lock(&self.shown);
        let Some(planned) = &shown.planned else {
            return "No physical plan. Waiting for data.".to_owned();
        };
        let (logical, optimized, physical) =
            (&shown.logical, &planned.optimized, &planned.physical);
        match extended {
            false => format!("== Physical Plan ==\n{physical}\n"),
            // The plan comes parsed: what was parsed and what was analyzed are one.
            true => format!(
                "== Parsed Logical Plan ==\n{logical}\n\n== Analyzed Logical Plan ==\n{logical}\n\n\
                 == Optimized Logical Plan ==\n{optimized}\n\n== Physical Plan ==\n{physical}\n"
            ),
        }
    }

    /// Stops the query and waits until it has let go of everything.
    pub async fn stop(&self) {
        self.cancel.cancel();
        self.wait_until_ended().await;
    }

    /// Asks the query to stop, without waiting.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Waits until the query has ended, at most for `timeout`: whether it has. Fails as it did.
    pub async fn await_termination(&self, timeout: Option<Duration>) -> Result<bool, SparkError> {
        match timeout {
            None => self.wait_until_ended().await,
            Some(timeout) => {
                if tokio::time::timeout(timeout, self.wait_until_ended())
                    .await
                    .is_err()
                {
                    return Ok(false);
                }
            }
        }
        match self.exception() {
            Some(error) => Err(error),
            None => Ok(true),
        }
    }

    /// Waits until everything that was there when this was called is in the sink.
    pub async fn process_all_available(&self) -> Result<(), SparkError> {
        let mut triggers = self.triggers.subscribe();
        let begun = triggers.borrow_and_update().begun;
        tokio::select! {
            _ = triggers.wait_for(|count| count.idle > begun) => {}
            () = self.wait_until_ended() => {}
        }
        self.exception().map_or(Ok(()), Err)
    }

    pub(super) async fn wait_until_ended(&self) {
        let mut ended = self.ended.subscribe();
        // The sender lives as long as `self`, so this ends only with a value.
        let _ = ended.wait_for(Option::is_some).await;
    }

    pub(super) fn cancelled(&self) -> CancellationToken {
        self.cancel.clone()
    }

    pub(super) fn set_status(&self, message: &str, data: Option<bool>, trigger_active: bool) {
        let mut status = lock(&self.status);
        message.clone_into(&mut status.message);
        status.is_trigger_active = trigger_active;
        if let Some(data) = data {
            status.is_data_available = data;
        }
    }

    /// Notes that a trigger begins and returns its number.
    pub(super) fn trigger_begins(&self) -> u64 {
        let mut number = 0;
        self.triggers.send_modify(|count| {
            count.begun += 1;
            number = count.begun;
        });
        number
    }

    pub(super) fn trigger_was_idle(&self, number: u64) {
        self.triggers.send_modify(|count| count.idle = number);
    }

    pub(super) fn add_progress(&self, progress: StreamingQueryProgress) {
        let mut kept = lock(&self.progress);
        if kept.len() == self.progress_kept {
            kept.pop_front();
        }
        kept.push_back(progress);
    }

    pub(super) fn fail(&self, error: StreamError) {
        self.end(Ended::Failed(error));
    }

    pub(super) fn end(&self, ended: Ended) {
        match &ended {
            Ended::Stopped => self.set_status("Stopped", Some(false), false),
            Ended::Failed(error) => {
                let message = format!("Terminated with exception: {error}");
                self.set_status(&message, Some(false), false);
            }
        }
        self.ended.send_replace(Some(ended));
    }
}
