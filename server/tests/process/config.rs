//! Guards the sources of options: a flag beats the environment, and the environment beats the file. Guards
//! also the format of a file of options and of one of resources.

use powtcp_testkit::scratch::Scratch;

use crate::support::client::Client;
use crate::support::server::{command, field, outcome_of, serve, serve_command};

/// The length of the longest resource.
const LONGEST: usize = 65_533;

/// Returns the difficulty that a server logs.
fn bits(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = command(arguments);
    command
        .env("POWTCP_LISTEN", "127.0.0.1:0")
        .envs(environment.iter().copied());
    let server = serve_command(command);
    let line = &server.log()[0];
    field(line, "bits").to_string()
}

#[test]
fn a_flag_beats_the_environment_and_the_environment_the_file() {
    let scratch = Scratch::new();
    let nine = scratch.file("nine.conf", "POWTCP_BITS=9\n");
    assert_eq!(bits(&[], &[]), "20");
    assert_eq!(bits(&["--config", &nine], &[]), "9");
    assert_eq!(bits(&[], &[("POWTCP_CONFIG", &nine)]), "9");
    assert_eq!(bits(&["--config", &nine], &[("POWTCP_BITS", "10")]), "10");
    for flag in [
        &["--bits", "11"][..],
        &["--bits=11"],
        &["-b", "11"],
        &["-b11"],
        &["-b11", "--"],
    ] {
        let arguments = [&["--config", &nine], flag].concat();
        assert_eq!(bits(&arguments, &[("POWTCP_BITS", "10")]), "11");
    }
    let ten = scratch.file("ten.conf", "POWTCP_BITS=10\n");
    let environment = [("POWTCP_CONFIG", ten.as_str())];
    assert_eq!(bits(&["--config", &nine], &environment), "9");
}

#[test]
fn a_file_may_hold_comments_blank_lines_and_variables_of_other_programs() {
    let scratch = Scratch::new();
    let text = "# difficulty\n\nPATH=/usr/bin\r\n POWTCP_BITS = 7 \r\n#POWTCP_BITS=8\n";
    let path = scratch.file("powtcp.conf", text);
    assert_eq!(bits(&["--config", &path], &[]), "7");
}

#[test]
fn a_byte_order_mark_is_skipped_and_quotes_around_a_value_are_removed() {
    let scratch = Scratch::new();
    for text in [
        "\u{feff}POWTCP_BITS=7\n",
        "POWTCP_BITS=\"7\"",
        "POWTCP_BITS='7'\r\n",
        "\u{feff}# a comment\nPOWTCP_BITS = \"7\"\n",
    ] {
        let path = scratch.file("powtcp.conf", text);
        assert_eq!(bits(&["--config", &path], &[]), "7", "{text:?}");
    }
}

#[test]
fn an_empty_value_counts_as_not_set() {
    let scratch = Scratch::new();
    let nine = scratch.file("nine.conf", "POWTCP_BITS=9\n");
    assert_eq!(bits(&[], &[("POWTCP_BITS", "")]), "20");
    assert_eq!(bits(&["--config", &nine], &[("POWTCP_BITS", "")]), "9");
    assert_eq!(
        bits(&[], &[("POWTCP_CONFIG", ""), ("POWTCP_CHECK", "")]),
        "20"
    );
    for text in [
        "POWTCP_BITS=\n",
        "POWTCP_BITS=\"\"\n",
        "POWTCP_BITS=9\nPOWTCP_BITS=''\n",
    ] {
        let path = scratch.file("empty.conf", text);
        assert_eq!(bits(&["--config", &path], &[]), "20", "{text:?}");
        assert_eq!(bits(&["--config", &path], &[("POWTCP_BITS", "8")]), "8");
    }
}

#[test]
fn a_file_may_serve_the_client_and_the_load_test_too() {
    let scratch = Scratch::new();
    let text = "POWTCP_SERVER=a:1\nPOWTCP_MAX_BITS=9\nPOWTCP_ATTACK=all\nPOWTCP_BITS=7\n";
    let path = scratch.file("powtcp.conf", text);
    assert_eq!(bits(&["--config", &path], &[("POWTCP_QUIET", "1")]), "7");
}

#[test]
fn a_variable_that_is_almost_ours_is_refused_with_the_right_one() {
    for (name, right) in [
        ("POWTCP_BIT", "POWTCP_BITS"),
        ("POWTCP_BITTS", "POWTCP_BITS"),
        ("powtcp_bits", "POWTCP_BITS"),
        ("POWTCP_Listen", "POWTCP_LISTEN"),
        ("POWTCP_MAXBITS", "POWTCP_MAX_BITS"),
    ] {
        let mut command = command(&["--listen", "127.0.0.1:0"]);
        command.env(name, "24");
        let outcome = outcome_of(command);
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        let complaint = &outcome.stderr[0];
        let quoted = format!("'{name}'");
        for part in ["environment", &quoted, right] {
            assert!(complaint.contains(part), "no {part:?} in {complaint:?}");
        }
    }
}

#[test]
fn a_variable_of_a_container_platform_is_a_warning() {
    let mut command = command(&["--listen", "127.0.0.1:0"]);
    let names = [
        "POWTCP_PORT",
        "POWTCP_SERVICE_HOST",
        "POWTCP_PORT_8080_TCP_ADDR",
    ];
    command.envs(names.map(|name| (name, "tcp://10.0.0.1:80")));
    let server = serve_command(command);
    let log = server.log().join("\n");
    for name in names {
        let warning = format!("warning: environment: ignored the variable '{name}'");
        assert!(log.contains(&warning), "no {warning:?} in {log}");
    }
}

#[test]
fn a_file_with_a_mistake_is_refused_with_file_and_line() {
    let scratch = Scratch::new();
    let cases = [
        (
            "POWTCP_BITS=8\nPOWTCP_BIT=9\n",
            2,
            "'POWTCP_BIT', expected POWTCP_BITS",
        ),
        (
            "export POWTCP_BITS=24",
            1,
            "'export POWTCP_BITS', expected POWTCP_BITS",
        ),
        ("\npowtcp_bits=24", 2, "'powtcp_bits', expected POWTCP_BITS"),
        ("BITS=24", 1, "'BITS', expected POWTCP_BITS"),
        (
            "POWTCP_NOPE=24",
            1,
            "'POWTCP_NOPE', expected one of POWTCP_LISTEN, ",
        ),
        ("POWTCP_BITS=\"24\n", 1, "a quote at both ends or at none"),
        (
            "POWTCP_CONFIG=x\n",
            1,
            "'POWTCP_CONFIG' cannot be in a file",
        ),
        ("\n\nPOWTCP_\n", 3, "POWTCP_"),
        ("--bits 8\n", 1, "--bits 8"),
        ("POWTCP_TTL=10\n", 1, "--ttl"),
    ];
    for (text, line, name) in cases {
        let path = scratch.file("powtcp.conf", text);
        let outcome = outcome_of(command(&["--config", &path]));
        assert_eq!(outcome.status, Some(2));
        let place = format!("{path}:{line}");
        let complaint = outcome.stderr_text();
        assert!(complaint.contains(&place), "no {place} in {complaint:?}");
        assert!(complaint.contains(name), "no {name} in {complaint:?}");
    }
    let missing = "/nonexistent/powtcp.conf";
    let outcome = outcome_of(command(&["--config", missing]));
    assert_eq!(outcome.status, Some(2));
    assert!(outcome.stderr_text().contains(missing));
}

#[test]
fn each_resource_of_the_file_is_served() {
    let scratch = Scratch::new();
    let longest = "é".repeat(LONGEST / 2);
    let path = scratch.file("resources", format!("one\r\n\n  two : 2\n{longest}"));
    let server = serve(&["--resources", &path]);
    let mut missing = vec![
        "4:one".to_string(),
        "4:  two : 2".into(),
        format!("4:{longest}"),
    ];
    while !missing.is_empty() {
        let mut client = Client::connect(server.address());
        let puzzle = client.puzzle();
        let answer = client.pay(&puzzle);
        assert_eq!(answer.len(), 1);
        assert!(answer[0] == "4:one" || answer[0] == "4:  two : 2" || answer[0].len() > LONGEST);
        missing.retain(|resource| *resource != answer[0]);
    }
}

#[test]
fn a_bad_file_of_resources_is_refused_with_file_line_and_reason() {
    let scratch = Scratch::new();
    let too_long = [&b"good\n\n"[..], &[b'x'; LONGEST + 1], b"\n"].concat();
    let cases = [
        (&b""[..], "line 1", "no resource"),
        (b"\n  \n\t\r\n", "line 1", "no resource"),
        (b"good\nb\xffd\n", "line 2", "UTF-8"),
        (&too_long, "line 3", "65534"),
    ];
    for (content, line, reason) in cases {
        let path = scratch.file("resources", content);
        let outcome = outcome_of(command(&["--resources", &path]));
        assert_eq!(outcome.status, Some(2));
        let complaint = outcome.stderr_text();
        for part in ["--resources", &path, line, reason] {
            assert!(complaint.contains(part), "no {part:?} in {complaint:?}");
        }
    }
}

#[test]
fn a_missing_file_of_resources_is_refused_with_file_and_reason() {
    let outcome = outcome_of(command(&["--resources", "/nonexistent/resources"]));
    assert_eq!(outcome.status, Some(2));
    let complaint = outcome.stderr_text();
    assert!(
        complaint.contains("'/nonexistent/resources'"),
        "{complaint:?}"
    );
    assert!(complaint.contains("No such file"), "{complaint:?}");
}
