//! Plans made by hand, and a server's worth of engine around them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, TimeUnit};
use datafusion::datasource::provider_as_source;
use datafusion::functions::core::expr_fn::named_struct;
use datafusion::functions::datetime::expr_fn::date_bin;
use datafusion::functions_aggregate::expr_fn::{count, max, sum};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::prelude::ident;
use datafusion::scalar::ScalarValue;
use fleuve_engine::query::{EngineSettings, StreamingQuery, StreamingQueryManager};
use fleuve_engine::source::register_sources;
use fleuve_engine::state::SnapshotPolicy;
use fleuve_sql::ir::{Options, StreamTrigger, WriteStream};
use fleuve_sql::plan::{AnalyzedPlan, EventTimeWatermark, StreamingTable};
use fleuve_sql::source::SourceOptions;
use fleuve_sql::types::{from_arrow_schema, to_arrow_schema};
use fleuve_sql::{Environment, Session, SparkError};

use crate::checkpoint::quick_files;

pub(crate) fn options(pairs: &[(&str, &str)]) -> Options {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// A stream of `rate-micro-batch`: `timestamp` and `value`.
pub(crate) fn rate_micro_batch(rows: u64, advance_ms: u64) -> LogicalPlan {
    static NEXT_ID: AtomicU64 = AtomicU64::new(0);
    let schema = from_arrow_schema(&fleuve_engine::source::rate::schema()).unwrap();
    let table = StreamingTable {
        id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        format: "rate-micro-batch".to_owned(),
        options: SourceOptions::new(&options(&[
            ("rowsPerBatch", &rows.to_string()),
            ("numPartitions", "2"),
            ("advanceMillisPerBatch", &advance_ms.to_string()),
        ])),
        paths: Vec::new(),
        table: None,
        arrow_schema: to_arrow_schema(&schema, "UTC"),
        schema,
    };
    let source = provider_as_source(Arc::new(table));
    LogicalPlanBuilder::scan("stream", source, None)
        .unwrap()
        .build()
        .unwrap()
}

pub(crate) fn with_watermark(input: LogicalPlan, column: &str, delay_ms: i64) -> LogicalPlan {
    LogicalPlan::Extension(Extension {
        node: Arc::new(EventTimeWatermark {
            input,
            column: column.to_owned(),
            display_name: column.to_owned(),
            delay_months: 0,
            delay_micros: delay_ms * 1_000,
        }),
    })
}

/// `window(time, size)` as an expression.
pub(crate) fn window(time: Expr, size_ms: i64) -> Expr {
    let interval = |ms: i64| {
        lit(ScalarValue::IntervalMonthDayNano(Some(
            IntervalMonthDayNanoType::make_value(0, 0, ms * 1_000_000),
        )))
    };
    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let origin = lit(ScalarValue::TimestampMicrosecond(
        Some(0),
        Some("UTC".into()),
    ));
    let start = cast(date_bin(interval(size_ms), time, origin), timestamp.clone());
    let end = cast(start.clone() + interval(size_ms), timestamp);
    named_struct(vec![lit("start"), start, lit("end"), end])
}

/// Counts and sums by window and `value % keys`.
pub(crate) fn windowed_counts(input: LogicalPlan, size_ms: i64, keys: i64) -> LogicalPlan {
    LogicalPlanBuilder::from(input)
        .project(vec![
            window(ident("timestamp"), size_ms).alias("window"),
            (ident("value") % lit(keys)).alias("k"),
            ident("value"),
        ])
        .unwrap()
        .aggregate(
            vec![ident("window"), ident("k")],
            vec![
                count(lit(1_i64)).alias("n"),
                sum(ident("value")).alias("s"),
                max(ident("value")).alias("m"),
            ],
        )
        .unwrap()
        .build()
        .unwrap()
}

/// Counts by `value % keys`.
pub(crate) fn running_counts(input: LogicalPlan, keys: i64) -> LogicalPlan {
    LogicalPlanBuilder::from(input)
        .aggregate(
            vec![(ident("value") % lit(keys)).alias("k")],
            vec![count(lit(1_i64)).alias("n"), sum(ident("value")).alias("s")],
        )
        .unwrap()
        .build()
        .unwrap()
}

pub(crate) fn analyzed(plan: LogicalPlan) -> AnalyzedPlan {
    AnalyzedPlan {
        schema: from_arrow_schema(plan.schema().as_arrow()).unwrap(),
        plan,
        is_streaming: true,
        time_zone: "UTC".to_owned(),
        partitions: None,
        observed: Vec::new(),
    }
}

/// What is asked of a stream, with the plan left to the caller.
pub(crate) fn write(format: &str, pairs: &[(&str, &str)]) -> WriteStream {
    WriteStream {
        input: fleuve_sql::ir::Relation::new(fleuve_sql::ir::RelationNode::Range {
            start: 0,
            end: 0,
            step: 1,
            partitions: None,
        }),
        format: Some(format.to_owned()),
        options: options(pairs),
        partition_columns: Vec::new(),
        trigger: StreamTrigger::AsSoonAsPossible,
        output_mode: String::new(),
        query_name: None,
        path: None,
        table: None,
        foreach_writer: None,
        foreach_batch: None,
    }
}

/// A server's engine and one session.
pub(crate) struct World {
    pub(crate) manager: Arc<StreamingQueryManager>,
    pub(crate) session: Session,
}

pub(crate) fn settings() -> EngineSettings {
    EngineSettings {
        files: quick_files(),
        snapshots: SnapshotPolicy {
            deltas: 3,
            in_background: false,
            memory_max: None,
        },
        parallelism: 2,
        state_partitions: 3,
        ..EngineSettings::default()
    }
}

impl World {
    pub(crate) fn new(settings: EngineSettings) -> Self {
        let environment = Environment::default();
        register_sources(&environment.registry, &settings);
        let session = Session::new(Arc::new(environment));
        Self {
            manager: StreamingQueryManager::new(settings),
            session,
        }
    }

    pub(crate) async fn start(
        &self,
        plan: &LogicalPlan,
        write: &WriteStream,
    ) -> Result<Arc<StreamingQuery>, SparkError> {
        let plan = analyzed(plan.clone());
        let session = self.session.fork();
        self.manager
            .start_analyzed("session", &self.session, session, plan, write)
            .await
    }

    /// The rows of a memory sink.
    pub(crate) async fn table(&self, name: &str) -> Vec<RecordBatch> {
        let view = self
            .session
            .catalog()
            .view(name)
            .expect("the view is there");
        let cancellation = tokio_util::sync::CancellationToken::new();
        self.session
            .execute(&view, cancellation)
            .await
            .unwrap()
            .collect()
            .await
            .unwrap()
    }
}

/// The visible part files below `folder`.
pub(crate) fn part_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "_spark_metadata" {
                folders.push(path);
            } else if name.starts_with("part-") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The files that the sink's log lists.
pub(crate) fn logged_files(folder: &Path) -> Vec<PathBuf> {
    let log: fleuve_engine::checkpoint::CompactingLog<fleuve_engine::sink::files::SinkFile> =
        fleuve_engine::checkpoint::CompactingLog::new(
            folder.join("_spark_metadata"),
            quick_files(),
            10,
        );
    let mut files: Vec<PathBuf> = log
        .all()
        .unwrap()
        .into_iter()
        .map(|file| PathBuf::from(file.path.strip_prefix("file://").unwrap()))
        .collect();
    files.sort();
    files
}

pub(crate) fn read_parquet(files: &[PathBuf]) -> Vec<RecordBatch> {
    let mut rows = Vec::new();
    for path in files {
        let file = std::fs::File::open(path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .unwrap()
            .build()
            .unwrap();
        rows.extend(reader.map(Result::unwrap));
    }
    rows
}

/// Rows as text, sorted, to compare runs by.
pub(crate) fn sorted_rows(batches: &[RecordBatch]) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in batches {
        let formatters: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| {
                let options = arrow::util::display::FormatOptions::default().with_null("null");
                arrow::util::display::ArrayFormatter::try_new(column.as_ref(), &options).unwrap()
            })
            .collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = formatters
                .iter()
                .map(|cells| cells.value(row).to_string())
                .collect();
            rows.push(cells.join(" | "));
        }
    }
    rows.sort();
    rows
}

pub(crate) fn longs(batches: &[RecordBatch], column: &str) -> Vec<i64> {
    let mut values: Vec<i64> = batches
        .iter()
        .flat_map(|batch| {
            let column = batch.column_by_name(column).expect("the column is there");
            column.as_primitive::<Int64Type>().values().to_vec()
        })
        .collect();
    values.sort_unstable();
    values
}
