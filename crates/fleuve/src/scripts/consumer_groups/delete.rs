//! `--delete` and `--delete-offsets`.

use std::collections::BTreeMap;

use fleuve_client::Admin;
use fleuve_model::{ErrorCode, TopicPartition};

use super::super::grammar::Given;
use super::super::script::{Console, Failure};

/// Deletes groups: what went well and what did not, as Kafka's script says it.
pub(super) async fn groups(
    admin: &Admin,
    given: &Given,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let groups = super::groups(admin, given).await?;
    let results = admin.delete_groups(&groups).await;
    let quoted = |separator: &str, names: &[&String]| {
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        format!("'{}'", names.join(separator))
    };
    let deleted: Vec<&String> = results
        .iter()
        .filter(|(_, result)| result.is_ok())
        .map(|(group, _)| group)
        .collect();
    if deleted.len() == results.len() {
        writeln!(
            console.output,
            "Deletion of requested consumer groups ({}) was successful.",
            quoted(", ", &deleted)
        )?;
        return Ok(());
    }
    writeln!(
        console.output,
        "\nError: Deletion of some consumer groups failed:"
    )?;
    for (group, result) in &results {
        if let Err(error) = result {
            writeln!(
                console.output,
                "* Group '{group}' could not be deleted due to: {error}"
            )?;
        }
    }
    if !deleted.is_empty() {
        writeln!(
            console.output,
            "\nThese consumer groups were deleted successfully: {}",
            quoted("', '", &deleted)
        )?;
    }
    Ok(())
}

/// Forgets offsets of a group.
pub(super) async fn offsets(
    admin: &Admin,
    given: &Given,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let group = given.value("group").unwrap_or_default();
    let partitions = super::partitions_of_topics(admin, given).await?;
    let results = match admin.delete_group_offsets(group, &partitions).await {
        Ok(results) => results,
        Err(error) => {
            say_refusal(group, error.code(), &error.to_string(), console)?;
            return print(&BTreeMap::new(), console);
        }
    };
    let statuses: BTreeMap<TopicPartition, Option<String>> = results
        .into_iter()
        .map(|(partition, result)| (partition, result.err().map(|error| error.to_string())))
        .collect();
    if statuses.values().all(Option::is_none) {
        writeln!(
            console.output,
            "Request succeeded for deleting offsets from group {group}."
        )?;
    } else {
        writeln!(
            console.output,
            "\nError: Encounter some partition level error, see the follow-up details:"
        )?;
    }
    print(&statuses, console)
}

fn say_refusal(
    group: &str,
    code: Option<ErrorCode>,
    error: &str,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let what = match code {
        Some(ErrorCode::InvalidGroupId) => format!("'{group}' is not valid."),
        Some(ErrorCode::GroupIdNotFound) => format!("'{group}' does not exist."),
        Some(ErrorCode::NonEmptyGroup) => format!(
            "Deleting offsets of a consumer group '{group}' is forbidden if the group is not empty."
        ),
        _ => format!("Encounter some unknown error: {error}"),
    };
    Ok(writeln!(console.output, "\nError: {what}")?)
}

fn print(
    statuses: &BTreeMap<TopicPartition, Option<String>>,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    write!(
        console.output,
        "\n{:<15} {:<10} {:<15}",
        "TOPIC", "PARTITION", "STATUS"
    )?;
    for (partition, error) in statuses {
        let status = error
            .as_ref()
            .map_or("Successful".to_owned(), |error| format!("Error: :{error}"));
        let number = partition.partition.to_string();
        write!(
            console.output,
            "\n{:<15} {number:<10} {status:<15}",
            partition.topic.as_str()
        )?;
    }
    Ok(writeln!(console.output)?)
}
