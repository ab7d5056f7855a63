use super::batch::RecordBatch;
use super::batch_header::{Attributes, BatchProducer};
use super::builder::{BatchBuilder, BatchSettings, NO_HEADERS};
use super::records::Record;
use crate::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};

/// What a control record says to brokers and clients. Kinds that a reader does not know are to
/// be passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ControlType {
    /// The producer's transaction is aborted.
    Abort,
    /// The producer's transaction is committed.
    Commit,
    /// A metadata quorum has a new leader (KIP-595).
    LeaderChange,
    /// A metadata snapshot begins (KIP-630).
    SnapshotHeader,
    /// A metadata snapshot ends.
    SnapshotFooter,
    /// The version of the metadata quorum (KIP-853).
    KraftVersion,
    /// The voters of the metadata quorum (KIP-853).
    KraftVoters,
    /// A kind that this version does not know.
    Unknown(i16),
}

impl ControlType {
    /// The number in the record's key.
    pub const fn code(self) -> i16 {
        match self {
            ControlType::Abort => 0,
            ControlType::Commit => 1,
            ControlType::LeaderChange => 2,
            ControlType::SnapshotHeader => 3,
            ControlType::SnapshotFooter => 4,
            ControlType::KraftVersion => 5,
            ControlType::KraftVoters => 6,
            ControlType::Unknown(code) => code,
        }
    }

    /// The kind of a record's key.
    pub const fn from_code(code: i16) -> ControlType {
        match code {
            0 => ControlType::Abort,
            1 => ControlType::Commit,
            2 => ControlType::LeaderChange,
            3 => ControlType::SnapshotHeader,
            4 => ControlType::SnapshotFooter,
            5 => ControlType::KraftVersion,
            6 => ControlType::KraftVoters,
            code => ControlType::Unknown(code),
        }
    }
}

/// Why a record of a control batch is not a control record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The key is absent or shorter than version and type.
    #[error("the key of a control record has {0} bytes, not 4")]
    Key(usize),
    /// The key's version is negative.
    #[error("the key of a control record has version {0}")]
    KeyVersion(i16),
    /// The marker's value is absent or too short.
    #[error("the value of an end-transaction marker has {0} bytes, not 6")]
    Marker(usize),
    /// The marker's version is negative.
    #[error("an end-transaction marker has version {0}")]
    MarkerVersion(i16),
}

/// The kind of a control batch's record. Later versions of the key may append fields.
pub fn control_type(record: &Record<'_>) -> Result<ControlType, ControlError> {
    let key = record.key.unwrap_or_default();
    let Some([v0, v1, t0, t1]) = key.first_chunk() else {
        return Err(ControlError::Key(key.len()));
    };
    let version = i16::from_be_bytes([*v0, *v1]);
    if version < 0 {
        return Err(ControlError::KeyVersion(version));
    }
    Ok(ControlType::from_code(i16::from_be_bytes([*t0, *t1])))
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransactionResult {
    /// Its records are void.
    Abort,
    /// Its records count.
    Commit,
}

impl TransactionResult {
    /// The kind of control record that says so.
    pub const fn control_type(self) -> ControlType {
        match self {
            TransactionResult::Abort => ControlType::Abort,
            TransactionResult::Commit => ControlType::Commit,
        }
    }
}

/// Ends a producer's transaction in one partition (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTransactionMarker {
    /// How it ended.
    pub result: TransactionResult,
    /// The epoch of the coordinator that decided it, which fences older coordinators.
    pub coordinator_epoch: i32,
}

impl EndTransactionMarker {
    /// Reads the record of a control batch; none if it is a control record of another kind.
    pub fn parse(record: &Record<'_>) -> Result<Option<EndTransactionMarker>, ControlError> {
        let result = match control_type(record)? {
            ControlType::Abort => TransactionResult::Abort,
            ControlType::Commit => TransactionResult::Commit,
            _ => return Ok(None),
        };
        let value = record.value.unwrap_or_default();
        let Some([v0, v1, e0, e1, e2, e3]) = value.first_chunk() else {
            return Err(ControlError::Marker(value.len()));
        };
        let version = i16::from_be_bytes([*v0, *v1]);
        if version < 0 {
            return Err(ControlError::MarkerVersion(version));
        }
        let coordinator_epoch = i32::from_be_bytes([*e0, *e1, *e2, *e3]);
        Ok(Some(EndTransactionMarker {
            result,
            coordinator_epoch,
        }))
    }

    /// The control batch of this one marker, at offset 0 and ready to be appended.
    pub fn batch(&self, id: ProducerId, epoch: ProducerEpoch, timestamp: Timestamp) -> RecordBatch {
        let mut key = [0; 4];
        key[2..].copy_from_slice(&self.result.control_type().code().to_be_bytes());
        let mut value = [0; 6];
        value[2..].copy_from_slice(&self.coordinator_epoch.to_be_bytes());
        let producer = Some(BatchProducer {
            id,
            epoch,
            base_sequence: None,
        });
        let attributes = Attributes::default()
            .with_transactional(true)
            .with_control(true);
        let settings = BatchSettings {
            producer,
            attributes,
            ..BatchSettings::default()
        };
        let mut builder = BatchBuilder::new();
        builder
            .append(Some(timestamp), Some(&key), Some(&value), NO_HEADERS)
            .expect("a marker fits into a batch");
        builder
            .build(&settings)
            .expect("a batch of one marker is small")
    }

    /// [`EndTransactionMarker::batch`] at an offset and epoch.
    pub fn batch_at(
        &self,
        id: ProducerId,
        epoch: ProducerEpoch,
        timestamp: Timestamp,
        base_offset: Offset,
        leader_epoch: LeaderEpoch,
    ) -> RecordBatch {
        self.batch(id, epoch, timestamp)
            .assigned(base_offset, leader_epoch)
    }
}
