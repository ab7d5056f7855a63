//! From a client's request to a query that is ready to run.

use std::path::PathBuf;
use std::sync::Arc;

use fleuve_sql::error::{Exception, SparkError};
use fleuve_sql::execution::engine_state;
use fleuve_sql::ir::WriteStream;
use fleuve_sql::plan::AnalyzedPlan;
use fleuve_sql::source::SourceOptions;
use fleuve_sql::types::{INTERNAL_TIME_ZONE, to_arrow_schema};
use fleuve_sql::{Configuration, Session};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::events::StreamEvent;
use super::handle::{QueryHead, StreamingQuery};
use super::manager::EngineSettings;
use super::program::StreamProgram;
use super::report::ReportHead;
use super::run::Run;
use super::trigger::Trigger;
use crate::checkpoint::{BatchId, Checkpoint, LastRun, PinnedConfs, QueryId};
use crate::error::StreamError;
use crate::micro_batch::{BatchContext, BatchPolicy, MicroBatches, Parts};
use crate::operator::scan::ScanSlot;
use crate::operator::{OperatorContext, StateSettings};
use crate::plan::{CorrectnessCheck, StreamingPlan, StreamingScan, check, streams};
use crate::sink::{OpenSink, OutputMode, open_sink};
use crate::source::{Admission, OpenSource, Source, open_source};
use crate::state::{MemoryLimit, SnapshotPolicy, StateError, StoreKind};
use crate::watermark::{WatermarkPolicy, WatermarkTracker};

/// Formats whose queries may go without a checkpoint of their own.
const WITHOUT_CHECKPOINT: [&str; 3] = ["memory", "console", "noop"];

/// How many partitions fresh state has.
const STATE_PARTITIONS: &str = "fleuve.state.partitions";
/// Which store keeps fresh state.
const STATE_STORE: &str = "fleuve.state.store";
/// How much memory the state of a query may take.
const STATE_MEMORY_MAX: &str = "fleuve.state.memory.max";

/// Who starts a query, and with what.
pub(super) struct Starter<'a> {
    pub(super) key: &'a str,
    pub(super) session: &'a Session,
    pub(super) settings: &'a EngineSettings,
    pub(super) events: &'a broadcast::Sender<StreamEvent>,
}

/// A query whose request is checked and whose checkpoint is known.
pub(super) struct Prepared {
    session: Session,
    configuration: Configuration,
    analyzed: AnalyzedPlan,
    scans: Vec<Arc<StreamingScan>>,
    mode: OutputMode,
    trigger: Trigger,
    format: String,
    options: SourceOptions,
    path: Option<String>,
    partition_columns: Vec<String>,
    name: Option<String>,
    checkpoint: Checkpoint,
    temporary: Option<TemporaryCheckpoint>,
}

/// A checkpoint that goes with its query.
#[derive(Debug)]
pub(super) struct TemporaryCheckpoint(PathBuf);

impl Drop for TemporaryCheckpoint {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "a temporary checkpoint stays");
        }
    }
}

/// Checks a request and opens its checkpoint.
pub(super) fn prepare(
    starter: &Starter<'_>,
    session: Session,
    analyzed: AnalyzedPlan,
    write: &WriteStream,
) -> Result<Prepared, StreamError> {
    let configuration = session.configuration();
    refuse_functions(write)?;
    let mode = output_mode(&write.output_mode)?;
    let trigger = Trigger::from_ir(&write.trigger)?;
    let options = SourceOptions::new(&write.options);
    let format = match &write.format {
        Some(format) if !format.is_empty() => format.to_ascii_lowercase(),
        _ => configuration.default_source(),
    };
    let path = write
        .path
        .clone()
        .or_else(|| options.get("path").map(str::to_owned));
    if !analyzed.is_streaming {
        return Err(SparkError::streaming(
            Exception::Analysis,
            "WRITE_STREAM_NOT_ALLOWED",
            "42601",
            "`writeStream` can be called only on streaming Dataset/DataFrame.",
            &[],
        )
        .into());
    }
    let correctness = configuration.get_or(
        "spark.sql.streaming.statefulOperator.checkCorrectness.enabled",
        "true",
    );
    check(
        &analyzed.plan,
        mode,
        CorrectnessCheck(correctness == "true"),
    )?;
    let scans = streams(&analyzed.plan)?;
    let name = write.query_name.clone().filter(|name| !name.is_empty());
    if format == "memory" && name.is_none() {
        return Err(illegal(
            Exception::Analysis,
            "_LEGACY_ERROR_TEMP_1194",
            "queryName must be specified for memory sink.",
        ));
    }
    let (root, temporary) = checkpoint_root(&format, &options, &configuration, name.as_deref())?;
    session.check_path(&root.to_string_lossy())?;
    let files = Arc::clone(&starter.settings.files);
    let checkpoint = Checkpoint::open(&root, files, QueryId::new(Uuid::new_v4()))?;
    let partition_columns = write.partition_columns.clone();
    Ok(Prepared {
        session,
        configuration,
        analyzed,
        scans,
        mode,
        trigger,
        format,
        options,
        path,
        partition_columns,
        name,
        checkpoint,
        temporary,
    })
}

fn refuse_functions(write: &WriteStream) -> Result<(), StreamError> {
    let refused = if write.foreach_batch.is_some() {
        "foreachBatch"
    } else if write.foreach_writer.is_some() {
        "foreach"
    } else {
        return Ok(());
    };
    Err(SparkError::unsupported_feature(refused).into())
}

fn output_mode(name: &str) -> Result<OutputMode, StreamError> {
    match name {
        "" => Ok(OutputMode::Append),
        name => OutputMode::parse(name).ok_or_else(|| SparkError::invalid_output_mode(name).into()),
    }
}

fn invalid(key: &str, value: &str, requirement: &str) -> StreamError {
    SparkError::configuration_out_of_range(key, value, requirement).into()
}

fn illegal(exception: Exception, class: &str, text: impl Into<String>) -> StreamError {
    SparkError::streaming(exception, class, "42000", text, &[]).into()
}

/// Where the checkpoint is: as the query says, below the session's folder, or for a while.
fn checkpoint_root(
    format: &str,
    options: &SourceOptions,
    configuration: &Configuration,
    name: Option<&str>,
) -> Result<(PathBuf, Option<TemporaryCheckpoint>), StreamError> {
    if let Some(location) = options.get("checkpointLocation") {
        return Ok((local_path(location), None));
    }
    let session_wide = configuration.get_option("spark.sql.streaming.checkpointLocation");
    if let Some(folder) = session_wide.filter(|folder| !folder.is_empty()) {
        let name = name.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        return Ok((local_path(&folder).join(name), None));
    }
    if WITHOUT_CHECKPOINT.contains(&format) {
        let root = std::env::temp_dir().join(format!("temporary-{}", Uuid::new_v4()));
        return Ok((root.clone(), Some(TemporaryCheckpoint(root))));
    }
    Err(illegal(
        Exception::Analysis,
        "_LEGACY_ERROR_TEMP_1298",
        "checkpointLocation must be specified either through \
         option(\"checkpointLocation\", ...) or \
         SparkSession.conf.set(\"spark.sql.streaming.checkpointLocation\", ...).",
    ))
}

/// The local path that a path or `file:` URI of a client names.
pub(crate) fn local_path(text: &str) -> PathBuf {
    let path = text.strip_prefix("file:").unwrap_or(text);
    let path = path.strip_prefix("//").unwrap_or(path);
    PathBuf::from(path)
}

impl Prepared {
    /// The query's id, the same over all runs of its checkpoint.
    pub(super) fn id(&self) -> Uuid {
        self.checkpoint.id().get()
    }

    /// Whether a run of the same checkpoint gives way.
    pub(super) fn may_stop_other_run(&self) -> bool {
        let key = "spark.sql.streaming.stopActiveRunOnRestart";
        self.configuration.get_or(key, "true") == "true"
    }

    /// Opens sources, state and sink at where the last run stopped.
    pub(super) async fn open(self, starter: &Starter<'_>) -> Result<Run, StreamError> {
        let last = self.checkpoint.last_run()?;
        let session_confs = PinnedConfs::from_session(|key| self.configuration.get_option(key));
        let confs = last.as_ref().map_or_else(
            || session_confs.clone(),
            |last| last.offsets.confs.or_session(&session_confs),
        );
        let sources = self.open_sources(starter).await?;
        let slots: Vec<(u64, Arc<ScanSlot>)> = self
            .scans
            .iter()
            .zip(&sources)
            .map(|(scan, source)| {
                let schema = Arc::clone(&scan.arrow_schema);
                (
                    scan.id,
                    Arc::new(ScanSlot::new(schema, source.description())),
                )
            })
            .collect();
        let context = Arc::new(OperatorContext::new(
            self.mode,
            self.state_settings(starter)?,
        ));
        context.begin(BatchContext {
            batch: next_batch(last.as_ref()),
            timestamp_ms: 0,
            late_watermark_ms: 0,
            eviction_watermark_ms: 0,
        });
        let plan = StreamingPlan::new(&self.analyzed.plan, &slots, &context)?;
        self.check_operators(plan.stateful_operators, last.as_ref())?;
        let policy = confs
            .get("spark.sql.streaming.multipleWatermarkPolicy")
            .unwrap_or("min");
        let policy = WatermarkPolicy::parse(policy).unwrap_or(WatermarkPolicy::Min);
        let watermark = WatermarkTracker::new(policy, plan.watermarks.len(), 0);
        let output = to_arrow_schema(&self.analyzed.schema, INTERNAL_TIME_ZONE);
        let sink = open_sink(OpenSink {
            format: &self.format,
            options: &self.options,
            path: self.path.as_deref(),
            partition_columns: &self.partition_columns,
            mode: self.mode,
            name: self.name.as_deref(),
            schema: &self.analyzed.schema,
            arrow_schema: &output,
            configuration: &self.configuration,
            // The view of a memory sink is the client's, not the query's.
            session: starter.session,
            query_session: &self.session,
            settings: starter.settings,
            continued: last.is_some(),
            checkpoint: self.checkpoint.root(),
            query: self.id(),
        })?;
        let state = engine_state(&self.session);
        let parallelism = starter.settings.parallelism;
        let program = StreamProgram::new(&state, parallelism, plan, context, output);
        let (shown, has_watermark) = (program.shown(), program.has_watermark());
        let run_id = Uuid::new_v4();
        let id = self.id();
        let query = Arc::new(StreamingQuery::new(QueryHead {
            id,
            run_id,
            name: self.name.clone(),
            session: starter.key.to_owned(),
            shown,
            progress_kept: number(
                &self.configuration,
                "spark.sql.streaming.numRecentProgressUpdates",
                100,
            ) as usize,
        }));
        let sink_description = sink.description();
        let batches = MicroBatches::open(Parts {
            checkpoint: self.checkpoint,
            sources,
            program,
            sink,
            clock: Arc::clone(&starter.settings.clock),
            observer: Arc::clone(&starter.settings.observer),
            policy: batch_policy(&self.configuration),
            confs,
            watermark,
        })?;
        Ok(Run {
            query,
            batches,
            trigger: self.trigger,
            clock: Arc::clone(&starter.settings.clock),
            events: starter.events.clone(),
            head: ReportHead {
                id,
                run_id,
                name: self.name,
                sink: sink_description,
                has_watermark,
            },
            previous_trigger_ms: None,
            last_event: starter.settings.clock.elapsed(),
            _temporary: self.temporary,
        })
    }

    async fn open_sources(
        &self,
        starter: &Starter<'_>,
    ) -> Result<Vec<Box<dyn Source>>, StreamError> {
        let mut sources = Vec::with_capacity(self.scans.len());
        for (index, scan) in self.scans.iter().enumerate() {
            let source = open_source(OpenSource {
                scan,
                folder: self.checkpoint.source_folder(index),
                configuration: &self.configuration,
                session: &self.session,
                settings: starter.settings,
            });
            sources.push(source.await?);
        }
        Ok(sources)
    }

    fn state_settings(&self, starter: &Starter<'_>) -> Result<StateSettings, StreamError> {
        let get = |key: &str| self.configuration.get_option(key);
        let store = state_store(&get, starter.settings.state_store)?;
        let partitions = match get(STATE_PARTITIONS) {
            None => starter.settings.state_partitions,
            Some(text) => text
                .parse()
                .ok()
                .filter(|count| *count > 0)
                .ok_or_else(|| invalid(STATE_PARTITIONS, &text, "a positive number is expected"))?,
        };
        let memory_max = match get(STATE_MEMORY_MAX) {
            None => None,
            Some(text) => {
                let limit = text.parse::<MemoryLimit>();
                Some(limit.map_err(|e| invalid(STATE_MEMORY_MAX, &text, &e.to_string()))?)
            }
        };
        let deltas = number(
            &self.configuration,
            "spark.sql.streaming.stateStore.minDeltasForSnapshot",
            10,
        );
        Ok(StateSettings {
            folder: self.checkpoint.state_folder(),
            files: Arc::clone(&starter.settings.files),
            partitions,
            store,
            snapshots: SnapshotPolicy {
                deltas: deltas.max(1),
                memory_max,
                ..starter.settings.snapshots
            },
            memory_max,
        })
    }

    /// A restarted query has the stateful operators its checkpoint has.
    fn check_operators(&self, operators: u32, last: Option<&LastRun>) -> Result<(), StreamError> {
        if last.is_none_or(|last| last.committed.is_none()) {
            return Ok(());
        }
        let folder = self.checkpoint.state_folder();
        let entries = self
            .checkpoint
            .files()
            .list(&folder)
            .map_err(|error| StreamError::file(&folder, &error))?;
        let known = entries
            .iter()
            .filter(|entry| entry.is_directory && entry.name.parse::<u32>().is_ok())
            .count();
        if known == operators as usize {
            return Ok(());
        }
        let names = |count: usize| {
            (0..count)
                .map(|id| format!("OperatorId: {id}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        Err(StateError::OperatorsChanged {
            in_checkpoint: names(known),
            in_query: names(operators as usize),
        }
        .into())
    }
}

/// Where fresh state is kept: as `fleuve.state.store` says, or where RocksDB is asked for, as Spark
/// does it for state that is larger than memory, in the store for that.
fn state_store(
    get: &impl Fn(&str) -> Option<String>,
    default: StoreKind,
) -> Result<StoreKind, StreamError> {
    if let Some(text) = get(STATE_STORE) {
        let store = text.parse::<StoreKind>();
        return store.map_err(|error| invalid(STATE_STORE, &text, &error.to_string()));
    }
    let provider = get("spark.sql.streaming.stateStore.providerClass");
    Ok(match provider {
        Some(class) if class.ends_with(".RocksDBStateStoreProvider") => StoreKind::Fjall,
        _ => default,
    })
}

fn next_batch(last: Option<&LastRun>) -> BatchId {
    match last {
        None => BatchId::FIRST,
        Some(last) if last.commit.is_some() => last.planned.next(),
        Some(last) => last.planned,
    }
}

fn batch_policy(configuration: &Configuration) -> BatchPolicy {
    let no_data = configuration.get_or("spark.sql.streaming.noDataMicroBatches.enabled", "true");
    BatchPolicy {
        admission: Admission::Limited,
        no_data_batches: no_data == "true",
        batches_retained: number(configuration, "spark.sql.streaming.minBatchesToRetain", 100),
    }
}

fn number(configuration: &Configuration, key: &str, default: u64) -> u64 {
    configuration
        .get_option(key)
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}
