//! `--delete` and `--delete-offsets`.

use std::collections::BTreeMap;

use fleuve_client::{Admin, ClientError};
use fleuve_model::{ErrorCode, PartitionId, TopicPartition};

use super::super::grammar::Given;
use super::super::java_errors;
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
                "* Group '{group}' could not be deleted due to: {}",
                java_errors::exception(error)
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

/// Of each topic and partition, or of a topic that is not there, why its offset is not forgotten.
type Statuses = BTreeMap<(String, Option<PartitionId>), Option<ClientError>>;

/// Forgets offsets of a group.
pub(super) async fn offsets(
    admin: &Admin,
    given: &Given,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let group = given.value("group").unwrap_or_default();
    let (partitions, mut statuses) = asked(admin, given).await?;
    match admin.delete_group_offsets(group, &partitions).await {
        Ok(results) => {
            let results = results.into_iter();
            let results: Statuses = results
                .map(|(of, result)| (key(&of), result.err()))
                .collect();
            say_result(group, &results, console)?;
            statuses.extend(results);
        }
        Err(error) => {
            say_refusal(group, &error, console)?;
            let all = partitions.iter().map(key);
            statuses.extend(all.map(|key| (key, Some(error.clone()))));
        }
    }
    print(&statuses, console)
}

/// The partitions that are there, and the topics that are not.
async fn asked(admin: &Admin, given: &Given) -> Result<(Vec<TopicPartition>, Statuses), Failure> {
    let (mut partitions, mut missing) = (Vec::new(), Statuses::new());
    for argument in given.values("topic") {
        match super::partitions_of_topic(admin, argument).await? {
            Ok(found) => partitions.extend(found),
            Err(error) => {
                let name = argument.split(':').next().unwrap_or_default();
                missing.insert((name.to_owned(), None), Some(error));
            }
        }
    }
    Ok((partitions, missing))
}

fn key(partition: &TopicPartition) -> (String, Option<PartitionId>) {
    let topic = partition.topic.as_str().to_owned();
    (topic, Some(partition.partition))
}

fn say_result(group: &str, results: &Statuses, console: &mut Console<'_>) -> Result<(), Failure> {
    if results.values().all(Option::is_none) {
        return Ok(writeln!(
            console.output,
            "Request succeeded for deleting offsets from group {group}."
        )?);
    }
    Ok(writeln!(
        console.output,
        "\nError: Encounter some partition level error, see the follow-up details:"
    )?)
}

fn say_refusal(group: &str, error: &ClientError, console: &mut Console<'_>) -> Result<(), Failure> {
    let what = match error.code() {
        Some(ErrorCode::InvalidGroupId | ErrorCode::GroupIdNotFound) => java_errors::message(error),
        Some(ErrorCode::NonEmptyGroup) => format!(
            "Deleting offsets of a consumer group '{group}' is forbidden if the group is not empty."
        ),
        _ => format!("Encountered some unknown error: {error}"),
    };
    Ok(writeln!(console.output, "\nError: {what}")?)
}

fn print(statuses: &Statuses, console: &mut Console<'_>) -> Result<(), Failure> {
    write!(
        console.output,
        "\n{:<15} {:<10} {:<15}",
        "TOPIC", "PARTITION", "STATUS"
    )?;
    for ((topic, partition), error) in statuses {
        let status = error.as_ref().map_or("Successful".to_owned(), |error| {
            format!("Error: {}", java_errors::exception(error))
        });
        let number = partition.map_or("-".to_owned(), |number| number.to_string());
        write!(console.output, "\n{topic:<15} {number:<10} {status:<15}")?;
    }
    Ok(writeln!(console.output)?)
}
