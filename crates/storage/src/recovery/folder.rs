//! What is in a partition's folder, and what does not belong there any more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fleuve_model::Offset;

use crate::disk::{EntryKind, OpenMode, remove_if_exists};
use crate::error::StorageError;
use crate::file_names::{
    CLEANED_SUFFIX, CUT_OFF_SUFFIX, DELETED_SUFFIX, OffsetFile, SWAP_SUFFIX, TEMPORARY_SUFFIX,
};
use crate::log_directory::DirectoryContext;
use crate::walk::{HeaderWalk, WalkError};

/// The files of a partition's folder.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// The segments' log files and their lengths.
    pub(super) logs: BTreeMap<Offset, u64>,
    pub(super) snapshots: BTreeSet<Offset>,
    /// What earlier recoveries have put aside.
    pub(super) side_files: BTreeSet<String>,
    /// Whether a file was removed or renamed.
    pub(super) was_changed: bool,
}

impl Folder {
    /// Lists the folder after finishing what was under way when the process ended: deletions,
    /// replacements of files, compactions. Segments that lie wholly below `log_start` go.
    pub(super) fn tidy(
        directory: &DirectoryContext,
        path: &Path,
        log_start: Offset,
    ) -> Result<Folder, StorageError> {
        let names = list(directory, path)?;
        let changed =
            finish_swaps(directory, path, &names)? | remove_leftovers(directory, path, &names)?;
        let mut folder = Folder {
            was_changed: changed,
            ..Folder::default()
        };
        let mut tables = BTreeSet::new();
        let names = if changed {
            list(directory, path)?
        } else {
            names
        };
        for (name, length_bytes) in names {
            match OffsetFile::parse(&name) {
                Some((OffsetFile::Log, base)) => _ = folder.logs.insert(base, length_bytes),
                Some((OffsetFile::Snapshot, offset)) => _ = folder.snapshots.insert(offset),
                Some((_, base)) => _ = tables.insert((base, name)),
                None if name.contains(CUT_OFF_SUFFIX) => _ = folder.side_files.insert(name),
                None => {}
            }
        }
        let bases: Vec<Offset> = folder.logs.keys().copied().collect();
        for pair in bases.windows(2).filter(|pair| pair[1] <= log_start) {
            folder.was_changed |= remove(directory, &path.join(OffsetFile::Log.name(pair[0])))?;
            folder.logs.remove(&pair[0]);
        }
        for (base, name) in tables {
            if !folder.logs.contains_key(&base) {
                folder.was_changed |= remove(directory, &path.join(name))?;
            }
        }
        folder.remove_old_snapshots(directory, path)?;
        Ok(folder)
    }

    fn remove_old_snapshots(
        &mut self,
        directory: &DirectoryContext,
        path: &Path,
    ) -> Result<(), StorageError> {
        let first = self.logs.keys().next().copied().unwrap_or_default();
        let kept = self.snapshots.split_off(&first);
        for offset in std::mem::replace(&mut self.snapshots, kept) {
            let snapshot = path.join(OffsetFile::Snapshot.name(offset));
            self.was_changed |= remove(directory, &snapshot)?;
        }
        Ok(())
    }
}

fn list(directory: &DirectoryContext, path: &Path) -> Result<Vec<(String, u64)>, StorageError> {
    let entries = directory.read(directory.disk().list(path), path)?;
    let file = |entry: crate::disk::DirectoryEntry| match entry.kind {
        EntryKind::File { length_bytes } => Some((entry.name, length_bytes)),
        EntryKind::Directory => None,
    };
    Ok(entries.into_iter().filter_map(file).collect())
}

fn remove(directory: &DirectoryContext, path: &Path) -> Result<bool, StorageError> {
    directory.wrote(remove_if_exists(directory.disk(), path), path)
}

fn remove_leftovers(
    directory: &DirectoryContext,
    path: &Path,
    names: &[(String, u64)],
) -> Result<bool, StorageError> {
    let mut removed = false;
    for (name, _) in names {
        let suffixes = [DELETED_SUFFIX, CLEANED_SUFFIX, TEMPORARY_SUFFIX];
        if suffixes.iter().any(|suffix| name.ends_with(suffix)) {
            removed |= remove(directory, &path.join(name))?;
        }
    }
    Ok(removed)
}

/// Compaction writes `.cleaned` files, renames them to `.swap` when all are complete and durable,
/// and only then puts them in the place of the old segments. So without a `.cleaned` beside them
/// `.swap` files are the log, and the segments that they cover are not; with one they may not be
/// complete.
fn finish_swaps(
    directory: &DirectoryContext,
    path: &Path,
    names: &[(String, u64)],
) -> Result<bool, StorageError> {
    let parse = |suffix: &str| -> Vec<(OffsetFile, Offset)> {
        let parse = |name: &String| OffsetFile::parse(name.strip_suffix(suffix)?);
        names.iter().filter_map(|(name, _)| parse(name)).collect()
    };
    let swaps = parse(SWAP_SUFFIX);
    if swaps.is_empty() {
        return Ok(false);
    }
    let first_cleaned = parse(CLEANED_SUFFIX)
        .into_iter()
        .map(|(_, offset)| offset)
        .min();
    let is_complete = |offset: Offset| first_cleaned.is_none_or(|cleaned| offset < cleaned);
    let mut covered: Option<(Offset, Offset)> = None;
    for (kind, base) in &swaps {
        if *kind == OffsetFile::Log && is_complete(*base) {
            let end = swap_end(directory, path, *base)?;
            let (first, last) = covered.unwrap_or((*base, end));
            covered = Some((first.min(*base), last.max(end)));
        }
    }
    for (name, _) in names {
        if let Some((_, offset)) = OffsetFile::parse(name)
            && covered.is_some_and(|(first, end)| offset >= first && offset < end)
        {
            remove(directory, &path.join(name))?;
        }
    }
    for (kind, base) in swaps {
        let name = kind.name(base);
        let swap = path.join(format!("{name}{SWAP_SUFFIX}"));
        if is_complete(base) {
            let renamed = directory.disk().rename(&swap, &path.join(name));
            directory.wrote(renamed, &swap)?;
        } else {
            remove(directory, &swap)?;
        }
    }
    directory.sync_dir(path)?;
    Ok(true)
}

fn swap_end(
    directory: &DirectoryContext,
    path: &Path,
    base: Offset,
) -> Result<Offset, StorageError> {
    let path = path.join(format!("{}{SWAP_SUFFIX}", OffsetFile::Log.name(base)));
    let file = directory.read(directory.disk().open(&path, OpenMode::Read), &path)?;
    let length_bytes = directory.read(file.length_bytes(), &path)?;
    let mut walk = HeaderWalk::new(&*file, 0, length_bytes);
    let mut end = base;
    loop {
        match walk.next_header() {
            Ok(Some((_, header))) => end = header.next_offset(),
            Ok(None) | Err(WalkError::Bad { .. }) => return Ok(end),
            Err(WalkError::Io(error)) => return directory.read(Err(error), &path),
        }
    }
}
