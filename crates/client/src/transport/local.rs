use std::io;

use fleuve_protocol::{AnyRequest, AnyResponse, RequestHeader};
use tokio::sync::{mpsc, oneshot};

/// A broker in the same process.
///
/// What it is handed are the typed requests that it would have decoded from a socket, and it
/// treats them the same way: same handlers, same authorization, same order of replies.
pub trait LocalBroker: Send + Sync + 'static {
    /// Opens a connection, which lasts until either side drops its end.
    fn connect(&self) -> io::Result<LocalConnection>;
}

/// The client's end of a connection to a broker in the same process.
#[derive(Debug)]
pub struct LocalConnection {
    requests: mpsc::Sender<LocalRequest>,
}

/// A request that came in process.
#[derive(Debug)]
pub struct LocalRequest {
    /// What would have stood before it on the wire.
    pub header: RequestHeader,
    /// The request.
    pub request: AnyRequest,
    /// Where the answer goes; dropped if there is none (a produce request with `acks=0`).
    pub reply: oneshot::Sender<AnyResponse>,
}

impl LocalConnection {
    /// Both ends of a connection. At most `queued_max` requests wait for the broker to take
    /// them; further ones wait in the client.
    pub fn pair(queued_max: usize) -> (LocalConnection, mpsc::Receiver<LocalRequest>) {
        let (sender, receiver) = mpsc::channel(queued_max);
        (LocalConnection { requests: sender }, receiver)
    }

    /// Hands a request over, once there is room; an error if the broker has closed its end.
    pub(crate) async fn send(&self, request: LocalRequest) -> io::Result<()> {
        let closed = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the broker has stopped");
        self.requests.send(request).await.map_err(closed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }
}
