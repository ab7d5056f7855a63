//! Lists every group that this broker coordinates.

use std::sync::Arc;

use fleuve_cluster::group::{Command, ListGroups, Reply};
use fleuve_model::ErrorCode;
use fleuve_protocol::Str;
use fleuve_protocol::api::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};

use super::error_code::of_unavailable_coordinator;
use super::group_common::{WRONG_REPLY, admit};
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: ListGroupsRequest,
) -> Result<ListGroupsResponse, ConnectionEnd> {
    let texts = |texts: &[Str]| texts.iter().map(Str::to_string).collect::<Vec<String>>();
    let wanted = ListGroups {
        states: texts(&request.states_filter),
        types: texts(&request.types_filter),
    };
    let coordinators = broker.groups.all();
    let asked = coordinators
        .iter()
        .map(|it| it.ask(Command::ListGroups(wanted.clone())));
    let mut groups = Vec::new();
    let mut error = ErrorCode::None;
    for answer in futures::future::join_all(asked).await {
        match answer {
            Ok(Reply::ListGroups(listed)) => groups.extend(listed),
            Ok(_) => error = WRONG_REPLY,
            Err(unavailable) => error = of_unavailable_coordinator(unavailable),
        }
    }
    groups.retain(|it| admit(context, Operation::Describe, it.group.as_str()).is_ok());
    groups.sort_by(|left, right| left.group.cmp(&right.group));
    let groups = groups.into_iter().map(|group| ListedGroup {
        group_id: Str::from(group.group.as_str()),
        protocol_type: Str::from(&*group.protocol_type),
        group_state: Str::from(group.state),
        group_type: Str::from(group.group_type),
    });
    let groups = groups.collect();
    Ok(ListGroupsResponse {
        error_code: error.code(),
        groups,
        ..Default::default()
    })
}
