use std::collections::VecDeque;
use std::sync::Arc;

use fleuve_model::Offset;

use super::{MetadataImage, Record};

/// Builds the image that everybody but the controller reads, from committed records only.
///
/// The shell of the controller tells it what it tells the driver, and publishes a new image
/// *before* it tells the driver of the same commit: then whoever has an answer finds what it
/// was told in the image.
#[derive(Debug)]
pub struct CommittedImage {
    image: Arc<MetadataImage>,
    /// Appends under way, oldest first, with the log's end once they are in the log.
    pending: VecDeque<(Vec<Record>, Option<Offset>)>,
    committed_up_to: Offset,
}

impl CommittedImage {
    /// Starts from a log whose records, all of them committed, led to `image`.
    pub fn new(image: MetadataImage) -> CommittedImage {
        CommittedImage {
            image: Arc::new(image),
            pending: VecDeque::new(),
            committed_up_to: Offset::ZERO,
        }
    }

    /// The newest image.
    pub fn image(&self) -> &Arc<MetadataImage> {
        &self.image
    }

    /// The driver has asked to append `records`.
    pub fn appending(&mut self, records: Vec<Record>) {
        self.pending.push_back((records, None));
    }

    /// The oldest append still under way is in the log. Returns the new image, if it is
    /// committed already.
    pub fn appended(&mut self, log_end: Offset) -> Option<Arc<MetadataImage>> {
        let oldest = self.pending.iter_mut().find(|(_, end)| end.is_none());
        oldest.expect("an append is reported once").1 = Some(log_end);
        self.advance()
    }

    /// The log is committed up to here. Returns the new image, if that changes it.
    pub fn committed(&mut self, up_to: Offset) -> Option<Arc<MetadataImage>> {
        self.committed_up_to = self.committed_up_to.max(up_to);
        self.advance()
    }

    fn advance(&mut self) -> Option<Arc<MetadataImage>> {
        let committed_up_to = self.committed_up_to;
        let is_committed =
            |(_, end): &mut (_, Option<Offset>)| end.is_some_and(|end| end <= committed_up_to);
        let mut changed = false;
        while let Some((records, _)) = self.pending.pop_front_if(is_committed) {
            let image = Arc::make_mut(&mut self.image);
            records.iter().for_each(|record| image.apply(record));
            changed = true;
        }
        changed.then(|| self.image.clone())
    }
}
