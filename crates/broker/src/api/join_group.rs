//! A member enters a classic group, or enters it again for a rebalance.

use std::sync::Arc;
use std::time::Duration;

use fleuve_cluster::group::{
    Command, GroupId, InstanceId, JoinGroup, JoinRefused, Joined, MemberId, Protocol, Reply,
};
use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::join_group::{
    JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember,
};

use super::error_code::of_unavailable_coordinator;
use super::group_common::{WRONG_REPLY, admit, client};
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

/// From this version on a new member is first told its id (KIP-394).
const VERSION_OF_KNOWN_MEMBERS: i16 = 4;
/// From this version on the protocol's name may be null.
const VERSION_OF_NO_PROTOCOL: i16 = 7;
/// From this version on a leader may be told to skip its assignment (KIP-814).
const VERSION_OF_SKIPPING: i16 = 9;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: JoinGroupRequest,
) -> Result<JoinGroupResponse, ConnectionEnd> {
    let version = context.version;
    let member_id = request.member_id.clone();
    let refused = |code, member_id| Ok(refusal(code, member_id, version));
    if let Err(code) = admit(context, Operation::Read, request.group_id.as_str()) {
        return refused(code, member_id);
    }
    let join = join(context, &request);
    let group = join.group.clone();
    match broker.groups.ask(&group, Command::JoinGroup(join)).await {
        Ok(Reply::JoinGroup(Ok(joined))) => Ok(response(joined, version)),
        Ok(Reply::JoinGroup(Err(JoinRefused { member, error }))) => {
            let member = member.map_or(Str::EMPTY, |member| Str::from(member.as_str()));
            refused(error.code(), member)
        }
        Ok(_) => refused(WRONG_REPLY, member_id),
        Err(unavailable) => refused(of_unavailable_coordinator(unavailable), member_id),
    }
}

fn join(context: &RequestContext, request: &JoinGroupRequest) -> JoinGroup {
    let millis = |millis: i32| Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    let session_timeout = millis(request.session_timeout_ms);
    let instance = request
        .group_instance_id
        .as_ref()
        .map(|instance| InstanceId::new(instance.as_str()));
    JoinGroup {
        group: GroupId::new(request.group_id.as_str()),
        member: MemberId::from_wire(request.member_id.as_str()),
        requires_known_member: context.version >= VERSION_OF_KNOWN_MEMBERS && instance.is_none(),
        instance,
        client: client(context),
        protocol_type: Arc::from(request.protocol_type.as_str()),
        protocols: request
            .protocols
            .iter()
            .map(|protocol| Protocol {
                name: Arc::from(protocol.name.as_str()),
                metadata: protocol.metadata.clone(),
            })
            .collect(),
        session_timeout,
        // Version 0 has one timeout for both.
        rebalance_timeout: match request.rebalance_timeout_ms {
            ..0 => session_timeout,
            given => millis(given),
        },
        supports_skipping_assignment: context.version >= VERSION_OF_SKIPPING,
    }
}

fn refusal(code: ErrorCode, member_id: Str, version: i16) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: code.code(),
        protocol_name: (version < VERSION_OF_NO_PROTOCOL).then_some(Str::EMPTY),
        member_id,
        ..JoinGroupResponse::default()
    }
}

fn response(joined: Joined, version: i16) -> JoinGroupResponse {
    let text = |text: &str| Str::from(text);
    let protocol = joined.protocol.as_deref().map(text);
    JoinGroupResponse {
        generation_id: joined.generation.value(),
        protocol_type: joined.protocol_type.as_deref().map(text),
        protocol_name: match protocol {
            None if version < VERSION_OF_NO_PROTOCOL => Some(Str::EMPTY),
            protocol => protocol,
        },
        leader: joined
            .leader
            .map_or(Str::EMPTY, |leader| text(leader.as_str())),
        skip_assignment: joined.skip_assignment,
        member_id: text(joined.member.as_str()),
        members: joined
            .members
            .into_iter()
            .map(|member| JoinGroupResponseMember {
                member_id: text(member.member.as_str()),
                group_instance_id: member.instance.map(|instance| text(instance.as_str())),
                metadata: member.metadata,
            })
            .collect(),
        ..JoinGroupResponse::default()
    }
}
