//! Config resources as the wire numbers them.

use fleuve_cluster::controller::ConfigResource;
use fleuve_model::{BrokerId, ErrorCode, TopicName};

use super::error_code::{CodedError, of_denied};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::request_context::RequestContext;

pub(super) const TYPE_TOPIC: i8 = 2;
pub(super) const TYPE_BROKER: i8 = 4;
pub(super) const TYPE_BROKER_LOGGER: i8 = 8;
pub(super) const TYPE_CLIENT_METRICS: i8 = 16;
pub(super) const TYPE_GROUP: i8 = 32;

/// The resource that a client names; only what exists here can be named.
pub(super) fn of_wire(
    broker: &BrokerState,
    resource_type: i8,
    name: &str,
) -> Result<ConfigResource, CodedError> {
    match resource_type {
        TYPE_TOPIC => TopicName::new(name)
            .map(ConfigResource::Topic)
            .map_err(|error| CodedError::new(ErrorCode::InvalidTopicException, error.to_string())),
        TYPE_BROKER if name.is_empty() => Ok(ConfigResource::Broker(None)),
        TYPE_BROKER => broker_of_name(broker, name),
        TYPE_GROUP if !name.is_empty() => Ok(ConfigResource::Group(name.to_owned())),
        TYPE_GROUP => Err(CodedError::new(
            ErrorCode::InvalidRequest,
            "Default group resources are not allowed.",
        )),
        TYPE_CLIENT_METRICS => Err(CodedError::new(
            ErrorCode::InvalidRequest,
            "Client metrics subscriptions are not supported yet.",
        )),
        TYPE_BROKER_LOGGER => Err(CodedError::new(
            ErrorCode::InvalidRequest,
            "Log levels cannot be read or changed at run time yet.",
        )),
        other => Err(CodedError::new(
            ErrorCode::InvalidRequest,
            format!("Unknown resource type {other}"),
        )),
    }
}

fn broker_of_name(broker: &BrokerState, name: &str) -> Result<ConfigResource, CodedError> {
    let own = broker.id();
    let id = name
        .parse::<i32>()
        .ok()
        .and_then(|id| BrokerId::new(id).ok());
    match id {
        Some(id) if id == own => Ok(ConfigResource::Broker(Some(id))),
        Some(id) => Err(CodedError::new(
            ErrorCode::InvalidRequest,
            format!("Unexpected broker id, expected {own} or empty string, but received {id}"),
        )),
        None => Err(CodedError::new(
            ErrorCode::InvalidRequest,
            format!("Broker id must be an integer, but it is: {name}"),
        )),
    }
}

/// Whether the caller may do `operation` to the configs of `resource`.
pub(super) fn admit(
    context: &RequestContext,
    operation: Operation,
    resource: &ConfigResource,
) -> Result<(), CodedError> {
    let of = match resource {
        ConfigResource::Topic(name) => Resource::Topic(name.as_str()),
        ConfigResource::Group(name) => Resource::Group(name),
        ConfigResource::Broker(_) | ConfigResource::ClientMetrics(_) => Resource::Cluster,
    };
    authorize(context, operation, of)
        .map_err(|denied| CodedError::new(of_denied(denied, of), "Authorization failed."))
}
