//! A table of text with aligned columns.

use std::fmt;

/// Rows in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Adds a row of two columns.
    pub(crate) fn row(&mut self, name: impl fmt::Display, value: impl fmt::Display) {
        self.rows.push(vec![name.to_string(), value.to_string()]);
    }

    /// Adds a row of any number of columns.
    pub(crate) fn wide_row<const LEN: usize>(&mut self, cells: [String; LEN]) {
        self.rows.push(cells.into());
    }
}

/// Returns a number with some decimals, or `-` where there is none.
pub(crate) fn cell(number: Option<f64>, decimals: usize) -> String {
    number.map_or("-".to_string(), |number| format!("{number:.decimals$}"))
}

/// One line for each row: the first column is aligned to the left, the others to the right.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<_> = (0..columns).filter_map(width).collect();
        for row in &self.rows {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column == 0 {
                    write!(f, "{cell:width$}")?;
                } else {
                    write!(f, "  {cell:>width$}")?;
                }
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_aligned_to_the_left_and_values_to_the_right() {
        let mut table = Table::default();
        table.row("a", 1);
        table.row("longer", "µs 12");
        assert_eq!(table.to_string(), "a           1\nlonger  µs 12\n");
        table.wide_row(["", "x", "yy"].map(String::from));
        table.wide_row(["b", "", "z"].map(String::from));
        let text = "a           1\nlonger  µs 12\n            x  yy\nb               z\n";
        assert_eq!(table.to_string(), text);
    }
}
