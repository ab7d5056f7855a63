//! Parsing by a pattern.

use super::{DAYS, Field, MONTHS, Part, Pattern};
use crate::time::{MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone, civil_from_days, days_from_civil};

/// What a text has told so far.
#[derive(Clone, Default)]
struct Found {
    year: Option<i64>,
    before_christ: bool,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: Option<i64>,
    hour_of_half: Option<i64>,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    micros: i64,
    zone: Option<TimeZone>,
}

impl Pattern {
    /// Reads a date, in days since 1970; `None` if the text is none.
    pub(crate) fn parse_date(&self, text: &str) -> Option<i64> {
        self.read(text)?.days()
    }

    /// Reads a time, in microseconds: since 1970 in UTC, for a text without a zone as the clocks of `zone` show it;
    /// without `zone`, as the text shows it.
    pub(crate) fn parse_timestamp(&self, text: &str, zone: Option<TimeZone>) -> Option<i64> {
        let found = self.read(text)?;
        let local = found
            .days()?
            .checked_mul(MICROS_PER_DAY)?
            .checked_add(found.time()?)?;
        Some(match zone {
            Some(zone) => found.zone.unwrap_or(zone).to_utc(local),
            None => local,
        })
    }

    fn read(&self, text: &str) -> Option<Found> {
        let mut found = Found::default();
        let rest = read_parts(&self.parts, text, &mut found)?;
        rest.is_empty().then_some(found)
    }
}

fn read_parts<'a>(parts: &[Part], text: &'a str, found: &mut Found) -> Option<&'a str> {
    let mut rest = text;
    for (index, part) in parts.iter().enumerate() {
        rest = match part {
            Part::Literal(literal) => rest.strip_prefix(literal.as_str())?,
            Part::Optional(inner) => {
                let before = found.clone();
                match read_parts(inner, rest, found) {
                    Some(behind) => behind,
                    None => {
                        *found = before;
                        rest
                    }
                }
            }
            Part::Field(field, count) => {
                let is_packed =
                    matches!(parts.get(index + 1), Some(Part::Field(next, _)) if is_number(*next));
                read_field(*field, *count, is_packed, rest, found)?
            }
        };
    }
    Some(rest)
}

/// Digits may follow directly, so that this one must end by its width.
fn is_number(field: Field) -> bool {
    !matches!(
        field,
        Field::Era
            | Field::DayName
            | Field::AmPm
            | Field::ZoneId
            | Field::ZoneName
            | Field::ZoneLocalized
            | Field::OffsetOrZ
            | Field::Offset
            | Field::OffsetZ
    )
}

fn read_field<'a>(
    field: Field,
    count: usize,
    is_packed: bool,
    text: &'a str,
    found: &mut Found,
) -> Option<&'a str> {
    // One letter takes as many digits as there are, several just as many.
    let most = match count {
        1 if !is_packed => 19,
        _ => count,
    };
    let number = |least: usize, most: usize| digits(text, least, most);
    Some(match field {
        Field::Year if count == 2 => {
            let (year, rest) = number(2, 2)?;
            found.year = Some(2000 + year);
            rest
        }
        Field::Year => {
            let text = text.strip_prefix('+').unwrap_or(text);
            let most = if is_packed { count } else { count.max(6) };
            let (year, rest) = digits(text, count.min(4), most)?;
            found.year = Some(year);
            rest
        }
        Field::Month | Field::StandaloneMonth if count >= 3 => {
            let (month, rest) = named(text, &MONTHS, count == 4)?;
            found.month = Some(month + 1);
            rest
        }
        Field::Month | Field::StandaloneMonth => {
            let (month, rest) = number(count, most)?;
            found.month = Some(month);
            rest
        }
        Field::Day => {
            let (day, rest) = number(count, most)?;
            found.day = Some(day);
            rest
        }
        Field::DayOfYear => {
            let (day, rest) = number(count, most)?;
            found.day_of_year = Some(day);
            rest
        }
        Field::DayName => named(text, &DAYS, count == 4)?.1,
        Field::Hour | Field::HourFromOne => {
            let (hour, rest) = number(count, most)?;
            found.hour = Some(if field == Field::HourFromOne {
                hour % 24
            } else {
                hour
            });
            rest
        }
        Field::HourOfHalf | Field::HourOfHalfFromZero => {
            let (hour, rest) = number(count, most)?;
            found.hour_of_half = Some(hour % 12).filter(|_| hour <= 12);
            found.hour_of_half?;
            rest
        }
        Field::Minute => {
            let (minute, rest) = number(count, most)?;
            found.minute = minute;
            rest
        }
        Field::Second => {
            let (second, rest) = number(count, most)?;
            found.second = second;
            rest
        }
        Field::Fraction => read_fraction(count, is_packed, text, found)?,
        Field::AmPm => {
            let half = text.get(..2)?;
            found.afternoon = Some(half.eq_ignore_ascii_case("PM"));
            (half.eq_ignore_ascii_case("AM") || found.afternoon == Some(true))
                .then(|| &text[2..])?
        }
        Field::Era => {
            let (era, rest) = named(text, &["AD", "BC"], true)?;
            found.before_christ = era == 1;
            rest
        }
        Field::ZoneId | Field::ZoneName | Field::ZoneLocalized => {
            let end = text
                .find(|c: char| !zone_character(c))
                .unwrap_or(text.len());
            found.zone = Some(TimeZone::parse(&text[..end])?);
            &text[end..]
        }
        Field::OffsetOrZ | Field::Offset | Field::OffsetZ => read_offset(text, found)?,
        // These can be shown and tell nothing that a date could be made of.
        Field::Quarter | Field::AlignedWeek => return None,
    })
}

fn zone_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "/_+-:".contains(character)
}

fn read_fraction<'a>(
    count: usize,
    is_packed: bool,
    text: &'a str,
    found: &mut Found,
) -> Option<&'a str> {
    let least = if is_packed { count } else { 1 };
    let length = text
        .bytes()
        .take(count)
        .take_while(u8::is_ascii_digit)
        .count();
    if length < least {
        return None;
    }
    let (shown, rest) = text.split_at(length);
    let micros = format!("{shown:0<6}");
    found.micros = micros[..6].parse().ok()?;
    Some(rest)
}

/// `Z`, `+hh`, `+hhmm`, `+hh:mm`, `+hh:mm:ss`.
fn read_offset<'a>(text: &'a str, found: &mut Found) -> Option<&'a str> {
    if let Some(rest) = text.strip_prefix('Z') {
        found.zone = Some(TimeZone::UTC);
        return Some(rest);
    }
    let text = text.strip_prefix("GMT").unwrap_or(text);
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, mut rest) = digits(&text[1..], 1, 2)?;
    let mut seconds = hours * 3600;
    for unit in [60, 1] {
        let behind = rest.strip_prefix(':').unwrap_or(rest);
        let Some((value, after)) = digits(behind, 2, 2) else {
            break;
        };
        seconds += value * unit;
        rest = after;
    }
    found.zone = Some(TimeZone::Fixed {
        seconds: i32::try_from(sign * seconds).ok()?,
    });
    Some(rest)
}

fn digits(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let length = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if length < least || length == 0 {
        return None;
    }
    let (number, rest) = text.split_at(length);
    Some((number.parse().ok()?, rest))
}

/// Which of `names` the text begins with, in full or by three letters.
fn named<'a>(text: &'a str, names: &[&str], in_full: bool) -> Option<(i64, &'a str)> {
    names.iter().enumerate().find_map(|(index, name)| {
        let name = if in_full { name } else { &name[..3] };
        let begins = text.get(..name.len())?.eq_ignore_ascii_case(name);
        begins.then(|| (index as i64, &text[name.len()..]))
    })
}

impl Found {
    fn days(&self) -> Option<i64> {
        let year = self.year.unwrap_or(1970);
        let year = if self.before_christ { 1 - year } else { year };
        if let Some(day_of_year) = self.day_of_year {
            let days = days_from_civil(year, 1, 1) + day_of_year - 1;
            return (civil_from_days(days).0 == year).then_some(days);
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let days = days_from_civil(year, month as u32, day as u32);
        // The calendar would take February 30 for March 1 or 2.
        let (_, real_month, real_day) = civil_from_days(days);
        (i64::from(real_month) == month && i64::from(real_day) == day).then_some(days)
    }

    /// Microseconds of the day.
    fn time(&self) -> Option<i64> {
        let half = self
            .hour_of_half
            .map(|hour| hour + if self.afternoon == Some(true) { 12 } else { 0 });
        let hour = self.hour.or(half).unwrap_or(0);
        let fits = hour < 24 && self.minute < 60 && self.second < 60;
        let seconds = hour * 3600 + self.minute * 60 + self.second;
        fits.then_some(seconds * MICROS_PER_SECOND + self.micros)
    }
}
