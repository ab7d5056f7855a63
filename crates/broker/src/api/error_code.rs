//! Our errors as Kafka's codes. Nowhere else does an error become a code.

use fleuve_cluster::controller::ControllerError;
use fleuve_cluster::driver::Unavailable;
use fleuve_cluster::partition::{AwaitProduceError, LeaderEpochError};
use fleuve_model::ErrorCode;
use fleuve_model::record::{BatchRefusal, ProduceError};
use fleuve_protocol::Str;

use crate::authorize::{Denied, Resource};
use crate::fetch::session::SessionError;
use crate::log::{AppendError, ReadError, ReplicaError};

/// A code with the text that goes with it.
#[derive(Clone, Debug)]
pub(crate) struct CodedError {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl CodedError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> CodedError {
        CodedError {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn text(&self) -> Option<Str> {
        Some(Str::from(self.message.clone()))
    }
}

impl From<ControllerError> for CodedError {
    fn from(error: ControllerError) -> CodedError {
        CodedError {
            code: error.code(),
            message: error.to_string(),
        }
    }
}

impl From<Unavailable> for CodedError {
    fn from(error: Unavailable) -> CodedError {
        CodedError {
            code: of_unavailable_controller(error),
            message: error.to_string(),
        }
    }
}

/// The controller cannot answer now; the client may try again.
pub(crate) fn of_unavailable_controller(error: Unavailable) -> ErrorCode {
    match error {
        Unavailable::Loading | Unavailable::AppendFailed => ErrorCode::RequestTimedOut,
        Unavailable::NotLeader => ErrorCode::NotController,
    }
}

pub(crate) fn of_denied(_: Denied, resource: Resource<'_>) -> ErrorCode {
    match resource {
        Resource::Cluster => ErrorCode::ClusterAuthorizationFailed,
        Resource::Topic(_) => ErrorCode::TopicAuthorizationFailed,
        Resource::Group(_) => ErrorCode::GroupAuthorizationFailed,
    }
}

pub(crate) fn of_session(error: SessionError) -> ErrorCode {
    match error {
        SessionError::NotFound => ErrorCode::FetchSessionIdNotFound,
        SessionError::InvalidEpoch => ErrorCode::InvalidFetchSessionEpoch,
        SessionError::TopicIds => ErrorCode::FetchSessionTopicIdError,
    }
}

pub(crate) fn of_leader_epoch(error: LeaderEpochError) -> ErrorCode {
    match error {
        LeaderEpochError::Fenced { .. } => ErrorCode::FencedLeaderEpoch,
        LeaderEpochError::Unknown { .. } => ErrorCode::UnknownLeaderEpoch,
    }
}

pub(crate) fn of_await_produce(error: AwaitProduceError) -> ErrorCode {
    match error {
        AwaitProduceError::TimedOut => ErrorCode::RequestTimedOut,
        AwaitProduceError::NotEnoughReplicasAfterAppend { .. } => {
            ErrorCode::NotEnoughReplicasAfterAppend
        }
        AwaitProduceError::NotLeader => ErrorCode::NotLeaderOrFollower,
        AwaitProduceError::LogFailed => ErrorCode::KafkaStorageError,
    }
}

/// Why a batch was refused, and which of its records are to blame (KIP-467).
pub(crate) struct ProduceRefusal {
    pub(crate) error: CodedError,
    pub(crate) records: Vec<(u32, String)>,
}

pub(crate) fn of_produce(error: &ProduceError) -> ProduceRefusal {
    let code = match error {
        ProduceError::Batch(_) => ErrorCode::CorruptMessage,
        ProduceError::TooLarge { .. } => ErrorCode::MessageTooLarge,
        ProduceError::Refused(BatchRefusal::LogAppendTime) => ErrorCode::InvalidTimestamp,
        ProduceError::Rejected {
            timestamps: true, ..
        } => ErrorCode::InvalidTimestamp,
        ProduceError::Refused(_)
        | ProduceError::Decompress(_)
        | ProduceError::Records(_)
        | ProduceError::Rejected { .. } => ErrorCode::InvalidRecord,
    };
    let records = match error {
        ProduceError::Rejected { rejections, .. } => rejections
            .iter()
            .map(|it| (it.index, it.reason.to_string()))
            .collect(),
        _ => Vec::new(),
    };
    ProduceRefusal {
        error: CodedError::new(code, error.to_string()),
        records,
    }
}

pub(crate) fn of_replica(error: &ReplicaError) -> ErrorCode {
    match error {
        ReplicaError::NotHosted => ErrorCode::UnknownTopicOrPartition,
        ReplicaError::NotLeader | ReplicaError::Stopping => ErrorCode::NotLeaderOrFollower,
        ReplicaError::Offline => ErrorCode::KafkaStorageError,
    }
}

pub(crate) fn of_append(error: &AppendError) -> CodedError {
    let code = match error {
        AppendError::Log(error) => of_log_append(error),
        AppendError::NotEnoughReplicas(_) => ErrorCode::NotEnoughReplicas,
        AppendError::Await(error) => of_await_produce(*error),
        AppendError::Replica(error) => of_replica(error),
    };
    CodedError::new(code, error.to_string())
}

fn of_log_append(error: &fleuve_storage::AppendError) -> ErrorCode {
    use fleuve_storage::{AppendError as E, ProducerError};
    match error {
        E::Storage(_) => ErrorCode::KafkaStorageError,
        E::Producer(ProducerError::InvalidProducerEpoch { .. }) => ErrorCode::InvalidProducerEpoch,
        E::Producer(ProducerError::OutOfOrderSequence { .. }) => {
            ErrorCode::OutOfOrderSequenceNumber
        }
        E::Producer(_) => ErrorCode::InvalidTxnState,
        E::Batch(_) | E::Marker(_) => ErrorCode::CorruptMessage,
        E::TooLarge { .. } => ErrorCode::RecordListTooLarge,
        E::StaleLeaderEpoch { .. } => ErrorCode::NotLeaderOrFollower,
        E::OutOfOrder { .. } | E::OffsetsExhausted => ErrorCode::UnknownServerError,
    }
}

pub(crate) fn of_read(error: &ReadError) -> ErrorCode {
    match error {
        ReadError::Replica(error) => of_replica(error),
        ReadError::Log(fleuve_storage::ReadError::OffsetOutOfRange { .. }) => {
            ErrorCode::OffsetOutOfRange
        }
        ReadError::Log(fleuve_storage::ReadError::Records(_)) => ErrorCode::CorruptMessage,
        ReadError::Log(_) => ErrorCode::KafkaStorageError,
    }
}

/// The group's coordinator cannot answer now.
pub(crate) fn of_unavailable_coordinator(error: Unavailable) -> ErrorCode {
    match error {
        Unavailable::Loading => ErrorCode::CoordinatorLoadInProgress,
        Unavailable::AppendFailed => ErrorCode::CoordinatorNotAvailable,
        Unavailable::NotLeader => ErrorCode::NotCoordinator,
    }
}
