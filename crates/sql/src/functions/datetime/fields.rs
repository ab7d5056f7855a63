//! Parts of dates and times: year to second, and their names.

use arrow::array::ArrayRef;
use arrow::datatypes::Int32Type;

use crate::datetime_pattern::Pattern;
use crate::error::Result;
use crate::functions::Invocation;
use crate::time::{MICROS_PER_DAY, MICROS_PER_SECOND, civil_from_days, days_from_civil};

pub(super) fn of_days(i: &Invocation<'_>, part: impl Fn(i64) -> i64) -> Result<ArrayRef> {
    let dates = i.dates(0)?;
    i.build::<Int32Type>(|row| Ok(dates.get(row).map(|days| part(i64::from(days)) as i32)))
}

pub(super) fn of_date(i: &Invocation<'_>, part: impl Fn(i64, i64, i64) -> i64) -> Result<ArrayRef> {
    of_days(i, |days| {
        let (year, month, day) = civil_from_days(days);
        part(year, i64::from(month), i64::from(day))
    })
}

/// A part of the second of the day.
pub(super) fn of_time(i: &Invocation<'_>, part: impl Fn(i64) -> i64) -> Result<ArrayRef> {
    let times = i.timestamps(0)?;
    let zone = i.context.time_zone;
    i.build::<Int32Type>(|row| {
        Ok(times.get(row).map(|micros| {
            let of_day = zone.to_local(micros).rem_euclid(MICROS_PER_DAY);
            part(of_day / MICROS_PER_SECOND) as i32
        }))
    })
}

pub(super) fn shown(i: &Invocation<'_>, pattern: &str) -> Result<ArrayRef> {
    let pattern = Pattern::parse(pattern)?;
    let dates = i.dates(0)?;
    i.build_strings(|row| {
        Ok(dates
            .get(row)
            .map(|days| pattern.format_date(i64::from(days))))
    })
}

pub(super) fn day_of_year(days: i64) -> i64 {
    days - days_from_civil(civil_from_days(days).0, 1, 1) + 1
}

/// ISO 8601: the week of the year's first Thursday is the first.
pub(super) fn week_of_year(days: i64) -> i64 {
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    (day_of_year(thursday) - 1) / 7 + 1
}
