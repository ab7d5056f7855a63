//! Date and time patterns of JSON options (`yyyy-MM-dd HH:mm:ss[.SSS][XXX]`), and timestamp literals.

use super::{Function, FunctionCall, custom};
use crate::analyzer::TypedExpr;
use crate::error::{Result, SparkError};
use crate::time::{
    MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone, civil_from_days, days_from_civil, days_in_month,
};

pub(super) const FUNCTIONS: &[Function] = &[custom("$timestamp_literal", timestamp_literal)];

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
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    /// A letter and how often it stood there.
    Field(char, usize),
    Optional(Vec<Part>),
}

/// A pattern, read once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DatePattern {
    parts: Vec<Part>,
}

/// Date and time, field by field.
#[derive(Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: Option<i64>,
    half_hour: Option<i64>,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    micros: i64,
    zone: Option<TimeZone>,
}

impl DatePattern {
    pub(crate) fn new(pattern: &str) -> Result<Self> {
        let characters: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        let parts = read_parts(&characters, &mut at, pattern, false)?;
        Ok(Self { parts })
    }

    /// The text of a moment in a time zone.
    pub(crate) fn format(&self, micros: i64, zone: TimeZone) -> Result<String> {
        let mut out = String::new();
        let local = zone.to_local(micros);
        self.parts
            .iter()
            .try_for_each(|part| write_part(part, local, zone.offset_at(micros), zone, &mut out))?;
        Ok(out)
    }

    /// The moment that a text stands for, in microseconds since 1970-01-01 UTC.
    pub(crate) fn parse(&self, text: &str, zone: TimeZone) -> Option<i64> {
        let mut fields = Fields::default();
        let characters: Vec<char> = text.chars().collect();
        let end = read_text(&self.parts, &characters, 0, &mut fields)?;
        if end != characters.len() {
            return None;
        }
        let local = fields.local_micros()?;
        Some(fields.zone.unwrap_or(zone).to_utc(local))
    }
}

fn read_parts(
    characters: &[char],
    at: &mut usize,
    pattern: &str,
    optional: bool,
) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    while let Some(&c) = characters.get(*at) {
        *at += 1;
        match c {
            '\'' if characters.get(*at) == Some(&'\'') => {
                *at += 1;
                parts.push(Part::Text("'".to_owned()));
            }
            '\'' => {
                let text: String = characters[*at..]
                    .iter()
                    .take_while(|c| **c != '\'')
                    .collect();
                *at += text.chars().count() + 1;
                parts.push(Part::Text(text));
            }
            '[' => parts.push(Part::Optional(read_parts(characters, at, pattern, true)?)),
            ']' if optional => return Ok(parts),
            c if c.is_ascii_alphabetic() => {
                let count = 1 + characters[*at..].iter().take_while(|o| **o == c).count();
                *at += count - 1;
                if !"GyMLdDQqEaHhKkmsSVzOXxZ".contains(c) {
                    return Err(match c {
                        'u' | 'w' | 'W' | 'Y' | 'e' | 'c' | 'F' => {
                            SparkError::inconsistent_behavior_datetime_pattern(pattern)
                        }
                        _ => SparkError::invalid_datetime_pattern(pattern),
                    });
                }
                parts.push(Part::Field(c, count));
            }
            '#' | '{' | '}' => return Err(SparkError::invalid_datetime_pattern(pattern)),
            c => parts.push(Part::Text(c.to_string())),
        }
    }
    Ok(parts)
}

fn write_part(
    part: &Part,
    local: i64,
    offset: i64,
    zone: TimeZone,
    out: &mut String,
) -> Result<()> {
    let (field, count) = match part {
        Part::Text(text) => {
            out.push_str(text);
            return Ok(());
        }
        Part::Optional(parts) => {
            return parts
                .iter()
                .try_for_each(|p| write_part(p, local, offset, zone, out));
        }
        Part::Field(field, count) => (*field, *count),
    };
    let days = local.div_euclid(MICROS_PER_DAY);
    let (year, month, day) = civil_from_days(days);
    let micros = local.rem_euclid(MICROS_PER_DAY);
    let seconds = micros / MICROS_PER_SECOND;
    let hour = seconds / 3600;
    let weekday = (days + 3).rem_euclid(7) as usize;
    let number = |value: i64| format!("{value:0count$}");
    let text = match field {
        'G' => {
            if year > 0 {
                "AD".to_owned()
            } else {
                "BC".to_owned()
            }
        }
        'y' if count == 2 => format!("{:02}", year.rem_euclid(100)),
        'y' => number(year),
        'M' | 'L' if count >= 4 => MONTHS[month as usize - 1].to_owned(),
        'M' | 'L' if count == 3 => MONTHS[month as usize - 1][..3].to_owned(),
        'M' | 'L' => number(i64::from(month)),
        'd' => number(i64::from(day)),
        'D' => number(days - days_from_civil(year, 1, 1) + 1),
        'Q' | 'q' => match count {
            3 => format!("Q{}", (month - 1) / 3 + 1),
            _ => number(i64::from((month - 1) / 3 + 1)),
        },
        'E' if count >= 4 => DAYS[weekday].to_owned(),
        'E' => DAYS[weekday][..3].to_owned(),
        'a' => {
            if hour < 12 {
                "AM".to_owned()
            } else {
                "PM".to_owned()
            }
        }
        'H' => number(hour),
        'h' => number(if hour % 12 == 0 { 12 } else { hour % 12 }),
        'K' => number(hour % 12),
        'k' => number(if hour == 0 { 24 } else { hour }),
        'm' => number(seconds / 60 % 60),
        's' => number(seconds % 60),
        'S' => {
            let digits = format!("{:06}000", micros % MICROS_PER_SECOND);
            digits[..count.min(9)].to_owned()
        }
        'V' | 'z' => match zone {
            TimeZone::Region(region) => region.name().to_owned(),
            TimeZone::Fixed { seconds: 0 } => "UTC".to_owned(),
            TimeZone::Fixed { .. } => offset_text(offset, true),
        },
        'O' => {
            if offset == 0 {
                "GMT".to_owned()
            } else {
                format!("GMT{}", offset_text(offset, true))
            }
        }
        'X' if offset == 0 => "Z".to_owned(),
        'X' | 'x' => match count {
            1 if offset % 3600 == 0 => offset_text(offset, false)[..3].to_owned(),
            1 | 2 | 4 => offset_text(offset, false),
            _ => offset_text(offset, true),
        },
        _ => offset_text(offset, false),
    };
    out.push_str(&text);
    Ok(())
}

fn offset_text(offset: i64, colon: bool) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.abs() / 3600, offset.abs() / 60 % 60);
    let colon = if colon { ":" } else { "" };
    format!("{sign}{hours:02}{colon}{minutes:02}")
}

/// Reads as much of the text as the parts cover; gives where it ended.
fn read_text(parts: &[Part], text: &[char], mut at: usize, fields: &mut Fields) -> Option<usize> {
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(expected) => {
                for c in expected.chars() {
                    if text.get(at) != Some(&c) {
                        return None;
                    }
                    at += 1;
                }
            }
            Part::Optional(inner) => at = read_text(inner, text, at, fields).unwrap_or(at),
            Part::Field(field, count) => {
                let next_is_number = matches!(parts.get(index + 1), Some(Part::Field(c, _)) if "yMdDHhKkmsS".contains(*c));
                at = read_field(*field, *count, next_is_number, text, at, fields)?;
            }
        }
    }
    Some(at)
}

fn read_field(
    field: char,
    count: usize,
    fixed: bool,
    text: &[char],
    at: usize,
    fields: &mut Fields,
) -> Option<usize> {
    let digits = |most: usize| -> Option<(i64, usize)> {
        let found: String = text[at.min(text.len())..]
            .iter()
            .take(most)
            .take_while(|c| c.is_ascii_digit())
            .collect();
        let length = found.len();
        if length == 0 || (count > 1 && length < count && field != 'S') {
            return None;
        }
        Some((found.parse().ok()?, at + length))
    };
    let most = |limit: usize| if fixed { count } else { limit.max(count) };
    match field {
        'y' if count == 2 => {
            let (value, next) = digits(2)?;
            fields.year = Some(2000 + value);
            Some(next)
        }
        'y' => {
            let (value, next) = digits(if fixed || count == 4 { count.max(4) } else { 9 })?;
            fields.year = Some(value);
            Some(next)
        }
        'M' | 'L' if count >= 3 => {
            let rest: String = text[at.min(text.len())..]
                .iter()
                .collect::<String>()
                .to_lowercase();
            let position = MONTHS.iter().position(|name| {
                let name = if count == 3 { &name[..3] } else { name };
                rest.starts_with(&name.to_lowercase())
            })?;
            fields.month = Some(position as i64 + 1);
            Some(
                at + if count == 3 {
                    3
                } else {
                    MONTHS[position].len()
                },
            )
        }
        'E' => {
            let length = text[at.min(text.len())..]
                .iter()
                .take_while(|c| c.is_alphabetic())
                .count();
            (length >= 3).then_some(at + length)
        }
        'a' => {
            let word: String = text
                .get(at..at + 2)?
                .iter()
                .collect::<String>()
                .to_uppercase();
            fields.afternoon = Some(match word.as_str() {
                "AM" => false,
                "PM" => true,
                _ => return None,
            });
            Some(at + 2)
        }
        'S' => {
            let found: String = text[at.min(text.len())..]
                .iter()
                .take(count)
                .take_while(|c| c.is_ascii_digit())
                .collect();
            if found.is_empty() {
                return None;
            }
            let padded: String = found
                .chars()
                .chain(std::iter::repeat('0'))
                .take(6)
                .collect();
            fields.micros = padded.parse().ok()?;
            Some(at + found.len())
        }
        'X' | 'x' | 'Z' | 'O' | 'V' | 'z' => {
            let word: String = text[at.min(text.len())..]
                .iter()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '+' | '-' | ':' | '/' | '_'))
                .collect();
            fields.zone = Some(TimeZone::parse(&word)?);
            Some(at + word.chars().count())
        }
        'G' => Some(at + 2),
        _ => {
            let (value, next) = digits(most(if field == 'D' { 3 } else { 2 }))?;
            match field {
                'M' | 'L' => fields.month = Some(value),
                'd' => fields.day = Some(value),
                'D' => fields.day_of_year = Some(value),
                'H' => fields.hour = Some(value),
                'k' => fields.hour = Some(value % 24),
                'h' => fields.half_hour = Some(value % 12),
                'K' => fields.half_hour = Some(value),
                'm' => fields.minute = value,
                's' => fields.second = value,
                _ => return None,
            }
            Some(next)
        }
    }
}

impl Fields {
    fn local_micros(&self) -> Option<i64> {
        let year = self.year.unwrap_or(1970);
        let days = match self.day_of_year {
            Some(day) => days_from_civil(year, 1, 1) + day - 1,
            None => {
                let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
                let valid = (1..=12).contains(&month)
                    && day >= 1
                    && day <= i64::from(days_in_month(year, month as u32));
                if !valid {
                    return None;
                }
                days_from_civil(year, month as u32, day as u32)
            }
        };
        let hour = match (self.hour, self.half_hour) {
            (Some(hour), _) => hour,
            (None, Some(half)) => half + if self.afternoon == Some(true) { 12 } else { 0 },
            (None, None) => 0,
        };
        if hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        let seconds = (hour * 60 + self.minute) * 60 + self.second;
        days.checked_mul(MICROS_PER_DAY)?
            .checked_add(seconds * MICROS_PER_SECOND + self.micros)
    }
}

/// `TIMESTAMP '…'`, read in the session's time zone.
fn timestamp_literal(call: &mut FunctionCall<'_>) -> Result<TypedExpr> {
    call.arity(1, 1)?;
    let text = call.constant_string(0, "timestamp")?;
    let zone = call.analyzer.context.time_zone;
    let micros = crate::cast::parse_timestamp(&text, Some(zone))
        .ok_or_else(|| SparkError::invalid_typed_literal("TIMESTAMP", &text))?;
    call.analyzer
        .literal(&crate::ir::Literal::Timestamp(micros))
}
