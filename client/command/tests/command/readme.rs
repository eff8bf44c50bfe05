//! Tests that the client's page has the same options as `--help`.

use powtcp_client_command::config::PROGRAM;

use crate::support::readme::table_of_options;

#[test]
fn the_table_of_options_equals_the_help() {
    let page = include_str!("../../../README.md");
    assert_eq!(table_of_options(page), PROGRAM.markdown_rows());
}
