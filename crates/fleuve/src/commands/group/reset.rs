//! `fleuve group reset`: where a group that nobody is in goes on.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use fleuve_client::{Admin, OffsetSpec};
use fleuve_model::TopicPartition;
use serde_json::{Value, json};

use crate::commands::start::Start;
use crate::commands::terminal::{Align, Block, Cell, Problem, Report, Style, Table, Terminal};
use crate::tasks::group_offsets::committed;
use crate::tasks::reset_offsets::{self, Moved, Offsets, ResetError, ResetTo};

#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("target").required(true).args(["to", "shift_by", "from_file"])))]
pub(crate) struct ResetArguments {
    /// The group, which nobody may be in.
    #[arg(value_name = "GROUP")]
    name: String,
    /// The topic, or TOPIC:0,1 for some of its partitions; may be repeated. Without it all that the
    /// group has committed.
    #[arg(long, short, value_name = "TOPIC")]
    topic: Vec<String>,
    /// beginning, end, current, an offset, a time (2026-01-31T12:00:00Z or @MILLISECONDS), or how
    /// long ago (15m, 2h, 1d).
    #[arg(long, value_name = "WHERE", value_parser = target, allow_hyphen_values = true)]
    to: Option<Target>,
    /// So many records further on, or back if negative.
    #[arg(long, value_name = "RECORDS", allow_negative_numbers = true)]
    shift_by: Option<i64>,
    /// A file with lines of TOPIC,PARTITION,OFFSET, as kafka-consumer-groups --export writes them.
    #[arg(long, value_name = "FILE", conflicts_with = "topic")]
    from_file: Option<PathBuf>,
    /// Do it, instead of only showing it.
    #[arg(long)]
    execute: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Current,
    Start(Start),
}

fn target(text: &str) -> Result<Target, String> {
    match text {
        "current" => Ok(Target::Current),
        text => match text.parse()? {
            Start::Last(_) => Err("to go back by records there is --shift-by".to_owned()),
            start => Ok(Target::Start(start)),
        },
    }
}

pub(super) async fn run(
    admin: &Admin,
    arguments: &ResetArguments,
    terminal: &mut Terminal,
) -> Result<(), Problem> {
    let name = &arguments.name;
    let state = reset_offsets::state(admin, name).await?;
    if state == "Dead" && arguments.topic.is_empty() && arguments.from_file.is_none() {
        return Err(super::missing(admin, name)
            .await?
            .next("to make one that goes on there, name its topics with --topic"));
    }
    if state != "Dead" && state != "Empty" {
        return Err(Problem::new(format!("group {name} has members"))
            .because(format!(
                "it is {state}, and members would go on from where they are"
            ))
            .next(format!(
                "stop them first; `fleuve group describe {name}` shows them"
            )));
    }
    let (offsets, moved) = new_offsets(admin, arguments).await?;
    let before = committed(admin, name).await?;
    if arguments.execute {
        reset_offsets::commit(admin, name, &offsets).await?;
    }
    let old = |partition: &TopicPartition| Some(before.get(partition)?.offset.value());
    terminal.show(&report(arguments, &offsets, &moved, &old))?;
    if !arguments.execute && !offsets.is_empty() {
        terminal.note("Nothing has changed yet: add --execute to do it.")?;
    }
    Ok(())
}

async fn new_offsets(
    admin: &Admin,
    arguments: &ResetArguments,
) -> Result<(Offsets, Vec<Moved>), Problem> {
    let name = &arguments.name;
    if let Some(path) = &arguments.from_file {
        let wanted = from_file(path, name)?;
        return Ok(reset_offsets::within_log(admin, wanted).await?);
    }
    let partitions = match arguments.topic.as_slice() {
        [] => committed(admin, name).await?.into_keys().collect(),
        topics => super::partitions(admin, topics).await?,
    };
    let to = match (arguments.to, arguments.shift_by) {
        (_, Some(shift)) => ResetTo::ShiftBy(shift),
        (Some(Target::Start(Start::Offset(offset))), _) => ResetTo::Offset(offset),
        (Some(Target::Start(start)), _) => ResetTo::Spec(start.spec()),
        (Some(Target::Current), None) => ResetTo::Current,
        (None, None) => ResetTo::Spec(OffsetSpec::Latest),
    };
    match reset_offsets::new_offsets(admin, name, partitions, to).await {
        Ok(found) => Ok(found),
        Err(ResetError::Client(error)) => Err(error.into()),
        Err(ResetError::NothingCommitted(partition)) => Err(Problem::new(format!(
            "group {name} has nothing committed for {partition}"
        ))
        .because("there is nothing to shift")
        .next("say where it goes on with --to")),
    }
}

fn from_file(path: &std::path::Path, group: &str) -> Result<Offsets, Problem> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Problem::new(format!("{shown} cannot be read")).because(error.to_string())
    })?;
    let mut offsets = Offsets::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let (of_group, partition, offset) = reset_offsets::parse_line(line).ok_or_else(|| {
            Problem::new(format!("{shown}, line {number}: {line}"))
                .because("it is not TOPIC,PARTITION,OFFSET")
        })?;
        if of_group.is_none_or(|of_group| of_group == group) {
            offsets.insert(partition, offset);
        }
    }
    Ok(offsets)
}

fn report(
    arguments: &ResetArguments,
    offsets: &Offsets,
    moved: &[Moved],
    old: &dyn Fn(&TopicPartition) -> Option<i64>,
) -> Report {
    let new_head = if arguments.execute { "NOW" } else { "WOULD BE" };
    let mut table = Table::new(&[
        ("TOPIC", Align::Left),
        ("PARTITION", Align::Right),
        ("BEFORE", Align::Right),
        (new_head, Align::Right),
    ]);
    let mut values = Vec::new();
    for (partition, offset) in offsets {
        table.row(vec![
            Cell::new(&partition.topic),
            Cell::new(partition.partition),
            Cell::optional(old(partition)),
            Cell::styled(offset, Style::Name),
        ]);
        values.push(json!({
            "topic": partition.topic.as_str(),
            "partition": partition.partition.value(),
            "before": old(partition),
            "offset": offset,
        }));
    }
    let mut blocks = vec![match table.is_empty() {
        true => Block::Line(format!("Group {} has nothing to reset.", arguments.name)),
        false => Block::Table(table),
    }];
    blocks.extend(moved.iter().map(|moved| {
        let (partition, set) = (&moved.partition, moved.set);
        let line = match moved.asked {
            Some(asked) => {
                format!("{partition} has no offset {asked}: {set} is the nearest it has.")
            }
            None => format!("{partition} has no record so late: {set} is its end."),
        };
        Block::Line(line)
    }));
    let value = json!({
        "group": arguments.name,
        "executed": arguments.execute,
        "partitions": Value::Array(values),
    });
    Report { value, blocks }
}
