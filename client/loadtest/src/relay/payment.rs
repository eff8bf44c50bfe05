//! Pays a gate for one connection. This blocks: no payment is part of a measured time.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use powtcp_common::hashcash::Challenge;
use powtcp_common::message::{Command, MAX_SERVER_LINE, Message};

use crate::honest::exchange::solved;

/// Connects to `gate`, and pays. Returns the connection to its upstream.
///
/// # Errors
/// The connection fails, or the gate refuses; each answer may take `timeout`.
pub(super) fn pay(gate: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(gate)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(timeout))?;
    // The upstream sends nothing first, so the reader takes no byte of its stream.
    let mut answers = BufReader::new(&socket);
    send(&socket, Command::RequestPuzzle, b"")?;
    let puzzle = receive(&mut answers, Command::ResponsePuzzle)?;
    let challenge =
        Challenge::parse(&puzzle).map_err(|error| failure(&format!("bad puzzle: {error}")))?;
    send(&socket, Command::RequestResource, &solved(&challenge))?;
    receive(&mut answers, Command::ResponseResource)?;
    Ok(socket)
}

fn send(mut socket: &TcpStream, command: Command, payload: &[u8]) -> io::Result<()> {
    let mut line = Vec::new();
    Message { command, payload }.write_to(&mut line);
    socket.write_all(&line)
}

/// Reads one message, which must be `expected`, and returns its payload.
fn receive(answers: &mut impl BufRead, expected: Command) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let longest = MAX_SERVER_LINE as u64 + 1;
    answers.take(longest).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\n").ok_or(ErrorKind::UnexpectedEof)?;
    match Message::parse(line) {
        Ok(Message { command, payload }) if command == expected => Ok(payload.to_vec()),
        Ok(Message {
            command: Command::Error,
            payload,
        }) => Err(failure(&payload.escape_ascii().to_string())),
        _ => Err(failure("unexpected message")),
    }
}

fn failure(text: &str) -> io::Error {
    io::Error::other(format!("the gate: {text}"))
}
