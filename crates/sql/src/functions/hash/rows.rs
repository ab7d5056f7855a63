//! MurmurHash3 and xxHash64 over values, column after column, each hash the seed of the next.
//!
//! Facts: Spark hashes small numbers as 32 bits, others as 64, texts as their bytes, containers element by element.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType, IntervalYearMonthType,
    Time64NanosecondType, TimestampMicrosecondType,
};

use crate::error::Result;
use crate::functions::Invocation;
use crate::ir::DataType;

const SEED: i32 = 42;

/// One hash function; a hash is the next value's seed.
pub(super) trait RowHash: Copy {
    type Hash: Copy;
    fn seed() -> Self::Hash;
    fn int(value: i32, seed: Self::Hash) -> Self::Hash;
    fn long(value: i64, seed: Self::Hash) -> Self::Hash;
    fn bytes(value: &[u8], seed: Self::Hash) -> Self::Hash;
}

pub(super) fn hash_rows<H: RowHash>(inv: &Invocation<'_>) -> Result<Vec<H::Hash>> {
    let columns = (0..inv.count())
        .map(|index| inv.expanded(index))
        .collect::<Result<Vec<_>>>()?;
    let hash_row = |row: usize| {
        columns
            .iter()
            .zip(inv.types)
            .fold(H::seed(), |seed, (column, t)| {
                value::<H>(column, t, row, seed)
            })
    };
    Ok((0..inv.rows).map(hash_row).collect())
}

fn value<H: RowHash>(array: &ArrayRef, data_type: &DataType, row: usize, seed: H::Hash) -> H::Hash {
    if array.is_null(row) {
        return seed;
    }
    macro_rules! primitive {
        ($type:ty) => {
            array.as_primitive::<$type>().value(row)
        };
    }
    match data_type {
        DataType::Null => seed,
        DataType::Boolean => H::int(i32::from(array.as_boolean().value(row)), seed),
        DataType::Byte => H::int(i32::from(primitive!(Int8Type)), seed),
        DataType::Short => H::int(i32::from(primitive!(Int16Type)), seed),
        DataType::Integer => H::int(primitive!(Int32Type), seed),
        DataType::Date => H::int(primitive!(Date32Type), seed),
        DataType::YearMonthInterval { .. } => H::int(primitive!(IntervalYearMonthType), seed),
        DataType::Long => H::long(primitive!(Int64Type), seed),
        DataType::Timestamp | DataType::TimestampNtz => {
            H::long(primitive!(TimestampMicrosecondType), seed)
        }
        DataType::DayTimeInterval { .. } => H::long(primitive!(DurationMicrosecondType), seed),
        DataType::Time { .. } => H::long(primitive!(Time64NanosecondType), seed),
        DataType::Float => {
            let v = primitive!(Float32Type);
            let bits = if v == 0.0 {
                0
            } else if v.is_nan() {
                0x7fc0_0000
            } else {
                v.to_bits()
            };
            H::int(bits as i32, seed)
        }
        DataType::Double => {
            let v = primitive!(Float64Type);
            let nan = 0x7ff8_0000_0000_0000;
            let bits = if v == 0.0 {
                0
            } else if v.is_nan() {
                nan
            } else {
                v.to_bits()
            };
            H::long(bits as i64, seed)
        }
        DataType::Decimal { precision, .. } if *precision <= 18 => {
            H::long(primitive!(Decimal128Type) as i64, seed)
        }
        DataType::Decimal { .. } => {
            H::bytes(shortest(&primitive!(Decimal128Type).to_be_bytes()), seed)
        }
        DataType::CalendarInterval => {
            let v = primitive!(IntervalMonthDayNanoType);
            H::int(
                v.months,
                H::int(v.days, H::long(v.nanoseconds / 1000, seed)),
            )
        }
        DataType::String(_) => H::bytes(array.as_string::<i32>().value(row).as_bytes(), seed),
        DataType::Binary | DataType::Variant => H::bytes(array.as_binary::<i32>().value(row), seed),
        DataType::Array { element, .. } => {
            let values = array.as_list::<i32>().value(row);
            (0..values.len()).fold(seed, |seed, i| value::<H>(&values, element, i, seed))
        }
        DataType::Map { key, value: of, .. } => {
            let entries = array.as_map().value(row);
            (0..entries.len()).fold(seed, |seed, i| {
                let seed = value::<H>(entries.column(0), key, i, seed);
                value::<H>(entries.column(1), of, i, seed)
            })
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let fields = fields.fields.iter().zip(columns);
            fields.fold(seed, |seed, (f, c)| value::<H>(c, &f.data_type, row, seed))
        }
        DataType::UserDefined { sql_type, .. } => value::<H>(array, sql_type, row, seed),
    }
}

/// A big-endian number without the leading bytes that only repeat its sign.
fn shortest(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [first, second, ..] = rest {
        let negative = second & 0x80 != 0;
        if (*first == 0 && !negative) || (*first == 0xff && negative) {
            rest = &rest[1..];
        } else {
            break;
        }
    }
    rest
}

/// 32 bits; the bytes behind the last whole word are mixed one by one.
#[derive(Clone, Copy)]
pub(super) struct Murmur3;

impl Murmur3 {
    fn mix(hash: u32, word: u32) -> u32 {
        let word = word
            .wrapping_mul(0xcc9e_2d51)
            .rotate_left(15)
            .wrapping_mul(0x1b87_3593);
        (hash ^ word)
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64)
    }

    fn finish(hash: u32, length: u32) -> i32 {
        let mut h = hash ^ length;
        h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
        h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
        (h ^ (h >> 16)) as i32
    }
}

impl RowHash for Murmur3 {
    type Hash = i32;

    fn seed() -> i32 {
        SEED
    }

    fn int(value: i32, seed: i32) -> i32 {
        Self::finish(Self::mix(seed as u32, value as u32), 4)
    }

    fn long(value: i64, seed: i32) -> i32 {
        let low = Self::mix(seed as u32, value as u32);
        Self::finish(Self::mix(low, (value >> 32) as u32), 8)
    }

    fn bytes(value: &[u8], seed: i32) -> i32 {
        let words = value.chunks_exact(4);
        let rest = words.remainder();
        let hash = words.fold(seed as u32, |hash, word| {
            Self::mix(
                hash,
                u32::from_le_bytes([word[0], word[1], word[2], word[3]]),
            )
        });
        let hash = rest.iter().fold(hash, |hash, byte| {
            Self::mix(hash, i32::from(*byte as i8) as u32)
        });
        Self::finish(hash, value.len() as u32)
    }
}

#[derive(Clone, Copy)]
pub(super) struct XxHash64;

const PRIME_1: u64 = 0x9E37_79B1_85EB_CA87;
const PRIME_2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const PRIME_3: u64 = 0x1656_67B1_9E37_79F9;
const PRIME_4: u64 = 0x85EB_CA77_C2B2_AE63;
const PRIME_5: u64 = 0x27D4_EB2F_1656_67C5;

impl XxHash64 {
    fn finish(mut hash: u64) -> i64 {
        hash = (hash ^ (hash >> 33)).wrapping_mul(PRIME_2);
        hash = (hash ^ (hash >> 29)).wrapping_mul(PRIME_3);
        (hash ^ (hash >> 32)) as i64
    }

    fn round(lane: u64, word: u64) -> u64 {
        lane.wrapping_add(word.wrapping_mul(PRIME_2))
            .rotate_left(31)
            .wrapping_mul(PRIME_1)
    }

    fn mix_word(hash: u64, word: u64) -> u64 {
        (hash ^ Self::round(0, word))
            .rotate_left(27)
            .wrapping_mul(PRIME_1)
            .wrapping_add(PRIME_4)
    }

    fn mix_half(hash: u64, half: u32) -> u64 {
        (hash ^ u64::from(half).wrapping_mul(PRIME_1))
            .rotate_left(23)
            .wrapping_mul(PRIME_2)
            .wrapping_add(PRIME_3)
    }
}

fn word(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u64::from(*byte))
}

impl RowHash for XxHash64 {
    type Hash = i64;

    fn seed() -> i64 {
        i64::from(SEED)
    }

    fn int(value: i32, seed: i64) -> i64 {
        let hash = (seed as u64).wrapping_add(PRIME_5).wrapping_add(4);
        Self::finish(Self::mix_half(hash, value as u32))
    }

    fn long(value: i64, seed: i64) -> i64 {
        let hash = (seed as u64).wrapping_add(PRIME_5).wrapping_add(8);
        Self::finish(Self::mix_word(hash, value as u64))
    }

    fn bytes(value: &[u8], seed: i64) -> i64 {
        let seed = seed as u64;
        let blocks = value.chunks_exact(32);
        let mut rest = blocks.remainder();
        let mut hash = if value.len() >= 32 {
            let mut lanes = [
                seed.wrapping_add(PRIME_1).wrapping_add(PRIME_2),
                seed.wrapping_add(PRIME_2),
                seed,
                seed.wrapping_sub(PRIME_1),
            ];
            for block in blocks {
                for (lane, bytes) in lanes.iter_mut().zip(block.chunks_exact(8)) {
                    *lane = Self::round(*lane, word(bytes));
                }
            }
            let [a, b, c, d] = lanes;
            let sum = a
                .rotate_left(1)
                .wrapping_add(b.rotate_left(7))
                .wrapping_add(c.rotate_left(12))
                .wrapping_add(d.rotate_left(18));
            lanes.iter().fold(sum, |hash, lane| {
                (hash ^ Self::round(0, *lane))
                    .wrapping_mul(PRIME_1)
                    .wrapping_add(PRIME_4)
            })
        } else {
            seed.wrapping_add(PRIME_5)
        };
        hash = hash.wrapping_add(value.len() as u64);
        while rest.len() >= 8 {
            hash = Self::mix_word(hash, word(&rest[..8]));
            rest = &rest[8..];
        }
        if rest.len() >= 4 {
            hash = Self::mix_half(hash, word(&rest[..4]) as u32);
            rest = &rest[4..];
        }
        for byte in rest {
            hash = (hash ^ u64::from(*byte).wrapping_mul(PRIME_5))
                .rotate_left(11)
                .wrapping_mul(PRIME_1);
        }
        Self::finish(hash)
    }
}
