//! Answers, and what is left of them when all that differs from run to run is taken away.

use fleuve_spark_connect::messages::execute_plan_response::ResponseType;
use fleuve_spark_connect::messages::*;

/// What a request was answered: messages, or the class of an error.
pub(crate) type Outcome = Result<Vec<Answer>, String>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// Rows that follow each other, in however many batches.
    Rows(i64),
    Execute(Box<ExecutePlanResponse>),
    Analyze(Box<AnalyzePlanResponse>),
    Config(ConfigResponse),
    Details(Box<FetchErrorDetailsResponse>),
    Released(ReleaseExecuteResponse),
    Closed(ReleaseSessionResponse),
}

impl Answer {
    /// The id and the run id of the query that the answer says was started.
    pub(crate) fn query_id(&self) -> Option<(String, String)> {
        let Answer::Execute(response) = self else {
            return None;
        };
        let Some(ResponseType::WriteStreamOperationStartResult(started)) = &response.response_type
        else {
            return None;
        };
        let id = started.query_id.clone()?;
        Some((id.id, id.run_id))
    }
}

/// True of the answer after which a listener's stream has nothing to say until something happens.
pub(crate) fn is_listening(response: &ExecutePlanResponse) -> bool {
    matches!(
        response.response_type,
        Some(ResponseType::StreamingQueryListenerEventsResult(_))
    )
}

/// True of answers after which a listener listens: how its stream goes on depends on what happens.
pub(crate) fn begins_listening(answers: &[Answer]) -> bool {
    matches!(answers.first(), Some(Answer::Execute(first)) if is_listening(first))
}

/// The id under which the details of an error can be asked for.
pub(crate) fn error_id(status: &tonic::Status) -> Option<String> {
    let details = String::from_utf8_lossy(status.details()).into_owned();
    let start = details.find("errorId")? + "errorId".len();
    let uuid_characters = |c: &char| c.is_ascii_hexdigit() || *c == '-';
    let after: String = details[start..]
        .chars()
        .skip_while(|c| !c.is_ascii_hexdigit())
        .take_while(uuid_characters)
        .collect();
    after.get(..36).map(str::to_owned)
}

/// An outcome without what differs from run to run.
pub(crate) fn without_ids(outcome: Outcome) -> Outcome {
    let mut plain: Vec<Answer> = Vec::new();
    for answer in outcome? {
        match (masked(answer), plain.last_mut()) {
            (None, _) => {}
            (Some(Answer::Rows(rows)), Some(Answer::Rows(before))) => *before += rows,
            (Some(answer), _) => plain.push(answer),
        }
    }
    Ok(plain)
}

fn masked(mut answer: Answer) -> Option<Answer> {
    match &mut answer {
        Answer::Rows(_) => {}
        Answer::Execute(response) => {
            response.server_side_session_id.clear();
            response.response_id.clear();
            if response.metrics.is_some() {
                return None;
            }
            match &mut response.response_type {
                Some(ResponseType::ArrowBatch(batch)) => {
                    // An empty batch says as much as none.
                    return (batch.row_count > 0).then_some(Answer::Rows(batch.row_count));
                }
                Some(ResponseType::ExecutionProgress(_)) => return None,
                Some(kind) => mask_streams(kind),
                None => {}
            }
            if is_listening(response) && !is_added(response) {
                return None;
            }
        }
        Answer::Analyze(response) => response.server_side_session_id.clear(),
        Answer::Config(response) => response.server_side_session_id.clear(),
        Answer::Details(response) => mask_details(response),
        Answer::Released(response) => {
            // Whether the operation still exists depends on how fast the client's threads were.
            response.server_side_session_id.clear();
            response.operation_id = None;
        }
        Answer::Closed(response) => response.server_side_session_id.clear(),
    }
    Some(answer)
}

fn is_added(response: &ExecutePlanResponse) -> bool {
    match &response.response_type {
        Some(ResponseType::StreamingQueryListenerEventsResult(events)) => {
            events.listener_bus_listener_added.unwrap_or(false)
        }
        _ => false,
    }
}

fn mask_id(id: &mut Option<StreamingQueryInstanceId>) {
    if let Some(id) = id {
        id.id = "id".to_owned();
        id.run_id = "run".to_owned();
    }
}

fn mask_streams(kind: &mut ResponseType) {
    match kind {
        ResponseType::WriteStreamOperationStartResult(started) => {
            mask_id(&mut started.query_id);
            started.query_started_event_json = started
                .query_started_event_json
                .as_ref()
                .map(|_| "event".to_owned());
        }
        ResponseType::StreamingQueryCommandResult(result) => {
            use streaming_query_command_result::ResultType;
            mask_id(&mut result.query_id);
            match &mut result.result_type {
                // What a running query is at is a matter of moments.
                Some(ResultType::Status(status)) if status.is_active => {
                    status.status_message = "active".to_owned();
                    status.is_trigger_active = false;
                    status.is_data_available = false;
                }
                Some(ResultType::RecentProgress(progress)) => {
                    progress.recent_progress_json.fill("progress".to_owned());
                }
                Some(ResultType::Explain(explain)) => explain.result = "plan".to_owned(),
                _ => {}
            }
        }
        ResponseType::StreamingQueryManagerCommandResult(result) => {
            use streaming_query_manager_command_result::ResultType;
            match &mut result.result_type {
                Some(ResultType::Active(active)) => {
                    for query in &mut active.active_queries {
                        mask_id(&mut query.id);
                    }
                }
                Some(ResultType::Query(query)) => mask_id(&mut query.id),
                _ => {}
            }
        }
        _ => {}
    }
}

/// The class names and the text: Spark's own plan and stack trace come after it, and were cut off.
fn mask_details(details: &mut FetchErrorDetailsResponse) {
    details.server_side_session_id.clear();
    details.session_id.clear();
    details.errors.truncate(1);
    for error in &mut details.errors {
        error.stack_trace.clear();
        error.cause_idx = None;
        error.spark_throwable = None;
        let text = error.message.split("SQLSTATE").next().unwrap_or_default();
        error.message = text.trim().to_owned();
    }
}
