//! Where a group is to go on: finding the new offsets, and committing them.
//!
//! An offset that a partition does not hold is moved to the nearer end, and noted. Start at
//! [`new_offsets`].

use std::collections::BTreeMap;

use fleuve_client::admin::CommittedOffset;
use fleuve_client::{Admin, ClientError, IsolationLevel, OffsetSpec};
use fleuve_model::{ErrorCode, Offset, PartitionId, TopicName, TopicPartition};

use super::group_offsets::committed;

/// Where the partitions go on.
pub(crate) type Offsets = BTreeMap<TopicPartition, i64>;

/// What the new offsets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResetTo {
    /// At either end, or the first record of a time; where no record is so late, at the end.
    Spec(OffsetSpec),
    /// This offset in every partition.
    Offset(i64),
    /// So many records further on, or back.
    ShiftBy(i64),
    /// What is committed; partitions without an offset go to their ends.
    Current,
}

/// An offset that a partition does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub partition: TopicPartition,
    /// None if a time was asked for at which no record is so late.
    pub asked: Option<i64>,
    /// The end that it was moved to.
    pub set: i64,
}

/// Why there are no new offsets.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResetError {
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is nothing to shift.
    #[error("Cannot shift offset for partition {0} since there is no current committed offset")]
    NothingCommitted(TopicPartition),
}

/// The group's state by Kafka's name; `Dead` if there is no such group.
pub(crate) async fn state(admin: &Admin, group: &str) -> Result<String, ClientError> {
    match admin.describe_group(group).await {
        Ok(description) => Ok(description.state),
        Err(error) if error.code() == Some(ErrorCode::GroupIdNotFound) => Ok("Dead".to_owned()),
        Err(error) => Err(error),
    }
}

/// Finds where `partitions` go on, and which of them had to be moved for it.
pub(crate) async fn new_offsets(
    admin: &Admin,
    group: &str,
    partitions: Vec<TopicPartition>,
    to: ResetTo,
) -> Result<(Offsets, Vec<Moved>), ResetError> {
    match to {
        ResetTo::Spec(spec) => Ok(listed(admin, partitions, spec).await?),
        ResetTo::Current => Ok((current(admin, group, partitions).await?, Vec::new())),
        ResetTo::Offset(offset) => {
            let wanted = partitions.into_iter().map(|p| (p, offset)).collect();
            Ok(within_log(admin, wanted).await?)
        }
        ResetTo::ShiftBy(shift) => {
            let wanted = shifted(admin, group, &partitions, shift).await?;
            Ok(within_log(admin, wanted).await?)
        }
    }
}

/// Keeps offsets within what the partitions hold.
pub(crate) async fn within_log(
    admin: &Admin,
    wanted: Offsets,
) -> Result<(Offsets, Vec<Moved>), ClientError> {
    let partitions: Vec<_> = wanted.keys().cloned().collect();
    let starts = list(admin, &partitions, OffsetSpec::Earliest).await?;
    let ends = list(admin, &partitions, OffsetSpec::Latest).await?;
    let (mut kept, mut moved) = (Offsets::new(), Vec::new());
    for (partition, asked) in wanted {
        let (Some(start), Some(end)) = (starts.get(&partition), ends.get(&partition)) else {
            continue;
        };
        let set = asked.clamp(*start, *end);
        if set != asked {
            let partition = partition.clone();
            moved.push(Moved {
                partition,
                asked: Some(asked),
                set,
            });
        }
        kept.insert(partition, set);
    }
    Ok((kept, moved))
}

/// Commits the offsets for a group that nobody is in.
pub(crate) async fn commit(
    admin: &Admin,
    group: &str,
    offsets: &Offsets,
) -> Result<(), ClientError> {
    let offsets: BTreeMap<_, _> = offsets
        .iter()
        .filter_map(|(partition, offset)| {
            let offset = CommittedOffset {
                offset: Offset::from_wire(*offset)?,
                leader_epoch: None,
                metadata: String::new(),
            };
            Some((partition.clone(), offset))
        })
        .collect();
    for result in admin
        .alter_group_offsets(group, &offsets)
        .await?
        .into_values()
    {
        result?;
    }
    Ok(())
}

/// One line of `topic,partition,offset`, or `group,topic,partition,offset`; `None` if it is
/// neither.
pub(crate) fn parse_line(line: &str) -> Option<(Option<&str>, TopicPartition, i64)> {
    let fields: Vec<&str> = line
        .split(',')
        .map(|field| field.trim().trim_matches('"'))
        .collect();
    let (group, rest) = match fields.as_slice() {
        [group, rest @ ..] if rest.len() == 3 => (Some(*group), rest),
        rest if rest.len() == 3 => (None, rest),
        _ => return None,
    };
    let topic = TopicName::new(rest[0]).ok()?;
    let number = PartitionId::new(rest[1].parse().ok()?).ok()?;
    let partition = TopicPartition::new(topic, number);
    Some((group, partition, rest[2].parse().ok()?))
}

/// The offsets that the partitions have; where no record is so late, their ends, which is noted.
async fn listed(
    admin: &Admin,
    partitions: Vec<TopicPartition>,
    spec: OffsetSpec,
) -> Result<(Offsets, Vec<Moved>), ClientError> {
    let mut offsets = list(admin, &partitions, spec).await?;
    let late: Vec<_> = partitions
        .into_iter()
        .filter(|partition| !offsets.contains_key(partition))
        .collect();
    let ends = list(admin, &late, OffsetSpec::Latest).await?;
    let moved = ends.iter().map(|(partition, end)| Moved {
        partition: partition.clone(),
        asked: None,
        set: *end,
    });
    let moved = moved.collect();
    offsets.extend(ends);
    Ok((offsets, moved))
}

async fn list(
    admin: &Admin,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
) -> Result<Offsets, ClientError> {
    let asked = partitions
        .iter()
        .map(|partition| (partition.clone(), spec))
        .collect();
    let mut offsets = Offsets::new();
    for (partition, result) in admin
        .list_offsets(&asked, IsolationLevel::ReadUncommitted)
        .await
    {
        if let Some(offset) = result?.offset {
            offsets.insert(partition, offset.value());
        }
    }
    Ok(offsets)
}

async fn shifted(
    admin: &Admin,
    group: &str,
    partitions: &[TopicPartition],
    shift: i64,
) -> Result<Offsets, ResetError> {
    let committed = committed(admin, group).await?;
    let moved = |partition: &TopicPartition| match committed.get(partition) {
        Some(held) => Ok((partition.clone(), held.offset.value().saturating_add(shift))),
        None => Err(ResetError::NothingCommitted(partition.clone())),
    };
    partitions.iter().map(moved).collect()
}

async fn current(
    admin: &Admin,
    group: &str,
    partitions: Vec<TopicPartition>,
) -> Result<Offsets, ClientError> {
    let committed = committed(admin, group).await?;
    let (mut offsets, _) = listed(admin, partitions, OffsetSpec::Latest).await?;
    for (partition, offset) in &mut offsets {
        if let Some(held) = committed.get(partition) {
            *offset = held.offset.value();
        }
    }
    Ok(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_group_or_leaves_it_away() {
        let (group, partition, offset) = parse_line("\"t\",1,5").unwrap();
        assert_eq!(
            (group, partition.to_string().as_str(), offset),
            (None, "t-1", 5)
        );
        assert_eq!(parse_line("g, t, 0, 7").unwrap().0, Some("g"));
        assert!(parse_line("t,one,5").is_none() && parse_line("t,1").is_none());
    }
}
