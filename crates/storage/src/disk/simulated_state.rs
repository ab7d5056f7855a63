//! What a simulated disk holds: as shown, as durable, and what goes wrong next.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};

use super::crash::NameOperation;
use super::simulated::{DiskCall, Fault, FaultKind};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) files: BTreeMap<FileId, FileBytes>,
    pub(super) directories: BTreeMap<DirectoryId, Directory>,
    pub(super) next_id: u64,
    pub(super) locks: Vec<FileId>,
    pub(super) calls: u64,
    pub(super) trace: Option<Vec<DiskCall>>,
    pub(super) fault: Option<Fault>,
    pub(super) power_is_off: bool,
    pub(super) capacity_bytes: Option<u64>,
    pub(super) used_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId(pub(super) u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DirectoryId(pub(super) u64);

pub(super) const ROOT: DirectoryId = DirectoryId(0);

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    File(FileId),
    Directory(DirectoryId),
}

/// The bytes of one file, as shown and as durable.
#[derive(Debug, Default)]
pub(super) struct FileBytes {
    pub(super) shown: Vec<u8>,
    pub(super) durable: Vec<u8>,
    /// Up to here both are equal and nothing has been cut since the last sync.
    pub(super) settled_bytes: usize,
}

/// The names of one folder, as shown, as durable, and what lies between.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) shown: BTreeMap<String, Node>,
    pub(super) durable: BTreeMap<String, Node>,
    pub(super) unsynced: Vec<NameOperation>,
}

impl FaultKind {
    pub(super) fn error(self) -> io::Error {
        match self {
            FaultKind::InputOutput => rustix::io::Errno::IO.into(),
            FaultKind::NoSpace => rustix::io::Errno::NOSPC.into(),
            FaultKind::PowerCut => io::Error::other("the power is off"),
        }
    }
}

impl State {
    /// Counts a call. The fault planned for it is returned, for the call to act out.
    pub(super) fn count(&mut self, call: DiskCall) -> io::Result<Option<FaultKind>> {
        if self.power_is_off {
            return Err(FaultKind::PowerCut.error());
        }
        let number = self.calls;
        self.calls += 1;
        if let Some(trace) = &mut self.trace {
            trace.push(call);
        }
        let hit = self
            .fault
            .filter(|fault| fault.at_call == number)
            .map(|fault| fault.kind);
        self.power_is_off = hit == Some(FaultKind::PowerCut);
        Ok(hit)
    }

    /// Ends a call that takes place even when the power is cut at it.
    pub(super) fn end(&self, hit: Option<FaultKind>) -> io::Result<()> {
        hit.map_or(Ok(()), |kind| Err(kind.error()))
    }

    pub(super) fn directory(&self, id: DirectoryId) -> &Directory {
        self.directories
            .get(&id)
            .expect("a folder id names a folder")
    }

    pub(super) fn directory_mut(&mut self, id: DirectoryId) -> &mut Directory {
        self.directories
            .get_mut(&id)
            .expect("a folder id names a folder")
    }

    pub(super) fn file_mut(&mut self, id: FileId) -> &mut FileBytes {
        self.files.get_mut(&id).expect("a file id names a file")
    }

    pub(super) fn resolve(&self, path: &Path) -> io::Result<Node> {
        let mut node = Node::Directory(ROOT);
        for component in path.components() {
            let Component::Normal(name) = component else {
                continue;
            };
            let Node::Directory(id) = node else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            let name = name.to_str().ok_or(io::ErrorKind::InvalidInput)?;
            node = *self
                .directory(id)
                .shown
                .get(name)
                .ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(node)
    }

    pub(super) fn resolve_directory(&self, path: &Path) -> io::Result<DirectoryId> {
        match self.resolve(path)? {
            Node::Directory(id) => Ok(id),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn parent_of(&self, path: &Path) -> io::Result<(DirectoryId, String)> {
        let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        Ok((self.resolve_directory(parent)?, name))
    }

    pub(super) fn new_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    pub(super) fn change_name(&mut self, directory: DirectoryId, operation: NameOperation) {
        let directory = self.directory_mut(directory);
        operation.apply_to(&mut directory.shown);
        directory.unsynced.push(operation);
    }

    pub(super) fn create_file(&mut self, path: &Path) -> io::Result<FileId> {
        let (parent, name) = self.parent_of(path)?;
        let id = FileId(self.new_id());
        self.files.insert(id, FileBytes::default());
        self.change_name(
            parent,
            NameOperation::Insert {
                name,
                node: Node::File(id),
            },
        );
        Ok(id)
    }

    pub(super) fn room_bytes(&self) -> u64 {
        self.capacity_bytes.map_or(u64::MAX, |capacity| {
            capacity.saturating_sub(self.used_bytes)
        })
    }

    /// Drops the files and folders that no name leads to, as a check of the disk would.
    pub(super) fn forget_unreachable(&mut self) {
        let mut directories = BTreeMap::new();
        let mut files = BTreeMap::new();
        let mut to_visit = vec![ROOT];
        while let Some(id) = to_visit.pop() {
            let Some(directory) = self.directories.remove(&id) else {
                continue;
            };
            for node in directory.shown.values() {
                match node {
                    Node::Directory(child) => to_visit.push(*child),
                    Node::File(id) => files.extend(self.files.remove(id).map(|file| (*id, file))),
                }
            }
            directories.insert(id, directory);
        }
        self.directories = directories;
        self.files = files;
        self.used_bytes = self
            .files
            .values()
            .map(|file| file.shown.len() as u64)
            .sum();
    }
}

impl State {
    pub(super) fn truncate(&mut self, id: FileId, length: usize) {
        let file = self.file_mut(id);
        let cut_bytes = file.shown.len().saturating_sub(length) as u64;
        file.shown.resize(length, 0);
        file.settled_bytes = file.settled_bytes.min(length);
        self.used_bytes -= cut_bytes.min(self.used_bytes);
    }

    pub(super) fn append(&mut self, id: FileId, end: u64, part: &[u8]) -> io::Result<()> {
        let fits = part
            .len()
            .min(usize::try_from(self.room_bytes()).unwrap_or(usize::MAX));
        let file = self.file_mut(id);
        assert_eq!(file.shown.len() as u64, end, "a file grows only at its end");
        file.shown.extend_from_slice(&part[..fits]);
        self.used_bytes += fits as u64;
        if fits == part.len() {
            Ok(())
        } else {
            Err(FaultKind::NoSpace.error())
        }
    }
}
