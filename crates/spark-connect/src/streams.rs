//! The streaming queries of a session, as the door sees them.
//!
//! Always true: what is said about a query is the engine's own words, in Spark's JSON. Start at [`StreamingQueries`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleuve_sql::Session;
use fleuve_sql::error::SparkError;
use fleuve_sql::ir::WriteStream;
use tokio::sync::broadcast;

use crate::engine::Result;

/// A query that has just been started.
#[derive(Clone, Debug)]
pub struct StartedQuery {
    pub id: String,
    pub run_id: String,
    pub name: Option<String>,
    /// Spark's event, for listeners.
    pub started_event_json: String,
}

/// What `query.status` says.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryStatus {
    pub message: String,
    pub is_data_available: bool,
    pub is_trigger_active: bool,
    pub is_active: bool,
}

/// One event for listeners.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenerEvent {
    pub json: String,
    pub kind: ListenerEventKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerEventKind {
    Progress,
    Idle,
    Terminated,
}

/// Opens the streaming side of a session.
pub trait StreamStarter: Send + Sync + 'static {
    fn open(&self, session: &Session) -> Result<Arc<dyn StreamingQueries>>;
}

/// The queries of one session.
#[async_trait]
pub trait StreamingQueries: Send + Sync {
    async fn start(&self, write: WriteStream) -> Result<StartedQuery>;
    /// Stops everything, because the session ends.
    fn close(&self);
    fn active(&self) -> Vec<Arc<dyn StreamingQuery>>;
    /// A query by id, running or lately stopped; the newest run of it.
    fn get(&self, id: &str) -> Option<Arc<dyn StreamingQuery>>;
    /// One run of a query, running or lately stopped.
    fn run(&self, id: &str, run_id: &str) -> Option<Arc<dyn StreamingQuery>> {
        self.get(id).filter(|query| query.run_id() == run_id)
    }
    /// Waits until any query ends, at most `timeout`. True if one did.
    async fn await_any_termination(&self, timeout: Option<Duration>) -> Result<bool>;
    fn reset_terminated(&self);
    /// Events from now on.
    fn subscribe(&self) -> broadcast::Receiver<ListenerEvent>;
}

/// One query.
#[async_trait]
pub trait StreamingQuery: Send + Sync {
    fn id(&self) -> &str;
    fn run_id(&self) -> &str;
    fn name(&self) -> Option<&str>;
    fn status(&self) -> QueryStatus;
    /// Progress reports as JSON, oldest first.
    fn recent_progress(&self) -> Vec<String>;
    fn exception(&self) -> Option<SparkError>;
    fn explain(&self, extended: bool) -> String;
    async fn stop(&self) -> Result<()>;
    async fn process_all_available(&self) -> Result<()>;
    /// Waits until the query ends, at most `timeout`. True if it did; an error if it failed.
    async fn await_termination(&self, timeout: Option<Duration>) -> Result<bool>;
}

/// The queries of a session whose server has no streaming engine.
pub(crate) struct NoStreams {
    events: broadcast::Sender<ListenerEvent>,
}

impl Default for NoStreams {
    fn default() -> Self {
        Self {
            events: broadcast::Sender::new(1),
        }
    }
}

#[async_trait]
impl StreamingQueries for NoStreams {
    async fn start(&self, _write: WriteStream) -> Result<StartedQuery> {
        Err(SparkError::unsupported_feature(
            "streaming queries, in a server without the streaming engine",
        ))
    }

    fn close(&self) {}

    fn active(&self) -> Vec<Arc<dyn StreamingQuery>> {
        Vec::new()
    }

    fn get(&self, _id: &str) -> Option<Arc<dyn StreamingQuery>> {
        None
    }

    async fn await_any_termination(&self, timeout: Option<Duration>) -> Result<bool> {
        match timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
        Ok(false)
    }

    fn reset_terminated(&self) {}

    fn subscribe(&self) -> broadcast::Receiver<ListenerEvent> {
        self.events.subscribe()
    }
}
