//! Which brokers there are, and who leads each partition. Asking for a topic may create it.

use std::collections::BTreeSet;
use std::sync::Arc;

use fleuve_cluster::controller::{MetadataImage, Topic};
use fleuve_model::{BrokerId, ErrorCode, PartitionId, TopicName, TopicPartition};
use fleuve_protocol::Str;
use fleuve_protocol::api::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};

use super::topic_listing::{CLUSTER_OPERATIONS_ALL, TOPIC_OPERATIONS_ALL, advertised, is_internal};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: MetadataRequest,
) -> Result<MetadataResponse, ConnectionEnd> {
    let wants_all = match &request.topics {
        None => true,
        Some(topics) => topics.is_empty() && context.version == 0,
    };
    if !wants_all {
        create_missing(broker, context, &request).await;
    }
    let image = broker.image();
    let listing = Listing {
        broker,
        context,
        image: &image,
    };
    let mut topics = if wants_all {
        image.topics().map(|topic| listing.topic(topic)).collect()
    } else {
        listing.named(request.topics.as_deref().unwrap_or_default())
    };
    if request.include_topic_authorized_operations {
        for topic in topics.iter_mut().filter(|topic| topic.error_code == 0) {
            topic.topic_authorized_operations = TOPIC_OPERATIONS_ALL;
        }
    }
    Ok(MetadataResponse {
        brokers: brokers(broker, context),
        cluster_id: image.cluster_id().map(Str::from),
        controller_id: broker.id().value(),
        topics,
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS_ALL
        } else {
            i32::MIN
        },
        ..MetadataResponse::default()
    })
}

/// Creates the topics that are asked for and not there, where that is allowed.
async fn create_missing(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: &MetadataRequest,
) {
    let allowed = context.version < 4 || request.allow_auto_topic_creation;
    if !allowed || !broker.settings().is_true("auto.create.topics.enable") {
        return;
    }
    let image = broker.image();
    let missing: BTreeSet<TopicName> = request
        .topics
        .iter()
        .flatten()
        .filter_map(|topic| TopicName::new(topic.name.as_ref()?.as_str()).ok())
        .filter(|name| image.topic(name).is_none())
        .filter(|name| {
            authorize(context, Operation::Create, Resource::Topic(name.as_str())).is_ok()
        })
        .collect();
    if !missing.is_empty() {
        broker.create_on_demand(missing).await;
    }
}

fn brokers(broker: &BrokerState, context: &RequestContext) -> Vec<MetadataResponseBroker> {
    let (host, port) = advertised(broker, context);
    let rack = broker.settings().value("broker.rack").map(Str::from);
    vec![MetadataResponseBroker {
        node_id: broker.id().value(),
        host: Str::from(host),
        port,
        rack,
    }]
}

struct Listing<'a> {
    broker: &'a BrokerState,
    context: &'a RequestContext,
    image: &'a MetadataImage,
}

impl Listing<'_> {
    fn named(&self, wanted: &[MetadataRequestTopic]) -> Vec<MetadataResponseTopic> {
        let mut seen = BTreeSet::new();
        wanted
            .iter()
            .filter(|topic| seen.insert((topic.name.clone(), topic.topic_id)))
            .map(|topic| match (&topic.name, topic.topic_id) {
                (Some(name), _) => self.by_name(name),
                (None, Some(id)) => match self.image.topic_by_id(id) {
                    Some(found) => self.topic(found),
                    None => MetadataResponseTopic {
                        error_code: ErrorCode::UnknownTopicId.code(),
                        name: None,
                        topic_id: Some(id),
                        ..MetadataResponseTopic::default()
                    },
                },
                (None, None) => refused(Str::EMPTY, ErrorCode::InvalidRequest),
            })
            .collect()
    }

    fn by_name(&self, name: &Str) -> MetadataResponseTopic {
        let Ok(topic) = TopicName::new(name.as_str()) else {
            return refused(name.clone(), ErrorCode::InvalidTopicException);
        };
        if authorize(
            self.context,
            Operation::Describe,
            Resource::Topic(name.as_str()),
        )
        .is_err()
        {
            return refused(name.clone(), ErrorCode::TopicAuthorizationFailed);
        }
        match self.image.topic(&topic) {
            Some(found) => self.topic(found),
            None => {
                let refusal = refused(name.clone(), ErrorCode::UnknownTopicOrPartition);
                MetadataResponseTopic {
                    is_internal: is_internal(&topic),
                    ..refusal
                }
            }
        }
    }

    fn topic(&self, topic: &Topic) -> MetadataResponseTopic {
        let partitions = topic
            .numbered()
            .map(|(number, _)| self.partition(topic, number));
        MetadataResponseTopic {
            name: Some(Str::from(topic.name.as_str())),
            topic_id: Some(topic.id),
            is_internal: is_internal(&topic.name),
            partitions: partitions.collect(),
            ..MetadataResponseTopic::default()
        }
    }

    fn partition(&self, topic: &Topic, number: PartitionId) -> MetadataResponsePartition {
        let partition = &topic.partitions[number.value().unsigned_abs() as usize];
        let of = TopicPartition::new(topic.name.clone(), number);
        let is_online = self.broker.replicas.is_online(&of);
        let leader = partition.leader.filter(|_| is_online);
        let ids = |brokers: &[BrokerId]| brokers.iter().map(|id| id.value()).collect();
        MetadataResponsePartition {
            error_code: match leader {
                Some(_) => ErrorCode::None.code(),
                None => ErrorCode::LeaderNotAvailable.code(),
            },
            partition_index: number.value(),
            leader_id: leader.map_or(-1, BrokerId::value),
            leader_epoch: partition.leader_epoch.value(),
            replica_nodes: ids(&partition.replicas),
            isr_nodes: ids(&partition.in_sync_replicas),
            offline_replicas: if is_online {
                Vec::new()
            } else {
                ids(&partition.replicas)
            },
        }
    }
}

fn refused(name: Str, code: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic {
        error_code: code.code(),
        name: Some(name),
        ..MetadataResponseTopic::default()
    }
}
