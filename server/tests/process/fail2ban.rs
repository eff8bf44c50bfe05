//! Guards the fail2ban filter and jail with logs of a real server: fail2ban finds the clients that
//! misbehaved and no others, whatever bytes a client puts into the log.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::symlink;
use std::path::Path;

use powtcp_common::refusal::Refusal;
use powtcp_testkit::scratch::Scratch;

use crate::support::answers::refusal;
use crate::support::client::{Client, assert_served};
use crate::support::fail2ban::{forgeries, found};
use crate::support::gate::paid;
use crate::support::messages::{ACCEPTED, SUPPRESSED};
use crate::support::server::{command, serve, serve_command};
use crate::support::solving::wrong_line;
use crate::support::tools::{installed, repository_file, succeed};

/// Returns the log of a server that serves one client from `source`, which does what `act` says.
fn log_of(source: IpAddr, arguments: &[&str], act: impl FnOnce(&mut Client)) -> Vec<String> {
    let server = serve(arguments);
    act(&mut Client::connect_from(source, server.address()));
    server.stop().expect("a server that ends").stderr
}

/// Returns the log of a server whose client sends `bytes` and is refused with `why`.
fn log_of_refusal(source: IpAddr, arguments: &[&str], bytes: &[u8], why: Refusal) -> Vec<String> {
    log_of(source, arguments, |client| {
        client.send(bytes);
        assert_eq!(client.rest(), [refusal(why)]);
    })
}

/// Returns the addresses 127.0.0.2, 127.0.0.3 and so on.
fn sources() -> impl Iterator<Item = IpAddr> {
    (2..=u8::MAX).map(|last| IpAddr::from(Ipv4Addr::new(127, 0, 0, last)))
}

#[test]
fn every_misbehaving_client_is_found() {
    let mut sources = sources();
    let mut expected = Vec::new();
    let mut log = Vec::new();
    let mut provoke = |arguments: &[&str], bytes: &[u8], why| {
        let source = sources.next().unwrap();
        expected.push(source.to_string());
        log.extend(log_of_refusal(source, arguments, bytes, why));
    };
    provoke(&[], b"GET / HTTP/1.1\r\n\r\n", Refusal::IncorrectMessage);
    provoke(&[], b"\x16\x03\x01\n", Refusal::IncorrectMessage);
    provoke(&[], &[b'x'; 512], Refusal::MessageTooLong);
    provoke(&[], b"3:no stamp\n", Refusal::StampNotCorrect);
    let stamp = b"3:1:8:261122105400:127.0.0.1/5::abcdefghijklmnop:MA==\n";
    provoke(&[], stamp, Refusal::StampNotFound);
    provoke(
        &["--handshake-timeout", "1ms"],
        b"",
        Refusal::TimeoutExceeded,
    );

    let source = sources.next().unwrap();
    expected.push(source.to_string());
    log.extend(log_of(source, &[], |client| {
        let wrong = wrong_line(&client.puzzle());
        client.send(wrong);
        assert_eq!(client.rest(), [refusal(Refusal::StampNotCorrect)]);
    }));
    let source = sources.next().unwrap();
    expected.push(source.to_string());
    log.extend(log_of(source, &["--max-puzzles", "2"], |client| {
        client.send("1:\n1:\n1:\n");
        let answers = client.rest();
        assert_eq!(answers[2..], [refusal(Refusal::TooManyPuzzles)]);
    }));
    let server = serve_command(command(&["--listen", "[::1]:0"]));
    expected.push("::1".to_string());
    let mut client = Client::connect(server.address());
    client.send("hello\n");
    assert_eq!(client.rest(), [refusal(Refusal::IncorrectMessage)]);
    log.extend(server.stop().unwrap().stderr);

    if let Some(found) = found(&log, "normal") {
        assert_eq!(found, expected, "{log:#?}");
    }
}

#[test]
fn no_client_is_found_for_what_is_not_an_offence() {
    let mut sources = sources();
    let mut source = || sources.next().unwrap();
    let mut log = log_of(source(), &[], |client| {
        let puzzle = client.puzzle();
        assert_served(&client.pay(&puzzle));
    });
    log.extend(log_of(source(), &[], |client| {
        client.finish_sending();
        assert!(client.rest().is_empty());
    }));
    let slow = source();
    log.extend(log_of(slow, &["--ttl", "1ms"], |client| {
        client.puzzle();
        assert_eq!(client.rest(), [refusal(Refusal::PuzzleExpired)]);
    }));

    let arguments = ["--upstream", "unix:/does/not/exist"];
    log.extend(log_of(source(), &arguments, |client| {
        let answer = refusal(Refusal::ServiceUnavailable);
        assert_eq!(paid(client), answer);
    }));

    // There is no room for both: one of the two is refused.
    let server = serve(&["--max-connections", "1", "--shutdown-timeout", "0s"]);
    let mut first = Client::connect_from(source(), server.address());
    first.puzzle();
    let mut second = Client::connect_from(source(), server.address());
    second.finish_sending();
    second.rest();
    log.extend(server.stop().unwrap().stderr);

    let mut server = serve(&["--log-level", "debug"]);
    let mut client = Client::connect_from(source(), server.address());
    server.wait_for(ACCEPTED);
    server.signal("TERM");
    assert_eq!(client.rest(), [refusal(Refusal::ShuttingDown)]);
    log.extend(server.finish().stderr);

    // So many lines that some are suppressed, which the server logs in a line of its own.
    log.extend(log_of(source(), &["--max-puzzles", "300"], |client| {
        client.send("1:\n".repeat(300));
        assert!((0..300).all(|_| client.line().starts_with("2:")));
        client.finish_sending();
        assert!(client.rest().is_empty());
    }));
    let is_summary = |line: &String| line.contains(SUPPRESSED);
    assert!(log.iter().any(is_summary), "{log:#?}");

    if let Some(found) = found(&log, "normal") {
        assert!(found.is_empty(), "{found:?} in {log:#?}");
    }
    if let Some(found) = found(&log, "aggressive") {
        assert_eq!(found, [slow.to_string()], "{log:#?}");
    }
}

#[test]
fn a_forged_line_counts_for_its_sender_only() {
    let mut expected = Vec::new();
    let mut log = Vec::new();
    for (forgery, source) in forgeries().zip(sources()) {
        let line = format!("{forgery}\n");
        let lines = log_of_refusal(source, &[], line.as_bytes(), Refusal::IncorrectMessage);
        let end = format!("{}\\\"", Refusal::TimeoutExceeded.text());
        let whole = |line: &String| line.contains(&end);
        assert!(lines.iter().any(whole), "cut short: {lines:#?}");
        log.extend(lines);
        expected.push(source.to_string());
    }
    // A forgery in a second line arrives after the refusal.
    let source = IpAddr::from(Ipv4Addr::new(127, 0, 1, 1));
    let line = format!("9:\n{}\n", forgeries().next().unwrap());
    let why = Refusal::IncorrectMessage;
    log.extend(log_of_refusal(source, &[], line.as_bytes(), why));
    expected.push(source.to_string());

    if let Some(found) = found(&log, "aggressive") {
        assert_eq!(found, expected, "{log:#?}");
    }
}

#[test]
fn fail2ban_accepts_the_jail() {
    let Some(mut client) = installed("fail2ban-client") else {
        return;
    };
    // The configuration of the program, with our filter and jail in place of all others.
    let scratch = Scratch::new();
    for entry in fs::read_dir("/etc/fail2ban").expect("the configuration of fail2ban") {
        let name = entry.expect("a readable directory").file_name();
        let shown = name.to_string_lossy();
        let is_default = !matches!(&*shown, "filter.d" | "jail.d") && !shown.ends_with(".local");
        if is_default {
            let theirs = Path::new("/etc/fail2ban").join(&name);
            symlink(theirs, scratch.path().join(&name)).expect("a free name");
        }
    }
    for name in ["filter.d", "jail.d"] {
        let ours = repository_file(&format!("scripts/fail2ban/{name}"));
        symlink(ours, scratch.path().join(name)).expect("a free name");
    }
    let (commands, _) = succeed(client.arg("-c").arg(scratch.path()).arg("-d"));
    let has = |command: &str| assert!(commands.contains(command), "no {command} in {commands}");
    has("['add', 'powtcp', 'systemd']");
    has("['set', 'powtcp', 'addjournalmatch', '_SYSTEMD_UNIT=powtcp-server.service']");
    has("['start', 'powtcp']");
    assert_eq!(commands.matches("'addfailregex'").count(), 1, "{commands}");
}
