//! Progress of long work: one line on standard error that is written over, if that is a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line changes.
const REDRAW_EVERY: Duration = Duration::from_millis(200);

/// Counts what is done, and shows it now and then.
pub(crate) struct Progress {
    verb: &'static str,
    is_shown: bool,
    has_line: bool,
    started: Instant,
    drawn: Instant,
    records: u64,
    bytes: u64,
}

impl Progress {
    /// Shows nothing unless standard error is a terminal and `is_wanted`.
    pub(crate) fn new(verb: &'static str, is_wanted: bool) -> Progress {
        let now = Instant::now();
        Progress {
            verb,
            is_shown: is_wanted && io::stderr().is_terminal(),
            has_line: false,
            started: now,
            drawn: now,
            records: 0,
            bytes: 0,
        }
    }

    /// Counts records.
    pub(crate) fn add(&mut self, records: u64, bytes: u64) {
        self.records += records;
        self.bytes += bytes;
        if self.is_shown && self.drawn.elapsed() >= REDRAW_EVERY {
            self.drawn = Instant::now();
            self.has_line = true;
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(io::stderr(), "\r{}\x1b[K", self.line());
        }
    }

    fn line(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        format!(
            "{} {} records, {}, {}/s",
            self.verb,
            thousands(self.records),
            short_bytes(self.bytes),
            thousands((self.records as f64 / seconds) as u64),
        )
    }

    /// Takes the line away.
    pub(crate) fn finish(&mut self) {
        if std::mem::take(&mut self.has_line) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1536` as `1.5 KiB`.
pub(crate) fn short_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_enough_to_read() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(short_bytes(1023), "1023 B");
        assert_eq!(short_bytes(1536), "1.5 KiB");
        assert_eq!(short_bytes(3 << 30), "3.0 GiB");
    }
}
