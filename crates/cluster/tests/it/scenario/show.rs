//! Writes records and replies as scenarios show them.

use std::fmt::Display;

use fleuve_cluster::driver::Unavailable;
use fleuve_cluster::group::{
    Assignment, CommittedOffset, ConsumerHeartbeatReply, ConsumerMemberMetadata, CurrentAssignment,
    DescribedClassicGroup, DescribedConsumerGroup, GroupError, GroupMetadata, JoinRefused, Joined,
    LeftMember, MemberId, OwnedPartitions, Record, Reply, Synced,
};
use fleuve_model::TopicId;
use uuid::Uuid;

pub(super) fn record(record: &Record) -> String {
    match record {
        Record::OffsetCommit {
            group,
            partition,
            value: Some(at),
        } => {
            format!("record offset {group} {partition} {}", committed(at))
        }
        Record::OffsetCommit {
            group,
            partition,
            value: None,
        } => {
            format!("record offset {group} {partition} gone")
        }
        Record::GroupMetadata {
            group,
            value: Some(value),
        } => {
            format!("record group {group} {}", group_metadata(value))
        }
        Record::GroupMetadata { group, value: None } => format!("record group {group} gone"),
        Record::ConsumerGroupMetadata {
            group,
            value: Some(value),
        } => {
            format!("record consumer-group {group} epoch={}", value.epoch)
        }
        Record::ConsumerGroupMetadata { group, value: None } => {
            format!("record consumer-group {group} gone")
        }
        Record::ConsumerGroupPartitionMetadataGone { group } => {
            format!("record partition-metadata {group} gone")
        }
        Record::ConsumerGroupMember {
            group,
            member: id,
            value,
        } => {
            format!(
                "record member {group} {} {}",
                member(id),
                or_gone(value, member_metadata)
            )
        }
        Record::ConsumerGroupRegex {
            group,
            regex,
            value,
        } => {
            let topics = or_gone(value, |value| {
                let names = value.topics.iter().map(ToString::to_string);
                format!("topics=[{}]", join(names))
            });
            format!("record regex {group} {regex} {topics}")
        }
        Record::TargetAssignmentMetadata { group, value } => {
            format!(
                "record target {group} {}",
                or_gone(value, |at| format!("epoch={}", at.epoch))
            )
        }
        Record::TargetAssignmentMember {
            group,
            member: id,
            value,
        } => {
            format!(
                "record target {group} {} {}",
                member(id),
                or_gone(value, assignment)
            )
        }
        Record::CurrentMemberAssignment {
            group,
            member: id,
            value,
        } => {
            format!(
                "record current {group} {} {}",
                member(id),
                or_gone(value, current)
            )
        }
    }
}

fn group_metadata(value: &GroupMetadata) -> String {
    let members = value.members.iter().map(|one| {
        let static_as = one
            .instance
            .as_ref()
            .map_or(String::new(), |id| format!("@{id}"));
        format!(
            "{}{static_as}:{}",
            member(&one.member),
            text(&one.assignment)
        )
    });
    format!(
        "gen={} type={} protocol={} leader={} members=[{}]",
        value.generation,
        or_dash(value.protocol_type.as_ref()),
        or_dash(value.protocol.as_ref()),
        or_dash(value.leader.as_ref().map(member)),
        join(members)
    )
}

pub(super) fn reply(reply: &Result<Reply, Unavailable>) -> String {
    let reply = match reply {
        Ok(reply) => reply,
        Err(unavailable) => return format!("unavailable: {unavailable}"),
    };
    match reply {
        Reply::JoinGroup(Ok(answer)) => joined(answer),
        Reply::JoinGroup(Err(refused)) => join_refused(refused),
        Reply::SyncGroup(result) => or_error(result, synced),
        Reply::Heartbeat(result) => or_error(result, |()| "ok".to_owned()),
        Reply::LeaveGroup(result) => or_error(result, |members| {
            format!("left [{}]", join(members.iter().map(left)))
        }),
        Reply::CommitOffsets(result) | Reply::DeleteOffsets(result) => {
            or_error(result, |results| results_of(results))
        }
        Reply::FetchOffsets(result) => or_error(result, |offsets| {
            let offsets = offsets.iter().map(|(partition, at)| match at {
                Some(at) => format!("{partition} {}", committed(at)),
                None => format!("{partition} none"),
            });
            format!("fetched [{}]", join(offsets))
        }),
        Reply::ListGroups(groups) => {
            let groups = groups.iter().map(|listed| {
                let protocol_type = &listed.protocol_type;
                let kind = if protocol_type.is_empty() {
                    "-"
                } else {
                    protocol_type
                };
                format!(
                    "{} {} {kind} {}",
                    listed.group, listed.group_type, listed.state
                )
            });
            format!("groups [{}]", join(groups))
        }
        Reply::DescribeClassicGroups(groups) => {
            join(groups.iter().map(|group| or_error(group, described)))
        }
        Reply::ConsumerGroupHeartbeat(Err(error)) => match error {
            GroupError::UnknownMemberId | GroupError::FencedInstanceId => error.code().to_string(),
            _ => format!("{} ({error})", error.code()),
        },
        Reply::ConsumerGroupHeartbeat(Ok(answer)) => beat(answer),
        Reply::DescribeConsumerGroups(groups) => join(
            groups
                .iter()
                .map(|group| or_error(group, described_consumer)),
        ),
        Reply::DeleteGroups(results) => results_of(results),
        Reply::UpdateImage => "ok".to_owned(),
    }
}

fn or_gone<T>(value: &Option<T>, show: impl Fn(&T) -> String) -> String {
    value.as_ref().map_or_else(|| "gone".to_owned(), show)
}

fn member_metadata(value: &ConsumerMemberMetadata) -> String {
    let topics = value.subscribed_topics.iter().map(ToString::to_string);
    let mut shown = format!("topics=[{}]", join(topics));
    for (name, text) in [
        ("instance", value.instance.as_ref().map(ToString::to_string)),
        (
            "regex",
            value.subscribed_regex.as_ref().map(ToString::to_string),
        ),
        (
            "assignor",
            value.server_assignor.as_ref().map(ToString::to_string),
        ),
        ("rack", value.rack.as_ref().map(ToString::to_string)),
    ] {
        if let Some(text) = text {
            shown.push_str(&format!(" {name}={text}"));
        }
    }
    shown
}

fn current(value: &CurrentAssignment) -> String {
    let revoking = match value.pending_revocation.is_empty() {
        true => String::new(),
        false => format!(" revoking={}", owned(&value.pending_revocation)),
    };
    format!(
        "epoch={} previous={} {:?} has={}{revoking}",
        value.member_epoch,
        value.previous_member_epoch,
        value.state,
        owned(&value.assigned)
    )
}

/// Partitions with the epochs at which they were assigned: `[t:0@1,1@2]`.
fn owned(partitions: &OwnedPartitions) -> String {
    let topics = partitions.iter().map(|(topic, numbers)| {
        let numbers = numbers
            .iter()
            .map(|(number, epoch)| format!("{number}@{epoch}"));
        format!(
            "{}:{}",
            topic_name(*topic),
            numbers.collect::<Vec<_>>().join(",")
        )
    });
    format!("[{}]", topics.collect::<Vec<_>>().join(";"))
}

fn assignment(partitions: &Assignment) -> String {
    let topics = partitions.iter().map(|(topic, numbers)| {
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        format!("{}:{}", topic_name(*topic), numbers.join(","))
    });
    format!("[{}]", topics.collect::<Vec<_>>().join(";"))
}

/// The ids of topics in scenarios are their names.
fn topic_name(id: TopicId) -> String {
    let bytes = id.as_bytes();
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn beat(answer: &ConsumerHeartbeatReply) -> String {
    let told = answer.assignment.as_ref().map_or_else(
        || "no news".to_owned(),
        |partitions| format!("has {}", assignment(partitions)),
    );
    format!(
        "{} epoch={} {told}",
        member(&answer.member),
        answer.member_epoch
    )
}

fn described_consumer(group: &DescribedConsumerGroup) -> String {
    let members = group.members.iter().map(|one| {
        let static_as = one
            .instance
            .as_ref()
            .map_or(String::new(), |id| format!("@{id}"));
        format!(
            "{}{static_as} epoch={} has={} target={}",
            member(&one.member),
            one.member_epoch,
            assignment(&one.assignment),
            assignment(&one.target_assignment)
        )
    });
    format!(
        "{} {} epoch={} assigned={} by {} members=[{}]",
        group.group,
        group.state,
        group.group_epoch,
        group.assignment_epoch,
        group.assignor,
        join(members)
    )
}

fn joined(answer: &Joined) -> String {
    let members = answer.members.iter().map(|one| {
        let static_as = one
            .instance
            .as_ref()
            .map_or(String::new(), |id| format!("@{id}"));
        format!("{}{static_as}:{}", member(&one.member), text(&one.metadata))
    });
    let skip = if answer.skip_assignment {
        " skip-assignment"
    } else {
        ""
    };
    format!(
        "joined as {} gen={:?} type={} protocol={} leader={} members=[{}]{skip}",
        member(&answer.member),
        answer.generation,
        or_dash(answer.protocol_type.as_ref()),
        or_dash(answer.protocol.as_ref()),
        or_dash(answer.leader.as_ref().map(member)),
        join(members)
    )
}

fn join_refused(refused: &JoinRefused) -> String {
    match &refused.member {
        Some(id) => format!("{} for {}", refused.error.code(), member(id)),
        None => refused.error.code().to_string(),
    }
}

fn synced(answer: &Synced) -> String {
    format!(
        "synced type={} protocol={} assignment={}",
        or_dash(answer.protocol_type.as_ref()),
        or_dash(answer.protocol.as_ref()),
        text(&answer.assignment)
    )
}

fn left(left: &LeftMember) -> String {
    let id = left.member.as_ref().map(member).unwrap_or_default();
    let static_as = left
        .instance
        .as_ref()
        .map_or(String::new(), |id| format!("@{id}"));
    format!(
        "{id}{static_as}: {}",
        or_error(&left.result, |()| "ok".to_owned())
    )
}

fn described(group: &DescribedClassicGroup) -> String {
    let members = group.members.iter().map(|one| {
        let static_as = one
            .instance
            .as_ref()
            .map_or(String::new(), |id| format!("@{id}"));
        format!(
            "{}{static_as} client={} host={} metadata={} assignment={}",
            member(&one.member),
            one.client.id,
            one.client.host,
            text(&one.metadata),
            text(&one.assignment)
        )
    });
    format!(
        "{} {} type={} protocol={} members=[{}]",
        group.group,
        group.state,
        group.protocol_type,
        group.protocol,
        join(members)
    )
}

fn committed(at: &CommittedOffset) -> String {
    let mut shown = format!("at {}", at.offset);
    if let Some(epoch) = at.leader_epoch {
        shown.push_str(&format!(" epoch {epoch}"));
    }
    if !at.metadata.is_empty() {
        shown.push_str(&format!(" {:?}", &*at.metadata));
    }
    if let Some(expires) = at.expire_timestamp {
        shown.push_str(&format!(" expires {expires:?}"));
    }
    shown
}

fn results_of(results: &[Result<(), GroupError>]) -> String {
    format!(
        "[{}]",
        join(
            results
                .iter()
                .map(|result| or_error(result, |()| "ok".to_owned()))
        )
    )
}

pub(super) fn or_error<T>(result: &Result<T, GroupError>, show: impl Fn(&T) -> String) -> String {
    match result {
        Ok(value) => show(value),
        Err(error) => match error {
            GroupError::GroupIdNotFound(words) => format!("{} ({words})", error.code()),
            _ => error.code().to_string(),
        },
    }
}

pub(super) fn or_dash(value: Option<impl Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// `client#1` for an id that was made up.
pub(super) fn member(id: &MemberId) -> String {
    let text = id.as_str();
    let made_up = text.len().checked_sub(36).and_then(|start| {
        let (client, uuid) = text.split_at_checked(start)?;
        Some((client.trim_end_matches('-'), Uuid::parse_str(uuid).ok()?))
    });
    match made_up {
        Some((client, uuid)) => format!("{client}#{}", uuid.as_u128() & 0xffff_ffff),
        None => text.to_owned(),
    }
}

/// A consumer's subscription as `(topic+topic)`, anything else as text.
fn text(bytes: &[u8]) -> String {
    if bytes.len() < 6 || bytes[0] != 0 {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut topics = Vec::new();
    let mut rest = &bytes[6..];
    while let [0, length, tail @ ..] = rest
        && let Some((name, tail)) = tail.split_at_checked(usize::from(*length))
    {
        topics.push(String::from_utf8_lossy(name).into_owned());
        rest = tail;
    }
    format!("({})", topics.join("+"))
}

pub(super) fn join(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
