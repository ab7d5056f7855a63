//! Topics of a broker in this process, as streams, tables and sinks.

use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col};
use fleuve_broker::Broker;
use fleuve_broker::config::BrokerConfig;
use fleuve_client::admin::NewTopic;
use fleuve_client::{Admin, Config, Producer, ProducerRecord};
use fleuve_engine::source::kafka::{KafkaAccess, schema};
use fleuve_model::{PartitionId, Timestamp, TopicName};
use fleuve_sql::ir::StreamTrigger;
use fleuve_sql::plan::StreamingTable;
use fleuve_sql::source::{ReadRequest, SourceOptions};
use fleuve_sql::types::to_arrow_schema;
use fleuve_storage::disk::{Disk, SimulatedDisk};
use tempfile::TempDir;

use crate::support::{World, logged_files, options, read_parquet, settings, write};

pub(crate) const ADDRESS: &str = "broker-of-this-process:9092";
const PARTITIONS: i32 = 8;
pub(crate) const FIRST_MS: i64 = 1_700_000_000_000;

pub(crate) struct Cluster {
    _broker: Broker,
    pub(crate) config: Config,
    access: KafkaAccess,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::new());
        let config = BrokerConfig::local(Path::new("/data")).on_disks(disk);
        let broker = Broker::start(config).await.expect("the broker starts");
        let local = Arc::new(broker.local());
        let access = KafkaAccess::in_process(local.clone(), vec![ADDRESS.to_owned()]);
        Self {
            _broker: broker,
            config: Config::in_process(local),
            access,
        }
    }

    pub(crate) async fn topic(&self, name: &str) {
        let admin = Admin::new(&self.config).unwrap();
        admin
            .create_topics(&[NewTopic::new(name, PARTITIONS)], false)
            .await
            .unwrap();
    }

    /// Produces the numbers as text: number n goes into partition n % 8, n milliseconds after [`FIRST_MS`].
    pub(crate) async fn produce(&self, topic: &str, numbers: std::ops::Range<i64>) {
        self.send(topic, None, numbers).await;
    }

    /// Produces the numbers into one partition.
    pub(crate) async fn produce_into(
        &self,
        topic: &str,
        partition: i32,
        numbers: std::ops::Range<i64>,
    ) {
        self.send(topic, Some(partition), numbers).await;
    }

    async fn send(&self, topic: &str, partition: Option<i32>, numbers: std::ops::Range<i64>) {
        let producer = Producer::new(&self.config).unwrap();
        let mut deliveries = Vec::new();
        for number in numbers {
            let partition = partition.unwrap_or(number as i32 % PARTITIONS);
            let partition = PartitionId::from_wire(partition).unwrap();
            let record = ProducerRecord::new(TopicName::new(topic).unwrap(), number.to_string())
                .key(format!("key {number}"))
                .header("parity", (number % 2).to_string())
                .timestamp(Timestamp::from_millis(FIRST_MS + number))
                .partition(partition);
            deliveries.push(producer.send(record).await.unwrap());
        }
        producer.flush().await;
        for delivery in deliveries {
            delivery.wait().await.unwrap();
        }
    }

    pub(crate) fn access(&self) -> KafkaAccess {
        self.access.clone()
    }

    pub(crate) fn world(&self) -> World {
        let mut settings = settings();
        settings.kafka = self.access();
        World::new(settings)
    }
}

pub(crate) fn stream(pairs: &[(&str, &str)]) -> LogicalPlan {
    let mut all = vec![("kafka.bootstrap.servers", ADDRESS)];
    all.extend_from_slice(pairs);
    let headers = pairs
        .iter()
        .any(|(key, value)| *key == "includeHeaders" && *value == "true");
    let schema = schema(headers);
    let table = StreamingTable {
        id: 0,
        format: "kafka".to_owned(),
        options: SourceOptions::new(&options(&all)),
        paths: Vec::new(),
        table: None,
        arrow_schema: to_arrow_schema(&schema, "UTC"),
        schema,
    };
    LogicalPlanBuilder::scan("kafka", provider_as_source(Arc::new(table)), None)
        .unwrap()
        .build()
        .unwrap()
}

pub(crate) fn numbers(rows: &[arrow::array::RecordBatch]) -> Vec<i64> {
    let mut numbers: Vec<i64> = rows
        .iter()
        .flat_map(|rows| {
            let values = rows.column_by_name("value").unwrap().as_binary::<i32>();
            values
                .iter()
                .map(|value| {
                    std::str::from_utf8(value.unwrap())
                        .unwrap()
                        .parse()
                        .unwrap()
                })
                .collect::<Vec<i64>>()
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_lands_in_parquet_once_over_many_restarts_and_batches() {
    let cluster = Cluster::start().await;
    cluster.topic("tripdata").await;
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("output");
    let checkpoint = folder.path().join("checkpoint");
    let mut request = write(
        "parquet",
        &[
            ("path", output.to_str().unwrap()),
            ("checkpointLocation", checkpoint.to_str().unwrap()),
        ],
    );
    request.trigger = StreamTrigger::AvailableNow;
    let plan = stream(&[
        ("subscribe", "tripdata"),
        ("startingOffsets", "earliest"),
        ("maxOffsetsPerTrigger", "300"),
    ]);
    let world = cluster.world();
    for run in 0..5 {
        cluster
            .produce("tripdata", run * 1_000..(run + 1) * 1_000)
            .await;
        let query = world.start(&plan, &request).await.unwrap();
        query.await_termination(None).await.unwrap();
        let rows: u64 = query
            .recent_progress()
            .iter()
            .map(|p| p.num_input_rows())
            .sum();
        assert_eq!(rows, 1_000, "run {run}");
        assert!(
            query.recent_progress().len() >= 3,
            "the limit makes several batches"
        );
    }
    let expected: Vec<i64> = (0..5_000).collect();
    assert_eq!(numbers(&read_parquet(&logged_files(&output))), expected);
    let offsets = std::fs::read_to_string(checkpoint.join("offsets/0")).unwrap();
    assert!(offsets.contains("\n{\"tripdata\":{\"0\":"), "{offsets}");
    let initial = std::fs::read(checkpoint.join("sources/0/0")).unwrap();
    assert!(initial.starts_with(b"\0v1\n{\"tripdata\":{\"0\":0,\"1\":0,"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_to_kafka_keeps_keys_values_and_headers() {
    let cluster = Cluster::start().await;
    cluster.topic("in").await;
    cluster.topic("out").await;
    cluster.produce("in", 0..500).await;
    let folder = TempDir::new().unwrap();
    let mut request = write(
        "kafka",
        &[
            ("kafka.bootstrap.servers", ADDRESS),
            ("topic", "out"),
            ("checkpointLocation", folder.path().to_str().unwrap()),
        ],
    );
    request.trigger = StreamTrigger::AvailableNow;
    let plan = stream(&[
        ("subscribe", "in"),
        ("startingOffsets", "earliest"),
        ("includeHeaders", "true"),
    ]);
    let world = cluster.world();
    let query = world.start(&plan, &request).await.unwrap();
    query.await_termination(None).await.unwrap();

    let rows = read_table(
        &world,
        &[("subscribePattern", "o.t"), ("includeHeaders", "true")],
    )
    .await;
    assert_eq!(numbers(&rows), (0..500).collect::<Vec<i64>>());
    for rows in &rows {
        let keys = rows.column_by_name("key").unwrap().as_binary::<i32>();
        let values = rows.column_by_name("value").unwrap().as_binary::<i32>();
        let headers = rows.column_by_name("headers").unwrap().as_list::<i32>();
        for row in 0..rows.num_rows() {
            let number = std::str::from_utf8(values.value(row)).unwrap();
            assert_eq!(keys.value(row), format!("key {number}").as_bytes());
            let header = headers.value(row);
            let header = header.as_struct();
            assert_eq!(header.column(0).as_string::<i32>().value(0), "parity");
            let parity = (number.parse::<i64>().unwrap() % 2).to_string();
            assert_eq!(
                header.column(1).as_binary::<i32>().value(0),
                parity.as_bytes()
            );
        }
    }
}

#[tokio::test]
async fn columns_that_are_no_record_are_refused_by_their_spark_types() {
    let cluster = Cluster::start().await;
    let world = cluster.world();
    let plan = stream(&[("subscribe", "in")]);
    let folder = TempDir::new().unwrap();
    let request = write(
        "kafka",
        &[
            ("kafka.bootstrap.servers", ADDRESS),
            ("topic", "out"),
            ("checkpointLocation", folder.path().to_str().unwrap()),
        ],
    );
    for (columns, told) in [
        (
            vec![col("offset").alias("value")],
            "value attribute unsupported type bigint. value must be a(n) string or binary",
        ),
        (
            vec![col("value"), col("topic").alias("headers")],
            "headers attribute unsupported type string. headers must be a(n) array<struct<key:string,value:binary>>",
        ),
    ] {
        let plan = LogicalPlanBuilder::from(plan.clone())
            .project(columns)
            .unwrap()
            .build()
            .unwrap();
        let error = world.start(&plan, &request).await.unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_topic_fails_the_query_with_its_name() {
    let cluster = Cluster::start().await;
    let world = cluster.world();
    let query = world
        .start(&stream(&[("subscribe", "nowhere")]), &write("noop", &[]))
        .await
        .unwrap();
    let error = query.await_termination(None).await.unwrap_err().to_string();
    assert!(
        error.contains("STREAM_FAILED") && error.contains("nowhere"),
        "{error}"
    );
}

#[tokio::test]
async fn options_that_cannot_be_are_refused_by_name() {
    let cluster = Cluster::start().await;
    let world = cluster.world();
    let refused = [
        (vec![], "One of the following options must be specified"),
        (
            vec![("subscribe", "a"), ("assign", "{}")],
            "Only one of the following options",
        ),
        (
            vec![("subscribe", "a"), ("kafka.auto.offset.reset", "latest")],
            "auto.offset.reset",
        ),
        (
            vec![("subscribe", "a"), ("endingOffsets", "latest")],
            "not valid in streaming",
        ),
        (
            vec![
                ("subscribe", "a"),
                ("minOffsetsPerTrigger", "5"),
                ("maxOffsetsPerTrigger", "3"),
            ],
            "minOffsetPerTrigger(5) is higher",
        ),
    ];
    for (pairs, expected) in refused {
        let error = world
            .start(&stream(&pairs), &write("noop", &[]))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{pairs:?}: {error}");
    }
}

/// What a batch reads of topics.
async fn read_table(world: &World, pairs: &[(&str, &str)]) -> Vec<arrow::array::RecordBatch> {
    let registry = &world.session.environment().registry;
    let source = registry.source("kafka").unwrap();
    let mut all = vec![("kafka.bootstrap.servers", ADDRESS)];
    all.extend_from_slice(pairs);
    let request = ReadRequest {
        format: "kafka".to_owned(),
        options: SourceOptions::new(&options(&all)),
        paths: Vec::new(),
        schema: None,
        configuration: world.session.configuration(),
    };
    let schema = source.schema(&request).await.unwrap();
    let table = source.scan(&request, &schema).await.unwrap();
    let context = datafusion::prelude::SessionContext::new();
    context.read_table(table).unwrap().collect().await.unwrap()
}

/// Every number in a topic, sorted.
pub(crate) async fn read_topic(world: &World, topic: &str) -> Vec<i64> {
    numbers(&read_table(world, &[("subscribe", topic)]).await)
}
