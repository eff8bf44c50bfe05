//! Finds the addresses of a name, within a time limit.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Instant;

use crate::cancel::Cancel;
use crate::connect::{on_a_thread, wait_for};
use crate::error::PayError;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// A name, or an address without brackets. An IPv6 address may end with `%` and the name or the
    /// number of an interface (RFC 4007, 11).
    host: String,
    port: u16,
}

impl Target {
    /// Parses `HOST:PORT`. An IPv6 address has to be in brackets. The name is not looked up.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| is_port && *port > 0)?;
        let is_host = match bracketed {
            Some(host) => host.contains(':'),
            None => !host.is_empty() && !host.contains([':', '[', ']']),
        };
        let host = bracketed.unwrap_or(host).to_string();
        is_host.then_some(Self { host, port })
    }

    /// Returns the addresses of the host. The lookup of a name may take until `deadline`; then its
    /// thread is abandoned.
    ///
    /// # Errors
    /// The inner error is that of the resolver; its kind is [`ErrorKind::TimedOut`] after `deadline`.
    /// The outer error is [`PayError::Cancelled`].
    pub(crate) fn addresses(
        &self,
        deadline: Instant,
        cancel: &Cancel,
    ) -> Result<io::Result<Vec<SocketAddr>>, PayError> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(Ok(vec![SocketAddr::new(ip, self.port)]));
        }
        let target = self.clone();
        in_time(move || target.look_up(), deadline, cancel)
    }

    /// Asks the system's resolver. It also knows the names of interfaces in addresses.
    fn look_up(&self) -> io::Result<Vec<SocketAddr>> {
        let found = (self.host.as_str(), self.port).to_socket_addrs()?;
        Ok(found.collect())
    }
}

/// Returns what `look_up` returns, or an error after `deadline`.
fn in_time(
    look_up: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + Clone + 'static,
    deadline: Instant,
    cancel: &Cancel,
) -> Result<io::Result<Vec<SocketAddr>>, PayError> {
    let answers = on_a_thread(look_up);
    let found = wait_for(&answers, deadline, cancel)?;
    Ok(found.unwrap_or_else(|| {
        let text = "the name was not resolved in time";
        Err(io::Error::new(ErrorKind::TimedOut, text))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    fn addresses(text: &str) -> io::Result<Vec<SocketAddr>> {
        let deadline = Instant::now() + Duration::from_secs(30);
        let target = Target::parse(text).unwrap();
        target.addresses(deadline, &Cancel::new()).unwrap()
    }

    #[test]
    fn an_address_needs_no_resolver() {
        for text in ["127.0.0.1:80", "[::1]:80", "[2001:db8::7]:65535"] {
            let found = addresses(text).unwrap();
            assert_eq!(found, [text.parse::<SocketAddr>().unwrap()]);
        }
    }

    #[test]
    fn an_interface_in_an_address_has_a_number_or_a_name() {
        let numbered = addresses("[fe80::1%1]:80").unwrap();
        assert_eq!(numbered, ["[fe80::1%1]:80".parse::<SocketAddr>().unwrap()]);
        // The loopback interface has this name on Linux.
        let Ok(index) = std::fs::read_to_string("/sys/class/net/lo/ifindex") else {
            return;
        };
        let numbered = format!("[fe80::1%{}]:80", index.trim());
        let named = addresses("[fe80::1%lo]:80").unwrap();
        assert_eq!(named, [numbered.parse::<SocketAddr>().unwrap()]);
        assert!(addresses("[fe80::1%none]:80").is_err());
    }

    #[test]
    fn a_lookup_is_given_up_at_its_deadline() {
        let (end, wait) = channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        let resolver = move || {
            let _ = wait.lock().map(|wait| wait.recv());
            Ok(Vec::new())
        };
        let found = in_time(resolver, Instant::now(), &Cancel::new()).unwrap();
        assert_eq!(found.unwrap_err().kind(), ErrorKind::TimedOut);
        drop(end);
    }

    #[test]
    fn only_a_host_and_a_port_are_a_target() {
        for (text, host, port) in [
            ("host:80", "host", 80),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:65535", "::1", 65_535),
            ("[fe80::1%eth0]:8080", "fe80::1%eth0", 8_080),
        ] {
            let host = host.to_string();
            assert_eq!(Target::parse(text), Some(Target { host, port }));
        }
        for text in [
            "",
            ":",
            "host",
            ":80",
            "host:",
            "host:0",
            "host:65536",
            "host:+1",
            "host:-1",
            "host:http",
            "::1:80",
            "[]:80",
            "[host]:80",
            "[::1:80",
            "::1]:80",
        ] {
            assert_eq!(Target::parse(text), None, "{text}");
        }
    }
}
