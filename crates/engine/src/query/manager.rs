//! Every query of the server, by session.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleuve_sql::Session;
use fleuve_sql::error::SparkError;
use fleuve_sql::ir::WriteStream;
use fleuve_sql::plan::AnalyzedPlan;
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

use super::events::StreamEvent;
use super::handle::StreamingQuery;
use super::start::{Starter, prepare};
use super::table::into_table;
use crate::checkpoint::lock;
use crate::clock::{Clock, SystemClock};
use crate::error::StreamError;
use crate::file_system::{FileSystem, LocalFileSystem};
use crate::micro_batch::{StepObserver, Unobserved};
use crate::progress::format_timestamp_ms;
use crate::sink::console::{ConsoleOutput, StandardOutput};
use crate::state::{SnapshotPolicy, StoreKind};

/// How many events a slow listener may fall behind before it misses some.
const EVENTS_BUFFERED: usize = 1_000;
/// How many ended queries can still be asked about, per session.
const ENDED_KEPT: usize = 100;

/// The name under which a session's queries are kept.
pub type SessionKey = String;

/// What all queries of a server share; tests replace parts of it.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    pub files: Arc<dyn FileSystem>,
    pub clock: Arc<dyn Clock>,
    pub observer: Arc<dyn StepObserver>,
    pub console: Arc<dyn ConsoleOutput>,
    /// Where fresh state is kept when nobody says.
    pub state_store: StoreKind,
    pub snapshots: SnapshotPolicy,
    /// How many tasks a batch may use at once.
    pub parallelism: usize,
    /// How many partitions fresh state has, `fleuve.state.partitions`.
    pub state_partitions: u32,
    pub kafka: crate::source::kafka::KafkaAccess,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            files: Arc::new(LocalFileSystem::default()),
            clock: Arc::new(SystemClock::default()),
            observer: Arc::new(Unobserved),
            console: Arc::new(StandardOutput),
            state_store: StoreKind::default(),
            snapshots: SnapshotPolicy::default(),
            parallelism: std::thread::available_parallelism().map_or(1, usize::from),
            state_partitions: 4,
            kafka: crate::source::kafka::KafkaAccess::default(),
        }
    }
}

/// Starts queries and knows them all.
#[derive(Debug)]
pub struct StreamingQueryManager {
    settings: EngineSettings,
    queries: Mutex<BTreeMap<SessionKey, SessionQueries>>,
    events: broadcast::Sender<StreamEvent>,
    /// Counts ended queries, for whoever waits for any of them.
    ended: watch::Sender<u64>,
    /// Starting is done one query at a time, so that two starts on one checkpoint see each other.
    starting: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct SessionQueries {
    active: Vec<Arc<StreamingQuery>>,
    ended: Vec<Arc<StreamingQuery>>,
    /// Ended since [`StreamingQueryManager::reset_terminated`].
    terminated: Vec<Arc<StreamingQuery>>,
}

impl StreamingQueryManager {
    pub fn new(settings: EngineSettings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            queries: Mutex::new(BTreeMap::new()),
            events: broadcast::Sender::new(EVENTS_BUFFERED),
            ended: watch::Sender::new(0),
            starting: tokio::sync::Mutex::new(()),
        })
    }

    /// Starts a query. `key` names the session it belongs to.
    pub async fn start(
        self: &Arc<Self>,
        key: &str,
        session: &Session,
        write: &WriteStream,
    ) -> Result<Arc<StreamingQuery>, SparkError> {
        // Settings that change later are for later queries.
        let query_session = session.fork();
        let analyzed = query_session.analyze(&write.input).await?;
        self.start_analyzed(key, session, query_session, analyzed, write)
            .await
    }

    /// Starts a query whose plan is analyzed already; `write.input` is not looked at. The view of
    /// a memory sink goes into `session`, everything else goes by `query_session`.
    pub async fn start_analyzed(
        self: &Arc<Self>,
        key: &str,
        session: &Session,
        query_session: Session,
        analyzed: AnalyzedPlan,
        write: &WriteStream,
    ) -> Result<Arc<StreamingQuery>, SparkError> {
        let _one_at_a_time = self.starting.lock().await;
        self.check_name(key, write.query_name.as_deref())?;
        let write = into_table(session, &analyzed.schema, write).await?;
        let starter = Starter {
            key,
            session,
            settings: &self.settings,
            events: &self.events,
        };
        let prepared =
            prepare(&starter, query_session, analyzed, &write).map_err(|error| error.to_spark())?;
        self.stop_other_runs(prepared.id(), prepared.may_stop_other_run())
            .await?;
        let run = prepared
            .open(&starter)
            .await
            .map_err(|error| error.to_spark())?;
        let query = Arc::clone(&run.query);
        lock(&self.queries)
            .entry(key.to_owned())
            .or_default()
            .active
            .push(Arc::clone(&query));
        // Nobody may be listening.
        let _ = self.events.send(self.started_event(&query));
        let (manager, ending) = (Arc::clone(self), Arc::clone(&query));
        tokio::spawn(async move {
            // A panic of the query's task must not leave its callers waiting.
            if let Err(panic) = tokio::spawn(run.run_out()).await {
                ending.fail(StreamError::Task(panic.to_string()));
            }
            manager.note_end(&ending);
        });
        Ok(query)
    }

    /// The event that tells of a query's start.
    pub fn started_event(&self, query: &StreamingQuery) -> StreamEvent {
        let timestamp = format_timestamp_ms(self.settings.clock.now_ms());
        StreamEvent::started(
            query.session(),
            query.id(),
            query.run_id(),
            query.name(),
            &timestamp,
        )
    }

    /// The running queries of a session.
    pub fn active(&self, key: &str) -> Vec<Arc<StreamingQuery>> {
        let queries = lock(&self.queries);
        let active = queries
            .get(key)
            .map(|session| session.active.clone())
            .unwrap_or_default();
        active
            .into_iter()
            .filter(|query| query.is_active())
            .collect()
    }

    /// A query of a session by its id, running or lately ended; the newest run of it.
    pub fn get(&self, key: &str, id: Uuid) -> Option<Arc<StreamingQuery>> {
        let queries = lock(&self.queries);
        let session = queries.get(key)?;
        let mut newest_first = session
            .active
            .iter()
            .rev()
            .chain(session.ended.iter().rev());
        newest_first.find(|query| query.id() == id).cloned()
    }

    /// One run of a query.
    pub fn run(&self, key: &str, id: Uuid, run_id: Uuid) -> Option<Arc<StreamingQuery>> {
        let queries = lock(&self.queries);
        let session = queries.get(key)?;
        session
            .active
            .iter()
            .chain(&session.ended)
            .find(|query| query.id() == id && query.run_id() == run_id)
            .cloned()
    }

    /// Waits until a query of the session has ended since the last reset: whether one has. Fails
    /// as it did.
    pub async fn await_any_termination(
        &self,
        key: &str,
        timeout: Option<Duration>,
    ) -> Result<bool, SparkError> {
        let mut ended = self.ended.subscribe();
        let waiting = async {
            loop {
                ended.borrow_and_update();
                if let Some(query) = self.any_terminated(key) {
                    return query;
                }
                if ended.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let query = match timeout {
            None => waiting.await,
            Some(timeout) => match tokio::time::timeout(timeout, waiting).await {
                Ok(query) => query,
                Err(_) => return Ok(false),
            },
        };
        query.exception().map_or(Ok(true), Err)
    }

    /// Forgets which queries have ended.
    pub fn reset_terminated(&self, key: &str) {
        if let Some(session) = lock(&self.queries).get_mut(key) {
            session.terminated.clear();
        }
    }

    /// Events of all sessions from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<StreamEvent> {
        self.events.subscribe()
    }

    /// Ends every query of a session, because the session ends.
    pub fn close_session(&self, key: &str) {
        if let Some(session) = lock(&self.queries).remove(key) {
            session.active.iter().for_each(|query| query.cancel());
        }
    }

    /// Ends every query and waits for all of them, because the server stops.
    pub async fn stop_all(&self) {
        let active: Vec<_> = lock(&self.queries)
            .values()
            .flat_map(|session| session.active.iter().cloned())
            .collect();
        for query in &active {
            query.cancel();
        }
        for query in active {
            query.wait_until_ended().await;
        }
    }

    fn any_terminated(&self, key: &str) -> Option<Arc<StreamingQuery>> {
        let queries = lock(&self.queries);
        let terminated = &queries.get(key)?.terminated;
        // A failure is what the caller should hear of first.
        let failed = terminated.iter().find(|query| query.exception().is_some());
        failed.or(terminated.first()).cloned()
    }

    fn check_name(&self, key: &str, name: Option<&str>) -> Result<(), SparkError> {
        let Some(name) = name else { return Ok(()) };
        if !self
            .active(key)
            .iter()
            .any(|query| query.name() == Some(name))
        {
            return Ok(());
        }
        Err(SparkError::streaming(
            fleuve_sql::error::Exception::IllegalArgument,
            "_LEGACY_ERROR_TEMP_QUERY_NAME",
            "42000",
            format!(
                "Cannot start query with name {name} as a query with that name is already active \
                 in this SparkSession"
            ),
            &[("name", name)],
        ))
    }

    /// A checkpoint has one run: a new one stops the old one, whatever session that is of, unless
    /// `spark.sql.streaming.stopActiveRunOnRestart` is `false`.
    async fn stop_other_runs(&self, id: Uuid, may_stop: bool) -> Result<(), SparkError> {
        let running: Vec<_> = lock(&self.queries)
            .values()
            .flat_map(|session| session.active.iter())
            .filter(|query| query.id() == id && query.is_active())
            .cloned()
            .collect();
        if !running.is_empty() && !may_stop {
            return Err(SparkError::streaming(
                fleuve_sql::error::Exception::IllegalArgument,
                "_LEGACY_ERROR_TEMP_QUERY_ID",
                "42000",
                format!(
                    "Cannot start query with id {id} as another query with same id is already \
                     active. Perhaps you are attempting to restart a query from checkpoint that \
                     is already active. You may stop the old query by setting the SQL \
                     configuration: spark.conf.set(\"spark.sql.streaming.stopActiveRunOnRestart\", \
                     true) and retry."
                ),
                &[("id", &id.to_string())],
            ));
        }
        for query in running {
            query.stop().await;
        }
        Ok(())
    }

    fn note_end(&self, query: &Arc<StreamingQuery>) {
        if let Some(session) = lock(&self.queries).get_mut(query.session()) {
            session.active.retain(|active| !Arc::ptr_eq(active, query));
            session.ended.push(Arc::clone(query));
            session.terminated.push(Arc::clone(query));
            let surplus = session.ended.len().saturating_sub(ENDED_KEPT);
            session.ended.drain(..surplus);
        }
        self.ended.send_modify(|count| *count += 1);
    }
}

impl From<StreamError> for SparkError {
    fn from(error: StreamError) -> Self {
        error.to_spark()
    }
}
