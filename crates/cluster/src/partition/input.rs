//! What a shell tells a partition, and what the partition wants done.

use fleuve_model::{BrokerId, Deadline, LeaderEpoch, Offset};

use super::ReadBound;
use crate::machine::Token;

/// When this broker counts its own copy of a record as held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Once a sync round has covered it.
    Fsync,
    /// Once it is written, as Kafka does by default: other replicas are the safety.
    PageCache,
}

/// How many replicas a producer wants to hold a record before it is acknowledged (`acks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// No answer is expected.
    None,
    /// The leader holds it.
    Leader,
    /// All in-sync replicas hold it, at least `min.insync.replicas` of them.
    All,
}

impl Acks {
    /// Reads the wire's field: 0, 1 or -1.
    pub const fn from_wire(acks: i16) -> Option<Acks> {
        match acks {
            0 => Some(Acks::None),
            1 => Some(Acks::Leader),
            -1 => Some(Acks::All),
            _ => None,
        }
    }
}

/// What a shell tells the partition.
#[derive(Clone, Debug)]
pub enum Input {
    /// The log now ends at `log_end`, `bytes` further on than before.
    Appended {
        log_end: Offset,
        bytes: u64,
        /// The first offset of the oldest transaction that is open at `log_end`.
        first_unstable: Option<Offset>,
    },
    /// A sync round has covered the log up to `synced_end`.
    Synced { synced_end: Offset },
    /// The log now starts at `log_start`: retention or a DeleteRecords request.
    LogStartMoved { log_start: Offset },
    /// A producer waits for an acknowledgement of what it appended below `end`.
    AwaitProduce {
        token: Token,
        acks: Acks,
        end: Offset,
        deadline: Deadline,
    },
    /// A fetch has read all it may and waits for more. It is told again and again until it is
    /// cancelled; see [`LongPoll`] for what makes it complete.
    AwaitFetch { token: Token, bound: ReadBound },
    /// The caller of `token` has gone or has its answer.
    Cancel { token: Token },
    /// The armed timer rang.
    Time,
    /// `follower` asks for records from `fetched_to` on, and so holds all before it.
    FollowerFetched {
        follower: BrokerId,
        fetched_to: Offset,
    },
    /// The controller's word: this broker leads at `leader_epoch` with these in-sync followers.
    Lead {
        leader_epoch: LeaderEpoch,
        in_sync_followers: Vec<BrokerId>,
    },
    /// This broker no longer leads, or the partition is deleted.
    Resign,
    /// The log's directory failed: nothing can be appended or synced.
    LogFailed,
    /// `min.insync.replicas` of the topic was changed.
    MinInSyncReplicas(usize),
}

/// What a shell does for the partition, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell the producer how it went.
    ProduceDone {
        token: Token,
        result: Result<(), AwaitProduceError>,
    },
    /// `bytes` more may be read by the waiting fetch.
    Readable { token: Token, bytes: u64 },
    /// The waiting fetch should answer at once: what it waits for will not come.
    FetchInterrupted { token: Token },
    /// The high watermark is now this.
    HighWatermarkAdvanced(Offset),
    /// Ring at this time instead of the one armed before; with `None`, not at all.
    ArmTimer(Option<Deadline>),
}

/// Why an append is not acknowledged, though it may be in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwaitProduceError {
    /// `timeout.ms` of the request passed.
    #[error("the records were not held by enough replicas in time")]
    TimedOut,
    /// Replicas left while the producer waited.
    #[error("{in_sync} replicas are in sync after the append, {required} are required")]
    NotEnoughReplicasAfterAppend { in_sync: usize, required: usize },
    /// Leadership moved.
    #[error("this broker does not lead the partition any more")]
    NotLeader,
    /// The disk failed.
    #[error("the log's directory failed")]
    LogFailed,
}

/// Too few replicas are in sync for `acks=all`; nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{in_sync} replicas are in sync, {required} are required")]
pub struct NotEnoughReplicas {
    pub in_sync: usize,
    pub required: usize,
}

/// Why a request's leader epoch is refused (KIP-320).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaderEpochError {
    /// The caller knows of an older leader.
    #[error("the partition is led at epoch {current}, request carried {requested}")]
    Fenced {
        current: LeaderEpoch,
        requested: LeaderEpoch,
    },
    /// The caller knows of a newer leader than this broker does.
    #[error("the partition is led at epoch {current}, request carried the newer {requested}")]
    Unknown {
        current: LeaderEpoch,
        requested: LeaderEpoch,
    },
}

/// Where a partition stands when its shell takes it up.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub log_start: Offset,
    pub log_end: Offset,
    /// As checkpointed; recovery has made it durable.
    pub high_watermark: Offset,
    /// The first offset of the oldest transaction open at the log's end.
    pub first_unstable: Option<Offset>,
}
