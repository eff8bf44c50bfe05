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
    for flag in [&["--bits", "11"][..], &["--bits=11"], &["-b", "11"]] {
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
fn a_file_with_a_mistake_is_refused_with_file_and_line() {
    let scratch = Scratch::new();
    let cases = [
        ("POWTCP_BITS=8\nPOWTCP_BIT=9\n", 2, "POWTCP_BIT"),
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
