//! gRPC: a request's path names the call, its body holds the message.
//!
//! Always true: with a token configured, no call is dispatched without it.
#![allow(clippy::result_large_err, reason = "calls end in tonic's `Status`")]

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures::FutureExt;
use hyper::body::Incoming;
use tonic::body::Body;
use tonic::server::{ClientStreamingService, Grpc, ServerStreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::messages::ExecutePlanResponse;
use crate::operation::ResponseStream;
use crate::service::Service;

const SERVICE: &str = "/spark.connect.SparkConnectService/";

/// Dispatches the requests of one connection.
#[derive(Clone)]
pub(crate) struct Transport {
    service: Service,
    /// The header that clients must send.
    authorization: Option<Arc<str>>,
}

impl Transport {
    pub(crate) fn new(service: Service) -> Self {
        let authorization = service
            .config
            .token
            .as_ref()
            .map(|token| format!("Bearer {token}").into());
        Self {
            service,
            authorization,
        }
    }

    fn refuse(&self, request: &http::Request<Incoming>) -> Option<Status> {
        let expected = self.authorization.as_deref()?;
        let given = request
            .headers()
            .get(http::header::AUTHORIZATION)
            .map_or(&b""[..], |value| value.as_bytes());
        match same(given, expected.as_bytes()) {
            true => None,
            false => Some(Status::unauthenticated("Invalid authentication token")),
        }
    }

    fn dispatch(self, request: http::Request<Incoming>) -> Answer {
        if let Some(status) = self.refuse(&request) {
            return Box::pin(async move { status.into_http() });
        }
        let service = self.service;
        let bytes_max = service.config.message_bytes_max;
        let method = request
            .uri()
            .path()
            .strip_prefix(SERVICE)
            .unwrap_or_default()
            .to_owned();
        macro_rules! call {
            ($shape:ident, $call:ident) => {{
                let call = Call(Arc::new(move |message| {
                    let service = service.clone();
                    Box::pin(async move { service.$call(message).await })
                }));
                Box::pin(async move { grpc(bytes_max).$shape(call, request).await })
            }};
        }
        match method.as_str() {
            "Config" => call!(unary, config),
            "AnalyzePlan" => call!(unary, analyze_plan),
            "ReleaseExecute" => call!(unary, release_execute),
            "Interrupt" => call!(unary, interrupt),
            "ArtifactStatus" => call!(unary, artifact_status),
            "FetchErrorDetails" => call!(unary, fetch_error_details),
            "ReleaseSession" => call!(unary, release_session),
            "CloneSession" => call!(unary, clone_session),
            "GetStatus" => call!(unary, get_status),
            "ExecutePlan" => call!(server_streaming, execute_plan),
            "ReattachExecute" => call!(server_streaming, reattach_execute),
            "AddArtifacts" => call!(client_streaming, add_artifacts),
            _ => {
                let status = Status::unimplemented(format!("no such call: {method}"));
                Box::pin(async move { status.into_http() })
            }
        }
    }
}

/// Compares without telling by its duration how much agreed.
fn same(given: &[u8], expected: &[u8]) -> bool {
    let difference = given
        .iter()
        .zip(expected)
        .fold(0, |all, (left, right)| all | (left ^ right));
    given.len() == expected.len() && difference == 0
}

fn grpc<In, Out>(bytes_max: usize) -> Grpc<ProstCodec<Out, In>>
where
    In: prost::Message + Default + Send + 'static,
    Out: prost::Message + Default + Send + 'static,
{
    Grpc::new(ProstCodec::default())
        .max_decoding_message_size(bytes_max)
        .max_encoding_message_size(usize::MAX)
}

impl hyper::service::Service<http::Request<Incoming>> for Transport {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        Box::pin(self.clone().dispatch(request).map(Ok))
    }
}

type Answer = Pin<Box<dyn Future<Output = http::Response<Body>> + Send>>;

/// A call as tonic wants it.
struct Call<In, Out>(Arc<dyn Fn(In) -> Pending<Out> + Send + Sync>);

type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Status>> + Send>>;

impl<In: 'static, Out: 'static> UnaryService<In> for Call<Request<In>, Response<Out>> {
    type Response = Out;
    type Future = Pending<Response<Out>>;

    fn call(&mut self, request: Request<In>) -> Self::Future {
        (self.0)(request)
    }
}

impl<In: 'static, Out: 'static> ClientStreamingService<In>
    for Call<Request<Streaming<In>>, Response<Out>>
{
    type Response = Out;
    type Future = Pending<Response<Out>>;

    fn call(&mut self, request: Request<Streaming<In>>) -> Self::Future {
        (self.0)(request)
    }
}

impl<In: 'static> ServerStreamingService<In> for Call<Request<In>, Response<ResponseStream>> {
    type Response = ExecutePlanResponse;
    type ResponseStream = ResponseStream;
    type Future = Pending<Response<ResponseStream>>;

    fn call(&mut self, request: Request<In>) -> Self::Future {
        (self.0)(request)
    }
}
