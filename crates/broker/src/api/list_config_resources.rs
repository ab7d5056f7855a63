//! Lists what has configs: topics, brokers, groups, client metrics (KIP-1142).

use std::sync::Arc;

use fleuve_cluster::controller::ConfigResource;
use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::list_config_resources::{
    ConfigResource as ListedResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

use super::config_resource::{
    TYPE_BROKER, TYPE_BROKER_LOGGER, TYPE_CLIENT_METRICS, TYPE_GROUP, TYPE_TOPIC,
};
use super::error_code::of_denied;
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

const TYPES_ALL: [i8; 5] = [
    TYPE_TOPIC,
    TYPE_BROKER,
    TYPE_BROKER_LOGGER,
    TYPE_CLIENT_METRICS,
    TYPE_GROUP,
];

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: ListConfigResourcesRequest,
) -> Result<ListConfigResourcesResponse, ConnectionEnd> {
    let refuse = |code: ErrorCode| ListConfigResourcesResponse {
        error_code: code.code(),
        ..ListConfigResourcesResponse::default()
    };
    if let Err(denied) = authorize(context, Operation::DescribeConfigs, Resource::Cluster) {
        return Ok(refuse(of_denied(denied, Resource::Cluster)));
    }
    let types = match request.resource_types {
        _ if context.version == 0 => vec![TYPE_CLIENT_METRICS],
        types if types.is_empty() => TYPES_ALL.to_vec(),
        types => types,
    };
    if types.iter().any(|wanted| !TYPES_ALL.contains(wanted)) {
        return Ok(refuse(ErrorCode::UnsupportedVersion));
    }
    let config_resources = types
        .iter()
        .flat_map(|it| resources_of_type(broker, *it))
        .collect();
    Ok(ListConfigResourcesResponse {
        config_resources,
        ..Default::default()
    })
}

fn resources_of_type(broker: &BrokerState, resource_type: i8) -> Vec<ListedResource> {
    let image = broker.image();
    let names: Vec<String> = match resource_type {
        TYPE_TOPIC => image.topics().map(|topic| topic.name.to_string()).collect(),
        TYPE_BROKER | TYPE_BROKER_LOGGER => image
            .brokers()
            .map(|broker| broker.id.to_string())
            .collect(),
        TYPE_GROUP => image
            .configured()
            .filter_map(|resource| match resource {
                ConfigResource::Group(name) => Some(name.clone()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    names
        .into_iter()
        .map(|name| ListedResource {
            resource_name: Str::from(name),
            resource_type,
        })
        .collect()
}
