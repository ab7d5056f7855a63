//! Where in a partition reading begins, as people write it.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use fleuve_client::OffsetSpec;
use fleuve_model::Timestamp;

use crate::tasks::times::parse_datetime;

/// A place in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    Beginning,
    End,
    Offset(i64),
    /// So many records before the end.
    Last(i64),
    /// The first record of this time or later.
    Time(Timestamp),
}

impl Start {
    /// What a broker is asked for; offsets and the last so many are counted from the beginning
    /// and from the end.
    pub(crate) const fn spec(self) -> OffsetSpec {
        match self {
            Start::Beginning | Start::Offset(_) => OffsetSpec::Earliest,
            Start::End | Start::Last(_) => OffsetSpec::Latest,
            Start::Time(time) => OffsetSpec::Timestamp(time),
        }
    }
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Start, String> {
        let start = match text {
            "beginning" | "earliest" | "start" => Some(Start::Beginning),
            "end" | "latest" => Some(Start::End),
            text => number(text).or_else(|| time(text)).or_else(|| ago(text)),
        };
        start.ok_or_else(|| {
            "write beginning, end, an offset such as 42, -10 for the last ten of each partition, a \
             time such as 2026-01-31T12:00:00Z or @1769860800000, or how long ago, such as 15m, 2h \
             or 1d"
                .to_owned()
        })
    }
}

fn number(text: &str) -> Option<Start> {
    let number: i64 = text.parse().ok()?;
    Some(if text.starts_with('-') {
        Start::Last(number.checked_neg()?)
    } else {
        Start::Offset(number)
    })
}

fn time(text: &str) -> Option<Start> {
    let millis = match text.strip_prefix('@') {
        Some(millis) => millis.parse().ok()?,
        None if text.contains('T') => parse_datetime(text)?,
        None => parse_datetime(&format!("{text}T00:00:00"))?,
    };
    Some(Start::Time(Timestamp::from_millis(millis)))
}

/// `15m`, `2h` or `1d` before now.
fn ago(text: &str) -> Option<Start> {
    let seconds = match text.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let count: i64 = text[..text.len() - 1].parse().ok()?;
    let ago = count.checked_mul(seconds * 1000)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let now = i64::try_from(now.as_millis()).ok()?;
    Some(Start::Time(Timestamp::from_millis(now.saturating_sub(ago))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_as_people_write_them() {
        let time = |millis| Ok(Start::Time(Timestamp::from_millis(millis)));
        assert_eq!("beginning".parse(), Ok(Start::Beginning));
        assert_eq!("latest".parse(), Ok(Start::End));
        assert_eq!("42".parse(), Ok(Start::Offset(42)));
        assert_eq!("-10".parse(), Ok(Start::Last(10)));
        assert_eq!("@5".parse::<Start>(), time(5));
        assert_eq!("1970-01-02".parse::<Start>(), time(86_400_000));
        assert_eq!("1970-01-01T01:00:00Z".parse::<Start>(), time(3_600_000));
        assert!(matches!("15m".parse(), Ok(Start::Time(_))));
        assert!("soon".parse::<Start>().is_err());
        assert!("µ".parse::<Start>().is_err());
    }
}
