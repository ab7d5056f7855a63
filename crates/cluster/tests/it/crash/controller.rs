//! A producer id is given out once; a topic that was acknowledged or seen stays.

use std::collections::BTreeMap;

use fleuve_cluster::controller::{
    Command, CommittedImage, ConfigResource, ConfigValidator, Controller, CreatableTopic,
    MetadataImage, RegisterBroker, Reply, TopicDefaults, TopicLayout, TopicSelector,
};
use fleuve_cluster::machine::Token;
use fleuve_model::{BrokerId, TopicId, TopicName};
use uuid::Uuid;

use super::world::{Event, World};

const SEEDS: u64 = 300;
const STEPS: usize = 250;

struct AnyConfig;

impl ConfigValidator for AnyConfig {
    fn validate(&self, _: &ConfigResource, _: &BTreeMap<String, String>) -> Result<(), String> {
        Ok(())
    }

    fn is_list(&self, _: &ConfigResource, _: &str) -> bool {
        false
    }

    fn default_value(&self, _: &ConfigResource, _: &str) -> Option<String> {
        None
    }
}

struct Run {
    world: World<Controller>,
    image: CommittedImage,
    /// The last deletion asked for: until a later creation is answered nothing can be said.
    deleting: BTreeMap<TopicName, Token>,
    topics: BTreeMap<TopicName, TopicId>,
    given_out_to: i64,
    blocks: usize,
}

fn new_world(seed: u64) -> World<Controller> {
    let make = || Controller::new(TopicDefaults::default(), Box::new(AnyConfig));
    World::new(seed, make, |_, _| {})
}

fn broker() -> BrokerId {
    BrokerId::new(1).unwrap()
}

impl Run {
    fn new(seed: u64) -> Run {
        let world = new_world(seed);
        let registration = Command::RegisterBroker(RegisterBroker {
            broker: broker(),
            incarnation: Uuid::from_u128(1),
            endpoints: vec![],
            rack: None,
        });
        let mut run = Run {
            world,
            image: CommittedImage::new(MetadataImage::default()),
            deleting: BTreeMap::new(),
            topics: BTreeMap::new(),
            given_out_to: 0,
            blocks: 0,
        };
        run.take_events();
        run.world.command(registration);
        run.world.settle();
        run.take_events();
        run
    }

    fn step(&mut self) {
        let name = format!("t{}", self.world.below(6));
        match self.world.below(6) {
            0 => {
                self.world
                    .command(Command::AllocateProducerIds { broker: broker() });
            }
            1 => {
                let layout = TopicLayout::Counts {
                    partitions: Some(2),
                    replication_factor: None,
                };
                let topics = vec![CreatableTopic {
                    name,
                    layout,
                    configs: vec![],
                }];
                self.world.command(Command::CreateTopics {
                    topics,
                    validate_only: false,
                });
            }
            2 => {
                let topics = vec![TopicSelector::Name(name.clone())];
                let token = self.world.command(Command::DeleteTopics { topics });
                self.deleting.insert(TopicName::new(&name).unwrap(), token);
            }
            _ => self.world.weather(),
        }
        self.take_events();
    }

    fn take_events(&mut self) {
        while let Some(event) = self.world.events.pop_front() {
            match event {
                Event::Loaded => self.loaded(),
                Event::Asked(records) => self.image.appending(records),
                Event::Written(log_end) => {
                    self.image.appended(log_end);
                }
                Event::Committed(up_to) => {
                    self.image.committed(up_to);
                }
                Event::Reply(token, reply) => {
                    if let Ok(reply) = reply {
                        self.check(token, reply);
                    }
                }
            }
        }
    }

    /// What was read of the image before the crash is in the image that comes from the log.
    fn loaded(&mut self) {
        let mut image = MetadataImage::default();
        self.world.records().for_each(|record| image.apply(record));
        assert!(image.records_applied() >= self.image.image().records_applied());
        for (name, id) in &self.topics {
            let known = image.topic(name).map(|topic| topic.id);
            assert!(
                known == Some(*id) || self.deleting.contains_key(name),
                "{name} was lost"
            );
        }
        self.image = CommittedImage::new(image);
    }

    fn check(&mut self, token: Token, reply: Reply) {
        match reply {
            Reply::AllocateProducerIds(Ok(block)) => {
                assert!(block.first.value() >= self.given_out_to, "given out twice");
                self.given_out_to = block.first.value() + i64::from(block.length);
                self.blocks += 1;
            }
            Reply::CreateTopics(results) => {
                for created in results.into_iter().flatten() {
                    let known = self
                        .image
                        .image()
                        .topic(&created.name)
                        .map(|topic| topic.id);
                    let deleted = self.deleting.get(&created.name);
                    if deleted.is_some_and(|deletion| token < *deletion) {
                        continue;
                    }
                    assert_eq!(known, Some(created.id), "answered before published");
                    self.deleting.remove(&created.name);
                    self.topics.insert(created.name, created.id);
                }
            }
            Reply::DeleteTopics(results) => {
                for (name, id) in results.into_iter().flatten() {
                    assert!(self.image.image().topic_by_id(id).is_none());
                    self.topics.remove(&name);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn topics_and_producer_ids_survive_whatever_fails() {
    let mut blocks = 0;
    for seed in 0..SEEDS {
        let result = std::panic::catch_unwind(|| {
            let mut run = Run::new(seed);
            for _ in 0..STEPS {
                run.step();
            }
            run.blocks
        });
        blocks += result.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    assert!(
        blocks > SEEDS as usize * 5,
        "the weather lets nothing through"
    );
}
