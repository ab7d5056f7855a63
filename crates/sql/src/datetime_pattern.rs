//! Spark's patterns for dates and times: `yyyy-MM-dd HH:mm:ss[.SSS]`.
//!
//! A [`Pattern`] is read once and then formats and parses. The letters are those that Spark documents ("Datetime
//! Patterns for Formatting and Parsing"); one that it does not allow is refused by name. Start at [`Pattern::parse`].

mod format;
mod read;

use crate::error::{Result, SparkError};

/// A pattern that was understood.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    /// A letter and how often it stands there.
    Field(Field, usize),
    Literal(String),
    /// Brackets: may be absent when parsing.
    Optional(Vec<Part>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Field {
    Era,
    Year,
    DayOfYear,
    Month,
    StandaloneMonth,
    Day,
    Quarter,
    DayName,
    AlignedWeek,
    AmPm,
    HourOfHalf,
    HourOfHalfFromZero,
    HourFromOne,
    Hour,
    Minute,
    Second,
    Fraction,
    ZoneId,
    ZoneName,
    /// `O`: `GMT+8`.
    ZoneLocalized,
    /// `X`: `Z` for zero.
    OffsetOrZ,
    /// `x`: `+00` for zero.
    Offset,
    /// `Z`: `+0000`, or `GMT+01:00`.
    OffsetZ,
}

/// A letter, its field, and how often it may stand in a row.
const LETTERS: &[(char, Field, usize)] = &[
    ('G', Field::Era, 4),
    ('y', Field::Year, 6),
    ('D', Field::DayOfYear, 3),
    ('M', Field::Month, 4),
    ('L', Field::StandaloneMonth, 4),
    ('d', Field::Day, 2),
    ('Q', Field::Quarter, 4),
    ('q', Field::Quarter, 4),
    ('E', Field::DayName, 4),
    ('F', Field::AlignedWeek, 1),
    ('a', Field::AmPm, 1),
    ('h', Field::HourOfHalf, 2),
    ('K', Field::HourOfHalfFromZero, 2),
    ('k', Field::HourFromOne, 2),
    ('H', Field::Hour, 2),
    ('m', Field::Minute, 2),
    ('s', Field::Second, 2),
    ('S', Field::Fraction, 9),
    ('V', Field::ZoneId, 2),
    ('z', Field::ZoneName, 4),
    ('O', Field::ZoneLocalized, 4),
    ('X', Field::OffsetOrZ, 5),
    ('x', Field::Offset, 5),
    ('Z', Field::OffsetZ, 5),
];

/// Letters that Spark 2 took and Spark 3 refuses.
const REFUSED: &str = "YWwuecB";

impl Pattern {
    /// Understands a pattern.
    ///
    /// # Errors
    /// A letter that Spark does not allow, or brackets and quotes that do not close.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut characters = text.chars().peekable();
        let parts = parts(&mut characters, text, false)?;
        Ok(Self { parts })
    }
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn parts(characters: &mut Characters<'_>, text: &str, nested: bool) -> Result<Vec<Part>> {
    let invalid = || SparkError::invalid_datetime_pattern(text);
    let mut found = Vec::new();
    while let Some(character) = characters.next() {
        match character {
            '[' => found.push(Part::Optional(parts(characters, text, true)?)),
            ']' if nested => return Ok(found),
            ']' | '{' | '}' | '#' => return Err(invalid()),
            '\'' => push_literal(&mut found, &quoted(characters).ok_or_else(invalid)?),
            letter if letter.is_ascii_alphabetic() => {
                let mut count = 1;
                while characters.next_if_eq(&letter).is_some() {
                    count += 1;
                }
                found.push(field(letter, count, text)?);
            }
            other => push_literal(&mut found, other.encode_utf8(&mut [0; 4])),
        }
    }
    if nested { Err(invalid()) } else { Ok(found) }
}

/// What stands between quotes; two quotes are one.
fn quoted(characters: &mut Characters<'_>) -> Option<String> {
    if characters.next_if_eq(&'\'').is_some() {
        return Some("'".to_owned());
    }
    let mut text = String::new();
    loop {
        match characters.next()? {
            '\'' if characters.next_if_eq(&'\'').is_some() => text.push('\''),
            '\'' => return Some(text),
            other => text.push(other),
        }
    }
}

fn push_literal(found: &mut Vec<Part>, text: &str) {
    match found.last_mut() {
        Some(Part::Literal(literal)) => literal.push_str(text),
        _ => found.push(Part::Literal(text.to_owned())),
    }
}

fn field(letter: char, count: usize, text: &str) -> Result<Part> {
    if REFUSED.contains(letter) {
        return Err(SparkError::inconsistent_behavior_datetime_pattern(text));
    }
    let known = LETTERS
        .iter()
        .find(|(known, _, most)| *known == letter && count <= *most);
    match known {
        // `VV` is the only form of the zone's id.
        Some((_, Field::ZoneId, _)) if count != 2 => {
            Err(SparkError::invalid_datetime_pattern(text))
        }
        Some((_, field, _)) => Ok(Part::Field(*field, count)),
        None => Err(SparkError::invalid_datetime_pattern(text)),
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// From Monday on.
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::TimeZone;

    const MICROS: i64 = 1_467_331_282_120_000; // 2016-07-01T00:01:22.120Z

    fn formatted(pattern: &str, zone: &str) -> String {
        let zone = TimeZone::parse(zone).unwrap();
        Pattern::parse(pattern)
            .unwrap()
            .format_timestamp(MICROS, zone)
    }

    #[test]
    fn every_letter_formats_as_java_does() {
        for (pattern, expected) in [
            ("yyyy-MM-dd HH:mm:ss.SSS", "2016-07-01 00:01:22.120"),
            ("yy/M/d h:m:s a", "16/7/1 12:1:22 AM"),
            ("EEE, MMM d", "Fri, Jul 1"),
            ("EEEE MMMM 'at' k o''clock", "Friday July at 24 o'clock"),
            ("D QQQ G", "183 Q3 AD"),
            ("XXX x Z", "Z +00 +0000"),
            ("yyyy[-MM]['T']", "2016-07T"),
        ] {
            let pattern_text = pattern.replace("o''clock", "'o''clock'");
            assert_eq!(formatted(&pattern_text, "UTC"), expected, "{pattern}");
        }
        assert_eq!(
            formatted("HH:mm XXX VV", "Europe/Paris"),
            "02:01 +02:00 Europe/Paris"
        );
    }

    #[test]
    fn what_was_formatted_parses_back() {
        let zone = TimeZone::parse("Europe/Paris").unwrap();
        for text in [
            "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
            "dd.MM.yyyy hh:mm:ss.SSSSSS a",
            "MMM d yyyy HH:mm:ss.SSSSSSXXX",
            "yyyyMMddHHmmssSSSSSS",
        ] {
            let pattern = Pattern::parse(text).unwrap();
            let shown = pattern.format_timestamp(MICROS, zone);
            assert_eq!(
                pattern.parse_timestamp(&shown, Some(zone)),
                Some(MICROS),
                "{text}: {shown}"
            );
        }
    }

    #[test]
    fn text_that_does_not_fit_is_refused() {
        let pattern = Pattern::parse("yyyy-MM-dd").unwrap();
        for text in [
            "2020-1-01",
            "2020-13-01",
            "2020-02-30",
            "2020-01-01x",
            "x",
            "",
        ] {
            assert_eq!(pattern.parse_date(text), None, "{text}");
        }
        assert_eq!(pattern.parse_date("1970-01-02"), Some(1));
    }

    #[test]
    fn letters_that_spark_refuses_are_refused_by_name() {
        for text in ["YYYY", "uu", "yyyy-MM-dd'", "[yyyy", "VVV", "MMMMM", "C"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
