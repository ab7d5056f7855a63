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
/// Of how many fields the order is remembered.
const ORDER_MAX: usize = 256;
/// How far ahead in that order the next field is looked for: records leave fields out.
const AHEAD_MAX: usize = 8;

/// Reads records of one schema, one after the other.
pub(super) struct Skimmer<'f> {
    fields: Vec<&'f str>,
    syntax: &'f Syntax,
    /// What has led to values, in the order that it came: the next record is mostly alike.
    order: Vec<Lead>,
}

/// What stands before a value: all from the end of the value before it, or from the start of the record.
struct Lead {
    bytes: Vec<u8>,
    is_first: bool,
    field: Option<usize>,
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

    /// Puts the values of a record into `cells`, one for each field; false if the parser must be asked, and then
    /// `cells` means nothing.
    pub(super) fn record<'a>(&mut self, text: &'a str, cells: &mut [Option<Json<'a>>]) -> bool {
        self.object(&mut Walk::new(text), cells).is_some()
    }

    fn object<'a>(&mut self, walk: &mut Walk<'a>, cells: &mut [Option<Json<'a>>]) -> Option<()> {
        let mut next = 0;
        loop {
            let field = match self.expected(&mut next, walk) {
                Some(field) => field,
                None => {
                    let start = walk.at;
                    let is_first = start == 0;
                    let Some(name) = walk.name(is_first)? else {
                        return Some(());
                    };
                    let (bytes, field) = (walk.bytes[start..walk.at].to_vec(), self.field(name));
                    let lead = Lead {
                        bytes,
                        is_first,
                        field,
                    };
                    self.learn(&mut next, lead);
                    field
                }
            };
            walk.blank();
            match field {
                None => walk.skip(DEPTH_MAX)?,
                Some(field) => {
                    let value = walk.value(self.syntax)?;
                    // The last of two counts, which is for the parser to find.
                    if cells[field].replace(value).is_some() {
                        return None;
                    }
                }
            }
        }
    }

    /// Goes to the next value if what leads to it was seen before, at about this place of the order, and gives the
    /// field that it is of.
    fn expected(&self, next: &mut usize, walk: &mut Walk<'_>) -> Option<Option<usize>> {
        let ahead = self.order.iter().enumerate().skip(*next).take(AHEAD_MAX);
        for (place, lead) in ahead {
            if lead.is_first == (walk.at == 0) && walk.take_all(&lead.bytes) {
                *next = place + 1;
                return Some(lead.field);
            }
        }
        None
    }

    /// Remembers what led to a value, in its place of the order.
    fn learn(&mut self, next: &mut usize, lead: Lead) {
        if self.order.len() < ORDER_MAX {
            self.order.insert(*next, lead);
            *next += 1;
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

    /// Goes past `bytes` if they come next.
    fn take_all(&mut self, bytes: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(bytes);
        if found {
            self.at += bytes.len();
        }
        found
    }

    /// Goes to the next value of an object and gives its name; the inner option says whether there is another one.
    fn name(&mut self, first: bool) -> Option<Option<&'a [u8]>> {
        self.blank();
        if first {
            self.take(b'{')?;
            self.blank();
            if self.take(b'}').is_some() {
                return Some(None);
            }
        } else if self.take(b',').is_none() {
            return self.take(b'}').map(|()| None);
        }
        self.blank();
        let name = self.plain_string()?;
        self.blank();
        self.take(b':')?;
        Some(Some(name.as_bytes()))
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
            // What leads to a value elsewhere does not lead to it here.
            r#","b":1}"#,
            r#"{"b":"y"{"a":"x"}"#,
            r#"{"a":"x"{"a":"x","b":"y"}"#,
        ];
        for text in left_to_the_parser {
            assert!(!skimmer.record(text, &mut [None, None]), "{text}");
        }
    }

    #[test]
    fn fields_that_come_and_go_and_change_places_are_found() {
        let syntax = Syntax::default();
        let mut skimmer = Skimmer::new(vec!["a", "b"], &syntax);
        let names = ["a", "b", "c", "d"];
        let mut seed = 1_u64;
        for _ in 0..2_000 {
            let mut fields = Vec::new();
            for name in names {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let separator = ["", " ", "\t "][(seed >> 33) as usize % 3];
                if (seed >> 40).is_multiple_of(3) {
                    fields.insert(
                        (seed >> 45) as usize % (fields.len() + 1),
                        format!("{separator}\"{name}\":{separator}{}", seed >> 50),
                    );
                }
            }
            let text = format!("{{{}}}", fields.join(","));
            let mut cells = vec![None, None];
            assert!(skimmer.record(&text, &mut cells), "{text}");
            assert_eq!(Some(cells), parsed(&text, &syntax), "{text}");
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
