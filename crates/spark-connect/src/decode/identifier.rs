//! Names of several parts, as `a.b` or `` `a.b`.c ``.

use fleuve_sql::error::SparkError;

use super::Result;

/// The parts of `name`: split at dots outside of backticks, a doubled backtick being one.
pub(super) fn parts(name: &str) -> Result<Vec<String>> {
    let invalid = || SparkError::invalid_attribute_name(name).into();
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut characters = name.chars().peekable();
    loop {
        match characters.next() {
            Some('`') if part.is_empty() => {
                part = quoted(&mut characters).ok_or_else(invalid)?;
                if !matches!(characters.peek(), None | Some('.')) {
                    return Err(invalid());
                }
            }
            Some('`') => return Err(invalid()),
            Some('.') if part.is_empty() || characters.peek().is_none() => return Err(invalid()),
            Some('.') => parts.push(std::mem::take(&mut part)),
            Some(character) => part.push(character),
            None => break,
        }
    }
    parts.push(part);
    Ok(parts)
}

/// The text up to the closing backtick.
fn quoted(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    loop {
        match characters.next()? {
            '`' if characters.peek() == Some(&'`') => {
                characters.next();
                text.push('`');
            }
            '`' => return Some(text),
            character => text.push(character),
        }
    }
}
