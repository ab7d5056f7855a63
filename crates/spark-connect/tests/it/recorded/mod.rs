//! What clients asked Apache Spark, asked again: the answers have the same shape.
//!
//! The recorded exchanges lie beside the repository (`FLEUVE_FACTS` names another folder): requests of a PySpark 4.2
//! client and of a Scala 4.3 shell with what Spark 4.3 answered, as text, long lines cut off. Left out of the comparison
//! are ids, progress, metrics, stack traces, the rows' bytes, and how rows are spread over batches.

mod answers;
mod log;
mod text_format;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleuve_engine::query::{EngineSettings, StreamingQueryManager};
use fleuve_engine::source::register_sources;
use fleuve_spark_connect::engine_streams::EngineStreams;
use fleuve_spark_connect::messages::*;
use fleuve_spark_connect::{ConnectConfig, SparkConnect, SqlEngineFactory};
use fleuve_sql::Environment;
use futures::StreamExt;
use prost::Message;

use crate::support::Client;
use crate::support::client::error_class;
use answers::{Answer, Outcome, without_ids};
use log::{Exchange, exchanges};
use text_format::Schema;

/// Sections whose requests are answered otherwise than Spark answered them, and why.
const OTHERWISE: &[(&str, &str)] = &[
    ("kafka missing", "Spark had no Kafka source there"),
    ("udf", "Python functions are refused by name"),
    ("fb.start", "Python functions are refused by name"),
    ("fb.await", "its query was refused"),
    ("state reader", "the state's format is Fleuve's own"),
    (
        "count",
        "Fleuve does not mark this made-up name in the field's metadata",
    ),
    (
        "createDataFrame",
        "another default of convertToArrowArraySafely",
    ),
    (
        "createDataFrame ddl",
        "another default of convertToArrowArraySafely",
    ),
    ("bad.start", "the error's class is a more special one"),
    (
        "stop session",
        "Spark still answers releases of a closed session",
    ),
    // The start of their query was cut off in the recording, so there is no such query.
    ("processAllAvailable", "no such query"),
    ("status", "no such query"),
    ("lastProgress", "no such query"),
    ("memory", "no such query"),
    ("explain", "no such query"),
    ("active", "no such query"),
    ("get", "no such query"),
    ("exception", "no such query"),
    ("stop", "no such query"),
    ("isActive", "no such query"),
    ("join.await", "no such query"),
    ("win.lastProgress", "the answer was cut off"),
];

/// Messages that the recordings use and the facts do not list, written as the facts write them.
const MORE_MESSAGES: &str = include_str!("messages.txt");

fn facts() -> PathBuf {
    let beside = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/facts/spark-connect"
    );
    std::env::var_os("FLEUVE_FACTS").map_or_else(|| PathBuf::from(beside), PathBuf::from)
}

/// Reads a recording, or says aloud that the test named `test` is skipped.
fn recording(test: &str, file: &str) -> Option<(Schema, Vec<Exchange>)> {
    let read = |name: &str| std::fs::read_to_string(facts().join(name));
    match (read("messages-4.3.txt"), read(file)) {
        (Ok(messages), Ok(log)) => {
            Some((Schema::parse(&(messages + MORE_MESSAGES)), exchanges(&log)))
        }
        _ => {
            println!(
                "SKIPPED {test}: no recorded exchanges at {}",
                facts().display()
            );
            None
        }
    }
}

async fn serve() -> SparkConnect {
    let properties = [
        ("spark.connect.grpc.binding.port", "0"),
        // The zone of the machine on which Spark was recorded.
        ("spark.sql.session.timeZone", "Etc/UTC"),
    ];
    let properties: BTreeMap<String, String> = properties
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    let config = ConnectConfig::from_properties(&properties).unwrap();
    let environment = Environment::default();
    let settings = EngineSettings::default();
    register_sources(&environment.registry, &settings);
    let streams = Arc::new(EngineStreams::new(StreamingQueryManager::new(settings)));
    let factory = SqlEngineFactory::new(Arc::new(environment), Some(streams));
    SparkConnect::start(config, Arc::new(factory))
        .await
        .unwrap()
}

/// A folder as the recorded machine had one at `/data`, removed when dropped.
struct Data(PathBuf);

impl Data {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("fleuve-recorded-{}", uuid::Uuid::new_v4()));
        let rows = [(1, "cab taxi", "00:05:00"), (2, "cab car", "00:20:00")];
        let lines = rows.map(|(vendor, words, time)| {
            format!("{{\"vendorid\":{vendor},\"s\":\"{words}\",\"ts\":\"2026-01-01 {time}\"}}\n")
        });
        std::fs::create_dir_all(folder.join("in")).unwrap();
        std::fs::write(folder.join("in/rows.json"), lines.concat()).unwrap();
        Self(folder)
    }
}

impl std::ops::Drop for Data {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Asks a server what was asked of Spark.
struct Replay {
    client: Client,
    schema: Schema,
    data: Data,
    /// What the server's ids are for those in the recording.
    ids: BTreeMap<String, String>,
    /// The last response of each operation, and the id of the last error.
    last_responses: BTreeMap<String, String>,
    last_error: Option<String>,
}

impl Replay {
    fn text(&self, text: &str) -> String {
        let mut text = text.replace("\"/data/", &format!("\"{}/", self.data.0.display()));
        for (recorded, ours) in &self.ids {
            text = text.replace(recorded, ours);
        }
        text
    }

    fn request<T: Message + Default>(&self, message: &str, exchange: &Exchange) -> T {
        let (mut text, _) = text_format::Text::parse(&self.text(&exchange.request));
        text.remove("client_observed_server_side_session_id");
        let bytes = self.schema.encode(message, &text);
        T::decode(bytes.as_slice()).expect("the facts and our messages agree")
    }

    async fn ask(&mut self, exchange: &Exchange) -> Outcome {
        let outcome = match exchange.call.as_str() {
            "Config" => {
                let request: ConfigRequest = self.request("ConfigRequest", exchange);
                let answer = self.client.call("Config", request).await;
                answer.map(|response| vec![Answer::Config(response)])
            }
            "AnalyzePlan" => {
                let request: AnalyzePlanRequest = self.request("AnalyzePlanRequest", exchange);
                let answer = self.client.call("AnalyzePlan", request).await;
                answer.map(|response| vec![Answer::Analyze(Box::new(response))])
            }
            "FetchErrorDetails" => {
                let mut request: FetchErrorDetailsRequest =
                    self.request("FetchErrorDetailsRequest", exchange);
                request.error_id = self.last_error.clone().unwrap_or_default();
                let answer = self.client.call("FetchErrorDetails", request).await;
                answer.map(|response| vec![Answer::Details(Box::new(response))])
            }
            "ReleaseExecute" => self.release(exchange).await,
            "ReleaseSession" => {
                let request: ReleaseSessionRequest =
                    self.request("ReleaseSessionRequest", exchange);
                let answer = self.client.call("ReleaseSession", request).await;
                answer.map(|response| vec![Answer::Closed(response)])
            }
            "ExecutePlan" => self.execute(exchange).await,
            other => panic!("nothing replays {other}"),
        };
        outcome.map_err(|status| {
            self.last_error = answers::error_id(&status);
            error_class(&status).to_owned()
        })
    }

    async fn release(&self, exchange: &Exchange) -> Result<Vec<Answer>, tonic::Status> {
        let mut request: ReleaseExecuteRequest = self.request("ReleaseExecuteRequest", exchange);
        if let Some(release_execute_request::Release::ReleaseUntil(until)) = &mut request.release
            && let Some(ours) = self.last_responses.get(&request.operation_id)
        {
            until.response_id.clone_from(ours);
        }
        let answer = self.client.call("ReleaseExecute", request).await;
        answer.map(|response| vec![Answer::Released(response)])
    }

    async fn execute(&mut self, exchange: &Exchange) -> Result<Vec<Answer>, tonic::Status> {
        let request: ExecutePlanRequest = self.request("ExecutePlanRequest", exchange);
        let operation = request.operation_id.clone().unwrap_or_default();
        let mut stream = self.client.stream("ExecutePlan", request).await?;
        let mut answers = Vec::new();
        while let Some(response) = stream.next().await {
            let response = response?;
            self.last_responses
                .insert(operation.clone(), response.response_id.clone());
            let is_listening = answers::is_listening(&response);
            answers.push(Answer::Execute(Box::new(response)));
            if is_listening {
                // A listener's stream ends with the listener: whoever waited here would never take it away.
                let rest = stream.collect::<Vec<_>>();
                tokio::spawn(rest);
                break;
            }
        }
        Ok(answers)
    }

    /// Notes which of the server's ids stand for which recorded ones.
    fn learn(&mut self, recorded: &[Answer], ours: &[Answer]) {
        for (recorded, ours) in recorded.iter().zip(ours) {
            if let (Some(recorded), Some(ours)) = (recorded.query_id(), ours.query_id()) {
                self.ids.insert(recorded.0, ours.0);
                self.ids.insert(recorded.1, ours.1);
            }
        }
    }
}

/// Replays a recording; gives the numbers of replayed and of compared requests.
async fn replay(schema: Schema, exchanges: Vec<Exchange>, test: &str) -> (usize, usize) {
    let server = serve().await;
    let client = Client::connect(server.address()).await;
    let mut replay = Replay {
        client,
        schema,
        data: Data::new(),
        ids: BTreeMap::new(),
        last_responses: BTreeMap::new(),
        last_error: None,
    };
    let (mut asked, mut compared, mut different) = (0, 0, Vec::new());
    for exchange in &exchanges {
        if exchange.is_cut {
            let (section, call) = (&exchange.section, &exchange.call);
            println!("SKIPPED {test} `{section}` {call}: its recording was cut off");
            continue;
        }
        let expected = exchange.expected(&replay.schema);
        let found = replay.ask(exchange).await;
        asked += 1;
        if let (Ok(expected), Ok(found)) = (&expected, &found) {
            replay.learn(expected, found);
        }
        if OTHERWISE
            .iter()
            .any(|(section, _)| *section == exchange.section)
        {
            continue;
        }
        compared += 1;
        let (mut expected, found) = (without_ids(expected), without_ids(found));
        match (&mut expected, &found) {
            // Which of two releases an answer belongs to is not in the recording.
            (Ok(expected), Ok(found)) if exchange.call == "ReleaseExecute" => {
                expected.clone_from(found);
            }
            (Ok(expected), _) if answers::begins_listening(expected) => expected.truncate(1),
            _ => {}
        }
        if expected != found {
            different.push(format!(
                "`{}` {}\n  expected {expected:?}\n  found    {found:?}",
                exchange.section, exchange.call
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    server.stop();
    (asked, compared)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_python_client_are_answered_in_sparks_shapes() {
    let test = "requests_of_a_python_client_are_answered_in_sparks_shapes";
    let Some((schema, exchanges)) = recording(test, "wire-python-4.2-client.log") else {
        return;
    };
    let (asked, compared) = replay(schema, exchanges, test).await;
    println!("{asked} requests asked again, {compared} compared");
    assert!(compared > 100, "only {compared} requests were compared");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_scala_shell_are_answered_in_sparks_shapes() {
    let test = "requests_of_a_scala_shell_are_answered_in_sparks_shapes";
    let Some((schema, exchanges)) = recording(test, "wire-scala-4.3-client.log") else {
        return;
    };
    let (asked, compared) = replay(schema, exchanges, test).await;
    println!("{asked} requests asked again, {compared} compared");
    assert!(compared > 30, "only {compared} requests were compared");
}

/// The facts are where a checkout of the project has them, or nowhere.
#[test]
fn the_schema_of_the_facts_encodes_what_our_messages_decode() {
    let test = "the_schema_of_the_facts_encodes_what_our_messages_decode";
    let Ok(messages) = std::fs::read_to_string(facts().join("messages-4.3.txt")) else {
        println!(
            "SKIPPED {test}: no facts at {}",
            Path::new(&facts()).display()
        );
        return;
    };
    let (text, is_cut) = text_format::Text::parse(
        r#"common { plan_id: 7 } range { start: 1 end: -2 step: 1 num_partitions: 3 }"#,
    );
    assert!(!is_cut);
    let bytes = Schema::parse(&(messages + MORE_MESSAGES)).encode("Relation", &text);
    let relation = Relation::decode(bytes.as_slice()).unwrap();
    let Some(relation::RelType::Range(range)) = relation.rel_type else {
        panic!("a range");
    };
    assert_eq!(
        (range.start, range.end, range.num_partitions),
        (Some(1), -2, Some(3))
    );
}
