//! The topics in a consumer's join metadata.

use std::collections::BTreeSet;
use std::sync::Arc;

/// Reads the topics out of a `ConsumerProtocolSubscription`: every version starts with the
/// fields of version 0, and more is not needed. `None` if these bytes are something else.
pub(super) fn subscribed_topics(mut metadata: &[u8]) -> Option<BTreeSet<Arc<str>>> {
    let version = i16::from_be_bytes(take(&mut metadata)?);
    let count = i32::from_be_bytes(take(&mut metadata)?);
    if version < 0 {
        return None;
    }
    let mut topics = BTreeSet::new();
    for _ in 0..u32::try_from(count).ok()? {
        let length = i16::from_be_bytes(take(&mut metadata)?);
        let (name, rest) = metadata.split_at_checked(usize::try_from(length).ok()?)?;
        metadata = rest;
        topics.insert(Arc::from(std::str::from_utf8(name).ok()?));
    }
    Some(topics)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}
