//! Names with dots and backticks.

use crate::error::{Result, SparkError};

/// The parts of a name: `a.b` is two, `` `a.b` `` is one.
pub fn parse_identifier(text: &str) -> Result<Vec<String>> {
    let invalid = || SparkError::invalid_attribute_name(text);
    let mut parts = Vec::new();
    let mut characters = text.chars().peekable();
    loop {
        let mut part = String::new();
        if characters.peek() == Some(&'`') {
            characters.next();
            loop {
                match characters.next().ok_or_else(invalid)? {
                    '`' if characters.peek() == Some(&'`') => {
                        characters.next();
                        part.push('`');
                    }
                    '`' => break,
                    c => part.push(c),
                }
            }
        } else {
            while let Some(c) = characters.peek().copied().filter(|c| *c != '.') {
                if c == '`' {
                    return Err(invalid());
                }
                part.push(c);
                characters.next();
            }
            if part.is_empty() {
                return Err(invalid());
            }
        }
        parts.push(part);
        match characters.next() {
            None => return Ok(parts),
            Some('.') => {}
            Some(_) => return Err(invalid()),
        }
    }
}
