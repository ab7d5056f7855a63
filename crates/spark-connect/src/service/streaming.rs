//! Commands to streaming queries: start, ask, stop, listen.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use super::execute::Execution;
use crate::failure::Failure;
use crate::messages::execute_plan_response::ResponseType;
use crate::messages::streaming_query_command::Command as QueryCommand;
use crate::messages::streaming_query_command_result::{
    self as query_result, ResultType as QueryAnswer,
};
use crate::messages::streaming_query_listener_bus_command::Command as BusCommand;
use crate::messages::streaming_query_manager_command::Command as ManagerCommand;
use crate::messages::streaming_query_manager_command_result::{
    self as manager_result, ResultType as ManagerAnswer,
};
use crate::messages::{
    self, StreamingQueryCommandResult, StreamingQueryEventType, StreamingQueryInstanceId,
    StreamingQueryListenerEvent, StreamingQueryListenerEventsResult,
    StreamingQueryManagerCommandResult, WriteStreamOperationStartResult,
};
use crate::operation::lock;
use crate::streams::{ListenerEvent, ListenerEventKind, StreamingQuery};

impl Execution {
    pub(super) async fn start_stream(
        &self,
        write: messages::WriteStreamOperationStart,
    ) -> Result<(), Failure> {
        let write = self.decode(|decoder| decoder.write_stream(write))?;
        let started = self.session.engine.start_stream(write).await?;
        let listened_to = lock(&self.session.listener).is_some();
        let result = WriteStreamOperationStartResult {
            query_id: Some(StreamingQueryInstanceId {
                id: started.id,
                run_id: started.run_id,
            }),
            name: started.name.unwrap_or_default(),
            query_started_event_json: listened_to.then_some(started.started_event_json),
        };
        self.respond(ResponseType::WriteStreamOperationStartResult(result))
            .await;
        Ok(())
    }

    pub(super) async fn streaming_query(
        &self,
        command: messages::StreamingQueryCommand,
    ) -> Result<(), Failure> {
        let id = command.query_id.ok_or_else(|| {
            Failure::empty_field("spark.connect.StreamingQueryCommand", "query_id")
        })?;
        let query = self.query_by_id(&id)?;
        let not_set = || Failure::not_set("spark.connect.StreamingQueryCommand", "command");
        let result_type = ask(query.as_ref(), command.command.ok_or_else(not_set)?).await?;
        let result = StreamingQueryCommandResult {
            query_id: Some(id),
            result_type,
        };
        self.respond(ResponseType::StreamingQueryCommandResult(result))
            .await;
        Ok(())
    }

    fn query_by_id(
        &self,
        id: &StreamingQueryInstanceId,
    ) -> Result<Arc<dyn StreamingQuery>, Failure> {
        let streams = self.session.engine.streams();
        // A run that another has taken the place of can still be asked about.
        if let Some(query) = streams.run(&id.id, &id.run_id) {
            return Ok(query);
        }
        let query = streams.get(&id.id).ok_or_else(|| {
            Failure::of(
                "CONNECT_INVALID_PLAN.STREAMING_QUERY_NOT_FOUND",
                &[("id", &id.id)],
            )
        })?;
        Err(Failure::of(
            "CONNECT_INVALID_PLAN.STREAMING_QUERY_RUN_ID_MISMATCH",
            &[
                ("id", &id.id),
                ("runId", &id.run_id),
                ("serverRunId", query.run_id()),
            ],
        ))
    }

    pub(super) async fn streaming_manager(
        &self,
        command: messages::StreamingQueryManagerCommand,
    ) -> Result<(), Failure> {
        let streams = self.session.engine.streams();
        let not_set = || Failure::not_set("spark.connect.StreamingQueryManagerCommand", "command");
        let result_type = match command.command.ok_or_else(not_set)? {
            ManagerCommand::Active(_) => {
                let active_queries = streams
                    .active()
                    .iter()
                    .map(|query| instance(query.as_ref()))
                    .collect();
                Some(ManagerAnswer::Active(manager_result::ActiveResult {
                    active_queries,
                }))
            }
            ManagerCommand::GetQuery(id) => {
                let query = streams.active().into_iter().find(|query| query.id() == id);
                query.map(|query| ManagerAnswer::Query(instance(query.as_ref())))
            }
            ManagerCommand::AwaitAnyTermination(wait) => {
                let terminated = streams
                    .await_any_termination(timeout(wait.timeout_ms))
                    .await?;
                let result = manager_result::AwaitAnyTerminationResult { terminated };
                Some(ManagerAnswer::AwaitAnyTermination(result))
            }
            ManagerCommand::ResetTerminated(_) => {
                streams.reset_terminated();
                Some(ManagerAnswer::ResetTerminated(true))
            }
            ManagerCommand::ListListeners(_) => {
                let none = manager_result::ListStreamingQueryListenerResult::default();
                Some(ManagerAnswer::ListListeners(none))
            }
            ManagerCommand::AddListener(_) => {
                return Err(Failure::unsupported("a listener that runs on the server"));
            }
            ManagerCommand::RemoveListener(_) => {
                return Err(Failure::unsupported("a listener that runs on the server"));
            }
        };
        let result = StreamingQueryManagerCommandResult { result_type };
        self.respond(ResponseType::StreamingQueryManagerCommandResult(result))
            .await;
        Ok(())
    }

    /// One operation of a session carries events to its client, until the client removes it or the session ends.
    pub(super) async fn listener_bus(
        &self,
        command: messages::StreamingQueryListenerBusCommand,
    ) -> Result<(), Failure> {
        let not_set =
            || Failure::not_set("spark.connect.StreamingQueryListenerBusCommand", "command");
        match command.command.ok_or_else(not_set)? {
            BusCommand::AddListenerBusListener(_) => self.listen().await,
            BusCommand::RemoveListenerBusListener(_) => {
                if let Some(carrier) = lock(&self.session.listener).take() {
                    carrier.stop_listening.cancel();
                }
                Ok(())
            }
        }
    }

    async fn listen(&self) -> Result<(), Failure> {
        let mut events = self.session.engine.streams().subscribe();
        let before = lock(&self.session.listener).replace(self.operation.clone());
        if let Some(before) = before {
            before.stop_listening.cancel();
        }
        let added = StreamingQueryListenerEventsResult {
            events: Vec::new(),
            listener_bus_listener_added: Some(true),
        };
        self.respond(ResponseType::StreamingQueryListenerEventsResult(added))
            .await;
        loop {
            let event = tokio::select! {
                biased;
                event = events.recv() => event,
                () = self.operation.stop_listening.cancelled() => return Ok(()),
            };
            match event {
                Ok(event) => self.send_event(event).await,
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(
                        missed,
                        "a listener was too slow for the events of its queries"
                    );
                }
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }

    async fn send_event(&self, event: ListenerEvent) {
        let kind = match event.kind {
            ListenerEventKind::Progress => StreamingQueryEventType::ProgressEvent,
            ListenerEventKind::Idle => StreamingQueryEventType::IdleEvent,
            ListenerEventKind::Terminated => StreamingQueryEventType::TerminatedEvent,
        };
        let event = StreamingQueryListenerEvent {
            event_json: event.json,
            event_type: kind as i32,
        };
        let result = StreamingQueryListenerEventsResult {
            events: vec![event],
            listener_bus_listener_added: None,
        };
        self.respond(ResponseType::StreamingQueryListenerEventsResult(result))
            .await;
    }
}

async fn ask(
    query: &dyn StreamingQuery,
    command: QueryCommand,
) -> Result<Option<QueryAnswer>, Failure> {
    Ok(match command {
        QueryCommand::Status(_) => {
            let status = query.status();
            Some(QueryAnswer::Status(query_result::StatusResult {
                status_message: status.message,
                is_data_available: status.is_data_available,
                is_trigger_active: status.is_trigger_active,
                is_active: status.is_active,
            }))
        }
        QueryCommand::LastProgress(_) => Some(progress(
            query.recent_progress().pop().into_iter().collect(),
        )),
        QueryCommand::RecentProgress(_) => Some(progress(query.recent_progress())),
        QueryCommand::Stop(_) => {
            query.stop().await?;
            None
        }
        QueryCommand::ProcessAllAvailable(_) => {
            query.process_all_available().await?;
            None
        }
        QueryCommand::Explain(explain) => {
            let result = query.explain(explain.extended);
            Some(QueryAnswer::Explain(query_result::ExplainResult { result }))
        }
        QueryCommand::Exception(_) => query.exception().map(|error| {
            QueryAnswer::Exception(query_result::ExceptionResult {
                exception_message: Some(error.message()),
                error_class: Some(error.class().to_owned()),
                stack_trace: None,
            })
        }),
        QueryCommand::AwaitTermination(wait) => {
            let terminated = query.await_termination(timeout(wait.timeout_ms)).await?;
            Some(QueryAnswer::AwaitTermination(
                query_result::AwaitTerminationResult { terminated },
            ))
        }
    })
}

fn progress(recent_progress_json: Vec<String>) -> QueryAnswer {
    QueryAnswer::RecentProgress(query_result::RecentProgressResult {
        recent_progress_json,
    })
}

fn instance(query: &dyn StreamingQuery) -> manager_result::StreamingQueryInstance {
    manager_result::StreamingQueryInstance {
        id: Some(StreamingQueryInstanceId {
            id: query.id().to_owned(),
            run_id: query.run_id().to_owned(),
        }),
        name: query.name().map(str::to_owned),
    }
}

fn timeout(milliseconds: Option<i64>) -> Option<Duration> {
    milliseconds.map(|milliseconds| Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)))
}
