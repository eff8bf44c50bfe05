//! The listening sockets of the service: one for each address that a name was resolved to.

use std::io;
use std::net::SocketAddr;

use libc::{EADDRNOTAVAIL, EAFNOSUPPORT};
use mio::Registry;

use super::acceptor::{Accepted, Acceptor, PortUse};
use super::token::{MAX_LISTENERS, Token};

/// At least one listening socket.
#[derive(Debug)]
pub struct Acceptors {
    acceptors: Vec<Acceptor>,
    /// The one that is asked first. It rotates, so that a flood of one address does not starve another.
    next: usize,
}

impl Acceptors {
    /// Listens on all of `addresses`. Addresses that this machine does not have are returned with their
    /// errors, as long as there is another: `localhost` is `::1` too where the kernel has no IPv6.
    ///
    /// # Errors
    /// The operating system's, such as an address that is in use, with the address.
    pub fn bind(
        addresses: &[SocketAddr],
        port_use: PortUse,
        registry: &Registry,
    ) -> io::Result<(Self, Vec<(SocketAddr, io::Error)>)> {
        if addresses.len() > MAX_LISTENERS {
            let text = format!("cannot listen on more than {MAX_LISTENERS} addresses");
            return Err(io::Error::other(text));
        }
        let (mut acceptors, mut absent) = (Vec::new(), Vec::new());
        for &address in addresses {
            let token = Token::Listener(acceptors.len());
            match Acceptor::bind(address, port_use, registry, token.into()) {
                Ok(acceptor) => acceptors.push(acceptor),
                Err(error) if is_absent(&error) => absent.push((address, error)),
                Err(error) => return Err(listen_error(address, &error)),
            }
        }
        match absent.first() {
            Some((address, error)) if acceptors.is_empty() => Err(listen_error(*address, error)),
            _ => Ok((Self { acceptors, next: 0 }, absent)),
        }
    }

    /// Returns the addresses, with the real ports.
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        let addresses = self.acceptors.iter().map(Acceptor::local_addr);
        addresses.filter_map(Result::ok).collect()
    }

    /// Notes that the backlog of one may hold connections.
    pub fn wake(&mut self, index: usize) {
        if let Some(acceptor) = self.acceptors.get_mut(index) {
            acceptor.wake();
        }
    }

    /// Notes that a descriptor was freed.
    pub fn wake_all(&mut self) {
        for acceptor in &mut self.acceptors {
            acceptor.wake();
        }
    }

    /// Returns whether accepting is paused because descriptors ran out.
    pub fn is_starved(&self) -> bool {
        self.acceptors.iter().any(Acceptor::is_starved)
    }

    /// Returns whether [`Acceptors::accept`] is worth calling.
    pub fn is_ready(&self) -> bool {
        self.acceptors.iter().any(Acceptor::is_ready)
    }

    /// Accepts the next connection. `Empty` is about one backlog: others may hold connections while
    /// [`Acceptors::is_ready`].
    ///
    /// # Errors
    /// A listening socket itself is unusable.
    pub fn accept(&mut self) -> io::Result<Accepted> {
        let was_starved = self.is_starved();
        let (before, after) = self.acceptors.split_at_mut(self.next);
        let mut rotated = after.iter_mut().chain(before).enumerate();
        let Some((steps, acceptor)) = rotated.find(|(_, acceptor)| acceptor.is_ready()) else {
            return Ok(Accepted::Empty { resumed: false });
        };
        let accepted = acceptor.accept()?;
        self.next = (self.next + steps + 1) % self.acceptors.len();
        // An episode of failures is one of the process, not of one socket.
        Ok(match accepted {
            Accepted::Exhausted { is_new, error } => Accepted::Exhausted {
                is_new: is_new && !was_starved,
                error,
            },
            Accepted::Empty { resumed } => Accepted::Empty {
                resumed: resumed && !self.is_starved(),
            },
            Accepted::Connection(..) => accepted,
        })
    }

    /// Re-registers the listeners, so that the next poll reports the backlogs that were not drained.
    ///
    /// # Errors
    /// The operating system's.
    pub fn rearm(&mut self, registry: &Registry) -> io::Result<()> {
        for acceptor in &mut self.acceptors {
            if acceptor.is_ready() {
                acceptor.rearm(registry)?;
            }
        }
        Ok(())
    }
}

/// Adds the address to an error.
pub fn listen_error(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
}

/// Returns whether this machine does not have the address.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(EADDRNOTAVAIL | EAFNOSUPPORT))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use mio::Poll;

    use super::*;

    fn bind(addresses: &[&str]) -> io::Result<(Acceptors, Vec<(SocketAddr, io::Error)>)> {
        let poll = Poll::new()?;
        let addresses: Vec<_> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Acceptors::bind(&addresses, PortUse::Exclusive, poll.registry())
    }

    #[test]
    fn addresses_are_asked_in_rotation() {
        let (mut acceptors, absent) = bind(&["127.0.0.1:0", "127.0.0.2:0"]).unwrap();
        assert!(absent.is_empty());
        let addresses = acceptors.local_addrs();
        let clients: Vec<_> = [0, 0, 0, 1]
            .map(|index: usize| TcpStream::connect(addresses[index]).unwrap())
            .into();
        assert!(!acceptors.is_ready());
        acceptors.wake_all();
        let mut accepted = Vec::new();
        while acceptors.is_ready() {
            if let Accepted::Connection(_, client) = acceptors.accept().unwrap() {
                let is_it = |socket: &TcpStream| socket.local_addr().unwrap() == client;
                accepted.push(clients.iter().position(is_it).unwrap());
            }
        }
        assert_eq!(accepted, [0, 3, 1, 2]);
        acceptors.wake(1);
        assert!(acceptors.is_ready());
        assert!(matches!(acceptors.accept(), Ok(Accepted::Empty { .. })));
        assert!(!acceptors.is_ready());
    }

    #[test]
    fn an_address_of_another_machine_is_no_reason_to_give_up_the_others() {
        // RFC 5737 reserves this address for examples, so this machine does not have it.
        let foreign = "192.0.2.1:0";
        let (acceptors, absent) = bind(&[foreign, "127.0.0.1:0"]).unwrap();
        assert_eq!(acceptors.local_addrs().len(), 1);
        assert_eq!(absent[0].0.to_string(), foreign);
        let error = bind(&[foreign]).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot listen on 192.0.2.1:0: "),
            "{error}"
        );
        let many = ["127.0.0.1:0"; MAX_LISTENERS + 1];
        assert!(bind(&many).is_err());
    }
}
