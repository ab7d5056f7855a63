//! Types and schemas as text: `array<int>`, `a INT NOT NULL, b STRING COMMENT 'x'`.

use super::parse_json_data_type;
use crate::error::{Result, SparkError};
use crate::ir::{
    DataType, DayTimeField, StringConstraint, StructField, StructType, YearMonthField,
};

/// How deep a type may nest.
const DEPTH_MAX: usize = 200;

/// Reads one type.
pub fn parse_data_type(text: &str) -> Result<DataType> {
    let mut reader = Reader::new(text)?;
    let data_type = reader.data_type(0)?;
    reader.end()?;
    Ok(data_type)
}

/// Reads a list of columns.
pub fn parse_table_schema(text: &str) -> Result<StructType> {
    let mut reader = Reader::new(text)?;
    let fields = reader.columns(None, 0)?;
    reader.end()?;
    Ok(StructType::new(fields))
}

/// Reads whatever a client may give as a schema: JSON, a type, or a list of columns.
pub fn parse_schema(text: &str) -> Result<DataType> {
    let trimmed = text.trim();
    if trimmed.starts_with('{') || trimmed.starts_with('"') {
        return parse_json_data_type(trimmed);
    }
    if trimmed.is_empty() {
        return Ok(DataType::Struct(StructType::default()));
    }
    match parse_data_type(text) {
        Ok(data_type) => Ok(data_type),
        Err(error) => match parse_table_schema(text) {
            Ok(schema) => Ok(DataType::Struct(schema)),
            Err(table_error) if table_error.class() == "UNSUPPORTED_DATATYPE" => Err(table_error),
            Err(table_error) => Err(if text.contains(' ') {
                table_error
            } else {
                error
            }),
        },
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// An unquoted word.
    Word(String),
    /// A name in backticks.
    Quoted(String),
    Text(String),
    Symbol(char),
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Result<Self> {
        Ok(Self {
            text,
            tokens: tokens(text)?,
            next: 0,
        })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += 1;
        token
    }

    fn take_symbol(&mut self, symbol: char) -> bool {
        let found = self.peek() == Some(&Token::Symbol(symbol));
        self.next += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn expect_symbol(&mut self, symbol: char) -> Result<()> {
        if self.take_symbol(symbol) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn unexpected(&self) -> SparkError {
        let near = match self.peek() {
            Some(Token::Word(word) | Token::Quoted(word) | Token::Text(word)) => word.clone(),
            Some(Token::Symbol(symbol)) => symbol.to_string(),
            None => "EOF".to_owned(),
        };
        SparkError::parse_syntax(&near, "").in_sql(self.text, 0, self.text.chars().count())
    }

    fn end(&self) -> Result<()> {
        if self.next >= self.tokens.len() {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn data_type(&mut self, depth: usize) -> Result<DataType> {
        if depth > DEPTH_MAX {
            return Err(SparkError::plan_too_deep(DEPTH_MAX));
        }
        let Some(Token::Word(word)) = self.peek().cloned() else {
            return Err(self.unexpected());
        };
        self.next += 1;
        let data_type = match word.to_ascii_lowercase().as_str() {
            "boolean" => DataType::Boolean,
            "tinyint" | "byte" => DataType::Byte,
            "smallint" | "short" => DataType::Short,
            "int" | "integer" => DataType::Integer,
            "bigint" | "long" => DataType::Long,
            "float" | "real" => DataType::Float,
            "double" => DataType::Double,
            "decimal" | "dec" | "numeric" => self.decimal()?,
            "string" => self.collated_string()?,
            "char" | "character" => DataType::String(StringConstraint::Char(self.length(&word)?)),
            "varchar" => DataType::String(StringConstraint::Varchar(self.length(&word)?)),
            "binary" => DataType::Binary,
            "date" => DataType::Date,
            "timestamp" | "timestamp_ltz" => self.timestamp()?,
            "timestamp_ntz" => DataType::TimestampNtz,
            "time" => DataType::Time {
                precision: self.optional_number(6)? as u8,
            },
            "void" | "null" => DataType::Null,
            "variant" => DataType::Variant,
            "interval" => self.interval()?,
            "array" => {
                self.expect_symbol('<')?;
                let element = self.data_type(depth + 1)?;
                self.expect_symbol('>')?;
                DataType::array(element, true)
            }
            "map" => {
                self.expect_symbol('<')?;
                let key = self.data_type(depth + 1)?;
                self.expect_symbol(',')?;
                let value = self.data_type(depth + 1)?;
                self.expect_symbol('>')?;
                DataType::map(key, value, true)
            }
            "struct" => {
                self.expect_symbol('<')?;
                let fields = self.columns(Some('>'), depth + 1)?;
                self.expect_symbol('>')?;
                DataType::structure(fields)
            }
            _ => {
                return Err(
                    SparkError::unsupported_data_type_string(&word.to_uppercase()).in_sql(
                        self.text,
                        0,
                        self.text.chars().count(),
                    ),
                );
            }
        };
        Ok(data_type)
    }

    fn decimal(&mut self) -> Result<DataType> {
        if !self.take_symbol('(') {
            return Ok(DataType::DECIMAL_DEFAULT);
        }
        let precision = self.number()?;
        let scale = if self.take_symbol(',') {
            self.number()?
        } else {
            0
        };
        self.expect_symbol(')')?;
        if precision > 38 {
            return Err(SparkError::decimal_precision(precision));
        }
        if scale > precision {
            return Err(SparkError::decimal_scale(scale, precision));
        }
        Ok(DataType::Decimal {
            precision: precision as u8,
            scale: scale as i8,
        })
    }

    fn collated_string(&mut self) -> Result<DataType> {
        if !self.take_word("collate") {
            return Ok(DataType::STRING);
        }
        match self.take() {
            Some(Token::Word(name) | Token::Quoted(name))
                if name.eq_ignore_ascii_case("utf8_binary") =>
            {
                Ok(DataType::STRING)
            }
            Some(Token::Word(name) | Token::Quoted(name)) => {
                Ok(DataType::String(StringConstraint::Collation(name)))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn timestamp(&mut self) -> Result<DataType> {
        if self.take_word("without") {
            return match self.take_word("time") && self.take_word("zone") {
                true => Ok(DataType::TimestampNtz),
                false => Err(self.unexpected()),
            };
        }
        Ok(DataType::Timestamp)
    }

    fn interval(&mut self) -> Result<DataType> {
        let Some(start) = self.interval_field() else {
            return Ok(DataType::CalendarInterval);
        };
        let end = if self.take_word("to") {
            self.interval_field().ok_or_else(|| self.unexpected())?
        } else {
            start
        };
        match (start, end) {
            (IntervalField::YearMonth(start), IntervalField::YearMonth(end)) if start <= end => {
                Ok(DataType::YearMonthInterval { start, end })
            }
            (IntervalField::DayTime(start), IntervalField::DayTime(end)) if start <= end => {
                Ok(DataType::DayTimeInterval { start, end })
            }
            _ => Err(self.unexpected()),
        }
    }

    fn interval_field(&mut self) -> Option<IntervalField> {
        let fields = [
            ("year", IntervalField::YearMonth(YearMonthField::Year)),
            ("month", IntervalField::YearMonth(YearMonthField::Month)),
            ("day", IntervalField::DayTime(DayTimeField::Day)),
            ("hour", IntervalField::DayTime(DayTimeField::Hour)),
            ("minute", IntervalField::DayTime(DayTimeField::Minute)),
            ("second", IntervalField::DayTime(DayTimeField::Second)),
        ];
        fields
            .into_iter()
            .find_map(|(word, field)| self.take_word(word).then_some(field))
    }

    fn length(&mut self, name: &str) -> Result<u32> {
        if !self.take_symbol('(') {
            return Err(SparkError::data_type_missing_size(&name.to_uppercase()));
        }
        let length = self.number()?;
        self.expect_symbol(')')?;
        Ok(length)
    }

    fn optional_number(&mut self, default: u32) -> Result<u32> {
        if !self.take_symbol('(') {
            return Ok(default);
        }
        let number = self.number()?;
        self.expect_symbol(')')?;
        Ok(number)
    }

    fn number(&mut self) -> Result<u32> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let number = word.parse().map_err(|_| self.unexpected())?;
                self.next += 1;
                Ok(number)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Columns up to `end` (not taken) or the end of the text.
    fn columns(&mut self, end: Option<char>, depth: usize) -> Result<Vec<StructField>> {
        let mut fields = Vec::new();
        let at_end = |reader: &Self| match end {
            Some(end) => reader.peek() == Some(&Token::Symbol(end)),
            None => reader.peek().is_none(),
        };
        if at_end(self) {
            return Ok(fields);
        }
        loop {
            fields.push(self.column(depth)?);
            if !self.take_symbol(',') {
                return Ok(fields);
            }
        }
    }

    fn column(&mut self, depth: usize) -> Result<StructField> {
        let name = match self.take() {
            Some(Token::Word(name) | Token::Quoted(name)) => name,
            _ => {
                self.next -= 1;
                return Err(self.unexpected());
            }
        };
        self.take_symbol(':');
        let data_type = self.data_type(depth)?;
        let mut field = StructField::new(name, data_type, true);
        loop {
            if self.take_word("not") {
                if !self.take_word("null") {
                    return Err(self.unexpected());
                }
                field.nullable = false;
            } else if self.take_word("comment") {
                let Some(Token::Text(comment)) = self.take() else {
                    return Err(self.unexpected());
                };
                field.metadata = Some(serde_json::json!({ "comment": comment }).to_string());
            } else {
                return Ok(field);
            }
        }
    }
}

enum IntervalField {
    YearMonth(YearMonthField),
    DayTime(DayTimeField),
}

impl Copy for IntervalField {}
impl Clone for IntervalField {
    fn clone(&self) -> Self {
        *self
    }
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = characters.get(at) {
        match c {
            c if c.is_whitespace() => at += 1,
            '`' => {
                let (word, next) = quoted(&characters, at, '`')
                    .ok_or_else(|| SparkError::parse_syntax("`", ""))?;
                tokens.push(Token::Quoted(word));
                at = next;
            }
            '\'' | '"' => {
                let (word, next) = quoted(&characters, at, c)
                    .ok_or_else(|| SparkError::parse_syntax(&c.to_string(), ""))?;
                tokens.push(Token::Text(word));
                at = next;
            }
            c if c.is_alphanumeric() || c == '_' => {
                let length = characters[at..]
                    .iter()
                    .take_while(|c| c.is_alphanumeric() || **c == '_')
                    .count();
                tokens.push(Token::Word(characters[at..at + length].iter().collect()));
                at += length;
            }
            symbol => {
                tokens.push(Token::Symbol(symbol));
                at += 1;
            }
        }
    }
    Ok(tokens)
}

/// The text between quotes starting at `start`, where a doubled quote stands for itself, and what comes after.
fn quoted(characters: &[char], start: usize, quote: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut at = start + 1;
    loop {
        let c = *characters.get(at)?;
        at += 1;
        if c != quote {
            text.push(c);
        } else if characters.get(at) == Some(&quote) {
            text.push(quote);
            at += 1;
        } else {
            return Some((text, at));
        }
    }
}
