use std::fmt;
use std::slice;

use bytes::{Bytes, BytesMut};

/// Record batches, one after the other, as they lie in the log: one slice, many, or a length alone
/// where the sender takes the bytes from somewhere else.
///
/// Two values are equal if their bytes are, wherever they are cut.
#[derive(Clone, Default)]
pub struct Records(Segments);

#[derive(Clone)]
enum Segments {
    One(Bytes),
    Many(Vec<Bytes>),
    Elsewhere(usize),
}

impl Default for Segments {
    fn default() -> Segments {
        Segments::One(Bytes::new())
    }
}

impl Records {
    /// No batch at all, which is not the same as null.
    pub const EMPTY: Records = Records(Segments::One(Bytes::new()));

    /// The batches in `segments`, in that order; a batch may be cut by their boundaries.
    pub fn from_segments(segments: Vec<Bytes>) -> Records {
        Records(Segments::Many(segments))
    }

    /// `length` bytes that whoever sends the message adds: see [`crate::Piece::Elsewhere`].
    pub const fn elsewhere(length: usize) -> Records {
        Records(Segments::Elsewhere(length))
    }

    /// The slices, in order; none of records that are elsewhere.
    pub fn segments(&self) -> &[Bytes] {
        match &self.0 {
            Segments::One(bytes) => slice::from_ref(bytes),
            Segments::Many(segments) => segments,
            Segments::Elsewhere(_) => &[],
        }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        match &self.0 {
            Segments::Elsewhere(length) => *length,
            Segments::One(_) | Segments::Many(_) => self.segments().iter().map(Bytes::len).sum(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn is_elsewhere(&self) -> bool {
        matches!(self.0, Segments::Elsewhere(_))
    }

    /// All bytes as one slice; copies only if there are several.
    ///
    /// # Panics
    /// If they are elsewhere: who says so only sends them.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Segments::One(bytes) => bytes,
            Segments::Many(mut segments) if segments.len() == 1 => segments.remove(0),
            Segments::Many(segments) => {
                let mut joined = BytesMut::with_capacity(segments.iter().map(Bytes::len).sum());
                segments
                    .iter()
                    .for_each(|segment| joined.extend_from_slice(segment));
                joined.freeze()
            }
            Segments::Elsewhere(_) => panic!("records that are elsewhere are only sent"),
        }
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Records {
        Records(Segments::One(bytes))
    }
}

impl PartialEq for Records {
    fn eq(&self, other: &Records) -> bool {
        let bytes = |records: &Records| records.clone().into_bytes();
        self.len() == other.len()
            && self.is_elsewhere() == other.is_elsewhere()
            && (self.is_elsewhere() || bytes(self) == bytes(other))
    }
}

impl Eq for Records {}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Records({} bytes)", self.len())
    }
}
