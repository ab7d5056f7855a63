use bytes::{BufMut, Bytes, BytesMut};

use crate::{EncodeError, EncodedFrame, Piece};

/// Shared bytes of at least this length are handed on as a segment; shorter ones are copied,
/// since a segment costs about as much as copying that much.
const SHARED_BYTES_MIN: usize = 1024;

/// Where a message is written to: bytes of its own and, between them, slices it was given.
#[derive(Debug, Default)]
pub struct Encoder {
    is_flexible: bool,
    is_measuring: bool,
    own: BytesMut,
    /// Pieces that are not `own`, each with the length that `own` had when it was put.
    shared: Vec<(usize, Piece)>,
    length: usize,
}

impl Encoder {
    /// An empty encoder of a version that is not flexible.
    pub fn new() -> Encoder {
        Encoder {
            own: BytesMut::with_capacity(256),
            ..Encoder::default()
        }
    }

    /// An encoder that only counts.
    pub fn measuring() -> Encoder {
        Encoder {
            is_measuring: true,
            ..Encoder::default()
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

    /// How many bytes were put.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing was put.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Copies `bytes`.
    pub fn put(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        if !self.is_measuring {
            self.own.put_slice(bytes);
        }
    }

    /// Appends `bytes`, without copying them unless they are few.
    pub fn put_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARED_BYTES_MIN || self.is_measuring {
            return self.put(bytes);
        }
        self.length += bytes.len();
        let piece = Piece::Bytes(bytes.clone());
        self.shared.push((self.own.len(), piece));
    }

    /// Leaves room for `length` bytes that the sender adds.
    pub(crate) fn put_elsewhere(&mut self, length: usize) {
        self.length += length;
        if !self.is_measuring && length > 0 {
            self.shared.push((self.own.len(), Piece::Elsewhere(length)));
        }
    }

    /// Appends a varint, seven bits a byte, lowest first.
    pub fn put_unsigned_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.put(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.put(&[value as u8]);
    }

    /// Appends the length of bytes or an array.
    pub(crate) fn put_length(
        &mut self,
        what: &'static str,
        length: usize,
    ) -> Result<(), EncodeError> {
        let signed = i32::try_from(length)
            .ok()
            .filter(|length| *length < i32::MAX);
        let signed = signed.ok_or(EncodeError::TooLong { what, length })?;
        if self.is_flexible {
            self.put_unsigned_varint(signed.unsigned_abs() + 1);
        } else {
            self.put(&signed.to_be_bytes());
        }
        Ok(())
    }

    /// Appends the length of a string, which is short in both forms.
    pub(crate) fn put_string_length(&mut self, length: usize) -> Result<(), EncodeError> {
        let signed = i16::try_from(length).map_err(|_| EncodeError::TooLong {
            what: "string",
            length,
        })?;
        if self.is_flexible {
            self.put_unsigned_varint(u32::from(signed.unsigned_abs()) + 1);
        } else {
            self.put(&signed.to_be_bytes());
        }
        Ok(())
    }

    /// Appends a tagged field: its tag, its size and what `write` puts.
    pub fn put_tagged(
        &mut self,
        tag: u32,
        write: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let mut value = Encoder {
            is_flexible: true,
            ..Encoder::default()
        };
        value.is_measuring = self.is_measuring;
        write(&mut value)?;
        self.put_unsigned_varint(tag);
        let size = u32::try_from(value.length).map_err(|_| EncodeError::TooLong {
            what: "bytes",
            length: value.length,
        })?;
        self.put_unsigned_varint(size);
        self.append(value);
        Ok(())
    }

    fn append(&mut self, other: Encoder) {
        self.length += other.length;
        let before = self.own.len();
        self.own.extend_from_slice(&other.own);
        self.shared.extend(
            other
                .shared
                .into_iter()
                .map(|(at, piece)| (before + at, piece)),
        );
    }

    /// Writes `value` over the four bytes that were put first.
    pub(crate) fn set_first_i32(&mut self, value: i32) {
        self.own[..4].copy_from_slice(&value.to_be_bytes());
    }

    /// What was put, in pieces.
    pub fn finish(self) -> EncodedFrame {
        let own = self.own.freeze();
        if self.shared.is_empty() {
            return EncodedFrame::from_segments(vec![own]);
        }
        let mut pieces = Vec::with_capacity(2 * self.shared.len() + 1);
        let mut written = 0;
        for (at, shared) in self.shared {
            if at > written {
                pieces.push(Piece::Bytes(own.slice(written..at)));
                written = at;
            }
            pieces.push(shared);
        }
        if written < own.len() {
            pieces.push(Piece::Bytes(own.slice(written..)));
        }
        EncodedFrame::from_pieces(pieces)
    }
}
