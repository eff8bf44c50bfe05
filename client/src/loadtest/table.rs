//! Two columns of text: what was measured, and its value.

use std::fmt;

/// Rows in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<(String, String)>,
}

impl Table {
    pub(super) fn row(&mut self, name: impl fmt::Display, value: impl fmt::Display) {
        self.rows.push((name.to_string(), value.to_string()));
    }
}

/// Names to the left, values to the right, one row a line.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |texts: &dyn Fn(&(String, String)) -> usize| {
            self.rows.iter().map(texts).max().unwrap_or_default()
        };
        let names = width(&|(name, _)| name.chars().count());
        let values = width(&|(_, value)| value.chars().count());
        for (name, value) in &self.rows {
            writeln!(f, "{name:names$}  {value:>values$}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_aligned_to_the_right() {
        let mut table = Table::default();
        table.row("a", 1);
        table.row("longer", "µs 12");
        assert_eq!(table.to_string(), "a           1\nlonger  µs 12\n");
    }
}
