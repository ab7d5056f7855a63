//! Dates in the calendar: made, moved by days and months, and how far they are apart.

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, Float64Type, Int32Type};

use crate::error::{Result, SparkError};
use crate::functions::Invocation;
use crate::time::{
    MICROS_PER_DAY, MICROS_PER_SECOND, add_months, civil_from_days, days_from_civil, days_in_month,
};

pub(in crate::functions) fn shift_days(i: &Invocation<'_>, sign: i32) -> Result<ArrayRef> {
    let (dates, counts) = (i.dates(0)?, i.ints(1)?);
    i.build::<Date32Type>(|row| {
        let Some((date, count)) = dates.get(row).zip(counts.get(row)) else {
            return Ok(None);
        };
        let moved = count
            .checked_mul(sign)
            .and_then(|count| date.checked_add(count));
        moved
            .map(Some)
            .ok_or_else(|| SparkError::arithmetic_overflow("integer overflow", None))
    })
}

pub(super) fn add_months_kernel(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (dates, counts) = (i.dates(0)?, i.ints(1)?);
    i.build::<Date32Type>(|row| {
        let pair = dates.get(row).zip(counts.get(row));
        Ok(pair.map(|(date, months)| add_months(i64::from(date), i64::from(months)) as i32))
    })
}

pub(super) fn datediff(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (ends, starts) = (i.dates(0)?, i.dates(1)?);
    i.build::<Int32Type>(|row| Ok(ends.get(row).zip(starts.get(row)).map(|(a, b)| a - b)))
}

pub(super) fn date_from_unix_date(i: &Invocation<'_>) -> Result<ArrayRef> {
    let days = i.ints(0)?;
    i.build::<Date32Type>(|row| Ok(days.get(row)))
}

pub(super) fn last_day(i: &Invocation<'_>) -> Result<ArrayRef> {
    let dates = i.dates(0)?;
    i.build::<Date32Type>(|row| {
        Ok(dates.get(row).map(|date| {
            let (year, month, day) = civil_from_days(i64::from(date));
            date + (days_in_month(year, month) - day) as i32
        }))
    })
}

pub(super) fn make_date(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (years, months, days) = (i.ints(0)?, i.ints(1)?, i.ints(2)?);
    i.build::<Date32Type>(|row| {
        let (Some(year), Some(month), Some(day)) = (years.get(row), months.get(row), days.get(row))
        else {
            return Ok(None);
        };
        let made = civil_date(i64::from(year), month, day);
        match made {
            None if i.context.ansi => Err(SparkError::datetime_field_out_of_bounds(&format!(
                "Invalid date {year}-{month}-{day}"
            ))),
            made => Ok(made.map(|days| days as i32)),
        }
    })
}

pub(in crate::functions) fn civil_date(year: i64, month: i32, day: i32) -> Option<i64> {
    let (month, day) = (u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    let exists = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    exists.then(|| days_from_civil(year, month, day))
}

const DAYS: [&str; 7] = [
    "MONDAY",
    "TUESDAY",
    "WEDNESDAY",
    "THURSDAY",
    "FRIDAY",
    "SATURDAY",
    "SUNDAY",
];

/// A day's name in two or three letters or in full.
fn is_day(day: &str, written: &str) -> bool {
    written == day || written == &day[..2] || written == &day[..3]
}

pub(super) fn next_day(i: &Invocation<'_>) -> Result<ArrayRef> {
    const NAMES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let (dates, names) = (i.dates(0)?, i.strings(1)?);
    i.build::<Date32Type>(|row| {
        let Some((date, name)) = dates.get(row).zip(names.get(row)) else {
            return Ok(None);
        };
        let short = name.get(..2).unwrap_or_default().to_uppercase();
        let long = name.to_uppercase();
        let wanted = NAMES
            .iter()
            .position(|known| *known == short && DAYS.iter().any(|day| is_day(day, &long)));
        let Some(wanted) = wanted else {
            if i.context.ansi {
                return Err(SparkError::illegal_day_of_week(name));
            }
            return Ok(None);
        };
        let weekday = (i64::from(date) + 3).rem_euclid(7);
        let ahead = (wanted as i64 - weekday + 6).rem_euclid(7) + 1;
        Ok(Some(date + ahead as i32))
    })
}

pub(super) fn months_between(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (ends, starts) = (i.timestamps(0)?, i.timestamps(1)?);
    let rounds = if i.count() > 2 {
        Some(i.booleans(2)?)
    } else {
        None
    };
    let zone = i.context.time_zone;
    i.build::<Float64Type>(|row| {
        let round_off = rounds.as_ref().map_or(Some(true), |rounds| rounds.get(row));
        let (Some(end), Some(start), Some(round_off)) = (ends.get(row), starts.get(row), round_off)
        else {
            return Ok(None);
        };
        let months = months_apart(zone.to_local(end), zone.to_local(start));
        Ok(Some(if round_off {
            (months * 1e8).round() / 1e8
        } else {
            months
        }))
    })
}

/// Whole months if both are the same day of the month, or both the last; months of 31 days otherwise.
fn months_apart(end: i64, start: i64) -> f64 {
    let taken_apart = |micros: i64| {
        let (year, month, day) = civil_from_days(micros.div_euclid(MICROS_PER_DAY));
        let seconds = micros.rem_euclid(MICROS_PER_DAY) / MICROS_PER_SECOND;
        let is_last = day == days_in_month(year, month);
        (
            year * 12 + i64::from(month),
            i64::from(day),
            is_last,
            seconds,
        )
    };
    let (end_months, end_day, end_last, end_seconds) = taken_apart(end);
    let (start_months, start_day, start_last, start_seconds) = taken_apart(start);
    let months = (end_months - start_months) as f64;
    if end_day == start_day || (end_last && start_last) {
        return months;
    }
    let seconds = (end_day - start_day) * 86_400 + end_seconds - start_seconds;
    months + seconds as f64 / (31.0 * 86_400.0)
}
