use std::time::Duration;

use fleuve_protocol::Str;

use super::assignor::Assignor;
use crate::config::{CommonSettings, Reader, invalid};
use crate::reader::read_isolation;
use crate::{Config, ConfigError, IsolationLevel};

/// What a consumer is configured by.
#[derive(Clone)]
pub(super) struct ConsumerSettings {
    pub(super) common: CommonSettings,
    pub(super) group: Option<GroupSettings>,
    pub(super) reset: OffsetReset,
    pub(super) isolation: IsolationLevel,
    pub(super) check_crcs: bool,
    pub(super) auto_commit: Option<Duration>,
    pub(super) fetch_bytes_min: i32,
    pub(super) fetch_bytes_max: i32,
    pub(super) partition_bytes_max: i32,
    pub(super) fetch_wait: Duration,
    pub(super) poll_records_max: usize,
    pub(super) api_timeout: Duration,
    pub(super) rack: Str,
    pub(super) auto_create_topics: bool,
    pub(super) excludes_internal: bool,
}

/// What a member of a group is configured by.
#[derive(Clone)]
pub(super) struct GroupSettings {
    pub(super) id: Str,
    pub(super) instance_id: Option<Str>,
    pub(super) protocol: GroupProtocol,
    pub(super) session_timeout: Duration,
    pub(super) heartbeat_interval: Duration,
    pub(super) poll_interval_max: Duration,
    pub(super) assignors: Vec<Assignor>,
    pub(super) remote_assignor: Option<Str>,
}

/// How members agree (`group.protocol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupProtocol {
    /// Join, sync and a leader that assigns.
    Classic,
    /// Heartbeats, and a broker that assigns (KIP-848).
    Consumer,
}

/// Where to begin without a committed offset, or beyond either end (`auto.offset.reset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OffsetReset {
    Earliest,
    Latest,
    /// At what is this old (KIP-1106).
    ByDuration(Duration),
    /// Nowhere: it is an error.
    None,
}

const UNSUPPORTED: &[(&str, &str)] = &[
    (
        "key.deserializer",
        "keys are bytes; deserialize what poll returns",
    ),
    (
        "value.deserializer",
        "values are bytes; deserialize what poll returns",
    ),
    ("share.*", "share groups are not there yet"),
];

impl ConsumerSettings {
    pub(super) fn read(config: &Config) -> Result<ConsumerSettings, ConfigError> {
        let reader = Reader::new(config);
        reader.refuse(UNSUPPORTED)?;
        let common = CommonSettings::read(config, &reader, "", 30_000)?;
        let group = read_group(&reader, config)?;
        let auto_commit = reader.flag("enable.auto.commit", true)?;
        if group.is_none() && auto_commit && config.get("enable.auto.commit").is_some() {
            let message = "enable.auto.commit=true needs a group.id";
            return Err(ConfigError::Conflict(message.to_owned()));
        }
        let interval = reader.millis("auto.commit.interval.ms", 5_000)?;
        let settings = ConsumerSettings {
            auto_commit: (auto_commit && group.is_some()).then_some(interval),
            group,
            reset: read_reset(&reader)?,
            isolation: read_isolation(&reader)?,
            check_crcs: reader.flag("check.crcs", true)?,
            fetch_bytes_min: reader.number("fetch.min.bytes", 1, 0..=i32::MAX)?,
            fetch_bytes_max: reader.number("fetch.max.bytes", 52_428_800, 0..=i32::MAX)?,
            partition_bytes_max: reader.number(
                "max.partition.fetch.bytes",
                1_048_576,
                0..=i32::MAX,
            )?,
            fetch_wait: reader.millis("fetch.max.wait.ms", 500)?,
            poll_records_max: reader.number("max.poll.records", 500, 1..=i32::MAX as usize)?,
            api_timeout: reader.millis("default.api.timeout.ms", 60_000)?,
            rack: Str::from(reader.text("client.rack").unwrap_or_default()),
            auto_create_topics: reader.flag("allow.auto.create.topics", true)?,
            excludes_internal: reader.flag("exclude.internal.topics", true)?,
            common,
        };
        reader.finish("consumer");
        Ok(settings)
    }
}

fn read_group(reader: &Reader<'_>, config: &Config) -> Result<Option<GroupSettings>, ConfigError> {
    let id = reader.text("group.id").filter(|id| !id.is_empty());
    let protocols = [
        ("classic", GroupProtocol::Classic),
        ("consumer", GroupProtocol::Consumer),
    ];
    let protocol = reader.choice("group.protocol", GroupProtocol::Classic, &protocols)?;
    if protocol == GroupProtocol::Consumer {
        for key in [
            "partition.assignment.strategy",
            "session.timeout.ms",
            "heartbeat.interval.ms",
        ] {
            if config.get(key).is_some() {
                let message = format!("{key} cannot be set with group.protocol=consumer");
                return Err(ConfigError::Conflict(message));
            }
        }
    }
    let session_timeout = reader.millis("session.timeout.ms", 45_000)?;
    let heartbeat_interval = reader.millis("heartbeat.interval.ms", 3_000)?;
    if heartbeat_interval >= session_timeout {
        let message = "heartbeat.interval.ms must be less than session.timeout.ms".to_owned();
        return Err(ConfigError::Conflict(message));
    }
    let settings = |id: &str| {
        Ok(GroupSettings {
            id: Str::from(id),
            instance_id: reader.text("group.instance.id").map(Str::from),
            protocol,
            session_timeout,
            heartbeat_interval,
            poll_interval_max: reader.millis("max.poll.interval.ms", 300_000)?,
            assignors: read_assignors(reader)?,
            remote_assignor: reader.text("group.remote.assignor").map(Str::from),
        })
    };
    // Read in any case, so that the keys are known.
    let settings = settings(id.unwrap_or_default())?;
    Ok(id.map(|_| settings))
}

/// Names of assignors, or of Kafka's classes of them.
fn read_assignors(reader: &Reader<'_>) -> Result<Vec<Assignor>, ConfigError> {
    let key = "partition.assignment.strategy";
    let Some(text) = reader.text(key) else {
        return Ok(vec![Assignor::Range, Assignor::CooperativeSticky]);
    };
    let list: Option<Vec<Assignor>> = text
        .split(',')
        .map(|name| Assignor::from_name(name.trim()))
        .collect();
    list.filter(|list| !list.is_empty()).ok_or_else(|| {
        let expected = "range, roundrobin, sticky or cooperative-sticky, or Kafka's classes of \
                        these, separated by commas";
        invalid(key, text, expected.to_owned())
    })
}

fn read_reset(reader: &Reader<'_>) -> Result<OffsetReset, ConfigError> {
    let key = "auto.offset.reset";
    let Some(text) = reader.text(key) else {
        return Ok(OffsetReset::Latest);
    };
    let reset = match text.to_ascii_lowercase().as_str() {
        "earliest" => Some(OffsetReset::Earliest),
        "latest" => Some(OffsetReset::Latest),
        "none" => Some(OffsetReset::None),
        other => other
            .strip_prefix("by_duration:")
            .and_then(iso_duration)
            .map(OffsetReset::ByDuration),
    };
    reset.ok_or_else(|| {
        let expected = "earliest, latest, none, or by_duration: with an ISO-8601 duration such \
                        as by_duration:P1DT2H";
        invalid(key, text, expected.to_owned())
    })
}

/// `PnDTnHnMnS`, in any case of letters.
fn iso_duration(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('p')?;
    let (days, time) = text.split_once('t').unwrap_or((text, ""));
    let mut total = Duration::ZERO;
    let parts = [
        (days, &[('d', 86_400)][..]),
        (time, &[('h', 3_600), ('m', 60), ('s', 1)][..]),
    ];
    for (mut rest, units) in parts {
        for (unit, seconds) in units {
            let Some((number, after)) = rest.split_once(*unit) else {
                continue;
            };
            let number: f64 = number
                .parse()
                .ok()
                .filter(|n: &f64| n.is_finite() && *n >= 0.0)?;
            total = total
                .checked_add(Duration::try_from_secs_f64(number * f64::from(*seconds)).ok()?)?;
            rest = after;
        }
        if !rest.is_empty() {
            return None;
        }
    }
    (!text.is_empty() && !text.ends_with('t')).then_some(total)
}
