//! Five hundred members of a group on a thousand partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleuve_cluster::controller::{MetadataImage, Record};
use fleuve_cluster::group::{
    Assignment, Client, Command, ConsumerGroupHeartbeat, Generation, GroupConfig, GroupCoordinator,
    GroupId, JoinGroup, MemberId, Protocol, Reply, SyncGroup,
};
use fleuve_cluster::machine::{Deadline, Machine, Now, Outcome, SeededChance, Token};
use fleuve_model::{BrokerId, LeaderEpoch, PartitionId, TopicId, TopicName};
use uuid::Uuid;

const MEMBERS: usize = 500;
const PARTITIONS: i32 = 1_000;

struct Bench {
    coordinator: GroupCoordinator,
    chance: SeededChance,
    now: Now,
    tokens: u64,
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

impl Bench {
    fn new() -> Bench {
        let mut coordinator = GroupCoordinator::new(GroupConfig::default(), image());
        coordinator.loaded(Now::default());
        let chance = SeededChance::new(1);
        Bench {
            coordinator,
            chance,
            now: Now::default(),
            tokens: 0,
        }
    }

    /// What the command is answered, and others with it; records are applied at once.
    fn ask(&mut self, command: Command) -> Vec<(Token, Reply)> {
        self.tokens += 1;
        let token = Token(self.tokens);
        let outcome = self
            .coordinator
            .handle(self.now, &mut self.chance, token, command);
        self.take(outcome)
    }

    fn pass(&mut self, duration: Duration) -> Vec<(Token, Reply)> {
        self.now.monotonic = self.now.monotonic + duration;
        let mut replies = Vec::new();
        while self
            .coordinator
            .deadline()
            .is_some_and(|at| at <= self.now.monotonic)
        {
            let outcome = self.coordinator.expire(self.now);
            replies.extend(self.take(outcome));
        }
        replies
    }

    fn take(&mut self, outcome: Outcome<GroupCoordinator>) -> Vec<(Token, Reply)> {
        outcome
            .records
            .iter()
            .for_each(|record| self.coordinator.apply(record));
        outcome.replies
    }
}

fn client() -> Client {
    Client {
        id: Arc::from("c"),
        host: Arc::from("/h"),
    }
}

#[test]
fn five_hundred_classic_members_settle_in_one_generation() {
    let mut bench = Bench::new();
    let mut replies = Vec::new();
    for _ in 0..MEMBERS {
        replies.extend(bench.ask(Command::JoinGroup(JoinGroup {
            group: GroupId::new("g"),
            member: None,
            instance: None,
            client: client(),
            protocol_type: Arc::from("consumer"),
            protocols: vec![Protocol {
                name: Arc::from("range"),
                metadata: Bytes::new(),
            }],
            session_timeout: Duration::from_secs(45),
            rebalance_timeout: Duration::from_secs(300),
            requires_known_member: false,
            supports_skipping_assignment: true,
        })));
    }
    assert!(replies.is_empty(), "all wait for the first generation");
    let first = Deadline::at(Duration::from_secs(6));
    while bench.now.monotonic < first {
        replies.extend(bench.pass(Duration::from_secs(1)));
    }
    let mut joined = Vec::new();
    for (_, reply) in replies {
        let Reply::JoinGroup(Ok(reply)) = reply else {
            panic!("{reply:?}")
        };
        assert_eq!(reply.generation, Generation::from_wire(1).unwrap());
        joined.push(reply);
    }
    assert_eq!(joined.len(), MEMBERS);
    let leader = joined
        .iter()
        .find(|reply| !reply.members.is_empty())
        .unwrap()
        .clone();
    assert_eq!(leader.members.len(), MEMBERS);
    let assignments: Vec<(MemberId, Bytes)> = joined
        .iter()
        .map(|reply| (reply.member.clone(), Bytes::from_static(b"two")))
        .collect();
    let mut synced = 0;
    let mut sync = |bench: &mut Bench, member: &MemberId, assignments| {
        let replies = bench.ask(Command::SyncGroup(SyncGroup {
            group: GroupId::new("g"),
            member: member.clone(),
            instance: None,
            generation: Some(leader.generation),
            protocol_type: None,
            protocol: None,
            assignments,
        }));
        synced += replies.len();
    };
    for reply in joined.iter().filter(|reply| reply.member != leader.member) {
        sync(&mut bench, &reply.member, vec![]);
    }
    sync(&mut bench, &leader.member, assignments);
    assert_eq!(synced, MEMBERS);
}

#[test]
fn five_hundred_consumers_settle_within_a_few_heartbeats_each() {
    let mut bench = Bench::new();
    let mut epochs = vec![0; MEMBERS];
    let mut owned: Vec<BTreeSet<PartitionId>> = vec![BTreeSet::new(); MEMBERS];
    for round in 0.. {
        for index in 0..MEMBERS {
            let of_topic = owned[index].clone();
            let mut claimed = Assignment::new();
            if !of_topic.is_empty() {
                claimed.insert(topic_id(), of_topic);
            }
            let replies = bench.ask(Command::ConsumerGroupHeartbeat(ConsumerGroupHeartbeat {
                group: GroupId::new("g"),
                member: Some(MemberId::new(&format!("m{index}"))),
                requires_member_id: true,
                member_epoch: epochs[index],
                instance: None,
                rack: None,
                client: client(),
                rebalance_timeout: Some(Duration::from_secs(300)),
                subscribed_topics: Some([Arc::from("t")].into()),
                subscribed_regex: None,
                server_assignor: None,
                owned: Some(claimed),
            }));
            let [(_, Reply::ConsumerGroupHeartbeat(Ok(reply)))] = &replies[..] else {
                panic!("{replies:?}")
            };
            epochs[index] = reply.member_epoch;
            if let Some(assignment) = &reply.assignment {
                owned[index] = assignment.get(&topic_id()).cloned().unwrap_or_default();
            }
        }
        let mut owners = BTreeMap::new();
        for (index, numbers) in owned.iter().enumerate() {
            for number in numbers {
                assert_eq!(owners.insert(*number, index), None, "two owners");
            }
        }
        if owners.len() == PARTITIONS as usize && owned.iter().all(|numbers| numbers.len() == 2) {
            assert!(round <= 3, "settled after {round} rounds of heartbeats");
            return;
        }
        assert!(round < 10, "{} are owned", owners.len());
    }
}
