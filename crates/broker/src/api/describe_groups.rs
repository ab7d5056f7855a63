//! Shows classic groups and their members.

use std::sync::Arc;

use fleuve_cluster::group::{Command, DescribedClassicGroup, GroupError, GroupId, Reply};
use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};

use super::error_code::of_unavailable_coordinator;
use super::group_common::{GROUP_OPERATIONS_ALL, WRONG_REPLY, admit};
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

/// From this version on a group that is not there is an error; before it is a dead one.
const VERSION_OF_NOT_FOUND: i16 = 6;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: DescribeGroupsRequest,
) -> Result<DescribeGroupsResponse, ConnectionEnd> {
    let groups = request
        .groups
        .iter()
        .map(|group| describe(broker, context, group));
    let mut groups = futures::future::join_all(groups).await;
    if request.include_authorized_operations {
        for group in groups.iter_mut().filter(|group| group.error_code == 0) {
            group.authorized_operations = GROUP_OPERATIONS_ALL;
        }
    }
    Ok(DescribeGroupsResponse {
        groups,
        ..DescribeGroupsResponse::default()
    })
}

async fn describe(broker: &BrokerState, context: &RequestContext, group: &Str) -> DescribedGroup {
    let refused = |code: ErrorCode, message: Option<String>| DescribedGroup {
        error_code: code.code(),
        error_message: message
            .filter(|_| context.version >= VERSION_OF_NOT_FOUND)
            .map(Str::from),
        group_id: group.clone(),
        ..DescribedGroup::default()
    };
    if let Err(code) = admit(context, Operation::Describe, group.as_str()) {
        return refused(code, None);
    }
    let id = GroupId::new(group.as_str());
    let command = Command::DescribeClassicGroups {
        groups: vec![id.clone()],
    };
    let mut described = match broker.groups.ask(&id, command).await {
        Ok(Reply::DescribeClassicGroups(described)) => described,
        Ok(_) => return refused(WRONG_REPLY, None),
        Err(unavailable) => return refused(of_unavailable_coordinator(unavailable), None),
    };
    match described.pop() {
        Some(Ok(described)) => shown(group.clone(), described),
        Some(Err(GroupError::GroupIdNotFound(_))) if context.version < VERSION_OF_NOT_FOUND => {
            dead(group.clone())
        }
        Some(Err(error @ GroupError::GroupIdNotFound(_))) => {
            let text = error.to_string();
            DescribedGroup {
                error_message: Some(Str::from(text)),
                ..not_found(group.clone())
            }
        }
        Some(Err(error)) => refused(error.code(), Some(error.to_string())),
        None => refused(WRONG_REPLY, None),
    }
}

fn dead(group_id: Str) -> DescribedGroup {
    DescribedGroup {
        group_id,
        group_state: Str::from_static("Dead"),
        ..DescribedGroup::default()
    }
}

fn not_found(group_id: Str) -> DescribedGroup {
    DescribedGroup {
        error_code: ErrorCode::GroupIdNotFound.code(),
        ..dead(group_id)
    }
}

fn shown(group_id: Str, group: DescribedClassicGroup) -> DescribedGroup {
    let members = group
        .members
        .into_iter()
        .map(|member| DescribedGroupMember {
            member_id: Str::from(member.member.as_str()),
            group_instance_id: member.instance.map(|it| Str::from(it.as_str())),
            client_id: Str::from(&*member.client.id),
            client_host: Str::from(&*member.client.host),
            member_metadata: member.metadata,
            member_assignment: member.assignment,
        });
    DescribedGroup {
        group_id,
        group_state: Str::from(group.state),
        protocol_type: Str::from(&*group.protocol_type),
        protocol_data: Str::from(&*group.protocol),
        members: members.collect(),
        ..DescribedGroup::default()
    }
}
