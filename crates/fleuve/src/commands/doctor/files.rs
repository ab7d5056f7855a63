//! Whether a broker that is started here may open enough files.
//!
//! A broker holds three files open for each partition, and a socket for each client. What it may
//! open is what the shell that starts it allows.

use fleuve_client::Admin;
use rustix::process::{Resource, getrlimit};

use super::advertised::is_on_this_machine;
use super::{Finding, bad, good, skipped, warning};

const CHECK: &str = "files";

/// The segment, its index and its index of times.
const FILES_PER_PARTITION: u64 = 3;

/// For sockets, and for segments that are being rolled or deleted.
const FILES_BESIDE: u64 = 1_000;

/// What Kafka's own guide asks for.
const FILES_ADVISED: u64 = 100_000;

pub(super) async fn check(admin: &Admin, servers: &[String]) -> Finding {
    if !servers.iter().any(|server| is_on_this_machine(server)) {
        return skipped(CHECK, "the broker is on another machine; run this there");
    }
    let topics = match admin.list_topics().await {
        Ok(topics) => topics,
        Err(error) => return skipped(CHECK, &error.to_string()),
    };
    let partitions = topics.values().map(|topic| topic.partitions.len() as u64);
    assess(partitions.sum(), getrlimit(Resource::Nofile).maximum)
}

/// `limit` is the hard one: the server raises its own limit to that; `None` is no limit.
fn assess(partitions: u64, limit: Option<u64>) -> Finding {
    let Some(limit) = limit else {
        return good(CHECK, "a broker started here may open any number of files");
    };
    let needed = partitions * FILES_PER_PARTITION + FILES_BESIDE;
    let what = format!(
        "a broker started here may open {limit} files; {partitions} partitions and their clients \
         take about {needed}"
    );
    let remedy = format!(
        "`ulimit -Hn {FILES_ADVISED}` as root in the shell that starts it, or \
         LimitNOFILE={FILES_ADVISED} in its systemd unit"
    );
    if limit < needed {
        bad(CHECK, what, remedy)
    } else if limit < needed * 2 {
        warning(CHECK, what, remedy)
    } else {
        good(CHECK, what)
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn many_partitions_need_many_files() {
        assert_eq!(assess(10, Some(100_000)).state, State::Good);
        assert_eq!(assess(10, Some(2_000)).state, State::Warning);
        assert_eq!(assess(1_000, Some(1_024)).state, State::Bad);
        assert_eq!(assess(1_000, None).state, State::Good);
    }
}
