//! Guards that an RST ends its own connection only, in whatever state it is: its slot is freed, and the
//! server continues to serve.

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::{Client, assert_served};
use crate::support::messages::{CLOSED, SHUTTING_DOWN};
use crate::support::server::{ServerProcess, field, serve};
use crate::support::solving::right_line;

/// What a client has done before it resets its connection: a description, and the steps.
type State = (&'static str, fn(&mut Client));

const STATES: [State; 8] = [
    ("nothing", |_| {}),
    ("sent a part of its request", |client| client.send("1:")),
    ("got a puzzle", |client| {
        client.puzzle();
    }),
    ("left a puzzle unread", |client| client.send("1:\n1:\n1:\n")),
    ("sent a part of a stamp", |client| {
        let line = right_line(&client.puzzle());
        client.send(&line[..line.len() / 2]);
    }),
    ("left a resource unread", |client| {
        let line = right_line(&client.puzzle());
        client.send(line);
    }),
    ("read a refusal", |client| {
        client.send("9:\n");
        assert_eq!(client.line(), refusal(Refusal::IncorrectMessage));
    }),
    ("ended its stream", |client| {
        client.puzzle();
        client.finish_sending();
    }),
];

#[test]
fn a_reset_in_every_state_frees_the_slot_and_harms_no_other_client() {
    let mut server = serve(&["--log-level", "debug"]);
    for (state, act) in STATES {
        let mut witness = Client::connect(server.address());
        let puzzle = witness.puzzle();
        for _ in 0..5 {
            let mut client = Client::connect(server.address());
            act(&mut client);
            let address = client.address().to_string();
            client.reset();
            wait_for_close(&mut server, &address);
        }
        let answers = witness.pay(&puzzle);
        assert!(answers[0].starts_with("4:"), "{state}: {answers:?}");
        wait_for_close(&mut server, &witness.address().to_string());
        Client::connect(server.address()).handshake();
    }
    server.signal("TERM");
    let line = server.wait_for(SHUTTING_DOWN);
    assert_eq!(field(&line, "connections"), "0", "{line}");
    assert_eq!(server.finish().status, Some(0));
}

#[test]
fn many_resets_at_once_harm_no_other_client() {
    let server = serve(&[]);
    let mut clients: Vec<Client> = (0..160)
        .map(|_| Client::connect(server.address()))
        .collect();
    for (client, (_, act)) in clients.iter_mut().zip(STATES.iter().cycle()) {
        act(client);
    }
    clients.into_iter().for_each(Client::reset);
    for _ in 0..20 {
        Client::connect(server.address()).handshake();
    }
    assert_eq!(server.stop().unwrap().status, Some(0));
}

#[test]
fn resets_before_the_server_accepts_harm_no_other_client() {
    let server = serve(&[]);
    let mut witness = Client::connect(server.address());
    let puzzle = witness.puzzle();
    // While the server is stopped, the connections collect in its backlog.
    server.signal("STOP");
    for bytes in ["", "1:", "1:\n", "9:\n"].repeat(5) {
        let mut client = Client::connect(server.address());
        client.send(bytes);
        client.reset();
    }
    server.signal("CONT");
    assert_served(&witness.pay(&puzzle));
    Client::connect(server.address()).handshake();
    assert_eq!(server.stop().unwrap().status, Some(0));
}

/// Waits until the server logs that the connection of `client` is closed.
fn wait_for_close(server: &mut ServerProcess, client: &str) {
    let is_logged = |line: &String| line.contains(CLOSED) && field(line, "client") == client;
    if !server.log().iter().any(is_logged) {
        while field(&server.wait_for(CLOSED), "client") != client {}
    }
}
