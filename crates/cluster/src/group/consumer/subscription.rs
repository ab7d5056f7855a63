//! What members are subscribed to, and whether that has changed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fleuve_model::{Timestamp, TopicId, TopicName};
use regex::Regex;

use super::{ConsumerGroup, Draft, Member};
use crate::controller::{ConfigResource, MetadataImage};
use crate::group::{GroupConfig, GroupError, GroupId, Record, ResolvedRegex};

impl ConsumerGroup {
    /// All topics that anybody is subscribed to, by name or by expression.
    pub(super) fn subscribed_topics(&self) -> BTreeSet<Arc<str>> {
        let members = self.members.values();
        let by_name = members.flat_map(|member| &member.metadata.subscribed_topics);
        let by_regex = self.regexes.values().flat_map(|resolved| &resolved.topics);
        by_name.chain(by_regex).cloned().collect()
    }

    /// The topics of one member that exist.
    pub(super) fn topics_of(&self, member: &Member, image: &MetadataImage) -> BTreeSet<TopicId> {
        let regex = member.metadata.subscribed_regex.as_ref();
        let resolved = regex.and_then(|regex| self.regexes.get(regex));
        let by_regex = resolved.into_iter().flat_map(|resolved| &resolved.topics);
        let names = member.metadata.subscribed_topics.iter().chain(by_regex);
        names
            .filter_map(|name| topic(image, name))
            .map(|topic| topic.id)
            .collect()
    }

    /// A number that differs when the subscribed topics do: which exist, under which ids, with
    /// how many partitions (FNV-1a).
    pub(super) fn metadata_hash_of(&self, image: &MetadataImage) -> i64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        for topic in self
            .subscribed_topics()
            .iter()
            .filter_map(|name| topic(image, name))
        {
            add(topic.name.as_str().as_bytes());
            add(topic.id.as_bytes());
            add(&(topic.partitions.len() as u64).to_be_bytes());
        }
        hash.cast_signed()
    }
}

impl Draft<'_> {
    /// Looks up anew what the members' expressions match, and forgets those of nobody. Says
    /// whether anything has changed.
    pub(super) fn resolve_regexes(&mut self, image: &MetadataImage, now: Timestamp) -> bool {
        let members = self.group.members.values();
        let used: BTreeSet<Arc<str>> = members
            .filter_map(|member| member.metadata.subscribed_regex.clone())
            .collect();
        let unused: Vec<Arc<str>> = self
            .group
            .regexes
            .keys()
            .filter(|regex| !used.contains(*regex))
            .cloned()
            .collect();
        let mut changed = !unused.is_empty();
        for regex in unused {
            let group = self.group.id.clone();
            self.write(Record::ConsumerGroupRegex {
                group,
                regex,
                value: None,
            });
        }
        for regex in used {
            let topics = matching_topics(&regex, image);
            if self
                .group
                .regexes
                .get(&regex)
                .is_some_and(|known| known.topics == topics)
            {
                continue;
            }
            let version = i64::try_from(image.records_applied()).unwrap_or(i64::MAX);
            let value = Some(ResolvedRegex {
                topics,
                version,
                timestamp: now,
            });
            let group = self.group.id.clone();
            self.write(Record::ConsumerGroupRegex {
                group,
                regex,
                value,
            });
            changed = true;
        }
        changed
    }
}

/// Checks an expression of a request; the empty one takes back what was said before.
pub(super) fn check_regex(regex: &str) -> Result<(), GroupError> {
    whole_match(regex).map(|_| ()).map_err(|error| {
        let words = error.to_string();
        let reason = words
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        GroupError::InvalidRegularExpression(format!(
            "SubscribedTopicRegex `{regex}` is not a valid regular expression: {reason}."
        ))
    })
}

/// The names of all topics that `regex` matches as a whole.
fn matching_topics(regex: &str, image: &MetadataImage) -> BTreeSet<Arc<str>> {
    let Ok(matcher) = whole_match(regex) else {
        return BTreeSet::new();
    };
    let names = image.topics().map(|topic| topic.name.as_str());
    names
        .filter(|name| matcher.is_match(name))
        .map(Arc::from)
        .collect()
}

fn whole_match(regex: &str) -> Result<Regex, regex::Error> {
    // Checked by itself first: wrapped, "a)(b" would be an expression.
    Regex::new(regex)?;
    Regex::new(&format!("^(?:{regex})$"))
}

fn topic<'a>(image: &'a MetadataImage, name: &str) -> Option<&'a Arc<crate::controller::Topic>> {
    image.topic(&TopicName::new(name).ok()?)
}

/// `consumer.session.timeout.ms` of the group, or the broker's default.
pub(super) fn session_timeout(
    group: &GroupId,
    image: &MetadataImage,
    config: &GroupConfig,
) -> Duration {
    let own = group_millis(group, image, "consumer.session.timeout.ms");
    own.unwrap_or(config.consumer_session_timeout)
}

/// `consumer.heartbeat.interval.ms` of the group, or the broker's default.
pub(super) fn heartbeat_interval(
    group: &GroupId,
    image: &MetadataImage,
    config: &GroupConfig,
) -> Duration {
    let own = group_millis(group, image, "consumer.heartbeat.interval.ms");
    own.unwrap_or(config.consumer_heartbeat_interval)
}

fn group_millis(group: &GroupId, image: &MetadataImage, name: &str) -> Option<Duration> {
    let configs = image.configs(&ConfigResource::Group(group.as_str().to_owned()));
    configs.get(name)?.parse().ok().map(Duration::from_millis)
}
