//! Variable-length integers in zigzag form, as records use them (the same as Protocol Buffers').
//!
//! A 32-bit integer takes at most 5 bytes, a 64-bit one at most 10. Reading refuses an integer
//! that is cut off, too long, or has bits beyond its width.

const CONTINUES: u8 = 0x80;
const PAYLOAD: u8 = 0x7f;
const PAYLOAD_BITS: u32 = 7;

/// Takes a 32-bit integer off the front of `bytes`.
#[inline]
pub fn take_i32(bytes: &mut &[u8]) -> Option<i32> {
    let (&first, rest) = bytes.split_first()?;
    if first < CONTINUES {
        *bytes = rest;
        return Some(unzigzag_32(u32::from(first)));
    }
    take_long(bytes, u32::BITS).map(|raw| unzigzag_32(raw as u32))
}

/// Takes a 64-bit integer off the front of `bytes`.
#[inline]
pub fn take_i64(bytes: &mut &[u8]) -> Option<i64> {
    let (&first, rest) = bytes.split_first()?;
    if first < CONTINUES {
        *bytes = rest;
        return Some(unzigzag_64(u64::from(first)));
    }
    take_long(bytes, u64::BITS).map(unzigzag_64)
}

fn take_long(bytes: &mut &[u8], width_bits: u32) -> Option<u64> {
    let mut decoder = VarintDecoder::new(width_bits);
    for (position, &byte) in bytes.iter().enumerate() {
        match decoder.push(byte) {
            VarintStep::More => {}
            VarintStep::Done(raw) => {
                *bytes = &bytes[position + 1..];
                return Some(raw);
            }
            VarintStep::Malformed => return None,
        }
    }
    None
}

/// Reads one unsigned variable-length integer byte by byte, wherever the bytes come from.
pub(super) struct VarintDecoder {
    raw: u64,
    shift: u32,
    width_bits: u32,
}

/// What one more byte meant.
pub(super) enum VarintStep {
    More,
    Done(u64),
    Malformed,
}

impl VarintDecoder {
    pub(super) fn new(width_bits: u32) -> VarintDecoder {
        VarintDecoder {
            raw: 0,
            shift: 0,
            width_bits,
        }
    }

    pub(super) fn push(&mut self, byte: u8) -> VarintStep {
        let payload = u64::from(byte & PAYLOAD);
        let room_bits = self.width_bits - self.shift;
        if room_bits < PAYLOAD_BITS && payload >> room_bits != 0 {
            return VarintStep::Malformed;
        }
        self.raw |= payload << self.shift;
        self.shift += PAYLOAD_BITS;
        if byte & CONTINUES == 0 {
            VarintStep::Done(self.raw)
        } else if self.shift >= self.width_bits {
            VarintStep::Malformed
        } else {
            VarintStep::More
        }
    }
}

/// Appends a 32-bit integer to `out`.
#[inline]
pub fn put_i32(out: &mut Vec<u8>, value: i32) {
    put_unsigned(out, u64::from(zigzag_32(value)));
}

/// Appends a 64-bit integer to `out`.
#[inline]
pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_unsigned(out, zigzag_64(value));
}

#[inline]
fn put_unsigned(out: &mut Vec<u8>, mut raw: u64) {
    while raw >= u64::from(CONTINUES) {
        out.push(raw as u8 | CONTINUES);
        raw >>= PAYLOAD_BITS;
    }
    out.push(raw as u8);
}

/// How many bytes a 32-bit integer takes.
#[inline]
pub const fn size_i32(value: i32) -> usize {
    size_unsigned(zigzag_32(value) as u64)
}

/// How many bytes a 64-bit integer takes.
#[inline]
pub const fn size_i64(value: i64) -> usize {
    size_unsigned(zigzag_64(value))
}

#[inline]
const fn size_unsigned(raw: u64) -> usize {
    let significant_bits = u64::BITS - (raw | 1).leading_zeros();
    significant_bits.div_ceil(PAYLOAD_BITS) as usize
}

pub(super) const fn unzigzag_32(raw: u32) -> i32 {
    (raw >> 1) as i32 ^ -((raw & 1) as i32)
}

pub(super) const fn unzigzag_64(raw: u64) -> i64 {
    (raw >> 1) as i64 ^ -((raw & 1) as i64)
}

const fn zigzag_32(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

const fn zigzag_64(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}
