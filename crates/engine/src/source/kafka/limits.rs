//! How much of what is there a batch takes, and how it is split into tasks.

use std::collections::BTreeMap;

use fleuve_model::{Offset, TopicPartition};

use super::offsets::PartitionOffsets;

/// The offsets of one partition that one task reads, half-open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OffsetRange {
    pub partition: TopicPartition,
    pub start: Offset,
    pub end: Offset,
}

impl OffsetRange {
    pub(super) fn records(&self) -> u64 {
        (self.end.value() - self.start.value()).max(0) as u64
    }
}

/// Takes at most `limit` records, from each partition in proportion to what it has; none starves.
pub(super) fn limited(
    limit: u64,
    from: &BTreeMap<TopicPartition, Offset>,
    until: &PartitionOffsets,
) -> PartitionOffsets {
    let size = |partition: &TopicPartition, end: &Offset| {
        let begin = from.get(partition).map_or(0, |offset| offset.value());
        (end.value() - begin).max(0)
    };
    let total: i64 = until
        .0
        .iter()
        .map(|(partition, end)| size(partition, end))
        .sum();
    if total < 1 {
        return until.clone();
    }
    let limited = |partition: &TopicPartition, end: &Offset| {
        let size = size(partition, end);
        if size == 0 {
            return *end;
        }
        let share = limit as f64 * (size as f64 / total as f64);
        let share = if share < 1.0 {
            share.ceil()
        } else {
            share.floor()
        } as i64;
        let begin = from.get(partition).map_or(0, |offset| offset.value());
        Offset::from_wire(begin.saturating_add(share)).map_or(*end, |offset| offset.min(*end))
    };
    PartitionOffsets(
        until
            .0
            .iter()
            .map(|(partition, end)| (partition.clone(), limited(partition, end)))
            .collect(),
    )
}

/// Splits ranges so that there are about `min_partitions` of them and none has more than
/// `max_records`.
pub(super) fn split(
    ranges: Vec<OffsetRange>,
    min_partitions: Option<usize>,
    max_records: Option<u64>,
) -> Vec<OffsetRange> {
    let mut ranges: Vec<OffsetRange> = ranges
        .into_iter()
        .filter(|range| range.records() > 0)
        .collect();
    if let Some(max) = max_records {
        ranges = ranges
            .into_iter()
            .flat_map(|range| {
                let parts = range.records().div_ceil(max);
                split_range(&range, parts)
            })
            .collect();
    }
    match min_partitions {
        Some(wanted) if wanted > ranges.len() => {
            let total: u64 = ranges.iter().map(OffsetRange::records).sum();
            ranges
                .into_iter()
                .flat_map(|range| {
                    let share = range.records() as f64 / total as f64 * wanted as f64;
                    split_range(&range, (share.round() as u64).max(1))
                })
                .collect()
        }
        _ => ranges,
    }
}

fn split_range(range: &OffsetRange, parts: u64) -> Vec<OffsetRange> {
    let mut split = Vec::new();
    let mut start = range.start;
    for part in 0..parts {
        let left = (range.end.value() - start.value()) as u64;
        let size = left / (parts - part);
        let end = start.checked_add(size as i64).unwrap_or(range.end);
        if end > start {
            split.push(OffsetRange {
                partition: range.partition.clone(),
                start,
                end,
            });
        }
        start = end;
    }
    split
}
