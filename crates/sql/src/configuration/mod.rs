//! A session's configuration: Spark's keys, their defaults and their checks.
//!
//! Always true: a value that was accepted is readable as its key's type. Keys that Spark does not know are kept as
//! they are, for the client's own use. Start at [`Configuration`].

mod check;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::error::{Result, SparkError};

/// Key, default, version of Spark that brought it; one a line.
const KEYS: &str = include_str!("keys.tsv");
/// Keys that clients ask for and that Spark does not list, with their defaults.
const UNLISTED: &[(&str, &str)] = &[
    (
        "spark.connect.session.planCompression.defaultAlgorithm",
        "ZSTD",
    ),
    (
        "spark.connect.session.planCompression.threshold",
        "10485760",
    ),
    ("spark.python.sql.dataFrameDebugging.enabled", "true"),
    ("spark.sql.connect.serverStacktrace.enabled", "true"),
    ("spark.sql.execution.arrow.useLargeVarTypes", "false"),
    (
        "spark.sql.execution.pandas.convertToArrowArraySafely",
        "false",
    ),
    ("spark.sql.execution.pandas.inferPandasDictAsMap", "false"),
    ("spark.sql.execution.pandas.structHandlingMode", "legacy"),
    ("spark.sql.execution.pyspark.binaryAsBytes", "true"),
    ("spark.sql.execution.pythonUDF.arrow.enabled", "true"),
    ("spark.sql.legacy.createHiveTableByDefault", "false"),
    ("spark.sql.legacy.timeParserPolicy", "CORRECTED"),
    ("spark.sql.pyspark.inferNestedDictAsStruct.enabled", "false"),
    (
        "spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled",
        "false",
    ),
    (
        "spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled",
        "false",
    ),
    (
        "spark.sql.session.localRelationBatchOfChunksSizeBytes",
        "1073741824",
    ),
    ("spark.sql.session.localRelationCacheThreshold", "1048576"),
    ("spark.sql.session.localRelationChunkSizeBytes", "16777216"),
    ("spark.sql.session.localRelationChunkSizeRows", "10000"),
    ("spark.sql.session.localRelationSizeLimit", "3221225472"),
];
/// Keys that are set for the whole server and not by a session.
const STATIC: &[&str] = &[
    "spark.sql.catalogImplementation",
    "spark.sql.extensions",
    "spark.sql.warehouse.dir",
    "spark.sql.globalTempDatabase",
    "spark.sql.queryExecutionListeners",
    "spark.sql.streaming.streamingQueryListeners",
    "spark.sql.sources.schemaStringLengthThreshold",
    "spark.sql.filesourceTableRelationCacheSize",
    "spark.sql.event.truncate.length",
    "spark.sql.legacy.sessionInitWithConfigDefaults",
    "spark.sql.defaultUrlStreamHandlerFactory.enabled",
    "spark.sql.streaming.ui.enabled",
    "spark.sql.streaming.ui.retainedQueries",
    "spark.sql.streaming.ui.retainedProgressUpdates",
    "spark.sql.ui.retainedExecutions",
    "spark.sql.shuffleExchange.maxThreadThreshold",
    "spark.sql.broadcastExchange.maxThreadThreshold",
    "spark.sql.subquery.maxThreadThreshold",
    "spark.sql.codegen.cache.maxEntries",
    "spark.sql.cache.serializer",
    "spark.sql.metadataCacheTTLSeconds",
];

const ANSI_ENABLED: &str = "spark.sql.ansi.enabled";
const CASE_SENSITIVE: &str = "spark.sql.caseSensitive";
const MAP_KEY_POLICY: &str = "spark.sql.mapKeyDedupPolicy";
const SHUFFLE_PARTITIONS: &str = "spark.sql.shuffle.partitions";
const SOURCES_DEFAULT: &str = "spark.sql.sources.default";
const TIME_ZONE: &str = "spark.sql.session.timeZone";
/// The time zone of a session that has set none.
const TIME_ZONE_DEFAULT: &str = "UTC";
/// What the key list says of keys that have no default.
const UNDEFINED: &str = "<undefined>";

static DEFAULTS: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let listed = KEYS.lines().filter_map(|line| {
        let mut parts = line.split('\t');
        Some((parts.next()?, parts.next()?))
    });
    let mut defaults: BTreeMap<_, _> = listed.chain(UNLISTED.iter().copied()).collect();
    defaults.insert(TIME_ZONE, TIME_ZONE_DEFAULT);
    defaults
});

/// The settings of one session.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    values: BTreeMap<String, String>,
}

impl Configuration {
    /// Sets a key, after checking the value against the key's type.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        if is_static(key) {
            return Err(SparkError::cannot_modify_static_configuration(key));
        }
        check::check(key, value, default_of(key).as_deref())?;
        self.values.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// Sets a key that a server starts with, static or not.
    pub fn set_initial(&mut self, key: &str, value: &str) {
        self.values.insert(key.to_owned(), value.to_owned());
    }

    pub fn unset(&mut self, key: &str) -> Result<()> {
        if is_static(key) {
            return Err(SparkError::cannot_modify_static_configuration(key));
        }
        self.values.remove(key);
        Ok(())
    }

    /// Forgets everything that was set, static keys excepted.
    pub fn reset(&mut self) {
        self.values.retain(|key, _| is_static(key));
    }

    /// The value of a key, set or default; an error if it has neither.
    pub fn get(&self, key: &str) -> Result<String> {
        self.get_option(key)
            .ok_or_else(|| SparkError::configuration_not_found(key))
    }

    pub fn get_option(&self, key: &str) -> Option<String> {
        self.values.get(key).cloned().or_else(|| default_of(key))
    }

    pub fn get_or(&self, key: &str, default: &str) -> String {
        self.values
            .get(key)
            .cloned()
            .unwrap_or_else(|| default.to_owned())
    }

    /// What was set.
    pub fn set_values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// Everything that has a value and whose key starts with `prefix`, the prefix cut off.
    pub fn get_all(&self, prefix: Option<&str>) -> BTreeMap<String, String> {
        let prefix = prefix.unwrap_or_default();
        let entries = self.values.iter();
        entries
            .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone())))
            .collect()
    }

    pub fn is_modifiable(&self, key: &str) -> bool {
        !is_static(key) && DEFAULTS.contains_key(key)
    }

    /// All known keys with their values, for `SET -v`.
    pub fn known(&self) -> Vec<(String, String)> {
        DEFAULTS
            .keys()
            .map(|key| ((*key).to_owned(), self.get_option(key).unwrap_or_default()))
            .collect()
    }

    pub fn ansi_enabled(&self) -> bool {
        self.flag(ANSI_ENABLED)
    }

    pub fn case_sensitive(&self) -> bool {
        self.flag(CASE_SENSITIVE)
    }

    pub fn time_zone(&self) -> String {
        self.get_or(TIME_ZONE, TIME_ZONE_DEFAULT)
    }

    /// True if the last of equal map keys wins, false if they are an error.
    pub fn last_map_key_wins(&self) -> bool {
        self.get_or(MAP_KEY_POLICY, "EXCEPTION")
            .eq_ignore_ascii_case("LAST_WIN")
    }

    pub fn shuffle_partitions(&self) -> usize {
        self.get_option(SHUFFLE_PARTITIONS)
            .and_then(|value| value.parse().ok())
            .unwrap_or(200)
    }

    pub fn default_source(&self) -> String {
        self.get_or(SOURCES_DEFAULT, "parquet")
    }

    /// The value of a key that is `true` or `false`.
    pub fn flag(&self, key: &str) -> bool {
        self.get_option(key)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

fn is_static(key: &str) -> bool {
    STATIC.contains(&key)
}

/// The default of a key, following `<value of other.key>`.
fn default_of(key: &str) -> Option<String> {
    let default = *DEFAULTS.get(key)?;
    if default == UNDEFINED {
        return None;
    }
    match default
        .strip_prefix("<value of ")
        .and_then(|rest| rest.strip_suffix('>'))
    {
        Some(other) if other != key => default_of(other),
        _ => Some(default.to_owned()),
    }
}
