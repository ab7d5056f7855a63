//! Reading for fetch requests: several partitions, limits over all of them, and waiting.
//!
//! A fetch is answered when it has its minimum of bytes, when its time has passed, or when a
//! partition has something else to say than records. Start at [`Fetch::run`].

pub(crate) mod session;

use std::sync::Arc;

use fleuve_cluster::controller::MetadataImage;
use fleuve_cluster::partition::{LongPoll, ReadBound};
use fleuve_model::{Deadline, ErrorCode, Offset, PartitionId, ProducerId, TopicPartition};
use fleuve_storage::LogSlice;

use crate::api::error_code;
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::log::{FetchWait, FetchWaiter, Replica, Watermarks};
use crate::memory_budget::{FAIR_PART_MIN, MemoryBudget, MemoryShare};
use crate::request_context::RequestContext;
use session::{FetchPosition, FetchTarget, FetchTopic};

/// What answers may hold in memory until their clients have them.
#[derive(Debug)]
pub(crate) struct ResponseBudgets {
    ordinary: MemoryBudget,
    large: MemoryBudget,
}

impl ResponseBudgets {
    /// Half of `bytes` for ordinary answers, half for those whose first batch is very large.
    pub(crate) fn new(bytes: u64) -> ResponseBudgets {
        ResponseBudgets {
            ordinary: MemoryBudget::new(bytes / 2),
            large: MemoryBudget::new(bytes / 2),
        }
    }

    /// For few records that are read to be sent in one call with what stands around them.
    pub(crate) fn gathering(&self) -> &MemoryBudget {
        &self.ordinary
    }
}

/// What a fetch wants in all.
pub(crate) struct Fetch<'a> {
    pub(crate) broker: &'a BrokerState,
    pub(crate) context: &'a RequestContext,
    pub(crate) targets: Vec<(FetchTarget, FetchPosition)>,
    pub(crate) bound: ReadBound,
    pub(crate) bytes_min: u64,
    pub(crate) bytes_max: u64,
    pub(crate) deadline: Deadline,
    /// Whether the answer will have its records in memory, and not in their files.
    pub(crate) in_memory: bool,
}

/// What was found in one partition.
pub(crate) struct FetchedPartition {
    pub(crate) target: FetchTarget,
    pub(crate) position: FetchPosition,
    pub(crate) outcome: Outcome,
}

/// Records, perhaps none, or what there is to say instead.
pub(crate) enum Outcome {
    Records {
        records: LogSlice,
        watermarks: Watermarks,
        aborted: Vec<(ProducerId, Offset)>,
    },
    /// The reader's log has gone another way (KIP-595).
    Diverged {
        epoch: Option<fleuve_model::LeaderEpoch>,
        end: Offset,
        watermarks: Watermarks,
    },
    Error(ErrorCode),
}

impl Outcome {
    fn bytes(&self) -> u64 {
        match self {
            Outcome::Records { records, .. } => records.length_bytes,
            Outcome::Diverged { .. } | Outcome::Error(_) => 0,
        }
    }

    /// Whether it should be told at once, records or not.
    fn is_urgent(&self) -> bool {
        !matches!(self, Outcome::Records { .. })
    }
}

/// What a fetch found, and the share of the response budget that its records hold.
pub(crate) struct Fetched {
    pub(crate) partitions: Vec<FetchedPartition>,
    pub(crate) share: Option<MemoryShare>,
}

impl Fetched {
    fn bytes(&self) -> u64 {
        self.partitions
            .iter()
            .map(|partition| partition.outcome.bytes())
            .sum()
    }

    /// Holds just as much of the budget as was found.
    async fn settle(mut self) -> Fetched {
        let bytes = self.bytes();
        if let Some(share) = &mut self.share {
            share.resize_to(bytes).await;
        }
        self
    }

    fn is_urgent(&self) -> bool {
        self.partitions
            .iter()
            .any(|partition| partition.outcome.is_urgent())
    }
}

impl Fetch<'_> {
    /// Looks, waits if there is too little, and looks again.
    pub(crate) async fn run(&self) -> Fetched {
        let clock = self.broker.clock;
        let found = self.read().await;
        if self.is_enough(&found) || clock.now().monotonic >= self.deadline {
            return found;
        }
        drop(found);
        let waiter = FetchWaiter::new(self.poll());
        let _wait = self.join(&waiter);
        loop {
            // Counted from before the look: what comes during it may be counted twice, which ends
            // the wait too early and never too late.
            waiter.restart(self.poll());
            let found = self.read().await;
            let is_over = clock.now().monotonic >= self.deadline || self.broker.stop.is_cancelled();
            if is_over || self.is_enough(&found) {
                return found;
            }
            waiter.readable(found.bytes());
            drop(found);
            self.wait(&waiter).await;
        }
    }

    fn poll(&self) -> LongPoll {
        LongPoll::new(self.bytes_min, 0, self.deadline)
    }

    async fn wait(&self, waiter: &FetchWaiter) {
        let clock = self.broker.clock;
        while !waiter.is_complete(clock.now().monotonic) {
            tokio::select! {
                () = waiter.changed() => {}
                () = tokio::time::sleep_until(clock.instant(self.deadline)) => {}
                () = self.broker.stop.cancelled() => return,
            }
        }
    }

    fn is_enough(&self, found: &Fetched) -> bool {
        found.is_urgent() || found.bytes() >= self.bytes_min || self.targets.is_empty()
    }

    fn join(&self, waiter: &Arc<FetchWaiter>) -> FetchWait {
        let image = self.broker.image();
        let mut wait = FetchWait::default();
        for (target, position) in &self.targets {
            if let Ok(replica) = self.replica(&image, target, position) {
                wait.join(&replica, self.bound, waiter);
            }
        }
        wait
    }

    /// One look at every partition. What will be in memory takes its share of the budget first.
    /// Where the first batch alone is more than the fair part of the budget, it is looked for
    /// again under a share of its size: whoever waits for such a share holds nothing, and nobody
    /// with smaller records waits behind them.
    async fn read(&self) -> Fetched {
        if !self.in_memory {
            return self.look(None);
        }
        let budgets = &self.broker.response_budgets;
        let useful = self.bytes_max.max(FAIR_PART_MIN);
        let fair = budgets.ordinary.fair_part().min(useful);
        let share = budgets.ordinary.take(fair).await;
        let share_bytes = share.bytes();
        let found = self.look(Some(share));
        let bytes = found.bytes();
        if bytes <= share_bytes {
            return found.settle().await;
        }
        drop(found);
        let share = budgets.large.take(bytes).await;
        self.look(Some(share)).settle().await
    }

    /// Looks at the partitions in order, until the limit is reached.
    fn look(&self, share: Option<MemoryShare>) -> Fetched {
        let room = share.as_ref().map_or(self.bytes_max, MemoryShare::bytes);
        let mut room = room.min(self.bytes_max);
        let image = self.broker.image();
        let mut partitions = Vec::with_capacity(self.targets.len());
        let mut is_first_with_records = true;
        for (target, position) in &self.targets {
            let outcome =
                self.read_partition(&image, target, position, room, is_first_with_records);
            let bytes = outcome.bytes();
            is_first_with_records &= bytes == 0;
            room = room.saturating_sub(bytes);
            partitions.push(FetchedPartition {
                target: target.clone(),
                position: position.clone(),
                outcome,
            });
        }
        Fetched { partitions, share }
    }

    fn read_partition(
        &self,
        image: &MetadataImage,
        target: &FetchTarget,
        position: &FetchPosition,
        room: u64,
        at_least_one: bool,
    ) -> Outcome {
        let replica = match self.replica(image, target, position) {
            Ok(replica) => replica,
            Err(code) => return Outcome::Error(code),
        };
        let Ok(from) = Offset::new(position.offset) else {
            return Outcome::Error(ErrorCode::OffsetOutOfRange);
        };
        if let Some(diverged) = diverged(&replica, position, from) {
            return diverged;
        }
        let bytes_max = room.min(u64::try_from(position.bytes_max).unwrap_or(0));
        match replica.find(from, self.bound, bytes_max, at_least_one) {
            Ok((records, watermarks)) => {
                let aborted = self.aborted(&replica, from, &records, watermarks);
                Outcome::Records {
                    records,
                    watermarks,
                    aborted,
                }
            }
            Err(error) => {
                let code = error_code::of_read(&error);
                if code == ErrorCode::KafkaStorageError {
                    tracing::error!(partition = %replica.partition, "fetch failed: {error}");
                }
                Outcome::Error(code)
            }
        }
    }

    fn aborted(
        &self,
        replica: &Replica,
        from: Offset,
        records: &LogSlice,
        watermarks: Watermarks,
    ) -> Vec<(ProducerId, Offset)> {
        if self.bound != ReadBound::LastStableOffset || records.is_empty() {
            return Vec::new();
        }
        let snapshot = replica.snapshot();
        let aborted = snapshot.aborted_transactions(from, watermarks.last_stable);
        aborted
            .into_iter()
            .map(|it| (it.producer, it.first_offset))
            .collect()
    }

    fn replica(
        &self,
        image: &MetadataImage,
        target: &FetchTarget,
        position: &FetchPosition,
    ) -> Result<Arc<Replica>, ErrorCode> {
        let unknown = ErrorCode::UnknownTopicOrPartition;
        let topic = match &target.topic {
            FetchTopic::Name(name) => name.clone(),
            FetchTopic::Id(None) => return Err(ErrorCode::UnknownTopicId),
            FetchTopic::Id(Some(id)) => image
                .topic_by_id(*id)
                .ok_or(ErrorCode::UnknownTopicId)?
                .name
                .clone(),
            FetchTopic::Invalid(_) => return Err(unknown),
        };
        let resource = Resource::Topic(topic.as_str());
        authorize(self.context, Operation::Read, resource)
            .map_err(|denied| error_code::of_denied(denied, resource))?;
        let number = PartitionId::new(target.partition).map_err(|_| unknown)?;
        let of = TopicPartition::new(topic.clone(), number);
        let replica = self
            .broker
            .replica(&of)
            .map_err(|error| error_code::of_replica(&error))?;
        replica
            .check_leader_epoch(position.current_leader_epoch)
            .map_err(error_code::of_leader_epoch)?;
        Ok(replica)
    }
}

fn diverged(replica: &Replica, position: &FetchPosition, from: Offset) -> Option<Outcome> {
    let last_fetched = position.last_fetched_epoch?;
    let watermarks = replica.watermarks();
    let found = replica.snapshot().end_offset_for_epoch(last_fetched);
    let (epoch, end) = match found {
        Some((epoch, end)) => (Some(epoch), end),
        None => (None, watermarks.log_start),
    };
    let agrees = epoch == Some(last_fetched) && end >= from;
    (!agrees).then_some(Outcome::Diverged {
        epoch,
        end,
        watermarks,
    })
}
