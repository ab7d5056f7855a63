//! Queries: what they emit, what they tell, how they are managed.

use std::time::Duration;

use datafusion::logical_expr::{LogicalPlanBuilder, lit};
use datafusion::prelude::ident;
use fleuve_sql::ir::StreamTrigger;
use tempfile::TempDir;

use crate::support::{
    World, longs, rate_micro_batch, running_counts, settings, sorted_rows, windowed_counts,
    with_watermark, write,
};

fn memory(name: &str, mode: &str) -> fleuve_sql::ir::WriteStream {
    let mut request = write("memory", &[]);
    request.query_name = Some(name.to_owned());
    request.output_mode = mode.to_owned();
    request.trigger = StreamTrigger::AvailableNow;
    request
}

#[tokio::test]
async fn available_now_ends_by_itself_with_everything_in_the_table() {
    let world = World::new(settings());
    let plan = LogicalPlanBuilder::from(rate_micro_batch(100, 1_000))
        .filter(ident("value").gt_eq(lit(90_i64)))
        .unwrap()
        .build()
        .unwrap();
    let query = world.start(&plan, &memory("t", "append")).await.unwrap();
    assert!(
        query
            .await_termination(Some(Duration::from_secs(60)))
            .await
            .unwrap()
    );
    assert_eq!(
        longs(&world.table("t").await, "value"),
        (90..100).collect::<Vec<i64>>()
    );
    let progress = query.last_progress().unwrap();
    assert_eq!(progress.batch_id, 0);
    assert_eq!(progress.num_input_rows(), 100);
    assert_eq!(progress.sink.num_output_rows, 10);
    assert_eq!(
        progress.sources[0].end_offset.as_deref(),
        Some(r#"{"offset":100,"timestamp":1000}"#)
    );
    assert!(progress.duration_ms.contains_key("walCommit"));
}

#[tokio::test]
async fn counts_go_on_from_the_checkpoint_in_complete_mode() {
    let world = World::new(settings());
    let folder = TempDir::new().unwrap();
    let plan = running_counts(rate_micro_batch(10, 1_000), 3);
    let mut request = memory("counts", "complete");
    request.options.insert(
        "checkpointLocation".to_owned(),
        folder.path().to_str().unwrap().to_owned(),
    );
    for run in 1..=3_i64 {
        let query = world.start(&plan, &request).await.unwrap();
        query.await_termination(None).await.unwrap();
        let counts = longs(&world.table("counts").await, "n");
        assert_eq!(
            counts.iter().sum::<i64>(),
            run * 10,
            "run {run}: {counts:?}"
        );
        let progress = query.last_progress().unwrap();
        assert_eq!(progress.batch_id as i64, run - 1);
        assert_eq!(progress.state_operators[0].num_rows_total, 3);
    }
}

#[tokio::test]
async fn update_mode_emits_the_changed_groups_only() {
    let world = World::new(settings());
    let folder = TempDir::new().unwrap();
    let plan = running_counts(rate_micro_batch(2, 1_000), 4);
    let mut request = memory("updates", "update");
    request.options.insert(
        "checkpointLocation".to_owned(),
        folder.path().to_str().unwrap().to_owned(),
    );
    let query = world.start(&plan, &request).await.unwrap();
    query.await_termination(None).await.unwrap();
    let rows = sorted_rows(&world.table("updates").await);
    assert_eq!(rows, ["0 | 1 | 0", "1 | 1 | 1"]);
}

#[tokio::test]
async fn append_mode_emits_a_window_once_the_watermark_has_passed_its_end() {
    let world = World::new(settings());
    let plan = windowed_counts(
        with_watermark(rate_micro_batch(4, 5_000), "timestamp", 0),
        10_000,
        1,
    );
    let mut request = memory("windows", "append");
    request.trigger = StreamTrigger::AsSoonAsPossible;
    let query = world.start(&plan, &request).await.unwrap();
    let mut events = world.manager.subscribe();
    while query
        .last_progress()
        .is_none_or(|progress| progress.batch_id < 6)
    {
        events.recv().await.unwrap();
    }
    query.stop().await;
    let progress = query.recent_progress();
    let batches: Vec<(i64, String)> = progress
        .iter()
        .take(6)
        .map(|p| (p.sink.num_output_rows, p.event_time["watermark"].clone()))
        .collect();
    // Batch n has the time n × 5 s; its watermark is what batch n − 1 saw.
    let expected = [
        (0, "1970-01-01T00:00:00.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (0, "1970-01-01T00:00:05.000Z"),
        (1, "1970-01-01T00:00:10.000Z"),
        (0, "1970-01-01T00:00:15.000Z"),
        (1, "1970-01-01T00:00:20.000Z"),
    ];
    let expected: Vec<(i64, String)> = expected
        .iter()
        .map(|(rows, time)| (*rows, (*time).to_owned()))
        .collect();
    assert_eq!(batches, expected);
    let rows = sorted_rows(&world.table("windows").await);
    assert!(rows[0].ends_with("| 0 | 8 | 28 | 7"), "{rows:?}");
}

#[tokio::test]
async fn the_checkpoint_started_again_stops_the_old_run() {
    let world = World::new(settings());
    let folder = TempDir::new().unwrap();
    let plan = rate_micro_batch(1, 1_000);
    let request = write(
        "noop",
        &[("checkpointLocation", folder.path().to_str().unwrap())],
    );
    let first = world.start(&plan, &request).await.unwrap();
    let second = world.start(&plan, &request).await.unwrap();
    assert!(!first.is_active());
    assert!(first.exception().is_none());
    assert!(second.is_active());
    assert_eq!(first.id(), second.id());
    assert_ne!(first.run_id(), second.run_id());
    assert_eq!(world.manager.active("session").len(), 1);
    second.stop().await;
    assert!(world.manager.active("session").is_empty());
}

#[tokio::test]
async fn a_name_is_taken_while_its_query_runs() {
    let world = World::new(settings());
    let plan = rate_micro_batch(1, 1_000);
    let mut request = write("noop", &[]);
    request.query_name = Some("q".to_owned());
    let query = world.start(&plan, &request).await.unwrap();
    let error = world.start(&plan, &request).await.unwrap_err();
    assert!(
        error.to_string().contains("Cannot start query with name q"),
        "{error}"
    );
    query.stop().await;
    world.start(&plan, &request).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_changed_stateful_query_is_refused_with_the_difference_named() {
    let world = World::new(settings());
    let folder = TempDir::new().unwrap();
    let location = [("checkpointLocation", folder.path().to_str().unwrap())];
    let mut request = write("noop", &location);
    request.output_mode = "update".to_owned();
    request.trigger = StreamTrigger::AvailableNow;
    let plan = running_counts(rate_micro_batch(4, 1_000), 2);
    world
        .start(&plan, &request)
        .await
        .unwrap()
        .await_termination(None)
        .await
        .unwrap();
    let plan = windowed_counts(rate_micro_batch(4, 1_000), 5_000, 2);
    let error = world
        .start(&plan, &request)
        .await
        .unwrap()
        .await_termination(None)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("Existing key_schema=k Int64"),
        "{error}"
    );
    let stateless = rate_micro_batch(4, 1_000);
    request.output_mode = "append".to_owned();
    let error = world.start(&stateless, &request).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("STREAMING_STATEFUL_OPERATOR_NOT_MATCH"),
        "{error}"
    );
}

#[tokio::test]
async fn state_beyond_its_limit_ends_the_query_with_the_limit_named() {
    let world = World::new(settings());
    let set = |key: &str, value: &str| {
        let changed = world
            .session
            .with_configuration(|configuration| configuration.set(key, value));
        changed.unwrap();
    };
    set("fleuve.state.memory.max", "4k");
    let plan = running_counts(rate_micro_batch(1_000, 1_000), 1_000_000);
    let mut request = write("noop", &[]);
    request.output_mode = "update".to_owned();
    request.trigger = StreamTrigger::AvailableNow;
    let query = world.start(&plan, &request).await.unwrap();
    let error = query.await_termination(None).await.unwrap_err().to_string();
    assert!(
        error.contains("more than fleuve.state.memory.max (4096 bytes) allows"),
        "{error}"
    );
    set("fleuve.state.memory.max", "64m");
    let query = world.start(&plan, &request).await.unwrap();
    query.await_termination(None).await.unwrap();
    for (key, value) in [
        ("fleuve.state.memory.max", "much"),
        ("fleuve.state.partitions", "0"),
        ("fleuve.state.store", "tape"),
    ] {
        let before = world.session.configuration().get_option(key);
        set(key, value);
        let error = world.start(&plan, &request).await.unwrap_err().to_string();
        assert!(error.contains(value), "{error}");
        set(key, &before.unwrap_or_else(|| "memory".to_owned()));
        if key.ends_with("partitions") {
            set(key, "4");
        }
    }
}

#[tokio::test]
async fn what_is_not_done_yet_is_refused_by_name() {
    let world = World::new(settings());
    let stream = || with_watermark(rate_micro_batch(1, 1_000), "timestamp", 1_000);
    let join = LogicalPlanBuilder::from(stream())
        .alias("a")
        .unwrap()
        .join_on(
            LogicalPlanBuilder::from(stream())
                .alias("b")
                .unwrap()
                .build()
                .unwrap(),
            datafusion::logical_expr::JoinType::Inner,
            [datafusion::prelude::col("a.value").eq(datafusion::prelude::col("b.value"))],
        )
        .unwrap()
        .build()
        .unwrap();
    let error = world.start(&join, &write("noop", &[])).await.unwrap_err();
    assert_eq!(error.class(), "_LEGACY_ERROR_TEMP_3102");
    assert!(
        error
            .to_string()
            .contains("Joins between two streaming DataFrames/Datasets"),
        "{error}"
    );
    let limit = LogicalPlanBuilder::from(stream())
        .limit(0, Some(1))
        .unwrap()
        .build()
        .unwrap();
    let error = world.start(&limit, &write("noop", &[])).await.unwrap_err();
    assert!(
        error.to_string().contains("not supported here yet"),
        "{error}"
    );
}

#[tokio::test]
async fn spark_refusals_have_spark_classes() {
    let world = World::new(settings());
    let stream = || rate_micro_batch(1, 1_000);
    let refused = [
        (
            "append",
            running_counts(stream(), 2),
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
        ),
        (
            "complete",
            stream(),
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
        ),
        ("bogus", stream(), "STREAMING_OUTPUT_MODE.INVALID"),
    ];
    for (mode, plan, class) in refused {
        let mut request = write("noop", &[]);
        request.output_mode = mode.to_owned();
        let error = world.start(&plan, &request).await.unwrap_err();
        assert_eq!(error.class(), class, "{mode}");
    }
    let error = world
        .start(&stream(), &write("parquet", &[("path", "/nowhere")]))
        .await;
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("checkpointLocation must be specified")
    );
    let mut continuous = write("noop", &[]);
    continuous.trigger = StreamTrigger::Continuous("1 second".to_owned());
    let error = world.start(&stream(), &continuous).await.unwrap_err();
    assert!(
        error.to_string().contains("Continuous processing"),
        "{error}"
    );
}
