//! The times that command lines take.

/// Milliseconds since 1970 of `2016-07-01T00:01:22.000`, with `Z` or an offset behind it; in UTC without.
pub(crate) fn parse_datetime(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once('T')?;
    let mut fields = date.split('-').map(str::parse::<i64>);
    let (year, month, day) = (
        fields.next()?.ok()?,
        fields.next()?.ok()?,
        fields.next()?.ok()?,
    );
    let zone_at = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(zone_at);
    let mut fields = time.split(':');
    let (hour, minute) = (
        fields.next()?.parse::<i64>().ok()?,
        fields.next()?.parse::<i64>().ok()?,
    );
    let seconds = match fields.next() {
        Some(seconds) => seconds.parse::<f64>().ok()?,
        None => 0.0,
    };
    let fits = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0.0..60.0).contains(&seconds);
    let minutes = (days_from_civil(year, month, day) * 24 + hour) * 60 + minute;
    fits.then_some(minutes * 60_000 + (seconds * 1000.0).round() as i64 - zone_millis(zone)?)
}

fn zone_millis(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone == "Z" {
        return Some(0);
    }
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = match digits.len() {
        2 => (digits.parse::<i64>().ok()?, 0),
        4 => (digits[..2].parse().ok()?, digits[2..].parse::<i64>().ok()?),
        _ => return None,
    };
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    Some(sign * (hours * 60 + minutes) * 60_000)
}

/// Milliseconds of an ISO 8601 duration, `P1DT2H3M4.5S`.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (days, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((days, time)) => (days, time),
        None => (text.strip_prefix('P')?, ""),
    };
    let mut millis = 0.0;
    for (part, units) in [
        (days, [('D', 86_400e3), ('W', 604_800e3)].as_slice()),
        (time, [('H', 3_600e3), ('M', 60e3), ('S', 1e3)].as_slice()),
    ] {
        let mut number = String::new();
        for character in part.chars() {
            match units.iter().find(|(unit, _)| *unit == character) {
                Some((_, size)) => {
                    millis += std::mem::take(&mut number).parse::<f64>().ok()? * size
                }
                None => number.push(character),
            }
        }
        if !number.is_empty() {
            return None;
        }
    }
    (text.len() > 1).then_some(millis as i64)
}

/// `2016-07-01T00:01:22.000Z`, of milliseconds since 1970.
pub(crate) fn rfc3339(millis: i64) -> String {
    let (year, month, day) = civil_from_days(millis.div_euclid(86_400_000));
    let of_day = millis.rem_euclid(86_400_000);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// The date so many days after 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms").
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Days since 1970-01-01 of a date (Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datetimes_carry_their_zone() {
        assert_eq!(parse_datetime("1970-01-02T00:00:00.500"), Some(86_400_500));
        assert_eq!(parse_datetime("1970-01-01T01:00:00.000+01:00"), Some(0));
        assert_eq!(parse_datetime("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse_datetime("yesterday"), None);
        assert_eq!(parse_datetime("1970-13-01T00:00:00"), None);
    }

    #[test]
    fn a_time_is_written_as_it_is_read() {
        for millis in [0, 951_782_400_123, -1] {
            assert_eq!(parse_datetime(&rfc3339(millis)), Some(millis));
        }
        assert_eq!(rfc3339(1_467_331_282_000), "2016-07-01T00:01:22.000Z");
    }

    #[test]
    fn durations_are_iso_8601() {
        assert_eq!(parse_duration("P1DT1H1M1.5S"), Some(90_061_500));
        assert_eq!(parse_duration("PT5M"), Some(300_000));
        assert_eq!(parse_duration("5M"), None);
        assert_eq!(parse_duration("P"), None);
        assert_eq!(parse_duration("PT5"), None);
    }
}
