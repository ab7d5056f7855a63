//! Literals: numbers with suffixes, typed strings, intervals.

use super::lexer::Token;
use super::parser::Parser;
use crate::cast::{interval_from_text, parse_day_time, parse_year_month};
use crate::error::{Result, SparkError};
use crate::ir::{DataType, DayTimeField, Expression, Literal, YearMonthField};

impl Parser<'_> {
    /// A number as it was written, negative if a minus stood before it.
    pub(super) fn number(&self, raw: &str, negative: bool) -> Result<Literal> {
        let lower = raw.to_ascii_lowercase();
        let sign = if negative { "-" } else { "" };
        let range = |kind: &str| {
            self.located(SparkError::invalid_numeric_literal(
                &format!("{sign}{raw}"),
                kind,
            ))
        };
        let body = |suffix: &str| format!("{sign}{}", &lower[..lower.len() - suffix.len()]);
        if lower.ends_with("bd") {
            return decimal(&body("bd")).ok_or_else(|| range("decimal"));
        }
        let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        match lower.as_bytes().last() {
            Some(b'l') => body("l")
                .parse()
                .map(Literal::Long)
                .map_err(|_| range("bigint")),
            Some(b's') => body("s")
                .parse()
                .map(Literal::Short)
                .map_err(|_| range("smallint")),
            Some(b'y') => body("y")
                .parse()
                .map(Literal::Byte)
                .map_err(|_| range("tinyint")),
            Some(b'f') => body("f")
                .parse()
                .map(Literal::Float)
                .map_err(|_| range("float")),
            Some(b'd') => finite(&body("d")).ok_or_else(|| range("double")),
            _ if lower.contains('e') => finite(&body("")).ok_or_else(|| range("double")),
            _ if is_plain(&lower) => {
                let text = body("");
                if let Ok(value) = text.parse::<i32>() {
                    return Ok(Literal::Integer(value));
                }
                if let Ok(value) = text.parse::<i64>() {
                    return Ok(Literal::Long(value));
                }
                decimal(&text).ok_or_else(|| range("decimal"))
            }
            _ => decimal(&body("")).ok_or_else(|| range("decimal")),
        }
    }

    /// `DATE '…'` and its kin, if the word and the string come next.
    pub(super) fn typed_literal(&mut self) -> Result<Option<Literal>> {
        let (Some(Token::Word(word)), Some(Token::Text(text))) =
            (self.peek().cloned(), self.peek_at(1).cloned())
        else {
            return Ok(None);
        };
        let kind = word.to_ascii_uppercase();
        let invalid = || SparkError::invalid_typed_literal(&kind, &text);
        let utc = Some(crate::time::TimeZone::UTC);
        let literal = match kind.as_str() {
            "DATE" => crate::cast::parse_date(&text).map(|d| Literal::Date(d as i32)),
            "TIMESTAMP_NTZ" => crate::cast::parse_timestamp(&text, None).map(Literal::TimestampNtz),
            // The session's time zone is not known here: a zone in the text fixes the moment, else it is cast later.
            "TIMESTAMP" | "TIMESTAMP_LTZ" => {
                crate::cast::parse_timestamp(&text, utc).ok_or_else(|| self.located(invalid()))?;
                return Ok(None);
            }
            "TIME" => crate::cast::parse_time(&text).map(|nanoseconds| Literal::Time {
                nanoseconds,
                precision: 6,
            }),
            "X" => hexadecimal(&text).map(Literal::Binary),
            _ => return Ok(None),
        };
        let literal = literal.ok_or_else(|| self.located(invalid()))?;
        self.at += 2;
        Ok(Some(literal))
    }

    /// `TIMESTAMP '…'`, whose moment depends on the session's time zone.
    pub(super) fn timestamp_literal(&mut self) -> Option<Expression> {
        let is_timestamp = self.is_word("timestamp") || self.is_word("timestamp_ltz");
        let Some(Token::Text(text)) = self.peek_at(1).cloned().filter(|_| is_timestamp) else {
            return None;
        };
        self.at += 2;
        let text = Expression::Literal(Literal::String(text));
        Some(Expression::function("$timestamp_literal", vec![text]))
    }

    /// What follows the word `interval`.
    pub(super) fn interval(&mut self) -> Result<Expression> {
        let start = self.at;
        let mut text = String::new();
        let mut any = false;
        let mut last_unit = (String::new(), String::new());
        loop {
            let negative = self.symbol("-");
            let (number, is_text) = match self.peek().cloned() {
                Some(Token::Number(number)) => (number, false),
                Some(Token::Text(number)) => (number, true),
                _ if any => break,
                _ => return Err(self.unexpected()),
            };
            self.at += 1;
            let Some(unit) = self.interval_unit() else {
                // A string that holds the whole interval.
                if !any && is_text {
                    let whole = self.interval_literal(&number);
                    let invalid = SparkError::invalid_typed_literal("INTERVAL", &number);
                    return whole.map_err(|_| self.located(invalid));
                }
                if !any {
                    return Err(self.unexpected());
                }
                self.at -= 1;
                break;
            };
            if self.word("to") {
                let end = self.interval_unit().ok_or_else(|| self.unexpected())?;
                return self.interval_between(&number, &unit, &end, negative);
            }
            any = true;
            text.push_str(&format!(
                "{}{number} {unit} ",
                if negative { "-" } else { "" }
            ));
            last_unit = (number, unit);
        }
        let _ = (start, &last_unit);
        self.interval_literal(&text)
    }

    /// Years and months, days and times, or both at once, which is the old type.
    fn interval_literal(&mut self, text: &str) -> Result<Expression> {
        let (months, days, micros) = interval_from_text(text)
            .ok_or_else(|| self.located(SparkError::invalid_interval(text.trim())))?;
        let units: Vec<String> = text
            .split_whitespace()
            .skip(1)
            .step_by(2)
            .map(str::to_ascii_lowercase)
            .collect();
        let has = |names: &[&str]| {
            units
                .iter()
                .any(|u| names.contains(&u.trim_end_matches('s')))
        };
        let year_month = has(&["year", "month", "quarter"]);
        let day_time = has(&[
            "week",
            "day",
            "hour",
            "minute",
            "second",
            "millisecond",
            "microsecond",
        ]);
        let literal = match (year_month, day_time) {
            (true, true) => Literal::CalendarInterval {
                months,
                days,
                microseconds: micros,
            },
            (true, false) => {
                let (first, last) = (has(&["year"]), has(&["month", "quarter"]));
                let start = if first {
                    YearMonthField::Year
                } else {
                    YearMonthField::Month
                };
                let end = if last {
                    YearMonthField::Month
                } else {
                    YearMonthField::Year
                };
                Literal::YearMonthInterval {
                    months,
                    data_type: DataType::YearMonthInterval { start, end },
                }
            }
            _ => {
                let fields = [
                    (has(&["day", "week"]), DayTimeField::Day),
                    (has(&["hour"]), DayTimeField::Hour),
                    (has(&["minute"]), DayTimeField::Minute),
                    (
                        has(&["second", "millisecond", "microsecond"]),
                        DayTimeField::Second,
                    ),
                ];
                let mut present = fields
                    .iter()
                    .filter(|(present, _)| *present)
                    .map(|(_, f)| *f);
                let start = present.next().unwrap_or(DayTimeField::Day);
                let end = present.next_back().unwrap_or(start);
                let microseconds = i64::from(days) * crate::time::MICROS_PER_DAY + micros;
                Literal::DayTimeInterval {
                    microseconds,
                    data_type: DataType::DayTimeInterval { start, end },
                }
            }
        };
        Ok(Expression::Literal(literal))
    }

    fn interval_between(
        &mut self,
        text: &str,
        start: &str,
        end: &str,
        negative: bool,
    ) -> Result<Expression> {
        let names = (start, end);
        let invalid = || SparkError::invalid_interval(text);
        let sign = if negative { -1 } else { 1 };
        if start == "year" && end == "month" {
            let (start, end) = (YearMonthField::Year, YearMonthField::Month);
            let months =
                parse_year_month(text, start, end).ok_or_else(|| self.located(invalid()))?;
            let data_type = DataType::YearMonthInterval { start, end };
            return Ok(Expression::Literal(Literal::YearMonthInterval {
                months: sign * months,
                data_type,
            }));
        }
        let field = |name: &str| match name {
            "day" => Some(DayTimeField::Day),
            "hour" => Some(DayTimeField::Hour),
            "minute" => Some(DayTimeField::Minute),
            "second" => Some(DayTimeField::Second),
            _ => None,
        };
        let (Some(start), Some(end)) = (field(start), field(end)) else {
            return Err(self.located(SparkError::invalid_interval_units(text, start, end)));
        };
        if start >= end {
            let (start, end) = (names.0, names.1);
            return Err(self.located(SparkError::invalid_interval_units(text, start, end)));
        }
        let micros = parse_day_time(text, start, end).ok_or_else(|| self.located(invalid()))?;
        let data_type = DataType::DayTimeInterval { start, end };
        Ok(Expression::Literal(Literal::DayTimeInterval {
            microseconds: i64::from(sign) * micros,
            data_type,
        }))
    }

    fn interval_unit(&mut self) -> Option<String> {
        let units = [
            "year",
            "quarter",
            "month",
            "week",
            "day",
            "hour",
            "minute",
            "second",
            "millisecond",
            "microsecond",
        ];
        let Some(Token::Word(word)) = self.peek() else {
            return None;
        };
        let lower = word.to_ascii_lowercase();
        let unit = units
            .into_iter()
            .find(|u| lower == *u || lower.strip_suffix('s') == Some(u))?;
        self.at += 1;
        Some(unit.to_owned())
    }
}

fn finite(text: &str) -> Option<Literal> {
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(Literal::Double(value))
}

fn decimal(text: &str) -> Option<Literal> {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let fraction = mantissa.split_once('.').map_or(0, |(_, f)| f.len() as i32);
    let scale = (fraction - exponent).max(0);
    if scale > 38 {
        return None;
    }
    let unscaled = crate::cast::parse_decimal(text, scale as i8)?;
    let digits = unscaled.unsigned_abs().to_string().len() as i32;
    let precision = digits.max(scale);
    (precision <= 38).then_some(Literal::Decimal {
        unscaled,
        precision: precision as u8,
        scale: scale as i8,
    })
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let padded = if text.len() % 2 == 1 {
        format!("0{text}")
    } else {
        text.to_owned()
    };
    if !padded.is_ascii() {
        return None;
    }
    (0..padded.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(padded.get(i..i + 2)?, 16).ok())
        .collect()
}
