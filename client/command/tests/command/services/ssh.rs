//! sshd behind a gate, and ssh with `powtcp-client --stdio` as its `ProxyCommand`.

use std::fs;
use std::process::Command;

use powtcp_testkit::process::{Program, command};
use powtcp_testkit::scratch::Scratch;
use powtcp_testkit::tools::installed;

use super::{gate, outcome_with_input, start_on_a_free_port, text_of};
use crate::echo::noise;
use crate::support::program::outcome_of;

/// A server of SSH behind a gate, with the keys of both sides.
struct Ssh {
    scratch: Scratch,
    gate: String,
    _sshd: Program,
}

impl Ssh {
    /// Starts a server. Returns `None` if a program is missing.
    #[track_caller]
    fn start() -> Option<Self> {
        let (sshd, keygen) = (installed("sshd")?, installed("ssh-keygen")?);
        installed("ssh")?;
        let scratch = Scratch::new();
        for key in ["host", "user"] {
            let path = scratch.path().join(key);
            let mut keygen = command(keygen.get_program(), &["-q", "-t", "ed25519", "-N", ""]);
            keygen.arg("-f").arg(path);
            text_of(keygen);
        }
        let host_key = fs::read_to_string(scratch.path().join("host.pub")).expect("a key");
        scratch.file("known_hosts", format!("gate {host_key}"));
        // A service manager creates this directory. Only root needs it, and root can create it.
        let _ = fs::create_dir("/run/sshd");
        let on = |port| {
            let config = scratch.file("sshd_config", config(&scratch, port));
            command(sshd.get_program(), &["-D", "-e", "-f", &config])
        };
        let (sshd, port) = start_on_a_free_port(on, "Server listening on");
        Some(Self {
            gate: gate(&format!("127.0.0.1:{port}")),
            scratch,
            _sshd: sshd,
        })
    }

    /// Returns an ssh that runs `remote` at the server.
    fn run(&self, remote: &str) -> Command {
        let directory = self.scratch.path().display();
        let client = env!("CARGO_BIN_EXE_powtcp-client");
        let (host, port) = self.gate.rsplit_once(':').expect("an address with a port");
        let mut ssh = command("ssh", &["-F", "/dev/null", "-p", port]);
        for option in [
            format!("ProxyCommand='{client}' -q --stdio %h:%p"),
            format!("IdentityFile={directory}/user"),
            format!("UserKnownHostsFile={directory}/known_hosts"),
            "HostKeyAlias=gate".into(),
            "IdentitiesOnly=yes".into(),
            "StrictHostKeyChecking=yes".into(),
            "BatchMode=yes".into(),
        ] {
            ssh.args(["-o", &option]);
        }
        ssh.args([host, remote]).env("SHELL", "/bin/sh");
        ssh
    }
}

fn config(scratch: &Scratch, port: u16) -> String {
    let directory = scratch.path().display();
    format!(
        "ListenAddress 127.0.0.1\n\
         Port {port}\n\
         HostKey {directory}/host\n\
         AuthorizedKeysFile {directory}/user.pub\n\
         PidFile none\n\
         StrictModes no\n\
         UsePAM no\n"
    )
}

#[test]
fn ssh_runs_a_command_and_returns_its_exit_status() {
    let Some(ssh) = Ssh::start() else { return };
    let outcome = outcome_of(ssh.run("echo out; echo err >&2; exit 7"));
    assert_eq!(outcome.status, Some(7), "{outcome:?}");
    assert_eq!(outcome.text(), "out\n", "{outcome:?}");
    assert_eq!(outcome.stderr, ["err"]);
}

#[test]
fn ssh_copies_50_megabytes_both_ways() {
    let Some(ssh) = Ssh::start() else { return };
    let bytes = noise(50_000_000);
    let input = ssh.scratch.file("input", &bytes);
    let outcome = outcome_with_input(ssh.run("cat"), &input);
    let ended = (outcome.status, outcome.stderr_text());
    assert_eq!(ended, (Some(0), String::new()));
    let len = outcome.stdout.len();
    assert!(outcome.stdout == bytes, "{len} bytes arrived");
}

/// The parent of a remote command is the process of sshd that holds the connection.
#[test]
fn ssh_notices_a_lost_connection() {
    let Some(ssh) = Ssh::start() else { return };
    // ssh has the same status if the login fails.
    let has_run = ssh.scratch.path().join("has_run");
    let remote = format!("echo > {}; kill -KILL $PPID", has_run.display());
    let outcome = outcome_of(ssh.run(&remote));
    assert_eq!(outcome.status, Some(255), "{outcome:?}");
    assert!(has_run.exists(), "{outcome:?}");
}
