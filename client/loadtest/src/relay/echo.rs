//! The upstream of the measured gate: it sends back what it receives.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::thread;

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use powtcp_server::net::io::{read, write};
use slab::Slab;

/// Bytes of one read.
const BUFFER_LEN: usize = 256 * 1024;
/// Token of the listener; a connection's is its key in the table.
const LISTENER: Token = Token(usize::MAX);

/// A connection with the bytes that its client does not take yet. Nothing is read before they are sent.
struct Echo {
    socket: TcpStream,
    unsent: Vec<u8>,
}

/// Starts the upstream on a thread, which ends with this process. Returns its address.
///
/// # Errors
/// There is no free port or no descriptor.
pub(super) fn start() -> io::Result<SocketAddr> {
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = listener.local_addr()?;
    let poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    // If the loop fails, its connections close, which the traffic reports.
    thread::Builder::new().spawn(move || serve(poll, &listener))?;
    Ok(address)
}

fn serve(mut poll: Poll, listener: &TcpListener) -> io::Result<()> {
    let mut events = Events::with_capacity(1024);
    let mut echoes = Slab::new();
    let mut buffer = vec![0; BUFFER_LEN];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            if event.token() == LISTENER {
                accept(listener, poll.registry(), &mut echoes)?;
            } else {
                on_event(event, &mut echoes, &mut buffer);
            }
        }
    }
}

fn accept(listener: &TcpListener, registry: &Registry, echoes: &mut Slab<Echo>) -> io::Result<()> {
    loop {
        let mut socket = match listener.accept() {
            Ok((socket, _)) => socket,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        socket.set_nodelay(true)?;
        let entry = echoes.vacant_entry();
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut socket, Token(entry.key()), interest)?;
        entry.insert(Echo {
            socket,
            unsent: Vec::new(),
        });
    }
}

fn on_event(event: &Event, echoes: &mut Slab<Echo>, buffer: &mut [u8]) {
    let key = event.token().0;
    if let Some(echo) = echoes.get_mut(key)
        && !matches!(echo.advance(event.is_read_closed(), buffer), Ok(true))
    {
        echoes.remove(key);
    }
}

impl Echo {
    /// Sends back what there is to read. Returns whether the connection stays open.
    fn advance(&mut self, is_closing: bool, buffer: &mut [u8]) -> io::Result<bool> {
        let sent = write(&mut self.socket, &self.unsent)?;
        self.unsent.drain(..sent);
        if self.unsent.is_empty() {
            self.unsent = Vec::new();
        }
        while self.unsent.is_empty() {
            let Some(len) = read(&mut self.socket, buffer)? else {
                return Ok(true);
            };
            if len == 0 {
                return Ok(false);
            }
            let sent = write(&mut self.socket, &buffer[..len])?;
            self.unsent = buffer[sent..len].to_vec();
            // A short read has emptied the socket (epoll(7), question 9).
            if len < buffer.len() && !is_closing {
                return Ok(true);
            }
        }
        Ok(true)
    }
}
