//! Guards the page about the load test: its table of options equals `--help`.

use powtcp_client::loadtest;

#[test]
fn the_load_tests_table_of_options_equals_the_help() {
    let page = include_str!("../../scripts/README.md");
    let header = "\n| option | default | meaning |\n";
    let (_, table) = page.split_once(header).expect("a table of options");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let rows: Vec<_> = rows.skip(1).collect();
    let expected = loadtest::PROGRAM.markdown_rows();
    assert_eq!(rows, expected, "expected:\n{}", expected.join("\n"));
}
