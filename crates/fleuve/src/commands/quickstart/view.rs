//! Showing figures: a table that redraws itself on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::figures::Figures;
use super::table::{self, grouped};

/// How often plain lines come.
const LINE_INTERVAL: Duration = Duration::from_secs(2);
/// The size of a terminal that does not tell it.
const SIZE_DEFAULT: (usize, usize) = (80, 24);

/// Where figures are shown.
pub(super) enum View {
    Terminal {
        /// How many lines the last table had.
        drawn: usize,
    },
    Lines {
        last: Option<Instant>,
        had_rows: bool,
    },
}

impl View {
    /// A table on a terminal that can redraw it, unless `plain` lines are asked for.
    pub(super) fn new(plain: bool) -> View {
        let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
        match io::stdout().is_terminal() && !is_dumb && !plain {
            true => View::Terminal { drawn: 0 },
            false => View::Lines {
                last: None,
                had_rows: false,
            },
        }
    }

    pub(super) fn show(&mut self, figures: &Figures) -> io::Result<()> {
        let mut output = io::stdout().lock();
        match self {
            View::Terminal { drawn } => draw(&mut output, drawn, figures),
            View::Lines { last, had_rows } => {
                let has_rows = !figures.top.is_empty();
                let is_news = has_rows != *had_rows;
                if !is_news && last.is_some_and(|last| last.elapsed() < LINE_INTERVAL) {
                    return Ok(());
                }
                (*last, *had_rows) = (Some(Instant::now()), has_rows);
                writeln!(output, "{}", line(figures))?;
                output.flush()
            }
        }
    }

    /// Shows figures even if others were just shown.
    pub(super) fn show_last(&mut self, figures: &Figures) -> io::Result<()> {
        if let View::Lines { last, .. } = self {
            *last = None;
        }
        self.show(figures)
    }
}

/// Draws over the last table.
fn draw(output: &mut impl Write, drawn: &mut usize, figures: &Figures) -> io::Result<()> {
    let (width, height) = terminal_size();
    let lines = table::lines(figures, width);
    let shown = &lines[..lines.len().min(height.saturating_sub(1))];
    let mut text = String::new();
    if *drawn > 0 {
        text.push_str(&format!("\x1b[{drawn}A\r"));
    }
    for line in shown {
        text.push_str(line);
        text.push_str("\x1b[K\n");
    }
    text.push_str("\x1b[J");
    *drawn = shown.len();
    output.write_all(text.as_bytes())?;
    output.flush()
}

fn terminal_size() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 => (usize::from(size.ws_col), usize::from(size.ws_row)),
        _ => SIZE_DEFAULT,
    }
}

/// Everything on one line.
fn line(figures: &Figures) -> String {
    let mut text = format!(
        "{:.1} s: {} trips, {}/s in",
        figures.elapsed.as_secs_f64(),
        grouped(figures.written),
        grouped(figures.per_second.round() as u64)
    );
    for query in &figures.queries {
        let Some(batch) = &query.batch else { continue };
        text.push_str(&format!(
            "; {} batch {}: {} rows in {} ms, lag {}",
            query.name,
            batch.number,
            grouped(batch.rows),
            batch.milliseconds,
            grouped(batch.lag)
        ));
        if let Some(watermark) = &batch.watermark {
            text.push_str(&format!(", watermark {watermark}"));
        }
    }
    if let Some(top) = figures.top.first() {
        text.push_str(&format!(
            "; {} {}: {} trips, ${}",
            top.hour, top.borough, top.trips, top.fare
        ));
    }
    text
}
