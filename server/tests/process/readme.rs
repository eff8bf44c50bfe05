//! The README holds: its tables are those of `--help` and of the protocol, its Python client works.

use std::process::Command;

use powtcp_common::refusal::Refusal;
use powtcp_server::config::PROGRAM;

use crate::support::server::serve;

const README: &str = include_str!("../../../README.md");

#[test]
fn the_readme_has_every_option() {
    for row in PROGRAM.markdown_rows() {
        assert!(README.contains(&row), "the README lacks {row}");
    }
}

#[test]
fn the_readme_has_every_refusal() {
    let refusals = [
        Refusal::TooManyPuzzles,
        Refusal::StampNotCorrect,
        Refusal::StampNotFound,
        Refusal::PuzzleExpired,
        Refusal::TimeoutExceeded,
        Refusal::IncorrectMessage,
        Refusal::MessageTooLong,
        Refusal::ServerBusy,
        Refusal::ShuttingDown,
        Refusal::InternalError,
    ];
    for refusal in refusals {
        let row = format!("\n| `{refusal}` |");
        assert!(README.contains(&row), "the README lacks {row}");
    }
}

#[test]
fn the_readmes_python_client_is_served() {
    let (_, after) = README.split_once("```python\n").expect("a block of Python");
    let (client, _) = after.split_once("```").expect("the end of the block");
    let server = serve(&["--bits", "8"]);
    let run = Command::new("python3")
        .arg("-c")
        .arg(client)
        .arg(server.address().to_string())
        .output();
    let Ok(output) = run else {
        assert!(
            std::env::var_os("CI").is_none(),
            "python3 must be there in CI"
        );
        println!("skipped: there is no python3 to run the README's client with");
        return;
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(
        output.stdout.iter().filter(|&&byte| byte == b'\n').count(),
        1,
        "{stderr}"
    );
    assert!(output.stdout.len() > 2);
}
