//! Streams in Spark's language: views, SQL, windows, joins with tables, duplicates.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use fleuve_engine::query::StreamingQuery;
use fleuve_engine::sink::console::ConsoleOutput;
use fleuve_sql::Statement;
use fleuve_sql::ir::{ReadSource, Relation, RelationNode, StreamTrigger, WriteStream};
use tempfile::TempDir;

use crate::support::{World, longs, options, settings, sorted_rows, write};

fn read_stream(pairs: &[(&str, &str)]) -> Relation {
    Relation::new(RelationNode::Read {
        source: ReadSource::DataSource {
            format: Some("rate-micro-batch".to_owned()),
            schema: None,
            options: options(pairs),
            paths: Vec::new(),
            predicates: Vec::new(),
        },
        is_streaming: true,
    })
}

fn with_watermark(input: Relation, delay: &str) -> Relation {
    Relation::new(RelationNode::WithWatermark {
        input,
        event_time: "timestamp".to_owned(),
        delay: delay.to_owned(),
    })
}

/// Batch n has the rows 4 n to 4 n + 3 at the time 100 + 5 n seconds.
async fn view(world: &World) {
    let stream = read_stream(&[
        ("rowsPerBatch", "4"),
        ("numPartitions", "2"),
        ("advanceMillisPerBatch", "5000"),
        ("startTimestamp", "100000"),
    ]);
    let plan = world
        .session
        .analyze(&with_watermark(stream, "0 seconds"))
        .await
        .unwrap();
    world
        .session
        .with_catalog(|catalog| catalog.put_view("trips", Arc::new(plan), true))
        .unwrap();
}

fn query(world: &World, text: &str) -> Relation {
    match world
        .session
        .parse_sql(text, &BTreeMap::new(), &[])
        .unwrap()
    {
        Statement::Query(relation) => relation,
        Statement::Command(command) => panic!("{command:?} is no query"),
    }
}

/// Runs one batch after the other, each in a run of its own, and returns what each gave.
async fn batches(world: &World, relation: &Relation, mode: &str, count: usize) -> Vec<Vec<String>> {
    let folder = TempDir::new().unwrap();
    let checkpoint = folder.path().join("checkpoint");
    let mut outputs = Vec::new();
    for _ in 0..count {
        let mut request = write("console", &[("truncate", "false")]);
        request.input = relation.clone();
        request.output_mode = mode.to_owned();
        request.trigger = StreamTrigger::Once;
        request.options.insert(
            "checkpointLocation".to_owned(),
            checkpoint.to_str().unwrap().to_owned(),
        );
        let query = start(world, &request).await;
        query.await_termination(None).await.unwrap();
        outputs.push(vec![
            query
                .last_progress()
                .unwrap()
                .sink
                .num_output_rows
                .to_string(),
        ]);
    }
    outputs
}

async fn start(world: &World, request: &WriteStream) -> Arc<StreamingQuery> {
    world
        .manager
        .start("session", &world.session, request)
        .await
        .unwrap()
}

#[derive(Debug, Default)]
struct Printed(Mutex<String>);

impl ConsoleOutput for Printed {
    fn print(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }
}

fn world_with_console() -> (World, Arc<Printed>) {
    let printed = Arc::new(Printed::default());
    let mut settings = settings();
    settings.console = Arc::clone(&printed) as _;
    (World::new(settings), printed)
}

const BOROUGHS: &str = "(VALUES (0, 'Queens'), (1, 'Bronx')) AS zones(id, borough)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_per_borough_come_out_as_the_output_mode_says() {
    let text = format!(
        "SELECT w, borough, count(*) AS n FROM \
         (SELECT window(timestamp, '10 seconds') AS w, value FROM trips) \
         JOIN {BOROUGHS} ON value % 2 = zones.id GROUP BY w, borough"
    );
    let expected = [
        // Two windows of two batches each; a window closes when a later batch has moved the
        // watermark to its end, in the batch after.
        ("append", ["0", "0", "0", "2", "0", "2"]),
        ("update", ["2", "2", "2", "2", "2", "2"]),
        ("complete", ["2", "2", "4", "4", "6", "6"]),
    ];
    for (mode, rows) in expected {
        let (world, printed) = world_with_console();
        view(&world).await;
        let relation = query(&world, &text);
        let outputs = batches(&world, &relation, mode, rows.len()).await;
        let outputs: Vec<&str> = outputs.iter().map(|batch| batch[0].as_str()).collect();
        assert_eq!(outputs, rows, "{mode}: {}", printed.0.lock().unwrap());
    }
}

#[tokio::test]
async fn the_console_shows_batches_as_spark_does() {
    let (world, printed) = world_with_console();
    view(&world).await;
    let relation = query(
        &world,
        "SELECT value, value % 2 = 0 AS even FROM trips WHERE value < 2",
    );
    batches(&world, &relation, "append", 1).await;
    let text = printed.0.lock().unwrap().clone();
    let head = "-------------------------------------------\nBatch: 0\n\
                -------------------------------------------\n+-----+-----+\n|value|even |\n\
                +-----+-----+\n";
    assert!(text.starts_with(head), "{text}");
    assert!(
        text.contains("|0    |true |") && text.contains("|1    |false|"),
        "{text}"
    );
    assert!(text.ends_with("+-----+-----+\n\n"), "{text:?}");
}

#[tokio::test]
async fn a_sliding_window_counts_a_row_in_each_window_it_lies_in() {
    let world = World::new(settings());
    view(&world).await;
    let relation = query(
        &world,
        "SELECT w, count(*) AS n FROM \
         (SELECT window(timestamp, '10 seconds', '5 seconds') AS w FROM trips) GROUP BY w",
    );
    let mut request = write("memory", &[]);
    request.input = relation;
    request.query_name = Some("sliding".to_owned());
    request.output_mode = "complete".to_owned();
    request.trigger = StreamTrigger::AvailableNow;
    start(&world, &request)
        .await
        .await_termination(None)
        .await
        .unwrap();
    let rows = sorted_rows(&world.table("sliding").await);
    let windows = [
        "{start: 1970-01-01T00:01:35Z, end: 1970-01-01T00:01:45Z} | 4",
        "{start: 1970-01-01T00:01:40Z, end: 1970-01-01T00:01:50Z} | 4",
    ];
    assert_eq!(rows, windows);
}

#[tokio::test]
async fn complete_mode_counts_late_rows_too() {
    let world = World::new(settings());
    view(&world).await;
    // From the third batch on, rows are an hour behind the watermark.
    let text = "SELECT if(value < 8, timestamp, timestamp - INTERVAL 1 HOUR) AS timestamp FROM trips_as_they_came";
    world
        .session
        .with_catalog(|catalog| {
            let trips = catalog.view("trips").expect("the view is there");
            catalog.put_view("trips_as_they_came", trips, true)
        })
        .unwrap();
    let late = with_watermark(query(&world, text), "0 seconds");
    let plan = world.session.analyze(&late).await.unwrap();
    world
        .session
        .with_catalog(|catalog| catalog.put_view("late", Arc::new(plan), true))
        .unwrap();
    let folder = TempDir::new().unwrap();
    let mut request = write("memory", &[]);
    request.input = query(
        &world,
        "SELECT w, count(*) AS n FROM (SELECT window(timestamp, '10 seconds') AS w FROM late) GROUP BY w",
    );
    request.query_name = Some("counts".to_owned());
    request.output_mode = "complete".to_owned();
    request.trigger = StreamTrigger::Once;
    request.options.insert(
        "checkpointLocation".to_owned(),
        folder.path().to_str().unwrap().to_owned(),
    );
    for batch in 1..=4 {
        start(&world, &request)
            .await
            .await_termination(None)
            .await
            .unwrap();
        let counted: i64 = longs(&world.table("counts").await, "n").iter().sum();
        assert_eq!(counted, batch * 4, "batch {batch}");
    }
}

#[tokio::test]
async fn duplicates_are_dropped_once_and_for_all_or_until_the_watermark_has_passed() {
    let world = World::new(settings());
    view(&world).await;
    let distinct = |columns: &[&str], within_watermark: bool| {
        Relation::new(RelationNode::Deduplicate {
            input: query(&world, "SELECT timestamp, value % 2 AS k FROM trips"),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            all_columns: false,
            within_watermark,
        })
    };
    let outputs = batches(&world, &distinct(&["k"], false), "append", 4).await;
    assert_eq!(outputs.concat(), ["2", "0", "0", "0"]);
    let outputs = batches(&world, &distinct(&["k", "timestamp"], false), "append", 3).await;
    assert_eq!(outputs.concat(), ["2", "2", "2"]);
    // Remembered until the watermark is at the row's own time, which is two batches later.
    let outputs = batches(&world, &distinct(&["k"], true), "append", 5).await;
    assert_eq!(outputs.concat(), ["2", "0", "2", "0", "2"]);
}

#[tokio::test]
async fn an_aggregate_of_an_aggregate_closes_both_windows() {
    let world = World::new(settings());
    view(&world).await;
    let relation = query(
        &world,
        "SELECT w2, sum(n) AS total FROM \
         (SELECT window(window_time(w), '10 seconds') AS w2, n FROM \
         (SELECT w, count(*) AS n FROM \
         (SELECT window(timestamp, '5 seconds') AS w FROM trips) GROUP BY w)) GROUP BY w2",
    );
    let outputs = batches(&world, &relation, "append", 8).await;
    let total: i64 = outputs
        .concat()
        .iter()
        .map(|rows| rows.parse::<i64>().unwrap())
        .sum();
    assert!(total >= 2, "{outputs:?}");
}
