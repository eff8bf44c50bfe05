//! A program that uses standard input and output, such as a CTF challenge: socat starts one process per
//! connection, on a Unix socket behind a gate.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use powtcp_testkit::process::Program;
use powtcp_testkit::scratch::Scratch;
use powtcp_testkit::tools::installed;

use super::{gate_to_socket, outcome_with_input, start_service};
use crate::client::client;
use crate::echo::noise;
use crate::support::program::{Expect, Outcome};

/// A program behind socat and a gate.
struct Challenge {
    gate: String,
    scratch: Scratch,
    _socat: Program,
}

impl Challenge {
    /// Starts `program`. Returns `None` if socat is not installed.
    #[track_caller]
    fn start(program: &str) -> Option<Self> {
        let mut socat = installed("socat")?;
        let scratch = Scratch::new();
        let socket = scratch.path().join("challenge.sock");
        let listen = format!("UNIX-LISTEN:{},fork,mode=660", socket.display());
        let program = scratch.file("challenge", program);
        make_executable(&program);
        // The path has no character that is special to socat.
        let run = format!("EXEC:{program}");
        // Without `-t`, socat ends half a second after the end of one direction.
        socat.args(["-d", "-d", "-t", "30", &listen, &run]);
        Some(Self {
            _socat: start_service(socat, "listening on"),
            gate: gate_to_socket(&socket),
            scratch,
        })
    }

    /// Sends `input` to the program and the end of the stream.
    #[track_caller]
    fn play(&self, input: impl AsRef<[u8]>) -> Outcome {
        let input = self.scratch.file("input", input);
        outcome_with_input(client(&["-q", "--stdio", &self.gate]), &input)
    }
}

#[track_caller]
fn make_executable(path: &str) {
    let permissions = Permissions::from_mode(0o755);
    fs::set_permissions(path, permissions).expect("a file of this test");
}

#[test]
fn a_program_answers_the_lines_of_its_player() {
    let program = "#!/bin/sh\n\
        while read -r guess; do\n\
        if [ \"$guess\" = 42 ]; then echo 'the flag'; exit; fi\n\
        echo wrong\n\
        done\n";
    let Some(challenge) = Challenge::start(program) else {
        return;
    };
    // One process per connection: the first player changes nothing for the second one.
    for (input, expected) in [
        ("41\n42\nignored\n", "wrong\nthe flag\n"),
        ("43\n", "wrong\n"),
    ] {
        let outcome = challenge.play(input);
        outcome.assert_silent_success();
        assert_eq!(outcome.text(), expected);
    }
}

/// The program writes nothing before the end of its input.
#[test]
fn a_program_that_waits_for_the_end_answers_after_a_half_close() {
    let Some(challenge) = Challenge::start("#!/bin/sh\nwc -c\n") else {
        return;
    };
    let outcome = challenge.play(noise(4_000_000));
    outcome.assert_silent_success();
    assert_eq!(outcome.text().trim(), "4000000");
}
