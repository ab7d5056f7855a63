//! Stateful queries that are ended at every step: output and state are the undisturbed run's.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;
use fleuve_engine::state::{OperatorSpec, OperatorState, SnapshotPolicy, StateVersion, StoreKind};
use fleuve_sql::Statement;
use fleuve_sql::ir::{ReadSource, Relation, RelationNode};
use tempfile::TempDir;

use crate::checkpoint::quick_files;
use crate::crash::{Chance, parquet, run_with};
use crate::support::{
    World, logged_files, options, part_files, read_parquet, settings, sorted_rows,
};

/// How many batches a query runs: every step fails a few times, and snapshots are made and go.
const BATCHES: u64 = 100;

async fn plan(text: &str) -> LogicalPlan {
    plan_over(5, text).await
}

/// The plan of a query over `timed`: `rows` rows a second, with a watermark three seconds behind.
pub(crate) async fn plan_over(rows: u64, text: &str) -> LogicalPlan {
    let world = World::new(settings());
    let read = Relation::new(RelationNode::Read {
        source: ReadSource::DataSource {
            format: Some("rate-micro-batch".to_owned()),
            schema: None,
            options: options(&[
                ("rowsPerBatch", &rows.to_string()),
                ("numPartitions", "2"),
                ("advanceMillisPerBatch", "1000"),
            ]),
            paths: Vec::new(),
            predicates: Vec::new(),
        },
        is_streaming: true,
    });
    put_view(&world, "timed", with_watermark(read)).await;
    let keyed = sql(&world, "SELECT timestamp, value % 4 AS k, value FROM timed");
    for (name, columns, within_watermark) in [
        ("firsts", vec!["k", "timestamp"], false),
        ("seldom", vec!["k"], true),
    ] {
        let distinct = Relation::new(RelationNode::Deduplicate {
            input: keyed.clone(),
            columns: columns.into_iter().map(str::to_owned).collect(),
            all_columns: false,
            within_watermark,
        });
        put_view(&world, name, distinct).await;
    }
    world
        .session
        .analyze(&sql(&world, text))
        .await
        .unwrap()
        .plan
}

fn with_watermark(input: Relation) -> Relation {
    Relation::new(RelationNode::WithWatermark {
        input,
        event_time: "timestamp".to_owned(),
        delay: "3 seconds".to_owned(),
    })
}

fn sql(world: &World, text: &str) -> Relation {
    let parsed = world.session.parse_sql(text, &BTreeMap::new(), &[]);
    match parsed.unwrap() {
        Statement::Query(relation) => relation,
        Statement::Command(command) => panic!("{command:?} is no query"),
    }
}

async fn put_view(world: &World, name: &str, relation: Relation) {
    let plan = world.session.analyze(&relation).await.unwrap();
    world
        .session
        .with_catalog(|catalog| catalog.put_view(name, Arc::new(plan), true))
        .unwrap();
}

/// Every row of every store of every operator below a checkpoint.
fn state(checkpoint: &Path) -> Vec<String> {
    let folder = checkpoint.join("state");
    let mut rows = Vec::new();
    for operator in 0.. {
        let metadata = folder.join(format!("{operator}/_metadata/metadata"));
        let Ok(metadata) = std::fs::read(metadata) else {
            break;
        };
        let spec: OperatorSpec = serde_json::from_slice(&metadata).unwrap();
        let version = StateVersion::new(BATCHES);
        let policy = SnapshotPolicy::default();
        let state = OperatorState::open(spec, &folder, quick_files(), policy, version).unwrap();
        for partition in 0..state.partition_count() {
            for (store, rows_of) in state.partition(partition).iter().enumerate() {
                let read = rows_of.for_each(&mut |time, key, value| {
                    rows.push(format!(
                        "{operator} {partition} {store} {time:?} {key:?} {value:?}"
                    ));
                });
                read.unwrap();
            }
        }
    }
    rows.sort();
    rows
}

async fn check(text: &str, seed: u64, snapshots: SnapshotPolicy) {
    check_in(StoreKind::Memory, text, seed, snapshots).await;
}

/// Ends a query whose state is in `state_store` again and again; the one that runs through keeps
/// its in memory.
async fn check_in(state_store: StoreKind, text: &str, seed: u64, snapshots: SnapshotPolicy) {
    let folder = TempDir::new().unwrap();
    let settings = |state_store| fleuve_engine::query::EngineSettings {
        snapshots,
        state_store,
        ..settings()
    };
    let (request, undisturbed) = parquet(&folder, "undisturbed");
    let plan = plan(text).await;
    run_with(settings(StoreKind::Memory), &plan, &request, BATCHES, None).await;
    let (request, disturbed) = parquet(&folder, "disturbed");
    let runs = run_with(settings(state_store), &plan, &request, BATCHES, Some(seed)).await;
    assert!(runs > BATCHES / 4, "the query was ended {runs} times");
    let expected = sorted_rows(&read_parquet(&logged_files(&undisturbed)));
    assert!(expected.len() > 20, "{text}: {} rows", expected.len());
    assert_eq!(
        sorted_rows(&read_parquet(&logged_files(&disturbed))),
        expected,
        "{text}"
    );
    assert_eq!(
        sorted_rows(&read_parquet(&part_files(&disturbed))),
        expected,
        "{text}"
    );
    let remembered = state(&folder.path().join("undisturbed/checkpoint"));
    assert!(!remembered.is_empty(), "{text}: there is state");
    assert_eq!(
        state(&folder.path().join("disturbed/checkpoint")),
        remembered,
        "{text}"
    );
}

const EVERY_THIRD: SnapshotPolicy = SnapshotPolicy {
    deltas: 3,
    in_background: false,
    memory_max: None,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sliding_windows_and_their_state_are_the_same_however_often_the_query_is_ended() {
    let text = "SELECT w, k, count(*) AS n, sum(value) AS s FROM \
        (SELECT window(timestamp, '6 seconds', '2 seconds') AS w, value % 3 AS k, value FROM timed) \
        GROUP BY w, k";
    check(text, 11, EVERY_THIRD).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chained_windows_and_their_state_are_the_same_however_often_the_query_is_ended() {
    let text = "SELECT w2, sum(n) AS total FROM \
        (SELECT window(window_time(w), '4 seconds') AS w2, n FROM \
        (SELECT w, count(*) AS n FROM \
        (SELECT window(timestamp, '2 seconds') AS w FROM timed) GROUP BY w)) GROUP BY w2";
    check(text, 12, EVERY_THIRD).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicates_and_their_state_are_the_same_however_often_the_query_is_ended() {
    check("SELECT * FROM firsts", 13, EVERY_THIRD).await;
    check("SELECT * FROM seldom", 14, EVERY_THIRD).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_in_the_background_change_nothing() {
    let policy = SnapshotPolicy {
        in_background: true,
        ..EVERY_THIRD
    };
    let text = "SELECT w, k, count(*) AS n FROM \
        (SELECT window(timestamp, '5 seconds') AS w, value % 3 AS k FROM timed) GROUP BY w, k";
    check(text, Chance::new(15).below(100), policy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn state_in_a_tree_is_the_same_however_often_the_query_is_ended() {
    let text = "SELECT w, k, count(*) AS n, sum(value) AS s FROM \
        (SELECT window(timestamp, '6 seconds', '2 seconds') AS w, value % 3 AS k, value FROM timed) \
        GROUP BY w, k";
    check_in(StoreKind::Fjall, text, 16, EVERY_THIRD).await;
    let in_background = SnapshotPolicy {
        in_background: true,
        memory_max: Some("64k".parse().unwrap()),
        ..EVERY_THIRD
    };
    check_in(StoreKind::Fjall, "SELECT * FROM seldom", 17, in_background).await;
}
