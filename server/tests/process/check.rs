//! Guards `--check`, the line that the server logs at start, warnings about settings that contradict each
//! other, and the file of `--secret`.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use powtcp_server::config::{CLIENT_MAX_BITS, MAX_SECRET_LEN, PROGRAM as OPTIONS};
use powtcp_testkit::process::Program;
use powtcp_testkit::scratch::Scratch;

use crate::support::server::{Outcome, PROGRAM, command, field, outcome_of, serve, serve_command};
use crate::support::tools::{installed, repository_file};

/// Runs the server with `--check` and `arguments`.
#[track_caller]
fn check(arguments: &[&str]) -> Outcome {
    outcome_of(command(&[&["--check"], arguments].concat()))
}

/// Writes a file that only its owner may read.
fn secret_file(scratch: &Scratch, len: usize) -> String {
    let path = scratch.file("secret", vec![b'x'; len]);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a file of ours");
    path
}

#[test]
fn a_check_prints_every_setting_and_ends() {
    let scratch = Scratch::new();
    let text = "POWTCP_BITS='24'\nPOWTCP_METRICS=:9976\nPOWTCP_WHEN_FULL=refuse\n";
    let file = scratch.file("powtcp.conf", text);
    let secret = secret_file(&scratch, 32);
    let resources = scratch.file("resources", "one\ntwo\n");
    let outcome = check(&[
        "--config",
        &file,
        "--secret",
        &secret,
        "--resources",
        &resources,
        "--ttl=90s",
        "-llocalhost:80",
        "--upstream=127.0.0.1:22",
    ]);
    assert_eq!(
        (outcome.status, outcome.stderr.len()),
        (Some(0), 0),
        "{outcome:?}"
    );
    let text = outcome.text();
    let lines: BTreeSet<&str> = text.lines().collect();
    for line in [
        "listen=localhost:80",
        "metrics=:9976",
        "bits=24",
        "ttl=90s",
        "when_full=refuse",
        "secret=file",
        "resources=2",
        "max_connections=10000",
    ] {
        assert!(lines.contains(line), "no {line} in {outcome:?}");
    }
    let keys: BTreeSet<_> = lines
        .iter()
        .filter_map(|line| line.split('=').next())
        .collect();
    let rows = OPTIONS.markdown_rows();
    let options: BTreeSet<String> = rows
        .iter()
        .filter_map(|row| row.split("--").nth(1)?.split([' ', '`']).next())
        .filter(|name| !["config", "check"].contains(name))
        .map(|name| name.replace('-', "_"))
        .collect();
    assert_eq!(keys, options.iter().map(String::as_str).collect());
}

#[test]
fn a_check_finds_what_is_wrong() {
    for arguments in [
        &["--bits", "0"][..],
        &["--resources", "/nonexistent"],
        &["--config", "/nonexistent"],
        &["--secret", "/nonexistent"],
    ] {
        let outcome = check(arguments);
        assert_eq!(
            (outcome.status, &*outcome.text()),
            (Some(2), ""),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_check_opens_no_socket() {
    if installed("strace").is_none() {
        return;
    }
    let scratch = Scratch::new();
    let trace = scratch.file("trace", "");
    let strace = ["-f", "-o", &trace, "-e", "trace=network", PROGRAM];
    let server = ["--check", "--listen", "localhost:0", "--metrics", ":0"];
    let command = powtcp_testkit::process::command("strace", &[&strace[..], &server].concat());
    let outcome = Program::start(command).expect("it is installed").finish();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let calls = fs::read_to_string(&trace).expect("a trace");
    assert!(!calls.contains("socket"), "{calls}");
}

#[test]
fn the_start_line_tells_the_effective_settings() {
    let arguments = [
        "--ttl",
        "2m",
        "--max-connections",
        "77",
        "--dialect",
        "powtcp",
    ];
    for format in ["text", "json"] {
        let server = serve(&[&arguments[..], &["--log-format", format]].concat());
        let line = &server.log()[0];
        for (key, value) in [("dialect", "powtcp"), ("ttl", "2m"), ("secret", "drawn")] {
            assert_eq!(field(line, key), value, "{line}");
        }
        let numbers = if format == "text" {
            [" bits=8 ", " max_connections=77 ", " resources=20 "]
        } else {
            [
                "\"bits\":8,",
                "\"max_connections\":77,",
                "\"resources\":20,",
            ]
        };
        for number in numbers {
            assert!(line.contains(number), "no {number} in {line}");
        }
    }
}

#[test]
fn settings_that_contradict_each_other_are_a_warning() {
    let arguments = ["--bits", "40", "--ttl", "1s"];
    let outcome = check(&arguments);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let warnings = outcome.stderr_text();
    let mut server = serve(&arguments);
    server.wait_for("--handshake-timeout");
    let log = server.log().join("\n");
    for part in [
        "--bits 40 is more than",
        "--ttl 1s is less than",
        "--handshake-timeout 10s is more",
    ] {
        let warning = format!("powtcp-server: warning: {part}");
        assert!(warnings.contains(&warning), "no {warning:?} in {warnings}");
        let line = format!(" level=WARN msg=\"{part}");
        assert!(log.contains(&line), "no {line:?} in {log}");
    }
    assert!(check(&[]).stderr.is_empty());
}

#[test]
fn the_hardest_puzzle_without_a_warning_is_what_a_client_accepts() {
    let page = fs::read_to_string(repository_file("client/README.md")).expect("a page");
    let row = format!("| `--max-bits N` | `{CLIENT_MAX_BITS}` |");
    assert!(page.contains(&row), "no {row}");
}

#[test]
fn a_secret_of_the_wrong_length_is_refused_with_its_length() {
    let scratch = Scratch::new();
    for (len, said) in [
        (0, "0 bytes"),
        (31, "31 bytes"),
        (MAX_SECRET_LEN + 1, "65536 bytes"),
    ] {
        let path = secret_file(&scratch, len);
        let outcome = outcome_of(command(&["--secret", &path]));
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        let complaint = outcome.stderr_text();
        for part in ["--secret", &path, said] {
            assert!(complaint.contains(part), "no {part:?} in {complaint:?}");
        }
    }
    assert_eq!(check(&["--secret", "/dev/zero"]).status, Some(2));
    for len in [32, MAX_SECRET_LEN] {
        let path = secret_file(&scratch, len);
        let outcome = check(&["--secret", &path]);
        assert_eq!(
            (outcome.status, outcome.stderr.len()),
            (Some(0), 0),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_secret_that_others_may_read_is_a_warning() {
    let scratch = Scratch::new();
    let path = secret_file(&scratch, 32);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("a file of ours");
    let warning = check(&["--secret", &path]).stderr_text();
    assert!(
        warning.contains("warning: --secret: ") && warning.contains("644"),
        "{warning}"
    );
    let mut credential = command(&["--check", "--secret", &path]);
    credential.env("CREDENTIALS_DIRECTORY", scratch.path());
    assert!(outcome_of(credential).stderr.is_empty());
    let arguments = ["--listen", "127.0.0.1:0", "--secret", &path];
    let mut server = serve_command(command(&arguments));
    assert!(server.wait_for("--secret").contains(" level=WARN "));
}
