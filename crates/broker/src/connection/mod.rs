//! One client's connection, from its first byte to its last.
//!
//! Requests start in the order in which they arrive, and replies leave in that order. Produce
//! requests may be under way beside one other request, such as a fetch that waits; a second one
//! begins when the answers before it are gone. While an answer is being sent nothing is read, so
//! a client that reads no answers costs one of them. One task does it all: it owns the stream,
//! what was read and the replies that are due. Start at [`Connection::serve`].

mod authentication;
mod frame_reader;
mod frame_writer;
mod limits;
mod local;
mod replies;
mod stream;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fleuve_protocol::{ApiKey, DecodeError, EncodedFrame};
use fleuve_storage::LogSlice;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::broker::BrokerState;
use crate::request_context::{ClientHost, ConnectionId, RequestContext};
use authentication::{Authentication, NotAdmitted};
use frame_reader::{Frame, FrameReader};
pub use frame_reader::{FrameError, read_frames};
pub(crate) use frame_reader::{FrameShare, RequestBudgets};
use frame_writer::{WriteError, write_answers};
pub(crate) use limits::{ConnectionLimits, ConnectionSlot};
pub(crate) use local::serve_local;
use replies::{Replies, RunsBeside};
pub(crate) use stream::Copied;
use stream::Stream;

/// How many requests of one connection may be under way before no more are read.
pub(crate) const IN_FLIGHT_MAX: usize = 64;

/// An answer on its way.
#[derive(Default)]
pub(crate) struct Reply {
    /// `None` where the client expects no answer (produce with acks=0).
    pub(crate) frame: Option<EncodedFrame>,
    /// What stands where the frame's pieces are elsewhere.
    pub(crate) bodies: Vec<LogSlice>,
}

pub(crate) type ReplyFuture = Pin<Box<dyn Future<Output = Result<Reply, ConnectionEnd>> + Send>>;

/// A request that was read and has not begun.
struct Started {
    reply: ReplyFuture,
    runs_beside: RunsBeside,
}

/// Why a connection was closed by this side.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionEnd {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the request cannot be read: {0}")]
    Decode(#[from] DecodeError),
    #[error("the answer cannot be written: {0}")]
    Encode(#[from] fleuve_protocol::EncodeError),
    #[error(transparent)]
    NotAdmitted(#[from] NotAdmitted),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("it was idle for longer than connections.max.idle.ms")]
    Idle,
    #[error("{0}")]
    Refused(&'static str),
}

impl ConnectionEnd {
    /// Clients that go away, and idle ones, are no news.
    fn is_quiet(&self) -> bool {
        match self {
            ConnectionEnd::Idle | ConnectionEnd::Frame(FrameError::Io(_)) => true,
            ConnectionEnd::Write(error) => error.is_quiet(),
            _ => false,
        }
    }
}

/// One client, and what its requests are handled with.
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) listener: Arc<str>,
    pub(crate) reached: SocketAddr,
    pub(crate) client: SocketAddr,
    pub(crate) broker: Arc<BrokerState>,
    /// Held until the connection ends.
    pub(crate) slot: ConnectionSlot,
}

impl Connection {
    /// Serves `stream` until either side ends it. After `stop` nothing more is read, and what is
    /// under way is answered.
    pub(crate) async fn serve(self, mut stream: impl Stream, stop: CancellationToken) {
        let client = self.client;
        match self.run(&mut stream, &stop).await {
            Ok(()) => tracing::debug!(%client, "connection closed"),
            Err(end) if end.is_quiet() => tracing::debug!(%client, "connection closed: {end}"),
            Err(end) => tracing::warn!(%client, "connection closed: {end}"),
        }
        self.broker.fetch_sessions.connection_closed(self.id);
        drop(self.slot);
    }

    async fn run(
        &self,
        stream: &mut impl Stream,
        stop: &CancellationToken,
    ) -> Result<(), ConnectionEnd> {
        let settings = self.broker.settings();
        let mut reader = FrameReader::new(settings.count_of("socket.request.max.bytes"));
        let idle_max = settings.millis("connections.max.idle.ms");
        let unread_max = settings.millis("fleuve.unread.response.max.ms");
        drop(settings);
        let authentication = Authentication::of_plain_text();
        let mut replies: Replies<Reply> = Replies::new();
        let mut last_active = Instant::now();
        loop {
            replies.begin_oldest();
            let has_room = replies.len() < IN_FLIGHT_MAX && !replies.has_queued();
            let accepts_more = has_room && !stop.is_cancelled();
            if replies.is_empty() && !accepts_more {
                return Ok(());
            }
            let idle = idle_until(last_active, idle_max, replies.is_empty());
            tokio::select! {
                biased;
                reply = replies.next(), if !replies.is_empty() => {
                    // What is ready together leaves together.
                    let mut ready = vec![reply?];
                    ready.extend(std::iter::from_fn(|| replies.take_done()));
                    // Its requests hold shares of the budget, which others wait for.
                    let stall_max = match reader.holds_share() {
                        true => unread_max,
                        false => idle_max,
                    };
                    let budget = self.broker.response_budgets.gathering();
                    write_answers(stream, ready, budget, stall_max).await?;
                    last_active = Instant::now();
                }
                () = stop.cancelled(), if accepts_more => {}
                frame = reader.next(stream, &self.broker.request_budgets), if accepts_more => {
                    let Some(frame) = frame? else { return Ok(()) };
                    last_active = Instant::now();
                    let Started { reply, runs_beside } = self.start(frame, &authentication)?;
                    replies.push(reply, runs_beside);
                }
                () = idle => {
                    if !reader.has_begun() || replies.is_empty() {
                        return Err(ConnectionEnd::Idle);
                    }
                }
            }
        }
    }

    /// Decodes a request and hands it to its handler, which has not begun yet.
    fn start(
        &self,
        frame: Frame,
        authentication: &Authentication,
    ) -> Result<Started, ConnectionEnd> {
        let context = |principal| RequestContext {
            principal,
            listener: Arc::clone(&self.listener),
            reached: Some(self.reached),
            client_id: None,
            host: ClientHost::Address(self.client.ip()),
            connection: self.id,
            version: 0,
        };
        let (key, reply) = api::start_request(&self.broker, frame.bytes, frame.share, |key| {
            Ok(context(authentication.admit(key)?.clone()))
        })?;
        let runs_beside = match key {
            ApiKey::Produce => RunsBeside::All,
            _ => RunsBeside::Some,
        };
        Ok(Started { reply, runs_beside })
    }
}

async fn idle_until(last_active: Instant, idle_max: Option<Duration>, is_idle: bool) {
    match idle_max {
        Some(idle_max) if is_idle => tokio::time::sleep_until(last_active + idle_max).await,
        _ => std::future::pending().await,
    }
}
