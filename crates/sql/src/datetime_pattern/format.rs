//! Formatting by a pattern.

use std::fmt::Write;

use super::{DAYS, Field, MONTHS, Part, Pattern};
use crate::time::{MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone, civil_from_days, days_from_civil};

/// A moment taken apart.
struct Moment {
    year: i64,
    month: i64,
    day: i64,
    days: i64,
    /// Microseconds of the day.
    micros: i64,
    offset_seconds: i64,
    zone: TimeZone,
}

impl Pattern {
    /// Writes an instant as the clocks of `zone` show it.
    pub(crate) fn format_timestamp(&self, micros: i64, zone: TimeZone) -> String {
        let local = zone.to_local(micros);
        let days = local.div_euclid(MICROS_PER_DAY);
        self.format(
            days,
            local.rem_euclid(MICROS_PER_DAY),
            zone.offset_at(micros),
            zone,
        )
    }

    /// Writes a date, at its midnight.
    pub(crate) fn format_date(&self, days: i64) -> String {
        self.format(days, 0, 0, TimeZone::UTC)
    }

    fn format(&self, days: i64, micros: i64, offset_seconds: i64, zone: TimeZone) -> String {
        let (year, month, day) = civil_from_days(days);
        let (month, day) = (i64::from(month), i64::from(day));
        let moment = Moment {
            year,
            month,
            day,
            days,
            micros,
            offset_seconds,
            zone,
        };
        let mut text = String::new();
        write_parts(&self.parts, &moment, &mut text);
        text
    }
}

fn write_parts(parts: &[Part], moment: &Moment, text: &mut String) {
    for part in parts {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Optional(inner) => write_parts(inner, moment, text),
            Part::Field(field, count) => write_field(*field, *count, moment, text),
        }
    }
}

fn write_field(field: Field, count: usize, moment: &Moment, text: &mut String) {
    let seconds = moment.micros / MICROS_PER_SECOND;
    let hour = seconds / 3600;
    match field {
        Field::Era => text.push_str(era(moment.year, count)),
        Field::Year => write_year(moment.year, count, text),
        Field::DayOfYear => pad(
            moment.days - days_from_civil(moment.year, 1, 1) + 1,
            count,
            text,
        ),
        Field::Month | Field::StandaloneMonth => {
            let name = MONTHS[(moment.month - 1) as usize];
            write_number_or_name(moment.month, name, count, text);
        }
        Field::Day => pad(moment.day, count, text),
        Field::Quarter => write_quarter((moment.month - 1) / 3 + 1, count, text),
        Field::DayName => {
            let name = DAYS[(moment.days + 3).rem_euclid(7) as usize];
            text.push_str(if count == 4 { name } else { &name[..3] });
        }
        Field::AlignedWeek => pad((moment.day - 1) / 7 + 1, count, text),
        Field::AmPm => text.push_str(if hour < 12 { "AM" } else { "PM" }),
        Field::HourOfHalf => pad((hour + 11) % 12 + 1, count, text),
        Field::HourOfHalfFromZero => pad(hour % 12, count, text),
        Field::HourFromOne => pad((hour + 23) % 24 + 1, count, text),
        Field::Hour => pad(hour, count, text),
        Field::Minute => pad(seconds / 60 % 60, count, text),
        Field::Second => pad(seconds % 60, count, text),
        Field::Fraction => {
            let nanos = format!("{:09}", moment.micros % MICROS_PER_SECOND * 1000);
            text.push_str(&nanos[..count]);
        }
        Field::ZoneName if count < 4 => text.push_str(&zone_abbreviation(moment)),
        Field::ZoneId | Field::ZoneName => text.push_str(&zone_id(moment.zone)),
        Field::ZoneLocalized => write_localized(moment.offset_seconds, count, text),
        Field::OffsetOrZ if moment.offset_seconds == 0 => text.push('Z'),
        Field::OffsetOrZ | Field::Offset => write_offset(moment.offset_seconds, count, text),
        Field::OffsetZ if count == 4 => write_localized(moment.offset_seconds, 4, text),
        Field::OffsetZ if count == 5 && moment.offset_seconds == 0 => text.push('Z'),
        Field::OffsetZ => {
            let style = if count == 5 { 3 } else { 2 };
            write_offset(moment.offset_seconds, style, text);
        }
    }
}

fn era(year: i64, count: usize) -> &'static str {
    match (year > 0, count) {
        (true, 4) => "Anno Domini",
        (true, _) => "AD",
        (false, 4) => "Before Christ",
        (false, _) => "BC",
    }
}

fn pad(value: i64, width: usize, text: &mut String) {
    let _ = write!(text, "{value:0width$}");
}

/// Two letters are the last two digits; years beyond the width carry their sign.
fn write_year(year: i64, count: usize, text: &mut String) {
    // The year of an era: there is no year 0.
    let year = if year <= 0 { 1 - year } else { year };
    if count == 2 {
        return pad(year % 100, 2, text);
    }
    if count >= 4 && year.to_string().len() > count {
        text.push('+');
    }
    pad(year, count, text);
}

fn write_number_or_name(number: i64, name: &str, count: usize, text: &mut String) {
    match count {
        1 | 2 => pad(number, count, text),
        3 => text.push_str(&name[..3]),
        _ => text.push_str(name),
    }
}

fn write_quarter(quarter: i64, count: usize, text: &mut String) {
    const ORDINALS: [&str; 4] = ["1st", "2nd", "3rd", "4th"];
    match count {
        1 | 2 => pad(quarter, count, text),
        3 => {
            let _ = write!(text, "Q{quarter}");
        }
        _ => {
            let _ = write!(text, "{} quarter", ORDINALS[(quarter - 1) as usize]);
        }
    }
}

/// `PST` or `PDT`, as the clocks go at that moment; the region itself where it has no such name.
fn zone_abbreviation(moment: &Moment) -> String {
    use chrono::TimeZone as _;
    use chrono_tz::OffsetName;
    let TimeZone::Region(region) = moment.zone else {
        return zone_id(moment.zone);
    };
    let micros = moment.days * crate::time::MICROS_PER_DAY + moment.micros
        - moment.offset_seconds * crate::time::MICROS_PER_SECOND;
    let name = chrono::DateTime::from_timestamp_micros(micros).and_then(|instant| {
        let offset = region.offset_from_utc_datetime(&instant.naive_utc());
        offset.abbreviation().map(str::to_owned)
    });
    let is_name = |name: &String| name.bytes().all(|b| b.is_ascii_alphabetic());
    name.filter(is_name).unwrap_or_else(|| zone_id(moment.zone))
}

fn zone_id(zone: TimeZone) -> String {
    match zone {
        TimeZone::Region(region) => region.name().to_owned(),
        TimeZone::Fixed { seconds: 0 } => "UTC".to_owned(),
        TimeZone::Fixed { seconds } => {
            let mut text = String::new();
            write_offset(i64::from(seconds), 3, &mut text);
            text
        }
    }
}

/// Styles as Java's `X`: 1 `+hh[mm]`, 2 `+hhmm`, 3 `+hh:mm`, 4 `+hhmm[ss]`, 5 `+hh:mm[:ss]`.
fn write_offset(seconds: i64, style: usize, text: &mut String) {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes, rest) = (
        seconds.abs() / 3600,
        seconds.abs() / 60 % 60,
        seconds.abs() % 60,
    );
    let colon = if matches!(style, 3 | 5) { ":" } else { "" };
    let _ = write!(text, "{sign}{hours:02}");
    if style != 1 || minutes != 0 {
        let _ = write!(text, "{colon}{minutes:02}");
    }
    if style >= 4 && rest != 0 {
        let _ = write!(text, "{colon}{rest:02}");
    }
}

fn write_localized(seconds: i64, count: usize, text: &mut String) {
    text.push_str("GMT");
    if seconds == 0 {
        return;
    }
    if count == 4 {
        return write_offset(seconds, 3, text);
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let _ = write!(text, "{sign}{}", seconds.abs() / 3600);
    if seconds % 3600 != 0 {
        let _ = write!(text, ":{:02}", seconds.abs() / 60 % 60);
    }
}
