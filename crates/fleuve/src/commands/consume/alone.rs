//! Reading by oneself, without a group.

use std::collections::BTreeMap;
use std::time::Duration;

use fleuve_client::metadata::Topic;
use fleuve_client::{Consumer, OffsetSpec};
use fleuve_model::{Offset, TopicPartition};

use super::{ConsumeArguments, Ended, Reading, config, has_reached, partitions};
use crate::commands::start::Start;
use crate::commands::terminal::Problem;

/// How long one wait for records takes at the most.
const POLL: Duration = Duration::from_millis(500);

type Offsets = BTreeMap<TopicPartition, i64>;

pub(super) async fn read(
    arguments: &ConsumeArguments,
    topics: &[Topic],
    reading: &mut Reading<'_>,
) -> Result<Ended, Problem> {
    let config = config(arguments)?.set_default("auto.offset.reset", "earliest");
    let mut consumer = Consumer::new(&config)?;
    let partitions = partitions(arguments, topics)?;
    let ended = read_partitions(arguments, &partitions, &mut consumer, reading).await;
    let closed = consumer.close().await;
    let ended = ended?;
    closed?;
    Ok(ended)
}

async fn read_partitions(
    arguments: &ConsumeArguments,
    partitions: &[TopicPartition],
    consumer: &mut Consumer,
    reading: &mut Reading<'_>,
) -> Result<Ended, Problem> {
    let start = arguments.from.unwrap_or(match arguments.follow {
        true => Start::End,
        false => Start::Beginning,
    });
    let ends = listed(consumer, partitions, OffsetSpec::Latest).await?;
    let starts = starts(consumer, partitions, start, &ends).await?;
    let unread = |partition: &&TopicPartition| {
        arguments.follow || starts.get(*partition) < ends.get(*partition)
    };
    let read: Vec<TopicPartition> = partitions.iter().filter(unread).cloned().collect();
    consumer.assign(read.iter().cloned())?;
    for partition in &read {
        if let Some(offset) = starts.get(partition).and_then(|at| Offset::from_wire(*at)) {
            consumer.seek(partition, offset)?;
        }
    }
    let mut ends = ends;
    ends.retain(|partition, _| read.contains(partition));
    while !reading.is_enough() && (arguments.follow || !has_reached(consumer, &ends)) {
        let records = tokio::select! {
            records = consumer.poll(POLL) => records?,
            _ = tokio::signal::ctrl_c() => return Ok(Ended::Interrupted),
        };
        let before_end = |record: &fleuve_client::ConsumerRecord| {
            let end = ends.get(&record.partition);
            arguments.follow || end.is_some_and(|end| record.offset.value() < *end)
        };
        let records: Vec<_> = records.into_iter().filter(before_end).collect();
        reading.print(&records)?;
    }
    Ok(Ended::Done)
}

/// Where each partition begins to be read.
async fn starts(
    consumer: &Consumer,
    partitions: &[TopicPartition],
    start: Start,
    ends: &Offsets,
) -> Result<Offsets, Problem> {
    let first = listed(consumer, partitions, OffsetSpec::Earliest).await?;
    let found = match start {
        Start::Time(_) => listed(consumer, partitions, start.spec()).await?,
        _ => Offsets::new(),
    };
    let place = |partition: &TopicPartition| {
        let (first, end) = (*first.get(partition)?, *ends.get(partition)?);
        let place = match start {
            Start::Beginning => first,
            Start::End => end,
            Start::Offset(offset) => offset.clamp(first, end),
            Start::Last(records) => (end - records).max(first),
            Start::Time(_) => found.get(partition).copied().unwrap_or(end),
        };
        Some((partition.clone(), place))
    };
    Ok(partitions.iter().filter_map(place).collect())
}

/// The offsets that partitions have there; a partition without one is left out.
pub(super) async fn listed(
    consumer: &Consumer,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
) -> Result<Offsets, Problem> {
    let asked = partitions.iter().map(|p| (p.clone(), spec)).collect();
    let mut offsets = Offsets::new();
    for (partition, listed) in consumer.list_offsets(&asked).await {
        if let Some(offset) = listed?.offset {
            offsets.insert(partition, offset.value());
        }
    }
    Ok(offsets)
}
