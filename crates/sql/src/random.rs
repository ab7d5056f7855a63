//! Random numbers as Spark draws them, so that a seed gives the same rows.

/// XORShift with Spark's hashing of the seed.
pub(crate) struct XorShift {
    seed: i64,
    /// The second of the two normal numbers that are drawn at once.
    spare: Option<f64>,
}

impl XorShift {
    pub(crate) fn new(seed: i64) -> Self {
        Self {
            seed: hash_seed(seed),
            spare: None,
        }
    }

    fn next(&mut self, bits: u32) -> i32 {
        let mut next = self.seed ^ (self.seed << 21);
        next ^= ((next as u64) >> 35) as i64;
        next ^= next << 4;
        self.seed = next;
        (next & ((1i64 << bits) - 1)) as i32
    }

    /// A number in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        let high = i64::from(self.next(26)) << 27;
        let low = i64::from(self.next(27));
        (high + low) as f64 * (1.0 / (1i64 << 53) as f64)
    }

    /// Any 32 bits.
    pub(crate) fn integer(&mut self) -> i32 {
        self.next(32)
    }

    /// A number of the standard normal distribution (Marsaglia's polar method).
    pub(crate) fn gaussian(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (a, b) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = a * a + b * b;
            if square < 1.0 && square != 0.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(b * factor);
                return a * factor;
            }
        }
    }

    /// A count of the Poisson distribution (Knuth's method).
    pub(crate) fn poisson(&mut self, mean: f64) -> f64 {
        let limit = (-mean).exp();
        let (mut product, mut count) = (self.uniform(), 0.0);
        while product > limit && count < 1e6 {
            product *= self.uniform();
            count += 1.0;
        }
        count
    }
}

/// The seed's bytes through MurmurHash3, twice.
fn hash_seed(seed: i64) -> i64 {
    let bytes = seed.to_be_bytes();
    let low = murmur(&bytes, 0x3c07_4a61);
    let high = murmur(&bytes, low);
    (i64::from(high) << 32) | (i64::from(low) & 0xffff_ffff)
}

/// Scala's `MurmurHash3.bytesHash`.
fn murmur(bytes: &[u8], seed: i32) -> i32 {
    let mut h = seed as u32;
    for chunk in bytes.chunks(4) {
        let mut word = [0u8; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        let k = u32::from_le_bytes(word)
            .wrapping_mul(0xcc9e_2d51)
            .rotate_left(15)
            .wrapping_mul(0x1b87_3593);
        h = (h ^ k)
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }
    h ^= bytes.len() as u32;
    h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
    h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    (h ^ (h >> 16)) as i32
}
