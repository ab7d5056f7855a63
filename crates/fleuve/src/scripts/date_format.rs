//! Times as a pattern of Java's `SimpleDateFormat` says, in UTC.

use crate::tasks::times::civil_from_days;

/// A pattern, understood.
pub(super) struct DateFormat(Vec<Part>);

enum Part {
    /// One of the letters of `LETTERS`, and how many digits at the least.
    Number(char, usize),
    Text(String),
}

/// Year, month, day, hour, minute, second, millisecond.
const LETTERS: &str = "yMdHmsS";

impl DateFormat {
    /// Patterns of numbers and plain text; names of months and days are refused.
    pub(super) fn parse(pattern: &str) -> Result<DateFormat, String> {
        let mut parts: Vec<Part> = Vec::new();
        for letter in pattern.chars() {
            match parts.last_mut() {
                Some(Part::Number(same, digits)) if *same == letter => *digits += 1,
                _ if LETTERS.contains(letter) => parts.push(Part::Number(letter, 1)),
                _ if letter.is_ascii_alphabetic() || letter == '\'' => {
                    return Err(format!(
                        "--date-format {pattern}: {letter} is not supported, only {LETTERS}"
                    ));
                }
                Some(Part::Text(text)) => text.push(letter),
                _ => parts.push(Part::Text(letter.to_string())),
            }
        }
        match parts
            .iter()
            .find(|part| matches!(part, Part::Number('M', 3..)))
        {
            Some(_) => Err(format!(
                "--date-format {pattern}: names of months are not supported"
            )),
            None => Ok(DateFormat(parts)),
        }
    }

    /// The time of so many milliseconds since 1970.
    pub(super) fn write(&self, millis: i64) -> String {
        let (year, month, day) = civil_from_days(millis.div_euclid(86_400_000));
        let of_day = millis.rem_euclid(86_400_000);
        let number = |letter: char, digits: usize| match letter {
            'y' if digits == 2 => year.rem_euclid(100),
            'y' => year,
            'M' => month,
            'd' => day,
            'H' => of_day / 3_600_000,
            'm' => of_day / 60_000 % 60,
            's' => of_day / 1000 % 60,
            _ => of_day % 1000,
        };
        let part = |part: &Part| match part {
            Part::Number(letter, digits) => format!("{:0digits$}", number(*letter, *digits)),
            Part::Text(text) => text.clone(),
        };
        self.0.iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pattern: &str, millis: i64) -> String {
        DateFormat::parse(pattern).unwrap().write(millis)
    }

    #[test]
    fn times_have_the_digits_of_the_pattern() {
        let pattern = "yyyy-MM-dd HH:mm:ss:SSS";
        assert_eq!(written(pattern, 0), "1970-01-01 00:00:00:000");
        assert_eq!(written(pattern, 951_782_399_007), "2000-02-28 23:59:59:007");
        assert_eq!(written(pattern, 951_782_400_000), "2000-02-29 00:00:00:000");
        assert_eq!(written("yy/M/d H", 1_709_251_200_000), "24/3/1 0");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert!(DateFormat::parse("EEE").is_err());
        assert!(DateFormat::parse("yyyy-MMM").is_err());
        assert!(DateFormat::parse("'at' HH").is_err());
    }
}
