//! The live table, as lines of text.

use super::figures::{Figures, QueryFigures};

/// The lines of the table, none wider than `width`.
pub(super) fn lines(figures: &Figures, width: usize) -> Vec<String> {
    let mut lines = vec![
        format!(
            "trips in {:>9}/s {:>14} in all {:>27}",
            grouped(figures.per_second.round() as u64),
            grouped(figures.written),
            clock(figures.elapsed.as_secs()),
        ),
        String::new(),
        format!(
            "{:<10}{:>8}{:>10}{:>8}{:>10}   {}",
            "query", "batch", "rows", "ms", "lag", "watermark"
        ),
    ];
    lines.extend(figures.queries.iter().map(query_line));
    lines.push(String::new());
    lines.push(format!(
        "{:<18}{:<18}{:>8}{:>16}",
        "hour (city time)", "borough", "trips", "fare $"
    ));
    lines.extend(figures.top.iter().map(|row| {
        let hour = row.hour.get(..16).unwrap_or(&row.hour);
        format!(
            "{hour:<18}{:<18}{:>8}{:>16}",
            row.borough, row.trips, row.fare
        )
    }));
    if figures.top.is_empty() {
        lines.push("waiting for the first batch".to_owned());
    }
    if let Some(first) = figures.first_row {
        lines.push(String::new());
        lines.push(format!("first row after {} ms", first.as_millis()));
    }
    lines
        .into_iter()
        .map(|line| line.chars().take(width).collect())
        .collect()
}

fn query_line(query: &QueryFigures) -> String {
    let Some(batch) = &query.batch else {
        return format!("{:<10}{:>8}", query.name, "-");
    };
    format!(
        "{:<10}{:>8}{:>10}{:>8}{:>10}   {}",
        query.name,
        batch.number,
        grouped(batch.rows),
        batch.milliseconds,
        grouped(batch.lag),
        batch.watermark.as_deref().unwrap_or("-"),
    )
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn clock(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::quickstart::figures::{BatchFigures, TopRow};
    use std::time::Duration;

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0, 12, 123, 1234, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "12", "123", "1,234", "1,234,567"]);
    }

    #[test]
    fn the_table_has_a_line_for_each_query_and_row_and_keeps_to_the_width() {
        let figures = Figures {
            elapsed: Duration::from_secs(61),
            written: 12_377,
            per_second: 999.6,
            queries: vec![
                QueryFigures {
                    name: "trips",
                    batch: None,
                },
                QueryFigures {
                    name: "boroughs",
                    batch: Some(BatchFigures {
                        number: 7,
                        rows: 1_001,
                        milliseconds: 31,
                        lag: 5,
                        watermark: Some("2020-07-01T01:00:00.000Z".to_owned()),
                    }),
                },
            ],
            top: vec![TopRow {
                hour: "2020-07-01 02:00:00".to_owned(),
                borough: "Manhattan".to_owned(),
                trips: "3".to_owned(),
                fare: "21.50".to_owned(),
            }],
            first_row: None,
        };
        let expected = "\
trips in     1,000/s         12,377 in all                    00:01:01

query        batch      rows      ms       lag   watermark
trips            -
boroughs         7     1,001      31         5   2020-07-01T01:00:00.000Z

hour (city time)  borough              trips          fare $
2020-07-01 02:00  Manhattan                3           21.50";
        assert_eq!(lines(&figures, 80).join("\n"), expected);
        assert!(lines(&figures, 20).iter().all(|line| line.len() <= 20));
    }
}
