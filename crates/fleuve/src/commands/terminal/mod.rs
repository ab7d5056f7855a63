//! How our own commands speak to people and to programs.
//!
//! A command hands a [`Report`] to [`Terminal::show`]: as a table for people, as JSON or YAML for
//! programs, from the same values. Colour is only for terminals, and never with `NO_COLOR`.
//! Results go to standard output; notes, questions and progress to standard error. What goes
//! wrong is a [`Problem`]: what, why, what next. Start at [`Terminal`].

mod paint;
mod problem;
mod progress;
mod table;
mod yaml;

use std::io::{self, BufWriter, IsTerminal, Write};

use clap::ValueEnum;
use serde_json::Value;

pub(crate) use paint::{Paint, Style};
pub(crate) use problem::Problem;
pub(crate) use progress::{Progress, short_bytes, thousands};
pub(crate) use table::{Align, Cell, Table};
pub(crate) use yaml::to_yaml;

/// The form of what is printed: a table is for people, the others are for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Table,
    Json,
    Yaml,
}

/// The streams of a command.
pub(crate) struct Terminal {
    pub output: Box<dyn Write>,
    pub format: Format,
    /// For standard output.
    pub paint: Paint,
    /// For standard error.
    pub errors_paint: Paint,
}

/// What a command has found: the same for people and for programs.
pub(crate) struct Report {
    /// For programs.
    pub value: Value,
    /// For people, one after the other.
    pub blocks: Vec<Block>,
}

/// A part of a report for people.
pub(crate) enum Block {
    Line(String),
    /// Names and values, the values below each other.
    Facts(Vec<(&'static str, Cell)>),
    Table(Table),
}

impl Report {
    /// A report of one line.
    pub(crate) fn line(text: impl Into<String>, value: Value) -> Report {
        Report {
            value,
            blocks: vec![Block::Line(text.into())],
        }
    }

    /// A report of one table; `empty` is said to people if it has no rows.
    pub(crate) fn table(table: Table, empty: &str, value: Value) -> Report {
        let block = if table.is_empty() {
            Block::Line(empty.to_owned())
        } else {
            Block::Table(table)
        };
        Report {
            value,
            blocks: vec![block],
        }
    }
}

impl Terminal {
    /// The process's own streams.
    pub(crate) fn of_process(format: Format) -> Terminal {
        Terminal {
            output: Box::new(BufWriter::new(io::stdout())),
            format,
            paint: Paint::for_stream(io::stdout().is_terminal()),
            errors_paint: Paint::for_stream(io::stderr().is_terminal()),
        }
    }

    /// Prints a report in the form that was asked for.
    pub(crate) fn show(&mut self, report: &Report) -> io::Result<()> {
        match self.format {
            Format::Json => writeln!(self.output, "{:#}", report.value)?,
            Format::Yaml => write!(self.output, "{}", to_yaml(&report.value))?,
            Format::Table => {
                for (index, block) in report.blocks.iter().enumerate() {
                    if index > 0 && !matches!(block, Block::Line(_)) {
                        writeln!(self.output)?;
                    }
                    self.show_block(block)?;
                }
            }
        }
        self.output.flush()
    }

    fn show_block(&mut self, block: &Block) -> io::Result<()> {
        match block {
            Block::Line(text) => writeln!(self.output, "{text}"),
            Block::Table(table) => table.write(&mut self.output, self.paint),
            Block::Facts(facts) => {
                let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                for (name, cell) in facts {
                    let name = self.paint.style(Style::Dim, &format!("{name:<width$}"));
                    let value = self.paint.style(cell.style, &cell.text);
                    writeln!(self.output, "{name}  {value}")?;
                }
                Ok(())
            }
        }
    }

    /// Says something beside the result, on standard error.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        self.output.flush()?;
        let text = self.errors_paint.style(Style::Dim, text);
        writeln!(io::stderr(), "{text}")
    }

    /// Asks a person yes or no; where nobody can be asked the answer is yes, since whoever wrote
    /// the command meant it.
    pub(crate) fn confirm(&mut self, question: &str) -> io::Result<bool> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Ok(true);
        }
        let mut errors = io::stderr();
        write!(errors, "{question} [y/N] ")?;
        errors.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(
            answer.trim().to_ascii_lowercase().as_str(),
            "y" | "yes"
        ))
    }
}
