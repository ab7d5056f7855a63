//! A connection from within the process: the same handlers in the same order, without a socket
//! and without a copy of the records.

use std::sync::Arc;

use fleuve_client::transport::LocalRequest;
use fleuve_protocol::AnyResponse;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::replies::{Replies, RunsBeside};
use super::{ConnectionEnd, IN_FLIGHT_MAX};
use crate::api::{self, Handled};
use crate::broker::BrokerState;
use crate::request_context::{ClientHost, ConnectionId, Principal, RequestContext};

type Answer = (Handled, oneshot::Sender<AnyResponse>);

/// Serves a client of this process until either side ends it.
pub(crate) async fn serve_local(
    broker: Arc<BrokerState>,
    mut requests: mpsc::Receiver<LocalRequest>,
    stop: CancellationToken,
) {
    let id = broker.next_connection_id();
    let mut replies: Replies<Answer> = Replies::new();
    loop {
        let accepts_more = replies.len() < IN_FLIGHT_MAX && !stop.is_cancelled();
        if replies.is_empty() && !accepts_more {
            break;
        }
        tokio::select! {
            biased;
            answer = replies.next(), if !replies.is_empty() => match answer {
                Ok(answer) => send(answer),
                Err(end) => {
                    tracing::warn!("in-process connection closed: {end}");
                    break;
                }
            },
            () = stop.cancelled(), if accepts_more => {}
            request = requests.recv(), if accepts_more => match request {
                Some(request) => start(&broker, id, request, &mut replies),
                None => break,
            },
        }
    }
    broker.fetch_sessions.connection_closed(id);
}

fn send((handled, reply): Answer) {
    if let Some(response) = handled.response {
        // A client that has gone needs no answer.
        _ = reply.send(response);
    }
    // What the answer holds is the client's now.
    drop(handled.share);
}

fn start(
    broker: &Arc<BrokerState>,
    connection: ConnectionId,
    request: LocalRequest,
    replies: &mut Replies<Answer>,
) {
    let LocalRequest {
        header,
        request,
        reply,
    } = request;
    let context = RequestContext {
        principal: Principal::anonymous(),
        listener: broker.first_listener(),
        reached: None,
        client_id: header.client_id,
        host: ClientHost::InProcess,
        connection,
        version: header.api_version,
    };
    let is_served = api::is_served(request.key());
    let handling = api::handle(broker, context, request);
    let answer = async move {
        if !is_served {
            return Err(ConnectionEnd::Refused("the API is not served yet"));
        }
        Ok((handling.await?, reply))
    };
    // Clients of this process take what they asked for.
    replies.push(Box::pin(answer), RunsBeside::All);
}
