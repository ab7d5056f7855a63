//! What functions know of the session they run in, fixed when a plan is analyzed.

use crate::time::TimeZone;

/// Settings that change what an expression means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Context {
    pub ansi: bool,
    pub time_zone: TimeZone,
    pub time_zone_name: String,
    /// Microseconds since 1970-01-01 UTC at which analysis began: what `current_timestamp()` gives.
    pub now: i64,
    pub last_map_key_wins: bool,
    pub case_sensitive: bool,
    pub user: String,
    pub database: String,
}
