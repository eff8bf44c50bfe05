//! A client and a server that both follow the protocol: what the client prints, and where.

use powtcp_common::hashcash::Kernel;
use powtcp_testkit::process::Outcome;

use crate::client::{ExpectClient, client};
use crate::support::program::{Expect, outcome_of};
use crate::support::real_server::serve;

const RESOURCE: &str = "Don’t Panic: \"42\" \\ is the answer.";

fn fetch(server: &str, arguments: &[&str]) -> Outcome {
    outcome_of(client(&[&[server], arguments].concat()))
}

#[test]
fn every_dialect_works_over_ipv4_and_ipv6_with_one_thread_and_with_two() {
    for dialect in ["hashcash", "powtcp"] {
        for listen in ["127.0.0.1:0", "[::1]:0"] {
            let arguments = ["--listen", listen, "--dialect", dialect, "--bits", "16"];
            let server = serve(RESOURCE, &arguments);
            for threads in ["1", "2"] {
                fetch(&server, &["--threads", threads]).assert_printed(RESOURCE);
            }
        }
    }
}

#[test]
fn a_host_name_is_resolved() {
    let server = serve(RESOURCE, &["--bits", "8"]);
    let (_, port) = server.rsplit_once(':').expect("an address with a port");
    fetch(&format!("localhost:{port}"), &[]).assert_printed(RESOURCE);
}

#[test]
fn the_default_is_to_solve_with_all_cores() {
    let server = serve(RESOURCE, &["--bits", "16"]);
    fetch(&server, &[]).assert_printed(RESOURCE);
}

#[test]
fn standard_error_reports_the_difficulty_the_attempts_and_the_rate() {
    for dialect in ["hashcash", "powtcp"] {
        let server = serve(RESOURCE, &["--dialect", dialect, "--bits", "12"]);
        let outcome = fetch(&server, &[]);
        outcome.assert_printed(RESOURCE);
        let [line] = outcome.stderr.as_slice() else {
            panic!("{outcome:?}")
        };
        let words: Vec<_> = line.split(' ').collect();
        let [
            "solved",
            "12",
            "bits:",
            attempts,
            "attempts",
            "in",
            seconds,
            "s,",
            rate,
            "MH/s,",
            kernel,
        ] = words.as_slice()
        else {
            panic!("{line:?}")
        };
        assert!(attempts.parse::<u64>().is_ok_and(|n| n > 0), "{line:?}");
        assert_eq!(kernel.to_string(), Kernel::best().to_string(), "{line:?}");
        for number in [seconds, rate] {
            assert!(number.contains('.'), "{line:?}");
            assert!(number.parse::<f64>().is_ok_and(|n| n >= 0.0), "{line:?}");
        }
    }
}

#[test]
fn every_kernel_of_this_machine_solves_puzzles() {
    let server = serve(RESOURCE, &["--bits", "12"]);
    for kernel in Kernel::available() {
        let outcome = fetch(&server, &["--kernel", &kernel.to_string()]);
        outcome.assert_printed(RESOURCE);
        assert!(
            outcome.stderr[0].ends_with(&format!(", {kernel}")),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_quiet_client_prints_only_the_resource() {
    let server = serve(RESOURCE, &["--bits", "8"]);
    for flag in ["-q", "--quiet"] {
        let outcome = fetch(&server, &[flag]);
        outcome.assert_printed(RESOURCE);
        outcome.assert_silent_success();
    }
}

#[test]
fn a_verbose_client_logs_every_step() {
    let server = serve(RESOURCE, &["--bits", "8"]);
    let steps = [
        ("msg=connected", format!(" server={server}")),
        ("msg=\"puzzle received\"", " puzzle=\"1:8:".to_string()),
        ("msg=\"puzzle solved\"", " attempts=".to_string()),
        ("msg=\"stamp sent\"", " stamp=".to_string()),
        (
            "msg=\"resource received\"",
            format!(" bytes={}", RESOURCE.len()),
        ),
    ];
    for flag in ["-v", "--verbose"] {
        let outcome = fetch(&server, &[flag]);
        outcome.assert_printed(RESOURCE);
        assert_eq!(outcome.stderr.len(), steps.len(), "{outcome:?}");
        for (line, (message, field)) in outcome.stderr.iter().zip(&steps) {
            assert!(line.starts_with("time=20"), "{line:?}");
            assert!(
                line.contains(&format!("Z level=INFO {message} ")),
                "{line:?}"
            );
            assert!(line.contains(field), "{line:?}");
        }
    }
}
