use std::collections::BTreeMap;

use fleuve_model::{BrokerId, ErrorCode, LeaderEpoch, PartitionId, TopicId, TopicName};
use fleuve_protocol::api::create_partitions::{CreatePartitionsAssignment, CreatePartitionsTopic};
use fleuve_protocol::api::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use fleuve_protocol::api::delete_topics::DeleteTopicState;
use fleuve_protocol::api::describe_topic_partitions::{Cursor, TopicRequest};
use fleuve_protocol::api::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
    DescribeTopicPartitionsRequest,
};
use fleuve_protocol::{ApiKey, Str};

use super::{Admin, ConfigEntry, Each};
use crate::ClientError;
use crate::cluster::TopicSelection;
use crate::cluster::metadata::{Partition, Topic, broker_ids};

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; none leaves it to the broker (`num.partitions`).
    pub partitions: Option<i32>,
    /// How many replicas; none leaves it to the broker (`default.replication.factor`).
    pub replication_factor: Option<i16>,
    /// Who holds which partition, by partition; instead of the two numbers.
    pub assignments: BTreeMap<i32, Vec<i32>>,
    /// Its configs.
    pub configs: BTreeMap<String, String>,
}

impl NewTopic {
    /// A topic with that many partitions and the broker's default of replicas.
    pub fn new(name: impl Into<String>, partitions: i32) -> NewTopic {
        NewTopic {
            name: name.into(),
            partitions: Some(partitions),
            ..NewTopic::default()
        }
    }

    /// The same with a config.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> NewTopic {
        self.configs.insert(key.into(), value.into());
        self
    }

    /// The same with a replication factor.
    #[must_use]
    pub fn replication_factor(mut self, factor: i16) -> NewTopic {
        self.replication_factor = Some(factor);
        self
    }
}

/// What a created topic is like.
#[derive(Clone, Debug)]
pub struct CreatedTopic {
    /// Its id.
    pub id: Option<TopicId>,
    /// How many partitions it got.
    pub partitions: Option<i32>,
    /// How many replicas it got.
    pub replication_factor: Option<i16>,
    /// Its configs.
    pub configs: Vec<ConfigEntry>,
}

/// Partitions to add to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPartitions {
    /// How many partitions it is to have in all.
    pub total: i32,
    /// Who holds the new ones; empty leaves it to the broker.
    pub assignments: Vec<Vec<i32>>,
}

/// Which topic is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicChoice {
    /// By name.
    Name(String),
    /// By id.
    Id(TopicId),
}

/// A topic with what a description of it may have beyond metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// Name, id and partitions.
    pub topic: Topic,
    /// Eligible leader replicas of each partition (KIP-966), if the broker tells of them.
    pub eligible_leader_replicas: BTreeMap<PartitionId, Vec<BrokerId>>,
    /// The last ones known, likewise.
    pub last_known_eligible_leader_replicas: BTreeMap<PartitionId, Vec<BrokerId>>,
}

impl Admin {
    /// Creates topics, or only checks whether that could be done.
    pub async fn create_topics(
        &self,
        topics: &[NewTopic],
        validate_only: bool,
    ) -> Result<Each<CreatedTopic>, ClientError> {
        let request = CreateTopicsRequest {
            topics: topics.iter().map(creatable).collect(),
            timeout_ms: self.timeout_ms(),
            validate_only,
        };
        let response = self
            .cluster
            .retry(self.deadline(), || async {
                let connection = self.cluster.controller_connection().await?;
                let response = connection.call(request.clone()).await?;
                not_controller(response.topics.iter().map(|topic| topic.error_code))?;
                Ok(response)
            })
            .await?;
        let results = response.topics.into_iter().map(|topic| {
            let name = topic.name.as_str().to_owned();
            let subject = format!("topic {name}");
            let result =
                ClientError::check(topic.error_code, subject, topic.error_message.as_ref()).map(
                    |()| CreatedTopic {
                        id: topic.topic_id,
                        partitions: positive(topic.num_partitions),
                        replication_factor: positive(topic.replication_factor),
                        configs: topic
                            .configs
                            .unwrap_or_default()
                            .iter()
                            .map(ConfigEntry::of_created_topic)
                            .collect(),
                    },
                );
            (name, result)
        });
        Ok(results.collect())
    }

    /// Deletes topics; a topic that was named by id is given back as that.
    pub async fn delete_topics(
        &self,
        topics: &[TopicChoice],
    ) -> Result<BTreeMap<TopicChoice, Result<(), ClientError>>, ClientError> {
        const STATES_FROM: i16 = 6;
        let name = |topic: &TopicChoice| match topic {
            TopicChoice::Name(name) => Some(Str::from(name.as_str())),
            TopicChoice::Id(_) => None,
        };
        let id = |topic: &TopicChoice| match topic {
            TopicChoice::Name(_) => None,
            TopicChoice::Id(id) => Some(*id),
        };
        let state = |topic| DeleteTopicState {
            name: name(topic),
            topic_id: id(topic),
        };
        let response = self
            .cluster
            .retry(self.deadline(), || async {
                let connection = self.cluster.controller_connection().await?;
                let version = connection.version_of::<DeleteTopicsRequest>()?;
                let mut request = DeleteTopicsRequest {
                    timeout_ms: self.timeout_ms(),
                    ..DeleteTopicsRequest::default()
                };
                if version >= STATES_FROM || topics.iter().any(|topic| id(topic).is_some()) {
                    request.topics = topics.iter().map(state).collect();
                } else {
                    request.topic_names = topics.iter().filter_map(name).collect();
                }
                let response = connection
                    .start_at(request, version)
                    .await?
                    .receive()
                    .await?;
                not_controller(response.responses.iter().map(|topic| topic.error_code))?;
                Ok(response)
            })
            .await?;
        let results = response.responses.into_iter().filter_map(|topic| {
            let by_id = topic.topic_id.map(TopicChoice::Id);
            let asked_by_id = by_id.filter(|choice| topics.contains(choice));
            let by_name = topic
                .name
                .map(|name| TopicChoice::Name(name.as_str().to_owned()));
            let choice = asked_by_id.or(by_name)?;
            let subject = match &choice {
                TopicChoice::Name(name) => format!("topic {name}"),
                TopicChoice::Id(id) => format!("topic id {id}"),
            };
            let message = topic.error_message.as_ref();
            Some((
                choice,
                ClientError::check(topic.error_code, subject, message),
            ))
        });
        Ok(results.collect())
    }

    /// The names of all topics, internal ones too, and whether each is internal.
    pub async fn list_topics(&self) -> Result<BTreeMap<TopicName, Topic>, ClientError> {
        let refresh = || self.cluster.refresh(TopicSelection::All, false);
        let (metadata, _) = self.cluster.retry(self.deadline(), refresh).await?;
        Ok(metadata.topics.clone())
    }

    /// Describes topics, page by page where the broker can (KIP-966), else by its metadata.
    pub async fn describe_topics(
        &self,
        names: &[String],
    ) -> Result<Each<TopicDescription>, ClientError> {
        self.cluster
            .retry(self.deadline(), || async {
                let connection = self.cluster.any_connection().await?;
                match connection.offered(ApiKey::DescribeTopicPartitions) {
                    Some(_) if !names.is_empty() => self.describe_by_pages(names).await,
                    _ => self.describe_by_metadata(names).await,
                }
            })
            .await
    }

    async fn describe_by_metadata(
        &self,
        names: &[String],
    ) -> Result<Each<TopicDescription>, ClientError> {
        let selection = TopicSelection::Named(names.to_vec());
        let (metadata, refusals) = self.cluster.refresh(selection, false).await?;
        let mut results: Each<TopicDescription> = refusals
            .into_iter()
            .filter_map(|refusal| {
                let name = refusal.name?;
                let subject = format!("topic {name}");
                Some((
                    name,
                    Err(ClientError::Broker {
                        code: refusal.code,
                        subject,
                        message: None,
                    }),
                ))
            })
            .collect();
        for name in names {
            let topic = TopicName::new(name)
                .ok()
                .and_then(|name| metadata.topics.get(&name));
            if let Some(topic) = topic {
                results.insert(name.clone(), Ok(TopicDescription::of(topic.clone())));
            }
        }
        Ok(results)
    }

    async fn describe_by_pages(
        &self,
        names: &[String],
    ) -> Result<Each<TopicDescription>, ClientError> {
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        let mut results: Each<TopicDescription> = Each::new();
        let mut cursor: Option<Cursor> = None;
        loop {
            let after = |name: &&&String| {
                cursor
                    .as_ref()
                    .is_none_or(|cursor| name.as_str() >= cursor.topic_name.as_str())
            };
            let topics = sorted.iter().filter(after).map(|name| TopicRequest {
                name: Str::from(name.as_str()),
            });
            let request = DescribeTopicPartitionsRequest {
                topics: topics.collect(),
                cursor: cursor.clone(),
                ..DescribeTopicPartitionsRequest::default()
            };
            let response = self.cluster.any_connection().await?.call(request).await?;
            for page in response.topics {
                let name = page.name.as_ref().map_or("", Str::as_str).to_owned();
                let checked = ClientError::check(page.error_code, format!("topic {name}"), None);
                let description = checked.and_then(|()| TopicDescription::of_page(&name, &page));
                match (results.get_mut(&name), description) {
                    (Some(Ok(first)), Ok(next)) => first.append(next),
                    (_, description) => drop(results.insert(name, description)),
                }
            }
            match response.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(results),
            }
        }
    }

    /// Adds partitions, or only checks whether that could be done.
    pub async fn create_partitions(
        &self,
        topics: &BTreeMap<String, NewPartitions>,
        validate_only: bool,
    ) -> Result<Each<()>, ClientError> {
        let topic = |(name, new): (&String, &NewPartitions)| CreatePartitionsTopic {
            name: Str::from(name.as_str()),
            count: new.total,
            assignments: (!new.assignments.is_empty()).then(|| {
                let assignment = |ids: &Vec<i32>| CreatePartitionsAssignment {
                    broker_ids: ids.clone(),
                };
                new.assignments.iter().map(assignment).collect()
            }),
        };
        let request = CreatePartitionsRequest {
            topics: topics.iter().map(topic).collect(),
            timeout_ms: self.timeout_ms(),
            validate_only,
        };
        let response = self
            .cluster
            .retry(self.deadline(), || async {
                let connection = self.cluster.controller_connection().await?;
                let response = connection.call(request.clone()).await?;
                not_controller(response.results.iter().map(|topic| topic.error_code))?;
                Ok(response)
            })
            .await?;
        let results = response.results.into_iter().map(|topic| {
            let name = topic.name.as_str().to_owned();
            let subject = format!("topic {name}");
            let message = topic.error_message.as_ref();
            (name, ClientError::check(topic.error_code, subject, message))
        });
        Ok(results.collect())
    }
}

impl TopicDescription {
    fn of(topic: Topic) -> TopicDescription {
        TopicDescription {
            topic,
            eligible_leader_replicas: BTreeMap::new(),
            last_known_eligible_leader_replicas: BTreeMap::new(),
        }
    }

    fn of_page(
        name: &str,
        page: &fleuve_protocol::api::describe_topic_partitions::DescribeTopicPartitionsResponseTopic,
    ) -> Result<TopicDescription, ClientError> {
        let name = TopicName::new(name).map_err(|error| ClientError::Invalid(error.to_string()))?;
        let operations = page.topic_authorized_operations;
        let mut description = TopicDescription::of(Topic {
            name,
            id: page.topic_id,
            is_internal: page.is_internal,
            partitions: Vec::with_capacity(page.partitions.len()),
            authorized_operations: (operations != i32::MIN).then_some(operations),
        });
        for partition in &page.partitions {
            let Some(id) = PartitionId::from_wire(partition.partition_index) else {
                continue;
            };
            description.topic.partitions.push(Partition {
                id,
                leader: BrokerId::from_wire(partition.leader_id),
                leader_epoch: LeaderEpoch::from_wire(partition.leader_epoch),
                replicas: broker_ids(&partition.replica_nodes),
                in_sync_replicas: broker_ids(&partition.isr_nodes),
                offline_replicas: broker_ids(&partition.offline_replicas),
            });
            if let Some(replicas) = &partition.eligible_leader_replicas {
                description
                    .eligible_leader_replicas
                    .insert(id, broker_ids(replicas));
            }
            if let Some(replicas) = &partition.last_known_elr {
                description
                    .last_known_eligible_leader_replicas
                    .insert(id, broker_ids(replicas));
            }
        }
        Ok(description)
    }

    /// Adds the next page of the same topic.
    fn append(&mut self, mut next: TopicDescription) {
        self.topic.partitions.append(&mut next.topic.partitions);
        self.eligible_leader_replicas
            .append(&mut next.eligible_leader_replicas);
        self.last_known_eligible_leader_replicas
            .append(&mut next.last_known_eligible_leader_replicas);
    }
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let assignment = |(partition, brokers): (&i32, &Vec<i32>)| CreatableReplicaAssignment {
        partition_index: *partition,
        broker_ids: brokers.clone(),
    };
    let config = |(name, value): (&String, &String)| CreatableTopicConfig {
        name: Str::from(name.as_str()),
        value: Some(Str::from(value.as_str())),
    };
    CreatableTopic {
        name: Str::from(topic.name.as_str()),
        num_partitions: topic.partitions.unwrap_or(-1),
        replication_factor: topic.replication_factor.unwrap_or(-1),
        assignments: topic.assignments.iter().map(assignment).collect(),
        configs: topic.configs.iter().map(config).collect(),
    }
}

/// An error to try again by, if any of the codes says that the controller has moved.
fn not_controller(codes: impl IntoIterator<Item = i16>) -> Result<(), ClientError> {
    let moved = codes
        .into_iter()
        .find(|code| *code == ErrorCode::NotController.code());
    ClientError::check(moved.unwrap_or(0), "controller", None)
}

fn positive<T: PartialOrd + Default>(value: T) -> Option<T> {
    (value > T::default()).then_some(value)
}
