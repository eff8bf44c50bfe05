//! Payments that succeed, and what is left of them.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use powtcp_client::{PayError, Payer, Progress};

use crate::fake_server::{PATIENCE, Peer, result_of, serve};

fn serve_and_talk(peer: &mut Peer) -> String {
    peer.issue(8);
    let stamp = peer.line();
    peer.send("4:Don't Panic.\nbehind ");
    peer.send("the resource");
    stamp
}

#[test]
fn three_lines_pay_and_nothing_behind_the_resource_is_lost() {
    let (server, results) = serve([serve_and_talk]);
    let payer = Payer::new().max_bits(26).threads(2).timeout(PATIENCE);
    let paid = payer.connect(&server).expect("a payment");
    assert_eq!(paid.resource(), b"Don't Panic.");
    let (resource, mut stream, read_ahead) = paid.into_parts();
    assert_eq!(resource, b"Don't Panic.");
    assert!(result_of(&results).starts_with("3:1:8:"));

    let mut behind = String::from_utf8(read_ahead).expect("the text of the script");
    stream.read_to_string(&mut behind).expect("the rest");
    assert_eq!(behind, "behind the resource");
    assert_eq!(stream.read_timeout().ok(), Some(None));
    assert_eq!(stream.write_timeout().ok(), Some(None));
}

#[test]
fn bytes_in_the_segment_of_the_resource_are_read_ahead() {
    let (server, results) = serve([|peer| {
        peer.issue(8);
        peer.line();
        peer.send("4:\r\n\0\nSSH-2.0-x\r\n");
        peer.rest()
    }]);
    let paid = Payer::new().connect(&server).expect("a payment");
    let (resource, stream, read_ahead) = paid.into_parts();
    assert_eq!(resource, b"");
    drop(stream);
    assert_eq!(result_of(&results), "");
    assert_eq!(read_ahead, b"\0\nSSH-2.0-x\r\n");
}

#[test]
fn a_connection_that_is_open_can_be_paid_and_keeps_its_timeouts() {
    let (server, _results) = serve([serve_and_talk]);
    let stream = TcpStream::connect(&server).expect("a server");
    let minute = Some(Duration::from_secs(60));
    stream.set_read_timeout(minute).expect("an option");
    stream.set_nonblocking(true).expect("an option");
    let paid = Payer::new().over(stream).expect("a payment");
    let (resource, stream, _) = paid.into_parts();
    assert_eq!(resource, b"Don't Panic.");
    assert_eq!(stream.read_timeout().ok(), Some(minute));
    assert_eq!(stream.write_timeout().ok(), Some(None));
}

#[test]
fn an_error_on_an_open_connection_is_final() {
    let (server, results) = serve([|peer| {
        peer.line();
        peer.send("0:server is busy\n");
        peer.rest()
    }]);
    let stream = TcpStream::connect(&server).expect("a server");
    let error = Payer::new().retries(9).over(stream).expect_err("a refusal");
    assert!(matches!(&error, PayError::Refused(text) if text == b"server is busy"));
    assert!(error.is_transient());
    assert_eq!(result_of(&results), "");
}

#[test]
fn a_payer_can_be_shared_by_threads() {
    let (server, _results) = serve([serve_and_talk; 4]);
    let payer = Payer::new();
    thread::scope(|scope| {
        let paying: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| payer.connect(&server)))
            .collect();
        for paid in paying {
            let paid = paid.join().expect("no panic").expect("a payment");
            assert_eq!(paid.resource(), b"Don't Panic.");
        }
    });
}

#[test]
fn each_step_is_told() {
    let (server, _results) = serve([serve_and_talk]);
    let steps = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&steps);
    let payer = Payer::new().on_progress(move |progress| {
        let step = match progress {
            Progress::Connected { server, address } => {
                assert_eq!(*server, address.to_string());
                "connected"
            }
            Progress::PuzzleReceived(_) => "puzzle received",
            Progress::Solved(_) => "solved",
            Progress::StampSent(_) => "stamp sent",
            Progress::ResourceReceived(12) => "resource received",
            _ => "other",
        };
        told.lock().expect("no panic").push(step);
    });
    payer.connect(&server).expect("a payment");
    let expected = [
        "connected",
        "puzzle received",
        "solved",
        "stamp sent",
        "resource received",
    ];
    assert_eq!(*steps.lock().expect("no panic"), expected);
}

#[test]
fn a_puzzle_beyond_a_limit_is_refused_in_words_without_options() {
    fn issue_hard(peer: &mut Peer) -> String {
        peer.issue(64);
        peer.rest()
    }
    let (server, results) = serve([issue_hard; 3]);
    let any = Payer::new().max_bits(64);
    // The price of a server can fall again, and the speed of a machine stays the same.
    let payers = [
        (Payer::new().retries(0), true),
        (any.clone(), false),
        (any.solve_timeout(Duration::from_millis(50)), false),
    ];
    for (payer, is_transient) in payers {
        let error = payer.connect(&server).expect_err("a refusal");
        assert!(!error.to_string().contains("--"), "{error}");
        assert_eq!(error.is_transient(), is_transient, "{error}");
        assert_eq!(result_of(&results), "", "{error}");
    }
}

#[test]
fn the_address_of_an_interface_can_have_its_name() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    let payer = Payer::new().retries(0).timeout(Duration::from_millis(100));
    let error = payer.connect(&format!("[fe80::1%lo]:{port}"));
    // The address does not exist, but the name of the interface is no mistake.
    assert!(matches!(error, Err(PayError::Connect { .. })), "{error:?}");
}

#[test]
fn a_stream_begins_with_the_bytes_behind_the_resource_and_ends_with_those_of_the_socket() {
    let (server, results) = serve([serve_and_talk]);
    let paid = Payer::new().timeout(PATIENCE).connect(&server);
    let mut stream = paid.expect("a payment").into_stream();
    let mut first = [0; 1];
    stream.read_exact(&mut first).expect("a byte");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("a stream that ends");
    assert_eq!([&first[..], &rest].concat(), b"behind the resource");
    assert!(stream.read_ahead().is_empty());
    assert!(result_of(&results).starts_with("3:1:8:"));
}

#[test]
fn the_parts_of_a_stream_have_the_bytes_that_were_not_read() {
    let (server, results) = serve([serve_and_talk]);
    let paid = Payer::new().timeout(PATIENCE).connect(&server);
    let mut stream = paid.expect("a payment").into_stream();
    let mut first = [0; 3];
    stream.read_exact(&mut first).expect("bytes");
    let (mut rest, mut socket) = stream.into_parts();
    socket.read_to_end(&mut rest).expect("a stream that ends");
    assert_eq!([&first[..], &rest].concat(), b"behind the resource");
    assert!(result_of(&results).starts_with("3:1:8:"));
}
