use fleuve_model::ErrorCode;

use super::{InstanceId, MemberId};

/// Why the coordinator refuses something. The texts are those a Kafka user knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    #[error("The group id is invalid.")]
    InvalidGroupId,
    #[error("{0}")]
    GroupIdNotFound(String),
    #[error("The coordinator is not aware of this member.")]
    UnknownMemberId,
    /// The same, where Kafka says more.
    #[error("{0}")]
    UnknownMember(String),
    #[error("Specified group generation id is not valid.")]
    IllegalGeneration,
    #[error("The group is rebalancing, so a rejoin is needed.")]
    RebalanceInProgress,
    #[error(
        "The group member's supported protocols are incompatible with those of existing members \
         or first group member tried to join with empty protocol type or empty protocol list."
    )]
    InconsistentGroupProtocol,
    #[error(
        "The session timeout is not within the range allowed by the broker (as configured by \
         group.min.session.timeout.ms and group.max.session.timeout.ms)."
    )]
    InvalidSessionTimeout,
    #[error(
        "The group member needs to have a valid member id before actually entering a consumer \
         group."
    )]
    MemberIdRequired,
    #[error(
        "The broker rejected this static consumer since another consumer with the same \
         group.instance.id has registered with a different member.id."
    )]
    FencedInstanceId,
    /// The same, where Kafka says more.
    #[error("Static member {member} with instance id {instance} was fenced by member {holder}.")]
    FencedInstance {
        member: MemberId,
        instance: InstanceId,
        holder: MemberId,
    },
    #[error("The group has reached its maximum size.")]
    GroupMaxSizeReached,
    /// The same, where Kafka says more.
    #[error("The consumer group has reached its maximum capacity of {0} members.")]
    ConsumerGroupFull(usize),
    #[error("The group is not empty.")]
    NonEmptyGroup,
    #[error(
        "Deleting offsets of a topic is forbidden while the consumer group is actively \
         subscribed to it."
    )]
    GroupSubscribedToTopic,
    #[error("The metadata field of the offset request was too large.")]
    OffsetMetadataTooLarge,
    #[error("{0}")]
    FencedMemberEpoch(String),
    #[error("{0}")]
    StaleMemberEpoch(String),
    #[error("{0}")]
    UnreleasedInstanceId(String),
    #[error("{0}")]
    UnsupportedAssignor(String),
    #[error("{0}")]
    InvalidRequest(String),
    #[error("{0}")]
    InvalidRegularExpression(String),
    #[error("{0}")]
    UnsupportedVersion(String),
}

impl GroupError {
    /// The code that Kafka answers in this case.
    pub const fn code(&self) -> ErrorCode {
        use GroupError as E;
        match self {
            E::InvalidGroupId => ErrorCode::InvalidGroupId,
            E::GroupIdNotFound(_) => ErrorCode::GroupIdNotFound,
            E::UnknownMemberId | E::UnknownMember(_) => ErrorCode::UnknownMemberId,
            E::IllegalGeneration => ErrorCode::IllegalGeneration,
            E::RebalanceInProgress => ErrorCode::RebalanceInProgress,
            E::InconsistentGroupProtocol => ErrorCode::InconsistentGroupProtocol,
            E::InvalidSessionTimeout => ErrorCode::InvalidSessionTimeout,
            E::MemberIdRequired => ErrorCode::MemberIdRequired,
            E::FencedInstanceId | E::FencedInstance { .. } => ErrorCode::FencedInstanceId,
            E::GroupMaxSizeReached | E::ConsumerGroupFull(_) => ErrorCode::GroupMaxSizeReached,
            E::NonEmptyGroup => ErrorCode::NonEmptyGroup,
            E::GroupSubscribedToTopic => ErrorCode::GroupSubscribedToTopic,
            E::OffsetMetadataTooLarge => ErrorCode::OffsetMetadataTooLarge,
            E::FencedMemberEpoch(_) => ErrorCode::FencedMemberEpoch,
            E::StaleMemberEpoch(_) => ErrorCode::StaleMemberEpoch,
            E::UnreleasedInstanceId(_) => ErrorCode::UnreleasedInstanceId,
            E::UnsupportedAssignor(_) => ErrorCode::UnsupportedAssignor,
            E::InvalidRequest(_) => ErrorCode::InvalidRequest,
            E::InvalidRegularExpression(_) => ErrorCode::InvalidRegularExpression,
            E::UnsupportedVersion(_) => ErrorCode::UnsupportedVersion,
        }
    }
}
