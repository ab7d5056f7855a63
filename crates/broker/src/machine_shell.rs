//! Runs a state machine over a partition's log: performs what its driver wants done.
//!
//! One task owns the driver. Callers ask through a [`MachineHandle`] and are answered when what
//! they asked for is committed; a caller that goes away is cancelled. When the log takes an
//! append no more, the machine is dropped and replayed from what is committed. Start at
//! [`spawn`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleuve_cluster::driver::{Driver, Effect, Input, Unavailable};
use fleuve_cluster::machine::{Deadline, Machine, Token};
use fleuve_model::record::RecordBatch;
use fleuve_model::{Now, Offset};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, SystemChance};
use crate::log::{MachineAppendReport, MachineLog, Replica};

/// Before a machine whose log could not be read is tried again.
const RELOAD_PAUSE: Duration = Duration::from_secs(1);

/// A machine whose records go into record batches.
pub(crate) trait LoggedMachine:
    Machine<Command: Send, Record: Send + Sync, Reply: Send> + Send + 'static
{
    /// Some records as the one batch that the log gets.
    fn batch(records: &[Self::Record], now: Now) -> RecordBatch;

    /// Applies the records of a batch.
    fn replay(&mut self, batch: &RecordBatch) -> Result<(), String>;

    /// The whole log has been applied.
    fn replayed(&mut self, _now: Now) {}
}

/// Sees what a machine's log gets, before its callers are answered.
pub(crate) trait LogObserver<M: LoggedMachine>: Send + 'static {
    /// The whole log has been applied to `machine`.
    fn loaded(&mut self, machine: &M);

    /// What was seen last may be shown: the machine is about to answer.
    fn show(&mut self) -> impl Future<Output = ()> + Send;

    /// `records` are about to be appended.
    fn appending(&mut self, records: &[M::Record]);

    /// The oldest append that was not committed yet is, up to `log_end`.
    fn committed(&mut self, log_end: Offset) -> impl Future<Output = ()> + Send;
}

/// Nobody looks on.
pub(crate) struct NoObserver;

impl<M: LoggedMachine> LogObserver<M> for NoObserver {
    fn loaded(&mut self, _: &M) {}
    async fn show(&mut self) {}
    fn appending(&mut self, _: &[M::Record]) {}
    async fn committed(&mut self, _: Offset) {}
}

type Answer<M> = Result<<M as Machine>::Reply, Unavailable>;

enum Request<M: LoggedMachine> {
    Command {
        token: Token,
        command: M::Command,
        answer: oneshot::Sender<Answer<M>>,
    },
    Cancel {
        token: Token,
    },
}

/// Where callers ask. The queue behind it is bounded by what connections may have in flight.
pub(crate) struct MachineHandle<M: LoggedMachine> {
    requests: mpsc::UnboundedSender<Request<M>>,
    tokens: Arc<std::sync::atomic::AtomicU64>,
}

impl<M: LoggedMachine> Clone for MachineHandle<M> {
    fn clone(&self) -> MachineHandle<M> {
        MachineHandle {
            requests: self.requests.clone(),
            tokens: Arc::clone(&self.tokens),
        }
    }
}

impl<M: LoggedMachine> std::fmt::Debug for MachineHandle<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MachineHandle")
    }
}

/// Cancels a caller that goes away before its answer.
struct CancelOnDrop<'a, M: LoggedMachine> {
    handle: &'a MachineHandle<M>,
    token: Token,
    answered: bool,
}

impl<M: LoggedMachine> Drop for CancelOnDrop<'_, M> {
    fn drop(&mut self) {
        if !self.answered {
            _ = self
                .handle
                .requests
                .send(Request::Cancel { token: self.token });
        }
    }
}

impl<M: LoggedMachine> MachineHandle<M> {
    /// Asks the machine, and waits until its answer may be given. The question is put at the
    /// first poll.
    pub(crate) async fn ask(&self, command: M::Command) -> Answer<M> {
        let token = Token(
            self.tokens
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed),
        );
        let (answer, answered) = oneshot::channel();
        let request = Request::Command {
            token,
            command,
            answer,
        };
        self.requests
            .send(request)
            .map_err(|_| Unavailable::NotLeader)?;
        let mut waiting = CancelOnDrop {
            handle: self,
            token,
            answered: false,
        };
        let answer = answered.await;
        waiting.answered = true;
        answer.unwrap_or(Err(Unavailable::NotLeader))
    }

    /// Tells the machine something without waiting for its answer.
    pub(crate) fn tell(&self, command: M::Command) {
        let token = Token(
            self.tokens
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed),
        );
        let (answer, _) = oneshot::channel();
        // A machine that has stopped need not be told.
        _ = self.requests.send(Request::Command {
            token,
            command,
            answer,
        });
    }
}

/// What a shell is made of.
pub(crate) struct ShellParts<M, O, F> {
    pub(crate) replica: Arc<Replica>,
    /// Makes a machine to which nothing has been applied.
    pub(crate) make: F,
    pub(crate) observer: O,
    pub(crate) clock: Clock,
    pub(crate) stop: CancellationToken,
    pub(crate) machine: std::marker::PhantomData<fn() -> M>,
}

/// Starts a task of `tasks` that runs the machine until `stop`.
pub(crate) fn spawn<M, O, F>(parts: ShellParts<M, O, F>, tasks: &TaskTracker) -> MachineHandle<M>
where
    M: LoggedMachine,
    O: LogObserver<M>,
    F: Fn() -> M + Send + 'static,
{
    let (requests, received) = mpsc::unbounded_channel();
    let (log, reports) = MachineLog::new(Arc::clone(&parts.replica));
    let shell = Shell {
        parts,
        driver: Driver::loading(),
        log,
        reports,
        answers: BTreeMap::new(),
        timer: None,
        was_dropped: false,
    };
    tasks.spawn(shell.run(received));
    MachineHandle {
        requests,
        tokens: Arc::default(),
    }
}

struct Shell<M: LoggedMachine, O, F> {
    parts: ShellParts<M, O, F>,
    driver: Driver<M>,
    log: MachineLog,
    reports: mpsc::UnboundedReceiver<MachineAppendReport>,
    answers: BTreeMap<Token, oneshot::Sender<Answer<M>>>,
    timer: Option<Deadline>,
    was_dropped: bool,
}

impl<M, O, F> Shell<M, O, F>
where
    M: LoggedMachine,
    O: LogObserver<M>,
    F: Fn() -> M + Send + 'static,
{
    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request<M>>) {
        self.load().await;
        let stop = self.parts.stop.clone();
        loop {
            if std::mem::take(&mut self.was_dropped) {
                self.reload().await;
            }
            let timer = self
                .timer
                .map(|deadline| self.parts.clock.instant(deadline));
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(report) = self.reports.recv() => self.reported(report).await,
                () = sleep_until(timer) => self.step(Input::Time),
                request = requests.recv() => match request {
                    Some(request) => self.requested(request),
                    None => return,
                },
            }
        }
    }

    fn requested(&mut self, request: Request<M>) {
        match request {
            Request::Command {
                token,
                command,
                answer,
            } => {
                self.answers.insert(token, answer);
                self.step(Input::Command { token, command });
            }
            Request::Cancel { token } => {
                self.answers.remove(&token);
                self.step(Input::Cancel { token });
            }
        }
    }

    async fn reported(&mut self, report: MachineAppendReport) {
        match report {
            MachineAppendReport::Committed { log_end } => {
                self.parts.observer.committed(log_end).await;
                self.step(Input::Appended { log_end });
                self.step(Input::Committed { up_to: log_end });
            }
            MachineAppendReport::Failed { reason } => {
                let partition = &self.parts.replica.partition;
                tracing::error!(%partition, "the log took no append: {reason}");
                self.step(Input::AppendFailed);
            }
        }
    }

    fn step(&mut self, input: Input<M>) {
        let mut effects = Vec::new();
        self.driver.step(
            self.parts.clock.now(),
            &mut SystemChance,
            input,
            &mut effects,
        );
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect<M>>) {
        for effect in effects {
            match effect {
                Effect::Append(records) => {
                    let batch = M::batch(&records, self.parts.clock.now());
                    self.parts.observer.appending(&records);
                    self.log.append(batch);
                }
                Effect::Reply { token, reply } => {
                    if let Some(answer) = self.answers.remove(&token) {
                        _ = answer.send(reply);
                    }
                }
                Effect::ArmTimer(deadline) => self.timer = deadline,
                Effect::Dropped => self.was_dropped = true,
            }
        }
    }

    async fn load(&mut self) {
        loop {
            let mut machine = (self.parts.make)();
            let replica = Arc::clone(&self.parts.replica);
            let replayed = MachineLog::replay(&replica, |batch| machine.replay(batch)).await;
            match replayed {
                Ok(log_end) => {
                    machine.replayed(self.parts.clock.now());
                    self.parts.observer.loaded(&machine);
                    self.parts.observer.show().await;
                    let mut effects = Vec::new();
                    self.driver.load(machine, log_end, &mut effects);
                    self.perform(effects);
                    return;
                }
                Err(error) => {
                    let partition = &replica.partition;
                    tracing::error!(%partition, "the log cannot be replayed: {error}");
                }
            }
            tokio::select! {
                () = self.parts.stop.cancelled() => return,
                () = tokio::time::sleep(RELOAD_PAUSE) => {}
            }
        }
    }

    async fn reload(&mut self) {
        self.driver.reloading();
        (self.log, self.reports) = MachineLog::new(Arc::clone(&self.parts.replica));
        self.load().await;
    }
}

async fn sleep_until(instant: Option<tokio::time::Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
