//! Creates topics.

use std::sync::Arc;

use fleuve_cluster::controller::{
    Command, CreatableTopic as NewTopic, CreatedTopic, Reply, TopicLayout,
};
use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest,
    CreateTopicsResponse,
};

use super::error_code::{CodedError, of_denied};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::config::{TopicSettings, topic_table};
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

/// What a client sends in place of a count to get the cluster's default.
const DEFAULT_COUNT: i32 = -1;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: CreateTopicsRequest,
) -> Result<CreateTopicsResponse, ConnectionEnd> {
    let mut results: Vec<Option<CreatableTopicResult>> = Vec::new();
    let mut admitted = Vec::new();
    for topic in &request.topics {
        let resource = Resource::Topic(topic.name.as_str());
        let refusal = authorize(context, Operation::Create, resource)
            .map_err(|denied| CodedError::new(of_denied(denied, resource), "Authorization failed."))
            .err();
        if refusal.is_none() {
            admitted.push(new_topic(topic));
        }
        results.push(refusal.map(|error| refused(topic.name.clone(), &error)));
    }
    let command = Command::CreateTopics {
        topics: admitted,
        validate_only: request.validate_only,
    };
    let mut answers = match broker.controller().ask(command).await {
        Ok(Reply::CreateTopics(answers)) => answers
            .into_iter()
            .map(|answer| answer.map_err(CodedError::from))
            .collect(),
        Ok(_) => Vec::new(),
        Err(unavailable) => {
            let error = CodedError::from(unavailable);
            request
                .topics
                .iter()
                .map(|_| Err(error.clone()))
                .collect::<Vec<_>>()
        }
    }
    .into_iter();
    let topics = request.topics.iter().zip(results).map(|(topic, refusal)| {
        refusal.unwrap_or_else(|| match answers.next() {
            Some(Ok(created)) => shown(broker, created),
            Some(Err(error)) => refused(topic.name.clone(), &error),
            None => refused(
                topic.name.clone(),
                &CodedError::new(
                    ErrorCode::UnknownServerError,
                    "The controller gave no answer.",
                ),
            ),
        })
    });
    Ok(CreateTopicsResponse {
        topics: topics.collect(),
        ..CreateTopicsResponse::default()
    })
}

fn new_topic(topic: &CreatableTopic) -> NewTopic {
    let partitions = (topic.num_partitions != DEFAULT_COUNT).then_some(topic.num_partitions);
    let replication_factor =
        (i32::from(topic.replication_factor) != DEFAULT_COUNT).then_some(topic.replication_factor);
    let layout = if topic.assignments.is_empty() {
        TopicLayout::Counts {
            partitions,
            replication_factor,
        }
    } else {
        let assignments = topic
            .assignments
            .iter()
            .map(|assignment| (assignment.partition_index, assignment.broker_ids.clone()))
            .collect();
        TopicLayout::Manual {
            assignments,
            partitions,
            replication_factor,
        }
    };
    let configs = topic
        .configs
        .iter()
        .map(|config| {
            (
                config.name.to_string(),
                config.value.as_ref().map(Str::to_string),
            )
        })
        .collect();
    NewTopic {
        name: topic.name.to_string(),
        layout,
        configs,
    }
}

fn refused(name: Str, error: &CodedError) -> CreatableTopicResult {
    CreatableTopicResult {
        name,
        error_code: error.code.code(),
        error_message: error.text(),
        ..CreatableTopicResult::default()
    }
}

fn shown(broker: &BrokerState, created: CreatedTopic) -> CreatableTopicResult {
    if let Some(asked) = created.clamped_from {
        tracing::warn!(
            topic = %created.name,
            "replication factor {asked} was lowered to {}, the number of brokers",
            created.replication_factor,
        );
    }
    warn_of_what_is_not_acted_on(&created);
    let settings = broker.settings();
    let values = TopicSettings::new(&created.configs, &settings);
    let configs = topic_table().iter().map(|definition| {
        let (value, source) = values.value_and_source(definition);
        CreatableTopicConfigs {
            name: Str::from(definition.name.as_str()),
            value: Some(Str::from(value)),
            read_only: false,
            config_source: source as i8,
            is_sensitive: definition.is_sensitive(),
        }
    });
    CreatableTopicResult {
        name: Str::from(created.name.as_str()),
        topic_id: Some(created.id),
        error_message: None,
        num_partitions: i32::try_from(created.partitions).unwrap_or(i32::MAX),
        replication_factor: i16::try_from(created.replication_factor).unwrap_or(i16::MAX),
        configs: Some(configs.collect()),
        ..CreatableTopicResult::default()
    }
}

fn warn_of_what_is_not_acted_on(created: &CreatedTopic) {
    for (name, value) in &created.configs {
        crate::config::warn_of_topic_config(created.name.as_str(), name, value);
    }
}
