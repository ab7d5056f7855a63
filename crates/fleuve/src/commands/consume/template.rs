//! `--format`: a record as a text with places for its parts, by the letters of kcat and rpk.

use std::io::{self, Write};
use std::str::FromStr;

use fleuve_client::ConsumerRecord;

use crate::tasks::times::rfc3339;

/// A format, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    Topic,
    Partition,
    Offset,
    Key,
    Value,
    Headers,
    Timestamp,
    Time,
    KeyBytes,
    ValueBytes,
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut plain = Vec::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '%' => match part(letters.next())? {
                    Part::Text(text) => plain.extend(text),
                    part => {
                        take_text(&mut plain, &mut parts);
                        parts.push(part);
                    }
                },
                '\\' => plain.push(escape(letters.next())?),
                letter => plain.extend(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        if plain.last() != Some(&b'\n') {
            plain.push(b'\n');
        }
        take_text(&mut plain, &mut parts);
        Ok(Template { parts })
    }
}

fn take_text(plain: &mut Vec<u8>, parts: &mut Vec<Part>) {
    if !plain.is_empty() {
        parts.push(Part::Text(std::mem::take(plain)));
    }
}

fn part(letter: Option<char>) -> Result<Part, String> {
    Ok(match letter {
        Some('t') => Part::Topic,
        Some('p') => Part::Partition,
        Some('o') => Part::Offset,
        Some('k') => Part::Key,
        Some('v' | 's') => Part::Value,
        Some('h') => Part::Headers,
        Some('T') => Part::Timestamp,
        Some('d') => Part::Time,
        Some('K') => Part::KeyBytes,
        Some('V' | 'S') => Part::ValueBytes,
        Some('%') => Part::Text(b"%".to_vec()),
        Some(other) => {
            return Err(format!(
                "%{other} means nothing; there are %v %k %t %p %o %h %T %d %V %K and %%"
            ));
        }
        None => return Err("a percent sign alone is written %%".to_owned()),
    })
}

fn escape(letter: Option<char>) -> Result<u8, String> {
    match letter {
        Some('n') => Ok(b'\n'),
        Some('t') => Ok(b'\t'),
        Some('r') => Ok(b'\r'),
        Some('0') => Ok(0),
        Some('\\') => Ok(b'\\'),
        Some(other) => Err(format!(
            "\\{other} means nothing; there are \\n \\t \\r \\0 and \\\\"
        )),
        None => Err("a backslash alone is written \\\\".to_owned()),
    }
}

impl Template {
    pub(super) fn print(&self, record: &ConsumerRecord, output: &mut dyn Write) -> io::Result<()> {
        let size = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map_or(-1, |b| b.len() as i64);
        for part in &self.parts {
            match part {
                Part::Text(text) => output.write_all(text)?,
                Part::Topic => write!(output, "{}", record.partition.topic)?,
                Part::Partition => write!(output, "{}", record.partition.partition)?,
                Part::Offset => write!(output, "{}", record.offset)?,
                Part::Key => output.write_all(record.key.as_deref().unwrap_or_default())?,
                Part::Value => output.write_all(record.value.as_deref().unwrap_or_default())?,
                Part::Headers => print_headers(record, output)?,
                Part::Timestamp => {
                    write!(output, "{}", record.timestamp.map_or(-1, |t| t.as_millis()))?;
                }
                Part::Time => {
                    let time = record.timestamp.map(|time| rfc3339(time.as_millis()));
                    write!(output, "{}", time.as_deref().unwrap_or("-"))?;
                }
                Part::KeyBytes => write!(output, "{}", size(&record.key))?,
                Part::ValueBytes => write!(output, "{}", size(&record.value))?,
            }
        }
        Ok(())
    }
}

/// `a=1,b=2`.
fn print_headers(record: &ConsumerRecord, output: &mut dyn Write) -> io::Result<()> {
    for (index, header) in record.headers.iter().enumerate() {
        if index > 0 {
            output.write_all(b",")?;
        }
        output.write_all(&header.key)?;
        output.write_all(b"=")?;
        output.write_all(header.value.as_deref().unwrap_or_default())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<Part> {
        text.parse::<Template>().unwrap().parts
    }

    #[test]
    fn letters_are_places_and_each_record_ends_its_line_once() {
        let end = || Part::Text(b"\n".to_vec());
        let tab = Part::Text(b"\t".to_vec());
        assert_eq!(parts("%k\\t%v"), [Part::Key, tab, Part::Value, end()]);
        assert_eq!(parts("%s\\n"), [Part::Value, end()]);
        assert_eq!(parts("100%%"), [Part::Text(b"100%\n".to_vec())]);
    }

    #[test]
    fn letters_that_mean_nothing_are_named() {
        assert!(
            "%x".parse::<Template>()
                .unwrap_err()
                .starts_with("%x means nothing")
        );
        assert!("%".parse::<Template>().is_err());
        assert!("\\q".parse::<Template>().is_err());
    }
}
