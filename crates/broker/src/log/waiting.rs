//! Callers that wait for a partition: producers for their acknowledgement, fetches for records.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fleuve_cluster::machine::Token;
use fleuve_cluster::partition::{AwaitProduceError, Effect, LongPoll, ReadBound};
use fleuve_model::Deadline;
use fleuve_storage::Appended;
use tokio::sync::Notify;

use super::Replica;
use super::machine_log::MachineAppendReport;
use super::replica::AppendOutcome;
use super::writer_handle::AppendDone;

/// Tokens are never repeated in the life of the process.
static TOKEN_LAST: AtomicU64 = AtomicU64::new(0);

pub(crate) fn next_token() -> Token {
    Token(TOKEN_LAST.fetch_add(1, Ordering::Relaxed) + 1)
}

/// Those who wait for one partition, by token.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    produces: BTreeMap<Token, (AppendDone, Appended)>,
    fetches: BTreeMap<Token, Arc<FetchWaiter>>,
}

impl Waiters {
    pub(super) fn add_produce(&mut self, token: Token, done: AppendDone, appended: Appended) {
        self.produces.insert(token, (done, appended));
    }

    pub(super) fn add_fetch(&mut self, token: Token, waiter: Arc<FetchWaiter>) {
        self.fetches.insert(token, waiter);
    }

    pub(super) fn remove(&mut self, token: Token) {
        self.produces.remove(&token);
        self.fetches.remove(&token);
    }

    /// Performs what the partition wants done. Timers are the callers' own: each waits with its
    /// own deadline and tells the partition when it has passed.
    pub(super) fn perform(&mut self, effects: Vec<Effect>, log_start: fleuve_model::Offset) {
        for effect in effects {
            match effect {
                Effect::ProduceDone { token, result } => {
                    if let Some((done, appended)) = self.produces.remove(&token) {
                        done.answer(result, appended, log_start);
                    }
                }
                Effect::Readable { token, bytes } => {
                    if let Some(waiter) = self.fetches.get(&token) {
                        waiter.readable(bytes);
                    }
                }
                Effect::FetchInterrupted { token } => {
                    if let Some(waiter) = self.fetches.remove(&token) {
                        waiter.interrupt();
                    }
                }
                Effect::HighWatermarkAdvanced(_) | Effect::ArmTimer(_) => {}
            }
        }
    }
}

impl AppendDone {
    pub(super) fn answer(
        self,
        result: Result<(), AwaitProduceError>,
        appended: Appended,
        log_start: fleuve_model::Offset,
    ) {
        match self {
            AppendDone::Client(done) => {
                let outcome = result.map(|()| AppendOutcome {
                    appended,
                    log_start,
                });
                // A client that has gone needs no answer.
                _ = done.send(outcome.map_err(super::AppendError::from));
            }
            AppendDone::Machine(reports) => {
                let report = match result {
                    Ok(()) => MachineAppendReport::Committed {
                        log_end: appended.last_offset.next(),
                    },
                    Err(error) => MachineAppendReport::Failed {
                        reason: error.to_string(),
                    },
                };
                _ = reports.send(report);
            }
        }
    }
}

/// One fetch request that waits on several partitions.
#[derive(Debug)]
pub(crate) struct FetchWaiter {
    poll: Mutex<LongPoll>,
    changed: Notify,
}

impl FetchWaiter {
    pub(crate) fn new(poll: LongPoll) -> Arc<FetchWaiter> {
        Arc::new(FetchWaiter {
            poll: Mutex::new(poll),
            changed: Notify::new(),
        })
    }

    /// Whether to answer now.
    pub(crate) fn is_complete(&self, now: Deadline) -> bool {
        self.locked().is_complete(now)
    }

    /// Waits until something has changed since the last wait.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Begins to count anew.
    pub(crate) fn restart(&self, poll: LongPoll) {
        *self.locked() = poll;
    }

    /// So many bytes of what it wants are there.
    pub(crate) fn readable(&self, bytes: u64) {
        self.locked().readable(bytes);
        self.changed.notify_one();
    }

    fn interrupt(&self) {
        self.locked().interrupt();
        self.changed.notify_one();
    }

    fn locked(&self) -> MutexGuard<'_, LongPoll> {
        self.poll.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fetch's place among those who wait; dropping it leaves every partition.
#[derive(Debug, Default)]
pub(crate) struct FetchWait {
    places: Vec<(Arc<Replica>, Token)>,
}

impl FetchWait {
    /// Lets `waiter` wait for more of `replica`.
    pub(crate) fn join(
        &mut self,
        replica: &Arc<Replica>,
        bound: ReadBound,
        waiter: &Arc<FetchWaiter>,
    ) {
        let token = next_token();
        self.places.push((Arc::clone(replica), token));
        replica.await_fetch(token, bound, Arc::clone(waiter));
    }
}

impl Drop for FetchWait {
    fn drop(&mut self) {
        for (replica, token) in &self.places {
            replica.cancel(*token);
        }
    }
}
