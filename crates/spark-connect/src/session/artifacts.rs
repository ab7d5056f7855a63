//! Files that a client handed to its session: data of local relations, Python files, class files.
//!
//! Always true: names are relative paths without `..`; together the artifacts stay below the session's bound; data
//! under a hash is never replaced. Class files are kept and used by nothing: there is no JVM.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use crate::config::SESSION_ARTIFACTS;
use crate::failure::Failure;
use crate::messages::add_artifacts_request::{ArtifactChunk, BeginChunkedArtifact, Payload};
use crate::messages::add_artifacts_response::ArtifactSummary;

/// Where data lies that plans refer to by hash.
const CACHE: &str = "cache/";

pub(crate) struct Artifacts {
    files: BTreeMap<String, Bytes>,
    bytes: usize,
    bytes_max: usize,
}

/// An artifact that arrives in several chunks.
struct Unfinished {
    name: String,
    data: BytesMut,
    chunks_left: i64,
    crc_matches: bool,
}

/// The artifacts of one `AddArtifacts` call, in the order of their arrival.
#[derive(Default)]
pub(crate) struct Upload {
    finished: Vec<(String, Bytes, bool)>,
    unfinished: Option<Unfinished>,
    bytes: usize,
}

impl Artifacts {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            files: BTreeMap::new(),
            bytes: 0,
            bytes_max,
        }
    }

    pub(crate) fn cached(&self, hash: &str) -> Option<Bytes> {
        self.files.get(&format!("{CACHE}{hash}")).cloned()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// How many bytes an upload may bring.
    pub(crate) fn room(&self) -> usize {
        self.bytes_max - self.bytes
    }

    /// Takes over what arrived whole and intact.
    pub(crate) fn add(&mut self, upload: Upload) -> Result<Vec<ArtifactSummary>, Failure> {
        if upload.unfinished.is_some() {
            return Err(assertion("an artifact ended before its last chunk"));
        }
        let mut summaries = Vec::new();
        for (name, data, crc_matches) in upload.finished {
            if crc_matches {
                self.insert(&name, data)?;
            }
            summaries.push(ArtifactSummary {
                name,
                is_crc_successful: crc_matches,
            });
        }
        Ok(summaries)
    }

    fn insert(&mut self, name: &str, data: Bytes) -> Result<(), Failure> {
        check_name(name)?;
        match self.files.get(name) {
            Some(_) if name.starts_with(CACHE) => return Ok(()),
            Some(existing) if *existing == data => return Ok(()),
            Some(_) if !name.starts_with("classes/") => {
                return Err(Failure::of(
                    "ARTIFACT_ALREADY_EXISTS",
                    &[("normalizedRemoteRelativePath", name)],
                ));
            }
            Some(existing) => self.bytes -= existing.len(),
            None => {}
        }
        if data.len() > self.room() {
            return Err(too_large(self.bytes_max));
        }
        self.bytes += data.len();
        self.files.insert(name.to_owned(), data);
        Ok(())
    }

    /// The same artifacts, for a clone of the session.
    pub(crate) fn copy(&self) -> Self {
        Self {
            files: self.files.clone(),
            ..*self
        }
    }
}

impl Upload {
    /// Takes the next payload; `room` bounds what one upload may hold.
    pub(crate) fn receive(&mut self, payload: Payload, room: usize) -> Result<(), Failure> {
        match payload {
            Payload::Batch(batch) => {
                for artifact in batch.artifacts {
                    let chunk = artifact.data.unwrap_or_default();
                    self.count(&chunk, room)?;
                    let crc_matches = crc_matches(&chunk);
                    self.finished.push((artifact.name, chunk.data, crc_matches));
                }
                Ok(())
            }
            Payload::BeginChunk(begin) => self.begin(begin, room),
            Payload::Chunk(chunk) => self.next_chunk(chunk, room),
        }
    }

    fn begin(&mut self, begin: BeginChunkedArtifact, room: usize) -> Result<(), Failure> {
        if self.unfinished.is_some() {
            return Err(assertion(
                "an artifact began before the one before it ended",
            ));
        }
        let chunk = begin.initial_chunk.unwrap_or_default();
        self.unfinished = Some(Unfinished {
            name: begin.name,
            data: BytesMut::new(),
            chunks_left: begin.num_chunks,
            crc_matches: true,
        });
        self.next_chunk(chunk, room)
    }

    fn next_chunk(&mut self, chunk: ArtifactChunk, room: usize) -> Result<(), Failure> {
        self.count(&chunk, room)?;
        let unfinished = self
            .unfinished
            .as_mut()
            .ok_or_else(|| assertion("a chunk belongs to no artifact"))?;
        unfinished.crc_matches &= crc_matches(&chunk);
        unfinished.data.extend_from_slice(&chunk.data);
        unfinished.chunks_left -= 1;
        if unfinished.chunks_left <= 0
            && let Some(done) = self.unfinished.take()
        {
            self.finished
                .push((done.name, done.data.freeze(), done.crc_matches));
        }
        Ok(())
    }

    fn count(&mut self, chunk: &ArtifactChunk, room: usize) -> Result<(), Failure> {
        self.bytes += chunk.data.len();
        if self.bytes > room {
            Err(too_large(room))
        } else {
            Ok(())
        }
    }
}

fn crc_matches(chunk: &ArtifactChunk) -> bool {
    let mut crc = flate2::Crc::new();
    crc.update(&chunk.data);
    i64::from(crc.sum()) == chunk.crc
}

fn check_name(name: &str) -> Result<(), Failure> {
    let path = std::path::Path::new(name);
    let plain = path
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    match !name.is_empty() && plain {
        true => Ok(()),
        false => Err(Failure::of("INVALID_ARTIFACT_PATH", &[("name", name)])),
    }
}

fn too_large(limit: usize) -> Failure {
    Failure::of(
        "FLEUVE_LIMIT.ARTIFACTS",
        &[("limit", &limit.to_string()), ("key", SESSION_ARTIFACTS)],
    )
}

fn assertion(message: &str) -> Failure {
    Failure::of(
        "CONNECT_INVALID_PLAN.ASSERTION_FAILURE",
        &[("message", message)],
    )
}
