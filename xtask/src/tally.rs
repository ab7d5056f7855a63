//! Counting what tests say of themselves.
//!
//! A Rust test binary closes with `test result: …`; a test that cannot run here prints a line
//! `SKIPPED <name>: <why>`; a compatibility suite prints `ok`, `FAILED` and `SKIPPED` lines.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed and failed, and which were skipped and why.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: Vec<String>,
}

impl Tally {
    /// Takes one line of a Rust test binary's output into account.
    pub fn note_libtest_line(&mut self, line: &str) {
        if let Some(skip) = line.trim_start().strip_prefix("SKIPPED ") {
            // libtest counts it as passed; it did not run.
            self.passed = self.passed.saturating_sub(1);
            self.skipped.push(skip.to_owned());
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count_before(counts, " passed");
            self.failed += count_before(counts, " failed");
            let ignored = count_before(counts, " ignored");
            self.skipped
                .extend((0..ignored).map(|_| "marked #[ignore]".to_owned()));
        }
    }

    /// Takes one line of a compatibility suite's output into account.
    pub fn note_suite_line(&mut self, line: &str) {
        if line.starts_with("ok ") {
            self.passed += 1;
        } else if line.starts_with("FAILED ") {
            self.failed += 1;
        } else if let Some(skip) = line.strip_prefix("SKIPPED ") {
            self.skipped.push(skip.to_owned());
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed,
            self.failed,
            self.skipped.len()
        )
    }
}

/// The number that stands right before `word` in `text`, 0 if there is none.
fn count_before(text: &str, word: &str) -> u64 {
    let Some(end) = text.find(word) else { return 0 };
    let digits = text[..end]
        .rsplit(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or("");
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipping_test_counts_as_skipped_not_as_passed() {
        let mut tally = Tally {
            passed: 0,
            ..Tally::default()
        };
        for line in [
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
            "SKIPPED real_disk_full: mount is not permitted",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            tally.note_libtest_line(line);
        }
        assert_eq!(tally.to_string(), "3 passed, 2 failed, 2 skipped");
    }

    #[test]
    fn a_suites_lines_are_counted_by_their_first_word() {
        let mut tally = Tally::default();
        for line in [
            "ok produce",
            "  ok indented",
            "FAILED fetch: no",
            "SKIPPED kcat: absent",
        ] {
            tally.note_suite_line(line);
        }
        assert_eq!(tally.to_string(), "1 passed, 1 failed, 1 skipped");
    }
}
