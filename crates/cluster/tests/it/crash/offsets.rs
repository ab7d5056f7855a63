//! A committed offset, once acknowledged or read, never goes back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleuve_cluster::controller::MetadataImage;
use fleuve_cluster::group::{
    Client, Command, CommitOffsets, FetchOffsets, Generation, GroupConfig, GroupCoordinator,
    GroupId, JoinGroup, MemberId, OffsetToCommit, Protocol, Reply, SyncGroup,
};
use fleuve_cluster::machine::Token;
use fleuve_model::{Offset, PartitionId, TopicName, TopicPartition};

use super::world::{Event, World};

const SEEDS: u64 = 400;
const STEPS: usize = 300;

/// What a caller has asked for, with what was known when it asked.
enum Asked {
    Commit {
        partition: TopicPartition,
        offset: i64,
    },
    Fetch {
        partition: TopicPartition,
        at_least: i64,
    },
    Join {
        at_least: Generation,
    },
    Sync {
        generation: Generation,
    },
}

struct Run {
    world: World<GroupCoordinator>,
    asked: BTreeMap<Token, Asked>,
    /// The furthest offset that anybody was told of.
    seen: BTreeMap<TopicPartition, i64>,
    next_offset: i64,
    member: Option<(MemberId, Generation)>,
    /// The last generation whose assignment anybody was told.
    settled: Generation,
    acknowledged: usize,
    trace: Vec<String>,
}

fn partition(number: u64) -> TopicPartition {
    let number = PartitionId::new(number as i32).unwrap();
    TopicPartition::new(TopicName::new("t").unwrap(), number)
}

fn simple() -> GroupId {
    GroupId::new("simple")
}

fn group() -> GroupId {
    GroupId::new("g")
}

fn commit(partition: TopicPartition, offset: i64) -> Command {
    Command::CommitOffsets(CommitOffsets {
        group: simple(),
        member: None,
        instance: None,
        generation_or_epoch: None,
        knows_consumer_groups: true,
        retention: None,
        offsets: vec![OffsetToCommit {
            partition,
            topic_id: None,
            offset: Offset::new(offset).unwrap(),
            leader_epoch: None,
            metadata: Arc::from(""),
            timestamp: None,
        }],
    })
}

fn fetch(partition: TopicPartition) -> Command {
    let partitions = Some(vec![partition]);
    Command::FetchOffsets(FetchOffsets {
        group: simple(),
        member: None,
        partitions,
    })
}

fn join(member: Option<MemberId>) -> Command {
    Command::JoinGroup(JoinGroup {
        group: group(),
        member,
        instance: None,
        client: Client {
            id: Arc::from("c"),
            host: Arc::from("/h"),
        },
        protocol_type: Arc::from("x"),
        protocols: vec![Protocol {
            name: Arc::from("p"),
            metadata: Bytes::new(),
        }],
        session_timeout: Duration::from_secs(6),
        rebalance_timeout: Duration::from_secs(6),
        requires_known_member: false,
        supports_skipping_assignment: true,
    })
}

fn sync(member: &MemberId, generation: Generation) -> Command {
    Command::SyncGroup(SyncGroup {
        group: group(),
        member: member.clone(),
        instance: None,
        generation: Some(generation),
        protocol_type: None,
        protocol: None,
        assignments: vec![(member.clone(), Bytes::from_static(b"all"))],
    })
}

impl Run {
    fn new(seed: u64) -> Run {
        let config = GroupConfig {
            initial_rebalance_delay: Duration::from_secs(1),
            ..GroupConfig::default()
        };
        let image = Arc::new(MetadataImage::default());
        let make = move || GroupCoordinator::new(config.clone(), image.clone());
        Run {
            world: World::new(seed, make, GroupCoordinator::loaded),
            asked: BTreeMap::new(),
            seen: BTreeMap::new(),
            next_offset: 0,
            member: None,
            settled: Generation::ZERO,
            acknowledged: 0,
            trace: Vec::new(),
        }
    }

    fn step(&mut self) {
        match self.world.below(5) {
            0 => {
                let partition = partition(self.world.below(3));
                self.next_offset += 1;
                let offset = self.next_offset;
                let token = self.world.command(commit(partition.clone(), offset));
                self.asked
                    .insert(token, Asked::Commit { partition, offset });
            }
            1 => {
                let partition = partition(self.world.below(3));
                let at_least = self.seen.get(&partition).copied().unwrap_or(-1);
                let token = self.world.command(fetch(partition.clone()));
                self.asked.insert(
                    token,
                    Asked::Fetch {
                        partition,
                        at_least,
                    },
                );
            }
            2 => self.take_part(),
            _ => self.world.weather(),
        }
        self.take_events();
    }

    fn take_part(&mut self) {
        let at_least = self.settled;
        match self.member.take() {
            Some((member, generation)) if self.world.below(4) > 0 => {
                let token = self.world.command(sync(&member, generation));
                self.member = Some((member, generation));
                self.asked.insert(token, Asked::Sync { generation });
            }
            Some((member, _)) => {
                let token = self.world.command(join(Some(member)));
                self.asked.insert(token, Asked::Join { at_least });
            }
            None => {
                let token = self.world.command(join(None));
                self.asked.insert(token, Asked::Join { at_least });
            }
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.world.events.pop_front() {
            let Event::Reply(token, reply) = event else {
                continue;
            };
            self.trace.push(format!("{token:?} {reply:?}"));
            let asked = self.asked.remove(&token).expect("a token is answered once");
            let Ok(reply) = reply else { continue };
            self.check(asked, reply);
        }
    }

    fn check(&mut self, asked: Asked, reply: Reply) {
        match (asked, reply) {
            (Asked::Commit { partition, offset }, Reply::CommitOffsets(Ok(_))) => {
                self.acknowledged += 1;
                let seen = self.seen.entry(partition).or_insert(-1);
                *seen = offset.max(*seen);
            }
            (
                Asked::Fetch {
                    partition,
                    at_least,
                },
                Reply::FetchOffsets(Ok(fetched)),
            ) => {
                let at = fetched[0].1.as_ref().map_or(-1, |at| at.offset.value());
                assert!(
                    at >= at_least,
                    "{partition} went back from {at_least} to {at}"
                );
                let seen = self.seen.entry(partition).or_insert(-1);
                *seen = at.max(*seen);
            }
            (Asked::Join { at_least }, Reply::JoinGroup(Ok(joined))) => {
                assert!(joined.generation > at_least || joined.members.is_empty());
                assert!(
                    joined.generation >= at_least,
                    "a settled generation was lost"
                );
                self.member = Some((joined.member, joined.generation));
            }
            (Asked::Sync { generation }, Reply::SyncGroup(Ok(_))) => {
                self.settled = self.settled.max(generation);
            }
            _ => {}
        }
    }
}

fn run(seed: u64) -> Run {
    let mut run = Run::new(seed);
    for _ in 0..STEPS {
        run.step();
    }
    run
}

#[test]
fn offsets_and_generations_never_go_back_whatever_fails() {
    let mut acknowledged = 0;
    for seed in 0..SEEDS {
        let result = std::panic::catch_unwind(|| run(seed).acknowledged);
        acknowledged += result.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    assert!(
        acknowledged > SEEDS as usize * 10,
        "the weather lets nothing through"
    );
}

#[test]
fn a_seed_determines_every_answer() {
    for seed in 0..20 {
        assert_eq!(run(seed).trace, run(seed).trace, "seed {seed}");
    }
}

/// One run without other weather, crashed after every step, with every prefix of what was not
/// synced left in the log.
#[test]
fn a_crash_at_any_step_with_any_suffix_lost_takes_nothing_back() {
    let script = |run: &mut Run, steps: usize| {
        for step in 0..steps {
            let number = step as u64 % 3;
            match step % 7 {
                0 | 2 | 3 => {
                    run.next_offset += 1;
                    let (partition, offset) = (partition(number), run.next_offset);
                    let token = run.world.command(commit(partition.clone(), offset));
                    run.asked.insert(token, Asked::Commit { partition, offset });
                }
                1 | 4 => run.world.write(),
                5 => {
                    let partition = partition(number);
                    let at_least = run.seen.get(&partition).copied().unwrap_or(-1);
                    let token = run.world.command(fetch(partition.clone()));
                    run.asked.insert(
                        token,
                        Asked::Fetch {
                            partition,
                            at_least,
                        },
                    );
                }
                _ => run.world.sync(),
            }
            run.take_events();
        }
    };
    let mut crashes = 0;
    for steps in 0..120 {
        let mut kept = 0;
        loop {
            let mut run = Run::new(1);
            script(&mut run, steps);
            if kept > run.world.unsynced() {
                break;
            }
            run.world.crash(kept);
            run.take_events();
            for number in 0..3 {
                let partition = partition(number);
                let at_least = run.seen.get(&partition).copied().unwrap_or(-1);
                let token = run.world.command(fetch(partition.clone()));
                run.asked.insert(
                    token,
                    Asked::Fetch {
                        partition,
                        at_least,
                    },
                );
            }
            run.take_events();
            crashes += 1;
            kept += 1;
        }
    }
    assert!(crashes > 200, "{crashes} crashes");
}
