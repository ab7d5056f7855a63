use std::fmt;
use std::sync::Arc;

use crate::PartitionId;

/// A topic's name: 1 to 249 of `[a-zA-Z0-9._-]`, but neither `.` nor `..` (Kafka's `Topic`).
///
/// Cloning copies a reference. A valid name is a valid file name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

/// Why a claimed topic name is not one; the texts are those a Kafka user knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTopicName {
    /// It has no characters.
    #[error("Topic name is invalid: the empty string is not allowed")]
    Empty,
    /// It is `.` or `..`, which a file system cannot hold.
    #[error("Topic name is invalid: '{0}' is not allowed")]
    Dots(String),
    /// It is longer than [`TopicName::LENGTH_MAX`].
    #[error(
        "Topic name is invalid: the length of '{0}' is longer than the max allowed length {max}",
        max = TopicName::LENGTH_MAX
    )]
    TooLong(String),
    /// It has a character outside `[a-zA-Z0-9._-]`.
    #[error(
        "Topic name is invalid: '{0}' contains one or more characters other than \
         ASCII alphanumerics, '.', '_' and '-'"
    )]
    Characters(String),
}

impl TopicName {
    /// The longest name, in characters: a file name of 255 less the partition's suffix.
    pub const LENGTH_MAX: usize = 249;

    /// Checks `name` by Kafka's rules.
    pub fn new(name: &str) -> Result<TopicName, InvalidTopicName> {
        if name.is_empty() {
            return Err(InvalidTopicName::Empty);
        }
        if name == "." || name == ".." {
            return Err(InvalidTopicName::Dots(name.to_owned()));
        }
        if name.len() > Self::LENGTH_MAX {
            return Err(InvalidTopicName::TooLong(name.to_owned()));
        }
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        {
            return Err(InvalidTopicName::Characters(name.to_owned()));
        }
        Ok(TopicName(Arc::from(name)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether two names differ only in `.` and `_`, which metrics cannot tell apart.
    pub fn collides_with(&self, other: &TopicName) -> bool {
        let plain = |name: &TopicName| name.as_str().replace('.', "_");
        plain(self) == plain(other)
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One partition of one topic; printed as Kafka names its folder, `topic-0`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicName,
    /// The partition's number within it.
    pub partition: PartitionId,
}

impl TopicPartition {
    /// The partition numbered `partition` of `topic`.
    pub fn new(topic: TopicName, partition: PartitionId) -> TopicPartition {
        TopicPartition { topic, partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Debug for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
