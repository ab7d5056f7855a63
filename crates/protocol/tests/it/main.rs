mod frame;
mod golden;
mod internal_records;
mod limits;
mod messages;

/// A small generator of numbers (xorshift), so that tests name a seed and can be repeated.
fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }
}
