//! Kafka's small text files of lines: a version, a count, and one entry a line.
//!
//! ```text
//! 0
//! 2
//! orders 0 1374
//! orders 1 990
//! ```
//! They are replaced as a whole, so a crash leaves the old or the new one. An empty file counts
//! as one without entries, as Kafka makes it before its first write.

use std::collections::BTreeMap;
use std::fmt::Write;

use fleuve_model::{LeaderEpoch, Offset, PartitionId, TopicName, TopicPartition};

/// The version that Kafka has written since these files exist.
const VERSION: &str = "0";

/// Why a checkpoint file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It was written by something newer.
    #[error("checkpoint file has version {0}, known is {VERSION}")]
    Version(String),
    /// A line is not what the file holds.
    #[error("malformed line in checkpoint file: {0}")]
    Malformed(String),
    /// The number of lines is not the one that the file names.
    #[error("checkpoint file names {expected} entries and has {found}")]
    Count {
        /// What its second line says.
        expected: usize,
        /// How many lines follow.
        found: usize,
    },
}

/// The text of a file of offsets by partition: recovery points, high watermarks, log starts.
pub fn encode_offsets(offsets: &BTreeMap<TopicPartition, Offset>) -> String {
    encode(
        offsets.len(),
        offsets.iter(),
        |text, (partition, offset)| {
            let TopicPartition { topic, partition } = partition;
            write!(text, "{topic} {partition} {offset}")
        },
    )
}

/// Reads what [`encode_offsets`] or Kafka wrote.
pub fn decode_offsets(content: &[u8]) -> Result<BTreeMap<TopicPartition, Offset>, CheckpointError> {
    let entries = decode(content, |fields| {
        let [topic, partition, offset] = *fields else {
            return None;
        };
        let topic = TopicName::new(topic).ok()?;
        let partition = PartitionId::new(partition.parse().ok()?).ok()?;
        let offset = Offset::new(offset.parse().ok()?).ok()?;
        Some((TopicPartition::new(topic, partition), offset))
    })?;
    Ok(entries.into_iter().collect())
}

/// The text of a `leader-epoch-checkpoint`.
pub fn encode_epochs(epochs: &BTreeMap<LeaderEpoch, Offset>) -> String {
    encode(epochs.len(), epochs.iter(), |text, (epoch, start)| {
        write!(text, "{epoch} {start}")
    })
}

/// Reads what [`encode_epochs`] or Kafka wrote.
pub fn decode_epochs(content: &[u8]) -> Result<BTreeMap<LeaderEpoch, Offset>, CheckpointError> {
    let entries = decode(content, |fields| {
        let [epoch, start] = *fields else { return None };
        let epoch = LeaderEpoch::new(epoch.parse().ok()?).ok()?;
        Some((epoch, Offset::new(start.parse().ok()?).ok()?))
    })?;
    Ok(entries.into_iter().collect())
}

fn encode<E>(
    count: usize,
    entries: impl Iterator<Item = E>,
    write_entry: impl Fn(&mut String, E) -> std::fmt::Result,
) -> String {
    let mut text = format!("{VERSION}\n{count}\n");
    for entry in entries {
        write_entry(&mut text, entry).expect("writing to a string does not fail");
        text.push('\n');
    }
    text
}

fn decode<E>(
    content: &[u8],
    read_entry: impl Fn(&[&str]) -> Option<E>,
) -> Result<Vec<E>, CheckpointError> {
    let malformed = |line: &str| CheckpointError::Malformed(line.chars().take(80).collect());
    let text = std::str::from_utf8(content).map_err(|_| malformed("it is not UTF-8"))?;
    let mut lines = text.lines();
    match lines.next() {
        None => return Ok(Vec::new()),
        Some(VERSION) => {}
        Some(other) if other.parse::<i32>().is_ok() => {
            return Err(CheckpointError::Version(other.to_owned()));
        }
        Some(other) => return Err(malformed(other)),
    }
    let Some(count) = lines.next() else {
        return Ok(Vec::new());
    };
    let expected: usize = count.parse().map_err(|_| malformed(count))?;
    let mut entries = Vec::new();
    for line in lines {
        let fields: Vec<&str> = line.split_whitespace().collect();
        entries.push(read_entry(&fields).ok_or_else(|| malformed(line))?);
    }
    if entries.len() == expected {
        Ok(entries)
    } else {
        Err(CheckpointError::Count {
            expected,
            found: entries.len(),
        })
    }
}
