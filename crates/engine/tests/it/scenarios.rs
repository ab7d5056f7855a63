//! The scenario files, run here; what they expect was recorded from Apache Spark.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use fleuve_engine::progress::StreamingQueryProgress;
use fleuve_engine::query::StreamingQuery;
use fleuve_engine::sink::console::ConsoleOutput;
use fleuve_engine::state::StoreKind;
use fleuve_sql::ir::{ReadSource, Relation, RelationNode, StreamTrigger};
use fleuve_sql::{SparkError, Statement};
use tempfile::TempDir;

use crate::scenario_file::{Block, ScenarioFile, all, json_line};
use crate::support::{World, options, settings, write};

#[derive(Debug, Default)]
struct Printed(Mutex<String>);

impl ConsoleOutput for Printed {
    fn print(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }
}

/// One scenario on a server of its own.
struct Run {
    world: World,
    printed: Arc<Printed>,
    folder: TempDir,
    /// The columns of each stream.
    streams: BTreeMap<String, String>,
    /// Views that are made when the query starts, in order.
    definitions: Vec<(String, Block)>,
    mode: String,
    query_text: String,
    query: Option<Arc<StreamingQuery>>,
    files: u32,
}

impl Run {
    fn new(state_partitions: u32, state_store: StoreKind) -> Self {
        let printed = Arc::new(Printed::default());
        let settings = fleuve_engine::query::EngineSettings {
            console: Arc::clone(&printed) as _,
            state_partitions,
            state_store,
            ..settings()
        };
        let world = World::new(settings);
        set(&world, "spark.sql.session.timeZone", "UTC");
        Self {
            world,
            printed,
            folder: TempDir::new().unwrap(),
            streams: BTreeMap::new(),
            definitions: Vec::new(),
            mode: "append".to_owned(),
            query_text: String::new(),
            query: None,
            files: 0,
        }
    }

    /// What each step gave.
    async fn results(mut self, file: &ScenarioFile) -> Vec<Vec<String>> {
        let mut results = Vec::new();
        let mut feeds: Vec<&Block> = Vec::new();
        for command in &file.commands {
            if command.word == "also" {
                feeds.push(command);
                continue;
            }
            if !feeds.is_empty() {
                results.push(self.step(&std::mem::take(&mut feeds)).await);
            }
            match command.word.as_str() {
                "feed" => feeds.push(command),
                "restart" => self.stop().await,
                _ => self.define(command).await,
            }
        }
        if !feeds.is_empty() {
            results.push(self.step(&feeds).await);
        }
        self.stop().await;
        results
    }

    async fn define(&mut self, command: &Block) {
        match command.word.as_str() {
            "stream" => self.stream(command).await,
            "table" => self.table(command).await,
            "conf" => {
                let (key, value) = command.rest.split_once(" = ").unwrap();
                set(&self.world, key, value);
            }
            "mode" => self.mode.clone_from(&command.rest),
            "query" => self.query_text = command.text(),
            "watermark" | "distinct" | "view" => {
                let name = command.rest.split(' ').next().unwrap().to_owned();
                self.definitions.retain(|(known, _)| *known != name);
                self.definitions.push((name, command.clone()));
            }
            other => panic!("what is {other}?"),
        }
    }

    async fn stream(&mut self, command: &Block) {
        let (name, columns) = command.rest.split_once(": ").unwrap();
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        self.streams.insert(name.to_owned(), columns.to_owned());
        let read = json(folder, columns, true);
        self.put_view(name, &read).await.unwrap();
    }

    async fn table(&mut self, command: &Block) {
        let (name, columns) = command.rest.split_once(": ").unwrap();
        let path = self.folder.path().join(format!("{name}.json"));
        let lines: String = command
            .body
            .iter()
            .map(|row| json_line(columns, row))
            .collect();
        std::fs::write(&path, lines).unwrap();
        let read = json(path, columns, false);
        self.put_view(name, &read).await.unwrap();
    }

    async fn put_view(&self, name: &str, relation: &Relation) -> Result<(), SparkError> {
        let plan = self.world.session.analyze(relation).await?;
        self.world
            .session
            .with_catalog(|catalog| catalog.put_view(name, Arc::new(plan), true))
    }

    fn sql(&self, text: &str) -> Result<Relation, SparkError> {
        let parsed = self.world.session.parse_sql(text, &BTreeMap::new(), &[])?;
        match parsed {
            Statement::Query(relation) => Ok(relation),
            Statement::Command(command) => panic!("{command:?} is no query"),
        }
    }

    fn defined(&self, command: &Block) -> Result<Relation, SparkError> {
        let text = command.text();
        let (_, definition) = text.split_once(" = ").unwrap();
        match command.word.as_str() {
            "view" => self.sql(definition),
            "watermark" => {
                let (input, by) = definition.split_once(" by ").unwrap();
                let (column, delay) = by.split_once(", ").unwrap();
                Ok(Relation::new(RelationNode::WithWatermark {
                    input: self.sql(&format!("SELECT * FROM {input}"))?,
                    event_time: column.to_owned(),
                    delay: delay.to_owned(),
                }))
            }
            _ => {
                let (input, on) = definition.split_once(" on ").unwrap();
                let columns = on.strip_suffix(" within watermark");
                Ok(Relation::new(RelationNode::Deduplicate {
                    input: self.sql(&format!("SELECT * FROM {input}"))?,
                    columns: columns
                        .unwrap_or(on)
                        .split(", ")
                        .map(str::to_owned)
                        .collect(),
                    all_columns: false,
                    within_watermark: columns.is_some(),
                }))
            }
        }
    }

    async fn step(&mut self, feeds: &[&Block]) -> Vec<String> {
        if feeds.len() > 1 {
            self.stop().await;
        }
        for feed in feeds {
            self.feed(feed);
        }
        self.printed.0.lock().unwrap().clear();
        let refused = self.run().await.err().map(|error| refusal(&error));
        let mut lines = self.batches();
        if refused.is_some() {
            self.query = None;
        }
        lines.extend(refused);
        lines
    }

    fn feed(&mut self, feed: &Block) {
        let columns = &self.streams[&feed.rest];
        let lines: String = feed
            .body
            .iter()
            .map(|row| json_line(columns, row))
            .collect();
        self.files += 1;
        let hidden = self.folder.path().join(self.files.to_string());
        std::fs::write(&hidden, lines).unwrap();
        let folder = self.folder.path().join(&feed.rest);
        std::fs::rename(hidden, folder.join(format!("{:04}.json", self.files))).unwrap();
    }

    async fn run(&mut self) -> Result<(), SparkError> {
        if self.query.is_none() {
            self.query = Some(self.start().await?);
        }
        let query = self.query.as_ref().expect("it was started above");
        query.process_all_available().await
    }

    async fn start(&self) -> Result<Arc<StreamingQuery>, SparkError> {
        for (name, definition) in &self.definitions {
            self.put_view(name, &self.defined(definition)?).await?;
        }
        let checkpoint = self.folder.path().join("checkpoint");
        let mut request = write(
            "console",
            &[
                ("truncate", "false"),
                ("numRows", "10000"),
                ("checkpointLocation", checkpoint.to_str().unwrap()),
            ],
        );
        request.input = self.sql(&self.query_text)?;
        request.output_mode.clone_from(&self.mode);
        request.trigger = StreamTrigger::AsSoonAsPossible;
        let world = &self.world;
        world
            .manager
            .start("session", &world.session, &request)
            .await
    }

    async fn stop(&mut self) {
        if let Some(query) = self.query.take() {
            query.stop().await;
        }
    }

    /// The batches that were printed since the step began.
    fn batches(&self) -> Vec<String> {
        let progress = self
            .query
            .as_ref()
            .map(|query| query.recent_progress())
            .unwrap_or_default();
        let printed = self.printed.0.lock().unwrap();
        let mut lines = Vec::new();
        for batch in printed.split("Batch: ").skip(1) {
            let (number, table) = batch.split_once('\n').unwrap();
            let report = progress.iter().find(|p| p.batch_id.to_string() == number);
            lines.push(head(number, report));
            lines.extend(rows(table).into_iter().map(|row| format!("  {row}")));
        }
        lines
    }
}

fn set(world: &World, key: &str, value: &str) {
    world
        .session
        .with_configuration(|configuration| configuration.set(key, value))
        .unwrap();
}

fn json(path: PathBuf, columns: &str, is_streaming: bool) -> Relation {
    Relation::new(RelationNode::Read {
        source: ReadSource::DataSource {
            format: Some("json".to_owned()),
            schema: Some(columns.to_owned()),
            options: options(&[("maxFilesPerTrigger", "1")]),
            paths: vec![path.to_str().unwrap().to_owned()],
            predicates: Vec::new(),
        },
        is_streaming,
    })
}

fn head(number: &str, report: Option<&StreamingQueryProgress>) -> String {
    let mut head = format!("batch {number}");
    let Some(report) = report else { return head };
    if let Some(watermark) = report.event_time.get("watermark") {
        head += &format!(", watermark {watermark}");
    }
    for state in &report.state_operators {
        head += &format!(
            ", {} {} rows {} updated {} removed {} dropped",
            state.operator_name,
            state.num_rows_total,
            state.num_rows_updated,
            state.num_rows_removed,
            state.num_rows_dropped_by_watermark
        );
    }
    head
}

/// The rows of a table that `show` printed, sorted.
fn rows(table: &str) -> Vec<String> {
    let mut rows: Vec<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim_end).collect();
            cells.join(" | ")
        })
        .collect();
    rows.sort();
    rows
}

/// An error as scenario files show it: of a query that failed later its inner class alone.
fn refusal(error: &SparkError) -> String {
    if error.class() == "STREAM_FAILED" {
        let text = error.to_string();
        let class = regex::Regex::new(r"\[([A-Z_0-9.]+)\] ").unwrap();
        let inner = class
            .captures_iter(&text)
            .map(|found| found[1].to_owned())
            .find(|class| class != "STREAM_FAILED");
        return format!("refused {}", inner.unwrap_or_else(|| text.clone()));
    }
    let message = error.message();
    let class = format!("[{}] ", error.class());
    let message = message.strip_prefix(&class).unwrap_or(&message);
    let message = message.split(";\n").next().unwrap_or_default();
    let message = message.split('\n').next().unwrap_or_default();
    let message = message.split(" SQLSTATE").next().unwrap_or_default();
    format!("refused {}: {}", error.class(), message.trim())
}

/// Whether a step came out as it should. Where Spark finds out later and tells the class alone, a
/// text is no difference.
fn same(expected: Option<&Vec<String>>, found: Option<&Vec<String>>) -> bool {
    let (Some(expected), Some(found)) = (expected, found) else {
        return expected == found;
    };
    let class = |line: &str| line.split(": ").next().map(str::to_owned);
    expected.len() == found.len()
        && expected.iter().zip(found).all(|(expected, found)| {
            expected == found
                || (expected.starts_with("refused ") && class(found).as_ref() == Some(expected))
        })
}

/// Says where `found` is not what the file has.
fn difference(file: &ScenarioFile, kept: &str, found: &[Vec<String>]) -> Option<String> {
    let step = (0..file.expected.len().max(found.len()))
        .find(|step| !same(file.expected.get(*step), found.get(*step)))?;
    let show = |lines: Option<&Vec<String>>| lines.map_or(String::new(), |lines| lines.join("\n"));
    Some(format!(
        "{}, state in {kept}, step {step}: Spark says\n{}\nand here it is\n{}\n",
        file.name,
        show(file.expected.get(step)),
        show(found.get(step))
    ))
}

/// Runs `files`, and says where they give something else than Spark.
async fn differences(files: &[ScenarioFile], partitions: u32, store: StoreKind) -> String {
    let mut differences = Vec::new();
    for file in files {
        let found = Run::new(partitions, store).results(file).await;
        differences.extend(difference(file, &format!("{partitions} {store}"), &found));
    }
    match differences.is_empty() {
        true => String::new(),
        false => format!(
            "{} differences\n{}",
            differences.len(),
            differences.join("\n")
        ),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_gives_in_every_batch_what_spark_gives() {
    let files = all();
    for partitions in [1, 4] {
        let found = differences(&files, partitions, StoreKind::Memory).await;
        assert_eq!(found, "", "in {} scenarios", files.len());
    }
}

/// One in so many scenarios is run with state in a tree, and all at a larger scale.
const IN_A_TREE_ONE_IN: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenarios_give_the_same_with_state_in_a_tree() {
    let scale = std::env::var("FLEUVE_TEST_SCALE").is_ok();
    let one_in = if scale { 1 } else { IN_A_TREE_ONE_IN };
    let files: Vec<ScenarioFile> = all().into_iter().step_by(one_in).collect();
    let found = differences(&files, 3, StoreKind::Fjall).await;
    assert_eq!(found, "", "in {} scenarios", files.len());
}
