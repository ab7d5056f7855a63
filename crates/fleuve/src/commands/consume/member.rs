//! Reading as a member of a group.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fleuve_client::admin::CommittedOffset;
use fleuve_client::metadata::Topic;
use fleuve_client::{Consumer, ConsumerRecord, OffsetSpec};
use fleuve_model::TopicPartition;

use super::alone::listed;
use super::{ConsumeArguments, Ended, Reading, config, counted, has_reached};
use crate::commands::start::Start;
use crate::commands::terminal::Problem;

/// How long one wait for records takes at the most.
const POLL: Duration = Duration::from_millis(500);

/// How often what was printed is committed.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

/// After so long without a partition somebody should be told why.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn read(
    arguments: &ConsumeArguments,
    topics: &[Topic],
    reading: &mut Reading<'_>,
) -> Result<Ended, Problem> {
    let group = arguments.group.as_deref().unwrap_or_default();
    let reset = match arguments.from {
        None | Some(Start::Beginning) => "earliest",
        Some(Start::End) => "latest",
        Some(_) => {
            return Err(Problem::new("--from takes beginning or end with --group")
                .because("a group goes on where it stopped; --from is for partitions that it has never read")
                .next(format!("to move it: `fleuve group reset {group} --to WHERE --execute`")));
        }
    };
    let config = config(arguments)?
        .set("group.id", group)
        .set("auto.offset.reset", reset)
        .set("enable.auto.commit", "false");
    let mut consumer = Consumer::new(&config)?;
    consumer.subscribe(topics.iter().map(|topic| topic.name.clone()))?;
    let mut member = Member {
        consumer: &mut consumer,
        printed: BTreeMap::new(),
        committed_at: Instant::now(),
        ends: BTreeMap::new(),
    };
    let ended = member.read(arguments, reading).await;
    let committed = member.commit().await;
    let closed = consumer.close().await;
    let ended = ended?;
    committed?;
    closed?;
    if reading.printed > 0 {
        let count = counted(reading.printed);
        reading.progress.finish();
        reading.terminal.note(&format!(
            "Group {group} has read {count} and committed them."
        ))?;
    }
    Ok(ended)
}

struct Member<'a> {
    consumer: &'a mut Consumer,
    /// The next record of each partition after what was printed and is not committed yet.
    printed: BTreeMap<TopicPartition, CommittedOffset>,
    committed_at: Instant,
    /// Where the partitions ended that the group gave us.
    ends: BTreeMap<TopicPartition, i64>,
}

impl Member<'_> {
    async fn read(
        &mut self,
        arguments: &ConsumeArguments,
        reading: &mut Reading<'_>,
    ) -> Result<Ended, Problem> {
        let started = Instant::now();
        let mut has_told = false;
        while !reading.is_enough() {
            let records = tokio::select! {
                records = self.consumer.poll(POLL) => records?,
                _ = tokio::signal::ctrl_c() => return Ok(Ended::Interrupted),
            };
            let printed = reading.print(&records)?;
            self.note(printed);
            if self.committed_at.elapsed() >= COMMIT_EVERY {
                self.commit().await?;
            }
            if !arguments.follow && self.is_done().await? {
                break;
            }
            if self.ends.is_empty() && !has_told && started.elapsed() >= PATIENCE {
                has_told = true;
                reading.terminal.note(
                    "The group has given this member no partition yet: others may have all, or groups do \
                     not work there; `fleuve doctor` tells.",
                )?;
            }
        }
        Ok(Ended::Done)
    }

    /// Whether all that the group gave us is read.
    async fn is_done(&mut self) -> Result<bool, Problem> {
        let owned = self.consumer.assignment();
        self.ends.retain(|partition, _| owned.contains(partition));
        let new: Vec<TopicPartition> = owned
            .iter()
            .filter(|partition| !self.ends.contains_key(partition))
            .cloned()
            .collect();
        if !new.is_empty() {
            let ends = listed(self.consumer, &new, OffsetSpec::Latest).await?;
            self.ends.extend(ends);
        }
        Ok(!self.ends.is_empty() && has_reached(self.consumer, &self.ends))
    }

    fn note(&mut self, records: &[ConsumerRecord]) {
        for record in records {
            let next = CommittedOffset {
                offset: record.offset.next(),
                leader_epoch: record.leader_epoch,
                metadata: String::new(),
            };
            self.printed.insert(record.partition.clone(), next);
        }
    }

    /// Commits what was printed, of the partitions that are still ours.
    async fn commit(&mut self) -> Result<(), Problem> {
        self.committed_at = Instant::now();
        let owned = self.consumer.assignment();
        let mut offsets = std::mem::take(&mut self.printed);
        offsets.retain(|partition, _| owned.contains(partition));
        if !offsets.is_empty() {
            self.consumer.commit_offsets(&offsets).await?;
        }
        Ok(())
    }
}
