//! A seeded loop of mutations: little beside libFuzzer, but it runs everywhere.

/// A small generator of pseudo-random numbers (splitmix64), so that a seed says everything.
pub struct Chance(u64);

impl Chance {
    /// Begins the sequence of `seed`.
    pub const fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Calls `target` with `rounds` mutations of `seeds`. A panic's message is preceded by the
/// round, which alone decides the input.
pub fn run(target: fn(&[u8]), seeds: &[Vec<u8>], rounds: u64) {
    for round in 0..rounds {
        let reached = Reached(round);
        target(&one(seeds, round));
        std::mem::forget(reached);
    }
}

/// Says how far a run came, if a panic drops it.
struct Reached(u64);

impl Drop for Reached {
    fn drop(&mut self) {
        eprintln!(
            "the input of round {} breaks it: mutate::one(seeds, {})",
            self.0, self.0
        );
    }
}

/// The input of one round, to look at.
pub fn one(seeds: &[Vec<u8>], round: u64) -> Vec<u8> {
    let mut chance = Chance::new(round);
    let mut data = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(4) {
        mutate(&mut data, seeds, &mut chance);
    }
    data
}

fn mutate(data: &mut Vec<u8>, seeds: &[Vec<u8>], chance: &mut Chance) {
    let position = chance.below(data.len());
    match chance.below(8) {
        0 if !data.is_empty() => data[position] ^= 1 << chance.below(8),
        1 if !data.is_empty() => data[position] = chance.next() as u8,
        2 => data.truncate(position),
        3 => data.insert(position, chance.next() as u8),
        4 if !data.is_empty() => {
            let end = (position + 1 + chance.below(16)).min(data.len());
            data.drain(position..end);
        }
        5 => extreme(data, position, chance),
        6 => {
            let other = &seeds[chance.below(seeds.len())];
            let from = chance.below(other.len());
            data.truncate(position);
            data.extend_from_slice(&other[from..]);
        }
        _ => {
            let end = (position + 1 + chance.below(32)).min(data.len());
            let copied = data[position..end].to_vec();
            data.splice(position..position, copied);
        }
    }
}

/// Overwrites an integer by one that arithmetic stumbles over.
fn extreme(data: &mut [u8], position: usize, chance: &mut Chance) {
    const EXTREMES: [u32; 6] = [
        0,
        1,
        u32::MAX,
        i32::MAX as u32,
        i32::MIN as u32,
        0x0100_0000,
    ];
    let bytes = EXTREMES[chance.below(EXTREMES.len())].to_be_bytes();
    for (place, byte) in data[position..].iter_mut().zip(bytes) {
        *place = byte;
    }
}
