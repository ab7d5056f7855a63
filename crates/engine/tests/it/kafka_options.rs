//! What each option of the Kafka source does to what a query reads.
//!
//! Number n lies in partition n % 8 at offset n / 8, n milliseconds after the first.

use fleuve_client::Admin;
use fleuve_client::admin::NewPartitions;
use fleuve_engine::query::StreamingQuery;
use fleuve_model::{Offset, PartitionId, TopicName, TopicPartition};
use fleuve_sql::ir::StreamTrigger;
use tempfile::TempDir;

use crate::kafka::{Cluster, FIRST_MS, numbers, stream};
use crate::support::{World, options, part_files, write};

/// Every offset of topic `t`, 0 to 7 of them as `of` says.
fn by_partition(of: impl Fn(i64) -> i64) -> String {
    let offsets: Vec<String> = (0..8).map(|p| format!("\"{p}\":{}", of(p))).collect();
    format!("{{\"t\":{{{}}}}}", offsets.join(","))
}

/// What a query over everything that is there reads.
async fn read(world: &World, pairs: &[(&str, &str)]) -> Result<Vec<i64>, String> {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let name = format!(
        "q{}",
        NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    );
    let mut request = write("memory", &[]);
    request.query_name = Some(name.clone());
    request.trigger = StreamTrigger::AvailableNow;
    let query = world
        .start(&stream(pairs), &request)
        .await
        .map_err(|error| error.to_string())?;
    let ended = query.await_termination(None).await;
    ended.map_err(|error| error.to_string())?;
    Ok(numbers(&world.table(&name).await))
}

async fn cluster_with(numbers: std::ops::Range<i64>) -> (Cluster, World) {
    let cluster = Cluster::start().await;
    cluster.topic("t").await;
    cluster.produce("t", numbers).await;
    let world = cluster.world();
    (cluster, world)
}

/// Options of the source, and the rows that a stream with them reads.
type OptionsAndRows<'a> = (Vec<(&'a str, &'a str)>, Vec<i64>);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_begins_where_its_options_say() {
    let (_cluster, world) = cluster_with(0..80).await;
    let from = |first: i64| (first..80).collect::<Vec<i64>>();
    let fifth = by_partition(|_| 5);
    let mixed = by_partition(|partition| if partition == 3 { -2 } else { -1 });
    let at_40 = (FIRST_MS + 40).to_string();
    let times = by_partition(|partition| FIRST_MS + if partition == 0 { 16 } else { 72 });
    let cases: Vec<OptionsAndRows> = vec![
        (vec![], vec![]),
        (vec![("startingOffsets", "latest")], vec![]),
        (vec![("startingOffsets", "Earliest")], from(0)),
        (vec![("startingOffsets", &fifth)], from(40)),
        (
            vec![("startingOffsets", &mixed)],
            (0..10).map(|n| n * 8 + 3).collect(),
        ),
        (vec![("startingTimestamp", &at_40)], from(40)),
        (
            vec![("startingOffsetsByTimestamp", &times)],
            (2..10).map(|n| n * 8).chain(73..80).collect(),
        ),
        // A timestamp goes before timestamps, and these before offsets.
        (
            vec![
                ("startingOffsets", "earliest"),
                ("startingOffsetsByTimestamp", &times),
                ("startingTimestamp", &at_40),
            ],
            from(40),
        ),
    ];
    for (pairs, expected) in cases {
        let mut all = vec![("subscribe", "t")];
        all.extend(&pairs);
        assert_eq!(read(&world, &all).await.unwrap(), expected, "{pairs:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_after_the_last_record_is_an_error_or_the_end() {
    let (_cluster, world) = cluster_with(0..80).await;
    let future = (FIRST_MS + 1_000_000).to_string();
    let pairs = [("subscribe", "t"), ("startingTimestamp", future.as_str())];
    let error = read(&world, &pairs).await.unwrap_err();
    assert!(error.contains("No offset matched from request"), "{error}");
    let mut latest = pairs.to_vec();
    latest.push(("startingOffsetsByTimestampStrategy", "latest"));
    assert_eq!(read(&world, &latest).await.unwrap(), Vec::<i64>::new());
    latest.push(("startingOffsetsByTimestampStrategy", "nearest"));
    let error = read(&world, &latest).await.unwrap_err();
    assert!(error.contains("Unknown value 'nearest'"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assigned_partitions_are_the_only_ones_read() {
    let (_cluster, world) = cluster_with(0..80).await;
    let pairs = [
        ("assign", r#"{"t":[2,5]}"#),
        ("startingOffsets", "earliest"),
    ];
    let expected: Vec<i64> = (0..80).filter(|n| [2, 5].contains(&(n % 8))).collect();
    assert_eq!(read(&world, &pairs).await.unwrap(), expected);
    let partial = r#"{"t":{"0":1}}"#;
    let pairs = [("subscribe", "t"), ("startingOffsets", partial)];
    let error = read(&world, &pairs).await.unwrap_err();
    assert!(
        error.contains("you must specify all TopicPartitions"),
        "{error}"
    );
}

/// A query into files, continued by each call.
struct Continued {
    folder: TempDir,
}

impl Continued {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    async fn run(
        &self,
        world: &World,
        pairs: &[(&str, &str)],
    ) -> Result<std::sync::Arc<StreamingQuery>, String> {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let mut request = write("parquet", &[]);
        request.options = options(&[
            ("path", &path("out")),
            ("checkpointLocation", &path("checkpoint")),
        ]);
        request.trigger = StreamTrigger::AvailableNow;
        let query = world
            .start(&stream(pairs), &request)
            .await
            .map_err(|error| error.to_string())?;
        let ended = query.await_termination(None).await;
        ended.map(|_| query).map_err(|error| error.to_string())
    }

    /// How many files there are that hold rows.
    fn files(&self) -> usize {
        part_files(&self.folder.path().join("out")).len()
    }

    fn numbers(&self) -> Vec<i64> {
        numbers(&crate::support::read_parquet(
            &crate::support::logged_files(&self.folder.path().join("out")),
        ))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_are_split_into_as_many_tasks_as_asked_for() {
    let (_cluster, world) = cluster_with(0..800).await;
    let cases = [
        (("minPartitions", "3"), 8),
        (("minPartitions", "24"), 24),
        (("maxRecordsPerPartition", "40"), 24),
    ];
    for (option, tasks) in cases {
        let query = Continued::new();
        let pairs = [("subscribe", "t"), ("startingOffsets", "earliest"), option];
        query.run(&world, &pairs).await.unwrap();
        assert_eq!(query.files(), tasks, "{option:?}");
        assert_eq!(query.numbers(), (0..800).collect::<Vec<i64>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_match_a_pattern_are_read_from_their_beginning_once_they_are_there() {
    let (cluster, world) = cluster_with(0..80).await;
    let query = Continued::new();
    let pairs = [("subscribePattern", "t.*"), ("startingOffsets", "latest")];
    query.run(&world, &pairs).await.unwrap();
    assert_eq!(query.files(), 0);
    cluster.topic("tt").await;
    cluster.topic("other").await;
    cluster.produce("tt", 80..160).await;
    cluster.produce("other", 160..240).await;
    query.run(&world, &pairs).await.unwrap();
    assert_eq!(query.numbers(), (80..160).collect::<Vec<i64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_come_later_are_read_from_their_beginning() {
    let (cluster, world) = cluster_with(0..80).await;
    let query = Continued::new();
    let pairs = [("subscribe", "t"), ("startingOffsets", "latest")];
    query.run(&world, &pairs).await.unwrap();
    let admin = Admin::new(&cluster.config).unwrap();
    let nine = NewPartitions {
        total: 9,
        assignments: Vec::new(),
    };
    let counts = [("t".to_owned(), nine)].into_iter().collect();
    admin.create_partitions(&counts, false).await.unwrap();
    cluster.produce_into("t", 8, 80..100).await;
    query.run(&world, &pairs).await.unwrap();
    assert_eq!(query.numbers(), (80..100).collect::<Vec<i64>>());
}

async fn delete_records(cluster: &Cluster, before: i64) {
    let admin = Admin::new(&cluster.config).unwrap();
    let offsets = (0..8)
        .map(|number| {
            let partition = PartitionId::from_wire(number).unwrap();
            let partition = TopicPartition::new(TopicName::new("t").unwrap(), partition);
            (partition, Offset::from_wire(before))
        })
        .collect();
    admin.delete_records(&offsets).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_records_fail_the_query_unless_it_was_told_to_go_on() {
    let (cluster, world) = cluster_with(0..80).await;
    let query = Continued::new();
    let careful = [("subscribe", "t"), ("startingOffsets", "earliest")];
    query.run(&world, &careful).await.unwrap();
    cluster.produce("t", 80..160).await;
    delete_records(&cluster, 15).await;
    let error = query.run(&world, &careful).await.unwrap_err();
    assert!(error.contains("Some data may have been lost"), "{error}");
    let mut careless = careful.to_vec();
    careless.push(("failOnDataLoss", "false"));
    query.run(&world, &careless).await.unwrap();
    let expected: Vec<i64> = (0..80).chain(120..160).collect();
    assert_eq!(query.numbers(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_waits_for_enough_records_or_long_enough() {
    let (cluster, world) = cluster_with(0..8).await;
    let mut request = write("memory", &[]);
    request.query_name = Some("patient".to_owned());
    let pairs = |delay| {
        [
            ("subscribe", "t"),
            ("startingOffsets", "earliest"),
            ("minOffsetsPerTrigger", "20"),
            ("maxTriggerDelay", delay),
        ]
    };
    // The first batch has been waited for since 1970, as in Spark.
    let query = world.start(&stream(&pairs("1h")), &request).await.unwrap();
    query.process_all_available().await.unwrap();
    cluster.produce("t", 8..16).await;
    query.process_all_available().await.unwrap();
    assert_eq!(numbers(&world.table("patient").await).len(), 8);
    cluster.produce("t", 16..32).await;
    query.process_all_available().await.unwrap();
    assert_eq!(numbers(&world.table("patient").await).len(), 32);
    query.stop().await;
    let query = world.start(&stream(&pairs("0s")), &request).await.unwrap();
    query.process_all_available().await.unwrap();
    cluster.produce("t", 32..33).await;
    query.process_all_available().await.unwrap();
    assert_eq!(numbers(&world.table("patient").await).len(), 33);
    query.stop().await;
}

#[tokio::test]
async fn limits_that_are_no_limits_are_refused_by_name() {
    let cluster = Cluster::start().await;
    let world = cluster.world();
    let refused = [
        ("maxOffsetsPerTrigger", "0"),
        ("minOffsetsPerTrigger", "-1"),
        ("minPartitions", "0"),
        ("maxRecordsPerPartition", "0"),
        ("maxTriggerDelay", "soon"),
        ("failOnDataLoss", "perhaps"),
        ("includeHeaders", "perhaps"),
        ("fetchOffset.numRetries", "many"),
        ("kafkaConsumer.pollTimeoutMs", "long"),
        ("startingOffsets", "first"),
        ("startingTimestamp", "today"),
        ("assign", "t"),
        ("subscribePattern", "("),
        ("kafka.enable.auto.commit", "true"),
        ("kafka.key.deserializer", "any"),
        ("kafka.value.deserializer", "any"),
        ("kafka.interceptor.classes", "any"),
    ];
    for (key, value) in refused {
        let mut pairs = vec![(key, value)];
        if !["assign", "subscribePattern"].contains(&key) {
            pairs.push(("subscribe", "t"));
        }
        let error = read(&world, &pairs).await.unwrap_err();
        let bare = key
            .strip_prefix("kafka.")
            .unwrap_or(key)
            .to_ascii_lowercase();
        let names_it = error.to_ascii_lowercase().contains(&bare)
            || error.contains(&format!("got {value}"))
            || error.contains(&format!("{{\"topicA\":{{\"0\":23,\"1\":-1}}, got {value}"));
        assert!(names_it, "{key}={value}: {error}");
    }
}
