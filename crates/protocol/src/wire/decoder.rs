use bytes::Bytes;

use crate::DecodeError;

/// The most elements that an array is read with, as in Kafka 4.4.
pub const ARRAY_ELEMENTS_MAX: usize = 1_000_000;

/// The most tagged fields that a struct is read with, as in Kafka 4.4.
pub const TAGGED_FIELDS_MAX: usize = 10_000;

/// The most elements that room is made for before any of them is read.
const ARRAY_CAPACITY_FIRST: usize = 1_000;

/// What a request may take in memory, in multiples of its bytes...
const MEMORY_FACTOR: usize = 4;

/// ...or this much, if that is more: short names take 56 bytes in memory and a few on the wire.
const MEMORY_BYTES_MIN: usize = 1 << 20;

const VARINT_BYTES_MAX: usize = 5;

/// A frame and how far it has been read.
#[derive(Debug)]
pub struct Decoder {
    bytes: Bytes,
    position: usize,
    /// Where the part ends that is being read: the frame or a tagged field.
    end: usize,
    is_flexible: bool,
    memory_budget: usize,
    memory_left: usize,
}

impl Decoder {
    /// Reads `bytes`, whose sender is trusted with the memory that the message takes.
    pub fn new(bytes: Bytes) -> Decoder {
        let end = bytes.len();
        Decoder {
            bytes,
            position: 0,
            end,
            is_flexible: false,
            memory_budget: usize::MAX,
            memory_left: usize::MAX,
        }
    }

    /// Reads `bytes` of anybody: arrays take at most four times their length in memory, and if
    /// that is less than 1 MiB, at most 1 MiB.
    pub fn bounded(bytes: Bytes) -> Decoder {
        let budget = bytes
            .len()
            .saturating_mul(MEMORY_FACTOR)
            .max(MEMORY_BYTES_MIN);
        Decoder {
            memory_budget: budget,
            memory_left: budget,
            ..Decoder::new(bytes)
        }
    }

    /// Whether lengths are compact and structs end in tagged fields.
    pub fn is_flexible(&self) -> bool {
        self.is_flexible
    }

    /// Chooses the form of lengths for what follows.
    pub fn set_flexible(&mut self, is_flexible: bool) {
        self.is_flexible = is_flexible;
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.position
    }

    /// How many bytes are left of the part that is being read.
    pub fn remaining(&self) -> usize {
        self.end - self.position
    }

    /// The bytes that are left, as a slice of the frame.
    pub fn rest(&self) -> Bytes {
        self.bytes.slice(self.position..self.end)
    }

    /// The next `length` bytes, as a slice of the frame.
    pub fn take(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        self.check(length)?;
        let bytes = self.bytes.slice(self.position..self.position + length);
        self.position += length;
        Ok(bytes)
    }

    /// The next `N` bytes.
    pub fn take_array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.check(N)?;
        let (array, _) = self.bytes[self.position..]
            .split_first_chunk::<N>()
            .expect("the length was checked");
        self.position += N;
        Ok(*array)
    }

    /// A varint, seven bits a byte, lowest first.
    pub fn take_unsigned_varint(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0u64;
        for index in 0..VARINT_BYTES_MAX {
            let [byte] = self.take_array()?;
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| DecodeError::Varint {
                    position: self.position,
                });
            }
        }
        Err(DecodeError::Varint {
            position: self.position,
        })
    }

    /// The length of bytes or an array; nothing for null.
    pub(crate) fn take_length(&mut self) -> Result<Option<usize>, DecodeError> {
        if self.is_flexible {
            return Ok((self.take_unsigned_varint()? as usize).checked_sub(1));
        }
        let length = i32::from_be_bytes(self.take_array()?);
        self.signed_length(length)
    }

    /// The length of a string; nothing for null.
    pub(crate) fn take_string_length(&mut self) -> Result<Option<usize>, DecodeError> {
        if self.is_flexible {
            return Ok((self.take_unsigned_varint()? as usize).checked_sub(1));
        }
        let length = i16::from_be_bytes(self.take_array()?);
        self.signed_length(i32::from(length))
    }

    fn signed_length(&self, length: i32) -> Result<Option<usize>, DecodeError> {
        match length {
            -1 => Ok(None),
            0.. => Ok(Some(length as usize)),
            _ => Err(DecodeError::NegativeLength {
                position: self.position,
                length,
            }),
        }
    }

    /// The number of elements of an array; nothing for null. An element takes a byte at least,
    /// so a count beyond the bytes that are left is refused before any is read.
    pub(crate) fn take_count(&mut self) -> Result<Option<usize>, DecodeError> {
        let position = self.position;
        let Some(count) = self.take_length()? else {
            return Ok(None);
        };
        if count > ARRAY_ELEMENTS_MAX {
            let what = "array elements";
            return Err(DecodeError::TooMany {
                what,
                position,
                count,
                max: ARRAY_ELEMENTS_MAX,
            });
        }
        self.check(count)?;
        Ok(Some(count))
    }

    /// Makes room for some of the `expected` further elements: few at first, then as many again
    /// as have been read. What is claimed and not sent costs next to nothing.
    pub(crate) fn reserve<T>(
        &mut self,
        elements: &mut Vec<T>,
        expected: usize,
    ) -> Result<(), DecodeError> {
        let size = size_of::<T>().max(1);
        let first = ARRAY_CAPACITY_FIRST.min(self.remaining() / size + 1);
        let additional = expected.min(elements.len().max(first));
        self.memory_left =
            self.memory_left
                .checked_sub(additional * size)
                .ok_or(DecodeError::TooLarge {
                    budget: self.memory_budget,
                })?;
        elements.reserve_exact(additional);
        Ok(())
    }

    /// Reads the tagged fields of a struct: `read` is given each tag, and may read its value or
    /// leave it.
    pub fn tagged_fields(
        &mut self,
        mut read: impl FnMut(u32, &mut Decoder) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let position = self.position;
        let count = self.take_unsigned_varint()? as usize;
        if count > TAGGED_FIELDS_MAX {
            let what = "tagged fields";
            return Err(DecodeError::TooMany {
                what,
                position,
                count,
                max: TAGGED_FIELDS_MAX,
            });
        }
        for _ in 0..count {
            let tag = self.take_unsigned_varint()?;
            let size = self.take_unsigned_varint()? as usize;
            self.check(size)?;
            let (outer_end, value_end) = (self.end, self.position + size);
            self.end = value_end;
            let result = read(tag, self);
            self.end = outer_end;
            result?;
            self.position = value_end;
        }
        Ok(())
    }

    fn check(&self, needed: usize) -> Result<(), DecodeError> {
        let (position, remaining) = (self.position, self.remaining());
        if needed > remaining {
            return Err(DecodeError::Truncated {
                position,
                needed,
                remaining,
            });
        }
        Ok(())
    }
}
