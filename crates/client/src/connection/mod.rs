//! One connection to one broker.
//!
//! Any number of callers share it. Requests go out in the order in which [`Connection::start`]
//! was called and the answers come back in that order, so a call does not wait for the one
//! before it to be answered. Over TCP a writing and a reading task own the two halves of the
//! socket; in process there is nothing between caller and broker but the broker's queue.

mod frames;

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use fleuve_protocol::api::ApiVersionsRequest;
use fleuve_protocol::api::api_versions::ApiVersion;
use fleuve_protocol::{
    AnyRequest, AnyResponse, ApiKey, DecodeError, EncodedFrame, Request, RequestHeader, Response,
    Str, VersionRange, encode_request,
};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::ClientError;
use crate::transport::{LocalConnection, LocalRequest};
use frames::{read_answers, write_calls};

/// Requests that wait for the writing task; further callers wait.
const WRITES_QUEUED_MAX: usize = 64;

/// Requests that were sent and not answered; a producer has five in flight, a pool shares.
const ANSWERS_PENDING_MAX: usize = 1024;

/// What a connection is told about the client.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) client_id: Str,
    pub(crate) request_timeout: Duration,
}

/// A connection; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The broker's address, for errors.
    broker: String,
    identity: Identity,
    versions: BTreeMap<ApiKey, VersionRange>,
    /// All APIs that the broker has, also those that this client does not know.
    offers: Vec<ApiVersion>,
    correlation: AtomicI32,
    link: Link,
}

#[derive(Debug)]
enum Link {
    Tcp {
        calls: mpsc::Sender<Call>,
        closed: CancellationToken,
    },
    Local(LocalConnection),
}

/// What the writing task is given.
#[derive(Debug)]
struct Call {
    frame: EncodedFrame,
    follow_up: FollowUp,
}

/// Who wants to know what becomes of a request.
#[derive(Debug)]
enum FollowUp {
    /// Its answer is waited for.
    Answer(Pending),
    /// It has no answer; that it was written is waited for.
    Written(oneshot::Sender<()>),
}

/// What the reading task is given.
#[derive(Debug)]
struct Pending {
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    reply: oneshot::Sender<Result<AnyResponse, DecodeError>>,
}

/// An answer on its way.
#[derive(Debug)]
pub(crate) struct Answer<R: Request> {
    connection: Connection,
    reply: Reply,
    request: PhantomData<fn() -> R>,
}

#[derive(Debug)]
enum Reply {
    Tcp(oneshot::Receiver<Result<AnyResponse, DecodeError>>),
    Local(oneshot::Receiver<AnyResponse>),
}

impl Connection {
    /// Takes a socket over, whose tasks run on `io`, and asks the broker for its versions.
    pub(crate) async fn over_tcp(
        io: &Handle,
        stream: TcpStream,
        broker: String,
        identity: Identity,
    ) -> Result<Connection, ClientError> {
        let (read, write) = stream.into_split();
        let (calls, queued) = mpsc::channel(WRITES_QUEUED_MAX);
        let (sent, pending) = mpsc::channel(ANSWERS_PENDING_MAX);
        let closed = CancellationToken::new();
        io.spawn(write_calls(write, queued, sent, closed.clone()));
        io.spawn(read_answers(read, pending, closed.clone()));
        Connection::negotiate(Link::Tcp { calls, closed }, broker, identity).await
    }

    /// Takes a connection to a broker in this process over and asks for its versions.
    pub(crate) async fn in_process(
        connection: LocalConnection,
        identity: Identity,
    ) -> Result<Connection, ClientError> {
        let broker = "the broker in this process".to_owned();
        Connection::negotiate(Link::Local(connection), broker, identity).await
    }

    async fn negotiate(
        link: Link,
        broker: String,
        identity: Identity,
    ) -> Result<Connection, ClientError> {
        let known = ApiKey::ApiVersions.versions();
        let versions = BTreeMap::from([(ApiKey::ApiVersions, known)]);
        let correlation = AtomicI32::new(0);
        let mut inner = Inner {
            broker,
            identity,
            versions,
            offers: Vec::new(),
            correlation,
            link,
        };
        let mut connection = Connection {
            inner: Arc::new(inner),
        };
        let request = ApiVersionsRequest {
            client_software_name: Str::from_static("fleuve"),
            client_software_version: Str::from_static(env!("CARGO_PKG_VERSION")),
        };
        // A broker that lacks the version answers with the versions it has (KIP-511).
        let mut version = known.max;
        let response = loop {
            let response = connection
                .start_at(request.clone(), version)
                .await?
                .receive()
                .await?;
            let again = response
                .api_keys
                .iter()
                .find(|entry| entry.api_key == ApiKey::ApiVersions.to_wire())
                .map_or(0, |entry| entry.max_version);
            if response.error_code == UNSUPPORTED_VERSION && again < version {
                version = again.max(0);
                continue;
            }
            ClientError::check(response.error_code, "ApiVersions", None)?;
            break response;
        };
        let versions = response
            .api_keys
            .iter()
            .filter(|entry| entry.min_version >= 0 && entry.min_version <= entry.max_version)
            .filter_map(|entry| {
                let range = VersionRange::new(entry.min_version, entry.max_version);
                Some((ApiKey::from_wire(entry.api_key)?, range))
            })
            .collect();
        inner = Arc::try_unwrap(connection.inner).map_err(|_| ClientError::Closed("connection"))?;
        inner.versions = versions;
        inner.offers = response.api_keys;
        connection = Connection {
            inner: Arc::new(inner),
        };
        Ok(connection)
    }

    /// The broker's address.
    pub(crate) fn broker(&self) -> &str {
        &self.inner.broker
    }

    /// Whether the broker has hung up or [`Connection::close`] was called.
    pub(crate) fn is_closed(&self) -> bool {
        match &self.inner.link {
            Link::Tcp { closed, .. } => closed.is_cancelled(),
            Link::Local(connection) => connection.is_closed(),
        }
    }

    /// Hangs up: everybody who waits for an answer gets an error.
    pub(crate) fn close(&self) {
        if let Link::Tcp { closed, .. } = &self.inner.link {
            closed.cancel();
        }
    }

    /// What the broker has of an API.
    pub(crate) fn offered(&self, key: ApiKey) -> Option<VersionRange> {
        self.inner.versions.get(&key).copied()
    }

    /// All APIs that the broker has, also those that this client does not know.
    pub(crate) fn offers(&self) -> &[ApiVersion] {
        &self.inner.offers
    }

    /// The latest version that both sides have of `R`.
    pub(crate) fn version_of<R: Request>(&self) -> Result<i16, ClientError> {
        let offered = self.offered(R::KEY);
        let common = offered.and_then(|offered| offered.intersection(R::VERSIONS));
        common
            .map(|common| common.max)
            .ok_or_else(|| ClientError::UnsupportedApi {
                broker: self.inner.broker.clone(),
                api: R::KEY.name(),
                offered: offered.map(|offered| offered.to_string()),
                needed: R::VERSIONS.to_string(),
            })
    }

    /// Sends a request in the latest common version and waits for the answer.
    pub(crate) async fn call<R: Request>(&self, request: R) -> Result<R::Response, ClientError> {
        let version = self.version_of::<R>()?;
        self.start_at(request, version).await?.receive().await
    }

    /// Sends a request in the latest common version, but at most `version_max`.
    pub(crate) async fn call_at_most<R: Request>(
        &self,
        request: R,
        version_max: i16,
    ) -> Result<R::Response, ClientError> {
        let version = self.version_of::<R>()?.min(version_max);
        self.start_at(request, version).await?.receive().await
    }

    /// Puts a request in its place in the order; the answer is waited for apart.
    pub(crate) async fn start_at<R: Request>(
        &self,
        request: R,
        version: i16,
    ) -> Result<Answer<R>, ClientError> {
        let request: AnyRequest = request.into();
        let reply = match &self.inner.link {
            Link::Tcp { calls, .. } => {
                let (reply, receiver) = oneshot::channel();
                let key = request.key();
                self.queue(calls, &request, version, |correlation_id| {
                    FollowUp::Answer(Pending {
                        key,
                        version,
                        correlation_id,
                        reply,
                    })
                })
                .await?;
                Reply::Tcp(receiver)
            }
            Link::Local(local) => Reply::Local(self.hand_over(local, request, version).await?),
        };
        Ok(Answer {
            connection: self.clone(),
            reply,
            request: PhantomData,
        })
    }

    /// Sends a request that is not answered, a produce request with `acks=0`, and waits until
    /// it is in the system's hands.
    pub(crate) async fn send_unanswered<R: Request>(
        &self,
        request: R,
        version: i16,
    ) -> Result<(), ClientError> {
        let request: AnyRequest = request.into();
        match &self.inner.link {
            Link::Tcp { calls, .. } => {
                let (sender, written) = oneshot::channel();
                self.queue(calls, &request, version, |_| FollowUp::Written(sender))
                    .await?;
                written
                    .await
                    .map_err(|_| self.disconnected("it was closed by the broker"))
            }
            Link::Local(local) => {
                self.hand_over(local, request, version).await?;
                Ok(())
            }
        }
    }

    async fn queue(
        &self,
        calls: &mpsc::Sender<Call>,
        request: &AnyRequest,
        version: i16,
        follow_up: impl FnOnce(i32) -> FollowUp,
    ) -> Result<(), ClientError> {
        let key = request.key();
        let permit = calls
            .reserve()
            .await
            .map_err(|_| self.disconnected("it is closed"))?;
        let correlation_id = self.next_correlation();
        let client_id = &self.inner.identity.client_id;
        let frame =
            encode_request(request, version, correlation_id, Some(client_id)).map_err(|error| {
                ClientError::Encode {
                    api: key.name(),
                    reason: error.to_string(),
                }
            })?;
        permit.send(Call {
            frame,
            follow_up: follow_up(correlation_id),
        });
        Ok(())
    }

    async fn hand_over(
        &self,
        local: &LocalConnection,
        request: AnyRequest,
        version: i16,
    ) -> Result<oneshot::Receiver<AnyResponse>, ClientError> {
        let (reply, answer) = oneshot::channel();
        let header = RequestHeader {
            api_key: request.key().to_wire(),
            api_version: version,
            correlation_id: self.next_correlation(),
            client_id: Some(self.inner.identity.client_id.clone()),
        };
        local
            .send(LocalRequest {
                header,
                request,
                reply,
            })
            .await
            .map_err(|error| self.disconnected(&error.to_string()))?;
        Ok(answer)
    }

    fn next_correlation(&self) -> i32 {
        self.inner.correlation.fetch_add(1, Ordering::Relaxed)
    }

    fn disconnected(&self, reason: &str) -> ClientError {
        let broker = self.inner.broker.clone();
        ClientError::Disconnected {
            broker,
            reason: reason.to_owned(),
        }
    }
}

const UNSUPPORTED_VERSION: i16 = fleuve_model::ErrorCode::UnsupportedVersion.code();

impl<R: Request> Answer<R> {
    /// Waits for the answer, at most `request.timeout.ms`.
    pub(crate) async fn receive(self) -> Result<R::Response, ClientError> {
        let limit = self.connection.inner.identity.request_timeout;
        self.receive_within(limit).await
    }

    /// Waits for the answer, at most `limit`. An answer that does not come would hold up all
    /// that follow it, so the connection is closed then.
    pub(crate) async fn receive_within(self, limit: Duration) -> Result<R::Response, ClientError> {
        let connection = self.connection;
        let answer = async {
            match self.reply {
                Reply::Tcp(reply) => reply.await.map(|decoded| {
                    decoded.map_err(|error| ClientError::Decode {
                        api: R::KEY.name(),
                        reason: error.to_string(),
                    })
                }),
                Reply::Local(reply) => reply.await.map(Ok),
            }
        };
        let any = match timeout(limit, answer).await {
            Ok(Ok(any)) => any?,
            Ok(Err(_)) => return Err(connection.disconnected("it was closed by the broker")),
            Err(_) => {
                connection.close();
                let what = format!("{} at {}", R::KEY, connection.broker());
                let setting = "request.timeout.ms";
                return Err(ClientError::TimedOut {
                    what,
                    limit,
                    setting,
                });
            }
        };
        R::Response::from_any(any).ok_or_else(|| {
            ClientError::Invalid(format!("the broker answered {} with another API", R::KEY))
        })
    }
}
