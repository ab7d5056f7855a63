//! Replaces all configs of a resource, as old clients do.

use std::sync::Arc;

use fleuve_cluster::controller::{AlterConfigs, ConfigChange, ConfigOperation};
use fleuve_model::ErrorCode;
use fleuve_protocol::api::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
};

use super::config_resource::{admit, of_wire};
use super::error_code::CodedError;
use super::incremental_alter_configs::alter;
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: AlterConfigsRequest,
) -> Result<AlterConfigsResponse, ConnectionEnd> {
    let wanted = request
        .resources
        .iter()
        .map(|it| replacement(broker, context, it))
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
    Ok(AlterConfigsResponse {
        responses: responses.collect(),
        ..Default::default()
    })
}

fn replacement(
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
    let mut changes = Vec::new();
    for config in &resource.configs {
        let Some(value) = &config.value else {
            let message = format!("Null value not supported for : {}", config.name);
            return Err(CodedError::new(ErrorCode::InvalidRequest, message));
        };
        let operation = ConfigOperation::Set(value.to_string());
        changes.push(ConfigChange {
            name: config.name.to_string(),
            operation,
        });
    }
    Ok(AlterConfigs {
        resource: of,
        replace: true,
        changes,
    })
}
