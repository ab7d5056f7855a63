//! Finding the position of partitions that have none yet.

use std::collections::BTreeMap;
use std::time::SystemTime;

use fleuve_model::{Offset, Timestamp, TopicPartition};
use tokio::time::Instant;

use super::group::{Identity, Speaker};
use super::positions::{Position, Wanted};
use super::settings::{ConsumerSettings, OffsetReset};
use crate::admin::{CommittedOffset, EachPartition, fetch_group_offsets};
use crate::cluster::Cluster;
use crate::offsets::list_offsets;
use crate::{ClientError, OffsetSpec};

/// What is to be found, with the count of position changes when it was asked for.
pub(super) type ToLocate = BTreeMap<TopicPartition, (Wanted, u64)>;

/// What was found.
pub(super) type Located = Vec<(TopicPartition, u64, Result<Position, ClientError>)>;

/// Asks the group's coordinator and the partitions' leaders. A partition whose position cannot
/// be found for a passing reason is left out, to be asked for again.
pub(super) async fn locate(
    cluster: Cluster,
    settings: ConsumerSettings,
    wanted: ToLocate,
    member: Option<Speaker>,
) -> Located {
    let deadline = Instant::now() + settings.api_timeout;
    let mut located = Located::new();
    let mut asked: BTreeMap<TopicPartition, OffsetSpec> = BTreeMap::new();
    let mut open = wanted.clone();

    let group = settings.group.as_ref().map(|group| group.id.clone());
    let is_committed =
        |(_, (how, _)): &(&TopicPartition, &(Wanted, u64))| *how == Wanted::Committed;
    let by_group: Vec<TopicPartition> = wanted
        .iter()
        .filter(is_committed)
        .map(|(partition, _)| partition.clone())
        .collect();
    if let (Some(group), false) = (group, by_group.is_empty()) {
        match committed(&cluster, &settings, group.as_str(), &by_group, member).await {
            Err(error) => {
                located.extend(by_group.into_iter().filter_map(|partition| {
                    let (_, epoch) = open.remove(&partition)?;
                    (!error.is_retriable()).then(|| (partition, epoch, Err(error.clone())))
                }));
            }
            Ok(found) => {
                for (partition, committed) in found {
                    let Some((_, epoch)) = open.remove(&partition) else {
                        continue;
                    };
                    let position = committed.map(|committed| Position {
                        offset: committed.offset,
                        leader_epoch: committed.leader_epoch,
                    });
                    located.push((partition, epoch, position));
                }
            }
        }
    }
    for (partition, (how, epoch)) in &open {
        match spec(partition, *how, &settings) {
            Ok(spec) => drop(asked.insert(partition.clone(), spec)),
            Err(error) => located.push((partition.clone(), *epoch, Err(error))),
        }
    }
    let found = list_offsets(&cluster, &asked, settings.isolation, deadline).await;
    let mut beyond: BTreeMap<TopicPartition, OffsetSpec> = BTreeMap::new();
    for (partition, result) in found {
        let epoch = open.get(&partition).map_or(0, |(_, epoch)| *epoch);
        match result {
            Ok(found) => match found.offset {
                Some(offset) => located.push((partition, epoch, Ok(at(offset)))),
                // No record is that young: the end it is.
                None => drop(beyond.insert(partition, OffsetSpec::Latest)),
            },
            Err(error) if error.is_retriable() => {}
            Err(error) => located.push((partition, epoch, Err(error))),
        }
    }
    for (partition, result) in list_offsets(&cluster, &beyond, settings.isolation, deadline).await {
        let epoch = open.get(&partition).map_or(0, |(_, epoch)| *epoch);
        if let Ok(found) = result {
            located.push((
                partition,
                epoch,
                Ok(at(found.offset.unwrap_or(Offset::ZERO))),
            ));
        }
    }
    located
}

async fn committed(
    cluster: &Cluster,
    settings: &ConsumerSettings,
    group: &str,
    partitions: &[TopicPartition],
    member: Option<Speaker>,
) -> Result<EachPartition<CommittedOffset>, ClientError> {
    let deadline = Instant::now() + settings.api_timeout;
    let ask = |member| fetch_group_offsets(cluster, group, Some(partitions), deadline, member);
    let Some(member) = member else {
        return ask(None).await;
    };
    let pause = settings.common.retry_backoff;
    let ask = |identity: Identity| ask(Some((identity.member_id, identity.generation)));
    member.speak(deadline, pause, ask).await
}

fn at(offset: Offset) -> Position {
    Position {
        offset,
        leader_epoch: None,
    }
}

fn spec(
    partition: &TopicPartition,
    how: Wanted,
    settings: &ConsumerSettings,
) -> Result<OffsetSpec, ClientError> {
    if let Wanted::At(spec) = how {
        return Ok(spec);
    }
    match settings.reset {
        OffsetReset::Earliest => Ok(OffsetSpec::Earliest),
        OffsetReset::Latest => Ok(OffsetSpec::Latest),
        OffsetReset::None => Err(ClientError::NoOffset(partition.clone())),
        OffsetReset::ByDuration(age) => {
            let now = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            let since = Timestamp::from_millis(now.as_millis() as i64).saturating_sub(age);
            Ok(OffsetSpec::Timestamp(since))
        }
    }
}
