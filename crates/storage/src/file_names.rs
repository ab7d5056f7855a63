//! How Kafka names the files of a partition: twenty digits of offset and a suffix.

use fleuve_model::Offset;

/// What a file that is named after an offset holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OffsetFile {
    /// Record batches.
    Log,
    /// The table from offsets to positions.
    OffsetIndex,
    /// The table from timestamps to offsets.
    TimeIndex,
    /// The aborted transactions.
    TransactionIndex,
    /// The producers as of the offset.
    Snapshot,
}

/// What a partition's folder has besides the files named after offsets.
pub(crate) const LEADER_EPOCHS: &str = "leader-epoch-checkpoint";
/// Holds the topic's id.
pub(crate) const PARTITION_METADATA: &str = "partition.metadata";
/// Behind the name of a file that no log refers to any more and that will be removed.
pub(crate) const DELETED_SUFFIX: &str = ".deleted";
/// Behind the name of a file that compaction was still writing.
pub(crate) const CLEANED_SUFFIX: &str = ".cleaned";
/// Behind the name of a file that compaction had finished and was about to put in place.
pub(crate) const SWAP_SUFFIX: &str = ".swap";
/// Behind the name of a file that replaces another as soon as it is complete.
pub(crate) const TEMPORARY_SUFFIX: &str = ".tmp";
/// Behind the name of a file with what recovery cut off the log although valid batches are in it.
pub(crate) const CUT_OFF_SUFFIX: &str = ".cut-off";

impl OffsetFile {
    /// The kinds of files that a segment consists of, the log first.
    pub const OF_SEGMENT: [OffsetFile; 4] = [
        OffsetFile::Log,
        OffsetFile::OffsetIndex,
        OffsetFile::TimeIndex,
        OffsetFile::TransactionIndex,
    ];

    /// The name of such a file at `offset`.
    pub fn name(self, offset: Offset) -> String {
        format!("{:020}{}", offset.value(), self.suffix())
    }

    /// Reads a name that [`OffsetFile::name`] gave.
    pub fn parse(name: &str) -> Option<(OffsetFile, Offset)> {
        let (digits, suffix) = name.split_at_checked(DIGITS)?;
        let kinds = [Self::OF_SEGMENT.as_slice(), &[OffsetFile::Snapshot]].concat();
        let kind = kinds.into_iter().find(|kind| kind.suffix() == suffix)?;
        if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        Some((kind, Offset::new(digits.parse().ok()?).ok()?))
    }

    /// What is behind the digits.
    pub const fn suffix(self) -> &'static str {
        match self {
            OffsetFile::Log => ".log",
            OffsetFile::OffsetIndex => ".index",
            OffsetFile::TimeIndex => ".timeindex",
            OffsetFile::TransactionIndex => ".txnindex",
            OffsetFile::Snapshot => ".snapshot",
        }
    }
}

const DIGITS: usize = 20;
