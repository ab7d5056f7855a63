//! Watermarks, and who waits for them.

use std::time::Duration;

use fleuve_cluster::machine::{Deadline, Now, Token};
use fleuve_cluster::partition::{
    Acks, AwaitProduceError, Durability, Effect, Input, LongPoll, Partition, ReadBound, Standing,
};
use fleuve_model::{BrokerId, LeaderEpoch, Offset};
use proptest::prelude::*;

fn offset(value: i64) -> Offset {
    Offset::new(value).unwrap()
}

fn broker(id: i32) -> BrokerId {
    BrokerId::new(id).unwrap()
}

fn at(seconds: u64) -> Now {
    Now {
        monotonic: Deadline::at(Duration::from_secs(seconds)),
        ..Now::default()
    }
}

fn empty() -> Standing {
    Standing {
        log_start: Offset::ZERO,
        log_end: Offset::ZERO,
        high_watermark: Offset::ZERO,
        first_unstable: None,
    }
}

/// A partition under test, and what it asked for since last asked.
struct Bench {
    partition: Partition,
    now: Now,
}

impl Bench {
    fn leader(durability: Durability, followers: &[i32], min_in_sync: usize) -> Bench {
        let partition = Partition::new(empty(), durability, min_in_sync);
        let mut bench = Bench {
            partition,
            now: at(0),
        };
        bench.step(Input::Lead {
            leader_epoch: LeaderEpoch::ZERO,
            in_sync_followers: followers.iter().map(|id| broker(*id)).collect(),
        });
        bench
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.partition.step(self.now, input, &mut effects);
        effects.retain(|effect| !matches!(effect, Effect::ArmTimer(_)));
        effects
    }

    fn append_to(&mut self, end: i64) -> Vec<Effect> {
        self.append_unstable(end, None)
    }

    fn append_unstable(&mut self, end: i64, first_unstable: Option<i64>) -> Vec<Effect> {
        let log_end = offset(end);
        let first_unstable = first_unstable.map(offset);
        self.step(Input::Appended {
            log_end,
            bytes: 100,
            first_unstable,
        })
    }

    fn sync_to(&mut self, end: i64) -> Vec<Effect> {
        self.step(Input::Synced {
            synced_end: offset(end),
        })
    }

    fn fetched(&mut self, follower: i32, fetched_to: i64) -> Vec<Effect> {
        let follower = broker(follower);
        self.step(Input::FollowerFetched {
            follower,
            fetched_to: offset(fetched_to),
        })
    }

    fn produce(&mut self, token: u64, acks: Acks, end: i64) -> Vec<Effect> {
        self.step(Input::AwaitProduce {
            token: Token(token),
            acks,
            end: offset(end),
            deadline: at(30).monotonic,
        })
    }

    fn watch(&mut self, token: u64, bound: ReadBound) -> Vec<Effect> {
        self.step(Input::AwaitFetch {
            token: Token(token),
            bound,
        })
    }
}

fn done(token: u64) -> Effect {
    Effect::ProduceDone {
        token: Token(token),
        result: Ok(()),
    }
}

fn failed(token: u64, why: AwaitProduceError) -> Effect {
    Effect::ProduceDone {
        token: Token(token),
        result: Err(why),
    }
}

fn advanced(to: i64) -> Effect {
    Effect::HighWatermarkAdvanced(offset(to))
}

fn readable(token: u64, bytes: u64) -> Effect {
    Effect::Readable {
        token: Token(token),
        bytes,
    }
}

#[test]
fn high_watermark_waits_for_the_sync_round_under_fsync() {
    let mut bench = Bench::leader(Durability::Fsync, &[], 1);
    assert_eq!(bench.append_to(5), []);
    assert_eq!(bench.sync_to(3), [advanced(3)]);
    assert_eq!(bench.sync_to(5), [advanced(5)]);
}

#[test]
fn high_watermark_follows_the_log_end_under_page_cache() {
    let mut bench = Bench::leader(Durability::PageCache, &[], 1);
    assert_eq!(bench.append_to(5), [advanced(5)]);
}

#[test]
fn high_watermark_waits_for_the_slowest_in_sync_replica() {
    let mut bench = Bench::leader(Durability::PageCache, &[2, 3], 1);
    bench.append_to(10);
    assert_eq!(bench.fetched(2, 10), []);
    assert_eq!(bench.fetched(3, 7), [advanced(7)]);
    assert_eq!(bench.fetched(3, 10), [advanced(10)]);
}

#[test]
fn high_watermark_stands_still_while_too_few_replicas_are_in_sync() {
    let mut bench = Bench::leader(Durability::PageCache, &[2], 2);
    bench.append_to(4);
    let leader_epoch = LeaderEpoch::ZERO;
    assert_eq!(
        bench.step(Input::Lead {
            leader_epoch,
            in_sync_followers: vec![]
        }),
        []
    );
    assert!(bench.partition.check_produce(Acks::All).is_err());
    assert!(bench.partition.check_produce(Acks::Leader).is_ok());
    assert_eq!(bench.step(Input::MinInSyncReplicas(1)), [advanced(4)]);
}

#[test]
fn a_follower_that_claims_more_than_the_log_holds_is_not_believed() {
    let mut bench = Bench::leader(Durability::Fsync, &[2], 1);
    bench.append_to(4);
    bench.sync_to(4);
    assert_eq!(bench.fetched(2, 900), [advanced(4)]);
}

#[test]
fn acks_all_and_acks_1_wait_for_the_commit_round() {
    let mut bench = Bench::leader(Durability::Fsync, &[], 1);
    bench.append_to(5);
    assert_eq!(bench.produce(1, Acks::All, 5), []);
    assert_eq!(bench.produce(2, Acks::Leader, 5), []);
    assert_eq!(bench.sync_to(5), [advanced(5), done(2), done(1)]);
}

#[test]
fn acks_1_does_not_wait_for_followers() {
    let mut bench = Bench::leader(Durability::PageCache, &[2], 1);
    bench.append_to(5);
    assert_eq!(bench.produce(1, Acks::Leader, 5), [done(1)]);
    assert_eq!(bench.produce(2, Acks::All, 5), []);
    assert_eq!(bench.fetched(2, 5), [advanced(5), done(2)]);
}

#[test]
fn a_produce_that_is_already_committed_is_answered_at_once() {
    let mut bench = Bench::leader(Durability::Fsync, &[], 1);
    bench.append_to(5);
    bench.sync_to(5);
    assert_eq!(bench.produce(1, Acks::All, 5), [done(1)]);
}

#[test]
fn a_waiting_produce_times_out() {
    let mut bench = Bench::leader(Durability::Fsync, &[], 1);
    bench.append_to(5);
    let mut effects = Vec::new();
    let deadline = at(30).monotonic;
    let (token, acks, end) = (Token(1), Acks::All, offset(5));
    bench.partition.step(
        at(0),
        Input::AwaitProduce {
            token,
            acks,
            end,
            deadline,
        },
        &mut effects,
    );
    assert_eq!(effects, [Effect::ArmTimer(Some(deadline))]);
    bench.now = at(29);
    assert_eq!(bench.step(Input::Time), []);
    bench.now = at(30);
    assert_eq!(
        bench.step(Input::Time),
        [failed(1, AwaitProduceError::TimedOut)]
    );
    assert_eq!(bench.sync_to(5), [advanced(5)]);
}

#[test]
fn resigning_tells_everyone_who_waits() {
    let mut bench = Bench::leader(Durability::Fsync, &[], 1);
    bench.append_to(5);
    bench.produce(1, Acks::All, 5);
    bench.watch(2, ReadBound::HighWatermark);
    let interrupted = Effect::FetchInterrupted { token: Token(2) };
    let expected = [failed(1, AwaitProduceError::NotLeader), interrupted];
    assert_eq!(bench.step(Input::Resign), expected);
    assert_eq!(
        bench.produce(3, Acks::All, 5),
        [failed(3, AwaitProduceError::NotLeader)]
    );
}

#[test]
fn a_failed_log_directory_fails_the_waiting_producers() {
    let mut bench = Bench::leader(Durability::Fsync, &[], 1);
    bench.append_to(5);
    bench.produce(1, Acks::Leader, 5);
    assert_eq!(
        bench.step(Input::LogFailed),
        [failed(1, AwaitProduceError::LogFailed)]
    );
    assert_eq!(bench.partition.high_watermark(), Offset::ZERO);
}

#[test]
fn a_consumer_hears_of_committed_bytes_and_a_follower_of_all() {
    let mut bench = Bench::leader(Durability::Fsync, &[], 1);
    bench.watch(1, ReadBound::HighWatermark);
    bench.watch(2, ReadBound::LogEnd);
    assert_eq!(bench.append_to(5), [readable(2, 100)]);
    assert_eq!(bench.append_to(6), [readable(2, 100)]);
    assert_eq!(bench.sync_to(6), [advanced(6), readable(1, 200)]);
    assert_eq!(bench.sync_to(6), []);
}

#[test]
fn last_stable_offset_waits_for_the_open_transaction() {
    let mut bench = Bench::leader(Durability::PageCache, &[], 1);
    bench.append_to(5);
    bench.append_unstable(8, Some(5));
    assert_eq!(bench.partition.high_watermark(), offset(8));
    assert_eq!(bench.partition.last_stable_offset(), offset(5));
    bench.watch(1, ReadBound::LastStableOffset);
    bench.append_unstable(9, Some(5));
    assert_eq!(bench.append_to(10), [advanced(10), readable(1, 300)]);
    assert_eq!(bench.partition.last_stable_offset(), offset(10));
}

#[test]
fn a_transaction_whose_marker_is_not_committed_stays_unstable() {
    let mut bench = Bench::leader(Durability::Fsync, &[], 1);
    bench.append_unstable(3, Some(0));
    bench.append_to(4);
    bench.sync_to(3);
    assert_eq!(bench.partition.high_watermark(), offset(3));
    assert_eq!(bench.partition.last_stable_offset(), offset(0));
    bench.sync_to(4);
    assert_eq!(bench.partition.last_stable_offset(), offset(4));
}

#[test]
fn a_cancelled_caller_is_not_told() {
    let mut bench = Bench::leader(Durability::Fsync, &[], 1);
    bench.append_to(5);
    bench.produce(1, Acks::All, 5);
    bench.watch(2, ReadBound::HighWatermark);
    bench.step(Input::Cancel { token: Token(1) });
    bench.step(Input::Cancel { token: Token(2) });
    assert_eq!(bench.sync_to(5), [advanced(5)]);
}

#[test]
fn leader_epochs_of_requests_are_compared() {
    let mut bench = Bench::leader(Durability::Fsync, &[], 1);
    let epoch = |value| Some(LeaderEpoch::new(value).unwrap());
    let leader_epoch = LeaderEpoch::new(4).unwrap();
    bench.step(Input::Lead {
        leader_epoch,
        in_sync_followers: vec![],
    });
    assert!(bench.partition.check_leader_epoch(None).is_ok());
    assert!(bench.partition.check_leader_epoch(epoch(4)).is_ok());
    assert!(bench.partition.check_leader_epoch(epoch(3)).is_err());
    assert!(bench.partition.check_leader_epoch(epoch(5)).is_err());
}

#[test]
fn a_long_poll_sums_what_its_partitions_tell() {
    let mut poll = LongPoll::new(250, 0, at(5).monotonic);
    poll.readable(100);
    poll.readable(100);
    assert!(!poll.is_complete(at(1).monotonic));
    assert!(poll.is_complete(at(5).monotonic));
    poll.readable(100);
    assert!(poll.is_complete(at(1).monotonic));
    assert!(LongPoll::new(1, 1, at(5).monotonic).is_complete(at(0).monotonic));
}

#[derive(Clone, Debug)]
enum Move {
    Append(i64),
    Sync(i64),
    Fetched(i32, i64),
    InSync(Vec<i32>),
    Produce(bool, i64),
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (1..5_i64).prop_map(Move::Append),
        3 => (0..5_i64).prop_map(Move::Sync),
        4 => (2..4_i32, 0..6_i64).prop_map(|(follower, behind)| Move::Fetched(follower, behind)),
        1 => prop::sample::subsequence(vec![2, 3], 0..=2).prop_map(Move::InSync),
        3 => (any::<bool>(), 0..6_i64).prop_map(|(all, behind)| Move::Produce(all, behind)),
    ]
}

proptest! {
    #[test]
    fn watermarks_keep_their_order_and_nothing_is_acknowledged_early(
        fsync in any::<bool>(),
        min_in_sync in 1..3_usize,
        moves in prop::collection::vec(moves(), 1..60),
    ) {
        let durability = if fsync { Durability::Fsync } else { Durability::PageCache };
        let mut bench = Bench::leader(durability, &[2, 3], min_in_sync);
        let mut log_end = 0;
        let mut fetched = [(2, 0), (3, 0)];
        let mut in_sync = vec![2, 3];
        let mut produced: Vec<(bool, i64)> = Vec::new();
        for step in moves {
            let before = bench.partition.high_watermark();
            let effects = match step {
                Move::Append(records) => {
                    log_end += records;
                    bench.append_to(log_end)
                }
                Move::Sync(behind) => bench.sync_to((log_end - behind).max(0)),
                Move::Fetched(follower, behind) => {
                    let to = (log_end - behind).max(0);
                    let entry = fetched.iter_mut().find(|(id, _)| *id == follower).unwrap();
                    if in_sync.contains(&follower) {
                        entry.1 = to.max(entry.1);
                    }
                    bench.fetched(follower, to)
                }
                Move::InSync(followers) => {
                    // The controller lets in only who has reached the high watermark.
                    let high_watermark = bench.partition.high_watermark().value();
                    for (id, to) in &mut fetched {
                        if followers.contains(id) && !in_sync.contains(id) {
                            *to = high_watermark;
                        }
                    }
                    in_sync = followers.clone();
                    bench.step(Input::Lead {
                        leader_epoch: LeaderEpoch::ZERO,
                        in_sync_followers: followers.iter().map(|id| broker(*id)).collect(),
                    })
                }
                Move::Produce(all, behind) => {
                    let end = (log_end - behind).max(0);
                    produced.push((all, end));
                    let acks = if all { Acks::All } else { Acks::Leader };
                    bench.produce(produced.len() as u64, acks, end)
                }
            };
            let partition = &bench.partition;
            let high_watermark = partition.high_watermark();
            prop_assert!(before <= high_watermark);
            prop_assert!(partition.last_stable_offset() <= high_watermark);
            prop_assert!(!fsync || high_watermark <= partition.synced_end());
            prop_assert!(high_watermark <= partition.log_end());
            if high_watermark > before {
                for (id, to) in fetched {
                    prop_assert!(!in_sync.contains(&id) || high_watermark.value() <= to);
                }
            }
            for effect in effects {
                if let Effect::ProduceDone { token, result: Ok(()) } = effect {
                    let (all, end) = produced[token.0 as usize - 1];
                    let held = if fsync { partition.synced_end() } else { partition.log_end() };
                    prop_assert!(end <= held.value());
                    prop_assert!(!all || end <= high_watermark.value());
                }
            }
        }
    }
}
