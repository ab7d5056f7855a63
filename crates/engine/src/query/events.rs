//! What happens to queries, for whoever listens: progress reports, listeners, metrics.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::progress::StreamingQueryProgress;

/// What an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEventKind {
    Started,
    Progress,
    Idle,
    Terminated,
}

/// One event of one query.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamEvent {
    pub kind: StreamEventKind,
    /// The session whose query it is.
    pub session: String,
    /// As Spark's listeners get it.
    pub json: String,
}

impl StreamEvent {
    fn new(kind: StreamEventKind, session: &str, json: Value) -> Self {
        Self {
            kind,
            session: session.to_owned(),
            json: json.to_string(),
        }
    }

    pub(super) fn started(
        session: &str,
        id: Uuid,
        run_id: Uuid,
        name: Option<&str>,
        timestamp: &str,
    ) -> Self {
        Self::new(
            StreamEventKind::Started,
            session,
            json!({
                "id": id, "runId": run_id, "name": name, "timestamp": timestamp, "jobTags": [],
            }),
        )
    }

    pub(super) fn progress(session: &str, progress: &StreamingQueryProgress) -> Self {
        let json = json!({ "progress": progress.event_json() });
        Self::new(StreamEventKind::Progress, session, json)
    }

    pub(super) fn idle(session: &str, id: Uuid, run_id: Uuid, timestamp: &str) -> Self {
        let json = json!({ "id": id, "runId": run_id, "timestamp": timestamp });
        Self::new(StreamEventKind::Idle, session, json)
    }

    pub(super) fn terminated(
        session: &str,
        id: Uuid,
        run_id: Uuid,
        exception: Option<&str>,
        error_class: Option<&str>,
    ) -> Self {
        Self::new(
            StreamEventKind::Terminated,
            session,
            json!({
                "id": id, "runId": run_id, "exception": exception,
                "errorClassOnException": error_class,
            }),
        )
    }
}
