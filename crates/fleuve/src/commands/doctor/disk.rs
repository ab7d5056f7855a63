//! Whether the brokers' log directories work and have room.

use fleuve_client::Admin;
use fleuve_client::admin::LogDirectory;

use super::{Finding, bad, good, skipped, warning};
use crate::commands::terminal::short_bytes;
use crate::tasks::topic_facts::log_directories;

const CHECK: &str = "disk";

/// A volume with less than this part free is told of.
const FREE_PERCENT_MIN: u64 = 10;

const REMEDY: &str = "free space there, shorten retention (`fleuve config set topic NAME \
                      retention.ms=...`), or move log.dirs to a larger volume";

pub(super) async fn check(admin: &Admin, free_min: u64) -> Vec<Finding> {
    let directories = match log_directories(admin).await {
        Ok(directories) => directories,
        Err(error) => return vec![skipped(CHECK, &error.to_string())],
    };
    let findings = directories.iter().flat_map(|(broker, directories)| {
        let broker = broker.value();
        directories
            .iter()
            .map(move |directory| of_directory(broker, directory, free_min))
    });
    findings.collect()
}

fn of_directory(broker: i32, directory: &LogDirectory, free_min: u64) -> Finding {
    let path = format!("{} of broker {broker}", directory.path);
    if let Some(error) = &directory.error {
        let remedy = "look at the disk and at the broker's log, and start the broker again";
        return bad(CHECK, format!("{path} cannot be used: {error}"), remedy);
    }
    let bytes = |bytes: Option<i64>| bytes.and_then(|bytes| u64::try_from(bytes).ok());
    let (Some(total), Some(free)) = (bytes(directory.total_bytes), bytes(directory.usable_bytes))
    else {
        return skipped(CHECK, &format!("{path} does not tell its size"));
    };
    let what = format!(
        "{path} has {} free of {}",
        short_bytes(free),
        short_bytes(total)
    );
    if free < free_min {
        return bad(CHECK, what, REMEDY);
    }
    if free < total / 100 * FREE_PERCENT_MIN {
        return warning(CHECK, what, REMEDY);
    }
    good(CHECK, what)
}

/// `10GiB`, `500MB`, `4096`: decimal and binary units are taken for the same.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let at = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let shift = match unit
        .trim()
        .to_ascii_lowercase()
        .trim_end_matches("ib")
        .trim_end_matches('b')
    {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err("write a size such as 500MiB or 10GiB".to_owned()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "write a size such as 500MiB or 10GiB".to_owned())?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "that is more than there is".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use std::collections::BTreeMap;

    fn state(total: i64, free: i64) -> State {
        let directory = LogDirectory {
            path: "/data".to_owned(),
            error: None,
            total_bytes: Some(total),
            usable_bytes: Some(free),
            is_cordoned: false,
            partitions: BTreeMap::new(),
        };
        of_directory(1, &directory, 1 << 30).state
    }

    #[test]
    fn a_volume_without_room_is_a_problem_and_a_nearly_full_one_a_warning() {
        assert_eq!(state(1 << 40, 1 << 39), State::Good);
        assert_eq!(state(1 << 40, 1 << 31), State::Warning);
        assert_eq!(state(1 << 40, 1 << 20), State::Bad);
    }

    #[test]
    fn sizes_are_written_as_people_write_them() {
        assert_eq!(parse_size("4096"), Ok(4096));
        assert_eq!(parse_size("10GiB"), Ok(10 << 30));
        assert_eq!(parse_size("500 MB"), Ok(500 << 20));
        assert!(parse_size("much").is_err() && parse_size("99999999999T").is_err());
    }
}
