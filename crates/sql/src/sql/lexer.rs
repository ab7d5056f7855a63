//! SQL text as words, numbers, strings and symbols, each with its place.

use crate::error::{Result, SparkError};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    /// In backquotes.
    Quoted(String),
    Text(String),
    /// Digits with point, exponent and suffix as written.
    Number(String),
    Symbol(&'static str),
}

/// A token and its half-open range of characters.
#[derive(Clone, Debug)]
pub(super) struct Spanned {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Longer symbols before their beginnings.
const SYMBOLS: &[&str] = &[
    "<=>", ">>>", "->", "=>", "<=", ">=", "<>", "!=", "==", "||", "|>", "::", "<<", ">>", "(", ")",
    "[", "]", ",", ";", ".", "+", "-", "*", "/", "%", "<", ">", "=", "!", "&", "|", "^", "~", ":",
    "?", "@", "{", "}", "$",
];

pub(super) fn tokens(text: &str) -> Result<Vec<Spanned>> {
    let characters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        if let Some(next) = skip_blank(&characters, at) {
            at = next;
            continue;
        }
        let start = at;
        let token = token(&characters, &mut at, text)?;
        found.push(Spanned {
            token,
            start,
            end: at,
        });
    }
    Ok(found)
}

/// Past white space or a comment, if there is one.
fn skip_blank(characters: &[char], at: usize) -> Option<usize> {
    let c = characters[at];
    if c.is_whitespace() {
        return Some(at + 1);
    }
    let next = characters.get(at + 1).copied();
    if c == '-' && next == Some('-') {
        let length = characters[at..].iter().take_while(|c| **c != '\n').count();
        return Some(at + length);
    }
    if c == '/' && next == Some('*') {
        let mut depth = 1;
        let mut i = at + 2;
        while i < characters.len() && depth > 0 {
            match (characters[i], characters.get(i + 1)) {
                ('/', Some('*')) => {
                    depth += 1;
                    i += 2;
                }
                ('*', Some('/')) => {
                    depth -= 1;
                    i += 2;
                }
                _ => i += 1,
            }
        }
        return Some(i);
    }
    None
}

fn token(characters: &[char], at: &mut usize, text: &str) -> Result<Token> {
    let c = characters[*at];
    let unclosed = || {
        SparkError::parse_syntax(&c.to_string(), ": a quote is not closed").in_sql(
            text,
            0,
            characters.len(),
        )
    };
    match c {
        '`' => {
            let (word, next) = backquoted(characters, *at).ok_or_else(unclosed)?;
            *at = next;
            Ok(Token::Quoted(word))
        }
        '\'' | '"' => {
            let (word, next) = string(characters, *at, false).ok_or_else(unclosed)?;
            *at = next;
            Ok(Token::Text(word))
        }
        'r' | 'R' if matches!(characters.get(*at + 1), Some('\'' | '"')) => {
            let (word, next) = string(characters, *at + 1, true).ok_or_else(unclosed)?;
            *at = next;
            Ok(Token::Text(word))
        }
        c if c.is_ascii_digit()
            || (c == '.' && characters.get(*at + 1).is_some_and(char::is_ascii_digit)) =>
        {
            Ok(number_or_word(characters, at))
        }
        c if c.is_alphabetic() || c == '_' => {
            let length = word_length(&characters[*at..]);
            let word = characters[*at..*at + length].iter().collect();
            *at += length;
            Ok(Token::Word(word))
        }
        _ => {
            let symbol = SYMBOLS.iter().find(|symbol| {
                symbol
                    .chars()
                    .enumerate()
                    .all(|(i, s)| characters.get(*at + i) == Some(&s))
            });
            let symbol = symbol.ok_or_else(|| {
                SparkError::parse_syntax(&c.to_string(), "").in_sql(text, *at, *at + 1)
            })?;
            *at += symbol.len();
            Ok(Token::Symbol(symbol))
        }
    }
}

fn word_length(characters: &[char]) -> usize {
    characters
        .iter()
        .take_while(|c| c.is_alphanumeric() || **c == '_')
        .count()
}

/// A number; a word that begins with digits (`1abc`) is a word.
fn number_or_word(characters: &[char], at: &mut usize) -> Token {
    let rest = &characters[*at..];
    let digits = |from: usize| {
        rest[from.min(rest.len())..]
            .iter()
            .take_while(|c| c.is_ascii_digit())
            .count()
    };
    let mut length = digits(0);
    if rest.get(length) == Some(&'.') {
        length += 1 + digits(length + 1);
    }
    if matches!(rest.get(length), Some('e' | 'E')) {
        let sign = usize::from(matches!(rest.get(length + 1), Some('+' | '-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    let suffix: String = rest[length..]
        .iter()
        .take(word_length(&rest[length..]))
        .collect();
    let known = ["l", "s", "y", "f", "d", "bd"].contains(&suffix.to_ascii_lowercase().as_str());
    if !suffix.is_empty() && !known && rest[..length].iter().all(char::is_ascii_digit) {
        let length = length + suffix.chars().count();
        *at += length;
        return Token::Word(rest[..length].iter().collect());
    }
    if known {
        length += suffix.chars().count();
    }
    *at += length;
    Token::Number(rest[..length].iter().collect())
}

fn backquoted(characters: &[char], start: usize) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut at = start + 1;
    loop {
        match *characters.get(at)? {
            '`' if characters.get(at + 1) == Some(&'`') => {
                text.push('`');
                at += 2;
            }
            '`' => return Some((text, at + 1)),
            c => {
                text.push(c);
                at += 1;
            }
        }
    }
}

/// A string literal; a backslash escapes unless the string is raw, a doubled quote is the quote.
fn string(characters: &[char], start: usize, raw: bool) -> Option<(String, usize)> {
    let quote = characters[start];
    let mut text = String::new();
    let mut at = start + 1;
    loop {
        let c = *characters.get(at)?;
        at += 1;
        match c {
            c if c == quote && characters.get(at) == Some(&quote) && !raw => {
                text.push(quote);
                at += 1;
            }
            c if c == quote => return Some((text, at)),
            '\\' if !raw => at = escape(characters, at, &mut text)?,
            c => text.push(c),
        }
    }
}

/// What a backslash before `at` means; gives where to go on.
fn escape(characters: &[char], at: usize, text: &mut String) -> Option<usize> {
    let c = *characters.get(at)?;
    let code = |from: usize, length: usize| -> Option<u32> {
        let digits: String = characters.get(from..from + length)?.iter().collect();
        u32::from_str_radix(&digits, 16).ok()
    };
    if matches!(c, 'u' | 'U') {
        let length = if c == 'u' { 4 } else { 8 };
        if let Some(decoded) = code(at + 1, length).and_then(char::from_u32) {
            text.push(decoded);
            return Some(at + 1 + length);
        }
    }
    if ('0'..='3').contains(&c) {
        let digits: Option<String> = characters.get(at..at + 3).map(|d| d.iter().collect());
        if let Some(decoded) = digits
            .and_then(|d| u32::from_str_radix(&d, 8).ok())
            .and_then(char::from_u32)
        {
            text.push(decoded);
            return Some(at + 3);
        }
    }
    match c {
        'n' => text.push('\n'),
        't' => text.push('\t'),
        'r' => text.push('\r'),
        'b' => text.push('\u{8}'),
        '0' => text.push('\0'),
        'Z' => text.push('\u{1a}'),
        // These stay escaped, for LIKE.
        '%' | '_' => {
            text.push('\\');
            text.push(c);
        }
        c => text.push(c),
    }
    Some(at + 1)
}
