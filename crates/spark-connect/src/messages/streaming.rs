//! Commands to streaming queries, and what they answer.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct WriteStreamOperationStart {
    #[prost(message, optional, tag = "1")]
    pub input: Option<Nested<Relation>>,
    #[prost(string, tag = "2")]
    pub format: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub options: BTreeMap<String, String>,
    #[prost(string, repeated, tag = "4")]
    pub partitioning_column_names: Vec<String>,
    #[prost(
        oneof = "write_stream_operation_start::Trigger",
        tags = "5, 6, 7, 8, 100"
    )]
    pub trigger: Option<write_stream_operation_start::Trigger>,
    #[prost(string, tag = "9")]
    pub output_mode: String,
    #[prost(string, tag = "10")]
    pub query_name: String,
    #[prost(
        oneof = "write_stream_operation_start::SinkDestination",
        tags = "11, 12"
    )]
    pub sink_destination: Option<write_stream_operation_start::SinkDestination>,
    #[prost(message, optional, tag = "13")]
    pub foreach_writer: Option<StreamingForeachFunction>,
    #[prost(message, optional, tag = "14")]
    pub foreach_batch: Option<StreamingForeachFunction>,
    #[prost(string, repeated, tag = "15")]
    pub clustering_column_names: Vec<String>,
}

pub mod write_stream_operation_start {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Trigger {
        #[prost(string, tag = "5")]
        ProcessingTimeInterval(String),
        #[prost(bool, tag = "6")]
        AvailableNow(bool),
        #[prost(bool, tag = "7")]
        Once(bool),
        #[prost(string, tag = "8")]
        ContinuousCheckpointInterval(String),
        #[prost(string, tag = "100")]
        RealTimeBatchDuration(String),
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum SinkDestination {
        #[prost(string, tag = "11")]
        Path(String),
        #[prost(string, tag = "12")]
        TableName(String),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamingForeachFunction {
    #[prost(oneof = "streaming_foreach_function::Function", tags = "1, 2")]
    pub function: Option<streaming_foreach_function::Function>,
}

pub mod streaming_foreach_function {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Function {
        #[prost(message, tag = "1")]
        PythonFunction(PythonUdf),
        #[prost(message, tag = "2")]
        ScalaFunction(ScalarScalaUdf),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WriteStreamOperationStartResult {
    #[prost(message, optional, tag = "1")]
    pub query_id: Option<StreamingQueryInstanceId>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(string, optional, tag = "3")]
    pub query_started_event_json: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamingQueryInstanceId {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub run_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamingQueryCommand {
    #[prost(message, optional, tag = "1")]
    pub query_id: Option<StreamingQueryInstanceId>,
    #[prost(
        oneof = "streaming_query_command::Command",
        tags = "2, 3, 4, 5, 6, 7, 8, 9"
    )]
    pub command: Option<streaming_query_command::Command>,
}

pub mod streaming_query_command {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Command {
        #[prost(bool, tag = "2")]
        Status(bool),
        #[prost(bool, tag = "3")]
        LastProgress(bool),
        #[prost(bool, tag = "4")]
        RecentProgress(bool),
        #[prost(bool, tag = "5")]
        Stop(bool),
        #[prost(bool, tag = "6")]
        ProcessAllAvailable(bool),
        #[prost(message, tag = "7")]
        Explain(streaming_query_command::ExplainCommand),
        #[prost(bool, tag = "8")]
        Exception(bool),
        #[prost(message, tag = "9")]
        AwaitTermination(streaming_query_command::AwaitTerminationCommand),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ExplainCommand {
        #[prost(bool, tag = "1")]
        pub extended: bool,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct AwaitTerminationCommand {
        #[prost(int64, optional, tag = "2")]
        pub timeout_ms: Option<i64>,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamingQueryCommandResult {
    #[prost(message, optional, tag = "1")]
    pub query_id: Option<StreamingQueryInstanceId>,
    #[prost(
        oneof = "streaming_query_command_result::ResultType",
        tags = "2, 3, 4, 5, 6"
    )]
    pub result_type: Option<streaming_query_command_result::ResultType>,
}

pub mod streaming_query_command_result {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum ResultType {
        #[prost(message, tag = "2")]
        Status(streaming_query_command_result::StatusResult),
        #[prost(message, tag = "3")]
        RecentProgress(streaming_query_command_result::RecentProgressResult),
        #[prost(message, tag = "4")]
        Explain(streaming_query_command_result::ExplainResult),
        #[prost(message, tag = "5")]
        Exception(streaming_query_command_result::ExceptionResult),
        #[prost(message, tag = "6")]
        AwaitTermination(streaming_query_command_result::AwaitTerminationResult),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct StatusResult {
        #[prost(string, tag = "1")]
        pub status_message: String,
        #[prost(bool, tag = "2")]
        pub is_data_available: bool,
        #[prost(bool, tag = "3")]
        pub is_trigger_active: bool,
        #[prost(bool, tag = "4")]
        pub is_active: bool,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct RecentProgressResult {
        #[prost(string, repeated, tag = "5")]
        pub recent_progress_json: Vec<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ExplainResult {
        #[prost(string, tag = "1")]
        pub result: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ExceptionResult {
        #[prost(string, optional, tag = "1")]
        pub exception_message: Option<String>,
        #[prost(string, optional, tag = "2")]
        pub error_class: Option<String>,
        #[prost(string, optional, tag = "3")]
        pub stack_trace: Option<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct AwaitTerminationResult {
        #[prost(bool, tag = "1")]
        pub terminated: bool,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamingQueryManagerCommand {
    #[prost(
        oneof = "streaming_query_manager_command::Command",
        tags = "1, 2, 3, 4, 5, 6, 7"
    )]
    pub command: Option<streaming_query_manager_command::Command>,
}

pub mod streaming_query_manager_command {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Command {
        #[prost(bool, tag = "1")]
        Active(bool),
        #[prost(string, tag = "2")]
        GetQuery(String),
        #[prost(message, tag = "3")]
        AwaitAnyTermination(streaming_query_manager_command::AwaitAnyTerminationCommand),
        #[prost(bool, tag = "4")]
        ResetTerminated(bool),
        #[prost(message, tag = "5")]
        AddListener(streaming_query_manager_command::StreamingQueryListenerCommand),
        #[prost(message, tag = "6")]
        RemoveListener(streaming_query_manager_command::StreamingQueryListenerCommand),
        #[prost(bool, tag = "7")]
        ListListeners(bool),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct AwaitAnyTerminationCommand {
        #[prost(int64, optional, tag = "1")]
        pub timeout_ms: Option<i64>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct StreamingQueryListenerCommand {
        #[prost(bytes = "bytes", tag = "1")]
        pub listener_payload: Bytes,
        #[prost(message, optional, tag = "2")]
        pub python_listener_payload: Option<PythonUdf>,
        #[prost(string, tag = "3")]
        pub id: String,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamingQueryManagerCommandResult {
    #[prost(
        oneof = "streaming_query_manager_command_result::ResultType",
        tags = "1, 2, 3, 4, 5, 6, 7"
    )]
    pub result_type: Option<streaming_query_manager_command_result::ResultType>,
}

pub mod streaming_query_manager_command_result {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum ResultType {
        #[prost(message, tag = "1")]
        Active(streaming_query_manager_command_result::ActiveResult),
        #[prost(message, tag = "2")]
        Query(streaming_query_manager_command_result::StreamingQueryInstance),
        #[prost(message, tag = "3")]
        AwaitAnyTermination(streaming_query_manager_command_result::AwaitAnyTerminationResult),
        #[prost(bool, tag = "4")]
        ResetTerminated(bool),
        #[prost(bool, tag = "5")]
        AddListener(bool),
        #[prost(bool, tag = "6")]
        RemoveListener(bool),
        #[prost(message, tag = "7")]
        ListListeners(streaming_query_manager_command_result::ListStreamingQueryListenerResult),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ActiveResult {
        #[prost(message, repeated, tag = "1")]
        pub active_queries: Vec<streaming_query_manager_command_result::StreamingQueryInstance>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct StreamingQueryInstance {
        #[prost(message, optional, tag = "1")]
        pub id: Option<StreamingQueryInstanceId>,
        #[prost(string, optional, tag = "2")]
        pub name: Option<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct AwaitAnyTerminationResult {
        #[prost(bool, tag = "1")]
        pub terminated: bool,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct StreamingQueryListenerInstance {
        #[prost(bytes = "bytes", tag = "1")]
        pub listener_payload: Bytes,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ListStreamingQueryListenerResult {
        #[prost(string, repeated, tag = "1")]
        pub listener_ids: Vec<String>,
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamingQueryListenerBusCommand {
    #[prost(oneof = "streaming_query_listener_bus_command::Command", tags = "1, 2")]
    pub command: Option<streaming_query_listener_bus_command::Command>,
}

pub mod streaming_query_listener_bus_command {
    use super::*;

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Command {
        #[prost(bool, tag = "1")]
        AddListenerBusListener(bool),
        #[prost(bool, tag = "2")]
        RemoveListenerBusListener(bool),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamingQueryListenerEvent {
    #[prost(string, tag = "1")]
    pub event_json: String,
    #[prost(enumeration = "StreamingQueryEventType", tag = "2")]
    pub event_type: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamingQueryListenerEventsResult {
    #[prost(message, repeated, tag = "1")]
    pub events: Vec<StreamingQueryListenerEvent>,
    #[prost(bool, optional, tag = "2")]
    pub listener_bus_listener_added: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum StreamingQueryEventType {
    ProgressUnspecified = 0,
    ProgressEvent = 1,
    TerminatedEvent = 2,
    IdleEvent = 3,
}
