//! The options of the load test, and a server that does not start.

use crate::loadtest::{loadtest, row};
use crate::support::program::{Expect, Outcome, outcome_of, outcome_with_closed_stdout};
use crate::support::real_server::serve;

fn run(arguments: &[&str]) -> Outcome {
    outcome_of(loadtest(arguments))
}

#[test]
fn help_and_version_go_to_standard_output() {
    for (flags, part) in [
        (
            ["-h", "--help"],
            "Usage: powtcp-loadtest [OPTIONS] [ADDR]\n",
        ),
        (["-V", "--version"], "powtcp-loadtest "),
    ] {
        for flag in flags {
            let outcome = run(&[flag]);
            outcome.assert_silent_success();
            assert!(outcome.text().contains(part), "{outcome:?}");
            outcome_with_closed_stdout(loadtest(&[flag])).assert_silent_success();
        }
    }
}

#[test]
fn a_table_that_cannot_be_printed_is_not_an_error() {
    let server = serve("paid", &["--bits", "4"]);
    outcome_with_closed_stdout(loadtest(&[&server, "-n", "10"])).assert_silent_success();
}

#[test]
fn only_a_server_on_this_machine_is_put_under_load() {
    for address in [
        "192.0.2.1:8080",
        "0.0.0.0:8080",
        "[2001:db8::7]:8080",
        "[::]:8080",
        "[::ffff:192.0.2.1]:8080",
        "localhost:8080",
        "127.0.0.1",
        "127.0.0.1:65536",
        "8080",
        "",
    ] {
        let outcome = run(&[address, "-n", "1"]);
        outcome.assert_wrong_usage(&["ADDR", &format!("'{address}'"), "loopback IP:PORT"]);
    }
}

#[test]
fn a_value_out_of_range_is_named_with_its_option() {
    let cases: [(&[&str], &[&str], &str); 12] = [
        (
            &["--handshakes", "-n"],
            &["0", "100000001", "-1", "many", "", "1.5"],
            "100000000",
        ),
        (
            &["--concurrency", "-c"],
            &["0", "100001", "+1", "0x10"],
            "100000",
        ),
        (&["--honest-rate"], &["-1", "10001", "fast"], " to 10000"),
        (&["--sources"], &["0", "65537", " 1"], "65536"),
        (
            &["--timeout"],
            &["0ms", "61m", "10", "soon", ""],
            "1ms to 1h",
        ),
        (&["--bits", "-b"], &["0", "65", "8.0"], "from 1 to "),
        (&["--idle"], &["1000001", "-1", "none"], "1000000"),
        (
            &["--attack"],
            &["", "none", "Silent", "silent,asked"],
            "all, silent, asked, slowloris, hoard, garbage, wrong-stamp, never-read, churn, \
             endless-line, crowd, linger, paid",
        ),
        (
            &["--attack-connections"],
            &["0", "100001", "all"],
            "from 1 to 100000",
        ),
        (&["--attack-rate"], &["0", "100001", ""], "from 1 to 100000"),
        (&["--attack-threads"], &["0", "65", "two"], "from 1 to 64"),
        (&["--attack-time"], &["0s", "61m", "5"], "1ms to 1h"),
    ];
    for (flags, values, expected) in cases {
        for flag in flags {
            for value in values {
                let parts = [flags[0], &format!("'{value}'"), expected];
                run(&[flag, value]).assert_wrong_usage(&parts);
                if *flag != "--attack" {
                    run(&["--attack", "all", flag, value]).assert_wrong_usage(&parts);
                }
            }
            run(&[flag]).assert_wrong_usage(&[flags[0], "value"]);
        }
    }
}

#[test]
fn an_unknown_option_or_a_leftover_argument_is_named() {
    for (arguments, part) in [
        (&["--nope"][..], "unknown option '--nope'"),
        (&["--json"], "unknown option '--json'"),
        (&["--quiet"], "unknown option '--quiet'"),
        (&["127.0.0.1:1", "more"], "unexpected argument 'more'"),
        (&["-n", "1", "-n", "2"], "'-n' is given twice"),
    ] {
        run(arguments).assert_wrong_usage(&[part]);
    }
}

#[test]
fn a_running_server_is_not_attacked() {
    let server = "127.0.0.1:8080";
    let outcome = run(&[server, "--attack", "silent"]);
    outcome.assert_wrong_usage(&["ADDR", server, "to a server of this test's own"]);
}

#[test]
fn a_variable_applies_if_there_is_no_flag() {
    let server = serve("paid", &["--bits", "4"]);
    let mut command = loadtest(&["-n", "20"]);
    command.envs([
        ("POWTCP_SERVER", server.as_str()),
        ("POWTCP_HANDSHAKES", "10"),
        ("POWTCP_CONCURRENCY", "3"),
    ]);
    let outcome = outcome_of(command);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(row(&outcome, "handshakes"), "20");
    assert_eq!(row(&outcome, "concurrent"), "3");
}

#[test]
fn a_server_that_does_not_start_is_an_error_with_its_reason() {
    for (program, reason) in [
        ("/nonexistent/server", "/nonexistent/server: No such file"),
        ("/", "/: Permission denied"),
        // A program that does not know the options of a server.
        (
            "/bin/cat",
            "it ended and said: /bin/cat: unrecognized option",
        ),
    ] {
        let outcome = run(&["--program", program]);
        assert_eq!(
            (outcome.status, &*outcome.text()),
            (Some(1), ""),
            "{outcome:?}"
        );
        let error = format!("powtcp-loadtest: cannot start the server: {reason}");
        assert!(outcome.stderr[0].starts_with(&error), "{outcome:?}");
    }
}
