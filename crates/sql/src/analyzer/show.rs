//! `show` and the HTML that notebooks ask for: tables drawn from rows.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use datafusion::logical_expr::LogicalPlanBuilder;
use unicode_width::UnicodeWidthChar;

use super::deferred::Deferred;
use super::{Analyzed, Analyzer, Attribute, TypedExpr};
use crate::cast::{Style, ValueWriter};
use crate::error::Result;
use crate::ir::{DataType, Relation};
use crate::plan::AnalyzedPlan;
use crate::time::TimeZone;

/// Cells of a column are at least this wide.
const CELL_WIDTH_MIN: usize = 3;
/// How many rows a table may show.
const ROWS_MAX: i32 = i32::MAX - 1;

impl Analyzer {
    pub(super) fn show_string(
        &mut self,
        input: &Relation,
        rows: i32,
        truncate: i32,
        vertical: bool,
    ) -> Result<Analyzed> {
        let (plan, time_zone) = self.shown(input, rows)?;
        let names: Vec<(String, DataType)> = plan
            .schema
            .fields
            .iter()
            .map(|f| (f.name.clone(), f.data_type.clone()))
            .collect();
        let rows = rows.clamp(0, ROWS_MAX) as usize;
        let attribute = self.text_column("show_string");
        Deferred::relation(
            &plan,
            vec![attribute],
            Arc::new(move |batches| {
                let cells = Cells::new(&names, &batches, rows, truncate, time_zone);
                text_row(if vertical {
                    cells.vertical(rows)
                } else {
                    cells.table(rows)
                })
            }),
        )
    }

    pub(super) fn html_string(
        &mut self,
        input: &Relation,
        rows: i32,
        truncate: i32,
    ) -> Result<Analyzed> {
        let (plan, time_zone) = self.shown(input, rows)?;
        let names: Vec<(String, DataType)> = plan
            .schema
            .fields
            .iter()
            .map(|f| (f.name.clone(), f.data_type.clone()))
            .collect();
        let rows = rows.clamp(0, ROWS_MAX) as usize;
        let attribute = self.text_column("html_string");
        Deferred::relation(
            &plan,
            vec![attribute],
            Arc::new(move |batches| {
                text_row(Cells::new(&names, &batches, rows, truncate, time_zone).html(rows))
            }),
        )
    }

    /// The plan with one row more than is shown, which tells whether there are more.
    fn shown(&mut self, input: &Relation, rows: i32) -> Result<(AnalyzedPlan, TimeZone)> {
        let analyzed = self.relation(input)?;
        let fetch = rows.clamp(0, ROWS_MAX) as usize + 1;
        let mut plan = self.finish(analyzed)?;
        plan.plan = LogicalPlanBuilder::from(plan.plan)
            .limit(0, Some(fetch))?
            .build()?;
        Ok((plan, self.context.time_zone))
    }

    fn text_column(&self, name: &str) -> Attribute {
        self.new_attribute(&TypedExpr::new(
            datafusion::prelude::lit(""),
            DataType::STRING,
            false,
            name,
        ))
    }
}

fn text_row(text: String) -> Result<Vec<RecordBatch>> {
    let column = Arc::new(StringArray::from(vec![text]));
    Ok(vec![RecordBatch::try_from_iter([(
        "text",
        column as arrow::array::ArrayRef,
    )])?])
}

/// The cells of a table as text, and whether there were more rows.
struct Cells {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
    truncate: usize,
    has_more: bool,
}

impl Cells {
    fn new(
        columns: &[(String, DataType)],
        batches: &[RecordBatch],
        limit: usize,
        truncate: i32,
        time_zone: TimeZone,
    ) -> Self {
        let truncate = truncate.max(0) as usize;
        let writer = ValueWriter::new(Style::Show, time_zone);
        let mut rows = Vec::new();
        let total: usize = batches.iter().map(RecordBatch::num_rows).sum();
        'batches: for batch in batches {
            for row in 0..batch.num_rows() {
                if rows.len() == limit {
                    break 'batches;
                }
                let cells = columns
                    .iter()
                    .zip(batch.columns())
                    .map(|((_, data_type), array)| {
                        let text = writer
                            .text(array, data_type, row)
                            .unwrap_or_else(|| "NULL".to_owned());
                        truncated(&escaped(&text), truncate)
                    });
                rows.push(cells.collect());
            }
        }
        // Names are never cut off, only cells are.
        let names = columns.iter().map(|(name, _)| escaped(name)).collect();
        Self {
            names,
            rows,
            truncate,
            has_more: total > limit,
        }
    }

    fn table(&self, limit: usize) -> String {
        let widths: Vec<usize> = (0..self.names.len())
            .map(|i| {
                let cells = self.rows.iter().map(|row| width(&row[i]));
                cells
                    .chain([width(&self.names[i]), CELL_WIDTH_MIN])
                    .max()
                    .unwrap_or(CELL_WIDTH_MIN)
            })
            .collect();
        let line: String = widths
            .iter()
            .map(|w| format!("+{}", "-".repeat(*w)))
            .collect::<String>()
            + "+\n";
        let left = self.truncate == 0;
        let draw = |cells: &[String]| {
            let mut text = String::from("|");
            for (cell, wanted) in cells.iter().zip(&widths) {
                let padding = " ".repeat(wanted - width(cell).min(*wanted));
                let _ = if left {
                    write!(text, "{cell}{padding}|")
                } else {
                    write!(text, "{padding}{cell}|")
                };
            }
            text + "\n"
        };
        let mut text = line.clone() + &draw(&self.names) + &line;
        self.rows.iter().for_each(|row| text.push_str(&draw(row)));
        text.push_str(&line);
        self.more(limit, &mut text);
        text
    }

    fn vertical(&self, limit: usize) -> String {
        let name_width = self
            .names
            .iter()
            .map(|n| width(n))
            .chain([CELL_WIDTH_MIN])
            .max()
            .unwrap_or(CELL_WIDTH_MIN);
        let cells = self.rows.iter().flatten().map(|c| width(c));
        let cell_width = cells
            .chain([CELL_WIDTH_MIN])
            .max()
            .unwrap_or(CELL_WIDTH_MIN);
        let mut text = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            let header = format!("-RECORD {number}");
            let total = name_width + cell_width + 5;
            let _ = writeln!(text, "{header:-<total$}");
            for (name, cell) in self.names.iter().zip(row) {
                let name_padding = " ".repeat(name_width - width(name));
                let cell_padding = " ".repeat(cell_width - width(cell));
                let _ = writeln!(text, " {name}{name_padding} | {cell}{cell_padding} ");
            }
        }
        if self.rows.is_empty() {
            text.push_str("(0 rows)\n");
        }
        self.more(limit, &mut text);
        text
    }

    fn html(&self, limit: usize) -> String {
        let escape = |text: &str| {
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
                .replace('\'', "&#39;")
        };
        let row = |cells: &[String], tag: &str| {
            let cells: Vec<String> = cells.iter().map(|c| escape(c)).collect();
            format!(
                "<tr><{tag}>{}</{tag}></tr>\n",
                cells.join(&format!("</{tag}><{tag}>"))
            )
        };
        let mut text = String::from("<table border='1'>\n");
        text.push_str(&row(&self.names, "th"));
        self.rows
            .iter()
            .for_each(|cells| text.push_str(&row(cells, "td")));
        text.push_str("</table>\n");
        self.more(limit, &mut text);
        if self.has_more {
            text.push('\n');
        }
        text
    }

    /// Says that there is more, as the last line of a text without its end.
    fn more(&self, limit: usize, text: &mut String) {
        if self.has_more {
            let rows = if limit == 1 { "row" } else { "rows" };
            let _ = write!(text, "only showing top {limit} {rows}");
        }
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{c}' => out.push_str("\\f"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{7}' => out.push_str("\\a"),
            c => out.push(c),
        }
    }
    out
}

fn truncated(text: &str, limit: usize) -> String {
    if limit == 0 || text.chars().count() <= limit {
        return text.to_owned();
    }
    if limit < 4 {
        return text.chars().take(limit).collect();
    }
    text.chars().take(limit - 3).chain("...".chars()).collect()
}

/// Columns of a terminal that a text takes.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| c.width().unwrap_or(0).max(usize::from(!c.is_control())))
        .sum()
}
