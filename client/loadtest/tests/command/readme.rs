//! Guards the page about measuring: its table of options equals `--help`.

use powtcp_loadtest::PROGRAM;

use crate::support::readme::table_of_options;

#[test]
fn the_table_of_options_equals_the_help() {
    let page = include_str!("../../../../scripts/README.md");
    assert_eq!(table_of_options(page), PROGRAM.markdown_rows());
}
