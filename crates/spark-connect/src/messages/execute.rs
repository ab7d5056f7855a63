//! `ExecutePlan` and `ReattachExecute`: a plan runs and its responses stream back.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct ExecutePlanRequest {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, optional, tag = "8")]
    pub client_observed_server_side_session_id: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub user_context: Option<UserContext>,
    #[prost(string, optional, tag = "6")]
    pub operation_id: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub plan: Option<Plan>,
    #[prost(string, optional, tag = "4")]
    pub client_type: Option<String>,
    #[prost(message, repeated, tag = "5")]
    pub request_options: Vec<execute_plan_request::RequestOption>,
    #[prost(string, repeated, tag = "7")]
    pub tags: Vec<String>,
}

pub mod execute_plan_request {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct RequestOption {
        #[prost(oneof = "request_option::RequestOption", tags = "1, 2, 999")]
        pub request_option: Option<request_option::RequestOption>,
    }

    pub mod request_option {
        use super::*;

        #[derive(Clone, PartialEq, prost::Oneof)]
        pub enum RequestOption {
            #[prost(message, tag = "1")]
            ReattachOptions(ReattachOptions),
            #[prost(message, tag = "2")]
            ResultChunkingOptions(ResultChunkingOptions),
            #[prost(message, tag = "999")]
            Extension(Any),
        }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ExecutePlanResponse {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, tag = "15")]
    pub server_side_session_id: String,
    #[prost(string, tag = "12")]
    pub operation_id: String,
    #[prost(string, tag = "13")]
    pub response_id: String,
    #[prost(
        oneof = "execute_plan_response::ResponseType",
        tags = "2, 5, 8, 9, 10, 11, 16, 14, 18, 19, 20"
    )]
    pub response_type: Option<execute_plan_response::ResponseType>,
    #[prost(message, optional, tag = "4")]
    pub metrics: Option<execute_plan_response::Metrics>,
    #[prost(message, repeated, tag = "6")]
    pub observed_metrics: Vec<execute_plan_response::ObservedMetrics>,
    #[prost(message, optional, tag = "7")]
    pub schema: Option<Nested<DataType>>,
}

pub mod execute_plan_response {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum ResponseType {
        #[prost(message, tag = "2")]
        ArrowBatch(execute_plan_response::ArrowBatch),
        #[prost(message, tag = "5")]
        SqlCommandResult(execute_plan_response::SqlCommandResult),
        #[prost(message, tag = "8")]
        WriteStreamOperationStartResult(WriteStreamOperationStartResult),
        #[prost(message, tag = "9")]
        StreamingQueryCommandResult(StreamingQueryCommandResult),
        #[prost(message, tag = "10")]
        GetResourcesCommandResult(GetResourcesCommandResult),
        #[prost(message, tag = "11")]
        StreamingQueryManagerCommandResult(StreamingQueryManagerCommandResult),
        #[prost(message, tag = "16")]
        StreamingQueryListenerEventsResult(StreamingQueryListenerEventsResult),
        #[prost(message, tag = "14")]
        ResultComplete(execute_plan_response::ResultComplete),
        #[prost(message, tag = "18")]
        ExecutionProgress(execute_plan_response::ExecutionProgress),
        #[prost(message, tag = "19")]
        CheckpointCommandResult(CheckpointCommandResult),
        #[prost(message, tag = "20")]
        MlCommandResult(MlCommandResult),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct SqlCommandResult {
        #[prost(message, optional, tag = "1")]
        pub relation: Option<Nested<Relation>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ArrowBatch {
        #[prost(int64, tag = "1")]
        pub row_count: i64,
        #[prost(bytes = "bytes", tag = "2")]
        pub data: Bytes,
        #[prost(int64, optional, tag = "3")]
        pub start_offset: Option<i64>,
        #[prost(int64, optional, tag = "4")]
        pub chunk_index: Option<i64>,
        #[prost(int64, optional, tag = "5")]
        pub num_chunks_in_batch: Option<i64>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Metrics {
        #[prost(message, repeated, tag = "1")]
        pub metrics: Vec<execute_plan_response::metrics::MetricObject>,
    }

    pub mod metrics {
        use super::*;

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct MetricObject {
            #[prost(string, tag = "1")]
            pub name: String,
            #[prost(int64, tag = "2")]
            pub plan_id: i64,
            #[prost(int64, tag = "3")]
            pub parent: i64,
            #[prost(btree_map = "string, message", tag = "4")]
            pub execution_metrics: BTreeMap<String, execute_plan_response::metrics::MetricValue>,
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct MetricValue {
            #[prost(string, tag = "1")]
            pub name: String,
            #[prost(int64, tag = "2")]
            pub value: i64,
            #[prost(string, tag = "3")]
            pub metric_type: String,
        }
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ObservedMetrics {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(message, repeated, tag = "2")]
        pub values: Vec<Nested<expression::Literal>>,
        #[prost(string, repeated, tag = "3")]
        pub keys: Vec<String>,
        #[prost(int64, tag = "4")]
        pub plan_id: i64,
        #[prost(int32, optional, tag = "5")]
        pub root_error_idx: Option<i32>,
        #[prost(message, repeated, tag = "6")]
        pub errors: Vec<fetch_error_details_response::Error>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ResultComplete {}

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ExecutionProgress {
        #[prost(message, repeated, tag = "1")]
        pub stages: Vec<execute_plan_response::execution_progress::StageInfo>,
        #[prost(int64, tag = "2")]
        pub num_inflight_tasks: i64,
    }

    pub mod execution_progress {
        use super::*;

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct StageInfo {
            #[prost(int64, tag = "1")]
            pub stage_id: i64,
            #[prost(int64, tag = "2")]
            pub num_tasks: i64,
            #[prost(int64, tag = "3")]
            pub num_completed_tasks: i64,
            #[prost(int64, tag = "4")]
            pub input_bytes_read: i64,
            #[prost(bool, tag = "5")]
            pub done: bool,
        }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ReattachOptions {
    #[prost(bool, tag = "1")]
    pub reattachable: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ResultChunkingOptions {
    #[prost(bool, tag = "1")]
    pub allow_arrow_batch_chunking: bool,
    #[prost(int64, optional, tag = "2")]
    pub preferred_arrow_chunk_size: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ReattachExecuteRequest {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, optional, tag = "6")]
    pub client_observed_server_side_session_id: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub user_context: Option<UserContext>,
    #[prost(string, tag = "3")]
    pub operation_id: String,
    #[prost(string, optional, tag = "4")]
    pub client_type: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub last_response_id: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ReleaseExecuteRequest {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, optional, tag = "7")]
    pub client_observed_server_side_session_id: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub user_context: Option<UserContext>,
    #[prost(string, tag = "3")]
    pub operation_id: String,
    #[prost(string, optional, tag = "4")]
    pub client_type: Option<String>,
    #[prost(oneof = "release_execute_request::Release", tags = "5, 6")]
    pub release: Option<release_execute_request::Release>,
}

pub mod release_execute_request {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Release {
        #[prost(message, tag = "5")]
        ReleaseAll(release_execute_request::ReleaseAll),
        #[prost(message, tag = "6")]
        ReleaseUntil(release_execute_request::ReleaseUntil),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ReleaseAll {}

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ReleaseUntil {
        #[prost(string, tag = "1")]
        pub response_id: String,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct ReleaseExecuteResponse {
    #[prost(string, tag = "1")]
    pub session_id: String,
    #[prost(string, tag = "3")]
    pub server_side_session_id: String,
    #[prost(string, optional, tag = "2")]
    pub operation_id: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CheckpointCommandResult {
    #[prost(message, optional, tag = "1")]
    pub relation: Option<CachedRemoteRelation>,
}
