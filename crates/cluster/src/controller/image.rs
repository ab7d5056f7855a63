use std::collections::BTreeMap;
use std::sync::Arc;

use fleuve_model::{
    BrokerId, LeaderEpoch, PartitionId, ProducerId, TopicId, TopicName, TopicPartition,
};
use uuid::Uuid;

use super::{BrokerEpoch, ConfigResource, Endpoint, Record};

/// All metadata after some prefix of the log. Cloning copies a few references; a clone never
/// changes, so a reader sees one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataImage {
    records_applied: u64,
    cluster_id: Option<Arc<str>>,
    brokers: Arc<BTreeMap<BrokerId, Broker>>,
    topics: Arc<BTreeMap<TopicName, Arc<Topic>>>,
    names: Arc<BTreeMap<TopicId, TopicName>>,
    configs: Arc<BTreeMap<ConfigResource, Arc<BTreeMap<String, String>>>>,
    next_producer_id: ProducerId,
}

/// A registered broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    pub id: BrokerId,
    pub incarnation: Uuid,
    pub epoch: BrokerEpoch,
    pub endpoints: Vec<Endpoint>,
    pub rack: Option<String>,
}

/// A topic and its partitions, numbered from 0 without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: TopicName,
    pub id: TopicId,
    pub partitions: Vec<Partition>,
}

/// Who holds and who leads a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The preferred leader first.
    pub replicas: Vec<BrokerId>,
    pub in_sync_replicas: Vec<BrokerId>,
    pub leader: Option<BrokerId>,
    pub leader_epoch: LeaderEpoch,
    pub partition_epoch: u32,
}

impl Default for MetadataImage {
    fn default() -> MetadataImage {
        MetadataImage {
            records_applied: 0,
            cluster_id: None,
            brokers: Arc::default(),
            topics: Arc::default(),
            names: Arc::default(),
            configs: Arc::default(),
            next_producer_id: ProducerId::new(0).expect("0 is not negative"),
        }
    }
}

impl MetadataImage {
    /// How many records led to this image; of two images of one log the newer has more.
    pub fn records_applied(&self) -> u64 {
        self.records_applied
    }

    /// The cluster's id, once it has been created.
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// All registered brokers, by id.
    pub fn brokers(&self) -> impl ExactSizeIterator<Item = &Broker> {
        self.brokers.values()
    }

    /// The broker with this id.
    pub fn broker(&self, id: BrokerId) -> Option<&Broker> {
        self.brokers.get(&id)
    }

    /// All topics, by name.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Arc<Topic>> {
        self.topics.values()
    }

    /// The topic of this name.
    pub fn topic(&self, name: &TopicName) -> Option<&Arc<Topic>> {
        self.topics.get(name)
    }

    /// The topic with this id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.topics.get(self.names.get(&id)?)
    }

    /// A partition by the name of its topic.
    pub fn partition(&self, of: &TopicPartition) -> Option<&Partition> {
        self.topic(&of.topic)?.partition(of.partition)
    }

    /// The configs that were set on `resource` itself; empty if none were.
    pub fn configs(&self, resource: &ConfigResource) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.configs.get(resource).map_or(&NONE, |configs| configs)
    }

    /// All resources with configs of their own.
    pub fn configured(&self) -> impl Iterator<Item = &ConfigResource> {
        self.configs.keys()
    }

    /// The first producer id that was never given out.
    pub fn next_producer_id(&self) -> ProducerId {
        self.next_producer_id
    }

    /// Takes in one record. A record that refers to what does not exist changes nothing.
    pub fn apply(&mut self, record: &Record) {
        self.records_applied += 1;
        match record {
            Record::ClusterCreated { cluster_id } => {
                self.cluster_id = Some(Arc::from(cluster_id.as_str()));
            }
            Record::BrokerRegistered {
                broker,
                incarnation,
                epoch,
                endpoints,
                rack,
            } => {
                self.register_broker(Broker {
                    id: *broker,
                    incarnation: *incarnation,
                    epoch: *epoch,
                    endpoints: endpoints.clone(),
                    rack: rack.clone(),
                });
            }
            Record::BrokerUnregistered { broker } => {
                Arc::make_mut(&mut self.brokers).remove(broker);
            }
            Record::TopicCreated { name, id } => self.create_topic(name, *id),
            Record::TopicDeleted { id } => self.delete_topic(*id),
            Record::PartitionSet {
                topic,
                partition,
                replicas,
                in_sync_replicas,
                leader,
                leader_epoch,
                partition_epoch,
            } => {
                let state = Partition {
                    replicas: replicas.clone(),
                    in_sync_replicas: in_sync_replicas.clone(),
                    leader: *leader,
                    leader_epoch: *leader_epoch,
                    partition_epoch: *partition_epoch,
                };
                self.set_partition(*topic, *partition, state);
            }
            Record::ConfigSet {
                resource,
                name,
                value,
            } => {
                self.set_config(resource, name, value.as_deref());
            }
            Record::ProducerIdsAllocated { next, .. } => {
                self.next_producer_id = self.next_producer_id.max(*next);
            }
        }
    }

    fn register_broker(&mut self, broker: Broker) {
        let former = self.brokers.get(&broker.id);
        if former.is_some_and(|former| former.incarnation != broker.incarnation) {
            self.raise_leader_epochs(broker.id);
        }
        Arc::make_mut(&mut self.brokers).insert(broker.id, broker);
    }

    fn raise_leader_epochs(&mut self, leader: BrokerId) {
        for topic in Arc::make_mut(&mut self.topics).values_mut() {
            for partition in &mut Arc::make_mut(topic).partitions {
                if partition.leader == Some(leader) {
                    let epoch = partition.leader_epoch.value().saturating_add(1);
                    partition.leader_epoch =
                        LeaderEpoch::new(epoch).expect("a successor is not negative");
                    partition.partition_epoch += 1;
                }
            }
        }
    }

    fn create_topic(&mut self, name: &TopicName, id: TopicId) {
        let topic = Topic {
            name: name.clone(),
            id,
            partitions: Vec::new(),
        };
        Arc::make_mut(&mut self.topics).insert(name.clone(), Arc::new(topic));
        Arc::make_mut(&mut self.names).insert(id, name.clone());
    }

    fn delete_topic(&mut self, id: TopicId) {
        if let Some(name) = Arc::make_mut(&mut self.names).remove(&id) {
            Arc::make_mut(&mut self.topics).remove(&name);
            Arc::make_mut(&mut self.configs).remove(&ConfigResource::Topic(name));
        }
    }

    fn set_partition(&mut self, topic: TopicId, partition: PartitionId, state: Partition) {
        let Some(name) = self.names.get(&topic) else {
            return;
        };
        let Some(topic) = Arc::make_mut(&mut self.topics).get_mut(name) else {
            return;
        };
        let partitions = &mut Arc::make_mut(topic).partitions;
        let index = partition.value().unsigned_abs() as usize;
        if index == partitions.len() {
            partitions.push(state);
        } else if let Some(former) = partitions.get_mut(index) {
            *former = state;
        }
    }

    fn set_config(&mut self, resource: &ConfigResource, name: &str, value: Option<&str>) {
        let all = Arc::make_mut(&mut self.configs);
        let configs = Arc::make_mut(all.entry(resource.clone()).or_default());
        match value {
            Some(value) => configs.insert(name.to_owned(), value.to_owned()),
            None => configs.remove(name),
        };
        if configs.is_empty() {
            all.remove(resource);
        }
    }
}

impl Topic {
    /// The partition of this number.
    pub fn partition(&self, number: PartitionId) -> Option<&Partition> {
        self.partitions.get(number.value().unsigned_abs() as usize)
    }

    /// Numbers and partitions, in order.
    pub fn numbered(&self) -> impl Iterator<Item = (PartitionId, &Partition)> {
        (0..)
            .map_while(|number| PartitionId::new(number).ok())
            .zip(&self.partitions)
    }
}
