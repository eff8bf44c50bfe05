//! The options of the load test, and a server that it cannot start.

mod support;

use support::program::{Outcome, loadtest, outcome_of, outcome_with_closed_stdout};
use support::real_server::serve;

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
            assert_eq!(outcome.status, Some(0));
            assert!(outcome.stderr.is_empty(), "{outcome:?}");
            assert!(outcome.text().contains(part), "{outcome:?}");
            let unread = outcome_with_closed_stdout(loadtest(&[flag]));
            assert_eq!(
                (unread.status, unread.stderr.len()),
                (Some(0), 0),
                "{unread:?}"
            );
        }
    }
}

#[test]
fn a_table_that_nobody_reads_is_no_panic() {
    let server = serve("paid", &["--bits", "4"]);
    let outcome = outcome_with_closed_stdout(loadtest(&[&server, "-n", "10"]));
    assert_eq!(
        (outcome.status, outcome.stderr.len()),
        (Some(0), 0),
        "{outcome:?}"
    );
}

#[test]
fn no_server_but_one_of_this_machine_is_put_under_load() {
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
    let cases: [(&[&str], &[&str], &str); 10] = [
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
             endless-line",
        ),
        (
            &["--attack-connections"],
            &["0", "100001", "all"],
            "from 1 to 100000",
        ),
        (&["--attack-rate"], &["0", "100001", ""], "from 1 to 100000"),
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
fn what_is_no_option_is_named() {
    for (arguments, part) in [
        (&["--nope"][..], "unknown option '--nope'"),
        (&["--quiet"], "unknown option '--quiet'"),
        (&["127.0.0.1:1", "more"], "unexpected argument 'more'"),
        (&["-n", "1", "-n", "2"], "'-n' is given twice"),
    ] {
        run(arguments).assert_wrong_usage(&[part]);
    }
}

#[test]
fn an_attack_goes_to_no_running_server() {
    let server = "127.0.0.1:8080";
    let outcome = run(&[server, "--attack", "silent"]);
    outcome.assert_wrong_usage(&["ADDR", server, "a server of this test's own"]);
}

#[test]
fn json_comes_of_an_attack_only() {
    run(&["--json"]).assert_wrong_usage(&["--json", "--attack"]);
    let mut command = loadtest(&[]);
    command.env("POWTCP_JSON", "true");
    outcome_of(command).assert_wrong_usage(&["--json", "POWTCP_JSON", "--attack"]);
}

#[test]
fn a_variable_holds_what_no_flag_says() {
    let server = serve("paid", &["--bits", "4"]);
    let mut command = loadtest(&["-n", "20"]);
    command.envs([
        ("POWTCP_SERVER", server.as_str()),
        ("POWTCP_HANDSHAKES", "10"),
        ("POWTCP_CONCURRENCY", "3"),
    ]);
    let outcome = outcome_of(command);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(outcome.row("handshakes"), "20");
    assert_eq!(outcome.row("at once"), "3");
}

#[test]
fn a_server_that_cannot_be_started_is_told_of() {
    for (program, reason) in [
        ("/nonexistent/server", "/nonexistent/server: No such file"),
        ("/", "/: Permission denied"),
        // A program that knows none of a server's options says so, and ends.
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
        let told = format!("powtcp-loadtest: cannot start the server: {reason}");
        assert!(outcome.stderr[0].starts_with(&told), "{outcome:?}");
    }
}
