//! Time zones, and the calendar arithmetic that dates and timestamps share.

use std::str::FromStr;

use chrono::{FixedOffset, LocalResult, NaiveDateTime, Offset, TimeZone as _, Utc};
use chrono_tz::Tz;

pub(crate) const MICROS_PER_SECOND: i64 = 1_000_000;
pub(crate) const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// A session's time zone: a region or a fixed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeZone {
    Region(Tz),
    Fixed { seconds: i32 },
}

impl TimeZone {
    pub const UTC: Self = Self::Fixed { seconds: 0 };

    /// Reads a region (`Europe/Paris`), `UTC`, `Z`, `GMT+3`, `UTC-08:00` or an offset (`+1`, `-03:30`).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if matches!(text, "Z" | "UTC" | "GMT" | "UT") {
            return Some(Self::UTC);
        }
        let offset = ["UTC", "GMT", "UT"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .unwrap_or(text);
        if let Some(seconds) = parse_offset(offset) {
            return Some(Self::Fixed { seconds });
        }
        if let Ok(zone) = Tz::from_str(text) {
            return Some(Self::Region(zone));
        }
        let abbreviation = match text {
            "PST" => "America/Los_Angeles",
            "CST" => "America/Chicago",
            "IST" => "Asia/Kolkata",
            "JST" => "Asia/Tokyo",
            "CTT" => "Asia/Shanghai",
            "ECT" => "Europe/Paris",
            "AET" => "Australia/Sydney",
            _ => return None,
        };
        Tz::from_str(abbreviation).ok().map(Self::Region)
    }

    /// Seconds that local time is ahead of UTC at this instant.
    pub fn offset_at(self, utc_micros: i64) -> i64 {
        match self {
            Self::Fixed { seconds } => i64::from(seconds),
            Self::Region(zone) => {
                let seconds = utc_micros.div_euclid(MICROS_PER_SECOND);
                match chrono::DateTime::from_timestamp(seconds, 0) {
                    Some(instant) => i64::from(
                        zone.offset_from_utc_datetime(&instant.naive_utc())
                            .fix()
                            .local_minus_utc(),
                    ),
                    None => 0,
                }
            }
        }
    }

    /// Local wall-clock microseconds of an instant.
    pub fn to_local(self, utc_micros: i64) -> i64 {
        utc_micros.saturating_add(self.offset_at(utc_micros) * MICROS_PER_SECOND)
    }

    /// The instant of a local wall-clock time. In a gap, time goes on as before the gap; in an overlap, the earlier
    /// instant is meant (as in Java).
    pub fn to_utc(self, local_micros: i64) -> i64 {
        match self {
            Self::Fixed { seconds } => {
                local_micros.saturating_sub(i64::from(seconds) * MICROS_PER_SECOND)
            }
            Self::Region(zone) => {
                let seconds = local_micros.div_euclid(MICROS_PER_SECOND);
                let micros = local_micros.rem_euclid(MICROS_PER_SECOND);
                match chrono::DateTime::from_timestamp(seconds, 0) {
                    Some(instant) => {
                        region_to_utc(zone, instant.naive_utc()) * MICROS_PER_SECOND + micros
                    }
                    None => local_micros,
                }
            }
        }
    }
}

fn region_to_utc(zone: Tz, local: NaiveDateTime) -> i64 {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(instant) => instant.with_timezone(&Utc).timestamp(),
        LocalResult::Ambiguous(earlier, _) => earlier.with_timezone(&Utc).timestamp(),
        LocalResult::None => {
            let before = local - chrono::Duration::hours(3);
            let offset: FixedOffset = zone.offset_from_utc_datetime(&before).fix();
            local.and_utc().timestamp() - i64::from(offset.local_minus_utc())
        }
    }
}

/// `+1`, `+01`, `+01:00`, `-0330`, `+01:00:30` as seconds.
fn parse_offset(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let parts: Vec<&str> = match digits.len() {
        4 if !digits.contains(':') => vec![digits.get(..2)?, digits.get(2..)?],
        _ => digits.split(':').collect(),
    };
    if parts.is_empty() || parts.len() > 3 {
        return None;
    }
    let mut numbers = [0i32; 3];
    for (number, part) in numbers.iter_mut().zip(&parts) {
        if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    let [hours, minutes, seconds] = numbers;
    let total = hours * 3600 + minutes * 60 + seconds;
    (hours <= 18 && minutes < 60 && seconds < 60 && total <= 18 * 3600).then_some(sign * total)
}

/// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant's algorithm).
pub(crate) fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = i64::from((month + 9) % 12);
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

pub(crate) fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

pub(crate) fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap(year)),
        _ => 31,
    }
}

/// The date `months` later, its day cut to the length of the month.
pub(crate) fn add_months(days: i64, months: i64) -> i64 {
    let (year, month, day) = civil_from_days(days);
    let total = year * 12 + i64::from(month) - 1 + months;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) as u32 + 1);
    days_from_civil(year, month, day.min(days_in_month(year, month)))
}
