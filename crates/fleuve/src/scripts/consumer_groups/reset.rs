//! `--reset-offsets`: where a group that nobody is in goes on.

use std::collections::BTreeMap;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use fleuve_client::{Admin, OffsetSpec};
use fleuve_model::Timestamp;

use super::super::grammar::Given;
use super::super::script::{Console, Failure};
use crate::tasks::group_offsets::committed;
use crate::tasks::reset_offsets::{self, Offsets, ResetError, ResetTo};
use crate::tasks::times::{parse_datetime, parse_duration};

/// Of each group, where each partition goes on.
type Plan = BTreeMap<String, Offsets>;

/// The options of which one says what the new offsets are.
const SCENARIOS: [&str; 8] = [
    "to-offset",
    "shift-by",
    "to-datetime",
    "by-duration",
    "to-earliest",
    "to-latest",
    "to-current",
    "from-file",
];

pub(super) async fn run(
    admin: &Admin,
    given: &Given,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    check(given, console)?;
    let mut plan = Plan::new();
    for group in super::groups(admin, given).await? {
        let state = reset_offsets::state(admin, &group).await?;
        if state != "Empty" && state != "Dead" {
            writeln!(
                console.output,
                "\nError: Assignments can only be reset if the group '{group}' is inactive, but the \
                 current state is {state}."
            )?;
            plan.insert(group, BTreeMap::new());
            continue;
        }
        let offsets = new_offsets(admin, given, &group, console).await?;
        if given.has("execute") {
            reset_offsets::commit(admin, &group, &offsets).await?;
        }
        plan.insert(group, offsets);
    }
    if given.has("export") {
        export(&plan, console)
    } else {
        print(&plan, console)
    }
}

fn check(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    if !given.has("dry-run") && !given.has("execute") {
        writeln!(
            console.errors,
            "WARN: No action will be performed as the --execute option is missing. Add --dry-run to \
             say that this is meant."
        )?;
    }
    let scenarios = given.present(&SCENARIOS);
    if let [first, second, ..] = scenarios.as_slice() {
        return Err(Failure::Usage(format!(
            "Option \"[{first}]\" can't be used with option \"[{second}]\""
        )));
    }
    if scenarios.is_empty() {
        return Err(Failure::Usage(
            "Option '[reset-offsets]' requires one of the following scenarios: [to-offset], \
             [shift-by], [to-datetime], [by-duration], [to-earliest], [to-latest], [to-current], \
             [from-file]"
                .to_owned(),
        ));
    }
    if !given.has("from-file") && !given.has("topic") && !given.has("all-topics") {
        let message = "One of the reset scopes should be defined: --all-topics, --topic.";
        return Err(Failure::Usage(message.to_owned()));
    }
    Ok(())
}

async fn new_offsets(
    admin: &Admin,
    given: &Given,
    group: &str,
    console: &mut Console<'_>,
) -> Result<Offsets, Failure> {
    let (offsets, moved) = match given.value("from-file") {
        Some(path) => reset_offsets::within_log(admin, from_file(path, group)?).await?,
        None => {
            let partitions = match given.has("all-topics") {
                true => committed(admin, group).await?.into_keys().collect(),
                false => super::partitions_of_topics(admin, given).await?,
            };
            reset_offsets::new_offsets(admin, group, partitions, target(given)?).await?
        }
    };
    for moved in moved {
        let (set, partition) = (moved.set, &moved.partition);
        let Some(asked) = moved.asked else {
            let (topic, number) = (&partition.topic, partition.partition);
            writeln!(
                console.output,
                "\nWarn: Partition {number} from topic {topic} is empty. Falling back to latest \
                 known offset."
            )?;
            continue;
        };
        let (than, end) = match asked > set {
            true => ("higher", "latest"),
            false => ("lower", "earliest"),
        };
        writeln!(
            console.errors,
            "WARN: New offset ({asked}) is {than} than {end} offset for topic partition {partition}. \
             Value will be set to {set}"
        )?;
    }
    Ok(offsets)
}

fn target(given: &Given) -> Result<ResetTo, Failure> {
    if let Some(offset) = given.long("to-offset") {
        return Ok(ResetTo::Offset(offset));
    }
    if let Some(shift) = given.long("shift-by") {
        return Ok(ResetTo::ShiftBy(shift));
    }
    if given.has("to-current") {
        return Ok(ResetTo::Current);
    }
    Ok(ResetTo::Spec(spec(given)?))
}

fn spec(given: &Given) -> Result<OffsetSpec, Failure> {
    if given.has("to-earliest") {
        return Ok(OffsetSpec::Earliest);
    }
    if let Some(text) = given.value("to-datetime") {
        let time = parse_datetime(text).ok_or_else(|| {
            Failure::Errors(format!(
                "--to-datetime: expected YYYY-MM-DDTHH:mm:SS.sss, found {text}"
            ))
        })?;
        return Ok(OffsetSpec::Timestamp(Timestamp::from_millis(time)));
    }
    if let Some(text) = given.value("by-duration") {
        let ago = parse_duration(text).ok_or_else(|| {
            Failure::Errors(format!("--by-duration: expected PnDTnHnMnS, found {text}"))
        })?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = now.as_millis() as i64;
        return Ok(OffsetSpec::Timestamp(Timestamp::from_millis(
            now.saturating_sub(ago),
        )));
    }
    Ok(OffsetSpec::Latest)
}

/// Lines of `topic,partition,offset`, or `group,topic,partition,offset`.
fn from_file(path: &str, group: &str) -> Result<Offsets, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::Errors(format!("cannot read {path}: {error}")))?;
    let mut offsets = Offsets::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (of_group, partition, offset) = reset_offsets::parse_line(line).ok_or_else(|| {
            Failure::Errors(format!(
                "{path}: expected group,topic,partition,offset, found {line}"
            ))
        })?;
        if of_group.is_none_or(|of_group| of_group == group) {
            offsets.insert(partition, offset);
        }
    }
    Ok(offsets)
}

/// A shift of what is not there is a mistake on the command line.
impl From<ResetError> for Failure {
    fn from(error: ResetError) -> Failure {
        match error {
            ResetError::Client(error) => error.into(),
            ResetError::NothingCommitted(_) => Failure::Usage(error.to_string()),
        }
    }
}

fn print(plan: &Plan, console: &mut Console<'_>) -> Result<(), Failure> {
    let rows = || {
        plan.iter()
            .flat_map(|(group, o)| o.iter().map(move |(p, at)| (group, p, at)))
    };
    let group_width = plan.keys().map(String::len).max().unwrap_or(0).max(15);
    let topics = rows().map(|(_, partition, _)| partition.topic.as_str().len());
    let topic_width = topics.max().unwrap_or(0).max(15);
    let mut line = |group: &str, topic: &str, partition: &str, offset: &str| {
        write!(
            console.output,
            "\n{group:<group_width$} {topic:<topic_width$} {partition:<10} {offset}"
        )
    };
    if !plan.is_empty() {
        line("GROUP", "TOPIC", "PARTITION", "NEW-OFFSET")?;
    }
    for (group, partition, offset) in rows() {
        let number = partition.partition.to_string();
        line(
            group,
            partition.topic.as_str(),
            &number,
            &offset.to_string(),
        )?;
    }
    Ok(writeln!(console.output)?)
}

/// Without the group if there is only one.
fn export(plan: &Plan, console: &mut Console<'_>) -> Result<(), Failure> {
    let mut lines = String::new();
    for (group, offsets) in plan {
        for (partition, offset) in offsets {
            let group = if plan.len() > 1 {
                format!("{},", quoted(group))
            } else {
                String::new()
            };
            let (topic, number) = (quoted(partition.topic.as_str()), partition.partition);
            lines += &format!("{group}{topic},{number},{offset}\n");
        }
    }
    Ok(writeln!(console.output, "{lines}")?)
}

/// A field of CSV as the library behind Kafka's script writes it: a long text it quotes without
/// looking whether that is needed.
fn quoted(field: &str) -> String {
    const LOOKED_AT_MAX: usize = 24;
    let is_plain = |c: char| c > ',';
    if field.len() <= LOOKED_AT_MAX && field.chars().all(is_plain) {
        return field.to_owned();
    }
    format!("\"{}\"", field.replace('"', "\"\""))
}
