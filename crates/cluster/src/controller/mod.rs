//! The controller: which topics, partitions, configs and brokers there are.
//!
//! Its state is a [`MetadataImage`], the sum of its [`Record`]s; their bytes are documented in
//! `docs/formats/metadata-log.md`. The controller's own image runs ahead of what is committed;
//! everybody else reads the image of a [`CommittedImage`], which does not. A producer id, once
//! given out, is never given out again. Start at [`Controller`] and [`Command`].

mod brokers;
mod command;
mod committed;
mod configs;
mod error;
mod image;
mod partitions;
mod placement;
mod record;
pub mod record_format;
mod topics;

use std::collections::{BTreeMap, BTreeSet};

use fleuve_model::TopicName;

pub use brokers::PRODUCER_ID_BLOCK_LENGTH;
pub use command::{
    AlterConfigs, Command, ConfigChange, ConfigOperation, CreatableTopic, CreatedTopic,
    ImportedPartition, ImportedTopic, NewPartitions, ProducerIdBlock, RegisterBroker, Reply,
    TopicLayout, TopicSelector,
};
pub use committed::CommittedImage;
pub use configs::ConfigValidator;
pub use error::ControllerError;
pub use image::{Broker, MetadataImage, Partition, Topic};
pub use record::{BrokerEpoch, BrokerEpochOutOfRange, ConfigResource, Endpoint, Record};
pub use topics::PARTITIONS_PER_REQUEST_MAX;

use crate::machine::{Chance, Deadline, Machine, Now, Outcome, Token};

/// What the cluster's configuration says about new topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicDefaults {
    /// `num.partitions`.
    pub partitions: u32,
    /// `default.replication.factor`.
    pub replication_factor: u16,
    /// `fleuve.replication.factor.clamp`: a replication factor above the number of brokers is
    /// lowered to it, rather than refused as Kafka does.
    pub clamp_replication_factor: bool,
}

impl Default for TopicDefaults {
    fn default() -> TopicDefaults {
        TopicDefaults {
            partitions: 1,
            replication_factor: 1,
            clamp_replication_factor: false,
        }
    }
}

/// Decides on metadata. It answers every command at once and waits for nothing.
pub struct Controller {
    image: MetadataImage,
    /// Names that hold `.` or `_`, by how metrics would write them.
    plain_names: BTreeMap<String, BTreeSet<TopicName>>,
    defaults: TopicDefaults,
    validator: Box<dyn ConfigValidator + Send>,
}

impl Controller {
    /// A controller of an empty cluster: apply the log's records to it next.
    pub fn new(defaults: TopicDefaults, validator: Box<dyn ConfigValidator + Send>) -> Controller {
        Controller {
            image: MetadataImage::default(),
            plain_names: BTreeMap::new(),
            defaults,
            validator,
        }
    }

    /// The state after all records so far, committed or not.
    pub fn image(&self) -> &MetadataImage {
        &self.image
    }

    /// Takes over a changed configuration.
    pub fn set_defaults(&mut self, defaults: TopicDefaults) {
        self.defaults = defaults;
    }

    fn index_name(&mut self, record: &Record) {
        match record {
            Record::TopicCreated { name, .. } => {
                if let Some(plain) = topics::plain_name(name) {
                    self.plain_names
                        .entry(plain)
                        .or_default()
                        .insert(name.clone());
                }
            }
            Record::TopicDeleted { id } => {
                let Some(topic) = self.image.topic_by_id(*id) else {
                    return;
                };
                let Some(plain) = topics::plain_name(&topic.name) else {
                    return;
                };
                if let Some(names) = self.plain_names.get_mut(&plain) {
                    names.remove(&topic.name);
                }
            }
            _ => {}
        }
    }
}

impl Machine for Controller {
    type Command = Command;
    type Record = Record;
    type Reply = Reply;

    fn handle(
        &mut self,
        _now: Now,
        chance: &mut dyn Chance,
        token: Token,
        command: Command,
    ) -> Outcome<Controller> {
        let (records, reply) = match command {
            Command::CreateCluster { cluster_id } => self.create_cluster(cluster_id),
            Command::RegisterBroker(registration) => self.register_broker(registration),
            Command::UnregisterBroker { broker } => self.unregister_broker(broker),
            Command::AllocateProducerIds { broker } => self.allocate_producer_ids(broker),
            Command::CreateTopics {
                topics,
                validate_only,
            } => self.create_topics(chance, topics, validate_only),
            Command::ImportTopics { topics } => self.import_topics(topics),
            Command::DeleteTopics { topics } => self.delete_topics(topics),
            Command::CreatePartitions {
                topics,
                validate_only,
            } => self.create_partitions(chance, topics, validate_only),
            Command::AlterConfigs {
                resources,
                validate_only,
            } => self.alter_configs(resources, validate_only),
        };
        Outcome::record_and_reply(records, token, reply)
    }

    fn expire(&mut self, _now: Now) -> Outcome<Controller> {
        Outcome::nothing()
    }

    fn cancel(&mut self, _token: Token) {}

    fn apply(&mut self, record: &Record) {
        self.index_name(record);
        self.image.apply(record);
    }

    fn deadline(&self) -> Option<Deadline> {
        None
    }
}

/// What occurs more than once.
fn repeated<T: Ord + Copy>(items: impl Iterator<Item = T>) -> BTreeSet<T> {
    let mut seen = BTreeSet::new();
    items.filter(|item| !seen.insert(*item)).collect()
}
