//! Guards the fail2ban filter and jail: fail2ban finds those who earned a refusal in the server's own
//! log, and nobody else, whatever they wrote into it.

mod support;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::symlink;
use std::path::Path;

use powtcp_common::refusal::Refusal;
use support::client::{Client, assert_served};
use support::fail2ban::{forgeries, found};
use support::scratch::Scratch;
use support::server_process::{ServerProcess, command};
use support::solving::wrong_line;
use support::tools::{installed, repository_file, succeed};

/// The whole log of a server of its own, while `act` goes on with a client from `source`.
fn log_of(source: IpAddr, arguments: &[&str], act: impl FnOnce(&mut Client)) -> Vec<String> {
    let server = ServerProcess::start(arguments);
    act(&mut Client::connect_from(source, server.address()));
    server.stop().log
}

/// The log of a server that answers `bytes` with `refusal` alone.
fn log_of_refusal(
    source: IpAddr,
    arguments: &[&str],
    bytes: &[u8],
    refusal: Refusal,
) -> Vec<String> {
    log_of(source, arguments, |client| {
        client.send(bytes);
        assert_eq!(client.rest(), [format!("0:{refusal}")]);
    })
}

/// The addresses 127.0.0.2, 127.0.0.3 and so on.
fn sources() -> impl Iterator<Item = IpAddr> {
    (2..=u8::MAX).map(|last| IpAddr::from(Ipv4Addr::new(127, 0, 0, last)))
}

#[test]
fn whoever_earns_a_refusal_is_found() {
    let mut sources = sources();
    let mut expected = Vec::new();
    let mut log = Vec::new();
    let mut provoke = |arguments: &[&str], bytes: &[u8], refusal| {
        let source = sources.next().unwrap();
        expected.push(source.to_string());
        log.extend(log_of_refusal(source, arguments, bytes, refusal));
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
        assert_eq!(client.rest(), ["0:hashcash header not correct"]);
    }));
    let source = sources.next().unwrap();
    expected.push(source.to_string());
    log.extend(log_of(source, &["--max-puzzles", "2"], |client| {
        client.send("1:\n1:\n1:\n");
        let answers = client.rest();
        assert_eq!(answers[2..], ["0:too many puzzles requested"]);
    }));
    let server = ServerProcess::start_command(command(&["--listen", "[::1]:0"]));
    expected.push("::1".to_string());
    let mut client = Client::connect(server.address());
    client.send("hello\n");
    assert_eq!(client.rest(), ["0:incorrect message format"]);
    log.extend(server.stop().log);

    if let Some(found) = found(&log, "normal") {
        assert_eq!(found, expected, "{log:#?}");
    }
}

#[test]
fn nobody_is_found_for_what_is_no_offence() {
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
        assert_eq!(client.rest(), ["0:hashcash expiration exceeded"]);
    }));

    // There is no room: whoever of the two is told so.
    let server = ServerProcess::start(&["--max-connections", "1", "--shutdown-timeout", "0s"]);
    let mut first = Client::connect_from(source(), server.address());
    first.puzzle();
    let mut second = Client::connect_from(source(), server.address());
    second.finish_sending();
    second.rest();
    log.extend(server.stop().log);

    let mut server = ServerProcess::start(&["--log-level", "debug"]);
    let mut client = Client::connect_from(source(), server.address());
    server.wait_for("connection accepted");
    server.signal("TERM");
    assert_eq!(client.rest(), ["0:server is shutting down"]);
    log.extend(server.wait().log);

    // So many lines that some are left out, which is told in a line of its own.
    log.extend(log_of(source(), &["--max-puzzles", "300"], |client| {
        client.send("1:\n".repeat(300));
        assert!((0..300).all(|_| client.line().starts_with("2:")));
        client.finish_sending();
        assert!(client.rest().is_empty());
    }));
    let is_summary = |line: &String| line.contains("log lines left out");
    assert!(log.iter().any(is_summary), "{log:#?}");

    if let Some(found) = found(&log, "normal") {
        assert!(found.is_empty(), "{found:?} in {log:#?}");
    }
    if let Some(found) = found(&log, "aggressive") {
        assert_eq!(found, [slow.to_string()], "{log:#?}");
    }
}

#[test]
fn a_forged_line_counts_for_its_sender_alone() {
    let mut expected = Vec::new();
    let mut log = Vec::new();
    for (forgery, source) in forgeries().zip(sources()) {
        let line = format!("{forgery}\n");
        let lines = log_of_refusal(source, &[], line.as_bytes(), Refusal::IncorrectMessage);
        let whole = |line: &String| line.contains("timeout exceeded\\\"");
        assert!(lines.iter().any(whole), "cut short: {lines:#?}");
        log.extend(lines);
        expected.push(source.to_string());
    }
    // A line of its own, which the protocol allows, is one that comes after the refusal.
    let source = IpAddr::from(Ipv4Addr::new(127, 0, 1, 1));
    let line = format!("9:\n{}\n", forgeries().next().unwrap());
    let refusal = Refusal::IncorrectMessage;
    log.extend(log_of_refusal(source, &[], line.as_bytes(), refusal));
    expected.push(source.to_string());

    if let Some(found) = found(&log, "aggressive") {
        assert_eq!(found, expected, "{log:#?}");
    }
}

#[test]
fn fail2ban_takes_the_jail() {
    let Some(mut client) = installed("fail2ban-client") else {
        return;
    };
    // The program's own configuration, with no filter and no jail but ours.
    let scratch = Scratch::new();
    for entry in fs::read_dir("/etc/fail2ban").expect("the configuration of fail2ban") {
        let name = entry.expect("a directory that can be read").file_name();
        let shown = name.to_string_lossy();
        let is_default = !matches!(&*shown, "filter.d" | "jail.d") && !shown.ends_with(".local");
        if is_default {
            let theirs = Path::new("/etc/fail2ban").join(&name);
            symlink(theirs, scratch.path().join(&name)).expect("a name that is free");
        }
    }
    for name in ["filter.d", "jail.d"] {
        let ours = repository_file(&format!("scripts/fail2ban/{name}"));
        symlink(ours, scratch.path().join(name)).expect("a name that is free");
    }
    let (commands, _) = succeed(client.arg("-c").arg(scratch.path()).arg("-d"));
    let has = |command: &str| assert!(commands.contains(command), "no {command} in {commands}");
    has("['add', 'powtcp', 'systemd']");
    has("['set', 'powtcp', 'addjournalmatch', '_SYSTEMD_UNIT=powtcp-server.service']");
    has("['start', 'powtcp']");
    assert_eq!(commands.matches("'addfailregex'").count(), 1, "{commands}");
}
