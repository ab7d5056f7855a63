//! Adds partitions to topics.

use std::sync::Arc;

use fleuve_cluster::controller::{Command, NewPartitions, Reply};
use fleuve_model::ErrorCode;
use fleuve_protocol::api::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};

use super::error_code::{CodedError, of_denied};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: CreatePartitionsRequest,
) -> Result<CreatePartitionsResponse, ConnectionEnd> {
    let mut refusals = Vec::new();
    let mut admitted = Vec::new();
    for topic in &request.topics {
        let resource = Resource::Topic(topic.name.as_str());
        let refusal = authorize(context, Operation::Alter, resource)
            .map_err(|denied| CodedError::new(of_denied(denied, resource), "Authorization failed."))
            .err();
        if refusal.is_none() {
            admitted.push(new_partitions(topic));
        }
        refusals.push(refusal);
    }
    let command = Command::CreatePartitions {
        topics: admitted,
        validate_only: request.validate_only,
    };
    let mut answers: std::vec::IntoIter<Result<(), CodedError>> =
        match broker.controller().ask(command).await {
            Ok(Reply::CreatePartitions(answers)) => answers
                .into_iter()
                .map(|it| it.map_err(CodedError::from))
                .collect::<Vec<_>>(),
            Ok(_) => Vec::new(),
            Err(unavailable) => request
                .topics
                .iter()
                .map(|_| Err(unavailable.into()))
                .collect(),
        }
        .into_iter();
    let results = request.topics.iter().zip(refusals).map(|(topic, refusal)| {
        let answer = match refusal {
            Some(error) => Err(error),
            None => answers.next().unwrap_or_else(|| {
                Err(CodedError::new(ErrorCode::UnknownServerError, "No answer."))
            }),
        };
        CreatePartitionsTopicResult {
            name: topic.name.clone(),
            error_code: answer
                .as_ref()
                .map_or_else(|error| error.code.code(), |()| 0),
            error_message: answer.err().and_then(|error| error.text()),
        }
    });
    Ok(CreatePartitionsResponse {
        results: results.collect(),
        ..Default::default()
    })
}

fn new_partitions(topic: &CreatePartitionsTopic) -> NewPartitions {
    let assignments = topic.assignments.as_ref().map(|assignments| {
        assignments
            .iter()
            .map(|assignment| assignment.broker_ids.clone())
            .collect()
    });
    NewPartitions {
        name: topic.name.to_string(),
        count: topic.count,
        assignments,
    }
}
