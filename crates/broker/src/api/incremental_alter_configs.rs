//! Sets, removes, appends to or subtracts from single configs (KIP-339).

use std::sync::Arc;

use fleuve_cluster::controller::{
    AlterConfigs, Command, ConfigChange, ConfigOperation, ConfigResource, Reply,
};
use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

use super::config_resource::{admit, of_wire};
use super::error_code::CodedError;
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: IncrementalAlterConfigsRequest,
) -> Result<IncrementalAlterConfigsResponse, ConnectionEnd> {
    let wanted = request
        .resources
        .iter()
        .map(|it| changes(broker, context, it))
        .collect();
    let results = alter(broker, wanted, request.validate_only).await;
    let responses = request
        .resources
        .into_iter()
        .zip(results)
        .map(|(resource, result)| AlterConfigsResourceResponse {
            error_code: result
                .as_ref()
                .map_or_else(|error| error.code.code(), |()| 0),
            error_message: result.err().and_then(|error| error.text()),
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
        });
    Ok(IncrementalAlterConfigsResponse {
        responses: responses.collect(),
        ..Default::default()
    })
}

/// Hands on what may be changed, and gives one result for each of `wanted`, in order.
pub(super) async fn alter(
    broker: &BrokerState,
    wanted: Vec<Result<AlterConfigs, CodedError>>,
    validate_only: bool,
) -> Vec<Result<(), CodedError>> {
    let resources: Vec<AlterConfigs> = wanted.iter().filter_map(|it| it.clone().ok()).collect();
    if !validate_only {
        resources.iter().for_each(warn_of_what_is_not_acted_on);
    }
    let command = Command::AlterConfigs {
        resources,
        validate_only,
    };
    let mut answers = match broker.controller().ask(command).await {
        Ok(Reply::AlterConfigs(answers)) => answers
            .into_iter()
            .map(|it| it.map_err(CodedError::from))
            .collect(),
        Ok(_) => Vec::new(),
        Err(unavailable) => wanted
            .iter()
            .map(|_| Err(unavailable.into()))
            .collect::<Vec<_>>(),
    }
    .into_iter();
    let no_answer = || CodedError::new(ErrorCode::UnknownServerError, "No answer.");
    wanted
        .into_iter()
        .map(|it| it.and_then(|_| answers.next().unwrap_or_else(|| Err(no_answer()))))
        .collect()
}

fn changes(
    broker: &BrokerState,
    context: &RequestContext,
    resource: &AlterConfigsResource,
) -> Result<AlterConfigs, CodedError> {
    let of = of_wire(
        broker,
        resource.resource_type,
        resource.resource_name.as_str(),
    )?;
    admit(context, Operation::AlterConfigs, &of)?;
    let nulls = null_values(resource);
    if !nulls.is_empty() {
        let message = format!("Null value not supported for : {}", nulls.join(","));
        return Err(CodedError::new(ErrorCode::InvalidRequest, message));
    }
    let changes = resource
        .configs
        .iter()
        .map(change)
        .collect::<Result<Vec<_>, CodedError>>()?;
    Ok(AlterConfigs {
        resource: of,
        replace: false,
        changes,
    })
}

fn null_values(resource: &AlterConfigsResource) -> Vec<&str> {
    resource
        .configs
        .iter()
        .filter(|config| config.config_operation != OPERATION_DELETE && config.value.is_none())
        .map(|config| config.name.as_str())
        .collect()
}

const OPERATION_SET: i8 = 0;
const OPERATION_DELETE: i8 = 1;
const OPERATION_APPEND: i8 = 2;
const OPERATION_SUBTRACT: i8 = 3;

fn change(config: &AlterableConfig) -> Result<ConfigChange, CodedError> {
    let value = || {
        config
            .value
            .as_ref()
            .map(Str::to_string)
            .unwrap_or_default()
    };
    let operation = match config.config_operation {
        OPERATION_SET => ConfigOperation::Set(value()),
        OPERATION_DELETE => ConfigOperation::Delete,
        OPERATION_APPEND => ConfigOperation::Append(value()),
        OPERATION_SUBTRACT => ConfigOperation::Subtract(value()),
        other => {
            let message = format!("Unknown operation type {other} for {}", config.name);
            return Err(CodedError::new(ErrorCode::InvalidRequest, message));
        }
    };
    Ok(ConfigChange {
        name: config.name.to_string(),
        operation,
    })
}

fn warn_of_what_is_not_acted_on(change: &AlterConfigs) {
    for ConfigChange { name, operation } in &change.changes {
        let ConfigOperation::Set(value) = operation else {
            continue;
        };
        match &change.resource {
            ConfigResource::Topic(topic) => {
                crate::config::warn_of_topic_config(topic.as_str(), name, value);
            }
            ConfigResource::Broker(_) => crate::config::warn_of_broker_config(name),
            ConfigResource::Group(group) => crate::config::warn_of_group_config(group, name),
            ConfigResource::ClientMetrics(_) => {}
        }
    }
}
