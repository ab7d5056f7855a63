//! Java's properties format, as `server.properties` is written.
//!
//! Every value knows where it came from, so that an error can name file and line. Later
//! layers win over earlier ones: file, then environment, then `--override`.
//! Start at [`Properties::parse`].

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of a file; the first line is 1.
    File { path: Arc<Path>, line: usize },
    /// A variable of the environment.
    Environment(String),
    /// An `--override key=value` of the command line.
    Override,
    /// The program itself, for a server without a file.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => write!(f, "environment variable {name}"),
            Origin::Override => f.write_str("--override"),
            Origin::BuiltIn => f.write_str("built-in default"),
        }
    }
}

/// One value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The text after the separator, escapes resolved.
    pub value: String,
    /// Where it stands.
    pub origin: Origin,
}

/// Keys and values in the order of their first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    entries: IndexMap<String, Property>,
}

/// A line that is not in the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {reason}")]
pub struct MalformedProperties {
    /// The offending line.
    pub origin: Origin,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a file of properties was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadPropertiesError {
    /// The file.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A line of it.
    #[error(transparent)]
    Malformed(#[from] MalformedProperties),
}

impl Properties {
    /// No properties at all.
    pub fn new() -> Properties {
        Properties::default()
    }

    /// Reads the file at `path`. Java writes these files in Latin-1; one that is UTF-8 is meant as such.
    pub fn read(path: &Path) -> Result<Properties, ReadPropertiesError> {
        let bytes = std::fs::read(path).map_err(|reason| ReadPropertiesError::Unreadable {
            path: path.to_owned(),
            reason,
        })?;
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|latin| latin.into_bytes().into_iter().map(char::from).collect());
        Ok(Properties::parse(path, &text)?)
    }

    /// Reads `text` as the content of `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Properties, MalformedProperties> {
        let path: Arc<Path> = Arc::from(PathBuf::from(path));
        let mut properties = Properties::new();
        for logical in logical_lines(text) {
            let origin = Origin::File {
                path: Arc::clone(&path),
                line: logical.line,
            };
            let (key, value) = split_key(&logical.text);
            let unescaped = |raw: &str| {
                unescape(raw).map_err(|reason| MalformedProperties {
                    origin: origin.clone(),
                    reason,
                })
            };
            let (key, value) = (unescaped(key)?, unescaped(value)?);
            properties.set(&key, &value, origin);
        }
        Ok(properties)
    }

    /// Sets `key`; an earlier value of it is gone.
    pub fn set(&mut self, key: &str, value: &str, origin: Origin) {
        self.entries.insert(
            key.to_owned(),
            Property {
                value: value.to_owned(),
                origin,
            },
        );
    }

    /// Sets `key` from the command line.
    pub fn set_override(&mut self, key: &str, value: &str) {
        self.set(key, value, Origin::Override);
    }

    /// Lays `later` over these.
    pub fn overlay(&mut self, later: Properties) {
        self.entries.extend(later.entries);
    }

    /// The property of `key`.
    pub fn get(&self, key: &str) -> Option<&Property> {
        self.entries.get(key)
    }

    /// Whether `key` was written anywhere.
    pub fn contains(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Every key with its property.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Property)> {
        self.entries
            .iter()
            .map(|(key, property)| (key.as_str(), property))
    }
}

/// One entry's text, continuation lines joined.
struct LogicalLine {
    /// The number of its first line.
    line: usize,
    text: String,
}

fn logical_lines(text: &str) -> Vec<LogicalLine> {
    let mut logical: Vec<LogicalLine> = Vec::new();
    let mut continues = false;
    for (index, line) in text.lines().enumerate() {
        let content = line.trim_start_matches([' ', '\t', '\x0c']);
        let is_comment = content.is_empty() || content.starts_with(['#', '!']);
        if !continues && is_comment {
            continue;
        }
        let backslashes = content
            .bytes()
            .rev()
            .take_while(|byte| *byte == b'\\')
            .count();
        let goes_on = backslashes % 2 == 1;
        let kept = if goes_on {
            &content[..content.len() - 1]
        } else {
            content
        };
        match logical.last_mut() {
            Some(last) if continues => last.text.push_str(kept),
            _ => logical.push(LogicalLine {
                line: index + 1,
                text: kept.to_owned(),
            }),
        }
        continues = goes_on;
    }
    logical
}

/// Splits at the first unescaped `=`, `:` or blank; blanks around the separator belong to it.
fn split_key(line: &str) -> (&str, &str) {
    let is_blank = |symbol: char| matches!(symbol, ' ' | '\t' | '\x0c');
    let mut escaped = false;
    let end = line.find(|symbol: char| {
        let ends = !escaped && (is_blank(symbol) || matches!(symbol, '=' | ':'));
        escaped = !escaped && symbol == '\\';
        ends
    });
    let Some(end) = end else { return (line, "") };
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(is_blank))
}

fn unescape(raw: &str) -> Result<String, String> {
    let mut text = String::with_capacity(raw.len());
    let mut symbols = raw.chars();
    while let Some(symbol) = symbols.next() {
        if symbol != '\\' {
            text.push(symbol);
            continue;
        }
        match symbols.next() {
            Some('t') => text.push('\t'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('f') => text.push('\x0c'),
            Some('u') => text.push(unicode_escape(&mut symbols)?),
            Some(other) => text.push(other),
            None => {}
        }
    }
    Ok(text)
}

fn unicode_escape(symbols: &mut std::str::Chars<'_>) -> Result<char, String> {
    let digits: String = symbols.take(4).collect();
    u32::from_str_radix(&digits, 16)
        .ok()
        .filter(|_| digits.len() == 4)
        .and_then(char::from_u32)
        .ok_or_else(|| format!("\\u{digits} is not four hexadecimal digits of a character"))
}
