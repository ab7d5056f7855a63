//! Dates and times cut down to the start of a year, a week, an hour.

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};

use crate::error::Result;
use crate::functions::Invocation;
use crate::time::{MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone, civil_from_days, days_from_civil};

/// The first day of the year, quarter, month or week.
fn truncated_days(days: i64, unit: &str) -> Option<i64> {
    let (year, month, _) = civil_from_days(days);
    Some(match unit.to_uppercase().as_str() {
        "YEAR" | "YYYY" | "YY" => days_from_civil(year, 1, 1),
        "QUARTER" => days_from_civil(year, (month - 1) / 3 * 3 + 1, 1),
        "MONTH" | "MON" | "MM" => days_from_civil(year, month, 1),
        "WEEK" => days - (days + 3).rem_euclid(7),
        _ => return None,
    })
}

pub(super) fn trunc(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (dates, units) = (i.dates(0)?, i.strings(1)?);
    i.build::<Date32Type>(|row| {
        let pair = dates.get(row).zip(units.get(row));
        Ok(pair
            .and_then(|(date, unit)| truncated_days(i64::from(date), unit))
            .map(|d| d as i32))
    })
}

pub(super) fn date_trunc(i: &Invocation<'_>) -> Result<ArrayRef> {
    let (units, times) = (i.strings(0)?, i.timestamps(1)?);
    let zone = i.context.time_zone;
    i.build::<TimestampMicrosecondType>(|row| {
        let pair = units.get(row).zip(times.get(row));
        Ok(pair.and_then(|(unit, micros)| truncated_micros(micros, unit, zone)))
    })
}

fn truncated_micros(micros: i64, unit: &str, zone: TimeZone) -> Option<i64> {
    let unit = unit.to_uppercase();
    let to = |size: i64| {
        let local = zone.to_local(micros);
        Some(zone.to_utc(local - local.rem_euclid(size)))
    };
    match unit.as_str() {
        "MICROSECOND" => Some(micros),
        "MILLISECOND" => to(1000),
        "SECOND" => to(MICROS_PER_SECOND),
        "MINUTE" => to(60 * MICROS_PER_SECOND),
        "HOUR" => to(3600 * MICROS_PER_SECOND),
        "DAY" | "DD" => to(MICROS_PER_DAY),
        unit => {
            let days = zone.to_local(micros).div_euclid(MICROS_PER_DAY);
            Some(zone.to_utc(truncated_days(days, unit)? * MICROS_PER_DAY))
        }
    }
}
