//! `--describe`: offsets, members or the state of groups.

use std::collections::{BTreeMap, BTreeSet};

use fleuve_client::Admin;
use fleuve_client::admin::{GroupDescription, GroupMember};
use fleuve_model::ErrorCode;

use super::super::grammar::Given;
use super::super::script::{Console, Failure};
use crate::tasks::group_offsets::{self, GroupPartition};

const MISSING: &str = "-";

pub(super) async fn run(
    admin: &Admin,
    given: &Given,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let groups: BTreeSet<String> = super::groups(admin, given).await?.into_iter().collect();
    for group in groups {
        let description = match admin.describe_group(&group).await {
            Ok(description) => description,
            Err(error) if error.code() == Some(ErrorCode::GroupIdNotFound) => {
                writeln!(
                    console.output,
                    "\nError: Consumer group '{group}' does not exist."
                )?;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if given.has("members") {
            print_members(&description, given.has("verbose"), console)?;
        } else if given.has("state") {
            print_state(&description, console)?;
        } else {
            print_offsets(admin, &description, console).await?;
        }
    }
    Ok(())
}

/// Says what is to be said of a group's state; true if there is more to print.
fn tell_state(
    group: &GroupDescription,
    rows: usize,
    console: &mut Console<'_>,
) -> Result<bool, Failure> {
    let id = &group.id;
    match group.state.as_str() {
        "Dead" => writeln!(
            console.output,
            "\nError: Consumer group '{id}' does not exist."
        )?,
        "Empty" => {
            // What was printed before must not come after it on a terminal.
            console.output.flush()?;
            writeln!(
                console.errors,
                "\nConsumer group '{id}' has no active members."
            )?;
        }
        "Stable" => {}
        _ => {
            console.output.flush()?;
            writeln!(
                console.errors,
                "\nWarning: Consumer group '{id}' is rebalancing."
            )?;
        }
    }
    Ok(group.state != "Dead" && rows > 0)
}

/// A line of the table of offsets.
fn cells(group: &str, row: &GroupPartition) -> [String; 9] {
    let shown = |value: Option<i64>| value.map_or(MISSING.to_owned(), |v| v.to_string());
    let owner = |text: fn(&GroupMember) -> &String| {
        row.owner
            .as_ref()
            .map_or_else(|| MISSING.to_owned(), |member| text(member).clone())
    };
    [
        group.to_owned(),
        row.partition.topic.as_str().to_owned(),
        row.partition.partition.to_string(),
        shown(row.committed),
        shown(row.end),
        shown(row.lag()),
        owner(|member| &member.id),
        owner(|member| &member.host),
        owner(|member| &member.client_id),
    ]
}

async fn print_offsets(
    admin: &Admin,
    group: &GroupDescription,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let rows = group_offsets::of_group(admin, group).await?;
    if !tell_state(group, rows.len(), console)? {
        return Ok(());
    }
    let heads = [
        "GROUP",
        "TOPIC",
        "PARTITION",
        "CURRENT-OFFSET",
        "LOG-END-OFFSET",
        "LAG",
        "CONSUMER-ID",
        "HOST",
        "CLIENT-ID",
    ];
    let table: Vec<_> = rows.iter().map(|row| cells(&group.id, row)).collect();
    let width = |column: usize| {
        let longest = table
            .iter()
            .map(|cells| cells[column].len())
            .max()
            .unwrap_or(0);
        longest.max(15)
    };
    let (group_width, topic_width, member_width, host_width) =
        (width(0), width(1), width(6), width(7));
    for cells in std::iter::once(heads.map(str::to_owned)).chain(table.iter().cloned()) {
        let [
            group,
            topic,
            partition,
            offset,
            end,
            lag,
            member,
            host,
            client,
        ] = cells;
        write!(
            console.output,
            "\n{group:<group_width$} {topic:<topic_width$} {partition:<10} {offset:<15} {end:<15} \
             {lag:<15} {member:<member_width$} {host:<host_width$} {client}"
        )?;
    }
    writeln!(console.output)?;
    Ok(())
}

fn print_members(
    group: &GroupDescription,
    verbose: bool,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if !tell_state(group, group.members.len(), console)? {
        return Ok(());
    }
    let width = |text: fn(&GroupMember) -> &str, least: usize| {
        group
            .members
            .iter()
            .map(|m| text(m).len())
            .max()
            .unwrap_or(0)
            .max(least)
    };
    let group_width = group.id.len().max(15);
    let member_width = width(|m| &m.id, 15);
    let instance_width = width(|m| m.instance_id.as_deref().unwrap_or(""), 17);
    let host_width = width(|m| &m.host, 15);
    let client_width = width(|m| &m.client_id, 15);
    let has_instances = group
        .members
        .iter()
        .any(|member| member.instance_id.is_some());
    let line = |id: &str, member: &str, instance: &str, host: &str, client: &str, count: &str| {
        let instance = match has_instances {
            true => format!("{instance:<instance_width$} "),
            false => String::new(),
        };
        format!(
            "{id:<group_width$} {member:<member_width$} {instance}{host:<host_width$} \
             {client:<client_width$} {count:<15} "
        )
    };
    let heads = line(
        "GROUP",
        "CONSUMER-ID",
        "GROUP-INSTANCE-ID",
        "HOST",
        "CLIENT-ID",
        "#PARTITIONS",
    );
    writeln!(
        console.output,
        "\n{heads}{}",
        if verbose { "ASSIGNMENT" } else { "" }
    )?;
    for member in &group.members {
        let instance = member.instance_id.as_deref().unwrap_or("");
        let count = member.assignment.len().to_string();
        let cells = line(
            &group.id,
            &member.id,
            instance,
            &member.host,
            &member.client_id,
            &count,
        );
        let assignment = if verbose {
            assignment(member)
        } else {
            String::new()
        };
        writeln!(console.output, "{cells}{assignment}")?;
    }
    Ok(())
}

/// The partitions of each topic in parentheses, as Kafka has it: without the topics' names.
fn assignment(member: &GroupMember) -> String {
    let mut topics: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for partition in &member.assignment {
        let numbers = topics.entry(partition.topic.as_str()).or_default();
        numbers.push(partition.partition.to_string());
    }
    if topics.is_empty() {
        return MISSING.to_owned();
    }
    let mut shown: Vec<String> = topics
        .into_values()
        .map(|mut numbers| {
            numbers.sort();
            format!("({})", numbers.join(","))
        })
        .collect();
    shown.sort();
    shown.join(", ")
}

fn print_state(group: &GroupDescription, console: &mut Console<'_>) -> Result<(), Failure> {
    if !tell_state(group, 1, console)? {
        return Ok(());
    }
    let broker = &group.coordinator;
    let coordinator = format!("{}:{}  ({})", broker.host, broker.port, broker.id);
    let group_width = group.id.len().max(15);
    let coordinator_width = coordinator.len().max(25);
    let members = group.members.len().to_string();
    let strategy = if group.assignor.is_empty() {
        MISSING
    } else {
        &group.assignor
    };
    let heads = [
        "GROUP",
        "COORDINATOR (ID)",
        "ASSIGNMENT-STRATEGY",
        "STATE",
        "#MEMBERS",
    ];
    let cells = [&group.id, &coordinator, strategy, &group.state, &members];
    for [group, coordinator, strategy, state, members] in [heads, cells] {
        write!(
            console.output,
            "\n{group:<group_width$} {coordinator:<coordinator_width$} {strategy:<20} {state:<20} \
             {members}"
        )?;
    }
    writeln!(console.output)?;
    Ok(())
}
