//! Which partition a record goes to: by its key as Java's producer has it, or, without one, to
//! the same partition until a batch's worth has gone there (KIP-480, KIP-794).

/// Kafka's hash of a key: murmur2 with Kafka's seed.
pub(crate) fn murmur2(bytes: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    let mut hash = SEED ^ bytes.len() as u32;
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        let word: [u8; 4] = word.try_into().expect("chunks have four bytes");
        let mut k = u32::from_le_bytes(word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^= hash >> 15;
    hash as i32
}

/// The partition of a key among `partitions`.
pub(crate) fn partition_of_key(key: &[u8], partitions: usize) -> usize {
    (murmur2(key) & i32::MAX) as usize % partitions
}

/// Chooses a partition for records without a key and stays with it for a while.
#[derive(Clone, Debug, Default)]
pub(crate) struct StickyPartitioner {
    current: Option<usize>,
    /// What the current partition has been given.
    bytes: usize,
}

impl StickyPartitioner {
    /// The partition of the next record, if it is still the last one's.
    pub(crate) fn current(&self) -> Option<usize> {
        self.current
    }

    /// Moves on to another partition. `queued` tells, for each partition, how many batches wait
    /// for it, or nothing if it has no leader; `random` chooses.
    pub(crate) fn choose(
        &mut self,
        queued: &mut dyn Iterator<Item = Option<usize>>,
        random: u64,
    ) -> usize {
        let chosen = choose(queued, random);
        self.current = Some(chosen);
        self.bytes = 0;
        chosen
    }

    /// Notes that the current partition was given a record, and moves on once it has had
    /// `batch_bytes`. A batch that is just being filled is filled on.
    pub(crate) fn given(&mut self, record_bytes: usize, batch_bytes: usize, is_batch_full: bool) {
        self.bytes += record_bytes;
        let is_enough = self.bytes >= batch_bytes && is_batch_full;
        if is_enough || self.bytes >= 2 * batch_bytes {
            self.current = None;
        }
    }
}

/// The longer a partition's queue, the less likely it is chosen (KIP-794).
fn choose(queued: &mut dyn Iterator<Item = Option<usize>>, random: u64) -> usize {
    let queued: Vec<Option<usize>> = queued.collect();
    let longest = queued.iter().flatten().max().copied();
    let Some(longest) = longest else {
        // Nobody leads: any will do, and waits.
        return random as usize % queued.len().max(1);
    };
    let weight = |queue: Option<usize>| queue.map_or(0, |queue| (longest + 1 - queue) as u64);
    let total: u64 = queued.iter().map(|queue| weight(*queue)).sum();
    let mut ticket = random % total;
    for (index, queue) in queued.iter().enumerate() {
        match ticket.checked_sub(weight(*queue)) {
            Some(rest) => ticket = rest,
            None => return index,
        }
    }
    unreachable!("a ticket is smaller than the sum of all weights")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_hash_that_java_gives_it() {
        // Kafka's own UtilsTest.
        let known: [(&[u8], i32); 7] = [
            (b"21", -973932308),
            (b"foobar", -790332482),
            (b"a-little-bit-long-string", -985981536),
            (b"a-little-bit-longer-string", -1486304829),
            (
                b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58897971,
            ),
            (b"abc", 479470107),
            (b"", 275646681),
        ];
        for (key, hash) in known {
            assert_eq!(murmur2(key), hash, "{key:?}");
        }
    }

    #[test]
    fn records_without_a_key_stay_until_a_batch_is_full_and_then_move() {
        let mut sticky = StickyPartitioner::default();
        let queues = || vec![Some(0), Some(0), Some(0)].into_iter();
        let first = sticky.choose(&mut queues(), 1);
        sticky.given(90, 100, false);
        assert_eq!(sticky.current(), Some(first));
        sticky.given(20, 100, true);
        assert_eq!(sticky.current(), None);
        assert_eq!(sticky.choose(&mut queues(), 2), 2);
    }

    #[test]
    fn a_partition_without_a_leader_is_not_chosen_while_others_have_one() {
        for random in 0..100 {
            let mut queues = vec![None, Some(5), Some(0)].into_iter();
            assert_ne!(StickyPartitioner::default().choose(&mut queues, random), 0);
        }
    }

    #[test]
    fn a_short_queue_is_chosen_more_often_than_a_long_one() {
        let short = (0..700)
            .filter(|random| {
                let mut queues = vec![Some(5), Some(0)].into_iter();
                StickyPartitioner::default().choose(&mut queues, *random) == 1
            })
            .count();
        assert_eq!(short, 600);
    }
}
