//! The streaming engine behind the door: `engine`'s queries as [`crate::streams`] has them.
//!
//! Always true: a session's queries are kept under a key of its own and end when it closes.
//! Start at [`EngineStreams`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleuve_engine::query::{
    StreamEvent, StreamEventKind, StreamingQuery as EngineQuery, StreamingQueryManager,
};
use fleuve_sql::Session;
use fleuve_sql::error::SparkError;
use fleuve_sql::ir::WriteStream;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::engine::Result;
use crate::streams::{
    ListenerEvent, ListenerEventKind, QueryStatus, StartedQuery, StreamStarter, StreamingQueries,
    StreamingQuery,
};

/// How many events a slow listener of one session may fall behind before it misses some.
const EVENTS_BUFFERED: usize = 1_000;

/// Opens sessions on one engine.
pub struct EngineStreams {
    manager: Arc<StreamingQueryManager>,
}

impl EngineStreams {
    pub fn new(manager: Arc<StreamingQueryManager>) -> Self {
        Self { manager }
    }
}

impl StreamStarter for EngineStreams {
    fn open(&self, session: &Session) -> Result<Arc<dyn StreamingQueries>> {
        let key = Uuid::new_v4().to_string();
        let events = broadcast::Sender::new(EVENTS_BUFFERED);
        tokio::spawn(forward(
            self.manager.subscribe(),
            key.clone(),
            events.downgrade(),
        ));
        Ok(Arc::new(SessionStreams {
            manager: Arc::clone(&self.manager),
            session: session.clone(),
            key,
            events,
        }))
    }
}

/// Passes on the events of one session, until the session is gone.
async fn forward(
    mut from: broadcast::Receiver<StreamEvent>,
    key: String,
    to: broadcast::WeakSender<ListenerEvent>,
) {
    loop {
        let event = match from.recv().await {
            Ok(event) => event,
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "a session missed events of its streaming queries");
                continue;
            }
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let Some(to) = to.upgrade() else { return };
        let kind = match event.kind {
            StreamEventKind::Progress => ListenerEventKind::Progress,
            StreamEventKind::Idle => ListenerEventKind::Idle,
            StreamEventKind::Terminated => ListenerEventKind::Terminated,
            // Whoever starts a query is told in the answer.
            StreamEventKind::Started => continue,
        };
        if event.session == key {
            // Nobody may be listening.
            let _ = to.send(ListenerEvent {
                json: event.json,
                kind,
            });
        }
    }
}

struct SessionStreams {
    manager: Arc<StreamingQueryManager>,
    session: Session,
    key: String,
    events: broadcast::Sender<ListenerEvent>,
}

#[async_trait]
impl StreamingQueries for SessionStreams {
    async fn start(&self, write: WriteStream) -> Result<StartedQuery> {
        let query = self.manager.start(&self.key, &self.session, &write).await?;
        Ok(StartedQuery {
            id: query.id().to_string(),
            run_id: query.run_id().to_string(),
            name: query.name().map(str::to_owned),
            started_event_json: self.manager.started_event(&query).json,
        })
    }

    fn close(&self) {
        self.manager.close_session(&self.key);
    }

    fn active(&self) -> Vec<Arc<dyn StreamingQuery>> {
        self.manager
            .active(&self.key)
            .into_iter()
            .map(shown)
            .collect()
    }

    fn get(&self, id: &str) -> Option<Arc<dyn StreamingQuery>> {
        let id = Uuid::parse_str(id).ok()?;
        self.manager.get(&self.key, id).map(shown)
    }

    fn run(&self, id: &str, run_id: &str) -> Option<Arc<dyn StreamingQuery>> {
        let (id, run_id) = (Uuid::parse_str(id).ok()?, Uuid::parse_str(run_id).ok()?);
        self.manager.run(&self.key, id, run_id).map(shown)
    }

    async fn await_any_termination(&self, timeout: Option<Duration>) -> Result<bool> {
        self.manager.await_any_termination(&self.key, timeout).await
    }

    fn reset_terminated(&self) {
        self.manager.reset_terminated(&self.key);
    }

    fn subscribe(&self) -> broadcast::Receiver<ListenerEvent> {
        self.events.subscribe()
    }
}

impl Drop for SessionStreams {
    fn drop(&mut self) {
        self.manager.close_session(&self.key);
    }
}

fn shown(query: Arc<EngineQuery>) -> Arc<dyn StreamingQuery> {
    let (id, run_id) = (query.id().to_string(), query.run_id().to_string());
    Arc::new(ShownQuery { query, id, run_id })
}

struct ShownQuery {
    query: Arc<EngineQuery>,
    id: String,
    run_id: String,
}

#[async_trait]
impl StreamingQuery for ShownQuery {
    fn id(&self) -> &str {
        &self.id
    }

    fn run_id(&self) -> &str {
        &self.run_id
    }

    fn name(&self) -> Option<&str> {
        self.query.name()
    }

    fn status(&self) -> QueryStatus {
        let status = self.query.status();
        QueryStatus {
            message: status.message,
            is_data_available: status.is_data_available,
            is_trigger_active: status.is_trigger_active,
            is_active: self.query.is_active(),
        }
    }

    fn recent_progress(&self) -> Vec<String> {
        self.query
            .recent_progress()
            .iter()
            .map(|progress| progress.json())
            .collect()
    }

    fn exception(&self) -> Option<SparkError> {
        self.query.exception()
    }

    fn explain(&self, extended: bool) -> String {
        self.query.explain(extended)
    }

    async fn stop(&self) -> Result<()> {
        self.query.stop().await;
        Ok(())
    }

    async fn process_all_available(&self) -> Result<()> {
        self.query.process_all_available().await
    }

    async fn await_termination(&self, timeout: Option<Duration>) -> Result<bool> {
        self.query.await_termination(timeout).await
    }
}
