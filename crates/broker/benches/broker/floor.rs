//! The floor: a program that does what no broker can do without, and nothing else.
//!
//! A thread a connection reads requests, checks the CRC of each batch, writes it to the
//! partition's file under its offset, syncs once for what a client sent together and for what
//! others wrote meanwhile, and answers. Fetches are sent from the file by the system. It knows no
//! topics, epochs, producers, limits or failures.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fleuve_model::record::RecordBatch;
use fleuve_protocol::api::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};
use fleuve_protocol::api::produce::{
    PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
};
use fleuve_protocol::{
    AnyRequest, AnyResponse, EncodedFrame, Piece, Records, RequestHeader, Str, decode_request,
    encode_response,
};

/// Answers are held back for as many requests, so that one sync serves them.
const REQUESTS_TOGETHER: usize = 5;
const READ_BYTES: usize = 256 << 10;

/// Serves on a free port, which it prints, until it is killed.
pub(crate) fn serve(folder: &Path, syncs: bool) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    io::stdout().flush()?;
    let floor = Arc::new(Floor {
        folder: folder.to_owned(),
        syncs,
        logs: Mutex::default(),
    });
    loop {
        let (stream, _) = listener.accept()?;
        let floor = Arc::clone(&floor);
        std::thread::spawn(move || {
            // The load generator goes away at the end of a window.
            _ = floor.serve(&stream);
        });
    }
}

struct Floor {
    folder: PathBuf,
    syncs: bool,
    logs: Mutex<BTreeMap<(Str, i32), Arc<Log>>>,
}

struct Log {
    file: File,
    end: Mutex<End>,
    synced_bytes: Mutex<u64>,
}

#[derive(Default)]
struct End {
    bytes: u64,
    offset: i64,
    batch_bytes: u64,
    batch_records: i64,
}

impl Floor {
    fn serve(&self, mut stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::with_capacity(READ_BYTES, stream);
        let mut answers: Vec<EncodedFrame> = Vec::new();
        let mut unsynced: Vec<(Arc<Log>, u64)> = Vec::new();
        loop {
            let (header, request) = read_request(&mut reader)?;
            match request {
                AnyRequest::Produce(produce) => {
                    let topic = produce.topic_data.into_iter().next().expect("a topic");
                    let data = topic.partition_data.into_iter().next().expect("a batch");
                    let log = self.log(&topic.name, data.index)?;
                    let records = data.records.expect("records").into_bytes();
                    let (offset, end) = log.append(&records)?;
                    unsynced.push((log, end));
                    answers.push(produced(&header, topic.name, data.index, offset));
                }
                AnyRequest::Fetch(fetch) => {
                    let topic = fetch.topics.into_iter().next().expect("a topic");
                    let wanted = topic.partitions.into_iter().next().expect("a partition");
                    let log = self.log(&topic.topic, wanted.partition)?;
                    let bytes_max = wanted.partition_max_bytes.unsigned_abs().into();
                    let (position, length) = log.find(wanted.fetch_offset, bytes_max);
                    let answer = fetched(&header, topic.topic, wanted.partition, length);
                    send_records(stream, answer, &log.file, position)?;
                }
                other => panic!("the floor has no {}", other.key()),
            }
            let more = !reader.buffer().is_empty() || rustix::io::ioctl_fionread(stream)? > 0;
            if !more || answers.len() == REQUESTS_TOGETHER {
                for (log, end) in unsynced.drain(..).filter(|_| self.syncs) {
                    log.sync(end)?;
                }
                for answer in answers.drain(..) {
                    stream.write_all(&answer.into_bytes())?;
                }
            }
        }
    }

    fn log(&self, topic: &Str, partition: i32) -> io::Result<Arc<Log>> {
        let mut logs = self.logs.lock().expect("nobody panics");
        if let Some(log) = logs.get(&(topic.clone(), partition)) {
            return Ok(Arc::clone(log));
        }
        let path = self.folder.join(format!("{topic}-{partition}"));
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        let log = Arc::new(Log {
            file,
            end: Mutex::default(),
            synced_bytes: Mutex::default(),
        });
        logs.insert((topic.clone(), partition), Arc::clone(&log));
        Ok(log)
    }
}

impl Log {
    /// Returns the batch's offset, and where the file ends behind it.
    fn append(&self, records: &Bytes) -> io::Result<(i64, u64)> {
        let batch = RecordBatch::parse_verified(records).expect("an undamaged batch");
        let count = i64::from(batch.header().last_offset_delta) + 1;
        let mut end = self.end.lock().expect("nobody panics");
        let offset = end.offset;
        let head = offset.to_be_bytes();
        let parts = [IoSlice::new(&head), IoSlice::new(&records[8..])];
        let written = rustix::io::pwritev(&self.file, &parts, end.bytes)?;
        if written < records.len() {
            let rest = &records[written..];
            self.file.write_all_at(rest, end.bytes + written as u64)?;
        }
        *end = End {
            bytes: end.bytes + records.len() as u64,
            offset: offset + count,
            batch_bytes: records.len() as u64,
            batch_records: count,
        };
        Ok((offset, end.bytes))
    }

    /// Makes the file durable up to `end`, unless somebody has meanwhile.
    fn sync(&self, end: u64) -> io::Result<()> {
        let mut synced = self.synced_bytes.lock().expect("nobody panics");
        if *synced < end {
            let bytes = self.end.lock().expect("nobody panics").bytes;
            self.file.sync_data()?;
            *synced = bytes;
        }
        Ok(())
    }

    /// Whole batches from `offset` on: all are of one size.
    fn find(&self, offset: i64, bytes_max: u64) -> (u64, u64) {
        let end = self.end.lock().expect("nobody panics");
        let position = (offset / end.batch_records) as u64 * end.batch_bytes;
        let batches = (bytes_max / end.batch_bytes).max(1);
        let length = (end.bytes - position).min(batches * end.batch_bytes);
        (position, length)
    }
}

fn read_request(reader: &mut impl Read) -> io::Result<(RequestHeader, AnyRequest)> {
    let mut size = [0; 4];
    reader.read_exact(&mut size)?;
    let mut frame = vec![0; u32::from_be_bytes(size) as usize];
    reader.read_exact(&mut frame)?;
    Ok(decode_request(Bytes::from(frame)).expect("a request of the load generator"))
}

fn produced(header: &RequestHeader, topic: Str, partition: i32, offset: i64) -> EncodedFrame {
    let response = ProduceResponse {
        responses: vec![TopicProduceResponse {
            name: topic,
            partition_responses: vec![PartitionProduceResponse {
                index: partition,
                base_offset: offset,
                ..PartitionProduceResponse::default()
            }],
            ..TopicProduceResponse::default()
        }],
        ..ProduceResponse::default()
    };
    encoded(header, response.into())
}

fn fetched(header: &RequestHeader, topic: Str, partition: i32, length: u64) -> EncodedFrame {
    let response = FetchResponse {
        responses: vec![FetchableTopicResponse {
            topic,
            partitions: vec![PartitionData {
                partition_index: partition,
                records: Some(Records::elsewhere(length as usize)),
                ..PartitionData::default()
            }],
            ..FetchableTopicResponse::default()
        }],
        ..FetchResponse::default()
    };
    encoded(header, response.into())
}

fn encoded(header: &RequestHeader, response: AnyResponse) -> EncodedFrame {
    let frame = encode_response(&response, header.api_version, header.correlation_id);
    frame.expect("a response of its version")
}

fn send_records(
    mut stream: &TcpStream,
    answer: EncodedFrame,
    file: &File,
    position: u64,
) -> io::Result<()> {
    for piece in answer.into_pieces() {
        match piece {
            Piece::Bytes(bytes) => stream.write_all(&bytes)?,
            Piece::Elsewhere(length) => send_file(stream, file, position, length)?,
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn send_file(stream: &TcpStream, file: &File, position: u64, length: usize) -> io::Result<()> {
    let mut position = position;
    let end = position + length as u64;
    while position < end {
        let left = (end - position) as usize;
        rustix::fs::sendfile(stream, file, Some(&mut position), left)?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn send_file(mut stream: &TcpStream, file: &File, position: u64, length: usize) -> io::Result<()> {
    let mut buffer = vec![0; length];
    file.read_exact_at(&mut buffer, position)?;
    stream.write_all(&buffer)
}
