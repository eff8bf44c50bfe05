//! The table of options on a page.

/// Returns the rows of the table, without its header.
#[track_caller]
pub(crate) fn table_of_options(page: &str) -> Vec<&str> {
    let header = "\n| option | default | meaning |\n";
    let (_, table) = page.split_once(header).expect("a table of options");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.skip(1).collect()
}
