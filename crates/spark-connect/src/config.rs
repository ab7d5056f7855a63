//! How the door is configured: Spark's keys where Spark has them, `fleuve.` keys for what only this server bounds.
//!
//! Always true: every key that this crate reads is in [`ConnectConfig::KEYS`], with its default and its meaning; a
//! value that does not parse is an error that names key and value. Start at [`ConnectConfig::from_properties`].

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The settings of the server. Sessions have their own, which clients read and write.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectConfig {
    pub address: SocketAddr,
    /// Whether somebody asked for this port: then a taken port is fatal, otherwise the server runs without this door.
    pub port_is_set: bool,
    /// What clients must send as `authorization: Bearer`.
    pub token: Option<String>,
    pub authentication_required: bool,
    pub message_bytes_max: usize,
    pub sessions_max: usize,
    pub session_idle_max: Duration,
    pub session_memory_bytes_max: usize,
    pub session_artifact_bytes_max: usize,
    pub session_operations_max: usize,
    pub closed_sessions_max: usize,
    pub result_bytes_max: u64,
    pub operation_detached_max: Duration,
    pub stream_duration_max: Duration,
    pub stream_bytes_max: usize,
    pub retry_buffer_bytes_max: usize,
    pub batch_bytes_max: usize,
    pub chunk_bytes_max: usize,
    /// Every `spark.` key that was given: what sessions start with.
    pub session_defaults: BTreeMap<String, String>,
}

/// A key, its default as text, and what it means.
pub struct Key {
    pub name: &'static str,
    pub default: &'static str,
    pub meaning: &'static str,
}

const fn key(name: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key {
        name,
        default,
        meaning,
    }
}

const ADDRESS: &str = "spark.connect.grpc.binding.address";
const PORT: &str = "spark.connect.grpc.binding.port";
const TOKEN: &str = "spark.connect.authenticate.token";
const AUTHENTICATION_REQUIRED: &str = "fleuve.spark.connect.authentication.required";
const MESSAGE_BYTES: &str = "spark.connect.grpc.maxInboundMessageSize";
const BATCH_BYTES: &str = "spark.connect.grpc.arrow.maxBatchSize";
const CHUNK_BYTES: &str = "spark.connect.session.resultChunking.maxChunkSize";
pub(crate) const SESSIONS: &str = "fleuve.spark.connect.sessions.max";
const SESSION_IDLE: &str = "spark.connect.session.manager.defaultSessionTimeout";
const SESSION_MEMORY: &str = "fleuve.spark.connect.session.memory";
pub(crate) const SESSION_ARTIFACTS: &str = "fleuve.spark.connect.session.artifacts.bytes.max";
pub(crate) const SESSION_OPERATIONS: &str = "fleuve.spark.connect.session.operations.max";
const CLOSED_SESSIONS: &str = "spark.connect.session.manager.closedSessionsTombstonesSize";
pub(crate) const RESULT_BYTES: &str = "spark.driver.maxResultSize";
const OPERATION_DETACHED: &str = "spark.connect.execute.manager.detachedTimeout";
const STREAM_DURATION: &str = "spark.connect.execute.reattachable.senderMaxStreamDuration";
const STREAM_BYTES: &str = "spark.connect.execute.reattachable.senderMaxStreamSize";
const RETRY_BUFFER: &str = "spark.connect.execute.reattachable.observerRetryBufferSize";

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ConfigError {
    #[error("`{key}` cannot be `{value}`: {reason}")]
    Invalid {
        key: &'static str,
        value: String,
        reason: &'static str,
    },
    #[error(
        "Spark Connect would be open to the network at {address} without a token: set `spark.connect.authenticate.token`, \
         or `fleuve.spark.connect.authentication.required=false` if that is meant"
    )]
    OpenToTheNetwork { address: SocketAddr },
}

impl ConnectConfig {
    pub const KEYS: &[Key] = &[
        key(ADDRESS, "127.0.0.1", "The address to listen on."),
        key(PORT, "15002", "The port to listen on; 0 takes a free one."),
        key(
            TOKEN,
            "",
            "The token that clients must present (`sc://host:port/;token=…`).",
        ),
        key(
            AUTHENTICATION_REQUIRED,
            "true",
            "Whether an address that is not loopback needs a token.",
        ),
        key(MESSAGE_BYTES, "128m", "The largest request."),
        key(BATCH_BYTES, "128m", "The largest Arrow batch of a result."),
        key(
            CHUNK_BYTES,
            "64m",
            "The largest response that carries part of an Arrow batch.",
        ),
        key(SESSIONS, "256", "How many sessions may be open at once."),
        key(
            SESSION_IDLE,
            "60m",
            "How long a session may be idle before it is closed.",
        ),
        key(
            SESSION_MEMORY,
            "1g",
            "How much memory the queries of one session may hold.",
        ),
        key(
            SESSION_ARTIFACTS,
            "1g",
            "How many bytes of artifacts one session may upload.",
        ),
        key(
            SESSION_OPERATIONS,
            "64",
            "How many operations of one session may exist at once.",
        ),
        key(
            CLOSED_SESSIONS,
            "1000",
            "How many closed sessions are remembered as closed.",
        ),
        key(
            RESULT_BYTES,
            "1g",
            "The largest result of one operation; 0 is unlimited.",
        ),
        key(
            OPERATION_DETACHED,
            "5m",
            "How long an operation survives without its client.",
        ),
        key(
            STREAM_DURATION,
            "2m",
            "How long one response stream lasts before the client must reattach; 0 is unlimited.",
        ),
        key(
            STREAM_BYTES,
            "1g",
            "How much one response stream carries before the client must reattach; 0 is unlimited.",
        ),
        key(
            RETRY_BUFFER,
            "10m",
            "How many bytes of sent responses are kept for a client that reattaches.",
        ),
    ];

    /// Reads the keys of this crate from `properties`; what is not there has its default.
    pub fn from_properties(properties: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let reader = Reader { properties };
        let config = Self {
            address: SocketAddr::new(reader.address(ADDRESS)?, reader.number(PORT)? as u16),
            port_is_set: properties.contains_key(PORT),
            token: Some(reader.text(TOKEN).to_owned()).filter(|token| !token.is_empty()),
            authentication_required: reader.flag(AUTHENTICATION_REQUIRED)?,
            message_bytes_max: reader.bytes(MESSAGE_BYTES)?,
            sessions_max: reader.number(SESSIONS)?,
            session_idle_max: reader.duration(SESSION_IDLE)?,
            session_memory_bytes_max: reader.bytes(SESSION_MEMORY)?,
            session_artifact_bytes_max: reader.bytes(SESSION_ARTIFACTS)?,
            session_operations_max: reader.number(SESSION_OPERATIONS)?,
            closed_sessions_max: reader.number(CLOSED_SESSIONS)?,
            result_bytes_max: reader.bytes(RESULT_BYTES)? as u64,
            operation_detached_max: reader.duration(OPERATION_DETACHED)?,
            stream_duration_max: reader.duration(STREAM_DURATION)?,
            stream_bytes_max: reader.bytes(STREAM_BYTES)?,
            retry_buffer_bytes_max: reader.bytes(RETRY_BUFFER)?,
            batch_bytes_max: reader.bytes(BATCH_BYTES)?,
            chunk_bytes_max: reader.bytes(CHUNK_BYTES)?,
            session_defaults: session_defaults(properties),
        };
        config.refuse_an_open_door()?;
        Ok(config)
    }

    fn refuse_an_open_door(&self) -> Result<(), ConfigError> {
        let reachable = !self.address.ip().is_loopback();
        if reachable && self.token.is_none() && self.authentication_required {
            return Err(ConfigError::OpenToTheNetwork {
                address: self.address,
            });
        }
        Ok(())
    }
}

impl Default for ConnectConfig {
    fn default() -> Self {
        Self::from_properties(&BTreeMap::new()).expect("the defaults parse")
    }
}

fn session_defaults(properties: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    properties
        .iter()
        .filter(|(key, _)| key.starts_with("spark.") && key.as_str() != TOKEN)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

struct Reader<'a> {
    properties: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    fn text(&self, name: &'static str) -> &str {
        match self.properties.get(name) {
            Some(value) => value.trim(),
            None => {
                ConnectConfig::KEYS
                    .iter()
                    .find(|key| key.name == name)
                    .expect("every key is listed")
                    .default
            }
        }
    }

    fn parse<T>(
        &self,
        name: &'static str,
        reason: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let value = self.text(name);
        parse(value).ok_or_else(|| ConfigError::Invalid {
            key: name,
            value: value.to_owned(),
            reason,
        })
    }

    fn address(&self, name: &'static str) -> Result<IpAddr, ConfigError> {
        self.parse(
            name,
            "an IP address or `localhost` is expected",
            |value| match value {
                "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                value => value.parse().ok(),
            },
        )
    }

    fn number(&self, name: &'static str) -> Result<usize, ConfigError> {
        let limit = if name == PORT {
            usize::from(u16::MAX)
        } else {
            usize::MAX
        };
        self.parse(name, "a number in range is expected", |value| {
            value.parse().ok().filter(|number| *number <= limit)
        })
    }

    fn flag(&self, name: &'static str) -> Result<bool, ConfigError> {
        self.parse(name, "`true` or `false` is expected", |value| {
            value.parse().ok()
        })
    }

    fn bytes(&self, name: &'static str) -> Result<usize, ConfigError> {
        self.parse(
            name,
            "a size such as `64m` or `1g` is expected",
            parse_bytes,
        )
    }

    fn duration(&self, name: &'static str) -> Result<Duration, ConfigError> {
        self.parse(
            name,
            "a duration such as `90s` or `60m` is expected",
            parse_duration,
        )
    }
}

/// A size as Spark writes it: `10m`, `1g`, `512kb`, or bytes.
pub fn parse_bytes(text: &str) -> Option<usize> {
    let (number, unit) = split_unit(text);
    let factor = match unit.as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(factor)
}

/// A duration as Spark writes it: `100ms`, `90s`, `60m`, `1h`, `1d`; a bare number is milliseconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text);
    let milliseconds = match unit.as_str() {
        "us" => return Some(Duration::from_micros(number.parse().ok()?)),
        "" | "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number
        .parse::<u64>()
        .ok()?
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
}

fn split_unit(text: &str) -> (&str, String) {
    let text = text.trim();
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim().to_ascii_lowercase())
}
