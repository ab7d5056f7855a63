//! A member of a classic group says that it is alive, and learns of rebalances.

use std::sync::Arc;

use fleuve_cluster::group::{Command, Generation, GroupId, Heartbeat, InstanceId, MemberId, Reply};
use fleuve_model::ErrorCode;
use fleuve_protocol::api::heartbeat::{HeartbeatRequest, HeartbeatResponse};

use super::group_common::{WRONG_REPLY, admit, settled};
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: HeartbeatRequest,
) -> Result<HeartbeatResponse, ConnectionEnd> {
    let result = beat(broker, context, request).await;
    let error_code = result.err().unwrap_or(ErrorCode::None).code();
    Ok(HeartbeatResponse {
        error_code,
        ..HeartbeatResponse::default()
    })
}

async fn beat(
    broker: &BrokerState,
    context: &RequestContext,
    request: HeartbeatRequest,
) -> Result<(), ErrorCode> {
    admit(context, Operation::Read, request.group_id.as_str())?;
    let group = GroupId::new(request.group_id.as_str());
    let command = Command::Heartbeat(Heartbeat {
        group: group.clone(),
        member: MemberId::new(request.member_id.as_str()),
        instance: request
            .group_instance_id
            .map(|instance| InstanceId::new(instance.as_str())),
        generation: Generation::from_wire(request.generation_id),
    });
    match broker.groups.ask(&group, command).await {
        Ok(Reply::Heartbeat(result)) => settled(Ok(result)),
        Ok(_) => Err(WRONG_REPLY),
        Err(unavailable) => settled(Err(unavailable)),
    }
}
