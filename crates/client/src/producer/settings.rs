use std::time::Duration;

use fleuve_model::record::{Compression, CompressionSetting};

use crate::config::{CommonSettings, Reader};
use crate::{Config, ConfigError};

/// What a producer is configured by.
#[derive(Clone)]
pub(super) struct ProducerSettings {
    pub(super) common: CommonSettings,
    pub(super) acks: Acks,
    pub(super) is_idempotent: bool,
    pub(super) linger: Duration,
    pub(super) batch_bytes: usize,
    pub(super) buffer_bytes: usize,
    pub(super) request_bytes_max: usize,
    pub(super) max_block: Duration,
    pub(super) delivery_timeout: Duration,
    pub(super) retries: u32,
    pub(super) in_flight_max: usize,
    pub(super) compression: CompressionSetting,
    pub(super) ignores_keys: bool,
    pub(super) is_adaptive: bool,
}

/// Whose acknowledgement a record waits for (`acks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acks {
    /// Nobody's.
    None,
    /// The leader's.
    Leader,
    /// That of all in-sync replicas.
    All,
}

/// With more, the broker could not tell a repeated batch from a new one.
const IDEMPOTENT_IN_FLIGHT_MAX: usize = 5;

const UNSUPPORTED: &[(&str, &str)] = &[
    ("transactional.id", "transactions are not there yet"),
    ("transaction.*", "transactions are not there yet"),
    (
        "partitioner.class",
        "set a record's partition, or leave the default partitioner",
    ),
    (
        "partitioner.availability.timeout.ms",
        "partitions are weighed by their queues only",
    ),
    ("key.serializer", "keys are bytes; serialize before sending"),
    (
        "value.serializer",
        "values are bytes; serialize before sending",
    ),
    ("compression.lz4.level", "the LZ4 compressor has one level"),
];

impl ProducerSettings {
    pub(super) fn read(config: &Config) -> Result<ProducerSettings, ConfigError> {
        let reader = Reader::new(config);
        reader.refuse(UNSUPPORTED)?;
        let common = CommonSettings::read(config, &reader, "", 30_000)?;
        let acks = reader.choice("acks", Acks::All, &ACKS)?;
        let in_flight_max = reader.number("max.in.flight.requests.per.connection", 5, 1..=1_000)?;
        let retries = reader.number("retries", i32::MAX as u32, 0..=i32::MAX as u32)?;
        let linger = reader.millis("linger.ms", 5)?;
        let delivery_timeout = read_delivery_timeout(&reader, config, linger, &common)?;
        let settings = ProducerSettings {
            is_idempotent: read_idempotence(&reader, config, acks, in_flight_max, retries)?,
            acks,
            linger,
            batch_bytes: reader.number("batch.size", 16_384, 0..=i32::MAX as usize)?,
            buffer_bytes: reader.number("buffer.memory", 33_554_432, 0..=u32::MAX as usize)?,
            request_bytes_max: reader.number(
                "max.request.size",
                1_048_576,
                0..=i32::MAX as usize,
            )?,
            max_block: reader.millis("max.block.ms", 60_000)?,
            delivery_timeout,
            retries,
            in_flight_max,
            compression: read_compression(&reader)?,
            ignores_keys: reader.flag("partitioner.ignore.keys", false)?,
            is_adaptive: reader.flag("partitioner.adaptive.partitioning.enable", true)?,
            common,
        };
        reader.finish("producer");
        Ok(settings)
    }
}

const ACKS: [(&str, Acks); 4] = [
    ("all", Acks::All),
    ("-1", Acks::All),
    ("1", Acks::Leader),
    ("0", Acks::None),
];

impl Acks {
    pub(super) const fn to_wire(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }
}

/// On unless something that was set explicitly forbids it; asked for and forbidden is an error.
fn read_idempotence(
    reader: &Reader<'_>,
    config: &Config,
    acks: Acks,
    in_flight_max: usize,
    retries: u32,
) -> Result<bool, ConfigError> {
    let wanted = reader.flag("enable.idempotence", true)?;
    let is_explicit = config.get("enable.idempotence").is_some();
    let obstacle = if acks != Acks::All {
        Some("acks=all")
    } else if in_flight_max > IDEMPOTENT_IN_FLIGHT_MAX {
        Some("max.in.flight.requests.per.connection of at most 5")
    } else if retries == 0 {
        Some("retries above 0")
    } else {
        None
    };
    match obstacle {
        Some(needed) if wanted && is_explicit => Err(ConfigError::Conflict(format!(
            "enable.idempotence=true needs {needed}"
        ))),
        Some(_) => Ok(false),
        None => Ok(wanted),
    }
}

fn read_delivery_timeout(
    reader: &Reader<'_>,
    config: &Config,
    linger: Duration,
    common: &CommonSettings,
) -> Result<Duration, ConfigError> {
    let timeout = reader.millis("delivery.timeout.ms", 120_000)?;
    let least = linger + common.request_timeout;
    if timeout >= least {
        return Ok(timeout);
    }
    if config.get("delivery.timeout.ms").is_none() {
        return Ok(least);
    }
    Err(ConfigError::Conflict(
        "delivery.timeout.ms should be at least linger.ms + request.timeout.ms".to_owned(),
    ))
}

fn read_compression(reader: &Reader<'_>) -> Result<CompressionSetting, ConfigError> {
    let choices = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ]
    .map(|codec| (codec.name(), codec));
    let codec = reader.choice("compression.type", Compression::None, &choices)?;
    let gzip = reader.number("compression.gzip.level", -1, -1..=9)?;
    let zstd = reader.number("compression.zstd.level", 3, -131_072..=22)?;
    let level = match codec {
        Compression::Gzip if gzip != -1 => Some(gzip),
        Compression::Zstd => Some(zstd),
        _ => None,
    };
    let Some(level) = level else {
        return Ok(CompressionSetting::new(codec));
    };
    CompressionSetting::with_level(codec, level)
        .map_err(|error| ConfigError::Conflict(error.to_string()))
}
