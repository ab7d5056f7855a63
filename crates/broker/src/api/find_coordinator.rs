//! Tells which broker coordinates a group.

use std::collections::BTreeSet;
use std::sync::Arc;

use fleuve_model::{ErrorCode, TopicName};
use fleuve_protocol::Str;
use fleuve_protocol::api::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};

use super::error_code::CodedError;
use super::group_common::admit;
use super::topic_listing::advertised;
use crate::authorize::Operation;
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::metadata::CONSUMER_OFFSETS;
use crate::request_context::RequestContext;

const KEY_TYPE_GROUP: i8 = 0;
const KEY_TYPE_TRANSACTION: i8 = 1;
/// From this version on a request names several keys.
const VERSION_OF_SEVERAL: i16 = 4;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: FindCoordinatorRequest,
) -> Result<FindCoordinatorResponse, ConnectionEnd> {
    let is_ready = prepare(broker, request.key_type).await;
    let found = |key: &Str| coordinator(broker, context, request.key_type, key, is_ready.clone());
    if context.version >= VERSION_OF_SEVERAL {
        let coordinators = request.coordinator_keys.iter().map(found).collect();
        return Ok(FindCoordinatorResponse {
            coordinators,
            ..Default::default()
        });
    }
    let Coordinator {
        node_id,
        host,
        port,
        error_code,
        error_message,
        ..
    } = found(&request.key);
    Ok(FindCoordinatorResponse {
        error_code,
        error_message: if error_code == 0 {
            Some(Str::from_static("NONE"))
        } else {
            error_message
        },
        node_id,
        host,
        port,
        ..FindCoordinatorResponse::default()
    })
}

/// Creates the topic that the coordinator keeps its state in, if it is not there.
async fn prepare(broker: &Arc<BrokerState>, key_type: i8) -> Result<(), CodedError> {
    match key_type {
        KEY_TYPE_GROUP => {}
        KEY_TYPE_TRANSACTION => {
            let message = "Transactions are not supported yet.";
            return Err(CodedError::new(ErrorCode::InvalidRequest, message));
        }
        other => {
            let message = format!("Unknown coordinator type {other}");
            return Err(CodedError::new(ErrorCode::InvalidRequest, message));
        }
    }
    let topic = TopicName::new(CONSUMER_OFFSETS).expect("a valid name");
    if broker.image().topic(&topic).is_none() {
        broker
            .create_on_demand(BTreeSet::from([topic.clone()]))
            .await;
    }
    match broker.image().topic(&topic) {
        Some(_) => Ok(()),
        None => {
            let message = "The coordinator is not available.";
            Err(CodedError::new(ErrorCode::CoordinatorNotAvailable, message))
        }
    }
}

fn coordinator(
    broker: &BrokerState,
    context: &RequestContext,
    key_type: i8,
    key: &Str,
    is_ready: Result<(), CodedError>,
) -> Coordinator {
    let admitted = match key_type {
        KEY_TYPE_GROUP => admit(context, Operation::Describe, key.as_str())
            .map_err(|code| CodedError::new(code, "Authorization failed.")),
        _ => Ok(()),
    };
    match admitted.and(is_ready) {
        Ok(()) => {
            let (host, port) = advertised(broker, context);
            Coordinator {
                key: key.clone(),
                node_id: broker.id().value(),
                host: Str::from(host),
                port,
                ..Coordinator::default()
            }
        }
        Err(error) => Coordinator {
            key: key.clone(),
            node_id: -1,
            port: -1,
            error_code: error.code.code(),
            error_message: error.text(),
            ..Coordinator::default()
        },
    }
}
