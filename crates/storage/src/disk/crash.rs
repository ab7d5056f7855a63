//! What a power cut leaves of a simulated disk.

use std::collections::BTreeMap;

use super::simulated::Chance;
use super::simulated_state::{Directory, FileBytes, Node};

/// The unit in which the operating system writes files back.
const PAGE_BYTES: usize = 4096;

/// The unit that a disk writes as a whole.
const SECTOR_BYTES: usize = 512;

/// One change of a folder's names.
#[derive(Clone, Debug)]
pub(super) enum NameOperation {
    /// A name is new, or stands for something else now.
    Insert { name: String, node: Node },
    /// A name changes.
    Rename {
        from: String,
        to: String,
        node: Node,
    },
    /// A name is gone.
    Remove { name: String },
}

impl NameOperation {
    pub(super) fn apply_to(&self, names: &mut BTreeMap<String, Node>) {
        match self {
            NameOperation::Insert { name, node } => _ = names.insert(name.clone(), *node),
            NameOperation::Rename { from, to, node } => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
            NameOperation::Remove { name } => _ = names.remove(name),
        }
    }
}

/// The durable names, and of the later changes those that made it.
pub(super) fn surviving_names(
    directory: &Directory,
    chance: &mut dyn Chance,
) -> BTreeMap<String, Node> {
    let mut names = directory.durable.clone();
    for operation in &directory.unsynced {
        if chance.choose(2) == 0 {
            operation.apply_to(&mut names);
        }
    }
    names
}

/// What may become of one page whose bytes were not synced.
enum PageFate {
    Kept,
    Lost,
    Zeroed,
    /// This many sectors of it were written.
    Torn(usize),
}

impl PageFate {
    fn choose(chance: &mut dyn Chance) -> PageFate {
        match chance.choose(8) {
            0..=3 => PageFate::Kept,
            4 | 5 => PageFate::Lost,
            6 => PageFate::Zeroed,
            _ => PageFate::Torn(1 + chance.choose((PAGE_BYTES / SECTOR_BYTES) as u32 - 1) as usize),
        }
    }
}

/// The synced bytes stay. Each page behind them is decided on its own; so is the length, which
/// covers at least the last page that was written.
pub(super) fn surviving_bytes(file: &FileBytes, chance: &mut dyn Chance) -> Vec<u8> {
    if file.settled_bytes == file.shown.len() && file.durable.len() == file.settled_bytes {
        return file.durable.clone();
    }
    // With the old length the old bytes beyond the settled ones may come back too.
    let mut survived = match chance.choose(2) {
        0 => file.durable.clone(),
        _ => file.durable[..file.settled_bytes].to_vec(),
    };
    let first_page = file.settled_bytes / PAGE_BYTES;
    for page in first_page..file.shown.len().div_ceil(PAGE_BYTES) {
        let start = (page * PAGE_BYTES).max(file.settled_bytes);
        let end = ((page + 1) * PAGE_BYTES).min(file.shown.len());
        let written_end = match PageFate::choose(chance) {
            PageFate::Kept => end,
            PageFate::Lost => continue,
            PageFate::Torn(sectors) => {
                (page * PAGE_BYTES + sectors * SECTOR_BYTES).clamp(start, end)
            }
            PageFate::Zeroed => {
                grow(&mut survived, end);
                survived[start..end].fill(0);
                continue;
            }
        };
        grow(&mut survived, end);
        survived[start..written_end].copy_from_slice(&file.shown[start..written_end]);
    }
    survived
}

fn grow(bytes: &mut Vec<u8>, length: usize) {
    if bytes.len() < length {
        bytes.resize(length, 0);
    }
}
