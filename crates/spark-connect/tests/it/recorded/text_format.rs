//! Messages as text, the way protocol buffers print them, and back to bytes.
//!
//! The schema is a list of facts: messages, their fields with numbers and types. A text that was cut off counts as if
//! all that was open had been closed, and says so.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bytes(Vec<u8>),
    Word(String),
    Message(Text),
}

/// A message: its fields in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Text {
    pub(crate) fields: Vec<(String, Value)>,
}

impl Text {
    /// Reads a text; the second is true if it was cut off.
    pub(crate) fn parse(text: &str) -> (Self, bool) {
        let mut reader = Reader {
            chars: text.chars().peekable(),
            is_cut: false,
        };
        let message = reader.fields(true);
        (message, reader.is_cut)
    }

    pub(crate) fn string(&self, name: &str) -> Option<String> {
        self.fields.iter().find_map(|(n, value)| match value {
            Value::Bytes(bytes) if n == name => String::from_utf8(bytes.clone()).ok(),
            _ => None,
        })
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let before = self.fields.len();
        self.fields.retain(|(n, _)| n != name);
        self.fields.len() < before
    }
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    is_cut: bool,
}

impl Reader<'_> {
    fn fields(&mut self, outermost: bool) -> Text {
        let mut message = Text::default();
        loop {
            self.blanks();
            match self.chars.peek() {
                None => {
                    self.is_cut |= !outermost;
                    return message;
                }
                Some('}') => {
                    self.chars.next();
                    return message;
                }
                Some(_) => {}
            }
            let name = self.word();
            if self.chars.next_if_eq(&':').is_some() {
                self.blanks();
            } else {
                self.blanks();
                if self.chars.peek() != Some(&'{') {
                    self.is_cut = true;
                    return message;
                }
            }
            match self.value() {
                Some(value) => message.fields.push((name, value)),
                None => {
                    self.is_cut = true;
                    return message;
                }
            }
        }
    }

    fn value(&mut self) -> Option<Value> {
        match self.chars.peek()? {
            '{' => {
                self.chars.next();
                Some(Value::Message(self.fields(false)))
            }
            '"' => self.quoted().map(Value::Bytes),
            _ => {
                let word = self.word();
                (!word.is_empty()).then_some(Value::Word(word))
            }
        }
    }

    fn blanks(&mut self) {
        while self.chars.next_if(|c| c.is_whitespace()).is_some() {}
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self
            .chars
            .next_if(|c| c.is_ascii_alphanumeric() || "_.-+".contains(*c))
        {
            word.push(c);
        }
        if word.is_empty() {
            // What is no word is the rest of something that was cut off.
            self.chars.next();
        }
        word
    }

    fn quoted(&mut self) -> Option<Vec<u8>> {
        self.chars.next();
        let mut bytes = Vec::new();
        loop {
            match self.chars.next()? {
                '"' => return Some(bytes),
                '\\' => bytes.push(self.escaped()?),
                c => bytes.extend(c.to_string().bytes()),
            }
        }
    }

    fn escaped(&mut self) -> Option<u8> {
        Some(match self.chars.next()? {
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            c @ '0'..='7' => {
                let mut code = c.to_digit(8)?;
                for _ in 0..2 {
                    if let Some(digit) = self.chars.next_if(|c| ('0'..='7').contains(c)) {
                        code = code * 8 + digit.to_digit(8)?;
                    }
                }
                u8::try_from(code).ok()?
            }
            c => u8::try_from(c).ok()?,
        })
    }
}

/// The messages' fields: name to number and type.
pub(crate) struct Schema {
    messages: BTreeMap<String, BTreeMap<String, (u32, String)>>,
    enums: BTreeMap<String, u64>,
}

impl Schema {
    pub(crate) fn parse(facts: &str) -> Self {
        let mut schema = Self {
            messages: BTreeMap::new(),
            enums: BTreeMap::new(),
        };
        let mut current = String::new();
        for line in facts.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["==" | "--", name, ..] => {
                    current = (*name).to_owned();
                    schema.messages.entry(current.clone()).or_default();
                }
                ["enum", _, values @ ..] => {
                    for (number, value) in (0u64..).zip(values) {
                        let name = value.trim_matches(|c: char| !c.is_alphanumeric());
                        schema.enums.insert(name.to_owned(), number);
                    }
                }
                [number, field, ..] => {
                    if let (Ok(number), Some((name, kind))) =
                        (number.parse(), field.split_once(':'))
                    {
                        let fields = schema.messages.entry(current.clone()).or_default();
                        fields.insert(name.to_owned(), (number, kind.to_owned()));
                    }
                }
                _ => {}
            }
        }
        schema
    }

    /// The bytes of a message.
    pub(crate) fn encode(&self, message: &str, text: &Text) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, value) in &text.fields {
            let Some((number, kind)) = self.field(message, name) else {
                panic!("`{message}` has no field `{name}`");
            };
            match value {
                Value::Message(inner) => {
                    let kind = self.resolve(message, &kind);
                    let inner = self.encode(&kind, inner);
                    delimited(&mut bytes, number, &inner);
                }
                Value::Bytes(inner) => delimited(&mut bytes, number, inner),
                Value::Word(word) => self.scalar(&mut bytes, number, &kind, word),
            }
        }
        bytes
    }

    fn field(&self, message: &str, name: &str) -> Option<(u32, String)> {
        if message.ends_with("Entry") {
            let number = if name == "key" { 1 } else { 2 };
            return Some((number, "9".to_owned()));
        }
        self.messages.get(message)?.get(name).cloned()
    }

    /// The full name of a type that a field of `message` names.
    fn resolve(&self, message: &str, kind: &str) -> String {
        if kind.ends_with("Entry") {
            return kind.to_owned();
        }
        let mut around = Some(message);
        while let Some(outer) = around {
            let candidate = format!("{outer}.{kind}");
            if self.messages.contains_key(&candidate) {
                return candidate;
            }
            around = outer.rsplit_once('.').map(|(outer, _)| outer);
        }
        if self.messages.contains_key(kind) {
            return kind.to_owned();
        }
        let suffix = format!(".{kind}");
        let mut nested = self.messages.keys().filter(|name| name.ends_with(&suffix));
        let found = nested
            .next()
            .unwrap_or_else(|| panic!("no message `{kind}`"));
        found.clone()
    }

    fn scalar(&self, bytes: &mut Vec<u8>, number: u32, kind: &str, word: &str) {
        let number = u64::from(number) << 3;
        match kind {
            "1" => {
                varint(bytes, number | 1);
                bytes.extend(word.parse::<f64>().expect("a double").to_le_bytes());
            }
            "2" => {
                varint(bytes, number | 5);
                bytes.extend(word.parse::<f32>().expect("a float").to_le_bytes());
            }
            "8" => {
                varint(bytes, number);
                varint(bytes, u64::from(word == "true"));
            }
            _ => {
                let value = match word.parse::<i64>() {
                    Ok(value) => value as u64,
                    Err(_) => self.enums.get(word).copied().unwrap_or_default(),
                };
                varint(bytes, number);
                varint(bytes, value);
            }
        }
    }
}

fn delimited(bytes: &mut Vec<u8>, number: u32, inner: &[u8]) {
    varint(bytes, u64::from(number) << 3 | 2);
    varint(bytes, inner.len() as u64);
    bytes.extend(inner);
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
