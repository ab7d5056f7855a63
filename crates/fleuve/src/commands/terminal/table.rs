//! Tables: columns as wide as they must be, two blanks between them, no lines drawn.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::paint::{Paint, Style};

/// What stands between two columns.
const GAP: &str = "  ";

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    /// For numbers.
    Right,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub text: String,
    pub style: Style,
}

/// Rows under heads.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Cell {
    pub(crate) fn new(text: impl ToString) -> Cell {
        Cell::styled(text, Style::Plain)
    }

    pub(crate) fn styled(text: impl ToString, style: Style) -> Cell {
        Cell {
            text: text.to_string(),
            style,
        }
    }

    /// The value, or a dash that does not draw the eye.
    pub(crate) fn optional(value: Option<impl ToString>) -> Cell {
        match value {
            Some(value) => Cell::new(value),
            None => Cell::styled("-", Style::Dim),
        }
    }
}

impl Table {
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Table {
        Table {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        assert_eq!(cells.len(), self.columns.len(), "a row has a cell a column");
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn write(&self, output: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let heads: Vec<Cell> = self
            .columns
            .iter()
            .map(|(head, _)| Cell::styled(head, Style::Bold))
            .collect();
        let widths = self.widths();
        for row in std::iter::once(&heads).chain(&self.rows) {
            self.write_row(row, &widths, output, paint)?;
        }
        Ok(())
    }

    fn widths(&self) -> Vec<usize> {
        let widest = |column: usize, head: &str| {
            let cells = self.rows.iter().map(|row| row[column].text.width());
            cells.chain([head.width()]).max().unwrap_or(0)
        };
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(index, (head, _))| widest(index, head))
            .collect()
    }

    fn write_row(
        &self,
        row: &[Cell],
        widths: &[usize],
        output: &mut dyn Write,
        paint: Paint,
    ) -> io::Result<()> {
        for (index, cell) in row.iter().enumerate() {
            let is_last = index + 1 == row.len();
            let padding = " ".repeat(widths[index].saturating_sub(cell.text.width()));
            let text = paint.style(cell.style, &cell.text);
            match self.columns[index].1 {
                Align::Right => write!(output, "{padding}{text}")?,
                Align::Left if is_last => write!(output, "{text}")?,
                Align::Left => write!(output, "{text}{padding}")?,
            }
            if !is_last {
                write!(output, "{GAP}")?;
            }
        }
        writeln!(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(table: &Table) -> String {
        let mut output = Vec::new();
        table.write(&mut output, Paint::new(false)).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_on_the_screen() {
        let mut table = Table::new(&[("NAME", Align::Left), ("LAG", Align::Right)]);
        table.row(vec![Cell::new("流れ"), Cell::new(7)]);
        table.row(vec![Cell::new("orders"), Cell::optional(None::<i64>)]);
        assert_eq!(written(&table), "NAME    LAG\n流れ      7\norders    -\n");
    }

    #[test]
    fn no_line_ends_in_blanks() {
        let mut table = Table::new(&[("A", Align::Left), ("B", Align::Left)]);
        table.row(vec![Cell::new("x"), Cell::new("longer")]);
        table.row(vec![Cell::new("x"), Cell::new("y")]);
        assert!(written(&table).lines().all(|line| line.trim_end() == line));
    }
}
