//! How many values are distinct, roughly: HyperLogLog++ as Spark has it (Heule, Nunkesser and
//! Hall, 2013).
//!
//! Always true: without the paper's measured corrections, which are large tables, an estimate is
//! Spark's below 2.5 and from 5 times the number of registers on; in between it is the raw one,
//! which is up to some percent higher.

use std::fmt;

/// How many bits of a hash choose its register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Precision(u8);

/// With more registers the estimates of few values are exact, and there is nothing to correct.
const CORRECTED_BELOW: u8 = 19;
/// Up to these numbers counting empty registers is nearer than the rest, from precision 4 on.
const LINEAR_UP_TO: [f64; 15] = [
    10.0, 20.0, 40.0, 80.0, 220.0, 400.0, 900.0, 1_800.0, 3_100.0, 6_500.0, 11_500.0, 20_000.0,
    50_000.0, 120_000.0, 350_000.0,
];

impl Precision {
    const MIN: u8 = 4;
    /// A register for every second value of 2^31 has no use.
    const MAX: u8 = 30;

    /// The precision whose estimates have `deviation` as their relative standard deviation; `None`
    /// when there is none.
    pub(crate) fn of_deviation(deviation: f64) -> Option<Self> {
        let bits = (2.0 * (1.106 / deviation).ln() / 2.0_f64.ln()).ceil();
        let known = f64::from(Self::MIN)..=f64::from(Self::MAX);
        known.contains(&bits).then_some(Self(bits as u8))
    }

    fn registers(self) -> usize {
        1 << self.0
    }

    /// The square of the number of registers, times the paper's correction for it.
    fn scale(self) -> f64 {
        let m = self.registers() as f64;
        let alpha = match self.0 {
            4 => 0.673,
            5 => 0.697,
            6 => 0.709,
            _ => 0.7213 / (1.0 + 1.079 / m),
        };
        alpha * m * m
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// For each register, the longest run of zeros that its hashes begin with, and one.
#[derive(Debug, Clone)]
pub(super) struct Registers {
    precision: Precision,
    bytes: Box<[u8]>,
}

impl Registers {
    pub(super) fn new(precision: Precision) -> Self {
        Self {
            precision,
            bytes: vec![0; precision.registers()].into(),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn add(&mut self, hash: i64) {
        let (hash, bits) = (hash as u64, u32::from(self.precision.0));
        let register = (hash >> (u64::BITS - bits)) as usize;
        let rest = (hash << bits) | (1 << (bits - 1));
        let run = rest.leading_zeros() as u8 + 1;
        self.bytes[register] = self.bytes[register].max(run);
    }

    pub(super) fn merge(&mut self, others: &[u8]) {
        for (mine, other) in self.bytes.iter_mut().zip(others) {
            *mine = (*mine).max(*other);
        }
    }

    pub(super) fn estimate(&self) -> i64 {
        let m = self.bytes.len() as f64;
        let sum: f64 = self
            .bytes
            .iter()
            .map(|run| 0.5_f64.powi(i32::from(*run)))
            .sum();
        let raw = self.precision.scale() / sum;
        let empty = self.bytes.iter().filter(|run| **run == 0).count();
        let by_empty = m * (m / empty.max(1) as f64).ln();
        let bits = self.precision.0;
        let few =
            bits < CORRECTED_BELOW && by_empty <= LINEAR_UP_TO[usize::from(bits - Precision::MIN)];
        let estimate = match empty > 0 && (few || raw <= 2.5 * m) {
            true => by_empty,
            false => raw,
        };
        estimate.round() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deviation_asks_for_as_many_registers_as_in_spark() {
        let bits = |deviation| Precision::of_deviation(deviation).map(|precision| precision.0);
        assert_eq!(bits(0.05), Some(9));
        assert_eq!(bits(0.1), Some(7));
        assert_eq!(bits(0.01), Some(14));
        assert_eq!(bits(0.27), Some(5));
        for deviation in [0.5, 0.0, -1.0, f64::NAN, 1e-9] {
            assert_eq!(bits(deviation), None, "{deviation}");
        }
    }

    #[test]
    fn parts_come_to_the_estimate_of_all() {
        let hash = |value: u64| value.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) as i64;
        let precision = Precision::of_deviation(0.05).unwrap();
        let [mut all, mut left, mut right] = [(); 3].map(|()| Registers::new(precision));
        for value in 0..3000 {
            all.add(hash(value));
            let part = if value % 3 == 0 {
                &mut left
            } else {
                &mut right
            };
            part.add(hash(value));
        }
        left.merge(right.as_bytes());
        assert_eq!(left.estimate(), all.estimate());
    }
}
