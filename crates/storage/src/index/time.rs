use fleuve_model::{Offset, Timestamp};

use super::{IndexEntry, relative_offset};

/// An entry of the `.timeindex` file: up to and including the batch that ends at `offset` no
/// record of the segment is later than `timestamp`, and that batch has one of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeEntry {
    /// The largest timestamp so far.
    pub timestamp: Timestamp,
    /// The last offset of the first batch that has it.
    pub offset: Offset,
}

/// Eight bytes of timestamp, four of offset relative to the segment's base, both big-endian.
impl IndexEntry for TimeEntry {
    const BYTES: usize = 12;

    fn encode(self, base: Offset, bytes: &mut Vec<u8>) {
        let relative = relative_offset(base, self.offset).expect("a segment spans 31 bits");
        bytes.extend_from_slice(&self.timestamp.as_millis().to_be_bytes());
        bytes.extend_from_slice(&relative.to_be_bytes());
    }

    fn decode(base: Offset, bytes: &[u8]) -> Option<TimeEntry> {
        let (timestamp, relative) = bytes.split_first_chunk::<8>()?;
        let timestamp = Timestamp::from_millis(i64::from_be_bytes(*timestamp));
        let relative = i32::from_be_bytes(*relative.first_chunk()?);
        if relative < 0 {
            return None;
        }
        let offset = base.checked_add(i64::from(relative))?;
        Some(TimeEntry { timestamp, offset })
    }

    fn may_follow(self, earlier: TimeEntry) -> bool {
        self.timestamp > earlier.timestamp && self.offset >= earlier.offset
    }
}
