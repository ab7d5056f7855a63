//! One client's connection, from its first byte to its last.
//!
//! Requests start in the order in which they arrive, and replies leave in that order, even
//! around a fetch that waits; several may be under way. One task does it all: it owns the
//! stream, what was read and the replies that are due. Start at [`Connection::serve`].

mod authentication;
mod frame_reader;
mod frame_writer;
mod limits;
mod local;
mod replies;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fleuve_protocol::{DecodeError, EncodedFrame};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::broker::BrokerState;
use crate::memory_budget::MemoryShare;
use crate::request_context::{ClientHost, ConnectionId, RequestContext};
use authentication::{Authentication, NotAdmitted};
use frame_reader::{Frame, FrameError, FrameReader};
pub(crate) use frame_reader::{FrameShare, RequestBudgets};
pub(crate) use limits::{ConnectionLimits, ConnectionSlot};
pub(crate) use local::serve_local;
use replies::Replies;

/// How many requests of one connection may be under way before no more are read.
pub(crate) const IN_FLIGHT_MAX: usize = 64;

/// A two-way stream of bytes: a socket, or later one wrapped in TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An answer on its way; the share is what its bytes take of the response budget.
pub(crate) struct Reply {
    /// `None` where the client expects no answer (produce with acks=0).
    pub(crate) frame: Option<EncodedFrame>,
    pub(crate) share: Option<MemoryShare>,
}

pub(crate) type ReplyFuture = Pin<Box<dyn Future<Output = Result<Reply, ConnectionEnd>> + Send>>;

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
    #[error("it was idle for longer than connections.max.idle.ms")]
    Idle,
    #[error("{0}")]
    Refused(&'static str),
}

impl ConnectionEnd {
    /// Clients that go away, and idle ones, are no news.
    fn is_quiet(&self) -> bool {
        matches!(
            self,
            ConnectionEnd::Idle | ConnectionEnd::Frame(FrameError::Io(_))
        )
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
        drop(settings);
        let authentication = Authentication::of_plain_text();
        let mut replies: Replies<Reply> = Replies::new();
        let mut last_active = Instant::now();
        loop {
            let accepts_more = replies.len() < IN_FLIGHT_MAX && !stop.is_cancelled();
            if replies.is_empty() && !accepts_more {
                return Ok(());
            }
            let idle = idle_until(last_active, idle_max, replies.is_empty());
            tokio::select! {
                biased;
                reply = replies.next(), if !replies.is_empty() => {
                    let reply = reply?;
                    if let Some(frame) = reply.frame {
                        frame_writer::write_segments(stream, frame.into_segments())
                            .await
                            .map_err(FrameError::Io)?;
                    }
                    drop(reply.share);
                    last_active = Instant::now();
                }
                () = stop.cancelled(), if accepts_more => {}
                frame = reader.next(stream, &self.broker.request_budgets), if accepts_more => {
                    let Some(frame) = frame? else { return Ok(()) };
                    last_active = Instant::now();
                    replies.push(self.start(frame, &authentication)?);
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
    ) -> Result<ReplyFuture, ConnectionEnd> {
        let context = |principal| RequestContext {
            principal,
            listener: Arc::clone(&self.listener),
            reached: Some(self.reached),
            client_id: None,
            host: ClientHost::Address(self.client.ip()),
            connection: self.id,
            version: 0,
        };
        api::start_request(&self.broker, frame.bytes, frame.share, |key| {
            Ok(context(authentication.admit(key)?.clone()))
        })
    }
}

async fn idle_until(last_active: Instant, idle_max: Option<Duration>, is_idle: bool) {
    match idle_max {
        Some(idle_max) if is_idle => tokio::time::sleep_until(last_active + idle_max).await,
        _ => std::future::pending().await,
    }
}
