//! Enough of a Spark Connect client to ask anything.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use fleuve_spark_connect::messages::execute_plan_request::{RequestOption, request_option};
use fleuve_spark_connect::messages::execute_plan_response::ResponseType;
use fleuve_spark_connect::messages::plan::OpType;
use fleuve_spark_connect::messages::relation::RelType;
use fleuve_spark_connect::messages::{self, *};
use futures::StreamExt;
use http::uri::PathAndQuery;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tonic::body::Body;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use uuid::Uuid;

/// One connection to a server.
#[derive(Clone)]
pub(crate) struct Client {
    connection: SendRequest<Body>,
    pub token: Option<String>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = tokio::net::TcpStream::connect(address)
            .await
            .expect("the server listens");
        let (connection, driver) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .expect("the server speaks HTTP/2");
        tokio::spawn(driver);
        Self {
            connection,
            token: None,
        }
    }

    fn grpc(&self) -> tonic::client::Grpc<Self> {
        tonic::client::Grpc::new(self.clone()).max_decoding_message_size(usize::MAX)
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}").parse().expect("an ASCII token");
            request.metadata_mut().insert("authorization", value);
        }
        request
    }

    pub(crate) async fn call<In, Out>(&self, call: &str, message: In) -> Result<Out, Status>
    where
        In: Message + Default + 'static,
        Out: Message + Default + 'static,
    {
        let mut grpc = self.grpc();
        grpc.ready().await.expect("always ready");
        let codec = ProstCodec::<In, Out>::default();
        grpc.unary(self.request(message), path(call), codec)
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn stream<In>(
        &self,
        call: &str,
        message: In,
    ) -> Result<Streaming<ExecutePlanResponse>, Status>
    where
        In: Message + Default + 'static,
    {
        let mut grpc = self.grpc();
        grpc.ready().await.expect("always ready");
        let codec = ProstCodec::<In, ExecutePlanResponse>::default();
        grpc.server_streaming(self.request(message), path(call), codec)
            .await
            .map(Response::into_inner)
    }

    pub(crate) async fn add_artifacts(
        &self,
        messages: Vec<AddArtifactsRequest>,
    ) -> Result<AddArtifactsResponse, Status> {
        let mut grpc = self.grpc();
        grpc.ready().await.expect("always ready");
        let codec = ProstCodec::default();
        let request = Request::new(futures::stream::iter(messages));
        grpc.client_streaming(request, path("AddArtifacts"), codec)
            .await
            .map(Response::into_inner)
    }

    pub(crate) fn session(&self) -> TestSession {
        TestSession {
            client: self.clone(),
            user_id: "somebody".to_owned(),
            session_id: Uuid::new_v4().to_string(),
        }
    }
}

fn path(call: &str) -> PathAndQuery {
    format!("/spark.connect.SparkConnectService/{call}")
        .parse()
        .expect("a path")
}

impl tower_service::Service<http::Request<Body>> for Client {
    type Response = http::Response<hyper::body::Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        *request.uri_mut() = format!("http://localhost{path}").parse().expect("a URI");
        let mut connection = self.connection.clone();
        Box::pin(async move { connection.send_request(request).await })
    }
}

/// One session of a client.
#[derive(Clone)]
pub(crate) struct TestSession {
    pub client: Client,
    pub user_id: String,
    pub session_id: String,
}

impl TestSession {
    pub(crate) fn user(&self) -> Option<UserContext> {
        Some(UserContext {
            user_id: self.user_id.clone(),
            ..UserContext::default()
        })
    }

    pub(crate) async fn config(
        &self,
        op_type: config_request::operation::OpType,
    ) -> Result<ConfigResponse, Status> {
        let request = ConfigRequest {
            session_id: self.session_id.clone(),
            user_context: self.user(),
            operation: Some(config_request::Operation {
                op_type: Some(op_type),
            }),
            ..ConfigRequest::default()
        };
        self.client.call("Config", request).await
    }

    /// Asks for something harmless, so that the session exists.
    pub(crate) async fn open(&self) -> Result<String, Status> {
        let get_all =
            config_request::operation::OpType::GetAll(config_request::GetAll { prefix: None });
        self.config(get_all)
            .await
            .map(|response| response.server_side_session_id)
    }

    pub(crate) fn execute_request(
        &self,
        relation: messages::Relation,
        operation_id: &str,
    ) -> ExecutePlanRequest {
        let plan = Plan {
            op_type: Some(OpType::Root(relation.into())),
        };
        ExecutePlanRequest {
            session_id: self.session_id.clone(),
            user_context: self.user(),
            operation_id: Some(operation_id.to_owned()),
            plan: Some(plan),
            request_options: vec![reattachable(true), chunked()],
            ..ExecutePlanRequest::default()
        }
    }

    pub(crate) async fn execute(
        &self,
        relation: messages::Relation,
        operation_id: &str,
    ) -> Result<Streaming<ExecutePlanResponse>, Status> {
        self.client
            .stream("ExecutePlan", self.execute_request(relation, operation_id))
            .await
    }

    pub(crate) async fn reattach(
        &self,
        operation_id: &str,
        last_response_id: Option<&str>,
    ) -> Result<Streaming<ExecutePlanResponse>, Status> {
        let request = ReattachExecuteRequest {
            session_id: self.session_id.clone(),
            user_context: self.user(),
            operation_id: operation_id.to_owned(),
            last_response_id: last_response_id.map(str::to_owned),
            ..ReattachExecuteRequest::default()
        };
        self.client.stream("ReattachExecute", request).await
    }

    pub(crate) async fn release_until(
        &self,
        operation_id: &str,
        response_id: &str,
    ) -> ReleaseExecuteResponse {
        let until = release_execute_request::ReleaseUntil {
            response_id: response_id.to_owned(),
        };
        self.release(
            operation_id,
            release_execute_request::Release::ReleaseUntil(until),
        )
        .await
    }

    pub(crate) async fn release_all(&self, operation_id: &str) -> ReleaseExecuteResponse {
        let all = release_execute_request::ReleaseAll {};
        self.release(
            operation_id,
            release_execute_request::Release::ReleaseAll(all),
        )
        .await
    }

    async fn release(
        &self,
        operation_id: &str,
        release: release_execute_request::Release,
    ) -> ReleaseExecuteResponse {
        let request = ReleaseExecuteRequest {
            session_id: self.session_id.clone(),
            user_context: self.user(),
            operation_id: operation_id.to_owned(),
            release: Some(release),
            ..ReleaseExecuteRequest::default()
        };
        self.client
            .call("ReleaseExecute", request)
            .await
            .expect("a release is answered")
    }

    pub(crate) async fn interrupt(
        &self,
        interrupt_type: interrupt_request::InterruptType,
    ) -> Vec<String> {
        let request = InterruptRequest {
            session_id: self.session_id.clone(),
            user_context: self.user(),
            interrupt_type: interrupt_type as i32,
            ..InterruptRequest::default()
        };
        let response: InterruptResponse = self
            .client
            .call("Interrupt", request)
            .await
            .expect("an answer");
        response.interrupted_ids
    }

    pub(crate) async fn close(&self) -> Result<ReleaseSessionResponse, Status> {
        let request = ReleaseSessionRequest {
            session_id: self.session_id.clone(),
            user_context: self.user(),
            ..ReleaseSessionRequest::default()
        };
        self.client.call("ReleaseSession", request).await
    }
}

pub(crate) fn reattachable(reattachable: bool) -> RequestOption {
    let options = ReattachOptions { reattachable };
    RequestOption {
        request_option: Some(request_option::RequestOption::ReattachOptions(options)),
    }
}

pub(crate) fn chunked() -> RequestOption {
    let options = ResultChunkingOptions {
        allow_arrow_batch_chunking: true,
        preferred_arrow_chunk_size: None,
    };
    RequestOption {
        request_option: Some(request_option::RequestOption::ResultChunkingOptions(
            options,
        )),
    }
}

/// `spark.range(start, end)`.
pub(crate) fn range(start: i64, end: i64) -> messages::Relation {
    let range = messages::Range {
        start: Some(start),
        end,
        step: 1,
        num_partitions: None,
    };
    messages::Relation {
        common: None,
        rel_type: Some(RelType::Range(range)),
    }
}

/// What a client made of a stream: rows by offset, and how it ended.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Received {
    /// Start and count of each batch of rows.
    pub rows: Vec<(i64, i64)>,
    pub response_ids: Vec<String>,
    pub complete: bool,
    pub error: Option<String>,
}

impl Received {
    /// Reads at most `limit` responses.
    pub(crate) async fn read(stream: &mut Streaming<ExecutePlanResponse>, limit: usize) -> Self {
        let mut received = Self::default();
        while received.response_ids.len() < limit {
            match stream.next().await {
                None => break,
                Some(Ok(response)) => received.note(response),
                Some(Err(status)) => {
                    received.error = Some(status.message().to_owned());
                    break;
                }
            }
        }
        received
    }

    pub(crate) async fn all(mut stream: Streaming<ExecutePlanResponse>) -> Self {
        Self::read(&mut stream, usize::MAX).await
    }

    fn note(&mut self, response: ExecutePlanResponse) {
        self.response_ids.push(response.response_id);
        match response.response_type {
            Some(ResponseType::ArrowBatch(batch)) if batch.chunk_index.unwrap_or(0) == 0 => {
                self.rows
                    .push((batch.start_offset.unwrap_or(-1), batch.row_count));
            }
            Some(ResponseType::ResultComplete(_)) => self.complete = true,
            _ => {}
        }
    }

    pub(crate) fn row_count(&self) -> i64 {
        self.rows.iter().map(|(_, count)| count).sum()
    }
}

/// The class of the error in a status' message.
pub(crate) fn error_class(status: &Status) -> &str {
    let message = status.message();
    message
        .strip_prefix('[')
        .and_then(|rest| rest.split(']').next())
        .unwrap_or(message)
}
