//! Records of plain JSON, read without building a tree.
//!
//! Most records are objects in strict JSON. A [`Skimmer`] walks over one once, holds it to the grammar, and keeps only
//! the values of the fields that are wanted. Always true: what is not plain (liberties that options allow, escapes in
//! names, a wanted name twice, deep nesting, anything malformed) is left to the parser, so both say the same.
//! Start at [`Skimmer::record`].

use std::borrow::Cow;

use super::parse::{Json, Syntax, parse_at};

/// How deep unwanted values are walked through before the parser is asked.
const DEPTH_MAX: usize = 32;

/// Reads records of one schema, one after the other.
pub(super) struct Skimmer<'f> {
    fields: Vec<&'f str>,
    syntax: &'f Syntax,
    /// The names of the record before, in its order, and the fields they stand for: the next record is mostly alike.
    order: Vec<(Vec<u8>, Option<usize>)>,
}

impl<'f> Skimmer<'f> {
    pub(super) fn new(fields: Vec<&'f str>, syntax: &'f Syntax) -> Self {
        Self {
            fields,
            syntax,
            order: Vec::new(),
        }
    }

    /// The field of that name.
    pub(super) fn field(&self, name: &[u8]) -> Option<usize> {
        self.fields
            .iter()
            .position(|field| field.as_bytes() == name)
    }

    /// The same, for the name at that position of a record.
    fn field_at(&mut self, position: usize, name: &[u8]) -> Option<usize> {
        if let Some((known, field)) = self.order.get(position)
            && known == name
        {
            return *field;
        }
        let field = self.field(name);
        match self.order.get_mut(position) {
            Some(entry) => *entry = (name.to_vec(), field),
            None => self.order.push((name.to_vec(), field)),
        }
        field
    }

    /// Puts the values of a record into `cells`, one for each field; false if the parser must be asked, and then
    /// `cells` means nothing.
    pub(super) fn record<'a>(&mut self, text: &'a str, cells: &mut [Option<Json<'a>>]) -> bool {
        self.object(&mut Walk::new(text), cells).is_some()
    }

    fn object<'a>(&mut self, walk: &mut Walk<'a>, cells: &mut [Option<Json<'a>>]) -> Option<()> {
        walk.blank();
        walk.take(b'{')?;
        walk.blank();
        if walk.take(b'}').is_some() {
            return Some(());
        }
        let mut position = 0;
        loop {
            walk.blank();
            let name = walk.plain_string()?;
            walk.blank();
            walk.take(b':')?;
            walk.blank();
            match self.field_at(position, name.as_bytes()) {
                None => walk.skip(DEPTH_MAX)?,
                Some(field) => {
                    let value = walk.value(self.syntax)?;
                    // The last of two counts, which is for the parser to find.
                    if cells[field].replace(value).is_some() {
                        return None;
                    }
                }
            }
            position += 1;
            walk.blank();
            if walk.take(b',').is_none() {
                return walk.take(b'}');
            }
        }
    }
}

/// A place in a text.
struct Walk<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn blank(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// A wanted value. What a string means, or what lies in a container, the parser says.
    fn value(&mut self, syntax: &Syntax) -> Option<Json<'a>> {
        let start = self.at;
        match self.peek()? {
            b'"' => match self.plain_string() {
                Some(text) => return Some(Json::String(Cow::Borrowed(text))),
                None => self.at = start,
            },
            b'-' | b'0'..=b'9' => {
                self.number()?;
                return Some(Json::Number(&self.text[start..self.at]));
            }
            b't' => return self.word("true").map(|()| Json::Boolean(true)),
            b'f' => return self.word("false").map(|()| Json::Boolean(false)),
            b'n' => return self.word("null").map(|()| Json::Null),
            b'{' | b'[' => {}
            _ => return None,
        }
        let (value, end) = parse_at(self.text, start, syntax)?;
        self.at = end;
        Some(value)
    }

    /// Goes past a value that nobody wants.
    fn skip(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'{' => self.skip_all(depth, b'}', |walk| {
                walk.string()?;
                walk.blank();
                walk.take(b':')?;
                walk.blank();
                walk.skip(depth - 1)
            }),
            b'[' => self.skip_all(depth, b']', |walk| walk.skip(depth - 1)),
            _ => None,
        }
    }

    /// Goes past a container, whose every item `item` goes past.
    fn skip_all(
        &mut self,
        depth: usize,
        end: u8,
        item: impl Fn(&mut Self) -> Option<()>,
    ) -> Option<()> {
        if depth == 0 {
            return None;
        }
        self.at += 1;
        self.blank();
        if self.take(end).is_some() {
            return Some(());
        }
        loop {
            self.blank();
            item(self)?;
            self.blank();
            if self.take(b',').is_none() {
                return self.take(end);
            }
        }
    }

    /// A string without escapes.
    fn plain_string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        self.at = special(self.bytes, start);
        self.take(b'"')?;
        self.text.get(start..self.at - 1)
    }

    /// Goes past a string, minding its escapes.
    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            self.at = special(self.bytes, self.at);
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let digits = self.bytes.get(self.at + 2..self.at + 6)?;
                // Halves of characters are for the parser to join.
                let half = matches!(
                    digits[..2],
                    [b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F']
                );
                if half || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.bytes[self.at..]
            .starts_with(word.as_bytes())
            .then_some(())?;
        self.at += word.len();
        self.ends_here()
    }

    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let first = self.peek()?;
        let digits = self.digits()?;
        if first == b'0' && digits > 1 {
            return None;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.ends_here()
    }

    fn digits(&mut self) -> Option<usize> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        (self.at > start).then_some(self.at - start)
    }

    /// Whether a number or a word may end here.
    fn ends_here(&self) -> Option<()> {
        matches!(
            self.peek(),
            Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r')
        )
        .then_some(())
    }
}

/// The first place from `at` on that holds a quote, a backslash or a control character, or the end.
fn special(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Sets the high bit of the first zero byte; bytes above it may be wrong, which nobody looks at.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    while let Some(chunk) = bytes.get(at..at + 8).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let backslashes = zeros(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let found = quotes | backslashes | controls;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the parser makes of the fields `a` and `b` of a record.
    fn parsed<'a>(text: &'a str, syntax: &Syntax) -> Option<Vec<Option<Json<'a>>>> {
        let Json::Object(entries) = crate::functions::json_parse(text, syntax)? else {
            return None;
        };
        let last = |name: &str| entries.iter().rev().find(|(n, _)| n == name);
        Some(
            ["a", "b"]
                .map(|name| last(name).map(|(_, v)| v.clone()))
                .to_vec(),
        )
    }

    #[test]
    fn what_is_skimmed_is_what_the_parser_says() {
        let syntax = Syntax::default();
        let plain = [
            r#"{"a":"x","b":"y"}"#,
            r#"{ "b" : 1 , "c":[1,{"a":"no"}], "a" : -0.5e+3 } after"#,
            r#"{"a":"qu\"ote","c":"\u00e9\n\\","b":{"a":[1,2]}}"#,
            r#"{"a":null,"b":true}"#,
            r#"{"a":"éàü longer than eight bytes","c":"\t"}"#,
            "{}",
        ];
        let mut skimmer = Skimmer::new(vec!["a", "b"], &syntax);
        for text in plain {
            let mut cells = vec![None, None];
            assert!(skimmer.record(text, &mut cells), "{text}");
            assert_eq!(Some(cells), parsed(text, &syntax), "{text}");
        }
        let left_to_the_parser = [
            r#"{"a":"x","a":"y"}"#,
            r#"{'a':"x"}"#,
            r#"{"a":NaN}"#,
            r#"{"a":01}"#,
            r#"{"a":1x}"#,
            r#"{"a":"x""#,
            "{\"a\":\"\u{1}\"}",
            r#"{"c":"\ud83d\ude00","a":1}"#,
            r#"{"a":1,}"#,
            r#"{"c":[1,],"a":1}"#,
            r#"{"c":tru,"a":1}"#,
            "[1]",
            "",
        ];
        for text in left_to_the_parser {
            assert!(!skimmer.record(text, &mut [None, None]), "{text}");
        }
    }

    #[test]
    fn quotes_backslashes_and_controls_are_found_wherever_they_are() {
        for length in 0..40 {
            for (place, byte) in (0..length).flat_map(|p| [b'"', b'\\', 0x1f, 0].map(|b| (p, b))) {
                let mut bytes = vec![0xc3; length];
                bytes[place] = byte;
                assert_eq!(special(&bytes, 0), place);
            }
            assert_eq!(special(&vec![b'!'; length], 0), length);
        }
    }
}
