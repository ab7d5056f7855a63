//! The log of a state machine: appends in order, all or none, and reports in the same order.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use fleuve_cluster::partition::{Acks, ReadBound};
use fleuve_model::Offset;
use fleuve_model::record::{BatchError, Batches, RecordBatch};
use fleuve_storage::AppendOrigin;
use tokio::sync::mpsc;

use super::error::{ReadError, ReplicaError};
use super::replica::Replica;
use super::writer_handle::{AppendCommand, AppendDone, Command};

/// How an append went, in the order in which appends were asked for.
#[derive(Clone, Debug)]
pub(crate) enum MachineAppendReport {
    /// It is in the log, which is committed up to `log_end`.
    Committed { log_end: Offset },
    /// It is not, and none behind it is.
    Failed { reason: String },
}

pub(super) type MachineAppendReports = mpsc::UnboundedSender<MachineAppendReport>;

/// How much is read at a time on replay.
const REPLAY_BYTES: u64 = 1024 * 1024;
/// Between two looks at whether a log has settled.
const SETTLE_PAUSE: Duration = Duration::from_millis(10);
/// A machine's append has no deadline of its own: its callers have.
const NO_DEADLINE: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// One incarnation of a machine's hold on its log.
#[derive(Debug)]
pub(crate) struct MachineLog {
    replica: Arc<Replica>,
    reports: MachineAppendReports,
    fence: Arc<AtomicBool>,
    no_deadline: fleuve_model::Deadline,
}

/// Why a log could not be replayed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("a record of the log cannot be read: {0}")]
    Record(String),
    #[error("the log's directory is offline")]
    Offline,
}

impl MachineLog {
    /// A hold on `replica`'s log, and the reports of its appends.
    pub(crate) fn new(
        replica: Arc<Replica>,
    ) -> (MachineLog, mpsc::UnboundedReceiver<MachineAppendReport>) {
        let (reports, received) = mpsc::unbounded_channel();
        let no_deadline = fleuve_model::Deadline::at(NO_DEADLINE);
        let log = MachineLog {
            replica,
            reports,
            fence: Arc::default(),
            no_deadline,
        };
        (log, received)
    }

    /// Asks for `batch` to be appended behind all that were asked for before.
    pub(crate) fn append(&self, batch: RecordBatch) {
        let command = Command::Append(AppendCommand {
            replica: Arc::clone(&self.replica),
            batch,
            origin: AppendOrigin::Coordinator,
            acks: Acks::All,
            deadline: self.no_deadline,
            done: AppendDone::Machine(self.reports.clone()),
            fence: Some(Arc::clone(&self.fence)),
        });
        if let Err(stopping @ ReplicaError::Stopping) = self.replica.directory.send(command) {
            let report = MachineAppendReport::Failed {
                reason: stopping.to_string(),
            };
            _ = self.reports.send(report);
        }
    }

    /// Waits until everything in the log is committed, hands each batch of it to `apply`, and
    /// returns its end.
    pub(crate) async fn replay(
        replica: &Replica,
        mut apply: impl FnMut(&RecordBatch) -> Result<(), String>,
    ) -> Result<Offset, ReplayError> {
        let log_end = loop {
            replica.check_online().map_err(|_| ReplayError::Offline)?;
            let watermarks = replica.watermarks();
            if watermarks.high_watermark == watermarks.log_end {
                break watermarks.log_end;
            }
            tokio::time::sleep(SETTLE_PAUSE).await;
        };
        let mut from = replica.watermarks().log_start;
        while from < log_end {
            let bytes = replica.read(from, ReadBound::LogEnd, REPLAY_BYTES, true)?;
            let before = from;
            for batch in Batches::new(bytes) {
                let batch = batch?;
                batch.verify_crc()?;
                from = batch.header().next_offset();
                if !batch.header().attributes.is_control() {
                    apply(&batch).map_err(ReplayError::Record)?;
                }
            }
            if from == before {
                break;
            }
        }
        Ok(log_end)
    }
}
