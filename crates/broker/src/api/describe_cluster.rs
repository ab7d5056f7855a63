//! The brokers of the cluster, for admin clients (KIP-700).

use std::sync::Arc;

use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

use super::topic_listing::{CLUSTER_OPERATIONS_ALL, advertised};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

/// `endpoint_type` of brokers; 2 asks for controllers, which have no endpoints here.
const ENDPOINT_TYPE_BROKERS: i8 = 1;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: DescribeClusterRequest,
) -> Result<DescribeClusterResponse, ConnectionEnd> {
    if request.endpoint_type != ENDPOINT_TYPE_BROKERS {
        return Ok(DescribeClusterResponse {
            error_code: ErrorCode::MismatchedEndpointType.code(),
            error_message: Some(Str::from_static(
                "The request was sent to an endpoint of type BROKER, but we wanted an endpoint \
                 of type CONTROLLER",
            )),
            ..DescribeClusterResponse::default()
        });
    }
    let may_ask_operations = authorize(context, Operation::Describe, Resource::Cluster).is_ok();
    let (host, port) = advertised(broker, context);
    let image = broker.image();
    Ok(DescribeClusterResponse {
        cluster_id: Str::from(image.cluster_id().unwrap_or_default()),
        controller_id: broker.id().value(),
        brokers: vec![DescribeClusterBroker {
            broker_id: broker.id().value(),
            host: Str::from(host),
            port,
            rack: broker.settings().value("broker.rack").map(Str::from),
            is_fenced: false,
        }],
        cluster_authorized_operations: if request.include_cluster_authorized_operations
            && may_ask_operations
        {
            CLUSTER_OPERATIONS_ALL
        } else {
            i32::MIN
        },
        ..DescribeClusterResponse::default()
    })
}
