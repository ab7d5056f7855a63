//! JSON text as a tree, with the liberties that Spark's options allow.

use std::borrow::Cow;

/// How deep a document may nest.
const DEPTH_MAX: usize = 500;

/// A value. Numbers keep their text, since their type is decided later.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Boolean(bool),
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// What besides plain JSON is accepted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Syntax {
    pub(crate) single_quotes: bool,
    pub(crate) unquoted_names: bool,
    pub(crate) leading_zeros: bool,
    pub(crate) comments: bool,
    pub(crate) control_characters: bool,
    pub(crate) backslash_any: bool,
    pub(crate) non_numeric: bool,
}

impl Default for Syntax {
    fn default() -> Self {
        Self {
            single_quotes: true,
            unquoted_names: false,
            leading_zeros: false,
            comments: false,
            control_characters: false,
            backslash_any: false,
            non_numeric: true,
        }
    }
}

/// Reads the value at the start of a text. What follows it is not looked at, as Spark does not.
pub(crate) fn parse<'a>(text: &'a str, syntax: &Syntax) -> Option<Json<'a>> {
    parse_at(text, 0, syntax).map(|(value, _)| value)
}

/// Reads the value that begins at a place of a text, and says where it ends.
pub(super) fn parse_at<'a>(text: &'a str, at: usize, syntax: &Syntax) -> Option<(Json<'a>, usize)> {
    let mut parser = Parser {
        text,
        at,
        syntax,
        depth: 0,
    };
    parser.blank();
    let value = parser.value()?;
    Some((value, parser.at))
}

struct Parser<'a, 's> {
    text: &'a str,
    at: usize,
    syntax: &'s Syntax,
    depth: usize,
}

impl<'a> Parser<'a, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn blank(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(b'/') if self.syntax.comments => {
                    let rest = &self.text[self.at..];
                    let end = if rest.starts_with("//") {
                        rest.find('\n').unwrap_or(rest.len())
                    } else if rest.starts_with("/*") {
                        rest.find("*/").map_or(rest.len(), |i| i + 2)
                    } else {
                        return;
                    };
                    self.at += end;
                }
                _ => return,
            }
        }
    }

    fn value(&mut self) -> Option<Json<'a>> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let value = match self.peek()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.string(b'"').map(Json::String),
            b'\'' if self.syntax.single_quotes => self.string(b'\'').map(Json::String),
            b't' => self.word("true", Json::Boolean(true)),
            b'f' => self.word("false", Json::Boolean(false)),
            b'n' => self.word("null", Json::Null),
            b'N' | b'I' | b'+' if self.syntax.non_numeric => self.non_numeric(),
            b'-' if self.syntax.non_numeric && self.text[self.at..].starts_with("-I") => {
                self.non_numeric()
            }
            _ => self.number(),
        };
        self.depth -= 1;
        value
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Option<Json<'a>> {
        let rest = self.text.get(self.at..)?;
        let follows = rest
            .as_bytes()
            .get(word.len())
            .is_some_and(|b| b.is_ascii_alphanumeric());
        if !rest.starts_with(word) || follows {
            return None;
        }
        self.at += word.len();
        Some(value)
    }

    fn non_numeric(&mut self) -> Option<Json<'a>> {
        for word in [
            "NaN",
            "Infinity",
            "-Infinity",
            "+Infinity",
            "INF",
            "+INF",
            "-INF",
        ] {
            if self.text[self.at..].starts_with(word) {
                let start = self.at;
                self.at += word.len();
                return Some(Json::Number(&self.text[start..self.at]));
            }
        }
        None
    }

    fn number(&mut self) -> Option<Json<'a>> {
        let start = self.at;
        let _ = self.take(b'-');
        let digits = self.digits();
        let leading_zero = digits > 1 && self.text.as_bytes()[self.at - digits] == b'0';
        if digits == 0 || (leading_zero && !self.syntax.leading_zeros) {
            return None;
        }
        if self.take(b'.').is_some() && self.digits() == 0 {
            return None;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return None;
            }
        }
        if self
            .peek()
            .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            return None;
        }
        Some(Json::Number(&self.text[start..self.at]))
    }

    fn digits(&mut self) -> usize {
        let count = self.text.as_bytes()[self.at..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        self.at += count;
        count
    }

    fn string(&mut self, quote: u8) -> Option<Cow<'a, str>> {
        self.take(quote)?;
        let bytes = self.text.as_bytes();
        let start = self.at;
        // Most strings hold nothing special.
        while let Some(byte) = bytes.get(self.at) {
            if *byte == quote {
                let text = &self.text[start..self.at];
                self.at += 1;
                return Some(Cow::Borrowed(text));
            }
            if *byte == b'\\' || *byte < 0x20 {
                break;
            }
            self.at += 1;
        }
        let mut text = self.text[start..self.at].to_owned();
        loop {
            let c = self.text[self.at..].chars().next()?;
            self.at += c.len_utf8();
            match c {
                c if c as u32 == u32::from(quote) => return Some(Cow::Owned(text)),
                '\\' => text.push(self.escape()?),
                c if (c as u32) < 0x20 && !self.syntax.control_characters => return None,
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let c = self.text[self.at..].chars().next()?;
        self.at += c.len_utf8();
        Some(match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            '"' | '\\' | '/' => c,
            '\'' if self.syntax.single_quotes => c,
            'u' => {
                let first = self.hexadecimal()?;
                if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    let second = self.hexadecimal()?;
                    let low = second.checked_sub(0xdc00).filter(|l| *l < 0x400)?;
                    return char::from_u32(0x10000 + ((first - 0xd800) << 10) + low);
                }
                char::from_u32(first).unwrap_or('\u{fffd}')
            }
            c if self.syntax.backslash_any => c,
            _ => return None,
        })
    }

    fn hexadecimal(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    fn array(&mut self) -> Option<Json<'a>> {
        self.take(b'[')?;
        let mut values = Vec::new();
        self.blank();
        if self.take(b']').is_some() {
            return Some(Json::Array(values));
        }
        loop {
            self.blank();
            values.push(self.value()?);
            self.blank();
            if self.take(b',').is_none() {
                self.take(b']')?;
                return Some(Json::Array(values));
            }
        }
    }

    fn object(&mut self) -> Option<Json<'a>> {
        self.take(b'{')?;
        let mut fields = Vec::new();
        self.blank();
        if self.take(b'}').is_some() {
            return Some(Json::Object(fields));
        }
        loop {
            self.blank();
            let name = match self.peek()? {
                b'"' => self.string(b'"')?,
                b'\'' if self.syntax.single_quotes => self.string(b'\'')?,
                _ if self.syntax.unquoted_names => self.unquoted_name()?,
                _ => return None,
            };
            self.blank();
            self.take(b':')?;
            self.blank();
            fields.push((name, self.value()?));
            self.blank();
            if self.take(b',').is_none() {
                self.take(b'}')?;
                return Some(Json::Object(fields));
            }
        }
    }

    fn unquoted_name(&mut self) -> Option<Cow<'a, str>> {
        let text: &'a str = self.text;
        let rest = &text[self.at..];
        let length: usize = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-'))
            .map(char::len_utf8)
            .sum();
        self.at += length;
        (length > 0).then(|| Cow::Borrowed(&rest[..length]))
    }
}
