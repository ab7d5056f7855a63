//! How Kafka's scripts name errors that came as a code alone: Java's class and its message.

use fleuve_client::ClientError;
use fleuve_model::ErrorCode;

/// What a script says of an error that it passes on: the broker's own words, or Java's of the code.
pub(super) fn message(error: &ClientError) -> String {
    if let ClientError::Broker {
        message: Some(message),
        ..
    } = error
    {
        return message.clone();
    }
    match error.code().and_then(known) {
        Some((_, message)) => message.to_owned(),
        None => error.to_string(),
    }
}

/// The same behind the class, as Java prints an exception.
pub(super) fn exception(error: &ClientError) -> String {
    match error.code().and_then(known) {
        Some((class, _)) => {
            let message = message(error);
            format!("org.apache.kafka.common.errors.{class}Exception: {message}")
        }
        None => message(error),
    }
}

/// Those that scripts about topics and groups meet.
fn known(code: ErrorCode) -> Option<(&'static str, &'static str)> {
    use ErrorCode as E;
    Some(match code {
        E::UnknownTopicOrPartition => (
            "UnknownTopicOrPartition",
            "This server does not host this topic-partition.",
        ),
        E::RequestTimedOut => ("Timeout", "The request timed out."),
        E::CoordinatorLoadInProgress => (
            "CoordinatorLoadInProgress",
            "The coordinator is loading and hence can't process requests.",
        ),
        E::CoordinatorNotAvailable => (
            "CoordinatorNotAvailable",
            "The coordinator is not available.",
        ),
        E::NotCoordinator => ("NotCoordinator", "This is not the correct coordinator."),
        E::InvalidGroupId => ("InvalidGroupId", "The configured groupId is invalid."),
        E::UnknownMemberId => (
            "UnknownMemberId",
            "The coordinator is not aware of this member.",
        ),
        E::TopicAuthorizationFailed => ("TopicAuthorization", "Topic authorization failed."),
        E::GroupAuthorizationFailed => ("GroupAuthorization", "Group authorization failed."),
        E::ClusterAuthorizationFailed => ("ClusterAuthorization", "Cluster authorization failed."),
        E::NonEmptyGroup => ("GroupNotEmpty", "The group is not empty."),
        E::GroupIdNotFound => ("GroupIdNotFound", "The group id does not exist."),
        E::GroupSubscribedToTopic => (
            "GroupSubscribedToTopic",
            "Deleting offsets of a topic is forbidden while the consumer group is actively \
             subscribed to it.",
        ),
        _ => return None,
    })
}
