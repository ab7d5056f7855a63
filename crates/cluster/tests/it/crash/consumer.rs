//! No partition has two owners, whatever fails and however members come and go (KIP-848).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fleuve_cluster::controller::{MetadataImage, Record};
use fleuve_cluster::group::{
    Assignment, Client, Command, ConsumerGroupHeartbeat, ConsumerHeartbeatReply, GroupConfig,
    GroupCoordinator, GroupError, GroupId, MemberId, Reply,
};
use fleuve_cluster::machine::Token;
use fleuve_model::{BrokerId, LeaderEpoch, PartitionId, TopicId, TopicName};
use uuid::Uuid;

use super::world::{Event, World};

const SEEDS: u64 = 250;
const STEPS: usize = 400;
const PARTITIONS: i32 = 7;
const MEMBERS: u64 = 4;

/// A client of the consumer protocol, as it should behave.
#[derive(Default)]
struct Consumer {
    epoch: i32,
    joined: bool,
    /// What it consumes. It stops before it says so.
    owned: BTreeSet<PartitionId>,
    /// The heartbeat that is under way.
    waiting: Option<Token>,
    incarnation: u32,
    leaving: bool,
}

struct Run {
    world: World<GroupCoordinator>,
    consumers: Vec<Consumer>,
    settled: usize,
}

fn topic_id() -> TopicId {
    TopicId::new(Uuid::from_u128(9)).unwrap()
}

fn image() -> Arc<MetadataImage> {
    let mut image = MetadataImage::default();
    let name = TopicName::new("t").unwrap();
    image.apply(&Record::TopicCreated {
        name,
        id: topic_id(),
    });
    for number in 0..PARTITIONS {
        image.apply(&Record::PartitionSet {
            topic: topic_id(),
            partition: PartitionId::new(number).unwrap(),
            replicas: vec![BrokerId::new(1).unwrap()],
            in_sync_replicas: vec![BrokerId::new(1).unwrap()],
            leader: BrokerId::from_wire(1),
            leader_epoch: LeaderEpoch::ZERO,
            partition_epoch: 0,
        });
    }
    Arc::new(image)
}

fn member(index: usize, incarnation: u32) -> MemberId {
    MemberId::new(&format!("m{index}-{incarnation}"))
}

impl Run {
    fn new(seed: u64) -> Run {
        let image = image();
        // Sessions are long enough that a member is never fenced while it lives.
        let config = GroupConfig {
            consumer_session_timeout: Duration::from_secs(100_000),
            ..GroupConfig::default()
        };
        let make = move || GroupCoordinator::new(config.clone(), image.clone());
        let consumers = (0..MEMBERS).map(|_| Consumer::default()).collect();
        Run {
            world: World::new(seed, make, GroupCoordinator::loaded),
            consumers,
            settled: 0,
        }
    }

    fn step(&mut self) {
        let index = self.world.below(MEMBERS) as usize;
        match self.world.below(10) {
            0..6 => self.beat(index),
            // A heartbeat's answer is lost: the client sends another.
            6 => self.consumers[index].waiting = None,
            _ => self.world.weather(),
        }
        self.take_events();
        self.check_owners();
    }

    fn beat(&mut self, index: usize) {
        let leaves = self.world.below(40) == 0;
        let consumer = &mut self.consumers[index];
        if consumer.waiting.is_some() {
            return;
        }
        if leaves && consumer.joined {
            consumer.owned.clear();
            consumer.leaving = true;
        }
        let joins = !consumer.joined;
        if joins {
            consumer.owned.clear();
            consumer.epoch = 0;
        }
        let owned: BTreeSet<PartitionId> = consumer.owned.clone();
        let owned: Assignment = if owned.is_empty() {
            Assignment::new()
        } else {
            [(topic_id(), owned)].into()
        };
        let request = ConsumerGroupHeartbeat {
            group: GroupId::new("g"),
            member: Some(member(index, consumer.incarnation)),
            requires_member_id: true,
            member_epoch: if consumer.leaving { -1 } else { consumer.epoch },
            instance: None,
            rack: None,
            client: Client {
                id: Arc::from("c"),
                host: Arc::from("/h"),
            },
            rebalance_timeout: Some(Duration::from_secs(100_000)),
            subscribed_topics: Some([Arc::from("t")].into()),
            subscribed_regex: None,
            server_assignor: None,
            owned: Some(owned),
        };
        let token = self.world.command(Command::ConsumerGroupHeartbeat(request));
        self.consumers[index].waiting = Some(token);
    }

    fn take_events(&mut self) {
        while let Some(event) = self.world.events.pop_front() {
            let Event::Reply(token, reply) = event else {
                continue;
            };
            let waiting = |consumer: &Consumer| consumer.waiting == Some(token);
            let Some(index) = self.consumers.iter().position(waiting) else {
                continue;
            };
            let consumer = &mut self.consumers[index];
            consumer.waiting = None;
            match reply {
                Ok(Reply::ConsumerGroupHeartbeat(Ok(_))) if consumer.leaving => {
                    let incarnation = consumer.incarnation + 1;
                    *consumer = Consumer {
                        incarnation,
                        ..Consumer::default()
                    };
                }
                Ok(Reply::ConsumerGroupHeartbeat(Ok(reply))) => consumer.told(reply),
                Ok(Reply::ConsumerGroupHeartbeat(Err(error))) => consumer.refused(&error),
                Ok(other) => panic!("{other:?}"),
                // The coordinator is away: the client keeps what it has and tries again.
                Err(_) => {}
            }
        }
    }

    fn check_owners(&mut self) {
        let mut owners: BTreeMap<PartitionId, usize> = BTreeMap::new();
        for (index, consumer) in self.consumers.iter().enumerate() {
            for number in &consumer.owned {
                let other = owners.insert(*number, index);
                assert!(
                    other.is_none(),
                    "{number} is consumed by {index} and {other:?}"
                );
            }
        }
        if owners.len() == PARTITIONS as usize {
            self.settled += 1;
        }
    }
}

impl Consumer {
    fn told(&mut self, reply: ConsumerHeartbeatReply) {
        self.joined = true;
        self.epoch = reply.member_epoch;
        if let Some(mut assignment) = reply.assignment {
            self.owned = assignment.remove(&topic_id()).unwrap_or_default();
        }
    }

    fn refused(&mut self, error: &GroupError) {
        match error {
            GroupError::FencedMemberEpoch(_)
            | GroupError::UnknownMember(_)
            | GroupError::GroupIdNotFound(_) => {
                let incarnation = self.incarnation + u32::from(self.leaving);
                *self = Consumer {
                    incarnation,
                    ..Consumer::default()
                };
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn no_partition_has_two_owners_whatever_fails() {
    let mut settled = 0;
    for seed in 0..SEEDS {
        let result = std::panic::catch_unwind(|| {
            let mut run = Run::new(seed);
            for _ in 0..STEPS {
                run.step();
            }
            run.settled
        });
        settled += result.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    assert!(
        settled > SEEDS as usize * 20,
        "every partition was consumed in {settled} steps"
    );
}

#[test]
fn members_that_stay_come_to_own_everything() {
    for seed in 0..50 {
        let mut run = Run::new(seed);
        for _ in 0..200 {
            run.step();
        }
        for round in 0.. {
            for index in 0..MEMBERS as usize {
                run.consumers[index].waiting = None;
                run.consumers[index].leaving = false;
                run.beat(index);
                run.consumers[index].leaving = false;
                run.world.settle();
                run.take_events();
                run.check_owners();
            }
            let owned: usize = run
                .consumers
                .iter()
                .map(|consumer| consumer.owned.len())
                .sum();
            if owned == PARTITIONS as usize {
                break;
            }
            assert!(round < 30, "seed {seed}: only {owned} are consumed");
        }
    }
}
