//! `--reset-offsets`: where a group that nobody is in goes on.

use std::collections::BTreeMap;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use fleuve_client::admin::CommittedOffset;
use fleuve_client::{Admin, IsolationLevel, OffsetSpec};
use fleuve_model::{ErrorCode, Offset, PartitionId, Timestamp, TopicName, TopicPartition};

use super::super::grammar::Given;
use super::super::script::{Console, Failure};
use super::super::times::{parse_datetime, parse_duration};
use super::describe::committed;

/// Of each group, where each partition goes on.
type Plan = BTreeMap<String, BTreeMap<TopicPartition, i64>>;

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
        let state = state(admin, &group).await?;
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
            execute(admin, &group, &offsets).await?;
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

async fn state(admin: &Admin, group: &str) -> Result<String, Failure> {
    match admin.describe_group(group).await {
        Ok(description) => Ok(description.state),
        Err(error) if error.code() == Some(ErrorCode::GroupIdNotFound) => Ok("Dead".to_owned()),
        Err(error) => Err(error.into()),
    }
}

async fn new_offsets(
    admin: &Admin,
    given: &Given,
    group: &str,
    console: &mut Console<'_>,
) -> Result<BTreeMap<TopicPartition, i64>, Failure> {
    if let Some(path) = given.value("from-file") {
        let wanted = from_file(path, group)?;
        return within_log(admin, wanted, console).await;
    }
    let partitions = match given.has("all-topics") {
        true => committed(admin, group).await?.into_keys().collect(),
        false => super::partitions_of_topics(admin, given).await?,
    };
    if let Some(offset) = given.long("to-offset") {
        let wanted = partitions.into_iter().map(|p| (p, offset)).collect();
        return within_log(admin, wanted, console).await;
    }
    if let Some(shift) = given.long("shift-by") {
        let wanted = shifted(admin, group, &partitions, shift).await?;
        return within_log(admin, wanted, console).await;
    }
    if given.has("to-current") {
        return current(admin, group, partitions).await;
    }
    listed(admin, partitions, spec(given)?).await
}

fn spec(given: &Given) -> Result<OffsetSpec, Failure> {
    if given.has("to-earliest") {
        return Ok(OffsetSpec::Earliest);
    }
    if let Some(text) = given.value("to-datetime") {
        let time = parse_datetime(text).ok_or_else(|| {
            Failure::Usage(format!(
                "--to-datetime: expected YYYY-MM-DDTHH:mm:SS.sss, found {text}"
            ))
        })?;
        return Ok(OffsetSpec::Timestamp(Timestamp::from_millis(time)));
    }
    if let Some(text) = given.value("by-duration") {
        let ago = parse_duration(text).ok_or_else(|| {
            Failure::Usage(format!("--by-duration: expected PnDTnHnMnS, found {text}"))
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

/// The offsets that the partitions have; where no record is so late, their ends.
async fn listed(
    admin: &Admin,
    partitions: Vec<TopicPartition>,
    spec: OffsetSpec,
) -> Result<BTreeMap<TopicPartition, i64>, Failure> {
    let found = list(admin, &partitions, spec).await?;
    let ends = list(admin, &partitions, OffsetSpec::Latest).await?;
    let offset = |partition: TopicPartition| {
        let offset = found.get(&partition).or(ends.get(&partition)).copied();
        offset.map(|offset| (partition, offset))
    };
    Ok(partitions.into_iter().filter_map(offset).collect())
}

async fn list(
    admin: &Admin,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
) -> Result<BTreeMap<TopicPartition, i64>, Failure> {
    let asked = partitions
        .iter()
        .map(|partition| (partition.clone(), spec))
        .collect();
    let mut offsets = BTreeMap::new();
    for (partition, result) in admin
        .list_offsets(&asked, IsolationLevel::ReadUncommitted)
        .await
    {
        if let Some(offset) = result?.offset {
            offsets.insert(partition, offset.value());
        }
    }
    Ok(offsets)
}

async fn shifted(
    admin: &Admin,
    group: &str,
    partitions: &[TopicPartition],
    shift: i64,
) -> Result<BTreeMap<TopicPartition, i64>, Failure> {
    let committed = committed(admin, group).await?;
    let moved = |partition: &TopicPartition| match committed.get(partition) {
        Some(held) => Ok((partition.clone(), held.offset.value().saturating_add(shift))),
        None => Err(Failure::Usage(format!(
            "Cannot shift offset for partition {partition} since there is no current committed offset"
        ))),
    };
    partitions.iter().map(moved).collect()
}

/// What is committed; partitions without an offset go to their ends.
async fn current(
    admin: &Admin,
    group: &str,
    partitions: Vec<TopicPartition>,
) -> Result<BTreeMap<TopicPartition, i64>, Failure> {
    let committed = committed(admin, group).await?;
    let mut offsets = listed(admin, partitions, OffsetSpec::Latest).await?;
    for (partition, offset) in &mut offsets {
        if let Some(held) = committed.get(partition) {
            *offset = held.offset.value();
        }
    }
    Ok(offsets)
}

/// Keeps offsets within what the partitions hold, and warns where it must.
async fn within_log(
    admin: &Admin,
    wanted: BTreeMap<TopicPartition, i64>,
    console: &mut Console<'_>,
) -> Result<BTreeMap<TopicPartition, i64>, Failure> {
    let partitions: Vec<_> = wanted.keys().cloned().collect();
    let starts = list(admin, &partitions, OffsetSpec::Earliest).await?;
    let ends = list(admin, &partitions, OffsetSpec::Latest).await?;
    let mut kept = BTreeMap::new();
    for (partition, offset) in wanted {
        let (Some(start), Some(end)) = (starts.get(&partition), ends.get(&partition)) else {
            continue;
        };
        if offset > *end {
            writeln!(
                console.errors,
                "WARN: New offset ({offset}) is higher than latest offset for topic partition \
                 {partition}. Value will be set to {end}"
            )?;
        } else if offset < *start {
            writeln!(
                console.errors,
                "WARN: New offset ({offset}) is lower than earliest offset for topic partition \
                 {partition}. Value will be set to {start}"
            )?;
        }
        kept.insert(partition, offset.clamp(*start, *end));
    }
    Ok(kept)
}

/// Lines of `topic,partition,offset`, or `group,topic,partition,offset`.
fn from_file(path: &str, group: &str) -> Result<BTreeMap<TopicPartition, i64>, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::Errors(format!("cannot read {path}: {error}")))?;
    let mut offsets = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let invalid = || {
            Failure::Errors(format!(
                "{path}: expected group,topic,partition,offset, found {line}"
            ))
        };
        let fields: Vec<&str> = line
            .split(',')
            .map(|field| field.trim().trim_matches('"'))
            .collect();
        let (of_group, rest) = match fields.as_slice() {
            [of_group, rest @ ..] if rest.len() == 3 => (*of_group, rest),
            rest if rest.len() == 3 => (group, rest),
            _ => return Err(invalid()),
        };
        if of_group != group {
            continue;
        }
        let topic = TopicName::new(rest[0]).map_err(|_| invalid())?;
        let number = rest[1]
            .parse()
            .ok()
            .and_then(|id| PartitionId::new(id).ok());
        let partition = TopicPartition::new(topic, number.ok_or_else(invalid)?);
        offsets.insert(partition, rest[2].parse().map_err(|_| invalid())?);
    }
    Ok(offsets)
}

async fn execute(
    admin: &Admin,
    group: &str,
    offsets: &BTreeMap<TopicPartition, i64>,
) -> Result<(), Failure> {
    let offsets: BTreeMap<_, _> = offsets
        .iter()
        .filter_map(|(partition, offset)| {
            let offset = CommittedOffset {
                offset: Offset::from_wire(*offset)?,
                leader_epoch: None,
                metadata: String::new(),
            };
            Some((partition.clone(), offset))
        })
        .collect();
    for result in admin
        .alter_group_offsets(group, &offsets)
        .await?
        .into_values()
    {
        result?;
    }
    Ok(())
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
                format!("\"{group}\",")
            } else {
                String::new()
            };
            let (topic, number) = (&partition.topic, partition.partition);
            lines += &format!("{group}\"{topic}\",{number},{offset}\n");
        }
    }
    Ok(writeln!(console.output, "{lines}")?)
}
