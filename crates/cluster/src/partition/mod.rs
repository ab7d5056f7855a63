//! The watermarks of one partition, on its leader, and who waits for them.
//!
//! Always true: log start ≤ last stable offset ≤ high watermark ≤ what every in-sync replica
//! holds, and the high watermark never goes back. Under [`Durability::Fsync`] this broker holds
//! only what is synced; so nothing is acknowledged, and no consumer reads, what a power cut
//! could take back. The high watermark stands still while fewer than `min.insync.replicas`
//! replicas are in sync (KIP-966).
//!
//! The shell appends and syncs; it tells the partition afterwards. Start at [`Partition::step`].

mod input;
mod long_poll;
mod waiting_fetch;
mod waiting_produce;

use std::collections::{BTreeMap, VecDeque};

use fleuve_model::{BrokerId, Deadline, LeaderEpoch, Now, Offset};

use crate::machine::Token;
pub use input::{
    Acks, AwaitProduceError, Durability, Effect, Input, LeaderEpochError, NotEnoughReplicas,
    Standing,
};
pub use long_poll::LongPoll;
pub use waiting_fetch::ReadBound;
use waiting_fetch::WaitingFetches;
use waiting_produce::{Requirement, WaitingProduces};

/// One end of an append: consumers may read up to here or not at all of that append.
#[derive(Clone, Copy, Debug)]
struct Boundary {
    end: Offset,
    /// Bytes that were ever appended up to `end`, since this partition was taken up.
    bytes: u64,
    first_unstable: Option<Offset>,
}

/// The leader's view of a partition.
#[derive(Debug)]
pub struct Partition {
    durability: Durability,
    min_in_sync_replicas: usize,
    /// `None` while this broker does not lead.
    leader_epoch: Option<LeaderEpoch>,
    log_start: Offset,
    synced_end: Offset,
    high_watermark: Offset,
    /// How far each in-sync follower has copied the log; this broker is not among them.
    in_sync_followers: BTreeMap<BrokerId, Offset>,
    /// Ends of appends from the last one at or below the high watermark to the log's end;
    /// never empty.
    boundaries: VecDeque<Boundary>,
    /// Bytes that were ever appended up to the last stable offset, in whole appends.
    stable_bytes: u64,
    produces: WaitingProduces,
    fetches: WaitingFetches,
    armed: Option<Deadline>,
}

impl Partition {
    /// A partition whose log recovery left as `standing`; all of it counts as synced. It leads
    /// only after [`Input::Lead`].
    pub fn new(
        standing: Standing,
        durability: Durability,
        min_in_sync_replicas: usize,
    ) -> Partition {
        assert!(standing.log_start <= standing.log_end);
        let high_watermark = standing
            .high_watermark
            .clamp(standing.log_start, standing.log_end);
        let mut boundaries = VecDeque::new();
        let first_unstable = standing.first_unstable;
        if high_watermark < standing.log_end {
            boundaries.push_back(Boundary {
                end: high_watermark,
                bytes: 0,
                first_unstable,
            });
        }
        boundaries.push_back(Boundary {
            end: standing.log_end,
            bytes: 0,
            first_unstable,
        });
        Partition {
            durability,
            min_in_sync_replicas,
            leader_epoch: None,
            log_start: standing.log_start,
            synced_end: standing.log_end,
            high_watermark,
            in_sync_followers: BTreeMap::new(),
            boundaries,
            stable_bytes: 0,
            produces: WaitingProduces::default(),
            fetches: WaitingFetches::default(),
            armed: None,
        }
    }

    /// Takes one input, and says what to do.
    pub fn step(&mut self, now: Now, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Appended {
                log_end,
                bytes,
                first_unstable,
            } => {
                self.appended(log_end, bytes, first_unstable);
            }
            Input::Synced { synced_end } => self.synced(synced_end),
            Input::LogStartMoved { log_start } => self.log_start_moved(log_start),
            Input::AwaitProduce {
                token,
                acks,
                end,
                deadline,
            } => {
                self.await_produce(token, acks, end, deadline, effects);
            }
            Input::AwaitFetch { token, bound } => {
                self.await_fetch(token, bound, effects);
            }
            Input::Cancel { token } => {
                self.produces.remove(token);
                self.fetches.remove(token);
            }
            Input::Time => self.produces.expire(now.monotonic, effects),
            Input::FollowerFetched {
                follower,
                fetched_to,
            } => {
                self.follower_fetched(follower, fetched_to);
            }
            Input::Lead {
                leader_epoch,
                in_sync_followers,
            } => {
                self.lead(leader_epoch, in_sync_followers, effects);
            }
            Input::Resign => self.resign(effects),
            Input::LogFailed => self.interrupt(AwaitProduceError::LogFailed, effects),
            Input::MinInSyncReplicas(required) => self.min_in_sync_replicas = required,
        }
        self.advance(effects);
        self.arm_timer(effects);
    }

    /// The first offset that is still there.
    pub fn log_start(&self) -> Offset {
        self.log_start
    }

    /// The offset that the next record will have.
    pub fn log_end(&self) -> Offset {
        self.last_boundary().end
    }

    /// What a sync round has covered.
    pub fn synced_end(&self) -> Offset {
        self.synced_end
    }

    /// The end of what consumers may read.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// The end of what `read_committed` consumers may read: no transaction is open before it.
    pub fn last_stable_offset(&self) -> Offset {
        let first_unstable = self
            .boundaries
            .front()
            .and_then(|boundary| boundary.first_unstable);
        first_unstable.map_or(self.high_watermark, |offset| {
            offset.min(self.high_watermark)
        })
    }

    /// The end of what a reader of `bound` may read.
    pub fn readable_end(&self, bound: ReadBound) -> Offset {
        match bound {
            ReadBound::LogEnd => self.log_end(),
            ReadBound::HighWatermark => self.high_watermark,
            ReadBound::LastStableOffset => self.last_stable_offset(),
        }
    }

    /// The epoch at which this broker leads, if it does.
    pub fn leader_epoch(&self) -> Option<LeaderEpoch> {
        self.leader_epoch
    }

    /// How many replicas are in sync, this broker included.
    pub fn in_sync_replicas(&self) -> usize {
        1 + self.in_sync_followers.len()
    }

    /// Says before an append whether `acks` could be honoured now.
    pub fn check_produce(&self, acks: Acks) -> Result<(), NotEnoughReplicas> {
        let in_sync = self.in_sync_replicas();
        let required = self.min_in_sync_replicas;
        if acks == Acks::All && in_sync < required {
            return Err(NotEnoughReplicas { in_sync, required });
        }
        Ok(())
    }

    /// Compares the leader epoch that a request carries, if it carries one, with ours.
    ///
    /// # Errors
    /// Says nothing of whether this broker leads: ask [`Partition::leader_epoch`] first.
    pub fn check_leader_epoch(
        &self,
        requested: Option<LeaderEpoch>,
    ) -> Result<(), LeaderEpochError> {
        let (Some(requested), Some(current)) = (requested, self.leader_epoch) else {
            return Ok(());
        };
        match requested.cmp(&current) {
            std::cmp::Ordering::Less => Err(LeaderEpochError::Fenced { current, requested }),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(LeaderEpochError::Unknown { current, requested }),
        }
    }

    fn appended(&mut self, log_end: Offset, bytes: u64, first_unstable: Option<Offset>) {
        let last = *self.last_boundary();
        assert!(last.end <= log_end, "appends are reported in their order");
        let bytes = last.bytes + bytes;
        self.boundaries.push_back(Boundary {
            end: log_end,
            bytes,
            first_unstable,
        });
    }

    fn synced(&mut self, synced_end: Offset) {
        let synced_end = synced_end.min(self.log_end());
        self.synced_end = self.synced_end.max(synced_end);
    }

    fn log_start_moved(&mut self, log_start: Offset) {
        assert!(
            log_start <= self.high_watermark,
            "what is not committed cannot be deleted"
        );
        self.log_start = self.log_start.max(log_start);
    }

    fn await_produce(
        &mut self,
        token: Token,
        acks: Acks,
        end: Offset,
        deadline: Deadline,
        effects: &mut Vec<Effect>,
    ) {
        if self.leader_epoch.is_none() {
            let result = Err(AwaitProduceError::NotLeader);
            effects.push(Effect::ProduceDone { token, result });
            return;
        }
        let requirement = match acks {
            Acks::None => return,
            Acks::Leader => Requirement::Held(end),
            Acks::All => Requirement::Committed(end),
        };
        self.produces.insert(token, requirement, deadline);
    }

    fn await_fetch(&mut self, token: Token, bound: ReadBound, effects: &mut Vec<Effect>) {
        if self.leader_epoch.is_none() {
            effects.push(Effect::FetchInterrupted { token });
            return;
        }
        self.fetches
            .insert(token, bound, self.readable_bytes(bound));
    }

    /// Notes how far `follower` has copied the log. One that is not in sync is only heard.
    fn follower_fetched(&mut self, follower: BrokerId, fetched_to: Offset) {
        let log_end = self.log_end();
        if let Some(progress) = self.in_sync_followers.get_mut(&follower) {
            *progress = fetched_to.min(log_end).max(*progress);
        }
    }

    fn lead(
        &mut self,
        leader_epoch: LeaderEpoch,
        in_sync_followers: Vec<BrokerId>,
        effects: &mut Vec<Effect>,
    ) {
        if self
            .leader_epoch
            .is_some_and(|current| current != leader_epoch)
        {
            self.interrupt(AwaitProduceError::NotLeader, effects);
        }
        assert!(
            self.leader_epoch <= Some(leader_epoch),
            "leader epochs only grow"
        );
        self.leader_epoch = Some(leader_epoch);
        let known = std::mem::take(&mut self.in_sync_followers);
        let progress = |follower: &BrokerId| known.get(follower).copied();
        let high_watermark = self.high_watermark;
        self.in_sync_followers = in_sync_followers
            .into_iter()
            .map(|follower| (follower, progress(&follower).unwrap_or(high_watermark)))
            .collect();
    }

    fn resign(&mut self, effects: &mut Vec<Effect>) {
        self.leader_epoch = None;
        self.in_sync_followers.clear();
        self.interrupt(AwaitProduceError::NotLeader, effects);
    }

    fn interrupt(&mut self, why: AwaitProduceError, effects: &mut Vec<Effect>) {
        self.produces.fail_all(why, effects);
        self.fetches.interrupt_all(effects);
    }

    /// Raises the high watermark as far as the in-sync replicas allow, and tells who waits.
    fn advance(&mut self, effects: &mut Vec<Effect>) {
        if self.leader_epoch.is_some() && self.in_sync_replicas() >= self.min_in_sync_replicas {
            self.raise_high_watermark(effects);
        }
        self.produces.complete(self.progress(), effects);
        let readable = [
            self.readable_bytes(ReadBound::LogEnd),
            self.readable_bytes(ReadBound::HighWatermark),
            self.readable_bytes(ReadBound::LastStableOffset),
        ];
        self.fetches
            .advance(|bound| readable[bound as usize], effects);
    }

    fn raise_high_watermark(&mut self, effects: &mut Vec<Effect>) {
        let followers = self.in_sync_followers.values().copied();
        let safe = followers.fold(self.held_end(), Offset::min);
        if safe <= self.high_watermark {
            return;
        }
        self.high_watermark = safe;
        self.pass_boundaries();
        assert!(self.high_watermark <= self.held_end());
        effects.push(Effect::HighWatermarkAdvanced(safe));
    }

    /// Keeps of the boundaries at or below the high watermark only the last.
    fn pass_boundaries(&mut self) {
        let high_watermark = self.high_watermark;
        let passed = self
            .boundaries
            .partition_point(|boundary| boundary.end <= high_watermark);
        let Some(last) = passed.checked_sub(1) else {
            return;
        };
        let stable_end = self.boundaries[last]
            .first_unstable
            .unwrap_or(high_watermark)
            .min(high_watermark);
        let stable = self
            .boundaries
            .range(..passed)
            .rfind(|boundary| boundary.end <= stable_end);
        self.stable_bytes = stable.map_or(self.stable_bytes, |boundary| boundary.bytes);
        self.boundaries.drain(..last);
    }

    /// The end of what this broker itself holds.
    fn held_end(&self) -> Offset {
        match self.durability {
            Durability::Fsync => self.synced_end,
            Durability::PageCache => self.log_end(),
        }
    }

    fn progress(&self) -> waiting_produce::Progress {
        waiting_produce::Progress {
            held_end: self.held_end(),
            high_watermark: self.high_watermark,
            in_sync: self.in_sync_replicas(),
            required: self.min_in_sync_replicas,
        }
    }

    /// Bytes that were ever appended up to the end of what a reader of `bound` may read.
    fn readable_bytes(&self, bound: ReadBound) -> u64 {
        match bound {
            ReadBound::LogEnd => self.last_boundary().bytes,
            ReadBound::HighWatermark => self.boundaries.front().map_or(0, |first| first.bytes),
            ReadBound::LastStableOffset => self.stable_bytes,
        }
    }

    fn last_boundary(&self) -> &Boundary {
        self.boundaries
            .back()
            .expect("the log's end is always a boundary")
    }

    fn arm_timer(&mut self, effects: &mut Vec<Effect>) {
        let deadline = self.produces.deadline();
        if deadline != self.armed {
            self.armed = deadline;
            effects.push(Effect::ArmTimer(deadline));
        }
    }
}
