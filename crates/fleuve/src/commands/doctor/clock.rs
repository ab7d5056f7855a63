//! Whether this machine's clock, and those of the producers, can be right.
//!
//! Kafka's protocol does not tell a broker's time. But a record from the future was written by a
//! clock that is ahead of this one, and such records are kept long past their retention.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fleuve_client::{Admin, IsolationLevel, OffsetSpec};
use fleuve_model::{Timestamp, TopicPartition};

use super::{Finding, bad, good, skipped, warning};
use crate::tasks::times::rfc3339;

const CHECK: &str = "clock";

/// 2026-01-01: this program is younger than that.
const EARLIEST: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// Clocks that are kept by a time service agree far better than this.
const AHEAD_MAX: Duration = Duration::from_secs(60);

const REMEDY: &str = "let a time service keep the clocks (`timedatectl set-ntp true`), here and \
                      where the producers run";

/// Looks at this machine's own clock.
pub(super) fn check_own(now: SystemTime) -> Finding {
    let now = timestamp(now);
    if now < EARLIEST {
        let what = format!("this machine's clock says {}", rfc3339(now.as_millis()));
        return bad(CHECK, what, REMEDY);
    }
    good(CHECK, format!("it is {} here", rfc3339(now.as_millis())))
}

/// Looks at the newest record of every partition.
pub(super) async fn check_records(admin: &Admin, now: SystemTime) -> Finding {
    let topics = match admin.list_topics().await {
        Ok(topics) => topics,
        Err(error) => return skipped(CHECK, &error.to_string()),
    };
    let mut asked = BTreeMap::new();
    for topic in topics.values().filter(|topic| !topic.is_internal) {
        for partition in topic.partitions.iter().filter(|p| p.leader.is_some()) {
            let partition = TopicPartition::new(topic.name.clone(), partition.id);
            asked.insert(partition, OffsetSpec::MaxTimestamp);
        }
    }
    let found = admin
        .list_offsets(&asked, IsolationLevel::ReadUncommitted)
        .await;
    let times = found
        .into_iter()
        .filter_map(|(partition, listed)| Some((listed.ok()?.timestamp?, partition)));
    assess(times.max(), timestamp(now))
}

/// `newest` is the record with the largest timestamp of all.
fn assess(newest: Option<(Timestamp, TopicPartition)>, now: Timestamp) -> Finding {
    let Some((time, partition)) = newest else {
        return good(CHECK, "no record says what time it is where it was written");
    };
    let ahead = time.since(now);
    if ahead > AHEAD_MAX {
        let what = format!(
            "{partition} has a record of {}, {} s ahead of this machine's clock; it will outlive \
             its retention by as much",
            rfc3339(time.as_millis()),
            ahead.as_secs()
        );
        return warning(CHECK, what, REMEDY);
    }
    good(CHECK, "no record is from the future")
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_a_problem() {
        assert_eq!(check_own(UNIX_EPOCH).state, State::Bad);
        let later = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        assert_eq!(check_own(later).state, State::Good);
    }
}
