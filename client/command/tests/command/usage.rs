//! The help, wrong usage with exit status 2, and a standard output without a reader.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use powtcp_testkit::process::Outcome;

use crate::client::{ExpectClient, client};
use crate::support::fake_server::FakeServer;
use crate::support::program::{Expect, outcome_of, outcome_with_closed_stdout};
use crate::support::puzzles::puzzle_line;

#[rustfmt::skip] // Wrong values, by kind.
const NUMBERS: [&str; 9] =
    ["", "0", "-1", "+5", "1.5", "0x10", "many", " 5", "99999999999999999999"];
#[rustfmt::skip]
const NAMES: [&str; 9] =
    ["", "AVX2", "avx", " auto", "all", "0", "none", "fast", "portable "];
#[rustfmt::skip]
const DURATIONS: [&str; 9] =
    ["", "10", "0s", "-1s", "1.5s", "1d", "25h", "soon", "99999999999999999999h"];

fn run(arguments: &[&str]) -> Outcome {
    outcome_of(client(arguments))
}

#[test]
fn help_goes_to_standard_output() {
    for flag in ["-h", "--help"] {
        let outcome = run(&[flag]);
        assert_eq!(
            (outcome.status, outcome.stderr.len()),
            (Some(0), 0),
            "{outcome:?}"
        );
        let text = outcome.text();
        assert!(
            text.contains("Usage: powtcp-client [OPTIONS] [ADDR]\n"),
            "{text}"
        );
        for option in [
            "ADDR ",
            "-t, --threads N ",
            "--max-bits N ",
            "--timeout DURATION ",
            "--solve-timeout DURATION ",
            "--retry N ",
            "-q, --quiet ",
            "-v, --verbose ",
            "--config FILE ",
            "-h, --help\n",
            "-V, --version\n",
        ] {
            assert!(text.contains(option), "{option:?} is not in {text}");
        }
        for default in ["127.0.0.1:8080", "all cores", "32", "10s", "60s", "none"] {
            assert!(
                text.contains(&format!(" [default: {default}]\n")),
                "{default}: {text}"
            );
        }
    }
}

#[test]
fn the_version_goes_to_standard_output() {
    for flag in ["-V", "--version"] {
        let outcome = run(&[flag]);
        assert_eq!(outcome.status, Some(0));
        assert!(outcome.stderr.is_empty(), "{outcome:?}");
        assert_eq!(
            outcome.text(),
            concat!("powtcp-client ", env!("CARGO_PKG_VERSION"), "\n")
        );
    }
}

#[test]
fn help_and_version_ignore_a_closed_pipe() {
    for flag in ["-h", "-V"] {
        let outcome = outcome_with_closed_stdout(client(&[flag]));
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert!(outcome.stderr.is_empty(), "{outcome:?}");
    }
}

#[test]
fn a_resource_without_a_reader_is_an_error_but_not_a_panic() {
    let server = FakeServer::start(|mut client| {
        client.answer_request(puzzle_line(8));
        client.line();
        client.send("4:unread\n");
        client.rest()
    });
    let outcome = outcome_with_closed_stdout(client(&["--quiet", server.address()]));
    server.finish();
    outcome.assert_failed("cannot print the resource: Broken pipe");
}

#[test]
fn a_value_out_of_range_is_named_with_its_option() {
    let addresses = [
        "",
        "nowhere",
        ":80",
        "::1:80",
        "host:",
        "host:0",
        "host:65536",
        "host:-1",
        "host:http",
    ];
    let positional = addresses.map(|value| ("ADDR", vec![value], value));
    for (option, arguments, value) in positional {
        run(&arguments).assert_wrong_usage(&[option, &format!("'{value}'"), "HOST:PORT"]);
    }
    let cases = [
        (
            &["--threads", "-t"][..],
            &NUMBERS[..],
            "1025",
            "from 1 to 1024",
        ),
        (
            &["--kernel"],
            &NAMES,
            "sse2",
            "auto or what this machine has",
        ),
        (&["--max-bits"], &NUMBERS, "65", "from 1 to 64"),
        (&["--timeout"], &DURATIONS, "0ms", "from 1ms to 24h"),
        (
            &["--solve-timeout"],
            &DURATIONS,
            "24h1ms",
            "from 1ms to 24h",
        ),
        // Zero is a valid number of retries.
        (&["--retry"], &NUMBERS[2..], "101", "from 0 to 100"),
    ];
    for (flags, values, beyond, expected) in cases {
        for value in values.iter().chain([&beyond]) {
            let parts = [flags[0], &format!("'{value}'"), expected];
            for flag in flags {
                run(&[flag, value]).assert_wrong_usage(&parts);
            }
            if !value.is_empty() {
                run(&[&format!("{}={value}", flags[0])]).assert_wrong_usage(&parts);
            }
        }
    }
}

#[test]
fn an_option_without_its_value_is_named() {
    for option in [
        "--threads",
        "--kernel",
        "--max-bits",
        "--timeout",
        "--solve-timeout",
        "--retry",
        "--config",
    ] {
        run(&[option]).assert_wrong_usage(&[option, "value"]);
        run(&[&format!("{option}=")]).assert_wrong_usage(&[option, "value"]);
    }
}

#[test]
fn an_unknown_option_is_named() {
    for option in [
        "--nope",
        "-x",
        "--thread",
        "--threadss=1",
        "--Quiet",
        "--bits=8",
        "-",
    ] {
        run(&[option]).assert_wrong_usage(&["unknown option", option]);
        run(&["127.0.0.1:1", option]).assert_wrong_usage(&["unknown option", option]);
    }
}

#[test]
fn an_option_given_twice_is_named() {
    run(&["-t", "1", "--threads", "2"]).assert_wrong_usage(&["--threads", "twice"]);
    run(&["-q", "-q"]).assert_wrong_usage(&["-q", "twice"]);
    run(&["--quiet=true"]).assert_wrong_usage(&["--quiet=true"]);
}

#[test]
fn a_leftover_argument_is_named() {
    run(&["127.0.0.1:1", "more"]).assert_wrong_usage(&["unexpected argument 'more'", "[ADDR]"]);
    run(&["127.0.0.1:1", "-q", ""]).assert_wrong_usage(&["unexpected argument ''"]);
}

#[test]
fn quiet_and_verbose_exclude_each_other() {
    for flags in [["--quiet", "--verbose"], ["-v", "-q"]] {
        run(&flags).assert_wrong_usage(&["--quiet", "--verbose"]);
    }
}

/// Characters that act on a terminal.
const NASTY: &str = "\x1b[31m\u{202e}";
/// The same characters, as an error shows them.
const HARMLESS: &str = r"\u{1b}[31m\u{202e}";

#[test]
fn an_argument_cannot_act_on_a_terminal() {
    for arguments in [&["--threads", NASTY][..], &[NASTY], &["127.0.0.1:1", NASTY]] {
        run(arguments).assert_wrong_usage(&[HARMLESS]);
    }
}

#[test]
fn the_name_of_a_file_cannot_act_on_a_terminal() {
    run(&["--config", NASTY]).assert_wrong_usage(&["--config", HARMLESS]);
}

#[test]
fn an_argument_that_is_not_utf8_is_named() {
    let odd = OsStr::from_bytes(b"\xff1");
    for before in [&[][..], &["--threads"], &["--config"]] {
        let mut command = client(before);
        command.arg(odd);
        let name = before.first().unwrap_or(&"ADDR");
        outcome_of(command).assert_wrong_usage(&[name, "UTF-8"]);
    }
}
