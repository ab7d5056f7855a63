use fleuve_model::{Offset, ProducerId};

use super::IndexError;

/// An entry of the `.txnindex` file: a transaction whose abort marker is in the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Who wrote it.
    pub producer: ProducerId,
    /// The offset of its first record, perhaps in an earlier segment.
    pub first_offset: Offset,
    /// The offset of its abort marker.
    pub last_offset: Offset,
    /// The last stable offset right after the marker: no transaction that ended later reaches
    /// below it, so a search that has come this far may end.
    pub last_stable_offset: Offset,
}

const VERSION: i16 = 0;
const ENTRY_BYTES: usize = 34;

/// The content for a `.txnindex` file: per transaction two bytes of version, then producer id,
/// first, last and last stable offset of eight bytes each, all big-endian.
pub fn encode_transactions(transactions: &[AbortedTransaction]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(transactions.len() * ENTRY_BYTES);
    for aborted in transactions {
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&aborted.producer.value().to_be_bytes());
        bytes.extend_from_slice(&aborted.first_offset.value().to_be_bytes());
        bytes.extend_from_slice(&aborted.last_offset.value().to_be_bytes());
        bytes.extend_from_slice(&aborted.last_stable_offset.value().to_be_bytes());
    }
    bytes
}

/// Reads what [`encode_transactions`] or Kafka wrote for a segment that begins at `base`.
pub fn decode_transactions(
    base: Offset,
    content: &[u8],
) -> Result<Vec<AbortedTransaction>, IndexError> {
    if !content.len().is_multiple_of(ENTRY_BYTES) {
        let length_bytes = content.len() as u64;
        return Err(IndexError::Length {
            length_bytes,
            entry_bytes: ENTRY_BYTES,
        });
    }
    let mut transactions: Vec<AbortedTransaction> = Vec::new();
    for (entry, bytes) in (0..).zip(content.chunks_exact(ENTRY_BYTES)) {
        let before = transactions.last().map(|before| before.last_offset);
        let follows = |aborted: &AbortedTransaction| {
            aborted.last_offset >= base && before.is_none_or(|before| aborted.last_offset > before)
        };
        match decode_entry(bytes).filter(follows) {
            Some(aborted) => transactions.push(aborted),
            None => return Err(IndexError::Order { entry }),
        }
    }
    Ok(transactions)
}

fn decode_entry(bytes: &[u8]) -> Option<AbortedTransaction> {
    let (version, bytes) = bytes.split_first_chunk()?;
    if i16::from_be_bytes(*version) != VERSION {
        return None;
    }
    let (producer, bytes) = bytes.split_first_chunk()?;
    let (first, bytes) = bytes.split_first_chunk()?;
    let (last, bytes) = bytes.split_first_chunk()?;
    let (stable, _) = bytes.split_first_chunk()?;
    Some(AbortedTransaction {
        producer: ProducerId::from_wire(i64::from_be_bytes(*producer))?,
        first_offset: Offset::from_wire(i64::from_be_bytes(*first))?,
        last_offset: Offset::from_wire(i64::from_be_bytes(*last))?,
        last_stable_offset: Offset::from_wire(i64::from_be_bytes(*stable))?,
    })
}
