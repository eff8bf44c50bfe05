//! Tests that the client's page has the same options as `--help`.

use powtcp_client_command::config::PROGRAM;

#[test]
fn the_table_of_options_equals_the_help() {
    let page = include_str!("../../../README.md");
    let header = "\n| option | default | meaning |\n";
    let (_, table) = page.split_once(header).expect("a table of options");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let rows: Vec<_> = rows.skip(1).collect();
    let expected = PROGRAM.markdown_rows();
    assert_eq!(rows, expected, "expected:\n{}", expected.join("\n"));
}
