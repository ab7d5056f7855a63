//! Which process listens on a port, for the error that says the port is taken.
//!
//! Linux tells: `/proc/net/tcp*` has the socket's inode, and some process has a descriptor of
//! it. Elsewhere, and for processes of others, nothing can be known.

use std::path::Path;

/// The holder of `port`, as `name (process 123)`.
pub(crate) fn of_port(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .find_map(|table| listening_inode(&table, port))?;
    let socket = format!("socket:[{inode}]");
    let processes = std::fs::read_dir("/proc").ok()?;
    processes
        .flatten()
        .filter(|process| holds(&process.path(), &socket))
        .find_map(|process| name_of(&process.path()))
}

/// State `0A` is "listening"; the local address ends in the port in hexadecimal.
fn listening_inode(table: &str, port: u16) -> Option<String> {
    let suffix = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let is_it = columns.get(1)?.ends_with(&suffix) && *columns.get(3)? == "0A";
        is_it
            .then(|| columns.get(9).map(|inode| (*inode).to_owned()))
            .flatten()
    })
}

fn holds(process: &Path, socket: &str) -> bool {
    let Ok(descriptors) = std::fs::read_dir(process.join("fd")) else {
        return false;
    };
    descriptors
        .flatten()
        .filter_map(|descriptor| std::fs::read_link(descriptor.path()).ok())
        .any(|target| target.as_os_str() == socket)
}

fn name_of(process: &Path) -> Option<String> {
    let id = process.file_name()?.to_str()?.to_owned();
    let name = std::fs::read_to_string(process.join("comm")).ok()?;
    Some(format!("{} (process {id})", name.trim()))
}
