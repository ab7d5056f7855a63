//! `fleuve produce`: lines, or JSON lines, become records.
//!
//! Records are acknowledged in order, so the first that fails is the first that is told, and what
//! stood before it is written. Start at [`run`].

mod input;
mod written;

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use fleuve_client::admin::NewTopic;
use fleuve_client::{Admin, Config, Delivery, Producer, ProducerRecord};
use fleuve_model::{PartitionId, TopicName};
use tokio::fs::File;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};

use super::cluster::{self, ClusterOptions, OutputOptions, plain};
use super::terminal::{Problem, Progress, Terminal};
use input::{Input, LineProblem};
use written::Written;

/// How many records may wait for their acknowledgement.
const WAITING_MAX: usize = 20_000;

const EXAMPLES: &str = "\
Examples:
  echo hello | fleuve produce greetings
  fleuve produce orders --key 42 --value '{\"total\": 12.5}'
  fleuve produce orders --key-separator : --file orders.txt
  fleuve consume orders -o json | fleuve produce copy --json --create";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProduceArguments {
    /// The topic to write to.
    topic: String,
    /// One record with this value, instead of lines of standard input.
    #[arg(long, short, value_name = "TEXT", conflicts_with_all = ["file", "json", "key_separator"])]
    value: Option<String>,
    /// The key of every record.
    #[arg(long, short, value_name = "TEXT", conflicts_with = "key_separator")]
    key: Option<String>,
    /// What stands between key and value in a line; the first one counts.
    #[arg(long, short = 's', value_name = "TEXT", conflicts_with = "json")]
    key_separator: Option<String>,
    /// A header of every record; may be repeated.
    #[arg(long, short = 'H', value_name = "KEY=VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// The partition; without it the key decides, or the producer.
    #[arg(long, short, value_name = "NUMBER", allow_negative_numbers = true)]
    partition: Option<i32>,
    /// A file to read instead of standard input.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Each line is a JSON object with value, and perhaps key, headers, partition and timestamp, as
    /// `fleuve consume --output json` prints them. A value of null is a tombstone.
    #[arg(long, short)]
    json: bool,
    /// Create the topic first if it does not exist.
    #[arg(long)]
    create: bool,
    /// How batches are compressed.
    #[arg(long, short = 'z', value_name = "CODEC", value_parser = ["none", "gzip", "snappy", "lz4", "zstd"])]
    compression: Option<String>,
    /// Who must have a record before it counts as written.
    #[arg(long, value_name = "ACKS", value_parser = ["0", "1", "all"])]
    acks: Option<String>,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

pub(crate) fn run(arguments: ProduceArguments) -> anyhow::Result<ExitCode> {
    cluster::run(arguments.output.output, async |mut terminal| {
        produce(&arguments, &mut terminal).await
    })
}

async fn produce(
    arguments: &ProduceArguments,
    terminal: &mut Terminal,
) -> Result<ExitCode, Problem> {
    let topic = prepare(arguments).await?;
    let producer = Producer::new(&config(arguments)?)?;
    let mut sending = Sending::new(&producer, arguments.file.is_some());
    let input = Input::new(topic, arguments)?;
    let read = match &arguments.value {
        Some(value) => send_value(value, &input, &mut sending).await,
        None => send_all(arguments, &input, &mut sending, terminal).await,
    };
    let acknowledged = sending.finish().await;
    let Sending { written, .. } = sending;
    producer.close().await;
    let is_interrupted = match (read, acknowledged) {
        (Ok(is_interrupted), Ok(())) => is_interrupted,
        (Err(problem), _) | (Ok(_), Err(problem)) => {
            return Err(problem.next(written.so_far()));
        }
    };
    terminal.show(&written.report(&arguments.topic))?;
    match is_interrupted {
        true => Ok(ExitCode::from(super::INTERRUPTED)),
        false => Ok(ExitCode::SUCCESS),
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = pair.ok_or("write KEY=VALUE, such as source=test")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Makes sure that the topic is there, and that it has the partition.
async fn prepare(arguments: &ProduceArguments) -> Result<TopicName, Problem> {
    let name = TopicName::new(&arguments.topic)
        .map_err(|error| Problem::new(format!("{}: {error}", arguments.topic)))?;
    let admin = arguments.cluster.admin_beside().await?;
    let found = super::topic::named(&admin, std::slice::from_ref(&arguments.topic)).await;
    let topic = match found {
        Ok(mut topics) => topics.remove(0),
        Err(_) if arguments.create => {
            create(&admin, &arguments.topic).await?;
            admin.close();
            return Ok(name);
        }
        Err(problem) => {
            return Err(problem.next("or add --create, which makes it first"));
        }
    };
    admin.close();
    let partitions = topic.partitions.len();
    match arguments.partition {
        Some(asked) if usize::try_from(asked).is_ok_and(|asked| asked < partitions) => Ok(name),
        None => Ok(name),
        Some(asked) => Err(Problem::new(format!(
            "topic {} has no partition {asked}",
            arguments.topic
        ))
        .because(format!("it has {partitions}, the first of which is 0"))),
    }
}

async fn create(admin: &Admin, name: &str) -> Result<(), Problem> {
    let new = NewTopic {
        name: name.to_owned(),
        ..NewTopic::default()
    };
    for result in admin.create_topics(&[new], false).await?.into_values() {
        result?;
    }
    Ok(())
}

fn config(arguments: &ProduceArguments) -> Result<Config, Problem> {
    let mut config = arguments.cluster.config()?;
    let settings = [
        ("compression.type", &arguments.compression),
        ("acks", &arguments.acks),
    ];
    for (key, value) in settings {
        if let Some(value) = value {
            config = config.set(key, value.as_str());
        }
    }
    if arguments.acks.as_deref().is_some_and(|acks| acks != "all") {
        config = config.set_default("enable.idempotence", "false");
    }
    Ok(config)
}

async fn send_value(
    value: &str,
    input: &Input,
    sending: &mut Sending<'_>,
) -> Result<bool, Problem> {
    let record = input.record_of_value(Bytes::copy_from_slice(value.as_bytes()));
    sending.send(record, None).await?;
    Ok(false)
}

/// Sends every line; true if Ctrl-C came before the end.
async fn send_all(
    arguments: &ProduceArguments,
    input: &Input,
    sending: &mut Sending<'_>,
    terminal: &mut Terminal,
) -> Result<bool, Problem> {
    if let Some(path) = &arguments.file {
        let unreadable =
            |why: String| Problem::new(format!("{} cannot be read", path.display())).because(why);
        if path.is_dir() {
            return Err(unreadable("it is a folder".to_owned()));
        }
        let file = File::open(path)
            .await
            .map_err(|error| unreadable(plain(&error)))?;
        return send_lines(BufReader::new(file), input, sending).await;
    }
    if std::io::stdin().is_terminal() {
        terminal.note("Each line becomes a record; Ctrl-D ends.")?;
    } else {
        sending.show_progress();
    }
    send_lines(BufReader::new(tokio::io::stdin()), input, sending).await
}

async fn send_lines(
    mut lines: impl AsyncBufRead + Unpin,
    input: &Input,
    sending: &mut Sending<'_>,
) -> Result<bool, Problem> {
    let mut line = Vec::new();
    for number in 1u64.. {
        line.clear();
        let read = tokio::select! {
            read = lines.read_until(b'\n', &mut line) => read?,
            _ = tokio::signal::ctrl_c() => return Ok(true),
        };
        if read == 0 {
            break;
        }
        let record = input
            .record(trimmed(&line))
            .map_err(|problem| of_line(problem, number))?;
        sending.send(record, Some(number)).await?;
    }
    Ok(false)
}

/// A line without its end.
fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn of_line(problem: LineProblem, number: u64) -> Problem {
    let told = Problem::new(format!("line {number} is no record")).because(problem.to_string());
    match problem.advice() {
        Some(advice) => told.next(advice),
        None => told,
    }
}

/// Records under way.
struct Sending<'a> {
    producer: &'a Producer,
    waiting: VecDeque<(Delivery, Option<u64>)>,
    written: Written,
    progress: Progress,
}

impl<'a> Sending<'a> {
    fn new(producer: &'a Producer, shows_progress: bool) -> Sending<'a> {
        Sending {
            producer,
            waiting: VecDeque::new(),
            written: Written::default(),
            progress: Progress::new("Wrote", shows_progress),
        }
    }

    fn show_progress(&mut self) {
        self.progress = Progress::new("Wrote", true);
    }

    async fn send(&mut self, record: ProducerRecord, line: Option<u64>) -> Result<(), Problem> {
        let bytes = [&record.key, &record.value]
            .iter()
            .filter_map(|part| Some(part.as_ref()?.len() as u64))
            .sum();
        let sent = self.producer.send(record).await;
        let delivery = sent.map_err(|error| failed(error.into(), line))?;
        self.waiting.push_back((delivery, line));
        self.progress.add(1, bytes);
        if self.waiting.len() >= WAITING_MAX {
            self.acknowledge_one().await?;
        }
        Ok(())
    }

    async fn acknowledge_one(&mut self) -> Result<(), Problem> {
        let Some((delivery, line)) = self.waiting.pop_front() else {
            return Ok(());
        };
        let metadata = delivery
            .wait()
            .await
            .map_err(|error| failed(error.into(), line))?;
        self.written.note(&metadata);
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), Problem> {
        self.producer.flush().await;
        let mut first = Ok(());
        while !self.waiting.is_empty() {
            let done = self.acknowledge_one().await;
            first = first.and(done);
        }
        self.progress.finish();
        first
    }
}

fn failed(problem: Problem, line: Option<u64>) -> Problem {
    match line {
        Some(line) => problem.at(format!("line {line}")),
        None => problem,
    }
}

/// The partition that was asked for.
fn partition(number: Option<i32>) -> Option<PartitionId> {
    number.and_then(PartitionId::from_wire)
}
