//! Deletes topics, by name or by id.

use std::sync::Arc;

use fleuve_cluster::controller::{Command, Reply, TopicSelector};
use fleuve_model::{ErrorCode, TopicId};
use fleuve_protocol::Str;
use fleuve_protocol::api::delete_topics::{
    DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse,
};

use super::error_code::{CodedError, of_denied};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: DeleteTopicsRequest,
) -> Result<DeleteTopicsResponse, ConnectionEnd> {
    let wanted = selectors(&request);
    let deletion_enabled = broker.settings().is_true("delete.topic.enable");
    let mut admitted = Vec::new();
    let mut refusals: Vec<Option<CodedError>> = Vec::new();
    for selector in &wanted {
        let refusal = refusal(broker, context, selector, deletion_enabled);
        if refusal.is_none() {
            admitted.extend(selector.clone().into_controller());
        }
        refusals.push(refusal);
    }
    let answers = match broker
        .controller()
        .ask(Command::DeleteTopics { topics: admitted })
        .await
    {
        Ok(Reply::DeleteTopics(answers)) => answers
            .into_iter()
            .map(|answer| answer.map_err(CodedError::from))
            .collect(),
        Ok(_) => Vec::new(),
        Err(unavailable) => wanted
            .iter()
            .map(|_| Err(unavailable.into()))
            .collect::<Vec<_>>(),
    };
    let mut answers = answers.into_iter();
    let responses = wanted
        .into_iter()
        .zip(refusals)
        .map(|(selector, refusal)| match refusal {
            Some(error) => selector.result(Err(error)),
            None => {
                let no_answer = || CodedError::new(ErrorCode::UnknownServerError, "No answer.");
                let answer = answers.next().unwrap_or_else(|| Err(no_answer()));
                selector.result(answer.map(|(name, id)| (Str::from(name.as_str()), id)))
            }
        });
    Ok(DeleteTopicsResponse {
        responses: responses.collect(),
        ..DeleteTopicsResponse::default()
    })
}

/// A topic as the client named it.
#[derive(Clone)]
struct Selector {
    name: Option<Str>,
    id: Option<TopicId>,
}

fn selectors(request: &DeleteTopicsRequest) -> Vec<Selector> {
    let by_name = request.topic_names.iter().map(|name| Selector {
        name: Some(name.clone()),
        id: None,
    });
    let either = request.topics.iter().map(|topic| Selector {
        name: topic.name.clone(),
        id: topic.topic_id,
    });
    by_name.chain(either).collect()
}

fn refusal(
    broker: &BrokerState,
    context: &RequestContext,
    selector: &Selector,
    deletion_enabled: bool,
) -> Option<CodedError> {
    if !deletion_enabled {
        let code = if context.version < 3 {
            ErrorCode::InvalidRequest
        } else {
            ErrorCode::TopicDeletionDisabled
        };
        return Some(CodedError::new(code, "Topic deletion is disabled."));
    }
    let name = match (&selector.name, selector.id) {
        (Some(_), Some(_)) => {
            let message = "Topic name and topic ID can not both be specified.";
            return Some(CodedError::new(ErrorCode::InvalidRequest, message));
        }
        (None, None) => {
            let message = "Neither topic name nor id were specified.";
            return Some(CodedError::new(ErrorCode::InvalidRequest, message));
        }
        (Some(name), None) => name.to_string(),
        (None, Some(id)) => match broker.image().topic_by_id(id) {
            Some(topic) => topic.name.to_string(),
            None => return None,
        },
    };
    let resource = Resource::Topic(&name);
    authorize(context, Operation::Delete, resource)
        .map_err(|denied| CodedError::new(of_denied(denied, resource), "Authorization failed."))
        .err()
}

impl Selector {
    fn into_controller(self) -> Option<TopicSelector> {
        match (self.name, self.id) {
            (Some(name), _) => Some(TopicSelector::Name(name.to_string())),
            (None, id) => id.map(TopicSelector::Id),
        }
    }

    fn result(self, answer: Result<(Str, TopicId), CodedError>) -> DeletableTopicResult {
        match answer {
            Ok((name, id)) => DeletableTopicResult {
                name: Some(name),
                topic_id: Some(id),
                ..DeletableTopicResult::default()
            },
            Err(error) => DeletableTopicResult {
                name: self.name,
                topic_id: self.id,
                error_code: error.code.code(),
                error_message: error.text(),
            },
        }
    }
}
