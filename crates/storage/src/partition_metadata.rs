//! The `partition.metadata` file: which incarnation of a topic a partition belongs to (KIP-516).
//!
//! ```text
//! version: 0
//! topic_id: 5tHmMLlRQ2S9nL8dWn3zJw
//! ```

use fleuve_model::TopicId;

/// The content of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionMetadata {
    /// The id of the partition's topic.
    pub topic_id: TopicId,
}

/// Why the file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartitionMetadataError {
    /// It was written by something newer.
    #[error("partition.metadata has version {0}, known is 0")]
    Version(String),
    /// It does not hold a version and a topic id.
    #[error("partition.metadata is malformed")]
    Malformed,
}

impl PartitionMetadata {
    /// The file's text.
    pub fn encode(&self) -> String {
        format!("version: 0\ntopic_id: {}", self.topic_id)
    }

    /// Reads what [`PartitionMetadata::encode`] or Kafka wrote.
    pub fn decode(content: &[u8]) -> Result<PartitionMetadata, PartitionMetadataError> {
        let text = std::str::from_utf8(content).map_err(|_| PartitionMetadataError::Malformed)?;
        let field = |name: &str| {
            text.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                (key.trim() == name).then(|| value.trim())
            })
        };
        match field("version") {
            Some("0") => {}
            Some(other) => return Err(PartitionMetadataError::Version(other.to_owned())),
            None => return Err(PartitionMetadataError::Malformed),
        }
        let topic_id = field("topic_id").and_then(TopicId::parse);
        let topic_id = topic_id.ok_or(PartitionMetadataError::Malformed)?;
        Ok(PartitionMetadata { topic_id })
    }
}
