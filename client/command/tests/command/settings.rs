//! Where the client's options come from: flags override the environment, which overrides a file.

use powtcp_testkit::process::Outcome;
use powtcp_testkit::scratch::Scratch;

use crate::client::{ExpectClient, client};
use crate::support::program::{Expect, outcome_of};
use crate::support::real_server::serve;

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
    let mut command = client(arguments);
    command.envs(environment.iter().copied());
    outcome_of(command)
}

/// Starts a server at 8 bits whose resource is `name`.
fn server(name: &str) -> String {
    serve(name, &["--bits", "8"])
}

#[test]
fn the_server_can_be_set_in_the_environment_or_in_a_file() {
    let server = server("a server");
    run(&[], &[("POWTCP_SERVER", &server)]).assert_printed("a server");

    let scratch = Scratch::new();
    let text = format!("# the server\n\nPOWTCP_SERVER={server}\nPATH=/not/ours\n");
    let file = scratch.file("settings", text);
    run(&["--config", &file], &[]).assert_printed("a server");
    run(&[&format!("--config={file}")], &[]).assert_printed("a server");
    run(&[], &[("POWTCP_CONFIG", &file)]).assert_printed("a server");
}

#[test]
fn an_argument_overrides_the_environment_and_the_environment_a_file() {
    let (given, inherited, written) = (server("argument"), server("environment"), server("file"));
    let scratch = Scratch::new();
    let file = scratch.file("settings", format!("POWTCP_SERVER={written}\n"));
    let environment = [("POWTCP_SERVER", inherited.as_str())];
    run(&["--config", &file], &[]).assert_printed("file");
    run(&["--config", &file], &environment).assert_printed("environment");
    run(&["--config", &file, &given], &environment).assert_printed("argument");
    run(&["--config", &file, &given], &[]).assert_printed("argument");
}

#[test]
fn a_flag_overrides_the_environment_and_the_environment_a_file() {
    let server = server("paid");
    let scratch = Scratch::new();
    let enough = scratch.file("enough", "POWTCP_MAX_BITS = 8\n");
    let little = scratch.file("little", "POWTCP_MAX_BITS=7\n");
    let cases: [(&str, Option<&str>, Option<&str>, bool); 8] = [
        (&enough, None, None, true),
        (&little, None, None, false),
        (&little, Some("8"), None, true),
        (&enough, Some("7"), None, false),
        (&little, Some("7"), Some("8"), true),
        (&enough, Some("8"), Some("7"), false),
        (&little, None, Some("8"), true),
        (&enough, None, Some("7"), false),
    ];
    for (file, inherited, given, pays) in cases {
        let mut arguments = vec!["--quiet", &server, "--config", file];
        arguments.extend(given.iter().flat_map(|bits| ["--max-bits", bits]));
        let environment: Vec<_> = inherited
            .map(|bits| ("POWTCP_MAX_BITS", bits))
            .into_iter()
            .collect();
        let outcome = run(&arguments, &environment);
        if pays {
            outcome.assert_printed("paid");
        } else {
            outcome.assert_failed("more than --max-bits 7");
        }
    }
}

#[test]
fn a_variable_sets_a_switch() {
    let server = server("paid");
    for on in ["true", "1"] {
        let outcome = run(&[&server], &[("POWTCP_QUIET", on)]);
        outcome.assert_printed("paid");
        outcome.assert_silent_success();

        let outcome = run(&[&server], &[("POWTCP_VERBOSE", on)]);
        outcome.assert_printed("paid");
        assert_eq!(outcome.stderr.len(), 5, "{outcome:?}");
    }
    for off in ["false", "0"] {
        let environment = [("POWTCP_QUIET", off), ("POWTCP_VERBOSE", off)];
        let outcome = run(&[&server], &environment);
        outcome.assert_printed("paid");
        assert_eq!(outcome.stderr.len(), 1, "{outcome:?}");
    }
}

#[test]
fn a_flag_overrides_the_opposite_switch_in_the_environment() {
    let server = server("paid");
    let lines = |flag, variable| {
        let outcome = run(&[&server, flag], &[(variable, "true")]);
        outcome.assert_printed("paid");
        outcome.stderr.len()
    };
    assert_eq!(lines("--quiet", "POWTCP_VERBOSE"), 0);
    assert_eq!(lines("--verbose", "POWTCP_QUIET"), 5);
}

#[test]
fn every_option_has_a_variable_and_a_wrong_value_of_it_is_named() {
    let cases = [
        ("POWTCP_SERVER", "ADDR", "nowhere"),
        ("POWTCP_THREADS", "--threads", "0"),
        ("POWTCP_MAX_BITS", "--max-bits", "65"),
        ("POWTCP_TIMEOUT", "--timeout", "10"),
        ("POWTCP_SOLVE_TIMEOUT", "--solve-timeout", "soon"),
        ("POWTCP_RETRY", "--retry", "101"),
        ("POWTCP_QUIET", "--quiet", "perhaps"),
        ("POWTCP_VERBOSE", "--verbose", "yes"),
        ("POWTCP_CONFIG", "--config", "/nonexistent/settings"),
    ];
    let scratch = Scratch::new();
    for (variable, option, value) in cases {
        let quoted = format!("'{value}'");
        run(&[], &[(variable, value)]).assert_wrong_usage(&[option, &quoted]);
        if variable != "POWTCP_CONFIG" {
            run(&[], &[(variable, value)]).assert_wrong_usage(&[variable]);
            let file = scratch.file(variable, format!("# a comment\n{variable}={value}\n"));
            let place = format!("{file}:2");
            run(&["--config", &file], &[]).assert_wrong_usage(&[option, &place, &quoted]);
        }
    }
}

#[test]
fn an_unknown_key_with_our_prefix_in_a_file_is_refused_with_its_line() {
    let scratch = Scratch::new();
    for (key, line) in [
        ("POWTCP_MAX_BIT", "POWTCP_MAX_BIT=8"),
        ("POWTCP_", "POWTCP_=8"),
        ("POWTCP_THREAD", "POWTCP_THREAD=1"),
        ("THREADS", "THREADS=1"),
        ("export POWTCP_THREADS", "export POWTCP_THREADS=1"),
        ("powtcp_threads", "powtcp_threads=1"),
        ("no equals sign", "no equals sign"),
    ] {
        let file = scratch.file("settings", format!("POWTCP_THREADS=1\n{line}\n"));
        let place = format!("{file}:2");
        run(&["--config", &file], &[]).assert_wrong_usage(&["--config", &place, key]);
    }
}

#[test]
fn a_file_may_serve_the_server_too() {
    let scratch = Scratch::new();
    let server = server("paid");
    let text = format!("POWTCP_LISTEN=:8080\nPOWTCP_BITS=30\nPOWTCP_SERVER=\"{server}\"\n");
    let file = scratch.file("settings", text);
    run(&["--config", &file], &[("POWTCP_TTL", "9s")]).assert_printed("paid");
    run(&["--config", &file], &[("POWTCP_LISTEN", ":8080")]).assert_printed("paid");
}

#[test]
fn joined_switches_and_the_end_of_the_options_are_accepted() {
    let server = server("paid");
    let outcome = run(&["-qt1", "--", &server], &[]);
    outcome.assert_printed("paid");
    outcome.assert_silent_success();
    run(&["-qv", &server], &[]).assert_wrong_usage(&["--quiet", "--verbose"]);
}

#[test]
fn a_variable_of_a_container_platform_is_a_warning_unless_quiet() {
    let server = server("paid");
    let foreign = [("POWTCP_PORT", "tcp://10.0.0.1:80")];
    let outcome = run(&[&server], &foreign);
    outcome.assert_printed("paid");
    assert!(outcome.stderr[0].contains("'POWTCP_PORT'"), "{outcome:?}");
    let outcome = run(&["--quiet", &server], &foreign);
    outcome.assert_printed("paid");
    outcome.assert_silent_success();
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let scratch = Scratch::new();
    let binary = scratch.file("binary", b"POWTCP_SERVER=\xff\n");
    for file in ["/nonexistent/settings", "/", &binary] {
        run(&["--config", file], &[]).assert_wrong_usage(&["--config", file]);
    }
}
