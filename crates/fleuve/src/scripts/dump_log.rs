//! `kafka-dump-log`: what is in the files of a log, without a broker.
//!
//! Reads files only; nothing is locked or changed. Of Kafka's decoders for internal topics there
//! is none yet, and asking for one is refused.

use std::path::{Path, PathBuf};

use fleuve_model::record::{
    BatchHeader, ControlType, EndTransactionMarker, PLAIN_BYTES_MAX_DEFAULT, Record, Records,
    TransactionResult, control_type,
};
use fleuve_model::{LeaderEpoch, Offset, ProducerEpoch, Sequence, Timestamp};
use fleuve_storage::disk::RealDisk;
use fleuve_storage::inspect::{self, InspectError, InspectedBatch, Mismatch};
use fleuve_storage::producer_state::ProducerEntry;
use fleuve_storage::walk::WalkError;

use super::grammar::{Given, Grammar, integer, switch, text};
use super::script::{Console, Failure, Running, Script, require};

pub(super) const SCRIPT: Script = Script {
    name: "kafka-dump-log",
    grammar: &GRAMMAR,
    action,
};

const GRAMMAR: Grammar = Grammar {
    purpose: "This tool helps to parse a log file and dump its contents to the console, useful \
              for debugging a seemingly corrupt log segment.",
    options: &[
        text(
            "files",
            "file1, file2, ...",
            "REQUIRED: The files to dump, apart by commas.",
        ),
        switch("deep-iteration", "Show the records of each batch."),
        switch(
            "print-data-log",
            "Show keys and values of the records, as text.",
        ),
        switch(
            "skip-record-metadata",
            "Show nothing of a record but its key and value.",
        ),
        switch(
            "index-sanity-check",
            "Only check whether a start would make the index anew.",
        ),
        switch(
            "verify-index-only",
            "Only compare an index with its log, without showing it.",
        ),
        integer(
            "max-bytes",
            "size",
            "Read this many bytes of each log file.",
        ),
    ],
};

fn action<'a>(given: &'a Given, console: &'a mut Console<'_>) -> Running<'a> {
    Box::pin(async { run(given, console) })
}

fn run(given: &Given, console: &mut Console<'_>) -> Result<(), Failure> {
    require(given, &["files"])?;
    let mut dump = Dump {
        given,
        findings: Findings::default(),
    };
    for file in given.value("files").unwrap_or_default().split(',') {
        let path = PathBuf::from(file);
        writeln!(console.output, "Dumping {}", path.display())?;
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default().to_owned();
        let dumped = match name.rsplit_once('.').map_or("", |(_, suffix)| suffix) {
            "log" => dump.log(&path, &name, console),
            "index" => dump.offset_index(&path, console),
            "timeindex" => dump.time_index(&path, console),
            "txnindex" => transaction_index(&path, console),
            "snapshot" => producer_snapshot(&path, console),
            _ => {
                writeln!(console.errors, "Ignoring unknown file {}", path.display())?;
                Ok(())
            }
        };
        dumped.map_err(|failure| match failure {
            Failure::Errors(message) => Failure::Errors(format!("{}: {message}", path.display())),
            other => other,
        })?;
    }
    dump.findings.report(console)
}

struct Dump<'a> {
    given: &'a Given,
    findings: Findings,
}

impl Dump<'_> {
    fn log(&mut self, path: &Path, name: &str, console: &mut Console<'_>) -> Result<(), Failure> {
        let base = name.trim_start_matches('0').trim_end_matches(".log");
        let base = if base.is_empty() { "0" } else { base };
        writeln!(console.output, "Log starting offset: {base}")?;
        let bytes_max = self.given.integer("max-bytes").unwrap_or(i32::MAX);
        let bytes_max = u64::try_from(bytes_max).unwrap_or(0);
        let mut batches = inspect::batches(&RealDisk, path)?;
        let mut valid_bytes = 0;
        for batch in &mut batches {
            let batch = match batch {
                Err(WalkError::Bad { .. }) => break,
                batch => batch.map_err(InspectError::from)?,
            };
            let end = batch.position + batch.batch.bytes().len() as u64;
            if end > bytes_max {
                break;
            }
            valid_bytes = end;
            self.batch(path, &batch, console)?;
        }
        let trailing_bytes = batches.length_bytes() - valid_bytes;
        if trailing_bytes > 0 && !self.given.has("max-bytes") {
            let found = format!("Found {trailing_bytes} invalid bytes at the end of {name}");
            writeln!(console.output, "{found}")?;
        }
        Ok(())
    }

    fn batch(
        &mut self,
        path: &Path,
        inspected: &InspectedBatch,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        let header = inspected.batch.header();
        write_header(inspected, console)?;
        let is_deep = self.given.has("deep-iteration") || self.given.has("print-data-log");
        if !is_deep {
            return Ok(());
        }
        let mut plain = Vec::new();
        let records = inspected.batch.records(&mut plain, PLAIN_BYTES_MAX_DEFAULT);
        let records: Records<'_> = records.map_err(|error| Failure::Errors(error.to_string()))?;
        for record in records {
            let record = record.map_err(|error| Failure::Errors(error.to_string()))?;
            self.findings.note_offset(path, record.offset);
            self.record(header, &record, console)?;
        }
        Ok(())
    }

    fn record(
        &self,
        header: &BatchHeader,
        record: &Record<'_>,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        let mut line = Vec::new();
        if !self.given.has("skip-record-metadata") {
            line.push(metadata_of(header, record));
            if header.attributes.is_control() {
                line.extend(control_of(record));
            }
        }
        if self.given.has("print-data-log") && !header.attributes.is_control() {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            line.extend(record.key.map(|key| format!("key: {}", text(key))));
            line.extend(
                record
                    .value
                    .map(|value| format!("payload: {}", text(value))),
            );
        }
        if line.is_empty() {
            writeln!(console.output)?;
        } else {
            writeln!(console.output, "| {}", line.join(" "))?;
        }
        Ok(())
    }

    fn offset_index(&mut self, path: &Path, console: &mut Console<'_>) -> Result<(), Failure> {
        let entries = inspect::offset_index(&RealDisk, path)?;
        if entries.is_empty() {
            writeln!(console.output, "{} is empty.", path.display())?;
            return Ok(());
        }
        if self.given.has("index-sanity-check") {
            return check_sanity(path, console);
        }
        let mismatches = inspect::check_offset_index(&RealDisk, path)?;
        self.findings.note_mismatches(path, mismatches);
        if !self.given.has("verify-index-only") {
            for entry in entries {
                let (offset, position) = (entry.offset, entry.position);
                writeln!(console.output, "offset: {offset} position: {position}")?;
            }
        }
        Ok(())
    }

    fn time_index(&mut self, path: &Path, console: &mut Console<'_>) -> Result<(), Failure> {
        if self.given.has("index-sanity-check") {
            return check_sanity(path, console);
        }
        let entries = inspect::time_index(&RealDisk, path)?;
        let mismatches = inspect::check_time_index(&RealDisk, path)?;
        self.findings.note_mismatches(path, mismatches);
        if !self.given.has("verify-index-only") {
            for entry in entries {
                let (timestamp, offset) = (entry.timestamp, entry.offset);
                writeln!(console.output, "timestamp: {timestamp} offset: {offset}")?;
            }
        }
        Ok(())
    }
}

fn check_sanity(path: &Path, console: &mut Console<'_>) -> Result<(), Failure> {
    inspect::check_sanity(&RealDisk, path)?;
    writeln!(console.output, "{} passed sanity check.", path.display())?;
    Ok(())
}

fn transaction_index(path: &Path, console: &mut Console<'_>) -> Result<(), Failure> {
    for aborted in inspect::transaction_index(&RealDisk, path)? {
        writeln!(
            console.output,
            "version: 0 producerId: {} firstOffset: {} lastOffset: {} lastStableOffset: {}",
            aborted.producer, aborted.first_offset, aborted.last_offset, aborted.last_stable_offset
        )?;
    }
    Ok(())
}

fn producer_snapshot(path: &Path, console: &mut Console<'_>) -> Result<(), Failure> {
    let producers = match inspect::producer_snapshot(&RealDisk, path) {
        Err(InspectError::Snapshot(error)) => {
            writeln!(console.errors, "{error}")?;
            return Ok(());
        }
        producers => producers?,
    };
    for (producer, entry) in producers {
        write!(
            console.output,
            "producerId: {producer} producerEpoch: {} coordinatorEpoch: {} \
             currentTxnFirstOffset: {} lastTimestamp: {} ",
            entry.epoch.map_or(-1, ProducerEpoch::value),
            entry.coordinator_epoch.unwrap_or(-1),
            optional_long(entry.transaction_start.map(Offset::value)),
            millis(entry.last_timestamp)
        )?;
        writeln!(console.output, "{}", last_batch_of(&entry))?;
    }
    Ok(())
}

fn last_batch_of(entry: &ProducerEntry) -> String {
    let Some(batch) = entry.last_batch() else {
        return String::new();
    };
    format!(
        "firstSequence: {} lastSequence: {} lastOffset: {} offsetDelta: {} timestamp: {}",
        sequence(batch.first_sequence()),
        sequence(batch.last_sequence),
        batch.last_offset,
        batch.offset_delta,
        millis(batch.timestamp)
    )
}

fn write_header(inspected: &InspectedBatch, console: &mut Console<'_>) -> Result<(), Failure> {
    let header = inspected.batch.header();
    let producer = header.producer;
    let attributes = header.attributes;
    writeln!(
        console.output,
        "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} \
         producerId: {} producerEpoch: {} partitionLeaderEpoch: {} isTransactional: {} \
         isControl: {} deleteHorizonMs: {} position: {} {}: {} size: {} magic: 2 \
         compresscodec: {} crc: {} isvalid: {}",
        header.base_offset,
        header.last_offset(),
        header.records_count,
        sequence(producer.and_then(|producer| producer.base_sequence)),
        sequence(header.last_sequence()),
        producer.map_or(-1, |producer| producer.id.value()),
        producer.map_or(-1, |producer| producer.epoch.value()),
        header.leader_epoch.map_or(-1, LeaderEpoch::value),
        attributes.is_transactional(),
        attributes.is_control(),
        optional_long(header.delete_horizon().map(Timestamp::as_millis)),
        inspected.position,
        attributes.timestamp_type().name(),
        millis(header.max_timestamp),
        header.size_bytes,
        header.compression(),
        header.crc,
        inspected.damage.is_none()
    )?;
    Ok(())
}

fn metadata_of(header: &BatchHeader, record: &Record<'_>) -> String {
    let size = |bytes: Option<&[u8]>| bytes.map_or(-1, |bytes| bytes.len() as i64);
    let base = header.producer.and_then(|producer| producer.base_sequence);
    let keys = record
        .headers
        .map(|header| String::from_utf8_lossy(header.key));
    let keys: Vec<_> = keys.collect();
    format!(
        "offset: {} {}: {} keySize: {} valueSize: {} sequence: {} headerKeys: [{}]",
        record.offset,
        header.attributes.timestamp_type().name(),
        millis(record.timestamp),
        size(record.key),
        size(record.value),
        sequence(base.map(|base| base.advance(record.offset_delta))),
        keys.join(",")
    )
}

fn control_of(record: &Record<'_>) -> Option<String> {
    if let Ok(Some(marker)) = EndTransactionMarker::parse(record) {
        let result = match marker.result {
            TransactionResult::Abort => "ABORT",
            TransactionResult::Commit => "COMMIT",
        };
        let epoch = marker.coordinator_epoch;
        return Some(format!("endTxnMarker: {result} coordinatorEpoch: {epoch}"));
    }
    let kind = control_type(record).ok()?;
    let name = match kind {
        ControlType::LeaderChange => "LEADER_CHANGE",
        ControlType::SnapshotHeader => "SNAPSHOT_HEADER",
        ControlType::SnapshotFooter => "SNAPSHOT_FOOTER",
        ControlType::KraftVersion => "KRAFT_VERSION",
        ControlType::KraftVoters => "KRAFT_VOTERS",
        _ => "UNKNOWN",
    };
    Some(format!("controlType: {name}({})", kind.code()))
}

fn sequence(sequence: Option<Sequence>) -> i32 {
    sequence.map_or(-1, Sequence::value)
}

fn millis(timestamp: Option<Timestamp>) -> i64 {
    timestamp.map_or(-1, Timestamp::as_millis)
}

/// As Java prints an optional number.
fn optional_long(number: Option<i64>) -> String {
    number.map_or_else(
        || "OptionalLong.empty".to_owned(),
        |number| format!("OptionalLong[{number}]"),
    )
}

impl From<InspectError> for Failure {
    fn from(error: InspectError) -> Failure {
        Failure::Errors(error.to_string())
    }
}

/// What does not fit together, told after everything has been shown.
#[derive(Default)]
struct Findings {
    /// By file, in the order of the command line.
    mismatches: Vec<(String, Vec<Mismatch>)>,
    /// Records whose offsets do not follow one another.
    gaps: Vec<(String, Vec<(Offset, Offset)>)>,
    last: Option<(PathBuf, Offset)>,
}

impl Findings {
    fn note_mismatches(&mut self, path: &Path, mismatches: Vec<Mismatch>) {
        if !mismatches.is_empty() {
            self.mismatches.push((absolute(path), mismatches));
        }
    }

    fn note_offset(&mut self, path: &Path, offset: Offset) {
        let last = self.last.replace((path.to_owned(), offset));
        let Some((_, last)) = last.filter(|(file, _)| file == path) else {
            return;
        };
        if offset == last.next() {
            return;
        }
        let file = absolute(path);
        match self.gaps.last_mut().filter(|(known, _)| *known == file) {
            Some((_, gaps)) => gaps.push((last, offset)),
            None => self.gaps.push((file, vec![(last, offset)])),
        }
    }

    fn report(&self, console: &mut Console<'_>) -> Result<(), Failure> {
        let errors = &mut *console.errors;
        for (heading, line) in SECTIONS {
            for (file, mismatches) in &self.mismatches {
                let lines: Vec<String> = mismatches.iter().filter_map(line).collect();
                if !lines.is_empty() {
                    writeln!(errors, "{}", heading.replace("{}", file))?;
                    lines
                        .iter()
                        .try_for_each(|line| writeln!(errors, "{line}"))?;
                }
            }
        }
        for (file, gaps) in &self.gaps {
            writeln!(errors, "Non-consecutive offsets in {file}")?;
            for (first, second) in gaps {
                writeln!(errors, "  {first} is followed by {second}")?;
            }
        }
        Ok(())
    }
}

/// What is said of each kind of mismatch, in the order in which the kinds are told.
type Section = (&'static str, fn(&Mismatch) -> Option<String>);

const SECTIONS: [Section; 4] = [
    ("Mismatches in :{}", offset_mismatch),
    ("Found timestamp mismatch in :{}", timestamp_mismatch),
    ("Found out of order timestamp in :{}", out_of_order),
    (
        "The following indexed offsets are not found in the log.",
        missing,
    ),
];

fn offset_mismatch(mismatch: &Mismatch) -> Option<String> {
    let Mismatch::Offset { entry, found } = mismatch else {
        return None;
    };
    let found = found.map_or(-1, Offset::value);
    Some(format!(
        "  Index offset: {}, log offset: {found}",
        entry.offset
    ))
}

fn timestamp_mismatch(mismatch: &Mismatch) -> Option<String> {
    let (entry, found) = match mismatch {
        Mismatch::Timestamp { entry, found } => (entry, millis(*found)),
        Mismatch::Later { entry, found } => (entry, found.as_millis()),
        _ => return None,
    };
    Some(format!(
        "  Index timestamp: {}, log timestamp: {found}",
        entry.timestamp
    ))
}

fn out_of_order(mismatch: &Mismatch) -> Option<String> {
    let Mismatch::OutOfOrder { entry, previous } = mismatch else {
        return None;
    };
    Some(format!(
        "  Index timestamp: {}, Previously indexed timestamp: {previous}",
        entry.timestamp
    ))
}

fn missing(mismatch: &Mismatch) -> Option<String> {
    let Mismatch::Missing { entry, found } = mismatch else {
        return None;
    };
    let found = found.map_or(-1, Offset::value);
    Some(format!(
        "Indexed offset: {}, found log offset: {found}",
        entry.offset
    ))
}

fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path);
    absolute
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = "../storage/tests/golden/kafka-4.3.0";

    fn dump(words: &str) -> (String, String) {
        let base = format!("{FOLDER}/00000000000000000348");
        let words = words.replace("BASE", &base).replace("FOLDER", FOLDER);
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let given = GRAMMAR.parse(&words).unwrap();
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let mut console = Console {
            output: &mut output,
            errors: &mut errors,
            interactive: false,
        };
        run(&given, &mut console).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output), text(errors))
    }

    /// The golden text is what Apache Kafka 4.3.0 prints of the same files.
    #[test]
    fn kafkas_files_are_dumped_as_kafka_dumps_them() {
        let files = "BASE.log,BASE.index,BASE.timeindex,BASE.txnindex,BASE.snapshot";
        let (output, errors) = dump(&format!(
            "--print-data-log --files {files},FOLDER/partition.metadata"
        ));
        assert_eq!(output, include_str!("../../tests/golden/dump-log.txt"));
        assert_eq!(
            errors,
            format!("Ignoring unknown file {FOLDER}/partition.metadata\n")
        );
    }

    #[test]
    fn checks_and_limits_are_kafkas() {
        let (sanity, _) = dump("--index-sanity-check --files BASE.index,BASE.timeindex");
        let (sparse, _) =
            dump("--skip-record-metadata --print-data-log --max-bytes 900 --files BASE.log");
        let expected = include_str!("../../tests/golden/dump-log-sparse.txt");
        assert_eq!(sanity + &sparse, expected);
    }

    #[test]
    fn bytes_behind_the_last_batch_and_damage_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00000000000000000348.log");
        let mut log = std::fs::read(format!("{FOLDER}/00000000000000000348.log")).unwrap();
        log[100] ^= 1;
        log.truncate(log.len() - 1);
        std::fs::write(&path, &log).unwrap();
        let (output, _) = dump(&format!("--files {}", path.display()));
        assert!(output.lines().nth(2).unwrap().ends_with("isvalid: false"));
        let last = output.lines().last().unwrap();
        assert_eq!(
            last,
            "Found 77 invalid bytes at the end of 00000000000000000348.log"
        );
    }
}
