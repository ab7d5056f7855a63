//! `ExecutePlan` and `ReattachExecute`.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use fleuve_sql::ir;
use futures::StreamExt;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Service, guarded, key, plan, report};
use crate::config::{ConnectConfig, RESULT_BYTES};
use crate::decode::Decoder;
use crate::encode::{self, BatchLimits, arrow_batches};
use crate::engine::{ObservedMetrics, OperatorMetrics, QueryResult, QuerySummary};
use crate::failure::Failure;
use crate::messages::execute_plan_request::{RequestOption, request_option};
use crate::messages::execute_plan_response::{self, ResponseType, metrics};
use crate::messages::plan::OpType;
use crate::messages::{
    ExecutePlanRequest, ExecutePlanResponse, Nested, Plan, ReattachExecuteRequest,
};
use crate::operation::{Operation, ResponseStream, StreamLimits, response_stream};
use crate::session::Session;
use crate::session::registry::check_id;
use crate::status::to_status;

const ROWS_MAX_KEY: &str = "spark.sql.execution.arrow.maxRecordsPerBatch";
const ROWS_MAX_DEFAULT: usize = 10_000;
/// Below this no client's wish for small chunks is followed.
const CHUNK_BYTES_MIN: usize = 1024;

impl Service {
    pub(crate) async fn execute_plan(
        &self,
        request: Request<ExecutePlanRequest>,
    ) -> Result<Response<ResponseStream>, Status> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id.as_deref();
        let session = self.session(request.user_context, request.session_id, observed)?;
        let wishes = Wishes::of(request.request_options);
        let begun = operation_id(request.operation_id)
            .and_then(|id| session.begin(id, request.tags, wishes.reattachable));
        let operation = begun.map_err(|failure| report(&session, &failure))?;
        let execution = Execution {
            session: session.clone(),
            operation: operation.clone(),
            config: self.config.clone(),
            chunk_bytes_max: wishes.chunk_bytes_max(&self.config),
        };
        self.engine.spawn(execution.run(request.plan));
        Ok(Response::new(self.stream(session, operation, 1)))
    }

    pub(crate) async fn reattach_execute(
        &self,
        request: Request<ReattachExecuteRequest>,
    ) -> Result<Response<ResponseStream>, Status> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id.as_deref();
        let key = key(request.user_context, request.session_id);
        let session = self
            .registry
            .existing(&key, observed)
            .map_err(|failure| to_status(&failure, None))?;
        let found = session
            .operation(&request.operation_id)
            .and_then(|operation| {
                let next = next_response(&operation, request.last_response_id.as_deref())?;
                Ok((operation, next))
            });
        let (operation, next) = found.map_err(|failure| report(&session, &failure))?;
        Ok(Response::new(self.stream(session, operation, next)))
    }

    fn stream(
        &self,
        session: Arc<Session>,
        operation: Arc<Operation>,
        first: u64,
    ) -> ResponseStream {
        let limits = StreamLimits {
            duration_max: self.config.stream_duration_max,
            bytes_max: self.config.stream_bytes_max,
        };
        let reattachable = operation.reattachable;
        let id = operation.id.clone();
        let owner = session.clone();
        let stream = response_stream(operation, first, limits, move |failure| {
            report(&session, failure)
        });
        match reattachable {
            true => stream,
            // Nobody will release what cannot be reattached.
            false => stream.at_end(move || drop(owner.release(&id, false))),
        }
    }
}

fn operation_id(given: Option<String>) -> Result<String, Failure> {
    match given {
        Some(id) => check_id(&id).map(|()| id),
        None => Ok(Uuid::new_v4().to_string()),
    }
}

fn next_response(operation: &Operation, last: Option<&str>) -> Result<u64, Failure> {
    if !operation.reattachable {
        return Err(Failure::of("INVALID_CURSOR.NOT_REATTACHABLE", &[]));
    }
    match last.filter(|last| !last.is_empty()) {
        None => Ok(1),
        Some(last) => match operation.responses.number_of(last) {
            Some(number) => Ok(number + 1),
            None => Err(Failure::of(
                "INVALID_CURSOR.POSITION_NOT_FOUND",
                &[("responseId", last)],
            )),
        },
    }
}

/// What a client asks of an execution besides its plan.
#[derive(Default)]
struct Wishes {
    reattachable: bool,
    chunks: bool,
    chunk_bytes: Option<i64>,
}

impl Wishes {
    fn of(options: Vec<RequestOption>) -> Self {
        let mut wishes = Self::default();
        for option in options
            .into_iter()
            .filter_map(|option| option.request_option)
        {
            match option {
                request_option::RequestOption::ReattachOptions(reattach) => {
                    wishes.reattachable = reattach.reattachable;
                }
                request_option::RequestOption::ResultChunkingOptions(chunking) => {
                    wishes.chunks = chunking.allow_arrow_batch_chunking;
                    wishes.chunk_bytes = chunking.preferred_arrow_chunk_size;
                }
                request_option::RequestOption::Extension(_) => {}
            }
        }
        wishes
    }

    fn chunk_bytes_max(&self, config: &ConnectConfig) -> Option<usize> {
        let wish = self
            .chunk_bytes
            .and_then(|bytes| usize::try_from(bytes).ok())
            .unwrap_or(config.chunk_bytes_max);
        self.chunks
            .then(|| wish.max(CHUNK_BYTES_MIN).min(config.chunk_bytes_max))
    }
}

/// An operation at work.
pub(super) struct Execution {
    pub(super) session: Arc<Session>,
    pub(super) operation: Arc<Operation>,
    config: Arc<ConnectConfig>,
    chunk_bytes_max: Option<usize>,
}

impl Execution {
    /// Runs the plan to its end, or until it is canceled.
    async fn run(self, plan: Option<Plan>) {
        let outcome = tokio::select! {
            biased;
            () = self.operation.cancellation.cancelled() => Err(Failure::canceled()),
            outcome = guarded(self.perform(plan)) => outcome,
        };
        if outcome.is_ok() && self.operation.reattachable {
            self.respond(ResponseType::ResultComplete(
                execute_plan_response::ResultComplete {},
            ))
            .await;
        }
        self.operation.finish(outcome);
        self.session.touch();
    }

    async fn perform(&self, message: Option<Plan>) -> Result<(), Failure> {
        match plan::operation(message, self.config.message_bytes_max)? {
            OpType::Root(relation) => {
                let relation = self.decode(|decoder| decoder.relation(relation.into_inner()))?;
                self.query(relation).await
            }
            OpType::Command(command) => self.command(command).await,
            OpType::CompressedOperation(_) => {
                Err(Failure::not_set("spark.connect.Plan", "op_type"))
            }
        }
    }

    /// What `decode` makes of a message of this session.
    pub(super) fn decode<T>(
        &self,
        decode: impl FnOnce(&Decoder<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        decode(&Decoder::new(self.session.as_ref()))
    }

    async fn query(&self, relation: ir::Relation) -> Result<(), Failure> {
        let result = self
            .session
            .engine
            .execute(relation, self.operation.cancellation.clone())
            .await?;
        let QueryResult {
            schema,
            mut batches,
            summary,
            arrow_schema,
        } = result;
        let mut response = self.response();
        response.schema = Some(Nested::new(encode::struct_type(&schema)));
        self.push(response).await;
        let mut sent = Sent::default();
        while let Some(batch) = batches.next().await {
            self.send_batch(&batch?, &mut sent).await?;
        }
        if sent.messages == 0 {
            self.send_batch(&RecordBatch::new_empty(arrow_schema), &mut sent)
                .await?;
        }
        drop(batches);
        self.send_summary(summary()).await;
        Ok(())
    }

    /// Sends one batch of rows, empty ones only if they are the only ones.
    async fn send_batch(&self, batch: &RecordBatch, sent: &mut Sent) -> Result<(), Failure> {
        let alone = sent.messages == 0 && batch.num_rows() == 0;
        if batch.num_rows() == 0 && !alone {
            return Ok(());
        }
        let limits = BatchLimits {
            batch_bytes_max: self.config.batch_bytes_max,
            rows_max: self.rows_max(),
            chunk_bytes_max: self.chunk_bytes_max,
        };
        let encoded = arrow_batches(batch, sent.rows, limits)
            .map_err(|error| Failure::internal(&error.to_string()))?;
        for message in encoded {
            sent.bytes += message.data.len() as u64;
            sent.messages += 1;
            self.check_result_size(sent.bytes)?;
            self.respond(ResponseType::ArrowBatch(message)).await;
        }
        sent.rows += batch.num_rows() as i64;
        Ok(())
    }

    fn rows_max(&self) -> usize {
        let configured = self
            .session
            .engine
            .get_option(ROWS_MAX_KEY)
            .and_then(|value| value.parse::<i64>().ok());
        match configured {
            Some(rows) if rows > 0 => rows as usize,
            Some(_) => usize::MAX,
            None => ROWS_MAX_DEFAULT,
        }
    }

    fn check_result_size(&self, bytes: u64) -> Result<(), Failure> {
        let limit = self.config.result_bytes_max;
        if limit == 0 || bytes <= limit {
            return Ok(());
        }
        Err(Failure::of(
            "FLEUVE_LIMIT.RESULT_SIZE",
            &[("limit", &limit.to_string()), ("key", RESULT_BYTES)],
        ))
    }

    async fn send_summary(&self, summary: QuerySummary) {
        if !summary.metrics.is_empty() {
            let mut response = self.response();
            response.metrics = Some(metrics_message(summary.metrics));
            self.push(response).await;
        }
        if !summary.observed.is_empty() {
            let mut response = self.response();
            response.observed_metrics =
                summary.observed.into_iter().map(observed_message).collect();
            self.push(response).await;
        }
    }

    pub(super) async fn respond(&self, response_type: ResponseType) {
        let mut response = self.response();
        response.response_type = Some(response_type);
        self.push(response).await;
    }

    async fn push(&self, response: ExecutePlanResponse) {
        self.operation.responses.push(response).await;
    }

    fn response(&self) -> ExecutePlanResponse {
        ExecutePlanResponse {
            session_id: self.session.key.session_id.clone(),
            server_side_session_id: self.session.server_side_id.clone(),
            operation_id: self.operation.id.clone(),
            response_id: Uuid::new_v4().to_string(),
            ..ExecutePlanResponse::default()
        }
    }
}

/// How much of a result has been sent.
#[derive(Default)]
struct Sent {
    rows: i64,
    bytes: u64,
    messages: u64,
}

fn metrics_message(operators: Vec<OperatorMetrics>) -> execute_plan_response::Metrics {
    let value = |(key, name, value, kind): (String, String, i64, &'static str)| {
        (
            key,
            metrics::MetricValue {
                name,
                value,
                metric_type: kind.to_owned(),
            },
        )
    };
    let operator = |operator: OperatorMetrics| metrics::MetricObject {
        name: operator.name,
        plan_id: operator.id,
        parent: operator.parent,
        execution_metrics: operator.values.into_iter().map(value).collect(),
    };
    execute_plan_response::Metrics {
        metrics: operators.into_iter().map(operator).collect(),
    }
}

fn observed_message(observed: ObservedMetrics) -> execute_plan_response::ObservedMetrics {
    execute_plan_response::ObservedMetrics {
        name: observed.name,
        keys: observed.keys,
        values: observed
            .values
            .iter()
            .map(|value| Nested::new(encode::literal(value)))
            .collect(),
        plan_id: observed.plan_id,
        root_error_idx: None,
        errors: Vec::new(),
    }
}

/// Batches as one Arrow IPC stream: what a local relation holds.
pub(super) fn local_relation_data(
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<Vec<u8>, Failure> {
    let failed = |error: arrow::error::ArrowError| Failure::internal(&error.to_string());
    let mut writer =
        arrow::ipc::writer::StreamWriter::try_new(Vec::new(), schema).map_err(failed)?;
    for batch in batches {
        writer.write(batch).map_err(failed)?;
    }
    writer.into_inner().map_err(failed)
}
