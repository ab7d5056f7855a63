//! A disk in memory, for tests and the simulator.
//!
//! It keeps apart what the operating system shows and what would be there after a power cut.
//! Every call is counted, and a [`Fault`] makes the n-th of them fail or cut the power; after a
//! cut every call fails until [`SimulatedDisk::restart`] decides, by chance, what survived.

use std::io;
use std::io::IoSlice;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use super::crash::{self, NameOperation};
use super::simulated_state::{Directory, DirectoryId, FileBytes, FileId, Node, ROOT, State};
use super::{DirectoryEntry, Disk, DiskFile, DiskLock, DiskSpace, EntryKind, OpenMode};

/// Where a simulated crash gets its decisions from; a test hands in its seeded generator.
pub trait Chance {
    /// One of `0..options`, each as likely as the others.
    fn choose(&mut self, options: u32) -> u32;
}

/// The kinds of calls that a fault can hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the methods of `Disk` and `DiskFile`")]
pub enum DiskCall {
    Open,
    Create,
    CreateDir,
    SyncDir,
    Rename,
    Remove,
    RemoveDir,
    List,
    Space,
    Lock,
    Read,
    Append,
    Truncate,
    Sync,
    Length,
}

/// What happens at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// `EIO`. An append leaves half of its bytes. A failed sync drops what it should have made
    /// durable, while the file goes on to show it: so do Linux's file systems.
    InputOutput,
    /// `ENOSPC`. An append leaves half of its bytes.
    NoSpace,
    /// The power fails: the call takes place without having become durable, and this and all
    /// later calls fail.
    PowerCut,
}

/// Something that goes wrong at one call, counted from 0 over the life of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which call.
    pub at_call: u64,
    /// What happens there.
    pub kind: FaultKind,
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

impl Default for SimulatedDisk {
    fn default() -> SimulatedDisk {
        SimulatedDisk::new()
    }
}

impl SimulatedDisk {
    /// An empty disk.
    pub fn new() -> SimulatedDisk {
        let mut state = State {
            next_id: 1,
            ..State::default()
        };
        state.directories.insert(ROOT, Directory::default());
        SimulatedDisk {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Limits the bytes that all files together can hold; more is `ENOSPC`.
    pub fn set_capacity(&self, capacity_bytes: Option<u64>) {
        self.state().capacity_bytes = capacity_bytes;
    }

    /// Plans what goes wrong next, in place of what was planned.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    /// How many calls have been made.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Starts to note the kind of each call.
    pub fn start_trace(&self) {
        self.state().trace = Some(Vec::new());
    }

    /// The kinds of the calls since [`SimulatedDisk::start_trace`].
    pub fn take_trace(&self) -> Vec<DiskCall> {
        self.state().trace.take().unwrap_or_default()
    }

    /// Whether a fault has cut the power.
    pub fn power_is_off(&self) -> bool {
        self.state().power_is_off
    }

    /// Cuts the power now.
    pub fn cut_power(&self) {
        self.state().power_is_off = true;
    }

    /// The disk after a power cut, with what `chance` lets survive: of each file's unsynced
    /// pages each is kept, lost, zeroed or torn at a sector; each unsynced change of a name is
    /// kept or lost. Handles of this disk go on failing.
    pub fn restart(&self, chance: &mut dyn Chance) -> SimulatedDisk {
        let mut old = self.state();
        old.power_is_off = true;
        let mut state = State {
            next_id: old.next_id,
            ..State::default()
        };
        for (id, file) in &old.files {
            let bytes = crash::surviving_bytes(file, chance);
            state.used_bytes += bytes.len() as u64;
            let settled_bytes = bytes.len();
            state.files.insert(
                *id,
                FileBytes {
                    durable: bytes.clone(),
                    shown: bytes,
                    settled_bytes,
                },
            );
        }
        for (id, directory) in &old.directories {
            let names = crash::surviving_names(directory, chance);
            let directory = Directory {
                durable: names.clone(),
                shown: names,
                unsynced: Vec::new(),
            };
            state.directories.insert(*id, directory);
        }
        drop(old);
        state.forget_unreachable();
        SimulatedDisk {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The shown bytes of the file at `path`, for a test to look at. Not a counted call.
    pub fn peek(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let Ok(Node::File(id)) = state.resolve(path) else {
            return None;
        };
        Some(state.files[&id].shown.clone())
    }

    /// Replaces the bytes of the file at `path`, durably, as damage or an earlier process would.
    /// Not a counted call.
    pub fn poke(&self, path: &Path, content: &[u8]) {
        let mut state = self.state();
        let id = match state.resolve(path) {
            Ok(Node::File(id)) => id,
            _ => state
                .create_file(path)
                .expect("the folder of a poked file exists"),
        };
        let settled_bytes = content.len();
        let file = FileBytes {
            shown: content.to_vec(),
            durable: content.to_vec(),
            settled_bytes,
        };
        state.used_bytes += content.len() as u64;
        if let Some(before) = state.files.insert(id, file) {
            state.used_bytes = state.used_bytes.saturating_sub(before.shown.len() as u64);
        }
        let (parent, name) = state
            .parent_of(path)
            .expect("the folder of a poked file exists");
        let directory = state.directory_mut(parent);
        directory.durable.insert(name, Node::File(id));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no call panics while it holds the state")
    }

    /// Counts a call that has no effect of its own, or fails it as planned.
    fn counted(&self, call: DiskCall) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        match state.count(call)? {
            None => Ok(state),
            Some(kind) => Err(kind.error()),
        }
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let found = state.resolve(path);
        let creates =
            found.is_err() && matches!(mode, OpenMode::AppendOrCreate | OpenMode::Replace);
        let hit = state.count(if creates {
            DiskCall::Create
        } else {
            DiskCall::Open
        })?;
        if let Some(kind @ (FaultKind::InputOutput | FaultKind::NoSpace)) = hit {
            return Err(kind.error());
        }
        let id = match found {
            Ok(Node::File(id)) => id,
            Ok(Node::Directory(_)) => return Err(io::ErrorKind::IsADirectory.into()),
            Err(_) if creates => state.create_file(path)?,
            Err(error) => return Err(error),
        };
        if mode == OpenMode::Replace {
            state.truncate(id, 0);
        }
        state.end(hit)?;
        Ok(Arc::new(SimulatedFile {
            disk: self.clone(),
            id,
        }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let hit = state.count(DiskCall::CreateDir)?;
        if let Some(kind @ (FaultKind::InputOutput | FaultKind::NoSpace)) = hit {
            return Err(kind.error());
        }
        let (parent, name) = state.parent_of(path)?;
        if state.directory(parent).shown.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = DirectoryId(state.new_id());
        state.directories.insert(id, Directory::default());
        state.change_name(
            parent,
            NameOperation::Insert {
                name,
                node: Node::Directory(id),
            },
        );
        state.end(hit)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.counted(DiskCall::SyncDir)?;
        let id = state.resolve_directory(path)?;
        let directory = state.directory_mut(id);
        directory.durable.clone_from(&directory.shown);
        directory.unsynced.clear();
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let hit = state.count(DiskCall::Rename)?;
        if let Some(kind @ (FaultKind::InputOutput | FaultKind::NoSpace)) = hit {
            return Err(kind.error());
        }
        let (directory, from) = state.parent_of(from)?;
        let (target, to) = state.parent_of(to)?;
        if directory != target {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        let node = *state
            .directory(directory)
            .shown
            .get(&from)
            .ok_or(io::ErrorKind::NotFound)?;
        if let Some(Node::Directory(_)) = state.directory(directory).shown.get(&to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.change_name(directory, NameOperation::Rename { from, to, node });
        state.end(hit)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let hit = state.count(DiskCall::Remove)?;
        if let Some(kind @ (FaultKind::InputOutput | FaultKind::NoSpace)) = hit {
            return Err(kind.error());
        }
        let Node::File(id) = state.resolve(path)? else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        let (directory, name) = state.parent_of(path)?;
        state.used_bytes -= state.files[&id].shown.len() as u64;
        state.change_name(directory, NameOperation::Remove { name });
        state.end(hit)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let hit = state.count(DiskCall::RemoveDir)?;
        if let Some(kind @ (FaultKind::InputOutput | FaultKind::NoSpace)) = hit {
            return Err(kind.error());
        }
        let id = state.resolve_directory(path)?;
        if !state.directory(id).shown.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let (directory, name) = state.parent_of(path)?;
        state.change_name(directory, NameOperation::Remove { name });
        state.end(hit)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let state = self.counted(DiskCall::List)?;
        let directory = state.directory(state.resolve_directory(path)?);
        let entry = |(name, node): (&String, &Node)| {
            let kind = match node {
                Node::Directory(_) => EntryKind::Directory,
                Node::File(id) => EntryKind::File {
                    length_bytes: state.files[id].shown.len() as u64,
                },
            };
            DirectoryEntry {
                name: name.clone(),
                kind,
            }
        };
        Ok(directory.shown.iter().map(entry).collect())
    }

    fn space(&self, path: &Path) -> io::Result<DiskSpace> {
        let state = self.counted(DiskCall::Space)?;
        state.resolve(path)?;
        let total_bytes = state.capacity_bytes.unwrap_or(u64::MAX);
        Ok(DiskSpace {
            total_bytes,
            free_bytes: state.room_bytes(),
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let mut state = self.counted(DiskCall::Lock)?;
        let id = match state.resolve(path) {
            Ok(Node::File(id)) => id,
            Ok(Node::Directory(_)) => return Err(io::ErrorKind::IsADirectory.into()),
            Err(_) => state.create_file(path)?,
        };
        if state.locks.contains(&id) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.locks.push(id);
        Ok(Box::new(SimulatedLock {
            disk: self.clone(),
            id,
        }))
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    id: FileId,
}

impl DiskFile for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let mut state = self.disk.counted(DiskCall::Read)?;
        let shown = &state.file_mut(self.id).shown;
        let start = usize::try_from(position)
            .unwrap_or(usize::MAX)
            .min(shown.len());
        let read = buffer.len().min(shown.len() - start);
        buffer[..read].copy_from_slice(&shown[start..start + read]);
        Ok(read)
    }

    fn append(&self, end: u64, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let mut state = self.disk.state();
        let hit = state.count(DiskCall::Append)?;
        let fails = matches!(hit, Some(FaultKind::InputOutput | FaultKind::NoSpace));
        let whole: usize = parts.iter().map(|part| part.len()).sum();
        let mut left = if fails { whole / 2 } else { whole };
        let mut position = end;
        for part in parts {
            let part = &part[..part.len().min(left)];
            state.append(self.id, position, part)?;
            position += part.len() as u64;
            left -= part.len();
        }
        state.end(hit)
    }

    fn truncate(&self, length_bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let hit = state.count(DiskCall::Truncate)?;
        if let Some(kind @ (FaultKind::InputOutput | FaultKind::NoSpace)) = hit {
            return Err(kind.error());
        }
        let length = usize::try_from(length_bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
        state.truncate(self.id, length);
        state.end(hit)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let hit = state.count(DiskCall::Sync)?;
        let file = state.file_mut(self.id);
        match hit {
            None => {
                file.durable.truncate(file.settled_bytes);
                file.durable
                    .extend_from_slice(&file.shown[file.settled_bytes..]);
                file.settled_bytes = file.shown.len();
                Ok(())
            }
            Some(FaultKind::PowerCut) => Err(FaultKind::PowerCut.error()),
            Some(kind) => {
                file.durable.truncate(file.settled_bytes);
                file.durable.resize(file.shown.len(), 0);
                file.settled_bytes = file.shown.len();
                Err(kind.error())
            }
        }
    }

    fn length_bytes(&self) -> io::Result<u64> {
        let mut state = self.disk.counted(DiskCall::Length)?;
        Ok(state.file_mut(self.id).shown.len() as u64)
    }
}

#[derive(Debug)]
struct SimulatedLock {
    disk: SimulatedDisk,
    id: FileId,
}

impl DiskLock for SimulatedLock {}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.disk.state().locks.retain(|held| *held != self.id);
    }
}
