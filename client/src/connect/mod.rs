//! Connects to a server, whose name can stand for several addresses.

mod lookup;
mod order;
mod race;

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::cancel::{Cancel, TICK};
use crate::error::PayError;
use lookup::Target;

/// Connects to `server`, `HOST:PORT`, and returns the address that accepted the connection. Tries
/// `first` before all other addresses, even if the name no longer stands for it. All of this
/// together takes at most `timeout`, the lookup of the name included.
///
/// # Errors
/// [`PayError::BadAddress`], [`PayError::Lookup`], [`PayError::Connect`] with the errors of all
/// addresses, or [`PayError::Cancelled`].
pub(crate) fn connect(
    server: &str,
    first: Option<SocketAddr>,
    timeout: Duration,
    cancel: &Cancel,
) -> Result<(TcpStream, SocketAddr), PayError> {
    cancel.check()?;
    let deadline = Instant::now() + timeout;
    let target = Target::parse(server).ok_or_else(|| PayError::BadAddress(server.to_string()))?;
    let found = match target.addresses(deadline, cancel)? {
        Ok(found) => found,
        // A failed lookup is no reason to give up on an address that is already known.
        Err(_) if first.is_some() => Vec::new(),
        Err(error) => {
            let server = server.to_string();
            return Err(PayError::Lookup { server, error });
        }
    };
    let addresses = order::in_order(first, found);
    let connected = race::race(addresses, open, deadline, cancel)?;
    connected.map_err(|errors| PayError::Connect {
        server: server.to_string(),
        errors,
    })
}

/// Connects to one address.
fn open(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, timeout)?;
    refuse_itself(&stream)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Returns an error if `stream` is connected to itself. A connection to a free port of this machine
/// can get that port as its own and meet itself (RFC 9293, 3.5, simultaneous open).
fn refuse_itself(stream: &TcpStream) -> io::Result<()> {
    if stream.local_addr()? == stream.peer_addr()? {
        let text = "connection refused: it would have reached itself";
        return Err(io::Error::new(ErrorKind::ConnectionRefused, text));
    }
    Ok(())
}

/// Runs `work` on a thread that is abandoned if its result does not come in time, because the system
/// cannot interrupt it. A machine that starts no thread does the work at once.
fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + Clone + 'static,
) -> Receiver<T> {
    let (sender, receiver) = channel();
    let here = (work.clone(), sender.clone());
    let run = move || {
        // The receiver is gone if the result came too late.
        let _ = sender.send(work());
    };
    if thread::Builder::new().spawn(run).is_err() {
        let (work, sender) = here;
        let _ = sender.send(work());
    }
    receiver
}

/// Waits for a result until `end`. Returns `None` if there is none.
///
/// # Errors
/// [`PayError::Cancelled`].
fn wait_for<T>(
    results: &Receiver<T>,
    end: Instant,
    cancel: &Cancel,
) -> Result<Option<T>, PayError> {
    loop {
        cancel.check()?;
        let left = end.saturating_duration_since(Instant::now());
        match results.recv_timeout(left.min(TICK)) {
            Ok(result) => return Ok(Some(result)),
            Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Socket, Type};
    use std::net::{Ipv4Addr, TcpListener};

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn connected_to(server: &str, first: Option<SocketAddr>) -> Result<SocketAddr, PayError> {
        connect(server, first, TIMEOUT, &Cancel::new()).map(|(_, address)| address)
    }

    #[test]
    fn the_preferred_address_is_used_although_the_name_has_another() {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [named, preferred] = listeners.each_ref().map(|l| l.local_addr().unwrap());
        let name = named.to_string();
        assert_eq!(connected_to(&name, None).unwrap(), named);
        assert_eq!(connected_to(&name, Some(preferred)).unwrap(), preferred);
        // No name server is asked for a name with an empty label (RFC 1035, 3.1).
        let unknown = "no..host:80";
        assert_eq!(connected_to(unknown, Some(preferred)).unwrap(), preferred);
        let failed = connected_to(unknown, None);
        assert!(matches!(failed, Err(PayError::Lookup { .. })), "{failed:?}");

        let [_, closed] = listeners;
        drop(closed);
        assert_eq!(connected_to(&name, Some(preferred)).unwrap(), named);
    }

    #[test]
    fn a_connection_to_itself_is_refused() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .unwrap();
        let own = socket.local_addr().unwrap();
        socket.connect(&own).unwrap();
        let refused = refuse_itself(&socket.into()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(open(listener.local_addr().unwrap(), TIMEOUT).is_ok());
    }

    #[test]
    fn a_cancelled_payment_connects_nowhere() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap().to_string();
        let cancel = Cancel::new();
        cancel.cancel();
        let failed = connect(&server, None, TIMEOUT, &cancel);
        assert!(matches!(failed, Err(PayError::Cancelled)), "{failed:?}");
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn a_text_without_a_host_or_a_port_is_no_address() {
        for text in ["", "host", ":80", "host:", "host:0", "::1:80", "host:65536"] {
            let failed = connected_to(text, None);
            assert!(matches!(failed, Err(PayError::BadAddress(_))), "{failed:?}");
        }
    }
}
