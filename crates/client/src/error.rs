use std::time::Duration;

use fleuve_model::{ErrorCode, TopicPartition};

use crate::config::ConfigError;

/// Why an operation of the client failed.
///
/// It can be cloned, since one failed request may fail many records.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No broker could be reached.
    #[error(
        "cannot reach a broker at {tried}: {reason}. Check that the broker runs and that \
         `bootstrap.servers` names its listener"
    )]
    Unreachable {
        /// The addresses that were tried.
        tried: String,
        /// What the last attempt said.
        reason: String,
    },
    /// A connection broke before the answer came.
    #[error("the connection to {broker} was lost: {reason}")]
    Disconnected {
        /// The address.
        broker: String,
        /// What the system said.
        reason: String,
    },
    /// The answer did not come in time.
    #[error("{what} took longer than {limit:?} ({setting})")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
        /// The setting that says so.
        setting: &'static str,
    },
    /// A broker refused.
    #[error("{}", broker_text(*code, subject, message.as_deref()))]
    Broker {
        /// Kafka's code.
        code: ErrorCode,
        /// What it was about: a topic, a group, an API.
        subject: String,
        /// What the broker said besides, if anything.
        message: Option<String>,
    },
    /// The broker has no version of an API that this client speaks.
    #[error(
        "{broker} has {}, this needs {api} {needed}",
        broker_versions(api, offered.as_deref())
    )]
    UnsupportedApi {
        /// The address.
        broker: String,
        /// The API, by Kafka's name.
        api: &'static str,
        /// The versions that the broker has of it.
        offered: Option<String>,
        /// The versions that are needed.
        needed: String,
    },
    /// An answer could not be read.
    #[error("a {api} response could not be read: {reason}")]
    Decode {
        /// The API, by Kafka's name.
        api: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A request could not be written, mostly because an option needs a later broker.
    #[error("a {api} request could not be written: {reason}")]
    Encode {
        /// The API, by Kafka's name.
        api: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A partition holds bytes that are not a record batch.
    #[error("{partition} at offset {offset}: {reason}")]
    CorruptRecords {
        /// Where.
        partition: TopicPartition,
        /// From which offset on.
        offset: i64,
        /// What is wrong.
        reason: String,
    },
    /// A partition has no such offset, and nothing says where to go on (`auto.offset.reset`).
    #[error(
        "{partition} has no offset {offset} (it has {start} to {end}); \
         set auto.offset.reset to earliest or latest, or seek"
    )]
    OffsetOutOfRange {
        /// Where.
        partition: TopicPartition,
        /// The offset asked for.
        offset: i64,
        /// The first offset there is.
        start: i64,
        /// The offset after the last.
        end: i64,
    },
    /// A group has committed no offset for a partition and `auto.offset.reset` is `none`.
    #[error("no offset is committed for {0}; set auto.offset.reset to earliest or latest, or seek")]
    NoOffset(TopicPartition),
    /// A record or a request that cannot be sent.
    #[error("{0}")]
    Invalid(String),
    /// The producer, consumer or admin was closed.
    #[error("the {0} is closed")]
    Closed(&'static str),
}

impl ClientError {
    /// A broker's refusal; nothing for success. Codes that no Kafka has are unknown errors.
    pub(crate) fn check(
        code: i16,
        subject: impl Into<String>,
        message: Option<&fleuve_protocol::Str>,
    ) -> Result<(), ClientError> {
        let code = ErrorCode::from_wire(code).unwrap_or(ErrorCode::UnknownServerError);
        if code.is_none() {
            return Ok(());
        }
        let message = message.map(|text| text.as_str().to_owned());
        Err(ClientError::Broker {
            code,
            subject: subject.into(),
            message,
        })
    }

    /// Kafka's code, if a broker gave one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            ClientError::Broker { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the same request may succeed later or elsewhere, as Kafka classifies it.
    pub fn is_retriable(&self) -> bool {
        match self {
            ClientError::Broker { code, .. } => is_retriable(*code),
            ClientError::Disconnected { .. }
            | ClientError::Unreachable { .. }
            | ClientError::TimedOut { .. } => true,
            _ => false,
        }
    }

    /// Whether the metadata that led to the broker may be old.
    pub(crate) fn wants_metadata(&self) -> bool {
        match self {
            ClientError::Broker { code, .. } => wants_metadata(*code),
            ClientError::Disconnected { .. } | ClientError::Unreachable { .. } => true,
            _ => false,
        }
    }
}

/// Kafka's retriable errors.
pub(crate) fn is_retriable(code: ErrorCode) -> bool {
    use ErrorCode::*;
    wants_metadata(code)
        || matches!(
            code,
            CorruptMessage
                | RequestTimedOut
                | NotEnoughReplicas
                | NotEnoughReplicasAfterAppend
                | CoordinatorLoadInProgress
                | CoordinatorNotAvailable
                | NotCoordinator
                | NetworkException
                | OffsetNotAvailable
                | UnknownLeaderEpoch
                | UnstableOffsetCommit
                | ThrottlingQuotaExceeded
                | EligibleLeadersNotAvailable
                | PreferredLeaderNotAvailable
                | ConcurrentTransactions
                | FetchSessionIdNotFound
                | InvalidFetchSessionEpoch
                | FetchSessionTopicIdError
        )
}

fn wants_metadata(code: ErrorCode) -> bool {
    use ErrorCode::*;
    matches!(
        code,
        UnknownTopicOrPartition
            | LeaderNotAvailable
            | NotLeaderOrFollower
            | ReplicaNotAvailable
            | BrokerNotAvailable
            | KafkaStorageError
            | FencedLeaderEpoch
            | UnknownTopicId
            | InconsistentTopicId
            | ListenerNotFound
            | NotController
    )
}

fn broker_text(code: ErrorCode, subject: &str, message: Option<&str>) -> String {
    match message.filter(|message| !message.is_empty()) {
        Some(message) => format!("{subject}: {message} ({code})"),
        None => format!("{subject}: {code}"),
    }
}

fn broker_versions(api: &str, offered: Option<&str>) -> String {
    match offered {
        Some(offered) => format!("{api} {offered}"),
        None => format!("no {api}"),
    }
}
