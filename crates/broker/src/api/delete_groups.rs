//! Deletes groups that nobody is in.

use std::sync::Arc;

use fleuve_cluster::group::{Command, GroupId, Reply};
use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};

use super::error_code::of_unavailable_coordinator;
use super::group_common::{WRONG_REPLY, admit};
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: DeleteGroupsRequest,
) -> Result<DeleteGroupsResponse, ConnectionEnd> {
    let deletions = request.groups_names.iter().map(|group| async move {
        let code = delete(broker, context, group).await;
        DeletableGroupResult {
            group_id: group.clone(),
            error_code: code.code(),
        }
    });
    let results = futures::future::join_all(deletions).await;
    Ok(DeleteGroupsResponse {
        results,
        ..DeleteGroupsResponse::default()
    })
}

async fn delete(broker: &BrokerState, context: &RequestContext, group: &Str) -> ErrorCode {
    if let Err(code) = admit(context, Operation::Delete, group.as_str()) {
        return code;
    }
    let id = GroupId::new(group.as_str());
    let command = Command::DeleteGroups {
        groups: vec![id.clone()],
    };
    match broker.groups.ask(&id, command).await {
        Ok(Reply::DeleteGroups(mut results)) => match results.pop() {
            Some(Ok(())) => ErrorCode::None,
            Some(Err(error)) => error.code(),
            None => WRONG_REPLY,
        },
        Ok(_) => WRONG_REPLY,
        Err(unavailable) => of_unavailable_coordinator(unavailable),
    }
}
