//! A member of a classic group asks for its assignment; the leader brings everybody's.

use std::sync::Arc;

use fleuve_cluster::group::{
    Command, Generation, GroupId, InstanceId, MemberId, Reply, SyncGroup, Synced,
};
use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::sync_group::{SyncGroupRequest, SyncGroupResponse};

use super::group_common::{WRONG_REPLY, admit, settled};
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

/// From this version on a member says which protocol it means.
const VERSION_OF_PROTOCOLS: i16 = 5;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: SyncGroupRequest,
) -> Result<SyncGroupResponse, ConnectionEnd> {
    let synced = sync(broker, context, request).await;
    Ok(match synced {
        Ok(synced) => SyncGroupResponse {
            protocol_type: synced.protocol_type.as_deref().map(Str::from),
            protocol_name: synced.protocol.as_deref().map(Str::from),
            assignment: synced.assignment,
            ..SyncGroupResponse::default()
        },
        Err(code) => SyncGroupResponse {
            error_code: code.code(),
            ..Default::default()
        },
    })
}

async fn sync(
    broker: &BrokerState,
    context: &RequestContext,
    request: SyncGroupRequest,
) -> Result<Synced, ErrorCode> {
    admit(context, Operation::Read, request.group_id.as_str())?;
    let names_protocol = request.protocol_type.is_some() && request.protocol_name.is_some();
    if context.version >= VERSION_OF_PROTOCOLS && !names_protocol {
        return Err(ErrorCode::InconsistentGroupProtocol);
    }
    let group = GroupId::new(request.group_id.as_str());
    let command = Command::SyncGroup(SyncGroup {
        group: group.clone(),
        member: MemberId::new(request.member_id.as_str()),
        instance: request
            .group_instance_id
            .map(|instance| InstanceId::new(instance.as_str())),
        generation: Generation::from_wire(request.generation_id),
        protocol_type: request.protocol_type.map(|it| Arc::from(it.as_str())),
        protocol: request.protocol_name.map(|it| Arc::from(it.as_str())),
        assignments: request
            .assignments
            .into_iter()
            .map(|it| (MemberId::new(it.member_id.as_str()), it.assignment))
            .collect(),
    });
    match broker.groups.ask(&group, command).await {
        Ok(Reply::SyncGroup(result)) => settled(Ok(result)),
        Ok(_) => Err(WRONG_REPLY),
        Err(unavailable) => settled(Err(unavailable)),
    }
}
