//! The confs that a checkpoint holds a query to.
//!
//! A query that is restarted with other settings goes on with those of its checkpoint: they decide
//! how state is laid out. The keys, their order and defaults are Spark 4.3's.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// One conf that is written into every `offsets/N`.
#[derive(Debug, Clone, Copy)]
pub struct PinnedConf {
    pub key: &'static str,
    pub default: &'static str,
}

const fn pinned(key: &'static str, default: &'static str) -> PinnedConf {
    PinnedConf { key, default }
}

/// Every pinned conf, in the order Spark writes them.
pub const PINNED_CONFS: [PinnedConf; 17] = [
    pinned(
        "spark.sql.streaming.stateStore.providerClass",
        "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider",
    ),
    pinned(
        "spark.sql.dropDuplicates.deterministicKeyOrder.enabled",
        "true",
    ),
    pinned(
        "spark.sql.streaming.stateStore.rocksdb.mergeOperatorVersion",
        "2",
    ),
    pinned("spark.sql.streaming.stateStore.rocksdb.formatVersion", "5"),
    pinned(
        "spark.sql.streaming.queryEvolution.enableSourceEvolution",
        "false",
    ),
    pinned("spark.sql.streaming.stateStore.encodingFormat", "unsaferow"),
    pinned(
        "spark.sql.streaming.statefulOperator.useStrictDistribution",
        "true",
    ),
    pinned(
        "spark.sql.streaming.flatMapGroupsWithState.stateFormatVersion",
        "2",
    ),
    pinned("spark.sql.streaming.multipleWatermarkPolicy", "min"),
    pinned(
        "spark.sql.streaming.stateStore.rowChecksum.enabled",
        "false",
    ),
    pinned(
        "spark.sql.streaming.statefulOperator.alwaysNullableOutput.enabled",
        "true",
    ),
    pinned("spark.sql.streaming.aggregation.stateFormatVersion", "2"),
    pinned("spark.sql.function.protobufExtensions.enabled", "false"),
    pinned(SHUFFLE_PARTITIONS, "200"),
    pinned("spark.sql.streaming.join.stateFormatVersion", "2"),
    pinned("spark.sql.streaming.stateStore.compression.codec", "lz4"),
    pinned(
        "spark.sql.optimizer.pruneFiltersCanPruneStreamingSubplan",
        "false",
    ),
];

/// How many partitions Spark splits its state into; ours are in the state's own metadata.
const SHUFFLE_PARTITIONS: &str = "spark.sql.shuffle.partitions";

/// The pinned confs of one batch, in file order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PinnedConfs(IndexMap<String, String>);

impl PinnedConfs {
    /// Takes the values of a session, which answers `None` for what nobody set.
    pub fn from_session(get: impl Fn(&str) -> Option<String>) -> Self {
        let value = |conf: &PinnedConf| get(conf.key).unwrap_or_else(|| conf.default.to_owned());
        Self(
            PINNED_CONFS
                .iter()
                .map(|conf| (conf.key.to_owned(), value(conf)))
                .collect(),
        )
    }

    /// The value in the checkpoint; a key of a later version than the checkpoint's is absent.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Fills what the checkpoint does not know yet from `session`.
    pub fn or_session(&self, session: &Self) -> Self {
        let mut merged = session.clone();
        for (key, value) in &self.0 {
            merged.0.insert(key.clone(), value.clone());
        }
        merged
    }
}
