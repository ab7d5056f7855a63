//! The bytes of state files, as `docs/formats/state.md` has them.

use super::{EventTimeMs, StateVersion};

const MAGIC: &[u8; 8] = b"FLVSTATE";
const FORMAT: u8 = 1;
/// Magic, format, kind, version, length of the body, checksum of the body.
const HEADER_BYTES: usize = 8 + 1 + 1 + 8 + 8 + 4;
const CHECKSUM_BYTES: usize = 4;
const ZSTD_LEVEL: i32 = 1;

const TAG_PUT: u8 = 1;
const TAG_REMOVE: u8 = 2;
const TAG_DROP_TIME: u8 = 3;
/// Set on a tag whose entry has an event time.
const TAG_TIMED: u8 = 0x10;

/// What a state file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// What one batch changed.
    Delta,
    /// Everything.
    Snapshot,
}

/// The changes of one store of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) store: String,
    pub(super) partition: u32,
    pub(super) changes: Vec<u8>,
}

/// One change of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change<'a> {
    Put {
        time: Option<EventTimeMs>,
        key: &'a [u8],
        value: &'a [u8],
    },
    Remove {
        time: Option<EventTimeMs>,
        key: &'a [u8],
    },
    DropTime {
        time: EventTimeMs,
    },
}

pub(super) fn encode_file(kind: FileKind, version: StateVersion, sections: &[Section]) -> Vec<u8> {
    let mut body = Vec::new();
    for section in sections {
        put_bytes(&mut body, section.store.as_bytes());
        body.extend_from_slice(&section.partition.to_le_bytes());
        put_bytes(&mut body, &section.changes);
    }
    let body =
        zstd::bulk::compress(&body, ZSTD_LEVEL).expect("compressing into memory cannot fail");
    let mut file = Vec::with_capacity(HEADER_BYTES + CHECKSUM_BYTES + body.len());
    file.extend_from_slice(MAGIC);
    file.push(FORMAT);
    file.push(match kind {
        FileKind::Delta => 0,
        FileKind::Snapshot => 1,
    });
    file.extend_from_slice(&version.get().to_le_bytes());
    file.extend_from_slice(&(body.len() as u64).to_le_bytes());
    file.extend_from_slice(&crc32c(&body).to_le_bytes());
    let header_checksum = crc32c(&file);
    file.extend_from_slice(&header_checksum.to_le_bytes());
    file.extend_from_slice(&body);
    file
}

pub(super) fn decode_file(
    bytes: &[u8],
    kind: FileKind,
    version: StateVersion,
) -> Result<Vec<Section>, String> {
    let Some((header, rest)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(format!("{} bytes are less than a header", bytes.len()));
    };
    let Some((checksum, body)) = rest.split_at_checked(CHECKSUM_BYTES) else {
        return Err("the header's checksum is cut off".to_owned());
    };
    if checksum != crc32c(header).to_le_bytes() {
        return Err("the header does not match its checksum".to_owned());
    }
    check_header(header, kind, version)?;
    if body.len() as u64 != u64_at(header, 18) {
        return Err(format!(
            "expected a body of {} bytes, found {}",
            u64_at(header, 18),
            body.len()
        ));
    }
    if header[26..30] != crc32c(body).to_le_bytes() {
        return Err("the body does not match its checksum".to_owned());
    }
    let body = zstd::stream::decode_all(body).map_err(|error| error.to_string())?;
    sections(&body)
}

fn check_header(header: &[u8], kind: FileKind, version: StateVersion) -> Result<(), String> {
    if &header[..8] != MAGIC {
        return Err("it is no state file".to_owned());
    }
    if header[8] != FORMAT {
        return Err(format!("format {} is not known", header[8]));
    }
    let found = if header[9] == 0 {
        FileKind::Delta
    } else {
        FileKind::Snapshot
    };
    if found != kind {
        return Err(format!("expected a {kind:?}, found a {found:?}"));
    }
    if u64_at(header, 10) != version.get() {
        return Err(format!(
            "expected version {version}, found {}",
            u64_at(header, 10)
        ));
    }
    Ok(())
}

fn sections(body: &[u8]) -> Result<Vec<Section>, String> {
    let mut reader = Reader { rest: body };
    let mut sections = Vec::new();
    while !reader.rest.is_empty() {
        let store = String::from_utf8(reader.bytes()?.to_vec()).map_err(|e| e.to_string())?;
        let partition = reader.take(4)?;
        let partition = u32::from_le_bytes(partition.try_into().expect("four bytes were taken"));
        sections.push(Section {
            store,
            partition,
            changes: reader.bytes()?.to_vec(),
        });
    }
    Ok(sections)
}

pub(super) fn put_change(buffer: &mut Vec<u8>, change: Change<'_>) {
    match change {
        Change::Put { time, key, value } => {
            put_tag(buffer, TAG_PUT, time);
            put_bytes(buffer, key);
            put_bytes(buffer, value);
        }
        Change::Remove { time, key } => {
            put_tag(buffer, TAG_REMOVE, time);
            put_bytes(buffer, key);
        }
        Change::DropTime { time } => put_tag(buffer, TAG_DROP_TIME, Some(time)),
    }
}

/// The changes, in order.
pub(super) fn changes(bytes: &[u8]) -> impl Iterator<Item = Result<Change<'_>, String>> {
    let mut reader = Reader { rest: bytes };
    std::iter::from_fn(move || (!reader.rest.is_empty()).then(|| next_change(&mut reader)))
}

fn next_change<'a>(reader: &mut Reader<'a>) -> Result<Change<'a>, String> {
    let tag = reader.take(1)?[0];
    let time = match tag & TAG_TIMED {
        0 => None,
        _ => Some(i64::from_le_bytes(
            reader.take(8)?.try_into().expect("eight bytes were taken"),
        )),
    };
    Ok(match (tag & !TAG_TIMED, time) {
        (TAG_PUT, time) => Change::Put {
            time,
            key: reader.bytes()?,
            value: reader.bytes()?,
        },
        (TAG_REMOVE, time) => Change::Remove {
            time,
            key: reader.bytes()?,
        },
        (TAG_DROP_TIME, Some(time)) => Change::DropTime { time },
        _ => return Err(format!("unknown change {tag:#x}")),
    })
}

fn put_tag(buffer: &mut Vec<u8>, tag: u8, time: Option<EventTimeMs>) {
    match time {
        None => buffer.push(tag),
        Some(time) => {
            buffer.push(tag | TAG_TIMED);
            buffer.extend_from_slice(&time.to_le_bytes());
        }
    }
}

/// A length as an unsigned LEB128 varint, then the bytes.
fn put_bytes(buffer: &mut Vec<u8>, bytes: &[u8]) {
    let mut length = bytes.len();
    while length >= 0x80 {
        buffer.push(length as u8 | 0x80);
        length >>= 7;
    }
    buffer.push(length as u8);
    buffer.extend_from_slice(bytes);
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or("the body ends inside an entry")?;
        self.rest = rest;
        Ok(taken)
    }

    fn bytes(&mut self) -> Result<&'a [u8], String> {
        let mut length = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.take(1)?[0];
            length |= usize::from(byte & 0x7f)
                .checked_shl(shift)
                .ok_or("a length overflows")?;
            if byte & 0x80 == 0 {
                return self.take(length);
            }
        }
        Err("a length does not end".to_owned())
    }
}

fn u64_at(header: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(
        header[at..at + 8]
            .try_into()
            .expect("the header has these bytes"),
    )
}

pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}
