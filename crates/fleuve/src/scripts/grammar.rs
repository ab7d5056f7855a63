//! The command lines of Kafka's scripts: which options a script has, and what was given.
//!
//! A script declares its options once, in a [`Grammar`]; parsing, `--help` and the usage that a
//! mistake prints all come from that one table. The rules are those that Kafka's scripts follow
//! (joptsimple without abbreviations): `--name value` and `--name=value`, an option may be given
//! again, an unknown option ends the script. Start at [`Grammar::parse`].

use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// One option of a script.
pub(super) struct OptionSpec {
    /// Its name, without the dashes.
    pub name: &'static str,
    /// What it takes.
    pub argument: Argument,
    /// What it is for, as the usage says it.
    pub description: &'static str,
}

/// What stands behind an option's name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    /// Nothing: the option is a switch.
    None,
    /// Any text; the word names it in the usage.
    Text(&'static str),
    /// A whole number of 32 bits; the word names it in the usage.
    Integer(&'static str),
    /// A whole number of 64 bits; the word names it in the usage.
    Long(&'static str),
    /// Text that may be left away.
    Optional(&'static str),
}

/// A switch.
pub(super) const fn switch(name: &'static str, description: &'static str) -> OptionSpec {
    OptionSpec {
        name,
        argument: Argument::None,
        description,
    }
}

/// An option that takes text.
pub(super) const fn text(
    name: &'static str,
    what: &'static str,
    description: &'static str,
) -> OptionSpec {
    OptionSpec {
        name,
        argument: Argument::Text(what),
        description,
    }
}

/// An option that takes a whole number of 32 bits.
pub(super) const fn integer(
    name: &'static str,
    what: &'static str,
    description: &'static str,
) -> OptionSpec {
    OptionSpec {
        name,
        argument: Argument::Integer(what),
        description,
    }
}

/// An option that takes a whole number of 64 bits.
pub(super) const fn long(
    name: &'static str,
    what: &'static str,
    description: &'static str,
) -> OptionSpec {
    OptionSpec {
        name,
        argument: Argument::Long(what),
        description,
    }
}

/// The options of a script, and what the script is for.
pub(super) struct Grammar {
    /// One sentence, printed above the options.
    pub purpose: &'static str,
    /// Every option but `--help` and `--version`, which every script has.
    pub options: &'static [OptionSpec],
}

/// Why a command line was not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum GrammarError {
    /// The script has no such option.
    #[error("{0} is not a recognized option")]
    Unknown(String),
    /// The option takes an argument and stands last.
    #[error("Option {0} requires an argument")]
    ArgumentMissing(String),
    /// The argument is not of the option's kind.
    #[error("Cannot parse argument '{argument}' of option {option}")]
    ArgumentMalformed { option: String, argument: String },
    /// A switch was given an argument.
    #[error("Option {0} takes no argument")]
    ArgumentUnexpected(String),
}

/// `--help` and `--version`.
const COMMON: &[OptionSpec] = &[
    switch("help", "Print usage information."),
    switch("version", "Display Kafka version."),
];

impl Grammar {
    /// Understands `words`, the command line without the script's name.
    pub(super) fn parse(&self, words: &[String]) -> Result<Given, GrammarError> {
        let mut given = Given {
            words: words.to_vec(),
            ..Given::default()
        };
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let Some(option) = word.strip_prefix("--").filter(|name| !name.is_empty()) else {
                given.positional.push(word.clone());
                continue;
            };
            let (name, inline) = match option.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (option, None),
            };
            let spec = self
                .find(name)
                .ok_or_else(|| GrammarError::Unknown(name.to_owned()))?;
            let value = match spec.argument {
                Argument::None if inline.is_some() => {
                    return Err(GrammarError::ArgumentUnexpected(name.to_owned()));
                }
                Argument::None => None,
                Argument::Optional(_) => {
                    inline.or_else(|| words.next_if(|next| !next.starts_with("--")).cloned())
                }
                _ => Some(
                    inline
                        .or_else(|| words.next().cloned())
                        .ok_or_else(|| GrammarError::ArgumentMissing(name.to_owned()))?,
                ),
            };
            check_kind(spec, value.as_deref())?;
            given.note(spec.name, value);
        }
        Ok(given)
    }

    fn find(&self, name: &str) -> Option<&OptionSpec> {
        self.options
            .iter()
            .chain(COMMON)
            .find(|spec| spec.name == name)
    }
}

fn check_kind(spec: &OptionSpec, value: Option<&str>) -> Result<(), GrammarError> {
    let Some(value) = value else { return Ok(()) };
    let fits = match spec.argument {
        Argument::Integer(_) => value.parse::<i32>().is_ok(),
        Argument::Long(_) => value.parse::<i64>().is_ok(),
        _ => true,
    };
    if fits {
        return Ok(());
    }
    Err(GrammarError::ArgumentMalformed {
        option: spec.name.to_owned(),
        argument: value.to_owned(),
    })
}

/// What stood on a command line.
#[derive(Default, Debug)]
pub(super) struct Given {
    words: Vec<String>,
    options: BTreeMap<&'static str, Vec<String>>,
    positional: Vec<String>,
}

impl Given {
    fn note(&mut self, name: &'static str, value: Option<String>) {
        self.options.entry(name).or_default().extend(value);
    }

    /// The command line as it was typed, without the script's name.
    pub(super) fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether the option was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.options.contains_key(name)
    }

    /// The option's argument; the last one if it was given again.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.options.get(name)?.last().map(String::as_str)
    }

    /// All arguments of an option that may be given again.
    pub(super) fn values(&self, name: &str) -> &[String] {
        self.options.get(name).map_or(&[], Vec::as_slice)
    }

    /// The argument of an option declared with [`integer`].
    pub(super) fn integer(&self, name: &str) -> Option<i32> {
        self.value(name)?.parse().ok()
    }

    /// The argument of an option declared with [`long`].
    pub(super) fn long(&self, name: &str) -> Option<i64> {
        self.value(name)?.parse().ok()
    }

    /// The words that belong to no option.
    pub(super) fn positional(&self) -> &[String] {
        &self.positional
    }

    /// The given options among `names`, with their dashes, in the order of `names`.
    pub(super) fn present<'a>(&self, names: &[&'a str]) -> Vec<&'a str> {
        names
            .iter()
            .copied()
            .filter(|name| self.has(name))
            .collect()
    }
}

/// The usage: two columns, the options in the order of their names.
impl fmt::Display for Grammar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<_> = self.options.iter().chain(COMMON).map(row).collect();
        rows.sort();
        let heads = ("Option".to_owned(), "Description".to_owned());
        let rules = ("------".to_owned(), "-----------".to_owned());
        for (left, right) in [heads, rules].into_iter().chain(rows) {
            write_row(f, &left, &right)?;
        }
        Ok(())
    }
}

/// The columns' widths, and the indentation of the lines that continue a cell.
const LEFT_WIDTH: usize = 40;
const RIGHT_WIDTH: usize = 38;
const CONTINUATION: &str = "  ";

fn row(spec: &OptionSpec) -> (String, String) {
    let left = match spec.argument {
        Argument::None => format!("--{}", spec.name),
        Argument::Text(what) => format!("--{} <String: {what}>", spec.name),
        Argument::Integer(what) => format!("--{} <Integer: {what}>", spec.name),
        Argument::Long(what) => format!("--{} <Long: {what}>", spec.name),
        Argument::Optional(what) => format!("--{} [String: {what}]", spec.name),
    };
    (left, spec.description.to_owned())
}

fn write_row(f: &mut fmt::Formatter<'_>, left: &str, right: &str) -> fmt::Result {
    let left = wrapped(left, LEFT_WIDTH);
    let right = wrapped(right, RIGHT_WIDTH);
    for index in 0..left.len().max(right.len()) {
        let cell = |lines: &[String]| lines.get(index).cloned().unwrap_or_default();
        writeln!(f, "{:LEFT_WIDTH$} {}", cell(&left), cell(&right))?;
    }
    Ok(())
}

/// `text` in lines of at most `width`, broken at blanks; continued lines are indented.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if !line.trim().is_empty() && line.len() + 1 + word.len() > width {
            lines.push(format!("{CONTINUATION}{word}"));
        } else if line.is_empty() {
            line.push_str(word);
        } else {
            let _ = write!(line, " {word}");
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAMMAR: Grammar = Grammar {
        purpose: "For tests.",
        options: &[
            switch("create", "Makes it."),
            text("topic", "topic", "Which one."),
            integer("partitions", "# of partitions", "How many."),
            OptionSpec {
                name: "all",
                argument: Argument::Optional("what"),
                description: "All.",
            },
        ],
    };

    fn parse(line: &str) -> Result<Given, GrammarError> {
        GRAMMAR.parse(
            &line
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn arguments_follow_the_name_or_an_equals_sign() {
        let given = parse("--create --topic a --partitions=3 left over").unwrap();
        assert!(given.has("create"));
        assert_eq!(given.value("topic"), Some("a"));
        assert_eq!(given.integer("partitions"), Some(3));
        assert_eq!(given.positional(), ["left", "over"]);
    }

    #[test]
    fn an_option_given_again_keeps_all_its_arguments() {
        let given = parse("--topic a --topic b").unwrap();
        assert_eq!(given.values("topic"), ["a", "b"]);
        assert_eq!(given.value("topic"), Some("b"));
    }

    #[test]
    fn mistakes_name_the_option() {
        for (line, message) in [
            ("--creat", "creat is not a recognized option"),
            ("--topic", "Option topic requires an argument"),
            (
                "--partitions x",
                "Cannot parse argument 'x' of option partitions",
            ),
            ("--create=yes", "Option create takes no argument"),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn an_optional_argument_is_not_the_next_option() {
        let given = parse("--all --create").unwrap();
        assert!(given.has("all") && given.has("create"));
        assert_eq!(parse("--all these").unwrap().value("all"), Some("these"));
    }

    #[test]
    fn the_usage_has_two_columns_in_the_order_of_names() {
        let usage = GRAMMAR.to_string();
        let names: Vec<_> = usage
            .lines()
            .skip(2)
            .filter_map(|l| l.split(' ').next())
            .collect();
        assert_eq!(
            names,
            [
                "--all",
                "--create",
                "--help",
                "--partitions",
                "--topic",
                "--version"
            ]
        );
        assert!(usage.lines().all(|line| line.len() <= 79), "{usage}");
    }
}
