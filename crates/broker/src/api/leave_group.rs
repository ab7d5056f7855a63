//! Members leave a classic group.

use std::sync::Arc;

use fleuve_cluster::group::{
    Command, GroupId, InstanceId, LeaveGroup, LeavingMember, LeftMember, MemberId, Reply,
};
use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberResponse};

use super::group_common::{WRONG_REPLY, admit, settled};
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

/// From this version on several members leave with one request.
const VERSION_OF_SEVERAL: i16 = 3;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: LeaveGroupRequest,
) -> Result<LeaveGroupResponse, ConnectionEnd> {
    let members = match leave(broker, context, request).await {
        Ok(members) => members,
        Err(code) => {
            let error_code = code.code();
            return Ok(LeaveGroupResponse {
                error_code,
                ..LeaveGroupResponse::default()
            });
        }
    };
    let mut members: Vec<MemberResponse> = members.into_iter().map(left).collect();
    if context.version >= VERSION_OF_SEVERAL {
        return Ok(LeaveGroupResponse {
            members,
            ..LeaveGroupResponse::default()
        });
    }
    let error_code = members.pop().map_or(0, |only| only.error_code);
    Ok(LeaveGroupResponse {
        error_code,
        ..LeaveGroupResponse::default()
    })
}

async fn leave(
    broker: &BrokerState,
    context: &RequestContext,
    request: LeaveGroupRequest,
) -> Result<Vec<LeftMember>, ErrorCode> {
    admit(context, Operation::Read, request.group_id.as_str())?;
    let group = GroupId::new(request.group_id.as_str());
    let members = if context.version >= VERSION_OF_SEVERAL {
        request
            .members
            .iter()
            .map(|member| LeavingMember {
                member: MemberId::from_wire(member.member_id.as_str()),
                instance: member
                    .group_instance_id
                    .as_ref()
                    .map(|it| InstanceId::new(it.as_str())),
            })
            .collect()
    } else {
        let member = MemberId::from_wire(request.member_id.as_str());
        vec![LeavingMember {
            member,
            instance: None,
        }]
    };
    let command = Command::LeaveGroup(LeaveGroup {
        group: group.clone(),
        members,
    });
    match broker.groups.ask(&group, command).await {
        Ok(Reply::LeaveGroup(result)) => settled(Ok(result)),
        Ok(_) => Err(WRONG_REPLY),
        Err(unavailable) => settled(Err(unavailable)),
    }
}

fn left(member: LeftMember) -> MemberResponse {
    MemberResponse {
        member_id: member
            .member
            .map_or(Str::EMPTY, |it| Str::from(it.as_str())),
        group_instance_id: member.instance.map(|it| Str::from(it.as_str())),
        error_code: member
            .result
            .err()
            .map_or(ErrorCode::None, |error| error.code())
            .code(),
    }
}
