//! Guards the pages about the client and the load test: their tables of options equal `--help`.

use powtcp_client::{config, loadtest};
use powtcp_common::options::Program;

#[test]
fn the_clients_table_of_options_equals_the_help() {
    assert_table_equals(include_str!("../README.md"), &config::PROGRAM);
}

#[test]
fn the_load_tests_table_of_options_equals_the_help() {
    assert_table_equals(include_str!("../../scripts/README.md"), &loadtest::PROGRAM);
}

fn assert_table_equals(page: &str, program: &Program) {
    let header = "\n| option | default | meaning |\n";
    let (_, table) = page.split_once(header).expect("a table of options");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let rows: Vec<_> = rows.skip(1).collect();
    let expected = program.markdown_rows();
    assert_eq!(rows, expected, "expected:\n{}", expected.join("\n"));
}
