//! `fleuve consume`: prints the records of topics.
//!
//! Without `--follow` it ends where the partitions ended when it began. Alone it reads every
//! partition by itself; as a member of a group it reads what the group gives it, and commits what
//! it has printed. Start at [`run`].

mod alone;
mod member;
mod printing;
mod template;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use fleuve_client::metadata::Topic;
use fleuve_client::{Config, Consumer, ConsumerRecord};
use fleuve_model::{PartitionId, TopicPartition};

use super::cluster::{self, ClusterOptions};
use super::start::Start;
use super::terminal::{Format, Problem, Progress, Terminal, thousands};
use printing::Printer;
use template::Template;

/// The most records that one poll gives.
const POLL_RECORDS_MAX: &str = "2000";

const EXAMPLES: &str = "\
Examples:
  fleuve consume orders
  fleuve consume orders --follow --format '%d %k %v'
  fleuve consume orders --from 2h --output json
  fleuve consume orders --group billing";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConsumeArguments {
    /// The topics to read.
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,
    /// Where to begin: beginning, end, an offset such as 42, -10 for the last ten of each partition,
    /// a time (2026-01-31T12:00:00Z or @MILLISECONDS), or how long ago (15m, 2h, 1d). Without it
    /// beginning, with --follow end, with --group where the group is.
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true)]
    from: Option<Start>,
    /// Wait for more records at the end, until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
    /// Stop after so many records.
    #[arg(
        long,
        short = 'n',
        visible_alias = "max-messages",
        value_name = "RECORDS",
        allow_negative_numbers = true
    )]
    count: Option<u64>,
    /// Read only this partition; may be repeated.
    #[arg(
        long,
        short,
        value_name = "NUMBER",
        allow_negative_numbers = true,
        conflicts_with = "group"
    )]
    partition: Vec<i32>,
    /// Read as a member of this group: go on where it stopped, and commit what was printed.
    #[arg(long, short, value_name = "GROUP", value_parser = NonEmptyStringValueParser::new())]
    group: Option<String>,
    /// How a record is printed: %v value, %k key, %t topic, %p partition, %o offset, %h headers,
    /// %T timestamp, %d date and time, %V and %K the sizes, %% a percent sign, \t and \n.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["output", "json_values"])]
    format: Option<Template>,
    /// The form of what is printed: only values, unless it is said.
    #[arg(long, short, value_enum, value_name = "FORM")]
    output: Option<Format>,
    /// With --output json: values that are JSON stand as such, not as text.
    #[arg(long)]
    json_values: bool,
    /// Which records are read, where there are transactions.
    #[arg(long, value_name = "LEVEL", value_parser = ["read_uncommitted", "read_committed"])]
    isolation_level: Option<String>,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// How reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// At the end, or with enough records.
    Done,
    /// By Ctrl-C.
    Interrupted,
}

pub(crate) fn run(arguments: ConsumeArguments) -> anyhow::Result<ExitCode> {
    let format = arguments.output.unwrap_or_default();
    cluster::run(format, async |mut terminal| {
        consume(&arguments, &mut terminal).await
    })
}

async fn consume(
    arguments: &ConsumeArguments,
    terminal: &mut Terminal,
) -> Result<ExitCode, Problem> {
    let admin = arguments.cluster.admin_beside().await?;
    let topics = super::topic::named(&admin, &arguments.topics).await?;
    let mut reading = Reading::new(arguments, terminal)?;
    let ended = match &arguments.group {
        Some(_) => member::read(arguments, &topics, &mut reading).await,
        None => alone::read(arguments, &topics, &mut reading).await,
    };
    admin.close();
    reading.progress.finish();
    let printed = reading.printed;
    let flushed = terminal.output.flush();
    let ended = ended?;
    flushed?;
    say_if_nothing(arguments, printed, ended, terminal)?;
    match ended {
        Ended::Interrupted => Ok(ExitCode::from(super::INTERRUPTED)),
        Ended::Done => Ok(ExitCode::SUCCESS),
    }
}

/// Silence should have a reason.
fn say_if_nothing(
    arguments: &ConsumeArguments,
    printed: u64,
    ended: Ended,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    if printed > 0 || ended == Ended::Interrupted || arguments.count == Some(0) {
        return Ok(());
    }
    let topics = arguments.topics.join(", ");
    terminal.note(&match (&arguments.group, arguments.from) {
        (Some(group), _) => {
            format!("Group {group} has read all of {topics}. --follow waits for more.")
        }
        (None, None | Some(Start::Beginning)) => {
            format!("There are no records in {topics} yet. --follow waits for them.")
        }
        (None, Some(_)) => {
            format!("There are no records in {topics} from there on. --follow waits for more.")
        }
    })?;
    Ok(())
}

/// What both ways of reading share: printing, counting, and when it is enough.
struct Reading<'a> {
    printer: Printer,
    terminal: &'a mut Terminal,
    progress: Progress,
    printed: u64,
    wanted: u64,
}

impl Reading<'_> {
    fn new<'a>(
        arguments: &ConsumeArguments,
        terminal: &'a mut Terminal,
    ) -> Result<Reading<'a>, Problem> {
        // On a terminal the records themselves are the progress.
        let shows_progress = !std::io::stdout().is_terminal();
        Ok(Reading {
            printer: Printer::new(arguments, terminal.paint),
            terminal,
            progress: Progress::new("Read", shows_progress),
            printed: 0,
            wanted: arguments.count.unwrap_or(u64::MAX),
        })
    }

    fn is_enough(&self) -> bool {
        self.printed >= self.wanted
    }

    /// Prints records until there are enough; gives those that were printed.
    fn print<'r>(
        &mut self,
        records: &'r [ConsumerRecord],
    ) -> Result<&'r [ConsumerRecord], Problem> {
        let room = usize::try_from(self.wanted - self.printed).unwrap_or(usize::MAX);
        let records = &records[..records.len().min(room)];
        for record in records {
            self.printer.print(record, &mut self.terminal.output)?;
            let size = record.value.as_ref().map_or(0, |value| value.len() as u64);
            self.progress.add(1, size);
        }
        self.printed += records.len() as u64;
        if !records.is_empty() {
            self.terminal.output.flush()?;
        }
        Ok(records)
    }
}

fn config(arguments: &ConsumeArguments) -> Result<Config, Problem> {
    let mut config = arguments
        .cluster
        .config()?
        .set_default("max.poll.records", POLL_RECORDS_MAX)
        .set("allow.auto.create.topics", "false");
    if let Some(level) = &arguments.isolation_level {
        config = config.set("isolation.level", level.as_str());
    }
    Ok(config)
}

/// The partitions to read.
fn partitions(
    arguments: &ConsumeArguments,
    topics: &[Topic],
) -> Result<Vec<TopicPartition>, Problem> {
    let mut found = Vec::new();
    for topic in topics {
        for number in &arguments.partition {
            let exists = PartitionId::from_wire(*number).and_then(|id| topic.partition(id));
            if exists.is_none() {
                let (name, count) = (&topic.name, topic.partitions.len());
                let what = format!("topic {name} has no partition {number}");
                let why = format!("it has {count}, the first of which is 0");
                return Err(Problem::new(what).because(why));
            }
        }
        let is_meant = |id: PartitionId| {
            arguments.partition.is_empty() || arguments.partition.contains(&id.value())
        };
        let meant = topic.partitions.iter().filter(|p| is_meant(p.id));
        found.extend(meant.map(|p| TopicPartition::new(topic.name.clone(), p.id)));
    }
    Ok(found)
}

/// Whether every partition has been read to its end.
fn has_reached(consumer: &Consumer, ends: &BTreeMap<TopicPartition, i64>) -> bool {
    ends.iter().all(|(partition, end)| {
        let position = consumer.position(partition);
        position.is_some_and(|position| position.value() >= *end)
    })
}

/// `1,234 records`.
fn counted(records: u64) -> String {
    match records {
        1 => "1 record".to_owned(),
        records => format!("{} records", thousands(records)),
    }
}
