use fleuve_model::Offset;

use super::{IndexEntry, relative_offset};

/// An entry of the `.index` file: the batch whose last offset is `offset` begins at `position`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetEntry {
    /// The last offset of the batch.
    pub offset: Offset,
    /// Where in the segment's file the batch begins.
    pub position: u32,
}

/// Four bytes of offset relative to the segment's base, four of position, both big-endian.
impl IndexEntry for OffsetEntry {
    const BYTES: usize = 8;

    fn encode(self, base: Offset, bytes: &mut Vec<u8>) {
        let relative = relative_offset(base, self.offset).expect("a segment spans 31 bits");
        bytes.extend_from_slice(&relative.to_be_bytes());
        bytes.extend_from_slice(&self.position.to_be_bytes());
    }

    fn decode(base: Offset, bytes: &[u8]) -> Option<OffsetEntry> {
        let (relative, position) = bytes.split_first_chunk::<4>()?;
        let relative = i32::from_be_bytes(*relative);
        let position = u32::from_be_bytes(*position.first_chunk()?);
        if relative < 0 {
            return None;
        }
        let offset = base.checked_add(i64::from(relative))?;
        Some(OffsetEntry { offset, position })
    }

    fn may_follow(self, earlier: OffsetEntry) -> bool {
        self.offset > earlier.offset && self.position > earlier.position
    }
}
