//! Classic members that come, go, fall silent and try again, whatever fails.
//!
//! Every assignment that a member gets was made for it, in the generation that it is in; a
//! generation has one leader and one protocol; nobody waits for ever, and in the end the group
//! is empty.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleuve_cluster::controller::MetadataImage;
use fleuve_cluster::group::{
    Client, Command, Generation, GroupConfig, GroupCoordinator, GroupError, GroupId, Heartbeat,
    InstanceId, JoinGroup, JoinRefused, Joined, LeaveGroup, LeavingMember, MemberId, Protocol,
    Reply, SyncGroup,
};
use fleuve_cluster::machine::Token;

use super::world::{Event, World};

const SEEDS: u64 = 200;
const STEPS: usize = 1_500;
const MEMBERS: u64 = 4;

/// A client of the classic protocol.
#[derive(Default)]
struct Member {
    id: Option<MemberId>,
    /// Static members have one.
    instance: Option<InstanceId>,
    joined: Option<Joined>,
    synced: bool,
    waiting: Option<Token>,
}

struct Run {
    world: World<GroupCoordinator>,
    members: Vec<Member>,
    /// How often the machine was loaded: before the first sync a generation may be forgotten.
    loads: u64,
    /// The leader and the protocol of each generation.
    generations: BTreeMap<(u64, Generation), (MemberId, Arc<str>)>,
    asked: BTreeMap<Token, u64>,
    assigned: usize,
}

fn group() -> GroupId {
    GroupId::new("g")
}

impl Run {
    fn new(seed: u64) -> Run {
        let config = GroupConfig {
            initial_rebalance_delay: Duration::from_millis(500),
            members_max: 4,
            ..GroupConfig::default()
        };
        let image = Arc::new(MetadataImage::default());
        let make = move || GroupCoordinator::new(config.clone(), image.clone());
        let member = |index| Member {
            instance: (index == 0).then(|| InstanceId::new("static")),
            ..Member::default()
        };
        let mut run = Run {
            world: World::new(seed, make, GroupCoordinator::loaded),
            members: (0..MEMBERS).map(member).collect(),
            loads: 0,
            generations: BTreeMap::new(),
            asked: BTreeMap::new(),
            assigned: 0,
        };
        run.take_events();
        run
    }

    fn step(&mut self) {
        let index = self.world.below(MEMBERS) as usize;
        match self.world.below(60) {
            0..35 => self.go_on(index),
            // The client gives up waiting, or has started anew and forgotten who it was.
            35 => self.members[index].waiting = None,
            36 => {
                let instance = self.members[index].instance.clone();
                self.members[index] = Member {
                    instance,
                    ..Member::default()
                };
            }
            37 => self.leave(index),
            _ => self.world.weather(),
        }
        self.take_events();
    }

    fn go_on(&mut self, index: usize) {
        if self.members[index].waiting.is_some() {
            return;
        }
        let command = match &self.members[index].joined {
            None => self.join(index),
            Some(joined) if !self.members[index].synced => self.sync(index, joined),
            Some(joined) => Command::Heartbeat(Heartbeat {
                group: group(),
                member: joined.member.clone(),
                instance: self.members[index].instance.clone(),
                generation: Some(joined.generation),
            }),
        };
        self.ask(index, command);
    }

    fn join(&self, index: usize) -> Command {
        let member = &self.members[index];
        let protocol = |name: &str| Protocol {
            name: Arc::from(name),
            metadata: Bytes::new(),
        };
        // All support one protocol; every other member would rather have another.
        let protocols = match index % 2 {
            0 => vec![protocol("common")],
            _ => vec![protocol("other"), protocol("common")],
        };
        Command::JoinGroup(JoinGroup {
            group: group(),
            member: member.id.clone(),
            instance: member.instance.clone(),
            client: Client {
                id: Arc::from("c"),
                host: Arc::from("/h"),
            },
            protocol_type: Arc::from("x"),
            protocols,
            session_timeout: Duration::from_secs(6),
            rebalance_timeout: Duration::from_secs(8),
            requires_known_member: member.instance.is_none(),
            supports_skipping_assignment: true,
        })
    }

    /// Whoever was told of members assigns to each a text that names it and the generation.
    fn sync(&self, index: usize, joined: &Joined) -> Command {
        let text = |member: &MemberId| format!("{:?}:{member}", joined.generation);
        let members = joined.members.iter().filter(|_| !joined.skip_assignment);
        let assignments = members
            .map(|one| (one.member.clone(), Bytes::from(text(&one.member))))
            .collect();
        Command::SyncGroup(SyncGroup {
            group: group(),
            member: joined.member.clone(),
            instance: self.members[index].instance.clone(),
            generation: Some(joined.generation),
            protocol_type: joined.protocol_type.clone(),
            protocol: joined.protocol.clone(),
            assignments,
        })
    }

    fn leave(&mut self, index: usize) {
        let member = &self.members[index];
        let Some(id) = member.id.clone().filter(|_| member.waiting.is_none()) else {
            return;
        };
        let members = vec![LeavingMember {
            member: Some(id),
            instance: member.instance.clone(),
        }];
        self.ask(
            index,
            Command::LeaveGroup(LeaveGroup {
                group: group(),
                members,
            }),
        );
    }

    fn ask(&mut self, index: usize, command: Command) {
        let token = self.world.command(command);
        self.asked.insert(token, self.loads);
        self.members[index].waiting = Some(token);
    }

    fn take_events(&mut self) {
        while let Some(event) = self.world.events.pop_front() {
            match event {
                Event::Loaded => {
                    self.loads += 1;
                    self.lose_connections();
                }
                Event::Reply(token, reply) => {
                    let asked_at = self.asked.remove(&token).expect("a token is answered once");
                    if let Ok(reply) = &reply {
                        self.check(asked_at, reply);
                    }
                    let waits = |member: &Member| member.waiting == Some(token);
                    if let Some(index) = self.members.iter().position(waits) {
                        self.members[index].waiting = None;
                        self.members[index].told(reply.ok());
                    }
                }
                Event::Asked(_) | Event::Written(_) | Event::Committed(_) => {}
            }
        }
    }

    /// A crash answers nobody: clients see their connections close.
    fn lose_connections(&mut self) {
        for member in &mut self.members {
            if member
                .waiting
                .is_some_and(|token| self.asked.contains_key(&token))
            {
                member.waiting = None;
            }
        }
        self.asked.clear();
    }

    fn check(&mut self, loads: u64, reply: &Reply) {
        match reply {
            Reply::JoinGroup(Ok(joined)) => {
                let leader = joined.leader.clone().expect("a generation has a leader");
                let protocol = joined
                    .protocol
                    .clone()
                    .expect("a generation has a protocol");
                assert!(joined.members.is_empty() || leader == joined.member);
                let generation = self.generations.entry((loads, joined.generation));
                let known = generation.or_insert_with(|| (leader.clone(), protocol.clone()));
                assert_eq!(known.1, protocol);
                // A static leader that comes back leads on under its new id.
                assert!(known.0 == leader || (is_static(&known.0) && is_static(&leader)));
            }
            Reply::SyncGroup(Ok(_)) => self.assigned += 1,
            _ => {}
        }
    }
}

fn is_static(member: &MemberId) -> bool {
    member.as_str().starts_with("static-")
}

impl Member {
    fn told(&mut self, reply: Option<Reply>) {
        match reply {
            Some(Reply::JoinGroup(Ok(joined))) => {
                self.id = Some(joined.member.clone());
                self.joined = Some(joined);
                self.synced = false;
            }
            Some(Reply::JoinGroup(Err(JoinRefused { member, error }))) => {
                self.joined = None;
                match error {
                    GroupError::MemberIdRequired => self.id = member,
                    GroupError::UnknownMemberId | GroupError::FencedInstanceId => self.id = None,
                    _ => {}
                }
            }
            Some(Reply::SyncGroup(Ok(synced))) => {
                let joined = self.joined.as_ref().expect("who syncs has joined");
                let text = format!("{:?}:{}", joined.generation, joined.member);
                let assignment = String::from_utf8(synced.assignment.to_vec()).unwrap();
                // A static member keeps what was assigned to its former id.
                assert!(
                    assignment == text || assignment.is_empty() || self.instance.is_some(),
                    "{text} got {assignment}"
                );
                self.synced = true;
            }
            Some(Reply::SyncGroup(Err(error)) | Reply::Heartbeat(Err(error))) => {
                self.joined = None;
                if error != GroupError::RebalanceInProgress {
                    self.id = None;
                }
            }
            Some(Reply::LeaveGroup(_)) => {
                self.id = None;
                self.joined = None;
            }
            _ => {}
        }
    }
}

#[test]
fn members_get_what_was_assigned_to_them_whatever_fails() {
    let mut assigned = 0;
    for seed in 0..SEEDS {
        let result = std::panic::catch_unwind(|| {
            let mut run = Run::new(seed);
            for _ in 0..STEPS {
                run.step();
            }
            run.assigned
        });
        assigned += result.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    assert!(
        assigned > SEEDS as usize * 10,
        "only {assigned} assignments were made"
    );
}

#[test]
fn a_group_whose_members_fall_silent_answers_everybody_and_becomes_empty() {
    for seed in 0..50 {
        let mut run = Run::new(seed);
        for _ in 0..200 {
            run.step();
        }
        for _ in 0..1_000 {
            run.world.pass(Duration::from_secs(1));
            run.world.settle();
            run.take_events();
        }
        assert!(
            run.asked.is_empty(),
            "seed {seed}: {:?} wait for ever",
            run.asked
        );
        run.world.command(Command::DescribeClassicGroups {
            groups: vec![group()],
        });
        let Some(Event::Reply(_, Ok(Reply::DescribeClassicGroups(groups)))) =
            run.world.events.pop_back()
        else {
            panic!("seed {seed}: no answer")
        };
        let state = groups[0].as_ref().map_or("gone", |group| group.state);
        assert!(matches!(state, "Empty" | "gone"), "seed {seed}: {state}");
    }
}
