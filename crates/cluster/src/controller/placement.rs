//! Which brokers hold the replicas of new partitions.

use std::collections::BTreeMap;

use fleuve_model::BrokerId;

/// Spreads `partitions` over `brokers`, `replication_factor` replicas each, leaders in turn from
/// `start` on. Replicas of one partition are in different racks as far as there are racks.
pub(super) fn place<'a>(
    brokers: impl Iterator<Item = (BrokerId, Option<&'a str>)>,
    partitions: usize,
    replication_factor: usize,
    start: usize,
) -> Vec<Vec<BrokerId>> {
    let brokers = alternate_racks(brokers);
    assert!(
        replication_factor <= brokers.len(),
        "checked before placing"
    );
    let replicas = |partition: usize| {
        let first = start % brokers.len() + partition;
        (first..first + replication_factor)
            .map(|index| brokers[index % brokers.len()])
            .collect()
    };
    (0..partitions).map(replicas).collect()
}

/// The first broker of each rack, then the second of each, and so on.
fn alternate_racks<'a>(
    brokers: impl Iterator<Item = (BrokerId, Option<&'a str>)>,
) -> Vec<BrokerId> {
    let mut racks: BTreeMap<Option<&str>, Vec<BrokerId>> = BTreeMap::new();
    for (broker, rack) in brokers {
        racks.entry(rack).or_default().push(broker);
    }
    let most = racks.values().map(Vec::len).max().unwrap_or(0);
    let column = |index: usize| {
        racks
            .values()
            .filter_map(move |rack| rack.get(index).copied())
    };
    (0..most).flat_map(column).collect()
}
