//! Gives an idempotent producer an id that nobody else ever had (KIP-98).

use std::sync::Arc;

use fleuve_model::ErrorCode;
use fleuve_protocol::api::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

use super::error_code::{of_denied, of_unavailable_controller};
use crate::authorize::{Operation, Resource, authorize};
use crate::broker::BrokerState;
use crate::connection::ConnectionEnd;
use crate::request_context::RequestContext;

pub(super) async fn handle(
    broker: &Arc<BrokerState>,
    context: &RequestContext,
    request: InitProducerIdRequest,
) -> Result<InitProducerIdResponse, ConnectionEnd> {
    let refuse = |code: ErrorCode| InitProducerIdResponse {
        error_code: code.code(),
        producer_epoch: -1,
        ..InitProducerIdResponse::default()
    };
    if request
        .transactional_id
        .as_ref()
        .is_some_and(|id| id.is_empty())
    {
        return Ok(refuse(ErrorCode::InvalidRequest));
    }
    if let Some(transactional_id) = &request.transactional_id {
        tracing::warn!(%transactional_id, "transactions are not supported yet: refused");
        return Ok(refuse(ErrorCode::UnsupportedVersion));
    }
    if let Err(denied) = authorize(context, Operation::IdempotentWrite, Resource::Cluster) {
        return Ok(refuse(of_denied(denied, Resource::Cluster)));
    }
    match broker
        .producer_ids
        .next(broker.controller(), broker.id())
        .await
    {
        Ok(producer_id) => Ok(InitProducerIdResponse {
            producer_id: producer_id.value(),
            producer_epoch: 0,
            ..InitProducerIdResponse::default()
        }),
        Err(unavailable) => Ok(refuse(of_unavailable_controller(unavailable))),
    }
}
