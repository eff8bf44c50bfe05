//! The README's tables of options are those of `--help`.

use powtcp_client::{config, loadtest};

#[test]
fn the_readme_has_every_option() {
    let readme = include_str!("../../README.md");
    for program in [&config::PROGRAM, &loadtest::PROGRAM] {
        for row in program.markdown_rows() {
            assert!(readme.contains(&row), "the README lacks {row}");
        }
    }
}
