//! A record and its cells.

use super::options::CsvOptions;

/// A cell: its text, and whether it stood between quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) quoted: bool,
}

/// The cells of one record. A quote that is not closed goes to the record's end.
pub(crate) fn split(record: &str, options: &CsvOptions) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut rest = record;
    loop {
        let (cell, after) = cell(rest, options);
        cells.push(cell);
        match after {
            Some(after) => rest = after,
            None => return cells,
        }
    }
}

/// The first cell, and what follows its delimiter.
fn cell<'a>(text: &'a str, options: &CsvOptions) -> (Cell, Option<&'a str>) {
    let trimmed = text.trim_start_matches(' ');
    if let Some(quote) = options.quote
        && let Some(inner) = trimmed.strip_prefix(quote)
    {
        return quoted_cell(inner, quote, options);
    }
    let (raw, after) = match text.split_once(options.delimiter.as_str()) {
        Some((cell, after)) => (cell, Some(after)),
        None => (text, None),
    };
    let mut value = raw;
    if options.trim_left {
        value = value.trim_start();
    }
    if options.trim_right {
        value = value.trim_end();
    }
    let cell = Cell {
        text: value.to_owned(),
        quoted: false,
    };
    (cell, after)
}

fn quoted_cell<'a>(inner: &'a str, quote: char, options: &CsvOptions) -> (Cell, Option<&'a str>) {
    let mut value = String::new();
    let mut rest = inner;
    loop {
        let Some(c) = rest.chars().next() else {
            return (
                Cell {
                    text: value,
                    quoted: true,
                },
                None,
            );
        };
        let after = &rest[c.len_utf8()..];
        let next = after.chars().next();
        if c == options.escape && next.is_some_and(|n| n == quote || n == options.escape) {
            let next = next.unwrap_or(quote);
            value.push(next);
            rest = &after[next.len_utf8()..];
        } else if c == quote {
            let tail = after.trim_start_matches(' ');
            if tail.is_empty() {
                return (
                    Cell {
                        text: value,
                        quoted: true,
                    },
                    None,
                );
            }
            if let Some(after) = tail.strip_prefix(options.delimiter.as_str()) {
                return (
                    Cell {
                        text: value,
                        quoted: true,
                    },
                    Some(after),
                );
            }
            value.push(c);
            rest = after;
        } else {
            value.push(c);
            rest = after;
        }
    }
}

/// The records of a text: lines, where quotes do not hold them together across their ends.
pub(crate) fn records(text: &str, options: &CsvOptions) -> Vec<String> {
    let mut records = Vec::new();
    let mut current = String::new();
    for line in text.split_inclusive('\n') {
        current.push_str(line);
        if !is_open(&current, options) {
            records.push(current.trim_end_matches(['\r', '\n']).to_owned());
            current.clear();
        }
    }
    if !current.is_empty() {
        records.push(current.trim_end_matches(['\r', '\n']).to_owned());
    }
    records
}

/// True if a quoted cell has begun and not ended.
fn is_open(record: &str, options: &CsvOptions) -> bool {
    let Some(quote) = options.quote else {
        return false;
    };
    let mut open = false;
    let mut escaped = false;
    for c in record.chars() {
        if escaped {
            escaped = false;
        } else if open && c == options.escape && c != quote {
            escaped = true;
        } else if c == quote {
            open = !open;
        }
    }
    open
}
